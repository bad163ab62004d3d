"""The life of a project on its pages: moves, steps, carrying over, setting right."""

import datetime as dt
import re

import pytest
import time_machine
from django.core.exceptions import ValidationError

from aseanpm.facts import Entry, LedgerHead, ledger_entry
from projects import actions, lifecycle, progress
from projects.models import (
    ApprovalStep,
    Benefit,
    Funding,
    Project,
    Status,
    StatusChange,
)
from tests import make
from tests.projects.sending import fill, fill_on, form_in, problems_in, save, typed

pytestmark = pytest.mark.django_db

TODAY = make.day("2026-06-15")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(dt.datetime(2026, 6, 15, 9, tzinfo=dt.UTC), tick=True):
        yield


@pytest.fixture
def editor(sign_in):
    return sign_in(make.user("editor", email="ana@example.org"))


def move(project, status):
    return f"/projects/{project.code}/move/{status}/"


def standing(project):
    """(status, ISO day) of each step of its life, in order."""
    changes = project.status_changes.known().order_by("effective_on", "day_order")
    return [(one.status, one.effective_on.isoformat()) for one in changes]


def status_of(project):
    found = Project.objects.as_of().with_state().get(pk=project.pk)
    return found.status


# Moves


@pytest.mark.parametrize(
    ("status", "labels"),
    [
        (
            None,
            [
                "Record a concept",
                "Record a proposal under appraisal",
                "Record as first documented: approved",
                "Record as first documented: ongoing",
            ],
        ),
        ("concept", ["Start appraisal", "Cancel", "Carry over"]),
        ("appraisal", ["Return to concept", "Approve", "Cancel", "Carry over"]),
        ("approved", ["Start", "Cancel", "Carry over"]),
        ("ongoing", ["Put on hold", "Complete", "Cancel", "Carry over"]),
        ("on_hold", ["Resume", "Cancel", "Carry over"]),
        ("completed", []),
        ("cancelled", []),
    ],
)
def test_the_page_offers_exactly_the_moves_that_the_status_allows(
    editor, status, labels
):
    project = make.project(status=status)

    answer = editor.get(f"/projects/{project.code}/")

    html = answer.content.decode()
    assert [one.label for one in answer.context["moves"]] == labels
    assert html.count(f"/projects/{project.code}/move/") == len(labels)
    for label in labels:
        assert f">{label}</a>" in html


@pytest.mark.parametrize("role", [None, "reader", "coordinator", "partner"])
def test_others_see_no_moves_and_cannot_make_any(sign_in, role):
    project = make.project(status="ongoing", countries=["VN"], funders=["JP"])
    of = {"coordinator": {"country": "VN"}, "partner": {"partner": "JP"}}
    client = sign_in(make.user(role, **of.get(role, {})) if role else None)

    shown = client.get(f"/projects/{project.code}/")
    answer = client.post(move(project, "completed"), {"effective_on": "2026-06-01"})

    page = shown.content.decode()
    assert shown.context["moves"] == []
    assert "/move/" not in page
    assert "Correct" not in page
    assert answer.status_code == 403
    assert status_of(project) == "ongoing"


def test_on_a_past_day_nothing_is_offered(editor):
    project = make.project(status="ongoing")

    page = editor.get(f"/projects/{project.code}/?as_of=2024-01-01").content.decode()

    assert "/move/" not in page
    assert "/correct/" not in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?as_of=2024-01-01", "You see 1 January 2024. To edit, "),
        (
            "?known_at=2026-06-14",
            "You see today as known on 14 June 2026, 23:59. To edit, ",
        ),
    ],
)
def test_who_edits_is_led_from_a_past_day_back_to_today(
    editor, client, query, sentence
):
    with time_machine.travel(make.moment("2022-01-10")):
        at = f"/projects/{make.project(on='2022-01-10').code}/"

    past = editor.get(at + query).content.decode()

    assert f'{sentence}<a href="{at}">go back to today</a>.' in past
    assert "go back to today" not in editor.get(at).content.decode()
    assert "go back to today" not in client.get(at + query).content.decode()


def test_a_project_is_approved_at_a_meeting_and_dated_by_it(editor):
    project = make.project(status="appraisal", on="2026-02-01", is_published=False)
    make.meeting("IAI-TF-80", on="2026-06-10")

    answer = save(editor, move(project, "approved"), meeting="IAI-TF-80")

    assert answer.url == f"/projects/{project.code}/"
    assert standing(project)[-1] == ("approved", "2026-06-10")
    approval = project.status_changes.known().get(status="approved")
    assert approval.meeting.code == "IAI-TF-80"
    assert Entry.objects.first().what == (f"{project}: Approved, 10 June 2026")
    project.refresh_from_db()
    assert project.is_published


@pytest.mark.parametrize(
    ("withheld", "sentence"),
    [
        ("", "This publishes it: visitors will see it."),
        ("Not signed", "It stays unpublished, withheld because of “Not signed”."),
    ],
)
def test_an_approval_says_first_whether_it_publishes(editor, withheld, sentence):
    fields = {"is_published": False, "withheld_reason": withheld}
    project = make.project(status="appraisal", **fields)
    public = make.project(status="appraisal", is_published=True)

    assert sentence in editor.get(move(project, "approved")).content.decode()
    assert "publish" not in editor.get(move(project, "cancelled")).content.decode()
    assert "publish" not in editor.get(move(public, "approved")).content.decode()


def test_a_first_status_that_counts_says_first_that_it_publishes(editor):
    project = make.project(status=None, is_published=False)

    ongoing = editor.get(move(project, "ongoing")).content.decode()

    assert "This publishes it: visitors will see it." in ongoing
    assert "publish" not in editor.get(move(project, "concept")).content.decode()


@pytest.mark.parametrize(
    ("published", "withheld", "said"),
    [
        (True, "", "· Published"),
        (False, "", "· Not published"),
        (False, "Not signed", "· Not published: withheld because of “Not signed”"),
    ],
)
def test_who_may_edit_reads_whether_a_project_is_published(
    editor, sign_in, published, withheld, said
):
    fields = {"is_published": published, "withheld_reason": withheld}
    project = make.project(status="appraisal", funders=["JP"], **fields)
    partner = sign_in(make.user("partner", partner="JP"))

    assert said in editor.get(f"/projects/{project.code}/").content.decode()
    read = partner.get(f"/projects/{project.code}/").content.decode()
    assert not re.search("· (Not p|P)ublished", read)


def test_the_meetings_of_the_deciding_body_stand_first_in_order(editor):
    project = make.project(status="appraisal", plan=make.plan("IAI-IV"))
    for code, on in (
        ("IAI-TF-79", "2026-02-01"),
        ("IAI-TF-80", None),
        ("IAI-TF-81", "2026-06-10"),
        ("ACCC-1", "2026-06-11"),
    ):
        make.meeting(code, on=on)

    choices = editor.get(move(project, "approved")).context["form"]["meeting"].field
    (own, ours), (other, others) = list(choices.choices)[2:]

    assert own == "IAI Task Force"
    assert [code for code, _ in ours] == ["IAI-TF-81", "IAI-TF-80", "IAI-TF-79"]
    assert ours[1][1] == "80th IAI Task Force, date not known"
    assert other == "Other meetings, the last first"
    assert [code for code, _ in others] == ["ACCC-1"]


def test_a_body_of_another_programme_is_asked_about_once(editor):
    project = make.project(status="appraisal", plan=make.plan("MPAC-2025"))
    make.meeting("IAI-TF-80", on="2026-06-10")

    first = fill(editor, move(project, "approved"), meeting="IAI-TF-80")

    html = first.content.decode()
    assert "This is a project of MPAC; the 80th IAI Task Force decides for IAI." in html
    assert "If that is right, press “Approve all the same”." in html
    assert ">Approve all the same</button>" in html
    assert status_of(project) == "appraisal"

    again = fill_on(editor, move(project, "approved"), first)

    assert again.status_code == 302
    assert status_of(project) == "approved"


def test_what_is_odd_and_what_moves_is_told_together(editor):
    plan = make.plan("MPAC-2025", counts_from="approved")
    project = make.project(status="appraisal", line=make.line(plan=plan))
    make.meeting("SUMMIT-40", on="2026-06-10", body=make.body("SUMMIT", name="Summit"))
    address = move(project, "approved")

    first = fill(editor, address, meeting="SUMMIT-40")

    html = first.content.decode()
    assert "project of MPAC; the 40th Summit decides for no programme." in html
    assert "Nothing is saved yet: this moves" in html
    assert fill_on(editor, address, first).status_code == 302


def test_a_meeting_recorded_in_another_tab_is_chosen_without_losing_a_word(editor):
    project = make.project(status="appraisal")
    address = move(project, "approved")
    page = editor.get(address)
    assert 'href="/meetings/new/" target="_blank"' in page.content.decode()
    recorded("IAI-TF-80")

    answer = fill_on(editor, address, page, reload="meeting", note="Agreed")

    html = answer.content.decode()
    assert form_in(answer)["note"] == ["Agreed"]
    assert form_in(answer)["meeting"] == ["IAI-TF-80"]
    assert status_of(project) == "appraisal"
    assert "The 80th IAI Task Force can now be chosen, and is chosen." in html
    assert re.search(r'<select name="meeting" autofocus [^>]*id_meeting_news', html)


def test_of_several_meetings_recorded_meanwhile_none_is_chosen(editor):
    address = move(make.project(status="appraisal"), "approved")
    make.meeting("IAI-TF-78", on="2026-04-10")
    page = editor.get(address)
    recorded("IAI-TF-79")
    recorded("IAI-TF-80")

    answer = fill_on(editor, address, page, reload="meeting")

    assert form_in(answer)["meeting"] == [""]
    assert (
        "Can now be chosen: the 79th IAI Task Force; the 80th IAI Task Force."
        in answer.content.decode()
    )


def test_where_no_meeting_was_recorded_meanwhile_that_is_said(editor):
    address = move(make.project(status="appraisal"), "approved")
    make.meeting("IAI-TF-80", on="2026-06-10")
    page = editor.get(address)

    answer = fill_on(editor, address, page, reload="meeting", meeting="IAI-TF-80")

    assert form_in(answer)["meeting"] == ["IAI-TF-80"]
    html = answer.content.decode()
    assert "No meeting was recorded since you opened this form." in html


def recorded(code):
    """A meeting made in a write of its own."""
    with ledger_entry():
        return make.meeting(code, on="2026-06-10")


@pytest.mark.parametrize(
    ("status", "target", "said"),
    [
        ("appraisal", "approved", "A circulation needs its day."),
        ("ongoing", "carried_over", "A circulation needs its day."),
        ("approved", "ongoing", "Today, unless you write another."),
        ("ongoing", "on_hold", "Today, unless you write another."),
        ("on_hold", "ongoing", "Today, unless you write another."),
    ],
)
def test_the_day_says_what_happens_where_it_is_left_empty(
    editor, plans, status, target, said
):
    project = make.project(status=status, plan=plans[1])

    assert said in editor.get(move(project, target)).content.decode()


def test_the_figures_that_a_move_shifts_are_shown_before_it(editor):
    plan = make.plan("IAI-IV")
    make.project(on="2022-01-10", line=make.line(plan=plan))
    project = make.project(status="appraisal", on="2022-02-01", plan=plan)
    make.figure(plan=plan, metric="projects", value=1, as_of="2022-09-22")

    first = fill(
        editor,
        move(project, "approved"),
        meeting="circulation",
        effective_on="2022-06-30",
        note="Agreed in writing",
    )
    html = first.content.decode()

    assert first.status_code == 200
    assert "IAI-IV on 22 September 2022</a>: 1 → <b>2</b>" in html
    assert "If that is right, press “Approve all the same”." in html
    assert ">Approve all the same</button>" in html
    assert status_of(project) == "appraisal"

    second = fill_on(editor, move(project, "approved"), first)

    assert second.status_code == 302
    assert standing(project)[-1] == ("approved", "2022-06-30")
    assert project.status_changes.get(status="approved").note == "Agreed in writing"


@pytest.mark.parametrize(
    ("status", "target", "values", "sentence"),
    [
        (
            "appraisal",
            "approved",
            {"effective_on": "2026-06-01"},
            "Decided: “Approved” names the meeting or the circulation that decided it.",
        ),
        (
            "appraisal",
            "approved",
            {"meeting": "circulation"},
            "Day: A circulation has no day of its own: give the day.",
        ),
        (
            "appraisal",
            "approved",
            {"meeting": "IAI-TF-81"},
            "Decided: This meeting has not been held yet.",
        ),
        (
            "appraisal",
            "approved",
            {"meeting": "IAI-TF-80", "effective_on": "2026-06-11"},
            "Day: The 80th IAI Task Force was not held on that day.",
        ),
        (
            "appraisal",
            "approved",
            {"meeting": "IAI-TF-99"},
            "Decided: “IAI-TF-99” is no meeting on record.",
        ),
        (
            "ongoing",
            "on_hold",
            {"effective_on": "2026-06-01"},
            "Reason: “On hold” needs a reason.",
        ),
        (
            "ongoing",
            "completed",
            {"effective_on": "2026-06-16"},
            "Day: This day has not come yet",
        ),
        (
            "ongoing",
            "completed",
            {"effective_on": "2022-01-09"},
            "Day: “Ongoing” is on record since 10 January 2022; what follows is not "
            "dated before it.",
        ),
        ("ongoing", "completed", {"effective_on": ""}, "Day: Give the day."),
        (
            "ongoing",
            "completed",
            {"effective_on": "soon"},
            "Day: This is no date. Write it as 2022-09-22.",
        ),
        (
            "ongoing",
            "completed",
            {"effective_on": "0202-01-01"},
            "Day: ASEAN was founded on 8 August 1967, after that day.",
        ),
    ],
)
def test_a_wrong_move_gets_a_sentence_at_its_field_and_writes_nothing(
    editor, status, target, values, sentence
):
    project = make.project(status=status)
    make.meeting("IAI-TF-80", on="2026-06-10")
    make.meeting("IAI-TF-81", on="2026-10-10")
    before = LedgerHead.objects.get().sequence

    answer = fill(editor, move(project, target), **values)

    assert answer.status_code == 400
    assert sentence in problems_in(answer)
    for name, value in values.items():
        if value != "IAI-TF-99":  # which no select offers
            assert form_in(answer)[name] == [value]
    assert status_of(project) == status
    assert LedgerHead.objects.get().sequence == before


def test_a_move_that_is_not_in_the_table_is_refused_with_a_sentence(editor):
    project = make.project(status="approved")
    start = form_in(editor.get(move(project, "ongoing")))

    page = editor.get(move(project, "completed"))
    forged = editor.post(move(project, "completed"), start)

    for answer in (page, forged):
        assert answer.status_code == 409
        assert (
            "“Completed” cannot follow “Approved”. What can: Ongoing, Cancelled, "
            "Carried over." in answer.content.decode()
        )
    assert status_of(project) == "approved"


def test_what_is_no_status_or_no_project_is_not_there(editor):
    project = make.project(status="approved")

    assert editor.get(move(project, "asleep")).status_code == 404
    assert editor.get("/projects/P-99999/move/ongoing/").status_code == 404


def test_the_second_of_two_writers_is_told_what_the_first_did(editor, sign_in):
    project = make.project(status="ongoing")
    other = sign_in(make.user("administrator", name="Binh"))
    mine = form_in(editor.get(move(project, "on_hold")))
    save(other, f"/projects/{project.code}/steps/new/", effective_on="2026-05-05")

    answer = editor.post(
        move(project, "on_hold"),
        typed(mine, note="Funds are late", effective_on="2026-06-01"),
    )
    html = answer.content.decode()

    assert answer.status_code == 409
    assert "Somebody saved this project while you wrote" in html
    assert "Secretariat appraisal: Endorsed, by Binh" in html
    assert form_in(answer)["note"] == ["Funds are late"]
    assert status_of(project) == "ongoing"

    again = fill_on(editor, move(project, "on_hold"), answer)
    while again.status_code == 200:
        again = fill_on(editor, move(project, "on_hold"), again)

    assert again.status_code == 302
    assert standing(project)[-1] == ("on_hold", "2026-06-01")


def test_a_move_that_somebody_made_impossible_says_so_and_keeps_the_words(
    editor, sign_in
):
    project = make.project(status="ongoing")
    other = sign_in(make.user("administrator"))
    mine = form_in(editor.get(move(project, "on_hold")))
    save(other, move(project, "completed"), effective_on="2026-06-01")

    answer = editor.post(move(project, "on_hold"), typed(mine, note="Funds are late"))

    assert answer.status_code == 409
    assert "“On hold” cannot follow “Completed”. Nothing can: it is the end." in (
        answer.content.decode()
    )
    html = answer.content.decode()
    assert "What you wrote, to be copied" in html
    assert '<dd class="typed">Funds are late</dd>' in html
    assert "data-guard" not in html.partition("<main")[2].partition("</main>")[0]
    assert "Somebody saved this project while you wrote" in html
    assert status_of(project) == "completed"


def test_a_move_that_one_made_oneself_in_another_tab_is_told_as_ones_own(editor):
    project = make.project(status="appraisal")
    make.meeting("IAI-TF-80", on="2026-06-01")
    mine = form_in(editor.get(move(project, "approved")))
    save(editor, move(project, "approved"), meeting="IAI-TF-80")

    answer = editor.post(
        move(project, "approved"),
        typed(mine, note="Agreed", effective_on="2026-06-02", submission="another"),
    )

    html = answer.content.decode()
    assert answer.status_code == 409
    assert "You saved this project in another tab" in html
    assert "Approved, 1 June 2026, by you, " in html
    assert "Somebody" not in html
    assert '<dd class="typed">Agreed</dd>' in html
    assert '<dd class="typed">2026-06-02</dd>' in html


@pytest.mark.parametrize("version", ["", "0", "99", "٣", "1;drop"])
def test_a_version_that_is_not_the_projects_is_stale(editor, version):
    project = make.project(status="ongoing")

    answer = fill(
        editor,
        move(project, "completed"),
        version=version,
        opened="x",
        effective_on="2026-06-01",
    )

    assert answer.status_code == 409
    assert status_of(project) == "ongoing"


def test_a_form_sent_twice_moves_once(editor):
    project = make.project(status="ongoing")
    address = move(project, "completed")
    form = form_in(editor.get(address))
    form = typed(form, effective_on="2026-06-01")

    answers = [editor.post(address, form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].url == answers[1].url
    assert [status for status, _ in standing(project)].count("completed") == 1


def test_a_role_lost_between_page_and_save_moves_nothing(sign_in):
    user = make.user("editor")
    client = sign_in(user)
    project = make.project(status="ongoing")
    form = form_in(client.get(move(project, "completed")))
    type(user).objects.filter(pk=user.pk).update(role="reader")

    answer = client.post(move(project, "completed"), form)

    assert answer.status_code == 403
    assert "Secretariat editor".lower() in answer.content.decode()
    assert status_of(project) == "ongoing"


def test_a_project_goes_on_hold_and_resumes_and_each_is_undone_by_its_toast(editor):
    project = make.project(status="ongoing", on="2026-01-10")
    page = f"/projects/{project.code}/"

    save(
        editor,
        move(project, "on_hold"),
        note="Funds are late",
        effective_on="2026-05-01",
    )
    save(editor, move(project, "ongoing"), effective_on="2026-06-01")
    assert status_of(project) == "ongoing"

    toast = editor.get(page).content.decode()
    resumed = Entry.objects.first()
    assert f'action="/undo/{resumed.sequence}/"' in toast
    assert f"{project.code} is “Ongoing” since 1 June 2026." in toast
    editor.post(f"/undo/{resumed.sequence}/", {"next": page})

    assert status_of(project) == "on_hold"
    assert standing(project)[-1] == ("on_hold", "2026-05-01")


def test_every_move_of_the_table_asks_the_table_of_permissions(sign_in):
    for user, all_of_them in (
        (make.user("editor"), True),
        (make.user("administrator"), True),
        (make.user("coordinator", country="VN"), False),
        (None, False),
    ):
        for status in ("", *Status.values):
            expected = lifecycle.moves_from(status) if all_of_them else []
            assert lifecycle.moves_for(user, status) == expected


def test_the_moves_are_printed_with_who_may_make_them(client):
    page = client.get("/permissions/").content.decode()

    page = re.sub(' data-l="[^"]*"', "", page)
    assert ">Put on hold</th><td>On hold</td><td>a day, a reason</td>" in page
    assert (
        ">Approve</th><td>Approved</td><td>a day, a meeting or a circulation</td>"
        "<td>a secretariat editor or a secretariat administrator</td>" in page
    )


def test_a_planned_date_that_passes_changes_nothing():
    project = make.project(
        status="ongoing",
        planned_start=make.day("2022-03-01"),
        planned_end=make.day("2026-06-15"),
    )
    row = Project.objects.values().get(pk=project.pk)
    head = LedgerHead.objects.get().sequence

    with time_machine.travel(dt.datetime(2027, 1, 1, tzinfo=dt.UTC)):
        assert status_of(project) == "ongoing"
        assert Project.objects.values().get(pk=project.pk) == row
        assert Project.objects.as_of().counted("ongoing").get() == project
    assert LedgerHead.objects.get().sequence == head


# Steps


def test_the_four_steps_are_listed_for_staff_and_recorded(editor, client):
    project = make.project(status="appraisal")
    address = f"/projects/{project.code}/steps/new/"
    make.meeting("IAI-TF-80", on="2026-06-10")

    save(editor, address, step="funder", outcome="returned", effective_on="2026-03-01")
    save(editor, address, step="funder", outcome="endorsed", effective_on="2026-05-01")
    save(editor, address, step="task_force", outcome="endorsed", meeting="IAI-TF-80")

    answer = editor.get(f"/projects/{project.code}/")
    told = [
        (label, step and (step.outcome, step.effective_on.isoformat()))
        for label, step in answer.context["steps"]
    ]
    assert told == [
        ("Secretariat appraisal", None),
        ("Sponsoring body", None),
        ("Funder", ("endorsed", "2026-05-01")),
        ("Task Force", ("endorsed", "2026-06-10")),
    ]
    assert answer.content.decode().count("not recorded") >= 2
    assert (
        "Steps to approval"
        not in client.get(answer.request["PATH_INFO"]).content.decode()
    )


@pytest.mark.parametrize(
    ("plan", "decided", "step", "told"),
    [
        (
            "IAI-IV",
            {"meeting": "IAI-TF-80"},
            "Task Force",
            'Approved at the <a href="/meetings/IAI-TF-80/">80th IAI Task Force</a>, '
            "10 June 2026",
        ),
        (
            "MPAC-2025",
            {"meeting": "circulation", "effective_on": "2026-06-11"},
            "Sponsoring body",
            "Approved by circulation, 11 June 2026",
        ),
    ],
)
def test_an_approval_stands_for_the_step_that_is_not_on_record(
    editor, plan, decided, step, told
):
    project = make.project(status="appraisal", plan=make.plan(plan))
    make.meeting("IAI-TF-80", on="2026-06-10")
    save(editor, move(project, "approved"), **decided)

    answer = editor.get(f"/projects/{project.code}/")

    steps = dict(answer.context["steps"])
    assert [label for label, one in steps.items() if one] == [step]
    assert f"<dt>{step}</dt><dd>{told}</dd>" in answer.content.decode()


def test_a_step_without_its_day_is_refused(editor):
    project = make.project(status="appraisal")

    answer = fill(editor, f"/projects/{project.code}/steps/new/", step="funder")

    assert "Day: Give the day." in problems_in(answer)
    assert not ApprovalStep.objects.exists()


# Carrying over


@pytest.fixture
def plans():
    third = make.plan("IAI-III", nominal_start=make.day("2016-01-01"))
    fourth = make.plan("IAI-IV")
    fifth = make.plan(
        "IAI-V",
        nominal_start=make.day("2026-01-01"),
        nominal_end=make.day("2030-12-31"),
    )
    return third, fourth, fifth


def carried(project, **more):
    values = {
        "plan": "IAI-V",
        "meeting": "circulation",
        "effective_on": "2026-03-31",
        "note": "It goes on in the next plan",
    }
    return values | more


def test_a_project_is_carried_over_to_a_successor_linked_both_ways(
    editor, client, plans
):
    line = make.line(plan=plans[2], area=make.area(plan=plans[2]))
    old = make.project(
        status="ongoing",
        plan=plans[1],
        title="Rice chains",
        title_translations={"vi": "Chuỗi lúa gạo"},
        countries=["VN", "LA"],
        funders=["JP"],
    )
    old.themes.add(make.theme("COVID"))

    save(editor, move(old, "carried_over"), **carried(old, line=line.code))

    new = Project.objects.get(predecessor=old)
    assert (new.title, new.title_translations) == (
        "Rice chains",
        {"vi": "Chuỗi lúa gạo"},
    )
    assert new.code.startswith("P-")
    assert new.code != old.code
    assert [theme.code for theme in new.themes.all()] == ["COVID"]
    assert standing(old)[-1] == ("carried_over", "2026-03-31")
    assert standing(new) == [("ongoing", "2026-03-31")]
    place = new.placements.known().get()
    assert (place.plan, place.area, place.line) == (plans[2], line.area, line)
    assert sorted(one.country.code for one in new.benefits.known()) == ["LA", "VN"]
    assert not new.fundings.exists()
    assert (
        len(
            {
                *old.status_changes.filter(status="carried_over").values_list(
                    "sequence", flat=True
                ),
                *new.status_changes.values_list("sequence", flat=True),
                *new.placements.values_list("sequence", flat=True),
                *new.history.values_list("sequence", flat=True),
            }
        )
        == 1
    )
    assert (
        f"/projects/{new.code}/"
        in client.get(f"/projects/{old.code}/").content.decode()
    )
    assert (
        f"/projects/{old.code}/"
        in client.get(f"/projects/{new.code}/").content.decode()
    )


def test_who_joined_or_left_after_the_day_of_carrying_over_is_as_on_that_day(plans):
    old = make.project(
        status="ongoing",
        plan=plans[0],
        on="2020-01-10",
        funders=["JP"],
        countries=["LA"],
    )
    for made in (
        Funding(partner=make.partner("KR"), effective_on=make.day("2022-06-01")),
        Funding(
            partner=make.partner("JP"), effective_on=make.day("2022-07-01"), delta=-1
        ),
        Benefit(country=make.country("VN"), effective_on=make.day("2022-06-01")),
        Benefit(
            country=make.country("LA"), effective_on=make.day("2022-07-01"), delta=-1
        ),
    ):
        made.project = old
        actions.record(fact=made)

    with ledger_entry() as entry:
        new = actions.carry_over(
            project=old,
            plan=plans[1],
            on=make.day("2021-01-01"),
            entry=entry,
            reason="Why",
            funders=True,
            decided={"by_circulation": True},
        )

    assert [one.partner.code for one in new.fundings.known()] == ["JP"]
    assert [one.country.code for one in new.benefits.known()] == ["LA"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"plan": "IAI-IV"}, "“IAI-IV” does not come after the plan of this project."),
        (
            {"plan": "IAI-III"},
            "“IAI-III” does not come after the plan of this project.",
        ),
        ({"plan": "MPAC-2025"}, "does not come after the plan of this project."),
        ({"plan": ""}, "Goes on under: "),
        ({"note": ""}, "Reason: “Carried over” needs a reason."),
        ({"meeting": ""}, "names the meeting or the circulation"),
        ({"line": "IAI-IV-1"}, "Primary line there: "),
        ({"effective_on": "2021-01-01"}, "is on record since 10 January 2022"),
    ],
)
def test_what_cannot_be_carried_over_so_is_refused(editor, plans, values, sentence):
    make.plan(
        "MPAC-2025",
        nominal_start=make.day("2028-01-01"),
        nominal_end=make.day("2030-01-01"),
    )
    make.line(plan=plans[1], code="IAI-IV-1")
    old = make.project(status="ongoing", plan=plans[1])

    answer = fill(editor, move(old, "carried_over"), **carried(old, **values))

    assert answer.status_code == 400
    assert sentence in problems_in(answer)
    assert Project.objects.count() == 1
    assert status_of(old) == "ongoing"


@pytest.mark.parametrize("code", ["IAI-III", "IAI-IV", "MPAC-2025"])
def test_whoever_carries_over_finds_a_later_plan_of_the_programme(plans, code):
    make.plan(
        "MPAC-2025",
        nominal_start=make.day("2028-01-01"),
        nominal_end=make.day("2030-01-01"),
    )
    old = make.project(status="ongoing", plan=plans[1])

    with (
        pytest.raises(ValidationError, match=f"{code} does not come after the plan"),
        ledger_entry() as entry,
    ):
        actions.carry_over(
            project=old,
            plan=make.plan(code),
            on=TODAY,
            entry=entry,
            reason="Why",
            decided={"by_circulation": True},
        )

    assert Project.objects.count() == 1


@pytest.mark.parametrize("plan", ["IAI-V", False])
def test_without_a_later_plan_there_is_nothing_to_carry_over_to(editor, plans, plan):
    old = make.project(status="ongoing", plan=plan and plans[2])

    answer = editor.get(move(old, "carried_over"))

    assert answer.status_code == 409
    assert "There is no later plan of its programme" in answer.content.decode()


def test_carrying_over_is_undone_whole_and_can_be_done_again(editor, plans):
    old = make.project(status="ongoing", plan=plans[1], countries=["VN"])
    address = move(old, "carried_over")

    codes = []
    for _ in range(2):
        save(editor, address, **carried(old, funders="on"))
        codes.append(Project.objects.as_of().get(predecessor=old).code)
        undone = Entry.objects.filter(can_be_undone=True).first()
        answer = editor.post(f"/undo/{undone.sequence}/", follow=True)
        assert answer.status_code == 200
        assert status_of(old) == "ongoing"
        assert editor.get(f"/projects/{codes[-1]}/").status_code == 404
        assert list(Project.objects.as_of()) == [old]

    assert len(set(codes)) == 2


def test_what_was_counted_once_stays_so_for_its_moment(editor, plans):
    old = make.project(status="ongoing", plan=plans[1])
    save(editor, move(old, "carried_over"), **carried(old, begins="ongoing"))
    then = Entry.objects.first()

    def told():
        projects = Project.objects.as_of(known_at=then.recorded_at)
        return progress.programme_counted(projects, plans[1].programme)

    assert told() == (1, 1)
    editor.post(f"/undo/{then.sequence}/")

    assert told() == (1, 1)


def test_a_project_carried_over_again_goes_on_as_it_did(editor, plans):
    old = make.project(status="ongoing", plan=plans[1])
    save(editor, move(old, "carried_over"), **carried(old))
    new = Project.objects.get(predecessor=old)
    fact = old.status_changes.get(status="carried_over")
    save(editor, fact_address(old, fact, "withdraw"), reason="Too early")
    assert status_of(old) == "ongoing"

    save(editor, move(old, "carried_over"), **carried(old))

    assert status_of(old) == "carried_over"
    assert list(Project.objects.filter(predecessor=old)) == [new]
    assert new.status_changes.count() == 1


def test_a_programme_counts_once_who_was_carried_over(editor, plans):
    old = make.project(status="ongoing", plan=plans[1])
    save(editor, move(old, "carried_over"), **carried(old))

    projects = Project.objects.as_of()
    assert projects.under(plans[1]).counted().count() == 1
    assert projects.under(plans[2]).counted().count() == 1
    counted, deducted = progress.programme_counted(projects, plans[1].programme)
    assert (counted, deducted) == (1, 1)


# The record set right


def fact_address(project, fact, deed):
    return f"/projects/{project.code}/facts/{fact.uuid}/{deed}/"


def test_each_standing_fact_can_be_corrected_and_withdrawn_from_the_page(editor):
    project = make.project(
        status="approved", funders=["SG"], countries=["VN"], budget="100"
    )
    facts = [
        *project.status_changes.all(),
        *project.placements.all(),
        *project.fundings.all(),
        *project.benefits.all(),
        *project.money_entries.all(),
    ]

    page = editor.get(f"/projects/{project.code}/").content.decode()

    assert len(facts) == 6
    for fact in facts:
        for deed in ("correct", "withdraw"):
            assert fact_address(project, fact, deed) in page
            assert editor.get(fact_address(project, fact, deed)).status_code == 200


@pytest.mark.parametrize(
    ("of", "shown"),
    [
        ({}, 0),
        ({"note": "By letter"}, 1),
        ({"source": "DOC1"}, 1),
        ({"meeting": "IAI-TF-80"}, 1),
        ({"basis": "unverified"}, 0),
    ],
)
def test_a_fact_is_called_documented_where_it_names_what_documents_it(
    editor, of, shown
):
    project = make.project(status=None)
    rows = {
        "source": make.source("DOC1"),
        "meeting": make.meeting("IAI-TF-80", on="2026-06-10"),
    }
    values = {name: rows.get(name, value) for name, value in of.items()}
    day = make.day("2026-06-10")
    actions.record(
        fact=StatusChange(project=project, status="concept", effective_on=day, **values)
    )

    page = editor.get(f"/projects/{project.code}/").content.decode()

    assert page.count("basis-documented") == shown
    assert page.count("basis-unverified") == (of.get("basis") == "unverified")


def test_a_correction_that_publishes_says_so_first(editor, client):
    project = make.project(status="appraisal", on="2022-01-10", plan=False)
    Project.objects.update(is_published=False)
    address = fact_address(project, project.status_changes.get(), "correct")

    shown = fill(editor, address, status="ongoing", reason="It had begun")
    hidden = client.get(f"/projects/{project.code}/")
    answer = fill_on(editor, address, shown)

    assert "This publishes it: visitors will see it." in shown.content.decode()
    assert hidden.status_code == 404
    assert answer.status_code == 302
    assert client.get(f"/projects/{project.code}/").status_code == 200


def test_a_correction_keeps_both_clocks_and_shows_first_what_it_moves(editor, client):
    plan = make.plan("IAI-IV")
    project = make.project(status="approved", on="2022-01-10", plan=plan)
    make.figure(plan=plan, metric="projects", value=0, as_of="2022-06-14")
    approval = project.status_changes.get(status="approved")
    address = fact_address(project, approval, "correct")

    shown = fill(
        editor, address, effective_on="2022-09-22", reason="The report names September"
    )
    assert "IAI-IV on 14 June 2022</a>: 1 → <b>0</b>" in shown.content.decode()
    assert approval in project.status_changes.known()
    answer = fill_on(editor, address, shown)

    assert answer.status_code == 302
    assert standing(project) == [
        ("appraisal", "2022-01-10"),
        ("approved", "2022-09-22"),
    ]
    approval.refresh_from_db()
    assert approval.withdrawal_reason == "The report names September"
    assert approval.withdrawn_by.email == "ana@example.org"
    page = client.get(f"/projects/{project.code}/").content.decode()
    assert "The report names September" in page
    assert page.count('class="withdrawn"') == 1

    editor.post(f"/undo/{Entry.objects.first().sequence}/")
    assert standing(project) == [
        ("appraisal", "2022-01-10"),
        ("approved", "2022-01-10"),
    ]


def test_a_withdrawal_asks_why_and_is_undone(editor):
    project = make.project(status="approved", funders=["SG", "JP"])
    japan = project.fundings.get(partner__code="JP")
    address = fact_address(project, japan, "withdraw")

    refused = fill(editor, address)
    assert "Say why the record was wrong." in problems_in(refused)
    assert project.fundings.known().count() == 2
    save(editor, address, reason="It was Korea’s fund")
    assert [one.partner.code for one in project.fundings.known()] == ["SG"]
    editor.post(f"/undo/{Entry.objects.first().sequence}/")

    assert sorted(one.partner.code for one in project.fundings.known()) == ["JP", "SG"]


def approved(client, **fields):
    """A project under appraisal that was then approved, on its page."""
    project = make.project(status="appraisal", on="2026-02-01", **fields)
    values = {"meeting": "circulation", "effective_on": "2026-06-01"}
    save(client, move(project, "approved"), **values)
    return project


def is_public(project):
    return Project.objects.visible_to(None).filter(pk=project.pk).exists()


@pytest.mark.parametrize(
    ("deed", "values"),
    [
        ("withdraw", {}),
        ("correct", {"status": "cancelled", "note": "It was given up"}),
    ],
)
def test_what_an_approval_alone_had_published_goes_with_it(editor, deed, values):
    project = approved(editor, is_published=False)
    first = project.status_changes.get(status="approved")
    address = fact_address(project, first, "correct")
    save(editor, address, effective_on="2026-06-02", reason="A slip")
    second = project.status_changes.known().get(status="approved")
    assert is_public(project)

    save(editor, fact_address(project, second, deed), reason="No", **values)

    assert not is_public(project)
    editor.post(f"/undo/{Entry.objects.first().sequence}/")
    assert is_public(project)


def test_what_was_published_by_hand_stays_public_without_its_approval(editor):
    before = approved(editor, is_published=True)
    after = approved(editor, is_published=False, withheld_reason="Wait")
    with ledger_entry() as entry:
        published = {"is_published": True, "withheld_reason": ""}
        actions.edit_project(project=after, entry=entry, **published)

    for project in (before, after):
        approval = project.status_changes.get(status="approved")
        save(editor, fact_address(project, approval, "withdraw"), reason="No")

        assert is_public(project)


def test_a_project_that_still_counts_stays_public(editor):
    project = make.project(status=None, is_published=False)
    address = move(project, "approved")
    save(editor, address, meeting="circulation", effective_on="2026-05-01")
    save(editor, move(project, "ongoing"), effective_on="2026-06-01")
    first, second = project.status_changes.order_by("effective_on")

    save(editor, fact_address(project, first, "withdraw"), reason="No")
    assert is_public(project)
    save(editor, fact_address(project, second, "withdraw"), reason="No")

    assert not is_public(project)


def test_a_project_recorded_by_mistake_stays_in_what_the_public_knew_before(editor):
    project = approved(editor, is_published=False)
    before = Entry.objects.first().recorded_at

    with ledger_entry() as entry:
        actions.withdraw_project(project=project, reason="Twice", entry=entry)

    known = Project.objects.visible_to(None).as_of(known_at=before)
    assert list(known) == [project]


def test_a_fact_that_others_stand_on_is_not_withdrawn(editor):
    project = make.project(status="ongoing")
    approval = project.status_changes.get(status="approved")

    answer = fill(editor, fact_address(project, approval, "withdraw"), reason="No")

    assert answer.status_code == 400
    assert "“Ongoing” cannot follow “Appraisal”" in problems_in(answer)
    assert project.status_changes.known().count() == 3


def test_a_correction_that_changes_nothing_is_refused(editor):
    project = make.project(
        status="approved", funders=["SG"], countries=[("VN", 60)], budget="1250.50"
    )
    kinds = ("status_changes", "placements", "fundings", "benefits", "money_entries")

    for kind in kinds:
        fact = getattr(project, kind).first()
        answer = fill(
            editor, fact_address(project, fact, "correct"), reason="No reason"
        )
        assert "Nothing differs from what is on record." in problems_in(answer), kind
    assert all(
        getattr(project, kind).filter(withdrawn_at=None).exists() for kind in kinds
    )


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        ("status_changes", {"status": "completed"}, "“Completed” cannot follow"),
        (
            "status_changes",
            {"effective_on": "2027-01-01"},
            "Day: This day has not come",
        ),
        ("placements", {"line": "IAI-III-9"}, "belongs to another plan"),
        ("placements", {"plan": "IAI-X"}, "Plan: “IAI-X” is not one of these."),
        ("fundings", {"fund": "AKCF"}, "Through the fund: AKCF does not count as"),
        ("fundings", {"delta": "-1"}, "A funder leaves only what it joined."),
        ("benefits", {"share": "101"}, "A share is above 0 and at most 100 per cent."),
        ("benefits", {"share": ""}, "A stated share needs its percentage."),
        ("benefits", {"country": ""}, "Name a country or a grouping, not both."),
        ("benefits", {"share": "٦٠"}, "“٦٠” is no number."),
        ("money_entries", {"amount": "1,2,3"}, "“1,2,3” is no number."),
        ("money_entries", {"amount": "-5"}, "would net below zero"),
    ],
)
def test_a_correction_that_breaks_a_rule_says_which_and_writes_nothing(
    editor, kind, values, sentence
):
    make.line(plan=make.plan("IAI-III"), code="IAI-III-9")
    make.fund("AKCF", owner="KR")
    project = make.project(
        status="approved", funders=["SG"], countries=[("VN", 60)], budget="100"
    )
    fact = getattr(project, kind).order_by("pk").last()

    answer = fill(
        editor, fact_address(project, fact, "correct"), reason="It was wrong", **values
    )

    assert answer.status_code == 400
    assert sentence in problems_in(answer)
    assert getattr(project, kind).known().filter(pk=fact.pk).exists()


def test_a_fact_that_was_withdrawn_meanwhile_says_who_and_why(editor, sign_in):
    project = make.project(status="approved", funders=["SG", "JP"])
    japan = project.fundings.get(partner__code="JP")
    mine = form_in(editor.get(fact_address(project, japan, "correct")))
    other = sign_in(make.user("administrator", name="Binh"))
    save(other, fact_address(project, japan, "withdraw"), reason="It was Korea’s")

    late = editor.post(
        fact_address(project, japan, "correct"), typed(mine, reason="It was in May")
    )
    page = editor.get(fact_address(project, japan, "correct"))

    for answer in (late, page):
        assert answer.status_code == 409
        assert "by Binh: It was Korea’s" in answer.content.decode()
    assert '<dd class="typed">It was in May</dd>' in late.content.decode()


def test_a_fact_of_another_project_is_not_there(editor):
    project, other = make.project(), make.project()
    fact = other.status_changes.first()

    assert editor.get(fact_address(project, fact, "correct")).status_code == 404


def test_a_private_amount_stays_out_of_the_history_of_writes(editor):
    project = make.project(funders=["JP"])
    entry = make.money(
        project, "774477", kind="committed", partner="JP", is_private=True
    )

    save(
        editor,
        fact_address(project, entry, "correct"),
        amount="885588",
        reason="It was eighty-eight",
    )

    last = Entry.objects.first()
    said = f"{last.what} {last.reason}"
    assert [one for one in ("774477", "885588", "eighty") if one in said] == []


def test_the_page_costs_as_much_with_many_facts_as_with_few(editor, queries):
    project = make.project(
        status="approved", funders=["SG"], countries=["VN"], budget="1"
    )
    address = f"/projects/{project.code}/"
    make.money(project, "5", kind="committed", partner="SG")
    ApprovalStep.objects.create(
        project=project,
        step="funder",
        outcome="endorsed",
        effective_on=TODAY,
        meeting=make.meeting(on="2026-06-15"),
        **stamps(),
    )
    few = queries(lambda: editor.get(address))
    for number in range(5):
        make.money(project, "5", kind="committed", partner=f"P{number}")
        ApprovalStep.objects.create(
            project=project,
            step="task_force",
            outcome="endorsed",
            day_order=number + 1,
            effective_on=TODAY,
            meeting=make.meeting(f"IAI-TF-{90 + number}", on="2026-06-15"),
            **stamps(),
        )

    assert queries(lambda: editor.get(address)) == few


def stamps():
    head = LedgerHead.objects.get()
    return {"sequence": head.sequence, "recorded_at": head.recorded_at}


def test_the_fund_stands_beside_the_partner_that_gives_through_it(client):
    project = make.project(funders=["KR", "AU"])
    fund = make.fund("JAIF", owner="JP")
    with ledger_entry() as entry:
        of = {"project": project, "effective_on": make.day("2022-02-01")}
        through = {"JP": fund, "AU": make.fund("AADCP", owner="AU")}
        for place, code in enumerate(through):
            Funding.objects.create(
                partner=make.partner(code),
                fund=through[code],
                day_order=place,
                **of,
                **entry.stamps,
            )

    html = client.get(f"/projects/{project.code}/").content.decode()

    panel = html.partition('id="funders"')[2].partition("</section>")[0]
    lines = [
        " ".join(re.sub("<[^>]+>", " ", one).split()) for one in panel.split("<li>")
    ]
    names = {code: make.partner(code).name for code in ("AU", "JP", "KR")}
    assert lines[1:] == [
        f"{names['AU']} directly and through AADCP",
        f"{names['JP']} through JAIF",
        names["KR"],
    ]
