from django.urls import path

from . import (
    bulk_views,
    edit_views,
    iati_views,
    import_views,
    life_views,
    money_views,
    views,
)

app_name = "projects"
urlpatterns = [
    path("projects/", views.ProjectListView.as_view(), name="list"),
    path("projects/columns/", views.ProjectColumnsView.as_view(), name="columns"),
    path("projects/views/", views.ProjectViewsView.as_view(), name="views"),
    path("projects/views/<int:number>/", views.ProjectViewView.as_view(), name="view"),
    path("projects/bulk/", bulk_views.BulkView.as_view(), name="bulk"),
    path("imports/", import_views.ImportsView.as_view(), name="imports"),
    path("imports/projects/", import_views.ImportView.as_view(), name="import"),
    path(
        "imports/projects/template.csv",
        import_views.ImportTemplateView.as_view(),
        name="import-template",
    ),
    path("projects/new/", edit_views.NewProjectView.as_view(), name="new"),
    path("projects/<str:code>/", views.ProjectDetailView.as_view(), name="detail"),
    path(
        "projects/<str:code>/edit/", edit_views.EditProjectView.as_view(), name="edit"
    ),
    path(
        "projects/<str:code>/move/<str:status>/",
        life_views.MoveView.as_view(),
        name="move",
    ),
    path(
        "projects/<str:code>/steps/new/",
        life_views.StepView.as_view(),
        name="step-new",
    ),
    path(
        "projects/<str:code>/facts/<uuid:fact>/correct/",
        life_views.CorrectView.as_view(),
        name="fact-correct",
    ),
    path(
        "projects/<str:code>/facts/<uuid:fact>/withdraw/",
        life_views.WithdrawView.as_view(),
        name="fact-withdraw",
    ),
    path(
        "projects/<str:code>/money/new/",
        money_views.MoneyView.as_view(),
        name="money-new",
    ),
    path(
        "projects/<str:code>/iati/",
        iati_views.ProjectIatiView.as_view(),
        name="project-iati",
    ),
    path("iati/", iati_views.IatiView.as_view(), name="iati"),
    path("rates/", money_views.RatesView.as_view(), name="rates"),
    path("rates/new/", money_views.RateView.as_view(), name="rate-new"),
    path("rates/import/", money_views.RateListView.as_view(), name="rates-import"),
    path(
        "rates/proposed/", money_views.ProposedRateView.as_view(), name="rate-proposed"
    ),
    path(
        "rates/<str:currency>/<str:on>/edit/",
        money_views.RateView.as_view(),
        name="rate-edit",
    ),
]
