"""What meetings, plans and print leave open. Asking changes nothing."""

from django.core.cache import cache
from django.db import connection
from django.db.models import Min, Q
from django.urls import reverse
from django.utils import timezone

from aseanpm.facts import Clock, LedgerHead
from aseanpm.questions import Answer, Question
from projects import progress
from projects.models import Project

from .models import AgendaItem, WorkPlan
from .reconciliation import (
    Books,
    is_currency,
    meeting_row,
    meetings_by,
    printed_by,
    row_of,
)
from .reconciliation.in_print import print_against_print

KINDS = {
    "agenda": "Drafted without a date, or not decided",
    "declared": "More lines than declared",
    "print": "Figures that do not reconcile",
}
DAY = 24 * 60 * 60


def questions(user, projects):
    """The questions about agendas, plans and print, from a set of projects.

    Some ten queries, besides those of the comparison with print, which is kept until
    the next write; those grow with the figures in print.
    """
    yield from agendas(projects)
    yield from lines_beyond_declared(projects)
    yield from unreconciled(user, projects)


def agendas(projects):
    """Outcomes that are not yet facts, and meetings that ended without a decision."""
    items = AgendaItem.objects.filter(
        applied__isnull=True, project__in=projects.order_by().values("pk")
    ).select_related("meeting__body", "meeting__country", "project")
    waiting = items.filter(
        ~Q(outcome="") | Q(kind="decide", meeting__held_until__lt=timezone.localdate())
    )
    ours = Project.objects.as_of().filter(pk__in=[item.project_id for item in waiting])
    plans = dict(ours.with_placement("code").values_list("pk", "plan"))
    for item in waiting:
        meeting, project = item.meeting, item.project
        decided = item.get_outcome_display().lower()
        text = (
            f"A draft says that the {meeting} decided to {decided} it; that is not "
            "applied, so it has no date."
            if decided
            else f"The {meeting} had it on the agenda, and no decision is on record."
        )
        approved = item.outcome == AgendaItem.Outcome.APPROVE
        yield Question(
            kind="agenda",
            text=text,
            answers=(
                Answer("Record decisions", f"{meeting.get_absolute_url()}decisions/"),
            ),
            code=project.code,
            title=project.title,
            language=project.title_language,
            page=project.get_absolute_url(),
            plan=plans.get(project.pk),
            of=project.officer_id,
            figures=("projects", "lines", "approved budgets") if approved else (),
            since=meeting.held_until,
        )


def lines_beyond_declared(projects):
    """Plans with more lines loaded or implemented than they declared."""
    plans = WorkPlan.objects.all()
    for one in progress.plans_progress(plans, projects).values():
        for count in (one.lines, one.enabling):
            most = max(count.loaded, count.implemented or 0)
            if count.declared is None or most <= count.declared:
                continue
            page = one.plan.get_absolute_url()
            lines = f"{reverse('workplans:lines')}?plan={one.plan.code}"
            yield Question(
                kind="declared",
                text=f"{count.loaded} {count.noun} are loaded and "
                f"{count.declared} were declared.",
                answers=(
                    Answer("Look at its lines", f"{lines}&kind={count.kind}", False),
                    Answer("Declare another total", f"{page}totals/new/"),
                ),
                code=one.plan.code,
                title=one.plan.title,
                language=one.plan.title_language,
                page=page,
                plan=one.plan.code,
                figures=("lines", "coverage"),
                count=most - count.declared,
            )


def unreconciled(user, projects):
    """What was printed and differs from the records, or from other print.

    Figures that rest on illustrative records are compared only where `projects` holds
    such. Kept in the cache until the next write, but never within a transaction, which
    may yet be undone. `user` must be one who sees all.
    """
    with_illustrative = projects.filter(is_illustrative=True).exists()
    if connection.in_atomic_block:
        return list(compared(user, with_illustrative))
    head = LedgerHead.objects.values_list("sequence", "recorded_at").first()
    parts = (*(head or ()), timezone.localdate(), with_illustrative)
    key = "unreconciled:" + ":".join(str(part).replace(" ", "T") for part in parts)
    found = cache.get(key)
    if found is None:
        found = list(compared(user, with_illustrative))
        cache.set(key, found, DAY)
    return found


def compared(user, with_illustrative):
    figures, meetings = printed_by(None), meetings_by(None)
    books = Books(user, Clock())
    generated = {} if with_illustrative else illustrative_since()
    first = min(generated.values(), default=None)
    rows = [
        row_of(books, figure)
        for figure in figures
        if not is_past(generated.get(figure.plan_id), figure.computed_on.day)
    ]
    rows += [
        meeting_row(books, meeting)
        for meeting in meetings
        if meeting.approvals_in_print is not None
        and meeting.held_until
        and not is_past(first, meeting.held_until)
    ]
    for row in [*rows, *print_against_print(figures, meetings)]:
        if row.verdict in {"differs", "contradiction"}:
            yield question_of(row)


def illustrative_since():
    """{key of a plan: the first day on which an illustrative project of it stood}."""
    shown = Project.objects.as_of().filter(is_illustrative=True).with_placement()
    standing = Q(status_changes__withdrawn_at=None)
    rows = shown.order_by().values_list("plan")
    return dict(
        rows.annotate(first=Min("status_changes__effective_on", filter=standing))
    )


def is_past(first, day):
    return first is not None and day >= first


def question_of(row):
    page = reverse("workplans:reconciliation")
    gap = abs(row.difference) if row.difference else None
    dollars = is_currency(row.unit) and row.unit == "USD"
    text = row.reason
    if row.basis == "records":
        text = (
            f"{row.on_shown}: print says {row.printed_words}, the records "
            f"{row.against_words}. {row.reason}"
        )
    return Question(
        kind="print",
        text=text,
        answers=(Answer("Compare", f"{page}#{row.code}", False),),
        code=row.scope,
        title=row.metric_label if row.figure else str(row.meeting),
        page=f"{page}#{row.code}",
        plan=row.plan.code if row.plan else None,
        figures=("a figure in print",),
        usd=gap if dollars else None,
        count=int(gap or 1) if not row.unit else 1,
        since=row.on,
    )
