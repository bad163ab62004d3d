"""As many synthetic projects as one asks for: for benchmarks, not for reading.

They are illustrative, so that every page says so and `remove_illustrative` takes them
out. Unlike the other illustrative projects they meet no published figure.
"""

import datetime as dt
from collections import Counter
from itertools import islice

from django.db import connection
from django.utils import timezone

from aseanpm.facts import Basis, ledger_entry
from aseanpm.models import LoadedRow
from partners.models import Country, Partner
from projects.actions import refresh_copies
from projects.models import (
    Benefit,
    Funding,
    MoneyEntry,
    Placement,
    Project,
    StatusChange,
)
from workplans.models import ActionLine, WorkPlan

from .build import MissingReference

PLAN = "IAI-IV"
PREFIX = "ILL-SCALE-"
PARTNERS = ["SG", "JP", "AU", "KR", "EU"]
COUNTRIES = ["KH", "LA", "MM", "VN"]
STEPS = ["appraisal", "approved", "ongoing", "completed"]
NOTE = "Generated to measure speed; it tells of no real project."
START = dt.date(2021, 1, 4)
BATCH = 2000


class RealProjects(Exception):
    """Somebody's projects are in the database; the message names one."""


def generate(number):
    """Write `number` projects, after those generated before; returns rows by model.

    Each has a life, funders, money and countries; one in twenty is not published. One
    write for 2,000 projects, which settles the feed too. Raises RealProjects and
    MissingReference, before anything is written.
    """
    refuse_real_projects()
    builder = Synthetic()
    first = Project.objects.filter(code__startswith=PREFIX).count()
    numbers = iter(range(first, first + number))
    made: Counter = Counter()
    while batch := list(islice(numbers, BATCH)):
        made += builder.write(batch)
    refresh_copies(Project.objects.filter(code__startswith=PREFIX))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return made


def refuse_real_projects():
    """Raise RealProjects for any that is neither illustrative nor reference data."""
    shipped = LoadedRow.objects.filter(model=Project._meta.label).values("key")
    real = Project.objects.filter(is_illustrative=False).exclude(code__in=shipped)
    if project := real.order_by("code").first():
        raise RealProjects(
            f"This database holds {real.count()} real projects, {project.code} among "
            "them. Generate into a database of its own."
        )


class Synthetic:
    """Writes projects that follow from their number alone."""

    def __init__(self):
        self.plan = WorkPlan.objects.filter(code=PLAN).first()
        self.lines = list(ActionLine.objects.filter(plan=self.plan))
        self.partners = list(Partner.objects.filter(code__in=PARTNERS))
        self.countries = list(Country.objects.filter(code__in=COUNTRIES))
        self.now = timezone.now()
        if not (self.lines and self.partners and len(self.countries) == len(COUNTRIES)):
            raise MissingReference("Run load_reference first.")

    def write(self, numbers):
        rows: dict = {}
        with ledger_entry(recorded_at=self.now, what="Generated projects") as entry:
            projects = Project.objects.bulk_create(map(self.project, numbers))
            for project, n in zip(projects, numbers, strict=True):
                for fact in self.facts(project, n, entry.stamps):
                    rows.setdefault(type(fact), []).append(fact)
            for model, some in rows.items():
                model.objects.bulk_create(some, batch_size=500)
        return Counter({Project: len(projects)}) + Counter(
            {model: len(some) for model, some in rows.items()}
        )

    def project(self, n):
        return Project(
            code=f"{PREFIX}{n:06}",
            title=f"Synthetic project {n}",
            note=NOTE,
            is_illustrative=True,
            is_published=n % 20 != 0,
            recorded_at=self.now,
            changed_at=self.now,
        )

    def facts(self, project, n, stamps):
        day = START + dt.timedelta(days=n % 1500)
        of = {"project": project, "basis": Basis.ILLUSTRATIVE, **stamps}
        for place, status in enumerate(STEPS[: 1 + n % 4]):
            on = day + dt.timedelta(days=60 * place)
            yield StatusChange(status=status, effective_on=on, **of)
        line = self.lines[n % len(self.lines)]
        yield Placement(plan=self.plan, area_id=line.area_id, line=line, **of)
        for place in range(1 + (n % 5 == 0)):
            partner = self.partners[(n + place) % len(self.partners)]
            yield Funding(partner=partner, effective_on=day, day_order=place, **of)
        usd = 1000 + n % 997
        yield MoneyEntry(
            kind="approved", amount=usd, usd=usd, rate=1, effective_on=day, **of
        )
        for place in range(1 + n % 3):
            country = self.countries[(n + place) % len(self.countries)]
            yield Benefit(country=country, effective_on=day, day_order=place, **of)
