import pytest

from aseanpm.facts import ledger_entry
from projects import actions
from projects.models import Project, StatusChange
from tests import make
from tests.reading import figures, without_addresses
from workplans.models import DeclaredTotal, PublishedFigure

pytestmark = pytest.mark.django_db

API = "/api/v1"


@pytest.fixture
def plan():
    """IAI-IV: one of 24 lines implemented by three projects, one in preparation."""
    plan = make.plan()
    area = make.area(plan=plan, title="Education", code="IAI-IV-EDU")
    line = make.line(area=area, code="IAI-IV-01", area_basis="assumed")
    other = make.line(area=area, code="IAI-IV-02", area_basis="assumed", title="")
    project = make.project(line=line, status="ongoing", funders=["SG"], budget="100000")
    make.money(project, "75000.10", kind="committed", partner="SG")
    make.project(line=line, funders=["JP", "SG"], budget="250000.50")
    make.project(line=line, on="2023-03-01")
    make.project(line=other, status="concept")
    return plan


@pytest.mark.parametrize(
    "clock", [{}, {"as_of": "2022-09-22"}, {"known_at": "2022-06-01"}]
)
def test_every_figure_of_a_plan_opens_the_list_that_it_counts(client, plan, clock):
    told = client.get(f"{API}/plans/IAI-IV/progress/", clock).json()
    missing = told["lines"]["not_loaded"]

    found = list(figures(told))

    assert len(found) > 20
    for number, address in found:
        counted = client.get(f"{address}&count=1").json()["count"]
        if "state=not_started" in address and "enabling" not in address:
            counted += missing
        assert counted == (number or 0), address


def test_a_permalink_tells_the_same_for_good(client, plan):
    told = client.get(f"{API}/plans/IAI-IV/progress/").json()
    before = client.get(told["permalink"]).json()
    concept = Project.objects.get(current_status="concept")
    for status in ("appraisal", "approved"):
        fact = StatusChange(
            project=concept,
            status=status,
            effective_on=make.day("2023-03-02"),
            by_circulation=status == "approved",
        )
        actions.record(fact=fact)

    after = client.get(told["permalink"]).json()
    now = client.get(f"{API}/plans/IAI-IV/progress/").json()

    assert after == before
    assert before["permalink"] == told["permalink"]
    assert without_addresses(before["projects"]) == without_addresses(told["projects"])
    assert without_addresses(before["funding"]) == without_addresses(told["funding"])
    assert now["projects"]["counted"] == before["projects"]["counted"] + 1
    assert now["permalink"] != told["permalink"]


def test_the_progress_of_a_plan_on_a_day(client, plan):
    answer = client.get(f"{API}/plans/IAI-IV/progress/", {"as_of": "2022-09-22"})

    told = answer.json()
    assert told.pop("permalink").startswith("http://testserver/api/v1/plans/IAI-IV/")
    assert without_addresses(told) == {
        "plan": "IAI-IV",
        "as_of": "2022-09-22",
        "known_at": None,
        "rule": {
            "counts_from": "approved",
            "text": "A project counts from approved.",
            "basis": "documented",
        },
        "lines": {
            "declared": 24,
            "implemented": 1,
            "of_which_all_projects_completed": 0,
            "in_preparation": 1,
            "not_started": 22,
            "percent": "4.2",
            "not_loaded": 22,
            "sentence": "1/24 action lines implemented (4.2%)",
        },
        "under_other_rules": {"approved": 1, "ongoing": 1, "completed": 0},
        "enabling_actions": {
            "implemented": None,
            "declared": None,
            "in_preparation": None,
            "not_started": None,
        },
        "projects": {
            "counted": 2,
            "by_status": {"approved": 1, "ongoing": 1},
            "pipeline": 1,
            "cancelled_after_approval": 0,
            "carried_over": 0,
            "line_not_recorded": 0,
            "on_enabling_actions": 0,
        },
        "money": {
            "approved_usd": "350000.50",
            "approved_in_kind_usd": None,
            "complete": 2,
            "partial": 0,
            "none": 0,
        },
        "funding": {
            "combinations": [
                {"partners": ["JP", "SG"], "projects": 1, "approved_usd": "250000.50"},
                {"partners": ["SG"], "projects": 1, "approved_usd": "100000.00"},
            ],
            "participations": [
                {"partner": "SG", "projects": 2},
                {"partner": "JP", "projects": 1},
            ],
            "overlaps": 1,
            "unattributed": 0,
            "groups": {
                "any_outside_asean": {
                    "projects": 1,
                    "approved_usd": "250000.50",
                    "committed_usd": None,
                },
                "asean_only": {
                    "projects": 1,
                    "approved_usd": "100000.00",
                    "committed_usd": "75000.10",
                },
                "none_recorded": {
                    "projects": 0,
                    "approved_usd": None,
                    "committed_usd": None,
                },
            },
        },
        "areas": [
            {
                "code": "IAI-IV-EDU",
                "title": "Education",
                "implemented": 1,
                "lines": None,
                "lines_assumed": 2,
                "projects": 2,
            }
        ],
        "illustrative_records": 0,
    }


def test_progress_as_it_was_known_at_a_moment(client, plan):
    late = make.line(plan=plan)
    make.project(line=late, on="2022-05-01", known="2024-01-10")
    asked = {"as_of": "2022-09-22"}

    def implemented(**clock):
        answer = client.get(f"{API}/plans/IAI-IV/progress/", asked | clock)
        return answer.json()["lines"]["implemented"]

    assert implemented(known_at="2023-12-31") == 1
    assert implemented(known_at="2024-01-10") == 2


def test_a_total_that_is_not_declared_leaves_no_percentage(client, plan):
    with ledger_entry() as entry:
        DeclaredTotal.objects.all().withdraw(entry, "Never declared")

    lines = client.get(f"{API}/plans/IAI-IV/progress/").json()["lines"]

    assert (lines["declared"], lines["percent"]) == (None, None)
    assert lines["sentence"] == "1 action lines implemented, total not declared"


def test_progress_counts_only_what_its_reader_may_see(client, api, plan):
    Project.objects.filter(current_status="ongoing").update(is_published=False)

    def counted(reader):
        answer = reader.get(f"{API}/plans/IAI-IV/progress/")
        return answer.json()["projects"]["counted"]

    assert counted(client) == 2
    assert counted(api(make.user("editor"))) == 3


def test_plans_tell_their_progress_in_the_list_as_in_full(client, plan):
    make.plan("IAI-III", declared=26)

    rows = client.get(f"{API}/plans/").json()["results"]
    whole = client.get(f"{API}/plans/IAI-IV/").json()

    assert [row["code"] for row in rows] == ["IAI-III", "IAI-IV"]
    assert rows[1]["lines"]["sentence"] == "1/24 action lines implemented (4.2%)"
    assert rows[1].items() <= whole.items()
    assert whole["declared"] == {"action_line": 24}
    assert whole["progress"] == f"http://testserver{API}/plans/IAI-IV/progress/"


def test_areas_of_a_plan(client, plan):
    make.area(plan=make.plan("IAI-III"))

    rows = client.get(f"{API}/areas/", {"plan": "IAI-IV"}).json()["results"]

    assert [(row["code"], row["plan"], row["lines"]) for row in rows] == [
        ("IAI-IV-EDU", "IAI-IV", None)
    ]


def test_lines_carry_their_state(client, plan):
    answer = client.get(f"{API}/lines/", {"plan": "IAI-IV", "count": "1"}).json()

    assert answer["count"] == 2
    assert [
        (row["code"], row["title"], row["state"], row["projects_counted"])
        for row in answer["results"]
    ] == [
        ("IAI-IV-01", plan.lines.get(code="IAI-IV-01").title, "implemented", 3),
        ("IAI-IV-02", "", "in_preparation", 0),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "implemented"},
        {"state": "in_preparation", "as_of": "2022-01-10"},
        {"state": "implemented", "rule": "completed"},
        {"area": "IAI-IV-EDU", "kind": "action_line"},
        {"all_completed": "true"},
    ],
)
def test_page_and_list_show_the_same_lines(client, plan, asked):
    page = client.get("/lines/", asked)
    rows = client.get(f"{API}/lines/", asked).json()["results"]

    assert [row["line"].code for row in page.context["rows"]] == [
        row["code"] for row in rows
    ]


def test_lines_are_paged_by_cursor(client, plan):
    first = client.get(f"{API}/lines/", {"limit": "1"}).json()
    second = client.get(first["next"]).json()

    assert [row["code"] for row in first["results"]] == ["IAI-IV-01"]
    assert [row["code"] for row in second["results"]] == ["IAI-IV-02"]
    assert second["next"] is None


def test_a_line_in_full(client, plan):
    whole = client.get(f"{API}/lines/IAI-IV-01/").json()

    assert whole["state"] == "implemented"
    assert whole["area_basis"] == "assumed"
    assert whole["referring_projects"] == []


def test_meetings_tell_approvals_on_record_beside_print(client, plan):
    meeting = make.meeting(approvals_in_print=4)
    line = plan.lines.get(code="IAI-IV-01")
    make.project(line=line, on="2022-09-22", meeting=meeting)

    rows = client.get(f"{API}/meetings/").json()["results"]
    earlier = client.get(f"{API}/meetings/", {"as_of": "2022-09-21"}).json()

    row = rows[0]
    assert (row["approvals_in_print"], row["approvals_on_record"]) == (4, 1)
    assert (row["name"], row["is_held"]) == ("68th IAI Task Force", True)
    assert earlier["results"] == []


def test_published_figures_come_with_qualifier_and_breakdown(client, plan):
    figure = make.figure(plan=plan, value=50, qualifier="nearly", code="figure")
    PublishedFigure.objects.create(
        code="part",
        plan=plan,
        metric="projects",
        value=39,
        as_of=figure.as_of,
        part_of=figure,
        combination="SG",
    )

    rows = client.get(f"{API}/figures/", {"plan": "IAI-IV"}).json()["results"]

    assert [(row["value"], row["qualifier"]) for row in rows] == [("50.00", "nearly")]
    assert rows[0]["parts"] == [
        {"combination": "SG", "group": "", "value": "39.00", "unit": ""}
    ]


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("plans/?plan=IAI-IV", "plan"),
        ("plans/IAI-IV/progress/?as_of=soon", "as_of"),
        ("plans/IAI-IV/progress/?known_at=2022-01-01T10:00", "known_at"),
        ("areas/?plan=NOWHERE", "plan"),
        ("lines/?state=completed", "state"),
        ("lines/?limit=0", "limit"),
        ("meetings/?year=22", "year"),
        ("figures/?metric=happiness", "metric"),
    ],
)
def test_what_cannot_be_read_is_named(client, plan, address, field):
    answer = client.get(f"{API}/{address}")

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("address", ["plans/X/", "plans/X/progress/", "lines/X/"])
def test_an_unknown_code_is_named(client, address):
    answer = client.get(f"{API}/{address}")

    assert answer.status_code == 404
    assert "“X”" in answer.json()["detail"]


@pytest.mark.parametrize(
    "address",
    [
        *("plans/", "plans/IAI-IV/", "plans/IAI-IV/progress/", "areas/", "lines/"),
        *("lines/?state=implemented", "lines/IAI-IV-01/", "meetings/", "figures/"),
    ],
)
def test_few_rows_cost_as_much_as_many(client, plan, queries, address):
    line = plan.lines.get(code="IAI-IV-01")

    def fill(number):
        make.meeting(f"IAI-TF-{number}", on="2022-01-01")
        extra = make.plan(f"IAI-X{number}")
        make.project(line=make.line(area=make.area(plan=extra)), funders=["AU"])
        make.project(line=line, funders=["KR", "AU"], budget="10")
        make.line(plan=plan)
        make.figure(plan=plan)

    fill(1)
    few = queries(lambda: client.get(f"{API}/{address}"))
    for number in range(2, 7):
        fill(number)

    assert queries(lambda: client.get(f"{API}/{address}")) == few
