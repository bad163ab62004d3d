"""Eight writers at once, on a real database: recording order is commit order."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from aseanpm.facts import LedgerHead
from projects import actions
from projects.models import MoneyEntry, Project
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(call, numbers):
    def alone(number):
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(alone, numbers))


def an_entry(project, amount="10"):
    return MoneyEntry(
        project=project,
        kind="approved",
        amount=make.Decimal(amount),
        effective_on=make.day("2022-02-01"),
    )


def test_eight_writers_are_recorded_one_after_the_other():
    projects = [make.project() for _ in range(4)]

    at_once(
        lambda number: actions.record(fact=an_entry(projects[number % 4])), range(32)
    )

    rows = MoneyEntry.objects.order_by("sequence")
    sequences = list(rows.values_list("sequence", flat=True))
    moments = list(rows.values_list("recorded_at", flat=True))
    assert len(set(sequences)) == 32
    assert moments == sorted(set(moments))
    assert LedgerHead.objects.get().sequence == sequences[-1]
    for project in projects:
        places = project.money_entries.values_list("day_order", flat=True)
        assert sorted(places) == list(range(8))


def test_of_sixteen_corrections_of_one_fact_one_is_made():
    project = make.project()
    fact = actions.record(fact=an_entry(project))

    def correct(number):
        try:
            actions.correct(
                fact=fact, reason="Typed wrong", amount=make.Decimal(100 + number)
            )
        except ValidationError as error:
            return error.messages
        return None

    answers = at_once(correct, range(16))

    assert answers.count(None) == 1
    assert answers.count(["This record was withdrawn before."]) == 15
    assert project.money_entries.known().count() == 1


def test_what_fails_leaves_nothing_behind():
    project = make.project(status="completed")
    before = Project.objects.values().get(pk=project.pk)
    approval = project.status_changes.get(status="approved")

    with pytest.raises(ValidationError, match="cannot follow"):
        actions.withdraw(fact=approval, reason="It was never approved")

    assert project.status_changes.known().count() == 4
    assert Project.objects.values().get(pk=project.pk) == before
