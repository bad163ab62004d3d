"""What waits for whom, and the two doors of the queue that write."""

import datetime as dt
import re
import uuid

import pytest
from django.core.management import call_command
from django.utils import timezone

from aseanpm.models import Comment, Entry
from aseanpm.queue_views import KINDS
from projects.models import Distinction, Phase, Project, StatusChange
from tests import make
from tests.reading import page_of
from workplans.models import AgendaItem

pytestmark = pytest.mark.django_db


def text(answer):
    return answer.content.decode()


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def editor():
    return make.user("editor", email="linh@example.org", name="Linh Tran")


@pytest.fixture
def line():
    make.country("KH")
    return make.line(plan=make.plan())


def complete(line, **fields):
    values = {"line": line, "countries": ["VN"], "funders": ["JP"], "budget": "1000"}
    return make.project(**(values | fields))


def kinds_of(client, query=""):
    """The kinds of what waits, in the order of the page."""
    html = client.get(f"/queue/{query}").content.decode()
    return re.findall(r'<section class="panel" id="(\w+)"', html)


# Who sees what


@pytest.mark.parametrize(
    ("role", "fields", "code"),
    [
        (None, {}, 302),
        ("reader", {}, 403),
        ("partner", {"partner": "JP"}, 403),
        ("coordinator", {"country": "VN"}, 200),
        ("editor", {}, 200),
        ("administrator", {}, 200),
    ],
)
def test_who_has_a_queue(sign_in, role, fields, code):
    client = sign_in(role and make.user(role, **fields))

    assert client.get("/queue/").status_code == code


@pytest.mark.parametrize(
    ("role", "fields", "leads"),
    [
        ("editor", {}, True),
        ("coordinator", {"country": "VN"}, True),
        ("partner", {"partner": "JP"}, False),
    ],
)
def test_home_leads_to_the_queue_whoever_has_one(sign_in, role, fields, leads):
    home = page_of(sign_in(make.user(role, **fields)), "/")

    assert (home.links.count("/queue/") > 1) == leads


def test_an_empty_queue_says_so(sign_in, editor):
    assert "Nothing waits for you" in text_of(sign_in(editor).get("/queue/"))


def test_a_coordinator_sees_promises_and_mentions_alone(sign_in, line):
    user = make.user("coordinator", country="VN")
    project = complete(line, code="P-22222", funders=[])
    hidden = complete(line, code="P-33333", countries=["KH"])
    for row in (project, hidden):
        make.action_point(row, f"Promise on {row.code}", owner=user, due="2022-01-10")
        make.comment(row, f"Remark on {row.code}", mentions=[user])
    make.action_point(project, "Done before", owner=user, done_on=timezone.localdate())
    make.action_point(project, "Of another", owner=make.user("editor"))
    make.action_point(project, "Of a ministry, late", by=user, due="2022-01-10")
    make.action_point(project, "Of a ministry, early", by=user, due="2090-01-10")
    client = sign_in(user)

    read = text_of(client.get("/queue/"))

    assert kinds_of(client) == ["action", "mention"]
    assert "Promise on P-22222 (overdue since 10 January 2022)" in read
    assert "Remark on P-22222" in read
    assert "A ministry: Of a ministry, late" in read
    for other in (
        "P-33333",
        "Done before",
        "Of another",
        "early",
        "No funder",
        "Work plan",
    ):
        assert other not in read


def test_what_a_coordinator_no_longer_sees_waits_no_longer(sign_in, line):
    user = make.user("coordinator", country="VN")
    project = complete(line, countries=["KH"])
    make.comment(project, "For all of you", mentions=[user], is_internal=False)
    client = sign_in(user)
    assert kinds_of(client) == ["mention"]

    Project.objects.filter(pk=project.pk).update(is_published=False)

    assert kinds_of(client) == []


def test_a_mention_waits_until_it_is_answered_or_grows_old(sign_in, line, editor):
    project = complete(line, code="P-22222")
    comment = make.comment(project, "Please look", mentions=[editor])
    old = timezone.now() - dt.timedelta(days=31)
    client = sign_in(editor)
    assert kinds_of(client) == ["mention"]
    assert (
        f"/projects/P-22222/#comment-{comment.number}"
        in page_of(client, "/queue/").links
    )

    make.comment(project, "I looked", by=editor)

    assert kinds_of(client) == []
    Comment.objects.filter(recorded_by=editor).delete()
    assert kinds_of(client) == ["mention"]
    Comment.objects.update(recorded_at=old)
    assert kinds_of(client) == []


# Which questions


def test_the_heaviest_question_stands_first(sign_in, line, editor):
    complete(line, code="P-22222", budget=None)
    complete(line, code="P-33333", is_published=False, budget="500")
    complete(line, code="P-44444", is_published=False, budget="90000")
    client = sign_in(editor)

    read = text_of(client.get("/queue/"))

    assert kinds_of(client) == ["unpublished", "budget"]
    assert read.index("P-44444") < read.index("P-33333") < read.index("P-22222")
    assert (
        "Distorts visitors’ projects, visitors’ lines and visitors’ approved budgets"
        " · USD 90,000" in read
    )


def test_each_question_opens_the_field_that_answers_it_and_leads_back(
    sign_in, line, editor
):
    project = complete(line, code="P-22222", funders=[], status="ongoing")
    Project.objects.filter(pk=project.pk).update(planned_end="2022-03-01")

    links = page_of(sign_in(editor), "/queue/?kind=").links

    back = "?next=%2Fqueue%2F%3Fkind%3D"
    assert f"/projects/P-22222/move/completed/{back}" in links
    assert f"/projects/P-22222/edit/{back}#id_planned_end" in links


def test_illustrative_records_raise_questions_only_where_asked(sign_in, line, editor):
    project = complete(line, is_illustrative=True, is_published=False)
    item = {"meeting": make.meeting(), "project": project, "outcome": "approve"}
    AgendaItem.objects.create(**item)
    make.figure(plan=line.plan, metric="projects", value=50)
    client = sign_in(editor)

    assert kinds_of(client) == []
    assert set(kinds_of(client, "?illustrative=on")) == {
        "unpublished",
        "agenda",
        "print",
    }


def test_a_decision_that_was_not_applied_waits_for_its_date(sign_in, line, editor):
    project = complete(line, status="appraisal", code="P-22222")
    meeting = make.meeting(on="2022-09-22")
    item = AgendaItem.objects.create(meeting=meeting, project=project)
    client = sign_in(editor)

    undecided = text_of(client.get("/queue/"))
    AgendaItem.objects.update(outcome="approve")
    decided = text_of(client.get("/queue/?plan=IAI-IV"))
    links = page_of(client, "/queue/").links
    AgendaItem.objects.update(applied=7)

    assert item.applied is None
    assert "had it on the agenda, and no decision is on record" in undecided
    assert "decided to approve it; that is not applied, so it has no date" in decided
    assert "Distorts projects, lines and approved budgets" in decided
    assert "/meetings/IAI-TF-68/decisions/?next=%2Fqueue%2F" in links
    assert kinds_of(client) == []


def test_more_lines_than_declared_are_asked_about(sign_in, editor):
    plan = make.plan(declared=1)
    complete(make.line(plan=plan))
    make.line(plan=plan)

    read = text_of(sign_in(editor).get("/queue/"))

    assert "2 action lines are loaded and 1 were declared." in read
    assert "Distorts lines and coverage" in read


def test_a_figure_that_differs_from_the_records_waits(sign_in, line, editor):
    complete(line)
    figure = make.figure(plan=line.plan, value=3)
    client = sign_in(editor)

    assert "print says 3, the records 1." in text_of(client.get("/queue/"))
    assert f"/reconciliation/#{figure.code}" in page_of(client, "/queue/").links
    complete(line)
    complete(line)
    assert "print" not in kinds_of(client)


def test_partners_and_organisations_of_one_name_wait_to_be_merged(sign_in, editor):
    make.partner("JP", name="Japan")
    other = make.partner("XJ", name="Nippon")
    other.aliases.create(name="JAPAN ")
    make.organisation("ONE", name="The Ministry")
    make.organisation("TWO", name="the ministry")
    client = sign_in(editor)

    links = page_of(client, "/queue/").links

    assert kinds_of(client) == ["partner", "organisation"]
    assert "/partners/XJ/merge/?into=JP&next=%2Fqueue%2F" in links
    other.merged_into = make.partner("JP")
    other.save()
    assert kinds_of(client) == ["organisation"]


def test_every_door_of_a_question_leads_to_a_field_that_is_there(sign_in, line, editor):
    dates = {"planned_start": dt.date(2022, 1, 1), "planned_end": dt.date(2022, 3, 1)}
    bare = {"funders": [], "countries": [], "budget": None, "is_published": False}
    complete(line, title="Rice", officer=editor, **bare, **dates)
    complete(None, title="Rice", status="ongoing", **dates)
    complete(line, status=None)
    euros = {"amount": 5, "currency": "EUR"}
    project = complete(line, status="appraisal", code="P-22222")
    make.money(project, None, partner="JP", kind="pledged", **euros)
    Phase.objects.create(project=project, number=1, planned_end=dt.date(2022, 1, 1))
    AgendaItem.objects.create(meeting=make.meeting(), project=project)
    make.line(plan=make.plan("MPAC-2025", declared=0))
    make.figure(plan=line.plan, value=50)
    make.partner("XA", name="One name")
    make.partner("XB", name="One name")
    make.organisation("OA", name="One name")
    make.organisation("OB", name="One name")
    make.action_point(project, owner=editor)
    make.comment(line, mentions=[editor])
    client = sign_in(editor)
    html = text(client.get("/queue/"))

    assert set(kinds_of(client)) == set(KINDS)
    doors = set(re.findall(r'<a class="button button-small" href="([^"]+)"', html))
    assert len(doors) > len(KINDS)
    for door in doors:
        address, _, part = door.replace("&amp;", "&").partition("#")
        answer = client.get(address)
        assert answer.status_code == 200, door
        assert not part or f'id="{part}"' in text(answer), door


# Which of them


def test_questions_are_filtered_and_counted(sign_in, line, editor):
    other = make.line(plan=make.plan("MPAC-2025"))
    complete(line, code="P-22222", funders=[], officer=editor)
    complete(other, code="P-33333", funders=[], countries=[])
    client = sign_in(editor)

    def codes(query):
        html = client.get(f"/queue/{query}").content.decode()
        return set(
            re.findall(r'<p class="question-of"><a href="/projects/(P-\d+)/', html)
        )

    assert codes("") == {"P-22222", "P-33333"}
    assert codes("?plan=IAI-IV") == {"P-22222"}
    assert codes("?officer=linh@example.org") == {"P-22222"}
    assert codes("?mine=on") == {"P-22222"}
    assert codes("?kind=beneficiary") == {"P-33333"}
    assert kinds_of(client)[0] == "officer"
    assert "Status: approved; 1 question open." in text_of(
        client.get("/queue/?mine=on")
    )
    for address, number in page_of(client, "/queue/").figures:
        opened = page_of(client, f"/queue/{address}")
        assert opened.total == int(number)


@pytest.mark.parametrize(
    "query",
    [
        "kind=other",
        "plan=NONE",
        "officer=me",
        "colour=red",
        "page=9&kind=line",
        "page=x",
    ],
)
def test_what_cannot_be_read_is_a_400(sign_in, line, editor, query):
    complete(line)
    client = sign_in(editor)

    answer = client.get(f"/queue/?{query}")

    assert answer.status_code == (200 if query == "page=x" else 400)


def test_a_kind_of_which_nothing_waits_says_so(sign_in, line, editor):
    complete(line, code="P-22222", funders=[])

    read = text_of(sign_in(editor).get("/queue/?kind=duplicate"))

    assert "Nothing of this kind waits" in read
    assert "P-22222" not in read


def test_a_coordinator_filters_by_kind_alone(sign_in, line):
    client = sign_in(make.user("coordinator", country="VN"))

    assert client.get("/queue/?kind=action").status_code == 200
    assert client.get("/queue/?kind=funder").status_code == 400
    assert client.get("/queue/?plan=IAI-IV").status_code == 400


def test_many_records_cost_as_many_queries_as_few(sign_in, line, editor, queries):
    client = sign_in(editor)
    meeting = make.meeting()
    make.figure(plan=line.plan, value=50)

    def more(times):
        for n in range(times):
            project = complete(
                line, title="Rice", status="ongoing", officer=editor, is_published=False
            )
            Project.objects.filter(pk=project.pk).update(planned_end="2022-03-01")
            make.action_point(project, owner=editor)
            make.action_point(meeting, owner=editor)
            make.comment(line, mentions=[editor])
            AgendaItem.objects.create(meeting=meeting, project=project)
            make.partner(f"X{times}{n}", name="One name")
            make.organisation(f"O{times}{n}", name="One name")

    more(2)
    client.get("/queue/")
    few = queries(lambda: client.get("/queue/"))
    more(9)

    assert queries(lambda: client.get("/queue/")) == few


# Two that look like one

PAIR = "/queue/pair/?first=P-22222&second=P-33333"


def send(client, address=PAIR, **said):
    """Send the form of the pair as it is shown now."""
    opened = re.search(r'name="opened" value="([^"]*)"', text(client.get(address)))
    hidden = {"submission": uuid.uuid4().hex, "opened": opened[1] if opened else ""}
    return client.post(address, hidden | said)


@pytest.fixture
def alike(line):
    return [complete(line, code=code, title="Rice") for code in ("P-22222", "P-33333")]


def test_two_projects_stand_side_by_side(sign_in, line, editor):
    complete(line, code="P-22222", title="Rice", budget="1000")
    complete(line, code="P-33333", title="Lúa gạo", budget="2000", countries=["KH"])

    read = text_of(sign_in(editor).get(PAIR))

    assert "Title differs Rice Lúa gạo" in read
    assert "Benefits differs Country VN Country KH" in read
    assert "Approved budget, USD differs 1,000.00 2,000.00" in read
    assert "Funders Partner JP Partner JP" in read


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?first=P-22222&second=P-NONE2", 404),
        ("?first=P-22222&second=P-22222", 400),
        ("?first=P-22222", 400),
        ("", 400),
    ],
)
def test_a_pair_is_of_two_projects(sign_in, alike, editor, query, code):
    assert sign_in(editor).get(f"/queue/pair/{query}").status_code == code


def test_two_projects_that_are_two_are_not_asked_for_again(sign_in, alike, editor):
    client = sign_in(editor)
    assert kinds_of(client) == ["duplicate"]

    answer = send(
        client, deed="distinct", reason="Two batches", next="/queue/?kind=line"
    )

    assert (answer.status_code, answer.url) == (302, "/queue/?kind=line")
    page = client.get("/queue/")
    assert "P-33333" not in text_of(page).replace("P-22222 and P-33333 are two", "")
    assert Distinction.objects.get().reason == "Two batches"
    assert "found to be two projects: Two batches" in text_of(client.get(PAIR))
    client.post(re.search(r'action="(/undo/\d+/)"', page.content.decode())[1])
    assert kinds_of(client) == ["duplicate"]


def test_one_recorded_by_mistake_is_withdrawn_with_all_its_facts_and_brought_back(
    sign_in, alike, editor
):
    make.figure(plan=alike[0].placements.get().plan, value=2)
    client = sign_in(editor)
    said = {
        "deed": "P-33333",
        "reason": "Entered twice",
        "submission": uuid.uuid4().hex,
    }

    asked = send(client, **said)
    nothing = StatusChange.objects.known().filter(project=alike[1]).exists()
    seen = re.search(r'name="seen" value="(\w+)"', asked.content.decode())[1]
    done = send(client, **said, seen=seen)

    assert asked.status_code == 200
    assert "IAI-IV on 22 September 2022 : 2 → 1 project" in text_of(asked)
    assert nothing
    assert (done.status_code, done.url) == (302, "/queue/")
    page = client.get("/queue/").content.decode()
    assert client.get("/projects/P-33333/").status_code == 404
    alike[1].refresh_from_db()
    assert alike[1].withdrawn_at is not None
    assert not StatusChange.objects.known().filter(project=alike[1]).exists()
    entry = Entry.objects.first()
    assert (entry.reason, entry.recorded_by) == ("Entered twice", editor)
    client.post(re.search(r'action="(/undo/\d+/)"', page)[1])
    assert client.get("/projects/P-33333/").status_code == 200
    assert "duplicate" in kinds_of(client)
    call_command("audit_figures")  # fails where a figure differs


def test_a_withdrawal_sent_twice_is_done_once(sign_in, alike, editor):
    client = sign_in(editor)
    key = uuid.uuid4().hex
    said = {"deed": "P-33333", "reason": "Entered twice", "submission": key}
    seen = re.search(r'name="seen" value="(\w+)"', text(send(client, **said)))[1]

    answers = [send(client, **said, seen=seen) for _ in range(2)]

    assert [(one.status_code, one.url) for one in answers] == [(302, "/queue/")] * 2
    assert Entry.objects.filter(reason="Entered twice").count() == 1


def test_what_was_changed_meanwhile_is_not_withdrawn_unseen(sign_in, alike, editor):
    client = sign_in(editor)
    said = {"deed": "P-33333", "reason": "Entered twice", "opened": "1:1"}
    Project.objects.filter(code="P-33333").update(version=2)

    answer = send(client, **said)

    assert answer.status_code == 400
    assert "One of the two was changed meanwhile" in text_of(answer)
    assert "Entered twice" in text(answer)
    assert Project.objects.filter(withdrawn_at=None).count() == 2


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "This field is required."),
        ({"deed": "P-33333"}, "Say why the record was wrong."),
        ({"deed": "P-44444", "reason": "x"}, "P-44444 is not one of the available"),
        ({"deed": "distinct", "reason": "x" * 301}, "at most 300"),
    ],
)
def test_a_wrong_answer_gets_a_sentence_and_writes_nothing(
    sign_in, alike, editor, said, sentence
):
    answer = send(sign_in(editor), **said)

    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert not Distinction.objects.exists()
    assert Project.objects.filter(withdrawn_at=None).count() == 2


def test_what_another_was_carried_over_to_is_not_withdrawn(sign_in, line, editor):
    before = complete(line, code="P-11111", title="Rice", status="carried_over")
    complete(line, code="P-22222", title="Rice", predecessor=before)
    complete(line, code="P-33333", title="Rice")

    answer = send(sign_in(editor), deed="P-22222", reason="By mistake")

    assert answer.status_code == 400
    assert "take that back first" in text_of(answer)


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        ("coordinator", {"country": "VN"}),
        ("partner", {"partner": "JP"}),
        ("reader", {}),
    ],
)
def test_others_tell_no_projects_apart(sign_in, alike, role, fields):
    client = sign_in(make.user(role, **fields))

    assert client.get(PAIR).status_code == 403
    assert send(client, deed="distinct").status_code == 403
    assert not Distinction.objects.exists()
