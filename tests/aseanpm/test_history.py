"""Who changed what, when and why: readable, filtered, and to be restored."""

import re
from html import unescape

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from aseanpm import writing
from aseanpm.facts import Entry, ledger_entry
from aseanpm.history import PARTS, about, compared, kinds
from aseanpm.undo import kept_models
from partners import merging
from partners.models import Partner, PartnerAlias
from projects import actions
from projects.models import Funding, MoneyEntry, Phase, Placement, Project, StatusChange
from tests import make
from tests.reading import Form
from workplans.models import Attendance, Conclusion

pytestmark = pytest.mark.django_db


@pytest.fixture
def edith():
    return make.user("editor", name="Edith", email="edith@example.org")


@pytest.fixture
def staff(sign_in, edith):
    return sign_in(edith)


@pytest.fixture
def edit(edith):
    """edit(project, reason="", by=edith, **values): the entry of one change."""

    def write(project, reason="because", by=edith, **values):
        with ledger_entry(by, what=f"Edited {project.code}", reason=reason) as entry:
            entry.opens = project.get_absolute_url()
            entry.can_be_undone = True
            actions.edit_project(project=project, entry=entry, **values)
        return entry

    return write


def read(page):
    """The words of a page's main part, in one line."""
    main = page.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub("<[^>]*>", " ", main)).split())


def heads(page):
    """What the writes of a list say they did, in order."""
    found = re.findall(r'writes-what">(.*?)</h2>', page.content.decode())
    return [strip_tags(each) for each in found]


def search(client, **query):
    return heads(client.get("/history/", query))


# What a write says


def test_a_field_is_told_before_and_after_with_who_when_and_why(staff, edit):
    project = make.project(code="P-00001", title="Old")
    edit(project, "As they wrote", title="New")

    said = read(staff.get("/history/"))

    assert "Edited P-00001" in said
    assert "Edith" in said
    assert "As they wrote" in said
    assert "changed Project P-00001 New" in said
    assert re.search(r"Title Restore title of P-00001 New Old → ?became New", said)


def test_choices_references_lists_and_nothing_are_told_in_words(staff, edit, edith):
    project = make.project(planned_end=make.day("2025-12-31"))
    project.themes.set([make.theme("COVID")])
    edit(
        project,
        officer=edith,
        channel="bilateral",
        planned_end=None,
        is_recurring=True,
        lists={"themes": [make.theme("GENDER"), make.theme("COVID")]},
    )

    said = read(staff.get("/history/")).replace("became ", "")

    assert "nothing → Edith" in said
    assert "Under a plan → Direct bilateral support" in said
    assert "2025-12-31 → nothing" in said
    assert "no → yes" in said
    assert "COVID → COVID , GENDER" in said


def test_a_date_is_told_as_exactly_as_it_is_known(staff, edit):
    project = make.project()
    edit(project, planned_end=make.day("2028-06-30"), planned_end_precision="month")

    said = read(staff.get("/history/"))

    assert "nothing → became 2028-06" in said
    assert "2028-06-30" not in said


def test_a_decision_names_the_write_that_applied_it(staff, edith):
    item = make.meeting().agenda_items.create(project=make.project(), order=1)
    with ledger_entry(edith, what="Decided") as entry:
        writing.change(item, outcome="approve", applied=entry.sequence)

    said = read(staff.get("/history/"))

    assert f"Applied nothing → became write {entry.sequence}" in said


def test_a_long_text_is_told_as_one_with_its_changes():
    old = "A first phase trains teachers in four provinces. The second follows in 2027."
    new = "A first phase trains teachers in five provinces. The second follows in 2027."

    assert compared(old, new) == [
        ("same", "A first phase trains teachers in "),
        ("gone", "four"),
        ("new", "five"),
        ("same", " provinces. The second follows in 2027."),
    ]
    assert compared("short", "text") == []


def test_foreign_words_carry_their_language(staff, edit):
    edit(make.project(), title_translations={"vi": "Giáo dục"})

    assert (
        '<span lang="vi">Giáo dục</span> (vi)'
        in staff.get("/history/").content.decode()
    )


def test_facts_are_told_on_both_clocks(staff, edith):
    project = make.project(status="approved", on="2022-01-10", funders=["SG"])
    with ledger_entry(edith, what="It started", reason="Report") as entry:
        fact = StatusChange(
            project=project, status="ongoing", effective_on=make.day("2022-03-01")
        )
        actions.record(fact=fact, entry=entry)
    with ledger_entry(edith, what="It never joined", reason="Typo") as entry:
        actions.withdraw(fact=Funding.objects.get(), reason="Typo", entry=entry)

    said = read(staff.get("/history/"))

    assert re.search(r"recorded Status change of P-\d+ Project \d+ Ongoing", said)
    assert "true since 1 March 2022 · recorded" in said
    assert re.search(r"withdrawn Funding of P-\d+ .* Partner SG joins", said)
    assert re.search(
        r"true since 10 January 2022 · recorded 10 January 2022, 23:59 ·", said
    )
    assert "by Edith: Typo" in said


def test_amounts_that_are_private_are_told_to_the_secretariat(staff, edith):
    project = make.project()
    with ledger_entry(edith, what="Money") as entry:
        fact = MoneyEntry(
            project=project,
            kind="committed",
            partner=make.partner("JP"),
            amount=1250,
            is_private=True,
            effective_on=make.day("2022-03-01"),
        )
        actions.record(fact=fact, entry=entry)

    assert "USD 1,250.00" in read(staff.get("/history/"))


def test_new_and_removed_rows_tell_what_they_held(staff, edith):
    project = make.project(code="P-00001", title="Old")
    with ledger_entry(edith, what="Made") as entry:
        phase = writing.create(Phase(project=project, number=2, title="Second"))
    with ledger_entry(edith, what="Removed") as entry:
        writing.remove(phase)

    removed, made = read(staff.get("/history/")).split("Made")

    assert entry.what == "Removed"
    assert "created Phase Phase 2 Second of P-00001 Old Project P-00001 Old" in made
    assert "Number 2 Title Second" in made
    assert "precision" not in made
    assert "removed Phase Phase 2 Second of P-00001 Old Make it again" in removed


def test_what_a_removed_row_was_called_is_still_told(staff, edith):
    meeting = make.meeting()
    partner = make.partner("XX", name="Short-lived")
    row = Attendance.objects.create(
        meeting=meeting, partner=partner, capacity="partner"
    )
    with ledger_entry(edith, what="All away"):
        writing.remove(row)
        writing.remove(partner)

    assert "removed Attendance Short-lived of 68th IAI Task Force" in read(
        staff.get("/history/")
    )


def test_a_write_without_words_is_one_of_the_shipped_files(staff):
    make.project()

    assert set(search(staff)) == {"Loaded from the shipped files"}


def test_a_large_write_shows_some_and_its_own_page_all(staff, edith):
    meeting = make.meeting()
    with ledger_entry(edith, what="Many") as entry:
        for order in range(30):
            writing.create(
                Conclusion(meeting=meeting, order=order, text=f"Text {order}.")
            )

    listed = read(staff.get("/history/"))
    whole = read(staff.get(f"/history/{entry.sequence}/"))

    assert "Conclusion ×30" in listed
    assert "10 more of this write" in listed
    assert "Text 29." in whole


# Finding


def test_writes_are_found_by_person_kind_field_day_and_words(staff, edit, sign_in):
    otto = make.user("editor", name="Otto", email="otto@example.org")
    project = make.project(code="P-00001", title="Old")
    edit(project, "telephone", title="New")
    edit(project, "a letter", by=otto, note="Hm")
    edit(project, lists={"themes": [make.theme()]})
    ours = {"who": "edith@example.org"}

    assert len(search(staff, **ours)) == 2
    assert len(search(staff, who="otto@example.org")) == 1
    assert len(search(staff, who=["otto@example.org", "edith@example.org"])) == 3
    assert len(search(staff, kind="project")) == 4
    assert len(search(staff, kind="project", **ours)) == 2
    assert len(search(staff, kind="project", field="title")) == 2
    assert len(search(staff, kind="project", field="title", **ours)) == 1
    assert len(search(staff, kind="project", field="note")) == 1
    assert len(search(staff, kind="project", field="themes")) == 1
    assert len(search(staff, kind="project", field=["themes", "note"])) == 2
    assert search(staff, kind="phase") == []
    assert len(search(staff, search="LETTER")) == 1
    assert len(search(staff, search="edited p-00001")) == 3
    assert search(staff, since="2030-01-01") == []
    assert len(search(staff, since="2026-01-01", until="2100-01-01", **ours)) == 2


def test_a_list_that_lost_something_changed_too(staff, edit):
    project = make.project()
    project.themes.set([make.theme("COVID"), make.theme("GENDER")])
    edit(project, title="New")
    edit(project, lists={"themes": [make.theme("COVID")]})

    assert len(search(staff, kind="project", field="themes")) == 1


def test_facts_are_found_by_the_day_they_were_recorded_or_withdrawn(staff, edith):
    make.project(on="2022-01-10", funders=["SG"])
    with ledger_entry(edith, what="Away") as entry:
        actions.withdraw(fact=Funding.objects.get(), reason="x", entry=entry)

    assert search(staff, kind="funding") == ["Away", "Loaded from the shipped files"]
    assert search(staff, kind="funding", until="2022-01-10") == [
        "Loaded from the shipped files"
    ]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"who": "nobody@example.org"}, "Nobody here has the address"),
        ({"kind": "planet"}, "“planet” is not known"),
        ({"field": "title"}, "Needs exactly one “kind” that has it."),
        ({"field": "title", "kind": "phase", "page": "1"}, None),
        ({"field": "place", "kind": "phase"}, "Needs exactly one “kind” that has it."),
        ({"field": "title", "kind": "funding"}, "Needs exactly one “kind”"),
        ({"since": "yesterday"}, "Enter a valid date."),
        ({"since": "0001-01-01"}, "greater than or equal to"),
        ({"until": "9999-12-31"}, None),
        ({"page": "99"}, "is not a page of this list"),
        ({"as_of": "2022-01-01"}, "Unknown parameter"),
        ({"colour": "red"}, "Unknown parameter"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(staff, query, sentence):
    page = staff.get("/history/", query)

    if sentence is None:
        assert page.status_code == 200
    else:
        assert page.status_code == 400
        assert sentence in page.content.decode()


def test_many_writes_cost_as_much_as_few(staff, edit, queries):
    project = make.project(code="P-00001")
    theme = make.theme()

    def write(number):
        with_all = {
            "title": f"Title {number}",
            "lists": {"themes": [theme][: number % 2]},
        }
        edit(project, **with_all)
        with ledger_entry(project.officer, what="Row") as entry:
            writing.create(Phase(project=project, number=number))
            fact = Funding(
                project=project,
                partner=make.partner(f"X{number}"),
                effective_on=make.day("2022-02-02"),
            )
            actions.record(fact=fact, entry=entry)

    write(1), write(2)
    few = queries(lambda: staff.get("/history/"))
    few_of = queries(lambda: staff.get("/projects/P-00001/history/"))
    for number in range(3, 12):
        write(number)

    assert queries(lambda: staff.get("/history/")) == few
    assert queries(lambda: staff.get("/projects/P-00001/history/")) == few_of


# One record


def test_a_record_shows_its_own_changes_its_parts_and_its_facts(staff, edit, edith):
    project, other = make.project(code="P-00001"), make.project(code="P-00002")
    edit(project, title="Mine")
    edit(other, title="Theirs")
    with ledger_entry(edith, what="Two at once") as entry:
        writing.create(Phase(project=project, number=1, title="My phase"))
        writing.create(Phase(project=other, number=1, title="Their phase"))
        fact = StatusChange(
            project=project, status="ongoing", effective_on=make.day("2022-03-01")
        )
        actions.record(fact=fact, entry=entry)

    said = read(staff.get("/projects/P-00001/history/"))

    assert "History of P-00001 Mine" in said
    assert "My phase" in said
    assert "Ongoing" in said
    assert "Their" not in said


def test_a_records_history_is_filtered_as_the_whole_history_is(staff, edit, edith):
    otto = make.user("editor", name="Otto", email="otto@example.org")
    project, other = make.project(code="P-00001"), make.project(code="P-00002")
    edit(project, "a letter", title="Mine")
    edit(project, by=otto, note="Hm")
    with ledger_entry(edith, what="Both") as entry:
        actions.edit_project(project=project, entry=entry, note="Yes")
        actions.edit_project(project=other, entry=entry, title="Theirs")
        writing.create(Phase(project=project, number=1, title="A phase"))

    def found(**query):
        return heads(staff.get("/projects/P-00001/history/", query))

    edited = "Edited P-00001"
    assert found(search="letter") == [edited]
    assert found(who="otto@example.org") == [edited]
    assert found(since="2030-01-01") == []
    assert found(kind="phase") == ["Both"]
    assert found(kind="phase", field="title") == ["Both"]
    assert found(field="title")[:-1] == [edited]
    assert found(field="note") == ["Both", edited]
    assert found(kind="project", field="note") == ["Both", edited]
    assert found(kind="partner") == []
    assert found(field="note", who="edith@example.org") == ["Both"]


def test_a_records_history_offers_its_own_kinds_and_fields(staff):
    make.project(code="P-00001")

    html = staff.get("/projects/P-00001/history/").content.decode()

    assert '<option value="phase">' in html
    assert '<option value="funding">' in html
    assert '<option value="withheld_reason">' in html
    assert '<option value="meeting">' not in html


def test_a_records_history_without_a_match_leads_back_to_all_of_it(staff, edit):
    edit(make.project(code="P-00001"), title="New")

    page = staff.get("/projects/P-00001/history/", {"search": "nothing of it"})

    assert "No write matches" in read(page)
    assert 'href="/projects/P-00001/history/"' in page.content.decode()
    refused = staff.get("/projects/P-00001/history/", {"field": "place"})
    assert refused.status_code == 400


@pytest.mark.parametrize("text", ["JP", "XX"])
def test_a_merged_partner_keeps_its_own_history(staff, edith, text):
    gone, kept = make.partner("XX", name="Nippon"), make.partner("JP")
    with ledger_entry(edith, what="Merged", reason="One") as entry:
        merging.merge(gone=gone, kept=kept, entry=entry)

    page = staff.get(f"/history/partner/{text}/")

    said = page.content.decode().partition('<ol class="writes">')[2]
    assert "Merged" in said
    assert ("Merged into" in said) == (text == "XX")


def test_a_removed_record_is_still_found(staff, edith):
    with ledger_entry(edith, what="Made"):
        partner = writing.create(Partner(code="XX", name="Nippon", kind="dialogue"))
    with ledger_entry(edith, what="Removed"):
        writing.remove(partner)

    said = read(staff.get("/history/partner/XX/"))

    assert "History of Nippon" in said
    assert "Removed" in said
    assert "Made" in said


def test_pages_lead_the_secretariat_to_the_history_and_nobody_else(staff, client):
    project = make.project(code="P-00001", line=make.line(code="IAI-IV-L1"))
    make.meeting(), make.partner("JP"), make.country("VN")
    addresses = {
        project.get_absolute_url(): "/projects/P-00001/history/",
        "/meetings/IAI-TF-68/": "/history/meeting/IAI-TF-68/",
        "/plans/IAI-IV/": "/history/workplan/IAI-IV/",
        "/lines/IAI-IV-L1/": "/history/actionline/IAI-IV-L1/",
        "/partners/JP/": "/history/partner/JP/",
        "/countries/VN/": "/history/country/VN/",
    }

    for page, history in addresses.items():
        assert history in staff.get(page).content.decode(), page
        assert "/history/" not in client.get(page).content.decode(), page
        assert staff.get(history).status_code == 200


def test_every_kept_record_is_told_somewhere():
    """By its own code, or with what it belongs to."""
    lonely = {
        model.__name__
        for model in kept_models()
        if model not in PARTS
        and not any(column.name in {"code", "email"} for column in model._meta.fields)
    }

    assert lonely == {"ExchangeRate"}


def test_parts_are_told_with_each_row_that_they_name():
    assert set(about(make.project()).rows) >= {Project, Phase}
    assert {model.__name__ for model in about(make.plan()).facts} == {
        "PlanRule",
        "DeclaredTotal",
    }
    assert "placement" in kinds()
    assert Placement in about(make.project()).facts


# Restoring


def form_of(client, row, name=""):
    """(address, hidden fields) of the form that restores a row's state before last."""
    former = row.history.order_by("-history_id")[1]
    address = reverse("restore", args=[row._meta.model_name, former.history_id])
    address += f"?field={name}" if name else ""
    page = client.get(address)
    context = page.context
    hidden = {key: context[key] for key in ("submission", "version", "seen")}
    return address, hidden


def test_one_former_value_is_restored_and_can_be_undone(staff, edit, edith):
    project = make.project(code="P-00001", title="Old", note="First")
    edit(project, title="New", note="Second")
    address, hidden = form_of(staff, project, "title")

    done = staff.post(address, {"reason": "It was right", **hidden})

    project.refresh_from_db()
    assert (done.status_code, done.url) == (302, "/projects/P-00001/")
    assert (project.title, project.note) == ("Old", "Second")
    row = project.history.first()
    assert (row.history_user, row.history_change_reason) == (edith, "It was right")
    page = staff.get(done.url).content.decode()
    sequence = page.partition("/undo/")[2].partition("/")[0]

    staff.post(f"/undo/{sequence}/")

    project.refresh_from_db()
    assert project.title == "New"


def test_a_comment_that_was_withdrawn_is_not_restored_by_others(staff):
    author = make.user("coordinator", country="VN")
    comment = make.comment(make.project(countries=["VN"]), by=author)
    with ledger_entry(author, what="Withdrew") as entry:
        writing.change(comment, withdrawn_at=entry.recorded_at)
    former = comment.history.last().history_id
    address = f"/history/comment/{former}/restore/"

    page = staff.get(address)
    staff.post(address, {"reason": "Back", "version": comment.version})

    assert "Nothing to restore" in page.content.decode()
    comment.refresh_from_db()
    assert comment.withdrawn_at


def test_undoing_what_made_a_page_leads_to_what_is_left(staff, edith):
    with ledger_entry(edith, what="New") as entry:
        entry.can_be_undone = True
        project = actions.create_project(entry=entry, title="Slip")
        entry.opens = project.get_absolute_url()
    there = {"next": f"{project.get_absolute_url()}edit/"}

    gone = staff.post(f"/undo/{entry.sequence}/", there, follow=True)
    pressed_twice = staff.post(f"/undo/{entry.sequence}/", there, follow=True)

    for page in (gone, pressed_twice):
        assert page.status_code == 200
        assert page.redirect_chain == [(f"/history/{entry.sequence}/", 302)]
    assert "Taken back: New." in gone.content.decode()
    assert "undone before" not in pressed_twice.content.decode()
    redo = Entry.objects.first().sequence
    back = staff.post(f"/undo/{redo}/", {"next": f"/history/{redo}/"}, follow=True)
    assert "Done again: New." in back.content.decode()
    again = Entry.objects.first().sequence
    there = {"next": project.get_absolute_url()}
    assert staff.post(f"/undo/{again}/", there, follow=True).status_code == 200


def test_all_former_values_are_restored_together(staff, edit):
    project = make.project(title="Old", note="First")
    project.themes.set([make.theme("COVID")])
    edit(project, title="New", note="Second")
    address, hidden = form_of(staff, project)

    staff.post(address, {"reason": "All wrong", **hidden})

    project.refresh_from_db()
    assert (project.title, project.note) == ("Old", "First")
    assert [theme.code for theme in project.themes.all()] == ["COVID"]


def test_a_date_is_restored_with_how_exactly_it_is_known(staff, edit):
    year = {"planned_end": make.day("2028-12-31"), "planned_end_precision": "year"}
    project = make.project(**year)
    edit(project, planned_end=make.day("2027-03-15"), planned_end_precision="day")
    address, hidden = form_of(staff, project, "planned_end")

    staff.post(address, {"reason": "It was vague", **hidden})

    project.refresh_from_db()
    assert (project.planned_end.year, project.planned_end_precision) == (2028, "year")


@pytest.mark.parametrize("name", ["channel", "is_illustrative", "predecessor"])
def test_what_a_project_is_made_with_is_not_restored_alone(staff, edit, name):
    project = make.project(title="Old")
    edit(project, title="New")
    former = project.history.last()

    page = staff.get(f"/history/project/{former.history_id}/restore/?field={name}")

    assert page.status_code == 404


def test_what_a_restored_publication_moves_is_told_as_visitors_see_it(staff, edit):
    make.plan("IAI-IV")
    project = make.project(status="approved", is_published=True)
    edit(project, is_published=False, withheld_reason="Not yet")
    address, hidden = form_of(staff, project, "is_published")

    answer = staff.post(address, {"reason": "Now it is", **hidden})

    project.refresh_from_db()
    assert answer.status_code == 200
    assert "that visitors read" in answer.content.decode()
    assert not project.is_published


def test_the_page_shows_now_and_then(staff, edit):
    project = make.project(title="Old")
    edit(project, title="New")
    address, _ = form_of(staff, project, "title")

    assert "Title New → became Old" in read(staff.get(address))


def test_whoever_was_first_is_not_overwritten(staff, edit):
    project = make.project(title="Old")
    edit(project, title="New")
    address, hidden = form_of(staff, project, "title")
    edit(project, title="Newest")

    page = staff.post(address, {"reason": "It was right", **hidden})

    project.refresh_from_db()
    assert page.status_code == 409
    assert "Somebody saved this meanwhile" in page.content.decode()
    assert 'value="It was right"' in page.content.decode()
    assert project.title == "Newest"


def test_a_removed_part_is_made_again(staff, edith):
    project = make.project(code="P-00001")
    phase = Phase.objects.create(project=project, number=2, title="Second")
    with ledger_entry(edith, what="Removed"):
        writing.remove(phase)
    page = staff.get("/projects/P-00001/history/").content.decode()
    [address] = re.findall(r'href="(/history/phase/\d+/restore/)', page)

    staff.post(address, {"reason": "It was right", "submission": "x"})

    assert project.phases.get().title == "Second"


def test_what_stands_in_the_way_of_restoring_is_said(staff, edith):
    project = make.project()
    phase = Phase.objects.create(project=project, number=2, title="Second")
    with ledger_entry(edith, what="Removed"):
        writing.remove(phase)
    Phase.objects.create(project=project, number=2, title="Other")
    former = Phase.history.filter(title="Second").exclude(history_type="-").first()

    page = staff.post(
        reverse("restore", args=["phase", former.history_id]), {"reason": "x"}
    )

    assert page.status_code == 400
    assert "already exists" in page.content.decode()


def test_restoring_without_a_reason_writes_nothing(staff, edit):
    project = make.project(title="Old")
    edit(project, title="New")
    address, hidden = form_of(staff, project, "title")

    page = staff.post(address, {"reason": " ", **hidden})

    project.refresh_from_db()
    assert page.status_code == 400
    assert "Say why it is restored." in page.content.decode()
    assert project.title == "New"


def test_what_was_merged_since_is_named_by_what_it_became(staff, edith):
    gone, kept, third = (make.partner(code) for code in ("XX", "JP", "KR"))
    alias = PartnerAlias.objects.create(partner=gone, name="Sun")
    with ledger_entry(edith, what="Moved"):
        writing.change(alias, partner=third)
    with ledger_entry(edith, what="Merged", reason="One") as entry:
        merging.merge(gone=gone, kept=kept, entry=entry)
    address, hidden = form_of(staff, alias, "partner")

    staff.post(address, {"reason": "Not theirs", **hidden})

    alias.refresh_from_db()
    assert alias.partner == kept


@pytest.mark.parametrize(
    "address",
    [
        "/history/user/1/restore/",
        "/history/planet/1/restore/",
        "/history/project/999/restore/",
        "/history/project/{}/restore/?field=version",
        "/history/project/{}/restore/?field=withdrawn_at",
        "/history/project/P-99999/",
        "/history/planet/1/",
        "/history/phase/1²/",
        "/history/phase/99999999999999999999/",
        "/history/user/edith@example.org/",
        "/history/999999/",
    ],
)
def test_what_is_not_there_is_not_found(staff, edit, address):
    project = make.project()
    edit(project, title="New")
    former = project.history.last().history_id

    assert staff.get(address.format(former)).status_code == 404


# Who reads it


def test_the_history_is_for_the_secretariat(sign_in, edit):
    project = make.project(code="P-00001")
    entry = edit(project, title="New")
    former = project.history.last().history_id
    addresses = [
        "/history/",
        f"/history/{entry.sequence}/",
        "/projects/P-00001/history/",
        "/history/partner/JP/",
        f"/history/project/{former}/restore/",
    ]
    make.partner("JP")

    def answers(user=None):
        client = sign_in(user)
        return {client.get(address).status_code for address in addresses}

    assert answers() == {302}
    for role, own in (
        ("reader", {}),
        ("partner", {"partner": "JP"}),
        ("coordinator", {"country": "VN"}),
    ):
        assert answers(make.user(role, **own)) == {403}
    assert answers(make.user("editor")) == answers(make.user("administrator")) == {200}


def test_who_signs_in_is_for_administrators_to_know(staff, sign_in, edit, edith):
    admin = make.user("administrator", name="Ada")
    edit(make.project(), title="New")
    client = sign_in(admin)
    new = {"email": "new@example.org", "role": "editor", "submission": "1"}
    client.post("/accounts/users/invite/", new)
    entry = Entry.objects.first()
    client.post("/accounts/users/new@example.org/link/", {"next": "/projects/"})

    everyone = read(staff.get("/history/"))
    administrators = read(client.get("/history/"))

    assert "new@example.org" not in everyone
    assert "Edited" in everyone
    assert "Invited new@example.org" in administrators
    assert "Made a link for new@example.org" in administrators
    assert "Restore" not in administrators.partition("Edited")[0]
    assert staff.get(f"/history/{entry.sequence}/").status_code == 404
    assert staff.post(f"/undo/{entry.sequence}/").status_code == 404


def test_where_a_write_came_from_hides_and_shows_nothing(staff, sign_in, edith):
    other = sign_in(make.user("editor", name="Otto"))
    address = reverse("workplans:theme-new")
    page = other.get(address)
    sent = Form(page.content.decode()).filled(
        code="HIDDEN", title="Hidden", next="/accounts/profile/"
    )
    other.post(address, sent)
    other.post("/accounts/profile/", {"name": "Otto B.", "next": "/projects/"})

    said = read(staff.get("/history/"))

    assert "Hidden" in said
    assert "Otto B." not in said.replace("· Otto B. ·", "")


def test_a_merge_tells_an_editor_nothing_of_users(staff, edith):
    make.user("partner", partner="XX", email="somebody@example.org")
    with ledger_entry(edith, what="Merged", reason="One") as entry:
        merging.merge(gone=make.partner("XX"), kept=make.partner("JP"), entry=entry)
        entry.opens = "/partners/JP/"

    said = read(staff.get("/history/"))

    assert "Merged" in said
    assert "somebody@example.org" not in said


# Home


def test_home_shows_the_secretariat_the_latest_writes(staff, client, sign_in, edit):
    project = make.project(
        code="P-00001", title="Secret", is_published=False, status="concept"
    )
    entry = edit(project, title="Still secret")

    ours = read(staff.get("/"))
    theirs = [read(client.get("/")), read(sign_in(make.user("reader")).get("/"))]

    assert "Edited P-00001 Edith" in ours
    assert f'href="/history/{entry.sequence}/"' in staff.get("/").content.decode()
    for said in theirs:
        assert "Edited" not in said
        assert "Edith" not in said
        assert "What changed lately" in said


def test_home_on_a_past_day_shows_what_was_recorded(staff, edit):
    edit(make.project(), title="New")

    assert "Edited" not in read(staff.get("/", {"as_of": "2022-06-01"}))


def test_the_secretariats_home_costs_the_same_for_many_writes(staff, edit, queries):
    project = make.project()
    edit(project, title="New")
    few = queries(lambda: staff.get("/"))
    for number in range(6):
        edit(project, title=f"New {number}")

    assert queries(lambda: staff.get("/")) == few


# Undo from here


def test_a_write_is_undone_from_its_page_with_a_reason(staff, edit):
    project = make.project(title="Old")
    entry = edit(project, title="New")
    page = staff.get(f"/history/{entry.sequence}/").content.decode()
    assert "Undo this write" in page

    staff.post(f"/undo/{entry.sequence}/", {"reason": "A mistake"})

    project.refresh_from_db()
    assert project.title == "Old"
    said = read(staff.get(f"/history/{entry.sequence}/"))
    assert "Undone by Edith" in said
    assert "Undo this write" not in said
    undo = read(staff.get(f"/history/{entry.sequence + 1}/"))
    assert "Reason A mistake" in undo
    assert "Undoes Edited" in undo


def test_others_writes_offer_an_editor_no_undo(sign_in, edit):
    entry = edit(make.project(), title="New")

    def offers(role):
        page = sign_in(make.user(role)).get(f"/history/{entry.sequence}/")
        return "Undo this write" in page.content.decode()

    assert (offers("editor"), offers("administrator")) == (False, True)
