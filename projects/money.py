"""All arithmetic of money: dollars, sums with their coverage, ledgers, shares.

Sums are in US dollars, exact to the cent. Unknown is None and never 0: a project whose
entries are all unknown adds nothing and is told in the coverage. Kinds are never added
together; cash and what was valued in kind stand apart. Nothing is rounded here but the
dollars of one entry.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from itertools import chain
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Q, Sum

from aseanpm.fields import CENT

from .models import ExchangeRate, Funding, MoneyEntry

PAYMENTS = (MoneyEntry.Kind.DISBURSED, MoneyEntry.Kind.SPENT)
# ASCII digits alone; groups of three by commas or by spaces, the same throughout.
NUMBER = re.compile(
    r"(?:\d{1,12}|\d{1,3}([, \u00a0\u202f])\d{3}(?:\1\d{3}){0,2})(?:\.(\d+))?",
    re.ASCII,
)


def number_of(text, decimals=2):
    """The Decimal that a person or a file wrote: 1250, 1,250.50, 1 250.50.

    Raises ValidationError for all else: other digits, exponents, groups that are not
    of three, more decimals than asked for.
    """
    found = NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValidationError(f"“{text}” is no number. Write it as 1,250.50.")
    if len(found[2] or "") > decimals:
        message = f"“{text}” has more than {decimals} decimals."
        raise ValidationError(message)
    return Decimal(re.sub(r"[^\d.]", "", found[0], flags=re.ASCII))


def latest_rate(currency, on):
    """The rate on record for a currency on a day, or the last before it; or None."""
    rates = ExchangeRate.objects.filter(currency=currency, on__lte=on)
    return rates.order_by("-on").first()


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


def dollars(cents):
    """An exact amount of dollars; None for what is not known."""
    return None if cents is None else Decimal(cents).scaleb(-2)


class Amount(NamedTuple):
    """What is known of one project's money of one kind, by all its entries.

    Kept in cents, of which there are many to add. `usd` is None where nothing is
    known. `entries` of which `known` have dollars; what was taken back is neither.
    """

    cents: int | None
    in_kind_cents: int | None
    known: int
    entries: int

    @property
    def usd(self):
        return dollars(self.cents)

    @property
    def in_kind_usd(self):
        return dollars(self.in_kind_cents)

    @property
    def is_known(self):
        """Whether any of it is; where all was taken back, known is 0."""
        return self.cents is not None or self.in_kind_cents is not None

    @property
    def is_complete(self):
        return self.is_known and self.known == self.entries


UNKNOWN = Amount(cents=None, in_kind_cents=None, known=0, entries=0)


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
    sums: list[int | None] = [None, None]
    complete = partial = none = 0
    for amount in amounts:
        if not amount.is_known:
            none += 1
        elif amount.is_complete:
            complete += 1
        else:
            partial += 1
        if amount.cents is not None:
            sums[0] = (sums[0] or 0) + amount.cents
        if amount.in_kind_cents is not None:
            sums[1] = (sums[1] or 0) + amount.in_kind_cents
    return Total(dollars(sums[0]), dollars(sums[1]), complete, partial, none)


def together(totals):
    """The Total of sets of projects that have none in common."""
    totals = list(totals)
    return Total(
        usd=sum_known(total.usd for total in totals),
        in_kind_usd=sum_known(total.in_kind_usd for total in totals),
        complete=sum(total.complete for total in totals),
        partial=sum(total.partial for total in totals),
        none=sum(total.none for total in totals),
    )


def sum_known(amounts):
    """The sum of what is known; None where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def entries_of(projects, kind, user=None, partner=None):
    """(the ledger of a kind for a set of projects, the column of dollars as seen).

    On the projects' clock. With `partner`, only what that funder gives. A beneficiary's
    counterpart is no funder's money. An approved budget that stands is public.
    """
    entries = MoneyEntry.objects.at(projects.clock).filter(
        kind=kind, is_counterpart=False, project__in=projects.order_by().values("pk")
    )
    if partner is not None:
        entries = entries.filter(partner=partner)
    if kind == MoneyEntry.Kind.APPROVED and projects.clock.known_at is None:
        return entries, "usd"
    return entries.as_seen_by(user), "seen_usd"


def amounts_by_project(projects, kind, user=None, partner=None):
    """{key of a project: Amount} on the projects' clock, in one query.

    Projects without an entry are left out: their amount is UNKNOWN.
    """
    entries, column = entries_of(projects, kind, user, partner)
    return amounts(entries, column, "project")


def amounts_by_funder(projects, kind, user=None):
    """{(key of a project, key of a partner): Amount}, as amounts_by_project."""
    entries, column = entries_of(projects, kind, user)
    return amounts(entries, column, "project", "partner")


class AsStored(ExpressionWrapper):
    """A column as the database keeps it: cents, where it is of money."""

    def __init__(self, expression):
        super().__init__(expression, output_field=BigIntegerField())

    def get_db_converters(self, connection):
        return []


def amounts(entries, column, *by):
    """{what `by` tells of an entry: Amount of such entries}, in one query.

    Added up here and not by sums_of, whose rule of what is taken back a database reads
    longer than it takes to answer for a page. A reversal stands in the set of what it
    takes back, as it says the same but for the amount.
    """
    numbers = (AsStored(F(name)) for name in ("in_kind", "amount", column))
    rows = entries.order_by().values_list("pk", "reverses", *numbers, *by)
    one = len(by) == 1
    alone, beside, reversals = {}, defaultdict(list), []
    for row in rows:
        group = row[5] if one else row[5:]
        if alone.setdefault(group, row) is not row:
            beside[group].append(row)
        if row[1]:
            reversals.append(row)
    back = _taken_back_among(reversals, alone, beside) if reversals else ()
    return {
        group: _amount_of((row, *beside.get(group, ())), back)
        for group, row in alone.items()
    }


def _amount_of(rows, back):
    """The Amount of rows of `amounts`; those with a key in `back` are taken back."""
    cash = valued = None
    known = entries = 0
    for pk, _, in_kind, _, cents, *_ in rows:
        if pk not in back:
            entries += 1
            known += cents is not None
        if cents is None:
            continue
        if in_kind:
            valued = (valued or 0) + cents
        else:
            cash = (cash or 0) + cents
    if entries > known == 0:
        cash = valued = None
    return Amount(cash, valued, known, entries)


def _taken_back_among(reversals, alone, beside):
    """The keys of what taken_back finds in rows of `amounts`."""
    stated = {row[0]: row[3] for row in chain(alone.values(), *beside.values())}
    reversed_by_any = {row[1] for row in reversals}
    back = set()
    for pk, reverses, _, amount, *_ in reversals:
        if pk in reversed_by_any or reverses not in stated:
            continue
        if stated[reverses] == (None if amount is None else -amount):
            back |= {pk, reverses}
    return back


def sums_of(column, clock):
    """The sums in cents of what was in cash and of what was in kind, apart; of how many
    entries. What was taken back adds up to 0 and is not among those."""
    cents, standing = BigIntegerField(), ~taken_back(clock)
    return {
        "cash": Sum(column, filter=Q(in_kind=False), output_field=cents),
        "valued": Sum(column, filter=Q(in_kind=True), output_field=cents),
        "known": Count(column, filter=standing),
        "entries": Count("pk", filter=standing),
    }


def taken_back(clock):
    """Entries that a reversal takes back as a whole on a clock, and those reversals.

    A reversal that was itself reversed takes nothing back.
    """
    entries = MoneyEntry.objects.at(clock)
    reversing = entries.filter(reverses__gt=0)  # SQLite finds no "not null" by index
    reversed_by_any = reversing.values("reverses")
    on_record = entries.filter(pk__in=reversed_by_any)
    as_a_whole = Q(amount=-F("reverses__amount")) | Q(
        amount__isnull=True, reverses__amount__isnull=True
    )
    reversals = reversing.filter(
        as_a_whole, reverses__in=on_record.values("pk")
    ).exclude(pk__in=reversed_by_any)
    return Q(pk__in=reversals.values("pk")) | Q(pk__in=reversals.values("reverses"))


def whole(cents):
    """A sum as the database gives it, as whole cents."""
    return None if cents is None else int(cents)


def total(projects, kind=MoneyEntry.Kind.APPROVED, user=None, partner=None):
    """The Total of a kind of money over a set of projects, in two queries."""
    projects = projects.once_each()
    entries, column = entries_of(projects, kind, user, partner)
    is_known = Q(known__gt=0) | Q(entries=0)
    found = (
        entries.values("project")
        .order_by()
        .annotate(**sums_of(column, projects.clock), told=Count(column))
        .aggregate(
            usd=Sum("cash", filter=is_known),
            in_kind=Sum("valued", filter=is_known),
            complete=Count("project", filter=Q(told__gt=0, known=F("entries"))),
            partial=Count("project", filter=Q(known__gt=0, known__lt=F("entries"))),
        )
    )
    return Total(
        usd=dollars(whole(found["usd"])),
        in_kind_usd=dollars(whole(found["in_kind"])),
        complete=found["complete"],
        partial=found["partial"],
        none=projects.count() - found["complete"] - found["partial"],
    )


def totals_by_partner(projects, kind, user=None):
    """{code: Total} of what each funder gives to the projects it funds, in two queries.

    Entries of a partner that has not joined a project add nothing.
    """
    ours = {"project__in": projects.order_by().values("pk")}
    funded = defaultdict(list)
    pairs = Funding.objects.filter(**ours).net(projects.clock)
    for project, *partner in pairs.values_list("project", "partner", "partner__code"):
        funded[*partner].append(project)
    given = amounts_by_funder(projects, kind, user)
    return {
        code: total_of(given.get((project, key), UNKNOWN) for project in members)
        for (key, code), members in funded.items()
    }


def budget_against_contributions(approved, contributed):
    """How contributions stand to the approved budget (two Amounts), in one word.

    Equal, below, above; unknown unless every entry of both is known. In-kind counts
    among contributions here, as it covers the budget too.
    """
    gap = budget_gap(approved, contributed)
    if gap is None:
        return "unknown"
    if gap == 0:
        return "equal"
    return "below" if gap > 0 else "above"


def budget_gap(approved, contributed):
    """What the contributions lack of the approved budget; below zero: exceed it by.

    None unless every entry of both Amounts is known.
    """
    if not (approved.is_complete and contributed.is_complete):
        return None
    asked = sum_known([approved.usd, approved.in_kind_usd])
    return asked - sum_known([contributed.usd, contributed.in_kind_usd])


# A project's ledger


class Net(NamedTuple):
    """What entries are added up by: no kind, funder or currency is added to another."""

    kind: str
    partner: int | None
    in_kind: bool
    is_counterpart: bool
    currency: str


def net_of(entry):
    return Net(
        entry.kind,
        entry.partner_id,
        entry.in_kind,
        entry.is_counterpart,
        entry.currency,
    )


@dataclass(frozen=True)
class LedgerLine:
    """An entry, and what is known of its net so far; None where nothing is.

    `is_whole` unless the same funder has entries of that kind that are not known, in
    whatever currency: of a private amount that is private too. `is_reversed`: a further
    entry takes it back. `stands`: it is no reversal, and none in force takes it
    back.
    """

    entry: MoneyEntry
    net: Decimal | None
    is_whole: bool
    is_reversed: bool
    stands: bool


def ledger(entries, column="amount"):
    """The LedgerLines of entries in order; `column` holds the amount as seen."""
    entries = list(entries)
    reversed_keys = {entry.reverses_id for entry in entries} - {None}
    back = set()
    for entry in reversed(entries):  # a reversal follows what it takes back
        if entry.reverses_id and entry.pk not in back:
            back.add(entry.reverses_id)
    nets = defaultdict(Decimal)
    known, unknown = defaultdict(dict), defaultdict(dict)
    lines = []
    for entry in entries:
        net, amount = net_of(entry), getattr(entry, column)
        nets[net] += amount or 0
        standing = unknown[net[:-1]] if amount is None else known[net]
        takes_back = None if amount is None else -amount
        if standing.get(entry.reverses_id, entry) == takes_back:
            del standing[entry.reverses_id]
        else:
            standing[entry.pk] = amount
        is_whole = not unknown[net[:-1]]
        is_known = known[net] or (is_whole and amount is not None)
        is_reversed = entry.pk in reversed_keys
        stands = not entry.reverses_id and entry.pk not in back
        told = nets[net] if is_known else None
        lines.append(LedgerLine(entry, told, is_whole, is_reversed, stands))
    return lines


def standing(ledger):
    """The entries of a ledger that no reversal takes back, without the reversals."""
    return [line.entry for line in ledger if line.stands]


def revisions(ledger):
    """The keys of the entries that brought a total on record to another.

    Payments follow one another without revising any, and of an amount that is private
    nothing is told.
    """
    keys, nets, found = {entry.pk for entry in standing(ledger)}, set(), set()
    for line in ledger:
        entry, net = line.entry, net_of(line.entry)
        if entry.reverses_id or entry.is_hidden or entry.kind in PAYMENTS:
            continue
        if net in nets:
            found.add(entry.pk)
        if entry.pk in keys:
            nets.add(net)
    return found


def without_dollars(ledger):
    """{kind: amounts in words} of what funders gave in a currency without a rate."""
    given, unknown = defaultdict(lambda: defaultdict(list)), set()
    for entry in standing(ledger):
        if entry.is_counterpart or entry.seen_usd is not None:
            continue
        if entry.seen_amount is None:
            unknown.add(entry.kind)
        else:
            means = " in kind" if entry.in_kind else ""
            given[entry.kind][entry.currency, means].append(entry.seen_amount)
    return {
        kind: ", ".join(
            f"{currency} {sum_known(amounts):,.2f}{means}"
            for (currency, means), amounts in sorted(sums.items())
        )
        + (" and what is not known" if kind in unknown else "")
        for kind, sums in given.items()
    }


def net_beside(entry):
    """What all standing entries net to that are added up with this one; or None."""
    standing = MoneyEntry.objects.known().filter(
        project=entry.project_id, **net_of(entry)._asdict()
    )
    lines = ledger(standing.order_by("effective_on", "day_order"))
    return lines[-1].net if lines else None


def lowest_net(entries):
    """The lowest that any net of one project's ledger falls to, entry by entry.

    An unknown amount leaves the net of what is known.
    """
    nets = (line.net for line in ledger(entries))
    return min([Decimal(0), *(net for net in nets if net is not None)])


def share_of(usd, share):
    """`share` per cent of dollars, down to the cent so that shares never exceed it."""
    if usd is None or share is None:
        return None
    return (usd * share / 100).quantize(CENT, ROUND_DOWN)
