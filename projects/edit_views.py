"""Creating and editing a project on one page."""

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.views.generic import TemplateView

from aseanpm.effects import digest_of, moved_by
from aseanpm.facts import AlreadyRecorded, Basis
from aseanpm.forms import problems_of
from aseanpm.pages import row_or_404
from aseanpm.permissions import can
from aseanpm.workplace import (
    KeptFormView,
    add_errors,
    chosen,
    differences,
    version_of,
)
from aseanpm.writing import Stale

from . import actions, changes
from .forms import EditProjectForm, Listings, NewProjectForm, RestingForm, ShiftForm
from .models import Project

# What the questions hold, kept aside while something else of the page is wrong.
ASIDE = ("asked", "why-")
PUBLISHES = "publishes"  # the word in the hidden `seen` of one who was told so


class ProjectFormView(KeptFormView, TemplateView):
    """One page for a whole project; rows are added and taken out without a script."""

    resource = "projects"
    template_name = "projects/project_form.html"
    questions: tuple[ShiftForm, ...] = ()

    @cached_property
    def listings(self):
        return Listings(self.row)

    @cached_property
    def rests(self):
        return RestingForm(self.request.POST or None, listings=self.listings)

    def new_form(self, row, data=None, initial=None):
        return self.form_class(
            data, instance=row, listings=self.listings, initial=initial
        )

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        self.row = self.get_object()
        sent = chosen(request.POST, lambda: self.new_form(self.row))
        if "add" in sent or "remove" in sent:
            return self.with_other_rows(sent)
        form = self.new_form(self.row, sent)
        if form.is_valid() and self.rests.is_valid():
            try:
                return self.save(form, self.row and version_of(sent))
            except Stale:
                return self.conflict(sent)
            except ValidationError as error:
                add_errors(form, error)
        return self.answer(form, status=400)

    def answer(self, form, status=200, **context):
        context = self.get_context_data(form=form, **context)
        return self.render_to_response(context, status=status)

    def with_other_rows(self, sent):
        """The page with what was typed and one row more or less, without complaints."""
        fields = self.new_form(self.row).fields
        name, _, number = sent.get("remove", "").rpartition("-")
        if hasattr(fields.get(name), "row") and number.isdecimal():
            sent = fields[name].widget.without(sent, name, int(number))
        typed = {field.html_name: field.data for field in self.new_form(self.row, sent)}
        added = sent.get("add")
        if hasattr(fields.get(added), "row"):
            typed[added] = [*typed[added], {}]
        form = self.new_form(self.row, initial=typed)
        form.added = added
        return self.answer(form)

    def get_context_data(self, **context):
        sent, form = self.request.POST, context["form"]
        aside = [
            (name, value)
            for name, values in sent.lists()
            if name.startswith(ASIDE) and not self.questions
            for value in values
        ]
        return super().get_context_data(
            problems=problems_of(form, self.rests, *self.questions),
            questions=self.questions,
            rests=self.rests,
            aside=aside,
            changed=bool(sent),
            **context,
        )


class NewProjectView(ProjectFormView):
    action = "create"
    form_class = NewProjectForm
    title = "New project"

    def new_form(self, row, data=None, initial=None):
        likely = {"officer": self.request.user.email}
        return super().new_form(None, data, initial or likely)

    def save(self, form, version):
        seen = self.seen = self.request.POST.get("seen", "")
        moved = self.moved(lambda: self.write(form), form.first_day)
        publishes = form.values["is_published"]
        if moved or (publishes and PUBLISHES not in seen.split()):
            self.seen += f" {PUBLISHES}" if publishes else ""
            return self.answer(form, moved=moved, publishes=publishes)
        entry, project = self.write(form)
        said = f"{project.code} was saved."
        answer = self.done(entry, said, project.get_absolute_url())
        self.offer_to_remove_illustrative(project)
        return answer

    def write(self, form):
        with self.entry("New project", undo=True) as entry:
            project = actions.create_project(
                entry=entry, lists=form.lists, **form.values
            )
            entry.what = f"New project: {project}"[:300]
            entry.opens = project.get_absolute_url()
            facts = form.first_facts(project, self.rests.resting)
            changes.rewrite(recorded=facts, entry=entry)
            changes.write_parts(project=project, entry=entry, **form.parts)
        return entry, project

    def offer_to_remove_illustrative(self, project):
        """After the first real project: the illustrative ones have served."""
        real = Project.history.filter(
            history_type="+", history_user__isnull=False, is_illustrative=False
        )
        if real.exclude(id=project.pk).exists():
            return
        if not Project.objects.filter(is_illustrative=True).exists():
            return
        says = "This is the first project that you entered; illustrative ones stand by."
        if can(self.request.user, "edit", "illustrative"):
            messages.info(self.request, says, extra_tags="remove-illustrative")
        else:
            says += " An administrator can remove them."
            messages.info(self.request, says)


class EditProjectView(ProjectFormView):
    """What a figure rests on asks: did the world change, or was the record wrong? The
    page tells which figures either answer moves, before anything is written."""

    form_class = EditProjectForm

    def get_object(self):
        projects = Project.objects.visible_to(self.request.user).as_of()
        return row_or_404(projects, code=self.kwargs["code"])

    def save(self, form, version):
        to = self.row.get_absolute_url()
        shifts = changes.shifts(self.row, form.facts(self.row))
        on_record = self.new_form(self.get_object())
        if not shifts and not differences(form.data, on_record):
            return self.done(None, "Nothing was changed.", to)
        self.questions = self.asked_by(shifts)
        if not all(one.is_valid() for one in self.questions):
            return self.tell(form, version)
        answers = {one.kind.name: one.answer for one in self.questions}
        moved = {
            name: moved_by(
                lambda: self.write(form, version, answers),
                reader,
                changes.since(self.row, shifts, answers),
            )
            for name, reader in self.readers(form, shifts).items()
        }
        shown = [digest_of(found) for found in moved.values() if found]
        if not set(shown) <= set(self.request.POST.get("seen", "").split()):
            self.seen = " ".join(shown)
            return self.answer(form, **moved)
        entry = self.write(form, version, answers)
        return self.done(entry, f"{self.row.code} was saved.", to)

    def readers(self, form, shifts):
        """Whose figures may move: facts move everybody's, publication those of all who
        see only what is published."""
        readers = {"moved": self.request.user} if shifts else {}
        if form.cleaned_data["is_published"] != form.initial["is_published"]:
            readers["moved_for_visitors"] = AnonymousUser()
        return readers

    def asked_by(self, shifts):
        """The questions that shifts raise, with the answers given so far."""
        sent, first = self.request.POST, changes.first_day(self.row)
        given = sent.getlist("asked")
        return tuple(
            ShiftForm(shift, first, sent if shift.kind.name in given else None)
            for shift in shifts
            if shift.asks
        )

    def tell(self, form, version):
        """The page with its questions, and which figures each likely answer moves."""
        for question in self.questions:
            question.options = [
                self.option(form, version, question, *each) for each in question.likely
            ]
        self.seen = " ".join(
            digest_of(option["moved"])
            for question in self.questions
            for option in question.options
        )
        status = 400 if any(one.is_bound for one in self.questions) else 200
        return self.answer(form, status)

    def option(self, form, version, question, value, answer):
        answers = {question.kind.name: answer}
        option = {"value": value, "moved": [], "objection": ""}
        try:
            option["moved"] = moved_by(
                lambda: self.write(form, version, answers),
                self.request.user,
                changes.since(self.row, [question.shift], answers),
            )
        except ValidationError as error:
            option["objection"] = " ".join(error.messages)
        return option

    def write(self, form, version, answers):
        """One entry: the fields, the rows, and the facts of the kinds answered for."""
        project = self.get_object()
        reasons = [one.reason for one in answers.values() if one.reason]
        with self.entry(str(project), "; ".join(reasons), undo=True) as entry:
            actions.edit_project(
                project=project,
                entry=entry,
                version=version,
                lists=form.lists,
                **form.values,
            )
            changes.write_parts(project=project, entry=entry, **form.parts)
            changes.write_shifts(
                project=project,
                wanted=form.facts(project),
                answers=answers,
                resting=self.resting,
                entry=entry,
            )
            entry.opens = entry.opens or project.get_absolute_url()
        return entry

    @property
    def resting(self):
        """On what new facts rest; those of an illustrative project are illustrative."""
        if self.row.is_illustrative:
            return replace(self.rests.resting, basis=Basis.ILLUSTRATIVE)
        return self.rests.resting
