"""The OpenAPI schema is true: what it says is answered, and nothing else is."""

import json
import os
import re
from contextlib import closing
from copy import deepcopy
from functools import cache
from math import ceil
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import schemathesis
import yaml
from django.core.cache import cache as shared_cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, close_old_connections
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from werkzeug.test import Client

from aseanpm import schema as described_by
from aseanpm.loading import load_reference
from projects.models import Project
from tests import make
from tests.conftest import THOROUGH
from tests.schema_changes import changes
from tests.test_nobody_in import ASKED

pytestmark = pytest.mark.django_db
SNAPSHOT = Path(__file__).parent / "schemas" / "api-v1.yaml"
RENEW = (
    "python3 run.py manage spectacular --api-version 1 --file tests/schemas/api-v1.yaml"
)
RENEW_EXAMPLES = (
    "ASEANPM_RENEW_EXAMPLES=1 .venv/bin/python -m pytest -n 0 "
    "tests/test_schema_true.py -k examples"
)
CASES = 20_000 if THOROUGH else 1_000
ROLES = ["visitor", "partner", "coordinator", "editor"]
CODES = {
    "projects": "P-22222",
    "plans": "IAI-IV",
    "lines": "IAI-IV-07",
    "countries": "VN",
    "partners": "JP",
}
WORDS = [
    *("IAI-IV", "SG", "VN", "CLMV", "P-22222", "IAI-TF-68", "JP+SG", "counted", "none"),
    *("true", "-title", "2022-09-22", "2022-09-22T10:00:00+07:00", "0001-01-01"),
    *("9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\x00"),
]


# Whatever is asked


@cache
def described():
    schema = SchemaGenerator(api_version="1").get_schema(public=True)
    return yaml.safe_load(OpenApiYamlRenderer().render(schema, {}))


@cache
def application():
    """The application, whose answers are closed once read, as every server does."""
    inner = get_wsgi_application()

    def answer(environ, start_response):
        with closing(inner(environ, start_response)) as body:
            return [b"".join(body)]

    return answer


@cache
def operations():
    schema = schemathesis.openapi.from_dict(described())
    schema.app = application()
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


@cache
def checks():
    """schemathesis' own, but for one: a schema cannot tell which codes there are."""
    load_all_checks()
    ours = {"positive_data_acceptance", "negative_data_rejection"}
    others = sorted(set(CHECKS.get_all_names()) - ours)
    return [*CHECKS.get_by_names(others), is_refused, names_what_was_sent]


def is_refused(ctx, response, case):
    """What the schema does not allow is refused; an empty parameter is left out."""
    if "" not in (case.query or {}).values():
        [check] = CHECKS.get_by_names(["negative_data_rejection"])
        check(ctx, response, case)


def names_what_was_sent(ctx, response, case):
    """A 400 of a reading names parameters that were asked with."""
    if case.method == "GET" and response.status_code == 400:
        named = {error["field"] for error in response.json()["errors"]}
        assert named <= {*(case.query or ()), "path"}, named


@pytest.fixture
def rows():
    plan = make.plan()
    line = make.line(plan=plan, code="IAI-IV-07")
    make.target(make.indicator(line), 5)
    make.grouping("CLMV", ["VN", "LA"])
    make.meeting("IAI-TF-68")
    make.project(
        code="P-22222",
        line=line,
        funders=["SG", "JP"],
        countries=["VN"],
        groupings=["CLMV"],
        budget="10",
    )


@pytest.fixture
def one_transaction():
    """The application keeps the connection of the test, which it would close."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def headers_of(role):
    headers = {"Accept-Encoding": "identity"}
    if role == "visitor":
        return headers
    of = {"partner": {"partner": "JP"}, "coordinator": {"country": "VN"}}
    _, text = make.token(make.user(role, **of.get(role, {})), scope="write")
    return headers | {"Authorization": f"Token {text}"}


def examples_of(operation):
    """The bodies that the schema gives as examples of what is sent."""
    body = operation.definition.raw.get("requestBody", {"content": {}})
    for content in body["content"].values():
        for example in content.get("examples", {}).values():
            yield example["value"]


@st.composite
def likely(draw, operation, cases):
    """A case of the schema in words that there are, so that much is answered."""
    case = draw(cases)
    if "{code}" in operation.path:
        case.path_parameters = {"code": CODES[operation.path.split("/")[3]]}
    if operation.method == "get":
        asked = [one.name for one in operation.query]
        names = draw(st.lists(st.sampled_from(asked or [""]), max_size=3, unique=True))
        case.query = {
            name: draw(st.sampled_from(values(name))) for name in names if name
        }
        case.headers = {}
    elif "If-Match" in (case.headers or {}):
        case.headers["If-Match"] = "now"
    if bodies := list(examples_of(operation)):
        case.body = draw(st.sampled_from(bodies))
    return case


def values(name):
    texts = [parse_qs(query).get(name, [""])[0] for query in ASKED.get(name, ())]
    return [*texts, *WORDS]


@pytest.mark.usefixtures("rows", "one_transaction")
@pytest.mark.parametrize("role", ROLES)
def test_whatever_is_asked_is_answered_as_the_schema_says(role):
    headers = headers_of(role)
    each = ceil(CASES / len(ROLES) / len(operations()))
    for operation in operations().values():
        positive = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        negative = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

        @settings(max_examples=each)
        @given(st.one_of(positive, negative, likely(operation, positive)))
        def ask(case):
            if (case.headers or {}).get("If-Match") == "now":
                version = Project.objects.get(code="P-22222").version
                case.headers["If-Match"] = f'"v{version}-x"'
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=checks(), headers=headers)

        ask()


# Each status, once


LIST, ONE = "GET /api/v1/projects/", "GET /api/v1/projects/{code}/"
MAKE, CHANGE = "POST /api/v1/projects/", "PATCH /api/v1/projects/{code}/"
RECORD = "POST /api/v1/projects/{code}/facts/"
FACT = {
    "kind": "status change",
    "change": "development",
    "status": "ongoing",
    "effective_on": "2023-01-10",
}
EDITOR, KEY = {"role": "editor"}, {"Idempotency-Key": "one"}
AGAIN = {**EDITOR, "headers": KEY, "twice": True}
STATUSES = [
    *((LIST, 200, {}), (LIST, 200, {"query": "format=csv"})),
    *((ONE, 200, {}), (ONE, 200, EDITOR)),
    *((LIST, 304, {"headers": {"If-None-Match": "*"}}),),
    *((ONE, 304, {"headers": {"If-None-Match": "*"}}),),
    *((LIST, 400, {"query": "limit=501"}), (ONE, 400, {"query": "colour=red"})),
    *((LIST, 401, {"token": "none"}), (ONE, 401, {"token": "none"})),
    *((LIST, 403, {**EDITOR, "factor": True}), (ONE, 403, {**EDITOR, "factor": True})),
    (ONE, 404, {"code": "P-00000"}),
    *((LIST, 406, {"accept": "text/html"}), (ONE, 406, {"accept": "text/html"})),
    *((LIST, 429, {"rate": True}), (ONE, 429, {"rate": True})),
    (MAKE, 201, {**EDITOR, "headers": KEY, "body": {"title": "Rice"}}),
    (MAKE, 400, {**EDITOR, "headers": KEY, "body": {}}),
    (MAKE, 401, {"body": {}}),
    (MAKE, 403, {"role": "partner", "body": {}}),
    (MAKE, 406, {**EDITOR, "accept": "text/html"}),
    (MAKE, 415, {**EDITOR, "headers": KEY, "media": "text/plain"}),
    (MAKE, 422, {**AGAIN, "body": {"title": "Rice"}}),
    (MAKE, 429, {"rate": True}),
    (MAKE, 503, {**EDITOR, "headers": KEY, "body": {"title": "Rice"}, "busy": True}),
    (CHANGE, 200, {**EDITOR, "version": 0, "body": {"title": "Rice"}}),
    (CHANGE, 400, {**EDITOR, "version": 0, "body": {"colour": "red"}}),
    (CHANGE, 401, {"body": {}}),
    (CHANGE, 403, {"role": "partner", "body": {}}),
    (CHANGE, 404, {**EDITOR, "code": "P-00000", "body": {}}),
    (CHANGE, 406, {**EDITOR, "accept": "text/html"}),
    (CHANGE, 412, {**EDITOR, "version": 1, "body": {"title": "Rice"}}),
    (CHANGE, 415, {**EDITOR, "version": 0, "media": "text/plain"}),
    (CHANGE, 428, {**EDITOR, "body": {}}),
    (CHANGE, 429, {"rate": True}),
    (CHANGE, 503, {**EDITOR, "version": 0, "body": {"title": "Rice"}, "busy": True}),
    (RECORD, 201, {**EDITOR, "headers": KEY, "body": FACT}),
    (RECORD, 400, {**EDITOR, "headers": KEY, "body": {}}),
    (RECORD, 401, {"body": {}}),
    (RECORD, 403, {"role": "partner", "body": {}}),
    (RECORD, 404, {**EDITOR, "code": "P-00000", "body": {}}),
    (RECORD, 406, {**EDITOR, "accept": "text/html"}),
    (RECORD, 412, {**EDITOR, "headers": KEY, "version": 1, "body": FACT}),
    (RECORD, 415, {**EDITOR, "headers": KEY, "media": "text/plain"}),
    (RECORD, 422, {**AGAIN, "body": FACT}),
    (RECORD, 429, {"rate": True}),
    (RECORD, 503, {**EDITOR, "headers": KEY, "body": FACT, "busy": True}),
]


@pytest.mark.usefixtures("rows", "one_transaction")
@pytest.mark.parametrize(
    ("label", "status", "how"),
    STATUSES,
    ids=[
        f"{status} {label} {number}"
        for number, (label, status, _) in enumerate(STATUSES)
    ],
)
def test_each_status_is_answered_as_it_is_described(
    label, status, how, settings, monkeypatch
):
    settings.ASEANPM_SECOND_FACTOR = "factor" in how
    if "rate" in how:
        shared_cache.clear()
        settings.API_RATES = {"visitors": "1/minute", "signed_in": None}
    if "busy" in how:
        monkeypatch.setattr("aseanpm.api.ledger_entry", locked)
    headers = headers_of(how.get("role", "visitor")) | how.get("headers", {})
    headers["Accept"] = how.get("accept", "*/*")
    if "token" in how:
        headers["Authorization"] = "Token aseanpm_none"
    if "version" in how:
        version = Project.objects.get(code="P-22222").version + how["version"]
        headers["If-Match"] = f'"v{version}-x"'
    method, path = label.split()
    path = path.format(code=how.get("code", "P-22222"))

    def send(body):
        return Client(application()).open(
            path,
            method=method,
            query_string=how.get("query", ""),
            headers=headers,
            data=None if method == "GET" else json.dumps(body),
            content_type=None if method == "GET" else how.get("media", JSON),
        )

    if "rate" in how or "twice" in how:
        send(
            {"title": "Tea"} if label == MAKE else FACT | {"effective_on": "2023-02-01"}
        )
    answer = send(how.get("body"))

    assert answer.status_code == status, answer.text
    operation = operations()[label]
    conforms = [
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
    load_all_checks()
    operation.Case().validate_response(answer, checks=CHECKS.get_by_names(conforms))


JSON = "application/json"


def locked(*args, **options):
    raise OperationalError("database is locked")


def test_no_status_is_described_that_is_not_answered():
    tried = {}
    for label, status, _ in STATUSES:
        tried.setdefault(label, set()).add(status)

    assert tried == {
        label: set(map(int, operations()[label].definition.raw["responses"]))
        for label in (LIST, ONE, MAKE, CHANGE, RECORD)
    }


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("delete", "/api/v1/projects/", 405),
        ("put", "/api/v1/projects/P-22222/", 405),
        ("post", "/api/v1/plans/", 405),
        ("trace", "/api/v1/plans/", 405),
        ("post", "/api/v1/schema/", 405),
        ("get", "/api/v1/", 404),
        ("get", "/api/v1/nothing/", 404),
        ("get", "/api/v1/projects", 404),
        ("delete", "/api/v1/nothing/", 404),
        ("options", "/api/v1/nothing/", 404),
    ],
)
def test_what_the_schema_does_not_know_is_refused_as_a_problem(
    api, method, path, status
):
    answer = getattr(api(), method)(path)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json().keys() == {"type", "title", "status", "detail", "errors"}
    if status == 405:
        assert method.upper() not in answer.headers["Allow"].split(", ")


@pytest.mark.usefixtures("rows")
def test_head_and_options_answer_at_every_address(api):
    for label, operation in operations().items():
        method, path = label.split()
        if method != "GET":
            continue
        code = CODES.get(operation.path.split("/")[3], "")
        path = path.format(code=code)
        read, head = api().get(path), api().head(path)

        assert (read.status_code, head.status_code) == (200, 200), path
        assert b"".join(head) == b""
        assert head.headers["ETag"] == read.headers["ETag"]
        allowed = api().options(path).headers["Allow"].split(", ")
        assert {"GET", "HEAD", "OPTIONS"} <= set(allowed)


@pytest.mark.usefixtures("rows")
def test_a_file_may_be_asked_for_by_its_kind_too(api):
    accept = {"Accept": "text/csv"}
    file = api().get("/api/v1/projects/?format=csv", headers=accept)
    page = api().get("/api/v1/projects/", headers=accept)
    wrong = api().get("/api/v1/projects/?format=csv&limit=1", headers=accept)

    file.close()
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert page.status_code == 406
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["field"] == "limit"


# What it shows


def shown():
    return json.loads(described_by.EXAMPLES.read_text("utf-8"))


def lasting(answer):
    """An answer without moments of loading and sealed cursors."""
    text = json.dumps(answer).replace("http://testserver", described_by.SITE)
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+\+00:00", "", text)
    text = re.sub(r'(?<=since=)[^&"]+|(?<=known_at=)[^&"]+', "", text)
    return re.sub(r'(?<="cursor": ")[^"]+', "", text)


def test_the_examples_are_what_the_reference_data_answer(api):
    load_reference()
    answers = [api().get(one["address"]).json() for one in shown()]
    if os.environ.get("ASEANPM_RENEW_EXAMPLES"):
        text = json.dumps(
            [one | {"answer": it} for one, it in zip(shown(), answers, strict=True)],
            ensure_ascii=False,
            indent=2,
        )
        text = text.replace("http://testserver", described_by.SITE)
        described_by.EXAMPLES.write_text(text + "\n", "utf-8")

    for one, answer in zip(shown(), answers, strict=True):
        assert json.loads(lasting(answer)) == json.loads(lasting(one["answer"])), (
            f"{one['address']} answers otherwise. If that is right: {RENEW_EXAMPLES}"
        )


def test_every_example_stands_where_it_is_read():
    places = {
        f"{label.split()[0].lower()} {label.split()[1]}" for label in operations()
    }

    assert {one["of"] for one in shown()} <= places | {"400", "404"}
    content = described()["paths"]["/api/v1/projects/{code}/"]["get"]["responses"]
    examples = content["200"]["content"]["application/json"]["examples"]
    assert examples["a_project"]["value"]["code"] == "P-8ABB2"


# What clients rely on


@pytest.fixture(scope="module")
def recorded():
    return yaml.safe_load(SNAPSHOT.read_text("utf-8"))


def test_nothing_is_taken_from_programs_that_stand_on_the_api(recorded):
    breaking, _ = changes(recorded, described())

    assert not breaking, "\n  ".join(
        [
            "THIS BREAKS PROGRAMS OF PARTNERS THAT STAND ON VERSION 1:",
            *breaking,
            "",
            "Keep it as it was, beside the new; or, if it must be, announce it as the "
            f"version policy says and then: {RENEW}",
        ]
    )


def test_what_is_new_in_the_schema_is_recorded(recorded):
    breaking, added = changes(recorded, described())

    assert breaking or not added, "\n  ".join(
        ["New in the schema, harmless to clients:", *added, f"Record it: {RENEW}"]
    )
    assert added or breaking or recorded == described(), (
        f"The words of the schema changed, and nothing else. Record them: {RENEW}"
    )


def without_a_property(schema):
    del schema["components"]["schemas"]["ListedProjectRow"]["properties"]["status"]


def without_a_path(schema):
    del schema["paths"]["/api/v1/funds/"]


def without_a_parameter(schema):
    asked = schema["paths"]["/api/v1/changes/"]["get"]["parameters"]
    asked[:] = [one for one in asked if one.get("name") != "since"]


def without_a_value(schema):
    schema["components"]["schemas"]["FeedChangeEnum"]["enum"].remove("withdrawn")


def with_another_type(schema):
    money = schema["components"]["schemas"]["Change"]["properties"]["code"]
    money["type"] = "integer"


def with_a_new_duty(schema):
    sent = schema["components"]["schemas"]["ProjectWrite"]
    sent["required"] = [*sent["required"], "note"]


def with_a_new_property(schema):
    told = schema["components"]["schemas"]["Change"]["properties"]
    told["reason"] = {"type": "string"}


def with_a_new_parameter(schema):
    asked = schema["paths"]["/api/v1/changes/"]["get"]["parameters"]
    asked.append({"in": "query", "name": "kind", "schema": {"type": "string"}})


@pytest.mark.parametrize(
    ("change", "breaks", "adds"),
    [
        (
            without_a_property,
            "GET /api/v1/projects/: answer 200 as application/json.results[].status "
            "is gone.",
            None,
        ),
        (without_a_path, "GET /api/v1/funds/ is gone.", None),
        (
            without_a_parameter,
            "GET /api/v1/changes/: query parameter since is gone.",
            None,
        ),
        (
            without_a_value,
            "GET /api/v1/changes/: answer 200 as application/json.results[].change "
            "lost the value withdrawn.",
            None,
        ),
        (
            with_another_type,
            "GET /api/v1/changes/: answer 200 as application/json.results[].code "
            "was string, is integer.",
            None,
        ),
        (
            with_a_new_duty,
            "POST /api/v1/projects/: body as application/json.note became required.",
            None,
        ),
        (
            with_a_new_property,
            None,
            "GET /api/v1/changes/: answer 200 as application/json.results[].reason "
            "is new.",
        ),
        (
            with_a_new_parameter,
            None,
            "GET /api/v1/changes/: query parameter kind is new.",
        ),
    ],
)
def test_what_breaks_programs_is_told_from_what_is_only_new(change, breaks, adds):
    other = deepcopy(described())
    change(other)

    assert changes(described(), other) == ([breaks] * bool(breaks), [adds] * bool(adds))
