"""The life of a project in one table: the states, and which may follow which.

It drives buttons, the API, the printed permissions and the tests. A planned date that
passes moves nothing.
"""

from dataclasses import dataclass

from aseanpm.permissions import ROW, can

from .models import ApprovalStep, Status

PERMISSION = "projects"
TASK_FORCE = "IAI-TF"
# Programmes and the bodies that decide on their projects, also by circulation. Of
# another programme it is the body whose meeting decided on a project of it last.
DECIDED_BY = {"IAI": TASK_FORCE, "MPAC": "ACCC"}


@dataclass(frozen=True)
class Move:
    """One allowed step. `decided` moves name a meeting or a circulation.

    Who may make it stands in the table of permissions: what is decided is approved
    there, the rest edited.
    """

    source: str
    target: str
    label: str
    decided: bool = False
    needs_reason: bool = False
    needs_successor: bool = False

    @property
    def action(self):
        return "approve" if self.decided else "edit"

    @property
    def who(self):
        return ROW[PERMISSION].who(self.action)

    @property
    def source_label(self):
        return label_of(self.source)

    @property
    def target_label(self):
        return label_of(self.target)

    @property
    def needs(self):
        """What the move asks for besides its date, in words."""
        asks = {
            "a meeting or a circulation": self.decided,
            "a reason": self.needs_reason,
            "a successor": self.needs_successor,
        }
        return ", ".join(words for words, asked in asks.items() if asked)


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


def refusal(source, target):
    """Why a status cannot follow another, and which can, in two sentences."""
    former = label_of(source) if source else "no status"
    can_follow = ", ".join(move.target_label for move in moves_from(source))
    follows = (
        f"What can: {can_follow}." if can_follow else "Nothing can: it is the end."
    )
    return f"“{label_of(target)}” cannot follow “{former}”. {follows}"


def programme_of(project):
    """The code of the programme that a project is placed in now, or ''."""
    programmes = project.placements.known().values_list("plan__programme__code")
    return next((code for (code,) in programmes), "")


def decides_for(body):
    """The programme on whose projects a body (its code) decides, or ''."""
    return next((one for one, code in DECIDED_BY.items() if code == body), "")


def step_of(body):
    """Which step towards approval the decision of a body (its code) is."""
    steps = ApprovalStep.Step
    return steps.TASK_FORCE if body == TASK_FORCE else steps.SPONSORING_BODY


def label_of(status):
    return Status(status).label if status else "No status"


def moves_for(user, status):
    """The moves from a status that a user may make."""
    return [move for move in moves_from(status) if can(user, move.action, PERMISSION)]


def moves_from(status):
    """The moves that a status allows, in the order of the table."""
    return [move for move in MOVES if move.source == status]


def move_between(source, target):
    """The move from one status to another, or None where the table has none."""
    for move in MOVES:
        if (move.source, move.target) == (source, target):
            return move
    return None
