from django.urls import reverse
from django.views.generic import TemplateView

from aseanpm.filters import ChoicesFilter, CodeFilter
from aseanpm.pages import ClockMixin, page_of

from . import money
from .filters import ProjectFilter
from .models import MoneyEntry
from .ordering import LABELS, order_of
from .serializers import (
    fact_order,
    names_of,
    places_of,
    project_facts,
    project_rows,
    project_whole,
    visible_project,
    visible_projects,
)


class ProjectPageFilter(ProjectFilter):
    """The page's filter: also which money the list shows and sums, and whose."""

    shown = ("search", "plan", "status", "country", "partner", "area")
    money = ChoicesFilter(
        label="Money", choices=MoneyEntry.Kind.choices, method="nothing"
    )
    money_of = CodeFilter(
        label="Money of", path="money_entries__partner", method="nothing"
    )


class ProjectListView(ClockMixin, TemplateView):
    template_name = "projects/project_list.html"

    def check_parameters(self, parameters):
        ProjectPageFilter.check_names(parameters, also=("ordering", "page"))

    def get_context_data(self, **context):
        user, asked = self.request.user, self.request.GET
        projects = visible_projects(user, self.clock)
        filters = ProjectPageFilter(asked, projects)
        found = filters.rows
        order, descending = order_of(found, asked.get("ordering", ""))
        page = page_of(self.request, in_order(found, order, descending))
        kind = MoneyEntry.Kind(
            (filters.form.cleaned_data.get("money") or [MoneyEntry.Kind.APPROVED])[0]
        )
        giver = next(iter(filters.form.cleaned_data.get("money_of") or []), None)
        return super().get_context_data(
            page_obj=page,
            projects=project_rows(projects, list(page.object_list), user, kind, giver),
            total=money.total(found, kind, user, giver),
            money_kind=kind,
            filter=filters,
            ordering=("-" if descending else "") + order.name,
            columns=LABELS,
            api_address=api_address(asked),
            illustrative=found.filter(is_illustrative=True).count(),
            **context,
        )


def in_order(projects, order, descending):
    """The keys of projects in an order, ties by code."""
    sign = "-" if descending else ""
    return (
        order.aliased(projects)
        .order_by(f"{sign}sort_value", f"{sign}code")
        .values_list("pk", flat=True)
    )


def api_address(asked):
    """The same list in the API."""
    query = asked.copy()
    for only_here in ("page", "money", "money_of"):
        query.pop(only_here, None)
    text = query.urlencode()
    return reverse("api:projects") + (f"?{text}" if text else "")


class ProjectDetailView(ClockMixin, TemplateView):
    """One project; what was withdrawn from its record is shown struck through."""

    template_name = "projects/project_detail.html"

    def get_context_data(self, code, **context):
        user = self.request.user
        project = visible_project(user, code, self.clock)
        links = visible_projects(user, self.clock)
        whole = project_whole(project, self.clock, user)
        facts = project_facts(project, self.clock, user)
        return super().get_context_data(
            project=project,
            whole=whole,
            kinds=MoneyEntry.Kind.choices,
            places=places_of(project),
            names=names_of(whole),
            facts=sorted(facts, key=fact_order, reverse=True),
            successor=links.filter(predecessor=project.pk).first(),
            predecessor=links.filter(pk=project.predecessor_id).first(),
            sources=project.sources.all(),
            illustrative=int(project.is_illustrative),
            **context,
        )
