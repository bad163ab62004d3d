"""The illustrative projects meet what was printed, on both clocks."""

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.utils import timezone
from lxml import etree

from aseanpm import illustrative
from aseanpm.facts import Basis, Clock, Entry, LedgerHead, end_of_day
from partners.models import Organisation, Partner
from projects import lifecycle, money
from projects.exchange import iati
from projects.models import (
    ApprovalStep,
    Benefit,
    Funding,
    LineReference,
    MoneyEntry,
    Placement,
    Project,
    Status,
    StatusChange,
)
from tests import make
from tests.projects import iati_rules
from tests.published_series import TABLE
from workplans.models import ActionLine, Meeting, WorkPlan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]

FACTS = (
    StatusChange,
    Placement,
    LineReference,
    Funding,
    MoneyEntry,
    Benefit,
    ApprovalStep,
)


class Row:
    """The figures of a plan on a day, asked of the query sets one by one."""

    def __init__(self, code, day, known_at=None):
        self.plan = WorkPlan.objects.get(code=code)
        self.all = Project.objects.as_of(day, known_at).under(self.plan)
        self.counted = self.all.counted()
        self.clock = self.all.clock

    def figures(self):
        outside = self.counted.funded_by_groups("any_outside_asean")
        japan = Partner.objects.get(code="JP")
        carried = self.all.in_status(Status.CARRIED_OVER)
        return {
            "lines": len(self.begun(self.plan.headline_kind)),
            "enabling": len(self.begun("enabling_action")),
            "areas": len({line.area_id for line in self.begun("action_line")}),
            "in preparation": len(self.preparing()),
            "preparing areas": {line.area.code for line in self.preparing()},
            "projects": self.counted.count(),
            "pipeline": self.all.pipeline().count(),
            "carried over": carried.count(),
            "approved": written(money.total(self.counted).usd),
            "money from": money.total(self.counted).covered,
            "inside": self.counted.funded_by_groups("asean_only").count(),
            "outside": outside.count(),
            "outside approved": written(money.total(outside).usd),
            "outside committed": written(money.total(outside, "committed").usd),
            "SG": self.combinations()["SG"],
            "JP": self.combinations()["JP"],
            "JP committed": written(
                money.total(
                    self.counted.funded_by(japan), "committed", partner=japan
                ).usd
            ),
            "combinations": dict(self.combinations()),
        }

    def begun(self, kind):
        """The lines of a kind on which a project counts."""
        lines = ActionLine.objects.filter(plan=self.plan, kind=kind)
        keys = self.counted.with_placement().values_list("line", flat=True)
        return list(lines.filter(pk__in=set(keys)).select_related("area"))

    def preparing(self):
        """The headline lines on which none counts and one waits."""
        keys = set(self.all.pipeline().with_placement().values_list("line", flat=True))
        begun = {line.pk for line in self.begun(self.plan.headline_kind)}
        lines = ActionLine.objects.filter(pk__in=keys - begun)
        return list(lines.filter(kind=self.plan.headline_kind).select_related("area"))

    def combinations(self):
        """Counter of the exact sets of funders, their codes joined."""
        funders = {pk: [] for pk in self.counted.values_list("pk", flat=True)}
        pairs = Funding.objects.net(self.clock)
        for project, code in pairs.values_list("project", "partner__code"):
            if project in funders:
                funders[project].append(code)
        return Counter("+".join(sorted(codes)) for codes in funders.values())


def written(amount):
    return None if amount is None else f"{amount:.2f}"


@pytest.mark.parametrize("clock", ["as known now", "as known then"])
@pytest.mark.parametrize(("plan", "day"), TABLE)
def test_what_is_computed_meets_what_was_printed(plan, day, clock):
    on = dt.date.fromisoformat(day)
    known_at = end_of_day(on) if clock == "as known then" else None

    figures = Row(plan, on, known_at).figures()

    expected = TABLE[plan, day]
    assert {name: figures[name] for name in expected} == expected


def test_other_members_than_singapore_fund_three_projects_alone():
    row = Row("IAI-III", dt.date(2020, 2, 28))

    found = row.combinations()

    assert {code: found[code] for code in ("MY", "TH", "BN")} == dict.fromkeys(
        ("MY", "TH", "BN"), 1
    )


def test_the_six_projects_of_june_2021_carry_what_the_total_rose_by():
    on = dt.date(2021, 6, 22)
    before = Row("IAI-III", dt.date(2021, 3, 25)).counted

    new = Row("IAI-III", on).counted.exclude(pk__in=before.values("pk"))

    assert (new.count(), money.total(new).usd) == (6, Decimal("12080000.00"))


def test_all_that_was_approved_before_september_2022_was_under_way_then():
    row = Row("IAI-IV", dt.date(2022, 9, 22), end_of_day(dt.date(2022, 9, 22)))

    found = Counter(row.counted.with_state().values_list("status", flat=True))

    assert found == {"approved": 4, "ongoing": 46}


@pytest.mark.parametrize(
    ("meeting", "approved"),
    [
        ("IAI-TF-60", {"IAI-III": 2}),
        ("IAI-TF-63", {"IAI-IV": 17}),
        ("IAI-TF-64", {"IAI-IV": 4}),
        ("IAI-TF-65", {"IAI-IV": 1}),
        ("IAI-TF-67", {"IAI-IV": 10}),
        ("IAI-TF-68", {"IAI-IV": 4}),
        ("IAI-TF-69", {"IAI-IV": 17}),
        ("IAI-TF-70", {"IAI-IV": 7}),
        ("IAI-TF-71", {"IAI-IV": 1}),
        ("IAI-TF-75", {"IAI-IV": 4}),
    ],
)
def test_a_meeting_approved_what_the_totals_rose_by(meeting, approved):
    decisions = StatusChange.objects.known().filter(
        meeting__code=meeting, status=Status.APPROVED, project__is_illustrative=True
    )

    plans = decisions.values_list("project__placements__plan__code", flat=True)

    assert Counter(plans) == approved


def test_the_meeting_of_march_2025_approved_for_three_partners():
    projects = illustrative_projects().decided_at(
        Meeting.objects.get(code="IAI-TF-75"), status=Status.APPROVED
    )

    codes = projects.values_list("fundings__partner__code", flat=True)

    assert Counter(codes) == {"CN": 1, "JP": 2, "AU": 1}


# What each project is


def illustrative_projects():
    return Project.objects.filter(is_illustrative=True)


def facts_by_project(model):
    found = defaultdict(list)
    facts = model.objects.known().filter(project__is_illustrative=True)
    for fact in facts.order_by("effective_on", "day_order").select_related("project"):
        found[fact.project].append(fact)
    return found


def test_every_project_calls_itself_illustrative_in_both_languages():
    for project in illustrative_projects():
        assert project.code.startswith("ILL-")
        assert project.title.startswith("Illustrative ")
        assert project.title_translations["vi"].startswith("Minh họa: ")
        assert project.is_published
        assert project.note.startswith("Generated to meet the published figures")


def test_no_two_projects_are_called_the_same_but_a_successor():
    first = illustrative_projects().filter(predecessor=None)
    titles = list(first.values_list("title", flat=True))

    assert len(set(titles)) == len(titles)


def test_every_fact_of_theirs_says_that_it_is_illustrative_and_no_other_does():
    for model in FACTS:
        theirs = model.objects.filter(project__is_illustrative=True)
        others = model.objects.filter(project__is_illustrative=False)

        assert theirs.exists()
        assert not theirs.exclude(basis=Basis.ILLUSTRATIVE).exists()
        assert not others.filter(basis=Basis.ILLUSTRATIVE).exists()


def test_every_row_is_what_its_model_allows():
    rows = [*illustrative_projects()]
    for model in FACTS:
        rows += model.objects.filter(project__is_illustrative=True)

    for row in rows:
        row.clean_fields(exclude=["recorded_by"])
        row.clean()


def test_every_life_walks_the_table_of_moves():
    for life in facts_by_project(StatusChange).values():
        statuses = ["", *(change.status for change in life)]

        for before, after in pairwise(statuses):
            assert lifecycle.move_between(before, after), (life, before, after)


def test_a_project_under_a_plan_is_proposed_before_it_is_approved():
    placed = illustrative_projects().filter(channel=Project.Channel.PLAN)
    lives = facts_by_project(StatusChange)

    firsts = {lives[project][0].status for project in placed}

    assert firsts == {Status.CONCEPT, Status.APPRAISAL}


def test_no_project_is_cancelled_or_on_hold():
    statuses = StatusChange.objects.filter(project__is_illustrative=True)

    assert not statuses.filter(status__in=["cancelled", "on_hold"]).exists()


def test_every_decision_names_its_meeting_or_a_circulation():
    decisions = StatusChange.objects.filter(
        project__is_illustrative=True, status__in=["approved", "carried_over"]
    )

    for decision in decisions.select_related("meeting"):
        assert decision.by_circulation == (decision.meeting is None)


def test_a_decision_is_dated_by_its_meeting():
    for decision in StatusChange.objects.filter(project__is_illustrative=True).exclude(
        meeting=None
    ):
        meeting = decision.meeting
        first = meeting.held_from or meeting.held_until
        assert first <= decision.effective_on <= meeting.held_until


def test_nothing_is_dated_after_the_last_recorded_day():
    last = dt.date(2026, 6, 30)

    for model in FACTS:
        facts = model.objects.filter(project__is_illustrative=True)
        assert not facts.filter(recorded_at__gt=end_of_day(last)).exists()
        if hasattr(model, "effective_on"):
            assert not facts.filter(effective_on__gt=last).exists()


def test_nothing_is_written_down_before_it_is_true():
    for model in FACTS:
        facts = model.objects.filter(project__is_illustrative=True)
        for fact in facts:
            if hasattr(fact, "effective_on"):
                assert timezone.localdate(fact.recorded_at) >= fact.effective_on


def test_no_planned_day_has_passed_on_a_step_that_is_missing():
    today = dt.date(2026, 11, 22)
    ours = illustrative_projects()

    not_started = ours.in_status("concept", "appraisal", "approved")
    not_ended = ours.in_status("concept", "appraisal", "approved", "ongoing")

    assert not not_started.filter(planned_start__lt=today).exists()
    assert not not_ended.filter(planned_end__lt=today).exists()


def test_only_the_project_without_a_funder_lacks_an_approved_budget():
    counted = illustrative_projects().counted()
    with_budget = MoneyEntry.objects.filter(kind="approved").values("project")

    without = counted.exclude(pk__in=with_budget)

    assert [project.code for project in without] == ["ILL-4-027"]
    assert list(counted.funded_by_groups("none_recorded")) == list(without)


def test_every_amount_of_a_funder_has_its_funding_but_a_pledge_or_counterpart():
    entries = MoneyEntry.objects.known().filter(
        project__is_illustrative=True, partner__isnull=False, is_counterpart=False
    )

    for entry in entries.exclude(kind="pledged"):
        joined = Funding.objects.joined(
            Clock(day=entry.effective_on), partner=entry.partner
        )
        assert joined.filter(project=entry.project).exists(), entry


def test_dollars_follow_from_amount_and_rate():
    for entry in MoneyEntry.objects.filter(project__is_illustrative=True):
        assert entry.usd == money.usd_of(entry.amount, entry.currency, entry.rate)


def test_no_ledger_nets_below_zero():
    for entries in facts_by_project(MoneyEntry).values():
        assert money.lowest_net(entries) == 0


def test_stated_shares_of_a_project_add_up_to_at_most_a_hundred():
    for benefits in facts_by_project(Benefit).values():
        shares = [benefit.share for benefit in benefits if benefit.share is not None]

        assert sum(shares) in (0, 100)


def test_the_four_countries_have_about_as_many_projects_of_their_own():
    alone = Counter(
        benefits[0].country.code
        for benefits in facts_by_project(Benefit).values()
        if len(benefits) == 1 and benefits[0].country
    )

    assert set(alone) == {"KH", "LA", "MM", "VN"}
    assert max(alone.values()) - min(alone.values()) <= 3


def test_timor_leste_joins_from_2024_on_and_only_in_the_fourth_plan():
    joins = Benefit.objects.filter(country__code="TL", project__is_illustrative=True)

    assert joins.count() >= 5
    assert not joins.filter(effective_on__lt=dt.date(2024, 1, 1)).exists()
    plans = joins.values_list("project__placements__plan__code", flat=True)
    assert set(plans) == {"IAI-IV"}


def test_ten_of_the_thirteen_proposals_of_2017_came_from_the_four_countries():
    waiting = Row("IAI-III", dt.date(2017, 9, 30)).all.pipeline()

    proponents = waiting.filter(
        project_organisations__role="proponent",
        project_organisations__organisation__country__code__in=["KH", "LA", "MM", "VN"],
    )

    assert proponents.count() >= 10


def test_a_carried_over_proposal_goes_on_for_the_same_in_the_next_plan():
    carried = illustrative_projects().in_status(Status.CARRIED_OVER)

    for proposal in carried:
        successor = proposal.successors.get()
        first = successor.status_changes.order_by("effective_on").first()
        assert successor.code.startswith("ILL-4-")
        assert (first.status, first.effective_on) == (
            Status.APPRAISAL,
            dt.date(2021, 7, 31),
        )
        assert proposal.title == successor.title
        assert benefits_of(proposal) == benefits_of(successor)
    assert carried.count() == 3


def benefits_of(project):
    """Whom a project benefited when it began."""
    values = project.benefits.filter(effective_on__lt=dt.date(2024, 1, 1))
    return set(values.values_list("country", "grouping", "share"))


def test_direct_support_stands_in_no_plan():
    direct = illustrative_projects().filter(channel=Project.Channel.BILATERAL)

    assert direct.count() == 3
    assert not Placement.objects.filter(project__in=direct).exists()


def test_some_proposals_wait_on_almost_every_day_of_the_fourth_plan():
    plan = WorkPlan.objects.get(code="IAI-IV")
    months = [dt.date(year, month, 1) for year in range(2021, 2026) for month in (2, 7)]

    waiting = [
        Project.objects.as_of(day).under(plan).pipeline().count() for day in months
    ]

    assert sum(number > 0 for number in waiting) >= len(waiting) - 1
    assert Project.objects.under(plan).pipeline().count() == 5


# The second clock


def test_there_are_late_entries_and_corrections():
    corrected = [
        fact
        for model in FACTS
        for fact in model.objects.filter(withdrawn_at__isnull=False)
        if fact.project.is_illustrative
    ]
    late = StatusChange.objects.filter(project__is_illustrative=True)

    assert all(fact.withdrawal_reason for fact in corrected)
    assert {type(fact) for fact in corrected} >= {
        StatusChange,
        Placement,
        Funding,
        MoneyEntry,
        Benefit,
    }
    assert any(
        (timezone.localdate(change.recorded_at) - change.effective_on).days > 7
        for change in late
    )


def test_a_budget_typed_ten_times_too_high_was_believed_for_three_weeks():
    on = dt.date(2018, 6, 1)
    project = Project.objects.get(code="ILL-3-043")

    then = approved(project, on, end_of_day(on))
    now = approved(project, on)

    assert then == now * 10


def approved(project, day, known_at=None):
    projects = Project.objects.as_of(day, known_at).filter(pk=project.pk)
    return money.total(projects).usd


def test_a_funder_entered_wrongly_was_put_right():
    on = dt.date(2021, 12, 31)
    project = Project.objects.get(code="ILL-4-026")

    then = Project.objects.as_of(on, end_of_day(on)).funded_by_exactly(["SG"])
    now = Project.objects.as_of(on).funded_by_exactly(["JP"])

    assert project in then
    assert project in now


def test_a_line_entered_wrongly_was_begun_for_a_while():
    on = dt.date(2024, 1, 15)

    then = Row("IAI-IV", on, end_of_day(on)).begun("action_line")
    now = Row("IAI-IV", on).begun("action_line")

    assert len(then) == len(now) + 1


def test_a_correction_withdraws_and_records_at_one_instant_in_its_place_of_the_day():
    for fact in Funding.objects.filter(withdrawn_at__isnull=False):
        other = Funding.objects.known().get(
            project=fact.project, recorded_at=fact.withdrawn_at
        )
        assert (other.effective_on, other.day_order) == (
            fact.effective_on,
            fact.day_order,
        )


def test_entries_of_the_ledger_are_numbered_in_the_order_of_recording():
    entries = sorted(
        {
            (sequence, recorded_at)
            for model in FACTS
            for sequence, recorded_at in model.objects.filter(
                project__is_illustrative=True
            ).values_list("sequence", "recorded_at")
        }
    )
    head = LedgerHead.objects.get()

    assert [moment for _, moment in entries] == sorted(m for _, m in entries)
    assert len({sequence for sequence, _ in entries}) == len(entries)
    assert head.sequence == entries[-1][0]
    assert head.recorded_at >= entries[-1][1]


# Loading and removing


def everything():
    """All that was loaded, without the keys that a database hands out."""
    projects = [
        (row.code, row.title, row.planned_end, row.recorded_at, row.changed_at)
        for row in illustrative_projects().order_by("code")
    ]
    facts = {
        fact.uuid: (
            fact.project.code,
            str(fact),
            fact.recorded_at,
            fact.withdrawn_at,
            getattr(fact, "effective_on", None),
            getattr(fact, "day_order", None),
            getattr(fact, "usd", None),
        )
        for model in FACTS
        for fact in model.objects.filter(project__is_illustrative=True).select_related(
            "project"
        )
    }
    return projects, facts


def test_loading_again_after_removing_gives_the_same():
    before = everything()

    illustrative.remove()
    illustrative.load()

    assert everything() == before


def test_removing_leaves_the_documented_records_and_nothing_else():
    real = Project.objects.filter(is_illustrative=False)
    counts = {
        model: model.objects.filter(project__is_illustrative=False).count()
        for model in FACTS
    }
    codes = set(real.values_list("code", flat=True))

    call_command("remove_illustrative", verbosity=0)

    assert set(Project.objects.values_list("code", flat=True)) == codes
    assert {model: model.objects.count() for model in FACTS} == counts
    assert not Project.history.filter(code__startswith="ILL-").exists()
    assert not Organisation.objects.filter(name__startswith="Illustrative").exists()
    assert Row("IAI-IV", dt.date(2022, 9, 22)).counted.count() == 0


def test_removing_takes_what_people_wrote_about_an_illustrative_project_too():
    project = Project.objects.get(code="ILL-4-118")
    Funding.objects.create(
        project=project,
        partner=Partner.objects.get(code="KR"),
        effective_on=dt.date(2026, 6, 1),
        sequence=1,
        recorded_at=timezone.now(),
    )

    illustrative.remove()

    assert not illustrative_projects().exists()


def test_removing_tells_who_did_it_and_what_it_took_from_others():
    project = Project.objects.get(code="ILL-4-118")
    meeting = Meeting.objects.get(code="IAI-TF-68")
    priority = meeting.priorities.create(title="Rice", project=project)
    said = meeting.partner_statements.create(
        partner=Partner.objects.get(code="JP"), text="We give"
    )
    said.pledges.add(make.money(project, "7", kind="pledged", partner="JP"))
    administrator = make.user("administrator")

    illustrative.remove(administrator)

    entry = Entry.objects.first()
    assert (entry.recorded_by, entry.what) == (
        administrator,
        "Removed the illustrative records",
    )
    assert not said.pledges.exists()
    assert priority.history.first().sequence == entry.sequence
    assert priority.history.first().project_id is None


def test_removing_refuses_while_a_real_project_follows_an_illustrative_one():
    Project.objects.create(
        code="P-REAL1",
        title="Real",
        predecessor=Project.objects.get(code="ILL-4-001"),
        recorded_at=timezone.now(),
        changed_at=timezone.now(),
    )

    with pytest.raises(illustrative.StillNeeded, match="P-REAL1"):
        illustrative.remove()

    assert illustrative_projects().exists()


def test_loading_twice_changes_nothing(capsys):
    before = everything()

    call_command("load_illustrative")

    assert "already loaded" in capsys.readouterr().out
    assert everything() == before


@pytest.mark.parametrize("day", [None, "2019-06-01"])
def test_all_of_them_are_valid_as_iati(day):
    projects = Project.objects.as_of(day and make.day(day)).visible_to(None)

    file = b"".join(iati.activities(projects, None, "https://iai.example"))

    iati_rules.ACTIVITIES.assertValid(etree.fromstring(file))
    assert iati_rules.broken(file) == []
    told = etree.fromstring(file).xpath("iati-activity/iati-identifier/text()")
    assert len(told) == projects.count() > 0
