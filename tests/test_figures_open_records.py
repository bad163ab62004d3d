"""Every figure on every page opens a list, and the list repeats the figure."""

import os
from decimal import Decimal

import pytest
from django.http import QueryDict
from django.urls import reverse

from aseanpm.facts import Clock
from partners.models import Country, Partner
from projects.models import Project
from tests.reading import page_of
from workplans.models import ActionLine, Meeting, WorkPlan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]

THOROUGH = bool(os.environ.get("ASEANPM_THOROUGH"))
ON_SQLITE = pytest.mark.database("sqlite")
CLOCKS = [
    "",
    "as_of=2022-09-22",
    "as_of=2021-03-25&known_at=2021-03-25",
    *(["as_of=2017-09-30", "as_of=2025-08-11&known_at=2025-08-11"] if THOROUGH else []),
]


PAGES = (
    "home",
    "workplans:plans",
    "workplans:lines",
    "workplans:meetings",
    "workplans:reconciliation",
    "partners:countries",
    "partners:list",
    "projects:list",
    "about",
)
ROWS = {
    "workplans:plan": (WorkPlan, 1),
    "partners:country": (Country, 3),
    "partners:detail": (Partner, 5),
    "workplans:line": (ActionLine, 9),
    "workplans:meeting": (Meeting, 5),
    "projects:detail": (Project, 90),
}


def addresses(clock):
    """All pages about figures; of the many alike, every so many in a quick run."""
    yield from map(reverse, PAGES)
    for name, (model, step) in ROWS.items():
        rows = model.objects.order_by("code")
        if model is Project:
            rows = rows.as_of(clock.day, clock.known_at)
        codes = rows.values_list("code", flat=True)
        for code in codes[:: 1 if THOROUGH else step]:
            yield reverse(name, args=[code])


@pytest.mark.parametrize(
    "clock", [CLOCKS[0], *(pytest.param(one, marks=ON_SQLITE) for one in CLOCKS[1:])]
)
def test_every_figure_equals_the_list_it_opens(client, clock):
    opened, wrong, walked = {}, [], 0
    for address in addresses(Clock.read(QueryDict(clock))):
        page = page_of(client, f"{address}?{clock}")
        wrong += [(address, "opens nothing", number) for number in page.unopened]
        for target, number in page.figures:
            walked += 1
            if target not in opened:
                opened[target] = page_of(client, target.partition("#")[0])
            shown = opened[target].sum if "." in number else opened[target].total
            if shown is None or Decimal(number) != shown:
                wrong.append((address, target, number, shown))

    assert not wrong, wrong[:10]
    assert walked > 300
