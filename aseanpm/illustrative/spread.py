"""Variety without chance: the same data on every machine and in every version."""

import calendar
import datetime as dt
from zlib import crc32

from django.utils import timezone

CYCLE = dt.timedelta(days=1)


def dice(sides, *key):
    """A number from 0 to `sides` - 1 that always falls the same way for a key."""
    text = "/".join(map(str, key))
    return (crc32(text.encode()) * 2654435761 % 2**32) * sides >> 32


def spread(total, number, *key):
    """`number` unequal amounts, in tens of dollars, that add up to `total`."""
    weights = [60 + dice(80, *key, position) for position in range(number)]
    amounts = [total * weight // sum(weights) // 10 * 10 for weight in weights]
    amounts[amounts.index(max(amounts))] += total - sum(amounts)
    return amounts


def evenly(places, among):
    """`places` positions spread over a row of `among`."""
    return [place * among // places for place in range(places)]


def workday(on):
    """A day, or the Friday before it at a weekend."""
    return on - CYCLE * max(on.weekday() - 4, 0)


def days_after(on, days):
    return workday(on + CYCLE * days)


def months_after(on, months):
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return workday(dt.date(year, month + 1, min(on.day, last)))


def end_of_month(on):
    return on.replace(day=calendar.monthrange(on.year, on.month)[1])


def moment(on, hour, number):
    """When the entry `number` of a day was written down, in Jakarta."""
    start = dt.datetime.combine(on, dt.time(hour))
    return timezone.make_aware(start + dt.timedelta(seconds=7 * number))
