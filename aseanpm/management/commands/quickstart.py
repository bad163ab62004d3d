"""A working site on a fresh machine: key, database, data, server.

Each step that was done before is skipped, so that a second run only serves.
"""

import hashlib
import logging
import os
import secrets
import socket
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from aseanpm.apps import make_cache_table
from partners import accounts

HOST = "127.0.0.1"
THIS_MACHINE = {"localhost", HOST, "[::1]"}
REFERENCE = Path(apps.get_app_config("aseanpm").path) / "reference"


class Command(BaseCommand):
    help = "Prepare an SQLite database with illustrative data in var/, and serve it."
    requires_system_checks = ()  # there may be no key yet; they run when there is

    def add_arguments(self, parser):
        parser.add_argument(
            "--no-serve", action="store_true", help="Prepare everything, do not serve."
        )

    def handle(self, *, no_serve, **options):
        if connection.vendor != "sqlite":
            raise CommandError(
                "Quickstart fills an SQLite database with illustrative data, and"
                " DATABASE_URL names another. Unset it to try aseanpm out; the README"
                " says how to deploy it."
            )
        port = the_port()
        if not no_serve:
            refuse_busy(port)
        self.refuse_demo_logins_to_others()
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        self.write_secret_key()
        self.check()
        new = self.migrate()
        self.load_reference()
        self.load_illustrative(new)
        self.make_demo_logins(new)
        if not no_serve:
            self.serve(port)

    def say(self, what):
        self.stdout.write(f"aseanpm: {what}")
        self.stdout.flush()

    def write_secret_key(self):
        if settings.SECRET_KEY_FILE.exists() or os.environ.get("SECRET_KEY"):
            return
        self.say("writing a secret key")
        key = secrets.token_urlsafe(50)
        only_mine = os.open(
            settings.SECRET_KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
        )
        with os.fdopen(only_mine, "w", encoding="ascii") as file:
            file.write(key)
        settings.SECRET_KEY = key

    def migrate(self):
        """Bring the database up to date; whether it is a new one."""
        executor = MigrationExecutor(connection)
        new = not executor.loader.applied_migrations
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.say(
                "making the database" if new else "bringing the database up to date"
            )
            call_command("migrate", verbosity=0)
        make_cache_table(using=connection.alias)  # its file may have been removed
        return new

    def load_reference(self):
        """Load the shipped reference data, unless this database has them all.

        A load also begins the change feed of a database that is older than it.
        """
        loaded = settings.DATA_DIR / "reference_loaded"
        shipped = hashlib.sha256()
        for path in sorted(REFERENCE.rglob("*.json")):
            shipped.update(path.read_bytes())
        is_new = is_empty("workplans.WorkPlan") or is_empty("aseanpm.FeedRow")
        if is_new or not holds(loaded, shipped.hexdigest()):
            self.say("loading reference data")
            call_command("load_reference", verbosity=0)
            loaded.write_text(shipped.hexdigest(), encoding="ascii")

    def load_illustrative(self, new):
        """Load the illustrative projects once; removed ones stay removed."""
        loaded = settings.DATA_DIR / "illustrative_loaded"
        illustrative = apps.get_model("projects.Project").objects.filter(
            is_illustrative=True
        )
        if not illustrative.exists() and (new or not loaded.exists()):
            self.say("loading illustrative projects")
            loaded.unlink(missing_ok=True)
            call_command("load_illustrative", verbosity=0)
            loaded.touch()

    def refuse_demo_logins_to_others(self):
        if settings.DEMO_LOGINS_FILE.exists() and not for_this_machine_alone():
            raise CommandError(
                "This data folder holds demo logins, whose password everyone can read,"
                " and the settings let others reach the site. Name another folder in"
                " ASEANPM_DATA, or deploy as the README says."
            )

    def make_demo_logins(self, new):
        """Make the demo logins once, for this machine alone; removed ones stay so."""
        made = settings.DEMO_LOGINS_FILE
        if for_this_machine_alone() and (new or not made.exists()):
            self.say("making demo logins")
            accounts.make_demo_logins()
            made.touch()

    def serve(self, port):
        server = ThreadedWSGIServer((HOST, port), WSGIRequestHandler)
        server.daemon_threads = True
        server.set_app(get_wsgi_application())
        # A line for every request would bury the address.
        logging.getLogger("django.server").setLevel(logging.WARNING)
        if settings.DEMO_LOGINS_FILE.exists():
            emails = ", ".join(login["email"] for login in accounts.DEMO_LOGINS)
            self.say(f"demo logins {emails}; password {accounts.DEMO_PASSWORD}")
        self.say(f"serving http://{HOST}:{port}/  (Ctrl-C stops it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            self.say("stopped")
        finally:
            server.server_close()


def for_this_machine_alone():
    public = settings.DEPLOYED or settings.HTTPS
    return not public and set(settings.ALLOWED_HOSTS) <= THIS_MACHINE


def the_port():
    text = os.environ.get("ASEANPM_PORT", "8000")
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise CommandError(f"ASEANPM_PORT is “{text}”; it must be 1 to 65535.")
    return int(text)


def refuse_busy(port):
    with socket.socket() as probe:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is busy or not allowed ({error.strerror}). Stop what"
                " listens there, or set ASEANPM_PORT to another, such as 8001."
            ) from error


def is_empty(model):
    return not apps.get_model(model).objects.exists()


def holds(path, text):
    return path.exists() and path.read_text(encoding="ascii") == text
