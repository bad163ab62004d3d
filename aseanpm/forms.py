"""Fields that take what people type: tidy text, rough dates, codes, rows of fields."""

import calendar
import datetime as dt
import json
import re
import unicodedata

from django import forms
from django.core.exceptions import ValidationError
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils import timezone
from django.utils.functional import cached_property

from .facts import Precision, shown_date


class Renderer(TemplatesSetting):
    """Draws every form, filters too, with the two templates in templates/forms/."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"


# Text

ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff]")
# All that draws nothing, also where it counts as a letter or a mark.
INVISIBLE = re.compile(
    "[\u200b-\u200d\u2060\ufeff\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Thai, Lao, Burmese, Khmer: there a zero width parts words and shapes letters.
WRITTEN_WITH_ZERO_WIDTH = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f]"
)


def tidy_text(text):
    """Text in NFC, without zero widths where its script has none; '' if none is seen.

    Raises ValidationError for signs that cannot be seen or that turn text round.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    if not INVISIBLE.sub("", text).strip():
        return ""
    if not WRITTEN_WITH_ZERO_WIDTH.search(text):
        text = ZERO_WIDTH.sub("", text)
    for sign in ZERO_WIDTH.sub("", text):
        if unicodedata.category(sign) in {"Cc", "Cf", "Cs"} and sign not in "\n\t\xad":
            raise ValidationError(
                f"Holds a sign that cannot be seen (U+{ord(sign):04X}). "
                "Delete it, or type the text anew."
            )
    return text.strip()


def tidy_line(text):
    """Tidy text on one line; each run of white space is one space."""
    return " ".join(tidy_text(text).split())


class TidyMixin:
    """A form whose texts, whole numbers and dates are tidy, or refused at their fields.

    Titles are one line, and so is what is typed into a field of one line. A choice that
    is open says so in a word.
    """

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for field in self.fields.values():
            name_the_blank(field)

    def clean(self):
        super().clean()
        for name, field in self.fields.items():
            if isinstance(field, forms.DateField) and self.has_error(name, "invalid"):
                self.check_calendar(name)
        for name, value in list(self.cleaned_data.items()):
            try:
                self.cleaned_data[name] = self.tidied(name, value)
            except ValidationError as error:
                self.add_error(name, error)
        return self.cleaned_data

    def check_calendar(self, name):
        """Say of a day that no calendar holds why it is none."""
        try:
            check_calendar(str(self[name].data))
        except ValidationError as error:
            del self.errors[name]
            self.add_error(name, error)

    def tidied(self, name, value):
        """A value as it is kept; raises ValidationError."""
        field = self.fields.get(name)
        if isinstance(value, str):
            is_line = isinstance(getattr(field, "widget", None), forms.TextInput)
            value = (tidy_line if is_line or name == "title" else tidy_text)(value)
            if field and field.required and not value:
                raise ValidationError(field.error_messages["required"])
        elif isinstance(field, forms.IntegerField) and isinstance(value, int):
            check_digits(str(self[name].data))
        elif isinstance(field, forms.DateField) and value:
            check_ascii(str(self[name].data))
            check_year(value)
        return value


DASHES = BLANK_CHOICE_DASH[0][1]


def name_the_blank(field):
    """A word for the empty choice that Django makes of dashes."""
    word = "None" if not field.required else "Choose"
    if getattr(field, "empty_label", None) == DASHES:
        field.empty_label = word
    elif isinstance(field, forms.TypedChoiceField):
        field.choices = [
            (value, word if label == DASHES else label)
            for value, label in field.choices
        ]


# Numbers and dates

WHOLE_NUMBER = re.compile(r"-?[0-9]+")
FIRST_YEAR = 1900
MONTHS = 12


def check_digits(typed):
    """Raise ValidationError for a number in other signs than plain digits."""
    if not WHOLE_NUMBER.fullmatch(typed.strip()):
        raise ValidationError(f"“{typed}” is no whole number. Write digits alone.")


def check_ascii(typed):
    if not typed.isascii():
        raise ValidationError(f"“{typed}” is no date. Write it as 2022-09-22.")


ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


def check_calendar(typed):
    """Raise ValidationError for a day, rightly written, that no calendar holds."""
    found = ISO.fullmatch(typed.strip())
    year, month, day = map(int, found.groups()) if found else (0, 0, 0)
    if year and month > MONTHS:
        raise ValidationError(f"There is no month {month}; a year has {MONTHS}.")
    if year and month and not 1 <= day <= calendar.monthrange(year, month)[1]:
        days = calendar.monthrange(year, month)[1]
        name = f"{calendar.month_name[month]} {year}"
        raise ValidationError(f"There is no {day} {name}: that month has {days} days.")


def check_year(day):
    if day.year < FIRST_YEAR:
        raise ValidationError(f"“{day}” lies before {FIRST_YEAR}.")


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%d")


class DayField(forms.DateField):
    """A day that has come: what a fact is dated by."""

    widget = DayInput
    default_validators = [check_year]

    def __init__(self, **options):
        super().__init__(input_formats=["%Y-%m-%d"], **options)
        self.error_messages["invalid"] = "This is no date. Write it as 2022-09-22."

    def to_python(self, value):
        check_ascii(str(value))
        check_calendar(str(value))
        return super().to_python(value)

    def validate(self, value):
        super().validate(value)
        if value and value > timezone.localdate():
            raise ValidationError("This day has not come yet; a fact is not planned.")


ROUGH_FORMATS = {
    Precision.DAY: ("%Y-%m-%d", "%d %B %Y", "%d %b %Y"),
    Precision.MONTH: ("%Y-%m", "%B %Y", "%b %Y"),
    Precision.YEAR: ("%Y",),
}


class RoughDateField(forms.CharField):
    """A date as exactly as it is known: 2026-03-31, 2026-03 or 2026.

    Cleans to (the last day of its period, its Precision), or (None, day).
    """

    def __init__(self, **options):
        super().__init__(max_length=30, **options)
        self.widget.attrs.setdefault("placeholder", "2026-03-31, 2026-03 or 2026")

    def to_python(self, value):
        text = super().to_python(value)
        if not text:
            return None, Precision.DAY
        for precision, formats in ROUGH_FORMATS.items() if text.isascii() else ():
            for each in formats:
                try:
                    day = dt.datetime.strptime(text, each).date()
                except ValueError:
                    continue
                if day.year >= FIRST_YEAR:
                    return last_day(day, precision), precision
        check_calendar(text)
        message = f"“{text}” is no date. Write 2026-03-31, 2026-03 or 2026."
        raise ValidationError(message)

    def validate(self, value):
        super().validate(value[0])

    def run_validators(self, value):
        """Its text was read already."""

    @staticmethod
    def text_of(day, precision):
        """What stands in the field for a date that is known so exactly."""
        return shown_date(day, precision) or ""


def last_day(day, precision):
    if precision == Precision.YEAR:
        return day.replace(month=12, day=31)
    if precision == Precision.MONTH:
        return day.replace(day=calendar.monthrange(day.year, day.month)[1])
    return day


# Codes


class Listing:
    """Rows to choose from, read once for all the fields that offer them.

    `group` tells the heading that a row stands under; `key` its code.
    """

    def __init__(self, rows, *, label=str, group=None, key=lambda row: row.code):
        self.rows = {}
        self.choices = []
        headings: dict = {}
        for row in rows:
            code = key(row)
            self.rows[code] = row
            choice = (code, label(row))
            heading = group(row) if group else ""
            if not heading:
                self.choices.append(choice)
            elif heading in headings:
                headings[heading].append(choice)
            else:
                headings[heading] = [choice]
                self.choices.append((heading, headings[heading]))


class CodeField(forms.ChoiceField):
    """One row of a Listing, by its code; a form offers it the listing."""

    def __init__(self, *, empty="", **options):
        self.empty = empty
        self.rows: dict = {}
        super().__init__(**options)
        self.error_messages["invalid_choice"] = "“%(value)s” cannot be chosen here."

    def offer(self, listing):
        self.rows = listing.rows
        self.choices = [("", self.empty), *listing.choices]

    def clean(self, value):
        return self.rows.get(super().clean(value))


class CodesField(forms.MultipleChoiceField):
    """Rows of a Listing, by their codes."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options):
        self.rows: dict = {}
        super().__init__(**options)

    def offer(self, listing):
        self.rows = listing.rows
        self.choices = listing.choices

    def clean(self, value):
        return [self.rows[code] for code in super().clean(value)]


# Rows of fields in a form


class Row(TidyMixin, forms.Form):
    """One row of a RowsField. `settled` names fields that alone make no row."""

    use_required_attribute = False
    settled: tuple[str, ...] = ()

    def __init__(self, *args, listings=None, **options):
        super().__init__(*args, **options)
        for name, listing in (listings or {}).items():
            self.fields[name].offer(listing)

    @classmethod
    def is_blank(cls, texts):
        return not any(
            text.strip() for name, text in texts.items() if name not in cls.settled
        )

    @property
    def in_words(self):
        """The row as a reader knows it: what was chosen, and what was typed."""
        said = [
            choices_of(field).get(text, text)
            for field in self.visible_fields()
            if (text := str(field.value() or ""))
        ]
        return " · ".join(said)


class RowsWidget(forms.Widget):
    """Rows as they are sent: NAME-NUMBER-FIELD; numbers may have gaps."""

    use_fieldset = True

    def __init__(self, row, attrs=None):
        super().__init__(attrs)
        self.row = row

    def keys(self, data, name):
        """(key, number, field) of all that belongs to the rows."""
        for key in data:
            found = re.fullmatch(rf"{re.escape(name)}-(\d{{1,4}})-(\w+)", key)
            if found and found[2] in self.row.base_fields:
                yield key, int(found[1]), found[2]

    def value_from_datadict(self, data, files, name):
        rows: dict = {}
        for key, number, field in self.keys(data, name):
            rows.setdefault(number, {})[field] = data[key]
        return [rows[number] for number in sorted(rows)]

    def format_value(self, value):
        """One text a row that is not blank, to tell two states apart."""
        return [
            json.dumps(
                {
                    name: str(row.get(name) or "").replace("\r\n", "\n").strip()
                    for name in self.row.base_fields
                },
                ensure_ascii=False,
            )
            for row in value or []
            if not self.row.is_blank(row)
        ]

    def put(self, data, name, texts):
        """Make `data` hold these rows (texts of format_value) and no others."""
        for key, _, _ in list(self.keys(data, name)):
            del data[key]
        for number, text in enumerate(texts):
            for field, value in json.loads(text).items():
                data[f"{name}-{number}-{field}"] = value

    def without(self, data, name, number):
        """A copy of `data` without one row."""
        data = data.copy()
        for key, of, _ in list(self.keys(data, name)):
            if of == number:
                del data[key]
        return data


class RowsField(forms.Field):
    """Rows that are added and taken out, with and without a script.

    Cleans to a list of what each Row cleaned to; rows left blank are no rows. `check`
    is called with the list and raises ValidationError for what spans rows. `offers` are
    further buttons that add rows: (value, label), read by the view.
    """

    def __init__(
        self, row, *, check=None, add="Add a row", offers=(), start=1, **options
    ):
        options.setdefault("required", False)
        super().__init__(widget=RowsWidget(row), **options)
        self.row = row
        self.check = check
        self.add = add
        self.offers = offers
        self.start = start
        self.listings: dict = {}

    def get_bound_field(self, form, field_name):
        return BoundRows(form, self, field_name)

    def clean(self, value):
        rows = [self.bound(texts) for texts in value if not self.row.is_blank(texts)]
        wrong = [number for number, row in enumerate(rows, 1) if not row.is_valid()]
        if wrong:
            where = ", ".join(map(str, wrong))
            raise ValidationError(f"Look at row {where}.", code="rows")
        cleaned = [row.cleaned_data for row in rows]
        if self.check:
            self.check(cleaned)
        return cleaned

    def bound(self, texts, prefix=None):
        start = f"{prefix}-" if prefix else ""
        data = {f"{start}{name}": text for name, text in texts.items()}
        return self.row(data, prefix=prefix, listings=self.listings)

    def in_words(self, text):
        """A row (a text of the widget's format_value) as a reader knows it."""
        return self.bound(json.loads(text)).in_words


class BoundRows(BoundField):
    @cached_property
    def rows(self):
        """The rows as forms, at least as many as the field starts with.

        With `added` of its form naming this field, the last takes the focus.
        """
        values = list(self.value() or [])
        if not self.form.is_bound:
            values += [{}] * (self.field.start - len(values))
        rows = [self.row(number, texts) for number, texts in enumerate(values)]
        if rows and getattr(self.form, "added", "") == self.html_name:
            first = rows[-1].visible_fields()[0]
            first.field.widget.attrs["autofocus"] = True
        return rows

    def row(self, number, texts):
        prefix = f"{self.html_name}-{number}"
        if self.form.is_bound and not self.field.row.is_blank(texts):
            return self.field.bound(texts, prefix)
        return self.field.row(
            initial=texts, prefix=prefix, listings=self.field.listings
        )

    @property
    def template(self):
        """A blank row for the script to copy; __n__ stands for its number."""
        return self.row("__n__", {})

    @property
    def problems(self):
        """(id of an input, sentence) of all that is wrong in the rows."""
        found = []
        for number, row in enumerate(self.rows, 1):
            where = f"{self.label}, row {number}"
            first = row.visible_fields()[0].id_for_label
            found += [(first, f"{where}: {each}") for each in row.non_field_errors()]
            found += [
                (bound.id_for_label, f"{where}, {bound.label}: {error}")
                for bound in row
                for error in bound.errors
            ]
        return found

    def __str__(self):
        return self.form.render("forms/rows.html", {"field": self})

    __html__ = __str__


def choices_of(field):
    """{text: label} of a bound field, whether its choices stand in groups or not."""
    labels = {}
    for key, label in getattr(field.field, "choices", ()):
        if isinstance(label, (list, tuple)):
            labels |= {str(one): words for one, words in label}
        else:
            labels[str(key)] = label
    return labels


def problems_of(*bound_forms):
    """(id of an input, sentence) of all that is wrong in forms, in their order."""
    found = []
    for form in bound_forms:
        found += [("", sentence) for sentence in form.non_field_errors()]
        for field in form:
            inner = getattr(field, "problems", [])
            found += inner or [
                (field.id_for_label or field.auto_id, f"{field.label}: {sentence}")
                for sentence in field.errors
            ]
    return found
