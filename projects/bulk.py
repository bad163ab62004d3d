"""Many projects at once: one change to each, told before it is written; new ones."""

from collections import Counter, defaultdict
from copy import copy
from dataclasses import dataclass, field

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from aseanpm.facts import Fact, touched_row

from . import actions, lifecycle, money
from .models import (
    COUNTING,
    MoneyEntry,
    Project,
    ProjectOrganisation,
    StatusChange,
    new_code,
)

AT_MOST = 500  # projects at once
DEEDS = {
    "move": "Move to another status",
    "add-theme": "Add a theme",
    "remove-theme": "Remove a theme",
    "add-focal-point": "Add a focal point",
    "remove-focal-point": "Remove a focal point",
    "officer": "Set the officer",
    "publish": "Publish",
    "withhold": "Withhold from publication",
}


@dataclass
class Planned:
    """What a change makes of one project: `new` instead of `old`, in words.

    `refused` says why it is left out. What is to be written is a fact, or values and
    lists of the project itself.
    """

    project: Project
    old: str
    new: str = ""
    refused: str = ""
    fact: StatusChange | None = None
    values: dict = field(default_factory=dict)
    lists: dict = field(default_factory=dict)


def write(planned, entry):
    """Write what was planned and not refused, all or nothing. Raises ValidationError.

    Raises writing.Stale for a project whose version is not the planned one. What was
    planned can be written again.
    """
    going = [one for one in planned if not one.refused]
    facts = [
        actions.copy_of(one.fact, project=one.project, meeting=one.fact.meeting)
        for one in going
        if one.fact
    ]
    if facts:
        actions.rewrite(recorded=facts, entry=entry)
    for one in going:
        if one.values or one.lists:
            actions.edit_project(
                project=copy(one.project),  # a write that is rolled back leaves it
                entry=entry,
                version=one.project.version,
                lists=one.lists,
                **one.values,
            )


# Status


def plan_move(projects, user, *, status, effective_on, **decided):
    """Each project's next status, by the table of its life. In two queries.

    `decided` are the further fields of the StatusChange: meeting, by_circulation, note.
    """
    lives = {project.pk: [] for project in projects}
    changes = StatusChange.objects.known().filter(project__in=lives)
    for change in changes.order_by("effective_on", "day_order"):
        lives[change.project_id].append(change)
    return [
        moved(
            project,
            lives[project.pk],
            StatusChange(
                project=project,
                status=status,
                effective_on=effective_on,
                day_order=None,
                **decided,
            ),
            user,
        )
        for project in projects
    ]


def moved(project, life, change, user):
    before = life[-1] if life else None
    former = before.status if before else ""
    planned = Planned(project, lifecycle.label_of(former), fact=change)
    move = lifecycle.move_between(former, change.status)
    if move is None:
        planned.refused = lifecycle.refusal(former, change.status)
    elif move not in lifecycle.moves_for(user, former):
        planned.refused = f"“{change.get_status_display()}” is for {move.who}."
    elif before and before.effective_on > change.effective_on:
        planned.refused = f"Its last status is of {before.effective_on}, a later day."
    else:
        try:
            actions.CHECKS[StatusChange]([*life, change])
        except ValidationError as error:
            planned.refused = " ".join(error.messages)
    planned.new = change.get_status_display()
    if change.status in COUNTING["approved"] and not project.is_published:
        planned.new += ", " + (
            "withheld as before" if project.withheld_reason else "published"
        )
    return planned


# Lists and fields of the project itself


def plan_list(projects, name, row, *, adds):
    """A row added to a list of each project (themes, focal_points), or taken out.

    `projects` come with that list.
    """
    return [listed(project, name, row, adds) for project in projects]


def listed(project, name, row, adds):
    now = list(getattr(project, name).all())
    then = [*now, row] if adds else [one for one in now if one != row]
    planned = Planned(project, in_words(now), in_words(then), lists={name: then})
    if (row in now) == adds:
        planned.refused = f"It has “{row}” already." if adds else f"It has no “{row}”."
    return planned


def in_words(rows):
    return ", ".join(sorted(map(str, rows))) or "none"


def plan_officer(projects, officer):
    """One officer for each project, or none. `projects` come with theirs."""
    return [
        Planned(
            project,
            str(project.officer or "nobody"),
            str(officer or "nobody"),
            refused="It is so already." if project.officer == officer else "",
            values={"officer": officer},
        )
        for project in projects
    ]


def plan_publication(projects, reason=""):
    """Publish each project or, with a reason, withhold it."""
    values = {"is_published": not reason, "withheld_reason": reason}
    return [
        Planned(
            project,
            publication(project.is_published, project.withheld_reason),
            publication(**values),
            refused=(
                "It is so already."
                if all(getattr(project, name) == values[name] for name in values)
                else ""
            ),
            values=values,
        )
        for project in projects
    ]


def publication(is_published, withheld_reason):
    if is_published:
        return "Published"
    return f"Withheld: {withheld_reason}" if withheld_reason else "Not published"


# New projects


@dataclass
class Draft:
    """A new project, not yet recorded, and what is recorded with it.

    Facts of one kind and day stand in their order.
    """

    project: Project
    facts: list = field(default_factory=list)
    organisations: list = field(default_factory=list)
    themes: list = field(default_factory=list)
    sources: list = field(default_factory=list)

    @property
    def publishes(self):
        """Whether a status that counts publishes it, as in the form of a new one."""
        statuses = {getattr(fact, "status", "") for fact in self.facts}
        counts = not statuses.isdisjoint(COUNTING["approved"])
        return counts and not self.project.withheld_reason

    def objections(self):
        """(fact, ValidationError) of all that models and life have against the facts.

        Asks the database only for the owners of funds; it keeps the constraints itself.
        """
        kinds = defaultdict(list)
        for fact in self.facts:
            kinds[type(fact)].append(fact)
            try:
                fact.clean_fields(exclude=set_later(type(fact)))
                fact.clean()
            except ValidationError as error:
                yield fact, error
        for kind, check in actions.CHECKS.items():
            try:
                check(kinds[kind])
            except ValidationError as error:
                yield kinds[kind][-1], error


def set_later(kind):
    """Fields of a fact that are set when it is written, or checked before."""
    stamps = {"uuid", "sequence", "recorded_at", "recorded_by", "day_order"}
    return stamps | {one.name for one in kind._meta.fields if one.is_relation}


def record_projects(drafts, entry):
    """Record new projects with all their facts; returns the projects.

    Some forty statements for any number. The drafts have no objections, and can be
    recorded again. Raises ValidationError where the database refuses a row.
    """
    projects = [begun(draft, entry) for draft in drafts]
    parts, facts = [], defaultdict(list)
    for draft, project in zip(drafts, projects, strict=True):
        for part in draft.organisations:
            parts.append(copy(part))
            parts[-1].project = project
        for fact in in_order_of_day(draft.facts):
            facts[type(fact)].append(actions.copy_of(fact, project=project))
    try:
        Project.objects.bulk_create(projects)
        ProjectOrganisation.objects.bulk_create(bound(parts))
        for kind, rows in facts.items():
            kind.objects.bulk_create(stamped(bound(rows), entry))
    except IntegrityError as error:
        raise ValidationError(sentence_of(error)) from error
    keep_history(Project, projects, entry)
    keep_history(ProjectOrganisation, parts, entry)
    for name in ("themes", "sources"):
        lists = [getattr(draft, name) for draft in drafts]
        link(name, zip(projects, lists, strict=True), entry)
    actions.refresh_copies(Project.objects.filter(pk__in=[one.pk for one in projects]))
    return projects


def begun(draft, entry):
    """The project of a draft as it is saved."""
    project = copy(draft.project)
    project.code = new_code()
    project.recorded_at = project.changed_at = entry.recorded_at
    project.is_published = draft.publishes
    return project


def in_order_of_day(facts):
    """Facts with their place in the day, among those of their kind."""
    places = Counter()
    for fact in facts:
        if isinstance(fact, Fact):
            fact.day_order = places[type(fact), fact.effective_on]
            places[type(fact), fact.effective_on] += 1
    return facts


def bound(rows):
    """Rows that know the key of their project, now that it has one."""
    for row in rows:
        row.project_id = row.project.pk
    return rows


def stamped(facts, entry):
    for fact in facts:
        for name, value in entry.stamps.items():
            setattr(fact, name, value)
        if isinstance(fact, MoneyEntry):
            fact.rate = money.rate_of(fact.currency, fact.rate)
            fact.usd = money.usd_of(fact.amount, fact.currency, fact.rate)
    return facts


def keep_history(model, rows, entry):
    """The history rows of new rows, as simple-history writes them one by one."""
    for row in rows:
        touched_row(row)
    if rows:
        model.history.bulk_history_create(
            rows,
            default_user=entry.recorded_by,
            default_change_reason=entry.reason or entry.what,
            default_date=entry.recorded_at,
            custom_historical_attrs={"sequence": entry.sequence},
        )


def link(name, pairs, entry):
    """Many-to-many rows of new projects, and their history where it is kept."""
    listed = Project._meta.get_field(name)
    through, other = listed.remote_field.through, listed.m2m_reverse_field_name()
    rows = [
        through(project=project, **{other: one})
        for project, several in pairs
        for one in several
    ]
    through.objects.bulk_create(rows)
    former = Project.history.model
    if hasattr(former, name) and rows:
        kept = former.objects.filter(sequence=entry.sequence)
        histories = {row.code: row for row in kept}
        model = getattr(former, name).model
        model.objects.bulk_create(
            model(
                history=histories[row.project.code],
                project=row.project,
                id=row.pk,
                **{other: getattr(row, other)},
            )
            for row in rows
        )


def sentence_of(error):
    """What the constraint that a database names has to say."""
    for model in apps.get_app_config("projects").get_models():
        for constraint in model._meta.constraints:
            if constraint.name in str(error):
                return constraint.get_violation_error_message()
    return "The database refuses a row of the list."
