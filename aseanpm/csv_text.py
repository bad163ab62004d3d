"""A CSV as rows of text: strict about what it cannot read, not about line ends."""

import csv
import hashlib
import io
import json
import re
from dataclasses import dataclass

MAX_BYTES = 2 * 1024 * 1024
MAX_ROWS = 2000
DELIMITERS = ",;\t"
COMMENT = "##"
# Spreadsheets would run these as formulas; exports put a ' before them.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
SAVE_AS_CSV = "In Excel choose Save as, then “CSV UTF-8”."
LOOKS = (
    (b"PK\x03\x04", f"This is a workbook or a zip file, not a CSV. {SAVE_AS_CSV}"),
    (b"\xd0\xcf\x11\xe0", f"This is an old Excel workbook, not a CSV. {SAVE_AS_CSV}"),
    (b"%PDF", "This is a PDF, not a CSV."),
    (b"\xff\xfe", f"This text is in UTF-16. {SAVE_AS_CSV}"),
    (b"\xfe\xff", f"This text is in UTF-16. {SAVE_AS_CSV}"),
)


class NotReadable(Exception):
    """A file that is no such table; says why in a sentence."""


@dataclass
class Row:
    """`number` is the row's in a spreadsheet, the header being 1. Cells by column."""

    number: int
    cells: dict[str, str]


@dataclass
class Table:
    """A header of known columns, and rows without those that are blank or comments."""

    columns: list[str]
    rows: list[Row]

    @property
    def fingerprint(self):
        """The same for the same content, whatever the file's delimiter or line ends."""
        said = [{k: v for k, v in row.cells.items() if v} for row in self.rows]
        packed = json.dumps(said, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(packed.encode()).hexdigest()[:20]

    def as_text(self):
        """The table as a CSV that reads as itself, row by row at the same number."""
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(self.columns)
        number = 2
        for row in self.rows:
            lines.write("\n" * (row.number - number))
            writer.writerow([guarded(row.cells[name]) for name in self.columns])
            number = row.number + 1
        return lines.getvalue()


def guarded(text):
    """A cell that no spreadsheet runs as a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def unguarded(text):
    is_guarded = text.startswith("'") and FORMULA.match(text)
    return text[1:] if is_guarded else text


def decoded(data):
    """The text of a file; raises NotReadable for what is no UTF-8 text."""
    if len(data) > MAX_BYTES:
        raise NotReadable("The file is larger than 2 MB. Split it.")
    for start, sentence in LOOKS:
        if data.startswith(start):
            raise NotReadable(sentence)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"This file is not in UTF-8. {SAVE_AS_CSV}"
        raise NotReadable(message) from error
    if "\x00" in text:
        raise NotReadable("This is not a text file.")
    return text


def read(text, known, read_name):
    """The Table in a text. `read_name` turns a header into the name of a column.

    Raises NotReadable; an unknown column is refused by name, and `known` are told.
    """
    (_, header), *found = records(text) or [(1, [])]
    columns = columns_of(header, known, read_name)
    rows = []
    for number, cells in found:
        if len(cells) > len(columns):
            more = f"Row {number} has more cells than the header has columns."
            raise NotReadable(f"{more} Put quotes around a text that holds a comma.")
        padded = [*cells, *[""] * len(columns)]
        rows.append(Row(number, dict(zip(columns, padded, strict=False))))
    refuse_many(rows)
    if not rows:
        raise NotReadable("The list has a header and no rows.")
    return Table(columns, rows)


def records(text):
    """[(number, cells)] of the rows that hold anything and are no comments.

    Empty cells at the end of a row are left out. Raises NotReadable.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise NotReadable("The list is larger than 2 MB. Split it.")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.", first.strip("\n ")):
        text = "\n" + rest  # Excel's own line; the rows keep their numbers
    found = []
    for number, cells in enumerate(parsed(text), 1):
        is_comment = cells and cells[0].startswith(COMMENT)
        cells = [unguarded(cell.strip()) for cell in cells]
        while cells and not cells[-1]:
            cells.pop()
        if cells and not is_comment:
            found.append((number, cells))
    return found


def refuse_many(rows):
    if len(rows) > MAX_ROWS:
        raise NotReadable(f"The list has {len(rows)} rows; at most {MAX_ROWS} at once.")


def delimiter_of(text):
    """The first delimiter of the first row: the name or code before it holds none."""
    first = text.lstrip("\n ").partition("\n")[0]
    return next((sign for sign in first if sign in DELIMITERS), DELIMITERS[0])


def parsed(text):
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter_of(text), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        too_long = "field larger" in str(error)
        why = "a cell is too long" if too_long else "a quote stands wrong"
        message = f"Line {reader.line_num} cannot be read: {why} there."
        raise NotReadable(message) from error


def columns_of(header, known, read_name):
    names = [read_name(text) for text in header]
    pairs = zip(header, names, strict=True)
    unknown = [f"“{text.strip()}”" for text, name in pairs if not name]
    if unknown:
        listed = ", ".join(unknown)
        raise NotReadable(f"Unknown column {listed}. Known are: {', '.join(known)}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NotReadable(f"The column “{twice[0]}” stands there twice.")
    if not names:
        raise NotReadable("The list is empty: its first row names no columns.")
    return names
