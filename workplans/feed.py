"""What everybody is told of plans, lines, meetings and print, for the change feed."""

from aseanpm.feed import PUBLIC, Kind, Part, reference, register, told_of
from aseanpm.models import Source
from projects.feed import MEMBERSHIPS, audiences_of
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


def told_of_indicators(keys=None):
    """Those of lines to everybody, those of a project to whoever is told of it."""
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
        route="api:indicators",
        only_listed=True,
    )
)
