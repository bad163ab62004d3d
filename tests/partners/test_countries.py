from decimal import Decimal

import pytest
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from partners.models import CountryEvent, FocalPoint
from tests import make
from tests.reading import without_addresses

pytestmark = pytest.mark.django_db
COUNTRIES = "/api/v1/countries/"
VIETNAM = "/api/v1/countries/VN/"


def row_of(answer, code):
    return next(row for row in answer.json()["results"] if row["code"] == code)


def test_a_country_joins_asean_and_the_iai_on_its_dates(client):
    make.grouping("ASEAN", ["TL"], since="2025-10-26")
    make.beneficiary("TL", "2024-01-01")

    asked = ("2023-12-31", "2025-10-25", "2025-10-26")
    rows = [row_of(client.get(COUNTRIES, {"as_of": day}), "TL") for day in asked]

    assert [(row["is_member"], row["member_since"]) for row in rows] == [
        (False, None),
        (False, None),
        (True, "2025-10-26"),
    ]
    assert [row["beneficiary_since"] for row in rows] == [
        None,
        "2024-01-01",
        "2024-01-01",
    ]


def test_a_country_that_is_not_a_member_yet_is_told_so(client):
    make.grouping("ASEAN", ["TL"], since="2025-10-26")
    page = reverse("partners:country", args=["TL"])

    before = client.get(page, {"as_of": "2022-09-22"})
    after = client.get(page, {"as_of": "2025-10-26"})

    assertContains(before, "Not yet a member of ASEAN")
    assertContains(after, "Member of ASEAN since 26 October 2025")


def test_dated_steps_after_the_day_are_not_told(client):
    country = make.country("TL")
    for day, text in (("2022-11-11", "Observer"), ("2025-10-26", "11th member")):
        CountryEvent.objects.create(country=country, on=make.day(day), text=text)

    page = client.get(reverse("partners:country", args=["TL"]), {"as_of": "2023-01-01"})

    assertContains(page, "Observer")
    assertNotContains(page, "11th member")


def one_in_each_band():
    """Projects of Viet Nam: one alone, one by a share, two shared, one by grouping."""
    make.grouping("CLMV", ["KH", "LA", "MM", "VN"])
    make.project(countries=["VN"], budget="100000")
    make.project(countries=[("VN", "30"), ("KH", "70")], budget="10000")
    make.project(countries=["VN", "LA"], budget="20000")
    make.project(countries=["VN"], groupings=["CLMV"], budget="40000")
    make.project(groupings=["CLMV"], budget="80000")
    make.project(countries=["KH"], budget="160000")


def test_the_bands_partition_the_projects_of_a_country(client):
    one_in_each_band()

    answer = client.get(VIETNAM).json()

    assert [(band["band"], band["projects"]) for band in answer["bands"]] == [
        ("only", 1),
        ("stated", 1),
        ("shared", 2),
        ("grouping", 1),
    ]
    assert answer["projects_counted"] == 5
    assert [band["approved_usd"] for band in answer["bands"]] == [
        "100000.00",
        "10000.00",
        "60000.00",
        "80000.00",
    ]
    assert answer["approved_usd"] == "250000.00"


def test_only_what_is_alone_or_by_a_stated_share_is_attributed(client):
    one_in_each_band()

    answers = {
        code: client.get(f"{COUNTRIES}{code}/").json() for code in ("VN", "KH", "LA")
    }

    attributed = {code: answer["attributed_usd"] for code, answer in answers.items()}
    assert attributed == {"VN": "103000.00", "KH": "167000.00", "LA": None}
    assert sum(Decimal(usd) for usd in attributed.values() if usd) <= 410_000


def test_a_grouping_reaches_its_members_of_the_day(client):
    make.project(groupings=["CLMV"], on="2020-01-10")
    make.grouping("CLMV", ["TL"], since="2024-01-01")

    before = client.get(f"{COUNTRIES}TL/", {"as_of": "2023-12-31"}).json()
    after = client.get(f"{COUNTRIES}TL/", {"as_of": "2024-01-01"}).json()

    assert (before["projects_counted"], before["groupings"]) == (0, [])
    assert (after["projects_counted"], after["groupings"]) == (1, ["CLMV"])


def test_the_pipeline_and_bilateral_support_stand_apart(client):
    make.project(countries=["VN"], funders=["SG"])
    make.project(countries=["VN"], status="appraisal")
    make.project(countries=["VN"], status="cancelled")
    make.project(countries=["VN"], plan=False, channel="bilateral", title="Wells")

    answer = client.get(VIETNAM).json()
    page = client.get(reverse("partners:country", args=["VN"]))

    assert answer["projects_counted"] == 1
    assert answer["pipeline"] == 1
    assert answer["cancelled_after_approval"] == 1
    assert answer["bilateral_projects"] == 1
    assert answer["by_status"] == {"approved": 1}
    assert without_addresses(answer["by_partner"]) == [{"partner": "SG", "projects": 1}]
    assertContains(page, "Wells")


def test_plans_areas_and_statuses_add_up_to_the_projects(client):
    area = make.area(plan=make.plan("IAI-IV"))
    make.project(countries=["VN"], area=area)
    make.project(countries=["VN"], plan=make.plan("IAI-IV"), status="ongoing")
    make.project(countries=["VN"], plan=make.plan("IAI-III"), status="completed")

    answer = client.get(VIETNAM).json()

    assert {row["plan"]: row["projects"] for row in answer["by_plan"]} == {
        "IAI-IV": 2,
        "IAI-III": 1,
    }
    assert without_addresses(answer["by_area"]) == [
        {"area": area.code, "projects": 1},
        {"area": None, "projects": 2},
    ]
    assert answer["by_status"] == {"approved": 1, "ongoing": 1, "completed": 1}


def test_page_and_api_tell_the_same_numbers(client):
    one_in_each_band()
    query = {"as_of": "2022-06-01"}

    page = client.get(reverse("partners:country", args=["VN"]), query).context
    answer = client.get(VIETNAM, query).json()

    assert page["counted"].count == answer["projects_counted"] == 5
    assert [each["of"].count for each in page["bands"]] == [
        band["projects"] for band in answer["bands"]
    ]
    assert str(page["approved"].count) == answer["approved_usd"]


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        (None, False),
        ("reader", False),
        ("partner", False),
        ("coordinator", True),
        ("editor", True),
    ],
)
def test_who_holds_an_office_is_for_coordinators_and_the_secretariat(
    sign_in, role, shown
):
    FocalPoint.objects.create(
        kind="national_coordinator",
        country=make.country("VN"),
        office="Ministry of Foreign Affairs",
        person="Nguyen Van A",
        email="a@example.org",
    )
    belongs = {"coordinator": {"country": "LA"}, "partner": {"partner": "JP"}}
    user = role and make.user(role, **belongs.get(role, {}))
    client = sign_in(user)

    page = client.get(reverse("partners:country", args=["VN"])).content.decode()
    point = client.get(VIETNAM).json()["focal_points"][0]

    assert "Ministry of Foreign Affairs" in page
    assert ("Nguyen Van A" in page, "a@example.org" in page) == (shown, shown)
    assert point["office"] == "Ministry of Foreign Affairs"
    assert point["person"] == ("Nguyen Van A" if shown else None)
    assert point["email"] == ("a@example.org" if shown else None)


def test_unpublished_projects_count_for_their_country_alone(sign_in):
    make.project(countries=["VN"], is_published=False)
    coordinators = [make.user("coordinator", country=code) for code in ("VN", "LA")]

    counts = [
        row_of(sign_in(user).get(COUNTRIES), "VN")["projects_counted"]
        for user in (None, *coordinators)
    ]

    assert counts == [0, 1, 0]


def test_illustrative_projects_are_told_in_page_and_api(client):
    make.project(countries=["VN"], is_illustrative=True)
    make.project(countries=["VN"])

    assert client.get(VIETNAM).json()["illustrative_records"] == 1
    assertContains(
        client.get(reverse("partners:country", args=["VN"])),
        "1 of the 2 projects is illustrative",
    )


@pytest.mark.parametrize(
    "path",
    ["/countries/", "/countries/VN/", COUNTRIES, VIETNAM],
)
@pytest.mark.parametrize("query", [{}, {"as_of": "2024-01-01"}])
def test_many_projects_take_as_many_queries_as_few(client, queries, path, query):
    def more():
        plan = make.plan()
        make.project(
            countries=["VN"],
            groupings=["CLMV"],
            funders=["SG", "JP"],
            budget="1000",
            area=make.area(plan=plan),
        )
        make.project(
            countries=["VN"], channel="bilateral", plan=False, status="ongoing"
        )
        make.organisation(f"ORG-{plan.areas.count()}", country=make.country("VN"))
        make.meeting(f"IAI-TF-{plan.areas.count()}", chair_country=make.country("VN"))

    make.grouping("CLMV", ["VN"])
    more()
    few = queries(lambda: client.get(path, query))
    for _ in range(5):
        more()

    assert queries(lambda: client.get(path, query)) == few


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/countries/XX/", 404, "XX"),
        ("/countries/?colour=red", 400, "colour"),
        ("/countries/VN/?as_of=tomorrow", 400, "tomorrow"),
        (f"{COUNTRIES}XX/", 404, "XX"),
        (f"{COUNTRIES}?colour=red", 400, "colour"),
        (f"{VIETNAM}?as_of=2999-01-01", 400, "2999-01-01"),
    ],
)
def test_what_cannot_be_read_is_named(client, path, status, named):
    make.country("VN")

    answer = client.get(path)

    assert answer.status_code == status
    assert named in answer.content.decode()
