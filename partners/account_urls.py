from django.urls import path, re_path
from django.views.generic import RedirectView

from . import account_views as views
from . import token_views

# Addresses and other services' logins are an administrator's matter here.
elsewhere = RedirectView.as_view(pattern_name="accounts:profile")

app_name = "accounts"
urlpatterns = [
    path("email/", elsewhere, name="email"),
    path("3rdparty/", elsewhere, name="connections"),
    path("profile/", views.ProfileView.as_view(), name="profile"),
    path("tokens/", token_views.TokenListView.as_view(), name="tokens"),
    path("tokens/all/", token_views.AllTokensView.as_view(), name="all-tokens"),
    path("tokens/<uuid:uuid>/", token_views.TokenView.as_view(), name="token"),
    path(
        "tokens/<uuid:uuid>/revoke/",
        token_views.RevokeView.as_view(),
        name="token-revoke",
    ),
    path("users/", views.UserListView.as_view(), name="users"),
    path("users/invite/", views.InviteView.as_view(), name="invite"),
    re_path(
        r"^users/(?P<email>.+)/(?P<deed>close|open|link|factor)/$",
        views.UserDeedView.as_view(),
        name="user-deed",
    ),
    path("users/<path:email>/", views.UserView.as_view(), name="user"),
]
