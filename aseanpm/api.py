"""What all endpoints share: the clock, strict parameters, cursor paging, the schema."""

import hashlib
import json
import re
from contextlib import contextmanager
from http import HTTPStatus
from operator import itemgetter

from django.core.exceptions import ValidationError as ModelError
from django.db import OperationalError
from django.utils.functional import cached_property
from django.utils.text import slugify
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import APIView

from .facts import SentBefore, ledger_entry
from .filters import CLOCK, read_clock
from .paging import PARAMETERS, list_page, wants_count
from .permissions import require
from .problems import BadQuery, FieldError, refuse_repeated, refuse_unknown
from .workplace import waited_too_long
from .writing import Stale


class FieldErrorSerializer(serializers.Serializer):
    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """An error, as application/problem+json."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]


CLOCK_PARAMETERS = [
    OpenApiParameter(
        "as_of",
        OpenApiTypes.DATE,
        description="What was true at the end of this day in Jakarta. Default: now.",
    ),
    OpenApiParameter(
        "known_at",
        OpenApiTypes.STR,
        description=(
            "What was on record at this moment: a date (its end in Jakarta) or "
            "ISO 8601 with an offset. Default: now."
        ),
    ),
]
PAGING_PARAMETERS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 500; default 50."),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next`."),
    OpenApiParameter(
        "count", OpenApiTypes.INT, enum=[0, 1], description="1 adds the total."
    ),
]


def problems(*codes):
    return {(code, "application/problem+json"): ProblemSerializer for code in codes}


PROBLEMS = problems(400, 404)


class ReadView(APIView):
    """GET for everyone, on a clock; a parameter it does not know is a 400.

    What writes takes none: it is written now.
    """

    http_method_names = ["get", "head", "options"]
    parameters: tuple[str, ...] = ()

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        reads = request.method in SAFE_METHODS
        refuse_unknown(request.query_params, self.known_parameters if reads else ())
        refuse_repeated(request.query_params)

    @property
    def known_parameters(self):
        return {*CLOCK, *self.parameters}

    @cached_property
    def clock(self):
        return read_clock(self.request.query_params)

    @property
    def stamp(self):
        """The clock of an answer, as it is repeated in its body."""
        moment = self.clock.known_at
        return {
            "as_of": self.clock.day.isoformat() if self.clock.day else None,
            "known_at": moment.isoformat() if moment else None,
        }


class ListView(ReadView):
    """A list by cursor: {"next", "results"} and, for ?count=1, "count"."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *PARAMETERS}

    def answer(self, rows, following, total):
        """`total` is called only when ?count=1 asks for it."""
        counted = wants_count(self.request.query_params)
        body = {"count": total()} if counted else {}
        return Response({**body, "next": self.address_of(following), "results": rows})

    def answer_list(self, rows, key=itemgetter("code")):
        """The answer for a short list of dictionaries, in the order of `key`."""
        page, following = list_page(rows, self.request.query_params, key)
        return self.answer(page, following, lambda: len(rows))

    def address_of(self, cursor):
        """The full address of the page that a cursor opens, or None."""
        if cursor is None:
            return None
        parameters = self.request.query_params.copy()
        parameters["cursor"] = cursor
        path = f"{self.request.path}?{parameters.urlencode()}"
        return self.request.build_absolute_uri(path)


class PreconditionRequired(APIException):
    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_detail = "Send If-Match with the ETag of the row that you read."


class PreconditionFailed(APIException):
    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = "The row was changed since you read it. Read it again."


class SentWithOtherContent(APIException):
    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used before, with other content."


class Busy(APIException):
    """Another write kept the ledger locked for too long; `wait` is in seconds."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = (
        "Somebody else is writing much just now. Wait a little, then send it again."
    )
    wait = 5


class WriteMixin:
    """An endpoint that writes what the permission table gives on `resource`."""

    http_method_names = ["get", "head", "options", "post", "patch"]
    resource: str

    def authorise(self, action):
        """Raise NotAuthenticated (401) or Refused (403) for who may not."""
        if not self.request.user.is_authenticated:
            raise NotAuthenticated
        require(self.request.user, action, self.resource)

    @contextmanager
    def entry(self, action, what, key=None):
        """One write by a user who still has the right once it has begun.

        Raises AlreadyRecorded for a `key` that was sent before, to the same address
        with the same content; what breaks a rule is a 400, and a 503 tells who waited
        too long for others.
        """
        user = self.request.user
        sent = json.dumps([self.request.path, self.request.data], sort_keys=True)
        body = hashlib.sha256(sent.encode()).hexdigest()
        try:
            with ledger_entry(
                user, what=what, submission=key, content_hash=body
            ) as entry:
                user.reread_rights()
                self.authorise(action)
                entry.can_be_undone = True
                yield entry
        except SentBefore as error:
            raise SentWithOtherContent from error
        except Stale as error:
            raise PreconditionFailed from error
        except OperationalError as error:
            if waited_too_long(error):
                raise Busy from error
            raise
        except ModelError as error:
            raise serializers.ValidationError(as_serializer_error(error)) from error

    def version_read(self):
        """The version in If-Match: 7 of "v7-…". Raises 428 without one, 412 else."""
        asked = self.request.headers.get("If-Match", "")
        if not asked:
            raise PreconditionRequired
        found = re.fullmatch(r'"v(\d{1,9})-[^"]*"', asked.removeprefix("W/"))
        if not found:
            raise PreconditionFailed
        return int(found[1])

    def idempotency_key(self):
        """The header's key, up to 40 signs. Raises a 400 without one."""
        key = self.request.headers.get("Idempotency-Key", "")
        if re.fullmatch(r"[!-~]{1,40}", key):
            return key
        message = "Send a key of 1 to 40 signs that you never used for another row."
        raise BadQuery([FieldError("Idempotency-Key", message)])


def versioned(response, version):
    """Give an editor's answer its ETag: the version, and a digest of what is told."""

    def stamp(rendered):
        digest = hashlib.sha256(rendered.content).hexdigest()[:16]
        rendered["ETag"] = f'"v{version}-{digest}"'

    response.add_post_render_callback(stamp)
    return response


def documented(summary, answer, parameters=(), many=False):
    """The schema of a `get`: its parameters, its answer and its errors."""
    if many:
        answer = page_serializer(answer)
        parameters = [*parameters, *PAGING_PARAMETERS]
    return extend_schema(
        operation_id=slugify(summary).replace("-", "_"),
        summary=summary,
        parameters=[*parameters, *CLOCK_PARAMETERS],
        responses={(200, "application/json"): answer, **PROBLEMS},
    )


def page_serializer(row):
    """The serializer of a page of rows, for the schema."""
    return type(
        f"Page{row.__name__}",
        (serializers.Serializer,),
        {
            "count": serializers.IntegerField(
                required=False, help_text="Only with ?count=1."
            ),
            "next": serializers.URLField(allow_null=True),
            "results": row(many=True),
        },
    )


def filter_parameters(filter_set):
    """The schema's parameters for a filter set; each may be repeated."""
    return [
        OpenApiParameter(
            name,
            {"type": "array", "items": {"type": "string"}},
            description=str(each.label or name),
            explode=True,
        )
        for name, each in filter_set.base_filters.items()
    ]
