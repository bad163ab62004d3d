"""How lists of projects may be sorted, on pages and in the API."""

import datetime as dt
from decimal import Decimal

from django.db.models import (
    Case,
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
from aseanpm.problems import BadQuery, FieldError

from .models import MoneyEntry, Status

LABELS = {
    "code": "Code",
    "title": "Title",
    "status": "Status",
    "approved_usd": "Approved budget",
    "planned_start": "Planned start",
    "changed_at": "Last change",
}


def order_of(projects, text):
    """(Order, descending) that a text such as "-approved_usd" asks for.

    Raises BadQuery for any other word. Unknown amounts sort as less than nothing,
    unknown dates as the last.
    """
    descending = text.startswith("-")
    name = text.removeprefix("-") or "code"
    if name not in LABELS:
        known = ", ".join(LABELS)
        message = f"“{text}” is not an order of this list. Known: {known}."
        raise BadQuery([FieldError("ordering", message)])
    return _orders(projects)[name](), descending


def _orders(projects):
    return {
        "code": lambda: BY_CODE,
        "title": lambda: Order("title", F("title")),
        "status": lambda: Order("status", _life(projects), int),
        "approved_usd": lambda: Order(
            "approved_usd", _approved(projects), read_dollars
        ),
        "planned_start": lambda: Order(
            "planned_start",
            Coalesce(F("planned_start"), Value(dt.date.max), output_field=DateField()),
            read_date,
        ),
        "changed_at": lambda: Order(
            "changed_at", projects.change_expression(), read_moment
        ),
    }


def _life(projects):
    """The place of a status in a project's life, on the clock."""
    places = [
        When(Exact(projects.status_expression(), Value(status)), then=Value(place))
        for place, status in enumerate(Status.values, start=1)
    ]
    return Case(*places, default=Value(0), output_field=IntegerField())


def _approved(projects):
    entries = (
        MoneyEntry.objects.at(projects.clock)
        .filter(project=OuterRef("pk"), kind=MoneyEntry.Kind.APPROVED, in_kind=False)
        .order_by()
        .values("project")
        .annotate(total=Sum("usd"))
        .values("total")
    )
    return Coalesce(
        Subquery(entries, output_field=MoneyField()),
        Value(Decimal(-1), output_field=MoneyField()),
        output_field=MoneyField(),
    )
