"""Bad input named: one error for pages and API, and the API's problem+json."""

from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import PermissionDenied, TooManyFieldsSent
from django.http import Http404, JsonResponse, QueryDict
from django.shortcuts import render
from rest_framework import exceptions
from rest_framework.response import Response

PROBLEM_TYPE = "application/problem+json"
NUL = "\x00"
LONGEST = 1_000  # signs of a parameter; SQLite searches for no 50,000
NO_SEARCH = ("next",)  # addresses may be longer
FROM_ELSEWHERE = "/accounts/oidc/"  # where another service answers at its own length


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one parameter or field."""

    field: str
    message: str


class BadQuery(Exception):
    """A request whose parameters cannot be read: answered with 400 that names them."""

    def __init__(self, errors):
        self.errors = list(errors)
        said = (f"{one.field}: {one.message}" for one in self.errors)
        super().__init__("; ".join(said))


def refuse_unknown(parameters, allowed):
    """Raise BadQuery for parameters that are not allowed, naming what is."""
    unknown = sorted(set(parameters) - set(allowed))
    if unknown:
        known = ", ".join(sorted(allowed)) or "none"
        raise BadQuery(
            FieldError(name, f"Unknown parameter. Known here: {known}.")
            for name in unknown
        )


ONCE = {
    "as_of",
    "known_at",
    "ordering",
    "limit",
    "cursor",
    "count",
    "fields",
    "format",
    "page",
    "q",
    "search",
    "updated_since",
}


def refuse_repeated(parameters):
    """Raise BadQuery for parameters that mean one thing and were given twice."""
    twice = [name for name in ONCE if len(parameters.getlist(name)) > 1]
    if twice:
        raise BadQuery(FieldError(name, "Give it once.") for name in sorted(twice))


def refuse_nul(sent):
    """Raise BadQuery for texts with the NUL character, which no database keeps."""
    wrong = [name for name, values in sent.lists() if NUL in name + "".join(values)]
    if wrong:
        raise BadQuery(FieldError(name, "Holds a NUL character.") for name in wrong)


def refuse_long(parameters):
    """Raise BadQuery for parameters that are too long to search for."""
    wrong = [
        name
        for name, values in parameters.lists()
        if name not in NO_SEARCH and max(map(len, values)) > LONGEST
    ]
    if wrong:
        message = f"Write at most {LONGEST:,} characters."
        raise BadQuery(FieldError(name, message) for name in wrong)


class BadQueryMiddleware:
    """Answers BadQuery with a 400, and all that no page can be asked for."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        try:
            self.check(request)
        except BadQuery as error:
            return self.refuse(request, error.errors)
        except TooManyFieldsSent:
            request.GET = QueryDict()  # which the page of the error reads
            message = f"Send at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}."
            return self.refuse(request, [FieldError("query", message)])
        return self.get_response(request)

    @staticmethod
    def check(request):
        if not request.headers.get("Authorization", "").isascii():
            message = "Holds signs that no token has."
            raise BadQuery([FieldError("Authorization", message)])
        if NUL in request.path:
            raise BadQuery([FieldError("path", "Holds a NUL character.")])
        refuse_nul(request.GET)
        if not request.path.startswith(FROM_ELSEWHERE):
            refuse_long(request.GET)

    def process_exception(self, request, exception):
        if isinstance(exception, BadQuery):
            return self.refuse(request, exception.errors)
        return None

    @staticmethod
    def refuse(request, errors):
        if request.path.startswith("/api/"):
            body = problem(400, "Some parameters cannot be read.", errors)
            return JsonResponse(body, status=400, content_type=PROBLEM_TYPE)
        return bad_request_page(request, errors)


def bad_request_page(request, errors):
    return render(request, "400.html", {"errors": errors}, status=400)


def problem(code, detail="", errors=()):
    """The body of an error: {"type", "title", "status", "detail", "errors"}."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": int(code),
        "detail": detail,
        "errors": [{"field": one.field, "message": one.message} for one in errors],
    }


def problem_handler(error, context):
    """REST framework's exceptions, and ours, as application/problem+json."""
    # Its views load the permission classes, which stand on this module.
    from rest_framework.views import exception_handler, set_rollback

    if isinstance(error, BadQuery):
        set_rollback()
        body = problem(400, "Some parameters cannot be read.", error.errors)
        return Response(body, status=400, content_type=PROBLEM_TYPE)
    if isinstance(error, Http404):
        error = exceptions.NotFound(*(error.args or ()))
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(*error.args)
    response = exception_handler(error, context)
    if response is None:
        return None
    detail, errors = "", []
    if isinstance(error, exceptions.ValidationError):
        detail = "The request is not valid."
        errors = list(_flat(error.detail))
    elif isinstance(error, exceptions.APIException):
        detail = str(error.detail)
    response.data = problem(response.status_code, detail, errors)
    response.content_type = PROBLEM_TYPE
    return response


def _flat(detail, field=""):
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flat(inner, f"{field}.{name}" if field else str(name))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, field)
    else:
        yield FieldError(field, str(detail))
