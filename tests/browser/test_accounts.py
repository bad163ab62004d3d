"""Signing in with a real browser: by keyboard, without scripts, with a passkey."""

import re

import pytest
from allauth.mfa.models import Authenticator
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import expect

from partners import accounts
from tests.browser.conftest import COLOURS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people(site):
    """The demo logins, without second factors."""
    cache.clear()
    accounts.make_demo_logins()
    Authenticator.objects.all().delete()


def sign_in_by_keyboard(page, site):
    page.goto(f"{site}/about/")
    page.get_by_role("link", name="Sign in").focus()
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("name", "login")
    page.keyboard.type("editor@example.org")
    page.keyboard.press("Tab")
    page.keyboard.type(accounts.DEMO_PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site}/about/")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_signing_in_and_out_by_keyboard_alone(browser, site, scripts):
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()

    sign_in_by_keyboard(page, site)
    page.get_by_role("button", name="Signed in as").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    context.close()


def test_a_wrong_password_is_told_first_and_the_address_stays(show):
    page = show("/accounts/login/")
    page.get_by_label("E-mail address").fill("editor@example.org")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.locator(":focus")).to_contain_text("There is 1 problem")
    expect(page.get_by_label("E-mail address")).to_have_value("editor@example.org")
    expect(page.get_by_label("Password")).to_have_value("")


def test_a_passkey_is_added_and_lets_in_without_a_password(page, site):
    chromium = page.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    chromium.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    sign_in_by_keyboard(page, site)

    page.goto(f"{site}/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(accounts.DEMO_PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name of this key").fill("telephone")
    page.get_by_label("Sign in with it instead of the password").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{site}/accounts/login/?next=/about/")
    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page).to_have_url(f"{site}/about/")
    expect(page.get_by_role("button", name="Signed in as")).to_be_visible()


def test_an_invitation_from_end_to_end(page, browser, site):
    page.goto(f"{site}/accounts/login/?next=/accounts/users/")
    page.get_by_label("E-mail address").fill("admin@example.org")
    page.get_by_label("Password").fill(accounts.DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail address").fill("new.person@example.org")
    page.get_by_label("Role").select_option("National coordinator")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator(".problems")).to_contain_text("Choose the country")
    page.locator("#id_country").select_option(label="Viet Nam")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_label("The link").input_value()

    invited = browser.new_context().new_page()
    invited.goto(link)
    invited.get_by_label("New password", exact=True).fill("long-and-new-2026")
    invited.get_by_label("New password again").fill("long-and-new-2026")
    invited.get_by_role("button", name="Set password").click()
    invited.get_by_role("link", name="Sign in").last.click()
    invited.get_by_label("E-mail address").fill("new.person@example.org")
    invited.get_by_label("Password").fill("long-and-new-2026")
    invited.get_by_role("button", name="Sign in", exact=True).click()
    expect(invited.get_by_role("button", name="Signed in as")).to_be_visible()
    invited.goto(f"{site}/accounts/profile/")
    expect(invited.get_by_text("National coordinator of Viet Nam")).to_be_visible()
    invited.context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_token_is_made_copied_used_and_revoked(browser, site, scripts):
    context = browser.new_context(java_script_enabled=scripts, base_url=site)
    page = context.new_page()
    page.goto("/accounts/login/?next=/accounts/tokens/")
    page.get_by_label("E-mail address").fill("partner.jp@example.org")
    page.get_by_label("Password").fill(accounts.DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()

    page.get_by_label("What it is for").fill(f"Sync {scripts}")
    page.get_by_role("button", name="Make the token").click()
    text = page.get_by_label("The token").input_value()
    assert text not in page.url
    headers = {"Authorization": f"Token {text}"}
    answer = context.request.get("/api/v1/projects/?limit=2", headers=headers)
    assert answer.status == 200

    page.get_by_role("link", name=f"Sync {scripts}", exact=True).click()
    expect(page.get_by_role("row", name="/api/v1/projects/?limit=2")).to_contain_text(
        re.compile(r"2\s+200")
    )
    page.get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke the token").click()
    expect(page.get_by_text("opens nothing any more")).to_be_visible()
    answer = context.request.get("/api/v1/projects/", headers=headers)
    assert answer.status == 401
    context.close()


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize(
    "path",
    ["/accounts/login/", "/accounts/password/reset/", "/accounts/signup/"],
)
def test_the_way_in_keeps_nobody_out(show, path, colours):
    found = Axe().run(show(path, colours=colours))

    assert found.violations_count == 0, found.generate_report()


def test_the_pages_of_an_account_keep_nobody_out_and_fit_a_phone(page, site):
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("E-mail address").fill("admin@example.org")
    page.get_by_label("Password").fill(accounts.DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.get_by_role("button", name="Signed in as")).to_be_visible()
    for path in (
        "profile/",
        "password/change/",
        "2fa/",
        "sessions/",
        "tokens/",
        "tokens/all/",
        "users/",
        "users/invite/",
        "users/editor@example.org/",
    ):
        page.goto(f"{site}/accounts/{path}")
        found = Axe().run(page)

        assert found.violations_count == 0, (path, found.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
