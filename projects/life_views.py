"""The life of a project: its moves, its steps to approval, and its record set right."""

from operator import attrgetter

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import render
from django.views.generic import TemplateView

from aseanpm.facts import AlreadyRecorded, Clock, Entry, LedgerHead
from aseanpm.permissions import require
from aseanpm.workplace import WorkMixin, raw, readable, texts_of, version_of
from aseanpm.writing import Stale, locked

from . import actions, fact_writing, lifecycle
from .fact_forms import StepForm, rows_of
from .models import COUNTING, FACTS, ApprovalStep, Status, StatusChange
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
        """Find what is written about, and the deed; raises Http404."""
        self.project = visible_project(self.request.user, self.kwargs["code"], Clock())
        self.version = self.project.version
        self.deed = self.new_deed()
        self.check_right(self.request.user)

    def new_deed(self) -> fact_writing.Deed:
        """What is written of the project; raises Http404."""
        raise NotImplementedError

    def check_right(self, user):
        super().check_right(user)
        if deed := getattr(self, "deed", None):
            require(user, deed.action, deed.resource)

    def title(self):
        raise NotImplementedError

    def said(self, form):
        """The toast."""
        return f"{self.project.code}: {self.title()} was recorded."

    def get(self, request, *args, **kwargs):
        self.load()
        if refusal := self.deed.refusal:
            return self.refuse(refusal)
        return self.show(self.deed.form())

    def post(self, request, *args, **kwargs):
        self.load()
        if "reload" in request.POST:
            return self.show(self.reloaded(request.POST))
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        form = self.deed.form(request.POST)
        if refusal := self.deed.refusal:
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
        form = self.deed.form()
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
            return self.show(self.deed.form(data), moved=moved, questions=questions)
        if moved:
            return self.show(form, moved=moved)
        entry = self.save(form)
        return self.done(entry, self.said(form), self.opens())

    def figures_moved(self, form):
        if not self.moves_figures:
            return []
        return self.moved(lambda: self.save(form), form.first_day())

    def save(self, form):
        with self.entry(self.deed.what(form), self.deed.why(form), undo=True) as entry:
            project = locked(self.project, version_of(self.request.POST))
            self.deed.write(form, entry, project)
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
        user, refusal = self.request.user, self.deed.refusal
        return self.show(
            form,
            status=409,
            is_stale=True,
            meanwhile=meanwhile,
            by_oneself=meanwhile and all(one.recorded_by == user for one in meanwhile),
            refusal=refusal,
            wrote=wrote_in(form, self.deed.form()) if refusal else [],
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

    deed: fact_writing.Move

    def new_deed(self):
        target = self.kwargs["status"]
        if target not in Status:
            raise Http404(f"There is no status “{target}”.")
        deed = fact_writing.Move(self.project, target)
        self.verb = deed.step.label if deed.step else deed.status.label
        return deed

    def title(self):
        return self.verb

    def said(self, form):
        day = actions.in_words(form.cleaned_data["effective_on"])
        said = f"{self.project.code} is “{self.deed.status.label}” since {day}."
        if self.deed.status == Status.CARRIED_OVER:
            said += f" It goes on as {self.deed.successor.code}."
        return said

    def get_context_data(self, **context):
        deed = self.deed
        return super().get_context_data(
            publishes=deed.status in COUNTING["approved"],
            carries=deed.carries,
            successor=None if deed.carries else deed.successor,
            **context,
        )


class StepView(ProjectWriteView):
    """A step towards approval; it counts nothing."""

    moves_figures = False

    def new_deed(self):
        return fact_writing.Record(self.project, StepForm)

    def title(self):
        return "A step towards approval"

    def said(self, form):
        return f"{self.project.code}: “{form.built()}” was recorded."


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


class FactView(ProjectWriteView):
    """What is done about one fact on record, by its UUID."""

    deed: fact_writing.SetRight
    does: type[fact_writing.SetRight]

    def new_deed(self):
        uuid, user = self.kwargs["fact"], self.request.user
        if found := fact_writing.fact_of(self.project, uuid, user):
            return self.does(self.project, *found)
        raise Http404("There is no such fact of this project.")

    def get_context_data(self, **context):
        return super().get_context_data(
            fact=self.deed.fact, says=self.deed.says, **context
        )


class CorrectView(FactView):
    """Says that a fact was wrong, and what is right."""

    does = fact_writing.Correct

    def title(self):
        return "Correct the record"

    def said(self, form):
        return f"{self.project.code}: “{self.deed.says}” was corrected."


class WithdrawView(FactView):
    """Says that a fact never was."""

    does = fact_writing.Withdraw

    def title(self):
        return "Withdraw from the record"

    def said(self, form):
        return f"{self.project.code}: “{self.deed.says}” was withdrawn."
