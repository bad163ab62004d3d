"""The change feed and the ETags: what changed for whom, and nothing of the rest."""

import base64
import re
from decimal import Decimal

import pytest
import time_machine
from django.db.models import QuerySet
from django.test import Client
from rest_framework.test import APIClient

from aseanpm import feed, feed_api, writing
from aseanpm.facts import ledger_entry
from aseanpm.undo import undo
from partners import merging
from partners.models import Partner
from projects import actions
from projects.models import Project
from tests import make
from workplans.models import Meeting, PartnerStatement

pytestmark = pytest.mark.django_db

FEED = "/api/v1/changes/"


def reader(role=None, **of):
    client = APIClient()
    if role:
        client.force_login(make.user(role, **of))
    return client


def told(client, since=""):
    """([(kind, code, change)], cursor) of all pages of the feed."""
    answer = client.get(FEED, {"since": since} if since else {}).json()
    rows = answer["results"]
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        rows += answer["results"]
    return [(row["kind"], row["code"], row["change"]) for row in rows], answer["cursor"]


def edit(project, **values):
    with ledger_entry(what="An edit") as entry:
        entry.can_be_undone = True
        actions.edit_project(project=project, entry=entry, **values)
    return entry


def test_each_record_comes_once_at_its_last_change():
    client = reader()
    first, second = make.project(plan=False), make.project(plan=False)
    edit(first, title="Rice")

    rows, cursor = told(client)

    assert rows == [
        ("project", second.code, "created"),
        ("project", first.code, "created"),
    ]
    edit(second, title="Maize")
    edit(second, title="Wheat")
    rows, cursor = told(client, cursor)
    assert rows == [("project", second.code, "changed")]
    assert told(client, cursor) == ([], cursor)


def test_what_is_withdrawn_or_unpublished_leaves_a_tombstone():
    client = reader()
    first, second = make.project(plan=False), make.project(plan=False)
    _, cursor = told(client)
    with ledger_entry() as entry:
        actions.withdraw_project(project=first, reason="A slip", entry=entry)
    hidden = edit(second, is_published=False, withheld_reason="A treaty")

    rows, cursor = told(client, cursor)

    assert rows == [
        ("project", first.code, "withdrawn"),
        ("project", second.code, "withdrawn"),
    ]
    undo(entry=hidden, by=make.user("editor"))
    assert told(client, cursor)[0] == [("project", second.code, "created")]


def test_a_tombstone_has_no_address_and_a_record_has_its_own():
    client = reader()
    kept, gone = make.project(plan=False), make.project(plan=False)
    edit(gone, is_published=False, withheld_reason="A treaty")

    rows = client.get(FEED).json()["results"]

    addresses = {row["code"]: row["address"] for row in rows}
    assert addresses[gone.code] is None
    assert client.get(addresses[kept.code]).json()["code"] == kept.code


def test_what_everybody_may_read_changes_for_everybody():
    client = reader()
    partner = make.partner("JP")
    meeting = make.meeting()
    feed.rebuild()
    _, cursor = told(client)
    with ledger_entry():
        writing.change(partner, name="Nippon")
        writing.change(meeting, place="Vientiane")

    rows, _ = told(client, cursor)

    assert rows == [
        ("meeting", meeting.code, "changed"),
        ("partner", "JP", "changed"),
    ]


def test_what_a_coordinator_held_before_it_was_published_is_no_new_record():
    visitor, vietnam = reader(), reader("coordinator", country="VN")
    laos = reader("coordinator", country="LA")
    project = make.project(
        plan=False, countries=["VN"], is_published=False, status="appraisal"
    )
    readers = (visitor, vietnam, laos)
    _, *cursors = zip(*(told(client) for client in readers), strict=True)
    cursors = list(cursors[0])
    seen = []
    for published in (True, False, True):
        edit(project, is_published=published)
        changes = []
        for place, client in enumerate(readers):
            rows, cursors[place] = told(client, cursors[place])
            changes += [change for _, _, change in rows]
        seen.append(changes)

    assert seen == [
        ["created", "changed", "created"],
        ["withdrawn", "changed", "withdrawn"],
        ["created", "changed", "created"],
    ]


def test_what_was_published_and_withheld_since_a_cursor_is_no_new_record():
    vietnam = reader("coordinator", country="VN")
    project = make.project(
        plan=False, countries=["VN"], is_published=False, status="appraisal"
    )
    _, cursor = told(vietnam)
    edit(project, is_published=True)
    edit(project, is_published=False)

    assert told(vietnam, cursor)[0] == [("project", project.code, "changed")]
    assert told(vietnam)[0][-1] == ("project", project.code, "created")


def test_a_partner_that_was_merged_into_another_is_withdrawn():
    client = reader()
    gone, kept = make.partner("XX"), make.partner("KR")
    project = make.project(funders=["XX"], plan=False)
    feed.rebuild()
    _, cursor = told(client)
    with ledger_entry() as entry:
        merging.merge(gone=gone, kept=kept, entry=entry)

    rows, _ = told(client, cursor)

    assert set(rows) == {
        ("partner", "XX", "withdrawn"),
        ("partner", "KR", "changed"),
        ("project", project.code, "changed"),
    }
    assert not Partner.objects.filter(code="XX").exists()


# What nobody else may learn


def private(project, amount="10", **said):
    values = {"kind": "committed", "partner": "JP", "is_private": True} | said
    return make.money(project, amount, **values)


@pytest.mark.parametrize(
    "hidden",
    [
        lambda project: edit(project, internal_note="Beware"),
        lambda project: edit(project, officer=make.user("editor")),
        lambda project: make.comment(project, by=make.user("editor")),
        lambda project: make.project(is_published=False, plan=False, status="concept"),
    ],
    ids=["note", "officer", "comment", "unpublished project"],
)
def test_what_a_visitor_may_not_see_changes_no_byte_of_feed_or_etag(hidden):
    client, editor = reader(), reader("editor")
    project = make.project(plan=make.plan(), funders=["JP"])
    feed.rebuild()
    addresses = [FEED, "/api/v1/projects/", "/api/v1/plans/IAI-IV/progress/"]

    def seen():
        answers = [client.get(address) for address in addresses]
        return [(answer.content, answer["ETag"]) for answer in answers]

    before = seen()
    hidden(project)

    assert seen() == before
    assert editor.get(FEED).status_code == 200


def test_a_private_amount_changes_for_its_partner_and_the_secretariat_alone():
    readers = {
        "visitor": reader(),
        "JP": reader("partner", partner="JP"),
        "SG": reader("partner", partner="SG"),
        "VN": reader("coordinator", country="VN"),
        "editor": reader("editor"),
    }
    project = make.project(plan=False, funders=["JP"], countries=["VN"])
    amounts = [private(project, amount) for amount in ("10", "20")]
    feed.rebuild()
    before = {name: client.get("/api/v1/plans/") for name, client in readers.items()}
    cursors = {name: told(client)[1] for name, client in readers.items()}

    # As if another amount had been recorded then: no other fact differs.
    rows = type(amounts[0]).objects.filter(pk=amounts[0].pk)
    QuerySet.update(rows, amount=Decimal(11), usd=Decimal(11))
    feed.rebuild()

    found = {name: told(client, cursors[name])[0] for name, client in readers.items()}
    after = {name: client.get("/api/v1/plans/") for name, client in readers.items()}
    moved = [("project", project.code, "changed")]
    assert found == {
        "visitor": [],
        "JP": moved,
        "SG": [],
        "VN": [],
        "editor": moved,
    }
    same = {name for name in readers if before[name]["ETag"] == after[name]["ETag"]}
    assert same == {"visitor", "SG", "VN"}


def test_an_unpublished_project_is_told_to_whose_it_is():
    readers = {
        "visitor": reader(),
        "VN": reader("coordinator", country="VN"),
        "KH": reader("coordinator", country="KH"),
        "JP": reader("partner", partner="JP"),
        "SG": reader("partner", partner="SG"),
        "editor": reader("editor"),
    }
    make.project(
        is_published=False, status="appraisal", countries=["VN"], funders=["JP"]
    )

    found = {
        name
        for name, client in readers.items()
        if any(kind == "project" for kind, _, _ in told(client)[0])
    }

    assert found == {"VN", "JP", "editor"}


def test_what_becomes_public_stays_told_to_whose_it_is():
    client = reader("coordinator", country="VN")
    project = make.project(
        is_published=False, status="appraisal", plan=False, countries=["VN"]
    )
    _, cursor = told(client)

    published = edit(project, is_published=True)
    rows, cursor = told(client, cursor)
    assert rows == [("project", project.code, "changed")]
    undo(entry=published, by=make.user("editor"))

    assert told(client, cursor)[0] == [("project", project.code, "changed")]
    assert client.get(f"/api/v1/projects/{project.code}/").status_code == 200


# Cursors


def test_a_cursor_of_another_reader_is_refused():
    make.project()
    _, cursor = told(reader("editor"))

    answer = reader().get(FEED, {"since": cursor})

    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "field": "since",
            "message": "This cursor is of a reader who sees other records. Begin anew.",
        }
    ]


@pytest.mark.parametrize("text", ["x", "e30", "WzEsMV0", "A" * 60, "é"])
def test_what_is_no_cursor_is_refused(text):
    answer = reader().get(FEED, {"since": text})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["since"]


def test_pages_of_the_feed_neither_repeat_nor_skip():
    client = reader()
    codes = [make.project(plan=False).code for _ in range(5)]

    answer = client.get(FEED, {"limit": 2}).json()
    pages = [[row["code"] for row in answer["results"]]]
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        pages.append([row["code"] for row in answer["results"]])

    assert pages == [codes[:2], codes[2:4], codes[4:]]


def test_the_feed_costs_as_much_for_many_records(queries):
    client = reader("partner", partner="JP")
    make.project(funders=["JP"], is_published=False, status="appraisal")
    few = queries(lambda: client.get(FEED))
    for _ in range(5):
        make.project(funders=["JP"], is_published=False, status="appraisal")

    assert queries(lambda: client.get(FEED)) <= few


# ETags


def test_a_reader_who_holds_the_answer_is_told_nothing_has_changed(queries):
    client = reader()
    project = make.project()
    address = "/api/v1/projects/"
    first = client.get(address)
    holds = {"If-None-Match": first["ETag"]}

    again = client.get(address, headers=holds)

    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert queries(lambda: client.get(address, headers=holds)) == 1
    assert client.head(address, headers=holds).status_code == 304
    file = client.get(f"{address}?format=csv", headers={"If-None-Match": "*"})
    assert (file.status_code, file.streaming) == (304, False)
    edit(project, title="Rice")
    assert client.get(address, headers=holds).status_code == 200


@pytest.mark.parametrize("path", [FEED, "/api/v1/projects/"])
def test_whose_login_is_closed_reads_on_as_a_visitor(path):
    user = make.user("partner", partner="JP")
    client = APIClient()
    client.force_login(user)
    hidden = make.project(funders=["JP"], is_published=False, status="appraisal")
    first = client.get(path)
    assert hidden.code in first.content.decode()

    type(user).objects.filter(pk=user.pk).update(is_active=False)

    again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200
    assert hidden.code not in again.content.decode()


@pytest.mark.parametrize("held", [False, True])
def test_caches_keep_each_encoding_apart(held):
    address = "/api/v1/projects/"
    tag = reader().get(address)["ETag"]

    answer = reader().get(address, headers={"If-None-Match": tag if held else '"x"'})

    assert answer.status_code == (304 if held else 200)
    assert "Accept-Encoding" in answer["Vary"]


def test_no_two_answers_share_an_etag():
    make.project()
    client = reader()
    tags = [
        client.get(address)["ETag"]
        for address in (
            "/api/v1/projects/",
            "/api/v1/projects/?limit=10",
            "/api/v1/projects/?as_of=2022-06-01",
            "/api/v1/plans/",
        )
    ]
    tags.append(reader("coordinator", country="VN").get("/api/v1/projects/")["ETag"])

    assert len(set(tags)) == 5


def test_an_etag_holds_for_its_day():
    make.project()
    client = reader()
    with time_machine.travel(make.moment("2026-03-01"), tick=False):
        first = client.get("/api/v1/plans/")["ETag"]
    with time_machine.travel(make.moment("2026-03-02"), tick=False):
        second = client.get("/api/v1/plans/", headers={"If-None-Match": first})

    assert second.status_code == 200


def test_answers_may_be_kept_but_are_asked_for_each_time():
    make.project()

    public = reader().get("/api/v1/projects/")
    own = reader("partner", partner="JP").get("/api/v1/projects/")

    assert public["Cache-Control"] == "public, no-cache"
    assert own["Cache-Control"].startswith("private")
    assert {"Authorization", "Cookie"} <= {
        name.strip() for name in public["Vary"].split(",")
    }


WRITES = {
    "fact": lambda: private(Project.objects.first()),
    "field": lambda: edit(Project.objects.first(), description="Rice and fish"),
    "meeting": lambda: change(Meeting.objects.first(), place="Bali"),
    "partner": lambda: change(Partner.objects.first(), name="Other"),
    "line": lambda: change(Project.objects.get().placements.get().line, title="Soil"),
    "plan": lambda: change(Project.objects.get().placements.get().plan, note="Soon"),
}


def change(row, **values):
    with ledger_entry():
        writing.change(row, **values)


@pytest.mark.parametrize("name", WRITES)
def test_every_kind_of_write_changes_the_stamp(name):
    make.project(line=make.line(), funders=["JP"], meeting=make.meeting())
    feed.rebuild()
    client = reader()
    before = client.get("/api/v1/plans/")["ETag"]

    WRITES[name]()

    assert client.get("/api/v1/plans/")["ETag"] != before


# From elsewhere


def test_a_page_elsewhere_may_read_but_neither_sign_in_nor_write():
    asked = {"Origin": "https://partner.example", "Access-Control-Request-Method": ""}
    client = Client()

    read = client.get("/api/v1/plans/", headers={"Origin": asked["Origin"]})
    page = client.get("/about/", headers={"Origin": asked["Origin"]})
    before = client.options(
        "/api/v1/projects/",
        headers=asked | {"Access-Control-Request-Method": "POST"},
    )

    assert read["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in read.headers
    assert "Access-Control-Allow-Origin" not in page.headers
    assert "POST" not in before["Access-Control-Allow-Methods"]
    assert "authorization" not in before["Access-Control-Allow-Headers"]


# Found by those who looked for what it betrays


def test_a_cursor_does_not_count_what_its_reader_is_not_told_of():
    client = reader()
    make.project(plan=False)
    _, before = told(client)
    for _ in range(3):
        make.project(is_published=False, status="concept", plan=False)
    make.project(plan=False)
    rows, cursor = told(client, before)

    assert len(rows) == 1
    assert client.get(FEED, {"since": before}).json()["cursor"] == cursor
    packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert not re.search(rb"\d, \d", packed)
    assert feed_api.unseal(cursor).startswith(b"[")
    broken = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    assert client.get(FEED, {"since": broken}).status_code == 400


def test_a_first_reading_calls_all_created_on_every_page():
    client = reader()
    projects = [make.project(plan=False) for _ in range(4)]
    edit(projects[0], title="Rice")

    answer = client.get(FEED, {"limit": 2}).json()
    rows = answer["results"]
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        rows += answer["results"]

    assert [row["change"] for row in rows] == ["created"] * 4
    edit(projects[1], title="Maize")
    again = client.get(FEED, {"since": answer["cursor"]}).json()["results"]
    assert [row["change"] for row in again] == ["changed"]


def test_who_leaves_a_grouping_is_told_that_its_projects_are_gone():
    grouping = make.grouping("CLMV", ["VN", "KH"])
    client = reader("coordinator", country="VN")
    project = make.project(
        is_published=False, status="appraisal", plan=False, groupings=["CLMV"]
    )
    feed.rebuild()
    rows, cursor = told(client)
    assert ("project", project.code, "created") in rows
    with ledger_entry():
        writing.change(
            grouping.memberships.get(country__code="VN"),
            valid_until=make.day("2020-01-01"),
        )

    assert ("project", project.code, "withdrawn") in told(client, cursor)[0]
    assert feed.stale() == []


def test_who_joins_or_leaves_a_grouping_is_told_on_the_day(queries, settings):
    settings.SESSION_COOKIE_AGE = 7 * 24 * 3600
    with time_machine.travel(make.moment("2026-03-01"), tick=False):
        grouping = make.grouping("CLMV", ["VN", "KH"])
        project = make.project(
            is_published=False, status="appraisal", plan=False, groupings=["CLMV"]
        )
        with ledger_entry():
            for code, dates in {
                "VN": {"valid_until": make.day("2026-03-02")},
                "KH": {"valid_from": make.day("2026-03-04")},
            }.items():
                row = grouping.memberships.get(country__code=code)
                writing.change(row, **dates)
        measured = make.indicator(project).code
        feed.rebuild()
        leaving = reader("coordinator", country="VN")
        joining = reader("coordinator", country="KH")
        seen, cursor = told(leaving)
        others, begun = told(joining)
    assert ("project", project.code, "created") in seen
    assert ("project", project.code, "withdrawn") in others

    with time_machine.travel(make.moment("2026-03-02"), tick=False):
        assert told(leaving, cursor)[0] == []
        tag = leaving.get(FEED)["ETag"]
    with time_machine.travel(make.moment("2026-03-03"), tick=False):
        assert leaving.get(FEED, headers={"If-None-Match": tag}).status_code == 200
        gone = {
            ("project", project.code, "withdrawn"),
            ("indicator", measured, "withdrawn"),
        }
        assert {*told(leaving, cursor)[0]} == gone
        assert told(joining, begun)[0] == []
    with time_machine.travel(make.moment("2026-03-05"), tick=False):
        new = {
            ("project", project.code, "created"),
            ("indicator", measured, "created"),
        }
        assert {*told(joining, begun)[0]} == new
        assert {*told(leaving, cursor)[0]} == gone
        assert feed.stale() == []
        held = {"If-None-Match": joining.get(FEED)["ETag"]}
        first = queries(lambda: joining.get(FEED, headers=held))
        assert first == queries(lambda: joining.get(FEED, headers=held))


def test_a_pledge_that_a_statement_names_moves_no_etag():
    client = reader()
    meeting = make.meeting()
    statement = PartnerStatement.objects.create(
        meeting=meeting, partner=make.partner("JP"), text="We will help"
    )
    hidden = make.project(is_published=False, status="appraisal", plan=False)
    pledge = private(hidden, kind="pledged")
    feed.rebuild()
    before = client.get("/api/v1/plans/")["ETag"]

    with ledger_entry():
        writing.change(statement, lists={"pledges": [pledge]})

    assert client.get("/api/v1/plans/")["ETag"] == before
    assert feed.stale() == []


def test_who_loses_its_successor_is_told():
    first = make.project(plan=False)
    second = make.project(plan=False, predecessor=first)
    feed.rebuild()
    client = reader()
    _, cursor = told(client)

    edit(second, predecessor=None)

    assert {code for _, code, _ in told(client, cursor)[0]} == {first.code, second.code}
    assert feed.stale() == []


def test_a_note_that_only_the_secretariat_reads_changes_no_byte_for_others():
    client = reader()
    project = make.project(plan=False)
    addresses = [FEED, "/api/v1/projects/", f"/api/v1/projects/{project.code}/"]
    before = [client.get(address).content for address in addresses]

    edit(project, note="Ask again in May")

    assert [client.get(address).content for address in addresses] == before
