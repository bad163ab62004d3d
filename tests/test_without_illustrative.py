"""With the illustrative records removed every page stays sensible and helpful."""

import pytest
from django.core.management import call_command
from django.http import QueryDict
from django.urls import reverse

from aseanpm.facts import Clock
from projects.models import Project
from tests.reading import page_of
from tests.test_figures_open_records import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]


@pytest.fixture(autouse=True)
def _removed(capsys):
    call_command("remove_illustrative")


@pytest.mark.parametrize("clock", ["", "as_of=2022-09-22"])
def test_every_page_stands_and_speaks_of_nothing_illustrative(client, clock):
    for address in addresses(Clock.read(QueryDict(clock))):
        if not address.startswith("/about/"):
            page = client.get(f"{address}?{clock}")
            assert page.status_code == 200, address
            html = page.content.decode()
            assert "ILL-" not in html, address
            assert "notice-illustrative" not in html, address


def test_a_plan_without_records_is_not_known_and_not_zero(client):
    page = client.get(reverse("workplans:plan", args=["IAI-IV"])).content.decode()

    assert "not known, none on record" in page
    assert "of 24 action lines implemented" not in page
    assert "0%" not in page


def test_lists_that_are_empty_say_what_to_do(client):
    page = client.get("/projects/?plan=IAI-IV&stage=counted").content.decode()

    assert "No project matches" in page
    assert "Show all projects" in page


def test_the_documented_projects_stay(client):
    shown = page_of(client, "/projects/")

    assert shown.total == Project.objects.count() == 22


def test_what_the_api_tells_rests_on_no_illustrative_record(api):
    answer = api().get("/api/v1/plans/IAI-IV/progress/").json()

    assert answer["illustrative_records"] == 0
    assert answer["lines"]["implemented"] is None
    assert answer["lines"]["declared"] == 24
    assert answer["money"]["approved_usd"] is None


def test_lines_of_which_nothing_is_on_record_are_not_known(client, api):
    page = client.get("/lines/IAI-IV-07/").content.decode()
    row = api().get("/api/v1/lines/IAI-IV-07/").json()

    assert "Not known" in page
    assert "Not started" not in page
    assert row["state"] is None
