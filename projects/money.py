"""All arithmetic of money: dollars, sums with their coverage, ledgers, shares.

Sums are in US dollars, exact to the cent. Unknown is None and never 0: a project whose
entries are all unknown adds nothing and is told in the coverage. Kinds are never added
together; cash and what was valued in kind stand apart. Nothing is rounded here but the
dollars of one entry.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from django.db.models import Count, Sum

from aseanpm.fields import CENT

from .models import Funding, MoneyEntry


def usd_of(amount, currency, rate):
    """The dollars of an amount, half-even to cents; None where a part is unknown.

    A dollar is a dollar without a rate.
    """
    rate = rate_of(currency, rate)
    if amount is None or rate is None:
        return None
    return (amount * rate).quantize(CENT, ROUND_HALF_EVEN)


def rate_of(currency, rate):
    """The rate as given; 1 for dollars without one."""
    return Decimal(1) if rate is None and currency == "USD" else rate


@dataclass(frozen=True)
class Amount:
    """What is known of one project's money of one kind, by all its entries.

    `usd` is None where nothing is known. `entries` of which `known` have dollars.
    """

    usd: Decimal | None
    in_kind_usd: Decimal | None
    known: int
    entries: int

    @property
    def is_complete(self):
        return self.entries > 0 and self.known == self.entries

    @property
    def is_unknown(self):
        return self.known == 0

    def with_entries(self, in_kind, usd, known, entries):
        """This amount, and the entries of the other half: in kind, or in cash."""
        return Amount(
            usd=self.usd if in_kind else usd,
            in_kind_usd=usd if in_kind else self.in_kind_usd,
            known=self.known + known,
            entries=self.entries + entries,
        )


UNKNOWN = Amount(usd=None, in_kind_usd=None, known=0, entries=0)


@dataclass(frozen=True)
class Total:
    """A sum over projects, with its coverage: complete + partial + none = projects."""

    usd: Decimal | None
    in_kind_usd: Decimal | None
    complete: int
    partial: int
    none: int

    @property
    def projects(self):
        return self.complete + self.partial + self.none

    @property
    def covered(self):
        """How many projects the sum was made from, wholly or in part."""
        return self.complete + self.partial


def total_of(amounts):
    """The Total of one Amount a project."""
    amounts = list(amounts)
    return Total(
        usd=sum_known(amount.usd for amount in amounts),
        in_kind_usd=sum_known(amount.in_kind_usd for amount in amounts),
        complete=sum(amount.is_complete for amount in amounts),
        partial=sum(
            not amount.is_complete and not amount.is_unknown for amount in amounts
        ),
        none=sum(amount.is_unknown for amount in amounts),
    )


def sum_known(amounts):
    """The sum of what is known; None where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def amounts_by_project(projects, kind, user=None, partner=None):
    """{key of a project: Amount} on the projects' clock, in one query.

    Projects without an entry are left out: their amount is UNKNOWN. With `partner`,
    only what that funder gives. A beneficiary's counterpart is no funder's money.
    """
    entries = (
        MoneyEntry.objects.at(projects.clock)
        .filter(kind=kind, is_counterpart=False, project__in=projects.values("pk"))
        .as_seen_by(user)
    )
    if partner is not None:
        entries = entries.filter(partner=partner)
    rows = (
        entries.values("project", "in_kind")
        .order_by()
        .annotate(usd=Sum("seen_usd"), known=Count("seen_usd"), entries=Count("*"))
        .values_list("project", "in_kind", "usd", "known", "entries")
    )
    found = defaultdict(lambda: UNKNOWN)
    for project, *entry in rows:
        found[project] = found[project].with_entries(*entry)
    return dict(found)


def total(projects, kind=MoneyEntry.Kind.APPROVED, user=None, partner=None):
    """The Total of a kind of money over a set of projects, in two queries."""
    projects = projects.once_each()
    amounts = amounts_by_project(projects, kind, user, partner)
    return total_of(
        amounts.get(project, UNKNOWN)
        for project in projects.order_by().values_list("pk", flat=True)
    )


def totals_by_partner(projects, kind, user=None):
    """{code: Total} of what each funder gives to the projects it funds, in two queries.

    Entries of a partner that has not joined a project add nothing.
    """
    ours = {"project__in": projects.order_by().values("pk")}
    funded = defaultdict(list)
    pairs = Funding.objects.filter(**ours).net(projects.clock)
    for project, code in pairs.values_list("project", "partner__code"):
        funded[code].append(project)
    rows = (
        MoneyEntry.objects.at(projects.clock)
        .filter(kind=kind, is_counterpart=False, **ours)
        .as_seen_by(user)
        .values("partner__code", "project", "in_kind")
        .order_by()
        .annotate(usd=Sum("seen_usd"), known=Count("seen_usd"), entries=Count("*"))
        .values_list("partner__code", "project", "in_kind", "usd", "known", "entries")
    )
    amounts = defaultdict(lambda: UNKNOWN)
    for code, project, *entry in rows:
        amounts[code, project] = amounts[code, project].with_entries(*entry)
    return {
        code: total_of(amounts[code, project] for project in members)
        for code, members in funded.items()
    }


def budget_against_contributions(approved, contributed):
    """How contributions stand to the approved budget (two Amounts), in one word.

    Equal, below, above; unknown unless every entry of both is known. In-kind counts
    among contributions here, as it covers the budget too.
    """
    if not (approved.is_complete and contributed.is_complete):
        return "unknown"
    given = sum_known([contributed.usd, contributed.in_kind_usd])
    asked = sum_known([approved.usd, approved.in_kind_usd])
    if given == asked:
        return "equal"
    return "below" if given < asked else "above"


def nets(entries):
    """The net of each (kind, funder, currency, in kind) of one project's ledger.

    {key: amount}; an unknown entry leaves the net of what is known.
    """
    found = defaultdict(Decimal)
    for entry in entries:
        if entry.amount is not None:
            key = (entry.kind, entry.partner_id, entry.currency, entry.in_kind)
            found[key] += entry.amount
    return dict(found)


def share_of(usd, share):
    """`share` per cent of dollars, down to the cent so that shares never exceed it."""
    if usd is None or share is None:
        return None
    return (usd * share / 100).quantize(CENT, ROUND_DOWN)
