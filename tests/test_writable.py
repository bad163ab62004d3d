"""No form and no endpoint writes what it does not offer."""

import re
from functools import partial

import pytest
import time_machine
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator

from aseanpm.facts import Entry
from aseanpm.undo import fact_models, kept_models
from projects.models import Project
from tests import doors, make
from tests.reading import Form

pytestmark = pytest.mark.django_db

# What each kind of column is sent, though nobody asked for it; "1" to the others
UNASKED = {
    "BooleanField": "on",
    "DateField": "2020-01-01",
    "DateTimeField": "2020-01-01T00:00",
    "DecimalField": "7",
}
MADE_ANEW = {"id", "uuid", "history_id", "password"}
NEW_CODE = re.compile(r"\bp-[2-9a-z]{5}\b", re.IGNORECASE)
# Sent by a button of another page, or only once something was chosen
WITHOUT_FORM = {
    *("accounts:user-deed", "remove-illustrative", "undo", "restore", "queue-pair"),
    *("action-point", "action-point-done", "action-point-reopen"),
    *("action-point-withdraw", "comment-withdraw", "document-new", "document-withdraw"),
    *("partners:merge", "partners:organisation-merge", "projects:rate-proposed"),
    *("projects:bulk", "projects:columns", "projects:import", "projects:view"),
    *("projects:views", "workplans:concept", "workplans:decisions"),
    "workplans:pledges",
    # Tokens are no records with a history: tests/partners/test_tokens.py
    *("accounts:tokens", "accounts:token-revoke"),
}
FORMS = sorted(
    route
    for route, (_, does) in doors.DOORS.items()
    if does != "view" and route not in WITHOUT_FORM
)


def models():
    return [*kept_models(), *fact_models()]


def unasked():
    """{name: text} of every column of every record that the site keeps."""
    return {
        name: UNASKED.get(field.get_internal_type(), "1")
        for model in models()
        for field in model._meta.concrete_fields
        for name in (field.name, field.attname)
    }


def plain(value):
    return NEW_CODE.sub("P-NEW", value) if isinstance(value, str) else value


def records_after(send):
    """Every record as sending something leaves it; it is not left so."""
    with transaction.atomic():
        answer = send()
        found = [
            (model, {name: plain(row[name]) for name in row.keys() - MADE_ANEW})
            for model in models()
            for row in model._base_manager.order_by("pk").values()
        ]
        transaction.set_rollback(True)
    return answer.status_code, found


TEXTS = {"text", "textarea", "date", "number", "email"}
CHANGED = {"title", "name", "note", "reason", "text"}
# What is typed into a field, by the last word of its name that stands here
TYPED = {
    "code": "NEW-7",
    "currency": "JPY",
    "email": "new@example.org",
    "language": "vi",
    "url": "https://example.org/",
    "themes": "COVID",
    **dict.fromkeys(("line", "lines", "continues"), "IAI-IV-07"),
    **dict.fromkeys(("source", "sources"), "S1"),
    **dict.fromkeys(("amount", "rate", "value", "share", "number", "order"), "7"),
    **dict.fromkeys(("place", "print", "total"), "7"),
    **dict.fromkeys(("on", "start", "end", "since", "until", "due"), "2026-05-02"),
    **dict.fromkeys(("adopted", "dated", "of", "from"), "2026-05-02"),
}
# What a form wants besides, or wants left empty
WANTED = {
    "accounts:invite": {"country": "", "partner": ""},
    "accounts:user": {"country": "", "partner": ""},
    "action-point-new": {"owner": ""},
    "partners:focal-point-edit": {"area": "", "line": ""},
    "partners:focal-point-new": {"area": "", "line": ""},
    "projects:money-new": {
        **dict.fromkeys(("partner", "fund", "rate", "rate_on", "rate_source"), ""),
        "currency": "USD",
    },
    "projects:new": {"status_on": ""},
    "projects:rate-edit": {"rate": "7"},
    "projects:rates-import": {
        "text": "currency,on,rate,source\nJPY,2026-05-02,0.0065,S"
    },
    "workplans:area-new": {"code": "IAI-IV-NEW"},
    "workplans:line-edit": {"continues": ""},
    "workplans:line-new": {"continues": ""},
    "workplans:meeting-figures": {"published_figures-0-unit": ""},
    "workplans:plan-titles": {"text": "IAI-IV-07,Some title"},
}


def typed(name):
    words = name.rpartition("-")[2].split("_")
    if words[0] == "declares":
        return "7"
    return next((TYPED[word] for word in words[::-1] if word in TYPED), f"Some {name}")


def filled(form, *, everything):
    """What somebody might send: all that is empty filled, or some text changed."""
    sent = dict(form.texts)
    for name, kind in form.kinds.items():
        is_empty = not "".join(sent.get(name, []))
        if kind in {"select", "radio"} and is_empty and everything:
            sent[name] = [text for text in form.options[name] if text][:1]
        elif name == "project" and everything:
            sent[name] = form.options[name][:1]
        elif kind in TEXTS and (name in CHANGED or (is_empty and everything)):
            sent[name] = [typed(name)]
    return sent


def pressed(client, where, sent):
    """Send a form, again where figures or questions are shown first; the status."""
    answer = client.post(where, sent)
    if answer.status_code == 200:
        again = Form(answer.content.decode()).texts
        told = {name: again[name] for name in ("seen", "asked") if name in again}
        answer = client.post(where, sent | told)
    return answer


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("route", FORMS)
def test_a_form_writes_no_field_that_it_does_not_offer(sign_in, route):
    where = doors.address(route, doors.samples())
    client = sign_in(make.user("administrator"))
    with time_machine.travel("2026-06-01 10:00+07:00", tick=False):
        form = Form(client.get(where).content.decode())
        assert form.texts
        rows = {name.rpartition("-")[0] for name in form.names if "-" in name}
        more = {
            f"{row}-{name}" if row else name: text
            for name, text in unasked().items()
            for row in ("", *rows)
        }
        more = {name: text for name, text in more.items() if name not in form.names}
        _, before = records_after(lambda: client.get("/healthz"))

        written = False
        for everything in (False, True):
            sent = filled(form, everything=everything) | WANTED.get(route, {})
            alone = records_after(lambda sent=sent: pressed(client, where, sent))
            together = records_after(
                lambda sent=sent: pressed(client, where, sent | more)
            )
            assert together == alone
            written |= alone[1] != before

    assert written, alone[0]


@pytest.fixture
def fields():
    """The fields of a project that the API shows, and those that it takes."""
    schema = SchemaGenerator(api_version="v1").get_schema(public=True)
    parts = schema["components"]["schemas"]
    return set(parts["Project"]["properties"]), set(parts["ProjectWrite"]["properties"])


def test_the_api_writes_no_field_that_it_does_not_offer(api, fields):
    shown, taken = fields
    project = make.project(title="Rice", funders=["JP"], countries=["VN"], budget="100")
    client = api(make.user("administrator"))
    tag = client.get(f"/api/v1/projects/{project.code}/")["ETag"]
    before, entries = records_after(lambda: client.get("/")), Entry.objects.count()

    for name in shown - taken:
        for value in ("1", 1, True, None, [], {}):
            body = {"title": "Rice", name: value}
            made = client.post(
                "/api/v1/projects/", body, headers={"Idempotency-Key": f"{name}{value}"}
            )
            changed = client.patch(
                f"/api/v1/projects/{project.code}/", body, headers={"If-Match": tag}
            )
            for answer in (made, changed):
                assert answer.status_code == 400, (name, value)
                assert answer.json()["errors"][0]["field"] == name

    assert {"code", "status", "version", "benefits", "money"} <= shown - taken
    assert Entry.objects.count() == entries
    assert records_after(lambda: client.get("/")) == before
    assert Project.objects.count() == 1


FACTS = [
    {"kind": "money entry", "money_kind": "committed", "partner": "JP", "amount": "7"},
    {"kind": "funding", "event": "joins", "partner": "KR"},
    {"kind": "benefit", "event": "joins", "country": "KH"},
    {"kind": "approval step", "step": "funder", "outcome": "endorsed"},
    {"kind": "status change", "status": "ongoing"},
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["kind"])
def test_a_fact_by_the_api_takes_no_column_that_it_does_not_offer(api, fact):
    schema = SchemaGenerator(api_version="v1").get_schema(public=True)
    parts = schema["components"]["schemas"]
    title = "".join(map(str.capitalize, fact["kind"].split()))
    offered = parts[f"{title}Write"]["properties"].keys() | {"reverses"}
    project = make.project(funders=["JP"], countries=["VN"])
    make.partner("KR")
    make.country("KH")
    client = api(make.user("administrator"))
    body = fact | {"change": "development", "effective_on": "2022-02-01"}
    send = partial(client.post, f"/api/v1/projects/{project.code}/facts/")
    before, entries = records_after(lambda: client.get("/")), Entry.objects.count()

    names = unasked().keys() - offered
    answer = send(body | dict.fromkeys(names, "1"), headers={"Idempotency-Key": "all"})

    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == names
    assert {"uuid", "sequence", "recorded_by_id", "usd", "project"} <= names
    assert Entry.objects.count() == entries
    assert records_after(lambda: client.get("/")) == before
    assert send(body, headers={"Idempotency-Key": "once"}).status_code == 201
