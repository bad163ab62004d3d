"""How long a whole list takes as a file, beside the plainest way to write one.

    python3 -m tests.benchmarks.exports 30000

makes that many projects in a database of its own (as tests/benchmarks/figures.py does),
or measures what is there when it holds some. CSV stands beside COPY of one statement
(on SQLite: its rows through the csv module), JSON Lines beside the rows of that
statement through orjson; both read the same columns. All are interleaved in one run.
Then the peak of memory above idle, each file drawn by a process of its own.
"""

import csv
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
JOINT = {"postgresql": "string_agg(code, '; ' ORDER BY code)"}


def statement(vendor):
    """One statement with the columns of the list: what is published, now."""
    joined = JOINT.get(vendor, "group_concat(code, '; ')")

    def codes(name, table, key, party):
        return f"""{name} AS (SELECT project_id, {joined} AS codes FROM (
            SELECT project_id, c.code FROM {table} f JOIN {party} c ON c.id = f.{key}
            WHERE f.withdrawn_at IS NULL GROUP BY project_id, c.code
            HAVING sum(delta) > 0 ORDER BY project_id, c.code) x GROUP BY project_id)"""  # noqa: S608

    return f"""WITH {codes("pa", "projects_funding", "partner_id", "partners_partner")},
        {codes("fu", "projects_funding", "fund_id", "partners_fund")},
        {codes("co", "projects_benefit", "country_id", "partners_country")},
        {codes("gr", "projects_benefit", "grouping_id", "partners_grouping")},
        og AS (SELECT project_id, {joined} AS codes FROM (
            SELECT DISTINCT project_id, o.code FROM projects_projectorganisation p
            JOIN partners_organisation o ON o.id = p.organisation_id
            ORDER BY project_id, o.code) x GROUP BY project_id),
        mo AS (SELECT project_id, sum(usd) AS usd FROM projects_moneyentry
            WHERE withdrawn_at IS NULL AND kind = 'approved' AND NOT in_kind
            AND NOT is_counterpart GROUP BY project_id)
        SELECT p.code, p.title, p.title_language, w.code AS plan, a.code AS area,
            l.code AS line, p.current_status AS status, p.is_illustrative,
            co.codes AS countries, gr.codes AS groupings, pa.codes AS partners,
            fu.codes AS funds, og.codes AS organisations,
            mo.usd / 100.0 AS approved_usd,
            p.planned_start, p.planned_end, p.changed_at
        FROM projects_project p
        LEFT JOIN workplans_workplan w ON w.id = p.current_plan_id
        LEFT JOIN workplans_strategicarea a ON a.id = p.current_area_id
        LEFT JOIN workplans_actionline l ON l.id = p.current_line_id
        LEFT JOIN co ON co.project_id = p.id LEFT JOIN gr ON gr.project_id = p.id
        LEFT JOIN pa ON pa.project_id = p.id LEFT JOIN fu ON fu.project_id = p.id
        LEFT JOIN og ON og.project_id = p.id LEFT JOIN mo ON mo.project_id = p.id
        WHERE p.is_published AND p.withdrawn_at IS NULL ORDER BY p.code"""  # noqa: S608


def raw_csv(connection):
    """COPY, or what stands for it, into a temporary file."""
    sql = statement(connection.vendor)
    with tempfile.TemporaryFile() as file, connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.copy_expert(f"COPY ({sql}) TO STDOUT WITH CSV HEADER", file)
            return
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        cursor.execute(sql)
        csv.writer(text).writerows(iter(cursor.fetchone, None))


def raw_lines(connection):
    """The rows of one statement, by orjson, as an API's rows: codes in lists."""
    import orjson

    with tempfile.TemporaryFile() as file, connection.cursor() as cursor:
        cursor.execute(statement(connection.vendor))
        names = [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(2000):
            for row in rows:
                told = dict(zip(names, row, strict=True))
                for name in names[8:13]:
                    told[name] = told[name].split("; ") if told[name] else []
                told["approved_usd"] = str(told["approved_usd"])
                file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))


def ours(form):
    from django.test import Client

    answer = Client(SERVER_NAME="localhost").get(f"/api/v1/projects/?format={form}")
    for _ in answer.streaming_content:
        pass
    return answer.pulled_rows


def set_up():
    os.environ.setdefault("ASEANPM_DATA", tempfile.mkdtemp(prefix="aseanpm-bench-"))
    os.environ.setdefault("SECRET_KEY", "for measuring only")
    os.environ["DJANGO_SETTINGS_MODULE"] = "aseanpm.settings"
    import django

    django.setup()


def main(number):
    set_up()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from aseanpm.illustrative.scale import generate
    from aseanpm.loading import load_reference
    from projects.models import Project

    if not Project.objects.exists():
        load_reference()
        generate(number)
    calls = {
        "raw CSV": lambda: raw_csv(connection),
        "csv": lambda: ours("csv"),
        "raw lines": lambda: raw_lines(connection),
        "jsonl": lambda: ours("jsonl"),
        "xlsx": lambda: ours("xlsx"),
    }
    times: dict = {name: [] for name in calls}
    rows = ours("csv")
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - began)
    floors = {"csv": "raw CSV", "jsonl": "raw lines"}
    write = sys.stdout.write
    write(f"{connection.vendor}, {rows} rows, median of {ROUNDS}\n")
    write(f"{'s':>7} {'ratio':>6} {'MB above idle':>14}\n")
    for name, values in times.items():
        median = statistics.median(values)
        floor = statistics.median(times[floors.get(name, name)])
        memory = f"{peak(name):14.1f}" if name in {"csv", "jsonl", "xlsx"} else " " * 14
        write(f"{median:7.2f} {median / floor:6.1f} {memory}  {name}\n")


def peak(form):
    """MB by which a file raises the peak of a process that has answered a page."""
    command = [sys.executable, "-m", __spec__.name, f"--peak={form}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(told.stdout.split()[-1])


def tell_peak(form):
    set_up()
    from django.test import Client

    Client(SERVER_NAME="localhost").get("/api/v1/projects/?limit=500")
    idle = memory("VmRSS")
    ours(form)
    sys.stdout.write(f"\n{memory('VmHWM') - idle}\n")


def memory(name):
    """MB of this process, as Linux tells it: VmRSS is now, VmHWM the most so far."""
    told = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", told)[1]) / 1024


if __name__ == "__main__":
    argument = sys.argv[1] if len(sys.argv) > 1 else "30000"
    if argument.startswith("--peak="):
        tell_peak(argument.partition("=")[2])
    else:
        main(int(argument))
