from django.urls import include, path, re_path

from . import feed_api, views

app_name = "api"
urlpatterns = [
    path("", include("projects.api_urls")),
    path("", include("workplans.api_urls")),
    path("", include("partners.api_urls")),
    path("changes/", feed_api.ChangesView.as_view(), name="changes"),
    path("schema/", views.SchemaView.as_view(), name="schema"),
    re_path("^.*$", views.UnknownEndpointView.as_view()),
]
