import re
from decimal import Decimal
from html import unescape

import pytest
from django.urls import reverse

from aseanpm.facts import Basis, ledger_entry
from partners.models import FocalPoint
from projects import actions
from projects.models import LineReference, Project, StatusChange
from tests import make
from tests.reading import page_of
from workplans.models import (
    Attendance,
    Conclusion,
    DeclaredTotal,
    Framework,
    FrameworkLink,
    Milestone,
    PlanRule,
    PublishedFigure,
    ReportedState,
    Statement,
    WorkPlan,
)

pytestmark = pytest.mark.django_db

PLANS, LINES, MEETINGS = "/plans/", "/lines/", "/meetings/"
UNTIL_2020 = {
    "nominal_start": make.day("2016-01-01"),
    "nominal_end": make.day("2020-12-31"),
}


def words(answer):
    """The text of a page, its spaces evened."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def broken_figures(client, address):
    """Figures of a page that the list they open does not repeat."""
    found = []
    for opened, number in set(page_of(client, address).figures):
        repeated = page_of(client, opened)
        if Decimal(number) not in (repeated.total, repeated.sum):
            found.append((opened, number, repeated.total, repeated.sum))
    return found


@pytest.fixture
def plan():
    """IAI-IV: two of four lines implemented, one in preparation, one not loaded."""
    plan = make.plan(declared=4)
    area = make.area(plan=plan, title="Education", code="IAI-IV-EDU")
    first, second, third = (
        make.line(area=area, code=f"IAI-IV-0{number}", number=number)
        for number in (1, 2, 3)
    )
    make.project(
        code="P-ONE",
        line=first,
        status="ongoing",
        funders=["SG"],
        countries=["VN"],
        budget="100000",
    )
    make.project(line=first, funders=["JP", "SG"], budget="250000.50")
    make.project(line=second, funders=["JP"], on="2023-03-01")
    make.project(line=third, status="concept")
    make.project(plan=plan, status="approved")
    return plan


# Plans


def test_a_plan_says_how_many_of_its_lines_are_implemented(client, plan):
    page = client.get("/plans/IAI-IV/")

    assert "2 of 4 action lines implemented 50%" in words(page)
    assert "2 implemented 1 in preparation 1 not started" in words(page)
    assert "it does not mean completed" in words(page)


def test_a_plan_is_told_as_of_a_day(client, plan):
    page = client.get("/plans/IAI-IV/", {"as_of": "2022-12-31"})

    assert "1 of 4 action lines implemented 25%" in words(page)


@pytest.mark.parametrize("clock", ["", "?as_of=2022-12-31&known_at=2023-06-30"])
def test_every_figure_of_a_plan_opens_a_list_that_repeats_it(client, plan, clock):
    page = f"/plans/IAI-IV/{clock}"

    assert len(page_of(client, page).figures) > 30
    assert broken_figures(client, page) == []
    assert broken_figures(client, f"/plans/{clock}") == []


def test_figures_hold_where_no_rule_is_on_record(client):
    plan = WorkPlan.objects.create(
        code="IAI-X",
        programme=make.programme(),
        title="A plan without a rule",
        headline_kind="action_line",
        nominal_start="2020-01-01",
        nominal_end="2022-12-31",
    )
    make.project(line=make.line(plan=plan, code="IAI-X-01"), budget="5000")

    page = client.get("/plans/IAI-X/")

    assert "1 action lines implemented, total not declared" in words(page)
    assert "No rule is on record for this day" in words(page)
    assert broken_figures(client, "/plans/IAI-X/") == []
    assert broken_figures(client, "/lines/IAI-X-01/") == []


def test_the_rule_stands_beside_the_figure_with_the_others(client, plan):
    with ledger_entry() as entry:
        plan.rules.all().withdraw(entry, "Only inferred")
        PlanRule.objects.create(
            plan=plan,
            counts_from="approved",
            basis=Basis.ASSUMED,
            effective_on=make.day("2015-01-01"),
            **entry.stamps,
        )

    page = words(client.get("/plans/IAI-IV/"))

    assert "inferred from print until the secretariat confirms it" in page
    assert "Were it from ongoing : 1 action lines, 1 projects." in page
    assert "Were it from completed : 0 action lines, 0 projects." in page


def test_participations_less_overlaps_and_none_recorded_are_the_projects(client, plan):
    bridge = client.get("/plans/IAI-IV/").context["bridge"]

    assert [(term.get("sign"), term["of"].count) for term in bridge] == [
        (None, 4),
        ("−", 1),
        ("+", 1),
        ("=", 4),
    ]


def test_unknown_money_is_not_known_and_never_nought(client, plan):
    page = client.get("/plans/IAI-IV/")

    assert page.context["approved"]["value"] == "USD 350,000.50"
    assert "from 2 of 4 projects" in words(page)
    assert "Disbursed not known from 0 of 4 projects" in words(page)


def test_what_has_not_started_is_listed_and_what_is_not_loaded_is_said(client, plan):
    make.line(plan=make.plan(), code="IAI-IV-04")
    DeclaredTotal.objects.all().withdraw(_entry(), "Five of them")
    with ledger_entry() as entry:
        DeclaredTotal.objects.create(
            plan=plan,
            kind="action_line",
            total=5,
            effective_on=make.day("2015-01-01"),
            **entry.stamps,
        )

    page = client.get("/plans/IAI-IV/")
    opened = client.get(page.context["waiting_figure"].url)

    assert [row["line"].code for row in page.context["waiting"]] == ["IAI-IV-04"]
    assert page.context["waiting_figure"].count == 2
    assert "1 more action lines were declared and are not loaded yet" in words(page)
    assert 'data-total="2"' in opened.content.decode()


def _entry():
    with ledger_entry() as entry:
        return entry


def test_an_assumed_arrangement_has_no_denominator(client, plan):
    plan.lines.update(area_basis="assumed")

    page = words(client.get("/plans/IAI-IV/"))

    assert "2 implemented, arrangement assumed · 3 projects" in page
    assert "2 of 3 implemented" not in page


def test_enabling_actions_stand_apart_from_the_lines(client, plan):
    enabling = make.line(plan=plan, kind="enabling_action", code="IAI-IV-E1")
    make.project(line=enabling)

    page = client.get("/plans/IAI-IV/")

    assert "2 of 4 action lines implemented" in words(page)
    assert "1 enabling actions implemented, total not declared" in words(page)
    assert page.context["counted"].count == 5
    assert page.context["on_enabling_actions"].count == 1


def test_enabling_actions_that_are_not_on_record_are_not_known(client, plan):
    page = words(client.get("/plans/IAI-IV/"))

    assert "Enabling actions not known none on record" in page


def test_a_carried_over_project_is_shown_with_its_successor(client, plan):
    earlier_plan = make.plan("IAI-III", declared=26, **UNTIL_2020)
    WorkPlan.objects.filter(pk=plan.pk).update(predecessor=earlier_plan)
    earlier = make.project(plan=earlier_plan, status="carried_over", code="P-OLD")
    make.project(plan=plan, code="P-NEW", predecessor=earlier)

    before, after = client.get("/plans/IAI-III/"), client.get("/plans/IAI-IV/")

    assert before.context["went_on"][0][1].code == "P-NEW"
    assert after.context["came_from"][0][0].code == "P-OLD"
    assert after.context["went_on"] == []
    assert broken_figures(client, "/plans/IAI-III/") == []


def test_a_plan_past_its_period_is_named_as_such(client, plan):
    make.plan("IAI-III", closed_on=make.day("2021-07-31"), **UNTIL_2020)

    page = client.get(PLANS, {"as_of": "2021-03-25"})

    standings = {
        card["plan"].code: card["standing"]
        for group in page.context["programmes"]
        for card in group["plans"]
    }
    assert standings == {
        "IAI-III": "past its period, no formal close on record",
        "IAI-IV": "under way",
    }
    later = words(client.get("/plans/IAI-III/", {"as_of": "2021-07-31"}))
    assert "formally closed" in later


def test_a_plan_without_projects_says_that_nothing_is_known_of_it(client):
    make.line(plan=make.plan(declared=2))

    page = words(client.get("/plans/IAI-IV/"))

    assert "implemented: not known, as no project’s status is on record" in page
    assert "0 of 2" not in page


def test_a_plan_with_lines_is_not_said_to_have_none(client, sign_in):
    """Its lines stand there before anybody says by which kind it is measured."""
    plan = make.plan(headline_kind="", declared=None)
    area = make.area(plan=plan, code="IAI-IV-FA", title="Food")
    make.line(plan=plan, area=area, code="IAI-IV-07", kind="action_line", number=7)

    page = words(client.get("/plans/IAI-IV/"))
    listed = words(client.get(PLANS))
    ours = sign_in(make.user("editor")).get("/plans/IAI-IV/")

    for said in (page, listed):
        assert "Nobody has said by which of its lines this plan is measured" in said
        assert "No lines are on record" not in said
    assert "7 not known" in page
    assert "Every line with its projects" in page
    assert "Load titles" in words(ours)
    assert "Take over a shape" not in words(ours)


def test_a_plan_without_lines_says_so_and_offers_a_shape(sign_in):
    make.plan(headline_kind="", declared=None)

    page = words(sign_in(make.user("editor")).get("/plans/IAI-IV/"))

    assert "No lines are on record for this plan" in page
    assert "Take over a shape" in page
    assert "Load titles" not in page


def test_what_print_said_of_a_plan_stops_at_the_clock(client, plan):
    make.figure(plan=plan, value=46, as_of="2022-06-15")
    make.figure(plan=plan, value=50, as_of="2022-09-22")

    page = client.get("/plans/IAI-IV/", {"as_of": "2022-06-30"})

    assert [figure.value for figure in page.context["figures"]] == [46]


def test_illustrative_records_are_named_in_the_text(client, plan):
    Project.objects.filter(code="P-ONE").update(is_illustrative=True)

    page = words(client.get("/plans/IAI-IV/"))

    assert "1 of the 4 projects behind these figures is illustrative" in page


def test_what_is_not_published_is_counted_for_nobody_outside(client, sign_in, plan):
    Project.objects.filter(code="P-ONE").update(is_published=False)

    visitor = client.get("/plans/IAI-IV/")
    editor = sign_in(make.user("editor")).get("/plans/IAI-IV/")

    assert visitor.context["counted"].count == 3
    assert editor.context["counted"].count == 4


# Lines


def test_the_lines_of_a_plan_by_their_state(client, plan):
    asked = {"plan": "IAI-IV", "state": "implemented"}

    now = client.get(LINES, asked)
    then = client.get(LINES, asked | {"as_of": "2022-12-31"})
    otherwise = client.get(LINES, asked | {"rule": "ongoing"})

    def codes(page):
        return [row["line"].code for row in page.context["rows"]]

    assert codes(now) == ["IAI-IV-01", "IAI-IV-02"]
    assert codes(then) == ["IAI-IV-01"]
    assert codes(otherwise) == ["IAI-IV-01"]
    assert broken_figures(client, f"{LINES}?plan=IAI-IV&rule=ongoing") == []


def test_the_states_of_a_plans_lines_add_up_to_what_it_declared(client, plan):
    def total(**asked):
        page = client.get(LINES, {"plan": "IAI-IV", **asked})
        return page.context["total"]

    assert total() == 4
    assert [total(state=state) for state in ("implemented", "in_preparation")] == [2, 1]
    assert total(state="not_started") == 1


def test_a_line_without_a_title_waits_for_it(client, plan):
    make.line(plan=plan, code="IAI-IV-09", title="")

    assert "Title to be loaded" in words(client.get("/lines/IAI-IV-09/"))


def test_a_line_shows_its_projects_and_those_that_refer_to_it(client, plan):
    line = plan.lines.get(code="IAI-IV-01")
    other = make.project(line=plan.lines.get(code="IAI-IV-02"), code="P-OTHER")
    with ledger_entry() as entry:
        LineReference.objects.create(project=other, line=line, **entry.stamps)

    page = client.get("/lines/IAI-IV-01/")

    assert [row["code"] for row in page.context["referring"]] == ["P-OTHER"]
    assert page.context["placed"].count == page.context["counted"].count == 2
    assert "they count nothing here" in words(page)
    assert broken_figures(client, "/lines/IAI-IV-01/") == []


def test_a_project_on_a_line_below_begins_the_line_above(client):
    plan = make.plan("MPAC-2025", headline_kind="initiative", declared=15)
    above = make.line(plan=plan, code="MPAC-2025-01")
    make.project(line=make.line(plan=plan, kind="measure", parent=above))

    page = client.get("/lines/MPAC-2025-01/")

    assert page.context["standing"].state == "implemented"
    assert [row["state"] for row in page.context["below"]] == ["implemented"]
    assert broken_figures(client, "/lines/MPAC-2025-01/") == []


def test_a_line_of_completed_projects_is_still_only_implemented(client, plan):
    line = make.line(plan=plan, code="IAI-IV-08")
    make.project(line=line, status="completed")

    page = words(client.get("/lines/IAI-IV-08/"))

    assert "All its projects so far are completed; this does not complete" in page
    assert client.get("/lines/IAI-IV-08/").context["standing"].state == "implemented"


def test_a_line_tells_what_was_reported_noted_and_linked(client, plan):
    line = plan.lines.get(code="IAI-IV-01")
    Milestone.objects.create(line=line, title="A framework", on=make.day("2022-03-01"))
    ReportedState.objects.create(line=line, state="On track", on=make.day("2023-05-01"))
    framework = Framework.objects.create(code="AFEED", title="Equitable development")
    statement = Statement.objects.create(
        code="S-1", framework=framework, title="Adopted", on=make.day("2022-02-01")
    )
    FrameworkLink.objects.create(
        framework=framework, plan=plan, line=line, statement=statement
    )
    noted = Conclusion.objects.create(meeting=make.meeting(), order=1, text="Noted so")
    noted.lines.add(line)

    now = words(client.get("/lines/IAI-IV-01/"))
    then = words(client.get("/lines/IAI-IV-01/", {"as_of": "2022-02-15"}))

    told = ["A framework", "On track", "Equitable development", "Noted so"]
    assert [text in now for text in told] == [True, True, True, True]
    assert [text in then for text in told] == [False, False, True, False]


def test_the_office_that_answers_for_a_line_is_public_and_the_person_is_not(
    client, sign_in, plan
):
    line = plan.lines.get(code="IAI-IV-01")
    FocalPoint.objects.create(
        kind="lead_body",
        line=line,
        office="Trade Division",
        person="A. Person",
        email="person@example.org",
    )

    for user in (None, make.user("editor")):
        page = sign_in(user).get("/lines/IAI-IV-01/").content.decode()
        assert "Trade Division" in page
        assert "A. Person" not in page
        assert "person@example.org" not in page


# Meetings


def test_a_meeting_shows_what_it_approved_against_print(client, plan):
    meeting = make.meeting(approvals_in_print=6)
    line = plan.lines.get(code="IAI-IV-01")
    approved = [
        make.project(line=line, on="2022-09-22", meeting=meeting) for _ in range(2)
    ]
    with ledger_entry() as entry:
        StatusChange.objects.create(
            project=approved[0],
            status="ongoing",
            effective_on=make.day("2022-10-01"),
            **entry.stamps,
        )
    actions.refresh_copies(Project.objects.filter(pk=approved[0].pk))

    page = client.get("/meetings/IAI-TF-68/")

    assert page.context["approved"].count == 2
    assert "Approved, in print 6 projects: records and print differ" in words(page)
    assert broken_figures(client, "/meetings/IAI-TF-68/") == []
    assert broken_figures(client, MEETINGS) == []


def test_a_meeting_after_the_clocks_day_is_not_shown_as_held(client, plan):
    meeting = make.meeting(on="2022-09-22")
    Conclusion.objects.create(meeting=meeting, order=1, text="Noted so")

    before = client.get("/meetings/IAI-TF-68/", {"as_of": "2022-09-21"})
    listed = client.get(MEETINGS, {"as_of": "2022-09-21"})

    assert "had not been held" in words(before)
    assert "Noted so" not in words(before)
    assert 'data-total="0"' in listed.content.decode()
    assert "Noted so" in words(client.get("/meetings/IAI-TF-68/"))


def test_a_meeting_is_shown_from_its_first_day(client, plan):
    make.meeting(held_from=make.day("2022-09-22"), held_until=make.day("2022-09-23"))

    page = client.get("/meetings/IAI-TF-68/", {"as_of": "2022-09-22"})

    assert "had not been held" not in words(page)


def test_a_meeting_known_by_its_month_says_no_more(client):
    make.meeting("IAI-TF-65", on="2021-09-30", precision="month", number=65)

    page = words(client.get("/meetings/IAI-TF-65/"))

    assert "2021-09 known by month only" in page
    assert "2021-09-30" not in page


def test_attendance_is_told_by_capacity(client):
    meeting = make.meeting()
    for capacity, party in (
        ("partner", {"partner": make.partner("JP")}),
        ("member", {"country": make.country("VN")}),
    ):
        Attendance.objects.create(meeting=meeting, capacity=capacity, **party)

    page = client.get("/meetings/IAI-TF-68/")

    assert [label for label, _ in page.context["attendance"]] == ["Member", "Partner"]
    assert "Member Country VN Partner Partner JP" in words(page)


def test_meetings_of_a_body_and_a_year(client):
    make.meeting("IAI-TF-68", on="2022-09-22")
    make.meeting("IAI-TF-67", on="2022-06-15")
    make.meeting("ACCC-2022", on="2022-03-01")
    make.meeting("IAI-TF-63", on="2021-03-25")

    page = client.get(MEETINGS, {"body": "IAI-TF", "year": "2022"})

    assert [row["meeting"].code for row in page.context["meetings"]] == [
        "IAI-TF-68",
        "IAI-TF-67",
    ]
    assert 'data-total="2"' in page.content.decode()


# Bad input


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/plans/?colour=red", "colour"),
        ("/plans/IAI-IV/?as_of=22-09-2022", "as_of"),
        ("/plans/IAI-IV/?plan=IAI-IV", "plan"),
        ("/lines/?state=started", "started"),
        ("/lines/?plan=NOWHERE", "NOWHERE"),
        ("/lines/?page=9", "page"),
        ("/meetings/?year=soon", "soon"),
        ("/meetings/?body=NOBODY", "NOBODY"),
    ],
)
def test_what_cannot_be_read_is_named(client, plan, address, said):
    page = client.get(address)

    assert page.status_code == 400
    assert said in words(page)


@pytest.mark.parametrize("address", ["/plans/X-1/", "/lines/X-1/", "/meetings/X-1/"])
def test_an_unknown_code_is_named(client, address):
    page = client.get(address)

    assert page.status_code == 404
    assert "X-1" in words(page)


# Queries


@pytest.mark.parametrize(
    "address",
    [
        *("/plans/", "/plans/IAI-IV/", "/lines/", "/lines/?state=implemented"),
        *("/lines/IAI-IV-01/", "/meetings/", "/meetings/IAI-TF-68/"),
        "/plans/IAI-IV/?as_of=2023-12-31&known_at=2023-12-31",
    ],
)
def test_few_rows_cost_as_much_as_many(client, plan, queries, address):
    def fill():
        line = plan.lines.get(code="IAI-IV-01")
        meeting = make.meeting(approvals_in_print=3)
        for _ in range(3):
            make.line(area=make.area(plan=plan))
            later = make.project(line=line, funders=["AU", "JP"], meeting=meeting)
            make.project(line=line, predecessor=later, status="completed")
            make.project(line=line, status="carried_over")
            with ledger_entry() as entry:
                LineReference.objects.create(project=later, line=line, **entry.stamps)
            ReportedState.objects.create(line=line, state="On track")
            figure = make.figure(plan=plan, meeting=meeting)
            PublishedFigure.objects.create(
                code=f"{figure.code}-part",
                plan=plan,
                metric="projects",
                value=1,
                as_of=figure.as_of,
                part_of=figure,
            )
            noted = Conclusion.objects.create(
                meeting=meeting, order=meeting.conclusions.count(), text="Noted"
            )
            noted.lines.add(line)
            noted.themes.add(make.theme())
            later.themes.add(make.theme())

    fill()
    few = queries(lambda: client.get(address))
    fill()
    for number in range(3):
        extra = make.plan(f"IAI-X{number}")
        make.project(line=make.line(plan=extra))
        make.meeting(f"IAI-TF-{90 + number}", on="2022-01-01")

    assert queries(lambda: client.get(address)) == few


def test_every_page_of_the_app_has_an_address():
    names = ("plans", "lines", "meetings", "reconciliation")

    assert [reverse(f"workplans:{name}") for name in names] == [
        "/plans/",
        "/lines/",
        "/meetings/",
        "/reconciliation/",
    ]


def test_a_successor_is_named_once_it_is_adopted(client, api):
    third = make.plan("IAI-III")
    make.plan("IAI-IV", predecessor=third, adopted_on=make.day("2020-11-12"))

    def told(day):
        page = client.get("/plans/IAI-III/", {"as_of": day}).content.decode()
        answer = api().get("/api/v1/plans/IAI-III/", {"as_of": day}).json()
        return "Work plan IAI-IV" in page, answer["successor"]

    assert told("2020-11-11") == (False, None)
    assert told("2020-11-12") == (True, "IAI-IV")
