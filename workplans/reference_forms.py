"""The forms of programmes, themes, bodies, frameworks and what founds their links."""

from django import forms
from django.core.exceptions import ValidationError

from aseanpm.editing import RESTS_ON, CodeOf, HangingField, HangingRow, KeptForm
from aseanpm.facts import Basis
from aseanpm.fields import fold
from aseanpm.forms import CodeField, Listing, RoughDateField

from .models import (
    ActionLine,
    Body,
    Framework,
    FrameworkLink,
    Programme,
    Statement,
    Theme,
    WorkPlan,
)


class ProgrammeForm(KeptForm):
    translated = "title"

    class Meta:
        model = Programme
        fields = ["code", "title"]


class ThemeForm(KeptForm):
    translated = "title"

    class Meta:
        model = Theme
        fields = ["code", "title", "title_language", *RESTS_ON]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["title"].required = True


class BodyForm(KeptForm):
    translated = "name"

    class Meta:
        model = Body
        fields = ["code", "name", "role", "members", "chair_rule", *RESTS_ON]
        labels = {"role": "What it does", "chair_rule": "Who chairs it"}

    def clean_name(self):
        name = self.cleaned_data["name"]
        for other in Body.objects.exclude(pk=self.instance.pk):
            if "name" in self.changed_data and fold(other.name) == fold(name):
                raise ValidationError(f"{other.code} is called “{other.name}” already.")
        return name


class LinkRow(HangingRow):
    model = FrameworkLink
    names = ("plan", "line", "statement", "note", "basis")
    settled = ("key", "basis")

    plan = CodeField(empty="choose")
    line = CodeOf(ActionLine.objects.all(), required=False, label="Line, by its code")
    statement = CodeField(empty="none known", required=False)
    note = forms.CharField(max_length=300, required=False)
    basis = forms.ChoiceField(choices=Basis.choices)

    def clean(self):
        said = super().clean()
        plan, line = said.get("plan"), said.get("line")
        if plan and line and line.plan_id != plan.pk:
            self.add_error("line", f"{line.code} is no line of {plan.code}.")
        return said


def links_differ(rows):
    seen: dict = {}
    for number, one in enumerate(rows, 1):
        key = (one["plan"], one["line"], one["statement"])
        before = seen.setdefault(key, number)
        if before != number:
            raise ValidationError(f"Row {number} says the same as row {before}.")


class FrameworkForm(KeptForm):
    translated = "title"

    links = HangingField(
        LinkRow,
        check=links_differ,
        label="Linked with",
        add="Add a link",
        help_text="A plan or one of its lines, and the statement that founds the link.",
    )

    class Meta:
        model = Framework
        fields = ["code", "title", "title_language", "note", *RESTS_ON]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["title"].required = True
        own = Statement.objects.filter(framework=self.instance.pk)
        self.fields["links"].listings = {
            "plan": Listing(WorkPlan.objects.all(), label=lambda row: row.code),
            "statement": Listing(own, label=lambda row: row.code),
        }


class StatementForm(KeptForm):
    translated = "title"

    dated = RoughDateField(
        label="Date",
        required=False,
        help_text="As exactly as it is known: 2011-11-17, 2011-11 or 2011.",
    )

    class Meta:
        model = Statement
        fields = ["code", "framework", "title", "title_language", *RESTS_ON]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["title"].required = True
        said = self.instance
        text = self.fields["dated"].text_of(said.on, said.precision)
        self.initial.setdefault("dated", text)

    def values(self):
        values, lists = super().values()
        day, precision = self.cleaned_data["dated"]
        return values | {"on": day, "precision": precision}, lists
