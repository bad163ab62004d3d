"""Signing in: password, reset, second factor, sessions, another service."""

import base64
import hashlib
import hmac
import re
import struct
import time
from types import SimpleNamespace

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.core.context import request_context
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal.flows.login import complete_login
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.test import Client, override_settings

from aseanpm import settings as ours
from aseanpm.facts import Entry
from aseanpm.permissions import role_of
from partners import accounts
from partners.models import User
from tests import make

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-password-1"
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def nobody_tried_before():
    cache.clear()


def enter(client, user, password=PASSWORD, **more):
    return client.post(LOGIN, {"login": user.email, "password": password, **more})


def signed_in(user, password=PASSWORD):
    client = Client()
    enter(client, user, password)
    return client


def is_signed_in(client):
    return client.get("/accounts/profile/").status_code == 200


def test_a_person_signs_in_by_e_mail_in_any_case_and_goes_where_next_says(client):
    user = make.user("editor", email="aye@example.org")

    answer = client.post(
        LOGIN, {"login": "AYE@Example.org", "password": PASSWORD, "next": "/plans/"}
    )

    assert answer.url == "/plans/"
    assert client.session["_auth_user_id"] == str(user.pk)


def test_next_leads_nowhere_else(client):
    answer = enter(client, make.user(), next="https://elsewhere.example/")

    assert answer.url == "/"


def test_signing_in_is_no_change_of_the_user_on_record(client):
    user = make.user()
    before = user.history.count()

    enter(client, user)

    user.refresh_from_db()
    assert user.last_login is not None
    assert user.history.count() == before


def test_a_wrong_password_and_an_unknown_address_get_the_same_page(client):
    known = make.user(email="known@example.org")
    stranger = User(email="nobody@example.org")
    wrong, unknown = enter(client, known, "not-this"), enter(client, stranger)

    def page(answer):
        text = re.sub(r"known@example.org|nobody@example.org", "", body(answer))
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)

    assert page(wrong) == page(unknown)
    assert "do not belong together" in body(wrong)
    assert body(wrong).count("do not belong together") == 1


def test_guessing_is_stopped_and_the_right_password_then_waits_too(client):
    user = make.user()
    for _ in range(5):
        enter(client, user, "a-guess")

    assert "Too many attempts" in body(enter(client, user))
    assert not is_signed_in(client)


def test_a_closed_login_does_not_open(client):
    user = make.user(is_active=False)

    answer = enter(client, user)

    assert answer.url == "/accounts/inactive/"
    assert "closed" in body(client.get(answer.url))
    assert not is_signed_in(client)


def test_nobody_signs_up(client):
    page = client.get("/accounts/signup/")
    sent = client.post(
        "/accounts/signup/", {"email": "new@example.org", "password1": PASSWORD}
    )

    assert "by invitation" in body(page)
    assert "by invitation" in body(sent)
    assert not User.objects.exists()


def test_a_password_is_reset_by_mail_and_the_link_works_once(client):
    user = make.user()
    client.post("/accounts/password/reset/", {"email": user.email})
    link = link_in(mail.outbox[0])

    form = client.get(link, follow=True)
    action = form.redirect_chain[-1][0]
    new = {"password1": "quite-another-2", "password2": "quite-another-2"}
    client.post(action, new)

    assert mail.outbox[0].to == [user.email]
    assert is_signed_in(signed_in(user, "quite-another-2"))
    assert not is_signed_in(signed_in(user))
    assert "no longer works" in body(Client().get(link, follow=True))


def test_setting_a_password_is_on_record_with_its_author_and_without_the_password():
    user = make.user(email="aye@example.org")
    client = signed_in(user)

    client.post(
        "/accounts/password/change/",
        {
            "oldpassword": PASSWORD,
            "password1": "quite-another-2",
            "password2": "quite-another-2",
        },
    )

    entry = Entry.objects.get(recorded_by=user)
    assert entry.what == "aye@example.org set a password"
    assert "password" not in {field.name for field in user.history.model._meta.fields}
    assert is_signed_in(client)


def test_asking_for_a_reset_does_not_tell_who_has_a_login(client):
    make.user(email="known@example.org")
    pages = {
        client.post("/accounts/password/reset/", {"email": email}).url
        for email in ("known@example.org", "nobody@example.org")
    }

    assert pages == {"/accounts/password/reset/done/"}
    assert [message.to for message in mail.outbox] == [
        ["known@example.org"],
        ["nobody@example.org"],
    ]
    assert "no login with this address" in mail.outbox[1].body


def test_a_lost_role_works_on_the_next_request():
    user = make.user("administrator")
    client = signed_in(user)
    assert client.get("/accounts/users/").status_code == 200

    User.objects.filter(pk=user.pk).update(role="reader")

    assert client.get("/accounts/users/").status_code == 403


def test_passwords_are_hashed_by_argon2():
    with override_settings(PASSWORD_HASHERS=ours.PASSWORD_HASHERS):
        assert make.user().password.startswith("argon2")


def test_a_session_lasts_twelve_hours():
    user = make.user()
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False):
        client = signed_in(user)
    with time_machine.travel("2026-03-01T19:59:00Z", tick=False):
        assert is_signed_in(client)
    with time_machine.travel("2026-03-01T20:01:00Z", tick=False):
        assert not is_signed_in(client)


# The second factor


def code_of(secret, at=None):
    """RFC 6238: six digits, half minutes, SHA-1."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    step = struct.pack(">Q", int((at or time.time()) // 30))
    digest = hmac.new(key, step, hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def set_up_an_app(client):
    """Go through the pages; returns the secret."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = body(client.get("/accounts/2fa/totp/activate/"))
    secret = re.search(r"<code>([A-Z2-7]+)</code>", page)[1]
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert answer.url == "/accounts/2fa/recovery-codes/"
    return secret


def test_an_authenticator_app_is_set_up_and_then_asked_for():
    user = make.user("editor")
    secret = set_up_an_app(signed_in(user))
    client = Client()

    assert enter(client, user).url == "/accounts/2fa/authenticate/"
    assert not is_signed_in(client)
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "This code is not right" in body(wrong)
    with time_machine.travel(time.time() + 60):
        client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})

    assert is_signed_in(client)


def test_a_recovery_code_works_once():
    user = make.user("editor")
    first = signed_in(user)
    set_up_an_app(first)
    page = body(first.get("/accounts/2fa/recovery-codes/"))
    code = re.search(r"<li><code>(\d+)</code>", page)[1]

    def by_code():
        client = Client()
        enter(client, user)
        client.post("/accounts/2fa/authenticate/", {"code": code})
        return is_signed_in(client)

    assert (by_code(), by_code()) == (True, False)


@pytest.mark.parametrize("role", ["editor", "administrator"])
def test_who_needs_a_second_factor_is_led_to_set_one_up_first(role, settings):
    settings.ASEANPM_SECOND_FACTOR = True
    client = signed_in(make.user(role))

    assert client.get("/plans/").url == "/accounts/2fa/"
    assert client.get("/api/v1/plans/").status_code == 403
    assert "Your role needs a second factor" in body(client.get("/accounts/2fa/"))

    set_up_an_app(client)

    assert client.get("/plans/").status_code == 200
    assert "needs a second factor" not in body(client.get("/accounts/2fa/"))


@pytest.mark.parametrize("needed", [True, False])
def test_others_do_without_a_second_factor_and_so_does_a_demo(needed, settings):
    settings.ASEANPM_SECOND_FACTOR = needed
    role = "coordinator" if needed else "editor"
    country = {"country": "VN"} if needed else {}

    client = signed_in(make.user(role, **country))

    assert client.get("/plans/").status_code == 200


def test_a_passkey_is_offered_and_what_it_signs_is_asked_for(client):
    page = body(client.get(LOGIN))
    options = client.get(
        "/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"}
    ).json()

    assert 'data-passkey="login"' in page
    assert options["request_options"]["publicKey"]["rpId"] == "testserver"


# Sessions


def test_sessions_are_listed_and_the_others_ended():
    user = make.user()
    here = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"})
    enter(here, user)
    there = signed_in(user)

    page = body(here.get("/accounts/sessions/"))
    assert "Firefox on Windows" in page
    assert page.count("127.0.0.1") == 2
    here.post("/accounts/sessions/")

    assert is_signed_in(here)
    assert not is_signed_in(there)


def test_signing_out_takes_a_post():
    client = signed_in(make.user())

    client.get("/accounts/logout/")
    assert is_signed_in(client)
    client.post("/accounts/logout/")
    assert not is_signed_in(client)


def test_a_closed_site_lets_visitors_sign_in_and_no_more(client):
    user = make.user()
    with override_settings(ASEANPM_PUBLIC=False):
        closed = client.get("/plans/?as_of=2022-09-22")
        enter(client, user)

        assert "/accounts/login/?next=%2Fplans%2F%3Fas_of%3D2022-09-22" in body(closed)
        assert client.get("/plans/").status_code == 200


def test_the_header_leads_visitors_to_sign_in_and_back(client):
    page = body(client.get("/about/"))

    assert 'href="/accounts/login/?next=%2Fabout%2F"' in page
    assert "Sign out" not in page


def test_the_header_names_who_is_signed_in(sign_in):
    page = body(sign_in(make.user("editor", name="Aye Example")).get("/about/"))

    assert ">Aye Example</span>" in page
    assert 'action="/accounts/logout/"' in page
    assert "/accounts/users/" not in page


# Another service

SERVICE = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "oidc",
                "name": "ASEAN login",
                "client_id": "us",
                "secret": "s",
                "settings": {
                    "server_url": "https://login.example",
                    "email_authentication": True,
                },
            }
        ]
    }
}


def test_without_settings_no_other_service_is_offered(client):
    assert "oidc" not in body(client.get(LOGIN))
    assert client.get("/accounts/oidc/oidc/login/").status_code == 404


@override_settings(SOCIALACCOUNT_PROVIDERS=SERVICE)
def test_with_settings_another_service_is_offered(client):
    page = body(client.get(f"{LOGIN}?next=/plans/"))

    assert "Sign in with ASEAN login" in page
    assert "/accounts/oidc/oidc/login/?process=login&amp;next=%2Fplans%2F" in page


def comes_back_as(email, *, verified, rf):
    """What the service says of somebody; returns (answer, session)."""
    request = rf.get("/accounts/oidc/oidc/login/callback/")
    request.session = SessionStore()
    request.session.create()
    request.user = SimpleNamespace(is_authenticated=False, is_anonymous=True, pk=None)
    request._messages = FallbackStorage(request)
    request.allauth = SimpleNamespace()
    login = SocialLogin(
        user=User(email=email),
        account=SocialAccount(provider="oidc", uid=f"id-{email}"),
        email_addresses=[EmailAddress(email=email, verified=verified, primary=True)],
    )
    with request_context(request):
        login.provider = get_adapter().get_provider(request, "oidc")
        answer = complete_login(request, login)
    return answer, request.session


@override_settings(SOCIALACCOUNT_PROVIDERS=SERVICE)
def test_another_service_lets_in_who_was_invited_and_keeps_the_password(rf):
    user = make.user("editor", email="aye@example.org")

    answer, session = comes_back_as("aye@example.org", verified=True, rf=rf)

    assert answer.status_code == 302
    assert session["_auth_user_id"] == str(user.pk)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert role_of(user) == "editor"


@override_settings(SOCIALACCOUNT_PROVIDERS=SERVICE)
@pytest.mark.parametrize(
    ("email", "verified"),
    [("nobody@example.org", True), ("aye@example.org", False)],
)
def test_another_service_lets_in_nobody_else(email, verified, rf):
    make.user("editor", email="aye@example.org")

    answer, session = comes_back_as(email, verified=verified, rf=rf)

    assert "by invitation" in body(answer)
    assert "_auth_user_id" not in session
    assert User.objects.count() == 1


# The demo, the cache, the log


def test_demo_logins_are_told_only_where_quickstart_made_them(client, settings):
    assert accounts.DEMO_PASSWORD not in body(client.get(LOGIN))

    settings.DEMO_LOGINS_FILE.touch()
    try:
        assert accounts.DEMO_PASSWORD in body(client.get(LOGIN))
    finally:
        settings.DEMO_LOGINS_FILE.unlink()


def test_demo_logins_have_their_roles():
    make.partner("JP")
    for code in ("VN", "KH", "LA", "MM"):
        make.country(code)

    accounts.make_demo_logins()
    accounts.make_demo_logins()

    rows = User.objects.values_list("email", "role", "country__code", "partner__code")
    assert set(rows) == {
        ("admin@example.org", "administrator", None, None),
        ("editor@example.org", "editor", None, None),
        ("coordinator.vn@example.org", "coordinator", "VN", None),
        ("coordinator.kh@example.org", "coordinator", "KH", None),
        ("coordinator.la@example.org", "coordinator", "LA", None),
        ("coordinator.mm@example.org", "coordinator", "MM", None),
        ("partner.jp@example.org", "partner", None, "JP"),
    }
    assert is_signed_in(
        signed_in(User.objects.get(email="editor@example.org"), "asean-demo-2026")
    )


SHARED_CACHE = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
    }
}


@pytest.mark.django_db(databases=["default", "cache"])
def test_rate_limits_count_in_a_cache_of_its_own_file(client, settings):
    settings.CACHES = SHARED_CACHE
    call_command("createcachetable", database="cache", verbosity=0)
    user = make.user()
    for _ in range(5):
        enter(client, user, "a-guess")

    assert "Too many attempts" in body(enter(Client(), user))
    with connections["cache"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cache")
        assert cursor.fetchone()[0] > 0
    assert connections["cache"].vendor == "sqlite"


def test_the_id_of_a_request_is_ours(sign_in):
    client = sign_in(make.user("editor"))

    client.post(
        "/accounts/profile/",
        {"name": "Aye", "version": "1", "submission": "1"},
        headers={"X-Request-ID": "chosen by the sender" * 20},
    )

    entry = Entry.objects.latest("sequence")
    assert re.fullmatch(r"[0-9a-f-]{36}", entry.request_id)


def body(answer):
    return answer.content.decode()


def link_in(message):
    return re.search(r"http://testserver(/accounts/\S+)", message.body)[1]
