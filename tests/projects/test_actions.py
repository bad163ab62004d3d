"""What a write refuses, in which words, and what it brings about."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from projects import actions, lifecycle
from projects.models import Benefit, Funding, MoneyEntry, Placement, StatusChange
from tests import make

pytestmark = pytest.mark.django_db

ON = make.day("2022-02-01")


def change(project, status, **fields):
    return StatusChange(project=project, status=status, effective_on=ON, **fields)


def money(project, amount, **fields):
    values = {"kind": "approved", "effective_on": ON} | fields
    return MoneyEntry(project=project, amount=amount, **values)


@pytest.mark.parametrize(
    ("start", "fact", "words"),
    [
        ("appraisal", {"status": "approved"}, "names the meeting or the circulation"),
        ("appraisal", {"status": "completed"}, "“Completed” cannot follow “Appraisal”"),
        ("approved", {"status": "on_hold", "note": "x"}, "cannot follow “Approved”"),
        ("ongoing", {"status": "on_hold"}, "“On hold” needs a reason"),
        ("ongoing", {"status": "cancelled"}, "“Cancelled” needs a reason"),
        (
            "appraisal",
            {"status": "carried_over", "by_circulation": True, "note": "x"},
            "carried over to its successor",
        ),
        ("completed", {"status": "ongoing"}, "cannot follow “Completed”"),
    ],
)
def test_a_move_that_the_table_does_not_allow_says_why(start, fact, words):
    project = make.project(status=start)
    before = project.status_changes.count()

    with pytest.raises(ValidationError, match=words):
        actions.record(fact=change(project, **fact))

    assert project.status_changes.count() == before


def test_every_state_is_reached_and_every_move_leads_somewhere():
    targets = {move.target for move in lifecycle.MOVES}

    assert targets == set(make.PATHS)
    assert lifecycle.moves_from("completed") == []


def test_approval_publishes_unless_it_is_withheld_with_a_reason():
    shown = make.project(status="appraisal", is_published=False)
    withheld = make.project(
        status="appraisal", is_published=False, withheld_reason="Not yet announced"
    )

    for project in (shown, withheld):
        actions.record(fact=change(project, "approved", by_circulation=True))
        project.refresh_from_db()

    assert (shown.is_published, withheld.is_published) == (True, False)


def test_direct_bilateral_support_is_placed_in_no_plan():
    project = make.project(plan=False, channel="bilateral")

    with pytest.raises(ValidationError, match="placed in no plan"):
        actions.record(fact=Placement(project=project, plan=make.plan()))


def test_a_line_of_another_plan_is_refused():
    project, line = make.project(plan=False), make.line(plan=make.plan("IAI-III"))

    with pytest.raises(ValidationError, match="belongs to another plan"):
        actions.record(fact=Placement(project=project, plan=make.plan(), line=line))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "committed"}, "Name the funder"),
        ({"partner": "JP"}, "names no funder"),
        ({"is_private": True}, "is public"),
        ({"currency": "EUR", "rate": Decimal("1.1")}, "its date and its source"),
    ],
)
def test_money_that_breaks_a_rule_says_which(fields, words):
    project = make.project()
    if "partner" in fields:
        fields = fields | {"partner": make.partner(fields["partner"])}

    with pytest.raises(ValidationError, match=words):
        actions.record(fact=money(project, Decimal(10), **fields))

    assert not project.money_entries.exists()


def test_an_amount_that_is_no_number_is_an_error_of_its_field():
    with pytest.raises(ValidationError) as error:
        actions.record(fact=money(make.project(), "ten"))

    assert "amount" in error.value.message_dict


def test_dollars_are_computed_once_at_the_rate_of_the_entry():
    project = make.project()
    rated = {"currency": "JPY", "rate_on": ON, "rate_source": "A bank"}

    entry = actions.record(
        fact=money(project, Decimal("100.50"), rate=Decimal("0.0067"), **rated)
    )
    unknown = actions.record(fact=money(project, Decimal(5), currency="EUR"))

    assert entry.usd == Decimal("0.67")
    assert unknown.usd is None


def test_a_reversal_uses_the_rate_of_what_it_reverses():
    project, rated = make.project(), {"rate_on": ON, "rate_source": "A bank"}
    first = actions.record(
        fact=money(project, Decimal(100), currency="EUR", rate=Decimal("1.1"), **rated)
    )

    reversal = actions.record(
        fact=money(project, Decimal(-100), currency="EUR", reverses=first)
    )

    assert (reversal.usd, reversal.rate_source) == (Decimal("-110.00"), "A bank")


def test_a_ledger_never_nets_below_zero():
    project = make.project(budget="100")

    with pytest.raises(ValidationError, match="net below zero"):
        actions.record(fact=money(project, Decimal("-100.01")))

    actions.record(fact=money(project, Decimal("-100")))


def test_a_funder_leaves_only_what_it_joined():
    project = make.project(funders=["SG"])
    leaves = {"project": project, "delta": -1, "effective_on": ON}

    with pytest.raises(ValidationError, match="leaves only what it joined"):
        actions.record(fact=Funding(partner=make.partner("JP"), **leaves))


def test_shares_stay_within_the_whole():
    project = make.project(countries=[("VN", 60)])
    more = {"project": project, "effective_on": ON, "share_basis": "stated"}

    with pytest.raises(ValidationError, match="exceed 100 per cent"):
        actions.record(
            fact=Benefit(country=make.country("LA"), share=Decimal(41), **more)
        )

    actions.record(fact=Benefit(country=make.country("LA"), share=Decimal(40), **more))


def test_a_plans_rule_is_corrected_as_any_fact():
    plan = make.plan()
    project = make.project(status="approved", plan=plan)

    actions.correct(
        fact=plan.rules.get(), reason="The secretariat said so", counts_from="ongoing"
    )

    assert [rule.counts_from for rule in plan.rules.known()] == ["ongoing"]
    assert not type(project).objects.counted().exists()
