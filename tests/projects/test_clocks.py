"""The two clocks, against an oracle in plain Python, with ties forced."""

import datetime as dt
from itertools import pairwise

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from aseanpm.facts import FactsAreKept, LedgerHead, end_of_day, ledger_entry
from projects import actions
from projects.models import Funding, MoneyEntry, Project, Status, StatusChange
from tests import make

pytestmark = pytest.mark.django_db

DAYS = [dt.date(2021, 3, 25), dt.date(2021, 6, 22), dt.date(2021, 9, 30)]
START = dt.datetime(2021, 10, 1, tzinfo=dt.UTC)
COUNTING = {"approved", "ongoing", "on_hold", "completed"}
a_fact = st.tuples(
    st.integers(0, 1),
    st.sampled_from(Status.values),
    st.sampled_from(DAYS),
    st.booleans(),
)


class Oracle:
    """The same questions, answered by reading a list."""

    def __init__(self):
        self.facts = []

    def life(self, project, day, known):
        standing = [
            fact
            for fact in self.facts
            if fact["project"] == project
            and (day is None or fact["on"] <= day)
            and (known is None or fact["recorded"] <= known)
            and not (
                fact["withdrawn"] and (known is None or fact["withdrawn"] <= known)
            )
        ]
        return sorted(standing, key=lambda fact: (fact["on"], fact["order"]))

    def counts(self, project, day, known):
        life = [fact["status"] for fact in self.life(project, day, known)]
        active = [one for one in life if one not in {"cancelled", "carried_over"}]
        if not life:
            return False
        if life[-1] == "carried_over":
            return bool(active) and active[-1] in COUNTING
        return life[-1] in COUNTING


def write_down(facts):
    """Record facts one minute apart; the marked ones are corrected an hour later."""
    oracle, rows = Oracle(), []
    projects = [make.project(status=None, on="2020-01-01") for _ in range(2)]
    orders = {}
    for minute, (which, status, on, is_wrong) in enumerate(facts):
        recorded = START + dt.timedelta(minutes=minute)
        order = orders[which, on] = orders.get((which, on), -1) + 1
        with ledger_entry(recorded_at=recorded) as entry:
            row = StatusChange.objects.create(
                project=projects[which],
                status=status,
                effective_on=on,
                day_order=order,
                **entry.stamps,
            )
        fact = {
            "project": which,
            "status": status,
            "on": on,
            "order": order,
            "recorded": recorded,
            "withdrawn": None,
        }
        oracle.facts.append(fact)
        rows.append((row, fact, is_wrong))
    for row, fact, is_wrong in rows:
        if is_wrong:
            correct_to_completed(row, fact, oracle)
    actions.refresh_copies()
    return oracle, projects


def correct_to_completed(row, fact, oracle):
    moment = fact["recorded"] + dt.timedelta(hours=1)
    with ledger_entry(recorded_at=moment) as entry:
        StatusChange.objects.filter(pk=row.pk).withdraw(entry, "It was completed")
        StatusChange.objects.create(
            project=row.project,
            status="completed",
            effective_on=row.effective_on,
            day_order=row.day_order,
            **entry.stamps,
        )
    fact["withdrawn"] = moment
    oracle.facts.append(
        fact | {"status": "completed", "recorded": moment, "withdrawn": None}
    )


def questions(oracle):
    moments = {fact["recorded"] for fact in oracle.facts}
    moments |= {fact["withdrawn"] for fact in oracle.facts if fact["withdrawn"]}
    eves = [dt.date(2021, 3, 24)]
    return [
        (day, known)
        for day in [None, *eves, *DAYS]
        for known in [None, START - dt.timedelta(days=1), *sorted(moments)]
    ]


@given(st.lists(a_fact, min_size=4, max_size=8))
def test_what_counts_agrees_with_an_oracle_on_both_clocks(facts):
    with transaction.atomic():
        oracle, projects = write_down(facts)
        for day, known in questions(oracle):
            expected = {
                projects[which].pk
                for which in range(2)
                if oracle.counts(which, day, known)
            }
            found = Project.objects.as_of(day, known).counted("approved")
            assert {project.pk for project in found} == expected, (day, known)
        transaction.set_rollback(True)


@given(st.lists(a_fact, min_size=4, max_size=8))
def test_as_of_today_equals_now(facts):
    with transaction.atomic():
        write_down(facts)
        today = timezone.localdate()
        for rule in ("approved", "ongoing", "completed"):
            then = Project.objects.as_of(today).counted(rule)
            now = Project.objects.as_of().counted(rule)
            assert set(then.values_list("pk")) == set(now.values_list("pk"))
        transaction.set_rollback(True)


@given(st.lists(a_fact, min_size=4, max_size=8), st.randoms())
def test_the_order_of_recording_changes_no_answer_of_now(facts, random):
    with transaction.atomic():
        _, projects = write_down(facts)
        before = answers(projects)
        transaction.set_rollback(True)
    with transaction.atomic():
        projects = [make.project(status=None, on="2020-01-01") for _ in range(2)]
        standing = standing_facts(facts)
        random.shuffle(standing)
        for which, status, on, order in standing:
            with ledger_entry() as entry:
                StatusChange.objects.create(
                    project=projects[which],
                    status=status,
                    effective_on=on,
                    day_order=order,
                    **entry.stamps,
                )
        actions.refresh_copies()
        assert answers(projects) == before
        transaction.set_rollback(True)


def standing_facts(facts):
    orders, found = {}, []
    for which, status, on, is_wrong in facts:
        order = orders[which, on] = orders.get((which, on), -1) + 1
        found.append((which, "completed" if is_wrong else status, on, order))
    return found


def answers(projects):
    places = {project.pk: place for place, project in enumerate(projects)}
    return [
        {
            (places[project.pk], project.status, project.stage)
            for project in Project.objects.as_of(day).with_state()
        }
        for day in [None, *DAYS]
    ]


@given(st.lists(a_fact, min_size=4, max_size=8), st.data())
def test_what_is_written_later_changes_no_answer_given_before(facts, data):
    with transaction.atomic():
        _, projects = write_down(facts)
        asked = timezone.now()
        before = [told(projects, day, asked) for day in [None, *DAYS]]
        row = data.draw(st.sampled_from(list(StatusChange.objects.known())))
        with ledger_entry() as entry:
            StatusChange.objects.filter(pk=row.pk).withdraw(entry, "It was wrong")
            StatusChange.objects.create(
                project=row.project,
                status=data.draw(st.sampled_from(Status.values)),
                effective_on=data.draw(st.sampled_from(DAYS)),
                day_order=99,
                **entry.stamps,
            )
        actions.refresh_copies()

        assert [told(projects, day, asked) for day in [None, *DAYS]] == before
        transaction.set_rollback(True)


@given(st.lists(a_fact, min_size=4, max_size=8), st.sampled_from(Status.values))
def test_what_becomes_true_later_changes_no_earlier_day(facts, status):
    with transaction.atomic():
        _, projects = write_down(facts)
        before = [told(projects, day, None) for day in DAYS]
        with ledger_entry() as entry:
            StatusChange.objects.create(
                project=projects[0],
                status=status,
                effective_on=DAYS[-1] + dt.timedelta(days=1),
                **entry.stamps,
            )
        actions.refresh_copies()

        assert [told(projects, day, None) for day in DAYS] == before
        transaction.set_rollback(True)


def told(projects, day, known_at):
    rows = Project.objects.as_of(day, known_at).with_state().order_by("pk")
    return [(row.pk, row.status, row.stage) for row in rows]


def test_two_facts_on_one_day_stand_in_their_stated_order():
    project = make.project(status="ongoing", on="2022-01-10")

    statuses = [
        change.status for change in project.status_changes.order_by("day_order")
    ]

    assert statuses == ["appraisal", "approved", "ongoing"]
    assert Project.objects.as_of(make.day("2022-01-10")).in_status("ongoing").exists()


def test_a_correction_leaves_what_was_known_before_it_untouched():
    project = make.project(status="approved", on="2022-01-10", known="2022-01-10")
    approval = project.status_changes.get(status="approved")
    before = timezone.now()

    actions.correct(
        fact=approval,
        reason="The minutes say July",
        effective_on=make.day("2022-07-01"),
    )

    march = make.day("2022-03-01")
    assert not Project.objects.as_of(march).counted("approved").exists()
    assert Project.objects.as_of(march, before).counted("approved").exists()


def test_a_correction_that_changes_nothing_changes_no_answer():
    project = make.project(status="approved", on="2022-01-10", funders=["JP"])
    approval = project.status_changes.get(status="approved")

    again = actions.correct(fact=approval, reason="Typed again")

    assert (again.effective_on, again.day_order, again.status) == (
        make.day("2022-01-10"),
        1,
        "approved",
    )
    on = make.day("2022-01-10")
    assert Project.objects.as_of(on).counted("approved").count() == 1


def test_a_correction_withdraws_and_records_at_one_instant():
    project = make.project(status="approved")
    approval = project.status_changes.get(status="approved")

    again = actions.correct(fact=approval, reason="Typed again")
    approval.refresh_from_db()

    assert approval.withdrawn_at == again.recorded_at
    assert approval.withdrawal_reason == "Typed again"


def test_a_later_date_never_changes_an_earlier_answer():
    plan = make.plan()
    make.project(status="approved", on="2022-01-10", plan=plan)
    earlier = Project.objects.as_of(make.day("2022-03-01")).counted().count()

    make.project(status="approved", on="2022-09-22", plan=plan)

    assert earlier == 1
    assert Project.objects.as_of(make.day("2022-03-01")).counted().count() == 1


def test_a_project_is_out_before_it_existed():
    make.project(status="approved", on="2022-01-10")

    assert Project.objects.as_of(make.day("2022-01-09")).count() == 0
    assert Project.objects.as_of(make.day("2022-01-10")).count() == 1


def test_an_attested_project_without_status_is_shown_from_its_document_on():
    make.project(status=None, attested_on=make.day("2020-08-26"), on="2020-08-26")

    assert Project.objects.as_of(make.day("2020-08-25")).count() == 0
    assert Project.objects.as_of(make.day("2020-08-26")).count() == 1
    assert Project.objects.as_of(make.day("2020-08-26")).counted().count() == 0


def test_a_placement_holds_for_the_whole_life_until_it_is_corrected():
    right, wrong = make.line(), make.line()
    project = make.project(status="approved", on="2022-01-10", line=wrong)
    before = timezone.now()

    actions.correct(fact=project.placements.get(), reason="Another line", line=right)

    day = make.day("2022-02-01")
    assert Project.objects.as_of(day).on_lines(right).count() == 1
    assert Project.objects.as_of(day).on_lines(wrong).count() == 0
    assert Project.objects.as_of(day, before).on_lines(wrong).count() == 1


def test_who_funds_is_what_joining_and_leaving_net_to():
    project = make.project(status="approved", on="2022-01-10", funders=["JP", "SG"])
    leaving = Funding(
        project=project,
        partner=make.partner("SG"),
        delta=-1,
        effective_on=make.day("2022-05-01"),
    )

    actions.record(fact=leaving)
    project.refresh_from_db()

    assert project.current_funders == "JP"
    april, june = make.day("2022-04-30"), make.day("2022-06-01")
    assert Project.objects.as_of(april).funded_by_exactly(("JP", "SG")).count() == 1
    assert Project.objects.as_of(june).funded_by_exactly(("JP",)).count() == 1


def test_facts_are_neither_edited_nor_deleted():
    make.project(status="approved")

    with pytest.raises(FactsAreKept):
        StatusChange.objects.update(status="completed")
    with pytest.raises(FactsAreKept):
        StatusChange.objects.all().delete()
    with pytest.raises(FactsAreKept):
        StatusChange.objects.first().delete()
    with pytest.raises(FactsAreKept):
        StatusChange.objects.first().save()


def test_a_fact_is_not_dated_after_today():
    project = make.project(status="approved")
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    change = StatusChange(project=project, status="ongoing", effective_on=tomorrow)

    with pytest.raises(ValidationError, match="not dated after today"):
        actions.record(fact=change)

    assert project.status_changes.count() == 2


def test_recording_times_never_go_back_or_meet():
    project = make.project(status="approved", on="2022-01-10")

    for _ in range(3):
        entry = MoneyEntry(
            project=project,
            kind="approved",
            amount=None,
            effective_on=make.day("2022-01-10"),
        )
        actions.record(fact=entry)

    recorded = list(
        project.money_entries.order_by("sequence").values_list(
            "sequence", "recorded_at"
        )
    )
    assert all(a < b for a, b in pairwise(recorded))
    assert all(a[1] < b[1] for a, b in pairwise(recorded))


def test_the_ledger_head_ends_at_the_last_entry():
    with ledger_entry() as first:
        pass
    with ledger_entry() as second:
        pass

    head = LedgerHead.objects.get()
    assert (first.sequence + 1, second.sequence) == (second.sequence, head.sequence)
    assert head.recorded_at == second.recorded_at


def test_a_moment_known_by_its_day_is_the_end_of_that_day_in_jakarta():
    make.project(status="approved", on="2022-01-10", known="2022-01-10")

    at_midnight = end_of_day(make.day("2022-01-10"))
    before = at_midnight - dt.timedelta(seconds=1)

    assert at_midnight.utcoffset() == dt.timedelta(hours=7)
    assert Project.objects.as_of(None, at_midnight).count() == 1
    assert Project.objects.as_of(None, before).count() == 0


def test_a_document_that_was_recorded_later_was_not_known_before():
    day = make.day("2020-08-26")
    make.project(
        status=None,
        attested_on=make.day("2020-08-26"),
        on="2020-08-26",
        known="2021-05-01",
    )
    day = make.day("2020-08-26")

    assert Project.objects.as_of(day, make.moment("2021-04-30")).count() == 0
    assert Project.objects.as_of(day, make.moment("2021-05-01")).count() == 1


def test_without_status_or_document_a_project_exists_from_its_recording():
    make.project(status=None, on="2022-01-10")

    assert Project.objects.as_of(make.day("2022-01-09")).count() == 0
    assert Project.objects.as_of(timezone.localdate()).count() == 1
    assert Project.objects.as_of().count() == 1


def test_a_correction_to_another_day_takes_the_last_place_there():
    project = make.project(status="approved", on="2022-01-10", budget="5")
    make.money(project, "7", on="2022-02-01")
    entry = project.money_entries.get(effective_on=make.day("2022-01-10"))

    moved = actions.correct(
        fact=entry, reason="Another day", effective_on=make.day("2022-02-01")
    )

    assert moved.day_order == 1
