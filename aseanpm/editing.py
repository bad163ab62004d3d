"""Forms of rows that are no facts: codes made once, translations, rows that hang on.

What hangs on a row (the aliases of a partner) is written with it, unless it was changed
since the form was opened. Keys never leave the house: such a row goes by a digest of
its key.
"""

import json
import re
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace

from django import forms
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.views.generic import TemplateView

from . import writing
from .facts import AlreadyRecorded, Precision
from .forms import DayInput, Row, RowsField, TidyMixin, problems_of
from .models import Source
from .pages import address, row_or_404
from .workplace import (
    KeptFormView,
    add_errors,
    chosen,
    differences,
    opened_in,
    tidy,
    version_of,
)

LANGUAGES = {
    "en": "English",
    "vi": "Vietnamese",
    "km": "Khmer",
    "lo": "Lao",
    "my": "Burmese",
    "id": "Indonesian",
    "ms": "Malay",
    "th": "Thai",
    "tl": "Filipino",
    "pt": "Portuguese",
}
OFFERED = ("vi", "km", "lo", "my")  # others are shown where they are on record
RESTS_ON = ("basis", "basis_note", "sources")
CODE = re.compile(r"[A-Z0-9]+(?:[-+][A-Z0-9]+)*\+?", re.ASCII)


# Codes


def read_code(text):
    """A code as it is kept; raises ValidationError for what cannot be one."""
    code = text.strip().upper()
    if not CODE.fullmatch(code):
        raise ValidationError(
            f"“{text}” cannot be a code. Write letters A to Z and digits, with hyphens "
            "and no spaces between them, such as IAI-V."
        )
    return code


def refuse_used(model, code, *, ever=True):
    """Raise ValidationError where a row has the code, or (`ever`) once had it."""
    row = model._base_manager.filter(code__iexact=code).first()
    if row and getattr(row, "withdrawn_at", None):
        raise ValidationError(
            f"{row.code} is the code of “{name_of(row)}”, which was taken back. Undo "
            "that in the history, or choose another code."
        )
    if row:
        raise ValidationError(f"{row.code} is the code of “{name_of(row)}” already.")
    if not ever or not hasattr(model, "history"):
        return
    former = model.history.filter(code__iexact=code).first()
    if former:
        raise ValidationError(
            f"{former.code} was the code of “{name_of(former)}”, which was taken "
            "back. A code is never used again: restore that from its history."
        )


def name_of(row):
    return getattr(row, "name", "") or getattr(row, "title", "") or str(row)


def key_of(row):
    """A name for a row without a code, which tells nothing of its key."""
    return salted_hmac("row", f"{row._meta.label}:{row.pk}").hexdigest()[:12]


def by_key(rows, key):
    """The row of such a name, or None."""
    return next((row for row in rows if key_of(row) == key), None)


class CodeOf(forms.CharField):
    """One row, called by its code."""

    def __init__(self, rows, **options):
        self.rows = rows
        super().__init__(**options)
        self.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def prepare_value(self, value):
        return getattr(value, "code", value)

    def clean(self, value):
        text = super().clean(value)
        return self.found([text])[0] if text else None

    def found(self, codes):
        """The rows of these codes, in their order; raises ValidationError."""
        wanted = [code.upper() for code in codes]
        rows = {row.code.upper(): row for row in self.rows.filter(code__in=wanted)}
        missing = [code for code in codes if code.upper() not in rows]
        if missing:
            noun = self.rows.model._meta.verbose_name
            raise ValidationError([f"There is no {noun} “{code}”." for code in missing])
        return [rows[code] for code in wanted]

    def has_changed(self, initial, data):
        return (self.prepare_value(initial) or "") != (data or "").strip()


class CodesOf(CodeOf):
    """Several rows, called by their codes with commas between them."""

    def __init__(self, rows, **options):
        super().__init__(rows, max_length=400, **options)

    def prepare_value(self, value):
        if value is None or isinstance(value, str):
            return value
        return ", ".join(sorted(row.code for row in value))

    def clean(self, value):
        text = forms.CharField.clean(self, value)
        return self.found(list(dict.fromkeys(re.findall(r"[^\s,;]+", text))))


# Rows that hang on another


class HangingRow(Row):
    """A row of a model that hangs on another; `names` are the fields it writes.

    `rough` maps a RoughDateField to the date and the precision that it fills.
    """

    key = forms.CharField(required=False, widget=forms.HiddenInput)
    settled: tuple[str, ...] = ("key",)
    model: type
    names: tuple = ()
    rough: dict = {}

    @classmethod
    def on_record(cls, relation):
        """The rows of a relation, with what they name."""
        columns = map(cls.model._meta.get_field, cls.names)
        return relation.select_related(
            *(column.name for column in columns if column.is_relation)
        )

    @classmethod
    def texts_of(cls, row):
        """{field: text} of a row on record."""
        texts = {"key": key_of(row)}
        for name in cls.names:
            value = getattr(row, name)
            texts[name] = str(getattr(value, "code", "" if value is None else value))
        for name, (day, precision) in cls.rough.items():
            field = cls.base_fields[name]
            texts[name] = field.text_of(getattr(row, day), getattr(row, precision))
        return texts

    @classmethod
    def values_of(cls, said):
        """{field: value} of the model, from what the row cleaned to."""
        values = {name: said[name] for name in cls.names}
        for name, (day, precision) in cls.rough.items():
            values[day], values[precision] = said[name] or (None, Precision.DAY)
        return values


class HangingField(RowsField):
    """The rows of a relation. `moves`: a change of them may move figures."""

    def __init__(self, row, *, moves=False, **options):
        super().__init__(row, **options)
        self.moves = moves

    def has_changed(self, initial, data):
        told = self.widget.format_value
        return told(initial) != told(data)

    def write(self, relation, parent, said):
        """Remove, change and add rows, in this order; whether anything was written.

        `said` numbers what the rows cleaned to. Raises WrongRow.
        """
        left = {key_of(row): row for row in relation.all()}
        found = [(number, one, left.pop(one["key"], None)) for number, one in said]
        for row in left.values():
            writing.remove(row)
        wrote = bool(left)
        for number, one, row in sorted(found, key=lambda each: each[2] is None):
            values = self.row.values_of(one)
            with told_of(number):
                if row is None:
                    new = {relation.field.name: parent, **values}
                    wrote = bool(writing.create(self.row.model(**new)))
                else:
                    wrote |= bool(writing.change(row, **values))
        return wrote


class WrongRow(ValidationError):
    """What the model has against a row of a form; rows are numbered from 1."""

    def __init__(self, number, error):
        super().__init__([f"Row {number}: {each}" for each in error.messages])
        self.number = number
        self.error = error


@contextmanager
def told_of(number):
    """Around the writing of a row: an error knows the number of the row."""
    try:
        yield
    except ValidationError as error:
        raise WrongRow(number, error) from error


def rows_of_both(opened, mine, theirs):
    """Rows (texts of a RowsWidget) with what two writers changed in those opened.

    None where both changed one row, or one changed what the other took away.
    """
    before, now = keyed(opened), keyed(theirs)
    found, left = [], dict(before)
    for text in mine:
        key = json.loads(text)["key"]
        old, new = left.pop(key, None), now.get(key)
        if old is None or text == new or old == new:
            found.append(text)
        elif text != old:
            return None
        elif new is not None:  # changed there alone
            found.append(new)
    if any(now.get(key) not in (None, text) for key, text in left.items()):
        return None
    return found + [text for key, text in now.items() if key not in before]


def keyed(rows):
    return {json.loads(text)["key"]: text for text in rows}


# Forms


@dataclass(frozen=True)
class Part:
    """Some fields of a form under a heading."""

    legend: str
    fields: list

    @property
    def id(self):
        return slugify(self.legend)


class Sheet:
    """A form that forms/sheet.html draws: its fields in parts, its problems on top.

    `parts` are (legend, names); fields that no part names come first, as the basics.
    """

    parts: tuple = ()

    def dress(self):
        """Days are chosen from a calendar, rows of other models go by their codes."""
        for name, field in self.fields.items():
            if isinstance(field, forms.DateField):
                field.widget = DayInput()
            elif isinstance(field, forms.ModelChoiceField):
                model = field.queryset.model
                field.to_field_name = getattr(model, "USERNAME_FIELD", "code")
                if not field.required:
                    field.empty_label = "none"
                if self.initial.get(name):
                    self.initial[name] = getattr(self.instance, name)
            elif isinstance(field.widget, forms.Textarea):
                field.widget.attrs["rows"] = 3

    @cached_property
    def groups(self):
        """The parts in their order, those without fields left out."""
        placed = {name for _, names in self.parts for name in names}
        first = [name for name in self.fields if name not in placed]
        return [
            Part(legend, [self[name] for name in shown])
            for legend, names in (("Basics", first), *self.parts)
            if (shown := [name for name in names if name in self.fields])
        ]

    @property
    def has_parts(self):
        return len(self.groups) > 2

    def problems(self):
        """(id of a field or '', sentence) of all that is wrong."""
        return problems_of(self) if self.is_bound else []


class KeptForm(TidyMixin, Sheet, forms.ModelForm):
    """A ModelForm of a row with a code, its translations, and what hangs on it.

    `translated` names the field that has translations. A HangingField is called as the
    relation is. A change of a field in `moving` may move figures.
    """

    translated = ""
    moving: tuple = ()
    code_help = "Made once; never changed, and never used again."

    def __init__(self, data=None, files=None, *, instance=None, initial=None):
        super().__init__(data, files, instance=instance)
        self.is_new = self.instance.pk is None
        if not self.is_new:
            self.fields.pop("code", None)
            self.fields["reason"] = forms.CharField(
                label="Why",
                max_length=400,
                required=False,
                help_text="Kept with the change in the history.",
            )
        elif "code" in self.fields:
            field = self.fields["code"]
            field.help_text = field.help_text or self.code_help
            field.widget.attrs["autocomplete"] = "off"
        if "sources" in self.fields:
            self.fields["sources"] = CodesOf(
                Source.objects.all(),
                required=False,
                help_text="Codes of the documents it rests on, such as DOC1, S22.",
            )
        if f"{self.translated}_language" in self.fields:
            name = f"{self.translated}_language"
            own = getattr(self.instance, name)
            self.fields[name] = forms.ChoiceField(
                label="Language",
                initial=own,
                choices=list(({own: own} | LANGUAGES).items()),
            )
        self.dress()
        self.offer_translations()
        for name, field in self.hanging.items():
            rows = () if self.is_new else field.row.on_record(self.relation(name))
            self.initial[name] = [field.row.texts_of(row) for row in rows]
        self.initial |= initial or {}

    @property
    def hanging(self):
        return {
            name: field
            for name, field in self.fields.items()
            if isinstance(field, HangingField)
        }

    def relation(self, name):
        return getattr(self.instance, name)

    # Translations

    def offer_translations(self):
        """A field for each language that is offered or on record."""
        if not self.translated:
            return
        longest = self._meta.model._meta.get_field(self.translated).max_length
        stored = self.stored_translations
        for language in dict.fromkeys((*OFFERED, *stored)):
            self.fields[self.in_language(language)] = forms.CharField(
                label=LANGUAGES.get(language, language),
                max_length=longest,
                required=False,
                initial=stored.get(language, ""),
                widget=forms.TextInput({"lang": language}),
            )

    @property
    def stored_translations(self):
        return getattr(self.instance, f"{self.translated}_translations")

    def in_language(self, language):
        return f"{self.translated}_in_{language}"

    def translations(self):
        """{language: text} of all that is not left empty."""
        said = {
            language: self.cleaned_data.get(self.in_language(language), "")
            for language in dict.fromkeys((*OFFERED, *self.stored_translations))
        }
        return {language: text for language, text in said.items() if text}

    @property
    def parts(self):
        return (
            ("In other languages", self.translation_fields),
            ("What this rests on", ("basis", "basis_note", "sources")),
            ("This change", ("reason",)),
        )

    @property
    def translation_fields(self):
        prefix = self.in_language("") if self.translated else None
        return [name for name in self.fields if prefix and name.startswith(prefix)]

    # Checks

    def clean(self):
        cleaned = super().clean()
        own = self.cleaned_data.get(f"{self.translated}_language")
        name = self.in_language(own)
        if own and self.cleaned_data.get(name):
            said = LANGUAGES.get(own, own)
            self.add_error(name, f"The {self.translated} itself is in {said}.")
        return cleaned

    def clean_code(self):
        code = read_code(self.cleaned_data["code"])
        refuse_used(self._meta.model, code)
        return code

    def may_move(self):
        """Whether what is written may move figures; a new row has none yet."""
        moving = {*self.moving, *(n for n, f in self.hanging.items() if f.moves)}
        return not self.is_new and bool(moving & set(self.changed_data))

    # Writing

    def values(self):
        """(values of fields, {many-to-many field: rows}) as they are written."""
        lists = {field.name for field in self.instance._meta.many_to_many}
        values = {
            name: self.cleaned_data[name]
            for name in self._meta.fields
            if name in self.fields
        }
        if self.translated:
            values[f"{self.translated}_translations"] = self.translations()
        listed = {name: values.pop(name) for name in lists & values.keys()}
        return values, listed

    def write(self, version=None):
        """Write the row and what hangs on it; returns the row, and sets `undoable`.

        Raises Stale and ValidationError.
        """
        values, lists = self.values()
        row = self.instance
        if self.is_new:
            for name, value in values.items():
                setattr(row, name, value)
            writing.create(row, **lists)
            changed = []
        else:
            changed = writing.change(row, version=version, lists=lists, **values)
            self.refuse_stale_rows()
        self.undoable = hasattr(row, "history") and all(
            map(self.keeps_history_of, lists.keys() & set(changed))
        )
        wrote = [
            self.write_rows(name, field, row) for name, field in self.hanging.items()
        ]
        if any(wrote) and not changed and not self.is_new:
            writing.renew(row)
        return row

    def refuse_stale_rows(self):
        """Raise Stale where rows are not those that the form was opened with.

        Rows may be written from two sides, and be brought back by an undo.
        """
        opened = opened_in(self.data)
        for name, field in self.hanging.items():
            rows = field.row.on_record(self.relation(name))
            now = field.widget.format_value([field.row.texts_of(row) for row in rows])
            if list(map(tidy, now)) != opened.get(name, []):
                raise writing.Stale(self.instance)

    def write_rows(self, name, field, row):
        """Write the rows of a relation; raises ValidationError, said at the rows."""
        said = enumerate(self.cleaned_data[name], 1)
        try:
            return field.write(self.relation(name), row, said)
        except WrongRow as wrong:
            self.blame(name, wrong.number, wrong.error)
            raise ValidationError([]) from wrong
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from error

    def blame(self, name, number, error):
        """Say at a row of a field what is wrong; rows left blank are not numbered."""
        row = [row for row in self[name].rows if row.is_bound][number - 1]
        row.full_clean()
        add_errors(row, error)
        self.add_error(name, f"Look at row {number}.")

    def keeps_history_of(self, name):
        """Whether a list can be restored from the row's history."""
        listed = self._meta.model.history.model._history_m2m_fields
        return name in {field.name for field in listed}


class KeptRowsView(KeptFormView):
    """Create or edit a row with what hangs on it, and tell which figures that moves."""

    form_class: type[KeptForm] = KeptForm
    template_name = "forms/sheet.html"

    def new_form(self, row, data=None, initial=None):
        return self.form_class(data, instance=copy(row), initial=initial)

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        self.row = self.get_object()
        sent = chosen(request.POST, lambda: self.new_form(self.row))
        if "add" in sent or "remove" in sent:
            return self.with_other_rows(sent)
        if self.row and version_of(sent) != self.row.version:
            return self.conflict(sent)
        return super().post(request, *args, **kwargs)

    def compare(self, sent, current):
        """Rows that the two did not both change are of both."""
        found, opened = super().compare(sent, current), opened_in(sent)
        for name in current.hanging.keys() & found.keys():
            one = found[name]
            rows = rows_of_both(opened.get(name, []), one.mine, one.theirs)
            if one.is_mine and rows is not None:
                found[name] = replace(one, theirs=rows, is_mine=False)
        return found

    def with_other_rows(self, sent):
        """The page with what was typed, one row more or less, and no complaints."""
        form = self.new_form(self.row, sent)
        name, _, number = sent.get("remove", "").rpartition("-")
        if name in form.hanging and number.isascii() and number.isdigit():
            sent = form.fields[name].widget.without(sent, name, int(number))
            form = self.new_form(self.row, sent)
        typed = {field.html_name: field.data for field in form}
        added = sent.get("add")
        if added in form.hanging:
            typed[added] = [*typed[added], {}]
        form = self.new_form(self.row, initial=typed)
        form.added = added
        return self.render_to_response(self.get_context_data(form=form, changed=True))

    def save(self, form, version):
        if self.row and not differences(form.data, self.new_form(self.row)):
            return self.done(None, "Nothing was changed.", self.address_of(self.row))
        if not form.may_move():
            return self.store(form, version)
        found = self.moved(lambda: form.write(version))
        if found:
            return self.render_to_response(
                self.get_context_data(form=form, moved=found)
            )
        return self.store(self.again(form), version)

    def again(self, form):
        """The same form afresh: a trial leaves its traces in what it wrote."""
        fresh = self.new_form(self.get_object(), form.data)
        fresh.is_valid()
        return fresh

    def store(self, form, version):
        reason = form.cleaned_data.get("reason", "")
        with self.entry(self.what(form), reason) as entry:
            row = form.write(version)
            entry.can_be_undone = form.undoable
            entry.opens = self.address_of(row)
        return self.done(entry, f"{name_of(row)} was saved.", self.address_of(row))

    def what(self, form):
        row = form.instance
        does = "New" if form.is_new else "Changed"
        return f"{does} {row._meta.verbose_name}: {name_of(row)}"

    def get_context_data(self, **context):
        form, row = context["form"], self.row
        context.setdefault("cancel", self.place() or self.address_of(row))
        context.setdefault("code", getattr(row, "code", "") if row else "")
        if not self.title:
            noun = form.instance._meta.verbose_name
            title = f"Edit {name_of(row)}" if row else f"New {noun}"
            context.setdefault("title", title)
        return super().get_context_data(**context)


class ReferenceView(KeptRowsView, TemplateView):
    """Edit a row of reference data, called by its code."""

    template_name = "forms/reference.html"
    resource = "reference"
    index = "partners:reference"
    kind = ""

    @property
    def rows(self):
        return self.form_class._meta.model.objects.all()

    def get_object(self):
        return row_or_404(self.rows, code=self.kwargs["code"])

    def address_of(self, row):
        if hasattr(row, "get_absolute_url"):
            return row.get_absolute_url()
        return address(self.index, kind=self.kind)

    def get_context_data(self, **context):
        return super().get_context_data(
            listed=address(self.index, kind=self.kind),
            noun=self.form_class._meta.model._meta.verbose_name_plural,
            **context,
        )


class NewReferenceView(ReferenceView):
    action = "create"

    def get_object(self):
        return None
