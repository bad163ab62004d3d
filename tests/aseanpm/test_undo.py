"""Taking a write back: all of it or nothing, and the records agree afterwards."""

import contextlib
from io import StringIO

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from aseanpm import feed, writing
from aseanpm.facts import Clock, Entry, FactsAreKept, LedgerHead, ledger_entry
from aseanpm.models import Comment
from aseanpm.undo import kept_models, undo
from partners import merging
from partners.models import Organisation, Partner, PartnerAlias
from projects import actions
from projects.models import (
    Funding,
    MoneyEntry,
    Phase,
    Placement,
    Project,
    ProjectOrganisation,
    StatusChange,
)
from tests import make
from workplans.models import (
    AgendaItem,
    Conclusion,
    Meeting,
    PublishedFigure,
    Theme,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def edith():
    return make.user("editor", name="Edith")


@pytest.fixture
def write(edith):
    """write(do, by=edith): the entry of what `do(entry)` wrote; it can be undone."""

    def writing_of(do, by=edith, what="A write"):
        with ledger_entry(by, what=what, reason="because") as entry:
            entry.can_be_undone = True
            do(entry)
        return entry

    return writing_of


def status(project, to, on, **fields):
    fields.setdefault("by_circulation", to == "approved")
    return StatusChange(
        project=project, status=to, effective_on=make.day(on), note="Why", **fields
    )


def audit():
    """Raises where the second path finds another figure."""
    call_command("audit_figures", stdout=StringIO())


def life(project):
    facts = StatusChange.objects.known().filter(project=project)
    return list(
        facts.order_by("effective_on", "day_order").values_list("status", flat=True)
    )


def refused(entry, by):
    """What is said when a write is not undone; nothing is written then."""
    before = Entry.objects.count()
    with pytest.raises(ValidationError) as error:
        undo(entry=entry, by=by)
    assert Entry.objects.count() == before
    return " ".join(error.value.messages)


# Facts


def test_a_status_move_is_taken_back_with_its_publication(write, edith):
    project = make.project(status="appraisal", is_published=False)
    moved = write(
        lambda entry: actions.record(
            fact=status(project, "approved", "2022-02-01"), entry=entry
        )
    )
    project.refresh_from_db()
    assert (project.current_status, project.is_published) == ("approved", True)

    undone = undo(entry=moved, by=edith)

    project.refresh_from_db()
    assert (project.current_status, project.is_published) == ("appraisal", False)
    assert project.changed_at == undone.recorded_at
    gone = StatusChange.objects.get(withdrawn_at__isnull=False)
    assert (gone.withdrawn_by, gone.withdrawal_reason) == (edith, "Undone")
    audit()


def test_what_was_undone_can_be_done_again_and_undone_again(write, edith):
    project = make.project(status="appraisal", is_published=False)
    moved = write(
        lambda entry: actions.record(
            fact=status(project, "approved", "2022-02-01"), entry=entry
        )
    )

    first = undo(entry=moved, by=edith)
    again = undo(entry=first, by=edith)
    assert life(project) == ["appraisal", "approved"]
    last = undo(entry=again, by=edith)

    assert [one.what for one in (first, again, last)] == [
        "Undo: A write",
        "Redo: A write",
        "Undo: A write",
    ]
    assert life(project) == ["appraisal"]
    assert not Project.objects.get().is_published


def test_a_withdrawn_fact_comes_back_in_its_place(write, edith):
    project = make.project(status="ongoing")
    started = StatusChange.objects.get(status="ongoing")
    gone = write(
        lambda entry: actions.withdraw(fact=started, reason="wrong", entry=entry)
    )
    assert life(project) == ["appraisal", "approved"]

    undo(entry=gone, by=edith)

    back = StatusChange.objects.known().get(status="ongoing")
    assert life(project) == ["appraisal", "approved", "ongoing"]
    assert (back.effective_on, back.day_order) == (make.day("2022-01-10"), 2)
    assert back.uuid != started.uuid


def test_a_fact_whose_place_was_taken_meanwhile_takes_the_last(write, edith):
    project = make.project(funders=["SG"])
    gone = write(
        lambda entry: actions.withdraw(
            fact=Funding.objects.get(), reason="wrong", entry=entry
        )
    )
    other = Funding(
        project=project,
        partner=make.partner("JP"),
        effective_on=make.day("2022-01-10"),
    )
    actions.record(fact=other)

    undo(entry=gone, by=edith)

    standing = Funding.objects.known().order_by("day_order")
    assert [fact.partner.code for fact in standing] == ["JP", "SG"]


def test_a_correction_is_taken_back(write, edith):
    make.project(budget="1000")
    entry = write(
        lambda entry: actions.correct(
            fact=MoneyEntry.objects.get(), amount=900, reason="typo", entry=entry
        )
    )

    undo(entry=entry, by=edith)

    assert MoneyEntry.objects.known().get().amount == 1000


def test_a_reversal_is_taken_back_after_its_project_was_withdrawn_and_came_back(
    write, edith
):
    project = make.project(budget="100")
    given = MoneyEntry.objects.get()
    reversal = write(
        lambda entry: actions.reverse(
            fact=given, on=make.day("2022-03-01"), entry=entry
        )
    )
    gone = write(
        lambda entry: actions.withdraw_project(
            project=project, reason="slip", entry=entry
        )
    )
    undo(entry=gone, by=edith)

    undo(entry=reversal, by=edith)

    assert [entry.amount for entry in MoneyEntry.objects.known()] == [100]
    audit()


def test_a_correction_that_is_taken_back_leaves_the_order_of_the_day(write, edith):
    project = make.project(status="ongoing")
    first = StatusChange.objects.get(status="appraisal")
    entry = write(
        lambda entry: actions.correct(
            fact=first, note="seen", reason="typo", entry=entry
        )
    )

    undo(entry=entry, by=edith)

    assert life(project) == ["appraisal", "approved", "ongoing"]


def test_a_fact_recorded_and_withdrawn_by_one_write_stays_withdrawn(write, edith):
    project = make.project(status="approved")

    def to_and_fro(entry):
        fact = actions.record(
            fact=status(project, "ongoing", "2022-02-01"), entry=entry
        )
        actions.withdraw(fact=fact, reason="no", entry=entry)

    undo(entry=write(to_and_fro), by=edith)

    assert life(project) == ["appraisal", "approved"]


def test_a_write_that_others_build_on_is_not_undone(write, edith):
    project = make.project(status="appraisal")
    moved = write(
        lambda entry: actions.record(
            fact=status(project, "approved", "2022-02-01"), entry=entry
        )
    )
    actions.record(fact=status(project, "ongoing", "2022-03-01"))

    said = refused(moved, edith)

    assert said.startswith("As things stand, this cannot be undone.")
    assert "Ongoing" in said
    assert life(project) == ["appraisal", "approved", "ongoing"]


def test_a_fact_corrected_since_is_not_undone(write, edith):
    project = make.project(status="approved")
    started = write(
        lambda entry: actions.record(
            fact=status(project, "ongoing", "2022-02-01"), entry=entry
        )
    )
    other = make.user("editor", name="Otto")
    fact = StatusChange.objects.get(status="ongoing")
    on = make.day("2022-02-02")
    write(
        lambda entry: actions.correct(
            fact=fact, effective_on=on, reason="x", entry=entry
        ),
        by=other,
    )

    assert refused(started, edith) == (
        "“Ongoing on 2022-02-01” was changed after that by Otto; undo that first."
    )


# Rows


def test_fields_and_lists_get_their_former_values(write, edith):
    project = make.project(title="Old")
    covid, gender = make.theme("COVID"), make.theme("GENDER")
    project.themes.set([covid])
    entry = write(
        lambda entry: actions.edit_project(
            project=project,
            entry=entry,
            title="New",
            officer=edith,
            lists={"themes": [gender]},
        )
    )

    undone = undo(entry=entry, by=edith)

    project.refresh_from_db()
    assert (project.title, project.officer) == ("Old", None)
    assert list(project.themes.all()) == [covid]
    assert "old" in project.search_text
    assert project.changed_at == undone.recorded_at
    row = project.history.first()
    assert (row.sequence, row.history_user) == (undone.sequence, edith)
    audit()


def test_lists_get_what_they_held_after_the_write_before(write, edith):
    project = make.project()
    for code in ("COVID", "GENDER"):
        theme = make.theme(code)
        last = write(
            lambda entry, theme=theme: actions.edit_project(
                project=project, entry=entry, lists={"themes": [theme]}
            )
        )

    undo(entry=last, by=edith)

    assert [theme.code for theme in project.themes.all()] == ["COVID"]


def test_bulk_edits_are_taken_back_together_or_not_at_all(write, edith):
    projects = [make.project(title=f"Old {n}") for n in range(3)]

    def rename(entry):
        for project in projects:
            actions.edit_project(project=project, entry=entry, title="New")

    entry = write(rename)
    other = make.user("editor", name="Otto")
    write(
        lambda entry: actions.edit_project(
            project=projects[1], entry=entry, title="Newest"
        ),
        by=other,
    )

    assert refused(entry, edith) == (
        f"“{projects[1].code} Newest” was changed after that by Otto; undo that first."
    )
    assert set(Project.objects.values_list("title", flat=True)) == {"New", "Newest"}


def test_a_later_change_that_was_undone_stands_in_nobodys_way(write, edith):
    project = make.project(title="Old")

    def rename(title):
        return lambda entry: actions.edit_project(
            project=project, entry=entry, title=title
        )

    first, second = write(rename("New")), write(rename("Newest"))
    undo(entry=second, by=edith)

    undo(entry=first, by=edith)

    project.refresh_from_db()
    assert project.title == "Old"


def test_a_change_there_and_back_again_stands_in_the_way(write, edith):
    project = make.project(title="Old")

    def rename(title):
        return lambda entry: actions.edit_project(
            project=project, entry=entry, title=title
        )

    first = write(rename("New"))
    write(rename("Newest"))
    write(rename("New"))

    assert "undo that first" in refused(first, edith)


def test_new_rows_go_and_lost_rows_come_back_with_their_lists(write, edith):
    meeting, theme = make.meeting(), make.theme()
    lost = Conclusion.objects.create(meeting=meeting, order=1, text="Old")
    lost.themes.set([theme])

    def replace(entry):
        writing.remove(lost)
        writing.create(Conclusion(meeting=meeting, order=1, text="New"))

    key = lost.pk
    undo(entry=write(replace), by=edith)

    [back] = Conclusion.objects.all()
    assert (back.pk, back.text, back.version) == (key, "Old", 2)
    assert list(back.themes.all()) == [theme]


def test_parts_that_went_with_their_row_come_back_with_it(write, edith):
    whole = make.figure(value=50)
    parts = PublishedFigure.objects.bulk_create(
        PublishedFigure(
            code=f"part-{code}",
            metric="projects",
            as_of=whole.as_of,
            plan=whole.plan,
            value=25,
            part_of=whole,
            combination=code,
        )
        for code in ("JP", "SG")
    )
    entry = write(lambda entry: writing.remove(whole))
    assert not PublishedFigure.objects.exists()

    undo(entry=entry, by=edith)

    assert set(whole.parts.values_list("pk", "combination")) == {
        (parts[0].pk, "JP"),
        (parts[1].pk, "SG"),
    }


def test_a_row_made_and_removed_by_one_write_stays_away(write, edith):
    meeting = make.meeting()

    def to_and_fro(entry):
        row = writing.create(Conclusion(meeting=meeting, order=1, text="New"))
        writing.remove(row)

    undo(entry=write(to_and_fro), by=edith)

    assert not Conclusion.objects.exists()


def test_a_unique_value_that_moved_moves_back(write, edith):
    xx = make.partner("XX", country=make.country("SG"))
    jp = make.partner("JP")

    def hand_over(entry):
        writing.change(xx, country=None)
        writing.change(jp, country=make.country("SG"))

    undo(entry=write(hand_over), by=edith)

    assert make.partner("XX").country.code == "SG"
    assert make.partner("JP").country is None


def test_a_new_row_that_others_name_by_now_stays(write, edith):
    made = []
    entry = write(
        lambda entry: made.append(
            writing.create(Partner(code="XX", name="New", kind="dialogue"))
        )
    )
    write(
        lambda entry: writing.create(PartnerAlias(partner=made[0], name="Newer")),
    )

    said = refused(entry, edith)

    assert "“Newer” names “New” and was not part of this" in said
    assert PartnerAlias.objects.exists()


def test_a_new_row_on_a_list_of_another_stays(write, edith):
    made = []
    entry = write(
        lambda entry: made.append(writing.create(Theme(code="NEW", title="New")))
    )
    make.project().themes.add(made[0])

    assert "names “New” and was not part of this" in refused(entry, edith)


def test_a_comment_is_withdrawn_and_not_erased(write, edith):
    project = make.project()
    entry = write(
        lambda entry: writing.create(
            Comment(
                project=project,
                text="Hm",
                recorded_at=entry.recorded_at,
                recorded_by=edith,
            )
        )
    )

    undone = undo(entry=entry, by=edith)

    assert Comment.objects.get().withdrawn_at == undone.recorded_at


# A project from nothing


def new_project(entry, **fields):
    project = actions.create_project(entry=entry, title="New", **fields)
    writing.create(Phase(project=project, number=1))
    facts = [
        Placement(project=project, plan=make.plan()),
        status(project, "concept", "2022-02-01", day_order=None, by_circulation=False),
    ]
    actions.rewrite(recorded=facts, entry=entry)
    return project


def test_a_new_project_is_withdrawn_with_its_facts_and_comes_back(write, edith):
    make.plan()
    entry = write(new_project)

    undone = undo(entry=entry, by=edith)

    assert Project.objects.get().withdrawn_at == undone.recorded_at
    assert not StatusChange.objects.known().exists()
    assert not Placement.objects.known().exists()
    assert not Phase.objects.exists()
    audit()

    undo(entry=undone, by=edith)

    project = Project.objects.get()
    assert (project.withdrawn_at, project.current_status) == (None, "concept")
    assert project.phases.count() == 1
    audit()


def test_a_new_project_with_later_facts_stays(write, edith):
    make.plan()
    entry = write(new_project)
    project = Project.objects.get()
    actions.record(
        fact=MoneyEntry(
            project=project,
            kind="approved",
            amount=100,
            effective_on=make.day("2022-03-01"),
        )
    )

    assert "was not part of this" in refused(entry, edith)
    assert Project.objects.get().withdrawn_at is None


def test_what_was_corrected_and_set_back_does_not_hinder_the_undo(write, edith):
    def enter(entry):
        project = actions.create_project(entry=entry, title="Rice")
        actions.record(fact=status(project, "ongoing", "2022-01-01"), entry=entry)

    def correct(entry):
        fact = StatusChange.objects.known().get()
        on = make.day("2022-02-01")
        actions.correct(fact=fact, effective_on=on, reason="Later", entry=entry)

    made = write(enter)
    undo(entry=write(correct), by=edith)

    undo(entry=made, by=edith)

    assert not Project.objects.as_of().exists()
    assert not StatusChange.objects.known().exists()


def test_a_project_that_was_taken_back_is_public_at_no_moment(client, write, edith):
    def enter(entry):
        project = actions.create_project(entry=entry, title="Rice", is_published=True)
        first = status(project, "ongoing", "2022-01-01")
        actions.record(fact=first, entry=entry)

    made = write(enter)
    [project] = Project.objects.all()
    then = {"known_at": made.recorded_at.isoformat()}
    assert client.get(f"/projects/{project.code}/", then).status_code == 200

    undone = undo(entry=made, by=edith)

    assert client.get(f"/projects/{project.code}/", then).status_code == 404
    undo(entry=undone, by=edith)
    assert client.get(f"/projects/{project.code}/").status_code == 200


def test_carrying_over_is_taken_back_and_can_be_done_again(write, edith):
    old = make.plan("IAI-III", nominal_start=make.day("2016-01-01"))
    new = make.plan("IAI-IV")
    project = make.project(status="ongoing", plan=old, on="2018-01-10")
    decided = {"by_circulation": True}

    def carry(entry):
        actions.carry_over(
            project=project,
            plan=new,
            on=make.day("2022-02-01"),
            begins="appraisal",
            reason="It goes on",
            decided=decided,
            entry=entry,
        )

    undone = undo(entry=write(carry), by=edith)

    assert life(project)[-1] == "ongoing"
    assert Project.objects.as_of().count() == 1
    assert not Project.objects.as_of().filter(predecessor=project).exists()
    audit()

    undo(entry=undone, by=edith)

    assert life(project)[-1] == "carried_over"
    assert Project.objects.as_of().get(predecessor=project).current_plan == new
    audit()


def test_decisions_of_a_meeting_are_taken_back_with_its_agenda(write, edith):
    project = make.project(status="appraisal")
    meeting = make.meeting(on="2022-09-22")
    item = AgendaItem.objects.create(meeting=meeting, project=project)

    def decide(entry):
        fact = status(
            project, "approved", "2022-09-22", meeting=meeting, by_circulation=False
        )
        actions.record(fact=fact, entry=entry)
        writing.change(item, outcome="approve", applied=entry.sequence)

    undo(entry=write(decide), by=edith)

    item.refresh_from_db()
    assert (item.outcome, item.applied) == ("", None)
    assert life(project) == ["appraisal"]


# Who, and how often


def test_a_write_is_undone_once(write, edith):
    project = make.project(title="Old")
    entry = write(
        lambda entry: actions.edit_project(project=project, entry=entry, title="New")
    )
    undo(entry=entry, by=edith)

    assert refused(entry, edith) == "This was undone before, by Edith."


def test_not_every_write_can_be_undone(edith):
    with ledger_entry(edith, what="A load") as entry:
        writing.create(Organisation(code="X", name="X"))

    assert refused(entry, edith) == "This cannot be undone."


def test_a_sign_in_meanwhile_stands_in_nobodys_way(write, edith):
    user = make.user("reader")
    entry = write(lambda entry: writing.change(user, name="New"))
    user.save(update_fields=["last_login"])

    undo(entry=entry, by=edith)

    user.refresh_from_db()
    assert user.name == ""


def test_undoing_a_change_of_a_user_leaves_the_password(write, edith):
    user = make.user("reader")
    entry = write(lambda entry: writing.change(user, name="New"))

    undo(entry=entry, by=edith)

    user.refresh_from_db()
    assert user.check_password("a-long-password-1")


# By HTTP


@pytest.fixture
def renamed(write, edith):
    project = make.project(title="Old")
    entry = write(
        lambda entry: actions.edit_project(project=project, entry=entry, title="New"),
        what="Renamed it",
    )
    Entry.objects.filter(pk=entry.pk).update(opens=f"/projects/{project.code}/")
    return entry


def title():
    return Project.objects.get().title


def test_one_undoes_ones_own_write_and_is_told(sign_in, renamed, edith):
    client = sign_in(edith)

    done = client.post(f"/undo/{renamed.sequence}/", {"next": "/projects/?page=1"})
    page = client.get(done.url).content.decode()

    assert done.url == "/projects/?page=1"
    assert "Taken back: Renamed it." in page
    assert title() == "Old"


def test_pressing_undo_twice_undoes_once_and_says_no_error(sign_in, renamed, edith):
    client = sign_in(edith)

    for _ in range(2):
        done = client.post(f"/undo/{renamed.sequence}/", {"next": "/"})
        assert (done.status_code, done.url) == (302, "/")

    assert title() == "Old"
    assert Entry.objects.filter(undoes=renamed).count() == 1


def test_who_may_undo_whose_write(sign_in, renamed):
    answers = {
        role: sign_in(make.user(role, **own))
        .post(f"/undo/{renamed.sequence}/")
        .status_code
        for role, own in (
            ("reader", {}),
            ("partner", {"partner": "JP"}),
            ("coordinator", {"country": "VN"}),
            ("editor", {}),
        )
    }

    assert answers == {"reader": 403, "partner": 403, "coordinator": 403, "editor": 404}
    assert title() == "New"

    done = sign_in(make.user("administrator")).post(
        f"/undo/{renamed.sequence}/", {"reason": "Asked by phone"}
    )

    assert done.status_code == 302
    assert title() == "Old"
    assert (
        Project.objects.get().history.first().history_change_reason == "Asked by phone"
    )


def test_a_refusal_is_said_where_the_reader_was(sign_in, renamed, edith, write):
    write(
        lambda entry: actions.edit_project(
            project=Project.objects.get(), entry=entry, title="Newest"
        )
    )
    client = sign_in(edith)

    done = client.post(f"/undo/{renamed.sequence}/", {"next": "/projects/"})
    page = client.get(done.url).content.decode()

    assert done.url == "/projects/"
    assert "was changed after that by Edith; undo that first." in page
    assert title() == "Newest"


# Any sequence of writes

PARTNERS = ("SG", "JP", "XX", "YY")
DAYS = ("2022-01-10", "2022-06-01", "2023-01-01")
UNTOLD = {"version", "changed_at", "search_text"}


def rows():
    """{(model, key): values} of all kept rows, without stamps and copies of facts."""
    found = {}
    for model in kept_models():
        columns = [
            column.attname
            for column in model._meta.concrete_fields
            if column.name not in UNTOLD and not column.name.startswith("current_")
        ]
        for key, *values in model._base_manager.values_list("pk", *columns):
            found[model, key] = values
        for one in model.history.model._history_m2m_fields:
            through = one.remote_field.through.objects.order_by("pk")
            names = (one.m2m_column_name(), one.m2m_reverse_name())
            for key, other in sorted(through.values_list(*names)):
                found[model, key].append((one.name, other))
    return found


def told_by_history(model, key):
    """(sequence, what the last history row of a row says of its fields and lists)."""
    last = model.history.filter(id=key).order_by("history_id").last()
    if last is None:
        return None, None
    columns = [
        column
        for column in last.tracked_fields
        if column.name not in UNTOLD and not column.name.startswith("current_")
    ]
    values = {column.attname: getattr(last, column.attname) for column in columns}
    for one in last._history_m2m_fields:
        links = getattr(last, one.name).values_list(one.m2m_reverse_field_name())
        values[one.name] = sorted(key for (key,) in links)
    return last, values


def check_history(before, after, sequence):
    """Each row that a write changed has a history row of that write that tells it so.

    Only what signs somebody in is not told.
    """
    for model, key in before.keys() | after.keys():
        if before.get((model, key)) == after.get((model, key)):
            continue
        last, values = told_by_history(model, key)
        assert last is not None, (model, key)
        assert last.sequence == sequence, (model, key)
        row = model._base_manager.filter(pk=key).first()
        assert (row is None) == (last.history_type == "-"), (model, key)
        if row is None:
            continue
        for name, value in values.items():
            column = getattr(row, name)
            held = (
                sorted(column.values_list("pk", flat=True))
                if hasattr(column, "values_list")
                else column
            )
            assert held == value, (model, key, name)


def fact_rows():
    """{(model, key): what can never change of a fact, but the reference of a merge}."""
    found = {}
    for model in apps.get_models():
        if hasattr(model, "withdrawal_reason"):
            for fact in model._base_manager.all():
                found[model, fact.pk] = (
                    fact.uuid,
                    getattr(fact, "effective_on", None),
                    fact.recorded_at,
                    getattr(fact, "delta", None) or getattr(fact, "status", None),
                )
    return found


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("move", "join", "leave", "withdraw", "correct", "edit", "phase"),
                *("money", "reverse", "merge", "undo", "undo", "alias", "part"),
                "withdraw_project",
            ]
        ),
        st.integers(0, 7),
        st.integers(0, 7),
        st.sampled_from(DAYS),
    ),
    min_size=2,
    max_size=10,
)


class World:
    """A few projects and partners, and the writes that a test may do to them."""

    def __init__(self):
        self.by = make.user("editor")
        for code in PARTNERS:
            make.partner(code)
        make.theme("COVID"), make.theme("GENDER")
        make.organisation("MI"), make.organisation("MI-2")
        self.projects = [
            make.project(
                status=status,
                funders=codes,
                budget="100",
                is_published=status != "appraisal",
            )
            for status, codes in (
                ("appraisal", ["SG"]),
                ("approved", ["JP", "XX"]),
                ("ongoing", []),
            )
        ]
        self.entries = []

    def pick(self, rows, number):
        rows = list(rows)
        if not rows:
            raise ValidationError("Nothing to choose from.")
        return rows[number % len(rows)]

    def project(self, number):
        return self.pick(Project.objects.order_by("pk"), number)

    def step(self, name, first, second, on):
        """Do one write; None where it was refused, and then nothing is written."""
        if name == "undo":
            entry = self.pick(self.entries, first)
            return undo(entry=entry, by=self.by)
        with ledger_entry(self.by, what=name, reason="because") as entry:
            entry.can_be_undone = True
            getattr(self, name)(entry, first, second, on)
        return entry

    def move(self, entry, first, second, on):
        to = self.pick(["approved", "ongoing", "completed", "cancelled"], second)
        fact = status(self.project(first), to, on)
        actions.record(fact=fact, entry=entry)

    def funding(self, entry, first, second, on, delta):
        fact = Funding(
            project=self.project(first),
            partner=self.pick(Partner.objects.order_by("pk"), second),
            effective_on=make.day(on),
            delta=delta,
        )
        actions.record(fact=fact, entry=entry)

    def join(self, entry, first, second, on):
        self.funding(entry, first, second, on, 1)

    def leave(self, entry, first, second, on):
        self.funding(entry, first, second, on, -1)

    def withdraw(self, entry, first, second, on):
        model = self.pick([StatusChange, Funding, MoneyEntry], second)
        fact = self.pick(model.objects.known().order_by("pk"), first)
        actions.withdraw(fact=fact, reason="wrong", entry=entry)

    def correct(self, entry, first, second, on):
        model = self.pick([StatusChange, Funding, MoneyEntry], second)
        fact = self.pick(model.objects.known().order_by("pk"), first)
        actions.correct(
            fact=fact, effective_on=make.day(on), reason="wrong", entry=entry
        )

    def withdraw_project(self, entry, first, second, on):
        project = self.pick(Project.objects.filter(withdrawn_at=None), first)
        actions.withdraw_project(project=project, reason="a slip", entry=entry)

    def reverse(self, entry, first, second, on):
        fact = self.pick(MoneyEntry.objects.known().order_by("pk"), first)
        actions.reverse(fact=fact, on=make.day(on), entry=entry)

    def money(self, entry, first, second, on):
        fact = MoneyEntry(
            project=self.project(first),
            kind="committed",
            partner=self.pick(Partner.objects.order_by("pk"), second),
            amount=100 if second % 3 else -100,
            effective_on=make.day(on),
        )
        actions.record(fact=fact, entry=entry)

    def edit(self, entry, first, second, on):
        themes = Theme.objects.filter(code__in=["COVID", "GENDER"][: second % 3])
        actions.edit_project(
            project=self.project(first),
            entry=entry,
            title=f"Title {second}",
            lists={"themes": list(themes)},
        )

    def phase(self, entry, first, second, on):
        project = self.project(first)
        there = project.phases.filter(number=second % 2 + 1).first()
        if there and second > 3:
            writing.remove(there)
        elif there:
            writing.change(there, title=f"Phase {on}")
        else:
            writing.create(Phase(project=project, number=second % 2 + 1))

    def part(self, entry, first, second, on):
        organisation = self.pick(Organisation.objects.order_by("pk"), second)
        part = ProjectOrganisation(
            project=self.project(first), organisation=organisation, role="proponent"
        )
        writing.create(part)

    def alias(self, entry, first, second, on):
        partner = self.pick(Partner.objects.order_by("pk"), first)
        writing.create(PartnerAlias(partner=partner, name=f"Alias {second}"))

    def merge(self, entry, first, second, on):
        rows = (Organisation if first == second else Partner).objects.order_by("pk")
        gone, kept = self.pick(rows, first), self.pick(rows, second + (first == second))
        merging.merge(gone=gone, kept=kept, entry=entry)


@pytest.fixture
def world():
    """Made once; each example takes back what it did."""
    made = World()
    feed.rebuild()
    return made


@contextlib.contextmanager
def example(world):
    with transaction.atomic():
        world.entries = []
        yield
        transaction.set_rollback(True)


@given(STEPS)
def test_any_sequence_of_writes_leaves_figures_and_history_in_order(world, steps):
    with example(world):
        after = rows()
        for name, first, second, on in steps:
            before, facts = after, fact_rows()
            entry = None
            with contextlib.suppress(ValidationError):
                entry = world.step(name, first, second, on)
            after = rows()
            if entry is None:
                assert after == before, name
                continue
            world.entries.append(entry)
            check_history(before, after, entry.sequence)
            kept = fact_rows()
            assert facts.items() <= kept.items()
            assert not Funding.objects.filter(partner__merged_into__isnull=False)
        audit()
        assert feed.stale() == []


@given(STEPS)
def test_undoing_everything_backwards_ends_where_it_began(world, steps):
    with example(world):
        before, funders = rows(), standing()
        for name, first, second, on in steps:
            if name == "undo":
                continue
            with contextlib.suppress(ValidationError):
                world.entries.append(world.step(name, first, second, on))
        for entry in reversed(world.entries):
            undo(entry=entry, by=world.by)
        assert rows() == before
        assert standing() == funders
        audit()


def standing():
    """What the projects' facts say now, in words that no uuid or place is part of."""
    return {
        project.code: (
            project.current_status,
            project.current_funders,
            sorted(
                MoneyEntry.objects.known()
                .filter(project=project)
                .values_list("kind", "partner__code", "amount", "effective_on")
            ),
            sorted(
                StatusChange.objects.known()
                .filter(project=project)
                .values_list("effective_on", "status")
            ),
        )
        for project in Project.objects.order_by("code")
    }


def test_a_fact_is_still_neither_edited_nor_deleted():
    make.project()

    with pytest.raises(FactsAreKept):
        StatusChange.objects.update(note="other")
    assert Meeting.objects.count() == 0


def test_a_project_withdrawn_for_a_while_stays_so_at_moments_of_that_while(
    write, edith, client
):
    project = make.project(funders=["JP"])
    before = moment_now()
    slip = write(
        lambda entry: actions.withdraw_project(
            project=project, reason="A slip", entry=entry
        )
    )
    meanwhile = moment_now()
    undo(entry=slip, by=edith)

    def found(known_at=None):
        clock = {"known_at": known_at} if known_at else {}
        one = client.get(f"/projects/{project.code}/", clock).status_code
        listed = client.get("/api/v1/projects/", clock).json()["results"]
        return one, [row["code"] for row in listed]

    assert found(before) == (200, [project.code])
    assert found(meanwhile) == (404, [])
    assert found() == (200, [project.code])


def test_undoing_a_merge_turns_back_all_that_stood_for_a_fact(write, edith):
    project = make.project(funders=["XX"])
    gone, kept = make.partner("XX"), make.partner("KR")
    merged = write(lambda entry: merging.merge(gone=gone, kept=kept, entry=entry))
    withdrawn = write(
        lambda entry: actions.withdraw(
            fact=project.fundings.get(), reason="A slip", entry=entry
        )
    )
    undone = undo(entry=withdrawn, by=edith)
    between = LedgerHead.objects.get().recorded_at
    redone = undo(entry=undone, by=edith)
    undo(entry=redone, by=edith)

    undo(entry=merged, by=edith)

    for known_at in (None, between):
        funders = Funding.objects.at(Clock(None, known_at))
        assert [one.partner.code for one in funders.filter(project=project)] == ["XX"]


def moment_now():
    return LedgerHead.objects.get().recorded_at.isoformat()
