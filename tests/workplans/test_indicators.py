"""What is measured, and what it is to reach by when."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from aseanpm import feed, writing
from aseanpm.facts import Clock, Entry, ledger_entry
from aseanpm.illustrative import remove
from partners.models import GroupingMembership
from projects import actions
from tests import make
from tests.filling import filled, said
from workplans.models import Indicator, IndicatorTarget

pytestmark = pytest.mark.django_db

API = "/api/v1/indicators/"
NEW = "/lines/IAI-IV-07/indicators/new/"
CODE = "IAI-IV-07-I1"


@pytest.fixture
def editor(sign_in):
    return sign_in(make.user("editor"))


@pytest.fixture
def line():
    return make.line(code="IAI-IV-07")


@pytest.fixture
def indicator(line):
    """150 officials by 2025, said in 2022; in 2023 it became 200, and 90 by 2024."""
    made = make.indicator(
        line,
        code=CODE,
        title="Officials trained in customs",
        baseline_value=Decimal("4.5"),
    )
    make.target(made, 150, due="2025-12-31", due_precision="year", on="2022-01-10")
    make.target(made, 200, due="2025-12-31", due_precision="year", on="2023-05-02")
    make.target(made, 90, due="2024-06-30", due_precision="month", on="2023-05-02")
    return made


def rows(client, **asked):
    return client.get(API, asked).json()["results"]


def row(client, **asked):
    [told] = rows(client, **asked)
    return told


def text_of(client, page):
    return " ".join(client.get(page).content.decode().split())


# What is told


def test_an_indicator_is_told_with_all_its_targets_and_the_one_to_reach_now(
    client, line
):
    made = make.indicator(
        line,
        code=CODE,
        title="Thời gian",
        title_language="vi",
        title_translations={"en": "Time"},
        level="outcome",
        unit="days",
        direction="decrease",
        aggregation="latest",
        baseline_value=Decimal("12.5"),
        baseline_on=date(2020, 12, 31),
        baseline_on_precision="year",
    )
    made.sources.add(make.source("DOC1"))
    make.target(made, Decimal("8.25"), due="2099-12-31", due_precision="year")

    assert row(client) == {
        "code": "IAI-IV-07-I1",
        "title": "Thời gian",
        "title_language": "vi",
        "title_translations": {"en": "Time"},
        "plan": "IAI-IV",
        "line": "IAI-IV-07",
        "project": None,
        "is_illustrative": False,
        "level": "outcome",
        "unit": "days",
        "direction": "decrease",
        "aggregation": "latest",
        "baseline_value": "12.5",
        "baseline_on": "2020",
        "target_value": "8.25",
        "target_due": "2099",
        "targets": [
            {
                "value": "8.25",
                "due": "2099",
                "set_on": "2022-01-10",
                "basis": "documented",
                "source": None,
            }
        ],
        "basis": "documented",
        "sources": ["DOC1"],
    }


def test_what_is_not_known_is_null_and_zero_is_a_value(client, line):
    make.indicator(line, code="IAI-IV-07-I1")
    known = make.indicator(line, code="IAI-IV-07-I2", baseline_value=Decimal(0))
    make.target(known, 0)

    told = [(one["baseline_value"], one["target_value"]) for one in rows(client)]

    assert told == [(None, None), ("0", "0")]


@pytest.mark.parametrize(
    ("clock", "current", "standing"),
    [
        ({"as_of": "2021-12-31"}, (None, None), []),
        ({"as_of": "2022-12-31"}, ("150", "2025"), ["150"]),
        ({"as_of": "2023-05-02"}, ("90", "2024-06"), ["90", "200"]),
        ({"as_of": "2024-07-01"}, ("200", "2025"), ["90", "200"]),
        ({"as_of": "2026-01-01"}, ("200", "2025"), ["90", "200"]),
        ({"known_at": "2022-12-31"}, ("150", "2025"), ["150"]),
    ],
)
def test_a_revised_target_leaves_the_old_one_where_it_was(
    client, indicator, clock, current, standing
):
    told = row(client, **clock)

    assert (told["target_value"], told["target_due"]) == current
    assert [one["value"] for one in told["targets"]] == standing


def test_a_target_that_was_given_up_is_none_from_that_day_on(client, indicator):
    make.target(indicator, None, due="2024-06-30", on="2024-02-01")

    assert row(client, as_of="2024-01-31")["target_value"] == "90"
    assert row(client, as_of="2024-02-01")["target_value"] == "200"


def test_a_target_that_was_wrong_was_never_known_to_be_otherwise(client, indicator):
    wrong = indicator.targets.get(value=90)
    actions.correct(fact=wrong, reason="A slip", value=Decimal(95))

    assert row(client, as_of="2023-06-01")["target_value"] == "95"
    assert row(client, known_at="2023-06-01")["target_value"] == "90"


def test_indicators_are_found_by_plan_line_and_level(client, line):
    make.indicator(line, code="A")
    make.indicator(make.line(plan=make.plan("IAI-III")), code="B", level="impact")
    make.indicator(make.project(line=line), code="C")
    make.indicator(make.project(plan=False), code="D", level="impact")

    def codes(**asked):
        return [one["code"] for one in rows(client, **asked)]

    assert codes() == ["A", "B", "C", "D"]
    assert codes(plan="IAI-IV") == ["A", "C"]
    assert codes(line="IAI-IV-07") == ["A", "C"]
    assert codes(level="impact") == ["B", "D"]
    assert codes(plan=["IAI-III", "IAI-IV"], level="impact") == ["B"]
    wrong = client.get(API, {"level": "high"}).json()
    assert wrong["errors"][0]["field"] == "level"


def test_the_list_comes_as_files_and_in_pages(client, indicator):
    make.indicator(indicator.line, code="IAI-IV-07-I2", title="Another")

    file = client.get(API, {"format": "csv", "fields": "code,unit,target_value"})
    page = client.get(API, {"limit": 1, "count": 1}).json()
    second = client.get(page["next"]).json()["results"]

    text = b"".join(file).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [
        ["code", "unit", "target_value"],
        ["IAI-IV-07-I1", "officials trained", "200"],
        ["IAI-IV-07-I2", "officials trained", ""],
    ]
    assert page["count"] == 2
    assert [one["code"] for one in second] == ["IAI-IV-07-I2"]


def test_many_indicators_take_as_many_queries_as_few(client, line, queries):
    make.target(make.indicator(line), 1)
    few = queries(lambda: client.get(API))
    for _ in range(8):
        made = make.indicator(make.project(line=line))
        make.target(made, 1)
        made.sources.add(make.source("DOC1"))

    assert queries(lambda: client.get(API)) == few <= 6


# Who sees it


def test_an_indicator_of_a_project_is_told_to_whom_the_project_is(sign_in, api, line):
    hidden = make.project(
        code="P-33333",
        line=line,
        is_published=False,
        withheld_reason="A treaty",
        countries=["VN"],
    )
    make.target(make.indicator(hidden, code="P-33333-I1"), 5)

    def sees(user):
        listed = [one["code"] for one in api(user).get(API).json()["results"]]
        changed = api(user).get("/api/v1/changes/").json()["results"]
        told = [one["code"] for one in changed if one["kind"] == "indicator"]
        assert told == listed
        return bool(listed)

    assert not sees(None)
    assert not sees(make.user("partner", partner="JP"))
    assert not sees(make.user("coordinator", country="KH"))
    assert sees(make.user("coordinator", country="VN"))
    assert sees(make.user("editor"))


def out_of_step():
    """What the feed does not tell as it stands; plans were made beside the ledger."""
    return [place for place in feed.stale() if place[0] == "indicator"]


def changes_of(client, since):
    answer = client.get("/api/v1/changes/", {"since": since} if since else {}).json()
    found = [
        (one["code"], one["change"])
        for one in answer["results"]
        if one["kind"] == "indicator"
    ]
    return found, answer["cursor"]


def test_the_feed_tells_of_new_changed_and_unpublished_indicators(client, editor, line):
    project = make.project(code="P-22222", line=line)
    editor.post(NEW, filled(editor, NEW) | WRITTEN)
    found, cursor = changes_of(client, "")
    assert found == [(CODE, "created")]

    make.target(Indicator.objects.get(), 5)
    found, cursor = changes_of(client, cursor)
    assert found == [(CODE, "changed")]

    with ledger_entry(what="An edit"):
        make.indicator(project, code="P-22222-I1")
    found, cursor = changes_of(client, cursor)
    assert found == [("P-22222-I1", "created")]

    with ledger_entry(what="An edit") as entry:
        hiding = {"is_published": False, "withheld_reason": "A treaty"}
        actions.edit_project(project=project, entry=entry, **hiding)
    assert changes_of(client, cursor)[0] == [("P-22222-I1", "withdrawn")]
    assert not out_of_step()


def test_a_country_that_joins_a_grouping_is_told_of_its_indicators(api, line):
    grouping = make.grouping("CLMV", ["VN"])
    hidden = make.project(line=line, is_published=False, groupings=["CLMV"])
    make.indicator(hidden, code="A")
    feed.rebuild()
    reader = api(make.user("coordinator", country="KH"))
    assert changes_of(reader, "")[0] == []

    with ledger_entry(what="Cambodia joins"):
        joins = GroupingMembership(grouping=grouping, country=make.country("KH"))
        writing.create(joins)

    assert changes_of(reader, "")[0] == [("A", "created")]
    assert not out_of_step()


def test_an_answer_that_is_held_is_good_until_a_target_is_set(client, indicator):
    held = {"If-None-Match": client.get(API).headers["ETag"]}
    assert client.get(API, headers=held).status_code == 304

    make.target(indicator, 210, on="2024-01-01")

    assert client.get(API, headers=held).status_code == 200


def test_illustrative_projects_take_their_indicators_along(client, line):
    project = make.project(code="ILL-00001", line=line, is_illustrative=True)
    make.target(make.indicator(project), 5)
    kept = make.indicator(line)
    told = {one["project"]: one["is_illustrative"] for one in rows(client)}
    assert told == {"ILL-00001": True, None: False}

    remove()

    assert list(Indicator.objects.all()) == [kept]
    assert not IndicatorTarget.objects.exists()


# The pages

WRITTEN = {
    "title": "Officials trained in customs",
    "level": "output",
    "unit": "officials",
    "direction": "increase",
    "aggregation": "sum",
}


def test_a_line_without_indicators_says_so_and_offers_a_way_to_the_staff(
    client, editor, line
):
    said_to_all = text_of(client, "/lines/IAI-IV-07/")

    assert "No indicator is on record" in said_to_all
    assert NEW not in said_to_all
    assert NEW in text_of(editor, "/lines/IAI-IV-07/")


def test_an_editor_says_what_is_measured_and_what_it_is_to_reach(client, editor, line):
    sent = filled(editor, NEW) | WRITTEN
    assert sent["code"] == [CODE]

    made = editor.post(NEW, sent | {"baseline_value": "0", "baseline_on": "2020"})
    target = f"/indicators/{CODE}/targets/new/"
    set_ = {"value": "150.5", "due": "2099-06", "effective_on": "2022-01-10"}
    done = editor.post(target, filled(editor, target) | set_)

    assert made.url == done.url == f"/lines/IAI-IV-07/#{CODE}"
    page = text_of(client, "/lines/IAI-IV-07/")
    assert "Officials trained in customs" in page
    assert '0<span class="sub">2020</span>' in page
    assert "<b>150.5</b> by June 2099" in page
    assert "set on 10 January 2022" in page
    assert "none on record" in text_of(client, "/lines/IAI-IV-07/?as_of=2022-01-09")
    assert "correct" not in page.lower().partition("officials trained in customs")[2]


def test_an_indicator_of_a_project_stands_on_its_page(client, editor):
    make.project(code="P-22222")
    new = "/projects/P-22222/indicators/new/"
    assert "No indicator is on record" not in text_of(client, "/projects/P-22222/")

    editor.post(new, filled(editor, new) | WRITTEN)

    assert Indicator.objects.get().code == "P-22222-I1"
    assert "Officials trained in customs" in text_of(client, "/projects/P-22222/")


def test_a_further_target_is_a_development_and_the_old_one_is_corrected(
    editor, indicator
):
    new = f"/indicators/{CODE}/targets/new/"
    sent = {"value": "300", "due": "2025", "effective_on": "2024-01-01"}
    asked = editor.post(new, filled(editor, new) | sent)
    assert asked.status_code == 400
    editor.post(new, filled(editor, new) | sent | {"change": "development"})
    assert indicator.targets.known().count() == 4

    wrong = indicator.targets.get(value=90)
    correct = f"/indicators/{CODE}/targets/{wrong.uuid}/correct/"
    form = filled(editor, correct)
    assert (form["value"], form["due"]) == (["90"], ["2024-06"])
    editor.post(correct, form | {"due": "2024-09", "reason": "A slip"})

    wrong.refresh_from_db()
    [told] = Indicator.objects.all().with_targets(Clock())
    assert wrong.withdrawal_reason == "A slip"
    assert [(one.value, one.due_shown) for one in told.standing_targets] == [
        (Decimal(90), "2024-09"),
        (Decimal(300), "2025"),
    ]


def test_a_withdrawn_target_comes_back_by_undo(editor, indicator):
    target = indicator.targets.get(value=90)
    address = f"/indicators/{CODE}/targets/{target.uuid}/withdraw/"
    assert editor.post(address, {"reason": ""}).status_code == 400

    editor.post(address, {"reason": "Nobody set it"})
    assert not indicator.targets.known().filter(value=90).exists()
    editor.post(f"/undo/{Entry.objects.first().sequence}/")

    assert indicator.targets.known().filter(value=90).count() == 1


def test_a_changed_indicator_keeps_its_former_words(editor, indicator):
    edit = f"/indicators/{CODE}/edit/"
    sent = filled(editor, edit)
    assert "code" not in sent
    assert sent["baseline_value"] == ["4.5"]

    editor.post(edit, sent | {"title": "Customs officials", "reason": "Clearer"})

    assert Indicator.objects.get().title == "Customs officials"
    history = text_of(editor, f"/history/indicator/{CODE}/")
    assert "Officials trained in customs" in history
    assert "200 officials trained by 2025" in history
    assert "Customs officials" in text_of(editor, "/history/actionline/IAI-IV-07/")


def test_a_new_indicator_is_undone_and_its_code_never_used_again(editor, line):
    editor.post(NEW, filled(editor, NEW) | WRITTEN)

    editor.post(f"/undo/{Entry.objects.first().sequence}/")

    assert not Indicator.objects.exists()
    assert not out_of_step()
    again = editor.post(NEW, filled(editor, NEW) | WRITTEN)
    assert "A code is never used again" in said(again)[0]


def test_an_indicator_on_which_a_target_stands_is_not_undone(editor, line):
    editor.post(NEW, filled(editor, NEW) | WRITTEN)
    undo = f"/undo/{Entry.objects.first().sequence}/"
    make.target(Indicator.objects.get(), 5)

    page = editor.post(undo, follow=True).content.decode()

    assert Indicator.objects.exists()
    assert "As things stand, this cannot be undone." in page


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"code": "IAI-IV-08-I1"}, "begins with the code of its line or project"),
        ({"title": ""}, "This field is required."),
        ({"unit": ""}, "This field is required."),
        ({"baseline_on": "2020"}, "Leave out the day of a baseline"),
        ({"baseline_value": "1e3x"}, "Enter a number."),
        ({"baseline_value": "123456789012"}, "no more than 11 digits before"),
    ],
)
def test_a_form_says_what_is_wrong_and_saves_nothing(editor, line, values, sentence):
    page = editor.post(NEW, filled(editor, NEW) | WRITTEN | values)

    assert page.status_code == 400
    assert any(sentence in each for each in said(page)), said(page)
    assert not Indicator.objects.exists()


def test_an_indicator_is_of_a_line_or_a_project_and_never_of_both(line):
    for of in ({}, {"line": line, "project": make.project()}):
        with pytest.raises(ValidationError, match="Name a line or a project"):
            Indicator(code="A", **of).validate_constraints()
