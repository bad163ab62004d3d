"""Projects as IATI 2.03, for software and readably, with what gets lost on the way."""

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.text import slugify
from django.views.generic import TemplateView
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from aseanpm.api import (
    CLOCK_PARAMETERS,
    PROBLEMS,
    ListView,
    ReadView,
    documented,
    filter_parameters,
)
from aseanpm.pages import ClockMixin, page_of
from aseanpm.paging import BY_CODE, query_page
from aseanpm.permissions import can
from aseanpm.renderers import OrjsonRenderer

from .exchange import iati
from .exchange.iati_losses import KINDS, count_by_kind
from .filters import ProjectFilter
from .serializers import visible_project, visible_projects

XML = "application/xml"
COUNTED_AT_MOST = 2000  # projects whose losses are counted while a page is waited for


class XmlRenderer(OrjsonRenderer):
    """So that application/xml may be asked for; errors stay problem+json."""

    media_type = XML
    format = "xml"


class XmlView(ReadView):
    renderer_classes = [XmlRenderer, OrjsonRenderer]


def documented_xml(summary, parameters=CLOCK_PARAMETERS):
    return extend_schema(
        operation_id=slugify(summary).replace("-", "_"),
        summary=summary,
        parameters=parameters,
        responses={(200, XML): OpenApiTypes.BINARY, **PROBLEMS},
    )


def site_of(request):
    """The address of this site, without a slash at its end."""
    return request.build_absolute_uri("/").rstrip("/")


class ProjectActivityView(XmlView):
    """One project as an IATI 2.03 file of one activity."""

    @documented_xml("A project as IATI")
    def get(self, request, code):
        project = visible_project(request.user, code, self.clock)
        one = visible_projects(request.user, self.clock).filter(pk=project.pk)
        file = iati.activities(one, request.user, site_of(request))
        return StreamingHttpResponse(file, content_type=XML)


class OrganisationsView(XmlView):
    """The secretariat as an IATI 2.03 organisation file; it knows no clock."""

    known_parameters = frozenset()

    @documented_xml("The secretariat as IATI", parameters=[])
    def get(self, request):
        return HttpResponse(iati.organisations(), content_type=XML)


class LossSerializer(serializers.Serializer):
    """What IATI 2.03 cannot hold of a project, or we do not know."""

    kind = serializers.ChoiceField([(name, kind.label) for name, kind in KINDS.items()])
    says = serializers.CharField()
    address = serializers.CharField(help_text="Where the field stands on this site.")


class ProjectLossesSerializer(serializers.Serializer):
    code = serializers.CharField()
    losses = LossSerializer(many=True)


class LossesView(ListView):
    """What IATI 2.03 loses of each project, by code."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *ProjectFilter.names()}

    @documented(
        "What IATI loses",
        ProjectLossesSerializer,
        filter_parameters(ProjectFilter),
        many=True,
    )
    def get(self, request):
        projects = visible_projects(request.user, self.clock)
        found = ProjectFilter.found(request.query_params, projects)
        page, following = query_page(found, BY_CODE, False, request.query_params)
        keys = [row["pk"] for row in page]
        losses = iati.losses(keys, self.clock, request.user)
        may_edit = can(request.user, "edit", "projects")
        rows = [
            {
                "code": project.code,
                "losses": [loss.row(self.clock, may_edit) for loss in each],
            }
            for project, each in losses
        ]
        return self.answer(rows, following, found.count)


class ProjectIatiView(ClockMixin, TemplateView):
    """A project's activity, readably, beside what is lost of it."""

    template_name = "projects/iati_project.html"

    def get_context_data(self, code, **context):
        user = self.request.user
        project = visible_project(user, code, self.clock)
        one = visible_projects(user, self.clock).filter(pk=project.pk)
        file = iati.activities(one, user, site_of(self.request))
        ((_, losses),) = iati.losses([project.pk], self.clock, user)
        return super().get_context_data(
            project=project,
            file=b"".join(file).decode(),
            losses=rows_of(losses, self.clock, user),
            **context,
        )


class IatiView(ClockMixin, TemplateView):
    """What the files hold and what gets lost, of every project that a filter leaves."""

    template_name = "projects/iati.html"

    def check_parameters(self, parameters):
        ProjectFilter.check_names(parameters, also=("page",))

    def get_context_data(self, **context):
        user, asked = self.request.user, self.request.GET
        projects = visible_projects(user, self.clock)
        filters = ProjectFilter(asked, projects)
        found = filters.rows.order_by("code")
        page = page_of(self.request, found.values_list("pk", flat=True))
        losses = iati.losses(list(page.object_list), self.clock, user)
        return super().get_context_data(
            page_obj=page,
            filter=filters,
            projects=[
                (project, rows_of(each, self.clock, user)) for project, each in losses
            ],
            counts=self.counts(found, page.paginator.count, user),
            counted_at_most=COUNTED_AT_MOST,
            organisation=iati.organisation(),
            is_registered=iati.is_registered(),
            activities=self.in_api("api:projects", format="iati"),
            losses_api=self.in_api("api:iati-losses"),
            **context,
        )

    def counts(self, found, count, user):
        """The counts by kind over the whole list; None for a long one."""
        if count > COUNTED_AT_MOST:
            return None
        keys = list(found.values_list("pk", flat=True))
        losses = []
        for start in range(0, len(keys), iati.BATCH):
            batch = keys[start : start + iati.BATCH]
            for _, each in iati.losses(batch, self.clock, user):
                losses += each
        return count_by_kind(losses)

    def in_api(self, name, **parameters):
        """The address of the same list in the API."""
        query = self.request.GET.copy()
        query.pop("page", None)
        query.update(parameters)
        text = query.urlencode()
        return reverse(name) + (f"?{text}" if text else "")


def rows_of(losses, clock, user):
    """[(Loss, its address)] for a reader."""
    may_edit = can(user, "edit", "projects")
    return [(loss, loss.address(clock, may_edit)) for loss in losses]
