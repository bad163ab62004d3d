"""How long figures and lists take, beside the plainest SQL that could answer.

    python3 -m tests.benchmarks.figures 30000

makes that many projects in a database of its own (SQLite in a temporary folder, or the
empty one that DATABASE_URL names) and prints the median of each call in milliseconds,
its queries, and its ratio to a bare count of the same plan on the same clock. All calls
are interleaved in one run.
"""

import datetime as dt
import os
import statistics
import sys
import tempfile
import time

ROUNDS = 9


def main(number):
    os.environ.setdefault("ASEANPM_DATA", tempfile.mkdtemp(prefix="aseanpm-bench-"))
    os.environ.setdefault("SECRET_KEY", "for measuring only")
    os.environ["DJANGO_SETTINGS_MODULE"] = "aseanpm.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from aseanpm.illustrative.scale import generate
    from aseanpm.loading import load_reference

    load_reference()
    generate(number)
    report(number, connection)


def calls():
    from django.test import Client

    from projects.models import Project
    from projects.progress import funding_count, plan_progress
    from workplans.models import WorkPlan

    plan = WorkPlan.objects.get(code="IAI-IV")
    client = Client(SERVER_NAME="localhost")
    clocks = {
        "now": (None, None),
        "past": (dt.date(2023, 6, 1), None),
        "past, both clocks": (
            dt.date(2023, 6, 1),
            dt.datetime.now(dt.UTC) + dt.timedelta(days=1),
        ),
    }

    def of(clock):
        return Project.objects.visible_to(None).as_of(*clock)

    for name, clock in clocks.items():
        yield (
            f"count, {name}",
            lambda clock=clock: of(clock).under(plan).counted().count(),
        )
        yield (
            f"lines, {name}",
            lambda clock=clock: plan_progress(plan, of(clock)),
        )
        yield (
            f"who funds, {name}",
            lambda clock=clock: funding_count(of(clock).under(plan).counted()),
        )
    for address in (
        "/plans/IAI-IV/",
        "/plans/IAI-IV/?as_of=2023-06-01",
        "/countries/VN/",
        "/partners/SG/",
        "/projects/?plan=IAI-IV",
        "/projects/?search=project+12345",
        "/api/v1/projects/?limit=50&status=ongoing&country=VN",
        "/api/v1/projects/?limit=50&country=VN&as_of=2023-06-01",
        "/api/v1/plans/IAI-IV/progress/?as_of=2023-06-01",
    ):
        yield address, lambda address=address: client.get(address)


def report(number, connection):
    from django.test.utils import CaptureQueriesContext

    timed = dict(calls())
    times: dict = {name: [] for name in timed}
    queries = {}
    for name, call in timed.items():
        with CaptureQueriesContext(connection) as captured:
            call()
        queries[name] = len(captured)
    for _ in range(ROUNDS):
        for name, call in timed.items():
            began = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - began))
    floor = statistics.median(times["count, now"])
    write = sys.stdout.write
    write(f"{connection.vendor}, {number} projects, median of {ROUNDS}\n")
    write(f"{'ms':>9} {'ratio':>7} {'queries':>8}\n")
    for name, values in times.items():
        median = statistics.median(values)
        write(f"{median:9.1f} {median / floor:7.1f} {queries[name]:8}  {name}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
