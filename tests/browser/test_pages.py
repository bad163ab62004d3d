"""What a reader meets in a real browser."""

import re
from urllib.parse import urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import COLOURS

pytestmark = pytest.mark.django_db

PAGES = [
    "/",
    "/plans/",
    "/plans/IAI-IV/?as_of=2022-09-22",
    "/plans/MPAC-2010/",
    "/lines/?plan=IAI-IV&state=implemented&as_of=2022-09-22",
    "/lines/IAI-IV-07/",
    "/projects/?plan=IAI-IV",
    "/projects/ILL-4-020/",
    "/countries/",
    "/countries/VN/",
    "/partners/",
    "/partners/SG/",
    "/meetings/",
    "/meetings/IAI-TF-68/",
    "/reconciliation/",
    "/search/?q=lua+gao",
    "/about/",
    "/permissions/",
    "/api/",
    "/nowhere/",
    "/projects/?colour=red",
]
EXPECTED_ERRORS = {"/nowhere/", "/projects/?colour=red"}


def test_from_home_to_the_records_behind_a_figure_in_three_clicks(show):
    page = show("/?as_of=2022-09-22")
    sentence = page.locator(".sentence", has_text="of 24 action lines implemented")
    expect(sentence).to_contain_text("12 of 24")

    sentence.get_by_role("link", name="12").click()
    expect(page.locator("[data-total]").first).to_have_attribute("data-total", "12")
    page.get_by_role("link", name="IAI-IV-01", exact=True).first.click()
    page.get_by_role("link", name=re.compile("^Illustrative")).first.click()

    expect(page.get_by_role("heading", name="What is on record")).to_be_visible()
    expect(page).to_have_url(re.compile("as_of=2022-09-22"))


def test_the_date_control_is_worked_by_keyboard(show):
    page = show("/")

    page.get_by_label("As of").focus()
    page.keyboard.type("09222022")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("as_of=2022-09-22"))
    expect(page.get_by_role("note").first).to_contain_text("22 September 2022")


def test_slash_goes_to_the_search_and_enter_finds(show):
    page = show("/")

    page.keyboard.press("/")
    page.keyboard.type("lua gao")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/search/\?q=lua"))
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


def test_the_first_tab_skips_to_the_content(show):
    page = show("/")

    page.keyboard.press("Tab")

    expect(page.locator(":focus")).to_have_text("Skip to main content")


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("path", [p for p in PAGES if p not in EXPECTED_ERRORS])
def test_no_page_keeps_anyone_out(show, path, colours):
    page = show(path, colours=colours)

    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways_on_a_phone(page, site, path):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(site + path)

    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_first_view_is_light_and_asks_no_other_host(show, page, site):
    answers = []
    page.on("response", lambda answer: answers.append(answer))

    show("/")

    sizes = [answer.request.sizes()["responseBodySize"] for answer in answers]
    hosts = {urlparse(answer.url).netloc for answer in answers}
    assert hosts == {urlparse(site).netloc}
    assert len(answers) <= 10
    assert sum(sizes) <= 60 * 1024


def test_without_scripts_the_pages_work(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/projects/?plan=IAI-IV")

    page.get_by_label("Words in code or title").fill("digital")
    page.get_by_role("button", name="Apply").last.click()

    expect(page).to_have_url(re.compile("search=digital"))
    expect(page.locator("[data-total]").first).not_to_have_attribute("data-total", "0")
    context.close()


def test_paper_shows_the_figures_and_not_the_controls(show):
    page = show("/plans/IAI-IV/?as_of=2022-09-22")

    page.emulate_media(media="print")

    expect(page.get_by_role("banner")).to_be_hidden()
    expect(page.get_by_label("As of")).to_be_hidden()
    expect(page.locator(".sentence").first).to_be_visible()
    expect(page.get_by_text("Illustrative data:")).to_be_visible()
