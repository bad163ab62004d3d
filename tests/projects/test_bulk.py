"""One change to many projects: seen before it is written, whole, and taken back."""

import time

import pytest
from django.db.models import F

from aseanpm.facts import Entry
from partners.models import FocalPoint
from projects.models import Project, StatusChange
from tests import make

pytestmark = pytest.mark.django_db

BULK = "/projects/bulk/"
LIST = "/projects/?search=rice"


@pytest.fixture
def client(sign_in):
    return sign_in(make.user("editor"))


def preview(client, deed, codes=(), **sent):
    """The preview of a change to the projects of these codes."""
    if codes:
        sent["pick"] = list(codes)
    return client.post(BULK, {"deed": deed, "preview": "1", "next": LIST, **sent})


def apply(client, page, **sent):
    """Press the button of a preview, with the form as it was."""
    context = page.context
    hidden = {
        name: context[name] for name in ("deed", "picked", "submission", "seen", "next")
    }
    return client.post(BULK, {"apply": "1", **hidden, **sent})


def told(page):
    return [
        (one.project.code, one.old, one.new, one.refused)
        for one in page.context["planned"]
    ]


def statuses():
    rows = Project.objects.with_state().order_by("code")
    return dict(rows.values_list("code", "status"))


# Status

STARTED = {"status": "ongoing", "effective_on": "2022-03-01"}


def test_a_status_move_is_told_for_each_and_left_out_where_it_is_not_allowed(client):
    make.project(code="P-2", status="approved", on="2022-01-10")
    make.project(code="P-3", status="concept")
    make.project(code="P-4", status="approved", on="2022-06-01")
    make.project(code="P-5", status=None)

    page = preview(client, "move", ["P-2", "P-3", "P-4", "P-5"], **STARTED)

    assert page.status_code == 200
    assert told(page) == [
        ("P-2", "Approved", "Ongoing", ""),
        (
            "P-3",
            "Concept",
            "Ongoing",
            "“Ongoing” cannot follow “Concept”. What can: Appraisal, Cancelled, "
            "Carried over.",
        ),
        (
            "P-4",
            "Approved",
            "Ongoing",
            "Its last status is of 2022-06-01, a later day.",
        ),
        ("P-5", "No status", "Ongoing", ""),
    ]
    html = page.content.decode()
    assert "2 projects will change" in html
    assert "2 left out" in html
    assert statuses()["P-2"] == "approved"


def test_a_preview_writes_nothing_and_its_button_writes_all_in_one_entry(client):
    make.project(code="P-2", status="approved", on="2022-01-10")
    make.project(code="P-3", status="approved", on="2022-01-10")
    make.project(code="P-4", status="concept")
    before = Entry.objects.count()

    page = preview(client, "move", ["P-2", "P-3", "P-4"], **STARTED)
    assert Entry.objects.count() == before
    answer = apply(client, page, **STARTED)

    assert answer.url == LIST
    assert statuses() == {"P-2": "ongoing", "P-3": "ongoing", "P-4": "concept"}
    entry = Entry.objects.get(what="Status: Ongoing (2 projects)")
    assert entry.can_be_undone
    assert StatusChange.objects.filter(sequence=entry.sequence).count() == 2
    assert f'action="/undo/{entry.sequence}/"' in client.get(LIST).content.decode()


def test_a_change_of_a_selection_is_undone_as_a_whole(client):
    theme = make.theme("GENDER")
    for code in ("P-2", "P-3"):
        make.project(code=code, status="approved", on="2022-01-10")
    apply(client, preview(client, "move", ["P-2", "P-3"], **STARTED), **STARTED)
    moved = Entry.objects.first()
    sent = {"theme": "GENDER"}
    apply(client, preview(client, "add-theme", ["P-2", "P-3"], **sent), **sent)
    tagged = Entry.objects.first()
    assert theme.projects.count() == 2

    for entry in (tagged, moved):
        client.post(f"/undo/{entry.sequence}/", {"next": LIST})

    assert statuses() == {"P-2": "approved", "P-3": "approved"}
    assert theme.projects.count() == 0


def test_approval_names_its_meeting_and_publishes(client):
    make.meeting("IAI-TF-80", on="2022-09-22")
    make.project(code="P-2", status="appraisal", is_published=False)
    make.project(
        code="P-3", status="appraisal", is_published=False, withheld_reason="Wait"
    )
    approval = {"status": "approved", "effective_on": "2022-09-22"}
    codes = ["P-2", "P-3"]

    bare = preview(client, "move", codes, **approval)
    assert [one.refused for one in bare.context["planned"]] == [
        "“Approved” names the meeting or the circulation that decided it."
    ] * 2
    approval["meeting"] = "IAI-TF-80"
    page = preview(client, "move", codes, **approval)
    assert [one.new for one in page.context["planned"]] == [
        "Approved, published",
        "Approved, withheld as before",
    ]
    apply(client, page, **approval)

    published = Project.objects.filter(is_published=True)
    assert list(published.values_list("code", flat=True)) == ["P-2"]
    change = StatusChange.objects.get(project__code="P-2", status="approved")
    assert change.meeting.code == "IAI-TF-80"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"effective_on": "2999-01-01"}, "This day has not come yet"),
        ({"effective_on": "1 March"}, "This is no date."),
        ({"status": "carried_over"}, "carried_over is not one of"),
        ({"status": "asleep"}, "asleep is not one of"),
        ({"meeting": "NOWHERE-1"}, "not one of the available choices"),
        ({"meeting": "IAI-TF-80"}, "was not held on that day"),
        (
            {
                "meeting": "IAI-TF-80",
                "effective_on": "2022-09-22",
                "by_circulation": "on",
            },
            "at a meeting or by circulation, not both",
        ),
        ({"note": "a\u202eb"}, "a sign that cannot be seen"),
    ],
)
def test_a_wrong_field_gets_its_sentence_and_nothing_is_written(client, sent, said):
    make.meeting("IAI-TF-80", on="2022-09-22")
    make.project(code="P-2", status="approved", on="2022-01-10")
    before = Entry.objects.count()

    for button in ("preview", "apply"):
        form = {"deed": "move", "picked": "P-2:1", **STARTED, **sent}
        page = client.post(BULK, form | {button: "1"})
        assert page.status_code == 400
        assert said in page.content.decode()

    assert Entry.objects.count() == before


def test_a_hold_needs_its_reason(client):
    make.project(code="P-2", status="ongoing", on="2022-01-10")
    hold = {"status": "on_hold", "effective_on": "2022-03-01"}

    bare = preview(client, "move", ["P-2"], **hold)
    assert bare.context["planned"][0].refused == "“On hold” needs a reason."
    hold["note"] = "Floods"
    apply(client, preview(client, "move", ["P-2"], **hold), **hold)

    assert statuses() == {"P-2": "on_hold"}
    assert StatusChange.objects.get(status="on_hold").note == "Floods"
    assert Entry.objects.first().reason == "Floods"


def test_figures_that_move_are_shown_before_they_do(client):
    plan = make.plan(declared=2)
    line = make.line(plan=plan)
    make.project(code="P-2", status="appraisal", on="2022-01-10", line=line)
    approval = {"status": "approved", "effective_on": "2022-03-01"}
    approval["by_circulation"] = "on"

    page = preview(client, "move", ["P-2"], **approval)

    moved = {str(one) for one in page.context["moved"]}
    assert "IAI-IV today: 0 → 1 project" in moved
    assert apply(client, page, **approval).status_code == 302
    assert statuses() == {"P-2": "approved"}


def test_figures_that_moved_after_the_preview_are_shown_again(client):
    line = make.line(plan=make.plan(declared=2))
    make.project(code="P-2", status="appraisal", on="2022-01-10", line=line)
    approval = {"status": "approved", "effective_on": "2022-03-01"}
    approval["by_circulation"] = "on"
    page = preview(client, "move", ["P-2"], **approval)

    make.project(code="P-9", status="approved", on="2022-01-10", line=line)
    again = apply(client, page, **approval)

    assert again.status_code == 200
    assert "IAI-IV today: 1 → 2 projects" in map(str, again.context["moved"])
    assert statuses()["P-2"] == "appraisal"


# Themes, focal points, officer, publication


def test_a_theme_is_added_and_removed_where_it_makes_a_difference(client):
    theme = make.theme("GENDER")
    other = make.theme("COVID")
    make.project(code="P-2").themes.add(other)
    make.project(code="P-3").themes.add(theme)
    sent = {"theme": "GENDER"}

    page = preview(client, "add-theme", ["P-2", "P-3"], **sent)
    assert told(page) == [
        ("P-2", "COVID", "COVID, GENDER", ""),
        ("P-3", "GENDER", "GENDER, GENDER", "It has “GENDER” already."),
    ]
    apply(client, page, **sent)
    assert theme.projects.count() == 2

    page = preview(client, "remove-theme", ["P-2", "P-3"], **sent)
    assert told(page) == [
        ("P-2", "COVID, GENDER", "COVID", ""),
        ("P-3", "GENDER", "none", ""),
    ]
    apply(client, page, **sent)
    assert theme.projects.count() == 0
    assert other.projects.count() == 1


def test_a_focal_point_and_an_officer_are_set(client):
    desk = FocalPoint.objects.create(kind="project", office="The desk")
    officer = make.user("editor", name="An officer")
    make.project(code="P-2")

    sent = {"focal_point": desk.pk}
    apply(client, preview(client, "add-focal-point", ["P-2"], **sent), **sent)
    sent = {"officer": officer.email}
    page = preview(client, "officer", ["P-2"], **sent)
    assert told(page) == [("P-2", "nobody", "An officer", "")]
    apply(client, page, **sent)

    made = Project.objects.get()
    assert (made.officer, list(made.focal_points.all())) == (officer, [desk])
    apply(client, preview(client, "officer", ["P-2"], officer=""), officer="")
    assert Project.objects.get().officer is None


def test_an_officer_is_of_the_secretariat(client):
    make.project(code="P-2")
    reader = make.user("reader")

    page = preview(client, "officer", ["P-2"], officer=reader.email)

    assert page.status_code == 400


def test_publication_tells_what_moves_for_visitors(client, sign_in):
    line = make.line(plan=make.plan(declared=2))
    make.project(code="P-2", line=line, is_published=False)
    make.project(code="P-3", line=line)

    page = client.post(BULK, {"deed": "publish", "pick": ["P-2", "P-3"], "next": LIST})
    assert told(page) == [
        ("P-2", "Not published", "Published", ""),
        ("P-3", "Published", "Published", "It is so already."),
    ]
    assert "IAI-IV today: 1 → 2 projects" in map(str, page.context["moved"])
    apply(client, page)
    assert sign_in(None).get("/projects/P-2/").status_code == 200

    sent = {"withheld_reason": "The partner asks for it"}
    apply(client, preview(client, "withhold", ["P-2", "P-3"], **sent), **sent)
    assert sign_in(None).get("/projects/P-2/").status_code == 404
    withheld = Project.objects.filter(withheld_reason="The partner asks for it")
    assert withheld.count() == 2


def test_withholding_needs_a_reason(client):
    make.project(code="P-2")

    page = preview(client, "withhold", ["P-2"], withheld_reason=" ")

    assert page.status_code == 400
    assert "This field is required." in page.content.decode()


# Which projects


def test_all_of_a_filtered_list_can_be_chosen_at_once(client):
    make.theme("GENDER")
    for title in ("Rice one", "Rice two", "Wheat"):
        make.project(title=title)
    sent = {"theme": "GENDER", "all": "on", "query": "search=rice&ordering=-title"}

    page = preview(client, "add-theme", **sent)

    assert {one.title for one in page.context["projects"]} == {"Rice one", "Rice two"}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"deed": "add-theme"}, "Tick at least one project"),
        ({"deed": "", "pick": "P-2"}, "Choose what to change."),
        ({"deed": "burn", "pick": "P-2"}, "Choose what to change."),
        (
            {"deed": "publish", "pick": [f"P-{n}" for n in range(501)]},
            "501 projects are too many for one change: at most 500.",
        ),
    ],
)
def test_an_impossible_selection_is_told_on_the_list(client, sent, said):
    make.project(code="P-2")

    answer = client.post(BULK, {"next": "/projects/", **sent}, follow=True)

    assert said in " ".join(map(str, answer.context["messages"]))


def test_an_unreadable_filter_chooses_nothing(client):
    sent = {"deed": "publish", "all": "on", "query": "plan=NOWHERE"}

    assert client.post(BULK, sent).status_code == 400


def test_codes_that_are_not_on_record_are_named_and_left_out(client):
    make.theme("GENDER")
    make.project(code="P-2")

    page = preview(client, "add-theme", ["P-2", "P-99999"], theme="GENDER")

    assert page.context["gone"] == ["P-99999"]
    assert "Not on record any more: P-99999." in page.content.decode()


def test_the_secretariat_alone_changes_selections(client, sign_in):
    make.project(code="P-2", countries=["VN"])
    sent = {"deed": "publish", "pick": "P-2"}

    assert sign_in(make.user("coordinator", country="VN")).post(
        BULK, sent
    ).status_code == (403)
    assert sign_in(None).post(BULK, sent).status_code == 403
    assert b"Nothing you typed is lost" in sign_in(None).post(BULK, sent).content
    assert client.get(BULK).url == "/projects/"


# Two people, two presses


def test_projects_changed_after_the_preview_are_named_and_none_is_written(client):
    make.theme("GENDER")
    for code in ("P-2", "P-3"):
        make.project(code=code, title=f"Rice {code}")
    sent = {"theme": "GENDER"}
    page = preview(client, "add-theme", ["P-2", "P-3"], **sent)

    Project.objects.filter(code="P-3").update(version=F("version") + 1)
    answer = apply(client, page, **sent)

    assert answer.status_code == 409
    assert [one.code for one in answer.context["changed"]] == ["P-3"]
    assert Project.themes.through.objects.count() == 0
    assert apply(client, answer, **sent).status_code == 302
    assert Project.themes.through.objects.count() == 2


def test_a_project_withdrawn_after_the_preview_stops_the_change(client):
    make.theme("GENDER")
    made = make.project(code="P-2")
    make.project(code="P-3")
    sent = {"theme": "GENDER"}
    page = preview(client, "add-theme", ["P-2", "P-3"], **sent)

    Project.objects.filter(pk=made.pk).update(withdrawn_at=made.recorded_at)
    answer = apply(client, page, **sent)

    assert answer.status_code == 409
    assert answer.context["gone"] == ["P-2"]
    assert Project.themes.through.objects.count() == 0


def test_pressing_twice_writes_once(client):
    make.theme("GENDER")
    make.project(code="P-2")
    sent = {"theme": "GENDER"}
    page = preview(client, "add-theme", ["P-2"], **sent)
    before = Entry.objects.count()

    first, second = apply(client, page, **sent), apply(client, page, **sent)

    assert (first.url, second.url) == (LIST, LIST)
    assert Entry.objects.count() == before + 1


@pytest.mark.parametrize(
    "picked", ["P-2", "P-2:x", "P-2:٣", ":::", "P-2:99999999999999999999", "P-2:-1"]
)
def test_a_mangled_selection_is_no_crash_and_writes_nothing(client, picked):
    make.project(code="P-2", is_published=False)
    before = Entry.objects.count()

    page = client.post(BULK, {"deed": "publish", "picked": picked, "apply": "1"})

    assert page.status_code == 409
    assert Entry.objects.count() == before


def test_each_change_has_its_history_row(client):
    make.theme("GENDER")
    for code in ("P-2", "P-3"):
        make.project(code=code)
    sent = {"theme": "GENDER"}

    apply(client, preview(client, "add-theme", ["P-2", "P-3"], **sent), **sent)

    entry = Entry.objects.first()
    rows = Project.history.filter(sequence=entry.sequence)
    assert {row.code for row in rows} == {"P-2", "P-3"}
    last = rows.filter(code="P-2").first()
    assert [link.theme.code for link in last.themes.all()] == ["GENDER"]


def test_many_projects_move_in_as_many_queries_as_few(client, queries):
    make.meeting("IAI-TF-80", on="2022-09-22")
    holds = {"status": "on_hold", "effective_on": "2022-09-22", "note": "Floods"}
    holds["meeting"] = "IAI-TF-80"

    def hold(count):
        rows = [make.project(status="ongoing", on="2022-01-10") for _ in range(count)]
        codes = [project.code for project in rows]
        return queries(
            lambda: apply(client, preview(client, "move", codes, **holds), **holds)
        )

    few = hold(2)

    assert hold(12) <= few
    assert set(statuses().values()) == {"on_hold"}


def test_a_hundred_projects_change_in_two_seconds(client):
    for number in range(100):
        make.project(code=f"P-{number}", status="approved", on="2022-01-10")
    page = preview(client, "move", [f"P-{n}" for n in range(100)], **STARTED)

    begun = time.process_time()
    answer = apply(client, page, **STARTED)

    assert answer.status_code == 302
    assert set(statuses().values()) == {"ongoing"}
    assert time.process_time() - begun < 2
