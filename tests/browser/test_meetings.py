"""A meeting, from nothing to its decisions, with scripts and without."""

import datetime as dt
import re
from itertools import count

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from partners.models import Country
from projects.models import Project
from tests import make
from tests.browser.conftest import COLOURS
from workplans.models import ActionLine, Body, Meeting, WorkPlan

pytestmark = pytest.mark.django_db

HELD = timezone.localdate() - dt.timedelta(days=2)
EARLIER = HELD - dt.timedelta(days=30)
_numbers = count(90)


@pytest.fixture
def proposals():
    """Three projects in appraisal, which wait for no later test."""
    line = ActionLine.objects.get(code="IAI-IV-05")
    made = [
        make.project(
            status="appraisal",
            on=EARLIER,
            line=line,
            area=line.area,
            is_published=False,
        )
        for _ in range(3)
    ]
    yield made
    keys = [project.pk for project in made]
    Project.objects.filter(pk__in=keys).update(withdrawn_at=timezone.now())


def counted():
    plan = WorkPlan.objects.get(code="IAI-IV")
    return Project.objects.as_of().under(plan).counted().count()


def test_a_meeting_is_made_decides_and_is_undone(desk, proposals):
    number = next(_numbers)
    first, second, third = proposals
    before = counted()

    page = desk("/meetings/")
    page.get_by_role("link", name="New meeting").click()
    page.get_by_label("Body").select_option(label="IAI Task Force")
    page.get_by_label("Number").fill(str(number))
    page.get_by_label("Last day").fill(HELD.isoformat())
    page.get_by_label("Who", exact=True).first.select_option(label="Cambodia")
    page.get_by_role("button", name="Add a participant").click()
    page.get_by_label("Who", exact=True).nth(1).select_option(label="Japan")
    page.get_by_label("As", exact=True).nth(1).select_option(label="Observer")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile(f"/meetings/IAI-TF-{number}/$"))
    expect(page.get_by_role("link", name="Cambodia")).to_be_visible()

    page.get_by_role("link", name="Make the agenda").click()
    for project in (first, second):
        page.get_by_label(project.code).check()
    page.get_by_label("Find by code or title").fill(third.code.lower())
    page.get_by_role("button", name="Save the agenda").click()
    expect(page.get_by_label(f"Order of {third.code}")).to_have_value("3")

    page.get_by_role("link", name="Record decisions").click()
    for project, decision in (
        (first, "Approve"),
        (second, "Approve"),
        (third, "Return"),
    ):
        group = page.get_by_role("group", name=f"Decision on {project.code}")
        group.get_by_label(decision).check()
    page.get_by_role("button", name="Apply these decisions").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why it is returned.")
    page.get_by_label(f"Reason or remark on {third.code}").fill("The budget is unclear")
    page.get_by_role("button", name="Apply these decisions").click()
    moved = f"IAI-IV today: {before} → {before + 2} projects"
    expect(page.get_by_role("alert")).to_contain_text(moved)
    assert counted() == before
    page.get_by_role("button", name="Apply these decisions").first.click()

    expect(page.get_by_role("status")).to_contain_text("2 approved, 1 returned")
    expect(page.get_by_text("The budget is unclear").last).to_be_visible()
    assert counted() == before + 2
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Record decisions")).to_be_visible()
    assert counted() == before


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_enter_in_find_finds_and_elsewhere_saves(sit, proposals, scripts):
    project = proposals[0]
    meeting = make.meeting(f"IAI-TF-{next(_numbers)}", on=HELD)
    page = sit(f"{meeting.get_absolute_url()}agenda/", scripts=scripts)

    find = page.get_by_label("Find by code or title")
    find.fill(project.title)
    find.press("Enter")
    page.get_by_role("table", name="Projects found").get_by_label(project.code).check()
    assert not meeting.agenda_items.exists()
    page.get_by_role("button", name="Save the agenda").click()
    place = page.get_by_label(f"Order of {project.code}")
    expect(place).to_have_value("1")

    page.get_by_label(f"Remark on {project.code}").fill("After lunch")
    place.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The agenda was saved.")
    assert meeting.agenda_items.get().note == "After lunch"


def test_decisions_are_recorded_by_keyboard_alone(desk, proposals):
    project = proposals[0]
    number = next(_numbers)
    meeting = make.meeting(f"IAI-TF-{number}", on=HELD)
    meeting.agenda_items.create(project=project, order=1)
    page = desk(f"{meeting.get_absolute_url()}decisions/")
    code = project.code

    page.get_by_role("group", name=f"Decision on {code}").get_by_label(
        "Leave open"
    ).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("name", f"item-{code}-reason")
    page.keyboard.type("Next time")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("1 deferred")
    assert project.approval_steps.get().note == "Next time"


def test_a_link_inside_a_notice_stands_in_its_sentence(sit, proposals):
    meeting = make.meeting(f"IAI-TF-{next(_numbers)}", on=HELD)
    meeting.agenda_items.create(project=proposals[0], order=1)
    Meeting.objects.filter(pk=meeting.pk).update(held_from=None, held_until=None)
    page = sit(f"{meeting.get_absolute_url()}decisions/")

    notice = page.locator("p.notice", has=page.get_by_text("Enter the date"))

    assert notice.evaluate("one => getComputedStyle(one).display") == "block"
    link = notice.get_by_role("link", name="Enter the date")
    assert link.evaluate("one => getComputedStyle(one).display") == "inline"


def test_a_circulation_is_noted_at_the_next_meeting(desk, proposals):
    project = proposals[0]
    number = next(_numbers)
    meeting = make.meeting(f"IAI-TF-{number}", on=timezone.localdate())

    page = desk("/meetings/circulation/")
    page.get_by_label("Approve").check()
    page.get_by_label("Date of the decision").fill((HELD + dt.timedelta(1)).isoformat())
    page.get_by_label(project.code).check()
    page.get_by_role("button", name="Record the decision").click()
    page.get_by_role("button", name="Record the decision").first.click()
    expect(page.get_by_role("status")).to_contain_text("1 approved")

    page = desk(f"{meeting.get_absolute_url()}agenda/")
    expect(page.get_by_label(project.code)).to_be_checked()
    page.get_by_role("button", name="Save the agenda").click()
    page.get_by_role("link", name="Record decisions").click()
    group = page.get_by_role("group", name=f"Decision on {project.code}")
    group.get_by_label("Note").check()
    page.get_by_role("button", name="Apply these decisions").click()

    expect(page.get_by_role("status")).to_contain_text("1 noted")
    expect(page.get_by_text("Decided by circulation before")).to_be_visible()


def test_a_priority_of_a_consultation_becomes_a_concept(desk):
    number = next(_numbers)
    body = Body.objects.get(code="IAI-NATCONS")
    country = Country.objects.get(code="KH")
    meeting = Meeting.objects.create(
        code=f"IAI-NATCONS-KH-{number}",
        body=body,
        country=country,
        held_from=HELD,
        held_until=HELD,
    )
    page = desk(meeting.get_absolute_url())

    page.get_by_role("link", name="Edit sessions and priorities").click()
    area = page.get_by_label("Strategic area")
    area.select_option("IAI-IV-FA")
    page.get_by_label("What was proposed").fill("Irrigation by the sun")
    page.get_by_label("Line, by its code").fill("IAI-IV-01")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Make it a concept project").click()

    expect(page.get_by_role("status")).to_contain_text("is a concept project now")
    expect(page.get_by_role("heading", name="Irrigation by the sun")).to_be_visible()
    page = desk(meeting.get_absolute_url())
    expect(page.get_by_text("Became the project")).to_be_visible()


def test_a_printed_figure_is_reconciled_at_once(desk):
    number = next(_numbers)
    meeting = make.meeting(f"IAI-TF-{number}", on=HELD)
    page = desk(meeting.get_absolute_url())

    page.get_by_role("link", name="Edit the figures").click()
    page.get_by_label("About").select_option("plan:IAI-IV")
    page.get_by_label("What was counted").select_option("projects")
    page.get_by_label("Value").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()

    row = page.get_by_role("row", name=re.compile("^Projects"))
    expect(row).to_contain_text("Differs")
    meeting.published_figures.all().delete()


@pytest.fixture
def full():
    """A meeting with something of every kind."""
    number = next(_numbers)
    meeting = make.meeting(f"IAI-TF-{number}", on=HELD, country=make.country("KH"))
    line = ActionLine.objects.get(code="IAI-IV-05")
    project = make.project(status="appraisal", on=EARLIER, line=line, area=line.area)
    meeting.agenda_items.create(project=project, order=1)
    meeting.conclusions.create(order=1, text="Noted")
    meeting.partner_statements.create(partner=make.partner("JP"), text="Said")
    session = meeting.sessions.create(title="Session")
    meeting.priorities.create(title="ស្រូវ", title_language="km", session=session)
    return meeting


PAGES = ("", "edit", "agenda", "decisions", "conclusions", "statements", "consultation")


@pytest.mark.parametrize("colours", COLOURS)
def test_no_page_of_a_meeting_keeps_anyone_out_or_scrolls_sideways(sit, full, colours):
    page = sit("/", color_scheme=colours)
    paths = [f"{full.get_absolute_url()}{name}/".replace("//", "/") for name in PAGES]
    paths += [f"{full.get_absolute_url()}figures/"]

    for path in [*paths, "/meetings/", "/meetings/new/", "/meetings/circulation/"]:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
