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


def test_what_is_first_documented_as_ongoing_is_published_too():
    project = make.project(status=None, is_published=False)

    actions.record(fact=change(project, "ongoing"))

    project.refresh_from_db()
    assert project.is_published


def test_a_status_that_is_corrected_publishes_nothing():
    project = make.project(status="ongoing", is_published=False)
    fact = project.status_changes.known().get(status="ongoing")

    actions.correct(fact=fact, note="As the minutes say", reason="A word was missing")

    project.refresh_from_db()
    assert not project.is_published


def test_direct_bilateral_support_is_placed_in_no_plan():
    project = make.project(plan=False, channel="bilateral")

    with pytest.raises(ValidationError, match="placed in no plan"):
        actions.record(fact=Placement(project=project, plan=make.plan()))


def test_a_line_of_another_plan_is_refused():
    project, line = make.project(plan=False), make.line(plan=make.plan("IAI-III"))

    with pytest.raises(ValidationError, match="belongs to another plan"):
        actions.record(fact=Placement(project=project, plan=make.plan(), line=line))


EUROS = {"currency": "EUR", "rate_on": ON, "rate_source": "A bank"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "committed"}, "Name the funder"),
        ({"partner": "JP"}, "names no funder"),
        ({"is_private": True}, "is public"),
        ({"currency": "EUR", "rate": Decimal("1.1")}, "its date and its source"),
        ({"effective_on": make.day("1967-08-07")}, "ASEAN was founded"),
        (EUROS | {"rate": Decimal("12345678.12345678")}, "at most 15 digits"),
        (EUROS | {"rate": Decimal("9999999999.99999999")}, "at most 15 digits"),
    ],
)
def test_money_that_breaks_a_rule_says_which(fields, words):
    project = make.project()
    if "partner" in fields:
        fields = fields | {"partner": make.partner(fields["partner"])}

    with pytest.raises(ValidationError, match=words):
        actions.record(fact=money(project, Decimal(10), **fields))

    assert not project.money_entries.exists()


def test_more_than_a_trillion_dollars_is_a_slip():
    fact = money(make.project(), Decimal(2_000_000_000), rate=Decimal(1000), **EUROS)

    with pytest.raises(ValidationError, match="more than a trillion dollars"):
        actions.record(fact=fact)


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


def test_nets_are_of_each_funder_and_hold_on_every_day():
    project = make.project()
    gives = {"kind": "committed"}
    japan, korea = make.partner("JP"), make.partner("KR")
    actions.record(fact=money(project, Decimal(10), partner=japan, **gives))

    with pytest.raises(ValidationError, match="net below zero"):
        actions.record(fact=money(project, Decimal(-1), partner=korea, **gives))
    earlier = gives | {"effective_on": make.day("2022-01-31")}
    with pytest.raises(ValidationError, match="net below zero"):
        actions.record(fact=money(project, Decimal(-1), partner=japan, **earlier))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"rate": Decimal(2)}, "rate of a dollar is 1"),
        ({"currency": "eur"}, "code such as EUR"),
        ({"amount": Decimal("1e20")}, "too large"),
        ({"amount": Decimal("0.001")}, "two decimals"),
    ],
)
def test_an_entry_that_cannot_be_is_refused_in_words(fields, words):
    entry = money(make.project(), Decimal(10))
    for name, value in fields.items():
        setattr(entry, name, value)

    with pytest.raises(ValidationError, match=words):
        actions.record(fact=entry)


def test_an_entry_of_another_project_is_not_reversed():
    first = actions.record(fact=money(make.project(), Decimal(10)))

    with pytest.raises(ValidationError, match="another project"):
        actions.record(fact=money(make.project(), Decimal(1), reverses=first))


def test_a_fact_that_names_what_went_meanwhile_is_refused_in_words():
    project, meeting = make.project(status="appraisal"), make.meeting(on="2022-02-01")
    approval = change(project, "approved", meeting=meeting)
    type(meeting).objects.all().delete()

    with pytest.raises(ValidationError) as error:
        actions.record(fact=approval)

    assert "meeting" in error.value.message_dict


def test_an_entry_is_reversed_once():
    project = make.project(budget="500")
    first = actions.record(fact=money(project, Decimal(100)))
    taken_back = {"reverses": first, "effective_on": make.day("2022-03-01")}
    actions.record(fact=money(project, Decimal(-100), **taken_back))

    with pytest.raises(ValidationError, match="is reversed once"):
        actions.record(fact=money(project, Decimal(-100), **taken_back))


def test_a_fund_counts_as_its_owner_alone():
    project, jaif = make.project(), make.fund("JAIF", owner="JP")
    joins = {"project": project, "fund": jaif, "effective_on": ON}

    with pytest.raises(ValidationError, match="does not count as"):
        actions.record(fact=Funding(partner=make.partner("SG"), **joins))

    actions.record(fact=Funding(partner=make.partner("JP"), **joins))


def test_a_funder_joins_once():
    project = make.project(funders=["SG"])

    with pytest.raises(ValidationError, match="has joined already"):
        actions.record(
            fact=Funding(project=project, partner=make.partner("SG"), effective_on=ON)
        )


@pytest.mark.parametrize(
    ("precision", "day", "accepted"),
    [
        ("day", "2021-09-30", True),
        ("day", "2021-09-29", False),
        ("month", "2021-09-01", True),
        ("month", "2021-08-31", False),
        ("year", "2021-01-01", True),
    ],
)
def test_a_decision_is_dated_within_its_meeting(precision, day, accepted):
    held = make.meeting("IAI-TF-65", on="2021-09-30", precision=precision)

    assert held.may_have_decided_on(make.day(day)) is accepted


def test_a_decision_outside_its_meeting_is_refused():
    held = make.meeting("IAI-TF-68", on="2022-09-22")

    with pytest.raises(ValidationError, match="was not held on that day"):
        actions.record(
            fact=change(make.project(status="appraisal"), "approved", meeting=held)
        )


def test_moving_a_fact_to_another_project_leaves_no_gap_behind():
    project, other = make.project(status="ongoing"), make.project(status=None)
    approval = project.status_changes.get(status="approved")

    with pytest.raises(ValidationError, match="cannot follow"):
        actions.correct(fact=approval, reason="Wrong project", project=other)
