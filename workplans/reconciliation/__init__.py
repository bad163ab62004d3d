"""What was printed beside what the records say, and print beside print.

A published figure is computed at its own date: an opening one on the eve of its
meeting, a partial date at its period's end, none later than today. Agreement of
generated records proves nothing and is told apart from agreement. What cannot be
computed says why; unknown is never read as 0. The checks of print against print are
general: they know no figure of any plan.
"""

from decimal import Decimal

from ..models import Meeting, PublishedFigure, WorkPlan
from .in_print import print_against_print, spoken
from .judgement import Qualifier, is_currency, judge, meets
from .records import Books, Computed, approvals, computed_of, known_metrics
from .rows import BASES, CHECKS, VERDICTS, Row, sources_of

__all__ = [
    "BASES",
    "CHECKS",
    "VERDICTS",
    "Books",
    "Computed",
    "Row",
    "is_currency",
    "judge",
    "known_metrics",
    "meets",
    "printed_by",
    "reconcile",
    "row_of",
    "spoken",
]


def reconcile(user, clock):
    """Every comparison of what was printed by the clock's day, in a fixed order.

    The number of queries grows with the published figures, not with the projects.
    """
    by = None if clock.is_now else clock.last_day
    figures, meetings = printed_by(by), meetings_by(by)
    books = Books(user, clock)
    rows = [row_of(books, figure) for figure in figures]
    rows += [
        meeting_row(books, meeting)
        for meeting in meetings
        if meeting.approvals_in_print is not None and meeting.held_until
    ]
    return rows + list(print_against_print(figures, meetings))


def meetings_by(day):
    return list(
        Meeting.objects.held_by(day)
        .select_related("body", "country")
        .prefetch_related("sources")
        .order_by("held_until", "code")
    )


def printed_by(day):
    """The figures printed by a day (None: all), their parts, plans and lines."""
    plans = {
        plan.pk: plan
        for plan in WorkPlan.objects.select_related("programme").prefetch_related(
            "lines", "areas"
        )
    }
    figures = list(
        PublishedFigure.objects.filter(**({"as_of__lte": day} if day else {}))
        .select_related(
            "programme", "partner", "funder", "meeting__body", "meeting__country"
        )
        .prefetch_related("sources")
        .order_by("as_of", "code")
    )
    for figure in figures:
        figure.plan = plans.get(figure.plan_id)
    return figures


def row_of(books, figure):
    computed = computed_of(books, figure)
    verdict, reason = judge(figure.qualifier, figure.value, figure.unit, computed)
    return Row(
        code=figure.code,
        basis="records",
        verdict=verdict,
        reason=reason,
        metric=figure.metric,
        printed=figure.value,
        against=computed.value,
        unit=figure.unit,
        on=figure.as_of,
        precision=figure.precision,
        plan=figure.plan,
        meeting=figure.meeting,
        figure=figure,
        computed=computed,
        sources=sources_of(figure),
    )


def meeting_row(books, meeting):
    """The approvals of a meeting in print beside those on record, over all plans."""
    computed = approvals(books, meeting, meeting.held_until)
    printed = Decimal(meeting.approvals_in_print)
    verdict, reason = judge(Qualifier.EXACT, printed, "", computed)
    return Row(
        code=f"{meeting.code}:approvals",
        basis="records",
        verdict=verdict,
        reason=reason,
        metric="projects_approved_at_meeting",
        printed=printed,
        against=computed.value,
        on=meeting.held_until,
        precision=meeting.precision,
        meeting=meeting,
        computed=computed,
        sources=sources_of(meeting),
    )
