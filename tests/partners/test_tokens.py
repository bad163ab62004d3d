"""Tokens: who makes them, what they open, what was pulled, how often one may ask."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from django.core import checks
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.http import StreamingHttpResponse
from django.test import override_settings

from aseanpm.facts import Entry, ledger_entry
from partners import accounts, tokens
from partners.models import ApiToken, Pull
from projects.api import ProjectListView
from tests import make

pytestmark = pytest.mark.django_db

PAGE = "/accounts/tokens/"
ALL = "/accounts/tokens/all/"
PROJECTS = "/api/v1/projects/"
CHANGES = "/api/v1/changes/"
NEW = {"name": "Nightly", "days": "90", "submission": "one"}
ROLES = {
    "reader": {},
    "partner": {"partner": "JP"},
    "coordinator": {"country": "VN"},
    "editor": {},
    "administrator": {},
}


@pytest.fixture
def partner():
    return make.user("partner", partner="JP", email="aiko@example.org")


@pytest.fixture
def pull(client):
    """pull(text, path): the answer to a request with a token."""

    def get(text, path=PROJECTS, **headers):
        return client.get(path, headers={"Authorization": f"Token {text}", **headers})

    return get


@pytest.fixture
def editor():
    return make.user("editor")


def body(answer):
    return answer.content.decode()


def shown(answer):
    """The token that a page shows."""
    return re.search(r'<input id="token" value="(\w+)"', body(answer))[1]


def create(client, text, **values):
    return client.post(
        PROJECTS,
        {"title": "Rice"} | values,
        content_type="application/json",
        headers={"Authorization": f"Token {text}", "Idempotency-Key": "one"},
    )


# Making one


def test_a_token_is_shown_once_and_only_its_hash_is_kept(sign_in, partner, pull):
    client = sign_in(partner)

    made = client.post(PAGE, NEW)
    text = shown(made)
    again = client.post(PAGE, NEW, follow=True)

    row = ApiToken.objects.get()
    kept = " ".join(str(getattr(row, field.attname)) for field in row._meta.fields)
    assert pull(text).status_code == 200
    assert text not in body(again) + body(client.get(PAGE)) + kept
    assert again.redirect_chain == [(f"/accounts/tokens/{row.uuid}/", 302)]
    assert made.headers["Cache-Control"] == "private, no-store"
    assert (row.user, row.name, row.scope) == (partner, "Nightly", "read")


def test_making_and_revoking_are_private_writes_on_record(sign_in, partner):
    client = sign_in(partner)
    client.post(PAGE, NEW)
    token = ApiToken.objects.get()

    client.post(f"{PAGE}{token.uuid}/revoke/", {"submission": "two"})

    told = list(
        Entry.objects.order_by("sequence").values_list(
            "what", "recorded_by", "is_private", "can_be_undone"
        )
    )
    assert told == [
        ("Made the API token “Nightly”", partner.pk, True, False),
        (
            "Revoked the API token “Nightly” of aiko@example.org",
            partner.pk,
            True,
            False,
        ),
    ]


@pytest.mark.parametrize("role", ROLES)
def test_only_the_secretariat_makes_tokens_that_write(sign_in, role):
    user = make.user(role, **ROLES[role])

    sign_in(user).post(PAGE, NEW | {"scope": "write"})

    made = ApiToken.objects.values_list("scope", flat=True)
    expected = {
        "reader": [],
        "partner": ["read"],
        "coordinator": ["read"],
        "editor": ["write"],
        "administrator": ["write"],
    }
    assert list(made) == expected[role]


def test_nobody_makes_a_token_for_another_or_beyond_a_year(sign_in, partner):
    other = make.user("editor")
    more = {"user": other.pk, "digest": "0" * 128, "expiry": "2199-01-01"}

    with time_machine.travel("2026-06-01T10:00+07:00", tick=False):
        sign_in(partner).post(PAGE, NEW | more)
        refused = sign_in(partner).post(PAGE, NEW | {"days": "3650"})

    token = ApiToken.objects.get()
    assert token.user == partner
    assert token.digest != "0" * 128
    assert token.expiry.isoformat() == "2026-08-30T03:00:00+00:00"
    assert refused.status_code == 400


def test_a_token_needs_a_name(sign_in, partner):
    answer = sign_in(partner).post(PAGE, NEW | {"name": "  "})

    assert answer.status_code == 400
    assert "This field is required." in body(answer)
    assert not ApiToken.objects.exists()


def test_the_command_prints_a_token_once(pull, capsys):
    make.user("editor", email="edith@example.org")

    call_command("create_token", "Edith@example.org", name="Sync", scope="write")
    text = capsys.readouterr().out.strip()

    assert pull(text).status_code == 200
    entry = Entry.objects.get()
    assert entry.what == "Made the API token “Sync” of edith@example.org"
    assert entry.is_private
    assert text not in entry.what


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"email": "nobody@example.org"}, "Nobody has a login"),
        ({"email": "aiko@example.org", "scope": "write"}, "Only the secretariat"),
        ({"email": "aiko@example.org", "days": 0}, "from 1 to 365 days"),
        ({"email": "aiko@example.org", "days": 366}, "from 1 to 365 days"),
        ({"email": "reader@example.org"}, "has no API tokens"),
        ({"email": "gone@example.org"}, "has no API tokens"),
        ({"email": "aiko@example.org", "name": "x" * 101}, "at most 100 characters"),
    ],
)
def test_the_command_says_why_it_makes_none(partner, arguments, sentence):
    make.user("reader", email="reader@example.org")
    make.user("editor", email="gone@example.org", is_active=False)
    options = {"name": "Sync"} | arguments

    with pytest.raises(CommandError, match=sentence):
        call_command("create_token", options.pop("email"), **options)

    assert not ApiToken.objects.exists()


# What one opens


def test_a_revoked_token_is_out_at_the_next_request(sign_in, partner, pull):
    token, text = make.token(partner)
    assert pull(text).status_code == 200

    sign_in(partner).post(f"{PAGE}{token.uuid}/revoke/", {"submission": "one"})

    answer = pull(text)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert answer.json()["detail"] == "This token was revoked."


@pytest.mark.parametrize("path", [PROJECTS, CHANGES])
@pytest.mark.parametrize("how", ["revoked", "deactivated"])
def test_who_is_out_is_not_told_either_that_nothing_has_changed(
    partner, pull, how, path
):
    token, text = make.token(partner)
    held = {"If-None-Match": pull(text, path).headers["ETag"]}
    assert pull(text, path, **held).status_code == 304

    if how == "revoked":
        with ledger_entry() as entry:
            tokens.revoke(token=token, entry=entry)
    else:
        type(partner).objects.filter(pk=partner.pk).update(is_active=False)

    for headers in ({}, held, {"If-None-Match": "*"}):
        answer = pull(text, path, **headers)
        assert answer.status_code == 401
        assert answer.headers.get("ETag") != held["If-None-Match"]


def test_an_expired_token_is_out_and_stays_on_record(partner, pull):
    with time_machine.travel("2026-06-01T10:00+07:00", tick=False):
        _, text = make.token(partner, expiry=timedelta(days=30))
    with time_machine.travel("2026-07-01T09:59+07:00", tick=False):
        assert pull(text).status_code == 200
    with time_machine.travel("2026-07-01T10:00+07:00", tick=False):
        answer = pull(text)

    assert answer.status_code == 401
    assert answer.json()["detail"] == "This token has expired. Make a new one."
    assert ApiToken.objects.count() == 1


def test_a_closed_login_takes_its_tokens_along_for_good(partner, pull):
    _, text = make.token(partner)
    administrator = make.user("administrator")

    with ledger_entry(administrator):
        accounts.change_user(partner, by=administrator, is_active=False)
    assert pull(text).status_code == 401
    with ledger_entry(administrator):
        accounts.change_user(partner, by=administrator, is_active=True)

    assert pull(text).json()["detail"] == "This token was revoked."


def test_a_login_that_is_not_active_opens_nothing(partner, pull):
    _, text = make.token(partner)

    type(partner).objects.filter(pk=partner.pk).update(is_active=False)

    assert pull(text).json()["detail"] == "The login of this token is closed."
    assert pull(text).status_code == 401


@pytest.mark.parametrize("text", ["", "a b", "x", "é", "0" * 64, "aseanpm_" + "0" * 64])
def test_what_is_no_token_opens_nothing(partner, pull, text):
    make.token(partner)

    assert pull(text).status_code in ({400} if text == "é" else {401})


@pytest.mark.parametrize("scheme", ["Bearer {}", "Basic {}", "Token", "{}", "Token={}"])
def test_a_token_sent_in_another_way_is_refused_and_says_how(partner, client, scheme):
    _, text = make.token(partner)
    header = {"Authorization": scheme.format(text)}

    answers = [client.get(path, headers=header) for path in (PROJECTS, CHANGES)]

    for answer in answers:
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Token"
        assert answer.json()["detail"] == (
            "Write the header Authorization as “Token aseanpm_…”; no other is read."
        )
    assert client.get(PROJECTS, headers={"Authorization": ""}).status_code == 200


def test_a_token_reads_with_the_rights_that_its_user_has_now(partner, pull):
    hidden = make.project(is_published=False, funders=["JP"])
    _, text = make.token(partner)
    assert pull(text, f"{PROJECTS}{hidden.code}/").status_code == 200

    type(partner).objects.filter(pk=partner.pk).update(role="reader", partner=None)

    assert pull(text, f"{PROJECTS}{hidden.code}/").status_code == 404


def test_a_token_to_read_writes_nothing(client):
    _, text = make.token(make.user("editor"))

    answer = create(client, text)

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == (
        "This token may only read. To write takes one with the scope “write”."
    )


def test_a_token_to_write_writes_as_long_as_its_user_may(client):
    editor = make.user("editor")
    _, text = make.token(editor, scope="write")
    assert create(client, text).status_code == 201

    type(editor).objects.filter(pk=editor.pk).update(role="reader")

    assert create(client, text, title="Tea").status_code == 403
    assert Entry.objects.count() == 1


@override_settings(ASEANPM_SECOND_FACTOR=True)
def test_a_token_of_the_secretariat_needs_the_second_factor_of_its_user(partner, pull):
    _, editors = make.token(make.user("editor"))
    _, partners = make.token(partner)

    assert pull(editors).status_code == 403
    assert pull(partners).status_code == 200


def test_who_has_signed_in_writes_without_a_token(api):
    answer = api(make.user("editor")).post(
        PROJECTS, {"title": "Rice"}, headers={"Idempotency-Key": "one"}
    )

    assert answer.status_code == 201


# Whose they are


@pytest.mark.parametrize("role", ["reader", "partner", "coordinator", "editor"])
@pytest.mark.parametrize("place", ["", "revoke/"])
def test_anothers_token_is_not_there(sign_in, partner, role, place):
    token, _ = make.token(partner)
    client = sign_in(make.user(role, **ROLES[role]))

    for answer in (
        client.get(f"{PAGE}{token.uuid}/{place}"),
        client.post(f"{PAGE}{token.uuid}/revoke/", {"submission": "one"}),
    ):
        assert answer.status_code == (403 if role == "reader" else 404)

    assert not ApiToken.objects.get().revoked_at


def test_anothers_tokens_change_nothing_of_what_one_sees(sign_in, partner, pull):
    client = sign_in(partner)
    hide = re.compile(r'name="(?:csrfmiddlewaretoken|submission)" value="[^"]*"')
    before = hide.sub("", body(client.get(PAGE)))

    _, text = make.token(make.user("partner", partner="JP"), name="In secret")
    pull(text)

    assert hide.sub("", body(client.get(PAGE))) == before


def test_an_administrator_sees_and_revokes_all(sign_in, partner, pull):
    token, text = make.token(partner, name="Dashboard")
    pull(text, f"{PROJECTS}?search=rice")
    client = sign_in(make.user("administrator"))

    assert "Dashboard" in body(client.get(ALL))
    assert f"{PROJECTS}?search=rice" in body(client.get(f"{PAGE}{token.uuid}/"))
    answer = client.post(f"{PAGE}{token.uuid}/revoke/", {"submission": "one"})

    assert answer.url == ALL
    assert pull(text).status_code == 401
    assert "<b>revoked</b>" in body(client.get(ALL))


def test_revoking_asks_first_and_writes_once(sign_in, partner):
    token, _ = make.token(partner)
    client = sign_in(partner)

    asked = client.get(f"{PAGE}{token.uuid}/revoke/")
    assert "Revoke “Nightly”?" in body(asked)
    assert not ApiToken.objects.get().revoked_at
    client.post(f"{PAGE}{token.uuid}/revoke/", {"submission": "one"})
    client.post(f"{PAGE}{token.uuid}/revoke/", {"submission": "two"})

    assert Entry.objects.count() == 1


def test_the_lists_take_as_many_queries_for_many_tokens(sign_in, partner, queries):
    client = sign_in(make.user("administrator"))
    make.token(partner)
    few = queries(lambda: client.get(ALL))
    for _ in range(10):
        make.token(make.user("coordinator", country="VN"))
        make.token(make.user("partner", partner="AU"))

    assert queries(lambda: client.get(ALL)) == few


# What was pulled


def test_each_request_with_a_token_tells_address_rows_and_status(partner, pull):
    _, text = make.token(partner)
    for _ in range(3):
        make.project()
    code = make.project().code

    pull(text, f"{PROJECTS}?limit=2&search=Project")
    pull(text, f"{PROJECTS}{code}/")
    pull(text, f"{PROJECTS}P-NONE2/")
    pull(text, f"{PROJECTS}?colour=red")

    told = Pull.objects.order_by("pk").values_list(
        "method", "address", "rows", "status"
    )
    assert list(told) == [
        ("GET", "/api/v1/projects/?limit=2&search=Project", 2, 200),
        ("GET", f"/api/v1/projects/{code}/", 1, 200),
        ("GET", "/api/v1/projects/P-NONE2/", 0, 404),
        ("GET", "/api/v1/projects/?colour=red", 0, 400),
    ]


def test_what_is_asked_without_a_token_is_nobodys(api, client, partner, pull):
    client.get(PROJECTS)
    api(partner).get(PROJECTS)
    pull("0" * 64)

    assert not Pull.objects.exists()


def test_an_answer_that_did_not_change_has_no_rows(partner, pull):
    _, text = make.token(partner)
    make.project()
    tag = pull(text).headers["ETag"]

    answer = pull(text, **{"If-None-Match": tag})

    assert answer.status_code == 304
    assert [(one.rows, one.status) for one in Pull.objects.all()] == [
        (0, 304),
        (1, 200),
    ]


def test_a_long_address_is_cut(partner, pull):
    _, text = make.token(partner)

    assert pull(text, f"{PROJECTS}?search={'e' * 900}").status_code == 200

    assert Pull.objects.get().address == f"/api/v1/projects/?search={'e' * 475}"


@pytest.fixture
def streaming(partner, pull, monkeypatch):
    """streaming(): an answer of three rows, each sent once the one before has left."""
    _, text = make.token(partner)

    def get(self, request):
        sent = []

        def rows():
            for row in (b"one", b"two", b"three"):
                sent.append(row)
                yield row

        response = StreamingHttpResponse(rows())
        response.pulled_rows = lambda: len(sent)
        return response

    get.told = ProjectListView.get.told
    monkeypatch.setattr(ProjectListView, "get", get)
    return lambda **headers: pull(text, **headers)


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}])
def test_an_answer_that_streams_tells_its_rows_at_the_end(streaming, headers):
    answer = streaming(**headers)
    assert not Pull.objects.exists()

    assert answer.getvalue()

    assert answer.streaming
    assert [one.rows for one in Pull.objects.all()] == [3]


def test_a_client_that_leaves_got_what_was_sent(streaming):
    answer = streaming()
    next(iter(answer))

    answer._iterator.close()

    assert Pull.objects.get().rows == 1


def test_a_pull_that_cannot_be_written_waits_and_fails_no_request(
    partner, pull, monkeypatch, caplog
):
    _, text = make.token(partner)

    def busy(*args, **kwargs):
        raise OperationalError("database is locked: aiko@example.org")

    with monkeypatch.context() as patch:
        patch.setattr(Pull.objects, "bulk_create", busy)
        assert pull(text, f"{PROJECTS}?limit=1").status_code == 200
    assert not Pull.objects.exists()
    pull(text, f"{PROJECTS}?limit=2")

    told = [one.address for one in Pull.objects.order_by("pk")]
    assert told == [f"{PROJECTS}?limit=1", f"{PROJECTS}?limit=2"]
    assert "A pull was not recorded: OperationalError" in caplog.text
    assert "aiko" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_keeps_no_reader_waiting(partner, pull):
    _, text = make.token(partner)
    lock = {
        "sqlite": "BEGIN IMMEDIATE",
        "postgresql": "BEGIN; LOCK TABLE partners_pull IN EXCLUSIVE MODE",
    }
    writer = connection.copy()
    writer.cursor().execute(lock[connection.vendor])

    began = time.monotonic()
    assert pull(text, f"{PROJECTS}?limit=1").status_code == 200
    waited = time.monotonic() - began
    writer.cursor().execute("ROLLBACK")
    writer.close()
    pull(text, f"{PROJECTS}?limit=2")

    assert 0.2 < waited < 3
    told = [one.address for one in Pull.objects.order_by("pk")]
    assert told == [f"{PROJECTS}?limit=1", f"{PROJECTS}?limit=2"]


@pytest.mark.database("sqlite")
@pytest.mark.django_db(transaction=True)
def test_the_record_of_a_pull_leaves_the_care_for_other_writes_alone(partner, pull):
    _, text = make.token(partner)
    assert pull(text).status_code == 200

    def pragma(name):
        with connection.cursor() as cursor:
            return cursor.execute(f"PRAGMA {name}").fetchone()[0]

    assert Pull.objects.count() == 1
    assert (pragma("synchronous"), pragma("busy_timeout")) == (2, 20_000)


def test_the_last_use_is_noted_at_most_once_a_minute(partner, pull):
    _, text = make.token(partner)

    def used_at(moment):
        with time_machine.travel(moment, tick=False):
            assert pull(text).status_code == 200
        return ApiToken.objects.get().last_used_at.strftime("%H:%M:%S")

    assert used_at("2026-06-01T10:00:00Z") == "10:00:00"
    assert used_at("2026-06-01T10:00:59Z") == "10:00:00"
    assert used_at("2026-06-01T10:01:00Z") == "10:01:00"
    assert Pull.objects.count() == 3


def test_the_newest_pulls_of_each_token_are_kept(partner, pull, monkeypatch):
    monkeypatch.setattr(tokens, "KEPT", 2)
    _, text = make.token(partner)
    _, other = make.token(partner)
    pull(other)

    for minute in range(4):
        with time_machine.travel(f"2026-06-01T10:0{minute}Z", tick=False):
            pull(text, f"{PROJECTS}?limit={minute + 1}")

    told = [one.address[-1] for one in Pull.objects.filter(token__name="Nightly")]
    assert told == ["4", "3", "/"]


def test_a_token_costs_the_same_few_statements_for_any_number_of_tokens(
    api, partner, pull, queries
):
    _, text = make.token(partner)
    visitor = queries(lambda: api().get(PROJECTS))
    pull(text)
    first = queries(lambda: pull(text))
    for _ in range(10):
        make.token(partner, expiry=timedelta(days=-1))

    assert queries(lambda: pull(text)) == first
    # The token with its user; its pull, in a transaction (BEGIN and COMMIT, here a
    # savepoint of the test's own)
    assert first - visitor == 4


# How often


@pytest.fixture
def rates():
    """Two requests a minute for a visitor, four for a login; at a still clock."""
    cache.clear()
    rates = {"visitors": "2/minute", "signed_in": "4/minute"}
    still = time_machine.travel("2026-06-01T10:00:00Z", tick=False)
    with override_settings(API_RATES=rates), still as clock:
        yield clock
    cache.clear()


def left(answer):
    return [
        answer.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")
    ]


def test_a_visitor_is_told_to_wait_and_then_answered(client, rates):
    first, second, third = [client.get(PROJECTS) for _ in range(3)]
    rates.shift(61)
    later = client.get(PROJECTS)

    assert [one.status_code for one in (first, second, third, later)] == [
        200,
        200,
        429,
        200,
    ]
    assert left(first)[:2] == ["2", "1"]
    assert left(second)[:2] == ["2", "0"]
    assert left(third)[:2] == ["2", "0"]
    assert left(later)[:2] == ["2", "1"]
    assert third.headers["Content-Type"] == "application/problem+json"
    assert third.headers["Retry-After"] == left(third)[2] == "60"
    assert third.json() == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "These were too many requests. Wait 60 seconds.",
        "errors": [],
    }


def test_a_login_has_one_rate_over_all_its_tokens_and_sessions(
    api, partner, pull, rates
):
    _, one = make.token(partner)
    _, two = make.token(partner)

    answers = [pull(one), pull(two), api(partner).get(PROJECTS), pull(one), pull(two)]

    assert [each.status_code for each in answers] == [200, 200, 200, 200, 429]
    assert [left(each)[1] for each in answers] == ["3", "2", "1", "0", "0"]
    assert [each.status for each in Pull.objects.all()] == [200, 200, 200]


def test_another_login_and_another_address_have_rates_of_their_own(
    client, partner, pull, rates
):
    for _ in range(3):
        client.get(PROJECTS)
    _, text = make.token(partner)

    assert client.get(PROJECTS).status_code == 429
    assert client.get(PROJECTS, REMOTE_ADDR="192.0.2.7").status_code == 200
    assert pull(text).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (PROJECTS, 200),
        (f"{PROJECTS}P-NONE2/", 404),
        (f"{PROJECTS}?colour=red", 400),
        (f"{PROJECTS}?search=%00", 400),
        ("/api/v1/nothing/", 404),
        ("/api/v1/schema/", 200),
    ],
)
def test_every_answer_of_the_api_tells_the_rate_and_counts_once(
    client, rates, path, status
):
    answer = client.get(path)

    assert answer.status_code == status
    assert left(answer)[:2] == ["2", "1"]


def test_a_host_that_is_not_ours_is_refused_and_counted(client, rates):
    answer = client.get(PROJECTS, headers={"Host": "elsewhere.example"})

    assert answer.status_code == 400
    assert left(answer)[:2] == ["2", "1"]


def test_an_answer_that_did_not_change_tells_the_rate(client, rates):
    tag = client.get(PROJECTS).headers["ETag"]

    answer = client.get(PROJECTS, headers={"If-None-Match": tag})

    assert answer.status_code == 304
    assert left(answer)[:2] == ["2", "0"]


def test_guessing_tokens_is_counted_by_address(pull, rates):
    answers = [pull("0" * 64) for _ in range(3)]

    assert [each.status_code for each in answers] == [401, 401, 429]
    assert answers[2].headers["Retry-After"] == "60"
    assert answers[2].json()["detail"].startswith("These were too many requests.")


@pytest.mark.parametrize(
    "broken",
    [
        {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "gone"},
        {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": __file__,
        },
    ],
    ids=["no table", "no folder"],
)
def test_without_the_cache_the_api_answers_and_counts_nobody(
    client, editor, rates, broken, caplog
):
    _, text = make.token(editor, scope="write")
    with override_settings(CACHES={"default": broken}):
        answers = [client.get(PROJECTS) for _ in range(3)]
        wrong = client.get(f"{PROJECTS}?colour=red")
        made = create(client, text)
    mended = client.get(PROJECTS)

    assert [one.status_code for one in answers] == [200, 200, 200]
    assert "RateLimit-Limit" not in answers[0].headers
    assert (wrong.status_code, made.status_code) == (400, 201)
    warned = [one for one in caplog.messages if one.startswith("Requests are not")]
    assert len(warned) == 1
    assert left(mended)[:2] == ["2", "1"]


def test_what_a_token_may_not_do_counts_too(client, rates):
    _, text = make.token(make.user("editor"))

    answers = [create(client, text) for _ in range(5)]

    assert [each.status_code for each in answers] == [403, 403, 403, 403, 429]


def test_a_claimed_address_changes_nothing_without_a_proxy(client, rates):
    for number in range(3):
        answer = client.get(PROJECTS, headers={"X-Forwarded-For": f"192.0.2.{number}"})

    assert answer.status_code == 429


def test_behind_a_proxy_the_address_that_it_saw_counts(client, rates, settings):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}

    def ask(forwarded):
        answer = client.get(PROJECTS, headers={"X-Forwarded-For": forwarded})
        return answer.status_code

    assert [ask(f"198.51.100.{n}, 192.0.2.1") for n in range(3)] == [200, 200, 429]
    assert ask("192.0.2.1, 192.0.2.2") == 200


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", 429),
        ("2001:db8::1", "2001:db8:0:1::1", 200),
        ("::ffff:192.0.2.1", "192.0.2.1", 429),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", 200),
        ("nonsense", "nonsense too", 429),
    ],
)
def test_of_ipv6_the_network_counts(client, rates, one, other, status):
    for _ in range(2):
        client.get(PROJECTS, REMOTE_ADDR=one)

    assert client.get(PROJECTS, REMOTE_ADDR=other).status_code == status


def test_pages_are_not_counted(client, rates):
    for _ in range(5):
        answer = client.get("/projects/")
        assert answer.status_code == 200
        assert "RateLimit-Limit" not in answer.headers
        assert client.get("/api/docs/").status_code == 200


@pytest.mark.parametrize("rate", ["many", "60", "60/", "60/x", "0/minute", "-1/minute"])
def test_a_rate_that_cannot_be_read_is_told_before_the_site_serves(settings, rate):
    settings.API_RATES = {"visitors": "60/minute", "signed_in": rate}

    assert [(error.id, error.msg) for error in checks.run_checks()] == [
        ("aseanpm.E004", f"“{rate}” is no rate.")
    ]


def test_a_rate_costs_no_query_of_the_main_database(client, queries, rates, settings):
    counted = queries(lambda: client.get(PROJECTS))
    settings.API_RATES = {"visitors": None, "signed_in": None}

    assert queries(lambda: client.get(PROJECTS)) == counted
