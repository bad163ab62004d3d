import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as profiles
from rest_framework.test import APIClient

pytest_plugins = ["tests.plugins_loaded"]

THOROUGH = bool(os.environ.get("ASEANPM_THOROUGH"))
PATIENT: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
}
profiles.register_profile("quick", profiles(max_examples=25, **PATIENT))
profiles.register_profile("thorough", profiles(max_examples=500, **PATIENT))
profiles.load_profile("thorough" if THOROUGH else "quick")

PER_PROCESS_CACHE = "django.core.cache.backends.locmem.LocMemCache"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config):
    """Nothing of the site that runs here is used: neither its key nor its folder."""
    folder = Path(tempfile.mkdtemp(prefix="aseanpm-test-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    settings.SECRET_KEY = "for tests only " * 4
    settings.DATA_DIR = folder
    settings.SECRET_KEY_FILE = folder / "secret_key"
    settings.DEMO_LOGINS_FILE = folder / "demo_logins"
    settings.CACHES = {"default": {"BACKEND": PER_PROCESS_CACHE}}
    settings.API_RATES = {"visitors": None, "signed_in": None}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):  # a file, as in earnest
        database["TEST"]["NAME"] = folder / "test.sqlite3"


def pytest_collection_modifyitems(config, items):
    """Leave out what is for the other database; browser tests are for SQLite.

    Left out is not skipped: the same run does it on the other database.
    """
    for item in items:
        if "browser" in item.path.relative_to(settings.BASE_DIR).parts[:-1]:
            item.add_marker("browser")
            item.add_marker(pytest.mark.database("sqlite"))
            if chromium() is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium here"))
    left_out = [item for item in items if not is_for(item, connection.vendor)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def is_for(item, vendor):
    return all(marker.args == (vendor,) for marker in item.iter_markers("database"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """With --require-all of run.py, a skipped test is a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter and reporter.stats.get("skipped")
    if skipped and os.environ.get("ASEANPM_REQUIRE_ALL") and not exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def chromium():
    """The Chromium of this machine, or None."""
    chosen = os.environ.get("ASEANPM_CHROMIUM")
    return chosen or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    # Playwright runs an event loop, in which Django would refuse the database.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    return browser_type_launch_args | {
        "executable_path": chromium(),
        "args": BROWSER_FLAGS,
    }


@pytest.fixture
def queries(monkeypatch):
    """queries(call): how many queries the call takes, in a process that has come to the
    day."""
    from aseanpm import feed

    def count(call):
        monkeypatch.setitem(feed._seen, "day", timezone.localdate())
        with CaptureQueriesContext(connection) as captured:
            call()
        return len(captured)

    return count


@pytest.fixture
def sign_in():
    """sign_in(user): a client in which the user has signed in; a visitor's for None."""

    def client_of(user=None):
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return client_of


@pytest.fixture
def api():
    """api(user): a client of the API signed in as the user; a visitor's for None.

    It signs in by session: force_authenticate would save the queries of signing in.
    """

    def client_of(user=None):
        client = APIClient()
        if user is not None:
            client.force_login(user)
        return client

    return client_of
