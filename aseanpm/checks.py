"""What would be wrong with an installation although every page works."""

import os
import re

from django.conf import settings
from django.core.checks import Error, register
from rest_framework.throttling import SimpleRateThrottle

EACH_ITS_OWN = {"LocMemCache", "DummyCache"}


@register
def the_cache_is_shared(app_configs, **kwargs):
    """Rate limits count in the cache: one of each worker's own lets through as many."""
    backend = settings.CACHES["default"]["BACKEND"].rpartition(".")[2]
    one_worker = os.environ.get("WEB_CONCURRENCY") == "1"
    if not settings.DEPLOYED or one_worker or backend not in EACH_ITS_OWN:
        return []
    return [
        Error(
            f"{backend} is each worker's own, so that rate limits do not hold.",
            hint="Unset CACHE_URL or name a Redis in it; or set WEB_CONCURRENCY=1.",
            id="aseanpm.E001",
        )
    ]


@register
def a_deployment_has_no_demo_logins(app_configs, **kwargs):
    if not settings.DEPLOYED or not settings.DEMO_LOGINS_FILE.exists():
        return []
    return [
        Error(
            "This data folder was filled by quickstart: its demo logins have a password"
            " that everyone can read.",
            hint="Deploy with a data folder and a database of their own.",
            id="aseanpm.E002",
        )
    ]


@register
def the_identifier_in_iati_is_one(app_configs, **kwargs):
    """The standard's rule for identifiers; nothing set is told as unregistered."""
    if re.fullmatch(r"[^\s/&|?]*", settings.ASEANPM_IATI_ORGANISATION):
        return []
    return [
        Error(
            "ASEANPM_IATI_ORGANISATION has a space or one of / & | ? in it.",
            hint="Set the identifier under which the secretariat is registered.",
            id="aseanpm.E003",
        )
    ]


@register
def rates_can_be_read(app_configs, **kwargs):
    """A slip in one of them would make every answer of the API a 500."""
    return [
        Error(
            f"“{rate}” is no rate.",
            hint=f"Write ASEANPM_RATE_{who.upper()} as 60/minute.",
            id="aseanpm.E004",
        )
        for who, rate in settings.API_RATES.items()
        if not is_rate(rate)
    ]


def is_rate(text):
    try:
        number, _ = SimpleRateThrottle.parse_rate(None, text)
    except (ValueError, KeyError, IndexError):
        return False
    return number is None or number > 0
