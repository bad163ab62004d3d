"""Lists in a real browser: columns, views, a selection, an import, and the keys."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from aseanpm.models import ListColumns, SavedView
from projects.models import Project
from tests import make
from tests.browser.conftest import COLOURS

pytestmark = pytest.mark.django_db

LIST = "/projects/?plan=MPAC-2025"


@pytest.fixture(autouse=True)
def without_views(site):
    SavedView.objects.all().delete()
    ListColumns.objects.all().delete()


def heads(page):
    return [
        text.strip(" ▴▾")
        for text in page.locator("thead th:not(.noprint)").all_inner_texts()
    ]


def open_by_key(page, name):
    page.locator("summary", has_text=re.compile(f"^{name}$")).focus()
    page.keyboard.press("Enter")


# Columns and views


def test_columns_are_chosen_and_moved_by_keyboard_alone(desk):
    page = desk(LIST)

    open_by_key(page, "Columns")
    page.get_by_label("Funders", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_label("Status since").focus()
    page.keyboard.press("Space")
    page.locator("#columns .button-primary").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Your columns are kept.")).to_be_visible()
    assert "Funders" not in heads(page)
    assert heads(page)[-1] == "Status since"
    assert page.url.endswith(f"{LIST}#columns")


def test_a_column_goes_further_left_by_its_button(desk):
    page = desk(LIST)
    page.locator("summary", has_text=re.compile("^Columns$")).click()

    page.get_by_role("button", name="Status further left").click()
    if desk.scripts:
        page.locator("#columns .button-primary").click()

    expect(page.get_by_text("Your columns are kept.")).to_be_visible()
    assert heads(page)[:4] == ["Code", "Title", "Status", "Line"]


def test_a_view_is_kept_shared_and_opened_by_a_colleague(desk, sit):
    page = desk(f"{LIST}&ordering=-title&columns=title,plan")

    open_by_key(page, "Keep this list as a view")
    page.get_by_label("Name for these filters").fill("Connectivity, Z to A")
    page.get_by_label("Share it with the secretariat").check()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The view “Connectivity, Z to A” is kept.")).to_be_visible()

    colleague = sit("/projects/", who="Cole League")
    colleague.get_by_role("link", name="Connectivity, Z to A").click()

    expect(colleague).to_have_url(re.compile("ordering=-title&plan=MPAC-2025"))
    assert heads(colleague) == ["Title", "Plan"]
    here = colleague.locator(".views [aria-current]")
    expect(here).to_contain_text("Connectivity, Z to A")
    expect(colleague.get_by_role("button", name="Rename")).to_have_count(0)


# A selection


def test_a_theme_is_put_on_a_selection_seen_before_and_undone(desk):
    page = desk(LIST)
    rows = page.locator("tbody tr")
    codes = [rows.nth(n).locator("td.nowrap").first.inner_text() for n in (0, 2)]
    tagged = Project.objects.filter(code__in=codes, themes__code="T1")
    theme = make.theme("T1")
    assert not tagged.exists()

    for code in codes:
        page.get_by_label(f"Choose {code}").check()
    page.locator("#deed").select_option("add-theme")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Theme").select_option("T1")
    page.get_by_role("button", name="Preview").click()

    expect(page.locator("#changes")).to_have_text("2 projects will change")
    assert not tagged.exists()
    page.get_by_role("button", name="Change 2 projects").click()
    expect(page).to_have_url(re.compile(re.escape(LIST) + "$"))
    assert tagged.count() == 2
    toast = page.get_by_role("status").filter(has_text="Theme added")
    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back: Theme added")).to_be_visible()
    assert not tagged.exists()
    assert theme.projects.count() == 0


def test_a_selection_is_ticked_counted_and_left_by_keyboard(sit):
    page = sit(LIST)

    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("x")

    expect(page.locator("[data-count]")).to_have_text("1 ticked")
    page.get_by_label("Choose all of this page").check()
    expect(page.locator("[data-count]")).to_have_text("25 ticked")


# The first list in

ROWS = """\
title;plan;line;status;status_date;countries;partners;approved_amount
Ports for small boats;MPAC 2025;;ongoing;2026-03-31;KH;EU;12000
Rice in dry years;IAI-IV;7;appraisal;2026-03-31;VN:40;Japan;1,250.50
Nhà máy xay lúa;IAI-IV;3;appraisal;31.3.2026;CLMV;ROK;
"""


def test_a_list_with_two_errors_is_corrected_imported_and_undone(desk):
    page = desk("/projects/")
    page.get_by_role("link", name="Import a list").click()
    file = {"name": "list.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check the list").click()

    expect(
        page.get_by_text("2 problems in 2 cells; nothing is written")
    ).to_be_visible()
    page.get_by_role("link", name="Row 4, status_date").click()
    page.get_by_label("plan of row 2").fill("MPAC-2025")
    page.get_by_label("status_date of row 4").fill("2026-03-31")
    page.get_by_role("button", name="Check again").click()

    expect(page.get_by_role("heading", name="3 new projects")).to_be_visible()
    expect(page.get_by_text("MPAC-2025 today").first).to_be_visible()
    page.get_by_role("button", name="Import 3 projects").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "3")
    made = Project.objects.as_of().filter(title="Ports for small boats")
    assert made.count() == 1
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back: List of projects imported")).to_be_visible()
    assert made.count() == 0


# Keys


def test_the_keys_that_work_here_are_listed(sit):
    page = sit(LIST)

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_text("Tick the row")).to_be_visible()
    expect(dialog.get_by_text("New, on a list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page).to_have_url(re.compile("/meetings/$"))
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_text("This list of keys")).to_be_visible()
    expect(dialog.get_by_text("Tick the row")).to_be_hidden()


def test_no_key_does_anything_while_one_types(sit):
    page = sit(LIST)

    page.keyboard.press("/")
    page.keyboard.type("gp x?n")

    expect(page.get_by_role("searchbox").first).to_have_value("gp x?n")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.url.endswith(LIST)


def test_keys_can_be_switched_off(sit):
    page = sit(LIST)
    page.keyboard.press("?")
    page.get_by_label("Keys work on this device").uncheck()
    page.get_by_role("button", name="Close").click()

    page.keyboard.press("g")
    page.keyboard.press("m")
    page.keyboard.press("n")
    page.reload()

    assert page.url.endswith(LIST)


def test_editing_a_row_leads_back_to_it(sit):
    page = sit(f"{LIST}&page=2")
    page.keyboard.press("j")
    page.keyboard.press("j")
    code = page.locator("tr:focus-within td.nowrap").first.inner_text()

    page.keyboard.press("e")
    expect(page).to_have_url(re.compile(f"/projects/{code}/edit/"))
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page).to_have_url(re.compile(f"page=2#row-{code}$"))
    expect(page.locator("tr:target")).to_contain_text(code)
    page.keyboard.press("x")
    expect(page.get_by_label(f"Choose {code}")).to_be_checked()


# Everybody

PAGES = [
    (LIST, ["#columns > summary", "#views > summary"]),
    ("/imports/", []),
    ("/imports/projects/", ["summary:has-text('paste')"]),
    ("/shortcuts/", []),
]


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_for_lists_are_fit_for_everybody(sit, colours, width):
    size = {"width": width, "height": 900}
    for path, opened in PAGES:
        page = sit(path, color_scheme=colours, viewport=size)
        for each in opened:
            page.locator(each).click()
        look_at(page, path)


@pytest.mark.parametrize("colours", COLOURS)
def test_previews_and_errors_are_fit_for_everybody(sit, colours):
    size = {"width": 360, "height": 900}
    page = sit("/imports/projects/", color_scheme=colours, viewport=size)
    page.locator("summary", has_text="paste").click()
    page.locator("#text").fill(ROWS)
    page.get_by_role("button", name="Check the list").click()
    look_at(page, "errors")
    page.get_by_label("plan of row 2").fill("MPAC-2025")
    page.get_by_label("status_date of row 4").fill("2026-03-31")
    page.get_by_role("button", name="Check again").click()
    look_at(page, "preview")

    page = sit(LIST, color_scheme=colours, viewport=size)
    page.locator("[name=all]").check()
    page.locator("#deed").select_option("move")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("New status").select_option("cancelled")
    page.get_by_label("Since").fill("2026-11-01")
    page.get_by_label("Reason").fill("No money")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="will change")).to_be_visible()
    look_at(page, "selection")


def look_at(page, where):
    found = Axe().run(page)
    assert found.violations_count == 0, (where, found.generate_report())
    assert (
        page.evaluate("document.documentElement.scrollWidth")
        <= page.viewport_size["width"]
    ), where
