"""Exchange rates as people and files write them."""

import csv
import datetime as dt
import io
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from .fact_forms import FactDay, NumberField, placed
from .models import ExchangeRate

HEADER = ("currency", "on", "rate", "source")
MOST_ROWS = 1000
MOST_BYTES = 200_000
FORMULA_SIGNS = "=+-@\t\r"


class RateForm(forms.ModelForm):
    currency = forms.CharField(
        max_length=3,
        help_text="A code of ISO 4217, such as EUR.",
        error_messages={"required": "Write a code such as EUR."},
    )
    on = FactDay(label="Day", error_messages={"required": "Give the day."})
    rate = NumberField(
        label="US dollars for one unit",
        decimals=8,
        error_messages={"required": "Write the rate."},
    )
    source = forms.CharField(
        max_length=200,
        help_text="Who gives this rate, so that others find it again.",
        error_messages={"required": "Say who gives this rate."},
    )

    class Meta:
        model = ExchangeRate
        fields = list(HEADER)

    unchecked: tuple[str, ...] = ()

    def clean_currency(self):
        return self.cleaned_data["currency"].upper()

    def validate_constraints(self):
        """The rules of the row, each said at its field."""
        try:
            self.instance.validate_constraints(exclude=self.unchecked)
        except ValidationError as error:
            for sentence in error.messages:
                self.add_error(*placed(ExchangeRate, NON_FIELD_ERRORS, sentence))


class RateRowForm(RateForm):
    """A row of a list, which may give another rate for a day on record."""

    unchecked = ("on",)


@dataclass(frozen=True)
class RowError:
    """What is wrong with a row of a list, by its number in the file."""

    row: int
    column: str
    value: str
    message: str


@dataclass(frozen=True)
class RateRow:
    """A rate as a list gives it, and the one on record for that day, if any."""

    row: int
    currency: str
    on: dt.date
    rate: Decimal
    source: str
    recorded: ExchangeRate | None = None

    @property
    def values(self):
        return {name: getattr(self, name) for name in HEADER}

    @property
    def becomes(self):
        """new, changed or same."""
        if self.recorded is None:
            return "new"
        same = (self.recorded.rate, self.recorded.source) == (self.rate, self.source)
        return "same" if same else "changed"


class RateListForm(forms.Form):
    """A CSV of rates, as a file or as text; `rows` or `wrong` once it is cleaned."""

    file = forms.FileField(label="CSV file", required=False)
    text = forms.CharField(
        label="or its text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    rows: list[RateRow] = []
    wrong: list[RowError] = []

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > MOST_BYTES:
            raise ValidationError(f"The file is larger than {MOST_BYTES:,} bytes.")
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            message = "This is no text in UTF-8. Save the list as CSV (UTF-8)."
            raise ValidationError(message) from error

    def clean(self):
        read = super().clean()
        if self.errors:
            return read
        text = read["file"] or read["text"]
        if not text.strip():
            self.add_error("file", "Choose a file, or paste its text below.")
        elif len(text.encode()) > MOST_BYTES:
            self.add_error("text", f"This is more than {MOST_BYTES:,} bytes.")
        else:
            self.data = self.data.copy()
            self.data["text"] = text
            try:
                self.rows, self.wrong = read_rates(text)
            except ValidationError as error:
                self.add_error("text", error)
        return read


def read_rates(text):
    """(the rows of a CSV, all that is wrong with them), one or the other empty.

    The first line names the columns. Raises ValidationError where that line, or the
    whole, cannot be read.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        table = [(lines.line_num, line) for line in lines if any(map(str.strip, line))]
    except csv.Error as error:
        raise ValidationError(f"Line {lines.line_num} is no CSV: {error}.") from error
    names = [name.strip().lower() for name in table[0][1]]
    if sorted(names) != sorted(HEADER):
        raise ValidationError(
            f"The first line names the columns: {','.join(HEADER)}. "
            f"Here it says: {','.join(names)[:200]}."
        )
    if len(table) < 2:
        raise ValidationError("Below the names of the columns stands no rate.")
    if len(table) - 1 > MOST_ROWS:
        raise ValidationError(
            f"The list has {len(table) - 1:,} rates; {MOST_ROWS:,} fit into one go."
        )
    return checked(table[1:], names)


def checked(table, names):
    rows, wrong, seen = [], [], {}
    recorded = {(rate.currency, rate.on): rate for rate in ExchangeRate.objects.all()}
    for number, cells in table:
        if len(cells) != len(names):
            message = f"This row has {len(cells)} cells; {len(names)} are named."
            wrong.append(RowError(number, "", ",".join(cells)[:100], message))
            continue
        written = dict(zip(names, map(plain, cells), strict=True))
        form = RateRowForm(written)
        errors = dict(form.errors)
        key = (written["currency"].upper(), written["on"])
        if not errors and key in seen:
            message = f"Row {seen[key]} has this currency and day already."
            errors = {"on": [message]}
        seen.setdefault(key, number)
        wrong += [
            RowError(number, name, written.get(name, ""), message)
            for name, messages in errors.items()
            for message in messages
        ]
        if not errors:
            read = form.cleaned_data
            on_record = recorded.get((read["currency"], read["on"]))
            rows.append(RateRow(number, **read, recorded=on_record))
    return ([], wrong) if wrong else (rows, [])


def plain(cell):
    """A cell as it was before an export kept it from being read as a formula."""
    cell = cell.strip()
    escaped = cell.startswith("'") and cell[1:2] and cell[1] in FORMULA_SIGNS
    return cell[1:] if escaped else cell
