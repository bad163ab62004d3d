"""Exchange rates as people and files write them."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from aseanpm import csv_text
from aseanpm.forms import TidyMixin

from .fact_forms import FactDay, NumberField, placed
from .models import ExchangeRate

HEADER = ("currency", "on", "rate", "source")
MOST_ROWS = 500  # more would keep other writers waiting for seconds


class RateForm(TidyMixin, forms.ModelForm):
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

    def clean_currency(self):
        return self.cleaned_data["currency"].upper()

    def _post_clean(self):
        """What the model objects to the row as a whole is said at a field of it."""
        super()._post_clean()
        for sentence in self.errors.pop(NON_FIELD_ERRORS, []):
            self.add_error(*placed(ExchangeRate, NON_FIELD_ERRORS, sentence))


class RateRowForm(RateForm):
    """A row of a list, which may give another rate for a day on record."""

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() | {"on"}


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

    file = forms.FileField(label="CSV file", required=False, allow_empty_file=True)
    text = forms.CharField(
        label="or its text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    rows: list[RateRow] = []
    wrong: list[RowError] = []

    def clean(self):
        read = super().clean()
        try:
            text = csv_text.decoded(read["file"].read()) if read.get("file") else ""
            text = text or read.get("text", "")
            if text.strip():
                self.rows, self.wrong = read_rates(text)
            elif not self.errors:
                self.add_error("file", "Choose a file, or paste its text below.")
        except csv_text.NotReadable as error:
            self.add_error("file" if read.get("file") else "text", str(error))
        else:
            self.data = self.data.copy()
            self.data["text"] = text
        return read


def read_rates(text):
    """(the rows of a CSV, all that is wrong with them), one or the other empty.

    Raises NotReadable where the whole cannot be read.
    """
    table = csv_text.read(text, HEADER, column_of)
    missing = [name for name in HEADER if name not in table.columns]
    if missing:
        raise csv_text.NotReadable(f"There is no column “{missing[0]}”.")
    if len(table.rows) > MOST_ROWS:
        more = f"The list has {len(table.rows):,} rates; {MOST_ROWS:,} fit into one go."
        raise csv_text.NotReadable(more)
    rows, wrong, seen = [], [], {}
    recorded = {(rate.currency, rate.on): rate for rate in ExchangeRate.objects.all()}
    for row in table.rows:
        form = RateRowForm(row.cells)
        errors = dict(form.errors)
        key = (row.cells["currency"].upper(), row.cells["on"])
        if not errors and key in seen:
            errors = {"on": [f"Row {seen[key]} has this currency and day already."]}
        seen.setdefault(key, row.number)
        wrong += [
            RowError(row.number, name, row.cells.get(name, ""), message)
            for name in HEADER
            for message in errors.get(name, ())
        ]
        if not errors:
            read = form.cleaned_data
            on_record = recorded.get((read["currency"], read["on"]))
            rows.append(RateRow(row.number, **read, recorded=on_record))
    return ([], wrong) if wrong else (rows, [])


def column_of(header):
    name = header.strip().lower()
    return name if name in HEADER else ""
