"""A fact as the API takes it: JSON that is typed into the form of the page.

So every rule, and every sentence about it, is the form's. Here stand the names and the
types of the JSON fields; the schema is read from the forms as well.
"""

import uuid
from collections import defaultdict

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import QueryDict
from drf_spectacular.utils import (
    OpenApiExample,
    PolymorphicProxySerializer,
    extend_schema_field,
    inline_serializer,
)
from rest_framework import serializers

from aseanpm.facts import Basis, Recorded
from aseanpm.forms import tidy_text
from aseanpm.problems import NUL
from aseanpm.workplace import raw

from . import fact_writing
from .fact_forms import (
    AskingForm,
    BenefitForm,
    CarryForm,
    FactDay,
    FactForm,
    FundingForm,
    LineReferenceForm,
    MoveForm,
    NumberField,
    PlacementForm,
    StatusForm,
    StepForm,
    WordsField,
)
from .models import MoneyEntry, Status
from .money_forms import MoneyForm, NewMoneyForm, ReverseForm

STATUS, MONEY = "status change", "money entry"
# {kind, as facts are told: the forms that ask for it, the first for a development}
FORMS: dict[str, tuple[type[FactForm], ...]] = {
    STATUS: (MoveForm, CarryForm, StatusForm),
    "placement": (PlacementForm,),
    "line reference": (LineReferenceForm,),
    "funding": (FundingForm,),
    "benefit": (BenefitForm,),
    MONEY: (NewMoneyForm, ReverseForm, MoneyForm),
    "approval step": (StepForm,),
}
CHANGES = DEVELOPMENT, CORRECTION = "development", "correction"
EVENTS = {"joins": "1", "leaves": "-1"}
GIVEN = {True: "kind", False: "cash"}

# Fields of forms that have another name in JSON, where "kind" tells of which facts
NAMES = {"kind": "money_kind", "delta": "event", "funds": "joins"}
ASIDE = {"asked", "proposed", "not_known"}
# Whatever the kind
ENVELOPE = {"kind", "change", "fact", "withdraw", "reverses", "reason", "confirmed"}
WRONG_FIELD = "Not asked for here."


def name_of(form, field):
    """The JSON name of a field of a form (or its class)."""
    if field == NON_FIELD_ERRORS:
        return "non_field_errors"
    form_class = form if isinstance(form, type) else type(form)
    if field == "note" and issubclass(form_class, MoveForm):
        return "reason"
    return {"not_known": "amount", "asked": "confirmed"}.get(
        field, NAMES.get(field, field)
    )


def asked(form):
    """{JSON name: name of the field} of what a form takes."""
    return {name_of(form, name): name for name in form.fields if name not in ASIDE}


def refuse(problems):
    raise serializers.ValidationError(problems)


class FactRequest:
    """One fact that was sent. Raises a 400 that names each field that cannot be read.

    What needs the project is asked by `deed` and `form`, under the lock.
    """

    def __init__(self, sent):
        if not isinstance(sent, dict):
            refuse({"non_field_errors": ["Send one fact, as an object."]})
        self.sent = sent
        self.kind = self._one_of("kind", FORMS)
        self.is_correction = self._one_of("change", (DEVELOPMENT, CORRECTION)) == (
            CORRECTION
        )
        self.withdraws = self._flag("withdraw")
        self.confirmed = self._flag("confirmed")
        self.fact = self._uuid("fact")
        self.reverses = self._uuid("reverses")
        self.reason = self._reason()
        if self.is_correction and self.fact is None:
            refuse({"fact": ["Name the fact that was wrong."]})
        for name in ("fact", "withdraw"):
            if not self.is_correction and sent.get(name):
                refuse({name: ["It is for a correction."]})
        if self.reverses and (self.is_correction or self.kind != MONEY):
            refuse({"reverses": ["It is for a new money entry."]})

    def _one_of(self, name, choices):
        value = self.sent.get(name)
        if value is None:
            refuse({name: ["This field is required."]})
        if value not in list(choices):
            refuse({name: [f"Write one of: {', '.join(choices)}."]})
        return value

    def _flag(self, name):
        value = self.sent.get(name, False)
        if not isinstance(value, bool):
            refuse({name: ["Send true or false."]})
        return value

    def _uuid(self, name):
        value = self.sent.get(name)
        try:
            return value if value is None else uuid.UUID(text_of(value))
        except ValueError:
            refuse({name: ["Send the id of a fact."]})
        except ValidationError as error:
            refuse({name: error.messages})

    def _reason(self):
        try:
            return tidy_text(text_of(self.sent.get("reason")))
        except ValidationError as error:
            refuse({"reason": error.messages})

    # What it asks of a project

    def deed(self, project, user):
        """What is to be written of a project, as it stands. Raises a 400."""
        deed, at = self._deed(project, user)
        if deed.refusal:
            refuse({at: [deed.refusal]})
        return deed

    def _deed(self, project, user):
        if self.is_correction:
            return self._set_right(project, user), "fact"
        if self.kind == STATUS:
            return fact_writing.Move(project, self._one_of("status", Status)), "status"
        if self.reverses:
            return fact_writing.ReverseMoney(project, self._reversed(project)), ""
        if self.kind == MONEY:
            return fact_writing.EnterMoney(project), ""
        return fact_writing.Record(project, FORMS[self.kind][0]), ""

    def _set_right(self, project, user):
        found = fact_writing.fact_of(project, self.fact, user)
        if not found:
            refuse({"fact": ["There is no such fact of this project."]})
        if kind_of(found[0]) != self.kind:
            refuse({"kind": [f"This fact is of kind “{kind_of(found[0])}”."]})
        does = fact_writing.Withdraw if self.withdraws else fact_writing.Correct
        return does(project, *found)

    def _reversed(self, project):
        entries = MoneyEntry.objects.known().select_related("partner", "fund")
        found = entries.filter(project=project, uuid=self.reverses).first()
        if not found:
            refuse({"reverses": ["There is no such entry of this project."]})
        return found

    def form(self, deed):
        """The form of a deed with what was sent, valid. Raises a 400."""
        data = self._typed_into(deed.form())
        form = deed.form(data)
        if not form.is_valid():
            refuse(problems_of(form))
        return form

    def write(self, deed, form, entry, project):
        """Write what a valid form says. Raises a 400, also for what is odd and not
        confirmed, once nothing else is wrong."""
        asks = isinstance(form, AskingForm) and not self.confirmed
        odd = list(form.oddities()) if asks else []
        try:
            deed.write(form, entry, project)
        except ValidationError as error:
            form.take(error)
            refuse(problems_of(form))
        if odd:
            refuse({"confirmed": odd})

    def _typed_into(self, form):
        """What a form would send: how it stands, with what was sent typed over it."""
        shown = raw(form)
        if not form.fact:
            shown.pop("effective_on", None)
            shown["in_kind"] = [GIVEN[False]]
        names, problems = asked(form), {}
        for name, value in self.sent.items():
            if name not in names:
                is_known = name in ENVELOPE or (
                    name == "status" and isinstance(form, MoveForm)
                )
                if not is_known:
                    problems[name] = [WRONG_FIELD]
                continue
            try:
                shown[names[name]] = typed(form.fields[names[name]], names[name], value)
            except ValidationError as error:
                problems[name] = error.messages
        if problems:
            refuse(problems)
        if "not_known" in form.fields and "amount" in self.sent:
            shown["not_known"] = ["on"] if self.sent["amount"] is None else []
        data = QueryDict(mutable=True)
        for name, texts in shown.items():
            data.setlist(name, texts)
        return data


def kind_of(fact: Recorded):
    return fact._meta.verbose_name


def problems_of(form):
    """{JSON name: sentences} of what is wrong with a form."""
    found = defaultdict(list)
    for name, sentences in form.errors.items():
        found[name_of(form, name)] += sentences
    return dict(found)


def text_of(value):
    """A text as it was sent; '' for none. Raises ValidationError."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValidationError("Send a text.")
    if NUL in value:
        raise ValidationError("Holds a NUL character.")
    return value


def typed(field, name, value):
    """The texts that a field of a form is sent for a value. Raises ValidationError."""
    if name == "in_kind" or isinstance(field, forms.BooleanField):
        if not isinstance(value, bool):
            raise ValidationError("Send true or false.")
        return [GIVEN[value]] if name == "in_kind" else ["on"] * value
    if name == "delta":
        if value not in list(EVENTS):
            raise ValidationError(f"Write one of: {', '.join(EVENTS)}.")
        return [EVENTS[value]]
    if isinstance(field, NumberField) and not isinstance(value, str | None):
        raise ValidationError("Send the number as a text, such as “1250.50”.")
    text = text_of(value)
    return [text] if text else []


# The schema


@extend_schema_field({"type": "string", "format": "decimal"})
class ExactNumberField(serializers.CharField):
    """An exact number, written as the forms take it."""


def field_of(name, field):
    """What the schema tells of a field of a form."""
    told = [str(field.label or ""), str(field.help_text or "")]
    options = {"help_text": ". ".join(filter(None, told)), "required": False}
    if name == "in_kind":
        options["help_text"] = "In kind, valued; otherwise in cash"
        return serializers.BooleanField(**options)
    if isinstance(field, forms.BooleanField):
        return serializers.BooleanField(**options)
    if name == "delta":
        return serializers.ChoiceField(list(EVENTS), **options)
    options["allow_null"] = not field.required or name in {"partner", "amount"}
    if isinstance(field, NumberField):
        return ExactNumberField(**options)
    if isinstance(field, FactDay):
        return serializers.DateField(**options)
    is_choice = type(field) in {forms.ChoiceField, forms.TypedChoiceField}
    if is_choice:
        return serializers.ChoiceField(
            [choice for choice in field.choices if choice[0]], **options
        )
    return serializers.CharField(**options)


def constant(text):
    field = type("ConstantField", (serializers.CharField,), {})
    return extend_schema_field({"type": "string", "const": text})(field)()


def envelope(kind):
    """The fields that stand around those of a form, in the schema's order."""
    found = {
        "kind": constant(kind),
        "change": serializers.ChoiceField(
            [DEVELOPMENT, CORRECTION],
            help_text=(
                "development: the world changed, on `effective_on`. correction: the "
                "record was wrong; what is left away stays as it was."
            ),
        ),
        "fact": serializers.UUIDField(
            required=False,
            allow_null=True,
            help_text="The id of the fact that was wrong, for a correction.",
        ),
        "withdraw": serializers.BooleanField(
            required=False,
            help_text="With a correction: it never was. Nothing takes its place.",
        ),
        "confirmed": serializers.BooleanField(
            required=False,
            help_text="Write it although it is odd, in the words of a former 400.",
        ),
    }
    if kind == MONEY:
        found["reverses"] = serializers.UUIDField(
            required=False,
            allow_null=True,
            help_text="The id of an entry that this takes back, at its own rate.",
        )
    return found


RESTS = {
    "note": WordsField(label="Note", required=False),
    "basis": forms.ChoiceField(label="Rests on", choices=Basis.choices),
    "source": forms.CharField(label="Source, by its code", required=False),
}


def schema_of(kind):
    """The serializer of one kind, for the schema."""
    fields = envelope(kind)
    for form in FORMS[kind]:
        asks = form.base_fields | (RESTS if form.on_what else {})
        for name, field in asks.items():
            if name not in ASIDE:
                fields.setdefault(name_of(form, name), field_of(name, field))
    if kind == STATUS:
        fields["status"].help_text = "The status."
    fields["reason"] = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Why it changed, or why the record was wrong; a correction needs it.",
    )
    title = "".join(word.capitalize() for word in kind.split())
    return inline_serializer(f"{title}Write", fields)


FactWriteSerializer = PolymorphicProxySerializer(
    component_name="FactWrite",
    serializers=lambda: {kind: schema_of(kind) for kind in FORMS},
    resource_type_field_name="kind",
)

RECORDING = """\
What the pages record of a project: a further status, its place in a plan, a further
line, a funder or beneficiary that joins or leaves, money, a step towards approval; or
that something on record was wrong. The rules, and the sentences about them, are those
of the pages; what is odd and may yet be right is refused once, at `confirmed`.

What a fact asks for depends on its `kind`, as on the page; in a correction, what is
left away stays as it was. Codes name plans, lines, meetings, partners and the like;
`meeting` may be "circulation". An `amount` of null is not known. Where a meeting
decided, its last day stands for an `effective_on` that is left away.

A status of `carried_over` makes the successor, in the `plan` and `line` that it goes on
under, unless there is one.
"""


def example(name, kind, change=DEVELOPMENT, **sent):
    value = {"kind": kind, "change": change} | sent
    return OpenApiExample(name, value=value, request_only=True)


FACT = "5a1d3c1e-6f0b-4b6e-9a52-0f6f5c1f2d11"
EXAMPLES = [
    example(
        "A project is approved at a meeting",
        STATUS,
        status="approved",
        meeting="IAI-TF-68",
    ),
    example(
        "A project is put on hold",
        STATUS,
        status="on_hold",
        effective_on="2023-03-01",
        reason="The implementing agency was dissolved.",
    ),
    example("Its place in a plan", "placement", plan="IAI-IV", line="IAI-IV-07"),
    example("A further line", "line reference", line="IAI-IV-07"),
    example(
        "A funder joins",
        "funding",
        event="joins",
        partner="JP",
        fund="JAIF",
        effective_on="2022-09-22",
    ),
    example(
        "A country benefits, by a stated share",
        "benefit",
        event="joins",
        country="VN",
        share_basis="stated",
        share="60",
        effective_on="2022-09-22",
    ),
    example(
        "A commitment in euros",
        MONEY,
        money_kind="committed",
        partner="JP",
        amount="250000.00",
        currency="EUR",
        rate="0.9884",
        rate_on="2022-09-21",
        rate_source="European Central Bank",
        effective_on="2022-09-22",
        joins=True,
    ),
    example(
        "A step towards approval",
        "approval step",
        step="task_force",
        outcome="endorsed",
        meeting="IAI-TF-68",
    ),
    example(
        "An amount was wrong",
        MONEY,
        CORRECTION,
        fact=FACT,
        amount="1250.50",
        reason="A comma was misread.",
    ),
    example(
        "A funder never was one",
        "funding",
        CORRECTION,
        fact=FACT,
        withdraw=True,
        reason="It was asked, and declined.",
    ),
]
