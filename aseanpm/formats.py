"""Lists as files: CSV, XLSX and JSON Lines, with the columns of the API's own rows.

A list's columns are the fields of its row serializer, each with its type and its
help_text: for headers, for ?fields=, for the schema and for the sheet that comes with a
workbook. Unknown is empty (null in JSON Lines) and never 0.

A file is drawn whole, of one moment, into a temporary file and then sent: so a slow
reader holds no transaction, and what fails is an error and not half a file. Memory
holds one batch of rows, whatever the length of the list.
"""

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, partial
from itertools import islice
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Any

import orjson
import xlsxwriter
from django.db import connection, transaction
from django.utils import timezone
from rest_framework import serializers

from .csv_text import guarded
from .facts import Clock
from .problems import BadQuery, FieldError
from .renderers import plain

BATCH = 2000  # rows in memory
JOINT = "; "
LONGEST_SHEET = 1_048_575  # rows under a header
LONGEST_CELL = 32_767  # characters
CUT = "… [cut]"
EXACT_DIGITS = 15  # of a number in a workbook
LICENCE = (
    "Facts and figures compiled from public press and documents, each with its source:"
    " CC0. What rests on general knowledge alone is marked unverified."
)
ILLUSTRATIVE = (
    "Illustrative records were generated so that computed figures meet published ones."
    " They say nothing about any real project. Rows and figures that are, or rest on,"
    " such records say so in is_illustrative or illustrative_records."
)


# Columns


@dataclass(frozen=True)
class Column:
    """A column of a list. An object of known `parts` is a column for each in tables."""

    name: str
    kind: str
    meaning: str
    parts: tuple["Column", ...] = ()

    @property
    def leaves(self):
        """((path to the value, Column named by it), …): one for each table column."""
        if not self.parts:
            return (((self.name,), self),)
        return tuple(
            (
                (self.name, *path),
                Column(f"{self.name}.{leaf.name}", leaf.kind, leaf.meaning),
            )
            for part in self.parts
            for path, leaf in part.leaves
        )


TEXT, WHOLE, DECIMAL, YES_NO = "text", "whole number", "decimal number", "true or false"
DATE, MOMENT = "date", "moment in UTC"
LIST, OBJECT = f"texts joined by “{JOINT}”", "JSON"
KINDS: tuple[tuple[Any, str], ...] = (
    (serializers.BooleanField, YES_NO),
    (serializers.IntegerField, WHOLE),
    (serializers.DecimalField, DECIMAL),
    (serializers.DateTimeField, MOMENT),
    (serializers.DateField, DATE),
    (serializers.ListField, LIST),
    ((serializers.BaseSerializer, serializers.DictField), OBJECT),
    (serializers.Field, TEXT),
)


@cache
def columns_of(serializer):
    """{name: Column} of the rows that a serializer describes, its code first."""
    fields = serializer().fields
    names = sorted(fields, key=lambda name: name != "code")
    return {name: _column(name, fields[name]) for name in names}


def _column(name, one):
    meaning = str(one.help_text or "")
    if isinstance(one, serializers.ChoiceField):
        words = ", ".join(str(word) for word in one.choices)
        meaning = f"{meaning} One of: {words}.".strip()
    parts: tuple[Column, ...] = ()
    if isinstance(one, serializers.Serializer):
        parts = tuple(columns_of(type(one)).values())
    kind = next(kind for field, kind in KINDS if isinstance(one, field))
    return Column(name, kind, meaning, parts)


def choose(columns, parameters):
    """The Columns that ?fields= asks for, in its order. Raises BadQuery."""
    text = parameters.get("fields", "")
    if not text:
        return list(columns.values())
    names = text.split(",")
    unknown = [name for name in names if name not in columns]
    if unknown:
        known = ", ".join(columns)
        message = f"“{unknown[0]}” is not a column. Known: {known}."
        raise BadQuery([FieldError("fields", message)])
    if len(set(names)) < len(names):
        raise BadQuery([FieldError("fields", "Give each once, joined by commas.")])
    return [columns[name] for name in names]


# What is drawn


@dataclass(frozen=True)
class Drawing:
    """A list to be drawn: its columns, and its rows in batches of dictionaries.

    `parameters` are those of the list's address, on `clock`. `source` is the query set,
    for a format that tells more than rows; None for short lists.
    """

    name: str
    columns: list[Column]
    batches: Iterable[list[dict]]
    clock: Clock = field(default_factory=Clock)
    parameters: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    user: Any = None
    source: Any = None
    now: dt.datetime = field(default_factory=timezone.now)

    @property
    def leaves(self):
        return [leaf for column in self.columns for leaf in column.leaves]

    @property
    def title(self):
        """The name of the file: the list, its clock, and the day it was drawn."""
        moment = self.clock.known_at
        parts = [
            self.name,
            f"as-of-{self.clock.day}" if self.clock.day else "",
            f"known-at-{moment.astimezone(dt.UTC):%Y-%m-%dT%H%M%SZ}" if moment else "",
            f"drawn-{timezone.localdate(self.now)}",
        ]
        return "_".join(part for part in parts if part)

    @property
    def about(self):
        """(word, sentence) pairs on what the file is."""
        asked = [
            f"{name}={text}"
            for name, text in self.parameters
            if name not in {"as_of", "known_at", "format", "fields"} and text
        ]
        clock, moment = self.clock, self.clock.known_at
        is_known = bool(self.user and self.user.is_authenticated)
        return [
            ("List", self.name),
            ("Address", self.address),
            ("Filters", JOINT.join(asked) or "none"),
            ("As of", f"{clock.day}, its end in Jakarta" if clock.day else "now"),
            ("Known at", moment.isoformat() if moment else "now"),
            ("Drawn at", timezone.localtime(self.now).isoformat(timespec="seconds")),
            ("For", "one reader: may not be public" if is_known else "anyone"),
            ("Empty cell", "Not known, or not applicable; never 0."),
            ("Illustrative records", ILLUSTRATIVE),
            ("Licence", LICENCE),
        ]


def batches_of(keys, rows_of):
    """Lists of the rows of some keys, in their order, a batch at a time."""
    keys = iter(keys)
    while batch := list(islice(keys, BATCH)):
        yield rows_of(batch)


@contextmanager
def one_moment():
    """All that is read within is of one moment, whoever writes meanwhile.

    Nothing may be written within. On PostgreSQL a read-only transaction that is
    REPEATABLE READ. On SQLite one that begins deferred and so takes no write lock:
    writers go on beside it in WAL and wait for its end where there is none. Within a
    transaction, that one decides.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                if connection.connection.in_transaction:
                    cursor.execute("ROLLBACK")


def draw(form, drawing):
    """(temporary file at its start, how many rows it holds) of a Drawing.

    Raises BadQuery for ?fields= of a format that has no columns.
    """
    if not form.has_columns and "fields" in dict(drawing.parameters):
        message = f"{form.label} has no columns to choose: leave this out."
        raise BadQuery([FieldError("fields", message)])
    with ExitStack() as stack:
        drawn = stack.enter_context(TemporaryFile())
        rows = form.write(drawn, drawing)
        drawn.seek(0)
        stack.pop_all()
        return drawn, rows


# CSV


class Texts(dict):
    """{value: its text}, each worked out once: most columns repeat a few."""

    def __init__(self, text_of):
        super().__init__()
        self.text_of = text_of

    def __missing__(self, value):
        text = self[value] = None if value is None else self.text_of(value)
        return text


def in_csv(values, kind):
    """A column's values of a kind as they stand in a CSV."""
    if kind == LIST:
        values = map(_joined, values)
    if kind in {TEXT, LIST}:
        return list(map(Texts(_safe).__getitem__, values))
    shown = {
        OBJECT: _json,
        YES_NO: lambda value: "true" if value else "false",
        DECIMAL: _digits,
        DATE: _iso,
        MOMENT: _iso,
    }.get(kind)
    if shown is None:
        return list(values)
    return [None if value is None else shown(value) for value in values]


def _joined(texts):
    return None if texts is None else JOINT.join(map(str, texts))


def _safe(text):
    """No spreadsheet runs it as a formula."""
    return guarded(str(text)) if text else ""


def _json(value):
    return orjson.dumps(value, default=plain).decode() if value else ""


def _digits(value):
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _iso(value):
    return value if isinstance(value, str) else value.isoformat()


def write_csv(file, drawing):
    """UTF-8 with a byte-order mark, by which Excel knows it; lines end by CR LF.

    A text that a spreadsheet would run as a formula has a ' before it.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    leaves = drawing.leaves
    writer.writerow([leaf.name for _, leaf in leaves])
    columns = [(reader(path), leaf.kind) for path, leaf in leaves]
    number = 0
    for rows in drawing.batches:
        cells = [in_csv(map(read, rows), kind) for read, kind in columns]
        writer.writerows(zip(*cells, strict=True))
        number += len(rows)
    text.detach()
    return number


def reader(path):
    """What takes the value at a path from a row; nothing of nothing is nothing."""
    if len(path) == 1:
        return itemgetter(path[0])

    def read(row):
        for name in path:
            row = None if row is None else row[name]
        return row

    return read


# JSON Lines


def write_lines(file, drawing):
    """One JSON object a line, each as in the API's list."""
    names = [column.name for column in drawing.columns]
    dumps = partial(orjson.dumps, default=plain, option=orjson.OPT_APPEND_NEWLINE)
    number = 0
    for rows in drawing.batches:
        if rows and list(rows[0]) != names:
            rows = [{name: row[name] for name in names} for row in rows]
        file.writelines(map(dumps, rows))
        number += len(rows)
    return number


# XLSX


def write_workbook(file, drawing):
    """A sheet of typed cells, and one that says what it is and what its columns mean.

    Raises BadQuery for more rows than a sheet holds.
    """
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    head = book.add_format({"bold": True})
    sheet = book.add_worksheet(drawing.name[:31])
    about = book.add_worksheet("About this file")
    leaves = drawing.leaves
    sheet.freeze_panes(1, 0)
    for place, (_, leaf) in enumerate(leaves):
        sheet.set_column(place, place, WIDTHS.get(leaf.kind, 18))
        sheet.write_string(0, place, leaf.name, head)
    columns = [
        (place, reader(path), writer_of(leaf.kind, sheet, book))
        for place, (path, leaf) in enumerate(leaves)
    ]
    number = 0
    for rows in drawing.batches:
        if number + len(rows) > LONGEST_SHEET:
            book.close()
            message = f"A sheet holds {LONGEST_SHEET:,} rows; ask for csv or jsonl."
            raise BadQuery([FieldError("format", message)])
        for row in rows:
            number += 1
            for place, read, write in columns:
                value = read(row)
                if value is not None and value != "":
                    write(number, place, value)
    write_about(about, head, drawing, number)
    book.close()
    return number


WIDTHS = {WHOLE: 10, YES_NO: 10, DECIMAL: 16, DATE: 12, MOMENT: 20}


def writer_of(kind, sheet, book):
    """write(row, place, value) of a cell of a kind."""

    def text(row, place, value):
        if len(value) > LONGEST_CELL:
            value = value[: LONGEST_CELL - len(CUT)] + CUT
        sheet.write_string(row, place, value)

    if kind in {DATE, MOMENT}:
        look = "yyyy-mm-dd" if kind == DATE else "yyyy-mm-dd hh:mm:ss"
        style = book.add_format({"num_format": look})
        return partial(_write_date, sheet, style)
    if kind == DECIMAL:
        style = book.add_format({"num_format": "#,##0.00"})
        return partial(_write_decimal, sheet, style)
    return {
        TEXT: lambda row, place, value: text(row, place, str(value)),
        LIST: lambda row, place, texts: text(row, place, JOINT.join(map(str, texts))),
        OBJECT: lambda row, place, value: text(row, place, _json(value)),
        WHOLE: sheet.write_number,
        YES_NO: sheet.write_boolean,
    }[kind]


def _write_decimal(sheet, style, row, place, value):
    """As a number, or as text where a workbook's numbers would lose digits of it."""
    value = Decimal(value)
    if len(value.as_tuple().digits) > EXACT_DIGITS:
        sheet.write_string(row, place, format(value, "f"))
    else:
        sheet.write_number(row, place, value, style)


def _write_date(sheet, style, row, place, value):
    """As a date; workbooks know no zones, so a moment stands there in UTC."""
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
    sheet.write_datetime(row, place, value, style)


def write_about(sheet, head, drawing, number):
    sheet.set_column(0, 1, 26)
    sheet.set_column(2, 2, 100)
    told = [
        *drawing.about,
        (
            "Long texts",
            f"A cell holds {LONGEST_CELL:,} characters; a longer text ends in {CUT}. "
            "CSV and JSON Lines hold all of it.",
        ),
        ("Rows", f"{number:,}"),
    ]
    for row, (word, sentence) in enumerate(told):
        sheet.write_string(row, 0, word, head)
        sheet.write_string(row, 1, sentence)
    start = len(told) + 1
    for place, word in enumerate(("Column", "Type", "Meaning")):
        sheet.write_string(start, place, word, head)
    for row, (_, leaf) in enumerate(drawing.leaves, start + 1):
        for place, text in enumerate((leaf.name, leaf.kind, leaf.meaning)):
            sheet.write_string(row, place, text)


# Formats


@dataclass(frozen=True)
class Format:
    """A kind of file; `write(file, drawing)` fills it and returns how many rows."""

    label: str
    media_type: str
    suffix: str
    write: Callable[[IO[bytes], Any], int]
    is_text: bool = True
    has_columns: bool = True


FORMATS = {
    "csv": Format("CSV", "text/csv; charset=utf-8", "csv", write_csv),
    "xlsx": Format(
        "XLSX",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
        write_workbook,
        is_text=False,
    ),
    "jsonl": Format("JSON Lines", "application/jsonl", "jsonl", write_lines),
}
