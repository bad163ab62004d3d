"""Who may sign in and how: what allauth asks this site, and the writes of users."""

import logging

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.app_settings import PASSWORD_RESET_TOKEN_GENERATOR
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.urls import reverse
from rest_framework.permissions import BasePermission

from aseanpm.facts import ledger_entry, open_entry
from aseanpm.writing import change, create

from . import tokens
from .models import Country, Partner, User

logger = logging.getLogger(__name__)

# What quickstart makes, and only quickstart
DEMO_PASSWORD = "asean-demo-2026"  # noqa: S105
DEMO_LOGINS = (
    {"email": "admin@example.org", "role": "administrator"},
    {"email": "editor@example.org", "role": "editor"},
    {"email": "coordinator.vn@example.org", "role": "coordinator", "country": "VN"},
    {"email": "coordinator.kh@example.org", "role": "coordinator", "country": "KH"},
    {"email": "coordinator.la@example.org", "role": "coordinator", "country": "LA"},
    {"email": "coordinator.mm@example.org", "role": "coordinator", "country": "MM"},
    {"email": "partner.jp@example.org", "role": "partner", "partner": "JP"},
)


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up; a sign-in is no change of the user's row."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": (
            "This e-mail address and this password do not belong together."
        ),
        "too_many_login_attempts": (
            "Too many attempts. Wait a few minutes and try again."
        ),
        "incorrect_password": "This is not your password.",
        "enter_current_password": "This is not your password.",
    }

    def is_open_for_signup(self, request):
        return False

    def login(self, request, user):
        user.skip_history_when_saving = True  # last_login is not in it
        try:
            super().login(request, user)
        finally:
            del user.skip_history_when_saving

    def set_password(self, user, password):
        user.set_password(password)
        with ledger_entry(user, what=f"{user.email} set a password") as entry:
            entry.is_private = True
            user.save(update_fields=["password"])

    def send_notification_mail(self, *args, **kwargs):
        try:
            super().send_notification_mail(*args, **kwargs)
        except OSError:  # smtplib's errors are; what it tells of has been done
            logger.warning("A notification could not be mailed.", exc_info=True)

    def get_password_change_redirect_url(self, request):
        return reverse("accounts:profile")


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is not right. Type the one that is shown now."
    }


class OpenIdAdapter(DefaultSocialAccountAdapter):
    """OpenID Connect lets in whom an administrator invited, by a verified address."""

    def pre_social_login(self, request, sociallogin):
        if sociallogin.state.get("process") == "connect":
            raise ImmediateHttpResponse(
                HttpResponseRedirect(reverse("accounts:profile"))
            )
        if sociallogin.is_existing:
            # Without it allauth takes the password away, as of an impostor's sign-up.
            EmailAddress.objects.update_or_create(
                user=sociallogin.user,
                email=sociallogin.user.email,
                defaults={"verified": True},
            )


# The second factor

WAY_TO_ONE = ("/accounts/2fa/", "/accounts/reauthenticate/", "/accounts/logout/")


def second_factor_missing(user):
    """Whether this user may do nothing before a second factor is set up."""
    required = settings.ASEANPM_SECOND_FACTOR and user.is_authenticated
    return required and user.is_secretariat and not is_mfa_enabled(user)


def second_factor_gate(get_response):
    """Middleware. Who needs a second factor and has none is led to set one up.

    The API asks HasSecondFactor, once a token is read.
    """

    def respond(request):
        open_to_all = request.path.startswith((*WAY_TO_ONE, "/api/"))
        if open_to_all or not second_factor_missing(request.user):
            return get_response(request)
        return HttpResponseRedirect(reverse("mfa_index"))

    return respond


class HasSecondFactor(BasePermission):
    message = "Your role needs a second factor; set one up first."

    def has_permission(self, request, view):
        return not second_factor_missing(request.user)


# The writes of users, each inside a `ledger_entry`


def invite(**fields):
    """A new user who cannot sign in before setting a password by `password_link`."""
    user = User(**fields)
    user.set_unusable_password()
    return create(user)


def make_demo_logins():
    """The logins of DEMO_LOGINS that are not there yet."""
    with ledger_entry(what="Made the demo logins") as entry:
        entry.is_private = True
        for login in DEMO_LOGINS:
            if User.objects.filter(email=login["email"]).exists():
                continue
            user = User(email=login["email"], role=login["role"])
            user.country = Country.objects.filter(code=login.get("country")).first()
            user.partner = Partner.objects.filter(code=login.get("partner")).first()
            user.set_password(DEMO_PASSWORD)
            create(user)


def password_link(user):
    """The address at which this user, once and for three days, sets a password."""
    token = PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    key = f"{user_pk_to_url_str(user)}-{token}"
    return get_adapter().get_reset_password_from_key_url(key)


def change_user(user, *, by, version=None, **values):
    """Change a user's fields. Closing a login ends its sessions and tokens.

    Raises ValidationError for one's own role or closing, and where no administrator
    would be left; Stale as `writing.change` does.
    """
    before = User.objects.get(pk=user.pk)
    new = {
        name: value for name, value in values.items() if getattr(before, name) != value
    }
    if user.pk == by.pk and new.keys() & {"role", "country", "partner", "is_active"}:
        raise ValidationError(
            {"role": "Another administrator changes your role or closes your login."}
        )
    stays = values.get("role", before.role) == User.Role.ADMINISTRATOR and values.get(
        "is_active", before.is_active
    )
    if not stays and not administrators().exclude(pk=user.pk).exists():
        raise ValidationError({"role": "The last administrator stays."})
    changed = change(user, version=version, **values)
    if "email" in changed:  # the old address opens nothing any more
        EmailAddress.objects.filter(user=user).delete()
    if not user.is_active:
        for session in UserSession.objects.filter(user=user):
            session.end()
        tokens.revoke_all_of(user=user, moment=open_entry().recorded_at)
    return changed


def administrators():
    return User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True)


def take_second_factor_away(user):
    """For who lost telephone and codes: the password alone lets in, once more."""
    return Authenticator.objects.filter(user=user).delete()
