"""What a reader may not see changes no byte of what the reader gets."""

import re
from decimal import Decimal

import pytest
from django.db.models import QuerySet
from django.test import override_settings
from drf_spectacular.generators import SchemaGenerator

from partners.models import FocalPoint
from projects import actions
from projects.models import MoneyEntry, Project
from projects.ordering import LABELS
from tests import doors, make

pytestmark = pytest.mark.django_db

READERS = {
    "visitor": None,
    "reader": {"role": "reader"},
    "coordinator": {"role": "coordinator", "country": "KH"},
    "partner": {"role": "partner", "partner": "AU"},
}
# Of every parameter of the lists, what would find something that is hidden
ASKED = {
    "all_completed": ["all_completed=true", "all_completed=false"],
    "area": ["area=IAI-IV-FA"],
    "band": ["band=only&country=VN", "band=grouping&country=LA"],
    "basis": ["basis=records"],
    "body": ["body=IAI-TF"],
    "channel": ["channel=bilateral"],
    "combination": ["combination=JP%2BSG", "combination=SG"],
    "count": ["count=1"],
    "since": ["since=x"],
    "country": ["country=VN", "country=LA"],
    "decision": ["decision=approved&meeting=IAI-TF-68"],
    "fund": ["fund=JAIF"],
    "group": ["group=asean_only", "group=any_outside_asean"],
    "grouping": ["grouping=CLMV"],
    "inside_asean": ["inside_asean=true"],
    "is_illustrative": ["is_illustrative=false"],
    "kind": ["kind=action_line", "kind=dialogue"],
    "fields": ["fields=code", "fields=approved_usd"],
    # A workbook holds the same rows, and the moment at which it was drawn.
    "format": ["format=csv", "format=jsonl"],
    "level": ["level=output"],
    "limit": ["limit=1"],
    "line": ["line=IAI-IV-07"],
    "line_kind": ["line_kind=action_line"],
    "meeting": ["meeting=IAI-TF-68"],
    "metric": ["metric=projects"],
    "ordering": [f"ordering={way}{name}" for name in LABELS for way in ("", "-")],
    "organisation": ["organisation=ASEC"],
    "partner": ["partner=SG", "partner=JP"],
    "plan": ["plan=IAI-IV"],
    "programme": ["programme=IAI"],
    "rule": ["rule=ongoing&stage=counted", "rule=completed&state=implemented"],
    "search": ["search=secret", "search=rice"],
    "stage": ["stage=counted", "stage=pipeline"],
    "state": ["state=implemented", "state=not_started"],
    "status": ["status=ongoing"],
    "theme": ["theme=COVID"],
    "updated_since": ["updated_since=2020-01-01T00:00:00Z"],
    "verdict": ["verdict=differs"],
    "year": ["year=2022"],
}
CLOCK = "as_of=2022-06-01&known_at=2023-01-01"
CLOCKS = {"as_of", "known_at", "cursor"}
ANSWERS = {200, 302, 400, 403, 404, 405}
# Packages' own pages and the pulse of the site, which know nothing of projects
ELSEWHERE = (
    *("admin:", "account_", "mfa_", "socialaccount_", "usersessions_"),
    *("openid_connect", "health", "ready"),
)
# Made anew for every answer
MASKED = re.compile(rb'name="(?:csrfmiddlewaretoken|submission)" value="[^"]*"')


def parameters():
    """{address of a list of the API: names of its parameters}."""
    schema = SchemaGenerator(api_version="v1").get_schema(public=True)
    return {
        path: {one["name"] for one in does["get"]["parameters"] if one["in"] == "query"}
        for path, does in schema["paths"].items()
        if "get" in does and "{" not in path
    }


def addresses():
    """Every address of the site, on two clocks, and every parameter of its lists."""
    samples = doors.samples() | {"lines": "IAI-IV-07", "projects": "P-22222"}
    plain = ["/search/?q=rice", "/search/?q=secret", "/api/v1/projects/P-33333/"]
    for route in doors.PATTERNS:
        if not route.startswith(ELSEWHERE):
            plain.append(doors.address(route, samples))
    asked = []
    for path, names in parameters().items():
        page = path.removeprefix("/api/v1")
        places = [path, page] if page in plain else [path]
        for name in sorted(names - CLOCKS):
            for query in ASKED[name]:
                asked += [f"{place}?{query}" for place in places]
    past = [f"{one}{'&' if '?' in one else '?'}{CLOCK}" for one in plain]
    return plain + asked + past


def everything(client, where):
    return {address: answer_to(client, address) for address in where}


def answer_to(client, address):
    answer = client.get(address)
    headers = {k: v for k, v in answer.headers.items() if k != "Date"}
    if answer.streaming:
        return answer.status_code, b"".join(answer), headers
    return answer.status_code, MASKED.sub(b"", b"".join(answer)), headers


@pytest.fixture
def line():
    plan = make.plan(adopted_on=make.day("2020-11-12"))
    area = make.area(plan=plan, code="IAI-IV-FA")
    make.grouping("CLMV", ["VN", "LA"])
    make.partner("SG")
    make.country("KH")
    make.figure(plan=plan, value=1, meeting=make.meeting())
    return make.line(plan=plan, area=area, code="IAI-IV-07")


@pytest.fixture
def shown(line):
    made = make.project(
        code="P-22222",
        title="Rice",
        line=line,
        area=line.area,
        funders=["JP"],
        countries=["VN"],
        budget="100",
    )
    make.money(made, "77", kind="committed", partner="JP", is_private=True)
    return made


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("role", READERS)
def test_what_is_hidden_changes_nothing(sign_in, line, shown, role):
    reader = make.user(**READERS[role]) if role != "visitor" else None
    where = addresses()
    before = everything(sign_in(reader), where)
    assert {answer[0] for answer in before.values()} <= ANSWERS

    hide_something(line, shown)

    after = everything(sign_in(reader), where)
    assert [one for one in where if before[one] != after[one]] == []


def hide_something(line, shown):
    hidden = make.project(
        code="P-33333",
        title="Rice in secret",
        status="ongoing",
        on="2022-02-01",
        line=line,
        area=line.area,
        funders=["JP", "SG"],
        countries=["VN"],
        groupings=["CLMV"],
        budget="999",
        channel="bilateral",
        is_published=False,
        meeting=make.meeting(),
    )
    make.target(make.indicator(hidden), 5)
    hidden.themes.add(make.theme())
    hidden.project_organisations.create(
        organisation=make.organisation(), role="proponent"
    )
    make.money(hidden, "5", kind="disbursed", partner="SG")
    private = MoneyEntry.objects.filter(project=shown, is_private=True)
    assert QuerySet.update(private, amount=Decimal(88), usd=Decimal(88)) == 1
    Project.objects.filter(pk=shown.pk).update(internal_note="Rice in secret")
    for about in (shown, hidden, line, make.meeting()):
        make.comment(about, "In secret")
        make.action_point(about, "In secret")
        make.document(about, title="In secret")
    make.meeting().agenda_items.create(project=hidden, order=1)


def test_personal_data_of_focal_points_is_for_coordinators_and_staff(sign_in, line):
    FocalPoint.objects.create(
        kind="national_coordinator",
        country=make.country("VN"),
        office="The ministry",
        person="A. Person",
        email="person@example.org",
    )

    def sees(user):
        html = sign_in(user).get("/countries/VN/").content.decode()
        api = sign_in(user).get("/api/v1/countries/VN/").content.decode()
        assert "The ministry" in html
        return "A. Person" in html or "person@example.org" in html + api

    assert not sees(None)
    assert not sees(make.user("partner", partner="JP"))
    assert sees(make.user("coordinator", country="VN"))
    assert sees(make.user("editor"))


def test_a_lost_right_works_at_the_next_request(sign_in, line):
    hidden = make.project(is_published=False, line=line, countries=["VN"])
    reader = make.user("coordinator", country="VN")
    client = sign_in(reader)
    assert client.get(f"/projects/{hidden.code}/").status_code == 200

    type(reader).objects.filter(pk=reader.pk).update(role="reader", country=None)

    assert client.get(f"/projects/{hidden.code}/").status_code == 404


def test_what_is_withdrawn_from_publication_is_gone_at_once(client, shown):
    assert client.get(f"/projects/{shown.code}/").status_code == 200

    Project.objects.filter(pk=shown.pk).update(is_published=False)
    actions.refresh_copies()

    assert client.get(f"/projects/{shown.code}/").status_code == 404
    assert "Rice" not in client.get("/projects/").content.decode()


def test_the_terms_of_a_private_amount_are_private(sign_in, shown):
    entry = shown.money_entries.get(is_private=True)
    secret = actions.correct(
        fact=entry, reason="It was five million", note="In two parts"
    )
    address = f"/api/v1/projects/{shown.code}/facts/"

    def told(user):
        pages = (address, f"/projects/{shown.code}/")
        return "".join(sign_in(user).get(page).content.decode() for page in pages)

    assert secret.note == "In two parts"
    for reader in (None, make.user(), make.user("partner", partner="AU")):
        assert "five million" not in told(reader)
        assert "In two parts" not in told(reader)
    for reader in (make.user("editor"), make.user("partner", partner="JP")):
        assert "five million" in told(reader)
        assert "In two parts" in told(reader)


def test_a_pledge_that_was_withdrawn_opens_no_project(sign_in, line):
    hidden = make.project(is_published=False, line=line)
    pledge = make.money(hidden, None, kind="pledged", partner="AU")
    client = sign_in(make.user("partner", partner="AU"))
    assert client.get(f"/projects/{hidden.code}/").status_code == 200

    actions.withdraw(fact=pledge, reason="It was another partner")

    assert client.get(f"/projects/{hidden.code}/").status_code == 404


def test_a_successor_is_named_from_the_day_it_exists(client, line):
    old = make.project(code="P-OLD22", on="2020-01-10", line=line)
    make.project(code="P-NEW22", on="2021-07-31", line=line, predecessor=old)

    def told(clock):
        answer = client.get(f"/api/v1/projects/P-OLD22/{clock}").json()
        page = client.get(f"/projects/P-OLD22/{clock}").content.decode()
        return answer["successor"], "P-NEW22" in page

    assert told("?as_of=2021-07-30") == (None, False)
    assert told("?as_of=2021-07-31") == ("P-NEW22", True)


@pytest.mark.parametrize("value", ["Basic x", "", "Token nonsense"])
def test_a_closed_site_is_not_opened_by_any_header(client, value):
    with override_settings(ASEANPM_PUBLIC=False):
        for path in ("/api/v1/projects/", "/api/v1/schema/", "/api/docs/"):
            answer = client.get(path, headers={"Authorization": value})
            assert answer.status_code in {401, 403}, path


def test_what_is_told_in_a_session_is_not_kept(client, sign_in, shown):
    kept = sign_in(make.user("editor")).get("/").headers["Cache-Control"]

    assert kept == "private, no-store"
    assert "Cache-Control" not in client.get("/").headers
