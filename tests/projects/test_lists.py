"""The list of projects: every column, every order, and the way back to a row."""

import re

import pytest

from partners.models import FocalPoint
from projects.columns import COLUMNS
from projects.models import MoneyEntry, Project, ProjectOrganisation
from projects.ordering import FOR_STAFF, LABELS
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/projects/"
ALL = ",".join(one.name for one in COLUMNS)


def a_full_project(**fields):
    line = make.line(area=make.area())
    made = make.project(
        status="ongoing",
        on="2022-01-10",
        line=line,
        area=line.area,
        funders=["SG", "JP"],
        countries=["VN", "KH"],
        groupings=["CLMV"],
        budget="1000",
        **fields,
    )
    for kind, usd in (("pledged", 10), ("committed", 20), ("disbursed", 30)):
        make.money(made, usd, kind=kind, partner="JP")
    made.themes.add(make.theme("GENDER"), make.theme("COVID"))
    made.focal_points.add(FocalPoint.objects.create(kind="project", office="The desk"))
    made.officer = make.user("editor", name="An officer")
    made.official_code = "IAI-2022-7"
    made.save()
    ProjectOrganisation.objects.create(
        project=made, organisation=make.organisation("ASEC"), role="proponent"
    )
    return made


def cells(client, address):
    """{label: text} of the first row of the list."""
    html = client.get(address).content.decode()
    row = re.search(r"<tbody>\s*<tr.*?</tr>", html, re.DOTALL)[0]
    found = re.findall(r'<td data-l="([^"]+)"[^>]*>(.*?)</td>', row, re.DOTALL)
    return {label: strip(text) for label, text in found}


def strip(html):
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def test_every_column_tells_what_is_on_record(sign_in):
    made = a_full_project(code="P-22222")

    told = cells(sign_in(make.user("editor")), f"{LIST}?columns={ALL}")

    assert told.pop("Last change")[:2] == "20"
    assert told == {
        "Code": "P-22222",
        "Line": made.placements.get().line.code,
        "Area": made.placements.get().area.code,
        "Plan": "IAI-IV",
        "Status": "Ongoing",
        "Status since": "2022-01-10",
        "Countries": "KH, VN, CLMV",
        "Funders": "JP + SG",
        "Funds": "",
        "Organisations": "ASEC",
        "Themes": "COVID, GENDER",
        "Approved, USD": "1,000.00",
        "Pledged, USD": "10.00",
        "Committed, USD": "20.00",
        "Disbursed, USD": "30.00",
        "Spent, USD": "not known",
        "Planned start": "not known",
        "Planned end": "not known",
        "Official code": "IAI-2022-7",
        "Officer": "An officer",
        "Focal points": "The desk",
        "Published": "Yes",
    }


def test_columns_stand_on_the_clock_of_the_list(client):
    made = make.project(code="P-22222", status="approved", on="2021-02-01")
    make.money(made, 20, kind="committed", partner="JP", on="2022-01-10")

    now = cells(client, f"{LIST}?columns=title,committed_usd,status_since")
    then = cells(
        client, f"{LIST}?columns=title,committed_usd,status_since&as_of=2021-03-01"
    )

    assert (now["Committed, USD"], now["Status since"]) == ("20.00", "2021-02-01")
    assert then["Committed, USD"] == "not known"


def test_a_private_amount_reads_and_sorts_as_an_unknown_one(client, sign_in):
    private = make.project(code="P-22222")
    make.money(private, 99, kind="committed", partner="JP", is_private=True)
    public = make.project(code="P-33333")
    make.money(public, 5, kind="committed", partner="JP")
    address = f"{LIST}?columns=title,code,committed_usd&ordering=-committed_usd"

    visitors = [row["code"] for row in client.get(address).context["projects"]]
    editors = sign_in(make.user("editor")).get(address).context["projects"]

    assert visitors == ["P-33333", "P-22222"]
    assert [row["code"] for row in editors] == ["P-22222", "P-33333"]
    assert "99.00" not in client.get(address).content.decode()


@pytest.mark.parametrize("sign", ["", "-"])
def test_every_column_can_be_sorted_by_on_the_page_and_in_the_api(sign_in, sign):
    a_full_project(code="P-22222", title="Zebra")
    make.project(code="P-33333", status=None, plan=False, is_published=False)
    client = sign_in(make.user("editor"))

    for name in (*LABELS, *FOR_STAFF):
        page = client.get(f"{LIST}?ordering={sign}{name}")
        api = client.get(f"/api/v1/projects/?ordering={sign}{name}&limit=1").json()
        following = client.get(api["next"]).json()["results"]

        codes = [row["code"] for row in page.context["projects"]]
        assert sorted(codes) == ["P-22222", "P-33333"], name
        assert [api["results"][0]["code"], following[0]["code"]] == codes, name


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("title", "P-33333"),
        ("line", "P-33333"),
        ("status_since", "P-22222"),
        ("countries", "P-33333"),
        ("partners", "P-33333"),
        ("approved_usd", "P-33333"),
        ("planned_end", "P-22222"),
        ("-themes", "P-22222"),
        ("-status_since", "P-33333"),
        ("-is_published", "P-22222"),
    ],
)
def test_an_order_puts_what_is_empty_where_the_rules_say(sign_in, name, first):
    full = a_full_project(code="P-22222", title="Zebra")
    full.planned_end = make.day("2030-01-01")
    full.save()
    make.project(
        code="P-33333", title="Ant", status=None, plan=False, is_published=False
    )

    page = sign_in(make.user("editor")).get(f"{LIST}?ordering={name}")

    assert page.context["projects"][0]["code"] == first


def test_an_unknown_order_is_refused_by_name(client):
    answer = client.get(f"{LIST}?ordering=colour")

    assert answer.status_code == 400
    assert "colour" in answer.content.decode()


def test_the_head_of_a_column_turns_its_order_and_keeps_the_filter(client):
    make.project(title="Mangroves")

    html = client.get(f"{LIST}?search=man&ordering=title").content.decode()

    assert "?search=man&amp;ordering=-title" in html
    assert '<th scope="col" aria-sort="ascending">' in html


def test_applying_a_filter_keeps_order_and_columns(client):
    make.project()

    html = client.get(f"{LIST}?ordering=-title&columns=title,code").content.decode()

    assert '<input type="hidden" name="ordering" value="-title">' in html
    assert '<input type="hidden" name="columns" value="title,code">' in html


def test_the_api_address_of_the_list_keeps_what_the_api_knows(client):
    make.project()

    page = client.get(f"{LIST}?ordering=-title&columns=title&status=approved")

    address = page.context["api_address"]
    assert address == "/api/v1/projects/?ordering=-title&status=approved"
    assert client.get(address).status_code == 200


def test_the_asked_money_takes_the_place_of_the_budget(client):
    made = make.project(budget="7")
    make.money(made, 20, kind="committed", partner="JP")

    told = cells(client, f"{LIST}?money=committed&money_of=JP")

    assert told["Committed, USD"] == "20.00"
    assert "Approved, USD" not in told


def test_a_link_to_edit_leads_back_to_filter_page_and_row(sign_in):
    for number in range(30):
        make.project(code=f"P-000{number:02}", title="Mangroves")
    client = sign_in(make.user("editor"))

    html = client.get(f"{LIST}?search=man&page=2").content.decode()

    back = "%2Fprojects%2F%3Fsearch%3Dman%26page%3D2%23row-P-00027"
    assert f'href="/projects/P-00027/edit/?next={back}"' in html
    assert '<tr id="row-P-00027">' in html


def test_only_the_secretariat_meets_ticks_and_links_to_edit(client, sign_in):
    make.project(countries=["VN"])
    coordinator = sign_in(make.user("coordinator", country="VN"))

    for reader in (client, coordinator):
        html = reader.get(LIST).content.decode()
        assert 'data-l="Status"' in html
        assert "pick" not in html
        assert "/edit/" not in html
        assert "/bulk/" not in html


def test_all_columns_cost_as_many_queries_for_many_rows_as_for_one(sign_in, queries):
    client = sign_in(make.user("editor"))
    address = f"{LIST}?columns={ALL}&ordering=-themes"
    a_full_project()
    client.get(address)
    few = queries(lambda: client.get(address))
    for _ in range(9):
        a_full_project()

    assert queries(lambda: client.get(address)) == few


def test_hidden_projects_are_in_no_column_of_others(client):
    a_full_project(code="P-22222", is_published=False)

    page = client.get(f"{LIST}?columns=title,themes,committed_usd")

    assert page.context["projects"] == []
    assert Project.objects.count() == 1
    assert MoneyEntry.objects.count() == 4
