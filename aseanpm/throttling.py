"""How many requests of the API anyone may make, and the headers that tell it.

Visitors are counted by address, whoever has signed in by login, over all its tokens
and sessions. Behind proxies an address is what the outermost of the trusted ones saw
(NUM_PROXIES); what stands before it in X-Forwarded-For is the sender's own claim. Of
IPv6 the network counts, since a household has a whole one.

A window begins with the first request and lets so many through. It costs two
statements of the shared cache and none of the main database. Two requests at the very
same moment may count as one. While the cache is out of order nobody is counted: better
answers without a limit than none.
"""

import ipaddress
import logging
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.http import JsonResponse
from rest_framework.exceptions import Throttled
from rest_framework.throttling import SimpleRateThrottle

from .problems import PROBLEM_TYPE, problem

COUNTED = "/api/v1/"
NETWORK = 64  # bits of an IPv6 address
logger = logging.getLogger(__name__)
PERIODS = {1: "a second", 60: "a minute", 3600: "an hour", 86400: "a day"}


class TooMany(Throttled):
    default_detail = "These were too many requests."
    extra_detail_singular = "Wait {wait} second."
    extra_detail_plural = "Wait {wait} seconds."


@dataclass(frozen=True)
class Allowance:
    """What is left of a rate: requests, and seconds until it is whole again."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self):
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(self.remaining, 0)),
            "RateLimit-Reset": str(self.reset),
        }


class ApiThrottle(SimpleRateThrottle):
    """Counts a request once, and raises TooMany beyond the rate of who asks."""

    timer = time.time
    is_counting = True  # as far as this process knows

    def __init__(self):
        """The rate is known once it is known who asks."""

    def allow_request(self, request, view):
        http = getattr(request, "_request", request)
        allowance = self.count(http)
        if allowance and allowance.remaining < 0:
            raise TooMany(allowance.reset)
        return True

    def count(self, request):
        """The allowance that is left after this request; None without a limit.

        None, too, while the cache raises; the first time a warning is logged.
        """
        if not request.path.startswith(COUNTED):
            return None
        self.scope, ident = self.who(request)
        limit, duration = self.parse_rate(settings.API_RATES[self.scope])
        if limit is None:
            return None
        key = self.cache_format % {"scope": self.scope, "ident": ident}
        now = self.timer()
        request.allowance = None
        try:
            ends, used = self.used(key, now, now + duration, limit)
        except Exception as error:
            if ApiThrottle.is_counting:
                logger.warning("Requests are not counted: %s", type(error).__name__)
            ApiThrottle.is_counting = False
            return None
        ApiThrottle.is_counting = True
        request.allowance = Allowance(limit, limit - used, math.ceil(ends - now))
        return request.allowance

    def used(self, key, now, until, limit):
        """(end of the window, requests in it with this one), kept in the cache."""
        ends, used = self.cache.get(key, (0, 0))
        if ends <= now:
            ends, used = until, 0
        if used <= limit:
            used += 1
            self.cache.set(key, (ends, used), ends - now + 1)
        return ends, used

    def who(self, request):
        """The scope of a request's rate, and whose it is."""
        user = getattr(request, "user", None)  # none behind a host that is not ours
        if user and user.is_authenticated:
            return "signed_in", user.pk
        return "visitors", self.network(self.get_ident(request))

    @staticmethod
    def network(address):
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return "unreadable"
        if found.version == 6 and found.ipv4_mapped:
            found = found.ipv4_mapped
        if found.version == 6:
            return ipaddress.ip_network((found, NETWORK), strict=False).network_address
        return found


def rate_in_words(scope):
    """“60 requests a minute”; empty without a limit."""
    limit, seconds = ApiThrottle().parse_rate(settings.API_RATES[scope])
    return f"{limit:,} requests {PERIODS[seconds]}" if limit else ""


def rate_headers(get_response):
    """Middleware. Tells the rate on every answer of the API.

    Counts here what was answered before REST framework counted: a token that is none, a
    parameter that no page reads. Who sends more of those than the rate gets a 429.
    """

    def respond(request):
        response = get_response(request)
        if not request.path.startswith(COUNTED):
            return response
        if not hasattr(request, "allowance"):
            try:
                ApiThrottle().allow_request(request, None)
            except TooMany as error:
                response = refusal(error)
        if allowance := getattr(request, "allowance", None):
            for name, value in allowance.headers.items():
                response[name] = value
        return response

    return respond


def refusal(error):
    return JsonResponse(
        problem(error.status_code, str(error.detail)),
        status=error.status_code,
        content_type=PROBLEM_TYPE,
        headers={"Retry-After": str(int(error.wait))},
    )
