"""What all endpoints share: the clock, strict parameters, cursor paging, the schema.

A list may also be asked for as a file, and for some of its columns: aseanpm/formats.py.
"""

import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from functools import wraps
from http import HTTPStatus
from operator import itemgetter
from urllib.parse import urlencode

from django.core.exceptions import ValidationError as ModelError
from django.db import OperationalError
from django.http import FileResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
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

from . import feed
from .deprecation import Deprecation, headers_for
from .facts import SentBefore, ledger_entry
from .filters import CLOCK, read_clock
from .formats import (
    FORMATS,
    Column,
    Drawing,
    Format,
    batches_of,
    choose,
    columns_of,
    draw,
    one_moment,
)
from .paging import PARAMETERS, list_page, query_page, wants_count
from .permissions import require
from .problems import BadQuery, FieldError, refuse_repeated, refuse_unknown
from .renderers import OrjsonRenderer
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
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": 500},
    description="1 to 500; default 50.",
)
PAGING_PARAMETERS = [
    LIMIT,
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next`."),
    OpenApiParameter(
        "count", OpenApiTypes.INT, enum=[0, 1], description="1 adds the total."
    ),
]


def opened(help_text="The list that adds up to this figure, on the same clock."):
    return serializers.URLField(help_text=help_text)


def permalink():
    return serializers.URLField(
        help_text="Where these figures stay as they are: their day, and what was known."
    )


def all_opened():
    return serializers.DictField(
        child=serializers.URLField(),
        help_text="By figure: the list that it counts, on the same clock.",
    )


def problems(*codes):
    return {(code, "application/problem+json"): ProblemSerializer for code in codes}


PROBLEMS = problems(400, 404)


class Unchanged(Exception):
    """The reader holds the answer already: 304."""


class ReadView(APIView):
    """GET for everyone, on a clock; a parameter it does not know is a 400.

    The ETag of an answer follows from the last write that changed what its reader is
    told, read before the answer is made; the day; the program; and the address.

    What writes takes no parameter: it is written now.
    """

    http_method_names = ["get", "head", "options"]
    parameters: tuple[str, ...] = ()
    deprecated: tuple[Deprecation, ...] = ()
    stamp_of_answer = ""

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        reads = request.method in SAFE_METHODS
        refuse_unknown(request.query_params, self.known_parameters if reads else ())
        refuse_repeated(request.query_params)
        if request.method in {"GET", "HEAD"}:
            self.stamp_of_answer = self.stamp_now()
            if self.stamp_of_answer in self.stamps_held():
                raise Unchanged

    @cached_property
    def audiences(self):
        return feed.audiences_of(self.request.user)

    @cached_property
    def last_write(self):
        return feed.last_write(self.audiences)

    def stamp_now(self):
        request = self.request
        parts = [
            self.last_write,
            self.audiences,
            timezone.localdate(),
            feed.program(),
            request.build_absolute_uri(),
        ]
        return feed.digest_of(repr(parts).encode())

    def stamps_held(self):
        """The stamps in If-None-Match: X of "X", W/"X" and "v7-X"."""
        sent = self.request.headers.get("If-None-Match", "")
        return {tag.rpartition("-")[2] for tag in re.findall(r'"([^"]*)"', sent)}

    def handle_exception(self, exc):
        if isinstance(exc, Unchanged):
            return Response(status=HTTPStatus.NOT_MODIFIED)
        self.stamp_of_answer = ""
        return super().handle_exception(exc)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.stamp_of_answer:
            response.headers.setdefault("ETag", f'"{self.stamp_of_answer}"')
            reader = "private" if request.user.is_authenticated else "public"
            response.headers.setdefault("Cache-Control", f"{reader}, no-cache")
        varies = ["Accept-Encoding", "Authorization", "Cookie", "Origin"]
        patch_vary_headers(response, varies)
        for name, text in headers_for(self.deprecated, request).items():
            response[name] = text
        return response

    @property
    def known_parameters(self):
        return {*CLOCK, *self.parameters}

    @cached_property
    def clock(self):
        return read_clock(self.request.query_params)

    def records(self, name, **filters):
        """The full address of the list that a figure counts, on this clock."""
        query = urlencode({**filters, **self.clock.parameters}, doseq=True)
        return self.request.build_absolute_uri(f"{reverse(name)}?{query}")

    @property
    def permalink(self):
        """Where this answer stays as it is: its day, and what was known to this reader.

        Its moment is that of the last write that changed what the reader is told.
        """
        parameters = self.request.query_params.dict() | self.clock.parameters
        moment = feed.last_moment(self.audiences, self.last_write)
        parameters["as_of"] = self.clock.last_day.isoformat()
        if moment and not self.clock.known_at:
            parameters["known_at"] = moment.isoformat()
        path = f"{self.request.path}?{urlencode(parameters)}"
        return self.request.build_absolute_uri(path)

    @property
    def stamp(self):
        """The clock of an answer, as it is repeated in its body."""
        moment = self.clock.known_at
        return {
            "as_of": self.clock.day.isoformat() if self.clock.day else None,
            "known_at": moment.astimezone(UTC).isoformat() if moment else None,
        }


@dataclass(frozen=True)
class Told:
    """What `documented` says of a list: its columns, and the files it can be had as."""

    columns: dict[str, Column]
    formats: dict[str, Format]


class ListView(ReadView):
    """A list by cursor: {"next", "results"} and, for ?count=1, "count".

    With ?format= the whole list as a file, drawn of one moment; with ?fields= some of
    its columns. A response says in `pulled_rows` how many rows it hands out.
    """

    @property
    def known_parameters(self):
        return {*super().known_parameters, *PARAMETERS, "fields", "format"}

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if self.file_format:
            self.refuse_paging()
        _ = self.columns  # refuses what no column is called

    def get_renderers(self):
        """Errors are JSON to who accepts only the kind of file asked for, too."""
        form = self.listed.formats.get(self.request.GET.get("format", ""))
        if form is None:
            return super().get_renderers()
        media_type = form.media_type.partition(";")[0]
        renderer = type("Renderer", (OrjsonRenderer,), {"media_type": media_type})
        return [*super().get_renderers(), renderer()]

    @property
    def listed(self):
        return type(self).get.told

    @cached_property
    def file_format(self):
        """The Format that is asked for; None for a page of JSON."""
        text = self.request.query_params.get("format", "")
        if text in {"", "json"}:
            return None
        if text not in self.listed.formats:
            known = ", ".join(["json", *self.listed.formats])
            message = f"“{text}” is no format of this list. Known: {known}."
            raise BadQuery([FieldError("format", message)])
        return self.listed.formats[text]

    @cached_property
    def columns(self):
        return choose(self.listed.columns, self.request.query_params)

    def refuse_paging(self):
        paging = [name for name in PARAMETERS if name in self.request.query_params]
        if paging:
            message = "A file holds the whole list: leave this out, or the format."
            raise BadQuery(FieldError(name, message) for name in paging)

    def answer_query(self, found, order, descending, rows_of):
        """The answer for a query set; `rows_of` gives the rows of keys, in order."""
        if self.file_format:
            keys = order.sorted(found, descending).values_list("pk", flat=True)
            return self.file(batches_of(keys.iterator(), rows_of), found)
        asked = self.request.query_params
        page, following = query_page(found, order, descending, asked)
        rows = rows_of([row["pk"] for row in page])
        return self.answer(rows, following, found.count)

    def answer_list(self, rows, key=itemgetter("code")):
        """The answer for a short list of dictionaries, in the order of `key`."""
        if self.file_format:
            return self.file([sorted(rows, key=key)])
        page, following = list_page(rows, self.request.query_params, key)
        return self.answer(page, following, lambda: len(rows))

    def answer(self, rows, following, total):
        """`total` is called only when ?count=1 asks for it."""
        asked = self.request.query_params
        body = {"count": total()} if wants_count(asked) else {}
        if asked.get("fields"):
            names = [column.name for column in self.columns]
            rows = [{name: row[name] for name in names} for row in rows]
        told = {**body, "next": self.address_of(following), "results": rows}
        response = Response(told)
        response.pulled_rows = len(rows)
        return response

    def file(self, batches, source=None):
        """The whole list as an attachment; none is drawn for who holds any answer."""
        if self.request.headers.get("If-None-Match", "").strip() == "*":
            raise Unchanged
        form, route = self.file_format, self.request.resolver_match.url_name
        drawing = Drawing(
            name="-".join([route, *self.kwargs.values()]),
            columns=self.columns,
            batches=batches,
            clock=self.clock,
            parameters=[
                (name, text)
                for name, texts in self.request.query_params.lists()
                for text in texts
            ],
            address=self.request.build_absolute_uri(),
            user=self.request.user,
            source=source,
        )
        drawn, rows = draw(form, drawing)
        response = FileResponse(
            drawn,
            as_attachment=True,
            filename=f"aseanpm-{drawing.title}.{form.suffix}",
            content_type=form.media_type,
        )
        if not form.is_text:  # it says when it was drawn
            response.headers["ETag"] = f'W/"{self.stamp_of_answer}"'
        response.pulled_rows = rows
        return response

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


class UndoneSince(APIException):
    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = (
        "This Idempotency-Key made a project that was taken back since. Send a new key."
    )


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


def documented(summary, answer, parameters=(), many=False, formats=FORMATS):
    """The schema of a `get`: its parameters, its answer and its errors.

    `many`: of a ListView's, which so knows its columns and the files it comes as.
    """
    answers = {}
    if many:
        told = Told(columns_of(answer), formats)
        answers = {
            (200, form.media_type.partition(";")[0]): (
                OpenApiTypes.STR if form.is_text else OpenApiTypes.BINARY
            )
            for form in formats.values()
        }
        answer = page_serializer(answer)
        parameters = [*parameters, *list_parameters(told), *PAGING_PARAMETERS]
    schema = extend_schema(
        operation_id=slugify(summary).replace("-", "_"),
        summary=summary,
        parameters=[*parameters, *CLOCK_PARAMETERS],
        responses={(200, "application/json"): answer, **answers, **PROBLEMS},
    )
    return (lambda get: schema(of_one_moment(get, told))) if many else schema


def of_one_moment(get, told):
    """A ListView's `get`, which reads a whole file of one moment."""

    @wraps(get)
    def answer(view, request, *args, **kwargs):
        if view.file_format is None:
            return get(view, request, *args, **kwargs)
        with one_moment():
            return get(view, request, *args, **kwargs)

    answer.told = told
    return answer


def list_parameters(told):
    """The schema's parameters for the columns and the format of a list."""
    columns = "\n".join(
        f"- `{one.name}` ({one.kind}): {one.meaning}" for one in told.columns.values()
    )
    return [
        OpenApiParameter(
            "fields",
            {"type": "array", "items": {"type": "string", "enum": [*told.columns]}},
            description=f"Columns in this order, joined by commas.\n\n{columns}",
            explode=False,
            style="form",
        ),
        OpenApiParameter(
            "format",
            OpenApiTypes.STR,
            enum=["json", *told.formats],
            description="The whole list as a file, without paging. Default: json.",
        ),
    ]


def page_serializer(row):
    """The serializer of a page of rows, for the schema; ?fields= leaves out columns."""

    def get_fields(self):
        fields = super(row, self).get_fields()
        for one in fields.values():
            one.required = False
        return fields

    name, doc = row.__name__, row.__doc__
    row = type(f"Listed{name}", (row,), {"get_fields": get_fields, "__doc__": doc})
    return type(
        f"Page{name}",
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
