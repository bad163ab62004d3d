"""What a reader may not see changes no byte of what the reader gets."""

import re
from decimal import Decimal

import pytest
from django.db.models import QuerySet
from django.test import override_settings

from partners.models import FocalPoint
from projects import actions
from projects.models import MoneyEntry, Project
from tests import make

pytestmark = pytest.mark.django_db

CODES = {
    "plans": "IAI-IV",
    "lines": "IAI-IV-07",
    "countries": "VN",
    "partners": "JP",
    "meetings": "IAI-TF-68",
    "projects": "P-22222",
}
PAGES = [
    "/",
    "/about/",
    "/search/?q=rice",
    "/reconciliation/",
    *(f"/{name}/" for name in CODES),
    *(f"/{name}/{code}/" for name, code in CODES.items()),
]
ENDPOINTS = [
    "plans/",
    "plans/IAI-IV/",
    "plans/IAI-IV/progress/",
    "areas/",
    "lines/",
    "lines/IAI-IV-07/",
    "projects/?count=1",
    "projects/P-22222/",
    "projects/P-22222/facts/",
    "projects/P-33333/",
    "countries/",
    "countries/VN/",
    "partners/",
    "partners/JP/",
    "funds/",
    "meetings/",
    "figures/",
    "reconciliation/",
]
# Masked anew for every answer
CSRF_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')
ADDRESSES = [*PAGES, *(f"/api/v1/{path}" for path in ENDPOINTS)]


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


def everything(client, clock):
    join = {address: "&" if "?" in address else "?" for address in ADDRESSES}
    answers = {}
    for address in ADDRESSES:
        answer = client.get(f"{address}{join[address]}{clock}")
        headers = {k: v for k, v in answer.headers.items() if k != "Date"}
        content = CSRF_TOKEN.sub(b"", answer.content)
        answers[address] = (answer.status_code, content, headers)
    return answers


@pytest.mark.parametrize("clock", ["", "as_of=2022-06-01&known_at=2023-01-01"])
@pytest.mark.parametrize("role", [None, "reader", "coordinator", "partner"])
def test_what_is_hidden_changes_nothing(sign_in, line, shown, role, clock):
    fields = {"coordinator": {"country": "KH"}, "partner": {"partner": "AU"}}
    reader = make.user(role, **fields.get(role, {})) if role else None
    before = everything(sign_in(reader), clock)

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
        is_published=False,
        meeting=make.meeting(),
    )
    make.money(hidden, "5", kind="disbursed", partner="SG")
    private = MoneyEntry.objects.filter(project=shown, is_private=True)
    assert QuerySet.update(private, amount=Decimal(88), usd=Decimal(88)) == 1

    after = everything(sign_in(reader), clock)
    assert [one for one in ADDRESSES if before[one] != after[one]] == []


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
