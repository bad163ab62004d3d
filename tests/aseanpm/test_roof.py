"""Pages about everything at once, and the doors for machines."""

import fnmatch

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.urls import get_resolver

from aseanpm.permissions import TABLE
from tests import make

pytestmark = pytest.mark.django_db


def routes(resolver=None, namespace=""):
    for pattern in (resolver or get_resolver()).url_patterns:
        if hasattr(pattern, "url_patterns"):
            inside = f"{namespace}{pattern.namespace}:" if pattern.namespace else ""
            yield from routes(pattern, inside or namespace)
        elif pattern.name:
            yield namespace + pattern.name


def test_every_route_has_a_row_in_the_permission_table():
    known = set(routes())
    covered = [name for row in TABLE for name in (*row.routes, *row.doors)]

    assert (
        known - {route for name in covered for route in fnmatch.filter(known, name)}
        == set()
    )
    assert [name for name in covered if not fnmatch.filter(known, name)] == []


def test_permissions_are_printed_from_the_table(client):
    page = client.get("/permissions/").content.decode()

    assert "every project of the own country" in page
    assert "National coordinator" in page


def test_home_tells_each_current_plan_in_a_sentence(client):
    plan = make.plan(adopted_on=make.day("2020-11-12"))
    make.project(on="2022-01-10", line=make.line(plan=plan))
    make.line(plan=plan, code="IAI-IV-99", title="Waiting")

    page = client.get("/").content.decode()

    assert 'data-figure="1">1</a>' in page
    assert "of 24 action lines implemented" in page
    assert "past its period, not closed" in page
    assert "IAI-IV-99" in page
    assert "Last record: 10 January 2022" in page


def test_a_plan_within_its_period_is_not_called_past_it(client):
    make.plan(adopted_on=make.day("2020-11-12"))

    page = client.get("/?as_of=2024-01-01").content.decode()

    assert "Work plan IAI-IV" in page
    assert "past its period" not in page


def test_home_before_any_plan_says_what_to_do(client):
    make.plan(adopted_on=make.day("2020-11-12"))

    page = client.get("/?as_of=2001-01-01").content.decode()

    assert "No plan was being carried out on this day" in page


def test_pages_keep_the_clock_in_their_links_and_say_it(client):
    make.plan(adopted_on=make.day("2020-11-12"))

    page = client.get("/?as_of=2022-09-22&known_at=2022-09-22").content.decode()

    assert 'href="/plans/?as_of=2022-09-22&amp;known_at=2022-09-22"' in page
    assert "22 September 2022" in page
    assert "Back to today" in page


@pytest.mark.parametrize(
    "address",
    ["/", "/plans/", "/countries/", "/meetings/", "/reconciliation/", "/about/"],
)
@pytest.mark.parametrize(
    ("query", "field"),
    [("as_of=yesterday", "as_of"), ("known_at=2022-01-01T00:00:00", "known_at")],
)
def test_a_clock_that_cannot_be_read_is_named(client, address, query, field):
    answer = client.get(f"{address}?{query}")

    assert answer.status_code == 400
    assert f"<b>{field}</b>" in answer.content.decode()


@pytest.mark.parametrize("address", ["/", "/plans/", "/permissions/", "/search/"])
def test_an_unknown_parameter_is_named(client, address):
    answer = client.get(f"{address}?colour=red")

    assert answer.status_code == 400
    assert "<b>colour</b>" in answer.content.decode()


def test_search_finds_across_kinds_and_languages(client):
    plan = make.plan()
    make.line(plan=plan, code="IAI-IV-07", title="Rice chains")
    make.project(title="Rice", title_translations={"vi": "Lúa gạo"}, code="P-22222")
    make.partner("JP", name="Japan", name_translations={"vi": "Nhật Bản"})

    rice = client.get("/search/", {"q": "lua gao"}).content.decode()
    japan = client.get("/search/", {"q": "nhat ban"}).content.decode()
    line = client.get("/search/", {"q": "iai-iv-07"}).content.decode()
    nothing = client.get("/search/", {"q": "zebra"}).content.decode()

    assert "P-22222" in rice
    assert "/partners/JP/" in japan
    assert "/lines/IAI-IV-07/" in line
    assert "Nothing is called that" in nothing


def test_search_shows_no_project_that_is_not_published(client):
    make.project(title="Secret rice", is_published=False)

    assert "Secret rice" not in client.get("/search/", {"q": "rice"}).content.decode()


def test_about_says_when_a_copy_differs_from_the_facts(client):
    project = make.project()
    assert "agrees with the facts" in client.get("/about/").content.decode()

    type(project).objects.filter(pk=project.pk).update(current_status="completed")

    assert "cannot be trusted" in client.get("/about/").content.decode()


def test_health_and_readiness(client):
    assert client.get("/healthz").content == b"ok\n"
    assert client.get("/readyz").json() == {"database": "answers"}


def test_a_closed_site_shows_visitors_health_alone(client, api, sign_in):
    with override_settings(ASEANPM_PUBLIC=False):
        assert client.get("/").status_code == 403
        assert client.get("/projects/").status_code == 403
        assert api().get("/api/v1/projects/").status_code == 401
        assert client.get("/healthz").status_code == 200
        assert sign_in(make.user("editor")).get("/").status_code == 200


def test_an_unknown_address_is_a_404_that_names_it(client, api):
    page = client.get("/plans/IAI-IX/")
    answer = api().get("/api/v1/nothing/")

    assert page.status_code == 404
    assert "IAI-IX" in page.content.decode()
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "/api/v1/nothing/" in answer.json()["detail"]


def test_an_unchanged_answer_is_not_sent_again(api):
    first = api().get("/api/v1/plans/")
    again = api().get("/api/v1/plans/", headers={"If-None-Match": first["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)


def test_every_page_carries_the_security_headers(client):
    headers = client.get("/").headers

    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_home_takes_as_many_queries_for_many_projects(client, queries):
    plan = make.plan(adopted_on=make.day("2020-11-12"))
    make.project(line=make.line(plan=plan), funders=["SG"])
    few = queries(lambda: client.get("/?as_of=2022-06-01"))
    for _ in range(10):
        make.project(line=make.line(plan=plan), funders=["SG", "JP"])

    assert queries(lambda: client.get("/?as_of=2022-06-01")) == few


def test_the_schema_is_valid_and_nothing_in_it_collides(capsys):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


def test_the_schema_describes_every_endpoint_and_loads(api):
    schema = api().get("/api/v1/schema/", headers={"Accept": "application/json"})

    assert schema.status_code == 200
    paths = schema.content.decode()
    for path in (
        "/api/v1/plans/{code}/progress/",
        "/api/v1/projects/{code}/facts/",
        "/api/v1/reconciliation/",
        "/api/v1/figures/",
        "/api/v1/funds/",
    ):
        assert path in paths
