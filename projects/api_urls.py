from django.urls import path

from . import api

urlpatterns = [
    path("projects/", api.ProjectListView.as_view(), name="projects"),
    path("projects/<str:code>/", api.ProjectView.as_view(), name="project"),
    path(
        "projects/<str:code>/facts/",
        api.ProjectFactsView.as_view(),
        name="project-facts",
    ),
]
