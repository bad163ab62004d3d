"""One comparison, as pages and API tell it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aseanpm.facts import Precision, shown_date
from projects import progress

from .judgement import printed_words, words
from .records import Computed

VERDICTS = {
    "agrees": "Agrees",
    "generated": "Generated to meet it",
    "differs": "Differs",
    "not_computable": "Not computable",
    "contradiction": "Print raises a question",
    "consistent": "Print agrees with itself",
}
BASES = {"records": "Print beside records", "print": "Print beside print"}
CHECKS = {
    "parts": "Parts and their total",
    "money_per_project": "Money for each added project",
    "lines_without_projects": "New lines without new projects",
    "one_percentage": "One percentage, two meanings",
    "approvals": "Approvals and the rise of the total",
    "percentage": "Percentage and its two numbers",
}


@dataclass(frozen=True)
class Row:
    """One comparison: what was printed, and against what.

    `against` comes from the records, or from other print. `difference` is against
    less printed.
    """

    code: str
    basis: str
    verdict: str
    reason: str
    metric: str
    printed: Decimal
    on: Any
    against: Decimal | None = None
    precision: str = Precision.DAY
    unit: str = ""
    plan: Any = None
    meeting: Any = None
    figure: Any = None
    computed: Computed = field(default_factory=Computed)
    check: str = ""
    sources: tuple = ()

    @property
    def difference(self):
        return None if self.against is None else Decimal(self.against) - self.printed

    @property
    def on_shown(self):
        return shown_date(self.on, self.precision)

    @property
    def scope(self):
        """The code of the plan, programme or partner; of a meeting's body otherwise."""
        if self.figure:
            return self.figure.scope_code
        return self.plan.code if self.plan else self.meeting.body.code

    @property
    def verdict_label(self):
        return VERDICTS[self.verdict]

    @property
    def metric_label(self):
        return label_of(self.metric, self.figure)

    @property
    def printed_words(self):
        if self.figure and not self.check:
            return printed_words(self.figure)
        return words(self.printed, self.unit)

    @property
    def against_words(self):
        return words(self.against, self.unit)

    @property
    def difference_words(self):
        if not self.difference:
            return "" if self.difference is None else "0"
        sign = "+" if self.difference > 0 else "−"
        return f"{sign}{words(abs(self.difference), self.unit)}"


def label_of(metric, figure=None):
    """A metric in words, with the funders or group that a figure of it is about."""
    label = metric.replace("_", " ").capitalize()
    if figure is None:
        return label
    about = [
        figure.combination.replace("+", " + "),
        progress.GROUPS.get(figure.group, figure.group),
        figure.funder.name if figure.funder else "",
    ]
    return ": ".join([label, *filter(None, about)])


def sources_of(row):
    return tuple(sorted(source.code for source in row.sources.all()))
