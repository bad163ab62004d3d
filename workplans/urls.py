from django.urls import path

from aseanpm.editing import NewReferenceView, ReferenceView

from . import figures_views, indicator_views, meeting_views, plan_views, views
from .plan_forms import RuleForm, TotalForm
from .reference_forms import (
    BodyForm,
    FrameworkForm,
    ProgrammeForm,
    StatementForm,
    ThemeForm,
)

TOTALS = {"form_class": TotalForm, "noun": "a declared total"}
RULES = {"form_class": RuleForm, "noun": "the rule"}
REFERENCE = (
    ("programme", "programmes", ProgrammeForm),
    ("theme", "themes", ThemeForm),
    ("body", "bodies", BodyForm),
    ("framework", "frameworks", FrameworkForm),
    ("statement", "statements", StatementForm),
)

app_name = "workplans"
urlpatterns = [
    path("plans/", views.PlanListView.as_view(), name="plans"),
    path("plans/new/", plan_views.NewPlanView.as_view(), name="plan-new"),
    path("plans/<str:code>/edit/", plan_views.PlanFormView.as_view(), name="plan-edit"),
    path(
        "plans/<str:code>/titles/", plan_views.TitlesView.as_view(), name="plan-titles"
    ),
    path(
        "plans/<str:code>/areas/new/", plan_views.NewAreaView.as_view(), name="area-new"
    ),
    path("areas/<str:code>/edit/", plan_views.AreaView.as_view(), name="area-edit"),
    path(
        "plans/<str:code>/lines/new/", plan_views.NewLineView.as_view(), name="line-new"
    ),
    path("lines/<str:code>/edit/", plan_views.LineView.as_view(), name="line-edit"),
    *(
        path(f"plans/<str:code>/{name}s/{where}", view.as_view(**kind), name=route)
        for name, kind in (("rule", RULES), ("total", TOTALS))
        for where, view, route in (
            ("new/", plan_views.PlanFactView, f"{name}-new"),
            ("<uuid:uuid>/correct/", plan_views.PlanFactView, f"{name}-correct"),
            (
                "<uuid:uuid>/withdraw/",
                plan_views.WithdrawPlanFactView,
                f"{name}-withdraw",
            ),
        )
    ),
    *(
        path(
            f"{kind}s/<str:code>/indicators/new/",
            indicator_views.NewIndicatorView.as_view(kind=kind),
            name=f"{kind}-indicator-new",
        )
        for kind in ("line", "project")
    ),
    path(
        "indicators/<str:code>/edit/",
        indicator_views.IndicatorView.as_view(),
        name="indicator-edit",
    ),
    *(
        path(f"indicators/<str:code>/targets/{where}", view.as_view(), name=route)
        for where, view, route in (
            ("new/", indicator_views.TargetView, "target-new"),
            (
                "<uuid:uuid>/correct/",
                indicator_views.TargetView,
                "target-correct",
            ),
            (
                "<uuid:uuid>/withdraw/",
                indicator_views.WithdrawTargetView,
                "target-withdraw",
            ),
        )
    ),
    path("plans/<str:code>/", views.PlanDetailView.as_view(), name="plan"),
    *(
        path(
            f"reference/{kind}/{where}",
            view.as_view(form_class=form, kind=kind),
            name=f"{stem}-{does}",
        )
        for stem, kind, form in REFERENCE
        for where, view, does in (
            ("new/", NewReferenceView, "new"),
            ("<str:code>/edit/", ReferenceView, "edit"),
        )
    ),
    path("lines/", views.LineListView.as_view(), name="lines"),
    path("lines/<str:code>/", views.LineDetailView.as_view(), name="line"),
    path("meetings/", views.MeetingListView.as_view(), name="meetings"),
    path(
        "meetings/new/", meeting_views.MeetingCreateView.as_view(), name="meeting-new"
    ),
    path(
        "meetings/circulation/",
        meeting_views.CirculationView.as_view(),
        name="circulation",
    ),
    path("meetings/<str:code>/", views.MeetingDetailView.as_view(), name="meeting"),
    *(
        path(f"meetings/<str:code>/{ending}/", view.as_view(), name=name)
        for ending, view, name in (
            ("edit", meeting_views.MeetingEditView, "meeting-edit"),
            ("agenda", meeting_views.AgendaView, "agenda"),
            ("decisions", meeting_views.DecisionsView, "decisions"),
            ("conclusions", meeting_views.ConclusionsView, "conclusions"),
            ("statements", meeting_views.StatementsView, "statements"),
            ("pledges", meeting_views.PledgesView, "pledges"),
            ("figures", meeting_views.MeetingFiguresView, "meeting-figures"),
            ("consultation", meeting_views.ConsultationView, "consultation"),
            ("concept", meeting_views.ConceptView, "concept"),
        )
    ),
    path(
        "reconciliation/",
        figures_views.ReconciliationView.as_view(),
        name="reconciliation",
    ),
]
