"""The change feed in the API: what a reader may see, as it changed, in order."""

import base64
import binascii
import json

from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from . import feed
from .api import LIMIT, PROBLEMS, ReadView
from .paging import read_limit
from .problems import BadQuery, FieldError

START = (0, 0, 0)
CHANGES = ["created", "changed", "withdrawn"]


class ChangeSerializer(serializers.Serializer):
    """A record that was created, changed or withdrawn; its address where it stands."""

    kind = serializers.ChoiceField(
        [
            *("plan", "area", "line", "project", "country", "partner", "fund"),
            *("meeting", "figure", "indicator"),
        ]
    )
    code = serializers.CharField()
    change = serializers.ChoiceField(CHANGES)
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
            LIMIT,
        ],
        responses={(200, "application/json"): ChangesSerializer, **PROBLEMS},
    )
    def get(self, request):
        limit = read_limit(request.query_params)
        asked = request.query_params.get("since", "")
        begun, *place = read_since(asked, self.audiences)
        found = feed.changes_since(place, begun, self.audiences, limit + 1)
        is_more, found = len(found) > limit, found[:limit]
        last = found[-1].place if found else place
        cursor = write_since(last[0], last, self.audiences)
        parameters = request.query_params.copy()
        parameters["since"] = write_since(begun, last, self.audiences)
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


# Cursors are sealed: their numbers count writes that the reader knows nothing of.


def write_since(begun, place, audiences):
    return seal(json.dumps([begun, *place, reader_of(audiences)]).encode())


def read_since(text, audiences):
    """(begun, sequence, key) of a cursor; raises BadQuery for one of another reader, or
    of none."""
    if not text:
        return START
    try:
        begun, sequence, key, reader = json.loads(unseal(text))
    except (ValueError, binascii.Error) as error:
        message = "This is no cursor of this feed. Leave it away to begin anew."
        raise BadQuery([FieldError("since", message)]) from error
    if reader != reader_of(audiences):
        message = "This cursor is of a reader who sees other records. Begin anew."
        raise BadQuery([FieldError("since", message)])
    return begun, sequence, key


def reader_of(audiences):
    return feed.digest_of(repr(audiences).encode())[:8]


def seal(content):
    """The content so that only this site reads it; the same each time.

    A synthetic initialisation vector, as in RFC 5297: a keyed digest of the content,
    which is also the seed of the key stream.
    """
    vector = keyed(b"digest", content)[:16]
    return (
        base64.urlsafe_b64encode(vector + mixed(content, vector)).decode().rstrip("=")
    )


def unseal(text):
    """The sealed content; raises ValueError for what this site did not seal."""
    packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    vector, content = packed[:16], mixed(packed[16:], packed[:16])
    if not constant_time_compare(vector, keyed(b"digest", content)[:16]):
        raise ValueError("Not sealed here.")
    return content


def mixed(content, vector):
    """The content with the key stream of a vector; mixed again, it is itself."""
    blocks = range(len(content) // 32 + 1)
    stream = b"".join(keyed(b"stream", vector + bytes([block])) for block in blocks)
    return bytes(one ^ other for one, other in zip(content, stream, strict=False))


def keyed(purpose, content):
    return salted_hmac(b"aseanpm.feed." + purpose, content, algorithm="sha256").digest()
