"""A plan is made, titled, ruled and declared, with scripts and without."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from partners.models import Partner
from tests.browser.conftest import COLOURS, saved
from workplans.models import WorkPlan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_before")]

ROWS = [f"IAI-V-{number:02},Line number {number}" for number in range(1, 25)]
TITLES = "\n".join(["code,title", *ROWS])


def save(page):
    page.get_by_role("button", name="Save", exact=True).last.click()


def in_print(page, site):
    """What the site computes for every figure in print."""
    page.goto(f"{site}/reconciliation/")
    return page.locator("main table").all_inner_texts()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_fifth_plan_takes_the_shape_of_the_fourth_and_moves_nothing_in_print(
    sit, site, scripts
):
    page = sit("/", scripts=scripts)
    before = in_print(page, site)

    page.goto(f"{site}/plans/IAI-V/")
    page.get_by_role("link", name="Take over a shape").click()
    page.get_by_label("Take over the shape of").select_option("IAI-IV")
    page.get_by_label("Measured by").select_option("action_line")
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("makes 5 areas and 24 lines")
    expect(page.get_by_role("alert")).to_contain_text("No figure in print moves.")
    assert not WorkPlan.objects.get(code="IAI-V").lines.exists()
    save(page)
    expect(page.locator(".areas > li")).to_have_count(5)
    expect(page.locator(".areas .line")).to_have_count(24)
    expect(page.locator("main")).to_contain_text("still to be loaded")

    page.get_by_role("link", name="Load titles").click()
    page.get_by_label("Paste the list").fill(TITLES)
    page.get_by_role("button", name="Check the list").last.click()
    expect(page.get_by_role("alert")).to_contain_text("24 titles will be written")
    save(page)
    expect(page.get_by_role("status").first).to_contain_text("24 lines were given")

    page.get_by_role("link", name="Declare a total").click()
    page.get_by_label("How many").fill("24")
    page.get_by_label("Since", exact=True).fill("2026-01-01")
    saved(page)
    page.get_by_role("link", name="Record a rule").click()
    page.get_by_label("Projects count").select_option("ongoing")
    page.get_by_label("Since", exact=True).fill("2026-07-01")
    page.get_by_label("The plan changed").check()
    saved(page)

    facts = page.locator("#plan-facts")
    expect(facts).to_contain_text("24 action lines declared, since 2026-01-01")
    expect(facts).to_contain_text("Projects count from ongoing, since 2026-07-01")
    expect(facts).to_contain_text("Projects count from approved, since 2026-01-01")
    expect(page.locator("main")).to_contain_text("A project counts from ongoing")
    page.get_by_text("Every line with its projects").click()
    expect(page.locator("main")).to_contain_text("Line number 24")
    assert in_print(page, site) == before


def test_a_partner_gets_an_alias_by_keyboard_alone(sit):
    page = sit("/partners/")
    page.get_by_role("link", name="Japan", exact=True).first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Edit Japan").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/edit/")
    page.get_by_role("button", name="Add an alias").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Nippon-koku")
    page.keyboard.press("Tab")
    page.keyboard.type("Eng")
    page.keyboard.press("Control+s")

    expect(page.get_by_role("status").first).to_contain_text("Japan was saved.")
    expect(page.locator("main")).to_contain_text("Nippon-koku")
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text(
        "Taken back: Changed partner"
    )
    assert Partner.objects.named("Nippon-koku").count() == 0


def test_a_clash_of_aliases_is_told_at_its_row(sit):
    page = sit("/partners/JP/edit/")
    page.get_by_role("button", name="Add an alias").click()
    page.locator(".row-aliases").last.get_by_label("Alias").fill("ROK")
    save(page)

    problem = page.get_by_role("link", name="ROK")
    expect(problem).to_contain_text("an alias of Republic of Korea (KR) already")
    problem.click()
    expect(page.locator(":focus")).to_have_value("ROK")


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize(
    "path",
    [
        "/plans/new/",
        "/plans/IAI-IV/",
        "/plans/IAI-IV/titles/",
        "/plans/IAI-IV/rules/new/",
        "/lines/IAI-IV-07/edit/",
        "/countries/TL/edit/",
        "/reference/",
        "/reference/?search=japan",
    ],
)
def test_pages_that_write_are_accessible_and_fit_a_phone(sit, path, colours):
    size = {"width": 360, "height": 740}
    page = sit(path, viewport=size, color_scheme=colours)

    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
