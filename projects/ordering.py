"""How lists of projects may be sorted, on pages and in the API."""

import datetime as dt
from decimal import Decimal
from functools import partial

from django.db.models import (
    Case,
    CharField,
    DateField,
    F,
    IntegerField,
    OuterRef,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from aseanpm.fields import MoneyField
from aseanpm.paging import BY_CODE, Order, read_date, read_dollars, read_moment
from aseanpm.permissions import can
from aseanpm.problems import BadQuery, FieldError

from .models import (
    Benefit,
    Funding,
    MoneyEntry,
    Project,
    ProjectOrganisation,
    Status,
    StatusChange,
)

LABELS = {
    "code": "Code",
    "title": "Title",
    "official_code": "Official code",
    "plan": "Plan",
    "area": "Area",
    "line": "Line",
    "status": "Status",
    "status_since": "Status since",
    "countries": "Countries",
    "partners": "Funders",
    "funds": "Funds",
    "organisations": "Organisations",
    "themes": "Themes",
    "approved_usd": "Approved budget",
    "pledged_usd": "Pledged",
    "committed_usd": "Committed",
    "disbursed_usd": "Disbursed",
    "spent_usd": "Spent",
    "planned_start": "Planned start",
    "planned_end": "Planned end",
    "changed_at": "Last change",
}
FOR_STAFF = {
    "officer": "Officer",
    "focal_points": "Focal points",
    "is_published": "Published",
}


def labels_for(user):
    """{name: label} of the orders that a reader may ask for."""
    return LABELS | FOR_STAFF if can(user, "edit", "projects") else LABELS


def order_of(projects, text, user=None):
    """(Order, descending) that a text such as "-approved_usd" asks for.

    Raises BadQuery for any other word. Lists sort by their first code. Unknown amounts,
    those that are private to others among them, sort as less than nothing, unknown
    dates as the last.
    """
    descending = text.startswith("-")
    name = text.removeprefix("-") if text else "code"
    labels = labels_for(user)
    if name not in labels:
        known = ", ".join(labels)
        message = f"“{text}” is not an order of this list. Known: {known}."
        raise BadQuery([FieldError("ordering", message)])
    return _orders(projects, user)[name](), descending


def _orders(projects, user):
    def texts(name, expression):
        return name, lambda: Order(name, _never_null(expression()))

    def dates(name, expression):
        return name, lambda: Order(name, _or_last(expression()), read_date)

    def numbers(name, expression, read=int):
        return name, lambda: Order(name, expression(), read)

    def amounts(kind):
        expression = partial(_dollars, projects, kind, user)
        return numbers(f"{kind}_usd", expression, read_dollars)

    return dict(
        [
            ("code", lambda: BY_CODE),
            texts("title", partial(F, "title")),
            texts("official_code", partial(F, "official_code")),
            *(
                texts(name, partial(projects.placement_expression, name))
                for name in ("plan", "area", "line")
            ),
            numbers("status", partial(_life, projects)),
            dates("status_since", partial(_since, projects)),
            texts("countries", partial(_first_beneficiary, projects)),
            texts("partners", partial(_first_funding, projects, "partner__code")),
            texts("funds", partial(_first_funding, projects, "fund__code")),
            texts("organisations", _first_organisation),
            texts("themes", _first_theme),
            *map(amounts, MoneyEntry.Kind.values),
            dates("planned_start", partial(F, "planned_start")),
            dates("planned_end", partial(F, "planned_end")),
            ("changed_at", lambda: _by_change(projects)),
            texts("officer", partial(F, "officer__email")),
            texts("focal_points", _first_focal_point),
            numbers("is_published", _published),
        ]
    )


def _never_null(expression):
    return Coalesce(expression, Value(""), output_field=CharField())


def _or_last(expression):
    return Coalesce(expression, Value(dt.date.max), output_field=DateField())


def _by_change(projects):
    return Order("changed_at", projects.change_expression(), read_moment)


def _life(projects):
    """The place of a status in a project's life, on the clock."""
    places = [
        When(Exact(projects.status_expression(), Value(status)), then=Value(place))
        for place, status in enumerate(Status.values, start=1)
    ]
    return Case(*places, default=Value(0), output_field=IntegerField())


def _since(projects):
    changes = StatusChange.objects.at(projects.clock).filter(project=OuterRef("pk"))
    return Subquery(changes.latest_first().values("effective_on")[:1])


def _published():
    return Case(
        When(is_published=True, then=Value(1)),
        default=Value(0),
        output_field=IntegerField(),
    )


def _first_beneficiary(projects):
    rows = Benefit.objects.annotate(
        party=Coalesce("country__code", "grouping__code", output_field=CharField())
    )
    return _first_standing(rows, projects, "party")


def _first_funding(projects, code):
    return _first_standing(Funding.objects.all(), projects, code)


def _first_standing(rows, projects, code):
    """The first code of those who have joined a project and not left."""
    standing = (
        rows.at(projects.clock)
        .filter(project=OuterRef("pk"), **{f"{code}__isnull": False})
        .values(code)
        .order_by()
        .annotate(standing=Sum("delta"))
        .filter(standing__gt=0)
    )
    return Subquery(standing.order_by(code).values(code)[:1])


def _first_organisation():
    parts = ProjectOrganisation.objects.filter(project=OuterRef("pk"))
    code = "organisation__code"
    return Subquery(parts.order_by(code).values(code)[:1])


def _first_theme():
    tagged = Project.themes.through.objects.filter(project=OuterRef("pk"))
    return Subquery(tagged.order_by("theme__code").values("theme__code")[:1])


def _first_focal_point():
    through = Project.focal_points.through.objects.filter(project=OuterRef("pk"))
    office = "focalpoint__office"
    return Subquery(through.order_by(office).values(office)[:1])


def _dollars(projects, kind, user):
    """The cash of a kind, as the reader may see it."""
    entries = (
        MoneyEntry.objects.at(projects.clock)
        .as_seen_by(user)
        .filter(project=OuterRef("pk"), kind=kind, in_kind=False, is_counterpart=False)
        .order_by()
        .values("project")
        .annotate(total=Sum("seen_usd"))
        .values("total")
    )
    return Coalesce(
        Subquery(entries, output_field=MoneyField()),
        Value(Decimal(-1), output_field=MoneyField()),
        output_field=MoneyField(),
    )
