"""Pages of users: one's own profile, and all of them for administrators."""

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.views.generic import TemplateView, View

from aseanpm.filters import without_tags
from aseanpm.pages import page_of, row_or_404
from aseanpm.problems import refuse_unknown
from aseanpm.workplace import KeptFormView, NothingChanged, WorkMixin

from . import accounts
from .account_forms import ProfileForm, UserForm
from .models import User

LINK = "password_link"  # in the session, until it was shown


class ProfileView(KeptFormView, TemplateView):
    """One's own name; role and address are an administrator's matter."""

    offers_undo = False
    form_class = ProfileForm
    template_name = "partners/profile.html"
    resource = "users"
    is_private = True

    def check_right(self, user):
        """Everyone who has signed in has a profile."""

    def get_object(self):
        return User.objects.select_related("country", "partner").get(
            pk=self.request.user.pk
        )

    def address_of(self, row):
        return reverse("accounts:profile")


class UserListView(WorkMixin, TemplateView):
    template_name = "partners/user_list.html"
    resource = "users"
    action = "view"

    def get_context_data(self, **context):
        asked = self.request.GET
        refuse_unknown(without_tags(asked), {"search", "page"})
        text = asked.get("search", "").strip()
        factors = Authenticator.objects.filter(user=OuterRef("pk"))
        users = (
            User.objects.filter(Q(email__icontains=text) | Q(name__icontains=text))
            .select_related("country", "partner")
            .annotate(has_second_factor=Exists(factors))
        )
        return super().get_context_data(
            page_obj=page_of(self.request, users), search=text, **context
        )


class UserFormView(KeptFormView, TemplateView):
    form_class = UserForm
    template_name = "partners/user_form.html"
    resource = "users"
    is_private = True

    def address_of(self, row):
        return reverse("accounts:users")


class InviteView(UserFormView):
    """A new user, who gets a link to set a password."""

    action = "create"
    title = "Invite somebody"

    def save(self, form, version):
        email = form.cleaned_data["email"]
        with self.entry(f"Invited {email}") as entry:
            user = accounts.invite(**form.cleaned_data)
            entry.opens = reverse("accounts:user", args=[email])
        return hand_out_link(self.request, user)


class UserView(UserFormView):
    """Change who somebody is; the doors to what else helps or closes a login."""

    def get_object(self):
        return user_or_404(self.kwargs["email"])

    def save(self, form, version):
        user, values = form.instance, form.cleaned_data
        with self.entry(f"Changed the login of {user.email}") as entry:
            by = self.request.user
            if not accounts.change_user(user, by=by, version=version, **values):
                raise NothingChanged(self.address_of(user))
            entry.opens = self.address_of(user)
        return self.done(entry, f"{user} was saved.", self.address_of(user))

    def get_context_data(self, **context):
        link = self.request.session.pop(LINK, None)
        return super().get_context_data(
            link=link if link and link["email"] == self.row.email else None,
            factors=Authenticator.objects.filter(user=self.row).exists(),
            **context,
        )


class UserDeedView(WorkMixin, View):
    """One press: close or open a login, hand out a link, take a second factor away."""

    resource = "users"
    is_private = True
    http_method_names = ["post"]

    def post(self, request, email, deed):
        user = user_or_404(email)
        back = reverse("accounts:user", args=[email])
        try:
            return getattr(self, deed)(user, back)
        except ValidationError as error:
            for sentence in error.messages:
                messages.error(request, sentence)
            return HttpResponseRedirect(back)

    def close(self, user, back):
        with self.entry(f"Closed the login of {user.email}") as entry:
            accounts.change_user(user, by=self.request.user, is_active=False)
            entry.opens = back
        return self.done(entry, f"{user} can no longer sign in.", back)

    def open(self, user, back):
        with self.entry(f"Opened the login of {user.email} again") as entry:
            accounts.change_user(user, by=self.request.user, is_active=True)
            entry.opens = back
        return self.done(entry, f"{user} can sign in again.", back)

    def link(self, user, back):
        with self.entry(f"Made a link for {user.email} to set a password") as entry:
            entry.opens = back
        return hand_out_link(self.request, user)

    def factor(self, user, back):
        with self.entry(f"Took the second factor of {user.email} away") as entry:
            accounts.take_second_factor_away(user)
            entry.opens = back
        return self.done(entry, f"{user} has no second factor any more.", back)


def user_or_404(email):
    return row_or_404(User.objects.select_related("country", "partner"), email=email)


def hand_out_link(request, user):
    """Mail a link to set a password, and show it once: mail may not be set up."""
    url = accounts.password_link(user)
    context = {"user": user, "url": url, "by": request.user}
    mailed = not settings.EMAIL_BACKEND.endswith("console.EmailBackend")
    try:
        get_adapter().send_mail("account/email/invitation", user.email, context)
    except OSError:  # smtplib's errors are
        mailed = False
    request.session[LINK] = {"email": user.email, "url": url, "mailed": mailed}
    return HttpResponseRedirect(reverse("accounts:user", args=[user.email]))
