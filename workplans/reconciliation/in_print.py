"""Print beside print: general checks, which know no figure of any plan."""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

from projects import progress

from ..models import PublishedFigure, ordinal
from .judgement import Qualifier, least, most, printed_words, words
from .rows import Row, sources_of

# From how many times the average before an added project's cost is a finding.
DEARER = 5


def print_against_print(figures, meetings):
    """Rows for each check of print against print that can be made."""
    headline = [figure for figure in figures if figure.part_of_id is None]
    by_plan = defaultdict(list)
    for figure in headline:
        if figure.plan:
            by_plan[figure.plan].append(figure)
    yield from parts_and_totals(figures)
    for ours in by_plan.values():
        yield from money_per_added_project(ours)
        yield from lines_without_projects(ours)
        yield from one_percentage(ours)
        yield from percentages(ours)
    yield from approvals_and_rises(headline, meetings)


def finding(figure, check, fails, against, reason, printed=None, unit=None):
    """The row of a check about a figure; of its value, unless another is `printed`."""
    printed = figure.value if printed is None else printed
    return Row(
        code=f"print:{check}:{figure.code}",
        basis="print",
        verdict="contradiction" if fails else "consistent",
        reason=reason,
        metric=figure.metric,
        printed=Decimal(printed),
        against=Decimal(against),
        unit=figure.unit if unit is None else unit,
        on=figure.as_of,
        precision=figure.precision,
        plan=figure.plan,
        meeting=figure.meeting,
        figure=figure,
        check=check,
        sources=sources_of(figure),
    )


def parts_and_totals(figures):
    """Parts that partition a figure must add up to it: its groups, else its funders.

    Funders printed beside groups are examples of these and need not add up.
    """
    parts = defaultdict(list)
    for figure in figures:
        if figure.part_of_id:
            parts[figure.part_of_id].append(figure)
    for figure in figures:
        groups = [part for part in parts[figure.pk] if part.group]
        ours = groups or [part for part in parts[figure.pk] if part.combination]
        if not ours:
            continue
        total = sum(part.value for part in ours)
        what = "Groups of funders" if groups else "Funders"
        sums = ", ".join(
            f"{progress.GROUPS.get(part.group, part.combination)} {words(part.value)}"
            for part in sorted(ours, key=lambda part: (-part.value, part.code))
        )
        reason = f"{what} add up to {words(total)} of {words(figure.value)}: {sums}."
        gap = figure.value - total
        if gap > 0:
            reason += f" {words(gap)} without a named funder."
        elif gap < 0:
            reason += f" {words(-gap)} more than there are."
        yield finding(figure, "parts", gap != 0, total, reason)


def dated_order(figure):
    return figure.as_of, figure.moment == PublishedFigure.Moment.CLOSING


def when(figure):
    """2022-09; before the meeting of 2022-09-22."""
    eve = figure.moment == PublishedFigure.Moment.OPENING
    return f"before the meeting of {figure.as_of_shown}" if eve else figure.as_of_shown


def totals_of(figures, metric="projects"):
    """The printed totals of a metric, in order of time, an opening one first."""
    return sorted(
        (
            figure
            for figure in figures
            if figure.metric == metric and not figure.group and not figure.combination
        ),
        key=dated_order,
    )


def money_per_added_project(figures):
    """Between two totals, an added project may cost DEARER times the average before.

    Read leniently: the least that the later budget allows, the most of the earlier.
    """
    budgets = {}
    for budget in totals_of(figures, "budget"):
        if dated_order(budget) not in budgets or budget.qualifier == Qualifier.EXACT:
            budgets[dated_order(budget)] = budget
    points = [
        (projects, budgets[dated_order(projects)])
        for projects in totals_of(figures)
        if dated_order(projects) in budgets
    ]
    for (projects, budget), (more_projects, more_budget) in pairwise(points):
        added = more_projects.value - projects.value
        rise = least(more_budget) - most(budget)
        if not projects.value or not budget.value or added < 0 or rise <= 0:
            continue
        average = budget.value / projects.value
        said = (
            f"{words(projects.value)} projects for {printed_words(budget)} "
            f"({when(projects)}), then {words(more_projects.value)} for "
            f"{printed_words(more_budget)} ({when(more_projects)})"
        )
        if added == 0:
            reason = f"{said}: {words(rise, budget.unit)} more for no further project."
            fails = True
        else:
            times = rise / added / average
            fails = times >= DEARER
            reason = (
                f"{said}: at least {words(rise / added, budget.unit)} for each of the "
                f"{words(added)} added, {times:.1f} times the average before "
                f"({words(average, budget.unit)}; threshold: {DEARER} times)."
            )
        yield finding(
            more_budget,
            "money_per_project",
            fails,
            (budget.value + added * average).quantize(Decimal("0.01")),
            reason,
        )


LINE_METRICS = ("action_lines_implemented", "initiatives_under_way")


def lines_without_projects(figures):
    """A new line needs a new project: did any come between two counts of lines?"""
    totals = {dated_order(figure): figure for figure in totals_of(figures)}
    for metric in LINE_METRICS:
        for before, after in pairwise(totals_of(figures, metric)):
            earlier = totals.get((before.as_of, True))
            eve = totals.get((after.as_of, False))
            closing = totals.get((after.as_of, True))
            if after.value <= before.value or not earlier or not (eve or closing):
                continue
            until = eve or closing
            stood_still = until.value <= earlier.value
            reason = (
                f"Lines implemented rose from {words(before.value)} "
                f"({before.as_of_shown}) to {words(after.value)} "
                f"({after.as_of_shown}), while projects "
            )
            if not stood_still:
                reason += f"rose from {words(earlier.value)} to {words(until.value)}."
            elif eve and closing and closing.value > eve.value:
                reason += (
                    f"stood at {words(eve.value)} until the meeting: only the "
                    f"{words(closing.value - eve.value)} approved there can have begun "
                    f"{words(after.value - before.value)} lines."
                )
            else:
                reason += f"stood at {words(until.value)}."
            yield finding(
                after, "lines_without_projects", stood_still, before.value, reason
            )


def percentages_in(figures):
    """(figure, percentage, what it is a percentage of) wherever one is printed."""
    for figure in figures:
        if figure.unit == "%":
            yield figure, figure.value, figure.metric.removesuffix("_percent")
        elif figure.percent is not None:
            about = figure.metric.removesuffix("_implemented")
            yield figure, figure.percent, about


def one_percentage(figures):
    """One percentage of one plan, printed for two things: one name may be wrong."""
    found = defaultdict(dict)
    for figure, percent, about in percentages_in(figures):
        found[percent].setdefault(about, figure)
    for percent, meanings in found.items():
        for (about, first), (other, later) in pairwise(meanings.items()):
            reason = (
                f"{words(percent, '%')} is printed as “{spoken(about)}” "
                f"({first.as_of_shown}) and as “{spoken(other)}” ({later.as_of_shown})."
            )
            yield finding(later, "one_percentage", True, percent, reason)


def spoken(metric):
    return metric.replace("_", " ")


def percentages(figures):
    """A printed percentage must be that of its two printed numbers."""
    for figure in figures:
        percent = progress.percent_of(figure.value, figure.of_total)
        if figure.percent is None or percent is None:
            continue
        reason = (
            f"{words(figure.value)} of {figure.of_total} is {words(percent, '%')}; "
            f"print says {words(figure.percent, '%')}."
        )
        fails = percent != figure.percent
        yield finding(figure, "percentage", fails, percent, reason, figure.percent, "%")


def approvals_and_rises(figures, meetings):
    """What meetings approved in print, beside the rise of the printed totals.

    The rise runs over all plans of the programme, from an opening total or from the
    meeting just before; approvals of meetings in between without a total are added.
    """
    totals = defaultdict(dict)
    for figure in totals_of(figures):
        if figure.plan and figure.meeting_id:
            moment = (figure.meeting_id, figure.moment)
            totals[moment][figure.plan] = figure
    numbered_meetings = {
        (meeting.body_id, meeting.number): meeting
        for meeting in meetings
        if meeting.number is not None
    }
    for meeting in meetings:
        after = totals.get((meeting.pk, PublishedFigure.Moment.CLOSING), {})
        if not after or meeting.approvals_in_print is None:
            continue
        before, chain = total_before(meeting, totals, numbered_meetings)
        programmes = {plan.programme_id for plan in after}
        before = {
            plan: figure
            for plan, figure in before.items()
            if plan.programme_id in programmes and is_open(plan, meeting)
        }
        if not before or set(before) != set(after):
            continue
        printed = sum(step.approvals_in_print for step in chain)
        rises = {
            plan: figure.value - before[plan].value for plan, figure in after.items()
        }
        rise = sum(rises.values())
        yield approvals_finding(meeting, chain, printed, rise, before, after)


def total_before(meeting, totals, meetings):
    """({plan: figure} printed before, the meetings whose approvals came since)."""
    opening = totals.get((meeting.pk, PublishedFigure.Moment.OPENING))
    if opening:
        return opening, [meeting]
    chain, step = [meeting], meeting
    while step.number is not None:
        held = (step.body_id, step.number - 1)
        step = meetings.get(held)
        if step is None:
            return {}, chain
        found = totals.get((step.pk, PublishedFigure.Moment.CLOSING))
        if found:
            return found, chain
        if step.approvals_in_print is None:
            return {}, chain
        chain = [step, *chain]
    return {}, chain


def is_open(plan, meeting):
    return plan.closed_on is None or plan.closed_on >= meeting.held_until


def approvals_finding(meeting, chain, printed, rise, before, after):
    named = " and ".join(
        ordinal(step.number) if step.number else step.code for step in chain
    ).replace(" and ", ", ", len(chain) - 2 if len(chain) > 2 else 0)
    held = f"the {named} meeting{'s' if len(chain) > 1 else ''}"
    from_to = "; ".join(
        f"{plan.code} {words(before[plan].value)} to {words(figure.value)}"
        for plan, figure in after.items()
    )
    if len(after) > 1:
        from_to += f", {words(rise)} over {len(after)} plans"
    sums = " + ".join(str(step.approvals_in_print) for step in chain)
    approved = f"{sums} = {printed}" if len(chain) > 1 else str(printed)
    figure = next(iter(after.values()))
    return Row(
        code=f"print:approvals:{meeting.code}",
        basis="print",
        verdict="consistent" if printed == rise else "contradiction",
        reason=(
            f"In print, {held} approved {approved} where the totals rose by "
            f"{words(rise)}: {from_to}."
        ),
        metric="projects_approved_at_meeting",
        printed=Decimal(printed),
        against=rise,
        on=meeting.held_until,
        precision=meeting.precision,
        plan=figure.plan if len(after) == 1 else None,
        meeting=meeting,
        check="approvals",
        sources=tuple(sorted({*sources_of(meeting), *sources_of(figure)})),
    )
