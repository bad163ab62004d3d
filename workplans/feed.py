"""What everybody is told of plans, lines, meetings and print, for the change feed."""

from aseanpm.feed import PUBLIC, Kind, Part, reference, register, told_of
from aseanpm.models import Source
from projects.feed import MEMBERSHIPS, audiences_of
from projects.feed import due as due_projects
from projects.models import Project

from .models import (
    ActionLine,
    Body,
    Conclusion,
    DeclaredTotal,
    Framework,
    FrameworkLink,
    Indicator,
    IndicatorTarget,
    Meeting,
    Milestone,
    PartnerStatement,
    PlanRule,
    Programme,
    PublishedFigure,
    ReportedState,
    Statement,
    StrategicArea,
    Theme,
    WorkPlan,
)

OF_THE_WRITER = ("sequence", "withdrawn_by")

reference(
    "plan",
    Part(WorkPlan),
    Part(PlanRule, "plan__code", without=OF_THE_WRITER),
    Part(DeclaredTotal, "plan__code", without=OF_THE_WRITER),
    Part(FrameworkLink, "plan__code"),
    route="api:plan",
)
reference("area", Part(StrategicArea), route="api:areas", only_listed=True)
reference(
    "line",
    Part(ActionLine),
    Part(Milestone, "line__code"),
    Part(ReportedState, "line__code"),
    Part(FrameworkLink, "line__code"),
    route="api:line",
)
reference("meeting", Part(Meeting), route="api:meetings", only_listed=True)
reference(
    "figure",
    Part(PublishedFigure, where=(("part_of", None),)),
    Part(PublishedFigure, "part_of__code"),
    route="api:figures",
    only_listed=True,
)
reference("conclusion", Part(Conclusion, "pk"))
reference("partner statement", Part(PartnerStatement, "pk", without=("pledges",)))
reference("programme", Part(Programme))
reference("theme", Part(Theme))
reference("body", Part(Body))
reference("framework", Part(Framework), Part(Statement, "framework__code"))
reference("source", Part(Source))

OF_INDICATORS = told_of(
    Part(Indicator), Part(IndicatorTarget, "indicator__code", without=OF_THE_WRITER)
)


def touched_indicators(touched):
    """None, for all of them, where a write changes one or who sees one; else none."""
    seen_through = Indicator.objects.filter(project__isnull=False)
    if MEMBERSHIPS not in touched:
        seen_through = seen_through.filter(project__in=touched.get(Project, ()))
    if {Indicator, IndicatorTarget} & touched.keys() or seen_through.exists():
        return None
    return ()


def due_indicators(since, today):
    """None, for all of them, where one is of a project that falls due; else none."""
    due = due_projects(since, today)
    return None if Indicator.objects.filter(project__in=due).exists() else ()


def told_of_indicators(keys=None):
    """Those of lines to everybody, those of a project to whoever is told of it."""
    if keys is not None:
        return set(), {}
    codes, found = OF_INDICATORS()
    rows = Indicator.objects.filter(project__isnull=False)
    projects = dict(rows.values_list("code", "project"))
    if projects:
        told = audiences_of(set(projects.values()))
        for code, key in projects.items():
            content = found.pop((PUBLIC, code))
            found |= {(audience, code): content for audience in told.get(key, ())}
    return codes, found


register(
    Kind(
        "indicator",
        (Indicator, IndicatorTarget, Project, MEMBERSHIPS),
        told_of_indicators,
        keys=touched_indicators,
        due=due_indicators,
        route="api:indicators",
        only_listed=True,
    )
)
