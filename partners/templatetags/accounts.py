"""Words for the pages of /accounts/."""

from django import template
from django.conf import settings

from aseanpm.permissions import can
from partners import accounts

register = template.Library()

BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@register.filter
def browser(user_agent):
    """“Firefox on Windows”, from what a browser says of itself; order decides."""
    names = [
        next((name for mark, name in known.items() if mark in user_agent), None)
        for known in (BROWSERS, SYSTEMS)
    ]
    return " on ".join(filter(None, names)) or "An unknown browser"


@register.filter
def called(user):
    return str(user)


@register.filter
def standing(user):
    """“Coordinator, Viet Nam”: what somebody is here, which no name can claim."""
    if user.is_secretariat:
        return "Secretariat"
    role = user.get_role_display().removeprefix("National ").capitalize()
    whose = user.country or user.partner
    return f"{role}, {whose.name}" if whose else role


@register.filter
def initials(user):
    """Two letters for a small screen: AE of Aye Example, CO of coordinator.vn."""
    words = called(user).split()
    letters = "".join(word[0] for word in words) if len(words) > 1 else called(user)
    return letters[:2].upper()


@register.filter
def may_see(user, resource):
    return can(user, "view", resource)


@register.simple_tag
def demo_logins():
    """What quickstart made: the addresses and their password; None elsewhere."""
    if not settings.DEMO_LOGINS_FILE.exists():
        return None
    return {
        "emails": [login["email"] for login in accounts.DEMO_LOGINS],
        "password": accounts.DEMO_PASSWORD,
    }


@register.simple_tag(takes_context=True)
def second_factor_missing(context):
    return accounts.second_factor_missing(context["request"].user)
