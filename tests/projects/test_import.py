"""A list of new projects: read strictly, checked whole, written whole, taken back."""

import csv
import io
import os
import time
import unicodedata
from decimal import Decimal
from signal import SIGKILL

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from hypothesis import given
from hypothesis import strategies as st

from aseanpm import csv_text
from aseanpm.facts import Clock, Entry
from aseanpm.models import Source
from projects import actions, bulk
from projects.exchange import csv_projects
from projects.models import Project, StatusChange
from projects.serializers import project_whole
from tests import make

pytestmark = pytest.mark.django_db

IMPORT = "/imports/projects/"


@pytest.fixture
def client(sign_in):
    return sign_in(make.user("editor"))


@pytest.fixture
def world():
    """What the rows of a list may name."""
    plan = make.plan("IAI-IV", nominal_start=make.day("2021-01-01"))
    area = make.area(plan=plan, code="IAI-IV-FA", title="Food and Agriculture")
    make.line(plan=plan, area=area, code="IAI-IV-07", number=7, title="Seven")
    make.plan("MPAC-2025", declared=15)
    make.country("VN", name="Viet Nam")
    make.country("LA")
    make.grouping("CLMV", ["VN", "LA"])
    make.fund("JAIF", owner="JP")
    make.partner("SG")
    make.partner("JP").aliases.create(name="Nhật Bản")
    make.meeting("IAI-TF-80", on="2022-09-22")
    make.theme("GENDER")
    make.organisation("ASEC")
    Source.objects.create(code="S-1", title="The list", reading="whole")
    return plan


def check(client, text, **sent):
    return client.post(IMPORT, {"text": text, **sent})


def write(client, page, **sent):
    """Press the button of a preview, with the form as it was."""
    hidden = {
        name: page.context[name] for name in ("text", "name", "submission", "seen")
    }
    return client.post(IMPORT, {"apply": "1", **hidden, **sent})


def imported(client, text):
    """Import a list that is right."""
    page = check(client, text)
    assert page.status_code == 200, wrong(page)
    assert write(client, page).status_code == 302


def wrong(page):
    """[(row, column, value, hint)] of what a checked list has wrong."""
    found = page.context.get("wrong") or []
    return [(one.row, one.column, one.value, one.hint) for one in found]


def hints(client, **cells):
    """What is wrong with one row of these cells, by column."""
    cells = {"title": "Rice"} | cells
    lines = io.StringIO()
    csv.writer(lines).writerows([cells.keys(), cells.values()])
    page = check(client, lines.getvalue())
    assert page.status_code in (200, 400)
    return {column: hint for _, column, _, hint in wrong(page)}


FULL = """\
title,title_language,title_vi,official_code,plan,area,line,status,status_date,meeting,\
countries,partners,funds,approved_amount,currency,rate,rate_date,rate_source,\
planned_start,planned_end,themes,proponent,note,source,source_note
Rice mills,en,Nhà máy xay lúa,IAI-1,iai-iv,,7,appraisal; Approved; ongoing,\
2022-03-01; 2022-09-22; 2022-10-01,IAI-TF-80,Viet Nam:40; clmv,Nhật Bản; SG,JAIF,\
"1,250.50",EUR,1.1,2022-09-22,ECB,2022-10,2024,gender,asec,A note,s-1,Row one
"""


def test_a_row_becomes_a_project_with_all_its_facts(client, world):
    imported(client, FULL)

    project = Project.objects.get()
    whole = project_whole(
        Project.objects.with_state().with_placement().get(), Clock(), None
    )
    assert project.is_published
    told = ("title", "status", "plan", "area", "line", "partners", "funds", "themes")
    assert {name: whole[name] for name in told} == {
        "title": "Rice mills",
        "status": "ongoing",
        "plan": "IAI-IV",
        "area": "IAI-IV-FA",
        "line": "IAI-IV-07",
        "partners": ["JP", "SG"],
        "funds": ["JAIF"],
        "themes": ["GENDER"],
    }
    assert whole["title_translations"] == {"vi": "Nhà máy xay lúa"}
    assert (whole["planned_start"], whole["planned_end"]) == ("2022-10", "2024")
    assert whole["approved_usd"] == Decimal("1375.55")
    assert whole["sources"] == ["S-1"]
    assert whole["organisation_roles"][0]["role"] == "proponent"
    assert [(b["country"], b["grouping"], b["share"]) for b in whole["benefits"]] == [
        ("VN", None, Decimal(40)),
        (None, "CLMV", None),
    ]
    approval = StatusChange.objects.get(status="approved")
    assert (approval.meeting.code, approval.note) == ("IAI-TF-80", "Row one")
    assert approval.source.code == "S-1"
    budget = project.money_entries.get()
    assert (str(budget.effective_on), budget.currency) == ("2022-09-22", "EUR")
    assert actions.stale_copies() == []


def test_a_title_alone_is_enough(client, world):
    imported(client, "title\nRice\n\nWheat\n")

    assert sorted(Project.objects.values_list("title", flat=True)) == ["Rice", "Wheat"]
    assert not Project.objects.filter(is_published=True).exists()


# Reading


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftitle,plan\nRice,IAI-IV\n",
        "title;plan\r\nRice;IAI-IV\r\n",
        "sep=;\r\nTitle;PLAN\r\nRice;IAI-IV",
        " TITLE\tPlan \r\nRice\tIAI-IV",
        '"title","plan"\n"Rice","IAI-IV"',
        "title,plan,,\nRice,IAI-IV,,\n,,,\n",
        "## a comment,\n".join(["title,plan\n", "Rice,IAI-IV\n"]),
        "title,plan\n'Rice,IAI-IV\n".replace("'Rice", "Rice"),
    ],
)
def test_a_csv_is_read_as_programs_write_it(client, world, text):
    page = check(client, text)

    assert page.status_code == 200, page.context.get("unreadable")
    (_, told), *rest = page.context["rows"]
    assert (told["project"].title, told["place"].plan.code) == ("Rice", "IAI-IV")
    assert rest == []


def test_rows_are_numbered_as_in_a_spreadsheet(client, world):
    text = 'title,plan\n"Two\nlines",IAI-IV\n\nRice,NOWHERE\n## no,no\nWheat,NO\n'

    page = check(client, text)

    assert [(row, value) for row, _, value, _ in wrong(page)] == [
        (4, "NOWHERE"),
        (6, "NO"),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 a workbook", "a workbook or a zip file"),
        (b"\xd0\xcf\x11\xe0 an old one", "an old Excel workbook"),
        (b"%PDF-1.7", "This is a PDF"),
        ("title\nRice".encode("utf-16"), "in UTF-16"),
        ("title\nLào Cai".encode("cp1258"), "not in UTF-8"),
        (b"title\nRi\x00ce", "not a text file"),
        (b"", "The list is empty"),
        (b"\n\n", "names no columns"),
        (b"title\n", "a header and no rows"),
        (b"plan\nIAI-IV", "The column “title” is missing."),
        (b"title,colour,Size\nRice,red,L", "Unknown column “colour”, “Size”."),
        (b"title,Title\nRice,Rice", "“title” stands there twice"),
        (b'title\n"Rice', "Line 2 cannot be read"),
        (b'title\n"Rice"s', "Line 2 cannot be read"),
        (b"title\nRice,too,many", "Row 2 has more cells"),
        (b"title\n" + b"Rice\n" * 2001, "has 2001 rows; at most 2000"),
        (b"title\n" + b"x" * (2 * 1024 * 1024), "larger than 2 MB"),
    ],
)
def test_a_file_that_is_no_such_list_gets_a_sentence(client, data, said):
    page = client.post(IMPORT, {"file": SimpleUploadedFile("list.csv", data)})

    assert page.status_code == 400
    assert said in page.context["unreadable"]
    assert not Project.objects.exists()


def test_the_empty_list_says_what_goes_into_it_and_holds_no_row(client):
    answer = client.get("/imports/projects/template.csv")

    text = answer.content.decode("utf-8-sig")
    header, *comments = csv.reader(io.StringIO(text))
    assert header[:3] == ["title", "title_language", "title_vi"]
    assert [row[0][:2] for row in comments] == ["##", "##"]
    assert answer["Content-Disposition"].startswith("attachment")
    with pytest.raises(csv_text.NotReadable, match="no rows"):
        csv_projects.read(text)
    example = text.replace("## Rice quality", "Rice quality")
    assert len(csv_projects.read(example).rows) == 1


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "'=x", "''=x", "'s", "x"])
def test_what_an_export_guards_is_read_as_it_was(text):
    assert csv_text.unguarded(csv_text.guarded(text)) == text
    assert not csv_text.guarded(text).startswith(("=", "+", "-", "@"))


# What may be wrong


@pytest.mark.parametrize(
    ("cells", "column", "said"),
    [
        ({"title": "", "plan": "IAI-IV"}, "title", "needs a title"),
        ({"title": "R\u202eice"}, "title", "cannot be seen"),
        ({"title": "x" * 401}, "title", "at most 400"),
        ({"title_language": "xx"}, "title_language", "is not one of: en, vi"),
        ({"title_language": "vi", "title_vi": "Gạo"}, "title_vi", "leave this empty"),
        ({"official_code": "x" * 41}, "official_code", "at most 40"),
        ({"channel": "sideways"}, "channel", "neither plan nor bilateral"),
        ({"channel": "bilateral", "plan": "IAI-IV"}, "plan", "in no plan"),
        ({"plan": "IAI-4"}, "plan", "Did you mean “IAI-IV”?"),
        (
            {"area": "IAI-IV-FA", "plan": "MPAC-2025"},
            "area",
            "IAI-IV-FA belongs to IAI-IV, not to MPAC-2025.",
        ),
        (
            {"line": "IAI-IV-07", "plan": "MPAC-2025"},
            "line",
            "IAI-IV-07 belongs to IAI-IV, not to MPAC-2025.",
        ),
        ({"line": "99", "plan": "IAI-IV"}, "line", "has no line 99"),
        ({"line": "99"}, "line", "is called “99”"),
        ({"status": "asleep", "status_date": "2022-01-01"}, "status", "no status"),
        ({"status": "approved"}, "status_date", "Give the day of the status."),
        (
            {"status": "completed", "status_date": "2022-01-01"},
            "status",
            "Write the statuses in their order",
        ),
        (
            {"status": "approved", "status_date": "2022-01-01; 2022-02-01"},
            "status_date",
            "Give one day, or 1",
        ),
        (
            {"status": "approved;ongoing", "status_date": "2022-02-01;2022-01-01"},
            "status_date",
            "in the order of the statuses",
        ),
        ({"status_date": "2022-01-01;2022-01-02"}, "status_date", "More days than"),
        ({"status": "approved", "status_date": "01/02/2022"}, "status_date", "no date"),
        (
            {"status": "approved", "status_date": "2026-02-30"},
            "status_date",
            "There is no 30 February 2026: that month has 28 days.",
        ),
        (
            {"status": "approved", "status_date": "2999-01-01"},
            "status_date",
            "has not come yet",
        ),
        (
            {"status": "appraisal; approved", "status_date": "2022-01-01"},
            "meeting",
            "names the meeting or the circulation",
        ),
        (
            {
                "status": "approved",
                "status_date": "2022-01-01",
                "meeting": "IAI-TF-80",
            },
            "status_date",
            "was not held on that day",
        ),
        ({"meeting": "TF-1", "status": "approved"}, "status_date", "Give the day"),
        (
            {
                "status": "ongoing; on hold",
                "status_date": "2022-01-01; 2022-02-01",
            },
            "note",
            "needs a reason",
        ),
        ({"countries": "VN"}, "status_date", "Give the day from which"),
        ({"countries": "XX", "status_date": "2022-01-01"}, "countries", "“XX”"),
        ({"countries": "VN; Viet Nam"}, "countries", "stands there twice"),
        ({"countries": "VN:0"}, "countries", "above 0"),
        ({"countries": "VN:101"}, "countries", "above 0"),
        ({"countries": "VN:٤٠"}, "countries", "no number"),
        (
            {"countries": "VN:60;LA:41", "status_date": "2022-01-01"},
            "countries",
            "exceed 100 per cent",
        ),
        ({"partners": "Atlantis"}, "partners", "No partner is called"),
        ({"funds": "NOFUND"}, "funds", "No fund is called"),
        ({"approved_amount": "1,2,3"}, "approved_amount", "no number"),
        ({"approved_amount": "1e5"}, "approved_amount", "no number"),
        ({"approved_amount": "1_000"}, "approved_amount", "no number"),
        ({"approved_amount": "-5"}, "approved_amount", "no number"),
        ({"approved_amount": "1.005"}, "approved_amount", "more than 2 decimals"),
        ({"approved_amount": "5"}, "status_date", "Give the day from which"),
        ({"approved_amount": "5", "currency": "XXX"}, "currency", "no currency"),
        ({"approved_amount": "5", "rate": "2"}, "rate", "of a dollar is 1"),
        (
            {"approved_amount": "5", "currency": "EUR", "rate": "0"},
            "rate",
            "above zero",
        ),
        (
            {"approved_amount": "5", "currency": "EUR", "rate": "1.1"},
            "rate_source",
            "needs its date and its source",
        ),
        ({"rate": "1.1"}, "approved_amount", "no amount to convert"),
        (
            {"approved_amount": "5", "currency": "EUR", "rate_date": "2022-01-01"},
            "rate",
            "and no rate",
        ),
        ({"meeting": "IAI-TF-80"}, "meeting", "no status that it decided"),
        (
            {
                "status": "concept; appraisal",
                "status_date": "2022-01-01",
                "meeting": "IAI-TF-80",
            },
            "status_date",
            "was not held on that day",
        ),
        ({"planned_start": "soon"}, "planned_start", "no date"),
        (
            {"planned_start": "2024", "planned_end": "2023"},
            "planned_end",
            "cannot end before it starts",
        ),
        ({"themes": "WEATHER"}, "themes", "No theme is called"),
        ({"proponent": "Nobody"}, "proponent", "No organisation is called"),
        ({"source": "S-9"}, "source", "No source has the code"),
    ],
)
def test_a_wrong_cell_gets_its_hint_and_nothing_is_written(
    client, world, cells, column, said
):
    before = Entry.objects.count()

    found = hints(client, **cells)

    assert said in found.get(column, ""), found
    assert Entry.objects.count() == before


def test_all_that_is_wrong_is_told_at_once(client, world):
    text = (
        "title,plan,status,status_date,countries,approved_amount\n"
        ",NOWHERE,asleep,2022-13-01,XX,1;2\n"
        "Rice,IAI-IV,approved,2022-01-01,VN,10\n"
        "Wheat,IAI-IV,approved,,VN:0,x\n"
    )

    page = check(client, text)

    assert [(row, column) for row, column, *_ in wrong(page)] == [
        (2, "title"),
        (2, "plan"),
        (2, "status"),
        (2, "status_date"),
        (2, "countries"),
        (2, "approved_amount"),
        (4, "status_date"),
        (4, "countries"),
        (4, "approved_amount"),
    ]
    html = page.content.decode()
    assert "9 problems in 9 cells; nothing is written" in html
    assert '<a href="#fix-4-countries">' in html


def test_wrong_cells_are_typed_anew_on_the_page(client, world):
    text = "title;plan\r\nRice;IAI-4\r\n\r\nWheat;IAI-IV\r\n;IAI-IV\r\n"
    page = check(client, text)
    assert [(row, column) for row, column, *_ in wrong(page)] == [
        (2, "plan"),
        (5, "title"),
    ]

    fixes = {"fix-2-plan": "IAI-IV", "fix-5-title": "Ma\u0323ize, sweet"}
    page = check(client, page.context["text"], **fixes)

    rows = [(row.number, told["project"].title) for row, told in page.context["rows"]]
    assert rows == [(2, "Rice"), (4, "Wheat"), (5, "Mạize, sweet")]
    write(client, page)
    assert Project.objects.count() == 3


def test_a_column_that_the_list_lacks_can_be_filled_in_too(client, world):
    page = check(client, "title,countries\nRice,VN\n")
    assert [column for _, column, *_ in wrong(page)] == ["status_date"]

    page = check(client, page.context["text"], **{"fix-2-status_date": "2022-01-01"})

    assert page.status_code == 200


def test_twins_on_record_and_in_the_list_are_named(client, world):
    make.project(code="P-22222", title="Lúa gạo", plan=world, official_code="IAI-7")
    text = (
        "title,plan,official_code,title_vi\n"
        "LUA GAO,IAI-IV,,\n"
        "Lúa gạo,MPAC-2025,iai-7,\n"
        "Rice,IAI-IV,,lúa  gạo\n"
        "rice,IAI-IV,A-1,\n"
        "Rye,IAI-IV,a-1,\n"
        "Rice,,,\n"
    )

    assert wrong(check(client, text)) == [
        (2, "title", "LUA GAO", "P-22222 has this title in IAI-IV already."),
        (3, "official_code", "iai-7", "P-22222 has this code already."),
        (4, "title", "Rice", "P-22222 has this title in IAI-IV already."),
        (5, "title", "rice", "Row 4 has this title in IAI-IV already."),
        (6, "official_code", "a-1", "Row 5 has this code already."),
    ]


def test_a_fund_without_one_owner_asks_who_funds(client, world):
    fund = make.fund("APTCF", owner="JP")
    fund.ownerships.create(partner=make.partner("CN"))
    row = {"funds": "APTCF", "status_date": "2022-01-01"}

    assert "name who funds" in hints(client, **row)["funds"]
    assert hints(client, partners="CN", **row) == {}


# Preview, writing, undo


def test_a_preview_tells_what_will_be_made_and_which_figures_move(client, world):
    page = check(client, FULL)

    assert {"IAI-IV today: 0 → 1 project"} <= set(map(str, page.context["moved"]))
    html = page.content.decode()
    for words in ("Rice mills", "VN 40 %, CLMV", "JP (JAIF) + SG", "1,375.55"):
        assert words in html
    assert not Project.objects.exists()


def test_a_preview_tells_what_it_publishes(client, world):
    page = check(
        client,
        "title,status,status_date,note\nRice,ongoing,2022-10-01,\n"
        "Maize,concept,2022-10-01,\nFish,approved; cancelled,2022-10-01,No money\n",
    )

    html = page.content.decode()
    assert (
        "This publishes, for everybody to read: 2 of these projects, marked "
        "“published” below." in html
    )
    assert html.count(">published<") == 2
    write(client, page)
    published = Project.objects.filter(is_published=True).values_list("title")
    assert set(published) == {("Rice",), ("Fish",)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Rice,ongoing", "for everybody to read: this project."),
        ("Rice,ongoing\nMaize,approved", "read: all of these projects."),
        ("Rice,concept", ""),
    ],
)
def test_a_preview_says_so_in_one_sentence(client, world, text, sentence):
    rows = "".join(f"{row},2022-10-01\n" for row in text.splitlines())

    html = check(client, f"title,status,status_date\n{rows}").content.decode()

    assert ("This publishes" in html) == bool(sentence)
    assert sentence in html


def test_an_amount_without_a_rate_is_told_as_it_is(client, world):
    text = "title,status_date,approved_amount,currency\nRice,2022-01-01,5,EUR\n"

    assert "EUR 5.00, no rate" in check(client, text).content.decode()
    imported(client, text)
    assert Project.objects.get().money_entries.get().usd is None


def test_figures_that_moved_after_the_preview_are_shown_again(client, world):
    page = check(client, FULL)

    make.project(status="approved", plan=world)
    again = write(client, page)

    assert again.status_code == 200
    assert "IAI-IV today: 1 → 2 projects" in map(str, again.context["moved"])
    assert not Project.objects.filter(title="Rice mills").exists()


def test_a_twin_recorded_after_the_preview_stops_the_import(client, world):
    page = check(client, "title,plan\nRice,IAI-IV\n")

    make.project(title="Rice", plan=world, status=None)
    again = write(client, page)

    assert again.status_code == 400
    assert [column for _, column, *_ in wrong(again)] == ["title"]


@pytest.mark.parametrize("title", ["Rice", "Wheat"])
def test_what_is_recorded_while_a_list_is_checked_is_seen_before_it_is_written(
    client, world, monkeypatch, title
):
    page = check(client, "title,plan\nRice,IAI-IV\n")
    really = csv_projects.check

    def meanwhile(table):
        found = really(table)
        monkeypatch.setattr(csv_projects, "check", really)
        make.project(title=title, plan=world, status=None)
        return found

    monkeypatch.setattr(csv_projects, "check", meanwhile)
    answer = write(client, page)

    is_twin = title == "Rice"
    assert answer.status_code == (400 if is_twin else 302)
    assert Project.objects.filter(title="Rice").count() == 1


def test_pressing_twice_imports_once_and_leads_to_what_was_made(client, world):
    page = check(client, FULL)

    first, second = write(client, page), write(client, page)

    assert first.url == second.url
    assert client.get(first.url).context["page_obj"].paginator.count == 1
    assert Project.objects.count() == 1


def test_the_same_list_a_second_time_says_so(client, world):
    imported(client, FULL)

    other_ends = FULL.replace("\n", "\r\n")
    page = check(client, other_ends)

    assert page.status_code == 400
    assert "This list was imported already" in page.content.decode()
    assert Project.objects.count() == 1


def test_an_import_is_undone_as_a_whole_and_can_be_made_again(client, world):
    imported(client, FULL + "Rye,,,,IAI-IV,,7,approved,2022-09-22\n")
    entry = Entry.objects.first()
    assert "Undo" in client.get("/imports/").content.decode()

    client.post(f"/undo/{entry.sequence}/", {"next": "/imports/"})

    assert Project.objects.as_of().count() == 0
    assert StatusChange.objects.known().count() == 0
    assert "Undone on" in client.get("/imports/").content.decode()
    imported(client, FULL)
    assert Project.objects.as_of().count() == 1


def test_what_fails_in_the_middle_leaves_nothing_behind(client, world, monkeypatch):
    page = check(client, FULL)
    before = Entry.objects.count()

    def broken(*args, **options):
        raise RuntimeError("The power fails")

    monkeypatch.setattr(bulk, "link", broken)
    with pytest.raises(RuntimeError):
        write(client, page)

    assert Entry.objects.count() == before
    assert not Project.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_leaves_nothing_and_the_next_one_goes_on(
    client, world, monkeypatch
):
    page = check(client, FULL)
    connections.close_all()

    child = os.fork()
    if not child:
        monkeypatch.setattr(bulk, "link", lambda *_: os.kill(os.getpid(), SIGKILL))
        write(client, page)
        os._exit(0)
    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == SIGKILL
    assert not Project.objects.exists()
    assert not Project.history.exists()
    assert write(client, page).status_code == 302
    assert Project.objects.count() == 1


def test_a_row_that_the_database_refuses_is_a_sentence(client, world, monkeypatch):
    monkeypatch.setattr(bulk.Draft, "objections", lambda draft: [])
    monkeypatch.setattr(csv_projects.Reading, "object", lambda *args: None)

    page = check(client, "title,planned_start,planned_end\nRice,2024,2023\n")

    assert page.status_code == 400
    assert page.context["unreadable"] == "A project cannot end before it starts."
    assert not Project.objects.exists()


def test_every_row_that_was_made_has_its_history(client, world):
    imported(client, FULL)

    entry = Entry.objects.first()
    project = Project.history.get(sequence=entry.sequence)
    part = Project.objects.get().project_organisations.get()
    assert (project.history_type, project.title) == ("+", "Rice mills")
    assert project.history_user == entry.recorded_by
    assert [link.theme.code for link in project.themes.all()] == ["GENDER"]
    assert part.history.get().sequence == entry.sequence


def test_the_secretariat_alone_imports(client, sign_in):
    coordinator = sign_in(make.user("coordinator", country="VN"))

    for path in ("/imports/", IMPORT, "/imports/projects/template.csv"):
        assert client.get(path).status_code == 200
        assert coordinator.get(path).status_code == 403
        assert "/accounts/login/" in sign_in(None).get(path).url
    assert coordinator.post(IMPORT, {"text": "title\nRice"}).status_code == 403


def a_long_list(rows):
    header = (
        "title,plan,line,status,status_date,countries,partners,funds,"
        "approved_amount,currency,rate,rate_date,rate_source,themes"
    )
    row = "7,approved,2022-01-01,VN:40,JP,JAIF,10,EUR,1.1,2022-01-01,ECB,GENDER"
    return "\n".join([header, *(f"Rice {n},IAI-IV,{row}" for n in range(rows))])


def test_many_rows_cost_as_many_queries_as_few(client, world, queries):
    few = queries(lambda: check(client, a_long_list(3)))

    assert queries(lambda: check(client, a_long_list(9))) == few + 6  # one a fund


def test_a_hundred_rows_are_imported_in_five_seconds(client, world):
    page = check(client, a_long_list(100))

    begun = time.process_time()
    answer = write(client, page)

    assert answer.status_code == 302
    assert Project.objects.count() == 100
    assert time.process_time() - begun < 5


def test_a_list_of_which_no_name_is_known_is_read_in_five_seconds(world):
    rows = (
        f"Rice {n}," + ";".join(f"Ministry of Affairs {n}-{m}" for m in range(25))
        for n in range(1500)
    )
    make.organisation("MOA", name="Ministry of Affairs")
    table = csv_projects.read("\n".join(["title,proponent", *rows]))

    begun = time.process_time()
    _, wrong = csv_projects.check(table)

    assert time.process_time() - begun < 5
    assert len(wrong) == 1500 * 25
    assert sum("Did you mean “Ministry of Affairs”?" in one.hint for one in wrong) == 50


@pytest.mark.parametrize("column", ["plan", "countries", "proponent", "source"])
def test_a_name_of_great_length_is_unknown_and_no_crash(client, world, column):
    said = hints(client, **{column: "e" * 60_000})

    assert "is called" in said[column] or "has the code" in said[column]


@pytest.mark.parametrize("text", ["0001-01-01", "1899-12-31", "٢٠٢٢-09-22"])
def test_a_day_in_a_list_is_one_that_people_know(client, world, text):
    said = hints(
        client,
        status="appraisal",
        status_date=text,
        planned_start=text,
        approved_amount="1",
        rate_date=text,
    )

    assert f"“{text}”" in said["status_date"]
    assert f"“{text}”" in said["rate_date"]
    assert f"“{text}” is no date" in said["planned_start"]


# Whatever is sent

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs"]),
    min_size=1,
    max_size=30,
).map(lambda text: unicodedata.normalize("NFC", " ".join(text.split())))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "title": TEXT.filter(
                lambda text: text.strip() and not text.startswith("##")
            ),
            "plan": st.sampled_from(["", "IAI-IV", "MPAC-2025"]),
            "status": st.sampled_from(["", "concept", "approved", "ongoing"]),
            "status_date": st.dates(make.day("2015-01-01"), make.day("2022-09-22")).map(
                str
            ),
            "countries": st.lists(
                st.sampled_from(["VN", "LA", "CLMV"]), unique=True
            ).map(sorted),
            "partners": st.lists(st.sampled_from(["JP", "SG"]), unique=True).map(
                sorted
            ),
            "approved_amount": st.none()
            | st.decimals(0, 999_999, places=2).map(lambda amount: f"{amount:.2f}"),
            "planned_end": st.sampled_from(["", "2024-02-29", "2024-02", "2024"]),
            "note": TEXT,
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: (csv_projects.fold(row["title"]), row["plan"]),
)


def as_csv(rows, delimiter):
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=delimiter)
    writer.writerow(rows[0])
    for row in rows:
        said = [row[name] for name in rows[0]]
        cells = ["; ".join(one) if isinstance(one, list) else one or "" for one in said]
        writer.writerow([csv_text.guarded(cell) for cell in cells])
    return lines.getvalue()


def as_told(project):
    """A project on record, as its row said it."""
    rows = Project.objects.with_state().with_placement()
    whole = project_whole(rows.get(pk=project.pk), Clock(), make.user("editor"))
    usd = whole["approved_usd"]
    return {
        "title": whole["title"],
        "plan": whole["plan"] or "",
        "status": whole["status"] or "",
        "countries": sorted(b["country"] or b["grouping"] for b in whole["benefits"]),
        "partners": whole["partners"],
        "approved_amount": None if usd is None else f"{usd:.2f}",
        "planned_end": whole["planned_end"] or "",
        "note": project.note,
    }


@given(rows=ROWS, delimiter=st.sampled_from(",;\t"))
def test_what_is_written_as_a_list_is_read_as_it_was(client, world, rows, delimiter):
    with transaction.atomic():
        page = check(client, as_csv(rows, delimiter))
        table = csv_projects.read(page.context["text"])
        answer = write(client, page)
        made = [as_told(project) for project in Project.objects.order_by("pk")]
        transaction.set_rollback(True)

    assert csv_projects.read(table.as_text()) == table
    assert answer.status_code == 302, (page.context.get("unreadable"), wrong(page))
    assert made == [
        {name: cell for name, cell in row.items() if name != "status_date"}
        for row in rows
    ]


@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode(errors="replace")),
        st.lists(
            st.lists(
                st.sampled_from(
                    [*csv_projects.MEANING, "VN:40", "7", "approved", "2022-01-01", ""]
                )
                | st.text(max_size=5),
                max_size=6,
            ),
            max_size=5,
        ).map(lambda rows: "\n".join(map(",".join, rows)).encode(errors="replace")),
        st.lists(
            st.tuples(st.sampled_from([*csv_projects.MEANING]), st.text(max_size=9)),
            max_size=6,
            unique_by=lambda pair: pair[0],
        ).map(
            lambda pairs: (
                "title,"
                + ",".join(dict(pairs))
                + "\nx,"
                + ",".join(dict(pairs).values())
            ).encode(errors="replace")
        ),
    )
)
def test_junk_is_never_a_crash_and_writes_nothing(client, world, data):
    entries = Entry.objects.count()

    for sent in (
        {"file": SimpleUploadedFile("list.csv", data)},
        {"text": data.decode(errors="replace"), "fix-2-plan": "x", "fix-9-x": "y"},
    ):
        page = client.post(IMPORT, sent)
        assert page.status_code in (200, 400)

    assert not Project.objects.exists()
    assert Entry.objects.count() == entries
