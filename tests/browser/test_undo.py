"""Merging two partners, undoing it and restoring a value, in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from aseanpm import writing
from aseanpm.facts import Entry, ledger_entry
from partners.models import Partner
from tests.browser.conftest import COLOURS, editor
from workplans.models import Attendance, Meeting

pytestmark = pytest.mark.django_db


@pytest.fixture
def edith(site):
    return editor("Edith Tan")


@pytest.fixture
def page(desk, as_before):
    return desk("/")


@pytest.fixture
def nippon(edith):
    """A partner that was entered twice, seen at one meeting."""
    meeting = Meeting.objects.get(code="IAI-TF-68")
    with ledger_entry(edith, what="New partner"):
        found = Partner(code="NIPPON", name="Nippon", kind="dialogue")
        writing.create(found)
        writing.create(Attendance(meeting=meeting, partner=found, capacity="observer"))
    yield found
    Attendance.objects.filter(partner=found).delete()
    Partner._base_manager.filter(pk=found.pk).delete()


def press(page, role, name, **how):
    """Reach something by keyboard alone and press it."""
    page.get_by_role(role, name=name, **how).first.focus()
    page.keyboard.press("Enter")


def test_two_partners_are_merged_by_keyboard_and_undone_by_the_toast(nippon, page):
    page.goto("/partners/NIPPON/")
    press(page, "link", "Merge")
    page.get_by_label("Which one is kept?").select_option("JP")
    press(page, "button", "Show what will happen")
    page.wait_for_url("**/merge/?into=JP")
    expect(page.get_by_role("heading", level=1)).to_have_text("Merge Nippon into Japan")
    expect(page.get_by_role("row", name="Attendances")).to_contain_text("68th")
    page.get_by_label("How do you know that they are one?").focus()
    page.keyboard.type("One embassy")
    page.keyboard.press("Enter")

    page.wait_for_url("**/partners/JP/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Japan")
    expect(page.get_by_text("Nippon (NIPPON) was merged into it")).to_be_visible()
    page.goto("/partners/NIPPON/")
    expect(page).to_have_url(page.url.replace("NIPPON", "JP"))
    page.goto("/partners/")
    expect(page.get_by_role("link", name="Nippon")).to_have_count(0)

    page.goto("/history/")
    press(page, "link", "write", exact=False)
    expect(page.get_by_text("One embassy")).to_be_visible()
    page.get_by_label("Why?").focus()
    page.keyboard.type("They are two")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Taken back: Merged Nippon")).to_be_visible()
    page.goto("/partners/NIPPON/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nippon")


def test_the_toast_undoes_a_merge_at_once(nippon, page):
    page.goto("/partners/NIPPON/merge/?into=JP")
    page.get_by_label("How do you know that they are one?").fill("One embassy")
    press(page, "button", "Merge", exact=True)
    page.wait_for_url("**/partners/JP/")
    expect(page.get_by_role("status")).to_contain_text("Nippon was merged into Japan.")
    press(page, "button", "Undo")

    expect(page.get_by_role("status")).to_contain_text("Taken back: Merged Nippon")
    assert Partner.objects.filter(code="NIPPON").exists()


def test_a_former_name_is_restored_by_keyboard(nippon, page, edith):
    with ledger_entry(edith, what="Renamed", reason="Typo"):
        writing.change(nippon, name="Nipon")
    page.goto("/partners/NIPPON/")
    press(page, "link", "History")
    press(page, "link", "Restore name")
    expect(page.get_by_text("Nipon", exact=True).first).to_be_visible()
    page.get_by_label("Why?").focus()
    page.keyboard.type("It was right")
    page.keyboard.press("Enter")

    page.wait_for_url("**/history/partner/NIPPON/")
    expect(page.get_by_role("status")).to_contain_text("was restored")
    nippon.refresh_from_db()
    assert nippon.name == "Nippon"
    press(page, "button", "Undo")
    expect(page.get_by_role("status")).to_contain_text("Taken back: Restored")


@pytest.mark.parametrize("desk", [True], indirect=True)
@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("width", [1280, 360])
def test_the_pages_can_be_read_by_all(nippon, page, edith, colours, width):
    with ledger_entry(edith, what="Renamed", reason="Typo"):
        writing.change(nippon, name="Nipon")
    former = nippon.history.last().history_id
    entry = Entry.objects.first().sequence
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=colours)
    paths = [
        "/history/?kind=partner&field=name",
        f"/history/{entry}/",
        "/history/partner/NIPPON/",
        f"/history/partner/{former}/restore/",
        "/partners/NIPPON/merge/",
        "/partners/NIPPON/merge/?into=JP",
    ]
    for path in paths:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found] == [], path
