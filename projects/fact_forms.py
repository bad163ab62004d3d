"""The forms of facts: what is asked when one is recorded, and when one was wrong.

They read and name; the rules stand in the models, in lifecycle and in actions, whose
objections `take` puts at the fields.
"""

import datetime as dt
import hashlib
import re
from decimal import Decimal
from functools import partial

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils import timezone

from aseanpm.facts import FOUNDED, Basis, Fact, Recorded
from aseanpm.forms import DayField, TidyMixin, problems_of

from . import actions, lifecycle, money
from .models import (
    COUNTING,
    ApprovalStep,
    Benefit,
    Change,
    Funding,
    LineReference,
    Placement,
    Status,
    StatusChange,
)

CIRCULATION = "circulation"
LAST_FIRST = "Meetings, the last first"
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

# At which field a constraint of one row is said.
FIELD_OF = {
    "money_approved_budget_names_no_funder": "partner",
    "money_approved_budget_is_no_counterpart": "is_counterpart",
    "money_approved_budget_is_public": "is_private",
    "money_names_its_giver": "partner",
    "money_rate_is_above_zero": "rate",
    "money_dollar_is_a_dollar": "rate",
    "money_rate_has_a_date_and_a_source": "rate_source",
    "benefit_of_a_country_or_a_grouping": "country",
    "benefit_share_is_known_when_stated": "share",
    "benefit_share_is_a_percentage": "share",
    "exchange_rate_once_a_day": "on",
    "exchange_rate_is_above_zero": "rate",
    "exchange_rate_of_a_dollar_is_1": "currency",
}


CORRECTION = ("This correction", ("reason",))


def rows_of(model, name):
    """The rows that a field of a model may name, reached through the field."""
    return model._meta.get_field(name).related_model.objects.all()


# Fields


class FactDay(DayField):
    """A day from the founding of ASEAN until today."""

    def validate(self, value):
        super().validate(value)
        if value and value < FOUNDED:
            raise ValidationError("ASEAN was founded on 8 August 1967, after that day.")


class NumberField(forms.CharField):
    """An exact number in ASCII digits, with as many decimals at most."""

    def __init__(self, *, decimals=2, signed=False, **options):
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(widget=widget, **options)
        self.decimals = decimals
        self.signed = signed

    def prepare_value(self, value):
        if not isinstance(value, Decimal):
            return value
        written = f"{value:f}"
        if "." in written:
            whole, _, part = written.partition(".")
            part = part.rstrip("0")
            return f"{whole}.{part.ljust(min(2, self.decimals), '0')}"
        return written

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return None
        if self.signed and text[0] in "-−":
            return -money.number_of(text[1:], self.decimals)
        return money.number_of(text, self.decimals)


class AmountField(NumberField):
    """An amount, plus or minus. The form asks for it, or that it be said unknown."""

    def __init__(self, **options):
        super().__init__(signed=True, **options)

    def validate(self, value):
        pass


class RowField(forms.ModelChoiceField):
    """A row of another app by its code, as the page shows it."""

    def __init__(self, queryset, **options):
        super().__init__(queryset, to_field_name="code", **options)
        message = "“%(value)s” is not one of these."
        self.error_messages["invalid_choice"] = message

    def label_from_instance(self, row):
        name = getattr(row, "title", "") or getattr(row, "name", "")
        return f"{row.code} {name}" if name and name != row.code else row.code


class NameField(RowField):
    """A row by its name alone."""

    def label_from_instance(self, row):
        return str(row)


class DecidedField(forms.ChoiceField):
    """What decided: a meeting by its code, or a circulation without one.

    Cleans to {"meeting": row or None, "by_circulation": bool}. `news` says what can be
    chosen since the form was opened.
    """

    news = ""

    def __init__(self, **options):
        options["template_name"] = "projects/_decided_field.html"
        super().__init__(choices=partial(self.decisions, ""), **options)
        message = "“%(value)s” is no meeting on record."
        self.error_messages["invalid_choice"] = message

    def offer(self, project):
        """First the meetings of the body that decides on a project."""
        programme = lifecycle.programme_of(project)
        self.choices = partial(self.decisions, lifecycle.DECIDED_BY.get(programme))

    def welcome(self, meetings):
        """Tell of meetings that were recorded meanwhile, where the reader goes on."""
        names = "; ".join(f"the {one.undated}" for one in meetings)
        if not names:
            self.news = (
                "No meeting was recorded since you opened this form. Save it in its "
                "own tab, then choose it here."
            )
        elif len(meetings) == 1:
            self.news = (
                f"{names[0].upper()}{names[1:]} can now be chosen, and is chosen."
            )
        else:
            self.news = f"Can now be chosen: {names}."
        described = ["id_meeting_helptext"] if self.help_text else []
        self.widget.attrs |= {
            "autofocus": True,
            "aria-describedby": " ".join([*described, "id_meeting_news"]),
        }

    @staticmethod
    def decisions(body):
        meetings = rows_of(StatusChange, "meeting").select_related("body", "country")
        ours, others = [], []
        for one in last_first(list(meetings)):
            label = f"{one.undated}, {one.dates_shown or 'date not known'}"
            (ours if one.body.code == body else others).append((one.code, label, one))
        heading = "Other meetings, the last first" if ours else LAST_FIRST
        groups = [(ours[0][2].body.name, ours)] if ours else []
        return [
            ("", "Not named"),
            (CIRCULATION, "By circulation, without a meeting"),
            *(
                (name, [choice[:2] for choice in group])
                for name, group in [*groups, (heading, others)]
            ),
        ]

    def prepare_value(self, value):
        if isinstance(value, dict):
            meeting = value["meeting"]
            return meeting.code if meeting else CIRCULATION * value["by_circulation"]
        return value

    def clean(self, value):
        code = super().clean(value)
        named = code and code != CIRCULATION
        meetings = rows_of(StatusChange, "meeting")
        return {
            "meeting": meetings.get(code=code) if named else None,
            "by_circulation": code == CIRCULATION,
        }


def last_first(meetings):
    """Meetings, the last first; one without a date by its number among its body's."""

    def place(one):
        days = (
            other.held_until
            for other in meetings
            if other.held_until and other.number and one.number
            if other.body_id == one.body_id and other.number < one.number
        )
        day = one.held_until or max(days, default=dt.date.min)
        return day, one.number or 0, one.code

    return sorted(meetings, key=place, reverse=True)


class WordsField(forms.CharField):
    widget = forms.Textarea(attrs={"rows": 3})


# Forms


class FactForm(TidyMixin, forms.Form):
    """What is asked of one fact of a project, in `parts`: (legend, names of fields).

    What no part names comes first. With `fact`, the one on record that was wrong: then
    the reason is asked too.
    """

    use_required_attribute = False
    model: type[Recorded]
    on_what = True  # whether basis and source are asked
    parts: tuple = (("What it rests on", ("note", "basis", "source")), CORRECTION)

    def __init__(self, data=None, *, project, fact=None, **options):
        self.project = project
        self.fact = fact
        if fact:
            options["initial"] = self.told(fact) | options.get("initial", {})
        super().__init__(data, **options)
        if self.on_what:
            self.add_basis()
        if fact:
            self.fields["reason"] = WordsField(
                label="Why the record was wrong",
                help_text="Kept with what is withdrawn, for everyone who may see it.",
                error_messages={"required": "Say why the record was wrong."},
            )

    def add_basis(self):
        self.fields.setdefault("note", WordsField(label="Note", required=False))
        choices = [
            (value, label)
            for value, label in Basis.choices
            if value != Basis.ILLUSTRATIVE
            or self.project.is_illustrative
            or (self.fact and self.fact.basis == value)
        ]
        self.fields["basis"] = forms.ChoiceField(
            label="Rests on", choices=choices, initial=self.own_basis
        )
        self.fields["source"] = RowField(
            rows_of(self.model, "source"),
            label="Source",
            required=False,
            empty_label="Not named",
        )

    def groups(self):
        """[(legend, fields)] of what is shown, in the order of the parts."""
        named = {name for _, names in self.parts for name in names}
        first = [name for name in self.fields if name not in named]
        for legend, names in (("", first), *self.parts):
            fields = [self[name] for name in names if name in self.fields]
            if shown := [field for field in fields if not field.is_hidden]:
                yield legend, shown

    def problems(self):
        return problems_of(self) if self.is_bound else []

    @property
    def own_basis(self):
        """What is said of an illustrative project is illustrative too."""
        of = self.project
        return Basis.ILLUSTRATIVE if of.is_illustrative else Basis.DOCUMENTED

    def told(self, fact):
        """A fact as the form's first values."""
        names = {*self.base_fields, "note", "basis", "source"}
        return {name: getattr(fact, name) for name in names if hasattr(fact, name)}

    def values(self):
        """{field of the model: value} as read."""
        names = {field.name for field in self.model._meta.concrete_fields}
        found = {
            name: value for name, value in self.cleaned_data.items() if name in names
        }
        found.setdefault("basis", self.own_basis)
        return found

    def built(self):
        """A fact that is not yet recorded; it takes the last place of its day."""
        fact = self.model(project=self.project, **self.values())
        if isinstance(fact, Fact):
            fact.day_order = None
        return fact

    def changes(self):
        """{field: value} of what differs from the fact on record."""
        return {
            name: value
            for name, value in self.values().items()
            if getattr(self.fact, name) != value
        }

    def questions(self):
        """What is asked once before saving, in sentences; none where it was asked."""
        return []

    def first_day(self):
        """The first day that the figures may move on; None: all days."""
        days = [
            self.cleaned_data.get("effective_on"),
            getattr(self.fact, "effective_on", None),
        ]
        known = [day for day in days if day]
        return min(known) if issubclass(self.model, Fact) and known else None

    def take(self, error):
        """Show what models and actions object, at the fields where there are any."""
        said = error.error_dict if hasattr(error, "error_dict") else None
        for name, errors in (said or {NON_FIELD_ERRORS: error.error_list}).items():
            for sentence in ValidationError(errors).messages:
                at, words = placed(self.model, name, sentence)
                self.add_error(at if at in self.fields else None, words)


def placed(model, name, sentence):
    """(the field of an objection, its words); a constraint of the row names none."""
    if name != NON_FIELD_ERRORS:
        return name, sentence
    if "line_reference_once" in sentence:
        return "line", "The project refers to this line already."
    for constraint in model._meta.constraints:
        if constraint.violation_error_message == sentence:
            return FIELD_OF.get(constraint.name), sentence
    return None, sentence


class AskingForm(FactForm):
    """Asks once about what is odd and may yet be right."""

    asked = forms.CharField(required=False, widget=forms.HiddenInput)

    def oddities(self):
        """Sentences about what is odd."""
        raise NotImplementedError

    def questions(self):
        found = list(self.oddities())
        self.digest = hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]
        return [] if self.cleaned_data["asked"] == self.digest else found


class DecidedForm(AskingForm):
    """A dated fact that a meeting or a circulation decided.

    Left empty, the day is that of the meeting.
    """

    meeting = DecidedField(label="Decided", required=False)
    effective_on = FactDay(
        label="Day",
        required=False,
        help_text="Left empty: the last day of the meeting. Without one, give it.",
    )

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.fields["meeting"].offer(self.project)

    @property
    def approves(self):
        return False

    def oddities(self):
        meeting = self.decided["meeting"]
        programme = lifecycle.programme_of(self.project)
        body = lifecycle.DECIDED_BY.get(programme)
        if self.approves and meeting and body and meeting.body.code != body:
            other = lifecycle.decides_for(meeting.body.code) or "no programme"
            yield (
                f"This is a project of {programme}; the {meeting.undated} decides for "
                f"{other}."
            )

    def told(self, fact):
        decided = {"meeting": fact.meeting, "by_circulation": fact.by_circulation}
        return super().told(fact) | {"meeting": decided}

    @property
    def decided(self):
        return self.cleaned_data["meeting"]

    def values(self):
        return super().values() | self.decided

    def clean(self):
        super().clean()
        read = self.cleaned_data
        meeting = read.get("meeting", {}).get("meeting")
        if read.get("effective_on") or "effective_on" in self.errors:
            return read
        if meeting and meeting.held_until:
            if meeting.held_until > timezone.localdate():
                self.add_error("meeting", "This meeting has not been held yet.")
            read["effective_on"] = meeting.held_until
        elif meeting:
            message = "The date of this meeting is not on record: give the day."
            self.add_error("effective_on", message)
        elif read.get("meeting", {}).get("by_circulation"):
            message = "A circulation has no day of its own: give the day."
            self.add_error("effective_on", message)
        else:
            self.add_error("effective_on", "Give the day.")
        return read


class WithdrawForm(FactForm):
    """Says that a fact, of whatever kind, never was."""

    on_what = False
    parts = ()

    def __init__(self, *arguments, fact, **options):
        self.model = type(fact)
        super().__init__(*arguments, fact=fact, **options)


class StatusForm(DecidedForm):
    model = StatusChange
    status = forms.ChoiceField(label="Status", choices=Status)
    field_order = ("status",)

    @property
    def approves(self):
        return self.cleaned_data["status"] == Status.APPROVED

    @property
    def publishes(self):
        """Whether the project counts by this correction, and is not withheld."""
        before, after = self.fact.status, self.cleaned_data["status"]
        counts = after in COUNTING["approved"] and before not in COUNTING["approved"]
        return counts and not (
            self.project.is_published or self.project.withheld_reason
        )

    def oddities(self):
        yield from super().oddities()
        if self.publishes:
            yield "This publishes it: visitors will see it."


class MoveForm(DecidedForm):
    """The next status of a project, as the table of moves asks for it."""

    model = StatusChange
    on_what = False
    parts = ()
    note = WordsField(label="Reason", required=False)

    def __init__(self, *arguments, move, **options):
        super().__init__(*arguments, **options)
        self.move = move
        self.fields["note"].required = move.needs_reason
        if move.needs_reason:
            said = f"“{move.target_label}” needs a reason."
            self.fields["note"].error_messages["required"] = said
        if move.decided:
            self.fields["meeting"].required = True
            self.fields["meeting"].error_messages["required"] = (
                f"“{move.target_label}” names the meeting or the circulation that "
                "decided it."
            )
            self.fields[
                "effective_on"
            ].help_text = (
                "Left empty: the last day of the meeting. A circulation needs its day."
            )
        else:
            self.fields["effective_on"].initial = timezone.localdate
            self.fields["effective_on"].help_text = (
                "Today, unless you write another. Emptied: the last day of the meeting "
                "named above."
            )

    @property
    def approves(self):
        return self.move.target == Status.APPROVED


class CarryForm(MoveForm):
    """The last status of a project, and the successor that goes on in a later plan."""

    field_order = ("plan", "line", "begins", "benefits", "funders")

    BEGINS = {
        Status.CONCEPT: Status.CONCEPT,
        Status.APPRAISAL: Status.APPRAISAL,
        Status.APPROVED: Status.APPROVED,
        Status.ONGOING: Status.ONGOING,
        Status.ON_HOLD: Status.ONGOING,
    }

    plan = RowField(
        rows_of(Placement, "plan").none(), label="Goes on under", empty_label=None
    )
    line = RowField(
        rows_of(Placement, "line").none(),
        label="Primary line there",
        required=False,
        empty_label="Not known yet",
    )
    begins = forms.ChoiceField(
        label="The successor begins as",
        required=False,
        choices=[
            *((move.target, move.target_label) for move in lifecycle.moves_from("")),
            ("", "No status yet: it is counted nowhere"),
        ],
    )
    benefits = forms.BooleanField(
        label="The same countries benefit", required=False, initial=True
    )
    funders = forms.BooleanField(label="The same funders go on", required=False)

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        plans = actions.later_plans(self.project)
        self.fields["plan"].queryset = plans
        self.fields["plan"].error_messages["invalid_choice"] = (
            "“%(value)s” does not come after the plan of this project."
        )
        self.fields["line"].queryset = (
            rows_of(Placement, "line").filter(plan__in=plans).order_by("code")
        )
        self.fields["begins"].initial = self.BEGINS.get(self.move.source, "")

    def clean(self):
        super().clean()
        read = self.cleaned_data
        plan, line = read.get("plan"), read.get("line")
        if plan and line and line.plan_id != plan.pk:
            self.add_error("line", f"{line.code} is no line of {plan.code}.")
        return read


class StepForm(DecidedForm):
    model = ApprovalStep
    step = forms.ChoiceField(label="Step", choices=ApprovalStep.Step)
    outcome = forms.ChoiceField(label="Outcome", choices=ApprovalStep.Outcome)
    field_order = ("step", "outcome")


class PlacementForm(FactForm):
    model = Placement
    plan = RowField(rows_of(Placement, "plan"), label="Plan")
    area = RowField(
        rows_of(Placement, "area").select_related("plan"),
        label="Strategic area",
        required=False,
        empty_label="Not known",
        help_text="With a line: the area of that line.",
    )
    line = RowField(
        rows_of(Placement, "line").order_by("code"),
        label="Primary line",
        required=False,
        empty_label="Not known",
    )

    def values(self):
        found = super().values()
        line = found["line"]
        return found | {"area": line.area} if line else found


class LineReferenceForm(FactForm):
    model = LineReference
    line = RowField(
        rows_of(LineReference, "line").order_by("code"), label="Also refers to"
    )


class FunderForm(FactForm):
    """What names a partner and perhaps the fund through which it pays."""

    partner = NameField(
        rows_of(Funding, "partner").filter(merged_into__isnull=True),
        label="Funder",
        error_messages={"required": "Name the funder."},
    )
    fund = RowField(
        rows_of(Funding, "fund"),
        label="Through the fund",
        required=False,
        empty_label="No fund, or not known",
    )


class FundingForm(FunderForm):
    model = Funding
    delta = forms.TypedChoiceField(
        label="What happened",
        choices=Change.choices,
        coerce=int,
    )
    effective_on = FactDay(label="Day", error_messages={"required": "Give the day."})


class BenefitForm(FactForm):
    model = Benefit
    country = RowField(
        rows_of(Benefit, "country"),
        label="Country",
        required=False,
        empty_label="None: a grouping",
    )
    grouping = RowField(
        rows_of(Benefit, "grouping"),
        label="Grouping",
        required=False,
        empty_label="None: a country",
    )
    delta = forms.TypedChoiceField(
        label="What happened", choices=Change.choices, coerce=int
    )
    share_basis = forms.ChoiceField(
        label="Its share is",
        choices=Benefit.ShareBasis,
        initial=Benefit.ShareBasis.UNKNOWN,
    )
    share = NumberField(label="Share in per cent, if stated", required=False)
    effective_on = FactDay(label="Day", error_messages={"required": "Give the day."})


CORRECTED_BY: dict[type[Recorded], type[FactForm]] = {
    StatusChange: StatusForm,
    Placement: PlacementForm,
    LineReference: LineReferenceForm,
    Funding: FundingForm,
    Benefit: BenefitForm,
    ApprovalStep: StepForm,
}
