"""Plans, areas, lines, meetings and print in the API, read-only."""

from django.urls import reverse
from rest_framework.response import Response

from aseanpm.api import ListView, ReadView, documented, filter_parameters
from aseanpm.pages import row_or_404
from aseanpm.paging import BY_CODE
from projects.models import Status
from projects.progress import (
    count_by_meeting,
    line_standings,
    plan_progress,
    plans_progress,
)
from projects.serializers import visible_projects

from .filters import (
    AreaFilter,
    FigureFilter,
    IndicatorFilter,
    LineFilter,
    MeetingFilter,
)
from .models import (
    ActionLine,
    Indicator,
    Meeting,
    PublishedFigure,
    StrategicArea,
    WorkPlan,
)
from .serializers import (
    AreaRowSerializer,
    FigureSerializer,
    IndicatorRowSerializer,
    LineRowSerializer,
    LineSerializer,
    MeetingRowSerializer,
    PlanRowSerializer,
    PlanSerializer,
    ProgressSerializer,
    area_row,
    figure_dict,
    figures_told,
    framework_links,
    indicator_row,
    line_row,
    line_whole,
    meeting_row,
    plan_row,
    plan_whole,
    progress_answer,
    with_records,
)


class PlanListView(ListView):
    """All work plans, with how far each has come."""

    @documented("Work plans", PlanRowSerializer, many=True)
    def get(self, request):
        plans = list(WorkPlan.objects.select_related("programme", "predecessor"))
        projects = visible_projects(request.user, self.clock)
        successors = {
            plan.predecessor_id: plan.code
            for plan in plans
            if plan.is_adopted_by(self.clock.last_day)
        }
        told = plans_progress(plans, projects)
        rows = [plan_row(told[plan.pk], successors.get(plan.pk)) for plan in plans]
        return self.answer_list(rows)


class PlanView(ReadView):
    """One work plan, with its areas, its rule and its links to frameworks."""

    @documented("A work plan", PlanSerializer)
    def get(self, request, code):
        plans = WorkPlan.objects.select_related("programme", "predecessor")
        plan = row_or_404(plans, code=code)
        one = plan_progress(plan, visible_projects(request.user, self.clock))
        successor = plan.successor_by(self.clock.last_day)
        links = framework_links(plan.framework_links, self.clock)
        progress = reverse("api:plan-progress", args=[plan.code])
        return Response(
            plan_whole(one, links, successor.code if successor else None)
            | {"progress": request.build_absolute_uri(progress)}
        )


class PlanProgressView(ReadView):
    """How far a plan has come: lines, projects, money, funders, areas."""

    @documented("A plan's progress", ProgressSerializer)
    def get(self, request, code):
        plan = row_or_404(WorkPlan.objects, code=code)
        projects = visible_projects(request.user, self.clock)
        body = progress_answer(plan, projects, request.user)
        told = with_records(body, plan.headline_kind, self.records)
        return Response(told | {"permalink": self.permalink})


class AreaListView(ListView):
    """The strategic areas of all plans."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *AreaFilter.names()}

    @documented(
        "Strategic areas", AreaRowSerializer, filter_parameters(AreaFilter), many=True
    )
    def get(self, request):
        areas = AreaFilter.found(request.query_params, StrategicArea.objects.all())
        plans = WorkPlan.objects.filter(pk__in=areas.order_by().values("plan"))
        told = plans_progress(plans, visible_projects(request.user, self.clock))
        rows = [
            area_row(count, one.plan) for one in told.values() for count in one.areas
        ]
        return self.answer_list(rows)


class LineListView(ListView):
    """Lines with their state, with the same filters as the page."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *LineFilter.names()}

    @documented("Lines", LineRowSerializer, filter_parameters(LineFilter), many=True)
    def get(self, request):
        projects = visible_projects(request.user, self.clock)
        filters = LineFilter(
            request.query_params, ActionLine.objects.all(), projects=projects
        )
        found = filters.rows

        def rows_of(keys):
            related = ActionLine.objects.select_related("plan", "area", "parent")
            lines = related.in_bulk(keys)
            return [line_row(lines[key], filters.standings[key]) for key in keys]

        return self.answer_query(found, BY_CODE, False, rows_of)


class LineView(ReadView):
    """One line, with what was reported, noted and linked."""

    @documented("A line", LineSerializer)
    def get(self, request, code):
        lines = ActionLine.objects.select_related("plan", "area", "parent")
        line = row_or_404(lines, code=code)
        projects = visible_projects(request.user, self.clock)
        standing = line_standings(projects)[line.pk]
        return Response(line_whole(line, standing, projects))


class IndicatorListView(ListView):
    """What is measured of lines and of the projects that the reader sees.

    Targets are those of the clock. An indicator itself has no dates: it is told on
    every clock, if its project is.
    """

    @property
    def known_parameters(self):
        return {*super().known_parameters, *IndicatorFilter.names()}

    @documented(
        "Indicators",
        IndicatorRowSerializer,
        filter_parameters(IndicatorFilter),
        many=True,
    )
    def get(self, request):
        projects = visible_projects(request.user, self.clock)
        told = Indicator.objects.told_with(projects)
        found = IndicatorFilter.found(request.query_params, told, projects=projects)

        def rows_of(keys):
            related = Indicator.objects.select_related("line__plan", "project")
            rows = related.prefetch_related("sources").filter(pk__in=keys)
            by_key = {row.pk: row for row in rows.with_targets(self.clock)}
            return [indicator_row(by_key[key]) for key in keys if key in by_key]

        return self.answer_query(found, BY_CODE, False, rows_of)


class MeetingListView(ListView):
    """Meetings held by the day asked for; without a day, all that are on record."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *MeetingFilter.names()}

    @documented(
        "Meetings", MeetingRowSerializer, filter_parameters(MeetingFilter), many=True
    )
    def get(self, request):
        meetings = Meeting.objects.held_by(self.clock.day)
        found = MeetingFilter.found(request.query_params, meetings)
        projects = visible_projects(request.user, self.clock)
        approvals = count_by_meeting(projects, Status.APPROVED)
        on = self.clock.last_day

        def rows_of(keys):
            related = Meeting.objects.select_related("body", "chair_country", "country")
            rows = related.prefetch_related("sources").in_bulk(keys)
            return [meeting_row(rows[key], approvals, on) for key in keys]

        return self.answer_query(found, BY_CODE, False, rows_of)


class FigureListView(ListView):
    """Published figures, each with its qualifier, sources and breakdown."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *FigureFilter.names()}

    @documented(
        "Published figures",
        FigureSerializer,
        filter_parameters(FigureFilter),
        many=True,
    )
    def get(self, request):
        told = figures_told(PublishedFigure.objects.all(), self.clock)
        found = FigureFilter.found(request.query_params, told)
        return self.answer_list([figure_dict(figure) for figure in found])
