from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from aseanpm.facts import Clock, ledger_entry
from projects import actions, money, progress
from projects.audit import Facts, figures_check
from projects.models import Benefit, MoneyEntry, Project, StatusChange
from tests import make

pytestmark = pytest.mark.django_db


def of_plan(plan, day=None, known_at=None):
    return progress.plan_progress(plan, Project.objects.as_of(day, known_at))


def test_a_line_is_implemented_by_its_first_project_that_counts():
    plan = make.plan(declared=3)
    first, second = make.line(plan=plan), make.line(plan=plan)
    make.line(plan=plan)
    make.project(status="appraisal", line=first)
    make.project(status="cancelled", line=second)

    lines = of_plan(plan).lines
    assert (lines.implemented, lines.in_preparation, lines.not_started) == (0, 1, 2)

    make.project(status="approved", line=first)
    make.project(status="completed", line=first)

    lines = of_plan(plan).lines
    assert (lines.implemented, lines.in_preparation, lines.not_started) == (1, 0, 2)


def test_coverage_is_of_the_lines_declared_not_of_those_loaded():
    plan = make.plan(declared=24)
    for _ in range(12):
        make.project(line=make.line(plan=plan))

    lines = of_plan(plan).lines

    assert lines.sentence == "12/24 action lines implemented (50%)"
    assert (lines.not_started, lines.percent) == (12, Decimal("50.0"))


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [(19, 26, "73.1"), (22, 26, "84.6"), (23, 26, "88.5"), (17, 24, "70.8")],
)
def test_a_share_is_rounded_as_print_rounds_it(part, whole, percent):
    assert progress.percent_of(part, whole) == Decimal(percent)


def test_a_plan_of_which_nothing_is_on_record_is_not_known():
    plan = make.plan(declared=24)
    make.line(plan=plan)
    make.project(status=None, plan=plan)

    lines = of_plan(plan).lines

    assert (lines.implemented, lines.not_started, lines.percent) == (None, None, None)
    assert "not known" in lines.sentence


def test_a_share_of_an_unknown_total_is_unknown():
    plan = make.plan(declared=None)
    make.project(line=make.line(plan=plan))

    lines = of_plan(plan).lines

    assert lines.sentence == "1 action lines implemented, total not declared"
    assert lines.percent is None


def test_enabling_actions_stand_outside_and_are_unknown_where_none_is_on_record():
    plan = make.plan()
    make.project(line=make.line(plan=plan))
    assert of_plan(plan).enabling.implemented is None

    enabling = make.line(plan=plan, kind="enabling_action")
    make.project(line=enabling)

    told = of_plan(plan)
    assert (told.lines.implemented, told.enabling.implemented) == (1, 1)
    assert (told.counted, told.on_enabling_actions) == (2, 1)


def test_projects_without_a_line_count_in_the_plan_and_are_told_apart():
    plan = make.plan()
    make.project(plan=plan)
    make.project(line=make.line(plan=plan))

    told = of_plan(plan)

    assert (told.counted, told.line_not_recorded, told.lines.implemented) == (2, 1, 1)


def test_a_line_is_implemented_by_a_project_below_it():
    plan = make.plan("MPAC-2025", declared=15, headline_kind="initiative")
    initiative = make.line(plan=plan)
    measure = make.line(plan=plan, kind="measure", parent=initiative)
    make.project(line=measure)

    told = of_plan(plan)

    assert (told.lines.implemented, told.counted) == (1, 1)


def test_each_plan_counts_by_its_own_rule_and_shows_the_others():
    plan = make.plan("MPAC-2025", counts_from="ongoing", headline_kind="initiative")
    make.project(status="approved", line=make.line(plan=plan))
    make.project(status="ongoing", line=make.line(plan=plan))
    make.project(status="completed", line=make.line(plan=plan))

    told = of_plan(plan)

    assert told.lines.implemented == 2
    assert told.lines.under_rules == {"approved": 3, "ongoing": 2, "completed": 1}
    assert told.pipeline == 1
    assert Project.objects.counted().count() == 2


def test_implemented_tells_apart_where_all_projects_are_completed():
    plan = make.plan()
    done, begun = make.line(plan=plan), make.line(plan=plan)
    make.project(status="completed", line=done)
    make.project(status="completed", line=begun)
    make.project(status="ongoing", line=begun)

    assert of_plan(plan).lines.all_completed == 1


def test_cancelled_stops_counting_on_its_date_and_is_told():
    plan = make.plan()
    project = make.project(status="approved", on="2022-01-10", plan=plan)
    actions.record(
        fact=StatusChange(
            project=project,
            status="cancelled",
            effective_on=make.day("2022-06-15"),
            note="Withdrawn by its proponent",
        )
    )

    eve, day = of_plan(plan, make.day("2022-06-14")), of_plan(plan)

    assert (eve.counted, eve.cancelled_after_approval) == (1, 0)
    assert (day.counted, day.cancelled_after_approval) == (0, 1)


def test_on_hold_counts_as_ongoing():
    plan = make.plan()
    make.project(status="on_hold", line=make.line(plan=plan))

    assert of_plan(plan).lines.under_rules == {
        "approved": 1,
        "ongoing": 1,
        "completed": 0,
    }


def test_carried_over_stays_counted_where_it_was_approved():
    old, new = make.plan("IAI-III", declared=26), make.plan("IAI-IV")
    approved = make.project(status="approved", on="2021-01-10", plan=old)
    proposal = make.project(status="carried_over", on="2021-07-31", plan=old)
    make.project(status="approved", plan=new, predecessor=approved)
    make.project(status="appraisal", plan=new, predecessor=proposal)
    actions.record(
        fact=StatusChange(
            project=approved,
            status="carried_over",
            effective_on=make.day("2021-07-31"),
            by_circulation=True,
            note="Goes on under the next plan",
        )
    )

    iii = of_plan(old)

    assert (iii.counted, iii.pipeline, iii.carried_over) == (1, 0, 2)
    assert of_plan(new).counted == 1
    iai = make.programme("IAI")
    assert progress.programme_counted(Project.objects.as_of(), iai) == (1, 1)


def test_combinations_add_up_and_participations_overlap():
    plan = make.plan()
    for _ in range(3):
        make.project(plan=plan, funders=["SG"], budget="100.10")
    make.project(plan=plan, funders=["SG", "JP"], budget="50")
    make.project(plan=plan, funders=["JP"], budget=None)
    make.project(plan=plan)

    told = progress.funding_count(Project.objects.as_of().under(plan).counted())

    assert [(c.partners, c.projects, c.approved.usd) for c in told.combinations] == [
        (("SG",), 3, Decimal("300.30")),
        (("JP",), 1, None),
        (("JP", "SG"), 1, Decimal("50.00")),
        ((), 1, None),
    ]
    assert told.participations == {"SG": 4, "JP": 2}
    assert (told.overlaps, told.unattributed, told.projects) == (1, 1, 6)
    assert {name: share.projects for name, share in told.groups.items()} == {
        "any_outside_asean": 2,
        "asean_only": 3,
        "none_recorded": 1,
    }


@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from(["SG", "JP", "AU", "EU"])),
            st.none() | st.integers(0, 10**9),
        ),
        max_size=7,
    )
)
def test_the_three_ways_of_telling_who_funds_conserve_projects_and_money(rows):
    with transaction.atomic():
        plan = make.plan()
        for funders, cents in rows:
            budget = None if cents is None else Decimal(cents).scaleb(-2)
            make.project(plan=plan, funders=sorted(funders), budget=budget)
        counted = Project.objects.as_of().under(plan).counted()
        told = progress.funding_count(counted)
        total = money.total(counted)

        assert sum(each.projects for each in told.combinations) == len(rows)
        assert sum(each.projects for each in told.groups.values()) == len(rows)
        assert told.participation_total - told.overlaps + told.unattributed == len(rows)
        known = [Decimal(cents).scaleb(-2) for _, cents in rows if cents is not None]
        assert total.usd == (sum(known) if known else None)
        assert (total.complete, total.partial, total.none) == (
            len(known),
            0,
            len(rows) - len(known),
        )
        for shares in (told.combinations, told.groups.values()):
            parts = [each.approved.usd for each in shares]
            assert money.sum_known(parts) == total.usd
        transaction.set_rollback(True)


def test_figures_survive_other_joins():
    plan = make.plan()
    project = make.project(plan=plan, funders=["SG", "JP"], countries=["VN", "LA"])
    make.money(project, "10", kind="committed", partner="JP")
    make.money(project, "20", kind="committed", partner="SG")
    joined = Project.objects.as_of().filter(money_entries__usd__gt=0).distinct()

    told = progress.plan_progress(plan, joined)
    funding = progress.funding_count(joined.under(plan).counted())

    assert (told.counted, funding.projects, funding.overlaps) == (1, 1, 1)


def test_a_grouping_has_the_members_of_the_day():
    make.grouping("CLMV", ["VN", "LA"])
    make.grouping("CLMV+TL", ["TL"], since="2024-01-01")
    make.project(on="2022-01-10", groupings=["CLMV+TL"])
    timor = make.country("TL")

    assert Project.objects.as_of(make.day("2023-12-31")).for_country(timor).count() == 0
    assert Project.objects.as_of(make.day("2024-01-01")).for_country(timor).count() == 1


def test_four_bands_partition_a_countrys_projects():
    make.grouping("CLMV", ["VN", "LA"])
    make.project(countries=["VN"], budget="100")
    make.project(countries=[("VN", 25), ("LA", 75)], budget="80.01")
    make.project(countries=["VN", "LA"], budget="70")
    make.project(groupings=["CLMV"], budget="60")
    make.project(groupings=["CLMV"], countries=["VN"], budget=None)
    make.project(countries=["LA"], budget="50")
    projects = Project.objects.as_of().counted("approved")

    bands = progress.country_bands(projects, make.country("VN"))

    assert [(b.name, len(b.projects), b.approved.usd, b.attributed) for b in bands] == [
        ("only", 1, Decimal("100.00"), Decimal("100.00")),
        ("stated", 1, Decimal("80.01"), Decimal("20.00")),
        ("shared", 2, Decimal("70.00"), None),
        ("grouping", 1, Decimal("60.00"), None),
    ]


@given(
    st.lists(
        st.tuples(
            st.lists(
                st.tuples(
                    st.sampled_from(["VN", "LA", "KH", "MM"]),
                    st.none() | st.integers(1, 25),
                ),
                min_size=1,
                max_size=4,
                unique_by=lambda pair: pair[0],
            ),
            st.integers(0, 10**7),
        ),
        max_size=5,
    )
)
def test_money_attributed_to_countries_never_exceeds_the_total(rows):
    with transaction.atomic():
        for countries, cents in rows:
            make.project(countries=countries, budget=Decimal(cents).scaleb(-2))
        projects = Project.objects.as_of().counted("approved")
        attributed = Decimal(0)
        for code in ("VN", "LA", "KH", "MM"):
            country = make.country(code)
            bands = progress.country_bands(projects, country)
            assert sum(len(band.projects) for band in bands) == (
                projects.for_country(country).count()
            )
            attributed += sum(band.attributed or 0 for band in bands)

        assert attributed <= (money.total(projects).usd or 0)
        transaction.set_rollback(True)


def test_a_country_joins_later_as_a_development():
    project = make.project(on="2022-01-10", countries=["VN"])
    actions.record(
        fact=Benefit(
            project=project,
            country=make.country("TL"),
            effective_on=make.day("2024-06-01"),
        )
    )
    timor = make.country("TL")

    assert Project.objects.as_of(make.day("2024-05-31")).for_country(timor).count() == 0
    assert Project.objects.as_of(make.day("2024-06-01")).for_country(timor).count() == 1


def test_a_plan_takes_as_many_queries_for_many_projects(queries):
    plan = make.plan()
    make.project(line=make.line(plan=plan), funders=["SG"], budget="1")

    def tell():
        projects = Project.objects.as_of(make.day("2022-06-01"))
        progress.plan_progress(plan, projects)
        progress.funding_count(projects.under(plan).counted())

    few = queries(tell)
    for _ in range(10):
        make.project(line=make.line(plan=plan), funders=["SG", "JP"], budget="1")

    assert queries(tell) == few


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(sorted(make.PATHS))),
        min_size=1,
        max_size=8,
    ),
    st.integers(5, 9),
    st.sampled_from(["approved", "ongoing", "completed"]),
)
def test_the_three_states_add_up_to_the_declared_total(rows, declared, rule):
    with transaction.atomic():
        plan = make.plan(declared=declared, counts_from=rule)
        lines = [make.line(plan=plan) for _ in range(5)]
        for place, status in rows:
            make.project(status=status, line=lines[place])

        told = of_plan(plan).lines

        states = (told.implemented, told.in_preparation, told.not_started)
        assert sum(states) == declared
        assert told.under_rules[rule] == told.implemented
        assert told.all_completed <= told.implemented
        transaction.set_rollback(True)


def test_a_programme_deducts_only_a_predecessor_that_counts_itself():
    old, new = make.plan("IAI-III", declared=26), make.plan("IAI-IV")
    proposal = make.project(status="carried_over", plan=old)
    make.project(status="approved", plan=new, predecessor=proposal)

    iai = make.programme("IAI")

    assert progress.programme_counted(Project.objects.as_of(), iai) == (1, 0)


def test_a_funder_stands_outside_asean_until_its_country_has_joined():
    make.grouping("ASEAN", ["TL"], since="2025-10-26")
    make.partner("TL", kind="member_state", country=make.country("TL"))
    make.project(on="2022-01-10", funders=["TL"])

    def outside(day):
        projects = Project.objects.as_of(make.day(day)).counted("approved")
        share = progress.funding_count(projects).groups["any_outside_asean"]
        listed = projects.funded_by_groups("any_outside_asean").count()
        return share.projects, listed

    assert outside("2025-10-25") == (1, 1)
    assert outside("2025-10-26") == (0, 0)


def test_a_counterpart_is_no_funders_money():
    project = make.project(funders=["JP"], budget="100")
    make.money(project, "40", kind="committed", partner="JP")
    make.money(project, "7", kind="committed", partner="VN", is_counterpart=True)
    projects = Project.objects.as_of().counted("approved")

    assert money.total(projects, "committed").usd == Decimal("40.00")
    assert progress.funding_count(projects).money["committed"].usd == Decimal("40.00")
    given = money.totals_by_partner(projects, "committed")
    assert {code: total.usd for code, total in given.items()} == {"JP": Decimal("40")}


def test_who_benefits_is_asked_as_it_was_known():
    make.project(on="2022-01-10", known="2022-06-01", countries=["VN"])
    vietnam, may = make.country("VN"), make.moment("2022-05-31")

    assert Project.objects.as_of(None, may).for_country(vietnam).count() == 0
    assert Project.objects.as_of().for_country(vietnam).count() == 1


def test_a_combination_is_named_in_the_order_of_codes():
    project = make.project(funders=["SG", "JP"])

    assert project.current_funders == "JP+SG"


@pytest.mark.parametrize(
    ("amount", "rate", "usd"),
    [("1", "0.125", "0.12"), ("1", "0.135", "0.14"), ("3", "0.005", "0.02")],
)
def test_dollars_are_rounded_half_even(amount, rate, usd):
    assert money.usd_of(Decimal(amount), "EUR", Decimal(rate)) == Decimal(usd)


def test_a_declared_total_of_none_has_no_percentage():
    plan = make.plan(declared=0)
    make.project(plan=plan)

    assert of_plan(plan).lines.sentence == "0/0 action lines implemented"


# What was taken back


def entered(project, amount, currency="USD", *, on="2022-02-01", kind="committed"):
    """An entry as it is recorded: in dollars it is known, in yen it is not."""
    return actions.record(
        fact=MoneyEntry(
            project=project,
            kind=kind,
            partner=None if kind == "approved" else make.partner("JP"),
            amount=None if amount is None else Decimal(amount),
            currency=currency,
            effective_on=make.day(on),
        )
    )


def reversed_on(fact, day):
    with ledger_entry() as entry:
        return actions.reverse(fact=fact, on=make.day(day), entry=entry)


def told(project, day=None, known_at=None, kind="committed"):
    """(dollars, known, entries) of one project, by itself and within a total."""
    projects = Project.objects.as_of(make.day(day), known_at).filter(pk=project.pk)
    one = money.amounts_by_project(projects, kind).get(project.pk, money.UNKNOWN)
    assert money.total(projects, kind) == money.total_of([one])
    return one.usd, one.known, one.entries


def both_paths_agree(*clocks):
    facts = Facts()
    for clock in (Clock(), *clocks):
        assert figures_check(facts, clock).differences == []


@pytest.mark.parametrize(
    ("first", "left"),
    [
        (("50000000", "JPY"), ("232000", 1, 2)),
        ((None, "JPY"), ("232000", 1, 2)),
        (("500", "USD"), ("232000", 1, 2)),
    ],
)
def test_what_was_taken_back_leaves_the_coverage_with_its_reversal(first, left):
    project = make.project(line=make.line())
    reversed_on(entered(project, *first), "2022-03-01")
    entered(project, "500000", "EUR", on="2022-04-01")
    entered(project, "232000", on="2022-04-01")

    assert told(project) == (Decimal(left[0]), *left[1:])
    both_paths_agree()


def test_an_entry_is_covered_until_its_reversal_on_both_clocks():
    project = make.project(line=make.line())
    entered(project, "232000")
    yen = entered(project, "50000000", "JPY")
    before = timezone.now()
    reversed_on(yen, "2022-03-01")

    assert told(project, "2022-02-15") == (Decimal(232000), 1, 2)
    assert told(project, None, before) == (Decimal(232000), 1, 2)
    assert told(project, "2022-03-01") == (Decimal(232000), 1, 1)
    both_paths_agree(Clock(make.day("2022-02-15")), Clock(None, before))


def test_a_reversal_that_was_reversed_takes_nothing_back():
    project = make.project(line=make.line())
    back = reversed_on(entered(project, "100"), "2022-03-01")
    reversed_on(back, "2022-03-02")

    assert told(project) == (Decimal(100), 1, 1)
    both_paths_agree()


@pytest.mark.parametrize("kind", ["approved", "committed"])
@pytest.mark.parametrize(
    ("entry", "usd", "coverage"),
    [(("100", "USD"), Decimal(0), (1, 0, 0)), (("100", "JPY"), None, (0, 0, 1))],
)
def test_dollars_that_were_all_taken_back_are_known_to_be_none(
    kind, entry, usd, coverage
):
    project = make.project(line=make.line())
    reversed_on(entered(project, *entry, kind=kind), "2022-03-01")

    total = money.total(Project.objects.as_of(), kind)

    assert told(project, kind=kind) == (usd, 0, 0)
    assert (total.complete, total.partial, total.none) == coverage
    both_paths_agree()


def test_a_part_that_was_taken_back_leaves_its_entry_in_the_coverage():
    project = make.project(line=make.line())
    first = entered(project, "100")
    part = actions.copy_of(
        first, amount=Decimal(-40), reverses=first, effective_on=make.day("2022-03-01")
    )
    actions.record(fact=part)

    assert told(project) == (Decimal(60), 2, 2)
    both_paths_agree()
