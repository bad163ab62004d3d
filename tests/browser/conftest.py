import re

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from aseanpm.facts import Entry
from aseanpm.undo import undo
from partners.models import User
from tests import make
from tests.conftest import THOROUGH
from tests.plugins_loaded import load_everything

COLOURS = ["light", "dark"] if THOROUGH else ["light"]


@pytest.fixture(scope="package")
def site(django_db_setup, django_db_blocker):
    """The address of a running site with all shipped data, for all browser tests."""
    with django_db_blocker.unblock():
        load_everything()
        server = LiveServer("localhost")
        yield server.url
        server.stop()
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def _django_db_helper(site):
    """No transaction around a test (pytest-django's own): it would lock the file that
    the server writes. What a test writes stays for the next one."""


@pytest.fixture
def show(page, site):
    """show(path, width=1280, colours="light"): the page, and what it said in errors."""

    def go(path, width=1280, colours="light"):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=colours)
        page.goto(site + path)
        return page

    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: said.type == "error" and errors.append(said.text))
    yield go
    assert not errors


@pytest.fixture
def sit(browser, site):
    """sit(path, who, scripts=True, **browser): a page at which an editor sits.

    Each in a browser of its own; none may break a script.
    """
    contexts, errors = [], []

    def go(path, who="Edith Tan", scripts=True, **options):
        context = browser.new_context(
            base_url=site, java_script_enabled=scripts, **options
        )
        contexts.append(context)
        context.add_cookies([session_of(editor(who), site)])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def desk(request, sit):
    """desk(path): a page at which an editor sits; `desk.scripts` tells whether."""

    def go(path):
        return sit(path, scripts=request.param)

    go.scripts = request.param
    return go


@pytest.fixture
def as_before(site):
    """Undoes in the end what was written and left."""
    last = Entry.objects.first().sequence
    yield
    for entry in Entry.objects.filter(sequence__gt=last, can_be_undone=True):
        if not (entry.undoes_id or Entry.objects.filter(undoes=entry).exists()):
            undo(entry=entry, by=editor("Edith Tan"))


def editor(name):
    """The editor of this name, the same one each time."""
    email = f"{name.split()[0].lower()}@desk.example"
    found = User.objects.filter(email=email).first()
    return found or make.user("editor", email=email, name=name)


def session_of(user, site):
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    return {"name": cookie.key, "value": cookie.value, "url": site}


def saved(page, button="Save"):
    """Press the button that saves, a second time where figures are shown first."""
    where = page.url
    name = re.compile(f"^{button}( all the same)?$")
    page.get_by_role("button", name=name).last.click()
    moves = page.get_by_role("heading", name="Nothing is saved yet")
    expect(moves.or_(page.locator(".toast")).first).to_be_visible()
    if moves.count():
        page.get_by_role("button", name=name).last.click()
    expect(page).not_to_have_url(where)


def field(where, label):
    """The first field of this label, whether or not it is optional."""
    return where.get_by_label(re.compile(rf"^\s*{re.escape(label)}(\s*–|\s*$)")).first
