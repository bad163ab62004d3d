"""What waits for somebody: one sentence, what it distorts, where it is answered.

The apps raise questions, the queue shows them. A question changes nothing.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A door to the field that answers a question; `returns`: one that leads back."""

    label: str
    url: str
    returns: bool = True


@dataclass(frozen=True)
class Beside:
    """The other of two that look like one."""

    code: str
    title: str
    language: str
    page: str


@dataclass(frozen=True)
class Question:
    """One thing that waits. `code`, `title` and `page` are of what it is about.

    `figures` names what it distorts, `usd` the dollars and `count` the records that it
    touches as far as they are known. `of` is the key of who answers for it.
    """

    kind: str
    text: str
    answers: tuple[Answer, ...] = ()
    code: str = ""
    title: str = ""
    language: str = "en"
    page: str = ""
    plan: str | None = None
    of: int | None = None
    figures: tuple[str, ...] = ()
    usd: Decimal | None = None
    count: int = 1
    since: Any = None
    beside: Beside | None = None

    @property
    def weight(self):
        """What it distorts, to be sorted by: figures first, then dollars, then rows."""
        return len(self.figures), self.usd or Decimal(0), self.count

    @property
    def distorts(self):
        """The names of the figures in words; '' where it distorts none."""
        *names, last = self.figures or ("",)
        return f"{', '.join(names)} and {last}" if names else last


def heaviest_first(questions):
    """By what they distort, then the oldest, then by code."""
    return sorted(
        questions,
        key=lambda one: (
            *(-part for part in one.weight),
            str(one.since or "9999"),
            one.code,
        ),
    )


def pairs_alike(groups, distinct):
    """Pairs of those that share a key, a few for each key, however many share it.

    `groups` holds lists of alike things in order, `distinct` the sets of two that are
    known to differ. Each is paired with the next that it was not told apart from.
    """
    found = {}
    for members in groups:
        for place, first in enumerate(members):
            for second in members[place + 1 :]:
                if frozenset((first, second)) not in distinct:
                    found.setdefault((first, second))
                    break
    return list(found)
