from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from . import document_views, history_views, queue_views, talk_views, views

ABOUT = ("project", "line", "meeting")
urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("search/", views.SearchView.as_view(), name="search"),
    path("about/", views.AboutView.as_view(), name="about"),
    path("shortcuts/", views.ShortcutsView.as_view(), name="shortcuts"),
    path("permissions/", views.PermissionsView.as_view(), name="permissions"),
    path(
        "illustrative/remove/",
        views.RemoveIllustrativeView.as_view(),
        name="remove-illustrative",
    ),
    path("history/", history_views.HistoryView.as_view(), name="history"),
    path(
        "history/<int:sequence>/",
        history_views.EntryView.as_view(),
        name="history-entry",
    ),
    path(
        "history/<str:kind>/<str:key>/",
        history_views.RecordHistoryView.as_view(),
        name="history-of",
    ),
    path(
        "history/<str:kind>/<int:history_id>/restore/",
        history_views.RestoreView.as_view(),
        name="restore",
    ),
    path(
        "projects/<str:key>/history/",
        history_views.RecordHistoryView.as_view(),
        name="project-history",
    ),
    path("undo/<int:sequence>/", history_views.UndoView.as_view(), name="undo"),
    path("queue/", queue_views.QueueView.as_view(), name="queue"),
    path("queue/pair/", queue_views.PairView.as_view(), name="queue-pair"),
    *(
        path(f"{kind}s/<str:code>/{address}/new/", view.as_view(), {"kind": kind}, name)
        for kind in ABOUT
        for address, view, name in (
            ("comments", talk_views.CommentView, "comment-new"),
            ("action-points", talk_views.ActionPointView, "action-point-new"),
            ("documents", document_views.UploadView, "document-new"),
        )
        if (kind, address) != ("line", "documents")
    ),
    path(
        "comments/<int:number>/withdraw/",
        talk_views.CommentWithdrawView.as_view(),
        name="comment-withdraw",
    ),
    path(
        "action-points/<int:number>/",
        talk_views.ActionPointEditView.as_view(),
        name="action-point",
    ),
    *(
        path(f"action-points/<int:number>/{deed}/", view.as_view(), name=name)
        for deed, view, name in (
            ("done", talk_views.DoneView, "action-point-done"),
            ("reopen", talk_views.ReopenView, "action-point-reopen"),
            ("withdraw", talk_views.ActionPointWithdrawView, "action-point-withdraw"),
        )
    ),
    path(
        "documents/<str:name>/", document_views.DocumentView.as_view(), name="document"
    ),
    path(
        "documents/<str:name>/edit/",
        document_views.DocumentEditView.as_view(),
        name="document-edit",
    ),
    path(
        "documents/<str:name>/withdraw/",
        document_views.DocumentWithdrawView.as_view(),
        name="document-withdraw",
    ),
    path("healthz", views.health, name="health"),
    path("readyz", views.ready, name="ready"),
    path("", include("projects.urls")),
    path("", include("workplans.urls")),
    path("", include("partners.urls")),
    path("accounts/", include("partners.account_urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/", views.ApiStartView.as_view(), name="api-start"),
    path("api/v1/", include("aseanpm.api_urls")),
    path("api/docs/", views.docs(SpectacularSwaggerSplitView), name="api-docs"),
]

handler400 = "aseanpm.views.bad_request"
handler403 = "aseanpm.views.forbidden"
handler404 = "aseanpm.views.not_found"
