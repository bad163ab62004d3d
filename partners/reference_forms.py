"""The forms of partners, funds, organisations, countries, groupings and offices."""

from django import forms
from django.core.exceptions import ValidationError

from aseanpm.editing import (
    LANGUAGES,
    RESTS_ON,
    CodeOf,
    HangingField,
    HangingRow,
    KeptForm,
)
from aseanpm.facts import Basis
from aseanpm.forms import CodeField, DayInput, Listing, RoughDateField
from aseanpm.models import Source
from projects.models import Funding, MoneyEntry

from .models import (
    BeneficiaryStatus,
    Country,
    CountryEvent,
    FocalPoint,
    Fund,
    FundOwnership,
    Grouping,
    GroupingMembership,
    Organisation,
    OrganisationAlias,
    Partner,
    PartnerAlias,
)

SINCE_HELP = "As exactly as it is known: 2017-08-08, 2017-08 or 2017."


def rows_named_by(model, *path):
    """The rows of another app that a chain of fields leads to."""
    for name in path:
        model = model._meta.get_field(name).related_model
    return model.objects.all()


# What is called by several names


def aliases_differ(rows):
    """Raise ValidationError where a form says one alias twice."""
    seen: dict = {}
    for number, one in enumerate(rows, 1):
        before = seen.setdefault(one["name"].casefold(), number)
        if before != number:
            message = f"Row {number}: “{one['name']}” stands in row {before} already."
            raise ValidationError(message)


class NamedForm(KeptForm):
    """A row that is found by code, name or alias: each means one row alone."""

    translated = "name"

    def clean(self):
        said = super().clean()
        if other := self.called(said.get("name")):
            self.add_error("name", other)
        for number, row in enumerate(said.get("aliases") or [], 1):
            if other := self.called(row["name"]):
                self.blame("aliases", number, ValidationError({"name": other}))
        return said

    def called(self, text):
        """A sentence about another row that is called so; '' where there is none."""
        rows = self._meta.model.objects
        other = rows.named(text).exclude(pk=self.instance.pk).first() if text else None
        if other is None:
            return ""
        how = {other.code.casefold(): "the code", other.name.casefold(): "the name"}
        what = how.get(text.casefold(), "an alias")
        return f"“{text}” is {what} of {other.name} ({other.code}) already."


class AliasRow(HangingRow):
    model = PartnerAlias
    names = ("name", "language")
    settled = ("key", "language")

    name = forms.CharField(label="Alias", max_length=200)
    language = forms.ChoiceField(
        required=False, choices=[("", "any"), *LANGUAGES.items()]
    )


class PartnerForm(NamedForm):
    moving = ("country", "owned_by_members")

    aliases = HangingField(
        AliasRow,
        label="Also called",
        check=aliases_differ,
        add="Add an alias",
        help_text="Every name under which it is found, in any language.",
    )

    class Meta:
        model = Partner
        fields = [
            *("code", "name", "kind", "country", "owned_by_members", "note"),
            *RESTS_ON,
        ]
        labels = {"owned_by_members": "Only member states pay into it"}
        help_texts = {
            "country": "Of a state; it stands inside ASEAN while its country does.",
            "owned_by_members": "A fund that stands inside ASEAN.",
            "note": "Shown on the partner’s page.",
        }
        error_messages = {
            "country": {"unique": "This country is a partner on record already."}
        }

    def clean_code(self):
        code = super().clean_code()
        if "+" in code:  # it stands between the codes of funders: JP+SG
            raise ValidationError("The code of a partner holds no plus sign.")
        return code


class OrganisationAliasRow(HangingRow):
    model = OrganisationAlias
    names = ("name",)

    name = forms.CharField(label="Alias", max_length=200)


class OrganisationForm(NamedForm):
    aliases = HangingField(
        OrganisationAliasRow,
        label="Also called",
        check=aliases_differ,
        add="Add an alias",
    )

    class Meta:
        model = Organisation
        fields = ["code", "name", "country"]


# What holds between two dates


class HeldRow(HangingRow):
    """A row with the dates between which it holds."""

    rough = {"valid_from": ("valid_from", "valid_from_precision")}

    valid_from = RoughDateField(label="Since", required=False)
    valid_until = forms.DateField(label="Until", required=False, widget=DayInput())


class OwnershipRow(HeldRow):
    model = FundOwnership
    names = ("partner", "valid_until")

    partner = CodeField(empty="choose", label="Counts as")
    field_order = ("partner", "valid_from", "valid_until")


class FundForm(KeptForm):
    translated = "name"

    ownerships = HangingField(
        OwnershipRow,
        moves=True,
        label="Whom it counts as",
        add="Add a period",
        help_text="One partner at a time, from day to day, both included. "
        + SINCE_HELP,
    )

    class Meta:
        model = Fund
        fields = ["code", "name", "established_text", "manager", "note", *RESTS_ON]
        labels = {"established_text": "Established", "manager": "Managed by"}
        help_texts = {"established_text": "As the source says it."}

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["ownerships"].listings = {"partner": Listing(Partner.objects.all())}

    def write(self, version=None):
        fund = super().write(version)
        refuse_orphans(fund)
        return fund


def refuse_orphans(fund):
    """Raise ValidationError where records name a fund with whom it does not count as.

    It names the first three of them.
    """
    held = list(fund.ownerships.all())
    orphans = []
    for model in (Funding, MoneyEntry):
        facts = model.objects.known().filter(fund=fund)
        for fact in facts.select_related("project", "partner"):
            day = fact.effective_on
            if not any(
                one.partner_id == fact.partner_id
                and (one.valid_from is None or one.valid_from <= day)
                and (one.valid_until is None or one.valid_until >= day)
                for one in held
            ):
                orphans.append(f"{fact.project.code} on {day} with {fact.partner}")
    if orphans:
        some = "; ".join(sorted(set(orphans))[:3])
        message = (
            f"{len(orphans)} records of projects name this fund where it would not "
            f"count as their partner: {some}. Correct those first."
        )
        raise ValidationError({"ownerships": message})


class MemberRow(HeldRow):
    model = GroupingMembership
    names = ("country", "valid_until")

    country = CodeField(empty="choose")
    field_order = ("country", "valid_from", "valid_until")


class GroupingForm(KeptForm):
    translated = "name"

    memberships = HangingField(
        MemberRow,
        moves=True,
        label="Members",
        add="Add a member",
        help_text="A country that left and came back has two rows. " + SINCE_HELP,
    )

    class Meta:
        model = Grouping
        fields = ["code", "name", "role", *RESTS_ON]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        countries = Listing(Country.objects.all())
        self.fields["memberships"].listings = {"country": countries}


class MembershipRow(HeldRow):
    model = GroupingMembership
    names = ("grouping", "valid_until")

    grouping = CodeField(empty="choose", label="Member of")
    field_order = ("grouping", "valid_from", "valid_until")


class ProgrammeField(CodeField):
    """The code of a programme, which a row holds as it is."""

    def clean(self, value):
        return getattr(super().clean(value), "code", "")


def programmes():
    return rows_named_by(FocalPoint, "area", "plan", "programme")


class StatusRow(HeldRow):
    model = BeneficiaryStatus
    names = ("programme", "valid_until", "basis", "basis_note")
    settled = ("key", "basis")

    programme = ProgrammeField(empty="choose")
    basis = forms.ChoiceField(choices=Basis.choices)
    basis_note = forms.CharField(label="Note", required=False)
    field_order = ("programme", "valid_from", "valid_until", "basis", "basis_note")


class EventRow(HangingRow):
    model = CountryEvent
    names = ("text",)
    rough = {"on": ("on", "precision")}

    on = RoughDateField(label="When")
    text = forms.CharField(label="What", max_length=200)


class CountryForm(KeptForm):
    translated = "name"

    memberships = HangingField(
        MembershipRow,
        moves=True,
        label="Membership",
        add="Add a membership",
        help_text="Of ASEAN and of other groupings. " + SINCE_HELP,
    )
    beneficiary_statuses = HangingField(
        StatusRow, moves=True, label="Beneficiary of", add="Add a programme"
    )
    events = HangingField(
        EventRow,
        label="Steps towards and in ASEAN",
        add="Add a step",
    )

    class Meta:
        model = Country
        fields = ["name", *RESTS_ON]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        groupings = Listing(Grouping.objects.all(), label=lambda row: row.code)
        self.fields["memberships"].listings = {"grouping": groupings}
        offered = Listing(programmes(), label=lambda row: row.code)
        self.fields["beneficiary_statuses"].listings = {"programme": offered}


# Offices and documents


class FocalPointForm(KeptForm):
    """Who answers; the kind says for what."""

    since = RoughDateField(label="Since", required=False, help_text=SINCE_HELP)

    class Meta:
        model = FocalPoint
        fields = [
            *("kind", "office", "country", "programme", "area", "line"),
            *("person", "email", "user", "valid_until", *RESTS_ON),
        ]
        labels = {
            "kind": "Answers as",
            "email": "E-mail address",
            "user": "Login",
            "valid_until": "Until, that day included",
        }
        help_texts = {
            "office": "Shown to everyone.",
            "person": "Personal data: shown to coordinators and the secretariat alone.",
            "email": "Personal data: shown to coordinators and the secretariat alone.",
            "user": "If the person signs in here.",
        }

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        point = self.instance
        for name, example in (("area", "IAI-IV-FA"), ("line", "IAI-IV-07")):
            help_text = f"Code of the {name}, such as {example}."
            self.fields[name] = CodeOf(
                rows_named_by(FocalPoint, name), required=False, help_text=help_text
            )
            self.initial.setdefault(name, None)
            if not isinstance(self.initial[name], str):
                self.initial[name] = getattr(point, name)
        codes = programmes().values_list("code", flat=True)
        self.fields["programme"] = forms.ChoiceField(
            required=False, choices=[("", "any"), *((code, code) for code in codes)]
        )
        text = self.fields["since"].text_of
        self.initial.setdefault(
            "since", text(point.valid_from, point.valid_from_precision)
        )

    @property
    def parts(self):
        return (
            ("For what", ("country", "programme", "area", "line")),
            ("Who it is", ("person", "email", "user")),
            ("When", ("since", "valid_until")),
            *super().parts,
        )

    def clean(self):
        """Says at the field what a constraint of the model would say on top."""
        said = super().clean()
        needed = {
            FocalPoint.Kind.NATIONAL_COORDINATOR: ["country"],
            FocalPoint.Kind.AREA_AGENCY: ["country", "area"],
        }
        for name in needed.get(said.get("kind"), []):
            if not said.get(name) and name not in self.errors:
                self.add_error(name, "Say for which one this office answers.")
        answers = {"area", "line"} & {name for name in said if said[name]}
        if said.get("kind") == FocalPoint.Kind.LEAD_BODY and not answers:
            self.add_error("line", "A lead body answers for a line or an area.")
        return said

    def values(self):
        values, lists = super().values()
        day, precision = self.cleaned_data["since"]
        return values | {"valid_from": day, "valid_from_precision": precision}, lists


class SourceForm(KeptForm):
    code_help = "Such as DOC5 or S92. Never changed, and never used again."

    url = forms.URLField(
        label="Address", max_length=500, required=False, assume_scheme="https"
    )

    class Meta:
        model = Source
        fields = ["code", "title", "url", "date_text", "reading", "note"]
        labels = {"date_text": "Date", "reading": "How it was read"}
        help_texts = {"date_text": "As the document says it."}
