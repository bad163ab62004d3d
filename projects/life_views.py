"""The life of a project: its moves, its steps to approval, and its record set right."""

from operator import attrgetter

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import TemplateView

from aseanpm.facts import AlreadyRecorded, Clock, Entry, LedgerHead, Recorded
from aseanpm.permissions import require
from aseanpm.workplace import WorkMixin, raw, readable, texts_of, version_of
from aseanpm.writing import Stale, locked

from . import actions, lifecycle
from .fact_forms import (
    CORRECTED_BY,
    CarryForm,
    MoveForm,
    StepForm,
    WithdrawForm,
    rows_of,
)
from .models import COUNTING, FACTS, ApprovalStep, MoneyEntry, Status, StatusChange
from .money_forms import MoneyForm, ReverseForm
from .serializers import FACTS as FACTS_IN_WORDS
from .serializers import visible_project


class ProjectWriteView(WorkMixin, TemplateView):
    """One form that writes facts of one project, whose version is guarded.

    The second of two writers gets 409 and is told what the first wrote; what was typed
    is kept. Figures that the write moves are shown before it.
    """

    resource = "projects"
    template_name = "projects/write.html"
    moves_figures = True
    verb = "Save"

    def load(self):
        """Find what is written about; raises Http404."""
        self.project = visible_project(self.request.user, self.kwargs["code"], Clock())
        self.version = self.project.version

    def refused(self):
        """Why there is nothing to be asked here, in a sentence; '' where there is."""
        return ""

    def new_form(self, data=None):
        raise NotImplementedError

    def write(self, form, entry, project):
        """Write the facts of a project, as it is under the lock."""
        raise NotImplementedError

    def title(self):
        raise NotImplementedError

    def what(self, form):
        """The write in the history: what became of the project."""
        return f"{self.project}: {self.title()}"

    def why(self, form):
        read = form.cleaned_data
        return read.get("reason") or read.get("note", "")

    def said(self, form):
        """The toast."""
        return f"{self.project.code}: {self.title()} was recorded."

    def get(self, request, *args, **kwargs):
        self.load()
        if refusal := self.refused():
            return self.refuse(refusal)
        return self.show(self.new_form())

    def post(self, request, *args, **kwargs):
        self.load()
        if "reload" in request.POST:
            return self.show(self.reloaded(request.POST))
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        form = self.new_form(request.POST)
        if refusal := self.refused():
            is_stale = version_of(request.POST) != self.version
            return self.conflict(form) if is_stale else self.refuse(refusal)
        if form.is_valid():
            try:
                return self.answer(form)
            except Stale:
                return self.conflict(form)
            except ValidationError as error:
                form.take(error)
        return self.show(form, status=400)

    def asking(self, data):
        """The form with what was typed, before anything is held against it."""
        form = self.new_form()
        for name, field in form.fields.items():
            if not field.disabled:
                form.initial[name] = field.widget.value_from_datadict(data, {}, name)
        return form

    def reloaded(self, data):
        """The form with what was typed; the one meeting recorded since is chosen."""
        form = self.asking(data)
        if "meeting" in form.fields:
            meetings = rows_of(StatusChange, "meeting")
            new = meetings.filter(pk__in=made_since(meetings.model, data))
            found = list(new.select_related("body", "country"))
            form.fields["meeting"].welcome(found)
            if len(found) == 1:
                form.initial["meeting"] = found[0].code
        return form

    def answer(self, form):
        """Save what a valid form says, or show first what is odd and what it moves."""
        moved, questions = self.figures_moved(form), form.questions()
        if questions:
            data = form.data.copy()
            data["asked"] = form.digest
            self.seen = getattr(self, "seen", data.get("seen", ""))
            return self.show(self.new_form(data), moved=moved, questions=questions)
        if moved:
            return self.show(form, moved=moved)
        entry = self.save(form)
        return self.done(entry, self.said(form), self.opens())

    def figures_moved(self, form):
        if not self.moves_figures:
            return []
        return self.moved(lambda: self.save(form), form.first_day())

    def save(self, form):
        with self.entry(self.what(form), self.why(form), undo=True) as entry:
            project = locked(self.project, version_of(self.request.POST))
            self.write(form, entry, project)
            entry.opens = entry.opens or self.opens()
        return entry

    def opens(self):
        return self.project.get_absolute_url()

    # Answers

    def show(self, form, status=200, **context):
        context = self.get_context_data(form=form, **context)
        return self.render_to_response(context, status=status)

    def refuse(self, sentence):
        """409: the project no longer stands as the page that led here had it."""
        context = self.get_context_data(refusal=sentence)
        return render(self.request, "projects/refused.html", context, status=409)

    def conflict(self, form):
        """409: what others wrote meanwhile; the form, as typed, may be sent again."""
        self.load()
        meanwhile = written_since(self.project, sequence_of(self.request.POST))
        user, refusal = self.request.user, self.refused()
        return self.show(
            form,
            status=409,
            is_stale=True,
            meanwhile=meanwhile,
            by_oneself=meanwhile and all(one.recorded_by == user for one in meanwhile),
            refusal=refusal,
            wrote=wrote_in(form, self.new_form()) if refusal else [],
        )

    def get_context_data(self, **context):
        sent = self.request.POST
        is_stale = context.get("is_stale")
        head = LedgerHead.objects.values_list("sequence", flat=True).first() or 0
        return super().get_context_data(
            project=self.project,
            title=self.title(),
            verb=self.verb,
            again=f"If that is right, press “{self.verb} all the same”.",
            version=self.version if is_stale or not sent else sent.get("version"),
            opened=head if is_stale or not sent else sent.get("opened"),
            cancel=self.place() or self.opens(),
            **context,
        )


def sequence_of(sent):
    """The last write of all when the form was opened; -1 if unreadable."""
    text = sent.get("opened", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def made_since(model, sent):
    """The keys of the rows of a model that were made since a form was opened."""
    opened = sequence_of(sent)
    if opened < 0:
        return set()
    made = model.history.filter(history_type="+", sequence__gt=opened)
    return set(made.values_list(model._meta.pk.attname, flat=True))


def wrote_in(form, fresh):
    """[(label, texts)] of what somebody typed or chose in a form, to be read."""
    before = raw(fresh)
    return [
        (field.label, readable(field, texts))
        for field in form.visible_fields()
        if field.widget_type != "checkbox"
        if (texts := texts_of(field)) and texts != before.get(field.html_name)
    ]


def written_since(project, sequence):
    """The writes that touched a project after one, the last first."""
    if sequence < 0:
        return []
    found = set(
        project.history.filter(sequence__gt=sequence).values_list("sequence", flat=True)
    )
    moments = set()
    for model in FACTS:
        facts = model.objects.filter(project=project)
        later = facts.filter(sequence__gt=sequence)
        found |= set(later.values_list("sequence", flat=True))
        moments |= set(
            facts.filter(withdrawn_at__isnull=False).values_list(
                "withdrawn_at", flat=True
            )
        )
    entries = Entry.objects.filter(sequence__gt=sequence).select_related("recorded_by")
    return sorted(
        {*entries.filter(sequence__in=found), *entries.filter(recorded_at__in=moments)},
        key=attrgetter("sequence"),
        reverse=True,
    )


# Moves


class MoveView(ProjectWriteView):
    """The next status of a project: its day, what decided it, and why."""

    def load(self):
        super().load()
        target = self.kwargs["status"]
        if target not in Status:
            raise Http404(f"There is no status “{target}”.")
        self.step = lifecycle.move_between(self.project.status, target)
        self.verb = self.title()
        goes_on = self.step and self.step.needs_successor
        self.successor = goes_on and actions.followers(self.project).first()
        self.carries = goes_on and not self.successor
        self.check_right(self.request.user)

    def check_right(self, user):
        super().check_right(user)
        if step := getattr(self, "step", None):
            require(user, step.action, self.resource)

    def refused(self):
        target = self.kwargs["status"]
        if self.step is None:
            return lifecycle.refusal(self.project.status, target)
        if self.carries and not actions.later_plans(self.project).exists():
            return (
                "There is no later plan of its programme on record, to which it could "
                "be carried over."
            )
        return ""

    def new_form(self, data=None):
        kind = MoveForm
        if self.carries:
            kind = CarryForm
        move = self.step or lifecycle.Move("", self.kwargs["status"], "")
        return kind(data, project=self.project, move=move)

    def title(self):
        return self.step.label if self.step else Status(self.kwargs["status"]).label

    def what(self, form):
        day = actions.in_words(form.cleaned_data["effective_on"])
        return f"{self.project}: {Status(self.kwargs['status']).label}, {day}"

    def said(self, form):
        day = actions.in_words(form.cleaned_data["effective_on"])
        label = Status(self.kwargs["status"]).label
        said = f"{self.project.code} is “{label}” since {day}."
        if self.kwargs["status"] == Status.CARRIED_OVER:
            said += f" It goes on as {self.successor.code}."
        return said

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
            actions.move(to=self.kwargs["status"], **common, **form.decided)

    def get_context_data(self, **context):
        return super().get_context_data(
            publishes=self.kwargs["status"] in COUNTING["approved"],
            carries=self.carries,
            successor=None if self.carries else self.successor,
            **context,
        )


class StepView(ProjectWriteView):
    """A step towards approval; it counts nothing."""

    moves_figures = False

    def new_form(self, data=None):
        return StepForm(data, project=self.project)

    def title(self):
        return "A step towards approval"

    def what(self, form):
        return f"{self.project}: {form.built()}"

    def said(self, form):
        return f"{self.project.code}: “{form.built()}” was recorded."

    def write(self, form, entry, project):
        actions.record(fact=form.built(), entry=entry)


def approval_steps(project, clock):
    """(label of a step, the last fact of it on the clock or None), in their order.

    Where the body that approved has no step on record, the approval stands for it.
    """
    told = {}
    steps = project.approval_steps.at(clock).select_related("meeting")
    for step in steps.latest_first():
        told.setdefault(step.step, step)
    approvals = project.status_changes.at(clock).filter(status=Status.APPROVED)
    related = "meeting__body", "meeting__country"
    approval = approvals.select_related(*related).latest_first().first()
    if approval and (approval.meeting or approval.by_circulation):
        told.setdefault(step_taken_by(approval), approval)
    return [(step.label, told.get(step.value)) for step in ApprovalStep.Step]


def step_taken_by(approval):
    """Which step a status of approval is: the Task Force's or another body's."""
    programme = lifecycle.programme_of(approval.project)
    body = lifecycle.DECIDED_BY.get(programme, lifecycle.TASK_FORCE)
    if approval.meeting:
        body = approval.meeting.body.code
    return lifecycle.step_of(body)


# The record set right


def withdrawn_because(fact):
    """Who withdrew a fact, when and why, in a sentence; '' where it stands."""
    if fact.withdrawn_at is None:
        return ""
    who = fact.withdrawn_by or "a loaded file"
    day = actions.in_words(timezone.localdate(fact.withdrawn_at))
    return f"This was withdrawn on {day} by {who}: {fact.withdrawal_reason}"


class FactView(ProjectWriteView):
    """What is done about one fact on record, by its UUID."""

    fact: Recorded

    def load(self):
        super().load()
        for kind, related, says in FACTS_IN_WORDS:
            facts = getattr(self.project, kind).select_related("source", *related)
            if hasattr(facts, "as_seen_by"):
                facts = facts.as_seen_by(self.request.user)
            found = facts.filter(uuid=self.kwargs["fact"]).first()
            if found:
                self.fact, self.says = found, says(found)
                return
        raise Http404("There is no such fact of this project.")

    def refused(self):
        return withdrawn_because(self.fact)

    @property
    def in_history(self):
        """The fact as every reader of the history may know it."""
        is_private = getattr(self.fact, "is_private", False)
        return "A private entry of money" if is_private else f"“{self.says}”"

    def why(self, form):
        """The fact keeps the reason; that of a private amount stands there alone."""
        return "" if getattr(self.fact, "is_private", False) else super().why(form)

    def get_context_data(self, **context):
        return super().get_context_data(fact=self.fact, says=self.says, **context)


class CorrectView(FactView):
    """Says that a fact was wrong, and what is right."""

    def new_form(self, data=None):
        if isinstance(self.fact, MoneyEntry):
            form = ReverseForm if self.fact.reverses_id else MoneyForm
        else:
            form = CORRECTED_BY[type(self.fact)]
        return form(data, project=self.project, fact=self.fact)

    def title(self):
        return "Correct the record"

    def what(self, form):
        return f"{self.project}: corrected {self.in_history}"

    def said(self, form):
        return f"{self.project.code}: “{self.says}” was corrected."

    def write(self, form, entry, project):
        changes = form.changes()
        if not changes:
            raise ValidationError("Nothing differs from what is on record.")
        actions.correct(
            fact=self.fact,
            reason=form.cleaned_data["reason"],
            entry=entry,
            **changes,
        )


class WithdrawView(FactView):
    """Says that a fact never was."""

    def new_form(self, data=None):
        return WithdrawForm(data, project=self.project, fact=self.fact)

    def title(self):
        return "Withdraw from the record"

    def what(self, form):
        return f"{self.project}: withdrew {self.in_history}"

    def said(self, form):
        return f"{self.project.code}: “{self.says}” was withdrawn."

    def write(self, form, entry, project):
        reason = form.cleaned_data["reason"]
        actions.withdraw(fact=self.fact, reason=reason, entry=entry)
