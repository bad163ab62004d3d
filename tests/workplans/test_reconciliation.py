import re
from decimal import Decimal

import pytest
from django.urls import reverse

from aseanpm.facts import Clock
from tests import make
from workplans.reconciliation import Computed, judge, meets, reconcile

pytestmark = pytest.mark.django_db

API = "/api/v1/reconciliation/"


def rows(day=None, user=None, known_at=None):
    clock = Clock(make.day(day), known_at and make.moment(known_at))
    return reconcile(user, clock)


def only(found):
    (row,) = found
    return row


def checked(check, **where):
    return [row for row in rows(**where) if row.check == check]


def verdicts(check):
    return [
        (row.printed, row.against, row.verdict) for row in rows() if row.check == check
    ]


def total(value, on, number=None, *, plan=None, moment="closing", **fields):
    meeting = number and make.meeting(f"IAI-TF-{number}", on)
    return make.figure(
        value=value, as_of=on, plan=plan, meeting=meeting, moment=moment, **fields
    )


def with_funders(value, on, **funders):
    figure = make.figure(value=value, as_of=on)
    for codes, number in funders.items():
        make.figure(
            value=number,
            as_of=on,
            part_of=figure,
            combination=codes.replace("_", "+"),
        )
    return figure


# Qualifiers


@pytest.mark.parametrize(
    ("qualifier", "printed", "found", "agrees"),
    [
        ("exact", "46", "46", True),
        ("exact", "50", "49", False),
        ("nearly", "10000000", "9499999.99", False),
        ("nearly", "10000000", "9500000", True),
        ("nearly", "10000000", "10000000", True),
        ("nearly", "10000000", "10000000.01", False),
        ("more_than", "8000000", "8000000", False),
        ("more_than", "8000000", "8000000.01", True),
        ("over", "8000000", "8400000", True),
        ("over", "8000000", "8400000.01", False),
        ("approximately", "100", "95", True),
        ("approximately", "100", "105", True),
        ("approximately", "100", "94.99", False),
        ("approximately", "100", "105.01", False),
    ],
)
def test_a_qualifier_says_what_still_agrees(qualifier, printed, found, agrees):
    assert meets(qualifier, Decimal(printed), Decimal(found)) == agrees


@pytest.mark.parametrize(
    ("printed", "unit", "found", "agrees"),
    [
        ("8280000", "USD", "8275000", True),
        ("8280000", "USD", "8274999.99", False),
        ("8280000", "USD", "8284999.99", True),
        ("8280000", "USD", "8285000", False),
        ("24800000", "USD", "24849999", True),
        ("24800000", "USD", "24850000", False),
        ("70.8", "%", "70.84", True),
        ("70.8", "%", "70.85", False),
        ("100", "", "101", False),
    ],
)
def test_exact_means_to_the_last_place_that_is_printed(printed, unit, found, agrees):
    assert meets("exact", Decimal(printed), Decimal(found), unit) == agrees


def test_a_difference_is_told_with_its_size():
    verdict, reason = judge("exact", Decimal(46), "", Computed(value=45))

    assert (verdict, reason) == ("differs", "The records hold 1 less.")


# Print beside the records


def test_a_figure_agrees_with_the_records_of_its_day():
    make.project(on="2022-01-10")
    make.project(on="2022-09-22")
    make.project(on="2022-09-23")
    make.figure(value=2, as_of="2022-09-22")

    row = only(rows())

    assert (row.verdict, row.against, row.difference) == ("agrees", 2, 0)


def test_an_opening_figure_is_computed_on_the_eve():
    make.project(on="2022-01-10")
    make.project(on="2022-09-22")
    make.figure(value=1, as_of="2022-09-22", moment="opening")

    assert only(rows()).verdict == "agrees"


def test_a_month_is_computed_at_its_end():
    make.project(on="2021-09-30")
    make.figure(value=1, as_of="2021-09-30", precision="month")

    row = only(rows())

    assert (row.verdict, row.on_shown) == ("agrees", "2021-09")


def test_what_was_known_at_a_moment_is_asked_for():
    make.project(on="2022-01-10")
    make.project(on="2022-01-10", known="2022-12-01")
    make.figure(value=2, as_of="2022-09-22")

    assert only(rows(known_at="2022-10-01")).against == 1
    assert only(rows(known_at="2022-12-31")).against == 2


def test_figures_printed_later_are_not_told():
    make.project()
    make.figure(as_of="2022-09-22")

    assert rows(day="2022-09-21") == []


def test_agreement_of_generated_records_proves_nothing():
    make.project(is_illustrative=True)
    make.project()
    make.figure(value=2)

    row = only(rows())

    assert (row.verdict, row.computed.illustrative) == ("generated", 1)
    assert "generated to meet this figure: agreement proves nothing" in row.reason


def test_each_metric_is_made_from_its_own_records():
    line, other = make.line(), make.line()
    meeting = make.meeting("IAI-TF-68", "2022-09-22")
    shared = {"line": line, "on": "2022-09-01"}
    first = make.project(funders=["SG"], budget="100000", **shared)
    second = make.project(
        funders=["JP", "SG"], budget="250000", meeting=meeting, **shared
    )
    make.money(first, "70000", kind="committed", partner="SG", on="2022-09-01")
    make.money(second, "200000", kind="committed", partner="JP", on="2022-09-01")
    make.money(second, "30000", kind="committed", partner="SG", on="2022-09-01")
    make.project(status="concept", line=other, on="2022-09-01")
    make.project(status="carried_over", line=line, on="2022-09-01")
    for metric, value, fields in [
        ("action_lines_implemented", 1, {"of_total": 24}),
        ("action_lines_percent", "4.2", {"unit": "%"}),
        ("initiatives_in_preparation", 1, {}),
        ("projects", 2, {}),
        ("projects", 1, {"combination": "JP+SG"}),
        ("projects", 1, {"group": "asean_only"}),
        ("projects_in_pipeline", 1, {}),
        ("carried_over_to_next_plan", 1, {}),
        ("projects_approved_at_meeting", 1, {"meeting": meeting}),
        ("budget", 350000, {"unit": "USD"}),
        ("partner_projects", 1, {}),
        ("partner_budget", 250000, {"unit": "USD"}),
        ("partner_commitments", 230000, {"unit": "USD"}),
        ("funder_amount", 200000, {"unit": "USD", "funder": make.partner("JP")}),
    ]:
        make.figure(metric=metric, value=Decimal(value), **fields)

    told = [(row.metric, row.verdict) for row in rows() if row.basis == "records"]

    assert {verdict for _, verdict in told} == {"agrees"}, told
    assert len(told) == 14


def test_what_has_no_records_is_not_computable_and_says_why():
    make.project()
    make.figure(metric="participants_trained", value=18000)
    make.figure(metric="dragons_seen", value=3)
    make.figure(metric="budget", value=5000000, unit="USD")
    make.figure(metric="enabling_actions_implemented", value=6)
    make.figure(metric="budget", value=5000000, unit="SGD")

    found = {row.reason: row.verdict for row in rows()}

    assert found == {
        "No records of training and its participants are kept.": "not_computable",
        "No rule says from which records this is made.": "not_computable",
        "No amount of these projects is on record (approved budget).": "not_computable",
        "No enabling actions of this plan are on record.": "not_computable",
        "Printed in SGD; sums are in US dollars.": "not_computable",
    }


def test_no_records_at_all_are_not_zero():
    make.project(status=None, attested_on=make.day("2020-01-01"))
    make.figure(value=46)
    make.meeting("IAI-TF-60", "2020-02-28", approvals_in_print=6)

    found = rows()

    assert [(row.verdict, row.against) for row in found] == [
        ("not_computable", None)
    ] * 2


def test_a_figure_without_a_source_begins_with_its_meeting(client):
    make.figure(meeting=make.meeting("IAI-TF-81"), as_of="2022-09-22")

    html = client.get("/reconciliation/").content.decode()

    below = re.findall(r'<span class="sub muted">(.*?)</span>', html)
    assert any(one.startswith("<a") and "81st" in one for one in below), below


def test_approvals_of_a_meeting_are_counted_beside_print():
    meeting = make.meeting("IAI-TF-60", "2020-02-28", approvals_in_print=6)
    make.project(on="2020-02-28", meeting=meeting)
    make.project(on="2020-02-28")

    row = only(rows())

    assert (row.printed, row.against, row.verdict) == (6, 1, "differs")


def test_unpublished_records_are_not_told_to_a_visitor():
    make.project()
    make.project(is_published=False)
    make.figure(value=2)

    assert only(rows()).against == 1
    assert only(rows(user=make.user("editor"))).against == 2


# Print beside print


def test_funders_that_do_not_add_up_are_found_unaided():
    with_funders(46, "2022-06-15", SG=39, JP=4, AU=1, JP_SG=1)
    with_funders(50, "2022-09-22", SG=39, JP=4, AU=2, KR=1, EU=1, CN=1, JP_SG=1)
    with_funders(17, "2021-03-25", SG=16, JP=1)

    assert verdicts("parts") == [
        (17, 17, "consistent"),
        (46, 45, "contradiction"),
        (50, 49, "contradiction"),
    ]
    assert "Funders add up to 45 of 46" in checked("parts")[1].reason


def test_groups_add_up_and_funders_beside_them_need_not():
    figure = with_funders(103, "2020-02-28", SG=72, JP=6)
    for group, number in (("asean_only", 75), ("any_outside_asean", 28)):
        make.figure(value=number, as_of="2020-02-28", part_of=figure, group=group)

    assert verdicts("parts") == [(103, 103, "consistent")]


def budget_of(value, on, number, **fields):
    total(number, on, moment=fields.get("moment", "closing"))
    make.figure(metric="budget", value=value, as_of=on, unit="USD", **fields)


def test_projects_that_became_many_times_dearer_are_found():
    budget_of(3_370_000, "2022-06-15", 36, moment="opening")
    budget_of(4_870_000, "2022-09-22", 46, moment="opening")
    budget_of(10_000_000, "2022-09-22", 50, qualifier="nearly")

    found = checked("money_per_project")

    assert [row.verdict for row in found] == ["consistent", "contradiction"]
    assert "USD 1.16 million for each of the 4 added" in found[1].reason
    assert "10.9 times the average before (USD 105,870" in found[1].reason


def test_the_threshold_is_five_times_the_average():
    budget_of(1_000_000, "2021-03-25", 10)
    budget_of(1_490_000, "2021-06-22", 11)
    budget_of(2_170_000, "2021-09-30", 12)

    found = [row.verdict for row in checked("money_per_project")]

    assert found == ["consistent", "contradiction"]


def test_money_without_a_further_project_is_found():
    budget_of(1_000_000, "2021-03-25", 10)
    budget_of(1_200_000, "2021-06-22", 10)

    assert "no further project" in only(checked("money_per_project")).reason


def test_lines_that_rise_while_projects_stand_still_are_found():
    lines = {"metric": "action_lines_implemented", "of_total": 24}
    make.figure(value=10, as_of="2022-06-15", **lines)
    make.figure(value=12, as_of="2022-09-22", **lines)
    make.figure(value=17, as_of="2025-03-05", **lines)
    total(46, "2022-06-15")
    total(46, "2022-09-22", moment="opening")
    total(50, "2022-09-22")
    total(99, "2025-03-05")

    found = checked("lines_without_projects")

    assert [(row.against, row.printed, row.verdict) for row in found] == [
        (10, 12, "contradiction"),
        (12, 17, "consistent"),
    ]
    assert "only the 4 approved there can have begun 2 lines" in found[0].reason


def test_one_percentage_for_two_things_is_found():
    percent = {"value": Decimal("70.8"), "unit": "%"}
    make.figure(metric="action_lines_percent", as_of="2025-03-05", **percent)
    make.figure(metric="completion_rate_as_reported", as_of="2025-08-11", **percent)
    for day in ("2021-06-22", "2021-07-31"):
        make.figure(
            metric="action_lines_implemented",
            value=23,
            as_of=day,
            of_total=26,
            percent=Decimal("88.5"),
        )

    row = only(checked("one_percentage"))

    assert row.reason == (
        "70.8% is printed as “action lines” (2025-03-05) "
        "and as “completion rate as reported” (2025-08-11)."
    )


@pytest.mark.parametrize(
    ("percent", "verdict"), [("73.1", "consistent"), ("73.0", "contradiction")]
)
def test_a_percentage_is_that_of_its_two_numbers(percent, verdict):
    make.figure(
        metric="action_lines_implemented",
        value=19,
        of_total=26,
        percent=Decimal(percent),
    )

    assert verdicts("percentage") == [(Decimal(percent), Decimal("73.1"), verdict)]


def approving(number, on, approvals):
    make.meeting(f"IAI-TF-{number}", on, approvals_in_print=approvals)


def test_approvals_stand_beside_the_rise_of_all_totals():
    fourth, third = make.plan("IAI-IV"), make.plan("IAI-III")
    approving(59, "2019-10-04", None)
    approving(60, "2020-02-28", 6)
    approving(63, "2021-03-25", 17)
    approving(64, "2021-06-22", 4)
    total(101, "2019-10-04", 59, plan=third)
    total(103, "2020-02-28", 60, plan=third)
    for day, number, totals in (
        ("2021-03-25", 63, (127, 17)),
        ("2021-06-22", 64, (133, 21)),
    ):
        for plan, value in zip((third, fourth), totals, strict=True):
            total(value, day, number, plan=plan)

    assert verdicts("approvals") == [
        (6, 2, "contradiction"),
        (4, 10, "contradiction"),
    ]


def test_approvals_of_meetings_without_a_total_are_added():
    approving(68, "2022-09-22", 4)
    approving(69, "2023-03-16", 17)
    approving(70, "2023-05-25", 7)
    approving(71, "2023-08-10", 1)
    total(46, "2022-09-22", 68, moment="opening")
    total(50, "2022-09-22", 68)
    total(75, "2023-08-10", 71)

    assert verdicts("approvals") == [(4, 4, "consistent"), (25, 25, "consistent")]


def test_a_missing_meeting_leaves_the_rise_unknown():
    approving(71, "2023-08-10", 1)
    approving(75, "2025-03-05", 4)
    total(75, "2023-08-10", 71)
    total(99, "2025-03-05", 75)

    assert verdicts("approvals") == []


def test_a_meeting_whose_approvals_are_not_known_breaks_the_chain():
    approving(68, "2022-09-22", 4)
    approving(69, "2023-03-16", None)
    approving(70, "2023-05-25", 7)
    total(50, "2022-09-22", 68)
    total(75, "2023-05-25", 70)

    assert verdicts("approvals") == []


# The page and the API


def test_the_page_and_the_api_tell_the_same(client, api):
    make.project()
    make.figure(value=1)
    make.figure(value=2, code="differing", as_of="2022-09-22")
    query = {"verdict": "differs"}

    page = client.get(reverse("workplans:reconciliation"), query)
    answer = api().get(API, query | {"count": 1}).json()

    assert 'data-total="1"' in page.content.decode()
    assert answer["count"] == 1
    assert answer["results"][0] | {"records": ""} == {
        "code": "differing",
        "plan": "IAI-IV",
        "scope": "IAI-IV",
        "metric": "projects",
        "as_of": "2022-09-22",
        "moment": "closing",
        "printed": "2",
        "qualifier": "exact",
        "unit": "",
        "against": "1",
        "basis": "records",
        "difference": "-1",
        "verdict": "differs",
        "reason": "The records hold 1 less.",
        "check": None,
        "combination": None,
        "group": None,
        "funder": None,
        "meeting": None,
        "sources": [],
        "illustrative_records": 0,
        "records": "",
    }


def test_a_computed_figure_opens_its_records_at_its_own_date(client):
    make.project(on="2022-09-21")
    make.project(on="2022-09-22")
    make.figure(value=1, as_of="2022-09-22", moment="opening")

    page = client.get(reverse("workplans:reconciliation")).content.decode()
    address = "/projects/?plan=IAI-IV&amp;stage=counted&amp;as_of=2022-09-21"

    assert f'href="{address}" data-figure="1"' in page
    listed = client.get(address.replace("&amp;", "&")).content.decode()
    assert 'data-total="1"' in listed


@pytest.mark.parametrize(("others", "figures"), [(None, 1), ("30000", 0)])
def test_an_amount_is_a_figure_where_its_list_repeats_it(client, others, figures):
    project = make.project(funders=["JP", "SG"])
    make.money(project, "200000", kind="committed", partner="JP")
    make.money(project, others, kind="committed", partner="SG")
    funder = {"unit": "USD", "funder": make.partner("JP")}
    make.figure(metric="funder_amount", value=200000, **funder)

    page = client.get(reverse("workplans:reconciliation")).content.decode()

    assert page.count('data-figure="200000.00"') == figures
    assert "partner=JP&amp;money=committed" in page


def test_each_result_of_the_summary_opens_as_many_comparisons(client):
    make.project()
    for value in (1, 1, 3):
        make.figure(value=value)

    page = client.get(reverse("workplans:reconciliation"))

    for result in page.context["summary"]:
        opened = client.get(result["of"].url).content.decode()
        assert f'data-total="{result["of"].count}"' in opened


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"verdict": "sure"}, "verdict"),
        ({"metric": "dragons"}, "metric"),
        ({"plan": "IAI-IX"}, "plan"),
        ({"basis": "hearsay"}, "basis"),
        ({"as_of": "2022-13-01"}, "as_of"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_read_is_named(client, api, query, named):
    page = client.get(reverse("workplans:reconciliation"), query)
    answer = api().get(API, query)

    assert page.status_code == answer.status_code == 400
    assert named in page.content.decode()
    assert answer.json()["errors"][0]["field"] == named


def test_an_empty_page_says_what_to_do(client):
    page = client.get(reverse("workplans:reconciliation")).content.decode()

    assert "load_reference" in page
    assert 'data-total="0"' in page


@pytest.mark.parametrize("address", ["/reconciliation/", API])
def test_it_takes_as_many_queries_for_many_projects(client, queries, address):
    make.figure(value=1)
    make.figure(metric="budget", value=100, unit="USD")
    make.project(funders=["SG"], budget="100")
    few = queries(lambda: client.get(address))
    for _ in range(5):
        make.project(funders=["SG", "JP"], line=make.line(), budget="100")

    assert queries(lambda: client.get(address)) == few
