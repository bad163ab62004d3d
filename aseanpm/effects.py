"""Which figures a write would move, told before it is written.

The apps that show figures register how they tell them; whoever writes asks `moved_by`.
"""

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

TELLERS: list = []


@dataclass(frozen=True)
class Told:
    """A figure in words: `label` IAI-IV on 22 September 2022, `words` 50, `noun`."""

    label: str
    words: str
    noun: str = ""
    url: str = ""


NOWHERE = Told("", "not shown")
COUNTED = re.compile(r"\b(project|line|action|initiative|participant)s\b")


@dataclass(frozen=True)
class Moved:
    """A figure before and after a write; `published` ones stand in print."""

    told: Told
    before: str
    after: str
    published: bool = False

    def __str__(self):
        return f"{self.told.label}: {self.before} → {self.after} {self.noun}".strip()

    @property
    def noun(self):
        if self.after == NOWHERE.words:
            return ""
        return of_one(self.told.noun) if self.after == "1" else self.told.noun


def of_one(noun):
    """What is counted, of one: “projects completed” is “project completed”."""
    return COUNTED.sub(r"\1", noun, count=1)


def teller(function):
    """Register `function(user, since)`: {(published, key): Told} of figures on or after
    a day (None: of all days)."""
    TELLERS.append(function)
    return function


def told(user, since):
    figures = {}
    for tell in TELLERS:
        figures |= tell(user, since)
    return figures


def moved_by(write, user, since=None):
    """The figures that `write()` would move; it is tried and rolled back.

    `since` is the first day that it touches. Raises what `write` raises. Takes the
    time of counting the figures twice.
    """
    before = told(user, since)
    with transaction.atomic():
        write()
        after = told(user, since)
        transaction.set_rollback(True)
    return difference(before, after)


class FiguresChanged(Exception):
    """A write would move other figures than were shown; nothing is written."""


@contextmanager
def as_seen(seen, user, since=None):
    """A block of writes that moves just the figures whose digest was `seen`.

    Raises FiguresChanged. Takes the time of counting the figures twice.
    """
    before = told(user, since)
    yield
    if digest_of(difference(before, told(user, since))) != seen:
        raise FiguresChanged


def digest_of(moved):
    """What the hidden `seen` field holds of the figures that were shown to move."""
    return hashlib.sha256("\n".join(map(str, moved)).encode()).hexdigest()


def difference(before, after):
    return [
        Moved(
            told=after.get(key) or before[key],
            before=before.get(key, NOWHERE).words,
            after=after.get(key, NOWHERE).words,
            published=key[0],
        )
        for key in sorted({*before, *after}, key=lambda key: (not key[0], key))
        if before.get(key, NOWHERE).words != after.get(key, NOWHERE).words
    ]
