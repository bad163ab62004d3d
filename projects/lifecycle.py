"""The life of a project in one table: the states, and which may follow which.

It drives buttons, the API, the printed permissions and the tests. A planned date that
passes moves nothing.
"""

from dataclasses import dataclass

from .models import Status


@dataclass(frozen=True)
class Move:
    """One allowed step. `decided` moves name a meeting or a circulation."""

    source: str
    target: str
    label: str
    decided: bool = False
    needs_reason: bool = False
    needs_successor: bool = False


LIVE = (
    Status.CONCEPT,
    Status.APPRAISAL,
    Status.APPROVED,
    Status.ONGOING,
    Status.ON_HOLD,
)
MOVES = (
    Move("", Status.CONCEPT, "Record a concept"),
    Move("", Status.APPRAISAL, "Record a proposal under appraisal"),
    Move("", Status.APPROVED, "Record as first documented: approved"),
    Move("", Status.ONGOING, "Record as first documented: ongoing"),
    Move(Status.CONCEPT, Status.APPRAISAL, "Start appraisal"),
    Move(Status.APPRAISAL, Status.CONCEPT, "Return to concept", needs_reason=True),
    Move(Status.APPRAISAL, Status.APPROVED, "Approve", decided=True),
    Move(Status.APPROVED, Status.ONGOING, "Start"),
    Move(Status.ONGOING, Status.ON_HOLD, "Put on hold", needs_reason=True),
    Move(Status.ON_HOLD, Status.ONGOING, "Resume"),
    Move(Status.ONGOING, Status.COMPLETED, "Complete"),
    *(Move(source, Status.CANCELLED, "Cancel", needs_reason=True) for source in LIVE),
    *(
        Move(
            source,
            Status.CARRIED_OVER,
            "Carry over",
            decided=True,
            needs_reason=True,
            needs_successor=True,
        )
        for source in LIVE
    ),
)


def moves_from(status):
    """The moves that a status allows, in the order of the table."""
    return [move for move in MOVES if move.source == status]


def move_between(source, target):
    """The move from one status to another, or None where the table has none."""
    for move in MOVES:
        if (move.source, move.target) == (source, target):
            return move
    return None
