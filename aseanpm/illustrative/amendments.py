"""What came after: revisions, late funders, pledges, and mistakes that were put right.

Each lies between two days of printed figures and leaves those days as they were, so
that the two clocks have something to show.
"""

import datetime as dt
from decimal import Decimal

from partners.models import Fund, Partner
from projects.models import (
    ApprovalStep,
    Benefit,
    Change,
    Funding,
    MoneyEntry,
    Placement,
    Status,
    StatusChange,
)
from projects.money import usd_of

from .spread import moment

day = dt.date.fromisoformat

# Project, day of the revision, dollars, kinds of money, why
REVISIONS = (
    ("ILL-3-070", "2019-08-16", 60_000, ("approved", "committed"), "A year was added."),
    ("ILL-4-001", "2022-02-18", 6_000, ("approved",), "A second course was added."),
    (
        "ILL-4-088",
        "2025-01-17",
        -7_200,
        ("approved",),
        "Rooms were lent free of charge.",
    ),
)


def amend(builder, drafts):
    """Change drafts (by code) in place."""
    for code, on, usd, kinds, why in REVISIONS:
        revise(drafts[code], day(on), usd, kinds, why)
    reference = builder.reference
    correct_a_budget(drafts["ILL-3-043"])
    correct_the_shares(drafts["ILL-3-053"])
    correct_a_rate(drafts["ILL-4-020"])
    correct_the_funder(drafts["ILL-4-026"], reference)
    withdraw_a_completion(drafts["ILL-4-052"])
    correct_the_line(drafts["ILL-4-079"], builder)
    correct_the_day(drafts["ILL-4-085"])
    let_korea_join(drafts["ILL-4-101"], reference)
    hand_over(drafts["ILL-4-108"], reference)
    pledge(drafts["ILL-4-115"], reference, "JP", "2026-03-16", 450_000)
    pledge(drafts["ILL-4-117"], reference, "KR", "2026-05-11", None)


# Developments


def revise(draft, on, usd, kinds, why):
    """The sum of an entry and its revision is what the schedule says."""
    for kind in kinds:
        entry = draft.of(MoneyEntry, kind=kind, currency="USD")[0]
        entry.amount -= usd
        entry.usd = entry.amount
        draft.write_money(
            kind,
            moment(on, 16, draft.number),
            on,
            usd,
            partner=entry.partner,
            note=why,
        )


def let_korea_join(draft, reference):
    on = day("2026-02-16")
    at = moment(on, 16, draft.number)
    korea = reference(Partner, "KR")
    note = "Joined for a further round."
    fund = reference.find(Fund, "AKCF")
    draft.record(Funding, at, on, partner=korea, fund=fund, note=note)
    draft.write_money("committed", at, on, 35_000, partner=korea)


def hand_over(draft, reference):
    """One funder follows another, as they had planned."""
    joins, leaves = day("2025-11-17"), day("2026-04-20")
    australia, singapore = reference(Partner, "AU"), reference(Partner, "SG")
    at = moment(joins, 16, draft.number)
    note = "Handed over as planned: one funder for each round."
    fund = reference.find(Fund, "AUS4ASEAN")
    draft.record(Funding, at, joins, partner=australia, fund=fund, note=note)
    draft.write_money("committed", at, joins, 30_000, partner=australia)
    at = moment(leaves, 16, draft.number)
    joined = draft.of(Funding, partner=singapore)[0]
    draft.record(
        Funding,
        at,
        leaves,
        partner=singapore,
        fund=joined.fund,
        delta=Change.LEAVES,
        note=note,
    )


def pledge(draft, reference, code, on, usd):
    """A prospective funder: it has promised, and has not joined."""
    partner = reference(Partner, code)
    at = moment(day(on), 16, draft.number)
    draft.write_money("pledged", at, day(on), usd, partner=partner)


# Mistakes: what was on record until the day they were put right


def correct_a_budget(draft):
    budget = draft.of(MoneyEntry, kind="approved")[0]
    wrong = budget.amount * 10
    draft.mistake(
        budget,
        moment(day("2018-06-15"), 14, draft.number),
        "Typed with one zero too many.",
        amount=wrong,
        usd=wrong,
    )


def correct_the_shares(draft):
    first, second = draft.of(Benefit)
    until = moment(day("2018-06-29"), 14, draft.number)
    reason = "The two shares had been entered the wrong way round."
    share, other = first.share, second.share
    draft.mistake(first, until, reason, share=other)
    draft.mistake(second, until, reason, share=share)


def correct_a_rate(draft):
    entry = draft.of(MoneyEntry, kind="committed", currency="AUD")[0]
    wrong = Decimal("0.8513")
    draft.mistake(
        entry,
        moment(day("2021-07-12"), 14, draft.number),
        "The rate had a wrong first decimal.",
        rate=wrong,
        usd=usd_of(entry.amount, entry.currency, wrong),
    )


def correct_the_funder(draft, reference):
    until = moment(day("2022-01-10"), 14, draft.number)
    reason = "The letter of agreement names Japan, not Singapore."
    singapore = reference(Partner, "SG")
    funding = draft.of(Funding)[0]
    fund = reference.find(Fund, "SCP")
    draft.mistake(funding, until, reason, partner=singapore, fund=fund)
    commitment = draft.of(MoneyEntry, kind="committed")[0]
    draft.mistake(commitment, until, reason, partner=singapore)


def withdraw_a_completion(draft):
    on = day("2023-11-20")
    wrong = draft.record(
        StatusChange, moment(on, 10, draft.number), on, status=Status.COMPLETED
    )
    wrong.withdrawn_at = moment(day("2023-11-29"), 14, draft.number)
    wrong.withdrawal_reason = "The report was about another project; this one goes on."


def correct_the_line(draft, builder):
    placement = draft.of(Placement)[0]
    others = builder.headline["IAI-IV"][builder.begun["IAI-IV"] :]
    near = [line for line in others if line.area_id == placement.area_id]
    draft.mistake(
        placement,
        moment(day("2024-02-09"), 14, draft.number),
        "Entered under a neighbouring line; the proposal names this one.",
        line=(near or others)[0],
    )


def correct_the_day(draft):
    until = moment(day("2024-06-20"), 14, draft.number)
    reason = "That was the day the papers were sent out; the answers came later."
    wrong = day("2024-05-15")
    approval = draft.of(StatusChange, status=Status.APPROVED)[0]
    step = draft.of(ApprovalStep, step=ApprovalStep.Step.TASK_FORCE)[0]
    for fact in (approval, step):
        draft.mistake(fact, until, reason, effective_on=wrong)
