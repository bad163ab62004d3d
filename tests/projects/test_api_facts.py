"""Recording facts through the API, and setting right what was wrong."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from threading import Event

import pytest
import time_machine
from django.db import connection
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from aseanpm.facts import Entry, LedgerHead, ledger_entry
from aseanpm.undo import fact_models
from partners.models import User
from projects.models import Funding, MoneyEntry, Project
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/api/v1/projects/"
KEY = {"Idempotency-Key": "job-1"}
NOWHERE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(dt.datetime(2026, 6, 15, 9, tzinfo=dt.UTC), tick=True):
        yield


@pytest.fixture
def editor():
    return make.user("editor", name="Ana")


@pytest.fixture
def project():
    """An approved project of IAI-IV that Japan funds and Viet Nam benefits from."""
    plan = make.plan("IAI-IV")
    made = make.project(
        status="approved",
        on="2022-01-10",
        line=make.line(plan=plan, area=make.area(plan=plan), code="IAI-IV-07"),
        funders=["JP"],
        countries=[("VN", 60)],
        budget="100",
    )
    make.fund("JAIF", owner="JP")
    make.fund("AKCF", owner="KR")
    make.country("KH")
    make.grouping("CLMV", ["KH", "VN"])
    make.line(area=make.area(plan=make.plan("IAI-III")), code="IAI-III-9")
    make.meeting("IAI-TF-80", on="2026-06-10")
    make.meeting("IAI-TF-81", on="2026-10-10")
    make.partner("XX", name="Japan", merged_into=make.partner("JP"))
    return made


def address(project):
    return f"{LIST}{project.code}/facts/"


def post(client, project, headers=KEY, **sent):
    return client.post(address(project), sent, headers=headers)


def development(kind, **sent):
    return {"kind": kind, "change": "development"} | sent


def correction(kind, fact, **sent):
    return {"kind": kind, "change": "correction", "fact": str(fact.uuid)} | sent


STATUS = development("status change")
FUNDING = development("funding", event="joins", partner="KR", effective_on="2026-03-01")
BENEFIT = development("benefit", event="joins", country="KH", effective_on="2026-03-01")
MONEY = development(
    "money entry",
    money_kind="committed",
    partner="JP",
    amount="1250.50",
    effective_on="2026-03-01",
)


def written(answer):
    """(what was recorded, what was withdrawn), in words and days."""
    assert answer.status_code == 201, answer.json()
    told = answer.json()
    return tuple(
        [(row["says"], row["effective_on"]) for row in told[name]]
        for name in ("recorded", "withdrawn")
    )


def refused(answer):
    """{field: sentence} of a 400."""
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


# Developments


@pytest.mark.parametrize(
    ("sent", "says", "day"),
    [
        (
            STATUS | {"status": "ongoing", "effective_on": "2026-03-01"},
            "Ongoing",
            "2026-03-01",
        ),
        (
            STATUS | {"status": "cancelled", "meeting": "IAI-TF-80", "reason": "Flood"},
            "Cancelled, at the 80th IAI Task Force",
            "2026-06-10",
        ),
        (
            development("line reference", line="IAI-III-9"),
            "Refers to IAI-III-9, which counts nothing",
            None,
        ),
        (FUNDING | {"fund": "AKCF"}, "Partner KR joins as a funder through AKCF", 0),
        (
            FUNDING | {"event": "leaves", "partner": "JP"},
            "Partner JP leaves as a funder",
            0,
        ),
        (BENEFIT, "Country KH joins those who benefit", 0),
        (
            BENEFIT | {"share_basis": "stated", "share": "40"},
            "Country KH joins those who benefit, 40.00 per cent stated",
            0,
        ),
        (
            BENEFIT | {"country": None, "grouping": "CLMV"},
            "CLMV joins those who benefit",
            0,
        ),
        (MONEY, "Committed by Partner JP: USD 1,250.50", 0),
        (
            MONEY | {"amount": None, "in_kind": True, "money_kind": "pledged"},
            "Pledged by Partner JP in kind: amount not known",
            0,
        ),
        (
            MONEY
            | {
                "money_kind": "approved",
                "partner": None,
                "currency": "eur",
                "rate": "0.9884",
                "rate_on": "2026-02-27",
                "rate_source": "A bank",
            },
            "Approved budget: EUR 1,250.50 (USD 1,235.99 at 0.9884)",
            0,
        ),
        (
            development(
                "approval step",
                step="funder",
                outcome="endorsed",
                meeting="circulation",
                effective_on="2026-03-01",
            ),
            "Funder: endorsed",
            "2026-03-01",
        ),
    ],
)
def test_what_happened_is_recorded(api, editor, project, sent, says, day):
    answer = post(api(editor), project, **sent)

    day = "2026-03-01" if day == 0 else day
    assert written(answer) == ([(says, day)], [])
    row = answer.json()["recorded"][0]
    assert row["kind"] == sent["kind"]
    assert row["basis"] == "documented"
    facts = api(editor).get(address(project)).json()["results"]
    assert row in facts


def test_a_project_without_a_place_is_placed(api, editor, project):
    nowhere = make.project(plan=False, status=None)
    sent = development("placement", plan="IAI-IV", line="IAI-IV-07")

    answer = post(api(editor), nowhere, **sent)

    assert written(answer) == (
        [("Placed under IAI-IV, An area, IAI-IV-07", None)],
        [],
    )
    assert api().get(f"{LIST}{nowhere.code}/").json()["line"] == "IAI-IV-07"


def test_the_answer_bears_the_next_etag_of_the_project(api, editor, project):
    client = api(editor)
    before = client.get(f"{LIST}{project.code}/")

    answer = post(client, project, **MONEY)

    changed = client.patch(
        f"{LIST}{project.code}/",
        {"title": "Maize"},
        headers={"If-Match": answer.headers["ETag"]},
    )
    assert answer.headers["ETag"] != before.headers["ETag"]
    assert changed.status_code == 200


def test_what_changed_since_it_was_read_is_left_alone_where_asked(api, editor, project):
    client = api(editor)
    etag = client.get(f"{LIST}{project.code}/")["ETag"]
    post(client, project, **BENEFIT)

    late = post(client, project, {"Idempotency-Key": "2", "If-Match": etag}, **MONEY)
    after = post(client, project, {"Idempotency-Key": "2"}, **MONEY)

    assert late.status_code == 412
    assert late.headers["Content-Type"] == "application/problem+json"
    assert after.status_code == 201
    assert project.money_entries.known().filter(kind="committed").count() == 1


def test_dollars_are_computed_and_exact(api, editor, project):
    sent = MONEY | {"currency": "JPY", "amount": "1,000,000", "rate": "0.00685"}
    sent |= {"rate_on": "2026-02-27", "rate_source": "A bank"}

    post(api(editor), project, **sent)

    entry = MoneyEntry.objects.get(kind="committed")
    assert (entry.amount, entry.usd) == (Decimal(1_000_000), Decimal("6850.00"))


def test_who_pays_joins_with_the_same_write(api, editor, project):
    sent = MONEY | {"partner": "KR", "fund": "AKCF", "joins": True}

    recorded, _ = written(post(api(editor), project, **sent))

    assert {says for says, _ in recorded} == {
        "Partner KR joins as a funder through AKCF",
        "Committed by Partner KR: USD 1,250.50",
    }


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (
            MONEY | {"partner": "KR"},
            "Partner KR is not on record as a funder of this project on that day.",
        ),
        (
            MONEY | {"currency": "EUR"},
            "No rate is given for EUR, so the dollars of this entry are not known.",
        ),
    ],
)
def test_what_is_odd_is_written_once_it_is_confirmed(
    api, editor, project, sent, sentence
):
    first = post(api(editor), project, **sent)
    again = post(api(editor), project, **sent, confirmed=True)

    assert refused(first)["confirmed"].startswith(sentence)
    assert again.status_code == 201


def test_a_project_is_carried_over_to_a_successor(api, editor):
    make.plan("IAI-III", nominal_start=make.day("2016-01-01"))
    line = make.line(plan=make.plan("IAI-IV"), code="IAI-IV-07")
    project = make.project(status="ongoing", plan=make.plan("IAI-III"))
    sent = STATUS | {
        "status": "carried_over",
        "meeting": "circulation",
        "effective_on": "2026-03-01",
        "reason": "Its last phase is of the next plan.",
        "plan": "IAI-IV",
        "line": line.code,
    }

    answer = post(api(editor), project, **sent)

    assert written(answer) == ([("Carried over, by circulation", "2026-03-01")], [])
    successor = Project.objects.get(predecessor=project)
    whole = api(editor).get(f"{LIST}{project.code}/").json()
    assert whole["successor"] == successor.code
    assert api(editor).get(f"{LIST}{successor.code}/").json()["line"] == "IAI-IV-07"


def test_an_approval_publishes_as_on_the_page(api, editor):
    project = make.project(status="appraisal", is_published=False)
    make.meeting("IAI-TF-80", on="2026-06-10")

    post(api(editor), project, **STATUS, status="approved", meeting="IAI-TF-80")

    shown = api().get(f"{LIST}{project.code}/").json()
    assert (shown["status"], shown["status_since"]) == ("approved", "2026-06-10")


# What is refused


def ongoing(**sent):
    return STATUS | {"status": "ongoing", "effective_on": "2026-03-01"} | sent


REFUSED = {
    "days": [
        (ongoing(effective_on="2026-06-16"), "effective_on", "This day has not come"),
        (ongoing(effective_on=None), "effective_on", "Give the day."),
        (STATUS | {"status": "ongoing"}, "effective_on", "Give the day."),
        (ongoing(effective_on="soon"), "effective_on", "This is no date. Write it as"),
        (ongoing(effective_on="1967-01-01"), "effective_on", "ASEAN was founded on"),
        (
            ongoing(effective_on="2022-01-09"),
            "effective_on",
            "“Approved” is on record since 10 January 2022; what follows is not",
        ),
        (
            ongoing(effective_on=None, meeting="IAI-TF-81"),
            "meeting",
            "This meeting has not been held yet.",
        ),
        (
            ongoing(effective_on="2026-06-11", meeting="IAI-TF-80"),
            "effective_on",
            "The 80th IAI Task Force was not held on that day.",
        ),
        (FUNDING | {"effective_on": "2026-06-16"}, "effective_on", "This day has not"),
        (MONEY | {"effective_on": None}, "effective_on", "Give the day."),
    ],
    "moves": [
        (
            ongoing(status="completed"),
            "status",
            "“Completed” cannot follow “Approved”. What can: Ongoing, Cancelled,",
        ),
        (ongoing(status="cancelled"), "reason", "“Cancelled” needs a reason."),
        (ongoing(status="lost"), "status", "Write one of: concept, appraisal,"),
        (STATUS, "status", "This field is required."),
        (ongoing(meeting="IAI-TF-99"), "meeting", "“IAI-TF-99” is no meeting on"),
        (
            ongoing(status="carried_over", reason="Why"),
            "status",
            "There is no later plan of its programme on record",
        ),
    ],
    "places": [
        (
            development("placement", plan="IAI-IV", line="IAI-III-9"),
            "line",
            "IAI-III-9 Line",
        ),
        (
            development("placement", plan="IAI-IV", line="IAI-IV-07"),
            "non_field_errors",
            "A project has one placement at a time.",
        ),
        (development("placement", plan="IAI-X"), "plan", "“IAI-X” is not one of"),
        (development("line reference"), "line", "This field is required."),
    ],
    "funders": [
        (FUNDING | {"partner": "JP"}, "partner", "This funder has joined already."),
        (FUNDING | {"event": "leaves"}, "partner", "A funder leaves only what it"),
        (FUNDING | {"partner": "XX"}, "partner", "“XX” is not one of these."),
        (FUNDING | {"partner": None}, "partner", "Name the funder."),
        (FUNDING | {"fund": "JAIF"}, "fund", "JAIF does not count as Partner KR on"),
        (FUNDING | {"event": "stays"}, "event", "Write one of: joins, leaves."),
    ],
    "beneficiaries": [
        (
            BENEFIT | {"share_basis": "stated", "share": "41"},
            "share",
            "The shares would exceed 100 per cent.",
        ),
        (
            BENEFIT | {"share_basis": "stated", "share": "101"},
            "share",
            "A share is above 0 and at most 100 per cent.",
        ),
        (BENEFIT | {"share": "40"}, "share", "A stated share needs its percentage."),
        (BENEFIT | {"grouping": "CLMV"}, "country", "Name a country or a grouping,"),
        (BENEFIT | {"event": "leaves"}, "event", "Only who benefits can cease to."),
    ],
    "money": [
        (MONEY | {"currency": "EUX"}, "currency", "“EUX” is no currency of ISO 4217."),
        (MONEY | {"amount": "1e5"}, "amount", "“1e5” is no number."),
        (MONEY | {"amount": "1.005"}, "amount", "“1.005” has more than 2 decimals."),
        (
            {name: value for name, value in MONEY.items() if name != "amount"},
            "amount",
            "Write the amount, or say that it is not known.",
        ),
        (MONEY | {"amount": 1250.5}, "amount", "Send the number as a text, such as"),
        (MONEY | {"amount": "-1"}, "amount", "The entries of this kind and funder"),
        (MONEY | {"partner": None}, "partner", "Name the funder of this money."),
        (MONEY | {"partner": "XX"}, "partner", "“XX” is not one of these."),
        (
            MONEY | {"money_kind": "approved"},
            "partner",
            "An approved budget names no funder.",
        ),
        (
            MONEY | {"money_kind": "approved", "partner": None, "is_private": True},
            "is_private",
            "An approved budget is public.",
        ),
        (MONEY | {"money_kind": "lent"}, "money_kind", "Select a valid choice."),
        (MONEY | {"rate": "2"}, "rate", "The rate of a dollar is 1."),
        (
            MONEY | {"currency": "EUR", "rate": "1.1"},
            "rate_source",
            "A rate needs its date and its source.",
        ),
        (
            MONEY | {"joins": True, "is_counterpart": True},
            "joins",
            "A beneficiary’s own input makes no funder.",
        ),
        (MONEY | {"is_private": "yes"}, "is_private", "Send true or false."),
        (MONEY | {"basis": "illustrative"}, "basis", "Select a valid choice."),
        (MONEY | {"source": "NO"}, "source", "“NO” is not one of these."),
        (MONEY | {"reverses": NOWHERE}, "reverses", "There is no such entry of this"),
    ],
    "what is sent": [
        ({}, "kind", "This field is required."),
        ({"kind": "money"}, "kind", "Write one of: status change, placement,"),
        ({"kind": ["funding"]}, "kind", "Write one of:"),
        ({"kind": "funding"}, "change", "This field is required."),
        (FUNDING | {"change": "news"}, "change", "Write one of: development, "),
        (FUNDING | {"fact": NOWHERE}, "fact", "It is for a correction."),
        (FUNDING | {"withdraw": True}, "withdraw", "It is for a correction."),
        (FUNDING | {"reverses": NOWHERE}, "reverses", "It is for a new money entry."),
        (FUNDING | {"note": 5}, "note", "Send a text."),
        (FUNDING | {"note": "a\x00b"}, "note", "Holds a NUL character."),
        (FUNDING | {"note": "Rice\u202echains"}, "note", "Holds a sign that cannot be"),
        (FUNDING | {"reason": "a\u202eb"}, "reason", "Holds a sign that cannot be"),
        (FUNDING | {"recorded_at": "2020-01-01"}, "recorded_at", "Not asked for here."),
        (FUNDING | {"status": "ongoing"}, "status", "Not asked for here."),
        (ongoing(plan="IAI-IV"), "plan", "Not asked for here."),
    ],
}


@pytest.mark.parametrize("about", REFUSED)
def test_what_breaks_a_rule_is_named_and_nothing_is_written(
    api, editor, project, about
):
    client, before = api(editor), kept()

    for sent, field, sentence in REFUSED[about]:
        told = refused(post(client, project, **sent))
        assert told.get(field, "").startswith(sentence), (sent, told)

    assert kept() == before


def kept():
    """All that stands: writes, the head of the ledger, facts."""
    return (
        Entry.objects.count(),
        LedgerHead.objects.get().sequence,
        [list(model._base_manager.order_by("pk").values()) for model in fact_models()],
    )


def test_what_is_no_object_is_refused(api, editor, project):
    for sent in ([], "x", 3, None, [FUNDING]):
        answer = api(editor).generic(
            "POST", address(project), json.dumps(sent), "application/json", headers=KEY
        )

        assert refused(answer) == {"non_field_errors": "Send one fact, as an object."}


def test_all_that_is_wrong_is_told_at_once(api, editor, project):
    sent = MONEY | {"rate": "x", "amount": "x", "fund": "NO", "effective_on": ""}

    answer = post(api(editor), project, **sent)

    assert refused(answer).keys() == {"rate", "amount", "fund", "effective_on"}


def test_a_write_takes_a_key_and_no_parameter(api, editor, project):
    without = api(editor).post(address(project), FUNDING)
    clock = api(editor).post(f"{address(project)}?as_of=2022-01-01", FUNDING)
    made = api(editor).post(f"{LIST}?as_of=2022-01-01", {"title": "x"}, headers=KEY)

    assert refused(without).keys() == {"Idempotency-Key"}
    assert refused(clock).keys() == refused(made).keys() == {"as_of"}


# Corrections


def test_a_correction_withdraws_one_fact_and_records_another(api, editor, project):
    entry = project.money_entries.get()
    sent = correction("money entry", entry, amount="1000", reason="A nought was lost.")

    answer = post(api(editor), project, **sent)

    assert written(answer) == (
        [("Approved budget: USD 1,000.00", "2022-01-10")],
        [("Approved budget: USD 100.00", "2022-01-10")],
    )
    gone = answer.json()["withdrawn"][0]
    assert (gone["id"], gone["withdrawal_reason"]) == (
        str(entry.uuid),
        "A nought was lost.",
    )


@pytest.mark.parametrize(
    ("kind", "facts", "sent", "says"),
    [
        ("placement", "placements", {"line": None}, "Placed under IAI-IV, An area"),
        ("funding", "fundings", {"partner": "KR"}, "Partner KR joins as a funder"),
        (
            "benefit",
            "benefits",
            {"share": "50"},
            "Country VN joins those who benefit, 50.00 per cent stated",
        ),
        (
            "status change",
            "status_changes",
            {"effective_on": "2022-01-11"},
            "Approved, by circulation",
        ),
    ],
)
def test_what_is_left_away_in_a_correction_stays(
    api, editor, project, kind, facts, sent, says
):
    fact = getattr(project, facts).order_by("pk").last()

    answer = post(
        api(editor), project, **correction(kind, fact, reason="It was wrong.", **sent)
    )

    recorded, withdrawn = written(answer)
    assert [words for words, _ in recorded] == [says]
    assert len(withdrawn) == 1


def test_a_fact_that_never_was_is_withdrawn(api, editor, project):
    japan = project.fundings.get()
    sent = correction("funding", japan, withdraw=True, reason="It was asked only.")

    answer = post(api(editor), project, **sent)

    assert written(answer) == ([], [("Partner JP joins as a funder", "2022-01-10")])
    assert api().get(f"{LIST}{project.code}/").json()["partners"] == []


def test_an_entry_is_reversed_at_its_own_rate(api, editor, project):
    euros = MONEY | {"currency": "EUR", "rate": "1.1", "rate_source": "A bank"}
    euros |= {"rate_on": "2026-02-27"}
    entry = post(api(editor), project, **euros).json()["recorded"][0]

    answer = post(
        api(editor),
        project,
        {"Idempotency-Key": "2"},
        **development(
            "money entry", reverses=entry["id"], effective_on="2026-04-01", note="Lost"
        ),
    )

    assert written(answer) == (
        [
            (
                "Committed by Partner JP: EUR -1,250.50 (USD -1,375.55 at 1.1), "
                "reversal",
                "2026-04-01",
            )
        ],
        [],
    )


REFUSED_CORRECTIONS = [
    ({}, "reason", "Say why the record was wrong."),
    ({"reason": "Why"}, "non_field_errors", "Nothing differs from what is on"),
    ({"reason": "Why", "fact": NOWHERE}, "fact", "There is no such fact of this"),
    ({"reason": "Why", "fact": "5"}, "fact", "Send the id of a fact."),
    ({"reason": "Why", "fact": None}, "fact", "Name the fact that was wrong."),
    ({"reason": "Why", "kind": "benefit"}, "kind", "This fact is of kind “funding"),
    ({"reason": "Why", "event": "leaves"}, "partner", "A funder leaves only what"),
    ({"reason": "Why", "fund": "AKCF"}, "fund", "AKCF does not count as Partner"),
    ({"withdraw": True}, "reason", "Say why the record was wrong."),
    ({"withdraw": True, "reason": "x", "fund": "JAIF"}, "fund", "Not asked for"),
]


def test_a_correction_that_breaks_a_rule_is_named_and_nothing_is_written(
    api, editor, project
):
    client, before = api(editor), kept()
    funding = correction("funding", project.fundings.get())

    for sent, field, sentence in REFUSED_CORRECTIONS:
        told = refused(post(client, project, **funding | sent))
        assert told.get(field, "").startswith(sentence), (sent, told)

    assert kept() == before


def test_what_was_withdrawn_before_says_who_and_why(api, editor, project):
    sent = correction("funding", project.fundings.get(), reason="It was Korea’s.")
    post(api(editor), project, **sent, partner="KR")

    late = post(api(editor), project, {"Idempotency-Key": "2"}, **sent, event="leaves")

    assert refused(late) == {
        "fact": "This was withdrawn on 15 June 2026 by Ana: It was Korea’s."
    }


def test_a_fact_of_another_project_is_not_there(api, editor, project):
    other = make.project(funders=["KR"])
    sent = correction("funding", other.fundings.get(), reason="Why", withdraw=True)

    answer = post(api(editor), project, **sent)

    assert refused(answer) == {"fact": "There is no such fact of this project."}
    assert other.fundings.known().exists()


# History


def test_a_fact_stands_in_the_history_as_one_of_a_page_and_is_undone(
    api, editor, project, sign_in
):
    sent = ongoing(status="cancelled", reason="The agency was dissolved.")
    answer = post(api(editor), project, **sent)

    entry = Entry.objects.first()
    page = sign_in(editor).get(f"/history/{entry.sequence}/").content.decode()
    sign_in(editor).post(f"/undo/{entry.sequence}/")

    assert answer.status_code == 201
    assert entry.what == f"{project}: Cancelled, 1 March 2026"
    assert entry.reason == "The agency was dissolved."
    assert entry.recorded_by == editor
    assert entry.request_id
    assert entry.opens == f"/projects/{project.code}/"
    assert entry.can_be_undone
    assert "The agency was dissolved." in page
    assert api().get(f"{LIST}{project.code}/").json()["status"] == "approved"


def test_a_private_amount_stays_out_of_the_history_of_writes(api, editor, project):
    sent = MONEY | {"is_private": True, "amount": "774477", "note": "Of the treaty"}

    made = post(api(editor), project, **sent, reason="As the treaty says")
    fact = project.money_entries.get(kind="committed")
    post(
        api(editor),
        project,
        {"Idempotency-Key": "2"},
        **correction(
            "money entry", fact, amount="885588", reason="It was eighty-eight"
        ),
    )

    said = " ".join(f"{one.what} {one.reason}" for one in Entry.objects.all())
    secret = ("774477", "774,477", "885588", "885,588", "treaty", "eighty")
    assert [one for one in secret if one in said] == []
    assert (
        made.json()["recorded"][0]["says"] == "Committed by Partner JP: USD 774,477.00"
    )
    public = api().get(address(project)).content.decode()
    assert [one for one in secret if one in public] == []


# Rights


@pytest.mark.parametrize(
    ("role", "fields", "status"),
    [
        (None, {}, 401),
        ("reader", {}, 403),
        ("coordinator", {"country": "VN"}, 403),
        ("partner", {"partner": "JP"}, 403),
    ],
)
def test_others_record_nothing(api, project, role, fields, status):
    user = make.user(role, **fields) if role else None
    before = kept()

    answers = [post(api(user), project, **sent) for sent in (MONEY, ongoing(), {})]

    assert {answer.status_code for answer in answers} == {status}
    assert kept() == before


def test_a_hidden_project_is_as_absent_to_who_would_record(api):
    hidden = make.project(is_published=False)
    for user in (None, make.user("reader"), make.user("partner", partner="AU")):
        answers = [
            api(user).post(f"{LIST}{code}/facts/", FUNDING, headers=KEY)
            for code in (hidden.code, "P-99999")
        ]

        assert [answer.status_code for answer in answers] == [404, 404]
        told = answers[0].content.decode().replace(hidden.code, "P-99999")
        assert told == answers[1].content.decode()


def test_a_role_lost_since_signing_in_records_nothing(api, editor, project):
    client = api(editor)
    User.objects.filter(pk=editor.pk).update(role="reader")

    answer = post(client, project, **MONEY)

    assert answer.status_code == 403


# The same key


def test_the_same_fact_sent_again_is_told_and_not_written_again(api, editor, project):
    first = post(api(editor), project, **ongoing())
    again = post(api(editor), project, **ongoing())
    other = post(api(editor), project, **MONEY)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.headers["ETag"] == again.headers["ETag"]
    assert other.status_code == 422
    assert project.status_changes.known().filter(status="ongoing").count() == 1


def at_once(call, numbers):
    def alone(number):
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(alone, numbers))


def signed_in(user):
    client = APIClient()
    client.force_login(user)
    return client


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sent", [ongoing(), MONEY])
def test_sixteen_equal_facts_at_once_are_recorded_once(editor, project, sent):
    clients = [signed_in(editor) for _ in range(16)]

    answers = at_once(lambda number: post(clients[number], project, **sent), range(16))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert Entry.objects.exclude(submission=None).count() == 1
    assert len(answers[0].json()["recorded"]) == 1


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_different_funders_at_once_all_join(editor, project):
    clients = [signed_in(editor) for _ in range(16)]
    for number in range(16):
        make.partner(f"P{number}")

    answers = at_once(
        lambda number: post(
            clients[number],
            project,
            {"Idempotency-Key": f"{number}"},
            **FUNDING | {"partner": f"P{number}"},
        ),
        range(16),
    )

    assert {answer.status_code for answer in answers} == {201}
    assert {len(answer.json()["recorded"]) for answer in answers} == {1}
    assert Funding.objects.filter(project=project).known().count() == 17


@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_for_others_is_told_when_to_come_again(editor, project):
    client, etag = signed_in(editor), {"If-Match": f'"v{project.version}-x"'}
    at = f"{LIST}{project.code}/"
    asks = [
        lambda: client.patch(at, {"title": "Maize"}, headers=etag),
        lambda: client.post(LIST, {"title": "Rice"}, headers={"Idempotency-Key": "2"}),
        lambda: post(client, project, **FUNDING),
    ]
    begun, end = Event(), Event()

    def write_for_long():
        try:
            with ledger_entry():
                begun.set()
                end.wait(30)
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        other = pool.submit(write_for_long)
        assert begun.wait(10)
        wait_a_moment_only()
        answers = [ask() for ask in asks]
        end.set()
        other.result()
    connection.close()

    for answer in answers:
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == "5"
        assert answer.json()["detail"] == (
            "Somebody else is writing much just now. Wait a little, then send it again."
        )
    assert [ask().status_code for ask in asks] == [200, 201, 201]


def wait_a_moment_only():
    """Let this connection wait for a lock for a fifth of a second."""
    said = {
        "sqlite": "PRAGMA busy_timeout = 200",
        "postgresql": "SET lock_timeout = '200ms'",
    }
    with connection.cursor() as cursor:
        cursor.execute(said[connection.vendor])


# The schema


@cache
def described():
    return SchemaGenerator(api_version="v1").get_schema(public=True)


@pytest.fixture
def schema():
    return described()


def examples():
    does = described()["paths"]["/api/v1/projects/{code}/facts/"]["post"]
    content = does["requestBody"]["content"]["application/json"]
    return {name: example["value"] for name, example in content["examples"].items()}


@pytest.mark.parametrize("name", examples())
def test_each_example_of_the_schema_is_accepted(api, editor, name):
    sent = dict(examples()[name])
    plan = make.plan("IAI-IV")
    line = make.line(plan=plan, area=make.area(plan=plan), code="IAI-IV-07")
    make.meeting("IAI-TF-68", on="2022-09-22")
    make.fund("JAIF", owner="JP")
    make.country("VN")
    has = {
        "approved": {"status": "appraisal", "on": "2022-01-10"},
        "on_hold": {"status": "ongoing", "on": "2022-01-10"},
    }
    project = make.project(**has.get(sent.get("status"), {}), plan=False)
    if sent["change"] == "correction":
        kinds = {"money entry": "money_entries", "funding": "fundings"}
        project = make.project(funders=["JP"], budget="100", line=line)
        sent["fact"] = str(getattr(project, kinds[sent["kind"]]).get().uuid)

    assert post(api(editor), project, **sent).status_code == 201


def test_the_schema_tells_each_kind_apart(schema):
    parts = schema["components"]["schemas"]

    kinds = parts["FactWrite"]["discriminator"]["mapping"]

    assert list(kinds) == [
        "status change",
        "placement",
        "line reference",
        "funding",
        "benefit",
        "money entry",
        "approval step",
    ]
    for kind, place in kinds.items():
        one = parts[place.rpartition("/")[2]]
        assert one["required"] == ["change", "kind"]
        assert one["properties"]["kind"] == {"type": "string", "const": kind}
    assert parts["FundingWrite"]["properties"].keys() == {
        *("kind", "change", "fact", "withdraw", "confirmed", "reason"),
        *("event", "partner", "fund", "effective_on", "note", "basis", "source"),
    }


def test_the_schema_tells_every_status_of_a_write(schema):
    paths = schema["paths"]
    statuses = {
        f"{method} {path}": set(does["responses"])
        for path, methods in paths.items()
        for method, does in methods.items()
        if method in {"post", "patch"}
    }

    assert statuses == {
        "post /api/v1/projects/": {
            *("201", "400", "401", "403", "406", "415", "422", "429", "503"),
        },
        "patch /api/v1/projects/{code}/": {
            *("200", "400", "401", "403", "404", "406"),
            *("412", "415", "428", "429", "503"),
        },
        "post /api/v1/projects/{code}/facts/": {
            *("201", "400", "401", "403", "404", "406"),
            *("412", "415", "422", "429", "503"),
        },
    }
