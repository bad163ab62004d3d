"""Filters for pages and API alike: strict, by code or name, on a clock.

They import no app. A CodeFilter takes the model from the field's path, and the model's
`named(text)` tells what a text means.
"""

import django_filters
from django import forms
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.utils.dateparse import parse_datetime

from .facts import Clock, UnreadableClock, check_range
from .problems import BadQuery, FieldError, refuse_unknown

CLOCK = ("as_of", "known_at")
VISITORS_TAGS = ("fbclid", "gclid")


def read_clock(parameters):
    """The Clock of a request's parameters; raises BadQuery naming the parameter."""
    try:
        return Clock.read(parameters)
    except UnreadableClock as error:
        raise BadQuery([FieldError(error.field, error.message)]) from error


def without_tags(parameters):
    """The names of the parameters, without those that mailings add to links."""
    return [
        name
        for name in parameters
        if name not in VISITORS_TAGS and not name.startswith("utm_")
    ]


class OneOrMoreSelect(forms.SelectMultiple):
    """A plain select; one with several values when several were asked for."""

    allow_multiple_selected = False

    def get_context(self, name, value, attrs):
        several = isinstance(value, (list, tuple)) and len(value) > 1
        self.allow_multiple_selected = several
        context = super().get_context(name, value, attrs)
        if several:
            context["widget"]["attrs"]["multiple"] = True
        else:
            context["widget"]["attrs"].pop("multiple", None)
        return context

    def value_from_datadict(self, data, files, name):
        values = data.getlist(name) if hasattr(data, "getlist") else data.get(name)
        if values is None:
            return []
        values = values if isinstance(values, (list, tuple)) else [values]
        return [value for value in values if value != ""]

    def format_value(self, value):
        return [str(one) for one in value or []]


class ManyField(forms.Field):
    """A parameter that may be repeated for "or"; `read` turns one text into values."""

    widget = OneOrMoreSelect

    def __init__(self, *, read, choices=(), **options):
        super().__init__(**options)
        self.read = read
        self.widget.choices = choices if callable(choices) else list(choices)

    def clean(self, value):
        found = []
        for text in value or []:
            found += self.read(text)
        return found

    def __deepcopy__(self, memo):
        copy = super().__deepcopy__(memo)
        copy.widget.choices = self.widget.choices
        return copy


class ChoicesFilter(django_filters.Filter):
    """One of a few words, or several of them."""

    field_class = ManyField

    def __init__(self, *args, choices, **options):
        self.words = dict(choices)
        super().__init__(
            *args,
            read=self.read,
            choices=[("", "Any"), *choices],
            **options,
        )

    def shown(self, text):
        return self.words.get(text, text)

    def read(self, text):
        if text not in self.words:
            known = ", ".join(self.words)
            raise ValidationError(f"“{text}” is not known. Known: {known}.")
        return [text]


class CodeFilter(django_filters.Filter):
    """Rows of another model, called by code, name or alias.

    `path` leads from the filter set's model to the other, such as
    "placements__line"; the filter's method gets a list of rows.
    """

    field_class = ManyField

    def __init__(self, *args, path, label_field="name", empty="Any", **options):
        self.path = path
        self.label_field = label_field
        self.empty = empty
        super().__init__(*args, read=self.read, choices=self.choices, **options)

    @property
    def rows(self):
        model = self.model
        for name in self.path.split("__"):
            try:
                model = model._meta.get_field(name).related_model
            except FieldDoesNotExist:
                model = next(
                    relation.related_model
                    for relation in model._meta.related_objects
                    if relation.get_accessor_name() == name
                )
        return model.objects

    def choices(self):
        rows = self.rows.values_list("code", self.label_field).order_by("code")
        return [("", self.empty), *((c, f"{c} {t}" if t != c else c) for c, t in rows)]

    def read(self, text):
        found = list(self.rows.named(text))
        if not found:
            raise ValidationError(f"Nothing here is called “{text}”.")
        return found


class MomentField(forms.CharField):
    """A moment in ISO 8601 with its offset."""

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return None
        if " " in text and "T" in text:
            text = text.replace(" ", "+")
        try:
            moment = parse_datetime(text) if text.isascii() else None
            if moment and moment.tzinfo:
                check_range(moment)
        except (ValueError, OverflowError):
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ValidationError(f"“{text}” is not a moment with its offset.")
        return moment


class MomentFilter(django_filters.Filter):
    field_class = MomentField


class YesNoFilter(django_filters.Filter):
    """true or false, nothing else."""

    field_class = ManyField

    def __init__(self, *args, **options):
        words = [("", "Any"), ("true", "Yes"), ("false", "No")]
        super().__init__(*args, read=self.read, choices=words, **options)

    def read(self, text):
        if text not in {"true", "false"}:
            raise ValidationError(f"“{text}” is neither true nor false.")
        return [text == "true"]


class StrictFilterSet(django_filters.FilterSet):
    """A filter set that refuses what it does not know, and says so.

    A page draws the filters in `shown`; any other that is in use stays in its form as a
    hidden input, so that Apply keeps it. An empty `shown` draws all.
    """

    shown: tuple[str, ...] = ()

    @classmethod
    def names(cls):
        return [*cls.base_filters, *CLOCK]

    @property
    def form(self):
        form = super().form
        for name in set(form.fields) - set(self.shown) if self.shown else ():
            field = form.fields[name]
            if name not in self.data:
                del form.fields[name]
            elif isinstance(field, ManyField):
                field.widget = forms.MultipleHiddenInput()
            else:
                field.widget = forms.HiddenInput()
        return form

    @classmethod
    def check_names(cls, parameters, also=()):
        """Refuse what is neither a filter nor the clock nor named in `also`."""
        refuse_unknown(without_tags(parameters), {*cls.names(), *also})

    @property
    def rows(self):
        """The filtered query set; raises BadQuery naming each unreadable parameter."""
        if not self.is_valid():
            raise BadQuery(
                FieldError(name, message)
                for name, messages in self.errors.items()
                for message in messages
            )
        return self.qs

    @classmethod
    def found(cls, data, rows, **options):
        """`rows` of a filter set, made with no more filters than are asked for."""
        filters = cls.__new__(cls)
        filters.base_filters = {
            name: each for name, each in cls.base_filters.items() if name in data
        }
        filters.__init__(data, rows, **options)
        return filters.rows

    @property
    def in_use(self):
        """A chip for each filter in use that the page does not draw."""
        return [
            {
                "label": each.label or name,
                "texts": list(map(getattr(each, "shown", str), texts)),
                "without": self._query_without(name),
            }
            for name, each in self.filters.items()
            if name not in self.shown
            and (texts := [text for text in self.data.getlist(name) if text])
        ]

    def _query_without(self, name):
        query = self.data.copy()
        for gone in (name, "page"):
            query.pop(gone, None)
        return f"?{query.urlencode()}"
