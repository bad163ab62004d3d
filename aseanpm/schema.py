"""What the OpenAPI schema says of every operation alike: statuses, headers, areas.

A view says what is its own: parameters, its answer, and the errors of its writes. What
follows from the settings, the middleware and ReadView is added here, by the hook.
`schema_examples.json` holds answers that were really given of the reference data, by
the name of their place; tests/test_schema_true.py asks for them again.
"""

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path

PROBLEM = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}
EXAMPLES = Path(__file__).with_name("schema_examples.json")
SITE = "https://aseanpm.example.org"

# {status: (name of its component, when it is answered)}
PROBLEMS = {
    400: ("BadRequest", "A parameter, header or field cannot be read: it is named."),
    401: (
        "Unauthorized",
        "The token is none, or has expired or was revoked; or `Authorization` is not "
        "written as `Token …`.",
    ),
    403: ("Forbidden", "The login may not do this, or its token may only read."),
    404: ("NotFound", "There is nothing of this code that you may see."),
    406: ("NotAcceptable", "`Accept` allows nothing that this address answers with."),
    412: ("PreconditionFailed", "The row was changed since it was read."),
    415: ("UnsupportedMediaType", "The body is sent as something else than JSON."),
    422: (
        "UnprocessableContent",
        "The key was used before: for other content, or for what was undone since.",
    ),
    428: ("PreconditionRequired", "`If-Match` is missing."),
    429: ("TooManyRequests", "The rate is used up."),
    503: ("ServiceUnavailable", "Others are writing: send it again in a moment."),
}
SUCCESSES = {
    200: "The answer.",
    201: "It was made; or had been, where the `Idempotency-Key` was sent before.",
}
EVERYWHERE = {400, 401, 403, 406, 429}


def header(kind, description, required=True):
    return {"schema": {"type": kind}, "description": description, "required": required}


HEADERS = {
    "ETag": header("string", "Changes with the answer; for `If-None-Match`."),
    "Version": header("string", "The version of the project, for `If-Match`."),
    "Cache-Control": header(
        "string", "`public` to visitors, else `private`: keep it, but ask each time."
    ),
    "Content-Disposition": header("string", "Of a file: its name.", required=False),
    "WWW-Authenticate": header("string", "`Token`."),
    "Retry-After": header("integer", "Seconds, after which it may be sent again."),
    "RateLimit-Limit": header(
        "integer", "How many requests a window lets through.", required=False
    ),
    "RateLimit-Remaining": header(
        "integer", "How many are left of them.", required=False
    ),
    "RateLimit-Reset": header(
        "integer", "Seconds until the next window.", required=False
    ),
    "Deprecation": header("string", "Since when: `@` and a Unix time.", required=False),
    "Sunset": header("string", "When it goes, at the earliest.", required=False),
    "Link": header("string", "The page of our version policy.", required=False),
}
RATE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
DEPRECATED = ("Deprecation", "Sunset", "Link")
HEADERS_OF_PROBLEMS = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of the answer you hold: 304 while it is still the same.",
}
HOW_TO_SIGN_IN = (
    "`Authorization: Token aseanpm_…`. Tokens are made on the page of the account; "
    "without the header the API answers with what is published. Another scheme, such "
    "as `Bearer`, is a 401."
)
# {first part of an address: its area}; the areas stand in SPECTACULAR_SETTINGS
AREAS = {
    "plans": "Plans",
    "areas": "Plans",
    "lines": "Plans",
    "indicators": "Plans",
    "projects": "Projects",
    "countries": "Partners and countries",
    "partners": "Partners and countries",
    "funds": "Partners and countries",
    "meetings": "Meetings and print",
    "figures": "Meetings and print",
    "reconciliation": "Meetings and print",
    "changes": "Feed",
    "iati": "IATI",
}


def complete(result, generator, request, public):
    """drf-spectacular's hook: what the answers of all operations have in common."""
    parts = result["components"]
    parts["headers"] = HEADERS
    parts["responses"] = {
        name: refusal(code, description)
        for code, (name, description) in PROBLEMS.items()
    }
    parts["securitySchemes"]["token"]["description"] = HOW_TO_SIGN_IN
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            operation["tags"] = [area_of(path)]
            operation["responses"] = answers(path, method, operation)
            if method == "get":
                operation["parameters"] = [
                    *operation.get("parameters", ()),
                    IF_NONE_MATCH,
                ]
                operation["security"] = [{}, *operation["security"]]
    return result


def area_of(path):
    if path.endswith("/iati/"):
        return "IATI"
    return AREAS[path.removeprefix("/api/v1/").partition("/")[0]]


def answers(path, method, operation):
    """The responses of an operation, in the order of their statuses."""
    told, more = operation["responses"], goes(operation)
    codes = {int(code) for code in told} | EVERYWHERE
    codes |= {304} if method == "get" else {415}
    if "{" not in path:
        codes -= {404}
    found = {}
    for code in sorted(codes):
        if code in PROBLEMS:
            found[str(code)] = {"$ref": f"#/components/responses/{PROBLEMS[code][0]}"}
        elif code == HTTPStatus.NOT_MODIFIED:
            found[str(code)] = {
                "description": "You hold the answer already.",
                "headers": references("ETag", "Cache-Control", *RATE),
            }
        else:
            found[str(code)] = success(path, method, code, told[str(code)], more)
    return found


def goes(operation):
    """The headers that say that it, or a parameter of it, is deprecated."""
    parts = (operation, *operation.get("parameters", ()))
    return DEPRECATED if any(part.get("deprecated") for part in parts) else ()


def success(path, method, code, told, more):
    if method == "get":
        headers = references("ETag", "Cache-Control", *RATE, *more)
        if len(told["content"]) > 1:
            headers |= references("Content-Disposition")
    else:
        headers = {"ETag": reference("Version"), **references(*RATE, *more)}
    content = told["content"]
    if shown := examples().get(f"{method} {path}"):
        content["application/json"]["examples"] = shown
    return {"description": SUCCESSES[code], "headers": headers, "content": content}


def refusal(code, description):
    content = PROBLEM
    if shown := examples().get(str(code)):
        content = {media: one | {"examples": shown} for media, one in PROBLEM.items()}
    names = (*HEADERS_OF_PROBLEMS.get(code, ()), *RATE)
    return {
        "description": description,
        "headers": references(*names),
        "content": content,
    }


def reference(name):
    return {"$ref": f"#/components/headers/{name}"}


def references(*names):
    return {name: reference(name) for name in names}


@cache
def examples():
    """{"get /api/v1/…" or a status: its examples by name, as OpenAPI writes them}."""
    found: dict[str, dict] = {}
    for one in json.loads(EXAMPLES.read_text("utf-8")):
        found.setdefault(one["of"], {})[one["name"]] = {
            "summary": f"GET {one['address']}",
            "value": one["answer"],
        }
    return found
