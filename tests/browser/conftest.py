import pytest
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from tests.plugins_loaded import load_everything


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
