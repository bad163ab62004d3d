import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from aseanpm.facts import Clock, end_of_day, ledger_entry
from projects import actions
from projects.audit import checks
from projects.models import Funding, Project, StatusChange
from tests import make

pytestmark = pytest.mark.django_db


def audited(*clocks):
    """{name of a check: its differences and questions}, of those that found any."""
    return {
        check.name: [*check.differences, *check.questions]
        for check in checks(clocks or [Clock()])
        if check.differences or check.questions
    }


def a_life():
    """Projects in every state, with money, funders and lines of two storeys."""
    plan = make.plan(declared=5)
    line = make.line(plan=plan)
    below = make.line(plan=plan, parent=line, kind="measure")
    make.line(plan=plan)
    for place, status in enumerate(make.PATHS):
        project = make.project(
            status=status,
            plan=plan,
            line=below if place % 2 else None,
            on=f"2022-0{place + 1}-10",
            known=f"2022-0{place + 2}-10",
            funders=["SG", "JP"][: place % 3],
            budget=["1000.50", None][place % 2],
        )
        make.money(project, "250.25", kind="committed", partner="SG", is_private=True)
        make.money(project, None, on="2022-09-01")
    return plan


def test_two_paths_find_the_same_figures():
    a_life()
    days = [make.day(f"2022-{month:02}-15") for month in range(1, 12)]
    clocks = [
        *(Clock(day) for day in days),
        *(Clock(day, end_of_day(day)) for day in days),
        *(Clock(None, end_of_day(day)) for day in days),
    ]

    found = audited(Clock(), *clocks)

    assert not any("Figures" in name for name in found), found


def test_two_paths_agree_at_the_instant_of_a_correction():
    project = make.project(budget="1000", on="2022-01-10")
    entry = project.money_entries.get()
    corrected = actions.correct(fact=entry, reason="misread", amount=2000, usd=2000)
    tick = dt.timedelta(microseconds=1)
    instants = [corrected.recorded_at + tick * way for way in (-1, 0, 1)]

    found = audited(*(Clock(None, instant) for instant in instants))

    assert found == {}


def test_an_altered_copy_is_a_difference():
    project = make.project()
    Project.objects.filter(pk=project.pk).update(current_status="concept")

    found = audited()

    assert found["Copies of the current state"] == [
        f"{project.code}, status: copy 'concept', facts 'approved'"
    ]
    assert (
        "IAI-IV, projects: shown 0, counted 1" in found["Figures as of now, known now"]
    )


def test_altered_words_to_search_by_are_a_difference():
    project = make.project()
    Project.objects.filter(pk=project.pk).update(search_text="something else")

    assert list(audited()) == ["Words to search by"]


def test_the_command_fails_on_a_difference():
    project = make.project()
    call_command("audit_figures", stdout=StringIO())
    Project.objects.filter(pk=project.pk).update(current_funders="JP")

    with pytest.raises(CommandError):
        call_command("audit_figures", stdout=StringIO())


def test_the_command_looks_at_each_published_date():
    make.figure(as_of="2022-09-22", moment="opening")
    out = StringIO()

    call_command("audit_figures", stdout=out)

    assert "Figures as of now, known now" in out.getvalue()
    assert "Figures as of 2022-09-21, known now" in out.getvalue()
    assert "Figures as of 2022-09-21, known 2022-09-21" in out.getvalue()


def test_money_of_a_funder_who_never_joined_is_a_question():
    project = make.project(funders=["SG"])
    make.money(project, "10", kind="committed", partner="SG")
    make.money(project, "10", kind="pledged", partner="JP")
    assert audited() == {}

    make.money(project, "10", kind="disbursed", partner="JP")

    assert audited() == {
        "Funders named by money have joined": [
            f"{project.code}: disbursed by JP, which never joined"
        ]
    }


def test_what_counts_unpublished_is_a_question():
    project = make.project(is_published=False)
    make.project(status="concept", is_published=False)

    assert audited() == {
        "What counts is published": [f"{project.code} counts and is not published"]
    }


def test_more_lines_than_declared_are_a_question():
    plan = make.plan(declared=1)
    make.line(plan=plan)
    assert audited() == {}

    make.line(plan=plan)

    assert audited() == {
        "Lines are no more than declared": [
            "IAI-IV: 2 lines loaded of 1 declared (action_line)"
        ]
    }


def test_shares_above_100_are_a_question():
    make.project(countries=[("VN", 60), ("LA", 40)])
    assert audited() == {}

    project = make.project(countries=[("VN", 60), ("LA", "40.5")])

    assert audited() == {
        "Stated shares are at most 100 per cent": [
            f"{project.code}: shares add up to 100.50"
        ]
    }


def test_a_life_that_leaps_is_a_question():
    project = make.project(status="concept")
    with ledger_entry() as entry:
        StatusChange.objects.create(
            project=project,
            status="completed",
            effective_on=make.day("2022-02-01"),
            **entry.stamps,
        )

    assert audited()["Statuses follow the lifecycle"] == [
        f"{project.code}: completed on 2022-02-01 does not follow concept"
    ]


def test_a_funding_that_ended_is_no_funder_by_either_path():
    project = make.project(funders=["SG"], on="2022-01-10")
    with ledger_entry() as entry:
        Funding.objects.create(
            project=project,
            partner=make.partner("SG"),
            delta=-1,
            effective_on=make.day("2022-03-01"),
            **entry.stamps,
        )

    found = audited(Clock(make.day("2022-02-01")), Clock(make.day("2022-03-01")))

    assert not any("Figures" in name for name in found), found
