import pytest
from django.db import transaction
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from partners.models import PartnerAlias
from tests import make
from tests.reading import figures, without_addresses
from workplans.models import PartnerStatement

pytestmark = pytest.mark.django_db
PARTNERS = "/api/v1/partners/"
SINGAPORE = "/api/v1/partners/SG/"
JAPAN = "/api/v1/partners/JP/"


def rows(answer):
    return {row["code"]: row for row in answer.json()["results"]}


def funded_projects():
    """Singapore: two alone and one with Japan; Japan: one more alone."""
    for funders in (["SG"], ["SG"], ["SG", "JP"], ["JP"]):
        make.project(funders=funders, countries=["VN"], budget="100000")
    make.project(funders=["SG"], status="appraisal")


def test_a_partner_funds_alone_and_with_others(client):
    funded_projects()

    found = rows(client.get(PARTNERS))

    assert {
        code: (row["projects_counted"], row["alone"], row["jointly"])
        for code, row in found.items()
    } == {"SG": (3, 2, 1), "JP": (2, 1, 1)}


def test_what_is_funded_together_is_not_alone(client):
    for _ in range(3):
        make.project(funders=["JP"])
    make.project(funders=["JP", "SG"])

    assert [
        (row["alone"], row["jointly"]) for row in rows(client.get(PARTNERS)).values()
    ] == [(3, 1), (0, 1)]


def test_the_sentence_of_a_partner_names_its_part_of_the_latest_plan(client):
    funded_projects()
    later = make.plan(
        "IAI-V",
        nominal_start=make.day("2026-01-01"),
        nominal_end=make.day("2030-12-31"),
    )
    make.project(funders=["SG"], plan=later)
    make.project(funders=["JP"], plan=later)

    page = client.get(reverse("partners:detail", args=["SG"]))

    assert [
        (each["part"].plan.code, each["part"].projects, each["part"].of)
        for each in page.context["parts"]
    ] == [("IAI-V", 1, 2), ("IAI-IV", 3, 4)]
    assert page.context["latest"]["part"].plan.code == "IAI-V"
    assertContains(page, "of IAI-V is funded by")


def test_combinations_add_up_to_the_projects_of_a_partner(client):
    funded_projects()

    answer = client.get(SINGAPORE).json()

    assert [(one["partners"], one["projects"]) for one in answer["combinations"]] == [
        (["SG"], 2),
        (["JP", "SG"], 1),
    ]
    assert without_addresses(answer["countries"]) == [{"country": "VN", "projects": 3}]


def test_committed_money_is_the_partner_s_own(client):
    project = make.project(funders=["SG", "JP"], budget="100000")
    make.money(project, "30000", kind="committed", partner="SG")
    make.money(project, "50000", kind="committed", partner="JP")
    make.project(funders=["SG"])

    answer = client.get(SINGAPORE).json()

    assert answer["committed_usd"] == "30000.00"
    assert answer["coverage"] == {"complete": 1, "partial": 0, "none": 1}
    assert answer["money"]["committed"]["usd"] == "30000.00"
    assert answer["money"]["spent"]["usd"] is None
    assert answer["projects_approved_usd"] == "100000.00"
    assert rows(client.get(PARTNERS))["JP"]["committed_usd"] == "50000.00"


def test_the_committed_figure_opens_a_list_with_the_same_sum(client):
    project = make.project(funders=["SG", "JP"])
    make.money(project, "30000", kind="committed", partner="SG")
    make.money(project, "50000", kind="committed", partner="JP")

    page = client.get(reverse("partners:list"))
    figures = {
        each["row"].partner.code: each["committed"] for each in page.context["funders"]
    }

    for code, amount in (("SG", "30000.00"), ("JP", "50000.00")):
        assert str(figures[code].count) == amount
        assertContains(client.get(figures[code].url), f'data-sum="{amount}"')


def told_of_japan(client, amount, *, is_private):
    """Page and API of Japan, whose one commitment has this amount."""
    project = make.project(funders=["JP"], code="P-ONE", title="One")
    for kind in ("pledged", "committed", "disbursed", "spent"):
        make.money(project, amount, kind=kind, partner="JP", is_private=is_private)
    asked = make.project(code="P-TWO", title="Two")
    make.money(asked, amount, kind="pledged", partner="JP", is_private=is_private)
    paths = (PARTNERS, JAPAN, "/partners/", "/partners/JP/")
    return [client.get(path).content for path in paths]


def test_a_private_amount_reads_exactly_like_an_unknown_one(client):
    answers = []
    for amount, is_private in (("70000", True), (None, False)):
        with transaction.atomic():
            answers.append(told_of_japan(client, amount, is_private=is_private))
            transaction.set_rollback(True)
    private, unknown = answers

    assert private == unknown
    assert b"from 0 of 1 project" in private[3]


def test_a_partner_sees_its_own_private_amounts(sign_in):
    told_of_japan(sign_in(), "70000", is_private=True)
    people = [make.user("partner", partner=code) for code in ("JP", "AU")]

    seen = [sign_in(user).get(JAPAN).json()["committed_usd"] for user in people]

    assert seen == ["70000.00", None]


def test_a_pledge_without_funding_is_prospective(client):
    make.money(make.project(funders=["JP"]), "1000", kind="pledged", partner="JP")
    asked = make.project(title="Bridges")
    make.money(asked, "2000", kind="pledged", partner="JP")

    answer = client.get(JAPAN).json()

    assert answer["prospective_pledges"] == [
        {"project": asked.code, "title": "Bridges", "pledged_usd": "2000.00"}
    ]
    assert answer["projects_counted"] == 1
    assert answer["money"]["pledged"]["usd"] == "1000.00"


def test_a_pledge_taken_back_is_no_longer_prospective(client):
    asked = make.project()
    make.money(asked, "2000", kind="pledged", partner="JP")
    make.money(asked, "-2000", kind="pledged", partner="JP", on="2022-05-01")

    before = client.get(JAPAN, {"as_of": "2022-04-30"}).json()
    after = client.get(JAPAN, {"as_of": "2022-05-01"}).json()

    assert len(before["prospective_pledges"]) == 1
    assert after["prospective_pledges"] == []


def test_inside_or_outside_asean_is_asked_of_the_day(client):
    make.grouping("ASEAN", ["TL"], since="2025-10-26")
    make.partner("TL", kind="member_state", country=make.country("TL"))
    inside = {"inside_asean": "true"}

    assert rows(client.get(PARTNERS, inside | {"as_of": "2025-10-25"})) == {}
    assert list(rows(client.get(PARTNERS, inside | {"as_of": "2025-10-26"}))) == ["TL"]
    outside = {"inside_asean": "false"}
    assert list(rows(client.get(PARTNERS, outside | {"as_of": "2025-10-25"}))) == ["TL"]
    assert rows(client.get(PARTNERS, outside | {"as_of": "2025-10-26"})) == {}


def test_partners_are_found_by_alias_without_marks(client):
    PartnerAlias.objects.create(partner=make.partner("KR"), name="Hàn Quốc")
    make.partner("JP")

    assert list(rows(client.get(PARTNERS, {"search": "han quoc"}))) == ["KR"]


def test_statements_and_printed_figures_after_the_day_are_not_told(client):
    japan = make.partner("JP")
    for code, day, text in (
        ("IAI-TF-68", "2022-09-22", "Will train officials"),
        ("IAI-TF-71", "2023-08-10", "Will go on"),
    ):
        PartnerStatement.objects.create(
            partner=japan, meeting=make.meeting(code, on=day), text=text
        )
    make.figure(
        partner=japan,
        metric="pledge_2009_2011",
        value=30_000_000,
        unit="SGD",
        as_of="2007-11-20",
    )
    make.figure(partner=japan, metric="participants_trained", as_of="2023-01-31")

    page = client.get(reverse("partners:detail", args=["JP"]), {"as_of": "2022-12-31"})

    assertContains(page, "Will train officials")
    assertNotContains(page, "Will go on")
    assertContains(page, "Pledge 2009–2011")
    assertContains(page, "SGD 30,000,000")
    assertNotContains(page, "Participants trained")


def test_bilateral_support_is_in_no_plan_s_figures(client):
    make.project(
        funders=["AU"], countries=["LA"], channel="bilateral", plan=False, title="Wells"
    )

    answer = client.get("/api/v1/partners/AU/").json()
    page = client.get(reverse("partners:detail", args=["AU"]))

    assert (answer["projects_counted"], answer["bilateral_projects"]) == (0, 1)
    assertContains(page, "funds no project that counts")
    assertContains(page, "Wells")


def test_a_fund_counts_as_its_owner_and_a_shared_fund_as_itself(client):
    make.fund("JAIF", "JP")
    make.partner("APTCF", kind="shared_fund")
    make.fund("APTCF", "APTCF")

    answer = client.get("/api/v1/funds/").json()["results"]

    assert [(row["code"], row["partner"], row["shared"]) for row in answer] == [
        ("APTCF", "APTCF", True),
        ("JAIF", "JP", False),
    ]
    one = client.get("/api/v1/funds/", {"partner": "JP"}).json()["results"]
    assert [row["code"] for row in one] == ["JAIF"]


@pytest.mark.parametrize("address", ["countries/VN/", "partners/JP/"])
@pytest.mark.parametrize("clock", [{}, {"as_of": "2022-09-22"}])
def test_every_figure_opens_in_the_api_the_list_that_it_counts(client, address, clock):
    make.project(line=make.line(), funders=["JP"], countries=["VN"], budget="10")
    make.project(plan=make.plan(), funders=["JP", "SG"], countries=["VN", "KH"])
    make.project(plan=make.plan(), status="concept", countries=["VN"])
    make.project(plan=make.plan(), on="2023-01-10", countries=["VN"])
    make.project(plan=False, channel="bilateral", funders=["JP"], countries=["VN"])

    told = client.get(f"/api/v1/{address}", clock).json()
    found = list(figures(told))

    assert len(found) > 8
    assert told["rule"].startswith("A project counts by the rule of its plan")
    for number, url in found:
        if url is None:
            assert not number
        else:
            assert client.get(f"{url}&count=1").json()["count"] == number, url
    kept = client.get(told["permalink"]).json()
    assert kept["records"].keys() == told["records"].keys()
    assert kept["projects_counted"] == told["projects_counted"]


def test_page_and_api_tell_the_same_numbers(client):
    funded_projects()
    query = {"as_of": "2022-06-01"}

    page = client.get(reverse("partners:list"), query).context["funders"]
    answer = rows(client.get(PARTNERS, query))

    assert {
        each["row"].partner.code: (each["counted"].count, each["alone"].count)
        for each in page
    } == {code: (row["projects_counted"], row["alone"]) for code, row in answer.items()}


@pytest.mark.parametrize(
    "path", ["/partners/", "/partners/SG/", PARTNERS, SINGAPORE, "/api/v1/funds/"]
)
@pytest.mark.parametrize("query", [{}, {"as_of": "2024-01-01"}])
def test_many_rows_take_as_many_queries_as_few(client, queries, path, query):
    codes = iter(("AU", "KR", "EU", "NZ", "IN", "US"))

    def more():
        code = next(codes)
        project = make.project(funders=["SG", code], countries=["VN"], budget="1000")
        make.money(project, "500", kind="committed", partner="SG")
        make.money(make.project(), "700", kind="pledged", partner="SG")
        make.project(funders=["SG"], channel="bilateral", plan=False)
        make.fund(f"F-{code}", "SG")
        meeting = make.meeting(f"IAI-TF-{code}")
        PartnerStatement.objects.create(
            partner=make.partner("SG"), meeting=meeting, text="Goes on"
        )
        make.figure(partner=make.partner("SG"), metric=f"pledge_{code}")

    more()
    few = queries(lambda: client.get(path, query))
    for _ in range(5):
        more()

    assert queries(lambda: client.get(path, query)) == few


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/partners/XX/", 404, "XX"),
        ("/partners/?colour=red", 400, "colour"),
        ("/partners/?kind=friend", 400, "friend"),
        (f"{PARTNERS}XX/", 404, "XX"),
        (f"{PARTNERS}?inside_asean=maybe", 400, "maybe"),
        ("/api/v1/funds/?partner=XX", 400, "XX"),
    ],
)
def test_what_cannot_be_read_is_named(client, path, status, named):
    answer = client.get(path)

    assert answer.status_code == status
    assert named in answer.content.decode()
