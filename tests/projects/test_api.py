import base64
import json
from functools import partial

import pytest

from aseanpm.facts import Entry
from aseanpm.paging import write_cursor
from projects import actions
from projects.models import MoneyEntry
from tests import make

pytestmark = pytest.mark.django_db
LIST = "/api/v1/projects/"
NAN = write_cursor("approved_usd", "NaN", "P-22222")
NOTHING = write_cursor("approved_usd", None, "P-22222")
HALF_A_SIGN = base64.urlsafe_b64encode(rb'["code","\ud800","A"]').decode()
TOO_DEEP = base64.urlsafe_b64encode(b"[" * 3000).decode()
YEAR_ONE = write_cursor("changed_at", "0001-01-01T00:00:00+14:00", "P-22222")


def codes(answer):
    assert answer.status_code == 200, answer.content
    return [row["code"] for row in answer.json()["results"]]


def test_list_and_page_show_the_same_projects(api, client):
    vietnam = {"countries": ["VN"], "funders": ["JP"]}
    shown = make.project(title="Mangroves", status="completed", **vietnam)
    make.project(title="Mangroves", status="approved", **vietnam)
    make.project(title="Tariffs", status="completed", **vietnam)
    make.project(title="Mangroves", status="completed", is_published=False, **vietnam)
    query = {
        "search": "mangroves",
        "status": "completed",
        "country": "VN",
        "partner": "JP",
    }

    answer = api().get(LIST, query)
    page = client.get("/projects/", query)

    assert codes(answer) == [shown.code]
    assert [row["code"] for row in page.context["projects"]] == [shown.code]
    assert 'data-total="1"' in page.content.decode()


def test_a_row_tells_what_is_promised(api):
    plan = make.plan()
    area = make.area(plan=plan, code="IAI-IV-FA")
    line = make.line(plan=plan, area=area, code="IAI-IV-07")
    make.project(
        code="P-22222",
        title="Rice",
        status="ongoing",
        on="2022-01-10",
        line=line,
        area=area,
        funders=["SG", "JP"],
        countries=["VN"],
        groupings=["CLMV"],
        budget="1250.50",
        planned_start=make.day("2022-09-30"),
        planned_start_precision="month",
    )

    row = api().get(LIST).json()["results"][0]

    changed = row.pop("changed_at")
    assert changed.startswith("2022-01-10T")
    assert row == {
        "code": "P-22222",
        "title": "Rice",
        "title_language": "en",
        "plan": "IAI-IV",
        "area": "IAI-IV-FA",
        "line": "IAI-IV-07",
        "status": "ongoing",
        "is_illustrative": False,
        "countries": ["VN"],
        "groupings": ["CLMV"],
        "partners": ["JP", "SG"],
        "funds": [],
        "organisations": [],
        "approved_usd": "1250.50",
        "planned_start": "2022-09",
        "planned_end": None,
    }


def test_unknown_is_null_and_recorded_zero_is_zero(api):
    make.project(code="P-22222", budget="0")
    make.project(code="P-33333")

    amounts = [row["approved_usd"] for row in api().get(LIST).json()["results"]]

    assert amounts == ["0.00", None]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"status": "asleep"}, "status"),
        ({"plan": "IAI-IX"}, "plan"),
        ({"as_of": "2022-13-01"}, "as_of"),
        ({"as_of": "2999-01-01"}, "as_of"),
        ({"known_at": "2022-01-01T10:00:00"}, "known_at"),
        ({"known_at": "yesterday"}, "known_at"),
        ({"as_of": "٢٠٢٢-09-22"}, "as_of"),
        ({"known_at": "٢٠٢٤-01-01"}, "known_at"),
        ({"updated_since": "٢٠٢٤-01-01T00:00:00Z"}, "updated_since"),
        ({"ordering": "-"}, "ordering"),
        ({"is_illustrative": "perhaps"}, "is_illustrative"),
        ({"updated_since": "soon"}, "updated_since"),
        ({"ordering": "budget"}, "ordering"),
        ({"limit": "501"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"count": "yes"}, "count"),
        ({"band": "only"}, "band"),
        ({"combination": "XX"}, "combination"),
        ({"decision": "approved"}, "decision"),
        ({"as_of": ["yesterday", "2022-01-01"]}, "as_of"),
        ({"search": ["rice", "maize"]}, "search"),
        ({"updated_since": "9999-12-31T23:59:59-14:00"}, "updated_since"),
        ({"known_at": "9999-12-31T23:59:00Z"}, "known_at"),
        ({"ordering": "approved_usd", "cursor": NAN}, "cursor"),
        ({"ordering": "changed_at", "cursor": YEAR_ONE}, "cursor"),
        ({"ordering": "approved_usd", "cursor": NOTHING}, "cursor"),
        ({"cursor": HALF_A_SIGN}, "cursor"),
        ({"cursor": TOO_DEEP}, "cursor"),
    ],
)
def test_bad_input_is_a_400_that_names_it(api, client, query, field):
    answer = api().get(LIST, query)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert (body["status"], body["errors"][0]["field"]) == (400, field)
    if field not in {"limit", "cursor", "count"}:
        page = client.get("/projects/", query)
        assert page.status_code == 400
        assert f"<b>{field}</b>" in page.content.decode()


def test_visitors_tags_are_let_through_by_pages_and_api(client, api):
    for address in ("/projects/", LIST):
        answer = client.get(address, {"utm_source": "letter", "fbclid": "x"})
        assert answer.status_code == (200 if address == "/projects/" else 400)


def test_repeated_filters_stand_for_or(api):
    first = make.project(countries=["VN"])
    second = make.project(countries=["LA"])
    make.project(countries=["KH"])

    answer = api().get(f"{LIST}?country=VN&country=LA")

    assert codes(answer) == [first.code, second.code]


def test_a_partner_is_found_by_code_name_or_alias(api):
    japan = make.partner("JP", name="Japan")
    japan.aliases.create(name="Nhật Bản", language="vi")
    made = make.project(funders=["JP"])
    make.project(funders=["SG"])

    for name in ("JP", "jp", "Japan", "Nhật Bản"):
        assert codes(api().get(LIST, {"partner": name})) == [made.code]


def test_a_search_knows_no_marks_and_no_capitals(api):
    rice = make.project(title="Rice", title_translations={"vi": "Chuỗi Lúa gạo Đồng"})
    lao = make.project(title="ໂຄງການທົດລອງ", title_language="lo")

    assert codes(api().get(LIST, {"search": "LUA gao dong"})) == [rice.code]
    assert codes(api().get(LIST, {"search": "ໂຄງການ"})) == [lao.code]


def test_a_walk_by_cursor_meets_every_row_once_while_others_change(api):
    made = [make.project(title=f"Title {n % 3}").code for n in range(7)]
    client, seen = api(), []
    address = f"{LIST}?limit=2&ordering=-title"
    while address:
        answer = client.get(address).json()
        seen += [row["code"] for row in answer["results"]]
        address = answer["next"]
        make.project(title="Title 2")
        make.project(title="Title 0")

    assert [code for code in seen if code in made] == [
        *reversed([made[2], made[5]]),
        *reversed([made[1], made[4]]),
        *reversed([made[0], made[3], made[6]]),
    ]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    "ordering",
    ["code", "-title", "status", "approved_usd", "-planned_start", "changed_at"],
)
def test_every_order_walks_all_rows(api, ordering):
    for number in range(5):
        make.project(
            status=["appraisal", "approved", "ongoing"][number % 3],
            budget=None if number % 2 else "10.50",
            planned_start=None if number % 2 else make.day("2022-09-01"),
        )
    client, seen, address = api(), [], f"{LIST}?limit=2&ordering={ordering}"
    while address:
        answer = client.get(address).json()
        seen += [row["code"] for row in answer["results"]]
        address = answer["next"]

    assert len(seen) == len(set(seen)) == 5


def test_count_is_told_when_asked_for(api):
    make.project()

    assert "count" not in api().get(LIST).json()
    assert api().get(LIST, {"count": "1"}).json()["count"] == 1


def test_a_private_amount_reads_exactly_like_an_unknown_one(api):
    shown = make.project(funders=["JP"], code="P-22222")
    hidden = make.project(funders=["JP"], code="P-33333")
    make.money(shown, None, kind="committed", partner="JP")
    make.money(hidden, "500", kind="committed", partner="JP", is_private=True)

    def told(user, code):
        body = api(user).get(f"{LIST}{code}/").json()
        return body["money"]["committed"], body["approved_against_committed"]

    editor = make.user("editor")
    japan, australia = (make.user("partner", partner=code) for code in ("JP", "AU"))
    for reader in (None, make.user(), australia):
        assert told(reader, "P-33333") == told(reader, "P-22222")
    assert told(editor, "P-33333")[0]["usd"] == "500.00"
    assert told(japan, "P-33333")[0]["usd"] == "500.00"
    facts = api().get(f"{LIST}P-33333/facts/").content.decode()
    assert "500" not in facts


def test_facts_are_told_on_both_clocks_with_what_was_withdrawn(api):
    project = make.project(status="approved", on="2022-01-10", budget="100")
    wrong = project.money_entries.get()
    actions.correct(fact=wrong, reason="A zero too few", amount=make.Decimal(1000))

    def told(**clock):
        rows = api().get(f"{LIST}{project.code}/facts/", clock).json()["results"]
        return [
            (row["says"], row["withdrawal_reason"])
            for row in rows
            if row["kind"] == "money entry"
        ]

    assert told() == [
        ("Approved budget: USD 100.00", "A zero too few"),
        ("Approved budget: USD 1,000.00", ""),
    ]
    assert told(known_at="2022-01-31") == [("Approved budget: USD 100.00", "")]
    assert told(as_of="2022-01-10", known_at="2022-01-10") == told(
        known_at="2022-01-31"
    )


def test_what_does_not_exist_and_what_is_hidden_answer_alike(api, client):
    hidden = make.project(is_published=False)
    absent = hidden.code[:-1] + "X"

    def told(code):
        answer = api().get(f"{LIST}{code}/")
        page = client.get(f"/projects/{code}/")
        return (
            answer.status_code,
            answer.content.decode().replace(code, "CODE"),
            page.status_code,
            page.content.decode().replace(code, "CODE"),
        )

    assert told(hidden.code) == told(absent)
    assert told(absent)[0] == told(absent)[2] == 404
    assert "CODE" in told(absent)[1]


def test_who_sees_what_is_not_published(api):
    make.grouping("CLMV", ["VN", "LA"])
    made = make.project(is_published=False, groupings=["CLMV"], funders=["JP"])

    def sees(user):
        return made.code in codes(api(user).get(LIST))

    assert not sees(None)
    assert not sees(make.user())
    assert sees(make.user("coordinator", country="VN"))
    assert not sees(make.user("coordinator", country="KH"))
    assert sees(make.user("partner", partner="JP"))
    assert not sees(make.user("partner", partner="AU"))
    assert sees(make.user("editor"))
    assert sees(make.user("administrator"))


def test_a_partner_sees_what_it_is_asked_to_fund(api):
    made = make.project(is_published=False)
    make.money(made, None, kind="pledged", partner="AU")

    assert made.code in codes(api(make.user("partner", partner="AU")).get(LIST))


def test_list_and_detail_take_as_many_queries_for_many_rows(api, client, queries):
    def one(number):
        line = make.line(plan=make.plan())
        return make.project(
            line=line,
            funders=["SG", "JP"][: number % 2 + 1],
            countries=["VN", "LA"][: number % 2 + 1],
            budget="10",
        )

    first = one(1)
    clock = "as_of=2022-06-01&known_at=2022-06-01"
    addresses = [
        f"{LIST}?{clock}",
        LIST,
        f"/projects/?{clock}",
        "/projects/",
        f"{LIST}{first.code}/",
        f"/projects/{first.code}/",
        f"{LIST}{first.code}/facts/",
    ]

    def asked():
        return [queries(partial(api().get, address)) for address in addresses]

    few = asked()
    for number in range(8):
        one(number)
        make.money(first, "1", kind="committed", partner="JP")

    assert asked() == few
    assert few[1] <= 6


def test_the_last_change_is_the_last_that_was_known(api):
    first = make.project(code="P-22222", on="2022-01-10")
    make.project(code="P-33333", on="2022-03-01")
    make.money(first, "5", kind="committed", partner="JP", on="2022-06-15")
    actions.touch(projects=[first.pk], entry=_entry("2022-06-15"))

    def told(**query):
        answer = api().get(LIST, {"ordering": "-changed_at", **query}).json()
        return [(row["code"], row["changed_at"][:10]) for row in answer["results"]]

    assert told() == [("P-22222", "2022-06-15"), ("P-33333", "2022-03-01")]
    assert told(known_at="2022-03-31") == [
        ("P-33333", "2022-03-01"),
        ("P-22222", "2022-01-10"),
    ]
    assert told(known_at="2022-03-31", updated_since="2022-02-01T00:00:00Z") == [
        ("P-33333", "2022-03-01")
    ]


def _entry(day):
    return Entry(sequence=1, recorded_at=make.moment(day))


def test_a_token_that_no_token_is_is_refused(client):
    answer = client.get(LIST, headers={"Authorization": "Token \xff\xfe"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Authorization"


def test_nothing_is_replaced_or_deleted(api):
    for method in ("put", "delete"):
        answer = getattr(api(make.user("editor")), method)(LIST, {})
        assert answer.status_code == 405
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_money_of_a_kind_is_never_added_to_another(api):
    project = make.project(budget="100")
    make.money(project, "30", kind="committed", partner="JP")
    make.money(project, "20", kind="committed", partner="JP", in_kind=True)

    told = api().get(f"{LIST}{project.code}/").json()

    assert told["money"]["approved"]["usd"] == "100.00"
    assert told["money"]["committed"]["usd"] == "30.00"
    assert told["money"]["committed"]["in_kind_usd"] == "20.00"
    assert told["approved_against_committed"] == "below"
    assert MoneyEntry.objects.count() == 3
