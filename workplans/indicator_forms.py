"""The forms of indicators and of what they are to reach."""

from decimal import Decimal

from django import forms

from aseanpm.forms import RoughDateField

from .models import Indicator, IndicatorTarget, in_figures
from .plan_forms import DatedFactForm, OfPlan


class FiguresField(forms.DecimalField):
    """A number that is shown with the decimals that it needs."""

    def prepare_value(self, value):
        return in_figures(value) if isinstance(value, Decimal) else value


class IndicatorForm(OfPlan):
    above_noun = "line or project"

    @property
    def above(self):
        return self.instance.of

    baseline_on = RoughDateField(
        label="Baseline of",
        required=False,
        help_text="As exactly as it is known: 2020-12-31, 2020-12 or 2020.",
    )

    class Meta:
        model = Indicator
        fields = [
            *("code", "title", "title_language", "level", "unit", "direction"),
            *("aggregation", "baseline_value"),
            *("basis", "basis_note", "sources"),
        ]
        field_classes = {"baseline_value": FiguresField}
        labels = {
            "direction": "It is to",
            "aggregation": "Over several periods",
            "baseline_value": "Baseline",
        }
        help_texts = {
            "title": "What is measured.",
            "unit": "Such as %, officials trained, days.",
            "aggregation": "Which value tells of all periods together.",
            "baseline_value": "Leave it empty where it is not known; 0 is a value.",
        }

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["title"].required = True
        said = self.instance
        text = self.fields["baseline_on"].text_of(
            said.baseline_on, said.baseline_on_precision
        )
        self.initial.setdefault("baseline_on", text)
        if self.is_new:
            number = self.above.indicators.count() + 1
            self.propose(code=f"{self.above.code}-I{number}")

    @property
    def parts(self):
        return (("Where it stood", ("baseline_value", "baseline_on")), *super().parts)

    def values(self):
        values, lists = super().values()
        day, precision = self.cleaned_data["baseline_on"]
        values |= {"baseline_on": day, "baseline_on_precision": precision}
        return values, lists


class TargetForm(DatedFactForm):
    due = RoughDateField(
        label="By",
        help_text="As exactly as it was said: 2025-12-31, 2025-12 or 2025.",
    )

    class Meta:
        model = IndicatorTarget
        fields = ["value", "effective_on", "basis", "source", "note"]
        field_classes = {"value": FiguresField}
        help_texts = {
            "value": "Leave it empty where nothing is aimed at for that day any more."
        }

    field_order = [
        *("value", "due", "effective_on", "change", "corrects", "reason"),
        *("basis", "source", "note"),
    ]

    def __init__(self, *args, about, **options):
        super().__init__(*args, about=about, **options)
        self.fields["effective_on"].label = "Set on"
        self.fields["value"].label = f"Target, {about.unit}"
        if self.old:
            text = self.fields["due"].text_of(self.old.due, self.old.due_precision)
            self.initial["due"] = text
        if "change" in self.fields:
            self.fields["change"].choices = [
                (self.DEVELOPMENT, "A target was set: it holds from the day above"),
                (self.CORRECTION, "The record was wrong: what it said never held"),
            ]

    @property
    def values(self):
        day, precision = self.cleaned_data["due"]
        return super().values | {"due": day, "due_precision": precision}
