"""The form that makes a token."""

from django import forms

from aseanpm.forms import TidyMixin

from .models import ApiToken
from .tokens import LONGEST

LASTS = {30: "30 days", 90: "90 days", 180: "180 days", LONGEST: "A year"}


class TokenForm(TidyMixin, forms.ModelForm):
    """Only the secretariat is asked for a scope: all others read."""

    days = forms.TypedChoiceField(
        label="It lasts",
        coerce=int,
        choices=list(LASTS.items()),
        initial=90,
        help_text="Make a new one before it expires; a program can hold both.",
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scope"]
        labels = {"name": "What it is for", "scope": "What it may do"}
        help_texts = {"name": "Such as “nightly sync” or “dashboard in Canberra”."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.instance.user.is_secretariat:
            del self.fields["scope"]
