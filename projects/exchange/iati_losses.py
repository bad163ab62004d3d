"""What of a project IATI 2.03 cannot hold, or we do not know, in plain words.

Losses are found while an activity is built (iati.py), so that the two cannot differ.
"""

from dataclasses import dataclass
from typing import NamedTuple

from django.urls import reverse


class Kind(NamedTuple):
    """A kind of loss: its name to people, and where the field stands.

    `section` is an anchor of the project's page, `field` one of its edit page; without
    a field it is recorded on the project's page.
    """

    label: str
    section: str
    field: str = ""


KINDS = {
    "title": Kind("No title", "the-project", "id_title"),
    "language": Kind("Language of a title", "the-project", "id_titles"),
    "description": Kind("No description", "the-project", "id_description"),
    "status": Kind("Status", "facts"),
    "start": Kind("Start not known", "the-project", "id_planned_start"),
    "dates": Kind("Dates coarser than a day", "the-project", "dates"),
    "participants": Kind("No organisation", "funders", "people"),
    "proponent": Kind("Proponents", "the-project", "people"),
    "fund": Kind("Funds", "funders", "funding"),
    "beneficiaries": Kind("Nobody benefits on record", "benefits", "beneficiaries"),
    "shares": Kind("Shares of who benefits", "benefits", "beneficiaries"),
    "sector": Kind("Strategic area", "the-project", "place"),
    "budget": Kind("No approved budget", "money"),
    "period": Kind("Period of the budget", "the-project", "dates"),
    "amount": Kind("Amounts not known", "ledger"),
    "in_kind": Kind("Contributions in kind", "ledger"),
    "counterpart": Kind("Counterparts", "ledger"),
    "succession": Kind("Succession", "the-project"),
}


@dataclass(frozen=True)
class Loss:
    """One loss of one project; `kind` is a key of KINDS."""

    code: str
    kind: str
    says: str

    @property
    def label(self):
        return KINDS[self.kind].label

    def address(self, clock, may_edit=False):
        """Where the field stands: for editors where it is changed, today."""
        kind = KINDS[self.kind]
        if may_edit and clock.is_now and kind.field:
            return f"{reverse('projects:edit', args=[self.code])}#{kind.field}"
        query = f"?{clock.query}" if clock.query else ""
        return f"{reverse('projects:detail', args=[self.code])}{query}#{kind.section}"

    def row(self, clock, may_edit=False):
        return {
            "kind": self.kind,
            "says": self.says,
            "address": self.address(clock, may_edit),
        }


def count_by_kind(losses):
    """[(kind, its label, of how many projects)] in the order of KINDS; none of none."""
    projects: dict[str, set] = {kind: set() for kind in KINDS}
    for loss in losses:
        projects[loss.kind].add(loss.code)
    return [
        (kind, KINDS[kind].label, len(codes))
        for kind, codes in projects.items()
        if codes
    ]
