"""What everybody is told of plans, lines, meetings and print, for the change feed."""

from aseanpm.feed import Part, reference
from aseanpm.models import Source

from .models import (
    ActionLine,
    Body,
    Conclusion,
    DeclaredTotal,
    Framework,
    FrameworkLink,
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
