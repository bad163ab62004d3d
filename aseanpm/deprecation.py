"""What of the API is deprecated: told in headers and in the schema, a year ahead.

A view names it in `deprecated`. Then each answer that it concerns carries Deprecation
(RFC 9745), Sunset (RFC 8594) and a Link to the version policy; and the schema says
`deprecated: true`. Nothing else about the answer changes.
"""

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import http_date
from drf_spectacular.openapi import AutoSchema

NOTICE = dt.timedelta(days=366)  # a year, leap years included


@dataclass(frozen=True)
class Deprecation:
    """An endpoint, or one query parameter of it, that goes when its `sunset` begins.

    Days begin at 00:00 UTC. `instead` is a sentence on what to use. Raises ValueError
    for a sunset that comes sooner than the policy promises.
    """

    since: dt.date
    sunset: dt.date
    instead: str
    parameter: str = ""

    def __post_init__(self):
        if self.sunset < self.since + NOTICE:
            raise ValueError(f"{self.sunset} is less than a year after {self.since}.")

    def concerns(self, parameters):
        return not self.parameter or self.parameter in parameters

    @property
    def sentence(self):
        return (
            f"Deprecated since {self.since}; goes on {self.sunset} at the earliest. "
            f"{self.instead}"
        )

    def headers(self, policy):
        return {
            "Deprecation": f"@{moment(self.since)}",
            "Sunset": http_date(moment(self.sunset)),
            "Link": f'<{policy}>; rel="deprecation"; type="text/html"',
        }


def moment(day):
    """The first second of a day in UTC, as Unix counts."""
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def headers_for(deprecated, request):
    """The headers for a request: of what goes first, where it uses more than one."""
    used = [one for one in deprecated if one.concerns(request.GET)]
    if not used:
        return {}
    policy = request.build_absolute_uri(reverse("api-start") + "#versions")
    return min(used, key=lambda one: one.sunset).headers(policy)


class Schema(AutoSchema):
    """The schema of a view that says what of it is deprecated."""

    def get_operation(self, *args, **kwargs):
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        parts = {one["name"]: one for one in operation.get("parameters", ())}
        for one in getattr(self.view, "deprecated", ()):
            part = parts.get(one.parameter) if one.parameter else operation
            if part is not None:
                part["deprecated"] = True
                said = part.get("description", "")
                part["description"] = f"{said}\n\n{one.sentence}".strip()
        return operation
