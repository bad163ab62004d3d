from django.urls import path

from . import figures_views, views

app_name = "workplans"
urlpatterns = [
    path("plans/", views.PlanListView.as_view(), name="plans"),
    path("plans/<str:code>/", views.PlanDetailView.as_view(), name="plan"),
    path("lines/", views.LineListView.as_view(), name="lines"),
    path("lines/<str:code>/", views.LineDetailView.as_view(), name="line"),
    path("meetings/", views.MeetingListView.as_view(), name="meetings"),
    path("meetings/<str:code>/", views.MeetingDetailView.as_view(), name="meeting"),
    path(
        "reconciliation/",
        figures_views.ReconciliationView.as_view(),
        name="reconciliation",
    ),
]
