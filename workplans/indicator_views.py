"""Pages that write indicators and what they are to reach."""

from django.utils.functional import cached_property
from django.views.generic import TemplateView

from aseanpm.editing import KeptRowsView
from aseanpm.facts import Clock
from aseanpm.pages import row_or_404
from projects.serializers import visible_project, visible_projects

from .indicator_forms import IndicatorForm, TargetForm
from .models import ActionLine, Indicator
from .plan_views import PlanFactView, WithdrawPlanFactView


def indicator_or_404(user, code):
    rows = Indicator.objects.told_with(visible_projects(user, Clock()))
    return row_or_404(rows.select_related("line", "project"), code=code)


class IndicatorView(KeptRowsView, TemplateView):
    form_class = IndicatorForm
    template_name = "workplans/indicator_form.html"
    resource = "indicators"

    def get_object(self):
        return indicator_or_404(self.request.user, self.kwargs["code"])

    @property
    def of(self):
        return self.row.of

    def address_of(self, row):
        return (row or self.of).get_absolute_url()

    def get_context_data(self, **context):
        return super().get_context_data(of=self.of, **context)


class NewIndicatorView(IndicatorView):
    """A new one, of the line or the project that the address names."""

    action = "create"
    kind = "line"

    @cached_property
    def of(self):
        code = self.kwargs["code"]
        if self.kind == "project":
            return visible_project(self.request.user, code, Clock())
        return row_or_404(ActionLine.objects, code=code)

    def get_object(self):
        return None

    def new_form(self, row, data=None, initial=None):
        made = Indicator(**{self.kind: self.of})
        return self.form_class(data, instance=made, initial=initial)


class OfIndicator:
    """A page about a target. No figure rests on one, so none is told to move."""

    template_name = "workplans/indicator_form.html"
    resource = "indicators"
    form_class = TargetForm
    noun = "a target"

    @cached_property
    def about(self):
        return indicator_or_404(self.request.user, self.kwargs["code"])

    def moved(self, write, since=None, reader=None):
        return []

    def get_context_data(self, **context):
        return super().get_context_data(of=self.about.of, **context)


class TargetView(OfIndicator, PlanFactView):
    pass


class WithdrawTargetView(OfIndicator, WithdrawPlanFactView):
    pass
