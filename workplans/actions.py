"""What meetings decide and start, as facts. Keyword-only, each whole or not at all.

Every function takes the open ledger entry. A decision is dated by the last day of its
meeting, or by its circulation.
"""

from collections import Counter
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils import timezone
from django.utils.dateformat import format as format_date

from aseanpm import writing
from aseanpm.facts import Precision
from aseanpm.workplace import latest_of
from projects import actions, lifecycle
from projects.models import (
    ApprovalStep,
    Benefit,
    Placement,
    Project,
    Status,
    StatusChange,
)

from .models import AgendaItem, Meeting, Priority, Programme

Outcome = AgendaItem.Outcome
UNDECIDED = ("", Status.CONCEPT, Status.APPRAISAL)
PATHS = {
    (Outcome.APPROVE, ""): (Status.APPROVED,),
    (Outcome.APPROVE, Status.CONCEPT): (Status.APPRAISAL, Status.APPROVED),
    (Outcome.APPROVE, Status.APPRAISAL): (Status.APPROVED,),
    (Outcome.RETURN, Status.APPRAISAL): (Status.CONCEPT,),
}
STEPS = {
    Outcome.APPROVE: ApprovalStep.Outcome.ENDORSED,
    Outcome.RETURN: ApprovalStep.Outcome.RETURNED,
    Outcome.DEFER: ApprovalStep.Outcome.DEFERRED,
}
APPRAISED = "Recorded with the approval: no earlier appraisal was on record."


class ChangedMeanwhile(Exception):
    """Projects were changed since the form was opened: {code: what happened}."""

    def __init__(self, changed):
        super().__init__(" ".join(changed.values()))
        self.changed = changed


@dataclass(frozen=True)
class Decision:
    """What is decided of one project, and why; `item` stands on the agenda, if any.

    The versions are those that the writer saw.
    """

    project: Project
    outcome: str
    reason: str = ""
    item: AgendaItem | None = None
    item_version: int | None = None
    project_version: int | None = None


# Which day, which status


def decision_day(meeting):
    """The day that dates a meeting's decisions; ValidationError before it has come."""
    objection = not_yet(meeting)
    if objection:
        raise ValidationError(objection)
    return meeting.held_until


def not_yet(meeting):
    """Why a meeting cannot decide yet, as a sentence; "" once it can."""
    if meeting.held_until is None:
        return "The date of this meeting is not known. Enter it before what it decided."
    if meeting.held_until > timezone.localdate():
        return (
            "Decisions are dated by the meeting’s last day, "
            f"{meeting.held_until.isoformat()}, and can be recorded from that day on."
        )
    return ""


def dated_early(meeting):
    """Sentences about the decisions on record from before a meeting's last day.

    There are none where that day is not known exactly.
    """
    if meeting.held_until is None or meeting.precision != Precision.DAY:
        return []
    found = set()
    for facts in (meeting.decisions, meeting.approval_steps):
        early = facts.known().filter(effective_on__lt=meeting.held_until)
        found |= set(early.values_list("effective_on", "project").order_by())
    return [
        f"{number} decision{' is' if number == 1 else 's are'} dated "
        f"{format_date(day, 'j F Y')}, before its last day: correct "
        f"{'it' if number == 1 else 'them'} if the meeting decided later."
        for day, number in sorted(Counter(day for day, _ in found).items())
    ]


def statuses_on(projects, day):
    """{key of a project: its status on a day, "" where none is documented}."""
    found = dict.fromkeys((project.pk for project in projects), "")
    rows = Project.objects.as_of(day).filter(pk__in=found).with_state()
    return found | dict(rows.values_list("pk", "status"))


def later_changes(projects, day):
    """{key of a project: its last status change after a day}."""
    later = StatusChange.objects.known().filter(
        project__in=projects, effective_on__gt=day
    )
    return {
        change.project_id: change
        for change in later.order_by("effective_on", "day_order")
    }


def objection(outcome, status, later=None):
    """Why an outcome cannot be recorded of a project, as a sentence; "" where it can.

    `status` is that of the day, `later` a status change after it.
    """
    if outcome == Outcome.NOTE:
        return ""
    if status not in UNDECIDED:
        return f"It is {Status(status).label.lower()}: there is nothing to {outcome}."
    if later:
        return (
            f"It is {later.get_status_display().lower()} since "
            f"{later.effective_on.isoformat()}, after this decision. "
            "Correct its status first."
        )
    return ""


# Decisions


def decide(*, meeting, decisions, entry):
    """Apply what a meeting decided of projects on its agenda: all of it, or nothing.

    `meeting` is as the writer saw it. Raises ChangedMeanwhile, and ValidationError with
    {code of a project: sentences}.
    """
    meeting = unmoved(meeting)
    on = decision_day(meeting)
    items = unchanged(meeting, decisions, entry.recorded_by)
    step = lifecycle.step_of(meeting.body.code)
    record_all(decisions, on, lambda _: step, entry, meeting=meeting)
    for one, item in zip(decisions, items, strict=True):
        writing.change(
            item, outcome=one.outcome, note=one.reason, applied=entry.sequence
        )


def circulate(*, decisions, on, entry):
    """Record what was decided by circulation on a day, without a meeting.

    Raises ValidationError with {code of a project: sentences}.
    """

    def step(project):
        return lifecycle.step_of(body_of(project))

    record_all(decisions, on, step, entry, by_circulation=True)


def keep_drafts(*, meeting, decisions, entry):
    """Keep outcomes on the agenda that are not applied yet. Raises ChangedMeanwhile."""
    items = unchanged(meeting, decisions, entry.recorded_by)
    for one, item in zip(decisions, items, strict=True):
        writing.change(item, outcome=one.outcome, note=one.reason)


def unmoved(meeting):
    """The meeting on record. Raises ChangedMeanwhile where it ends on another day."""
    current = writing.locked(meeting)
    if current.held_until != meeting.held_until:
        raise ChangedMeanwhile({"": moved_to(current.held_until)})
    return current


def moved_to(day):
    return f"The meeting’s last day is now {day or 'not known'}."


def unchanged(meeting, decisions, by):
    """The items that are decided, in their order, as they are on record.

    Raises ChangedMeanwhile where an item or a project is not as the writer, `by`, saw
    it.
    """
    changed = {}
    items = {item.pk: item for item in meeting.agenda_items.select_related("project")}
    projects = Project.objects.select_for_update().in_bulk(
        [one.project.pk for one in decisions]
    )
    for one in decisions:
        item, project = items.get(one.item.pk), projects[one.project.pk]
        code = project.code
        if item is None:
            changed[code] = f"{code} was taken off the agenda."
        elif project.withdrawn_at:
            changed[code] = f"{code} was withdrawn as recorded by mistake."
        elif item.applied or one.item_version != item.version:
            changed[code] = changed_item(item)
        elif one.project_version != project.version:
            changed[code] = changed_project(project, by)
    if changed:
        raise ChangedMeanwhile(changed)
    return [items[one.item.pk] for one in decisions]


def record_all(decisions, on, step, entry, **decided):
    """Record the facts of decisions; `decided` names the meeting, or circulation.

    `step` tells which step towards approval is taken with a project.
    """
    projects = [one.project for one in decisions]
    statuses, later = statuses_on(projects, on), later_changes(projects, on)
    objections = {}
    for one in decisions:
        project = one.project
        said = objection(one.outcome, statuses[project.pk], later.get(project.pk))
        try:
            if said:
                raise ValidationError(said)
            facts = facts_of(one, statuses[project.pk], on, step(project), decided)
            actions.rewrite(recorded=facts, entry=entry)
        except ValidationError as error:
            objections[project.code] = error.messages
    if objections:
        raise ValidationError(objections)


def facts_of(decision, status, on, step, decided):
    """The status changes and the approval step of a decision; none for a noting."""
    if decision.outcome == Outcome.NOTE:
        return []
    dated = {"project": decision.project, "effective_on": on, "day_order": None}
    changes = [
        StatusChange(status=each, note=decision.reason, **dated, **decided)
        if each != Status.APPRAISAL
        else StatusChange(status=each, note=APPRAISED, **dated)
        for each in PATHS.get((decision.outcome, status), ())
    ]
    taken = ApprovalStep(
        step=step,
        outcome=STEPS[decision.outcome],
        note=decision.reason,
        **dated,
        **decided,
    )
    return [*changes, taken]


def body_of(project):
    """The code of the body that decides on a project, by its programme.

    A project without a place in a plan is the Task Force's. Raises ValidationError
    where none is known.
    """
    placement = project.placements.known().select_related("plan__programme").first()
    if placement is None:
        return lifecycle.TASK_FORCE
    programme = placement.plan.programme
    body = body_for(programme)
    if body is None:
        raise ValidationError(
            f"No meeting has decided on a project of {programme.code} yet, so it is "
            "not on record which body decides by circulation."
        )
    return body


def body_for(programme):
    """The code of the body that decides on projects of a programme, or None."""
    if programme.code in lifecycle.DECIDED_BY:
        return lifecycle.DECIDED_BY[programme.code]
    projects = Project.objects.as_of().in_programme(programme)
    steps = ApprovalStep.objects.known().filter(
        project__in=projects, meeting__isnull=False
    )
    return steps.latest_first().values_list("meeting__body__code", flat=True).first()


# The agenda


def last_meeting(meeting):
    """The meeting of the same body before a meeting, or None."""
    others = Meeting.objects.filter(body=meeting.body).exclude(pk=meeting.pk)
    before = min(
        meeting.held_from or meeting.held_until or timezone.localdate(),
        timezone.localdate(),
    )
    return others.filter(held_until__lt=before).order_by("-held_until").first()


def circulated_since(meeting):
    """{project: its latest decision by circulation} since the body's last meeting.

    A decision counts as the body's by the programme that the project is placed in.
    """
    programmes = [
        programme
        for programme in Programme.objects.all()
        if body_for(programme) == meeting.body.code
    ]
    projects = Project.objects.as_of().in_programme(*programmes)
    until = meeting.held_until or timezone.localdate()
    last = last_meeting(meeting)
    found = {}
    for kind in (ApprovalStep, StatusChange):
        facts = kind.objects.known().filter(
            by_circulation=True, effective_on__lte=until, project__in=projects
        )
        if last:
            facts = facts.filter(effective_on__gt=last.held_until)
        for fact in facts.select_related("project").order_by(
            "effective_on", "day_order"
        ):
            found[fact.project] = fact
    return found


@dataclass(frozen=True)
class Arranged:
    """Where an item is to stand on the agenda; None: off with it."""

    item: AgendaItem
    item_version: int | None
    place: int | None = None
    note: str = ""


def arrange_agenda(*, meeting, arranged, decide=(), to_note=()):
    """Set the order and remarks of an agenda and put projects on it, at its end.

    Raises ChangedMeanwhile. Projects that stand there already are left alone.
    """
    items = {item.pk: item for item in meeting.agenda_items.select_related("project")}
    changed = {}
    for one in arranged:
        code, item = one.item.project.code, items.get(one.item.pk)
        if item is None:
            changed[code] = f"{code} was taken off the agenda by somebody else."
        elif item.version != one.item_version:
            changed[code] = changed_item(item)
    if changed:
        raise ChangedMeanwhile(changed)
    for one in arranged:
        if one.place is None:
            writing.remove(one.item)
        else:
            writing.change(one.item, order=one.place, note=one.note)
    there = set(meeting.agenda_items.values_list("project", flat=True))
    end = meeting.agenda_items.aggregate(last=Max("order"))["last"] or 0
    kinds = dict.fromkeys(decide, AgendaItem.Kind.DECIDE)
    kinds |= dict.fromkeys(to_note, AgendaItem.Kind.NOTE)
    new = [(one, kind) for one, kind in kinds.items() if one.pk not in there]
    for order, (project, kind) in enumerate(new, end + 1):
        writing.create(
            AgendaItem(meeting=meeting, project=project, kind=kind, order=order)
        )


def changed_item(item):
    """What somebody else wrote of an item, in a sentence."""
    if item.applied:
        return f"{item.project.code} was {item.was}."
    said = f"order {item.order}, {f'“{item.note}”' if item.note else 'no remark'}"
    draft = f", {item.was}" if item.outcome else ""
    return f"Somebody else wrote of {item.project.code}: {said}{draft}."


def changed_project(project, by):
    """In a sentence who changed a project meanwhile, and whether it is withheld now."""
    last = latest_of(project)
    who = last and last.history_user
    if who and who == by:
        said = f"You changed {project.code} in another tab"
    else:
        said = f"{project.code} was changed by {who or 'somebody else'}"
    if project.withheld_reason and not project.is_published:
        return f"{said}; it is withheld: “{project.withheld_reason}”."
    return f"{said}; look at it again."


# A priority becomes a project


def make_concept(*, priority, entry):
    """Make a concept project of what a national consultation proposed; returns it.

    It is dated by the meeting, benefits its country, and stands on the priority's line,
    or else in its session's area. Raises ValidationError, also the second time.
    """
    current = Priority.objects.select_for_update().get(pk=priority.pk)
    meeting = current.meeting
    made = project_of(current)
    if made:
        raise ValidationError(f"This is the project {made.code} already.")
    on = decision_day(meeting)
    area = (
        current.line.area if current.line else current.session and current.session.area
    )
    if not (current.line or area):
        raise ValidationError(
            "Name its line or its session’s area first: they say under which plan the "
            "project stands."
        )
    project = actions.create_project(
        entry=entry,
        title=current.title,
        title_language=current.title_language,
        title_translations=current.title_translations,
        description=current.note,
        note=proposed(current),
    )
    dated = {"project": project, "effective_on": on, "day_order": None}
    facts = [
        StatusChange(status=Status.CONCEPT, meeting=meeting, **dated),
        Placement(
            project=project,
            plan=(current.line or area).plan,
            area=area,
            line=current.line,
        ),
    ]
    if meeting.country:
        facts.append(Benefit(country=meeting.country, **dated))
    actions.rewrite(recorded=facts, entry=entry)
    writing.change(current, project=project)
    return project


def project_of(priority):
    """The project that was made of a priority, unless it was withdrawn; or None."""
    made = priority.project
    return made if made and made.withdrawn_at is None else None


def proposed(priority):
    by = f" by {priority.proposed_by}" if priority.proposed_by else ""
    return f"Proposed at the {priority.meeting}{by}."
