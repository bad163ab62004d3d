"""Whatever is asked of the pages or sent to the API is answered, naming what is wrong.

Whatever is asked of the API: test_schema_true.py.
"""

import re
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from projects.filters import ProjectFilter
from tests import make
from tests.conftest import THOROUGH

pytestmark = pytest.mark.django_db
CODES = ["IAI-IV", "SG", "JP", "VN", "CLMV", "P-22222", "IAI-TF-68", "IAI-IV-07"]
PAGES = [
    "/",
    "/plans/",
    "/plans/{}/",
    "/lines/",
    "/lines/{}/",
    "/projects/",
    "/projects/{}/",
    "/projects/{}/iati/",
    "/iati/",
    "/countries/",
    "/countries/{}/",
    "/partners/",
    "/partners/{}/",
    "/meetings/",
    "/meetings/{}/",
    "/reconciliation/",
    "/search/",
    "/about/",
]
WORDS = [
    *CODES,
    "counted",
    "pipeline",
    "approved",
    "ongoing",
    "only",
    "implemented",
    "none",
    "JP+SG",
    "any_outside_asean",
    "true",
    "committed",
    "-title",
    "1",
    "500",
    "2022-09-22",
    "2022-09-22T10:00:00+07:00",
    "0001-01-01",
    "9999-12-31",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
]
NAMES = [
    *ProjectFilter.names(),
    *["ordering", "limit", "cursor", "count", "page", "money", "money_of", "q"],
    *["fields", "format"],
    *["state", "kind", "rule", "verdict", "basis", "metric", "body", "year"],
]
cases = settings(max_examples=10_000 if THOROUGH else 500)
names = st.sampled_from(NAMES) | st.text(max_size=5)
values = st.sampled_from(WORDS) | st.text(max_size=12)
queries = st.lists(st.tuples(names, values), max_size=4)


@pytest.fixture
def rows():
    plan = make.plan()
    line = make.line(plan=plan, code="IAI-IV-07")
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


@cases
@given(address=st.sampled_from(PAGES), code=values, query=queries)
@example(address="/search/", code="", query=[("q", "\x00")])
@pytest.mark.usefixtures("rows")
def test_the_pages_answer_whatever_is_asked(client, address, code, query):
    answer = ask(client, address, code, query)

    assert answer.status_code in {200, 400, 404}, (address, code, query)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/search/", "q"),
        ("/projects/", "search"),
        ("/projects/", "theme"),
        ("/accounts/users/", "search"),
        ("/history/", "search"),
        ("/api/v1/projects/", "search"),
    ],
)
def test_a_text_too_long_to_search_for_is_named(sign_in, address, name):
    client = sign_in(make.user("administrator"))

    answer = client.get(address, {name: "é" * 60_000})

    assert answer.status_code == 400
    assert f"{name}: Write at most 1,000 characters." in told(answer)
    assert client.get(address, {name: "é" * 1_000}).status_code in {200, 400}


@pytest.mark.parametrize("address", ["/api/v1/projects/", "/projects/", "/healthz"])
def test_more_parameters_than_anybody_sends_are_refused(client, address):
    answer = client.get(f"{address}?{'country=VN&' * 1001}")

    assert answer.status_code == 400
    assert b"at most 1,000" in answer.content


def test_a_long_way_back_is_no_search(client):
    place = f"/projects/?search={'e' * 900}&theme={'e' * 900}"

    assert client.get("/accounts/login/", {"next": place}).status_code == 200
    assert client.get("/accounts/oidc/x/", {"code": "e" * 3_000}).status_code == 404


def told(answer):
    if answer.headers["Content-Type"] == "application/problem+json":
        return "; ".join(
            f"{each['field']}: {each['message']}" for each in answer.json()["errors"]
        )
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", "", answer.content.decode()))


@pytest.mark.parametrize(
    "sent",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{",
        b"\xff",
        b"NaN",
        b'"\\ud800"',
        "{}".encode("utf-16"),
    ],
)
def test_what_is_no_json_gets_a_sentence(api, sent):
    answer = post(api(make.user("editor")), sent)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("This is no JSON:")


DEEP = b"[" * 1000 + b"]" * 1000


@pytest.mark.parametrize(
    "sent",
    [
        *(b"[]", b"3", b"null", b"{}", b'{"title": "\\u0000"}', DEEP),
        b'{"title": "Rice", "note": %b}' % (b"[" * 250 + b"]" * 250),
        b'{"title": "Rice", "note": %b}' % DEEP,
        b'{"title": "Rice", "benefits": %b}' % DEEP,
        b'{"title": "Rice", "nothing": %b}' % DEEP,
        b'{"title": "Rice", "plan": "%b"}' % (b"e" * 60_000),
        b'{"title": "Rice", "line": "%b"}' % (b"e" * 60_000),
    ],
)
def test_json_that_is_no_record_gets_a_sentence(api, sent):
    answer = post(api(make.user("editor")), sent)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def post(client, sent):
    return client.post(
        "/api/v1/projects/",
        sent,
        content_type="application/json",
        headers={"Idempotency-Key": "one"},
    )


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/api/v1/projects/", "format: “exe” is no format of this list."),
        ("/api/v1/plans/", "format: “exe” is no format of this list."),
        ("/api/v1/projects/P-22222/", "format: Unknown parameter."),
    ],
)
def test_a_format_that_the_api_does_not_know_is_refused(api, address, says):
    answer = api().get(address, {"format": "exe"})

    assert answer.status_code == 400
    assert says in told(answer)


def ask(client, address, code, query):
    text = urlencode(query, errors="replace")
    path = address.format(code.replace("/", "").replace("?", "") or "x")
    return client.get(path.replace("#", ""), QUERY_STRING=text)
