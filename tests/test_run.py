import os
import socket
import stat
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import get_commands

import run

ROOT = settings.BASE_DIR


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """run.py in a folder whose path has a space, with a .venv that works."""
    folder = tmp_path / "a folder"
    (folder / ".venv").mkdir(parents=True)
    for name, file in (("LOCK", "run.lock"), ("TEST_LOCK", "test.lock")):
        (folder / file).write_text(file)
        monkeypatch.setattr(run, name, folder / file)
    monkeypatch.setattr(run, "STAMP", folder / ".venv" / "stamp")
    monkeypatch.setattr(run, "PYTHON", sys.executable)
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    return folder


@pytest.fixture
def installations(elsewhere, monkeypatch):
    """The names of the locks that were installed."""
    done = []
    monkeypatch.setattr(run, "install_with_pip", lambda lock: done.append(lock.name))
    return done


def test_what_is_installed_is_not_installed_again(installations):
    run.install(run.LOCK)
    run.install(run.LOCK)

    assert installations == ["run.lock"]


def test_the_test_lock_serves_for_running_too(installations):
    run.install(run.TEST_LOCK)
    run.install(run.LOCK)

    assert installations == ["test.lock"]


def test_a_changed_lock_is_installed(installations):
    run.install(run.LOCK)
    run.LOCK.write_text("changed")
    run.install(run.LOCK)

    assert installations == ["run.lock", "run.lock"]


def test_an_installation_that_failed_is_tried_again(installations, monkeypatch):
    def fail(lock):
        raise SystemExit("no network")

    run.install(run.LOCK)
    with monkeypatch.context() as broken:
        broken.setattr(run, "install_with_pip", fail)
        with pytest.raises(SystemExit):
            run.install(run.TEST_LOCK)
    run.install(run.LOCK)

    assert installations == ["run.lock", "run.lock"]


def test_without_any_installer_it_says_what_to_install(elsewhere, monkeypatch):
    monkeypatch.setattr(run, "works", lambda *command: False)
    monkeypatch.setattr(run, "find_spec", lambda name: None)

    with pytest.raises(SystemExit, match="apt install python3-venv"):
        run.install(run.LOCK)


def test_an_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(run.sys, "version_info", (3, 10, 4))

    assert "3.11" in run.main([])


def test_the_settings_of_the_site_here_do_not_reach_the_tests(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://in-earnest")
    monkeypatch.setenv("ASEANPM_HTTPS", "on")
    monkeypatch.setenv("ASEANPM_CHROMIUM", "a-browser")

    environment = run.clean_environment()

    assert "DATABASE_URL" not in environment
    assert "ASEANPM_HTTPS" not in environment
    assert environment["ASEANPM_CHROMIUM"] == "a-browser"


@pytest.mark.parametrize(
    ("failed", "skipped", "require_all", "code", "last"),
    [
        ([], [], False, 0, "Steps: 1 passed, 0 failed, 0 skipped"),
        (["lint"], [], False, 1, "Steps: 1 passed, 1 failed, 0 skipped"),
        ([], ["browser"], False, 0, "Steps: 1 passed, 0 failed, 1 skipped"),
        ([], ["browser"], True, 1, "Steps: 1 passed, 1 failed"),
    ],
)
def test_the_last_line_tells_how_it_went(
    failed, skipped, require_all, code, last, capsys
):
    steps = run.Steps({})
    steps.passed, steps.failed, steps.skipped = ["tests"], failed, skipped

    assert steps.report(require_all) == code
    assert capsys.readouterr().out.splitlines()[-1] == last


def quickstart(folder, *arguments, **settings):
    """The finished process of quickstart with its data in the folder."""
    environment = run.clean_environment() | {"ASEANPM_DATA": str(folder)} | settings
    return subprocess.run(
        [sys.executable, "-W", "error", ROOT / "manage.py", "quickstart", *arguments],
        env=environment | {"ASEANPM_ENV_FILE": os.devnull},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_quickstart_names_a_busy_port_before_it_does_anything(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        done = quickstart(tmp_path / "var", ASEANPM_PORT=port)

    assert done.returncode == 1
    assert f"Port {port} is busy" in done.stderr
    assert "ASEANPM_PORT" in done.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "٨٠٠٠"])
def test_quickstart_refuses_what_is_no_port(tmp_path, port):
    assert "must be 1 to 65535" in quickstart(tmp_path, ASEANPM_PORT=port).stderr


def test_quickstart_leaves_other_databases_alone(tmp_path):
    done = quickstart(tmp_path, DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")

    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr


@pytest.mark.parametrize("public", ["ALLOWED_HOSTS", "ASEANPM_HTTPS"])
def test_quickstart_serves_no_demo_logins_to_others(tmp_path, public):
    (tmp_path / "demo_logins").touch()
    there = {"ALLOWED_HOSTS": "aseanpm.example", "ASEANPM_HTTPS": "on"}[public]

    done = quickstart(tmp_path, "--no-serve", **{public: there})

    assert done.returncode == 1
    assert "demo logins, whose password everyone can read" in done.stderr
    assert not (tmp_path / "aseanpm.sqlite3").exists()


@pytest.mark.database("sqlite")
@pytest.mark.skipif("load_illustrative" not in get_commands(), reason="not written yet")
def test_quickstart_does_each_thing_once(tmp_path):
    folder = tmp_path / "a folder" / "var"

    first = quickstart(folder, "--no-serve")
    key = (folder / "secret_key").read_text()
    second = quickstart(folder, "--no-serve")

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.count("aseanpm: ") == 5
    assert "making demo logins" in first.stdout
    assert (folder / "demo_logins").exists()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert (folder / "secret_key").read_text() == key
    if os.name == "posix":
        assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
