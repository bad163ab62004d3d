"""What is written of a project's facts, by its pages and by the API alike.

A deed is one write: the form that asks for it, who may do it, why it cannot be done as
things stand, what it writes, and how the history tells it. The rules stand where forms
and actions keep them.
"""

from django.core.exceptions import ValidationError
from django.utils import timezone

from . import actions, lifecycle
from .fact_forms import CORRECTED_BY, CarryForm, FactForm, MoveForm, WithdrawForm
from .models import MoneyEntry, Status
from .money_forms import MoneyForm, NewMoneyForm, ReverseForm, ReviseForm
from .serializers import FACTS


class Deed:
    """One write of facts of a project, as it stands when the deed is made."""

    resource = "projects"
    action = "edit"
    refusal = ""  # a sentence, where there is nothing to be asked

    def __init__(self, project):
        self.project = project

    def form(self, data=None):
        raise NotImplementedError

    def what(self, form):
        """The write in the history: what became of the project."""
        raise NotImplementedError

    def why(self, form, reason=""):
        read = form.cleaned_data
        return reason or read.get("reason") or read.get("note", "")

    def write(self, form, entry, project):
        """Write what a valid form says of a project, as it is under the lock.

        Raises ValidationError.
        """
        raise NotImplementedError


class Record(Deed):
    """A further fact of the kind that a form asks for."""

    def __init__(self, project, form_class: type[FactForm]):
        super().__init__(project)
        self.form_class = form_class

    def form(self, data=None):
        return self.form_class(data, project=self.project)

    def what(self, form):
        return f"{self.project}: {form.built()}"

    def write(self, form, entry, project):
        actions.record(fact=form.built(), entry=entry)


# Moves


class Move(Deed):
    """The next status of a project, with its successor where it is carried over.

    `project` is a row with its state.
    """

    def __init__(self, project, status):
        super().__init__(project)
        self.status = Status(status)
        self.step = lifecycle.move_between(project.status, status)
        goes_on = self.step and self.step.needs_successor
        self.successor = goes_on and actions.followers(project).first()
        self.carries = goes_on and not self.successor

    @property
    def action(self):
        return self.step.action if self.step else "edit"

    @property
    def refusal(self):
        if self.step is None:
            return lifecycle.refusal(self.project.status, self.status)
        if self.carries and not actions.later_plans(self.project).exists():
            return (
                "There is no later plan of its programme on record, to which it could "
                "be carried over."
            )
        return ""

    def form(self, data=None):
        kind = CarryForm if self.carries else MoveForm
        move = self.step or lifecycle.Move("", self.status, "")
        return kind(data, project=self.project, move=move)

    def what(self, form):
        day = actions.in_words(form.cleaned_data["effective_on"])
        return f"{self.project}: {self.status.label}, {day}"

    def write(self, form, entry, project):
        read = form.cleaned_data
        common = {
            "project": project,
            "on": read["effective_on"],
            "reason": read["note"],
            "basis": form.own_basis,
            "entry": entry,
        }
        if isinstance(form, CarryForm):
            self.successor = actions.carry_over(
                plan=read["plan"],
                line=read["line"],
                begins=read["begins"],
                benefits=read["benefits"],
                funders=read["funders"],
                decided=form.decided,
                **common,
            )
        else:
            actions.move(to=self.status, **common, **form.decided)


# Money


class EnterMoney(Deed):
    """A new line of the ledger. What is private is told without its amount."""

    resource = "money"
    action = "create"
    did = ""

    def form(self, data=None):
        return NewMoneyForm(data, project=self.project)

    def entered(self, form):
        return form.built()

    def told(self, form):
        """(An entry or a total, what became of it), in words."""
        fact = self.entered(form)
        return f"{named(fact)}, {amount_of(fact)}", "recorded"

    def what(self, form):
        fact = self.entered(form)
        told = " ".join(self.told(form))
        if fact.is_private:
            told = f"{named(fact)}, private{self.did}"
        return f"{self.project}: {told}"

    def why(self, form, reason=""):
        return "" if self.entered(form).is_private else super().why(form, reason)

    def write(self, form, entry, project):
        joins = form.cleaned_data["funds"]
        actions.enter_money(fact=form.built(), joins=joins, entry=entry)


class FollowMoney(EnterMoney):
    """A further entry that follows another one."""

    def __init__(self, project, of):
        super().__init__(project)
        self.of = of

    @property
    def refusal(self):
        return withdrawn_because(self.of)


class ReviseMoney(FollowMoney):
    """A further entry that brings the net of one like `of` to a new total."""

    did = ", revised"

    def form(self, data=None):
        return ReviseForm(data, project=self.project, of=self.of)

    def told(self, form):
        fact = self.entered(form)
        total = f"{fact.currency} {form.cleaned_data['amount']:,.2f}"
        return named(fact), f"revised to {total} ({fact.amount:+,.2f})"


class ReverseMoney(FollowMoney):
    """A further entry that takes `of` back as a whole."""

    did = ", reversed"

    def form(self, data=None):
        return ReverseForm(data, project=self.project)

    def entered(self, form):
        amount = None if self.of.amount is None else -self.of.amount
        return actions.copy_of(self.of, amount=amount)

    def told(self, form):
        return f"{named(self.entered(form))}, {amount_of(self.of)}", "reversed"

    def write(self, form, entry, project):
        read = form.values()
        on = read.pop("effective_on")
        actions.reverse(fact=self.of, on=on, entry=entry, **read)


def amount_of(fact):
    if fact.amount is None:
        return "amount not known"
    return f"{fact.currency} {fact.amount:,.2f}"


def named(fact):
    """An entry without its amount."""
    who = f" by {fact.partner.name}" if fact.partner else ""
    return f"{fact.get_kind_display()}{who}"


# The record set right


def fact_of(project, uuid, user):
    """(a fact of a project as a reader sees it, what it says), or None."""
    for kind, related, says in FACTS:
        facts = getattr(project, kind).select_related("source", *related)
        if hasattr(facts, "as_seen_by"):
            facts = facts.as_seen_by(user)
        if fact := facts.filter(uuid=uuid).first():
            return fact, says(fact)
    return None


def withdrawn_because(fact):
    """Who withdrew a fact, when and why, in a sentence; '' where it stands."""
    if fact.withdrawn_at is None:
        return ""
    who = fact.withdrawn_by or "a loaded file"
    day = actions.in_words(timezone.localdate(fact.withdrawn_at))
    return f"This was withdrawn on {day} by {who}: {fact.withdrawal_reason}"


class SetRight(Deed):
    """What is done about one fact on record."""

    did: str

    def __init__(self, project, fact, says):
        super().__init__(project)
        self.fact = fact
        self.says = says

    @property
    def refusal(self):
        return withdrawn_because(self.fact)

    @property
    def is_private(self):
        return getattr(self.fact, "is_private", False)

    def what(self, form):
        """The fact as every reader of the history may know it."""
        known = "A private entry of money" if self.is_private else f"“{self.says}”"
        return f"{self.project}: {self.did} {known}"

    def why(self, form, reason=""):
        """The fact keeps the reason; that of a private amount stands there alone."""
        return "" if self.is_private else super().why(form, reason)


class Correct(SetRight):
    """Says that a fact was wrong, and what is right."""

    did = "corrected"

    def form(self, data=None):
        if isinstance(self.fact, MoneyEntry):
            kind = ReverseForm if self.fact.reverses_id else MoneyForm
        else:
            kind = CORRECTED_BY[type(self.fact)]
        return kind(data, project=self.project, fact=self.fact)

    def write(self, form, entry, project):
        changes = form.changes()
        if not changes:
            raise ValidationError("Nothing differs from what is on record.")
        reason = form.cleaned_data["reason"]
        actions.correct(fact=self.fact, reason=reason, entry=entry, **changes)


class Withdraw(SetRight):
    """Says that a fact never was."""

    did = "withdrew"

    def form(self, data=None):
        return WithdrawForm(data, project=self.project, fact=self.fact)

    def write(self, form, entry, project):
        reason = form.cleaned_data["reason"]
        actions.withdraw(fact=self.fact, reason=reason, entry=entry)
