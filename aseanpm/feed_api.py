"""The change feed in the API: what a reader may see, as it changed, in order."""

import base64
import binascii
import json

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from . import feed
from .api import PROBLEMS, ReadView
from .paging import read_limit
from .problems import BadQuery, FieldError

START = (0, 0)


class ChangeSerializer(serializers.Serializer):
    """A record that was created, changed or withdrawn; its address where it stands."""

    kind = serializers.ChoiceField(
        [
            *("plan", "area", "line", "project", "country", "partner", "fund"),
            *("meeting", "figure"),
        ]
    )
    code = serializers.CharField()
    change = serializers.ChoiceField(["created", "changed", "withdrawn"])
    changed_at = serializers.DateTimeField()
    address = serializers.URLField(allow_null=True)


class ChangesSerializer(serializers.Serializer):
    """`cursor` asks later for what changes from now on; `next` while there is more."""

    cursor = serializers.CharField()
    next = serializers.URLField(allow_null=True)
    results = ChangeSerializer(many=True)


class ChangesView(ReadView):
    """Each record once, at its last change since the cursor, in order of writing.

    It tells of records, not of figures computed from them.
    """

    @property
    def known_parameters(self):
        return {"since", "limit"}

    @extend_schema(
        operation_id="changes",
        summary="Changes",
        parameters=[
            OpenApiParameter(
                "since",
                str,
                description="A `cursor` of this feed. Without one: from the beginning.",
            ),
            OpenApiParameter("limit", int, description="1 to 500; default 50."),
        ],
        responses={(200, "application/json"): ChangesSerializer, **PROBLEMS},
    )
    def get(self, request):
        limit = read_limit(request.query_params)
        place = read_since(request.query_params.get("since", ""), self.audiences)
        found, last = feed.changes_since(place, self.audiences, limit + 1)
        is_more = len(found) > limit
        if is_more:
            found, last = feed.changes_since(place, self.audiences, limit)
        cursor = write_since(last, self.audiences)
        parameters = request.query_params.copy()
        parameters["since"] = cursor
        following = f"{request.path}?{parameters.urlencode()}"
        return Response(
            {
                "cursor": cursor,
                "next": request.build_absolute_uri(following) if is_more else None,
                "results": [self.row(change) for change in found],
            }
        )

    def row(self, change):
        address = None
        if change.change != "withdrawn":
            codes = [] if change.kind.only_listed else [change.code]
            path = reverse(change.kind.route, args=codes)
            address = self.request.build_absolute_uri(path)
        return {
            "kind": change.kind.name,
            "code": change.code,
            "change": change.change,
            "changed_at": change.changed_at,
            "address": address,
        }


def write_since(place, audiences):
    packed = json.dumps([*place, feed.digest_of(repr(audiences).encode())[:8]])
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def read_since(text, audiences):
    """The place of a cursor; raises BadQuery for one of another reader, or of none."""
    if not text:
        return START
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        sequence, key, reader = json.loads(base64.urlsafe_b64decode(padded))
        for number in (sequence, key):
            if type(number) is not int or not 0 <= number < 2**63:
                raise ValueError(number)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        message = "This is no cursor of this feed. Leave it away to begin anew."
        raise BadQuery([FieldError("since", message)]) from error
    if reader != feed.digest_of(repr(audiences).encode())[:8]:
        message = "This cursor is of a reader who sees other records. Begin anew."
        raise BadQuery([FieldError("since", message)])
    return sequence, key
