"""Pages that write plans: the plan, its areas and lines, its rule and its totals."""

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.generic import TemplateView

from aseanpm.editing import KeptRowsView
from aseanpm.effects import digest_of, moved_by
from aseanpm.facts import AlreadyRecorded
from aseanpm.pages import row_or_404
from aseanpm.workplace import WorkMixin, add_errors
from aseanpm.writing import Stale
from projects import actions

from . import planning
from .models import ActionLine, StrategicArea, WorkPlan
from .plan_forms import (
    AreaForm,
    LineForm,
    NewPlanForm,
    PlanForm,
    RuleForm,
    TitlesForm,
    WithdrawForm,
)

PLANS = WorkPlan.objects.select_related("programme", "predecessor")


class PlanFormView(KeptRowsView, TemplateView):
    """A plan; the shape that it takes over is shown before it is written."""

    form_class = PlanForm
    template_name = "workplans/plan_form.html"
    resource = "plans"

    def get_object(self):
        return row_or_404(PLANS, code=self.kwargs["code"])

    def address_of(self, row):
        return row.get_absolute_url() if row else reverse("workplans:plans")

    def save(self, form, version):
        if form.shape is None:
            return super().save(form, version)
        found = moved_by(lambda: form.write(version), self.request.user)
        made = [row.code for row in (*form.shape.areas, *form.shape.lines)]
        self.seen = digest_of([*made, *found])
        if self.request.POST.get("seen") == self.seen:
            return self.store(self.again(form), version)
        context = self.get_context_data(
            form=form,
            shape=form.shape,
            moved_in_print=[one for one in found if one.published],
        )
        return self.render_to_response(context)


class NewPlanView(PlanFormView):
    form_class = NewPlanForm
    action = "create"
    title = "New work plan"

    def get_object(self):
        return None


class OfPlanView(KeptRowsView, TemplateView):
    """An area or a line of a plan."""

    resource = "plans"
    model: type

    def get_object(self):
        rows = self.model.objects.select_related("plan__programme", "plan__predecessor")
        return row_or_404(rows, code=self.kwargs["code"])

    def address_of(self, row):
        return row.get_absolute_url() if row else self.plan.get_absolute_url()

    @property
    def plan(self):
        return self.row.plan

    def get_context_data(self, **context):
        return super().get_context_data(plan=self.plan, **context)


class NewOfPlan:
    """A new one, in the plan that the address names."""

    action = "create"

    @cached_property
    def plan(self):
        return row_or_404(PLANS, code=self.kwargs["code"])

    def get_object(self):
        return None

    def new_form(self, row, data=None, initial=None):
        made = self.model(plan=self.plan)
        return self.form_class(data, instance=made, initial=initial)


class AreaView(OfPlanView):
    form_class = AreaForm
    template_name = "workplans/area_form.html"
    model = StrategicArea


class NewAreaView(NewOfPlan, AreaView):
    pass


class LineView(OfPlanView):
    form_class = LineForm
    template_name = "workplans/line_form.html"
    model = ActionLine


class NewLineView(NewOfPlan, LineView):
    pass


class TitlesView(WorkMixin, TemplateView):
    """Titles of lines from a list: all that is wrong at once, then old beside new."""

    template_name = "workplans/plan_form_titles.html"
    resource = "plans"

    def get(self, request, *args, **kwargs):
        return self.answer(TitlesForm())

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        form = TitlesForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.answer(form, status=400)
        text = form.cleaned_data["list"]
        titles = planning.read_titles(self.plan, text)
        if titles.problems:
            for sentence in titles.problems:
                form.add_error("text", sentence)
            return self.answer(self.with_text(form, text), status=400)
        if titles.changing and request.POST.get("seen") == titles.digest:
            try:
                return self.load(text)
            except Stale:
                titles = planning.read_titles(self.plan, text)
            except ValidationError as error:
                add_errors(form, error)
                return self.answer(self.with_text(form, text), status=400)
        self.seen = titles.digest
        return self.answer(self.with_text(form, text), titles=titles)

    def with_text(self, form, text):
        """The list of a file is shown in the page, where it can be mended."""
        form.data = form.data.copy()
        form.data["text"] = text
        return form

    def load(self, text):
        """Write the titles that were seen; raises Stale where others are by now."""
        with self.entry(f"Loaded titles of lines of {self.plan.code}") as entry:
            titles = planning.read_titles(self.plan, text)
            if titles.digest != self.request.POST["seen"]:
                raise Stale(self.plan)
            number = planning.load_titles(titles)
            entry.can_be_undone = True
            entry.opens = self.plan.get_absolute_url()
        said = f"{number} line{'s were' if number != 1 else ' was'} given a title."
        return self.done(entry, said, self.plan.get_absolute_url())

    @cached_property
    def plan(self):
        return row_or_404(PLANS, code=self.kwargs["code"])

    def answer(self, form, status=200, titles=None):
        if self.request.method == "POST":
            self.refuse_twin()
        plan = self.plan
        context = self.get_context_data(
            form=form,
            plan=plan,
            title=f"Titles of the lines of {plan.code}",
            cancel=plan.get_absolute_url(),
            titles=titles,
        )
        return self.render_to_response(context, status=status)


# Facts of a plan


class PlanFactPage(WorkMixin, TemplateView):
    """A page that writes a rule or a total; the figures that it moves come first.

    A `uuid` in the address names the record in question.
    """

    template_name = "workplans/plan_form_fact.html"
    resource = "plans"
    form_class = RuleForm
    noun = "the rule"

    @cached_property
    def about(self):
        """The row whose fact it is."""
        return row_or_404(PLANS, code=self.kwargs["code"])

    @property
    def model(self):
        return self.form_class._meta.model

    @cached_property
    def old(self):
        if "uuid" not in self.kwargs:
            return None
        facts = self.model.objects.filter(**{self.model.owner: self.about})
        rows = facts.known() if self.request.method == "GET" else facts
        return row_or_404(rows, uuid=self.kwargs["uuid"])

    def get(self, request, *args, **kwargs):
        return self.answer(self.new_form())

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        form = self.new_form(request.POST)
        if self.old and self.old.withdrawn_at:
            who = self.old.withdrawn_by or "somebody"
            form.add_error(None, f"This record was withdrawn meanwhile, by {who}.")
            return self.answer(form, status=409)
        if form.is_valid():
            try:
                found = self.moved(lambda: self.write(form), self.since(form))
                return self.answer(form, moved=found) if found else self.store(form)
            except ValidationError as error:
                add_errors(form, error)
        return self.answer(form, status=400)

    def store(self, form):
        reason = form.cleaned_data.get("reason", "")
        with self.entry(self.title(form), reason, undo=True) as entry:
            said = self.write(form, entry)
            entry.opens = self.about.get_absolute_url()
        return self.done(entry, said, entry.opens)

    def answer(self, form, status=200, **context):
        if self.request.method == "POST":
            self.refuse_twin()
        context = self.get_context_data(
            form=form,
            **{self.model.owner: self.about},
            title=self.title(form),
            cancel=self.place() or self.about.get_absolute_url(),
            **context,
        )
        return self.render_to_response(context, status=status)


class PlanFactView(PlanFactPage):
    """Record a fact, or correct one."""

    def new_form(self, data=None):
        return self.form_class(data, about=self.about, old=self.old)

    def title(self, form):
        wrong = self.old or getattr(form, "corrected", None)
        return f"{'Correct' if wrong else 'Record'} {self.noun} of {self.about.code}"

    def since(self, form):
        return form.since

    def write(self, form, entry=None):
        return f"On record: {planning.in_words(form.write(entry))}."


class WithdrawPlanFactView(PlanFactPage):
    """Say that a fact never was true."""

    def new_form(self, data=None):
        return WithdrawForm(data)

    def title(self, form):
        return f"Withdraw from {self.about.code}: {planning.in_words(self.old)}"

    def since(self, form):
        return self.old.effective_on

    def write(self, form, entry=None):
        reason = form.cleaned_data["reason"]
        actions.withdraw(fact=self.old, reason=reason, entry=entry)
        return f"Withdrawn: {planning.in_words(self.old)}."
