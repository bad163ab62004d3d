"""The getting-started page of the API: each of its snippets is run as it stands."""

import csv
import datetime as dt
import io
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from html import unescape
from urllib.parse import urlencode

import pytest
from django.test import Client, override_settings
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from aseanpm.api import ReadView, documented
from aseanpm.deprecation import Deprecation
from aseanpm.facts import ledger_entry
from projects import actions
from tests import make

PAGE = "/api/"
SNIPPET = re.compile(r'<pre class="snippet" id="([\w-]+)"[^>]*>(.*?)</pre>', re.DOTALL)
NO_TOKEN = {key: text for key, text in os.environ.items() if key != "ASEANPM_TOKEN"}


def snippets(host="testserver"):
    """{id: text} of all snippets of the page, as a reader at that host copies them."""
    page = Client(headers={"host": host}).get(PAGE).content.decode()
    return {name: unescape(text) for name, text in SNIPPET.findall(page)}


@pytest.fixture
def run(live_server, tmp_path):
    """run(id, *command): what a command prints that is given a snippet's text."""

    def printed(name, *command, **environment):
        text = snippets(live_server.url.removeprefix("http://"))[name]
        done = subprocess.run(
            [*command, text],
            cwd=tmp_path,
            env={**NO_TOKEN, "PYTHONUTF8": "1", **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return printed


@pytest.fixture
def three_projects():
    """For Viet Nam, for Lao PDR, and for Cambodia; of the last no budget is known."""
    return [
        make.project(
            code=f"P-{number}", status=status, countries=[country], budget=budget
        )
        for number, status, country, budget in (
            (1, "ongoing", "VN", "1200.50"),
            (2, "ongoing", "LA", "300.00"),
            (3, "approved", "KH", None),
        )
    ]


on_a_server = pytest.mark.django_db(transaction=True)
PYTHON = (sys.executable, "-c")

# curl

SHELL = ("sh", "-c")
with_curl = pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")


@with_curl
@on_a_server
def test_curl_asks_for_a_figure_and_for_a_page(run, three_projects):
    figure = json.loads(run("curl-figure", *SHELL))
    page = json.loads(run("curl-page", *SHELL))

    assert figure["projects"]["counted"] == 3
    assert page["count"] == 2
    assert [row["code"] for row in page["results"]] == ["P-1", "P-2"]


@with_curl
@on_a_server
def test_curl_keeps_a_file(run, tmp_path, three_projects):
    run("curl-file", *SHELL)

    kept = (tmp_path / "projects.csv").read_text("utf-8-sig").splitlines()
    assert kept == [
        "code,title,status,approved_usd",
        f"P-1,{three_projects[0].title},ongoing,1200.50",
        f"P-2,{three_projects[1].title},ongoing,300.00",
        f"P-3,{three_projects[2].title},approved,",
    ]


@with_curl
@on_a_server
def test_curl_leaves_the_file_alone_until_something_changed(run, tmp_path):
    line, kept = make.line(), tmp_path / "lines.json"
    run("curl-unchanged", *SHELL)
    first = kept.read_text()
    kept.write_text("kept")

    run("curl-unchanged", *SHELL)

    assert f'"code":"{line.code}"' in first
    assert kept.read_text() == "kept"
    make.project(line=line)
    run("curl-unchanged", *SHELL)
    assert '"state":"implemented"' in kept.read_text()


# Python


@on_a_server
def test_python_reads_a_page(run, three_projects):
    assert run("python-page", *PYTHON).splitlines() == [
        "2 projects for Viet Nam or Lao PDR",
        "P-1 ongoing 1200.50",
        "P-2 ongoing 300.00",
    ]


@on_a_server
def test_the_nightly_copy_follows_what_is_changed_withdrawn_and_new(
    run, live_server, tmp_path, three_projects
):
    assert run("python-sync", *PYTHON) == "3 projects\n"
    with ledger_entry(what="A write") as entry:
        first, second, _ = three_projects
        actions.edit_project(project=first, entry=entry, title="Another title")
        hidden = {"is_published": False, "withheld_reason": "A treaty"}
        actions.edit_project(project=second, entry=entry, **hidden)
    make.project(code="P-4")

    assert run("python-sync", *PYTHON) == "3 projects\n"

    kept = json.loads((tmp_path / "projects.json").read_text())["projects"]
    assert set(kept) == {"P-1", "P-3", "P-4"}
    assert kept["P-1"]["title"] == "Another title"
    for code, row in kept.items():
        assert row == read(f"{live_server.url}/api/v1/projects/{code}/")


@on_a_server
def test_the_nightly_copy_asks_only_for_what_changed(run, monkeypatch, three_projects):
    asked = []
    get = ReadView.initial
    monkeypatch.setattr(
        ReadView,
        "initial",
        lambda view, request, *args, **kwargs: (
            asked.append(request.path) or get(view, request, *args, **kwargs)
        ),
    )
    run("python-sync", *PYTHON)
    asked.clear()
    with ledger_entry(what="A write") as entry:
        actions.edit_project(project=three_projects[1], entry=entry, title="New")

    run("python-sync", *PYTHON)

    assert asked == ["/api/v1/changes/", "/api/v1/projects/P-2/"]


@on_a_server
def test_the_nightly_copy_waits_where_it_asked_too_often(run, three_projects):
    with override_settings(API_RATES={"visitors": "2/second", "signed_in": None}):
        assert run("python-sync", *PYTHON) == "3 projects\n"


@on_a_server
def test_a_token_of_the_environment_lets_the_nightly_copy_see_more(run, tmp_path):
    make.project(code="P-1", is_published=False, funders=["JP"])
    _, text = make.token(make.user("partner", partner="JP"))

    assert run("python-sync", *PYTHON) == "0 projects\n"
    (tmp_path / "projects.json").unlink()
    assert run("python-sync", *PYTHON, ASEANPM_TOKEN=text) == "1 projects\n"


def read(address):
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


# pandas and R


@on_a_server
def test_pandas_sums_what_is_known(run, three_projects):
    told = run("pandas-read", *PYTHON)

    assert re.search(r"approved +1\nongoing +2\n", told)
    assert re.search(r"approved +NaN\nongoing +1500\.5\n", told)


@pytest.mark.skipif(not shutil.which("Rscript"), reason="no R here")
@on_a_server
def test_r_sums_what_is_known(run, three_projects):
    told = run("r-read", "Rscript", "-e")

    assert re.search(r"approved +ongoing *\n +1 +2", told)
    assert re.search(r"1 +ongoing +1500\.5\n", told)


# Power Query runs on Windows alone: its query is asked, and its columns are looked up


@pytest.mark.django_db
def test_power_query_asks_for_a_file_that_has_the_columns_it_names(client):
    make.project(code="P-1", budget="1200.50")
    text = snippets()["power-query"]
    query = re.search(r"Query = \[(.*)\]", text)[1]
    asked = dict(re.findall(r'(\w+) = "([^"]*)"', query))
    where = re.search(r'RelativePath = "([^"]*)"', text)[1]

    answer = client.get(f"/{where}?{urlencode(asked)}")

    assert asked == {"format": "csv", "plan": "IAI-IV"}
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(content))
    typed = {name: row[name] for name in re.findall(r'\{"(\w+)", ', text)}
    assert typed == {
        "approved_usd": "1200.50",
        "is_illustrative": "false",
        "changed_at": "2022-01-10T16:59:59.999999+00:00",
    }
    for opening, closing in ("()", "[]", "{}"):
        assert text.count(opening) == text.count(closing)


# The page


@pytest.mark.django_db
def test_every_snippet_names_this_site_and_no_other():
    with override_settings(ALLOWED_HOSTS=["data.example.org"]):
        found = snippets("data.example.org")

    assert set(found) == {
        *("curl-figure", "curl-page", "curl-file", "curl-unchanged"),
        *("python-page", "python-sync", "pandas-read", "r-read", "power-query"),
    }
    for text in found.values():
        assert re.findall(r"https?://[^/'\"]+", text) == ["http://data.example.org"]


@pytest.mark.django_db
def test_the_page_tells_the_rates_of_this_site(client):
    rates = {"visitors": "1200/hour", "signed_in": None}
    with override_settings(API_RATES=rates):
        page = client.get(PAGE).content.decode()

    assert "Without a token: 1,200 requests an hour from one address." in page
    assert "With one there is no limit." in page


@pytest.mark.django_db
@pytest.mark.parametrize(("where", "links"), [("/", 1), ("/accounts/tokens/", 2)])
def test_foot_and_token_page_lead_to_the_page(sign_in, where, links):
    """The foot of every page has one link; the token page another in its text."""
    page = sign_in(make.user("partner", partner="JP")).get(where)

    assert page.content.decode().count('<a href="/api/">') == links


@pytest.mark.django_db
def test_the_documentation_leads_to_the_page(api):
    schema = api().get("/api/v1/schema/", headers={"Accept": "application/json"})

    assert json.loads(schema.content)["externalDocs"]["url"] == "/api/"


# What the page promises of versions

GOES = Deprecation(dt.date(2027, 3, 1), dt.date(2028, 6, 30), "Use `plans/`.")
COLOUR = Deprecation(
    dt.date(2027, 1, 1), dt.date(2028, 1, 31), "Leave it out.", parameter="colour"
)


def old_view(*deprecated):
    class OldView(ReadView):
        parameters = ("colour", "size")

        @documented(
            "Old things",
            OpenApiTypes.OBJECT,
            [
                OpenApiParameter(name, description="Said.")
                for name in ("colour", "size")
            ],
        )
        def get(self, request):
            return Response({})

    OldView.deprecated = deprecated
    return OldView


def headers_of(view, query=""):
    answer = view.as_view()(APIRequestFactory().get(f"/api/v1/old/{query}"))
    names = ("Deprecation", "Sunset", "Link")
    return {name: answer[name] for name in names if name in answer}


@pytest.mark.django_db
def test_a_deprecated_endpoint_says_so_a_year_ahead_in_each_answer():
    policy = "<http://testserver/api/#versions>"
    told = {
        "Deprecation": "@1803859200",
        "Sunset": "Fri, 30 Jun 2028 00:00:00 GMT",
        "Link": f'{policy}; rel="deprecation"; type="text/html"',
    }

    assert headers_of(old_view(GOES)) == told
    assert headers_of(old_view(GOES), "?unknown=1") == told
    assert headers_of(old_view()) == {}


@pytest.mark.django_db
def test_a_deprecated_parameter_is_told_to_whom_uses_it():
    view = old_view(COLOUR)

    assert headers_of(view, "?size=1") == {}
    told = headers_of(view, "?colour=red")
    assert told["Deprecation"] == "@1798761600"
    assert told["Sunset"] == "Mon, 31 Jan 2028 00:00:00 GMT"
    assert headers_of(old_view(GOES, COLOUR), "?colour=red") == told


def test_the_schema_says_what_is_deprecated_and_what_to_use():
    def operation(*deprecated):
        routes = [path("api/v1/plans/old/", old_view(*deprecated).as_view())]
        schema = SchemaGenerator(patterns=routes).get_schema(public=True)
        return schema["paths"]["/api/v1/plans/old/"]["get"]

    whole, part = operation(GOES), operation(COLOUR)

    assert whole["deprecated"] is True
    for one in (whole, part):
        headers = one["responses"]["200"]["headers"]
        assert {"Deprecation", "Sunset", "Link"} <= {*headers}
    assert whole["description"].endswith(
        "Deprecated since 2027-03-01; goes on 2028-06-30 at the earliest. Use `plans/`."
    )
    assert "deprecated" not in part
    parameters = {one["name"]: one for one in part["parameters"]}
    assert [name for name, one in parameters.items() if "deprecated" in one] == [
        "colour"
    ]
    assert parameters["colour"]["description"] == (
        "Said.\n\nDeprecated since 2027-01-01; goes on 2028-01-31 at the earliest. "
        "Leave it out."
    )


def test_nothing_is_deprecated_for_less_than_a_year():
    with pytest.raises(ValueError, match="less than a year"):
        Deprecation(dt.date(2027, 3, 1), dt.date(2028, 2, 28), "Use `plans/`.")
