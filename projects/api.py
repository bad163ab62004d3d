"""Projects in the API, read-only: what is published, and what a token may add."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from aseanpm.api import ListView, ReadView, documented, filter_parameters
from aseanpm.paging import query_page

from .filters import ProjectFilter
from .ordering import LABELS, order_of
from .serializers import (
    FactSerializer,
    ProjectRowSerializer,
    ProjectSerializer,
    fact_order,
    project_facts,
    project_rows,
    project_whole,
    visible_project,
    visible_projects,
)

ORDERING = OpenApiParameter(
    "ordering",
    str,
    enum=[*LABELS, *(f"-{name}" for name in LABELS)],
    description="Default: code.",
)


class ProjectListView(ListView):
    """Projects, with the same filters as the page."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *ProjectFilter.names(), "ordering"}

    @documented(
        "Projects",
        ProjectRowSerializer,
        [*filter_parameters(ProjectFilter), ORDERING],
        many=True,
    )
    def get(self, request):
        projects = visible_projects(request.user, self.clock)
        found = ProjectFilter(request.query_params, projects).rows
        order, descending = order_of(found, request.query_params.get("ordering", ""))
        page, following = query_page(found, order, descending, request.query_params)
        rows = project_rows(projects, [row["pk"] for row in page], request.user)
        return self.answer(rows, following, found.count)


class ProjectView(ReadView):
    """One project, with its money, benefits, approvals, phases and links."""

    @documented("A project", ProjectSerializer)
    def get(self, request, code):
        project = visible_project(request.user, code, self.clock)
        return Response(project_whole(project, self.clock, request.user))


class ProjectFactsView(ListView):
    """Every fact of a project, on both clocks, withdrawn ones included."""

    @documented("A project's facts", FactSerializer, many=True)
    def get(self, request, code):
        project = visible_project(request.user, code, self.clock)
        rows = project_facts(project, self.clock, request.user)
        return self.answer_list(rows, key=fact_order)
