"""Every write that touches more than one row. Keyword-only, atomic, all or nothing."""

from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import groupby, takewhile
from operator import attrgetter, itemgetter

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.dateformat import format as format_date

from aseanpm import writing
from aseanpm.facts import Basis, Clock, Fact, ledger_entry, touched

from . import lifecycle, money
from .models import (
    COUNTING,
    ENDINGS,
    FACTS,
    Benefit,
    Funding,
    MoneyEntry,
    Placement,
    Project,
    ProjectOrganisation,
    Status,
    StatusChange,
    new_code,
)

INTERNAL = {
    *("note", "internal_note", "officer", "focal_points", "planned_at"),
    "withheld_reason",
}


def create_project(*, entry, lists=None, **values):
    """A new project, without facts as yet. Raises ValidationError."""
    stamps = {"recorded_at": entry.recorded_at, "changed_at": entry.recorded_at}
    project = writing.create(Project(**values, **stamps), **(lists or {}))
    project.refresh_from_db()
    return project


def edit_project(*, project, entry, version=None, lists=None, **values):
    """Write fields of a project that are no facts; returns the names of the changed.

    What only the secretariat reads leaves `changed_at`, which everybody reads. Raises
    writing.Stale, and ValidationError.
    """
    changed = writing.change(project, version=version, lists=lists, **values)
    if {"is_published", "withheld_reason"} & set(changed):
        _check_publication(project)
    if {name.removesuffix("_id") for name in changed} - INTERNAL:
        stamp = Project.objects.filter(pk=project.pk)
        stamp.update(changed_at=entry.recorded_at)
    return changed


def _check_publication(project):
    """What is approved is published, or it is said why not."""
    if project.is_published or project.withheld_reason or project.withdrawn_at:
        return
    if project.current_stage in COUNTING["approved"]:
        message = "It is approved; say why it is not published."
        raise ValidationError({"withheld_reason": message})


def record(*, fact, entry=None):
    """Write down a development: the world changed on `fact.effective_on`.

    The fact takes the last place of its day. Raises ValidationError, and writes
    nothing, for a date after today, a move the lifecycle does not allow, a negative
    net in the ledger or a broken constraint. Returns the fact.
    """
    with _entry(entry) as entry:
        if isinstance(fact, Fact):
            fact.day_order = None
        rewrite(recorded=[fact], entry=entry)
    return fact


def correct(*, fact, reason, entry=None, **changes):
    """Say that we were wrong: withdraw `fact` and record it again with `changes`.

    Both happen at one instant, and the place in the day is kept unless the day changes.
    What was known before stays as it was. Raises ValidationError as `record` does, and
    for a fact that was withdrawn before. Returns the new fact.
    """
    other = copy_of(fact, **changes)
    with _entry(entry) as entry:
        rewrite(withdrawn=[fact], recorded=[other], reason=reason, entry=entry)
    return other


def withdraw(*, fact, reason, entry=None):
    """Say that a fact never was.

    Raises ValidationError if it was withdrawn before, or if others stand on it.
    """
    with _entry(entry) as entry:
        rewrite(withdrawn=[fact], reason=reason, entry=entry)


def withdraw_project(*, project, reason, entry):
    """Say that a project was recorded by mistake: withdraw it with all its facts.

    Raises ValidationError without a reason, and where another was carried over to it.
    """
    before = Project.objects.in_status(Status.CARRIED_OVER)
    if before.filter(pk=project.predecessor_id).exists():
        message = "Another project was carried over to it; take that back first."
        raise ValidationError(message)
    writing.change(project, withdrawn_at=entry.recorded_at)
    rewrite(
        withdrawn=[
            fact
            for facts in FACTS
            for fact in facts.objects.known().filter(project=project)
        ],
        reason=reason,
        entry=entry,
    )


def rewrite(*, withdrawn=(), recorded=(), reason="", entry):
    """Withdraw some facts and record others, at one instant, as one statement.

    A fact whose `day_order` is None takes the last place of its day. What spans facts
    is asked once, of all that stands in the end. Raises ValidationError.
    """
    for kind, facts in _by_kind(withdrawn).items():
        _withdraw(kind, facts, reason, entry)
    for (kind, _), facts in groupby(recorded, key=_alike):
        _insert(kind, list(facts), entry)
    facts = [*withdrawn, *recorded]
    check(facts=facts)
    _publish(recorded, withdrawn)
    _unpublish(withdrawn)
    projects = {fact.project_id for fact in facts if fact.owner == "project"}
    if projects:
        touch(projects=projects, entry=entry)


def check(*, facts):
    """Ask once, of all that stands of each project or plan, whether it still agrees.

    Raises ValidationError.
    """
    for kind, rule in CHECKS.items():
        ours = {fact.project_id for fact in facts if isinstance(fact, kind)}
        standing = kind.objects.known().filter(project__in=ours)
        in_order = standing.order_by("project", "effective_on", "day_order")
        for _, each in groupby(in_order, key=attrgetter("project_id")):
            rule(list(each))


def move(*, project, to, on, entry, reason="", basis=Basis.DOCUMENTED, **decided):
    """Give a project its next status; `decided`: meeting or by_circulation.

    Raises ValidationError for a move that is not in the table, and for a day before the
    last status.
    """
    _refuse_earlier(project, on)
    fact = StatusChange(
        project=project,
        status=to,
        effective_on=on,
        note=reason,
        basis=basis,
        **decided,
    )
    return record(fact=fact, entry=entry)


def _refuse_earlier(project, on):
    """Raise ValidationError for a day before the last status of a project."""
    last = project.status_changes.known().latest_first().first()
    if last and on < last.effective_on:
        message = (
            f"“{last.get_status_display()}” is on record since "
            f"{in_words(last.effective_on)}; what follows is not dated before it."
        )
        raise ValidationError({"effective_on": message})


def later_plans(project):
    """The plans that a project may be carried over to: of its programme, after its own.

    None where it stands in no plan.
    """
    plans = Placement._meta.get_field("plan").related_model.objects
    own = plans.filter(placements__in=project.placements.known()).first()
    if own is None:
        return plans.none()
    return plans.filter(
        programme=own.programme_id, nominal_start__gt=own.nominal_start
    ).order_by("nominal_start")


SAME_IN_A_SUCCESSOR = (
    *("title", "title_language", "title_translations", "description", "channel"),
    *("is_recurring", "is_illustrative", "withheld_reason", "officer"),
)


def carry_over(
    *,
    project,
    plan,
    on,
    entry,
    line=None,
    begins="",
    reason="",
    basis=Basis.DOCUMENTED,
    benefits=True,
    funders=False,
    decided,
):
    """Carry a project over: a successor in a later plan, and its own last status.

    The successor keeps its titles, themes and who answers for it; `begins` is its first
    status, that same day. Who benefits and who funds goes on where asked for; money
    does not. `decided`: {"meeting": …} or {"by_circulation": True}. Raises
    ValidationError. Returns the successor.
    """
    _refuse_earlier(project, on)
    if not later_plans(project).filter(pk=plan.pk).exists():
        message = f"{plan.code} does not come after the plan of this project."
        raise ValidationError({"plan": message})
    dated = {"effective_on": on, "day_order": None, "basis": basis}
    last = StatusChange(
        project=project, status=Status.CARRIED_OVER, note=reason, **dated, **decided
    )
    if other := followers(project).first():
        raise ValidationError(f"It goes on as {other.code} already.")
    successor = _successor_of(project, begins, entry)
    facts: list = [
        Placement(
            project=successor,
            plan=plan,
            area=line.area if line else None,
            line=line,
            basis=basis,
        )
    ]
    if begins:
        facts.append(StatusChange(project=successor, status=begins, **dated, **decided))
    going_on = []
    if benefits:
        joined = project.benefits.at(Clock(on))
        going_on += _still_joined(joined, "country_id", "grouping_id")
    if funders:
        joined = project.fundings.at(Clock(on))
        going_on += _still_joined(joined, "partner_id", "fund_id")
    facts += [
        copy_of(fact, project=successor, effective_on=on, day_order=None)
        for fact in going_on
    ]
    rewrite(recorded=[*facts, last], entry=entry)
    return successor


def _successor_of(project, begins, entry):
    """A new project that follows another."""
    values = {name: getattr(project, name) for name in SAME_IN_A_SUCCESSOR}
    code = new_code()
    counts = begins in COUNTING["approved"]
    successor = create_project(
        entry=entry,
        lists={
            name: list(getattr(project, name).all())
            for name in ("themes", "focal_points", "sources")
        },
        code=code.replace("P-", "ILL-", 1) if project.is_illustrative else code,
        predecessor=project,
        is_published=project.is_published and counts,
        **values,
    )
    for part in project.project_organisations.all():
        writing.create(
            ProjectOrganisation(
                project=successor, organisation=part.organisation, role=part.role
            )
        )
    return successor


def followers(project):
    """The project, if any, that goes on for another and was not withdrawn."""
    return Project.objects.filter(predecessor=project, withdrawn_at__isnull=True)


def _still_joined(facts, *party):
    """The fact by which each party joined that has not left since."""
    last, nets = {}, defaultdict(int)
    for fact in facts.order_by("effective_on", "day_order"):
        key = tuple(getattr(fact, name) for name in party)
        nets[key] += fact.delta
        if fact.delta > 0:
            last[key] = fact
    return [fact for key, fact in last.items() if nets[key] > 0]


def enter_money(*, fact, entry, joins=False):
    """Record an entry of the ledger; with `joins`, also that its funder funds the
    project from that day, unless it does already. Returns the entry."""
    facts = [fact]
    if joins and not has_joined(fact.project, fact.partner, fact.effective_on):
        facts.append(
            Funding(
                project=fact.project,
                partner=fact.partner,
                fund=fact.fund,
                effective_on=fact.effective_on,
                basis=fact.basis,
                source=fact.source,
            )
        )
    for each in facts:
        each.day_order = None
    rewrite(recorded=facts, entry=entry)
    return fact


def has_joined(project, partner, on):
    """Whether a partner funds a project by a day."""
    return project.fundings.filter(partner=partner).net(Clock(on)).exists()


def reverse(*, fact, on, entry, **said):
    """Take an entry of the ledger back by a further one, at the same rate.

    Raises ValidationError if it was taken back before, and for the reversal of a
    reversal: what was taken back and stands again is entered anew.
    """
    if fact.reverses_id and fact.reverses.reverses_id:
        message = "A reversal is reversed once. Enter the amount anew instead."
        raise ValidationError(message)
    before = MoneyEntry.objects.known().filter(reverses=fact).first()
    if before:
        day = in_words(before.effective_on)
        raise ValidationError(f"This entry was reversed before, on {day}.")
    amount = None if fact.amount is None else -fact.amount
    other = copy_of(
        fact, amount=amount, reverses=fact, effective_on=on, day_order=None, **said
    )
    return record(fact=other, entry=entry)


def in_words(day):
    return format_date(day, "j F Y")


def copy_of(fact, **changes):
    """The same fact, not yet recorded, with changes; its place is its day's."""
    values = {
        field.attname: getattr(fact, field.attname)
        for field in fact._meta.concrete_fields
        if field.name not in {"id", "uuid"} and not field.name.startswith("withdr")
    }
    other = type(fact)(**values)
    for name, value in changes.items():
        setattr(other, name, value)
    if isinstance(fact, Fact) and other.effective_on != fact.effective_on:
        other.day_order = None
    return other


def content_of(fact):
    """What a fact states, as a filter: all but its stamps and its place in the day.

    What a reversal takes back is told by its own content.
    """
    stamps = {"id", "uuid", "sequence", "day_order"}
    said = {
        field.attname: getattr(fact, field.attname)
        for field in fact._meta.concrete_fields
        if field.name not in stamps
        and not field.name.startswith(("recorded", "withdr"))
    }
    if said.get("reverses_id"):
        del said["reverses_id"]
        of = content_of(fact.reverses)
        said |= {f"reverses__{name}": value for name, value in of.items()}
    return said


def _publish(recorded, withdrawn):
    """What counts from then on is published, unless withheld with a reason."""
    counting, before = (
        {
            fact.project_id
            for fact in facts
            if isinstance(fact, StatusChange) and fact.status in COUNTING["approved"]
        }
        for facts in (recorded, withdrawn)
    )
    for project in Project.objects.filter(
        pk__in=counting - before, is_published=False, withheld_reason=""
    ):
        writing.change(project, is_published=True)


def _unpublish(withdrawn):
    """What a status published is not public once none stands that counts.

    What was published by hand stays.
    """
    changed = {fact.project_id for fact in withdrawn if isinstance(fact, StatusChange)}
    counting = StatusChange.objects.filter(status__in=COUNTING["approved"])
    for project in Project.objects.filter(
        pk__in=changed, is_published=True, withdrawn_at__isnull=True
    ).exclude(pk__in=counting.known().values("project")):
        if counting.filter(project=project, sequence=_public_since(project)).exists():
            writing.change(project, is_published=False)


def _public_since(project):
    """The sequence of the write that made a project public; None where not known."""
    rows = project.history.order_by("-history_id").values_list(
        "is_published", "sequence"
    )
    since = [sequence for _, sequence in takewhile(itemgetter(0), rows)]
    return since[-1] if since else None


def touch(*, projects, entry):
    """Renew the copies, the version and the time of change of projects (keys)."""
    touched(Project, projects)
    rows = Project.objects.filter(pk__in=projects)
    refresh_copies(rows)
    rows.update(changed_at=entry.recorded_at, version=F("version") + 1)


def refresh_copies(projects=None):
    """Make the current_ copies of projects (all by default) agree with the facts.

    Five queries and one update for any number of projects. Returns how many differed.
    """
    stale = stale_copies(projects)
    if stale:
        names = [name.removesuffix("_id") for name in Standing().copies]
        Project.objects.bulk_update(stale, names, batch_size=500)
    return len(stale)


def stale_copies(projects=None):
    """The projects whose copies differ from the facts, set right but not saved."""
    projects = Project.objects.all() if projects is None else projects
    standing = current_facts(projects)
    stale = []
    for project in projects.order_by("pk"):
        copies = standing[project.pk].copies
        if any(getattr(project, name) != value for name, value in copies.items()):
            for name, value in copies.items():
                setattr(project, name, value)
            stale.append(project)
    return stale


@dataclass
class Standing:
    """What a project's facts say now, in the words of its copies."""

    status: str = ""
    stage: str = ""
    plan: int | None = None
    area: int | None = None
    line: int | None = None
    funders: tuple = ()

    @property
    def copies(self):
        return {
            "current_status": self.status,
            "current_stage": self.stage,
            "current_plan_id": self.plan,
            "current_area_id": self.area,
            "current_line_id": self.line,
            "current_funders": "+".join(sorted(self.funders)),
        }


def current_facts(projects):
    """{key of a project: Standing}, read from the facts alone."""
    found = defaultdict(Standing)
    now = Clock()
    ours = {"project__in": projects.order_by().values("pk")}
    changes = StatusChange.objects.at(now).filter(**ours).latest_first()
    for project, status in changes.values_list("project", "status"):
        standing = found[project]
        standing.status = standing.status or status
        if status not in ENDINGS:
            standing.stage = standing.stage or status
    placements = Placement.objects.known().filter(**ours)
    for project, plan, area, line in placements.values_list(
        "project", "plan", "area", "line"
    ):
        standing = found[project]
        standing.plan, standing.area, standing.line = plan, area, line
    nets = defaultdict(int)
    pairs = Funding.objects.at(now).filter(**ours)
    for project, code, delta in pairs.values_list("project", "partner__code", "delta"):
        nets[project, code] += delta
    for (project, code), net in nets.items():
        if net > 0:
            found[project].funders += (code,)
    return found


def _entry(entry):
    """The write that is open already, or one of its own."""
    return nullcontext(entry) if entry else ledger_entry()


def _by_kind(facts):
    found = defaultdict(list)
    for fact in facts:
        found[type(fact)].append(fact)
    return found


def _alike(fact):
    """What facts share that are saved together; a reversal waits for its entry."""
    return type(fact), getattr(fact, "reverses_id", None)


def _withdraw(kind, facts, reason, entry):
    if not reason:
        raise ValidationError({"reason": "Say why the record was wrong."})
    rows = kind.objects.filter(pk__in=[fact.pk for fact in facts])
    if len(rows.known().select_for_update()) < len(facts):
        raise ValidationError("This record was withdrawn before.")
    rows.withdraw(entry, reason)


STAMPS = {"sequence", "recorded_at", "recorded_by", "uuid"}


def _insert(kind, facts, entry):
    """Save facts of a kind and raise what the model has against them."""
    exclude = {*STAMPS, "day_order", *_on_record(kind, facts)}
    for fact in facts:
        for name, value in entry.stamps.items():
            setattr(fact, name, value)
        _clean(fact, exclude)
    if issubclass(kind, Fact):
        _place(kind, facts)
    try:
        with transaction.atomic():
            kind.objects.bulk_create(facts)
    except IntegrityError:  # one by one it is told which, and why
        for fact in facts:
            fact.validate_constraints(exclude=STAMPS)
            fact.save(force_insert=True)


def _on_record(kind, facts):
    """Names of the references whose rows are there, asked once for all facts."""
    for field in kind._meta.fields:
        if field.is_relation:
            keys = {getattr(fact, field.attname) for fact in facts}
            rows = field.related_model._base_manager.filter(pk__in=keys - {None})
            if (field.null or None not in keys) and rows.count() == len(keys - {None}):
                yield field.name


def _clean(fact, exclude):
    if isinstance(fact, MoneyEntry):
        fact.clean_fields(exclude=exclude)
        _price(fact)
    fact.full_clean(exclude=exclude, validate_unique=False, validate_constraints=False)
    writing.refuse_merged(fact)


def _place(kind, facts):
    """Give each fact without a place in its day the last, among those of its owner."""
    owner = f"{kind.owner}_id"
    owners = {getattr(fact, owner) for fact in facts if fact.day_order is None}
    standing = kind.objects.known().filter(
        **{f"{owner}__in": owners},
        effective_on__in={fact.effective_on for fact in facts},
    )
    lasts = defaultdict(lambda: -1)
    for *day, place in standing.values_list(owner, "effective_on", "day_order"):
        lasts[*day] = max(lasts[*day], place)
    for fact in facts:
        day = (getattr(fact, owner), fact.effective_on)
        if fact.day_order is None:
            fact.day_order = lasts[day] + 1
        lasts[day] = max(lasts[day], fact.day_order)


def _price(entry):
    """Dollars at the entry's own rate; a reversal's is that of what it reverses."""
    if entry.reverses:
        if entry.reverses.project_id != entry.project_id:
            message = "It reverses an entry of another project."
            raise ValidationError({"reverses": message})
        if entry.reverses.withdrawn_at:
            entry.reverses = _recorded_anew(entry.reverses)
        for name in ("rate", "rate_on", "rate_source"):
            setattr(entry, name, getattr(entry.reverses, name))
    entry.rate = money.rate_of(entry.currency, entry.rate)
    entry.usd = money.usd_of(entry.amount, entry.currency, entry.rate)


def _recorded_anew(entry):
    """The standing entry, not reversed yet, that says what one that was withdrawn said.

    Raises ValidationError without one.
    """
    standing = MoneyEntry.objects.known()
    again = standing.filter(**content_of(entry)).exclude(
        pk__in=standing.filter(reverses__isnull=False).values("reverses")
    )
    if not again:
        raise ValidationError({"reverses": "What it reverses was withdrawn."})
    return again[0]


def _check_life(changes):
    """The life of a project is a walk through the table, with what each move needs."""
    before = ""
    for change in changes:
        name = change.get_status_display()
        move = lifecycle.move_between(before, change.status)
        if move is None:
            raise ValidationError({"status": lifecycle.refusal(before, change.status)})
        if move.decided and not (change.meeting_id or change.by_circulation):
            message = f"“{name}” names the meeting or the circulation that decided it."
            raise ValidationError({"meeting": message})
        if move.needs_reason and not change.note:
            raise ValidationError({"note": f"“{name}” needs a reason."})
        if move.needs_successor and not followers(change.project).exists():
            message = "A project is carried over to its successor; record that first."
            raise ValidationError({"status": message})
        before = change.status


def _check_ledger(entries):
    """No net of a kind and funder is below zero on any day, in order of the days.

    A reversal follows the standing entry that it takes back, as the only one.
    """
    _check_reversals(entries)
    if money.lowest_net(entries) < 0:
        raise ValidationError(
            {"amount": "The entries of this kind and funder would net below zero."}
        )


def _check_reversals(entries):
    places = {entry.pk: place for place, entry in enumerate(entries)}
    reversals = [entry for entry in entries if entry.reverses_id]
    for reversal in reversals:
        place = places.get(reversal.reverses_id)
        if place is None:
            day, other = reversal.reverses.effective_on, reversal.effective_on
            raise ValidationError(
                f"The entry of {in_words(day)} was reversed on {in_words(other)}; "
                "withdraw that reversal first."
            )
        if place > places[reversal.pk]:
            day = in_words(reversal.reverses.effective_on)
            message = f"The entry is of {day}, after that day."
            raise ValidationError({"effective_on": message})
    if len({reversal.reverses_id for reversal in reversals}) < len(reversals):
        raise ValidationError({"reverses": "An entry is reversed once."})


def _check_fundings(fundings):
    joined = defaultdict(int)
    for funding in fundings:
        joined[funding.partner_id, funding.fund_id] += funding.delta
        if joined[funding.partner_id, funding.fund_id] < 0:
            raise ValidationError({"partner": "A funder leaves only what it joined."})
        if joined[funding.partner_id, funding.fund_id] > 1:
            raise ValidationError({"partner": "This funder has joined already."})


def _check_benefits(benefits):
    shares, joined = {}, defaultdict(int)
    for benefit in benefits:
        party = (benefit.country_id, benefit.grouping_id)
        joined[party] += benefit.delta
        if joined[party] < 0:
            raise ValidationError({"delta": "Only who benefits can cease to."})
        shares[party] = benefit.share if joined[party] and benefit.share else 0
        if sum(shares.values()) > 100:
            raise ValidationError({"share": "The shares would exceed 100 per cent."})


CHECKS = {
    StatusChange: _check_life,
    MoneyEntry: _check_ledger,
    Funding: _check_fundings,
    Benefit: _check_benefits,
}
