"""Projects in the API: what is published, what a token adds, and their writing."""

from http import HTTPStatus

from django.utils.text import slugify
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from aseanpm.api import (
    ListView,
    ReadView,
    WriteMixin,
    documented,
    filter_parameters,
    problems,
)
from aseanpm.facts import AlreadyRecorded, Clock
from aseanpm.formats import FORMATS
from aseanpm.permissions import can
from aseanpm.workplace import NothingChanged

from . import actions
from .exchange.iati import IATI
from .filters import ProjectFilter
from .ordering import LABELS, order_of
from .serializers import (
    FactSerializer,
    ProjectRowSerializer,
    ProjectSerializer,
    ProjectWriteSerializer,
    fact_order,
    project_facts,
    project_rows,
    project_whole,
    visible_project,
    visible_projects,
)

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="Its ETag."
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="Sending it again, with the same content, makes nothing new.",
)
ORDERING = OpenApiParameter(
    "ordering",
    str,
    enum=[*LABELS, *(f"-{name}" for name in LABELS)],
    description="Default: code.",
)


class Telling:
    """Answers with one whole project; an editor's answer carries its version."""

    def told(self, code, status=HTTPStatus.OK):
        project = visible_project(self.request.user, code, self.clock)
        whole = project_whole(project, self.clock, self.request.user)
        if not can(self.request.user, "edit", "projects"):
            return Response(whole, status=status)
        whole["version"] = project.version
        stamp = self.stamp_of_answer or self.stamp_now()
        tag = f'"v{project.version}-{stamp}"'
        return Response(whole, status=status, headers={"ETag": tag})


def writing(summary, success, *problem_codes):
    """The schema of a write: what is sent, the project as it stands then, errors."""
    headers = {201: IDEMPOTENCY_KEY, 200: IF_MATCH}[success]
    return extend_schema(
        operation_id=slugify(summary).replace("-", "_"),
        summary=summary,
        parameters=[headers],
        request=ProjectWriteSerializer(partial=success == HTTPStatus.OK),
        responses={
            (success, "application/json"): ProjectSerializer,
            **problems(*problem_codes),
        },
    )


class ProjectListView(WriteMixin, Telling, ListView):
    """Projects, with the same filters as the page; POST makes one without facts."""

    resource = "projects"

    @property
    def known_parameters(self):
        return {*super().known_parameters, *ProjectFilter.names(), "ordering"}

    @documented(
        "Projects",
        ProjectRowSerializer,
        [*filter_parameters(ProjectFilter), ORDERING],
        many=True,
        formats=FORMATS | {"iati": IATI},
    )
    def get(self, request):
        projects = visible_projects(request.user, self.clock)
        found = ProjectFilter(request.query_params, projects).rows
        asked = request.query_params.get("ordering", "")
        order, descending = order_of(found, asked, request.user)
        return self.answer_query(
            found,
            order,
            descending,
            lambda keys: project_rows(projects, keys, request.user),
        )

    @writing("Create a project", 201, 400, 401, 403, 422)
    def post(self, request):
        self.authorise("create")
        key = self.idempotency_key()
        values, lists = ProjectWriteSerializer(data=request.data).read()
        try:
            with self.entry("create", "New project", key) as entry:
                made = actions.create_project(entry=entry, lists=lists, **values)
                entry.what = f"New project: {made}"[:300]
                entry.opens = made.get_absolute_url()
            code = made.code
        except AlreadyRecorded as repeated:
            code = repeated.entry.opens.strip("/").rpartition("/")[2]
        return self.told(code, HTTPStatus.CREATED)


class ProjectView(WriteMixin, Telling, ReadView):
    """One project; PATCH changes its fields. What is a fact is recorded as a fact."""

    resource = "projects"

    @documented("A project", ProjectSerializer)
    def get(self, request, code):
        return self.told(code)

    @writing("Change a project", 200, 400, 401, 403, 404, 412, 428)
    def patch(self, request, code):
        project = visible_project(request.user, code, Clock())
        self.authorise("edit")
        version = self.version_read()
        sent = ProjectWriteSerializer(project, data=request.data, partial=True)
        values, lists = sent.read()
        try:
            with self.entry("edit", str(project)[:300]) as entry:
                entry.opens = project.get_absolute_url()
                if not actions.edit_project(
                    project=project, entry=entry, version=version, lists=lists, **values
                ):
                    raise NothingChanged(code)
        except NothingChanged:
            pass
        return self.told(code)


class ProjectFactsView(ListView):
    """Every fact of a project, on both clocks, withdrawn ones included."""

    @documented("A project's facts", FactSerializer, many=True)
    def get(self, request, code):
        project = visible_project(request.user, code, self.clock)
        rows = project_facts(project, self.clock, request.user)
        return self.answer_list(rows, key=fact_order)
