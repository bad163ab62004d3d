from django.urls import path

from . import api, figures_views

urlpatterns = [
    path("plans/", api.PlanListView.as_view(), name="plans"),
    path("plans/<str:code>/", api.PlanView.as_view(), name="plan"),
    path(
        "plans/<str:code>/progress/",
        api.PlanProgressView.as_view(),
        name="plan-progress",
    ),
    path("areas/", api.AreaListView.as_view(), name="areas"),
    path("lines/", api.LineListView.as_view(), name="lines"),
    path("lines/<str:code>/", api.LineView.as_view(), name="line"),
    path("indicators/", api.IndicatorListView.as_view(), name="indicators"),
    path("meetings/", api.MeetingListView.as_view(), name="meetings"),
    path("figures/", api.FigureListView.as_view(), name="figures"),
    path(
        "reconciliation/",
        figures_views.ReconciliationListView.as_view(),
        name="reconciliation",
    ),
]
