"""Pages of API tokens: one's own, everybody's, and what was pulled with each."""

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.views.generic import TemplateView

from aseanpm.filters import without_tags
from aseanpm.pages import page_of, row_or_404
from aseanpm.permissions import require
from aseanpm.problems import refuse_unknown
from aseanpm.workplace import NothingChanged, WorkMixin, add_errors

from . import tokens
from .models import ApiToken
from .token_forms import TokenForm


class TokenListView(WorkMixin, TemplateView):
    """One's own tokens. A new one is shown in the answer to its form alone."""

    resource = "tokens"
    action = "create"
    is_private = True
    template_name = "partners/token_list.html"

    def get(self, request):
        refuse_unknown(without_tags(request.GET), {"page"})
        return self.render_to_response(self.get_context_data(form=self.new_form()))

    def post(self, request):
        form = self.new_form(request.POST)
        if form.is_valid():
            try:
                return self.save(form)
            except ValidationError as error:
                add_errors(form, error)
        self.refuse_twin()
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def new_form(self, data=None):
        return TokenForm(data, instance=ApiToken(user=self.request.user))

    def save(self, form):
        name = form.cleaned_data["name"]
        with self.entry(f"Made the API token “{name}”") as entry:
            made, text = tokens.make(user=self.request.user, **form.cleaned_data)
            entry.opens = made.get_absolute_url()
        self.is_spent = True
        context = self.get_context_data(form=self.new_form(), made=made, text=text)
        return self.render_to_response(context)

    def get_context_data(self, **context):
        own = self.request.user.auth_token_set.standing_first()
        return super().get_context_data(
            page_obj=page_of(self.request, own),
            example=self.request.build_absolute_uri(reverse("api:projects")),
            **context,
        )


class AllTokensView(WorkMixin, TemplateView):
    resource = "tokens"
    action = "view"
    template_name = "partners/token_all.html"

    def get_context_data(self, **context):
        refuse_unknown(without_tags(self.request.GET), {"page"})
        found = ApiToken.objects.standing_first().select_related(
            "user__country", "user__partner"
        )
        return super().get_context_data(
            page_obj=page_of(self.request, found), **context
        )


class TokenMixin(WorkMixin):
    """A page about one token: one's own, or anybody's for administrators."""

    resource = "tokens"

    def check_right(self, user):
        require(user, self.action, self.resource, own=True)
        seen = ApiToken.objects.visible_to(user).select_related("user")
        self.token = row_or_404(seen, uuid=self.kwargs["uuid"])


class TokenView(TokenMixin, TemplateView):
    """What a token may do, and what was pulled with it, newest first."""

    action = "view"
    template_name = "partners/token.html"

    def get_context_data(self, **context):
        refuse_unknown(without_tags(self.request.GET), {"page"})
        return super().get_context_data(
            token=self.token,
            page_obj=page_of(self.request, self.token.pulls.all()),
            kept=tokens.KEPT,
            **context,
        )


class RevokeView(TokenMixin, TemplateView):
    """Asks once, then revokes."""

    is_private = True
    template_name = "partners/token_revoke.html"

    def post(self, request, uuid):
        token, back = self.token, self.back
        what = f"Revoked the API token “{token.name}” of {token.user.email}"
        with self.entry(what) as entry:
            if not tokens.revoke(token=token, entry=entry):
                raise NothingChanged(back)
            entry.opens = token.get_absolute_url()
        return self.done(
            entry, f"The token “{token.name}” opens nothing any more.", back
        )

    @property
    def back(self):
        own = self.token.user_id == self.request.user.pk
        return reverse("accounts:tokens" if own else "accounts:all-tokens")

    def get_context_data(self, **context):
        return super().get_context_data(token=self.token, back=self.back, **context)
