from django.urls import path

from . import api, iati_views

urlpatterns = [
    path("projects/", api.ProjectListView.as_view(), name="projects"),
    path("projects/<str:code>/", api.ProjectView.as_view(), name="project"),
    path(
        "projects/<str:code>/facts/",
        api.ProjectFactsView.as_view(),
        name="project-facts",
    ),
    path(
        "projects/<str:code>/iati/",
        iati_views.ProjectActivityView.as_view(),
        name="project-iati",
    ),
    path(
        "iati/organisations/",
        iati_views.OrganisationsView.as_view(),
        name="iati-organisations",
    ),
    path("iati/losses/", iati_views.LossesView.as_view(), name="iati-losses"),
]
