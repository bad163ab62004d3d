"""How fast the API answers, beside hand-written SQL and beside plain serializers.

    python3 -m tests.benchmarks.api 30000

makes that many projects in a database of its own (as tests/benchmarks/figures.py does),
or measures what is there when it holds some. The same page of fifty projects is asked
of our endpoint, of one written by hand (SQL and orjson), and of two written as is usual
(nested ModelSerializers, with prefetch and without). Beside it: the 304, pages further
on, a search, a plan's progress. All go through the same middleware and are interleaved
in one run.
"""

import os
import statistics
import sys
import tempfile
import time

ROUNDS = 15
STATUS, COUNTRY = "ongoing", "VN"
ASKED = f"status={STATUS}&country={COUNTRY}&limit=50"
PAGE = """SELECT p.id, p.code, p.title, p.title_language, w.code, a.code, l.code,
    p.current_status, p.is_illustrative, p.planned_start, p.planned_end, p.changed_at
    FROM projects_project p
    LEFT JOIN workplans_workplan w ON w.id = p.current_plan_id
    LEFT JOIN workplans_strategicarea a ON a.id = p.current_area_id
    LEFT JOIN workplans_actionline l ON l.id = p.current_line_id
    WHERE p.is_published AND p.withdrawn_at IS NULL AND p.current_status = %s
    AND p.id IN (SELECT b.project_id FROM projects_benefit b
        JOIN partners_country c ON c.id = b.country_id
        WHERE b.withdrawn_at IS NULL AND c.code = %s
        GROUP BY b.project_id HAVING sum(b.delta) > 0)
    ORDER BY p.code LIMIT 51"""
FUNDERS = """SELECT f.project_id, c.code, d.code FROM projects_funding f
    JOIN partners_partner c ON c.id = f.partner_id
    LEFT JOIN partners_fund d ON d.id = f.fund_id
    WHERE f.withdrawn_at IS NULL AND f.project_id IN ({keys})
    GROUP BY f.project_id, c.code, d.code HAVING sum(f.delta) > 0"""
BENEFITS = """SELECT b.project_id, c.code, g.code FROM projects_benefit b
    LEFT JOIN partners_country c ON c.id = b.country_id
    LEFT JOIN partners_grouping g ON g.id = b.grouping_id
    WHERE b.withdrawn_at IS NULL AND b.project_id IN ({keys})
    GROUP BY b.project_id, c.code, g.code HAVING sum(b.delta) > 0"""
PARTS = """SELECT p.project_id, o.code FROM projects_projectorganisation p
    JOIN partners_organisation o ON o.id = p.organisation_id
    WHERE p.project_id IN ({keys})"""
BUDGETS = """SELECT project_id, sum(usd) FROM projects_moneyentry
    WHERE withdrawn_at IS NULL AND kind = 'approved' AND NOT in_kind
    AND project_id IN ({keys}) GROUP BY project_id"""


def set_up():
    os.environ.setdefault("ASEANPM_DATA", tempfile.mkdtemp(prefix="aseanpm-bench-"))
    os.environ.setdefault("SECRET_KEY", "for measuring only")
    os.environ.setdefault("ASEANPM_RATE_VISITORS", "")
    os.environ["DJANGO_SETTINGS_MODULE"] = "aseanpm.settings"
    import django

    django.setup()
    from django.conf import settings

    settings.ROOT_URLCONF = urls()


def urls():
    """Our addresses, and beside them the same list written in three other ways."""
    from types import ModuleType

    from django.urls import include, path

    module = ModuleType("yardsticks")
    module.urlpatterns = [
        path("raw/", raw_list),
        path("prefetch/", usual_list(prefetch=True)),
        path("n-plus-one/", usual_list(prefetch=False)),
        path("", include("aseanpm.urls")),
    ]
    sys.modules["yardsticks"] = module
    return "yardsticks"


def raw_list(request):
    import orjson
    from django.db import connection
    from django.http import HttpResponse

    def rows(sql, *parameters):
        cursor.execute(sql, parameters)
        return cursor.fetchall()

    with connection.cursor() as cursor:
        page = rows(PAGE, STATUS, COUNTRY)[:50]
        keys = ",".join(str(row[0]) for row in page)
        told = {row[0]: named(row) for row in page}
        for key, partner, fund in rows(FUNDERS.format(keys=keys)):
            told[key]["partners"].append(partner)
            if fund:
                told[key]["funds"].append(fund)
        for key, country, grouping in rows(BENEFITS.format(keys=keys)):
            name = "countries" if country else "groupings"
            told[key][name].append(country or grouping)
        for key, organisation in rows(PARTS.format(keys=keys)):
            told[key]["organisations"].append(organisation)
        for key, cents in rows(BUDGETS.format(keys=keys)):
            told[key]["approved_usd"] = f"{cents // 100}.{cents % 100:02}"
    body = {"next": "more", "results": list(told.values())}
    return HttpResponse(
        orjson.dumps(body, default=str), content_type="application/json"
    )


NAMES = (
    *("code", "title", "title_language", "plan", "area", "line", "status"),
    *("is_illustrative", "planned_start", "planned_end", "changed_at"),
)
LISTS = ("countries", "groupings", "partners", "funds", "organisations")


def named(row):
    told = dict(zip(NAMES, row[1:], strict=True))
    return told | {name: [] for name in LISTS} | {"approved_usd": None}


def usual_list(*, prefetch):
    """The list as nested ModelSerializers tell it, which know neither clock nor net."""
    from django.db.models import Prefetch
    from rest_framework import generics, serializers

    from projects.models import Benefit, Funding, MoneyEntry, Project

    def nested(of, *names):
        meta = type("Meta", (), {"model": of, "fields": names})
        codes = {
            name: serializers.SlugRelatedField("code", read_only=True)
            for name in names
            if of._meta.get_field(name).is_relation
        }
        return type(of.__name__, (serializers.ModelSerializer,), codes | {"Meta": meta})

    class Row(serializers.ModelSerializer):
        current_plan = serializers.SlugRelatedField("code", read_only=True)
        current_area = serializers.SlugRelatedField("code", read_only=True)
        current_line = serializers.SlugRelatedField("code", read_only=True)
        fundings = nested(Funding, "partner", "fund")(many=True)
        benefits = nested(Benefit, "country", "grouping")(many=True)
        money_entries = nested(MoneyEntry, "kind", "usd")(many=True)

        class Meta:
            model = Project
            fields = [
                *("code", "title", "title_language", "current_status"),
                *("is_illustrative", "planned_start", "planned_end", "changed_at"),
                *("current_plan", "current_area", "current_line"),
                *("fundings", "benefits", "money_entries"),
            ]

    class Usual(generics.ListAPIView):
        serializer_class = Row
        pagination_class = None

        def get_queryset(self):
            rows = Project.objects.filter(
                is_published=True,
                withdrawn_at=None,
                current_status=STATUS,
                pk__in=Benefit.objects.filter(
                    country__code=COUNTRY, withdrawn_at=None
                ).values("project"),
            )
            if prefetch:
                rows = rows.select_related(
                    "current_plan", "current_area", "current_line"
                ).prefetch_related(
                    Prefetch(
                        "fundings", Funding.objects.select_related("partner", "fund")
                    ),
                    Prefetch(
                        "benefits",
                        Benefit.objects.select_related("country", "grouping"),
                    ),
                    "money_entries",
                )
            return rows.order_by("code")[:50]

    return Usual.as_view()


def calls(client):
    listed = f"/api/v1/projects/?{ASKED}"
    tag = client.get(listed)["ETag"]
    further = client.get("/api/v1/projects/?limit=500")
    while further.json()["next"]:
        last, further = further, client.get(further.json()["next"])
    deep = last.json()["next"].replace("limit=500", "limit=50")
    searched = "/api/v1/projects/?limit=50&search=project+12345"
    yield "by hand", lambda: client.get("/raw/")
    yield "our list", lambda: client.get(listed)
    yield "prefetched serializers", lambda: client.get("/prefetch/")
    yield "serializers, N+1", lambda: client.get("/n-plus-one/")
    yield "our list, 304", lambda: client.get(listed, headers={"If-None-Match": tag})
    yield "first page of all", lambda: client.get("/api/v1/projects/?limit=50")
    yield "last pages of all", lambda: client.get(deep)
    yield "a search", lambda: client.get(searched)
    progress = "/api/v1/plans/IAI-IV/progress/"
    yield "progress of a plan", lambda: client.get(progress)
    yield "changes, 50", lambda: client.get("/api/v1/changes/?limit=50")


def main(number):
    set_up()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    call_command("migrate", verbosity=0)
    from aseanpm.illustrative.scale import generate
    from aseanpm.loading import load_reference
    from projects.models import Project

    if not Project.objects.exists():
        load_reference()
        generate(number)
    timed = dict(calls(Client(SERVER_NAME="localhost")))
    times: dict = {name: [] for name in timed}
    queries = {}
    for name, call in timed.items():
        with CaptureQueriesContext(connection) as captured:
            status = call().status_code
        assert status in {200, 304}, (name, status)
        queries[name] = len(captured)
    for _ in range(ROUNDS):
        for name, call in timed.items():
            began = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - began))
    floor = statistics.median(times["by hand"])
    write = sys.stdout.write
    write(f"{connection.vendor}, {Project.objects.count()} projects, ")
    write(f"median of {ROUNDS}\n{'ms':>9} {'ratio':>7} {'queries':>8}\n")
    for name, values in times.items():
        median = statistics.median(values)
        write(f"{median:9.2f} {median / floor:7.2f} {queries[name]:8}  {name}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30000)
