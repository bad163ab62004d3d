"""Words for templates: addresses that keep the clock, dates and dollars to read."""

import re
from decimal import Decimal
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.timezone import localtime

from aseanpm.facts import shown_date
from aseanpm.pages import address
from aseanpm.permissions import can

register = template.Library()


@register.simple_tag(takes_context=True)
def at(context, name, *arguments, **parameters):
    """The address of a page, at the clock of this page."""
    return address(name, *arguments, clock=context.get("clock"), **parameters)


@register.simple_tag(takes_context=True)
def may(context, action, resource):
    """Whether the reader may take an action, by the table of permissions."""
    return can(context["request"].user, action, resource)


@register.filter
def usd(amount):
    """Dollars to read: USD 4.87 million, USD 84,500; None is "not known"."""
    if amount is None:
        return "not known"
    if abs(amount) >= 1_000_000:
        millions = (Decimal(amount) / 1_000_000).quantize(Decimal("0.01"))
        return f"USD {millions:,} million"
    whole = Decimal(amount)
    return f"USD {whole:,.0f}" if whole == whole.to_integral() else f"USD {whole:,.2f}"


@register.filter
def exact(amount):
    """Dollars to the cent: 4,870,000.00; None is "not known"."""
    return "not known" if amount is None else f"{Decimal(amount):,.2f}"


@register.filter
def plain(number):
    """A number with the decimals that it needs: 0.0067."""
    return "" if number is None else f"{Decimal(number).normalize():f}"


@register.filter
def dated(day, precision="day"):
    """A date as exactly as it is known: 22 September 2022, September 2021, 2017."""
    if day is None:
        return "date not known"
    forms = {"day": "j F Y", "month": "F Y", "year": "Y"}
    return format_date(day, forms[precision])


@register.filter
def moment(when):
    """A moment in Jakarta, to the minute: 22 September 2022, 17:00."""
    return "" if when is None else format_date(localtime(when), "j F Y, H:i")


@register.filter
def iso(day, precision="day"):
    return shown_date(day, precision) or ""


@register.filter
def get(mapping, key):
    """The value of a key that is not known when the template is written."""
    return mapping.get(key)


@register.filter
def as_file(address, form):
    """The address of a list in the API, for the whole of it as a file."""
    return f"{address}{'&' if '?' in address else '?'}format={form}"


@register.filter
def turned(ordering, column):
    """The order that a click on a column's head asks for."""
    return f"-{column}" if ordering == column else column


@register.filter
def arrow(ordering, column):
    return {column: " ▴", f"-{column}": " ▾"}.get(ordering, "")


@register.filter
def words(name):
    """A name of the data in words: action_lines_implemented is three of them."""
    return str(name).replace("_", " ")


@register.filter
def history_address(row):
    """The page of a row's changes, by its code where it has one."""
    kind = row._meta.model_name
    if kind == "project":
        return reverse("project-history", args=[row.code])
    key = row.email if kind == "user" else getattr(row, "code", row.pk)
    return reverse("history-of", args=[kind, key])


@register.filter
def undo_of(tags):
    """{"what": Undo or Redo, "sequence": of which entry} that a message offers."""
    found = re.search(r"\b(undo|redo)-(\d+)", tags or "")
    return found and {"what": found[1].capitalize(), "sequence": found[2]}


@register.filter
def opens_of(tags):
    """The address that a message opens, or ''."""
    found = re.search(r"opens-(\S+)", tags or "")
    return found[1] if found else ""


@register.filter
def returning(url, place):
    """An address of a form that leads back to a place once it is saved."""
    page, mark, fragment = url.partition("#")
    joint = "&" if "?" in page else "?"
    return f"{page}{joint}{urlencode({'next': place})}{mark}{fragment}"
