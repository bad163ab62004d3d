"""A published figure computed from the records, at its own date.

Unknown is never read as 0: what cannot be computed says why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from aseanpm.facts import Clock
from projects import money, progress
from projects.models import MoneyEntry, Project, Status


@dataclass(frozen=True)
class Computed:
    """A figure made from records, and the list that it opens.

    `repeats` is what that list shows again, a count or a sum of dollars; None where the
    list holds the records but not this number. Without a value, `why` says why.
    """

    value: Any = None
    why: str = ""
    illustrative: int = 0
    page: str = ""
    filters: dict = field(default_factory=dict)
    repeats: Any = None
    clock: Clock = field(default_factory=Clock)


class Books:
    """The records as one reader sees them, on many days; no question is asked twice."""

    def __init__(self, user, known):
        self.user = user
        self.known = known
        self.projects = Project.objects.visible_to(user)
        self._answers = {}

    def once(self, key, ask):
        if key not in self._answers:
            self._answers[key] = ask()
        return self._answers[key]

    def clock(self, day):
        day = min(day, timezone.localdate())
        return Clock(day, self.known.known_at, self.known.known_text)

    def at(self, day):
        return self.projects.as_of(self.clock(day).day, self.known.known_at)

    def progress(self, plan, day):
        return self.once(
            ("progress", plan.pk, day),
            lambda: progress.plan_progress(plan, self.at(day)),
        )

    def are_empty(self, plan, day):
        """Whether no project of a plan has a documented status by a day."""
        tally = self.progress(plan, day).tally
        return not any(number for (status, _), number in tally.items() if status)

    def chosen(
        self, plan, day, stage="counted", group="", combination="", partner=None
    ):
        """The projects of a plan that the list of projects opens with these filters."""
        rule = self.progress(plan, day).counts_from
        found = self.at(day).under(plan)
        if stage == "carried_over":
            found = found.in_status(Status.CARRIED_OVER)
        else:
            found = found.pipeline(rule) if stage == "pipeline" else found.counted(rule)
        if group:
            found = found.funded_by_groups(group)
        if combination:
            found = found.funded_by_exactly(codes_of(combination))
        if partner:
            found = found.funded_by(partner)
        return found

    def number(self, plan, day, **choice):
        """(projects, how many of them are illustrative) of a choice."""
        if choice == {"stage": "counted"}:
            done = self.progress(plan, day)
            return done.counted, done.illustrative
        return self.once(
            ("number", plan.pk, day, *sorted(choice.items())),
            lambda: told_apart(self.chosen(plan, day, **choice)),
        )

    def dollars(self, plan, day, kind, given_by=None, **choice):
        """The dollars of a choice, all of them or what one funder gives."""

        def ask():
            chosen = self.chosen(plan, day, **choice)
            return money.total(chosen, kind, self.user, given_by).usd

        asked = ("dollars", plan.pk, day, kind, given_by, *sorted(choice.items()))
        return self.once(asked, ask)

    def approved_at(self, meeting, day, plan=None):
        """(counted projects that a meeting approved, illustrative ones of them)."""

        def ask():
            found = self.chosen(plan, day) if plan else self.at(day).counted()
            return told_apart(found.decided_at(meeting, status=Status.APPROVED))

        return self.once(("approved", meeting.pk, day, plan and plan.pk), ask)


def told_apart(projects):
    """(projects, how many of them are illustrative) in one query."""
    found = list(projects.order_by().values_list("is_illustrative", flat=True))
    return len(found), sum(found)


def codes_of(combination):
    return () if combination == "none" else tuple(combination.split("+"))


# From which records each metric is made


def lines_in(state, kind="lines"):
    """How many lines stand in a state; `kind` is lines or enabling, of PlanProgress."""

    def compute(books, figure, day):
        done = books.progress(figure.plan, day)
        count = getattr(done, kind)
        stage = "pipeline" if state == progress.IN_PREPARATION else "counted"
        value = getattr(count, state)
        return Computed(
            value=value,
            why=f"No {count.noun} of this plan are on record.",
            illustrative=books.number(figure.plan, day, stage=stage)[1],
            page="workplans:lines",
            filters={"plan": figure.plan.code, "kind": count.kind, "state": state},
            repeats=value,
        )

    return compute


def percent_of_lines(books, figure, day):
    done = books.progress(figure.plan, day)
    implemented = lines_in(progress.IMPLEMENTED)(books, figure, day)
    return Computed(
        value=done.lines.percent,
        why="The plan’s total of lines is not on record.",
        illustrative=implemented.illustrative,
        page=implemented.page,
        filters=implemented.filters,
        repeats=implemented.value,
    )


def projects_in(stage, **choice):
    """How many projects stand in a stage, of a combination or group if it names one."""

    def compute(books, figure, day):
        chosen = {"stage": stage} | choice
        for name in ("combination", "group"):
            if getattr(figure, name):
                chosen[name] = getattr(figure, name)
        number, illustrative = books.number(figure.plan, day, **chosen)
        return Computed(
            value=number,
            illustrative=illustrative,
            page="projects:list",
            filters={"plan": figure.plan.code, **chosen},
            repeats=number,
        )

    return compute


def dollars_of(kind, **choice):
    """The dollars of one kind over the projects that count."""

    def compute(books, figure, day):
        if figure.unit != "USD":
            return Computed(why=f"Printed in {figure.unit}; sums are in US dollars.")
        usd = books.dollars(figure.plan, day, kind, **choice)
        return Computed(
            value=usd,
            why=f"No amount of these projects is on record ({kind.label.lower()}).",
            illustrative=books.number(figure.plan, day, stage="counted", **choice)[1],
            page="projects:list",
            filters={
                "plan": figure.plan.code,
                "stage": "counted",
                "money": kind.value,
                **choice,
            },
            repeats=usd,
        )

    return compute


def committed_by_funder(books, figure, day):
    """What one funder committed; its projects may hold others' commitments too."""
    if figure.funder is None:
        return Computed(why="The figure names no funder.")
    if figure.unit != "USD":
        return Computed(why=f"Printed in {figure.unit}; sums are in US dollars.")
    kind, choice = MoneyEntry.Kind.COMMITTED, {"partner": figure.funder}
    usd = books.dollars(figure.plan, day, kind, given_by=figure.funder, **choice)
    listed = books.dollars(figure.plan, day, kind, **choice)
    return Computed(
        value=usd,
        why=f"No commitment of {figure.funder.name} is on record.",
        illustrative=books.number(figure.plan, day, stage="counted", **choice)[1],
        page="projects:list",
        filters={
            "plan": figure.plan.code,
            "stage": "counted",
            "partner": figure.funder.code,
            "money": kind.value,
        },
        repeats=usd if usd == listed else None,
    )


def approved_at_meeting(books, figure, day):
    if figure.meeting is None:
        return Computed(why="The figure names no meeting.")
    return approvals(books, figure.meeting, day, figure.plan)


def approvals(books, meeting, day, plan=None):
    """The projects that a meeting approved; none recorded is not known, not 0."""
    number, illustrative = books.approved_at(meeting, day, plan)
    filters = {"meeting": meeting.code, "decision": "approved"}
    return Computed(
        value=number or None,
        why="No approval by this meeting is on record.",
        illustrative=illustrative,
        page="projects:list",
        filters=filters | ({"plan": plan.code} if plan else {}),
        repeats=number,
        clock=books.clock(day),
    )


OUTSIDE = "any_outside_asean"
METRICS: dict[str, Callable] = {
    "action_lines_implemented": lines_in(progress.IMPLEMENTED),
    "action_lines_percent": percent_of_lines,
    "initiatives_under_way": lines_in(progress.IMPLEMENTED),
    "initiatives_in_preparation": lines_in(progress.IN_PREPARATION),
    "enabling_actions_implemented": lines_in(progress.IMPLEMENTED, "enabling"),
    "projects": projects_in("counted"),
    "projects_by_funder_group": projects_in("counted"),
    "projects_in_pipeline": projects_in("pipeline"),
    "carried_over_to_next_plan": projects_in("carried_over"),
    "projects_approved_at_meeting": approved_at_meeting,
    "budget": dollars_of(MoneyEntry.Kind.APPROVED),
    "partner_projects": projects_in("counted", group=OUTSIDE),
    "partner_budget": dollars_of(MoneyEntry.Kind.APPROVED, group=OUTSIDE),
    "partner_commitments": dollars_of(MoneyEntry.Kind.COMMITTED, group=OUTSIDE),
    "funder_amount": committed_by_funder,
}
NO_RECORDS_OF_2016 = (
    "Growth over the year before needs records of 2016, and none are complete."
)
BEFORE_RECORDS = "Records are kept from 2017 on; this is about the years before."
NOT_COMPUTABLE = {
    "growth_over_previous_year_projects": NO_RECORDS_OF_2016,
    "growth_over_previous_year_budget": NO_RECORDS_OF_2016,
    "projects_and_activities_since_first_plan": BEFORE_RECORDS,
    "budget_since_first_plan": BEFORE_RECORDS,
    "uncompleted_projects_carried_over": BEFORE_RECORDS,
    "contribution_2001_2008": BEFORE_RECORDS,
    "pledge_2009_2011": BEFORE_RECORDS,
    "participants_trained": "No records of training and its participants are kept.",
    "completion_rate_as_reported": (
        "A line is never counted as completed: implemented means begun."
    ),
    "key_implementation_measures_completed_or_under_way_percent": (
        "The measures of the initiatives are not on record."
    ),
}


def known_metrics():
    """{heading: metrics}: those that are computed, and those that cannot be."""
    return {
        "Set beside the records": list(METRICS),
        "Kept, but not computable": list(NOT_COMPUTABLE),
    }


def computed_of(books, figure):
    """The Computed of a published figure, at its own date."""
    day = figure.computed_on.day
    if figure.metric in NOT_COMPUTABLE:
        return Computed(why=NOT_COMPUTABLE[figure.metric])
    if figure.metric not in METRICS:
        return Computed(why="No rule says from which records this is made.")
    if figure.plan is None:
        return Computed(why="Only figures about one plan are computed.")
    if books.are_empty(figure.plan, day):
        return Computed(
            why=f"No project of {figure.plan.code} has a documented status by "
            f"{day.isoformat()}."
        )
    found = METRICS[figure.metric](books, figure, day)
    return Computed(**(vars(found) | {"clock": books.clock(day)}))
