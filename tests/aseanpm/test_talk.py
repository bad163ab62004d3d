"""Comments and action points: who writes them, who reads them, what becomes of them."""

import datetime as dt
import re
import uuid

import pytest
from django.utils import timezone

from aseanpm import writing
from aseanpm.editing import key_of
from aseanpm.facts import LedgerHead, ledger_entry
from aseanpm.models import ActionPoint, Comment, Entry
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    make.country("KH")
    make.partner("JP")
    return make.project(
        code="P-22222",
        title="Rice",
        line=make.line(plan=make.plan(), code="IAI-IV-07"),
        countries=["VN"],
        funders=["JP"],
    )


@pytest.fixture
def editor():
    return make.user("editor", email="linh@example.org", name="Linh Tran")


def send(client, address, **said):
    said = {"submission": uuid.uuid4().hex, "is_internal": "True"} | said
    return client.post(address, said)


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.content.decode()))


COMMENT = "/projects/P-22222/comments/new/"
POINT = "/projects/P-22222/action-points/new/"


# Writing


@pytest.mark.parametrize(
    "where", ["/projects/P-22222/", "/lines/IAI-IV-07/", "/meetings/IAI-TF-68/"]
)
def test_a_comment_is_written_and_read_on_the_page_it_is_about(
    sign_in, project, editor, where
):
    make.meeting()
    client = sign_in(editor)

    sent = send(client, f"{where}comments/new/", text="The date is\nwrong", next=where)

    assert (sent.status_code, sent.url) == (302, where)
    read = client.get(where)
    assert "The date is\nwrong" in read.content.decode()
    assert "Linh Tran" in text_of(read)
    made = Comment.objects.get()
    assert made.about.get_absolute_url() == where
    assert (made.recorded_by, made.is_internal) == (editor, True)
    assert made.history.earliest().sequence == Entry.objects.first().sequence


def test_the_same_comment_sent_twice_is_written_once(sign_in, project, editor):
    client = sign_in(editor)
    key = uuid.uuid4().hex

    answers = [send(client, COMMENT, text="Once", submission=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Comment.objects.count() == 1


def test_people_are_called_by_at_and_their_name(sign_in, project, editor):
    edith = make.user("editor", email="etan@example.org", name="Edith Tan")
    khanh = make.user("coordinator", country="VN", email="khanh@example.org")
    lines = make.user("editor", email="other@example.org", name="Linh Vo")
    client = sign_in(editor)

    text = "@Edith, ask @khanh and @linh vo. Not a@etan.example"
    assert send(client, COMMENT, text=text).status_code == 302

    assert set(Comment.objects.get().mentions.all()) == {edith, khanh, lines}


@pytest.mark.parametrize("name", ["linh@example.org", "Linh", "Linh@example.org, see"])
def test_an_address_calls_its_owner_whatever_others_are_named(
    sign_in, project, editor, name
):
    make.user("coordinator", country="VN", name=name)

    sent = send(sign_in(editor), COMMENT, text="Ask (@Linh@Example.org), please")

    assert sent.status_code == 302
    assert Comment.objects.get().mentions.get() == editor


def test_an_unknown_address_calls_nobody_by_its_first_part(sign_in, project, editor):
    answer = send(sign_in(editor), COMMENT, text="Ask @linh@elsewhere.org about it")

    assert answer.status_code == 400
    assert "is called “@linh@elsewhere.org”" in text_of(answer)


def test_people_are_chosen_by_name_and_no_address_is_given_away(
    sign_in, project, editor
):
    nameless = make.user("administrator", email="boss@secretariat.example")
    make.comment(project, by=nameless, mentions=[nameless], is_internal=False)
    make.action_point(project, owner=nameless, by=nameless, is_internal=False)
    client = sign_in(make.user("coordinator", country="VN", email="khanh@vn.example"))

    page = client.get("/projects/P-22222/").content.decode()
    wrong = send(client, COMMENT, text="", mentions=key_of(nameless)).content.decode()
    sent = send(client, COMMENT, text="See", mentions=key_of(nameless))

    assert f'<option value="{key_of(editor)}">Linh Tran</option>' in page
    assert f'<option value="{key_of(nameless)}">boss</option>' in page
    assert "secretariat.example" not in page
    assert "example.org" not in page
    assert "secretariat.example" not in wrong
    assert sent.status_code == 302
    assert Comment.objects.latest("pk").mentions.get() == nameless


def test_beside_who_wrote_it_stands_what_the_writer_is(sign_in, project, editor):
    make.comment(project, by=editor)
    make.comment(project, by=make.user("coordinator", country="VN", name="Khanh"))
    make.action_point(project, by=make.user("partner", partner="JP", name="Aki"))

    read = text_of(sign_in(editor).get("/projects/P-22222/"))

    assert "Linh Tran Secretariat ·" in read
    assert "Khanh Coordinator, Country VN ·" in read
    assert "written by Aki (Partner, Partner JP)" in read


@pytest.mark.parametrize("word", ["@Nobody", "@Linh", "@sok", "@Gone"])
def test_who_is_not_one_person_that_may_read_it_is_not_called(
    sign_in, project, editor, word
):
    make.user("editor", name="Linh Vo")
    make.user("coordinator", country="KH", name="Sok")
    make.user("editor", name="Gone", is_active=False)
    project.is_published = False
    project.save()

    answer = send(sign_in(editor), COMMENT, text=f"Ask {word} about it")

    assert answer.status_code == 400
    assert f"is called “{word[1:]}”" in text_of(answer).replace("@", "")
    assert f"Ask {word} about it" in answer.content.decode()
    assert not Comment.objects.exists()


def test_who_may_not_read_what_is_internal_is_not_mentioned_in_it(
    sign_in, project, editor
):
    elsewhere = make.user("coordinator", country="KH", name="Sok")
    client = sign_in(editor)

    refused = send(client, COMMENT, text="See", mentions=key_of(elsewhere))
    taken = send(
        client, COMMENT, text="See", mentions=key_of(elsewhere), is_internal="False"
    )

    assert refused.status_code == 400
    assert "Sok may not read what is internal here." in text_of(refused)
    assert taken.status_code == 302
    assert Comment.objects.get().mentions.get() == elsewhere


def test_a_country_that_benefits_through_a_grouping_is_among_its_countries(
    sign_in, editor
):
    make.grouping("CLMV", ["VN"], since="2000-01-01")
    make.project(code="P-22222", groupings=["CLMV"])
    khanh = make.user("coordinator", country="VN", name="Khanh")
    make.user("coordinator", country="KH", name="Sok")
    client = sign_in(editor)

    assert send(client, COMMENT, text="@Khanh, see").status_code == 302
    assert send(client, COMMENT, text="@Sok, see").status_code == 400
    assert Comment.objects.get().mentions.get() == khanh
    assert "Khanh, see" in text_of(sign_in(khanh).get("/projects/P-22222/"))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"text": ""}, "This field is required."),
        ({"text": "x" * 5001}, "at most 5,000"),
        ({"text": "a\u202eb"}, "cannot be seen"),
        ({"text": "a", "mentions": "nobody@example.org"}, "nobody@example.org"),
        ({"text": "a", "is_internal": "perhaps"}, "perhaps"),
    ],
)
def test_a_wrong_comment_gets_a_sentence_and_writes_nothing(
    sign_in, project, editor, said, sentence
):
    answer = send(sign_in(editor), COMMENT, **said)

    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert not Comment.objects.exists()


# Who reads


READERS = {
    "editor": {},
    "administrator": {},
    "coordinator of VN": {"country": "VN"},
    "coordinator of KH": {"country": "KH"},
    "partner that funds it": {"partner": "JP"},
    "reader": {},
    "visitor": None,
}


def client_of(sign_in, who):
    fields = READERS[who]
    role = who.partition(" ")[0]
    return sign_in(None if fields is None else make.user(role, **fields))


@pytest.mark.parametrize(
    ("who", "internal", "shared"),
    [
        ("editor", True, True),
        ("administrator", True, True),
        ("coordinator of VN", True, True),
        ("coordinator of KH", False, True),
        ("partner that funds it", False, False),
        ("reader", False, False),
        ("visitor", False, False),
    ],
)
def test_who_reads_a_comment_and_an_action_point(
    sign_in, project, who, internal, shared
):
    make.comment(project, "An internal remark")
    make.comment(project, "A shared remark", is_internal=False)
    make.action_point(project, "An internal promise")
    make.action_point(project, "A shared promise", is_internal=False)
    make.comment(project, "A withdrawn remark", withdrawn_at=timezone.now())

    read = text_of(client_of(sign_in, who).get("/projects/P-22222/"))

    assert ("An internal remark" in read, "A shared remark" in read) == (
        internal,
        shared,
    )
    assert ("An internal promise" in read, "A shared promise" in read) == (
        internal,
        shared,
    )
    assert "A withdrawn remark" not in read


def test_of_a_project_that_is_not_published_only_its_own_coordinators_read(
    sign_in, project
):
    meeting = make.meeting(country=make.country("VN"))
    make.comment(project, "A shared remark", is_internal=False)
    make.comment(meeting, "Of the consultation")
    project.is_published = False
    project.save()
    theirs = client_of(sign_in, "coordinator of VN")
    others = client_of(sign_in, "coordinator of KH")

    assert "A shared remark" in text_of(theirs.get("/projects/P-22222/"))
    assert others.get("/projects/P-22222/").status_code == 404
    assert "Of the consultation" in text_of(theirs.get("/meetings/IAI-TF-68/"))
    assert "Of the consultation" not in text_of(others.get("/meetings/IAI-TF-68/"))


@pytest.mark.parametrize(
    ("who", "published", "code"),
    [
        ("editor", False, 302),
        ("coordinator of VN", True, 302),
        ("coordinator of VN", False, 302),
        ("coordinator of KH", True, 403),
        ("coordinator of KH", False, 404),
        ("partner that funds it", True, 403),
        ("partner that funds it", False, 403),
        ("reader", True, 403),
        ("reader", False, 404),
        ("visitor", True, 403),
        ("visitor", False, 403),
    ],
)
def test_who_may_comment(sign_in, project, who, published, code):
    project.is_published = published
    project.save()

    answer = send(client_of(sign_in, who), COMMENT, text="May I?")

    assert answer.status_code == code
    assert Comment.objects.exists() == (code == 302)
    if who == "visitor":
        assert "May I?" in answer.content.decode()


def test_nothing_is_written_about_what_is_not_there(sign_in, editor):
    client = sign_in(editor)

    for kind in ("projects", "lines", "meetings"):
        for what in ("comments", "action-points"):
            answer = send(client, f"/{kind}/NOWHERE/{what}/new/", text="To whom?")
            assert answer.status_code == 404


CSRF = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        (None, {}),
        ("reader", {}),
        ("partner", {"partner": "AU"}),
        ("coordinator", {"country": "KH"}),
    ],
)
def test_what_one_may_not_read_changes_no_byte(sign_in, project, role, fields):
    meeting = make.meeting(country=make.country("VN"))
    client = sign_in(role and make.user(role, **fields))
    pages = [
        *("/", "/projects/", "/projects/P-22222/", "/lines/IAI-IV-07/", "/meetings/"),
        *("/meetings/IAI-TF-68/", "/countries/VN/", "/partners/JP/", "/queue/"),
        *("/search/?q=secret", "/api/v1/projects/P-22222/", "/api/v1/meetings/"),
    ]

    def everything():
        told = {}
        for page in pages:
            answer = client.get(page)
            headers = {**answer.headers, "Date": "", "ETag": ""}
            told[page] = answer.status_code, CSRF.sub(b"", answer.content), headers
        return told

    before = everything()
    for about in (project, project.placements.get().line, meeting):
        make.comment(about, "A secret")
        make.action_point(about, "A secret promise", due="2022-01-01")
    make.document(project, name="secret.pdf")
    make.document(meeting, name="secret.pdf")
    type(project).objects.filter(pk=project.pk).update(internal_note="A secret")

    after = everything()
    assert [page for page in pages if before[page] != after[page]] == []


# Action points


def test_an_action_point_names_a_person_or_somebody_outside(sign_in, project, editor):
    client = sign_in(editor)
    said = {"text": "Send the report", "due": "2022-12-01"}

    both = send(client, POINT, **said, owner=key_of(editor), who="A ministry")
    none = send(client, POINT, **said)
    outside = send(client, POINT, **said, who="A ministry")
    inside = send(client, POINT, **said, owner=key_of(editor))

    for answer in (both, none):
        assert answer.status_code == 400
        assert "Choose a person or name somebody outside" in text_of(answer)
    assert (outside.status_code, inside.status_code) == (302, 302)
    made = ActionPoint.objects.order_by("pk").values_list("owner__email", "who", "due")
    due = dt.date(2022, 12, 1)
    assert list(made) == [(None, "A ministry", due), ("linh@example.org", "", due)]


@pytest.mark.parametrize("due", ["0001-01-01", "٢٠٢٢-09-22"])
def test_a_promise_is_due_on_a_day_that_people_know(sign_in, project, editor, due):
    answer = send(sign_in(editor), POINT, text="Send it", who="A ministry", due=due)

    assert answer.status_code == 400
    assert f"“{due}”" in text_of(answer)
    assert not ActionPoint.objects.exists()


def test_an_overdue_action_point_says_so(sign_in, project, editor):
    make.action_point(project, "Long ago", owner=editor, due="2022-01-10")

    read = text_of(sign_in(editor).get("/projects/P-22222/"))

    assert "overdue since 10 January 2022" in read


def test_at_a_past_moment_a_point_is_told_as_it_was_then(sign_in, project, editor):
    point = make.action_point(project, "Send it", owner=editor, by=editor)
    then = LedgerHead.objects.get().recorded_at.isoformat()
    with ledger_entry(editor, what="Later"):
        writing.change(point, done_on=timezone.localdate(), text="Send all of it")

    page = sign_in(editor).get("/projects/P-22222/", {"known_at": then})

    read = text_of(page)
    assert "Send it" in read
    assert "done on" not in read


def test_what_was_internal_then_stays_so_at_every_moment(sign_in, project, editor):
    point = make.action_point(project, "Hush-hush", owner=editor, by=editor)
    then = LedgerHead.objects.get().recorded_at.isoformat()
    with ledger_entry(editor, what="Later"):
        writing.change(point, text="Neutral", is_internal=False)
    other = sign_in(make.user("coordinator", country="KH"))

    read = text_of(other.get("/projects/P-22222/", {"known_at": then}))

    assert "Neutral" in read
    assert "Hush-hush" not in read


def test_many_remarks_at_a_past_moment_cost_as_much_as_few(
    sign_in, project, editor, queries
):
    client = sign_in(editor)

    def asked():
        then = LedgerHead.objects.get().recorded_at.isoformat()
        return queries(lambda: client.get("/projects/P-22222/", {"known_at": then}))

    make.action_point(project, "First", owner=editor, by=editor)
    asked()
    few = asked()
    for number in range(5):
        owner = make.user("editor")
        make.action_point(project, f"Point {number}", owner=owner, by=editor)

    assert asked() == few


def test_what_is_due_first_stands_first_and_what_is_done_last(sign_in, project, editor):
    make.action_point(
        project, "Point D", due="2022-01-01", done_on=timezone.localdate()
    )
    make.action_point(project, "Point C")
    make.action_point(project, "Point B", due="2022-02-01")
    make.action_point(project, "Point A", due="2022-01-10")

    read = text_of(sign_in(editor).get("/projects/P-22222/"))

    places = [read.index(f"Point {letter}") for letter in "ABCD"]
    assert places == sorted(places)


def test_an_action_point_is_done_undone_and_opened_again(sign_in, project, editor):
    point = make.action_point(project, "Send it", owner=editor, by=editor)
    client = sign_in(editor)

    def press(deed):
        point.refresh_from_db()
        address = f"/action-points/{point.number}/{deed}/"
        answer = send(client, address, version=point.version)
        assert (answer.status_code, answer.url) == (302, "/projects/P-22222/#talk")
        point.refresh_from_db()
        return point.done_on

    assert press("done") == timezone.localdate()
    toast = re.search(r'action="(/undo/\d+/)"', client.get("/").content.decode())
    assert client.post(toast[1]).status_code == 302
    point.refresh_from_db()
    assert point.done_on is None
    press("done")
    assert press("reopen") is None
    assert point.history.count() == 5


def test_a_press_on_what_was_changed_meanwhile_changes_nothing(
    sign_in, project, editor
):
    point = make.action_point(project, "Send it", owner=editor)
    client = sign_in(editor)
    change = f"/action-points/{point.number}/"
    said = {"text": "Send both", "owner": key_of(editor), "version": 1}
    assert send(client, change, **said).status_code == 302

    answer = send(client, f"{change}done/", version=1)

    point.refresh_from_db()
    assert (point.text, point.done_on) == ("Send both", None)
    assert "Somebody changed this meanwhile" in text_of(client.get(answer.url))


def test_the_second_of_two_who_change_an_action_point_sees_both_texts(
    sign_in, project, editor
):
    point = make.action_point(project, "Send it", owner=editor)
    client = sign_in(editor)
    address = f"/action-points/{point.number}/"
    said = {"owner": key_of(editor), "version": 1}
    send(client, address, text="Send both", **said)

    answer = send(client, address, text="Send three", **said)

    assert answer.status_code == 409
    assert "Send both" in text_of(answer)
    assert "Send three" in answer.content.decode()
    point.refresh_from_db()
    assert point.text == "Send both"


def test_one_withdraws_what_is_ones_own_and_may_undo_it(sign_in, project, editor):
    comment = make.comment(project, "A slip", by=editor)
    client = sign_in(editor)
    address = f"/comments/{comment.number}/withdraw/"
    key = uuid.uuid4().hex

    other = send(sign_in(make.user("editor")), address, version=1)
    own = [send(client, address, version=1, submission=key) for _ in range(2)]

    assert other.status_code == 403
    assert "Only who wrote it, or an administrator" in text_of(other)
    assert [answer.status_code for answer in own] == [302, 302]
    page = client.get("/projects/P-22222/").content.decode()
    assert "A slip" not in page
    client.post(re.search(r'action="(/undo/\d+/)"', page)[1])
    assert "A slip" in client.get("/projects/P-22222/").content.decode()


def test_an_administrator_takes_back_what_should_not_have_been_said(sign_in, project):
    point = make.action_point(project)
    client = sign_in(make.user("administrator"))

    send(client, f"/action-points/{point.number}/withdraw/", version=1)

    point.refresh_from_db()
    assert point.withdrawn_at is not None


@pytest.mark.parametrize(
    ("who", "owns", "code"),
    [
        ("coordinator of VN", True, 302),
        ("coordinator of VN", False, 403),
        ("coordinator of KH", False, 404),
        ("partner that funds it", False, 404),
        ("reader", False, 404),
        ("visitor", False, 403),
    ],
)
def test_who_ticks_off_an_action_point(sign_in, project, who, owns, code):
    client = client_of(sign_in, who)
    user = type(make.user()).objects.filter(role="coordinator").first()
    point = make.action_point(project, **({"owner": user} if owns else {}))

    answer = send(client, f"/action-points/{point.number}/done/", version=1)

    point.refresh_from_db()
    assert answer.status_code == code
    assert (point.done_on is not None) == (code == 302)


def test_a_right_lost_between_page_and_press_is_lost(sign_in, project):
    user = make.user("coordinator", country="VN")
    point = make.action_point(project, owner=user)
    client = sign_in(user)
    assert "Something to do" in text_of(client.get("/projects/P-22222/"))
    type(user).objects.filter(pk=user.pk).update(country=make.country("KH"))

    answer = send(client, f"/action-points/{point.number}/done/", version=1)

    assert answer.status_code == 404


# The page


def test_on_a_past_day_nothing_is_written(sign_in, project, editor):
    make.comment(project, "Said today")
    client = sign_in(editor)

    past = client.get("/projects/P-22222/?as_of=2022-06-01")
    before = client.get("/projects/P-22222/?known_at=2022-06-01")

    assert "Said today" in text_of(past)
    assert "Add a comment" not in text_of(past)
    assert "Said today" not in text_of(before)


def test_many_remarks_cost_as_many_queries_as_few(sign_in, project, editor, queries):
    client = sign_in(editor)

    def say(times):
        for _ in range(times):
            make.comment(project, mentions=[make.user("editor")])
            make.action_point(project, owner=make.user("editor"))

    say(2)
    client.get("/projects/P-22222/")
    few = queries(lambda: client.get("/projects/P-22222/"))
    say(8)

    assert queries(lambda: client.get("/projects/P-22222/")) == few
