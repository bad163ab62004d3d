"""Paging by an opaque cursor: no row is repeated or skipped while others change.

A cursor holds the last row's sort value and code. It names the order it was made for
and is refused by another.
"""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import BigIntegerField, Expression, F, Q

from .facts import check_range
from .fields import MoneyField
from .problems import NUL, BadQuery, FieldError

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
PARAMETERS = ("limit", "cursor", "count")


@dataclass(frozen=True)
class Order:
    """A way to sort rows: `expression` is never null; `read` undoes JSON."""

    name: str
    expression: Any
    read: Callable = str

    def aliased(self, rows):
        return rows.alias(sort_value=self.expression)

    def sorted(self, rows, descending):
        """The rows in this order, ties by code."""
        sign = "-" if descending else ""
        return self.aliased(rows).order_by(f"{sign}sort_value", f"{sign}code")


def read_date(text):
    return dt.date.fromisoformat(text)


def read_moment(text):
    moment = dt.datetime.fromisoformat(text)
    check_range(moment)
    return moment


def read_dollars(text):
    try:
        return MoneyField().to_python(text)
    except ValidationError as error:
        raise ValueError(text) from error


class Keys(Expression):
    """The keys of some rows, for `…__in`, as one parameter: thousands cost no more."""

    output_field = BigIntegerField()

    def __init__(self, keys):
        super().__init__()
        self.keys = list(keys)

    def as_sql(self, compiler, connection):
        return "(SELECT unnest(%s::bigint[]))", (self.keys,)

    def as_sqlite(self, compiler, connection):
        return "(SELECT value FROM json_each(%s))", (json.dumps(self.keys),)


BY_CODE = Order("code", F("code"))


def read_limit(parameters):
    text = parameters.get("limit", "")
    if not text:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIMIT):
        message = f"“{text}” is not a number from 1 to {MAX_LIMIT}."
        raise BadQuery([FieldError("limit", message)])
    return int(text)


def wants_count(parameters):
    text = parameters.get("count", "")
    if text not in {"", "0", "1"}:
        raise BadQuery([FieldError("count", f"“{text}” is neither 0 nor 1.")])
    return text == "1"


def write_cursor(order, value, code):
    if isinstance(value, (dt.date, dt.datetime)):
        value = value.isoformat()
    elif isinstance(value, Decimal):
        value = str(value)
    packed = json.dumps([order, value, code], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(text, order, read=str):
    """(value, code) of a cursor; raises BadQuery for one not made in this order."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        name, value, code = json.loads(base64.urlsafe_b64decode(padded))
        if name != order or not isinstance(code, str) or NUL in f"{value}{code}":
            raise ValueError(name)
        if value is None or isinstance(value, (dict, list)):
            raise ValueError(value)
        f"{value}{code}".encode()
        return read(value), code
    except (
        ValueError,
        TypeError,
        binascii.Error,
        OverflowError,
        RecursionError,
    ) as error:
        message = "This cursor was not made by this list in this order."
        raise BadQuery([FieldError("cursor", message)]) from error


def query_page(rows, order, descending, parameters):
    """(rows of the page, cursor of the next one or None) of a query set with a code."""
    limit = read_limit(parameters)
    name = f"-{order.name}" if descending else order.name
    rows = order.sorted(rows, descending)
    text = parameters.get("cursor", "")
    if text:
        value, code = read_cursor(text, name, order.read)
        way = "lt" if descending else "gt"
        rows = rows.filter(
            Q(**{f"sort_value__{way}e": value}),
            Q(**{f"sort_value__{way}": value}) | Q(**{f"code__{way}": code}),
        )
    found = list(
        rows.annotate(sorted_by=F("sort_value")).values("pk", "code", "sorted_by")[
            : limit + 1
        ]
    )
    following = None
    if len(found) > limit:
        found = found[:limit]
        following = write_cursor(name, found[-1]["sorted_by"], found[-1]["code"])
    return found, following


def list_page(rows, parameters, key):
    """(rows of the page, next cursor or None) of a short list of dictionaries."""
    limit = read_limit(parameters)
    rows = sorted(rows, key=key)
    text = parameters.get("cursor", "")
    if text:
        _, code = read_cursor(text, "")
        rows = [row for row in rows if key(row) > code]
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], write_cursor("", "", key(rows[limit - 1]))
