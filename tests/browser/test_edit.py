"""A project is entered and edited on one page, with scripts and without."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from aseanpm.facts import ledger_entry
from projects import actions
from projects.models import Funding, Project
from tests import make
from tests.browser.conftest import COLOURS, editor, field

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(site):
    """A project under a plan of which no figure is in print."""
    return make.project(
        title="Rice chains",
        plan=make.plan("IAI-V"),
        funders=["JP"],
        countries=["VN"],
        on="2026-01-10",
    )


def row(page, name, number):
    return page.locator(f"[data-rowset={name}] .row").nth(number)


def save(page):
    page.get_by_role("button", name="Save", exact=True).last.click()


def save_what_moves(page):
    save(page)
    expect(page.get_by_role("heading", name="Nothing is saved yet")).to_be_visible()
    save(page)


def test_a_project_is_entered_by_mouse(desk):
    page = desk("/projects/new/")
    field(page, "Title").fill("Maize chains")
    field(page, "Plan").select_option("IAI-V")
    field(page, "Status").select_option("approved")
    field(page, "Since").fill("2026-02-03")
    field(page, "Decided by circulation").check()
    field(page, "Approved budget").fill("250,000")
    field(row(page, "benefits", 0), "Country or grouping").select_option("country:VN")
    page.get_by_role("button", name="Add a beneficiary").click()
    expect(page.locator(":focus")).to_have_attribute("name", "benefits-1-party")
    field(row(page, "benefits", 1), "Country or grouping").select_option("country:KH")
    field(row(page, "funders", 0), "Through a fund").select_option("JAIF")
    field(page, "Planned end").fill("2027-06")

    save_what_moves(page)

    expect(page.get_by_role("heading", name="Maize chains", level=1)).to_be_visible()
    expect(page.locator(".toast").first).to_contain_text("was saved")
    expect(page.locator("h1 ~ .pagehead-sub").last).to_contain_text(
        "Approved since 3 February 2026"
    )
    made = Project.objects.order_by("pk").last()
    assert made.benefits.count() == 2
    assert made.fundings.get().partner.code == "JP"
    assert made.money_entries.get().usd == 250000


def test_a_project_is_entered_by_keyboard_alone(sit):
    page = sit("/projects/new/")
    keys = page.keyboard

    def tab_to(label):
        for _ in range(60):
            keys.press("Tab")
            named = page.evaluate(
                "(e => e.labels?.[0]?.innerText ?? e.innerText)(document.activeElement)"
            )
            if re.match(label, named.strip()):
                return
        pytest.fail(f"no {label} by Tab")

    tab_to("Title")
    keys.insert_text("Cassava chains")
    tab_to("Plan")
    keys.type("IAI-V ")
    tab_to("Country or grouping")
    keys.type("Viet")
    tab_to("Add a beneficiary")
    keys.press("Enter")
    keys.type("Lao")
    tab_to("Per cent")
    keys.insert_text("40")
    expect(page.get_by_text("Stated so far: 40 per cent")).to_be_visible()
    tab_to("Partner")
    keys.type("Japan")
    keys.press("Control+s")

    expect(page.get_by_role("heading", name="Cassava chains", level=1)).to_be_visible()
    made = Project.objects.get(title="Cassava chains")
    codes = set(made.benefits.values_list("country__code", "share"))
    assert codes == {("VN", None), ("LA", 40)}
    assert made.fundings.get().partner.code == "JP"


def test_rows_come_and_go_and_what_was_typed_stays(desk):
    page = desk("/projects/new/")
    field(page, "Title").fill("Typed before")
    page.get_by_role("button", name="Add a phase").click()
    field(row(page, "phases", 0), "Title").fill("First")
    page.get_by_role("button", name="Add a phase").click()
    field(row(page, "phases", 1), "Title").fill("Second")

    row(page, "phases", 0).get_by_role("button", name="Remove").click()

    expect(page.locator("[data-rowset=phases] .row")).to_have_count(1)
    expect(field(row(page, "phases", 0), "Title")).to_have_value("Second")
    expect(field(page, "Title").first).to_have_value("Typed before")
    save(page)
    expect(page.get_by_role("heading", name="Typed before", level=1)).to_be_visible()
    made = Project.objects.order_by("pk").last()
    assert [str(phase) for phase in made.phases.all()] == ["Phase 1 Second"]


def test_lines_and_areas_of_the_chosen_plan_are_offered(sit):
    page = sit("/projects/new/")
    line = field(page, "Primary line")
    groups = line.locator("optgroup")
    every = groups.count()

    field(page, "Plan").select_option("IAI-IV")
    expect(groups).to_have_count(5)
    line.select_option("IAI-IV-07")
    field(page, "Plan").select_option("MPAC-2025")

    labels = groups.evaluate_all("all => all.map((group) => group.label)")
    assert "IAI-IV: Trade Facilitation" in labels  # it is chosen still
    assert {label.partition(":")[0] for label in labels} == {"IAI-IV", "MPAC-2025"}
    expect(line).to_have_value("IAI-IV-07")
    field(page, "Plan").select_option("")
    expect(groups).to_have_count(every)
    expect(line).to_have_value("IAI-IV-07")


def test_wrong_input_takes_the_focus_to_its_field(desk):
    page = desk("/projects/new/")
    field(page, "Title").fill("Too much")
    field(row(page, "benefits", 0), "Country or grouping").select_option("country:VN")
    field(row(page, "benefits", 0), "Per cent").fill("140")

    save(page)

    problems = page.locator(".problems")
    expect(problems).to_be_focused()
    problems.get_by_role("link", name=re.compile("at most 100 per cent")).click()
    expect(page.locator(":focus, :target").first).to_have_attribute(
        "name", "benefits-0-share"
    )
    expect(field(page, "Title")).to_have_value("Too much")


COVERED = """() => {
  const [here, bar] = [document.activeElement, document.querySelector(".savebar")];
  if (here === document.body || bar.contains(here)) return null;
  const [mine, its] = [here.getBoundingClientRect(), bar.getBoundingClientRect()];
  return mine.bottom - its.top > mine.height / 2 ? here.name || here.id : null;
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_what_has_the_focus_is_never_under_the_button_that_saves(sit, width):
    page = sit("/projects/new/", viewport={"width": width, "height": 900})
    covered = []

    for _ in range(45):
        page.keyboard.press("Tab")
        covered.append(page.evaluate(COVERED))

    assert set(covered) == {None}


def test_leaving_a_changed_form_asks_first(sit):
    page = sit("/projects/new/")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    field(page, "Title").click()
    page.keyboard.insert_text("Half a title")

    page.get_by_role("link", name="Cancel").click()

    expect(page).to_have_url(re.compile("/projects/new/"))
    expect(field(page, "Title")).to_have_value("Half a title")
    assert asked == ["beforeunload"]


def test_leaving_an_untouched_form_asks_nothing(sit):
    page = sit("/projects/new/")
    page.on("dialog", lambda dialog: pytest.fail(dialog.type))
    field(page, "Title").click()

    page.get_by_role("link", name="Cancel").click()

    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()


def test_a_double_click_saves_once(sit):
    page = sit("/projects/new/")
    field(page, "Title").fill("Only once")

    page.get_by_role("button", name="Save", exact=True).last.dblclick()

    expect(page.get_by_role("heading", name="Only once", level=1)).to_be_visible()
    assert Project.objects.filter(title="Only once").count() == 1


def test_a_wrong_funder_is_corrected(desk, project):
    page = desk(f"/projects/{project.code}/")
    page.get_by_role("link", name="Edit", exact=True).click()
    field(row(page, "funders", 0), "Partner").select_option("SG")
    save(page)

    expect(page.get_by_role("heading", name="what happened?")).to_be_focused()
    page.get_by_role("radio", name="The record was wrong").check()
    field(page, "Why was it wrong?").fill("The letter names Singapore")
    save(page)

    expect(page.get_by_text("The letter names Singapore").first).to_be_visible()
    funding = Funding.objects.known().get(project=project)
    assert (funding.partner.code, str(funding.effective_on)) == ("SG", "2026-01-10")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("section", has_text="Who funds it").last).to_contain_text(
        "Japan"
    )
    assert Funding.objects.known().get(project=project).partner.code == "JP"


@pytest.mark.usefixtures("as_before")
def test_a_wrong_funder_is_corrected_and_june_2022_reconciles(desk):
    funding = Funding.objects.known().get(project__code="ILL-4-001")
    with ledger_entry(editor("Edith Tan"), what="A slip", reason="A slip") as entry:
        entry.can_be_undone = True
        actions.correct(
            fact=funding,
            partner=make.partner("JP"),
            fund=None,
            reason="A slip",
            entry=entry,
        )
    page = desk("/meetings/IAI-TF-67/")
    of_japan = page.get_by_role("row", name=re.compile("^Projects: JP IAI"))
    of_singapore = page.get_by_role("row", name=re.compile("^Projects: SG IAI"))
    expect(of_japan).to_contain_text("Differs")
    expect(of_singapore).to_contain_text("Differs")

    page.goto("/projects/ILL-4-001/edit/")
    field(row(page, "funders", 0), "Partner").select_option("SG")
    save(page)
    wrong = page.locator(".answer", has_text="The record was wrong")
    expect(wrong).to_contain_text("IAI-IV on 15 June 2022: 5 → 4")
    expect(wrong).to_contain_text("IAI-IV on 15 June 2022: 38 → 39")
    page.get_by_role("radio", name="The record was wrong").check()
    field(page, "Why was it wrong?").fill("The letter names Singapore")
    save(page)

    expect(page.get_by_text("The letter names Singapore").first).to_be_visible()
    page.goto("/meetings/IAI-TF-67/")
    expect(of_japan).to_contain_text("Generated to meet it")
    expect(of_singapore).to_contain_text("Generated to meet it")


def test_the_second_of_two_browsers_chooses(sit, project):
    mine = sit(f"/projects/{project.code}/edit/")
    theirs = sit(f"/projects/{project.code}/edit/", who="Otto Other")
    field(theirs, "Title").fill("Rice for all")
    field(theirs, "Official code").fill("IAI/7")
    save(theirs)
    expect(theirs.get_by_role("heading", name="Rice for all", level=1)).to_be_visible()
    field(mine, "Title").fill("My rice")

    save(mine)

    expect(mine.locator(".problems")).to_be_focused()
    expect(field(mine, "Title")).to_have_value("My rice")
    expect(field(mine, "Official code")).to_have_value("IAI/7")
    mine.get_by_role("radio", name="Take theirs").check()
    save(mine)
    expect(mine.get_by_role("heading", name="Rice for all", level=1)).to_be_visible()


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_are_for_everyone(sit, project, width, colours):
    options = {
        "viewport": {"width": width, "height": 900},
        "color_scheme": colours,
    }
    page = sit("/projects/new/", **options)

    def check():
        assert page.evaluate("document.documentElement.scrollWidth") == width
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    check()
    page.goto(page.url.replace("new", project.code) + "edit/")
    field(row(page, "funders", 0), "Partner").select_option("SG")
    field(page, "Planned start").fill("soon")
    save(page)
    expect(page.locator(".problems")).to_be_visible()
    check()
    field(page, "Planned start").fill("2026")
    save(page)
    expect(page.get_by_role("heading", name="what happened?")).to_be_visible()
    check()
