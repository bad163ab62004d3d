"""What was typed of a project, turned into facts: all of it new, or what differs.

A form says how things stand, the record how they came to stand so. Whoever saves a
difference says whether the world changed (a development) or the record was wrong (a
correction); a `Shift` makes the facts of that answer.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from aseanpm import writing
from aseanpm.facts import Basis, Fact

from . import actions
from .models import (
    Benefit,
    Change,
    Funding,
    LineReference,
    MoneyEntry,
    Placement,
    StatusChange,
)


@dataclass(frozen=True)
class Kind:
    """A kind of facts that a form states whole, in a field of the same `name`.

    `party` are the columns that tell who is in, `terms` those that tell how.
    """

    name: str
    label: str
    model: type
    party: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()

    @property
    def is_dated(self):
        return issubclass(self.model, Fact)

    def party_of(self, fact):
        return tuple(getattr(fact, name) for name in self.party)

    def said_by(self, fact):
        return tuple(getattr(fact, name) for name in (*self.party, *self.terms))

    def standing(self, project):
        """{party: the facts by which it is in, last the one that tells its terms}."""
        facts = self.model.objects.known().filter(project=project)
        order = ("effective_on", "day_order") if self.is_dated else ("pk",)
        held = defaultdict(list)
        for fact in facts.order_by(*order).select_related(*RELATED[self.model]):
            if getattr(fact, "delta", Change.JOINS) == Change.JOINS:
                held[self.party_of(fact)].append(fact)
            else:
                held[self.party_of(fact)].pop()
        return {party: joins for party, joins in held.items() if joins}

    def stated(self, project):
        """The facts that tell how things stand, one a party."""
        return [joins[-1] for joins in self.standing(project).values()]


RELATED: dict[type, tuple[str, ...]] = {
    Placement: ("plan", "area", "line"),
    LineReference: ("line",),
    Benefit: ("country", "grouping"),
    Funding: ("partner", "fund"),
}
PLACE = Kind(
    "line", "Place in a plan", Placement, terms=("plan_id", "area_id", "line_id")
)
REFERENCES = Kind("references", "Other lines", LineReference, party=("line_id",))
BENEFITS = Kind(
    "benefits",
    "Who benefits",
    Benefit,
    party=("country_id", "grouping_id"),
    terms=("share_basis", "share"),
)
FUNDERS = Kind("funders", "Who funds", Funding, party=("partner_id", "fund_id"))
KINDS = (PLACE, REFERENCES, BENEFITS, FUNDERS)


@dataclass(frozen=True)
class Resting:
    """On what new facts rest."""

    basis: str = Basis.DOCUMENTED
    source: Any = None
    note: str = ""

    @property
    def values(self):
        return {"basis": self.basis, "source": self.source, "note": self.note}


@dataclass(frozen=True)
class Answer:
    """A development since a day, or a correction for a reason.

    A correction keeps the day of what it corrects; `since` dates what was missing.
    """

    is_correction: bool
    since: dt.date | None = None
    reason: str = ""


@dataclass
class Shift:
    """What a form changes in one kind: standing facts that go, new ones that come."""

    kind: Kind
    gone: list = field(default_factory=list)
    come: list = field(default_factory=list)

    @property
    def asks(self):
        """Whether its facts depend on an answer."""
        return bool(self.gone) or self.kind.is_dated

    @property
    def gone_in_words(self):
        return [in_words(fact) for fact in self.gone]

    @property
    def come_in_words(self):
        return [in_words(fact) for fact in self.come]

    def facts(self, answer, resting):
        """(withdrawn, recorded): the facts that an answer makes of it."""
        if not answer.is_correction and self.kind.is_dated:
            return [], self._developed(answer.since, resting)
        return self.gone, self._corrected(answer.since, resting)

    def _developed(self, since, resting):
        dated = {"effective_on": since, "day_order": None, **resting.values}
        unknown = {"share": None, "share_basis": Benefit.ShareBasis.UNKNOWN}
        terms = unknown if self.kind is BENEFITS else {}
        leaves = [
            actions.copy_of(fact, delta=Change.LEAVES, **terms, **dated)
            for fact in self.gone
        ]
        return leaves + [said(fact, **dated) for fact in self.come]

    def _corrected(self, since, resting):
        dated = {"effective_on": since, "day_order": None} if self.kind.is_dated else {}
        pairs, missing = self._pairs()
        names = (*self.kind.party, *self.kind.terms)
        return [
            actions.copy_of(
                old,
                **dict(zip(names, self.kind.said_by(new), strict=True)),
                **resting.values,
            )
            for old, new in pairs
        ] + [said(fact, **dated, **resting.values) for fact in missing]

    def _pairs(self):
        """([(fact that goes, the one that takes its place)], those that take none's).

        First those of the same party, then of the same first name, then in order.
        """
        pairs, going, coming = [], list(self.gone), list(self.come)
        for size in (len(self.kind.party), 1, 0):
            for old in list(going):
                party = self.kind.party_of(old)[:size]
                for new in coming:
                    if self.kind.party_of(new)[:size] == party:
                        pairs.append((old, new))
                        going.remove(old)
                        coming.remove(new)
                        break
        return pairs, coming


def in_words(fact):
    """Who or what is in by a fact of the KINDS, and how."""
    if isinstance(fact, Placement):
        return f"{fact.plan.code}, {fact.line or 'line not recorded'}"
    if isinstance(fact, LineReference):
        return str(fact.line)
    if isinstance(fact, Funding):
        return f"{fact.partner} through {fact.fund}" if fact.fund else str(fact.partner)
    stated = fact.share and f"{fact.share.normalize():f}"
    shares = {
        Benefit.ShareBasis.STATED: f"{stated} per cent stated",
        Benefit.ShareBasis.ASSUMED_EQUAL: "equal share assumed",
        Benefit.ShareBasis.UNKNOWN: "share not known",
    }
    return f"{fact.country or fact.grouping}, {shares[fact.share_basis]}"


def said(fact, **values):
    for name, value in values.items():
        setattr(fact, name, value)
    return fact


def shifts(project, wanted):
    """The Shifts from what is on record of a project to what is wanted of it.

    `wanted` are facts of the KINDS, not yet recorded. One query a kind.
    """
    found = []
    for kind in KINDS:
        held = kind.standing(project)
        asked = [fact for fact in wanted if isinstance(fact, kind.model)]
        same = {kind.said_by(joins[-1]) for joins in held.values()}
        same &= {kind.said_by(fact) for fact in asked}
        gone = [
            fact
            for joins in held.values()
            if kind.said_by(joins[-1]) not in same
            for fact in joins
        ]
        come = [fact for fact in asked if kind.said_by(fact) not in same]
        if gone or come:
            found.append(Shift(kind, gone, come))
    return found


def first_day(project):
    """The day of a project's first status, or None."""
    first = project.status_changes.known().order_by("effective_on", "day_order").first()
    return first and first.effective_on


def since(project, found, answers):
    """The first day that Shifts touch when answered so; None where of all time.

    A place holds for all time, but nothing counts before the first status.
    """
    days = []
    for shift in found:
        if shift.kind.is_dated:
            answer = answers[shift.kind.name]
            days.append(answer.since)
            if answer.is_correction:
                days += [fact.effective_on for fact in shift.gone]
        else:
            days.append(first_day(project))
    days = days or [first_day(project)]
    return None if None in days else min(days)


# Writing

# The field of a form at which it shows what is objected to one of a fact; "": the rest.
SHOWN_AT: dict[type, dict[str, str]] = {
    StatusChange: {"effective_on": "status_on", "": "status"},
    Placement: {"plan": "plan", "area": "area", "": "line"},
    LineReference: {"": "references"},
    Benefit: {"": "benefits"},
    Funding: {"": "funders"},
    MoneyEntry: {"currency": "currency", "": "amount"},
}


def write_shifts(*, project, wanted, answers, resting, entry):
    """Write what `wanted` differs in from the record, kind by kind as answered.

    `answers` maps names of kinds; one that asks and has no answer is left alone.
    Raises ValidationError.
    """
    for shift in shifts(project, wanted):
        if shift.asks and shift.kind.name not in answers:
            continue
        answer = answers.get(shift.kind.name, Answer(is_correction=True))
        withdrawn, recorded = shift.facts(answer, resting)
        rewrite(
            withdrawn=withdrawn, recorded=recorded, reason=answer.reason, entry=entry
        )


def rewrite(*, withdrawn=(), recorded=(), reason="", entry):
    """Withdraw and record facts of a form. Raises ValidationError at its fields."""
    for model, places in SHOWN_AT.items():
        gone, come = (
            [fact for fact in facts if isinstance(fact, model)]
            for facts in (withdrawn, recorded)
        )
        if not gone and not come:
            continue
        try:
            actions.rewrite(withdrawn=gone, recorded=come, reason=reason, entry=entry)
        except ValidationError as error:
            raise ValidationError(at_fields(error, places)) from error


def at_fields(error, places):
    said_of = (
        error.message_dict
        if hasattr(error, "error_dict")
        else {NON_FIELD_ERRORS: error.messages}
    )
    shown = defaultdict(list)
    for name, sentences in said_of.items():
        known = name in places or name in places.values()
        shown[places.get(name, name) if known else places[""]] += sentences
    return dict(shown)


def write_parts(*, project, phases, organisations, entry):
    """Give a project these phases and organisations (values), and no others.

    Raises ValidationError.
    """
    parts = project.project_organisations.select_related("organisation")
    changed = [
        *_replace(project, project.phases.all(), phases, "number"),
        *_replace(project, parts, organisations, "organisation", "role"),
    ]
    if changed:
        actions.touch(projects=[project.pk], entry=entry)


def _replace(project, standing, wanted, *key):
    """Make rows be what is wanted, told apart by `key`; yields those that changed."""
    held = {tuple(getattr(row, name) for name in key): row for row in standing}
    asked = {tuple(values[name] for name in key): values for values in wanted}
    for each in held.keys() - asked.keys():
        writing.remove(held[each])
        yield held[each]
    for each, values in asked.items():
        if each not in held:
            yield writing.create(standing.model(project=project, **values))
        elif writing.change(held[each], **values):
            yield held[each]
