"""Two partners that are one: every figure counts them once, on both clocks."""

from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from aseanpm import effects, writing
from aseanpm.facts import end_of_day, ledger_entry
from aseanpm.undo import undo
from partners import merging
from partners.models import (
    FundOwnership,
    Organisation,
    OrganisationAlias,
    Partner,
    PartnerAlias,
    User,
)
from projects import actions
from projects.models import Funding, MoneyEntry, Project, ProjectOrganisation
from projects.progress import funding_count
from tests import make
from tests.reading import Form
from workplans.models import Attendance, PartnerStatement, PublishedFigure

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor():
    return make.user("editor", name="Edith")


@pytest.fixture
def merged(editor):
    """merged(gone, kept): the entry of the merge."""

    def merge(gone, kept):
        with ledger_entry(editor, what="Merged", reason="One embassy") as entry:
            merging.merge(gone=gone, kept=kept, entry=entry)
            entry.can_be_undone = True
        return entry

    return merge


def join(project, code, on, *, leaves=False):
    delta = -1 if leaves else 1
    fact = Funding(
        project=project,
        partner=make.partner(code),
        effective_on=make.day(on),
        delta=delta,
    )
    return actions.record(fact=fact)


def funders(day=None, known=None):
    """{set of codes: projects} of what counts on a day, as known at a moment."""
    projects = Project.objects.as_of(day and make.day(day), known)
    return {
        "+".join(one.partners): one.projects
        for one in funding_count(projects.counted()).combinations
    }


def standing(project):
    """[(code, delta, day)] of what is on record now."""
    facts = Funding.objects.known().filter(project=project)
    return [
        (fact.partner.code, fact.delta, fact.effective_on.isoformat())
        for fact in facts.order_by("effective_on", "day_order")
    ]


def audit():
    """Raises where the second path finds another figure; returns what was printed."""
    said = StringIO()
    call_command("audit_figures", stdout=said)
    return said.getvalue()


# Facts


def test_what_one_funded_is_funded_by_the_other_on_every_date(merged):
    make.project(on="2021-05-01", funders=["XX"])
    make.project(on="2022-05-01", funders=["JP"])

    merged(make.partner("XX"), make.partner("JP"))

    assert funders() == {"JP": 2}
    assert funders("2021-12-31") == {"JP": 1}
    assert funders("2022-12-31", end_of_day(make.day("2021-12-31"))) == {"JP": 1}
    assert "No figure differs" in audit()


def test_a_project_of_both_counts_once_on_both_clocks(merged):
    project = make.project(on="2021-05-01", funders=["XX"])
    join(project, "JP", "2022-06-01")

    merged(make.partner("XX"), make.partner("JP"))

    assert funders() == funders("2021-06-01") == {"JP": 1}
    assert funders("2022-12-31", end_of_day(make.day("2021-12-31"))) == {"JP": 1}
    assert standing(project) == [("JP", 1, "2021-05-01")]
    assert "No figure differs" in audit()


def test_who_left_as_one_and_stayed_as_the_other_stays(merged):
    project = make.project(on="2021-05-01", funders=["XX"])
    join(project, "JP", "2022-01-01")
    join(project, "XX", "2022-06-01", leaves=True)
    join(project, "JP", "2023-01-01", leaves=True)

    merged(make.partner("XX"), make.partner("JP"))

    assert standing(project) == [("JP", 1, "2021-05-01"), ("JP", -1, "2023-01-01")]
    assert funders("2022-12-31") == {"JP": 1}
    assert funders("2023-06-01") == {"": 1}


def test_who_left_as_one_before_joining_as_the_other_was_out_between(merged):
    project = make.project(on="2021-05-01", funders=["XX"])
    join(project, "XX", "2021-08-01", leaves=True)
    join(project, "JP", "2022-01-01")

    merged(make.partner("XX"), make.partner("JP"))

    assert len(standing(project)) == 3
    assert funders("2021-10-01") == {"": 1}
    assert funders("2022-02-01") == {"JP": 1}


def test_the_reason_of_a_withdrawal_names_the_merge(merged):
    project = make.project(on="2021-05-01", funders=["XX"])
    join(project, "JP", "2022-06-01")

    merged(make.partner("XX"), make.partner("JP"))

    gone = Funding.objects.get(withdrawn_at__isnull=False)
    assert gone.withdrawal_reason == "XX was merged into JP, which has it already."


def test_money_and_the_copies_of_projects_follow(merged):
    project = make.project(funders=["XX"])
    make.money(project, "500", kind="committed", partner="XX")

    entry = merged(make.partner("XX"), make.partner("JP"))

    project.refresh_from_db()
    assert project.current_funders == "JP"
    assert project.changed_at == entry.recorded_at
    assert MoneyEntry.objects.get(kind="committed").partner.code == "JP"


def test_funds_and_their_facts_agree_after_a_merge(merged):
    fund = make.fund("XFUND", "XX")
    project = make.project()
    fact = Funding(
        project=project,
        partner=make.partner("XX"),
        fund=fund,
        effective_on=make.day("2022-02-01"),
    )
    actions.record(fact=fact)

    merged(make.partner("XX"), make.partner("JP"))
    corrected = actions.correct(fact=Funding.objects.get(), note="seen", reason="typo")

    assert (corrected.partner.code, corrected.fund.code) == ("JP", "XFUND")
    assert FundOwnership.objects.get().partner.code == "JP"


def test_a_fund_that_both_owned_from_one_day_keeps_the_longer_ownership(merged):
    fund = make.fund("XFUND", "XX")
    FundOwnership.objects.update(valid_until=make.day("2022-12-31"))
    own = FundOwnership.objects.create(fund=fund, partner=make.partner("JP"))
    writing_end = make.day("2020-12-31")
    FundOwnership.objects.filter(pk=own.pk).update(valid_until=writing_end)

    merged(make.partner("XX"), make.partner("JP"))

    [held] = FundOwnership.objects.all()
    assert (held.partner.code, held.valid_until) == ("JP", make.day("2022-12-31"))


# Other rows


def test_a_meeting_that_both_attended_was_attended_once(merged):
    meeting, other = make.meeting(), make.meeting("IAI-TF-69", "2023-03-01")
    for code in ("XX", "JP"):
        Attendance.objects.create(
            meeting=meeting, partner=make.partner(code), capacity="partner"
        )
    Attendance.objects.create(
        meeting=other, partner=make.partner("XX"), capacity="observer"
    )

    merged(make.partner("XX"), make.partner("JP"))

    assert sorted(
        Attendance.objects.values_list("meeting__code", "partner__code", "capacity")
    ) == [("IAI-TF-68", "JP", "partner"), ("IAI-TF-69", "JP", "observer")]


def test_statements_users_and_printed_figures_follow(merged):
    xx, jp = make.partner("XX"), make.partner("JP")
    PartnerStatement.objects.create(meeting=make.meeting(), partner=xx, text="We pay.")
    user = make.user("partner", partner="XX")
    about = make.figure(partner=xx, metric="projects", value=3)
    named = make.figure(metric="funder_amount", value=3, funder=xx)
    together = make.figure(value=2, combination="SG+XX", part_of=named)

    merged(xx, jp)

    user.refresh_from_db()
    assert user.partner.code == "JP"
    assert PartnerStatement.objects.get().partner.code == "JP"
    figures = PublishedFigure.objects.in_bulk([about.pk, named.pk, together.pk])
    assert figures[about.pk].partner.code == "JP"
    assert figures[named.pk].funder.code == "JP"
    assert figures[together.pk].combination == "JP+SG"
    assert figures[together.pk].history.first().history_change_reason == "One embassy"


def test_a_code_within_another_is_not_taken_for_it(merged):
    figure = make.figure(value=2, combination="SG+XXL")

    merged(make.partner("XX"), make.partner("JP"))

    figure.refresh_from_db()
    assert figure.combination == "SG+XXL"


def test_the_country_goes_over_where_the_other_has_none(merged):
    merged(make.partner("XX", country=make.country("SG")), make.partner("JP"))

    assert make.partner("JP").country.code == "SG"


def test_two_countries_are_not_one_funder(merged):
    xx = make.partner("XX", country=make.country("SG"))
    vn = make.partner("VN", country=make.country("VN"))

    with pytest.raises(ValidationError, match="two countries are not one funder"):
        merged(xx, vn)

    assert Partner.objects.filter(code="XX").exists()


@pytest.mark.parametrize(
    ("gone", "kept", "sentence"),
    [
        ("XX", "XX", "Choose another partner than itself."),
        ("YY", "JP", "Partner YY was merged into Partner SG before."),
        ("JP", "YY", "Partner YY was merged into Partner SG. Choose that one."),
    ],
)
def test_what_cannot_be_merged_is_said(merged, gone, kept, sentence):
    make.partner("XX")
    merged(make.partner("YY"), make.partner("SG"))
    every = {row.code: row for row in Partner._base_manager.all()}
    make.partner("JP")
    every["JP"] = make.partner("JP")

    with pytest.raises(ValidationError) as refused:
        merged(every[gone], every[kept])

    assert refused.value.messages == [sentence]


def test_nothing_may_stand_once_of_a_funder_that_merging_forgets():
    """Each rule that names a partner or organisation is known to `merging.ONCE`."""
    rules = set()
    for model in (Partner, Organisation):
        for relation in merging.relations(model()):
            for rule in relation.related_model._meta.constraints:
                fields = set(getattr(rule, "fields", ()))
                if relation.field.name in fields:
                    accessor = relation.get_accessor_name()
                    rules.add((accessor, *sorted(fields - {relation.field.name})))

    assert rules == {
        ("attendances", "meeting"),
        ("ownerships", "fund", "valid_from"),
        ("ownerships", "fund"),
        ("projects", "project", "role"),
    }


# Names


def test_old_code_name_and_aliases_mean_the_one_that_is_kept(merged):
    xx = make.partner("XX", name="Nippon", name_translations={"vi": "Nhật Bản"})
    PartnerAlias.objects.create(partner=xx, name="Land of the sun")

    merged(xx, make.partner("JP"))

    for text in ("xx", "XX", "nippon", "Nhật Bản", "Land of the sun", "jp"):
        assert [row.code for row in Partner.objects.named(text)] == ["JP"], text
    assert sorted(PartnerAlias.objects.values_list("partner__code", "name")) == [
        ("JP", "Land of the sun"),
        ("JP", "Nhật Bản"),
        ("JP", "Nippon"),
        ("JP", "XX"),
    ]


def test_a_name_of_a_third_makes_no_alias(merged):
    make.partner("KR", name="Nippon")

    merged(make.partner("XX", name="Nippon"), make.partner("JP"))

    assert list(PartnerAlias.objects.values_list("name", flat=True)) == ["XX"]


def test_merged_twice_leads_to_the_last(merged):
    merged(make.partner("XX"), make.partner("YY"))
    merged(make.partner("YY"), make.partner("JP"))

    assert [row.code for row in Partner.objects.named("XX")] == ["JP"]
    assert [row.code for row in Partner.objects.of_code("XX")] == ["JP"]


def test_a_merged_code_is_not_given_again(merged):
    merged(make.partner("XX"), make.partner("JP"))

    with pytest.raises(ValidationError) as refused, ledger_entry():
        writing.create(Partner(code="XX", name="Another", kind="dialogue"))

    assert refused.value.message_dict == {
        "code": ["This was the code of Partner XX, merged into Partner JP."]
    }


def test_a_form_opened_before_the_merge_cannot_name_what_is_gone(merged):
    project, gone = make.project(), make.partner("XX")
    merged(Partner.objects.get(code="XX"), make.partner("JP"))

    with pytest.raises(ValidationError) as refused:
        actions.record(
            fact=Funding(
                project=project, partner=gone, effective_on=make.day("2022-02-02")
            )
        )

    assert refused.value.message_dict == {
        "partner": ["“Partner XX” was merged into “Partner JP”: name that."]
    }


# Undo


def test_undo_gives_everything_back(merged, editor):
    xx, jp = make.partner("XX", country=make.country("SG")), make.partner("JP")
    project = make.project(on="2021-05-01", funders=["XX"])
    join(project, "JP", "2022-06-01")
    alone = make.project(on="2021-05-01", funders=["XX"])
    make.money(project, "500", kind="committed", partner="XX")
    fund = make.fund("XFUND", "XX")
    for partner in (xx, jp):
        Attendance.objects.create(
            meeting=make.meeting(), partner=partner, capacity="partner"
        )
    figure = make.figure(value=2, combination="SG+XX")

    undo(entry=merged(xx, jp), by=editor)

    for row in (project, alone, figure):
        row.refresh_from_db()
    assert standing(project) == [("XX", 1, "2021-05-01"), ("JP", 1, "2022-06-01")]
    assert (project.current_funders, alone.current_funders) == ("JP+XX", "XX")
    assert funders() == {"JP+XX": 1, "XX": 1}
    assert MoneyEntry.objects.get(kind="committed").partner.code == "XX"
    assert fund.ownerships.get().partner.code == "XX"
    assert Attendance.objects.count() == 2
    assert figure.combination == "SG+XX"
    assert make.partner("XX").country.code == "SG"
    assert make.partner("JP").country is None
    assert not PartnerAlias.objects.exists()
    assert "No figure differs" in audit()


def test_undo_is_refused_once_a_turned_fact_was_corrected(merged, editor):
    make.project(on="2021-05-01", funders=["XX"])
    entry = merged(make.partner("XX"), make.partner("JP"))
    fact = Funding.objects.get()
    with ledger_entry(editor) as after:
        actions.correct(fact=fact, note="seen", reason="typo", entry=after)

    with pytest.raises(ValidationError, match="was changed after that by Edith"):
        undo(entry=entry, by=editor)


def test_undo_is_refused_once_the_one_left_what_the_other_joined(merged, editor):
    project = make.project(on="2021-05-01", funders=["XX"])
    entry = merged(make.partner("XX"), make.partner("JP"))
    join(project, "JP", "2023-01-01", leaves=True)

    with pytest.raises(ValidationError, match="leaves only what it joined"):
        undo(entry=entry, by=editor)

    assert Funding.objects.filter(partner__code="XX").count() == 0


def test_a_merge_is_done_again_by_hand_only(merged, editor):
    undone = undo(entry=merged(make.partner("XX"), make.partner("JP")), by=editor)

    with pytest.raises(ValidationError, match="cannot be undone"):
        undo(entry=undone, by=editor)


# Organisations


def test_organisations_merge_with_their_parts_in_projects(merged, editor):
    gone, kept = make.organisation("MI-2"), make.organisation("MI")
    OrganisationAlias.objects.create(organisation=gone, name="Mekong Inst.")
    both, one = make.project(), make.project()
    for project, organisation in ((both, gone), (both, kept), (one, gone)):
        ProjectOrganisation.objects.create(
            project=project, organisation=organisation, role="proponent"
        )

    entry = merged(gone, kept)

    assert sorted(
        ProjectOrganisation.objects.values_list("project__code", "organisation__code")
    ) == sorted([(both.code, "MI"), (one.code, "MI")])
    for text in ("MI-2", "Mekong Inst.", "Organisation MI-2"):
        assert [row.code for row in Organisation.objects.named(text)] == ["MI"]

    undo(entry=entry, by=editor)

    assert ProjectOrganisation.objects.filter(organisation=gone).count() == 2
    assert Organisation.objects.count() == 2


# Pages and API


def choose(client, gone="XX", kept="JP", **query):
    return client.get(f"/partners/{gone}/merge/", {"into": kept, **query})


def send(client, page, gone="XX", reason="One embassy"):
    """Send the form of a page as a browser does, with what is hidden in it."""
    data = Form(page.content.decode()).filled(reason=reason)
    return client.post(f"/partners/{gone}/merge/", data)


def test_the_preview_tells_what_will_happen_and_writes_nothing(sign_in, editor):
    project = make.project(on="2021-05-01", funders=["XX"])
    join(project, "JP", "2022-06-01")
    make.money(project, "500", kind="committed", partner="XX")

    page = choose(sign_in(editor)).content.decode()

    assert "Merge Partner XX into Partner JP" in page
    assert "Fundings" in page
    assert "Money entries" in page
    assert "is withdrawn" in page
    assert "<b>XX</b>" in page
    assert Partner.objects.filter(code="XX").exists()
    assert Funding.objects.known().count() == 2


def test_the_preview_names_users_to_administrators_alone(sign_in, editor):
    make.user("partner", partner="XX", name="Some Body")
    make.partner("JP")

    ours = choose(sign_in(editor)).content.decode()
    theirs = choose(sign_in(make.user("administrator"))).content.decode()

    assert "Users" in ours
    assert "Some Body" not in ours
    assert "Some Body" in theirs


def test_the_preview_tells_of_figures_about_combinations(sign_in, editor):
    make.partner("XX"), make.partner("JP")
    make.figure(value=2, combination="SG+XX", code="figure-together")
    make.figure(value=2, combination="SG+XXL", code="figure-other")

    page = choose(sign_in(editor)).content.decode()

    assert "figure-together" in page
    assert "figure-other" not in page


def test_a_partner_is_merged_and_undone_from_the_page(sign_in, editor):
    client = sign_in(editor)
    make.project(on="2021-05-01", funders=["XX"])
    make.partner("JP")

    done = send(client, choose(client))
    page = client.get(done.url).content.decode()

    assert done.url == "/partners/JP/"
    assert "Partner XX was merged into Partner JP." in page
    assert "Undo" in page
    assert funders() == {"JP": 1}

    sequence = page.partition("/undo/")[2].partition("/")[0]
    client.post(f"/undo/{sequence}/")

    assert funders() == {"XX": 1}


def test_figures_that_the_merge_moves_are_told_before(sign_in, editor):
    make.figure(metric="projects", value=1, combination="JP", as_of="2022-09-22")
    make.project(on="2022-01-10", funders=["XX"])
    make.partner("JP")

    page = choose(sign_in(editor)).content.decode()

    assert "IAI-IV on 22 September 2022</a>: 0 → <b>1</b> project: JP" in page


def test_sending_the_merge_twice_merges_once(sign_in, editor):
    client = sign_in(editor)
    make.partner("XX"), make.partner("JP")
    page = choose(client)

    first, second = send(client, page), send(client, page)

    assert (first.status_code, second.status_code) == (302, 302)
    assert second.url == "/partners/JP/"


def test_a_merge_without_a_reason_is_sent_back(sign_in, editor):
    client = sign_in(editor)
    make.partner("XX"), make.partner("JP")

    page = send(client, choose(client), reason="")

    assert page.status_code == 400
    assert "This field is required." in page.content.decode()
    assert Partner.objects.filter(code="XX").exists()


def test_figures_that_move_are_told_again_where_the_reason_is_left_out(sign_in, editor):
    client = sign_in(editor)
    make.figure(metric="projects", value=1, combination="JP", as_of="2022-09-22")
    make.project(on="2022-01-10", funders=["XX"])
    make.partner("JP")
    seen = choose(client)

    page = send(client, seen, reason="")

    assert page.status_code == 400
    assert "IAI-IV on 22 September 2022</a>: 0 → <b>1</b>" in page.content.decode()
    assert "No figure in print and none of today moves" not in page.content.decode()
    assert send(client, page).status_code == 302


def test_a_figure_that_goes_is_said_not_to_be_shown(sign_in, editor, monkeypatch):
    def told(user, since):
        there = Partner.objects.filter(code="XX").exists()
        one = effects.Told("Projects of XX", "0", "projects", "/")
        return {(False, "XX"): one} if there else {}

    monkeypatch.setattr(effects, "TELLERS", [told])
    make.partner("XX"), make.partner("JP")

    page = choose(sign_in(editor)).content.decode()

    assert "Projects of XX</a>: 0 → <b>not shown</b></li>" in page


def test_a_figure_of_one_is_told_in_the_singular(sign_in, editor, monkeypatch):
    def told(user, since):
        there = Partner.objects.filter(code="XX").exists()
        words = ("1", "0") if there else ("0", "1")
        return {
            (False, noun): effects.Told(noun, word, noun, "/")
            for noun, word in zip(
                ("projects approved", "action lines"), words, strict=True
            )
        }

    monkeypatch.setattr(effects, "TELLERS", [told])
    make.partner("XX"), make.partner("JP")

    page = choose(sign_in(editor)).content.decode()

    assert "1 → <b>0</b> projects approved" in page
    assert "0 → <b>1</b> action line<" in page


def test_the_kinds_of_the_two_are_told_as_they_are_called(sign_in, editor):
    make.partner("XX", kind="member_state"), make.partner("JP", kind="dialogue")

    page = choose(sign_in(editor)).content.decode()

    assert "was “ASEAN member state”." in page


def test_two_countries_are_refused_on_the_page(sign_in, editor):
    make.partner("XX", country=make.country("SG"))
    make.partner("VN", country=make.country("VN"))

    page = choose(sign_in(editor), kept="VN")

    assert page.status_code == 400
    assert "two countries are not one funder" in page.content.decode()


def test_the_old_address_leads_to_the_one_that_is_kept(client, merged):
    merged(make.partner("XX", name="Nippon"), make.partner("JP"))

    answer = client.get("/partners/XX/", {"as_of": "2022-01-01"})

    assert (answer.status_code, answer.url) == (302, "/partners/JP/?as_of=2022-01-01")
    page = client.get("/partners/JP/").content.decode()
    assert "Nippon (XX) was merged into it" in page


def test_the_api_answers_the_old_code_with_the_one_that_is_kept(api, merged):
    merged(make.partner("XX"), make.partner("JP"))

    assert api().get("/api/v1/partners/XX/").json()["code"] == "JP"


def test_lists_choices_and_api_leave_out_what_was_merged(api, client, merged):
    gone = make.partner("XX", name="Nippon")
    project = make.project(on="2021-05-01", funders=["XX"])
    merged(gone, make.partner("JP"))

    listed = api().get("/api/v1/partners/").json()["results"]
    choices = client.get("/projects/").content.decode()
    found = api().get("/api/v1/projects/", {"partner": "Nippon"}).json()["results"]
    exact = api().get("/api/v1/projects/", {"combination": "XX"}).json()["results"]

    assert [row["code"] for row in listed] == ["JP"]
    assert "Nippon" not in choices
    assert [row["code"] for row in found] == [project.code]
    assert [row["code"] for row in exact] == [project.code]


def test_reconciliation_counts_for_the_one_that_is_kept(client, merged):
    make.figure(metric="projects", value=1, combination="XX", as_of="2022-09-22")
    make.project(on="2022-01-10", funders=["XX"])

    merged(make.partner("XX"), make.partner("JP"))
    rows = client.get("/api/v1/reconciliation/").json()["results"]

    assert [(row["printed"], row["against"]) for row in rows] == [("1", "1")]


def test_only_the_secretariat_merges(sign_in):
    make.partner("XX"), make.partner("JP")

    answers = [
        choose(sign_in(make.user(role, **own))).status_code
        for role, own in (
            ("reader", {}),
            ("partner", {"partner": "JP"}),
            ("coordinator", {"country": "VN"}),
            ("editor", {}),
            ("administrator", {}),
        )
    ]

    assert answers == [403, 403, 403, 200, 200]


def test_a_preview_costs_the_same_for_many_records(sign_in, editor, queries):
    client = sign_in(editor)
    make.partner("JP")
    make.project(on="2021-05-01", funders=["XX"])
    few = queries(lambda: choose(client))
    for _ in range(6):
        make.project(on="2021-05-01", funders=["XX"])

    assert queries(lambda: choose(client)) <= few + 6 * 5


def test_no_role_is_lost_by_a_merge(merged):
    user = make.user("partner", partner="XX")

    merged(make.partner("XX"), make.partner("JP"))

    assert User.objects.get(pk=user.pk).role == "partner"
