"""What the records of projects leave open, and what it weighs."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from aseanpm.facts import ledger_entry
from projects import actions
from projects.models import Distinction, Phase, Project
from projects.questions import questions
from tests import make
from tests.projects.sending import form_in

pytestmark = pytest.mark.django_db

WHOLE = ("projects", "lines", "approved budgets")


def asked(*kinds, rows=None):
    """{(kind, code): question} of all projects, or of some kinds alone."""
    rows = Project.objects.all() if rows is None else rows
    found = questions(rows.as_of(), timezone.localdate())
    wanted = (one for one in found if not kinds or one.kind in kinds)
    return {(one.kind, one.code): one for one in wanted}


def complete(**fields):
    """A project that raises no question but those of its fields."""
    values = {
        "code": "P-22222",
        "title": "Rice",
        "line": make.line(),
        "countries": ["VN"],
        "funders": ["JP"],
        "budget": "1000",
    }
    return make.project(**(values | fields))


def test_a_record_that_is_complete_raises_no_question():
    complete()

    assert asked() == {}


@pytest.mark.parametrize(
    ("kind", "missing", "figures"),
    [
        ("line", {"line": None}, ("lines",)),
        ("funder", {"funders": []}, ("who funds",)),
        ("beneficiary", {"countries": []}, ("countries",)),
        ("budget", {"budget": None}, ("approved budgets",)),
        (
            "unpublished",
            {"is_published": False},
            ("visitors’ projects", "visitors’ lines", "visitors’ approved budgets"),
        ),
    ],
)
def test_what_is_missing_is_asked_with_what_it_distorts(kind, missing, figures):
    complete(**missing)

    found = asked()

    assert list(found) == [(kind, "P-22222")]
    question = found[kind, "P-22222"]
    assert question.figures == figures
    assert question.usd == (None if kind == "budget" else Decimal("1000.00"))


def test_before_approval_nobody_asks_for_funder_and_budget():
    complete(status="concept", funders=[], budget=None, countries=[])

    found = asked()

    assert list(found) == [("beneficiary", "P-22222")]
    assert found["beneficiary", "P-22222"].figures == ()


def test_a_budget_that_is_recorded_as_unknown_is_asked_for():
    project = complete(budget=None)
    make.money(project, None)

    question = asked()["budget", "P-22222"]

    assert "recorded as not known" in question.text


def test_a_project_without_a_dated_status_is_asked_for_that_alone():
    complete(status=None, line=None, funders=[], countries=[], budget=None)

    assert list(asked()) == [("status", "P-22222")]


def test_its_status_is_recorded_on_its_page_which_leads_back_to_the_queue(sign_in):
    complete(status=None)
    client = sign_in(make.user("editor"))

    queue = client.get("/queue/").content.decode()
    page = client.get("/projects/P-22222/?next=%2Fqueue%2F").content.decode()
    form = form_in(client.get("/projects/P-22222/move/concept/?next=%2Fqueue%2F"))

    assert 'href="/projects/P-22222/?next=%2Fqueue%2F">Record its status' in queue
    assert 'href="/projects/P-22222/move/concept/?next=%2Fqueue%2F"' in page
    assert form["next"] == ["/queue/"]


def test_a_cancelled_project_raises_no_question():
    complete(
        status="cancelled", line=None, countries=[], planned_end=dt.date(2022, 2, 1)
    )

    assert asked() == {}


def test_direct_bilateral_support_is_asked_for_no_line():
    complete(channel="bilateral", plan=False, line=None)

    assert asked() == {}


# Planned dates


@pytest.mark.parametrize(
    ("status", "planned", "kind", "text", "door", "figures"),
    [
        (
            "approved",
            {"planned_start": dt.date(2022, 2, 1)},
            "started",
            "It was planned to start by 2022-02-01; its status is still “approved”.",
            "move/ongoing/",
            ("ongoing projects",),
        ),
        (
            "concept",
            {"planned_start": dt.date(2022, 2, 1), "planned_end": dt.date(2022, 3, 1)},
            "started",
            "It was planned to start by 2022-02-01 and to end by 2022-03-01; its "
            "status is still “concept”.",
            "move/appraisal/",
            WHOLE,
        ),
        (
            "ongoing",
            {"planned_end": dt.date(2022, 3, 31), "planned_end_precision": "month"},
            "ended",
            "It was planned to end by 2022-03; its status is still “ongoing”.",
            "move/completed/",
            ("completed projects",),
        ),
        (
            "on_hold",
            {"planned_end": dt.date(2022, 3, 1)},
            "ended",
            "It was planned to end by 2022-03-01; its status is still “on hold”.",
            "move/ongoing/",
            ("completed projects",),
        ),
    ],
)
def test_a_planned_date_that_has_passed_raises_a_question_and_changes_nothing(
    status, planned, kind, text, door, figures
):
    project = complete(status=status, **planned)

    found = asked()

    assert list(found) == [(kind, "P-22222")]
    question = found[kind, "P-22222"]
    assert question.text == text
    assert question.answers[0].url == f"/projects/P-22222/{door}"
    assert question.figures == figures
    project.refresh_from_db()
    assert project.current_status == status


@pytest.mark.parametrize("status", ["completed", "cancelled", "carried_over"])
def test_a_planned_date_of_what_has_ended_is_no_question(status):
    complete(status=status, planned_end=dt.date(2022, 3, 1))

    assert not asked("started", "ended")


def test_a_planned_date_is_asked_for_from_the_day_after_it():
    today = timezone.localdate()
    complete(status="ongoing", planned_end=today)

    assert asked() == {}
    Project.objects.update(planned_end=today - dt.timedelta(days=1))
    assert list(asked()) == [("ended", "P-22222")]


def test_a_phase_that_should_have_ended_is_asked_for():
    project = complete(status="ongoing")
    late = {"project": project, "planned_end": dt.date(2022, 6, 30)}
    Phase.objects.create(number=1, completed_on=dt.date(2022, 7, 1), **late)
    Phase.objects.create(number=3, project=project, planned_end=timezone.localdate())
    assert asked() == {}
    Phase.objects.create(number=2, title="Training", **late)

    question = asked()["phase", "P-22222"]

    assert "Phase 2 Training was planned to end by 2022-06-30" in question.text
    assert question.figures == ()


# Money


def test_an_entry_without_a_rate_is_asked_for_one():
    project = complete()
    euros = {"amount": Decimal("2500.50"), "currency": "EUR"}
    entry = make.money(project, None, kind="committed", partner="JP", **euros)

    question = asked()["rate", "P-22222"]

    assert question.text.startswith(
        "Committed of Partner JP: EUR 2,500.50 of 2022-01-10"
    )
    assert question.answers[0].url == f"/projects/P-22222/facts/{entry.uuid}/correct/"
    assert question.usd is None


def test_an_entry_that_was_taken_back_is_asked_for_no_rate():
    project = complete()
    yen = {"amount": Decimal(50000000), "currency": "JPY"}
    entry = make.money(project, None, kind="committed", partner="JP", **yen)
    with ledger_entry() as write:
        actions.reverse(fact=entry, on=make.day("2022-03-01"), entry=write)

    assert asked() == {}


def test_a_budget_that_was_taken_back_is_asked_for():
    project = complete(budget="1000")
    with ledger_entry() as write:
        budget = project.money_entries.get()
        actions.reverse(fact=budget, on=make.day("2022-03-01"), entry=write)

    assert asked()["budget", "P-22222"].text.endswith("budget is not on record.")


def test_a_budget_without_a_rate_is_asked_once():
    project = complete(budget=None)
    make.money(project, None, amount=Decimal(2500), currency="EUR")

    assert list(asked()) == [("rate", "P-22222")]


# Projects that look like one


def pair(**of_second):
    line = make.line()
    complete(code="P-22222", line=line)
    return complete(code="P-33333", line=line, **of_second)


@pytest.mark.parametrize(
    "second",
    [
        {"title": "RICE "},
        {"title": "Lúa gạo", "title_language": "vi"},
        {"title": "Grain", "title_translations": {"vi": "lua gao"}},
    ],
)
def test_two_projects_of_one_title_in_any_language_may_be_one(second):
    pair(**second)
    Project.objects.filter(code="P-22222").update(title_translations={"vi": "Lúa gạo"})

    found = asked()

    assert list(found) == [("duplicate", "P-22222")]
    question = found["duplicate", "P-22222"]
    assert (question.beside.code, question.beside.title) == ("P-33333", second["title"])
    assert question.text == "Both have one title."
    assert question.answers[0].url == "/queue/pair/?first=P-22222&second=P-33333"
    assert (question.figures, question.usd) == (WHOLE, Decimal("1000.00"))


def test_two_projects_of_the_same_dates_and_funders_may_be_one():
    dates = {"planned_start": dt.date(2022, 1, 1), "planned_end": dt.date(2090, 1, 1)}
    pair(title="Grain", funders=["JP"], status="ongoing", **dates)
    Project.objects.filter(code="P-22222").update(**dates)

    assert (
        "the same planned dates and funders"
        in asked("duplicate")["duplicate", "P-22222"].text
    )


@pytest.mark.parametrize(
    "second",
    [
        {"title": "Rice and fish"},
        {"status": "cancelled"},
        {"title": "Grain", "planned_end": dt.date(2090, 1, 1)},
    ],
)
def test_what_is_not_alike_is_not_asked_for(second):
    pair(**second)

    assert not asked("duplicate")


def test_one_that_is_not_counted_twice_distorts_nothing():
    pair(status="concept")

    assert asked("duplicate")["duplicate", "P-22222"].figures == ()


def test_two_that_were_told_apart_are_not_asked_for_again():
    second = pair()
    first = Project.objects.get(code="P-22222")
    Distinction.objects.create(first=first, second=second)

    assert not asked("duplicate")


def test_of_many_alike_each_is_asked_for_until_all_are_told_apart():
    line = make.line()
    alike = [complete(code=f"P-2222{n}", line=line) for n in range(4)]

    def found():
        return [
            (one.code, one.beside.code)
            for one in questions(Project.objects.as_of(), timezone.localdate())
            if one.kind == "duplicate"
        ]

    assert found() == [
        ("P-22220", "P-22221"),
        ("P-22221", "P-22222"),
        ("P-22222", "P-22223"),
    ]
    Distinction.objects.create(first=alike[0], second=alike[1])
    assert ("P-22220", "P-22222") in found()


def test_a_successor_is_no_duplicate():
    second = pair()
    Project.objects.filter(code="P-33333").update(
        predecessor=Project.objects.get(code="P-22222")
    )

    assert second.title == "Rice"
    assert not asked("duplicate")


# All together


def test_many_projects_cost_as_many_queries_as_few(queries):
    def more(times):
        for n in range(times):
            project = make.project(
                title="Rice",
                status="ongoing",
                planned_end=dt.date(2022, 1, 1 + n),
                funders=["JP"],
                is_published=False,
            )
            make.money(project, None, amount=Decimal(5), currency="EUR")
            Phase.objects.create(
                project=project, number=1, planned_end=dt.date(2022, 1, 1)
            )

    more(2)
    few = queries(asked)
    more(10)

    assert queries(asked) == few


def test_nothing_is_asked_of_a_project_that_is_not_among_them():
    complete(is_illustrative=True, line=None)

    assert asked(rows=Project.objects.filter(is_illustrative=False)) == {}
