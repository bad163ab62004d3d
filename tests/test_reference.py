import datetime as dt
import json
import shutil
from io import StringIO

import pytest
from django.apps import apps
from django.core import serializers
from django.core.management import CommandError, call_command
from django.db.models import Count, Q

from aseanpm import loading
from aseanpm.facts import Basis, Clock, end_of_day, shown_date
from aseanpm.loading import UnreadableReference, load_reference
from aseanpm.models import Source
from partners.models import (
    BeneficiaryStatus,
    Country,
    Fund,
    GroupingMembership,
    Partner,
    PartnerAlias,
)
from projects.actions import correct, refresh_copies
from projects.models import Funding, MoneyEntry, Project, StatusChange
from workplans.models import (
    ActionLine,
    Body,
    Conclusion,
    Meeting,
    PublishedFigure,
    Statement,
    WorkPlan,
)

pytestmark = pytest.mark.django_db

# The days on which print gave figures of a plan
PRINTED = {
    "IAI-III": ["2017-09-30", "2019-10-04", "2020-02-28", "2021-03-25", "2021-07-31"],
    "IAI-IV": ["2021-03-25", "2021-09-30", "2022-06-15", "2022-09-22", "2025-08-11"],
    "MPAC-2025": ["2020-02-18", "2020-08-26", "2021-01-28", "2021-08-31"],
}


@pytest.fixture
def reference():
    return load_reference()


@pytest.fixture
def copies(tmp_path):
    """The shipped files in a folder where they may be changed."""
    return shutil.copytree(loading.REFERENCE, tmp_path / "reference")


@pytest.fixture
def files(copies, reference):
    """The same, loaded already."""
    return copies


def edit(folder, name, label, code, **news):
    """Change fields of one row of a file."""
    path = folder / name
    listed = json.loads(path.read_text(encoding="utf-8"))
    row = next(row for row in listed[label] if row["code"] == code)
    row.update(news)
    path.write_text(json.dumps(listed), encoding="utf-8")


def members_of(grouping, on):
    held = GroupingMembership.objects.valid(on).filter(grouping__code=grouping)
    return Country.objects.filter(pk__in=held.values("country"))


def iai_beneficiaries(on):
    held = BeneficiaryStatus.objects.valid(on).filter(programme="IAI")
    return Country.objects.filter(pk__in=held.values("country"))


def day(text):
    return dt.date.fromisoformat(text)


def everything():
    """All rows of the house, as text."""
    models = [
        model
        for app in ("aseanpm", "partners", "projects", "workplans")
        for model in apps.get_app_config(app).get_models()
    ]
    rows = [row for model in models for row in model.objects.order_by("pk")]
    return serializers.serialize("json", rows, indent=1)


# What is shipped


def test_there_are_eight_plans_each_with_its_predecessor(reference):
    pairs = WorkPlan.objects.values_list("code", "predecessor__code")

    assert dict(pairs) == {
        "IAI-I": None,
        "IAI-II": "IAI-I",
        "IAI-III": "IAI-II",
        "IAI-IV": "IAI-III",
        "IAI-V": "IAI-IV",
        "MPAC-2010": None,
        "MPAC-2025": "MPAC-2010",
        "ACSP": "MPAC-2025",
    }


def test_a_plan_declares_its_totals(reference):
    declared = {plan.code: plan.declared_at(Clock()) for plan in WorkPlan.objects.all()}

    assert {code: totals for code, totals in declared.items() if totals} == {
        "IAI-III": {"action_line": 26},
        "IAI-IV": {"action_line": 24},
        "MPAC-2010": {"strategy": 19, "priority_project": 15},
        "MPAC-2025": {"initiative": 15, "measure": 143},
    }


def test_the_rule_of_every_plan_is_assumed(reference):
    for plan in WorkPlan.objects.all():
        rule = plan.rule_at(Clock())
        expected = {"IAI": "approved", "MPAC": "ongoing"}[plan.programme.code]

        assert (rule.counts_from, rule.basis) == (expected, Basis.ASSUMED)


def test_rule_and_total_were_known_on_every_day_of_the_series(reference):
    for code, days in PRINTED.items():
        plan = WorkPlan.objects.get(code=code)
        for on in map(day, days):
            clock = Clock(on, end_of_day(on))

            assert plan.rule_at(clock)
            assert plan.declared_at(clock)[plan.headline_kind] in {26, 24, 15}


def test_every_declared_line_is_loaded(reference):
    rows = ActionLine.objects.order_by().values_list("plan__code", "kind")

    assert set(rows.annotate(rows=Count("pk"))) == {
        ("IAI-III", "action_line", 26),
        ("IAI-III", "enabling_action", 6),
        ("IAI-IV", "action_line", 24),
        ("MPAC-2010", "strategy", 19),
        ("MPAC-2010", "priority_project", 15),
        ("MPAC-2025", "initiative", 15),
    }


def test_no_title_of_a_line_of_the_iai_is_invented(reference):
    titles = ActionLine.objects.filter(plan__programme__code="IAI").values_list("title")

    assert set(titles) == {("",)}


def test_the_spread_of_lines_over_areas_is_marked_as_assumed(reference):
    for code, spread in {"IAI-III": [6, 5, 5, 5, 5], "IAI-IV": [5, 5, 5, 5, 4]}.items():
        lines = ActionLine.objects.filter(plan__code=code, kind="action_line")
        areas = WorkPlan.objects.get(code=code).areas.all()

        assert [area.lines.count() for area in areas] == spread
        assert set(lines.values_list("area_basis", flat=True)) == {"assumed"}


def test_the_third_plan_closed_while_the_fourth_was_running(reference):
    third, fourth = WorkPlan.objects.filter(code__in=["IAI-III", "IAI-IV"])

    assert third.closed_on == day("2021-07-31")
    assert fourth.implementation_start == day("2021-01-01")
    assert fourth.closed_on is None


def test_eleven_countries_of_which_timor_leste_joined_last(reference):
    assert Country.objects.count() == 11

    before = members_of("ASEAN", day("2025-10-25"))
    after = members_of("ASEAN", day("2025-10-26"))

    assert (before.count(), after.count()) == (10, 11)
    assert set(after) - set(before) == {Country.objects.get(code="TL")}


def test_timor_leste_benefits_from_the_iai_since_2024(reference):
    def codes(on):
        countries = iai_beneficiaries(day(on))
        return set(countries.values_list("code", flat=True))

    assert codes("1999-12-31") == set()
    assert codes("2023-12-31") == {"KH", "LA", "MM", "VN"}
    assert codes("2024-01-01") == {"KH", "LA", "MM", "VN", "TL"}


def test_ten_states_and_funds_of_members_alone_stand_inside_asean(reference):
    inside = Partner.objects.inside_asean(day("2022-09-22"))

    assert set(inside.values_list("code", flat=True)) == {
        *("BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "VN"),
        "ADF",
    }


def test_every_name_of_a_partner_leads_to_one(reference):
    names = {
        "KR": ["ROK", "South Korea", "Hàn Quốc", "republic of korea", "kr"],
        "CN": ["PRC", "Trung Quốc"],
        "JP": ["Nhật Bản", "Nhật"],
        "US": ["USA", "Mỹ", "Hoa Kỳ"],
        "GB": ["UK", "Anh"],
        "EU": ["European Union", "Liên minh châu Âu"],
        "VN": ["Vietnam", "Việt Nam"],
        "APTCF": ["ASEAN+3 Cooperation Fund"],
    }

    for code, several in names.items():
        for name in several:
            assert Partner.objects.named(name).get().code == code


def test_no_alias_is_another_partners_code_or_name(reference):
    taken = {name.casefold() for name in Partner.objects.values_list("name", flat=True)}
    taken |= {
        code.casefold() for code in Partner.objects.values_list("code", flat=True)
    }
    aliases = PartnerAlias.objects.values_list("name", flat=True)

    assert {name for name in aliases if name.casefold() in taken} == set()


def test_a_shared_fund_stands_alone_and_another_counts_as_its_partner(reference):
    owners = {"JAIF": "JP", "AKCF": "KR", "APTCF": "APTCF", "ADF": "ADF", "AIF": "AIF"}

    for fund, owner in owners.items():
        partner = Fund.objects.get(code=fund).ownerships.get().partner

        assert partner.code == owner
        assert (partner.kind == Partner.Kind.SHARED_FUND) == (fund == owner)


def test_what_is_general_knowledge_is_marked_unverified(reference):
    def unverified(model):
        rows = model.objects.filter(basis=Basis.UNVERIFIED)
        return set(rows.values_list("code", flat=True))

    titles = ActionLine.objects.filter(plan__code="MPAC-2010").values_list("code")
    assert {code for (code,) in titles} <= unverified(ActionLine)
    assert unverified(WorkPlan) == {"ACSP"}
    assert unverified(Fund) == {"ACCF", "ACTF", "AIF", "AIF-IN", "GIZ", "USAID"}
    assert unverified(Body) == {"CPR"}
    assert unverified(Meeting) == {"IAI-TF-78"}
    assert unverified(PublishedFigure) == set()


def test_every_row_names_its_sources(reference):
    documents = Source.objects.exclude(code="BG")

    for model in (WorkPlan, ActionLine, Meeting, Partner, Fund, Body, PublishedFigure):
        assert not model.objects.filter(sources=None).exists()
        unsupported = model.objects.exclude(sources__in=documents)
        assert not unsupported.exclude(basis=Basis.UNVERIFIED).exists()


def test_meetings_are_named_by_body_and_number_or_date(reference):
    assert Meeting.objects.count() == 37
    task_force = Meeting.objects.get(code="IAI-TF-68")
    month = Meeting.objects.get(code="ACCC-2021-08")
    undated = Meeting.objects.get(code="IAI-TF-42")

    assert str(task_force) == "68th IAI Task Force"
    assert task_force.dates_shown == "2022-09-22 to 2022-09-23"
    assert task_force.approvals_in_print == 4
    assert (month.held_until, month.dates_shown) == (day("2021-08-31"), "2021-08")
    assert undated.held_until is None
    assert Meeting.objects.get(code="IAI-NATCONS-VN-2020").country.code == "VN"


def test_who_was_at_a_meeting_and_what_was_said(reference):
    def present(code):
        rows = Meeting.objects.get(code=code).attendances.values_list(
            "capacity", "country__code", "partner__code"
        )
        return {(capacity, country or partner) for capacity, country, partner in rows}

    assert present("IAI-TF-68") == {("reporting", c) for c in ("KH", "LA", "MM", "VN")}
    assert present("IAI-TF-70") == {("observer", "TL")}
    assert len(present("IAI-CONSULT-12")) == 10
    assert len(present("ACCC-CONSULT-2020-08-26")) == 9
    assert Conclusion.objects.filter(
        meeting__code="IAI-TF-68", themes__code="COVID"
    ).exists()
    statement = Partner.objects.get(code="US").statements.get(
        meeting__code="ACCC-CONSULT-2020-08-26"
    )
    assert "ASEAN Single Window" in statement.text


def test_three_statements_of_2019_link_frameworks_with_the_master_plan(reference):
    statements = Statement.objects.filter(on=day("2019-12-31"), precision="year")

    assert {
        (one.framework.code, one.on_shown, one.links.get().plan.code)
        for one in statements
    } == {
        ("CTC", "2019", "MPAC-2025"),
        ("ASEAN-JAPAN", "2019", "MPAC-2025"),
        ("BRI", "2019", "MPAC-2025"),
    }


# What was said in print


def test_there_are_68_published_figures(reference):
    assert PublishedFigure.objects.headline().count() == 68


def test_a_figure_keeps_its_value_qualifier_and_meeting(reference):
    expected = [
        ("IAI-III-2017-09-30-budget", 8280000, "exact", None),
        ("IAI-III-2017-09-30-budget-rounded", 8000000, "more_than", None),
        ("IAI-III-2019-10-04-projects", 101, "exact", "IAI-TF-59"),
        ("IAI-III-2020-02-28-budget", 26640000, "nearly", "IAI-TF-60"),
        ("IAI-III-2020-02-28-projects_by_funder_group", 103, "exact", "IAI-TF-60"),
        ("IAI-IV-2021-09-projects", 22, "exact", "IAI-TF-65"),
        ("IAI-IV-2022-09-22-budget", 10000000, "nearly", "IAI-TF-68"),
        ("IAI-IV-2025-08-11-partner_projects", 28, "exact", "IAI-CONSULT-15"),
        ("IAI-2016-09-06-budget_since_first_plan", 102000000, "over", None),
        ("MPAC-2025-2021-08-initiatives_under_way", 14, "exact", "ACCC-2021-08"),
        ("SG-2007-11-participants_trained", 18000, "more_than", None),
    ]
    codes = [code for code, *_ in expected]

    found = PublishedFigure.objects.filter(code__in=codes)

    assert set(found.values_list("code", "value", "qualifier", "meeting__code")) == set(
        expected
    )


def test_a_figure_before_the_meeting_is_that_of_its_eve(reference):
    figure = PublishedFigure.objects.get(code="IAI-IV-2022-06-15-projects-before")

    assert (figure.metric, figure.moment, figure.value) == ("projects", "opening", 36)
    assert figure.computed_on == Clock(day("2022-06-14"))


def test_a_breakdown_stands_beside_its_figure(reference):
    def parts(code):
        found = PublishedFigure.objects.get(code=code).parts.all()
        return {part.combination or part.group: part.value for part in found}

    assert parts("IAI-IV-2022-09-22-projects") == {
        "SG": 39,
        "JP": 4,
        "AU": 2,
        "KR": 1,
        "EU": 1,
        "CN": 1,
        "JP+SG": 1,
    }
    assert parts("IAI-III-2020-02-28-projects_by_funder_group") == {
        "asean_only": 75,
        "any_outside_asean": 28,
        "SG": 72,
        "JP": 6,
    }


# The named projects


def test_the_named_projects_are_published_and_say_no_more_than_is_documented(reference):
    projects = Project.objects.all()

    assert projects.count() == 22
    assert not projects.filter(Q(is_published=False) | Q(is_illustrative=True)).exists()
    assert set(
        StatusChange.objects.values_list("project__title", "status", "effective_on")
    ) == {
        ("Developing ASEAN open data", "approved", day("2020-08-26")),
        (
            "Development of a Database on Trade Routes and a Framework for Enhancing "
            "Supply Chain Efficiency in ASEAN",
            "ongoing",
            day("2020-07-31"),
        ),
    }


def test_named_projects_of_the_iai_count_nothing(reference):
    plans = WorkPlan.objects.filter(programme__code="IAI")

    for rule in ("approved", "ongoing", "completed"):
        assert not Project.objects.under(*plans).counted(rule).exists()


def test_projects_named_in_august_2020_have_their_funders(reference):
    named = Project.objects.filter(sources__code="DOC4", current_funders__gt="")

    assert set(named.values_list("title", "current_funders", "current_line__code")) >= {
        ("ASEAN Single Window support", "US", None),
        ("China-ASEAN Young Leaders Scholarship Programme", "CN", None),
        ("ASEAN Smart Cities Network support", "JP", None),
        ("Developing ASEAN open data", "KR", "MPAC-2025-06"),
        (
            "ASEAN Sustainable Urbanisation Strategy (ASUS): networks of cities",
            "AU",
            "MPAC-2025-03",
        ),
        ("ASEAN Connectivity Communication Strategy", "DE", None),
    }


def test_the_trade_routes_database_has_an_area_and_two_references(reference):
    project = Project.objects.get(title__contains="Trade Routes")
    phase = project.phases.get()

    assert project.current_area.code == "MPAC-2025-SL"
    assert project.current_line is None
    lines = project.line_references.values_list("line__code", flat=True)
    assert set(lines) == {"MPAC-2025-08", "MPAC-2025-09"}
    assert (phase.number, phase.completed_on_shown) == (1, "2020-07")
    assert shown_date(project.planned_end, project.planned_end_precision) == "2020-12"


def test_one_project_of_several_sources_has_its_budget_in_dollars(reference):
    entry = MoneyEntry.objects.get()

    assert entry.project.current_funders == "ADB+CN+KR"
    assert (entry.kind, entry.amount, entry.usd) == ("approved", 1500000, 1500000)


def test_the_copies_on_projects_agree_with_their_facts(reference):
    assert refresh_copies() == 0


# Loading again


def test_loading_twice_changes_nothing(reference):
    before = everything()

    report = load_reference()

    assert (report.added, report.changed, report.kept) == (0, 0, 0)
    assert everything() == before


def test_a_users_change_survives_while_another_field_follows_the_file(files):
    Meeting.objects.filter(code="IAI-TF-68").update(place="Ha Noi")
    edit(
        files,
        "meetings.json",
        "workplans.Meeting",
        "IAI-TF-68",
        place="Bangkok",
        approvals_in_print=5,
    )

    report = load_reference(files)

    meeting = Meeting.objects.get(code="IAI-TF-68")
    assert (meeting.place, meeting.approvals_in_print) == ("Ha Noi", 5)
    assert (report.added, report.changed, report.kept) == (0, 1, 1)
    assert load_reference(files).kept == 0


def test_a_list_that_a_user_changed_survives_too(files):
    sources = Partner.objects.get(code="JP").sources
    sources.remove(Source.objects.get(code="DOC4"))
    edit(
        files, "partners.json", "partners.Partner", "JP", sources=["DOC1", "S36", "S37"]
    )
    edit(files, "partners.json", "partners.Partner", "KR", sources=["DOC3", "S47"])

    load_reference(files)

    def codes(partner):
        sources = Partner.objects.get(code=partner).sources
        return set(sources.values_list("code", flat=True))

    assert codes("JP") == {"DOC1"}
    assert codes("KR") == {"DOC3", "S47"}


def test_a_title_taken_from_the_file_can_be_searched(files):
    code = Project.objects.get(title="Developing ASEAN open data").code
    edit(files, "projects.json", "projects.Project", code, title="Open data for all")

    load_reference(files)

    assert Project.objects.matching("for all").get().code == code
    assert Project.objects.get(code=code).history.count() == 2


def test_a_row_that_a_user_removed_stays_away_with_what_names_it(files):
    PartnerAlias.objects.get(name="Anh").delete()
    Meeting.objects.get(code="IAI-TF-78").delete()
    edit(
        files,
        "meetings.json",
        "workplans.Meeting",
        "IAI-TF-78",
        attendances=[{"partner": "JP", "capacity": "partner"}],
    )

    report = load_reference(files)

    assert report.added == 0
    assert not PartnerAlias.objects.filter(name="Anh").exists()
    assert not Meeting.objects.filter(code="IAI-TF-78").exists()


def test_a_row_that_was_there_before_is_the_users_own():
    Country.objects.create(code="VN", iso3="VNM", iso_numeric="704", name="Vietnam")

    load_reference()

    country = Country.objects.get(code="VN")
    assert country.name == "Vietnam"
    assert GroupingMembership.objects.filter(country=country).count() == 4


def test_a_row_that_no_file_names_any_longer_may_still_be_named(files):
    edit(files, "frameworks.json", "workplans.Framework", "BRI", statements=[])

    report = load_reference(files)

    assert (report.added, report.changed, report.kept) == (0, 0, 0)
    assert Statement.objects.filter(code="BRI-2019").exists()


def test_a_fact_that_was_corrected_is_not_loaded_again(files):
    fact = Funding.objects.get(project__title="ASEAN Single Window support")
    correct(fact=fact, reason="It was Canada.", partner=Partner.objects.get(code="CA"))
    facts = Funding.objects.count()
    code = fact.project.code
    edit(files, "projects.json", "projects.Project", code, description="Customs.")

    load_reference(files)

    project = Project.objects.get(code=code)
    assert Funding.objects.count() == facts
    assert (project.current_funders, project.description) == ("CA", "Customs.")


def test_a_new_fact_of_a_project_reaches_its_copies(files):
    project = Project.objects.get(title="ASEAN Smart Cities Network support")
    edit(
        files,
        "projects.json",
        "projects.Project",
        project.code,
        status_changes=[{"status": "ongoing", "effective_on": "2020-08-26"}],
    )

    load_reference(files)

    project.refresh_from_db()
    assert project.current_status == "ongoing"
    assert project.changed_at > project.recorded_at


def test_a_fact_is_never_changed_by_a_file(files):
    project = Project.objects.get(title="ASEAN Smart Cities Network support")
    edit(
        files,
        "projects.json",
        "projects.Project",
        project.code,
        fundings=[
            {"partner": "CN", "effective_on": "2020-08-26"},
            {"partner": "KR", "effective_on": "2020-08-26", "day_order": 1},
        ],
    )

    load_reference(files)

    project.refresh_from_db()
    assert project.current_funders == "JP+KR"


# Files that cannot be loaded


@pytest.mark.parametrize(
    ("news", "words"),
    [
        ({"titel": "Work Plan"}, ["unknown key “titel”", "title_translations"]),
        ({"programme": "IAA"}, ["no workplans.Programme has the code “IAA”"]),
        ({"nominal_end": "soon"}, ["nominal_end “soon”"]),
        ({"headline_kind": "wish"}, ["headline_kind “wish”"]),
        ({"predecessor": "IAI-IV"}, ["name each other"]),
        ({"predecessor": ["IAI-II"]}, ["predecessor “['IAI-II']” is no code"]),
        ({"sources": "DOC3"}, ["sources “DOC3” is no code"]),
        ({"areas": {}}, ["areas: not a list of rows"]),
        (
            {"rules": [{"counts_from": "ongoing", "recorded_at": "2020-01-01"}]},
            ["rules 1: “effective_on” is missing"],
        ),
    ],
)
def test_a_mistake_names_file_and_row_and_nothing_is_loaded(copies, news, words):
    edit(copies, "plans.json", "workplans.WorkPlan", "IAI-III", **news)

    with pytest.raises(UnreadableReference) as refusal:
        load_reference(copies)

    message = str(refusal.value)
    assert "plans.json, workplans.WorkPlan 3 (IAI-III)" in message
    assert all(word in message for word in words)
    assert not Source.objects.exists()


def test_a_file_that_is_no_json_is_named(copies):
    (copies / "plans.json").write_text("{", encoding="utf-8")

    with pytest.raises(UnreadableReference, match=r"plans\.json"):
        load_reference(copies)


def test_a_row_written_twice_is_named(copies):
    path = copies / "partners.json"
    listed = json.loads(path.read_text(encoding="utf-8"))
    listed["partners.Fund"].append(listed["partners.Fund"][0])
    path.write_text(json.dumps(listed), encoding="utf-8")

    with pytest.raises(UnreadableReference, match=r"18 \(JAIF\): the same row stands"):
        load_reference(copies)


def test_the_command_says_what_it_did(reference):
    out = StringIO()

    call_command("load_reference", stdout=out)

    assert out.getvalue().strip() == (
        "Reference data: 0 rows added, 0 changed, 0 fields kept as users changed them."
    )


def test_the_command_refuses_in_one_line(monkeypatch, copies):
    edit(copies, "plans.json", "workplans.WorkPlan", "IAI-III", titel="Work Plan")
    monkeypatch.setattr(
        "aseanpm.management.commands.load_reference.load_reference",
        lambda: load_reference(copies),
    )

    with pytest.raises(CommandError, match="titel"):
        call_command("load_reference")
