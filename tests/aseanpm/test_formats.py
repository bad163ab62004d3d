"""Lists as files, and the columns that may be chosen."""

import csv
import io
import json
from decimal import Decimal
from threading import Thread

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import resolve, reverse

from aseanpm import formats
from aseanpm.facts import ledger_entry
from partners.serializers import PartnerRowSerializer
from projects.models import Project
from projects.serializers import ProjectRowSerializer, project_rows
from tests import make

pytestmark = pytest.mark.django_db
LIST = "/api/v1/projects/"
LISTS = (
    "projects",
    "lines",
    "plans",
    "areas",
    "countries",
    "partners",
    "funds",
    "meetings",
    "figures",
    "reconciliation",
)
HEADER = (
    "code,title,title_language,plan,area,line,status,is_illustrative,countries,"
    "groupings,partners,funds,organisations,approved_usd,planned_start,planned_end,"
    "changed_at"
)


def content(answer):
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def table(answer):
    """The rows of a CSV as dictionaries."""
    text = content(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def lines(answer):
    return [json.loads(line) for line in content(answer).splitlines()]


def workbook(answer):
    return openpyxl.load_workbook(io.BytesIO(content(answer)))


def wrong(answer):
    """[(field, message)] of a 400."""
    assert answer.status_code == 400, answer.content
    told = json.loads(answer.content)["errors"]
    return [(one["field"], one["message"]) for one in told]


@pytest.fixture
def rice():
    return make.project(
        code="P-22222",
        title="Rice",
        status="ongoing",
        on="2022-01-10",
        funders=["SG", "JP"],
        countries=["VN", "KH"],
        budget="1250.50",
        planned_start=make.day("2022-09-30"),
        planned_start_precision="month",
    )


# The three files


def test_a_csv_holds_the_columns_of_the_api_and_says_which_file_it_is(api, rice):
    answer = api().get(LIST, {"format": "csv", "as_of": "2023-01-31"})

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith(
        'attachment; filename="aseanpm-projects_as-of-2023-01-31_drawn-20'
    )
    assert disposition.endswith('.csv"')
    header, row, rest = content(answer).split(b"\r\n")
    assert header == b"\xef\xbb\xbf" + HEADER.encode()
    assert row.startswith(
        b"P-22222,Rice,en,IAI-IV,,,ongoing,false,KH; VN,,JP; SG,,,1250.50,2022-09,,2022"
    )
    assert rest == b""


def test_json_lines_are_the_rows_of_the_list(api, rice):
    make.project(code="P-33333", title="Maize")

    answer = api().get(LIST, {"format": "jsonl"})

    assert answer.headers["Content-Type"] == "application/jsonl"
    assert lines(answer) == api().get(LIST).json()["results"]


def test_a_workbook_holds_typed_cells_and_says_what_it_is(api, rice):
    book = workbook(
        api().get(LIST, {"format": "xlsx", "country": "VN", "as_of": "2023-01-31"})
    )

    header, row = book["projects"].iter_rows(values_only=True)
    told = dict(zip(header, row, strict=True))
    assert ",".join(header) == HEADER
    assert (told["approved_usd"], told["is_illustrative"]) == (1250.5, False)
    assert (told["countries"], told["planned_start"]) == ("KH; VN", "2022-09")
    assert (told["line"], told["planned_end"]) == (None, None)
    assert told["changed_at"].isoformat() == "2022-01-10T16:59:59"  # in UTC
    about = {
        row[0]: row[1:] for row in book["About this file"].iter_rows(values_only=1)
    }
    assert about["Filters"][0] == "country=VN"
    assert about["As of"][0] == "2023-01-31, its end in Jakarta"
    assert about["Known at"][0] == "now"
    assert about["Rows"][0] == "1"
    assert about["For"][0] == "anyone"
    assert "nothing about any real project" in about["Illustrative records"][0]
    assert "CC0" in about["Licence"][0]
    assert about["approved_usd"] == (
        "decimal number",
        "Approved budget in cash, US dollars; null: not known.",
    )


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_had_as_every_file(api, rice, name):
    make.figure()
    make.meeting()
    address = f"/api/v1/{name}/"
    rows = api().get(address, {"limit": 500}).json()["results"]
    codes = [row["code"] for row in rows]

    files = {form: api().get(address, {"format": form}) for form in formats.FORMATS}

    assert [one.pulled_rows for one in files.values()] == [len(rows)] * 3
    assert lines(files["jsonl"]) == rows
    assert [row["code"] for row in table(files["csv"])] == codes
    cells = workbook(files["xlsx"])[name].iter_rows(values_only=True)
    assert [row[0] for row in cells] == ["code", *codes]


def test_the_facts_of_a_project_are_had_as_a_file(api, rice):
    answer = api().get(f"{LIST}P-22222/facts/", {"format": "csv"})

    assert "project-facts-P-22222" in answer.headers["Content-Disposition"]
    said = [row["says"] for row in table(answer)]
    assert "Approved budget: USD 1,250.50" in said
    assert "Ongoing" in said


def test_unknown_is_empty_and_recorded_zero_is_zero(api):
    make.project(code="P-22222", budget="0")
    make.project(code="P-33333")

    in_csv = [row["approved_usd"] for row in table(api().get(LIST, {"format": "csv"}))]
    sheet = workbook(api().get(LIST, {"format": "xlsx", "fields": "approved_usd"}))
    told = lines(api().get(LIST, {"format": "jsonl"}))

    assert in_csv == ["0.00", ""]
    assert [row[0] for row in sheet["projects"].values] == ["approved_usd", 0, None][:2]
    assert [row["approved_usd"] for row in told] == ["0.00", None]


def test_amounts_are_exact_to_the_cent_also_beyond_what_a_workbook_counts():
    columns = [formats.columns_of(ProjectRowSerializer)["approved_usd"]]
    amounts = ["0.07", "90071992547409.93", "123456789012345.67"]
    rows = [{"approved_usd": Decimal(amount)} for amount in amounts]
    drawing = formats.Drawing("projects", columns, [rows])

    with formats.draw(formats.FORMATS["csv"], drawing)[0] as file:
        assert file.read().decode().split() == ["\ufeffapproved_usd", *amounts]
    with formats.draw(formats.FORMATS["xlsx"], drawing)[0] as file:
        cells = [row[0] for row in openpyxl.load_workbook(file)["projects"].values]
    assert cells == ["approved_usd", 0.07, "90071992547409.93", "123456789012345.67"]


def test_a_text_too_long_for_a_cell_says_that_it_was_cut():
    drawing = formats.Drawing(
        name="projects",
        columns=[formats.Column("text", formats.TEXT, "Any.")],
        batches=[[{"text": "R" * 40_000}, {"text": "R" * 32_767}]],
    )
    with formats.draw(formats.FORMATS["xlsx"], drawing)[0] as file:
        book = openpyxl.load_workbook(file)

    _, cut, whole = (row[0] for row in book["projects"].values)
    assert (len(cut), cut[-8:]) == (32_767, "R… [cut]")
    assert whole == "R" * 32_767
    assert any("ends in … [cut]" in str(row) for row in book["About this file"].values)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_runs_as_a_formula(api, rice, sign):
    formula = f"{sign}1+2"
    Project.objects.update(title=formula)

    shown = table(api().get(LIST, {"format": "csv"}))[0]["title"]
    sheet = workbook(api().get(LIST, {"format": "xlsx", "fields": "title"}))

    assert shown == f"'{formula}"
    cell = sheet["projects"]["A2"]
    assert cell.data_type == "s"
    if sign not in "\t\r":
        assert cell.value == formula


def test_four_scripts_come_through(api):
    titles = ["Lúa gạo", "ស្រូវ", "ເຂົ້າ", "ဆန်"]
    for number, title in enumerate(titles):
        make.project(code=f"P-2222{number}", title=title)

    in_csv = table(api().get(LIST, {"format": "csv"}))
    sheet = workbook(api().get(LIST, {"format": "xlsx", "fields": "title"}))

    assert [row["title"] for row in in_csv] == titles
    assert [row[0] for row in sheet["projects"].values][1:] == titles


def test_an_object_is_a_column_for_each_of_its_parts_in_a_table(api):
    make.partner(code="NZ", name="New Zealand")

    row = table(api().get("/api/v1/partners/", {"format": "csv"}))[0]
    told = lines(api().get("/api/v1/partners/", {"format": "jsonl"}))[0]

    assert (row["coverage.complete"], row["coverage.none"]) == ("0", "0")
    assert told["coverage"] == {"complete": 0, "partial": 0, "none": 0}


# Which rows


def test_a_file_holds_the_whole_filtered_list_in_its_order(api, monkeypatch):
    monkeypatch.setattr(formats, "BATCH", 3)
    for number in range(2, 9):
        make.project(code=f"P-2222{number}", title=f"Rice {9 - number}")
    make.project(code="P-33333", title="Tariffs")
    asked = {"search": "rice", "ordering": "title"}

    found = table(api().get(LIST, {**asked, "format": "csv"}))

    assert [row["title"] for row in found] == [f"Rice {n}" for n in range(1, 8)]


def test_a_file_holds_what_its_reader_may_see(api):
    make.project(code="P-22222", is_published=False)
    editor = make.user(role="editor")

    published = api().get(LIST, {"format": "csv"})
    every = api(editor).get(LIST, {"format": "xlsx"})

    assert table(published) == []
    book = workbook(every)
    assert book["projects"]["A2"].value == "P-22222"
    about = dict(row[:2] for row in book["About this file"].iter_rows(values_only=True))
    assert about["For"] == "one reader: may not be public"


def test_a_longer_file_costs_no_more_queries_up_to_a_batch(api, queries):
    make.project(countries=["VN"], funders=["JP"], budget="1")
    few = queries(lambda: content(api().get(LIST, {"format": "csv"})))
    for _ in range(5):
        make.project(countries=["VN"], funders=["JP"], budget="1")

    assert queries(lambda: content(api().get(LIST, {"format": "csv"}))) == few


@pytest.mark.django_db(transaction=True)
def test_a_file_is_of_one_moment_while_others_write(monkeypatch):
    """A project renamed, and one made, between two batches: neither is seen."""
    monkeypatch.setattr(formats, "BATCH", 1)
    for code in ("P-22222", "P-33333"):
        make.project(code=code, title="Before")

    def write():
        try:
            with ledger_entry():
                Project.objects.update(title="After")
                make.project(code="P-44444", title="After")
        finally:
            connection.close()

    def rows_of(keys):
        rows = project_rows(Project.objects.as_of(), keys)
        if not seen:
            writer = Thread(target=write)
            writer.start()
            writer.join()
        seen.append(keys)
        return rows

    seen: list = []
    keys = Project.objects.order_by("code").values_list("pk", flat=True)
    with formats.one_moment():
        batches = list(formats.batches_of(keys.iterator(), rows_of))
    titles = [row["title"] for rows in batches for row in rows]

    assert titles == ["Before", "Before"]
    assert {one.title for one in Project.objects.all()} == {"After"}


@pytest.mark.django_db(transaction=True)
def test_nothing_stays_open_after_a_file_that_could_not_be_drawn(api, rice):
    def broken(keys):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), formats.one_moment():
        list(formats.batches_of(Project.objects.values_list("pk", flat=True), broken))

    assert len(table(api().get(LIST, {"format": "csv"}))) == 1
    with ledger_entry():
        Project.objects.update(title="Written after")


def test_a_list_longer_than_a_sheet_is_refused_and_not_cut(api, rice, monkeypatch):
    monkeypatch.setattr(formats, "LONGEST_SHEET", 1)
    make.project()

    found = wrong(api().get(LIST, {"format": "xlsx"}))

    assert found == [("format", "A sheet holds 1 rows; ask for csv or jsonl.")]


# Asking


def test_fields_choose_and_order_the_columns(api, rice):
    asked = {"fields": "title,code"}

    rows = api().get(LIST, asked).json()["results"]
    header = content(api().get(LIST, {**asked, "format": "csv"})).split(b"\r\n")[0]
    told = content(api().get(LIST, {**asked, "format": "jsonl"}))

    assert [list(row.items()) for row in rows] == [
        [("title", "Rice"), ("code", "P-22222")]
    ]
    assert header == b"\xef\xbb\xbftitle,code"
    assert told == b'{"title":"Rice","code":"P-22222"}\n'


def test_next_page_keeps_the_columns(api, rice):
    make.project(code="P-33333", title="Maize")

    page = api().get(LIST, {"fields": "code", "limit": 1}).json()
    following = api().get(page["next"]).json()

    assert page["results"] == [{"code": "P-22222"}]
    assert following["results"] == [{"code": "P-33333"}]


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ({"fields": "code,colour"}, "fields", "“colour” is not a column. Known: code,"),
        ({"fields": "code,code"}, "fields", "Give each once"),
        ({"fields": "pk"}, "fields", "“pk” is not a column"),
        ({"fields": ["code", "title"]}, "fields", "Give it once."),
        ({"format": "pdf"}, "format", "Known: json, csv, xlsx, jsonl, iati."),
        ({"format": ["csv", "xlsx"]}, "format", "Give it once."),
        ({"format": "csv", "limit": "5"}, "limit", "A file holds the whole list"),
        ({"format": "csv", "cursor": "x"}, "cursor", "A file holds the whole list"),
        ({"format": "jsonl", "count": "1"}, "count", "A file holds the whole list"),
        ({"format": "xlsx", "colour": "red"}, "colour", "Unknown parameter."),
        ({"format": "csv", "status": "asleep"}, "status", "“asleep” is not known."),
        ({"format": "csv", "ordering": "pk"}, "ordering", "“pk” is not an order"),
    ],
)
def test_what_cannot_be_asked_is_a_400_that_names_it(api, query, field, says):
    found = wrong(api().get(LIST, query))

    assert [name for name, _ in found] == [field]
    assert says in found[0][1]


def test_the_format_json_is_the_page_itself(api, rice):
    assert api().get(LIST, {"format": "json"}).json() == api().get(LIST).json()


def test_a_page_says_how_many_rows_it_hands_out(api, rice):
    make.project()

    assert api().get(LIST, {"limit": 1}).pulled_rows == 1


# The columns, documented once


@pytest.mark.parametrize("name", LISTS)
def test_every_column_says_what_it_means(api, name):
    told = resolve(reverse(f"api:{name}")).func.cls.get.told
    silent = [
        leaf.name
        for column in told.columns.values()
        for _, leaf in column.leaves
        if not leaf.meaning
    ]

    assert silent == []


def test_the_code_is_the_first_column_and_objects_are_told_by_parts():
    columns = formats.columns_of(PartnerRowSerializer)

    leaves = [leaf.name for one in columns.values() for _, leaf in one.leaves]

    assert leaves[:2] == ["code", "name"]
    assert [name for name in leaves if "." in name] == [
        "coverage.complete",
        "coverage.partial",
        "coverage.none",
    ]


def test_the_schema_names_the_columns_and_the_files(api):
    schema = api().get("/api/v1/schema/", {"format": "json"}).content.decode()

    assert "text/csv" in schema
    assert "application/jsonl" in schema
    assert "Approved budget in cash, US dollars; null: not known." in schema


# Pages


@pytest.mark.parametrize(
    ("shown_at", "twin"),
    [
        (
            "/projects/?country=VN&page=1&columns=title,code&money=committed",
            "projects/?country=VN",
        ),
        ("/lines/?page=1", "lines/"),
        ("/plans/", "plans/"),
        ("/countries/", "countries/"),
        ("/partners/", "partners/"),
        ("/meetings/?page=1", "meetings/"),
        ("/reconciliation/", "reconciliation/"),
    ],
)
def test_a_list_page_offers_the_list_on_screen_as_files_and_in_the_api(
    client, api, rice, shown_at, twin
):
    clock = "as_of=2023-01-31"
    tagged = f"{shown_at}{'&' if '?' in shown_at else '?'}{clock}&utm_source=letter"
    address = f"/api/v1/{twin}{'&' if '?' in twin else '?'}{clock}"

    shown = client.get(tagged).content.decode().replace("&amp;", "&")

    for offered in (address, f"{address}&format=csv", f"{address}&format=xlsx"):
        assert f'href="{offered}"' in shown
        answer = api().get(offered)
        assert answer.status_code == 200
        assert b"".join(answer)


# The command


def test_the_command_writes_what_is_published(rice, tmp_path, capfdbinary):
    make.project(code="P-33333", title="Draft", is_published=False)
    target = tmp_path / "projects.csv"

    call_command("export", "projects", format="csv", output=str(target))
    call_command("export", "projects", "--format", "jsonl", "fields=code")

    found = list(csv.DictReader(target.read_text("utf-8-sig").splitlines()))
    assert [row["code"] for row in found] == ["P-22222"]
    told, said = capfdbinary.readouterr()
    assert told == b'{"code":"P-22222"}\n'
    assert said == b"1 projects\n" * 2


def test_the_command_takes_filters_a_clock_and_a_reader(rice, tmp_path):
    make.project(code="P-33333", title="Draft", is_published=False, countries=["VN"])
    make.user(role="editor", email="editor@example.org")
    target = tmp_path / "projects.jsonl"

    def codes(*arguments):
        call_command(
            "export", "projects", "--format=jsonl", f"--output={target}", *arguments
        )
        return [json.loads(line)["code"] for line in target.read_text().splitlines()]

    assert codes("--as=editor@example.org", "country=VN") == ["P-22222", "P-33333"]
    assert codes("partner=JP", "search=maize") == []
    assert codes("status=ongoing", "status=completed") == ["P-22222"]
    assert codes("--as-of=2022-01-01") == []
    assert codes("--known-at=2021-01-01") == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["colour=red"], "colour: Unknown parameter."),
        (["vietnam"], "“vietnam” is not of the form NAME=VALUE."),
        (["status=asleep"], "status: “asleep” is not known."),
        (["fields=pk"], "fields: “pk” is not a column."),
        (["--as-of=2999-01-01"], "as_of: 2999-01-01 is after today."),
        (["--as=nobody@example.org"], "No active user has the address"),
    ],
)
def test_the_command_says_what_it_cannot_read(rice, arguments, says):
    with pytest.raises(CommandError) as refused:
        call_command("export", "projects", "--format=csv", *arguments)

    assert says in str(refused.value)
