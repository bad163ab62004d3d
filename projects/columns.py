"""The columns of the list of projects, and what its rows need for them."""

from collections import defaultdict

from aseanpm.lists import Column

from . import money
from .models import MoneyEntry, Project, StatusChange
from .ordering import FOR_STAFF, LABELS

# What everybody gets who chose nothing, in this order.
USUAL = ("code", "title", "line", "status", "countries", "partners", "approved_usd")
KINDS = {f"{kind}_usd": kind for kind in MoneyEntry.Kind.values}


def column(name, label, **options):
    return Column(
        name,
        f"{KINDS[name].capitalize()}, USD" if name in KINDS else label,
        shown=name in USUAL,
        fixed=name == "title",
        is_number=name in KINDS,
        **options,
    )


COLUMNS = (
    *(column(name, LABELS[name]) for name in USUAL),
    *(column(name, label) for name, label in LABELS.items() if name not in USUAL),
    *(column(name, label, staff=True) for name, label in FOR_STAFF.items()),
)


def complete(rows, projects, keys, names, user):
    """Fill in what rows of a list lack for some columns: a query for each column.

    `rows` are project_rows of the projects with these keys, on their clock.
    """
    ours = Project.objects.as_of(projects.clock.day, projects.clock.known_at)
    ours = ours.filter(pk__in=keys)
    wanted = [name for name in names if name in FILLED or name in FIELDS]
    if not wanted:
        return rows
    codes = dict(ours.values_list("code", "pk"))
    fields = {name: FIELDS[name] for name in wanted if name in FIELDS}
    if fields:
        told = {row["code"]: row for row in ours.values("code", *fields.values())}
        for row in rows:
            row |= {name: told[row["code"]][path] for name, path in fields.items()}
    for name in wanted:
        if name in FILLED:
            values = FILLED[name](ours, keys, user)
            for row in rows:
                row[name] = values.get(codes[row["code"]])
    return rows


def _since(ours, keys, user):
    changes = StatusChange.objects.at(ours.clock).filter(project__in=keys)
    days = {}
    for project, day in changes.latest_first().values_list("project", "effective_on"):
        days.setdefault(project, day)
    return days


def _dollars(kind):
    def found(ours, keys, user):
        amounts = money.amounts_by_project(ours, kind, user)
        return {project: amount.usd for project, amount in amounts.items()}

    return found


def _themes(ours, keys, user):
    through = Project.themes.through.objects.filter(project__in=keys)
    return gathered(through.values_list("project", "theme__code"))


def _focal_points(ours, keys, user):
    through = Project.focal_points.through.objects.filter(project__in=keys)
    return gathered(through.values_list("project", "focalpoint__office"))


def gathered(pairs):
    found = defaultdict(list)
    for project, text in sorted(pairs):
        found[project].append(text)
    return found


def _officers(ours, keys, user):
    officers = ours.filter(officer__isnull=False).select_related("officer")
    return {project.pk: str(project.officer) for project in officers}


# Columns that are fields of the project itself, in one query for all of them.
FIELDS = {"official_code": "official_code", "is_published": "is_published"}
FILLED = {
    "status_since": _since,
    "themes": _themes,
    "officer": _officers,
    "focal_points": _focal_points,
    **{
        name: _dollars(kind)
        for name, kind in KINDS.items()
        if kind != MoneyEntry.Kind.APPROVED
    },
}
