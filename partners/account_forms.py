"""allauth's forms with the labels of this house, and those of users."""

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms

from aseanpm.forms import TidyMixin

from .models import User

LABELS = {
    "login": "E-mail address",
    "email": "E-mail address",
    "oldpassword": "Your password now",
    "password1": "New password",
    "password2": "New password again",
    "name": "Name of this key",
    "passwordless": "Sign in with it instead of the password",
}
HELP = {
    "code": "Six digits from your authenticator app, or a recovery code.",
    "password1": (
        "At least 8 characters and not only digits; no common password, and nothing"
        " like your name or address."
    ),
    "passwordless": "The key then asks for your fingerprint, face or PIN.",
    "name": "Such as “telephone” or “key in the safe”.",
}


class HouseWords:
    """Labels and help in our words; no placeholder repeats a label."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = LABELS.get(name, field.label)
            if name in HELP or name in ("password", "oldpassword"):
                field.help_text = HELP.get(name, "")


class LoginForm(HouseWords, account.LoginForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs |= {
            "autofocus": True,
            "autocomplete": "username",
        }


class ResetPasswordForm(HouseWords, account.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(HouseWords, account.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(HouseWords, account.ChangePasswordForm):
    pass


class SetPasswordForm(HouseWords, account.SetPasswordForm):
    pass


class ReauthenticateForm(HouseWords, account.ReauthenticateForm):
    pass


class Code(HouseWords):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {"autofocus": True, "inputmode": "numeric"}


class CodeForm(Code, mfa.AuthenticateForm):
    pass


class CodeAgainForm(Code, mfa.ReauthenticateForm):
    pass


class ActivateForm(Code, ActivateTOTPForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = "Type the six digits that the app shows now."


class AddPasskeyForm(HouseWords, AddWebAuthnForm):
    pass


class ProfileForm(TidyMixin, forms.ModelForm):
    class Meta:
        model = User
        fields = ["name"]


class UserForm(TidyMixin, forms.ModelForm):
    """Who somebody is and what the role is; its rules are the model's constraints."""

    class Meta:
        model = User
        fields = ["email", "name", "role", "country", "partner"]
        labels = {"email": "E-mail address"}
        help_texts = {
            "email": "The person signs in with it.",
            "country": "Of a national coordinator, and of nobody else.",
            "partner": "Of a partner’s user, and of nobody else.",
        }

        error_messages = {
            "email": {"unique": "Somebody has a login with this address."}
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("country", "partner"):
            self.fields[name].empty_label = "None"

    def clean_email(self):
        return self.cleaned_data["email"].lower()

    def clean(self):
        """Says at the field what a constraint of the model would say above the form."""
        super().clean()
        role = self.cleaned_data.get("role")
        for name, whose in (("country", "coordinator"), ("partner", "partner")):
            if name in self.errors or not role:
                continue
            given = self.cleaned_data.get(name)
            if role == whose and not given:
                self.add_error(name, f"Choose the {name} of this {whose}.")
            elif given and role != whose:
                self.add_error(name, "This role has none. Leave it empty.")
        return self.cleaned_data
