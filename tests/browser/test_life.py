"""The life of a project and its money in a real browser, with scripts and without."""

import datetime as dt
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from projects.models import ExchangeRate
from tests import make
from tests.browser.conftest import COLOURS, field, saved

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()
BEFORE = TODAY - dt.timedelta(days=60)
LATELY = TODAY - dt.timedelta(days=10)


@pytest.fixture
def meeting():
    return make.meeting("IAI-TF-80", on=LATELY.isoformat())


def a_project(**fields):
    plan = make.plan("IAI-V")
    return make.project(on=BEFORE.isoformat(), plan=plan, **fields)


def status(page):
    return page.locator("h1 ~ .pagehead-sub .status")


def test_a_project_goes_from_nothing_to_approved_by_keyboard_alone(desk, meeting):
    make.plan("IAI-V")
    page = desk("/projects/")

    def press(link_or_button, name):
        page.get_by_role(link_or_button, name=name, exact=True).last.focus()
        page.keyboard.press("Enter")

    def choose(label, text):
        field(page, label).focus()
        page.keyboard.type(text)

    press("link", "New project")
    page.wait_for_url("**/projects/new/**")
    choose("Title", "Soybean chains")
    choose("Plan", "IAI-V")
    choose("Status", "Appraisal")
    page.get_by_label("Since").fill(BEFORE.isoformat())
    choose("Country or grouping", "Viet Nam")
    choose("Partner", "Japan")
    choose("Approved budget", "120,000")
    press("button", "Save")
    page.wait_for_url("**/projects/P-*/")
    expect(status(page)).to_have_text("Appraisal")

    press("link", "Approve")
    page.wait_for_url("**/move/approved/**")
    choose("Decided", "80th")
    press("button", "Approve")
    more = re.compile(r"IAI-V today: (\d+) → \d+ project")
    expect(page.locator(":focus")).to_contain_text(more)
    press("button", "Approve all the same")

    expect(status(page)).to_have_text("Approved")
    decided = page.get_by_text("Approved, at the 80th IAI Task Force", exact=True)
    expect(decided).to_be_visible()
    press("button", "Undo")
    expect(status(page)).to_have_text("Appraisal")


def test_a_project_is_approved_held_resumed_and_put_back_by_mouse(desk, meeting):
    project = a_project(status="appraisal")
    page = desk(f"/projects/{project.code}/")

    page.get_by_role("link", name="Approve", exact=True).click()
    page.get_by_label("Decided").select_option("IAI-TF-80")
    saved(page, "Approve")
    expect(page.get_by_role("status")).to_contain_text("is “Approved” since")
    expect(status(page)).to_have_text("Approved")
    decided = page.get_by_text("Approved, at the 80th IAI Task Force", exact=True)
    expect(decided).to_be_visible()

    page.get_by_role("link", name="Start", exact=True).click()
    saved(page, "Start")
    page.get_by_role("link", name="Put on hold").click()
    page.get_by_role("button", name="Put on hold", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("“On hold” needs a reason.")
    page.get_by_role("link", name="Reason: “On hold” needs a reason.").click()
    page.get_by_label("Reason").fill("The funds are late")
    saved(page, "Put on hold")
    expect(status(page)).to_have_text("On hold")

    page.get_by_role("link", name="Resume").click()
    saved(page, "Resume")
    expect(status(page)).to_have_text("Ongoing")
    page.get_by_role("button", name="Undo").click()
    expect(status(page)).to_have_text("On hold")


def test_a_project_is_approved_and_put_back_by_keyboard_alone(desk, meeting):
    project = a_project(status="appraisal")
    page = desk(f"/projects/{project.code}/")

    def press(link_or_button, name):
        page.get_by_role(link_or_button, name=name, exact=True).focus()
        page.keyboard.press("Enter")

    press("link", "Approve")
    page.get_by_label("Decided").focus()
    page.keyboard.type("80th")
    press("button", "Approve")
    expect(page.locator(":focus")).to_contain_text("Nothing is saved yet")
    expect(page.locator(":focus")).to_contain_text("IAI-V today")
    press("button", "Approve all the same")
    expect(status(page)).to_have_text("Approved")

    press("button", "Undo")
    expect(status(page)).to_have_text("Appraisal")


def test_two_browsers_at_one_project_lose_nothing(desk, sit):
    project = a_project(status="ongoing")
    page = desk(f"/projects/{project.code}/move/on_hold/")
    page.get_by_label("Reason").fill("The funds are late")
    other = sit(f"/projects/{project.code}/steps/new/")
    other.get_by_label("Decided").select_option("circulation")
    other.get_by_label("Day").fill(LATELY.isoformat())
    saved(other)

    page.get_by_role("button", name="Put on hold", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Secretariat appraisal: Endorsed")
    expect(page.get_by_label("Reason")).to_have_value("The funds are late")
    saved(page, "Put on hold")
    expect(status(page)).to_have_text("On hold")


def test_the_rate_on_record_is_proposed_and_the_ledger_grows(desk):
    ExchangeRate.objects.get_or_create(
        currency="NOK", on=BEFORE, defaults={"rate": "0.1", "source": "A bank"}
    )
    project = a_project(status="approved", funders=["JP"])
    page = desk(f"/projects/{project.code}/")

    page.get_by_role("link", name="Enter money").click()
    page.get_by_label("Kind").select_option("committed")
    page.get_by_label("Funder – optional").select_option("JP")
    page.get_by_label("Amount", exact=True).fill("1,000.50")
    page.get_by_label("As of").fill(LATELY.isoformat())
    page.get_by_label("Currency").fill("nok")
    if not desk.scripts:
        page.get_by_role("button", name="Propose the rate on record").click()
        expect(page.get_by_role("alert")).to_contain_text("The rate on record is 0.1")
    page.get_by_label("Amount", exact=True).focus()
    expect(page.get_by_label("US dollars for one unit")).to_have_value("0.1")
    expect(page.get_by_label("Rate taken from")).to_have_value("A bank")
    saved(page)

    ledger = page.get_by_role("region", name="The ledger, entry by entry")
    expect(ledger).to_contain_text("NOK 1,000.50")
    expect(ledger).to_contain_text("100.05")
    page.get_by_role("button", name="Undo").click()
    expect(ledger).to_contain_text("No money is on record")


def test_an_amount_that_cannot_be_read_is_told_and_stays(desk):
    project = a_project(status="approved")
    page = desk(f"/projects/{project.code}/money/new/")

    page.get_by_label("Amount", exact=True).fill("1,2,3")
    page.get_by_label("As of").fill(LATELY.isoformat())
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("“1,2,3” is no number.")
    expect(page.get_by_label("Amount", exact=True)).to_have_value("1,2,3")


@pytest.mark.parametrize("colours", COLOURS)
def test_no_page_of_a_projects_life_keeps_anyone_out(sit, colours):
    project = a_project(status="approved", funders=["JP"], budget="100")
    make.plan(
        "IAI-VI", nominal_start=dt.date(2031, 1, 1), nominal_end=dt.date(2035, 1, 1)
    )
    fact = project.status_changes.first()
    entry = project.money_entries.get()
    at = f"/projects/{project.code}"
    page = sit("/", color_scheme=colours)

    for path in (
        f"{at}/",
        f"{at}/move/ongoing/",
        f"{at}/move/carried_over/",
        f"{at}/move/completed/",
        f"{at}/steps/new/",
        f"{at}/money/new/",
        f"{at}/money/new/?revise={entry.uuid}",
        f"{at}/money/new/?reverse={entry.uuid}",
        f"{at}/facts/{fact.uuid}/correct/",
        f"{at}/facts/{fact.uuid}/withdraw/",
        "/rates/",
        "/rates/new/",
        "/rates/import/",
    ):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        page.set_viewport_size({"width": 360, "height": 740})
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width == 360, path
