"""Projects in the API: what is published, what a token adds, and their writing."""

from http import HTTPStatus

from django.utils.text import slugify
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from aseanpm.api import (
    ListView,
    ReadView,
    UndoneSince,
    WriteMixin,
    documented,
    filter_parameters,
    problems,
)
from aseanpm.facts import AlreadyRecorded, Clock
from aseanpm.formats import FORMATS
from aseanpm.permissions import can, require
from aseanpm.workplace import NothingChanged
from aseanpm.writing import locked

from . import actions
from .exchange.iati import IATI
from .fact_requests import (
    EXAMPLES,
    RECORDING,
    FactRequest,
    FactWriteSerializer,
)
from .filters import ProjectFilter
from .ordering import LABELS, order_of
from .serializers import (
    FactSerializer,
    FactsWrittenSerializer,
    ProjectRowSerializer,
    ProjectSerializer,
    ProjectWriteSerializer,
    codes_by_key,
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
    {"type": "string", "pattern": "^[!-~]{1,40}$"},
    OpenApiParameter.HEADER,
    required=True,
    description="Sending it again, with the same content, makes nothing new.",
)
IF_MATCH_IF_ANY = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the project: nothing is written if it changed since.",
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
        whole["facts"] = self.request.build_absolute_uri(whole["facts"])
        if not can(self.request.user, "edit", "projects"):
            return Response(whole, status=status)
        whole["version"] = project.version
        return self.versioned(Response(whole, status=status), project)

    def versioned(self, response, project):
        """With the ETag that a patch of the project is judged by."""
        stamp = self.stamp_of_answer or self.stamp_now()
        response["ETag"] = f'"v{project.version}-{stamp}"'
        return response


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
        found = ProjectFilter.found(request.query_params, projects)
        asked = request.query_params.get("ordering", "")
        order, descending = order_of(found, asked, request.user)
        labels = codes_by_key() if self.file_format else None
        return self.answer_query(
            found,
            order,
            descending,
            lambda keys: project_rows(projects, keys, request.user, labels=labels),
        )

    @writing("Create a project", 201, 400, 401, 403, 415, 422, 503)
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
            if not visible_projects(request.user, Clock()).filter(code=code).exists():
                raise UndoneSince from repeated
        return self.told(code, HTTPStatus.CREATED)


class ProjectView(WriteMixin, Telling, ReadView):
    """One project; PATCH changes its fields. What is a fact is recorded as a fact."""

    resource = "projects"

    @documented("A project", ProjectSerializer)
    def get(self, request, code):
        return self.told(code)

    @writing("Change a project", 200, 400, 401, 403, 404, 412, 415, 428, 503)
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


class ProjectFactsView(WriteMixin, Telling, ListView):
    """Every fact of a project, on both clocks, withdrawn ones included; POST records
    a further one, or says that one was wrong."""

    resource = "projects"

    @documented("A project's facts", FactSerializer, many=True)
    def get(self, request, code):
        project = visible_project(request.user, code, self.clock)
        rows = project_facts(project, self.clock, request.user)
        return self.answer_list(rows, key=fact_order)

    @extend_schema(
        operation_id="record_a_fact",
        summary="Record a fact",
        description=RECORDING,
        parameters=[IDEMPOTENCY_KEY, IF_MATCH_IF_ANY],
        request=FactWriteSerializer,
        responses={
            (201, "application/json"): FactsWrittenSerializer,
            **problems(400, 401, 403, 404, 412, 415, 422, 503),
        },
        examples=EXAMPLES,
    )
    def post(self, request, code):
        visible_project(request.user, code, Clock())
        self.authorise("edit")
        key = self.idempotency_key()
        version = self.version_read() if "If-Match" in request.headers else None
        sent = FactRequest(request.data)
        try:
            with self.entry("edit", code, key) as entry:
                self.record(code, version, sent, entry)
        except AlreadyRecorded as repeated:
            entry = repeated.entry
        return self.written(code, entry)

    def record(self, code, version, sent, entry):
        """Write what was sent of the project as it is under the lock."""
        user = self.request.user
        project = visible_project(user, code, Clock())
        locked(project, version)
        deed = sent.deed(project, user)
        require(user, deed.action, deed.resource)
        form = sent.form(deed)
        entry.what = deed.what(form)[:300]
        entry.reason = deed.why(form, sent.reason)
        entry.opens = project.get_absolute_url()
        sent.write(deed, form, entry, project)

    def written(self, code, entry):
        """What an entry recorded and withdrew of a project, and its ETag since."""
        project = visible_project(self.request.user, code, Clock())
        rows = project_facts(project, Clock(), self.request.user)
        told = {
            name: [row for row in rows if row[f"{name}_at"] == entry.recorded_at]
            for name in ("recorded", "withdrawn")
        }
        return self.versioned(Response(told, status=HTTPStatus.CREATED), project)
