from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from . import views

urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("search/", views.SearchView.as_view(), name="search"),
    path("about/", views.AboutView.as_view(), name="about"),
    path("permissions/", views.PermissionsView.as_view(), name="permissions"),
    path("undo/<int:sequence>/", views.UndoView.as_view(), name="undo"),
    path("healthz", views.health, name="health"),
    path("readyz", views.ready, name="ready"),
    path("", include("projects.urls")),
    path("", include("workplans.urls")),
    path("", include("partners.urls")),
    path("accounts/", include("partners.account_urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("aseanpm.api_urls")),
    path("api/docs/", views.docs(SpectacularSwaggerSplitView), name="api-docs"),
]

handler400 = "aseanpm.views.bad_request"
handler403 = "aseanpm.views.forbidden"
handler404 = "aseanpm.views.not_found"
