"""A plan is made, titled, ruled and declared, with scripts and without."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect

from aseanpm.facts import Entry
from aseanpm.undo import undo
from partners.models import Partner, User
from tests import make
from workplans.models import WorkPlan

pytestmark = pytest.mark.django_db

ROWS = [f"IAI-V-{number:02},Line number {number}" for number in range(1, 25)]
TITLES = "\n".join(["code,title", *ROWS])


@pytest.fixture
def editor(site):
    """The session of an editor, all of whose writes are undone in the end."""
    email = "plans@example.org"
    user = User.objects.filter(email=email).first() or make.user("editor", email=email)
    client = Client()
    client.force_login(user)
    last = Entry.objects.first().sequence
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    yield {"name": cookie.key, "value": cookie.value, "url": site}
    for entry in Entry.objects.filter(sequence__gt=last, recorded_by=user):
        if not (entry.undoes_id or Entry.objects.filter(undoes=entry).exists()):
            undo(entry=entry, by=user)


@pytest.fixture
def page_of(browser, editor, site):
    """page_of(path, scripts=True): a page at which the editor sits."""
    contexts = []

    def go(path, scripts=True, **options):
        context = browser.new_context(java_script_enabled=scripts, **options)
        contexts.append(context)
        context.add_cookies([editor])
        page = context.new_page()
        page.goto(site + path)
        return page

    yield go
    for context in contexts:
        context.close()


def save(page):
    page.get_by_role("button", name="Save", exact=True).last.click()


def in_print(page, site):
    """What the site computes for every figure in print."""
    page.goto(f"{site}/reconciliation/")
    return page.locator("main table").all_inner_texts()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_fifth_plan_takes_the_shape_of_the_fourth_and_moves_nothing_in_print(
    page_of, site, scripts
):
    page = page_of("/", scripts)
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
    save(page)
    if page.get_by_role("heading", name="Nothing is saved yet").count():
        save(page)
    page.get_by_role("link", name="Record a rule").click()
    page.get_by_label("Projects count").select_option("ongoing")
    page.get_by_label("Since", exact=True).fill("2026-07-01")
    page.get_by_label("The plan changed").check()
    save(page)
    if page.get_by_role("heading", name="Nothing is saved yet").count():
        save(page)

    facts = page.locator("#plan-facts")
    expect(facts).to_contain_text("24 action lines declared, since 2026-01-01")
    expect(facts).to_contain_text("Projects count from ongoing, since 2026-07-01")
    expect(facts).to_contain_text("Projects count from approved, since 2026-01-01")
    expect(page.locator("main")).to_contain_text("A project counts from ongoing")
    page.get_by_text("Every line with its projects").click()
    expect(page.locator("main")).to_contain_text("Line number 24")
    assert in_print(page, site) == before


def test_a_partner_gets_an_alias_by_keyboard_alone(page_of):
    page = page_of("/partners/")
    page.get_by_role("link", name="Japan", exact=True).first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Edit Japan").focus()
    page.keyboard.press("Enter")
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
    expect(page.get_by_role("status").first).to_contain_text("Undo: Changed partner")
    assert Partner.objects.named("Nippon-koku").count() == 0


def test_a_clash_of_aliases_is_told_at_its_row(page_of):
    page = page_of("/partners/JP/edit/")
    page.get_by_role("button", name="Add an alias").click()
    page.locator(".row-aliases").last.get_by_label("Alias").fill("ROK")
    save(page)

    problem = page.get_by_role("link", name="ROK")
    expect(problem).to_contain_text("an alias of Republic of Korea (KR) already")
    problem.click()
    expect(page.locator(":focus")).to_have_value("ROK")


@pytest.mark.parametrize("colours", ["light", "dark"])
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
def test_pages_that_write_are_accessible_and_fit_a_phone(page_of, path, colours):
    size = {"width": 360, "height": 740}
    page = page_of(path, viewport=size, color_scheme=colours)

    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
