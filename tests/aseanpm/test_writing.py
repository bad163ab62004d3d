"""How rows that are no facts are written, and what a form never loses."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.test import Client
from django.urls import reverse

from aseanpm import writing
from aseanpm.facts import (
    AlreadyRecorded,
    Entry,
    FactsAreKept,
    SentBefore,
    ledger_entry,
    open_entry,
)
from partners.models import Partner, User
from projects.models import Phase, Project
from tests import make
from workplans.models import Attendance, Conclusion

pytestmark = pytest.mark.django_db


@pytest.fixture
def edith():
    return make.user("editor", name="Edith", email="edith@example.org")


def rows(row):
    """[(kind, sequence, who, why)] of a row's history, oldest first."""
    return [
        (
            each.history_type,
            each.sequence,
            each.history_user,
            each.history_change_reason,
        )
        for each in row.history.order_by("history_id")
    ]


# Changes and their history


def test_the_first_change_also_keeps_how_the_row_was_found(edith):
    partner = Partner.objects.bulk_create(
        [Partner(code="X", name="Old", kind="other")]
    )[0]

    with ledger_entry(edith, reason="Typo", what="Partner X") as entry:
        changed = writing.change(partner, name="New")

    assert changed == ["name"]
    assert rows(partner) == [
        ("+", None, None, "As it was before its first change on record"),
        ("~", entry.sequence, edith, "Typo"),
    ]
    assert [row.name for row in partner.history.order_by("history_id")] == [
        "Old",
        "New",
    ]
    assert partner.history.first().history_date == entry.recorded_at
    assert (partner.name, partner.version) == ("New", 2)


def test_what_was_done_stands_for_a_reason_where_none_is_given(edith):
    with ledger_entry(edith, what="Partner X") as entry:
        made = writing.create(Partner(code="X", name="New", kind="other"))

    assert rows(made) == [("+", entry.sequence, edith, "Partner X")]


def test_saving_the_same_again_writes_nothing(edith):
    meeting, theme = make.meeting(), make.theme()
    row = Conclusion.objects.create(meeting=meeting, order=1, text="Text")
    row.themes.set([theme])
    before = row.history.count()

    with ledger_entry(edith):
        changed = writing.change(row, text="Text", lists={"themes": [theme]})

    row.refresh_from_db()
    assert (changed, row.version, row.history.count()) == ([], 1, before)


def test_a_list_alone_makes_a_version_and_a_history_row(edith):
    row = Conclusion.objects.create(meeting=make.meeting(), order=1, text="Text")
    theme = make.theme()

    with ledger_entry(edith) as entry:
        changed = writing.change(row, lists={"themes": [theme]})

    last = row.history.first()
    assert (changed, row.version, last.sequence) == (["themes"], 2, entry.sequence)
    assert [link.theme for link in last.themes.all()] == [theme]


def test_a_stale_version_changes_nothing_and_tells_what_stands(edith):
    partner = make.partner("X", name="Old")
    with ledger_entry(edith):
        writing.change(partner, version=1, name="New")

    with pytest.raises(writing.Stale) as stale, ledger_entry(edith):
        writing.change(partner, version=1, name="Mine")

    assert stale.value.current.name == "New"
    assert Partner.objects.get(code="X").name == "New"


def test_two_who_open_the_same_version_save_once(edith):
    partner = make.partner("X", name="Old")
    one, other = (Partner.objects.get(code="X") for _ in range(2))
    with ledger_entry(edith):
        writing.change(one, version=one.version, name="One")

    with pytest.raises(writing.Stale), ledger_entry(edith):
        writing.change(other, version=other.version, note="Other")

    partner.refresh_from_db()
    assert (partner.name, partner.note, partner.version) == ("One", "", 2)


def test_without_a_version_only_the_named_fields_are_written(edith):
    make.partner("X", name="Old", note="Old")
    one, other = (Partner.objects.get(code="X") for _ in range(2))
    with ledger_entry(edith):
        writing.change(one, name="One")
    with ledger_entry(edith):
        writing.change(other, note="Other")

    partner = Partner.objects.get(code="X")
    assert (partner.name, partner.note, partner.version) == ("One", "Other", 3)


def test_what_the_model_objects_to_is_not_written(edith):
    project = make.project(planned_start=make.day("2022-01-01"))

    with pytest.raises(ValidationError) as error, ledger_entry(edith):
        writing.change(project, planned_end=make.day("2021-01-01"))

    assert error.value.messages == ["A project cannot end before it starts."]
    assert Project.objects.get().planned_end is None
    assert not Entry.objects.filter(recorded_by=edith).exists()


def test_the_words_to_search_by_follow_the_title(edith):
    project = make.project(title="Old")

    with ledger_entry(edith):
        writing.change(project, title="Giáo dục")

    assert Project.objects.matching("giao duc").get() == project


def test_what_others_name_is_not_removed_and_it_is_said_why(edith):
    partner = make.partner("X", name="Needed")
    make.project(funders=["X"])

    with pytest.raises(ValidationError) as error, ledger_entry(edith):
        writing.remove(partner)

    assert error.value.messages == [
        "“Needed” cannot be taken away: “Needed joins” stands on it."
    ]
    assert Partner.objects.filter(code="X").exists()


def test_a_removed_row_leaves_its_history(edith):
    row = Attendance.objects.create(
        meeting=make.meeting(), partner=make.partner("X"), capacity="partner"
    )
    key = row.pk
    with ledger_entry(edith, reason="Was not there") as entry:
        writing.remove(row, version=1)

    last = Attendance.history.filter(id=key).first()
    assert (last.history_type, last.sequence) == ("-", entry.sequence)
    assert last.history_change_reason == "Was not there"


def test_a_password_is_in_no_history(edith):
    columns = {column.name for column in User.history.model._meta.fields}

    assert "password" not in columns
    assert "last_login" not in columns


# The ledger


def test_a_write_names_its_author_reason_and_time(edith):
    with ledger_entry(edith, what="What", reason="Why") as entry:
        assert open_entry() is entry
        entry.opens = "/somewhere/"

    kept = Entry.objects.get(pk=entry.pk)
    assert (kept.recorded_by, kept.what, kept.reason) == (edith, "What", "Why")
    assert kept.opens == "/somewhere/"
    assert open_entry() is None


def test_a_write_that_fails_leaves_no_trace(edith):
    def fail():
        with ledger_entry(edith):
            make.partner("X")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert not Partner.objects.filter(code="X").exists()
    assert not Entry.objects.filter(recorded_by=edith).exists()
    assert open_entry() is None


def test_the_same_form_sent_twice_is_one_write(edith):
    with ledger_entry(edith, submission="form", content_hash="a") as entry:
        pass

    same = ledger_entry(edith, submission="form", content_hash="a")
    with pytest.raises(AlreadyRecorded) as again, same:
        pass
    changed = ledger_entry(edith, submission="form", content_hash="b")
    with pytest.raises(SentBefore) as other, changed:
        pass

    assert again.value.entry == other.value.entry == entry


def test_two_people_may_send_the_same_key(edith):
    for user in (edith, make.user("editor")):
        with ledger_entry(user, submission="form", content_hash="a"):
            pass

    assert Entry.objects.filter(submission__endswith=":form").count() == 2


def test_entries_are_stamped_in_the_order_they_are_written(edith):
    stamps = []
    for _ in range(3):
        with ledger_entry(edith) as entry:
            stamps.append((entry.sequence, entry.recorded_at))

    assert stamps == sorted(set(stamps))


def test_a_kept_row_and_a_fact_differ(edith):
    project = make.project()

    with pytest.raises(FactsAreKept), transaction.atomic():
        project.status_changes.update(note="x")
    with ledger_entry(edith):
        writing.change(project, note="x")
    assert Project.objects.get().note == "x"


# A form by HTTP: the merge of two partners, as small a form as any


def sent(**more):
    return {"into": "JP", "reason": "One embassy", "submission": "abc", **more}


@pytest.fixture
def two():
    return make.partner("XX"), make.partner("JP")


def test_a_very_long_way_back_hinders_no_write(sign_in, edith):
    place = f"/projects/?country=VN{'&line=IAI-IV-01' * 60}"
    project = make.project()

    answer = sign_in(edith).post(
        reverse("comment-new", kwargs={"kind": "project", "code": project.code}),
        {"text": "Seen", "is_internal": "True", "next": place},
    )

    assert (answer.status_code, answer.url) == (302, place)
    assert project.comments.exists()


@pytest.mark.parametrize("name", ["reason", "submission", "next", "else"])
def test_what_no_database_keeps_is_refused_by_name(sign_in, edith, two, name):
    answer = sign_in(edith).post("/partners/XX/merge/", sent(**{name: "a\0b"}))

    assert answer.status_code == 400
    assert name in answer.content.decode()
    assert Partner.objects.filter(code="XX").exists()


def test_a_visitor_is_led_to_sign_in_and_back(client, two):
    answer = client.get("/partners/XX/merge/?into=JP")

    assert answer.status_code == 302
    assert answer.url == "/accounts/login/?next=/partners/XX/merge/%3Finto%3DJP"


def test_what_was_typed_is_kept_when_the_session_has_ended(client, two):
    page = client.post("/partners/XX/merge/", sent(password="secret"))
    said = page.content.decode()

    assert page.status_code == 403
    assert "Nothing you typed is lost" in said
    assert '<textarea name="reason" hidden>\nOne embassy</textarea>' in said
    assert "secret" not in said
    assert Partner.objects.filter(code="XX").exists()


def test_a_form_opened_before_the_sign_in_is_sent_again_with_one_press(edith, two):
    client = Client(enforce_csrf_checks=True)
    client.force_login(edith)

    page = client.post(
        "/partners/XX/merge/", sent(), headers={"origin": "http://testserver"}
    )
    said = page.content.decode()

    assert page.status_code == 403
    assert "Your sign-in was renewed" in said
    assert "One embassy" in said


def test_a_form_from_elsewhere_is_refused_plainly(edith, two):
    client = Client(enforce_csrf_checks=True)
    client.force_login(edith)

    for origin in ("http://elsewhere.example", ""):
        page = client.post(
            "/partners/XX/merge/", sent(), headers={"origin": origin} if origin else {}
        )

        assert page.status_code == 403
        assert "One embassy" not in page.content.decode()


def test_a_role_lost_between_page_and_save_saves_nothing(sign_in, edith, two):
    client = sign_in(edith)
    page = client.get("/partners/XX/merge/?into=JP")
    User.objects.filter(pk=edith.pk).update(role="reader")

    answer = client.post("/partners/XX/merge/", sent(seen=page.context["seen"]))

    assert answer.status_code == 403
    assert "One embassy" in answer.content.decode()
    assert Partner.objects.filter(code="XX").exists()


def test_a_key_counts_for_the_address_that_it_was_sent_to(sign_in):
    first, second = make.user("reader"), make.user("reader")
    client, same = sign_in(make.user("administrator")), {"submission": "abc"}

    client.post(f"/accounts/users/{first.email}/close/", same)
    answer = client.post(f"/accounts/users/{second.email}/close/", same, follow=True)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_active, second.is_active) == (False, True)
    assert "saved already, with other content" in answer.content.decode()


def test_who_waits_too_long_for_others_keeps_what_was_typed(
    sign_in, edith, two, monkeypatch
):
    client = sign_in(edith)
    page = client.get("/partners/XX/merge/?into=JP")

    def locked(*args, **options):
        raise OperationalError("database is locked")

    monkeypatch.setattr("aseanpm.workplace.ledger_entry", locked)
    answer = client.post("/partners/XX/merge/", sent(seen=page.context["seen"]))

    said = answer.content.decode()
    assert answer.status_code == 409
    assert "press again" in said
    assert '<textarea name="reason" hidden>\nOne embassy</textarea>' in said


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/partners/?kind=dialogue", "/partners/?kind=dialogue"),
        ("https://elsewhere.example/", "/partners/JP/"),
        ("//elsewhere.example/", "/partners/JP/"),
        ("javascript:alert(1)", "/partners/JP/"),
    ],
)
def test_the_readers_place_is_kept_if_it_is_ours(sign_in, edith, two, asked, place):
    client = sign_in(edith)
    page = client.get("/partners/XX/merge/?into=JP")

    done = client.post(
        "/partners/XX/merge/", sent(next=asked, seen=page.context["seen"])
    )

    assert (done.status_code, done.url) == (302, place)


def test_a_conflict_shows_both_values_and_keeps_what_was_typed(sign_in, edith):
    """On the form of one's own name, the plainest of the kept forms."""
    client = sign_in(edith)
    page = client.get("/accounts/profile/")
    hidden = {name: page.context[name] for name in ("submission", "version", "opened")}
    assert json.loads(hidden["opened"]) == {"name": ["Edith"]}
    with ledger_entry(edith):
        writing.change(edith, name="Edda")

    answer = client.post("/accounts/profile/", {"name": "Edie", **hidden})
    said = answer.content.decode()

    assert answer.status_code == 409
    assert "Edda" in said
    assert 'value="Edie"' in said
    assert User.objects.get(pk=edith.pk).name == "Edda"

    again = {name: answer.context[name] for name in hidden}
    done = client.post(
        "/accounts/profile/", {"name": "Edie", "take-name": "mine", **again}
    )

    assert done.status_code == 302
    assert User.objects.get(pk=edith.pk).name == "Edie"


def test_phases_of_a_project_are_kept_with_their_write(edith):
    project = make.project()

    with ledger_entry(edith) as entry:
        phase = writing.create(Phase(project=project, number=1))

    assert phase.history.get().sequence == entry.sequence
