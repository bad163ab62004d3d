"""What meetings decide: the agenda, one screen of decisions, circulation, undo."""

import datetime as dt
import re
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from aseanpm import writing
from aseanpm.facts import ledger_entry
from aseanpm.models import Entry
from projects.models import ApprovalStep, Project, StatusChange
from tests import make
from tests.filling import filled
from tests.reading import Form
from workplans import actions
from workplans.meeting_views import AgendaView, CirculationView, DecisionsView
from workplans.models import AgendaItem, Meeting

pytestmark = pytest.mark.django_db

HELD = "2024-03-15"
AGENDA = "/meetings/IAI-TF-80/agenda/"
DECISIONS = "/meetings/IAI-TF-80/decisions/"
MEETING = "/meetings/IAI-TF-80/"


@pytest.fixture
def meeting():
    return make.meeting("IAI-TF-80", on=HELD)


@pytest.fixture
def editor(sign_in):
    return sign_in(make.user("editor"))


def proposal(code, status="appraisal", **fields):
    line = fields.pop("line", None) or make.line()
    return make.project(
        code=code,
        status=status,
        on="2024-01-10",
        line=line,
        is_published=False,
        **fields,
    )


def on_agenda(meeting, *projects, kind="decide"):
    with ledger_entry():
        chosen = {"decide" if kind == "decide" else "to_note": projects}
        actions.arrange_agenda(meeting=meeting, arranged=[], **chosen)


def decision_data(meeting, outcomes, reasons=None, **more):
    """What the screen sends: {code: outcome} for the open items of the agenda."""
    data = {
        "submission": uuid.uuid4().hex,
        "dated": str(meeting.held_until or ""),
        "item": [],
    }
    for item in meeting.agenda_items.filter(applied=None).select_related("project"):
        code = item.project.code
        data["item"].append(code)
        data |= {
            f"item-{code}-item_version": item.version,
            f"item-{code}-project_version": item.project.version,
            f"item-{code}-outcome": outcomes.get(code, ""),
            f"item-{code}-reason": (reasons or {}).get(code, ""),
        }
    return data | more


def confirmed(client, path, data):
    """Send a form, and once more when it tells which figures it moves."""
    first = client.post(path, data)
    if first.status_code == 200:
        seen = re.search(r'name="seen" value="(\w+)"', first.content.decode())[1]
        return client.post(path, data | {"seen": seen})
    return first


def move(meeting, day):
    """Another write gives a meeting another day."""
    with ledger_entry():
        day = make.day(day)
        current = Meeting.objects.get(pk=meeting.pk)
        writing.change(current, held_from=day, held_until=day)


def counted():
    return Project.objects.as_of().under(make.plan()).counted().count()


def status_of(project, day=None):
    return Project.objects.as_of(day).with_state().get(pk=project.pk).status


def decided(editor, meeting, *codes):
    """The meeting approves these projects."""
    on_agenda(meeting, *map(proposal, codes))
    data = decision_data(meeting, dict.fromkeys(codes, "approve"))
    assert confirmed(editor, DECISIONS, data).status_code == 302


# Dates


def test_a_later_last_day_is_saved_and_tells_of_decisions_left_behind(
    client, editor, meeting
):
    decided(editor, meeting, "P-22222", "P-33333")
    sent = filled(editor, f"{MEETING}edit/") | {"held_until": "2024-03-20"}
    told = (
        "2 decisions are dated 15 March 2024, before its last day: correct them if the "
        "meeting decided later."
    )

    saved = editor.post(f"{MEETING}edit/", sent)
    after, later = (editor.get(MEETING).content.decode() for _ in range(2))

    assert saved.status_code == 302
    assert str(Meeting.objects.get().held_until) == "2024-03-20"
    assert after.count(told) == 2
    assert later.count(told) == 1
    assert told not in client.get(MEETING).content.decode()


def test_decisions_of_the_last_day_are_not_called_early(editor, meeting):
    decided(editor, meeting, "P-22222")

    assert "before its last day" not in editor.get(MEETING).content.decode()


def test_decisions_are_not_called_early_where_only_the_month_is_known(editor, meeting):
    decided(editor, meeting, "P-22222")
    sent = {"held_from": "", "held_until": "2024-03"}
    editor.post(f"{MEETING}edit/", filled(editor, f"{MEETING}edit/") | sent)

    assert str(Meeting.objects.get().held_until) == "2024-03-31"
    assert "before its last day" not in editor.get(MEETING).content.decode()


# The agenda


def test_an_agenda_is_printed_once_something_is_on_it(editor, meeting):
    empty = editor.get(MEETING).content.decode()
    on_agenda(meeting, proposal("P-22222"))
    page = editor.get(MEETING).content.decode()

    assert '<section class="panel noprint" id="agenda"' in empty
    assert '<section class="panel" id="agenda"' in page


def test_who_decides_is_told_who_reads_the_reason(editor, meeting):
    on_agenda(meeting, proposal("P-22222"))

    page = editor.get(DECISIONS).content.decode()

    assert "everyone who may see the project reads it" in page
    assert 'aria-describedby="who-reads"' in page


def test_projects_in_appraisal_are_proposed_and_put_on_the_agenda(editor, meeting):
    proposal("P-22222")
    proposal("P-33333", status="concept")
    make.project(code="P-44444", status="ongoing")

    page = editor.get(AGENDA)
    assert [one["row"]["code"] for one in page.context["proposals"]] == ["P-22222"]

    answer = editor.post(
        AGENDA, {"project": ["P-22222"], "search": "P-33333", "submission": "a"}
    )

    assert answer.status_code == 302
    listed = meeting.agenda_items.values_list("project__code", "kind", "order")
    assert list(listed) == [("P-22222", "decide", 1), ("P-33333", "decide", 2)]


def test_words_are_looked_for_and_nothing_is_saved(editor, meeting):
    proposal("P-33333", status="concept", title="Rice in the delta")

    page = editor.post(AGENDA, {"search": "rice", "find": "1", "submission": "a"})

    assert [one["row"]["code"] for one in page.context["found"]] == ["P-33333"]
    assert not AgendaItem.objects.exists()


def test_words_that_are_no_code_are_not_saved_as_one(editor, meeting):
    page = editor.post(AGENDA, {"search": "rice", "submission": "a"})

    assert page.status_code == 400
    assert page.context["problems"] == [
        ("id_search", "“rice” is no project’s code. Press Find and tick what is meant.")
    ]


@pytest.mark.parametrize("path", [AGENDA, "/meetings/circulation/"])
def test_enter_finds_where_there_is_something_to_find(editor, meeting, path):
    proposal("P-33333", status="concept", title="Rice in the delta")

    for words in ("rice", "P-33333"):
        page = editor.post(path, {"search": words, "enter": "1", "submission": "a"})

        assert [one["row"]["code"] for one in page.context["found"]] == ["P-33333"]
        assert not AgendaItem.objects.exists()


def test_enter_saves_where_nothing_is_to_be_found(editor, meeting):
    proposal("P-22222")

    editor.post(AGENDA, {"project": ["P-22222"], "search": "", "enter": "1"})

    assert meeting.agenda_items.count() == 1


def test_what_was_found_and_ticked_is_saved_while_the_words_still_stand(
    editor, meeting
):
    proposal("P-33333", title="Rice in the delta")
    page = editor.post(AGENDA, {"search": "rice", "find": "1"}).content.decode()
    looked_for = re.search(r'name="looked_for" value="(\w*)"', page)[1]

    editor.post(
        AGENDA, {"search": "rice", "looked_for": looked_for, "project": ["P-33333"]}
    )

    assert meeting.agenda_items.count() == 1


@pytest.mark.parametrize("path", [AGENDA, "/meetings/circulation/"])
@pytest.mark.parametrize("press", ["find", "enter", "save"])
def test_too_long_a_search_is_refused_with_a_sentence(editor, meeting, path, press):
    page = editor.post(path, {"search": "a " * 1200, press: "1"})

    assert page.status_code == 400
    problem = ("id_search", "Look for at most 200 characters.")
    assert problem in page.context["problems"]


def test_an_agenda_on_which_all_is_decided_is_not_called_empty(editor, meeting):
    on_agenda(meeting, proposal("P-22222"))
    confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "defer"}))

    html = editor.get(AGENDA).content.decode()

    assert "All that was on it is decided." in html
    assert "Nothing is on the agenda yet" not in html
    assert "P-22222</a> (deferred)" in html
    assert '<td data-l="Outcome">Deferred</td>' in editor.get(MEETING).content.decode()


def test_an_agenda_is_put_in_order_and_cleared(editor, meeting):
    on_agenda(meeting, proposal("P-22222"), proposal("P-33333"), proposal("P-44444"))

    answer = editor.post(
        AGENDA,
        {
            "submission": "a",
            "item": ["P-22222", "P-33333", "P-44444"],
            "item-P-22222-place": "3",
            "item-P-22222-note": "After lunch",
            "item-P-22222-item_version": "1",
            "item-P-33333-gone": "on",
            "item-P-33333-item_version": "1",
            "item-P-44444-place": "1",
            "item-P-44444-item_version": "1",
        },
    )

    assert answer.status_code == 302
    listed = meeting.agenda_items.values_list("project__code", "order", "note")
    assert list(listed) == [("P-44444", 1, ""), ("P-22222", 2, "After lunch")]


def test_two_who_change_one_agenda_are_told(editor, meeting):
    on_agenda(meeting, proposal("P-22222"))
    data = {
        "item": ["P-22222"],
        "item-P-22222-place": "1",
        "item-P-22222-item_version": "1",
    }
    editor.post(AGENDA, data | {"submission": "a", "item-P-22222-note": "First"})

    second = editor.post(
        AGENDA, data | {"submission": "b", "item-P-22222-note": "Second"}
    )

    assert second.status_code == 409
    html = second.content.decode()
    assert "Somebody else wrote of P-22222: order 1, “First”." in html
    assert "Second</textarea>" in html
    assert meeting.agenda_items.get().note == "First"


def test_an_agenda_is_sent_twice_and_written_once(editor, meeting):
    proposal("P-22222")
    data = {"project": ["P-22222"], "submission": "same"}

    answers = [editor.post(AGENDA, data) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert meeting.agenda_items.count() == 1
    assert Entry.objects.filter(recorded_by__isnull=False).count() == 1


def test_an_agenda_sent_again_with_other_content_is_shown_with_what_was_typed(
    editor, meeting
):
    proposal("P-22222"), proposal("P-33333")
    editor.post(AGENDA, {"project": ["P-22222"], "submission": "same"})

    page = editor.post(
        AGENDA,
        {
            "submission": "same",
            "project": ["P-33333"],
            "item": ["P-22222"],
            "item-P-22222-note": "After lunch",
            "item-P-22222-item_version": "1",
        },
    )

    assert page.status_code == 400
    html = page.content.decode()
    assert "This form was saved already, with other content." in html
    assert "After lunch</textarea>" in html
    ticked = [one["row"]["code"] for one in page.context["proposals"] if one["ticked"]]
    assert ticked == ["P-33333"]
    assert meeting.agenda_items.count() == 1


# Decisions


def test_a_meeting_approves_two_and_returns_one(editor, meeting):
    make.project(status="approved", on="2023-01-10")
    first, second, third = map(proposal, ("P-22222", "P-33333", "P-44444"))
    on_agenda(meeting, first, second, third)
    outcomes = {"P-22222": "approve", "P-33333": "approve", "P-44444": "return"}
    data = decision_data(meeting, outcomes, {"P-44444": "The budget is not clear"})
    assert counted() == 1

    told = editor.post(DECISIONS, data)

    assert told.status_code == 200
    assert "IAI-IV today</a>: 1 → <b>3</b> projects" in told.content.decode()
    assert "Decided already" not in told.content.decode()
    assert counted() == 1

    answer = confirmed(editor, DECISIONS, data)

    assert (answer.status_code, answer.url) == (302, MEETING)
    assert counted() == 3
    facts = StatusChange.objects.known().filter(meeting=meeting)
    assert {
        (fact.project.code, fact.status, str(fact.effective_on), fact.note)
        for fact in facts
    } == {
        ("P-22222", "approved", HELD, ""),
        ("P-33333", "approved", HELD, ""),
        ("P-44444", "concept", HELD, "The budget is not clear"),
    }
    steps = ApprovalStep.objects.known().filter(meeting=meeting)
    assert {(step.project.code, step.step, step.outcome) for step in steps} == {
        ("P-22222", "task_force", "endorsed"),
        ("P-33333", "task_force", "endorsed"),
        ("P-44444", "task_force", "returned"),
    }
    assert {fact.sequence for fact in [*facts, *steps]} == {
        item.applied for item in meeting.agenda_items.all()
    }
    assert Project.objects.get(code="P-22222").is_published
    assert not Project.objects.get(code="P-44444").is_published


def test_the_decisions_of_a_meeting_are_undone_together(editor, meeting):
    first, second = proposal("P-22222"), proposal("P-33333")
    on_agenda(meeting, first, second)
    outcomes = {"P-22222": "approve", "P-33333": "defer"}
    confirmed(editor, DECISIONS, decision_data(meeting, outcomes))
    toast = editor.get(MEETING).content.decode()
    undo = re.search(r'action="(/undo/\d+/)"', toast)[1]
    assert counted() == 1

    editor.post(undo, {"next": MEETING})

    assert counted() == 0
    assert status_of(first) == "appraisal"
    assert not Project.objects.get(pk=first.pk).is_published
    assert not ApprovalStep.objects.known().exists()
    assert set(meeting.agenda_items.values_list("outcome", "applied")) == {("", None)}


def test_a_concept_is_approved_with_its_appraisal_on_that_day(editor, meeting):
    concept = proposal("P-22222", status="concept")
    on_agenda(meeting, concept)

    page = editor.get(DECISIONS).content.decode()
    confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "approve"}))

    assert "Still a concept: approving it also records its appraisal" in page
    walk = concept.status_changes.known().order_by("effective_on", "day_order")
    assert list(walk.values_list("status", "effective_on", "meeting")) == [
        ("concept", make.day("2024-01-10"), None),
        ("appraisal", make.day(HELD), None),
        ("approved", make.day(HELD), meeting.pk),
    ]


def test_a_deferred_project_keeps_its_status_and_is_told_so(editor, meeting):
    project = proposal("P-22222")
    on_agenda(meeting, project)

    data = decision_data(meeting, {"P-22222": "defer"}, {"P-22222": "Next time"})
    confirmed(editor, DECISIONS, data)

    assert status_of(project) == "appraisal"
    step = project.approval_steps.get()
    assert (step.outcome, step.note, str(step.effective_on)) == (
        "deferred",
        "Next time",
        HELD,
    )
    assert "Next time" in editor.get(MEETING).content.decode()


def test_what_is_left_open_stays_on_the_agenda(editor, meeting):
    on_agenda(meeting, proposal("P-22222"), proposal("P-33333"))

    confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "approve"}))

    open_items = meeting.agenda_items.filter(applied=None)
    assert [item.project.code for item in open_items] == ["P-33333"]


def test_a_return_needs_a_reason_and_nothing_is_written(editor, meeting):
    on_agenda(meeting, proposal("P-22222"), proposal("P-33333"))
    outcomes = {"P-22222": "return", "P-33333": "approve"}

    page = editor.post(DECISIONS, decision_data(meeting, outcomes))

    assert page.status_code == 400
    assert "Say why it is returned." in page.content.decode()
    assert 'href="#id_item-P-22222-reason"' in page.content.decode()
    assert counted() == 0


def test_no_decision_at_all_is_said(editor, meeting):
    on_agenda(meeting, proposal("P-22222"))

    page = editor.post(DECISIONS, decision_data(meeting, {}))

    assert page.status_code == 400
    assert "Choose a decision for at least one project." in page.content.decode()


def test_a_project_that_changed_meanwhile_is_named_and_nothing_is_applied(
    editor, meeting
):
    on_agenda(meeting, proposal("P-22222"), proposal("P-33333"))
    outcomes = {"P-22222": "approve", "P-33333": "approve"}
    data = decision_data(meeting, outcomes)
    Project.objects.filter(code="P-33333").update(version=7)

    page = confirmed(editor, DECISIONS, data)

    assert page.status_code == 409
    assert "P-33333 was changed by somebody else" in page.content.decode()
    assert counted() == 0
    again = decision_data(meeting, outcomes)
    assert confirmed(editor, DECISIONS, again).status_code == 302
    assert counted() == 2


def test_a_project_that_was_withdrawn_meanwhile_is_named(editor, meeting):
    project = proposal("P-22222")
    on_agenda(meeting, project)
    data = decision_data(meeting, {"P-22222": "approve"})
    Project.objects.filter(pk=project.pk).update(withdrawn_at=timezone.now())

    page = confirmed(editor, DECISIONS, data)

    assert page.status_code == 409
    assert "P-22222 was withdrawn as recorded by mistake." in page.content.decode()
    assert not ApprovalStep.objects.exists()


def test_an_item_that_was_decided_or_taken_off_meanwhile_is_named(editor, meeting):
    on_agenda(meeting, proposal("P-22222"), proposal("P-33333"))
    data = decision_data(meeting, {"P-22222": "approve", "P-33333": "approve"})
    confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "defer"}))
    AgendaItem.objects.filter(project__code="P-33333").delete()

    page = confirmed(editor, DECISIONS, data)

    assert page.status_code == 409
    assert "P-22222 was deferred." in page.content.decode()
    assert "P-33333 is on the agenda no longer." in page.content.decode()
    assert counted() == 0


def test_a_meeting_that_was_moved_meanwhile_dates_nothing(editor, meeting):
    on_agenda(meeting, proposal("P-22222"))
    data = decision_data(meeting, {"P-22222": "approve"}, dated="2024-03-14")

    page = confirmed(editor, DECISIONS, data)

    assert page.status_code == 409
    assert "last day is now 2024-03-15." in page.content.decode()


def test_a_meeting_that_moves_before_the_lock_dates_nothing(meeting):
    on_agenda(meeting, proposal("P-22222"))
    item = meeting.agenda_items.get()
    decided = actions.Decision(
        project=item.project,
        outcome="approve",
        item=item,
        item_version=item.version,
        project_version=item.project.version,
    )
    move(meeting, "2024-05-01")

    with (
        pytest.raises(actions.ChangedMeanwhile, match="last day is now 2024-05-01"),
        ledger_entry() as entry,
    ):
        actions.decide(meeting=meeting, decisions=[decided], entry=entry)

    assert counted() == 0


def test_who_decides_while_the_meeting_is_moved_is_told_and_loses_nothing(
    editor, meeting, monkeypatch
):
    on_agenda(meeting, proposal("P-22222"), proposal("P-33333"))
    data = decision_data(meeting, {"P-22222": "defer"}, {"P-22222": "Next time"})
    decision_day = actions.decision_day

    def and_it_moves(seen):
        move(meeting, "2024-05-01")
        return decision_day(seen)

    monkeypatch.setattr(actions, "decision_day", and_it_moves)
    page = editor.post(DECISIONS, data)
    monkeypatch.undo()

    assert page.status_code == 409
    html = page.content.decode()
    assert "last day is now 2024-05-01." in html
    assert 'name="dated" value="2024-05-01"' in html
    assert "Next time</textarea>" in html
    assert not ApprovalStep.objects.exists()
    assert confirmed(editor, DECISIONS, data | {"dated": "2024-05-01"}).url == MEETING
    assert str(ApprovalStep.objects.get().effective_on) == "2024-05-01"


def test_a_status_after_the_meeting_is_in_the_way_and_is_named(editor, meeting):
    project = make.project(
        code="P-22222", status="appraisal", on="2024-05-02", is_published=False
    )
    on_agenda(meeting, project)

    page = confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "approve"}))

    assert page.status_code == 400
    assert (
        "P-22222: It is appraisal since 2024-05-02, after this decision. "
        "Correct its status first."
    ) in page.content.decode()


def test_what_runs_already_cannot_be_approved(editor, meeting):
    on_agenda(meeting, make.project(code="P-22222", status="ongoing", on="2024-01-10"))

    page = confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "approve"}))

    assert page.status_code == 400
    assert "It is ongoing: there is nothing to approve." in page.content.decode()


def test_a_meeting_that_has_not_ended_decides_nothing_yet(editor):
    soon = timezone.localdate() + dt.timedelta(days=30)
    meeting = make.meeting("IAI-TF-80", on=soon)
    on_agenda(meeting, proposal("P-22222"))

    page = editor.get(DECISIONS).content.decode()
    sent = confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "approve"}))

    said = f"dated by the meeting’s last day, {soon.isoformat()}"
    assert said in page
    assert "Apply these decisions" not in page
    assert sent.status_code == 400
    assert said in sent.content.decode()


def test_a_meeting_without_a_date_decides_nothing(editor):
    meeting = make.meeting("IAI-TF-80", held_from=None, held_until=None)
    on_agenda(meeting, proposal("P-22222"))

    sent = confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "approve"}))

    assert sent.status_code == 400
    assert "The date of this meeting is not known." in sent.content.decode()


def test_a_meeting_known_by_its_month_dates_by_the_last_day(editor):
    meeting = make.meeting(
        "IAI-TF-80",
        held_from=None,
        held_until=make.day("2024-03-31"),
        precision="month",
    )
    project = proposal("P-22222")
    on_agenda(meeting, project)

    confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "approve"}))

    approved = project.status_changes.known().get(status="approved")
    assert str(approved.effective_on) == "2024-03-31"


def test_decisions_are_sent_twice_and_written_once(editor, meeting):
    on_agenda(meeting, proposal("P-22222"))
    data = decision_data(meeting, {"P-22222": "approve"})

    answers = [confirmed(editor, DECISIONS, data) for _ in range(2)]

    assert [(one.status_code, one.url) for one in answers] == [(302, MEETING)] * 2
    assert StatusChange.objects.filter(status="approved").count() == 1


def before_their_twins(monkeypatch, *views):
    """Each view meets the twin of its form only after it looked for it."""
    for view in views:
        looked = view.sent_before
        answers = iter([None])
        monkeypatch.setattr(
            view,
            "sent_before",
            lambda self, looked=looked, answers=answers: next(answers, looked(self)),
        )


@pytest.mark.parametrize("outcome", ["approve", "defer"])
def test_who_loses_to_the_own_twin_is_led_to_what_it_wrote(
    editor, meeting, monkeypatch, outcome
):
    on_agenda(meeting, proposal("P-22222"))
    proposal("P-33333")
    decided = decision_data(meeting, {"P-22222": outcome}, seen="")
    circulated = circulation_data("P-33333")
    first = [
        confirmed(editor, DECISIONS, decided),
        confirmed(editor, CIRCULATION, circulated),
    ]
    before_their_twins(monkeypatch, DecisionsView, CirculationView)

    again = [editor.post(DECISIONS, decided), editor.post(CIRCULATION, circulated)]

    assert [one.status_code for one in again] == [302, 302]
    assert [one.url for one in again] == [one.url for one in first]


def test_an_agenda_that_loses_to_its_twin_is_led_to_it(editor, meeting, monkeypatch):
    on_agenda(meeting, proposal("P-22222"))
    version = meeting.agenda_items.get().version
    data = {
        "submission": "a",
        "item": ["P-22222"],
        "item-P-22222-note": "After lunch",
        "item-P-22222-item_version": version,
    }
    editor.post(AGENDA, data)
    before_their_twins(monkeypatch, AgendaView)

    again = editor.post(AGENDA, data)

    assert (again.status_code, again.url) == (302, AGENDA)


def test_the_preview_names_what_becomes_public_and_how_to_withhold_it(editor, meeting):
    on_agenda(
        meeting,
        proposal("P-22222"),
        proposal("P-33333", withheld_reason="Under embargo"),
        proposal("P-44444"),
    )
    outcomes = {"P-22222": "approve", "P-33333": "approve", "P-44444": "defer"}

    page = editor.post(DECISIONS, decision_data(meeting, outcomes))

    public = [project.code for project in page.context["becoming_public"]]
    assert public == ["P-22222"]
    html = page.content.decode()
    link = "/projects/P-22222/edit/#id_withheld_reason"
    assert html.count(f'href="{link}" target="_blank"') == 2
    assert html.count("P-22222, in a new tab") == 2
    assert "This publishes, for everybody to read:</p>" in html
    assert "Not public, and stays so: “Under embargo”" in html
    assert 'id="id_withheld_reason"' in editor.get(link).content.decode()


def test_the_preview_names_the_button_that_applies_it(editor, meeting):
    on_agenda(meeting, proposal("P-22222"))

    page = editor.post(DECISIONS, decision_data(meeting, {"P-22222": "approve"}))

    html = page.content.decode()
    assert "If that is right, press “Apply these decisions” again." in html


def test_what_is_withheld_in_another_tab_stays_withheld_when_it_is_applied(sign_in):
    meeting, writer = make.meeting("IAI-TF-80", on=HELD), make.user("editor")
    editor = sign_in(writer)
    on_agenda(meeting, proposal("P-22222"), proposal("P-33333"))
    data = decision_data(
        meeting, {"P-22222": "approve", "P-33333": "approve"}, {"P-33333": "Well made"}
    )
    shown = editor.post(DECISIONS, data)
    seen = re.search(r'name="seen" value="(\w+)"', shown.content.decode())[1]
    with ledger_entry(writer):
        project = Project.objects.get(code="P-22222")
        writing.change(project, withheld_reason="Under embargo")

    told = editor.post(DECISIONS, data | {"seen": seen})

    html = told.content.decode()
    assert told.status_code == 409
    assert (
        "You changed P-22222 in another tab; it is withheld: “Under embargo”." in html
    )
    assert [one.code for one in told.context["becoming_public"]] == ["P-33333"]
    assert "Well made" in html
    assert counted() == 0
    applied = editor.post(DECISIONS, Form(html).texts)
    assert applied.status_code == 302
    published = Project.objects.filter(is_published=True).values_list("code", flat=True)
    assert (counted(), list(published)) == (2, ["P-33333"])


def test_the_preview_of_a_circulation_names_what_becomes_public(editor):
    proposal("P-22222")

    page = editor.post(CIRCULATION, circulation_data("P-22222"))

    html = page.content.decode()
    assert [one.code for one in page.context["becoming_public"]] == ["P-22222"]
    assert "If that is right, press “Record the decision” again." in html


def test_what_the_record_objects_to_is_said_above_the_form(
    editor, meeting, monkeypatch
):
    def objecting(self):
        raise ValidationError("The record objects.")

    on_agenda(meeting, proposal("P-22222"))
    deferred = decision_data(meeting, {"P-22222": "defer"})
    moved = {
        "submission": "a",
        "item": ["P-22222"],
        "item-P-22222-note": "After lunch",
        "item-P-22222-item_version": "1",
    }
    monkeypatch.setattr(AgendaItem, "clean", objecting)

    pages = [editor.post(DECISIONS, deferred), editor.post(AGENDA, moved)]

    assert [page.status_code for page in pages] == [400, 400]
    for page in pages:
        assert page.context["problems"] == [("", "The record objects.")]


def test_restoring_a_draft_does_not_rewrite_what_was_decided(editor, meeting):
    on_agenda(meeting, proposal("P-22222"))
    draft = decision_data(meeting, {"P-22222": "defer"}, {"P-22222": "A draft"})
    editor.post(DECISIONS, draft | {"keep": "1"})
    confirmed(editor, DECISIONS, decision_data(meeting, {"P-22222": "approve"}))
    item = meeting.agenda_items.get()
    drafted = item.history.get(outcome="defer")
    address = f"/history/agendaitem/{drafted.history_id}/restore/"

    page = editor.post(address, {"reason": "A slip", "version": item.version})

    item.refresh_from_db()
    assert page.status_code == 400
    assert "This was decided. To change it, undo the decision" in page.content.decode()
    assert (item.outcome, item.note) == ("approve", "")


def test_a_draft_is_kept_and_decides_nothing(editor, meeting):
    project = proposal("P-22222")
    on_agenda(meeting, project)
    data = decision_data(meeting, {"P-22222": "approve"}, {"P-22222": "Clear"})

    answer = editor.post(DECISIONS, data | {"keep": "1"})

    assert answer.status_code == 302
    item = meeting.agenda_items.get()
    assert (item.outcome, item.note, item.applied) == ("approve", "Clear", None)
    assert status_of(project) == "appraisal"
    assert "(draft)" in editor.get(MEETING).content.decode()


def test_the_rest_is_chosen_at_once_and_not_yet_saved(editor, meeting):
    on_agenda(meeting, proposal("P-22222"), proposal("P-33333"))
    data = decision_data(meeting, {"P-22222": "defer"}, {"P-22222": "Why"})

    page = editor.post(DECISIONS, data | {"approve-all": "1"}).content.decode()

    checked = re.findall(
        r'value="(\w+)"[^>]*id="id_item-(P-\d+)-\w+"[^>]*checked', page
    )
    assert checked == [("defer", "P-22222"), ("approve", "P-33333")]
    assert counted() == 0


def test_another_body_endorses_as_sponsoring_body(editor):
    meeting = make.meeting("ACCC-9", on=HELD)
    project = proposal("P-22222", line=make.line(plan=make.plan("MPAC-2025")))
    on_agenda(meeting, project)

    confirmed(
        editor,
        "/meetings/ACCC-9/decisions/",
        decision_data(meeting, {"P-22222": "approve"}),
    )

    assert project.approval_steps.get().step == "sponsoring_body"


def test_only_the_secretariat_decides(sign_in, meeting):
    on_agenda(meeting, proposal("P-22222"))
    data = decision_data(meeting, {"P-22222": "approve"})

    for role in ("reader", "coordinator", "partner"):
        fields = {"coordinator": {"country": "VN"}, "partner": {"partner": "JP"}}
        client = sign_in(make.user(role, **fields.get(role, {})))
        assert client.get(DECISIONS).status_code == 403
        assert client.post(DECISIONS, data).status_code == 403
    assert sign_in().post(DECISIONS, data).status_code == 403
    assert counted() == 0


def test_many_on_the_agenda_cost_as_many_queries_as_few(editor, meeting, queries):
    line = make.line()
    on_agenda(meeting, proposal("P-22222", line=line))
    few = [queries(lambda path=path: editor.get(path)) for path in (AGENDA, DECISIONS)]
    on_agenda(
        meeting, *(proposal(f"P-3333{n}", line=line, funders=["JP"]) for n in range(6))
    )

    many = [queries(lambda path=path: editor.get(path)) for path in (AGENDA, DECISIONS)]

    assert many == few


# Circulation

CIRCULATION = "/meetings/circulation/"


def circulation_data(*codes, outcome="approve", on="2024-05-02", **more):
    return {
        "submission": uuid.uuid4().hex,
        "project": list(codes),
        "outcome": outcome,
        "on": on,
    } | more


def test_a_decision_by_circulation_is_noted_at_the_next_meeting(editor, meeting):
    project = proposal("P-22222")

    answer = confirmed(editor, CIRCULATION, circulation_data("P-22222"))

    assert (answer.status_code, answer.url) == (302, "/projects/P-22222/")
    fact = project.status_changes.known().get(status="approved")
    assert (fact.by_circulation, fact.meeting, str(fact.effective_on)) == (
        True,
        None,
        "2024-05-02",
    )
    assert project.approval_steps.get().by_circulation

    following = make.meeting("IAI-TF-81", on="2024-06-20")
    path = "/meetings/IAI-TF-81/agenda/"
    proposed = editor.get(path).context["circulated"]
    assert [(one["row"]["code"], one["ticked"]) for one in proposed] == [
        ("P-22222", True)
    ]
    editor.post(path, {"circulated": ["P-22222"], "submission": "n"})
    confirmed(
        editor,
        "/meetings/IAI-TF-81/decisions/",
        decision_data(following, {"P-22222": "note"}),
    )

    assert following.agenda_items.get().outcome == "note"
    assert project.approval_steps.count() == 1
    visitor = editor.__class__()
    page = visitor.get("/meetings/IAI-TF-81/").content.decode()
    assert "Noted" in page
    assert "/projects/P-22222/" in page


def test_only_what_was_circulated_since_the_last_meeting_is_to_be_noted(
    editor, meeting
):
    line, connectivity = make.line(), make.line(plan=make.plan("MPAC-2025"))
    make.project(code="P-22222", on="2024-03-01", line=line)
    make.project(code="P-33333", on="2024-04-01", line=line)
    make.project(code="P-44444", on="2024-04-01", line=connectivity)
    make.meeting("IAI-TF-81", on="2024-06-20")
    make.meeting("ACCC-9", on="2024-06-20")

    def proposed(code):
        page = editor.get(f"/meetings/{code}/agenda/")
        return [one["row"]["code"] for one in page.context["circulated"]]

    assert proposed("IAI-TF-81") == ["P-33333"]
    assert proposed("ACCC-9") == ["P-44444"]


def test_what_another_programme_circulates_is_of_the_body_that_decided_before(editor):
    line = make.line(plan=make.plan("RCEP-1"))
    meeting = make.meeting("RCEP-9", on="2024-02-01")
    on_agenda(meeting, proposal("P-22222", line=line))
    confirmed(
        editor,
        "/meetings/RCEP-9/decisions/",
        decision_data(meeting, {"P-22222": "approve"}),
    )
    project = proposal("P-33333", line=line)

    confirmed(editor, CIRCULATION, circulation_data("P-33333"))

    assert project.approval_steps.get().step == "sponsoring_body"
    make.meeting("RCEP-10", on="2024-06-20")
    page = editor.get("/meetings/RCEP-10/agenda/")
    assert [one["row"]["code"] for one in page.context["circulated"]] == ["P-33333"]


def test_a_programme_that_no_body_decided_on_has_nothing_circulated(editor):
    proposal("P-22222", line=make.line(plan=make.plan("RCEP-1")))

    page = editor.post(CIRCULATION, circulation_data("P-22222"))

    assert page.status_code == 400
    assert (
        "P-22222: No meeting has decided on a project of RCEP yet, so it is not on "
        "record which body decides by circulation."
    ) in page.content.decode()
    assert not ApprovalStep.objects.exists()


def test_several_are_returned_by_circulation_with_one_reason(editor):
    for code in ("P-22222", "P-33333"):
        proposal(code)
    data = circulation_data("P-22222", "P-33333", outcome="return", reason="Overlap")

    answer = confirmed(editor, CIRCULATION, data)

    assert (answer.status_code, answer.url) == (302, "/meetings/")
    returned = StatusChange.objects.known().filter(status="concept")
    assert set(returned.values_list("project__code", "by_circulation", "note")) == {
        ("P-22222", True, "Overlap"),
        ("P-33333", True, "Overlap"),
    }
    assert len(set(returned.values_list("sequence"))) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"on": ""}, "This field is required."),
        ({"on": "2999-01-01"}, "This day has not come yet"),
        ({"outcome": ""}, "This field is required."),
        ({"outcome": "return"}, "Say why it is returned."),
        ({"project": []}, "Choose the projects that were decided."),
        ({"project": ["P-99999"]}, "There is no project P-99999."),
        ({"project": ["P-55555"]}, "P-55555: It is ongoing: there is nothing to"),
        ({"on": "2023-12-31"}, "P-22222: It is appraisal since 2024-01-10, after"),
    ],
)
def test_what_is_wrong_in_a_circulation_is_said_and_not_written(
    editor, change, sentence
):
    proposal("P-22222")
    make.project(code="P-55555", status="ongoing", on="2024-01-10")
    before = StatusChange.objects.count()

    page = editor.post(CIRCULATION, circulation_data("P-22222") | change)

    assert page.status_code == 400
    assert sentence in page.content.decode()
    assert StatusChange.objects.count() == before


def test_a_circulation_is_undone(editor):
    project = proposal("P-22222")
    confirmed(editor, CIRCULATION, circulation_data("P-22222"))
    page = editor.get("/projects/P-22222/").content.decode()

    editor.post(re.search(r'action="(/undo/\d+/)"', page)[1])

    assert status_of(project) == "appraisal"
    assert not ApprovalStep.objects.known().exists()
