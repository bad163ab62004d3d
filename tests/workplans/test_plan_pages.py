"""Writing plans: by the shape of another, titles from a list, rules and totals."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from aseanpm.facts import Clock, Entry
from tests import make
from tests.filling import confirmed, filled, hidden, said, told
from tests.reading import Form
from workplans import planning
from workplans.models import (
    ActionLine,
    DeclaredTotal,
    PlanRule,
    StrategicArea,
    WorkPlan,
)
from workplans.plan_views import TitlesView

pytestmark = pytest.mark.django_db

PERIOD = {"nominal_start": "2026-01-01", "nominal_end": "2030-12-31"}


@pytest.fixture
def editor(sign_in):
    return sign_in(make.user("editor"))


@pytest.fixture
def fourth():
    """IAI-IV with two areas, three action lines and an enabling action."""
    plan = make.plan(adopted_on=make.day("2020-11-12"))
    food = make.area(plan=plan, code="IAI-IV-FA", title="Food and Agriculture", order=1)
    trade = make.area(plan=plan, code="IAI-IV-TF", title="Trade", order=2)
    for number, area in ((1, food), (2, food), (3, trade)):
        make.line(plan=plan, area=area, code=f"IAI-IV-0{number}", number=number)
    make.line(plan=plan, code="IAI-IV-E1", kind="enabling_action", number=1)
    return plan


def new_plan(client, **values):
    sent = filled(client, "/plans/new/") | {"programme": "IAI", **PERIOD}
    return sent | {"code": "IAI-V", "title": "IAI Work Plan V"} | values


# A new plan


def test_a_plan_takes_over_areas_with_titles_and_lines_without(editor, fourth):
    sent = new_plan(editor, shape_of="IAI-IV", headline_kind="action_line")

    preview = editor.post("/plans/new/", sent)

    assert not WorkPlan.objects.filter(code="IAI-V").exists()
    assert "this makes 2 areas and 4 lines" in preview.content.decode()
    assert "IAI-V-FA" in preview.content.decode()
    editor.post("/plans/new/", sent | {"seen": hidden(preview, "seen")})
    plan = WorkPlan.objects.get(code="IAI-V")
    assert plan.predecessor == fourth
    assert list(plan.areas.values_list("code", "title", "basis")) == [
        ("IAI-V-FA", "Food and Agriculture", "assumed"),
        ("IAI-V-TF", "Trade", "assumed"),
    ]
    rows = plan.lines.values_list("code", "title", "area__code", "area_basis")
    assert list(rows) == [
        ("IAI-V-01", "", "IAI-V-FA", "assumed"),
        ("IAI-V-02", "", "IAI-V-FA", "assumed"),
        ("IAI-V-03", "", "IAI-V-TF", "assumed"),
        ("IAI-V-E1", "", None, "documented"),
    ]


def test_a_plan_is_measured_by_what_its_shape_was_measured_by(editor, fourth):
    sent = new_plan(editor, shape_of="IAI-IV", headline_kind="")

    preview = editor.post("/plans/new/", sent).content.decode()
    made = confirmed(editor, "/plans/new/", sent)
    page = editor.get(made.url).content.decode()

    assert "It is measured by action lines, as that plan is." in preview
    assert WorkPlan.objects.get(code="IAI-V").headline_kind == "action_line"
    assert "No lines are on record" not in page
    assert "Action lines implemented: not known, as no project" in page
    assert "no project’s status on record" in page
    assert page.count('class="line line-') == 4
    assert "Load titles" in page


def test_what_a_plan_is_measured_by_goes_before_what_its_shape_was(editor, fourth):
    sent = new_plan(editor, shape_of="IAI-IV", headline_kind="enabling_action")

    preview = editor.post("/plans/new/", sent).content.decode()
    confirmed(editor, "/plans/new/", sent)

    assert "as that plan is" not in preview
    assert WorkPlan.objects.get(code="IAI-V").headline_kind == "enabling_action"


def test_lines_below_a_line_stay_below_its_copy(editor, fourth):
    above = ActionLine.objects.get(code="IAI-IV-01")
    make.line(plan=fourth, code="IAI-IV-01-M1", kind="measure", parent=above)

    confirmed(editor, "/plans/new/", new_plan(editor, shape_of="IAI-IV"))

    assert ActionLine.objects.get(code="IAI-V-01-M1").parent.code == "IAI-V-01"


def test_a_new_plan_says_what_it_declares_and_from_when_its_projects_count(editor):
    make.plan()
    make.source("DOC1")
    sent = new_plan(
        editor,
        headline_kind="action_line",
        declares_action_line="24",
        declared_on="2026-03-31",
        counts_from="approved",
        rule_on="2026-01-01",
        rule_basis="documented",
        fact_source="doc1",
    )

    editor.post("/plans/new/", sent)

    plan = WorkPlan.objects.get(code="IAI-V")
    assert plan.declared_at(Clock()) == {"action_line": 24}
    assert plan.declared_at(Clock(day=make.day("2026-03-30"))) == {}
    assert plan.rule_at(Clock()).counts_from == "approved"
    assert plan.rule_at(Clock()).source.code == "DOC1"
    assert plan.rule_at(Clock(day=make.day("2025-12-31"))) is None


def test_a_plan_page_shows_what_was_made(editor, fourth):
    sent = new_plan(
        editor,
        shape_of="IAI-IV",
        headline_kind="action_line",
        declares_action_line="3",
        declared_on="2026-01-01",
    )

    answer = confirmed(editor, "/plans/new/", sent)
    page = editor.get(answer.url).content.decode()

    assert answer.url == "/plans/IAI-V/"
    assert "Food and Agriculture" in page
    assert "3 action lines declared, since 2026-01-01" in page
    assert "Title to be loaded" in page


def test_a_second_press_makes_one_plan(editor, fourth):
    sent = new_plan(editor, shape_of="IAI-IV")

    first = confirmed(editor, "/plans/new/", sent)
    again = editor.post("/plans/new/", sent)

    assert WorkPlan.objects.filter(code="IAI-V").count() == 1
    assert (first.status_code, again.status_code) == (302, 302)
    assert first.url == again.url


def test_taking_over_a_shape_is_undone_as_a_whole(editor, fourth):
    plan = make.plan(
        "IAI-V",
        declared=None,
        nominal_start=make.day("2026-01-01"),
        nominal_end=make.day("2030-12-31"),
    )
    sent = filled(editor, "/plans/IAI-V/edit/") | {"shape_of": "IAI-IV"}
    confirmed(editor, "/plans/IAI-V/edit/", sent)
    assert plan.lines.count() == 4
    entry = Entry.objects.first()

    editor.post(f"/undo/{entry.sequence}/")

    assert (plan.areas.count(), plan.lines.count()) == (0, 0)
    assert WorkPlan.objects.filter(code="IAI-V").exists()
    again = filled(editor, "/plans/IAI-V/edit/") | {"shape_of": "IAI-IV"}
    confirmed(editor, "/plans/IAI-V/edit/", again)
    assert plan.lines.count() == 4


def test_a_plan_made_by_mistake_is_taken_back_with_all_it_took_over(editor, fourth):
    confirmed(editor, "/plans/new/", new_plan(editor, shape_of="IAI-IV"))

    editor.post(f"/undo/{Entry.objects.first().sequence}/")

    assert list(WorkPlan.objects.all()) == [fourth]
    assert ActionLine.objects.count() == 4
    again = editor.post("/plans/new/", new_plan(editor, shape_of="IAI-IV"))
    assert "which was taken back. Undo that in the history" in again.content.decode()
    editor.post(f"/undo/{Entry.objects.first().sequence}/")
    assert WorkPlan.objects.get(code="IAI-V").lines.count() == 4


def test_a_plan_that_has_lines_takes_over_no_other_shape(editor, fourth):
    page = editor.get("/plans/IAI-IV/edit/")

    assert "shape_of" not in page.context["form"].fields


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"code": "IAI V"}, "“IAI V” cannot be a code."),
        ({"code": "IAI-IV"}, "IAI-IV is the code of “Work plan IAI-IV” already."),
        ({"code": ""}, "Code: This field is required."),
        ({"nominal_end": "2020-01-01"}, "A plan cannot end before it starts."),
        ({"declares_action_line": "24"}, "Say since which day the totals hold."),
        ({"declares_action_line": "-1"}, "greater than or equal to 0"),
        ({"counts_from": "approved"}, "Say since which day the rule holds."),
        (
            {"counts_from": "approved", "rule_on": "2099-01-01"},
            "This day has not come yet",
        ),
        ({"adopted": "last May"}, "“last May” is no date."),
        ({"fact_source": "X9"}, "There is no source “X9”."),
        ({"sources": "X8, X9"}, "There is no source “X9”."),
        ({"title": "Plan\u202eV"}, "Holds a sign that cannot be seen"),
    ],
)
def test_wrong_input_gets_a_sentence_and_writes_nothing(
    editor, fourth, values, sentence
):
    before = Entry.objects.count()

    page = editor.post("/plans/new/", new_plan(editor, **values))

    assert page.status_code == 400
    assert any(sentence in each for each in said(page)), said(page)
    assert WorkPlan.objects.count() == 1
    assert Entry.objects.count() == before


def test_a_plan_that_has_not_begun_is_told_once_what_to_leave_until_then(editor):
    make.plan()
    days = {"declared_on": "2099-01-01", "rule_on": "2099-01-01"}
    facts = {"declares_action_line": "24", "counts_from": "approved"}

    page = editor.post("/plans/new/", new_plan(editor, **facts, **days))

    assert len(said(page)) == 2
    assert all("This day has not come yet" in sentence for sentence in said(page))
    html = page.content.decode()
    assert "Leave the totals until that day has come." in html
    assert "For a plan that has not begun, leave the rule until it has." in html


def test_a_code_in_small_letters_is_written_large(editor):
    make.plan()

    editor.post("/plans/new/", new_plan(editor, code=" iai-v "))

    assert WorkPlan.objects.filter(code="IAI-V").exists()


def test_a_code_that_an_area_had_is_not_given_again(editor, fourth):
    """The history of a row that was taken away keeps its code."""
    plan = make.plan(
        "IAI-V",
        nominal_start=make.day("2026-01-01"),
        nominal_end=make.day("2030-12-31"),
    )
    sent = filled(editor, "/plans/IAI-V/areas/new/")
    editor.post("/plans/IAI-V/areas/new/", sent | {"code": "IAI-V-FA", "title": "Food"})
    editor.post(f"/undo/{Entry.objects.first().sequence}/")
    assert plan.areas.count() == 0

    sent = filled(editor, "/plans/IAI-V/areas/new/")
    page = editor.post(
        "/plans/IAI-V/areas/new/", sent | {"code": "IAI-V-FA", "title": "Other"}
    )

    assert page.status_code == 400
    assert "A code is never used again" in said(page)[0]


def test_a_title_is_not_translated_into_its_own_language(editor, fourth):
    address = "/plans/IAI-IV/areas/new/"
    typed = {"code": "IAI-IV-GAO", "title": "Gạo", "title_language": "vi"}

    page = editor.post(
        address, filled(editor, address) | typed | {"title_in_vi": "Lúa gạo"}
    )

    assert page.status_code == 400
    assert "The title itself is in Vietnamese." in said(page)[0]
    assert not fourth.areas.filter(code="IAI-IV-GAO").exists()


# A plan is edited


def test_the_second_of_two_writers_sees_both_texts(editor, sign_in, fourth):
    other = sign_in(make.user("editor"))
    mine = filled(editor, "/plans/IAI-IV/edit/")
    theirs = filled(other, "/plans/IAI-IV/edit/")
    other.post("/plans/IAI-IV/edit/", theirs | {"note": "Theirs"})

    page = editor.post("/plans/IAI-IV/edit/", mine | {"note": "Mine"})

    assert page.status_code == 409
    assert "Theirs" in page.content.decode()
    assert "Mine" in page.content.decode()
    assert WorkPlan.objects.get(code="IAI-IV").note == "Theirs"


def test_a_mistake_in_a_stale_form_takes_nothing_from_the_other_writer(
    editor, sign_in, fourth
):
    other = sign_in(make.user("editor"))
    mine = filled(editor, "/plans/IAI-IV/edit/") | {"programme": "", "note": "Mine"}
    theirs = filled(other, "/plans/IAI-IV/edit/")
    other.post("/plans/IAI-IV/edit/", theirs | {"note": "Theirs"})

    page = editor.post("/plans/IAI-IV/edit/", mine)
    again = Form(page.content.decode()).texts
    mended = editor.post("/plans/IAI-IV/edit/", again | {"programme": "IAI"})

    assert page.status_code == 409
    assert "Theirs" in page.content.decode()
    assert mended.status_code == 302
    assert WorkPlan.objects.get(code="IAI-IV").note == "Mine"


def test_a_formal_close_is_written_with_its_reason(editor, fourth):
    sent = filled(editor, "/plans/IAI-IV/edit/")

    editor.post(
        "/plans/IAI-IV/edit/",
        sent | {"closed_on": "2026-06-30", "reason": "Closed by the Summit"},
    )

    plan = WorkPlan.objects.get(code="IAI-IV")
    assert plan.closed_on == make.day("2026-06-30")
    assert plan.history.first().history_change_reason == "Closed by the Summit"


def test_changing_what_a_plan_is_measured_by_tells_which_figures_move(editor, fourth):
    make.project(line=fourth.lines.get(code="IAI-IV-01"))
    sent = filled(editor, "/plans/IAI-IV/edit/") | {"headline_kind": "enabling_action"}

    page = editor.post("/plans/IAI-IV/edit/", sent)

    assert page.status_code == 200
    assert told(page) == [
        "IAI-IV today: 1/24 action lines implemented (4.2%) → "
        "0 enabling actions implemented, total not declared"
    ]
    assert WorkPlan.objects.get(code="IAI-IV").headline_kind == "action_line"


def test_plans_do_not_follow_each_other_round(editor, fourth):
    plan = make.plan(
        "IAI-V",
        predecessor=fourth,
        nominal_start=make.day("2026-01-01"),
        nominal_end=make.day("2030-12-31"),
    )
    sent = filled(editor, "/plans/IAI-IV/edit/")

    page = editor.post("/plans/IAI-IV/edit/", sent | {"predecessor": plan.code})

    assert "Predecessor: These plans would follow each other round." in said(page)


# Areas and lines


def test_a_line_is_proposed_with_the_next_number_and_its_code(editor, fourth):
    form = editor.get("/plans/IAI-IV/lines/new/").context["form"]

    assert form["number"].value() == 4
    assert form["code"].value() == "IAI-IV-04"
    assert form["kind"].value() == "action_line"


def test_a_line_takes_up_lines_of_the_plan_before_and_both_say_so(editor, fourth):
    make.plan(
        "IAI-V",
        predecessor=fourth,
        nominal_start=make.day("2026-01-01"),
        nominal_end=make.day("2030-12-31"),
    )
    sent = filled(editor, "/plans/IAI-V/lines/new/")

    answer = editor.post(
        "/plans/IAI-V/lines/new/",
        sent | {"title": "Rice", "continues": "iai-iv-01, IAI-IV-03"},
    )

    line = ActionLine.objects.get(code="IAI-V-01")
    assert {one.code for one in line.continues.all()} == {"IAI-IV-01", "IAI-IV-03"}
    assert "Takes up" in editor.get(answer.url).content.decode()
    page = editor.get("/lines/IAI-IV-03/").content.decode()
    assert "Taken up by" in page
    assert "/lines/IAI-V-01/" in page


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"code": "IAI-V-07"}, "It begins with the code of its plan: IAI-IV-…"),
        ({"code": "IAI-IV-01"}, "IAI-IV-01 is the code of “Line"),
        ({"continues": "IAI-IV-02"}, "There is no action line “IAI-IV-02”."),
        ({"area": "IAI-III-FA"}, "Select a valid choice."),
        ({"number": "many"}, "Enter a whole number."),
        (
            {"milestones-0-title": "Adopted", "milestones-0-on": "soon"},
            "Milestones, row 1, When: “soon” is no date.",
        ),
    ],
)
def test_a_wrong_line_is_refused_with_a_sentence(editor, fourth, values, sentence):
    third = make.plan(
        "IAI-III",
        nominal_start=make.day("2016-01-01"),
        nominal_end=make.day("2020-12-31"),
    )
    make.area(plan=third, code="IAI-III-FA")
    lines = ActionLine.objects.count()
    sent = filled(editor, "/plans/IAI-IV/lines/new/")

    page = editor.post("/plans/IAI-IV/lines/new/", sent | values)

    assert page.status_code == 400
    assert any(sentence in each for each in said(page)), said(page)
    assert ActionLine.objects.count() == lines


def test_milestones_and_reported_states_are_written_with_their_line(editor, fourth):
    make.body("IAI-TF")
    line = fourth.lines.get(code="IAI-IV-01")
    address = "/lines/IAI-IV-01/edit/"
    sent = filled(editor, address) | {
        "milestones-0-title": "Standard adopted",
        "milestones-0-kind": "adopted",
        "milestones-0-on": "2023-05",
        "milestones-0-basis": "documented",
        "reported_states-0-state": "Under way",
        "reported_states-0-on": "2024",
        "reported_states-0-body": "IAI-TF",
        "reported_states-0-basis": "documented",
    }
    editor.post(address, sent)
    step, report = line.milestones.get(), line.reported_states.get()
    assert (step.on_shown, step.kind) == ("2023-05", "adopted")
    assert (report.on_shown, report.body.code) == ("2024", "IAI-TF")

    changed = filled(editor, address) | {"milestones-0-title": "Standard in force"}
    editor.post(address, changed)
    gone = filled(editor, address)
    gone = {name: gone[name] for name in gone if not name.startswith("milestones")}
    editor.post(address, gone)

    assert line.milestones.count() == 0
    assert line.reported_states.get() == report
    history = type(step).history.filter(id=step.pk).order_by("history_id")
    assert [(row.history_type, row.title) for row in history] == [
        ("+", "Standard adopted"),
        ("~", "Standard in force"),
        ("-", "Standard in force"),
    ]


def test_a_row_is_added_without_a_script_and_nothing_typed_is_lost(editor, fourth):
    address = "/lines/IAI-IV-01/edit/"
    sent = filled(editor, address) | {"title": "Rice", "add": "milestones"}
    sent |= {"milestones-0-title": "Adopted"}

    page = editor.post(address, sent)

    form = page.context["form"]
    assert page.status_code == 200
    assert form["title"].value() == "Rice"
    assert [row["title"].value() for row in form["milestones"].rows] == [
        "Adopted",
        None,
    ]
    assert fourth.lines.get(code="IAI-IV-01").title != "Rice"


# Titles from a list


LIST = """code,title,language
IAI-IV-01,Strengthen food safety,
iai-iv-02,"Standards, and their use",en
IAI-IV-02,Tiêu chuẩn,vi
"""


def test_titles_are_shown_old_beside_new_and_then_loaded_at_once(editor, fourth):
    ActionLine.objects.filter(plan=fourth).update(title="")
    address = "/plans/IAI-IV/titles/"

    preview = editor.post(address, {"text": LIST})

    shown = [
        (one.line.code, one.old, one.title, one.is_translation)
        for one in preview.context["titles"].changing
    ]
    assert shown == [
        ("IAI-IV-01", "", "Strengthen food safety", False),
        ("IAI-IV-02", "", "Standards, and their use", False),
        ("IAI-IV-02", "", "Tiêu chuẩn", True),
    ]
    assert not ActionLine.objects.exclude(title="").exists()
    sent = {"text": LIST, "seen": hidden(preview, "seen"), "submission": "once"}
    answer = editor.post(address, sent)
    again = editor.post(address, sent)
    assert again.url == answer.url
    first, second = fourth.lines.filter(number__lte=2, kind="action_line")
    assert answer.url == "/plans/IAI-IV/"
    assert first.title == "Strengthen food safety"
    assert (second.title, second.title_translations) == (
        "Standards, and their use",
        {"vi": "Tiêu chuẩn"},
    )
    assert first.history.count() == 2


def test_loaded_titles_are_undone_together(editor, fourth):
    before = list(fourth.lines.values_list("code", "title"))
    preview = editor.post("/plans/IAI-IV/titles/", {"text": LIST})
    editor.post(
        "/plans/IAI-IV/titles/", {"text": LIST, "seen": hidden(preview, "seen")}
    )
    assert list(fourth.lines.values_list("code", "title")) != before

    editor.post(f"/undo/{Entry.objects.first().sequence}/")

    assert list(fourth.lines.values_list("code", "title")) == before


def test_a_preview_that_became_untrue_is_shown_again(editor, fourth):
    preview = editor.post("/plans/IAI-IV/titles/", {"text": LIST})
    ActionLine.objects.filter(code="IAI-IV-01").update(title="Somebody else’s title")

    page = editor.post(
        "/plans/IAI-IV/titles/", {"text": LIST, "seen": hidden(preview, "seen")}
    )

    assert page.status_code == 200
    assert "Somebody else’s title" in page.content.decode()
    assert fourth.lines.get(code="IAI-IV-01").title == "Somebody else’s title"


def test_a_title_written_between_check_and_load_is_not_overwritten(
    editor, fourth, monkeypatch
):
    preview = editor.post("/plans/IAI-IV/titles/", {"text": LIST})
    line, read, calls = fourth.lines.get(code="IAI-IV-01"), planning.read_titles, []

    def read_late(plan, text):
        calls.append(text)
        if len(calls) == 2:
            ActionLine.objects.filter(pk=line.pk).update(title="Somebody else’s")
        return read(plan, text)

    monkeypatch.setattr(planning, "read_titles", read_late)
    page = editor.post(
        "/plans/IAI-IV/titles/", {"text": LIST, "seen": hidden(preview, "seen")}
    )

    assert page.status_code == 200
    assert not Entry.objects.filter(what__startswith="Loaded titles").exists()


def test_titles_sent_again_with_other_content_are_shown_and_not_written(editor, fourth):
    address, other = "/plans/IAI-IV/titles/", "IAI-IV-01,Another title"
    for text in (LIST, other):
        preview = editor.post(address, {"text": text})
        sent = {"text": text, "seen": hidden(preview, "seen"), "submission": "same"}
        answer = editor.post(address, sent)

    assert answer.status_code == 400
    assert "This form was saved already, with other content." in said(answer)[0]
    assert answer.context["form"]["text"].value() == other
    assert fourth.lines.get(code="IAI-IV-01").title == "Strengthen food safety"


def test_titles_that_lose_to_their_twin_are_led_to_what_it_wrote(
    editor, fourth, monkeypatch
):
    preview = editor.post("/plans/IAI-IV/titles/", {"text": LIST})
    sent = {"text": LIST, "seen": hidden(preview, "seen"), "submission": "same"}
    editor.post("/plans/IAI-IV/titles/", sent)
    looked, late = TitlesView.sent_before, iter([None])
    monkeypatch.setattr(
        TitlesView, "sent_before", lambda self: next(late, looked(self))
    )

    again = editor.post("/plans/IAI-IV/titles/", sent)

    assert (again.status_code, again.url) == (302, "/plans/IAI-IV/")


def test_all_that_is_wrong_with_a_list_is_said_at_once(editor, fourth):
    wrong = (
        "IAI-IV-01,\n"
        "IAI-IV-99,A title\n"
        "IAI-IV-02,A title,xx\n"
        "IAI-IV-03,One, two, three\n"
        "IAI-IV-03\n"
        "IAI-IV-E1,First\n"
        "iai-iv-e1,Second\n"
        f"IAI-IV-03,{'long' * 101}\n"
        "IAI-IV-03,Turned\u202eround\n"
    )

    page = editor.post("/plans/IAI-IV/titles/", {"text": wrong})

    assert page.status_code == 400
    assert said(page) == [
        "Paste the list: Row 1: A row has a code and a title.",
        "Paste the list: Row 2: “IAI-IV-99” is no line of IAI-IV.",
        "Paste the list: Row 3: “xx” is no language that we know: "
        "en, vi, km, lo, my, id, ms, th, tl, pt.",
        "Paste the list: Row 4: It has 4 columns. Put a title that holds the sign "
        "between columns into quotation marks.",
        "Paste the list: Row 5: A row has a code and a title.",
        "Paste the list: Row 7: IAI-IV-E1 stands in row 6 already.",
        "Paste the list: Row 8: The title has 404 signs; 400 is the most.",
        "Paste the list: Row 9: Holds a sign that cannot be seen (U+202E). "
        "Delete it, or type the text anew.",
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04rest", "This is a workbook or a zip file, not a CSV."),
        (b"\xd0\xcf\x11\xe0rest", "This is an old Excel workbook, not a CSV."),
        ("IAI-IV-01;Café".encode("utf-16"), "This text is in UTF-16. In Excel choose"),
        ("IAI-IV-01;Café".encode("latin-1"), "This file is not in UTF-8."),
        (b"", "The submitted file is empty."),
        (b"IAI-IV-01;x" * 200_000, "The file is larger than 2 MB."),
    ],
)
def test_a_file_that_is_no_list_is_refused(editor, fourth, content, sentence):
    file = SimpleUploadedFile("titles.csv", content, "text/csv")

    page = editor.post("/plans/IAI-IV/titles/", {"file": file})

    assert page.status_code == 400
    assert sentence in said(page)[0]


def test_a_file_of_a_spreadsheet_is_understood(editor, fourth):
    text = "\ufeffsep=;\r\nCode;Title\r\nIAI-IV-01;'=Sum of all\r\n\r\n"
    file = io.BytesIO(text.encode())
    file.name = "titles.csv"

    page = editor.post("/plans/IAI-IV/titles/", {"file": file})

    [one] = page.context["titles"].changing
    assert one.title == "=Sum of all"
    assert "IAI-IV-01;" in page.context["form"]["text"].value()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('IAI-IV-01,"Open', "Line 1 cannot be read: a quote stands wrong there."),
        ("IAI-IV-01,x\n" * 2001, "The list has 2001 rows; at most 2000 at once."),
        ("IAI-IV-01," + "x" * 2_100_000, "The list is larger than 2 MB. Split it."),
        ("code,title", "The list is empty."),
    ],
)
def test_a_text_that_is_no_list_is_refused(fourth, text, sentence):
    assert planning.read_titles(fourth, text).problems == [sentence]


@pytest.mark.parametrize("sign", "\t;")
@pytest.mark.parametrize("start", ["", "sep={}\n"])
def test_commas_in_the_titles_of_pasted_cells_part_nothing(fourth, sign, start):
    text = f"{start.format(sign)}IAI-IV-01{sign}Rice, beans, and peas\n"

    titles = planning.read_titles(fourth, text)

    assert [one.title for one in titles.found] == ["Rice, beans, and peas"]
    assert titles.problems == []


def test_pasted_cells_and_zero_widths_of_khmer_are_kept(fourth):
    khmer = "សុខ\u200bភាព"

    titles = planning.read_titles(fourth, f"IAI-IV-01\t{khmer}\tkm")

    assert titles.found[0].title == khmer


# The rule and the totals


def test_a_rule_that_changed_holds_from_its_day_and_moves_what_follows(editor, fourth):
    make.project(status="approved", line=fourth.lines.get(code="IAI-IV-01"))
    sent = {
        "counts_from": "ongoing",
        "effective_on": "2023-01-01",
        "change": "development",
        "basis": "documented",
    }

    preview = editor.post("/plans/IAI-IV/rules/new/", sent)

    assert told(preview) == [
        "IAI-IV today: 1/24 action lines implemented (4.2%) → "
        "0/24 action lines implemented (0%)",
        "IAI-IV today: 1 → 0 projects",
    ]
    answer = editor.post(
        "/plans/IAI-IV/rules/new/", sent | {"seen": hidden(preview, "seen")}
    )
    assert answer.status_code == 302
    assert fourth.rule_at(Clock(day=make.day("2022-12-31"))).counts_from == "approved"
    assert fourth.rule_at(Clock(day=make.day("2023-01-01"))).counts_from == "ongoing"


def test_an_assumed_rule_of_the_secretariat_waits_for_nobody_to_confirm_it(
    editor, fourth
):
    form = filled(editor, "/plans/IAI-IV/rules/new/") | {
        "counts_from": "ongoing",
        "effective_on": "2025-07-01",
        "change": "development",
        "basis": "assumed",
    }

    confirmed(editor, "/plans/IAI-IV/rules/new/", form)

    html = editor.get("/plans/IAI-IV/").content.decode()
    assert "A project counts from ongoing: assumed." in html
    assert "until the secretariat confirms it" not in html


def test_a_rule_that_was_wrong_is_corrected_and_kept_as_withdrawn(editor, fourth):
    old = fourth.rules.get()
    address = f"/plans/IAI-IV/rules/{old.uuid}/correct/"
    sent = filled(editor, address)
    assert (sent["change"], sent["corrects"]) == (["correction"], [str(old.uuid)])

    editor.post(
        address,
        sent | {"counts_from": "ongoing", "reason": "The Task Force says so"},
    )

    old.refresh_from_db()
    new = fourth.rules.known().get()
    assert old.withdrawal_reason == "The Task Force says so"
    assert (new.counts_from, new.effective_on) == ("ongoing", old.effective_on)
    page = editor.get("/plans/IAI-IV/").content.decode()
    assert "The Task Force says so" in page


def test_a_declared_total_that_was_wrong_moves_the_share_in_print_too(editor, fourth):
    make.project(line=fourth.lines.get(code="IAI-IV-01"))
    make.figure(
        plan=fourth, metric="action_lines_percent", value="4.2", as_of="2022-09-22"
    )
    old = fourth.declared_totals.get()
    address = f"/plans/IAI-IV/totals/{old.uuid}/correct/"
    sent = filled(editor, address) | {"total": "20", "reason": "Read wrongly"}

    preview = editor.post(address, sent)

    assert set(told(preview)) >= {
        "IAI-IV today: 1/24 action lines implemented (4.2%) → "
        "1/20 action lines implemented (5%)",
    }
    assert any(one.published for one in preview.context["moved"])


def test_who_corrects_what_was_withdrawn_meanwhile_is_told_and_loses_nothing(
    editor, fourth
):
    old = fourth.rules.get()
    address = f"/plans/IAI-IV/rules/{old.uuid}/correct/"
    sent = filled(editor, address) | {"note": "Mine", "reason": "Read wrongly"}
    withdrawal = f"/plans/IAI-IV/rules/{old.uuid}/withdraw/"
    confirmed(editor, withdrawal, {"reason": "It never was"})

    page = editor.post(address, sent)

    assert page.status_code == 409
    assert "This record was withdrawn meanwhile" in said(page)[0]
    assert page.context["form"]["note"].value() == "Mine"
    assert editor.get(address).status_code == 404


def test_a_fact_of_a_plan_is_withdrawn_with_a_reason_and_undone(editor, fourth):
    old = fourth.declared_totals.get()
    address = f"/plans/IAI-IV/totals/{old.uuid}/withdraw/"
    assert editor.post(address, {"reason": ""}).status_code == 400

    confirmed(editor, address, {"reason": "Nobody declared it"})
    assert fourth.declared_at(Clock()) == {}
    editor.post(f"/undo/{Entry.objects.first().sequence}/")

    assert fourth.declared_at(Clock()) == {"action_line": 24}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "What happened?: This field is required."),
        ({"change": "correction"}, "Choose the record that was wrong."),
        ({"change": "correction"}, "Why: Say why the record was wrong."),
        ({"change": "development", "effective_on": "2099-01-01"}, "has not come yet"),
        ({"change": "development", "counts_from": ""}, "This field is required."),
        ({"change": "development", "source": "X9"}, "There is no source “X9”."),
    ],
)
def test_a_rule_asks_whether_the_plan_changed_or_the_record_was_wrong(
    editor, fourth, values, sentence
):
    sent = {"counts_from": "ongoing", "effective_on": "2023-01-01"}

    page = editor.post(
        "/plans/IAI-IV/rules/new/", {"basis": "documented"} | sent | values
    )

    assert page.status_code == 400
    assert any(sentence in each for each in said(page)), said(page)
    assert PlanRule.objects.count() == 1


def test_the_first_fact_of_a_plan_asks_no_question(editor):
    make.plan("IAI-V", declared=None)
    page = editor.get("/plans/IAI-V/totals/new/")

    assert "change" not in page.context["form"].fields
    confirmed(
        editor,
        "/plans/IAI-V/totals/new/",
        {
            "kind": "action_line",
            "total": "24",
            "effective_on": "2026-01-01",
            "basis": "documented",
        },
    )

    assert DeclaredTotal.objects.get(plan__code="IAI-V").total == 24


# Who may


@pytest.mark.parametrize("role", ["reader", "coordinator", "partner"])
def test_others_see_no_doors_and_no_history_of_rules(sign_in, fourth, role):
    fields = {"coordinator": {"country": "VN"}, "partner": {"partner": "JP"}}
    client = sign_in(make.user(role, **fields.get(role, {})))

    answer = client.get("/plans/IAI-IV/")
    page = answer.content.decode()

    assert "/edit/" not in page
    assert "Rule and declared totals" not in page
    assert answer.context["plan_facts"] == []
    assert client.post("/plans/IAI-IV/edit/", {"note": "x"}).status_code == 403


def test_a_longer_plan_costs_no_more_queries_to_edit(editor, fourth, queries):
    few = queries(lambda: editor.get("/plans/IAI-IV/edit/"))
    page = queries(lambda: editor.get("/plans/IAI-IV/"))
    line = queries(lambda: editor.get("/lines/IAI-IV-01/edit/"))
    area = StrategicArea.objects.get(code="IAI-IV-FA")
    one = fourth.lines.get(code="IAI-IV-01")
    for number in range(10, 16):
        make.line(plan=fourth, area=area, code=f"IAI-IV-{number}", number=number)
        one.milestones.create(title=f"Step {number}")
        one.reported_states.create(state="Said", body=make.body(f"B{number}"))

    assert queries(lambda: editor.get("/plans/IAI-IV/edit/")) == few
    assert queries(lambda: editor.get("/plans/IAI-IV/")) == page
    assert queries(lambda: editor.get("/lines/IAI-IV-01/edit/")) == line
