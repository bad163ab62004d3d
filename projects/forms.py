"""What a person types of a project, and how it is shown to be typed over."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property

from aseanpm.editing import LANGUAGES
from aseanpm.facts import Basis, Precision
from aseanpm.forms import (
    CodeField,
    CodesField,
    DayField,
    Listing,
    RoughDateField,
    Row,
    RowsField,
    TidyMixin,
)
from aseanpm.models import Source
from aseanpm.permissions import STAFF

from . import actions, changes, lifecycle, money
from .currencies import check_currency
from .models import (
    COUNTING,
    Benefit,
    Funding,
    LineReference,
    MoneyEntry,
    Placement,
    Project,
    ProjectOrganisation,
    StatusChange,
)

BILATERAL = "bilateral"


@dataclass(frozen=True)
class Language:
    code: str
    name: str

    def __str__(self):
        return self.name


class Listings:
    """All that a project's form offers to choose from, each list read once."""

    def __init__(self, project=None):
        self.project = project

    @staticmethod
    def rows(model, field):
        return model._meta.get_field(field).related_model.objects.all()

    @cached_property
    def languages(self):
        """Those of the region, and those that this project has besides."""
        names = dict(LANGUAGES)
        if self.project:
            own = (self.project.title_language, *self.project.title_translations)
            names = {code: code for code in own} | names
        return Listing(Language(*each) for each in names.items())

    @cached_property
    def plans(self):
        return Listing(
            self.rows(Placement, "plan").order_by("-nominal_start", "code"),
            label=lambda plan: f"{plan.code} – {plan.title}",
        )

    @cached_property
    def areas(self):
        areas = self.rows(Placement, "area").select_related("plan")
        return Listing(
            areas.order_by("-plan__nominal_start", "plan__code", "order"),
            group=lambda area: area.plan.code,
        )

    @cached_property
    def lines(self):
        lines = self.rows(Placement, "line").select_related("plan", "area")
        return Listing(
            lines.order_by(
                "-plan__nominal_start",
                "plan__code",
                F("area__order").asc(nulls_last=True),
                "kind",
                "number",
                "code",
            ),
            group=lambda line: f"{line.plan.code}: {line.area or 'area not known'}",
        )

    @cached_property
    def parties(self):
        """Countries and groupings in one list, by the kind and the code."""
        countries = list(self.rows(Benefit, "country"))
        groupings = list(self.rows(Benefit, "grouping"))
        return Listing(
            [*countries, *groupings],
            key=lambda row: f"{row._meta.model_name}:{row.code}",
            label=lambda row: (
                f"{row.code} – {row.name}" if row in groupings else row.name
            ),
            group=lambda row: row._meta.verbose_name_plural.capitalize(),
        )

    @cached_property
    def partners(self):
        return Listing(self.rows(Funding, "partner").filter(merged_into=None))

    @cached_property
    def funds(self):
        return Listing(
            self.rows(Funding, "fund").prefetch_related("ownerships__partner"),
            label=lambda fund: f"{fund.code} – {fund.name}",
        )

    @cached_property
    def organisations(self):
        rows = self.rows(ProjectOrganisation, "organisation")
        return Listing(rows.filter(merged_into=None))

    @cached_property
    def meetings(self):
        meetings = self.rows(StatusChange, "meeting").select_related("body")
        return Listing(meetings, label=lambda one: f"{one.code} – {one}")

    @cached_property
    def themes(self):
        return Listing(self.rows(Project, "themes"))

    @cached_property
    def focal_points(self):
        points = self.rows(Project, "focal_points").select_related("country")
        return Listing(
            points,
            key=lambda point: str(point.pk),
            label=lambda point: f"{point.country}: {point}" if point.country else point,
        )

    @cached_property
    def officers(self):
        own = Q(pk=self.project and self.project.officer_id)
        people = self.rows(Project, "officer").filter(
            Q(role__in=STAFF, is_active=True) | own
        )
        return Listing(people, key=lambda person: person.email)

    @cached_property
    def sources(self):
        return Listing(Source.objects.all())


# Rows


class TitleRow(Row):
    language = CodeField(label="Language", empty="Choose")
    title = forms.CharField(label="Title", max_length=400)


class ReferenceRow(Row):
    line = CodeField(label="Line", empty="Choose")


class BenefitRow(Row):
    settled = ("share_basis",)
    party = CodeField(label="Country or grouping", empty="Choose")
    share_basis = forms.ChoiceField(
        label="Share",
        choices=[
            ("unknown", "Not known"),
            ("stated", "Stated"),
            ("assumed_equal", "Assumed equal"),
        ],
        initial="unknown",
        required=False,
    )
    share = forms.CharField(
        label="Per cent",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "data-share": True}),
    )

    def clean_share_basis(self):
        return self.cleaned_data["share_basis"] or Benefit.ShareBasis.UNKNOWN

    def clean_share(self):
        text = self.cleaned_data["share"].removesuffix("%")
        if not text:
            return None
        share = money.number_of(text)
        if not 0 < share <= 100:
            raise ValidationError("A share is above 0 and at most 100 per cent.")
        return share

    def clean(self):
        cleaned = super().clean()
        share, basis = cleaned.get("share"), cleaned.get("share_basis")
        if "share" not in cleaned:
            return cleaned
        if share is not None and basis == Benefit.ShareBasis.UNKNOWN:
            cleaned["share_basis"] = Benefit.ShareBasis.STATED
        if share is not None and basis == Benefit.ShareBasis.ASSUMED_EQUAL:
            self.add_error("share", "An assumed share has no percentage; take it out.")
        if share is None and basis == Benefit.ShareBasis.STATED:
            self.add_error("share", "A stated share needs its percentage.")
        return cleaned


class FunderRow(Row):
    partner = CodeField(label="Partner", empty="Choose", required=False)
    fund = CodeField(label="Through a fund", empty="No fund", required=False)

    def clean(self):
        cleaned = super().clean()
        fund = cleaned.get("fund")
        if fund and not cleaned.get("partner"):
            owners = {each.partner for each in fund.ownerships.all()}
            if len(owners) == 1:
                cleaned["partner"] = owners.pop()
            else:
                self.add_error("partner", f"Say whom {fund.code} counts as here.")
        elif fund:
            self.check_owner(fund, cleaned["partner"])
        return cleaned

    def check_owner(self, fund, partner):
        if all(each.partner != partner for each in fund.ownerships.all()):
            self.add_error("fund", f"{fund.code} never counted as {partner}.")


MONTH = forms.TextInput(attrs={"placeholder": "2026-03"})


class PhaseRow(Row):
    number = forms.IntegerField(label="No.", min_value=1, max_value=99, required=False)
    title = forms.CharField(label="Title", max_length=200, required=False)
    planned_end = RoughDateField(label="Planned end", required=False, widget=MONTH)
    completed_on = RoughDateField(label="Completed", required=False, widget=MONTH)
    note = forms.CharField(label="Note", max_length=300, required=False)

    def clean_completed_on(self):
        day, precision = self.cleaned_data["completed_on"]
        first = (
            day
            and {
                Precision.DAY: day,
                Precision.MONTH: day.replace(day=1),
                Precision.YEAR: day.replace(month=1, day=1),
            }[Precision(precision)]
        )
        if first and first > timezone.localdate():
            raise ValidationError("This day has not come yet; plan it instead.")
        return day, precision


class OrganisationRow(Row):
    settled = ("role",)
    organisation = CodeField(label="Organisation", empty="Choose")
    role = forms.ChoiceField(label="Its part", choices=ProjectOrganisation.Role.choices)


def each_once(*names):
    """A check of rows: no two alike in these fields."""

    def check(rows):
        seen = Counter(tuple(row.get(name) for name in names) for row in rows)
        for values, times in seen.items():
            if times > 1 and any(values):
                what = " ".join(str(value) for value in values if value)
                raise ValidationError(f"“{what}” stands here twice; take one out.")

    return check


def check_benefits(rows):
    each_once("party")(rows)
    stated = sum(row["share"] or Decimal(0) for row in rows)
    if stated > 100:
        raise ValidationError(
            f"The stated shares add up to {stated.normalize():f} per cent; they cannot "
            "exceed 100."
        )


# The project


class RestingForm(TidyMixin, forms.Form):
    """On what the new facts of a form rest."""

    basis = forms.ChoiceField(
        label="Basis",
        choices=[
            (Basis.DOCUMENTED.value, "Documented"),
            (Basis.ASSUMED.value, "Assumed"),
        ],
        initial=Basis.DOCUMENTED.value,
        required=False,
    )
    source = CodeField(label="Source", empty="None of the list", required=False)
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=2000,
        help_text="The letter, report or person it comes from.",
    )

    def __init__(self, data=None, *, listings):
        super().__init__(data)
        self.fields["source"].offer(listings.sources)

    @property
    def resting(self):
        cleaned = self.cleaned_data
        basis = cleaned["basis"] or Basis.DOCUMENTED
        return changes.Resting(basis, cleaned["source"], cleaned["note"])


class ProjectForm(TidyMixin, forms.ModelForm):
    """What is common to a new project and one that is edited.

    Texts that a select has no word for stay with their field; `listings` are shared by
    the forms of one request.
    """

    title_language = forms.ChoiceField(label="Its language", initial="en")
    titles = RowsField(
        TitleRow,
        label="Title in other languages",
        add="Add a language",
        start=0,
        check=each_once("language"),
    )
    planned_start = RoughDateField(
        label="Planned start",
        required=False,
        help_text="A month or a year will do.",
    )
    planned_end = RoughDateField(
        label="Planned end",
        required=False,
        help_text="When it passes, nothing changes by itself.",
    )
    officer = CodeField(
        label="Officer",
        empty="Nobody yet",
        required=False,
        help_text="Who in the secretariat answers for this record.",
    )
    plan = CodeField(label="Plan", empty="Not known", required=False)
    area = CodeField(
        label="Strategic area",
        empty="Not known, or that of the line",
        required=False,
    )
    line = CodeField(
        label="Primary line",
        empty="Not recorded",
        required=False,
        help_text="The only line that this project counts for.",
    )
    references = RowsField(
        ReferenceRow,
        label="Other lines it serves",
        help_text="Of any programme; it counts nothing there.",
        add="Add a line",
        start=0,
        check=each_once("line"),
    )
    benefits = RowsField(
        BenefitRow,
        label="Beneficiaries",
        help_text="A percentage only where a document states it.",
        add="Add a beneficiary",
        check=check_benefits,
    )
    funders = RowsField(
        FunderRow,
        label="Funders",
        help_text="Whoever has joined; a pledge alone is entered under Money.",
        add="Add a funder",
        check=each_once("partner", "fund"),
    )
    themes = CodesField(label="Themes", required=False)
    phases = RowsField(
        PhaseRow,
        label="Phases",
        add="Add a phase",
        start=0,
    )
    organisations = RowsField(
        OrganisationRow,
        label="Organisations",
        help_text="Who proposes, carries out or sponsors it; funders stand above.",
        add="Add an organisation",
        check=each_once("organisation", "role"),
    )
    focal_points = CodesField(label="Focal points", required=False)

    class Meta:
        model = Project
        fields = [
            "title",
            "title_language",
            "official_code",
            "description",
            "is_recurring",
            "withheld_reason",
            "internal_note",
        ]
        labels = {
            "official_code": "Official code",
            "is_recurring": "It is held again and again",
            "withheld_reason": "Withheld because",
            "internal_note": "Internal note",
        }
        help_texts = {
            "title": "As the document has it, in the language it has.",
            "official_code": "The identification code it was given, if any.",
            "withheld_reason": "An approved or ongoing project is published at once, "
            "unless you say here why not.",
            "internal_note": "For the secretariat, and the coordinators of the "
            "countries that benefit.",
        }
        widgets = {
            "title": forms.Textarea(attrs={"rows": 2}),
            "description": forms.Textarea(attrs={"rows": 4}),
            "internal_note": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, data=None, *, instance=None, listings=None, initial=None):
        self.project = instance
        self.listings = listings or Listings(instance)
        shown = self.shown_of(instance) if instance else {}
        super().__init__(data, instance=instance, initial=shown | (initial or {}))
        self.fields["title"].required = True
        self.fields["title"].error_messages["required"] = "A project needs a title."
        self.offer()

    def offer(self):
        """Give every field that chooses among rows its list."""
        lists = self.listings
        single = {
            "plan": lists.plans,
            "area": lists.areas,
            "line": lists.lines,
            "officer": lists.officers,
            "themes": lists.themes,
            "focal_points": lists.focal_points,
            "meeting": lists.meetings,
            "planned_at": lists.meetings,
        }
        for name in single.keys() & self.fields.keys():
            self.fields[name].offer(single[name])
        self.fields["plan"].choices = [
            *self.fields["plan"].choices,
            (BILATERAL, "No plan: direct bilateral support"),
        ]
        for name, offered in {
            "titles": {"language": lists.languages},
            "references": {"line": lists.lines},
            "benefits": {"party": lists.parties},
            "funders": {"partner": lists.partners, "fund": lists.funds},
            "organisations": {"organisation": lists.organisations},
        }.items():
            self.fields[name].listings = offered
        self.fields["title_language"].choices = lists.languages.choices

    def clean_plan(self):
        if self.data.get(self.add_prefix("plan")) == BILATERAL:
            self.is_bilateral = True
        return self.cleaned_data["plan"]

    is_bilateral = False

    def clean(self):
        cleaned = super().clean()
        self.check_titles(cleaned)
        self.check_dates(cleaned)
        self.check_place(cleaned)
        self.number_phases(cleaned)
        return cleaned

    def check_titles(self, cleaned):
        for row in cleaned.get("titles", []):
            if row["language"].code == cleaned.get("title_language"):
                message = f"The title itself is in {row['language']}."
                self.add_error("titles", message)

    def check_dates(self, cleaned):
        start, end = (
            cleaned.get(name, (None, ""))[0]
            for name in ("planned_start", "planned_end")
        )
        if start and end and end < start:
            self.add_error("planned_end", "A project cannot end before it starts.")

    def check_place(self, cleaned):
        """A line brings its area and plan along; what contradicts it is refused."""
        plan, area, line = (cleaned.get(name) for name in ("plan", "area", "line"))
        if self.is_bilateral and (area or line):
            self.add_error("plan", "Direct bilateral support is placed in no plan.")
            return
        plan = plan or (line and line.plan) or (area and area.plan)
        if line and line.plan_id != plan.pk:
            message = f"{line.code} belongs to {line.plan.code}, not to {plan.code}."
            self.add_error("line", message)
        elif area and area.plan_id != plan.pk:
            message = f"“{area}” belongs to {area.plan.code}, not to {plan.code}."
            self.add_error("area", message)
        elif line and area and line.area_id != area.pk:
            known = f"“{line.area}”" if line.area else "not known"
            self.add_error("area", f"The area of {line.code} is {known}.")
        elif line:
            area = line.area
        cleaned.update(plan=plan, area=area)

    def number_phases(self, cleaned):
        phases = cleaned.get("phases", [])
        numbers = [phase["number"] for phase in phases if phase["number"]]
        if len(numbers) != len(set(numbers)):
            self.add_error("phases", "Two phases have the same number.")
        for phase in phases:
            phase["number"] = phase["number"] or max(numbers, default=0) + 1
            numbers.append(phase["number"])

    # What it says

    @property
    def values(self):
        """The fields of the project that are no facts."""
        cleaned = self.cleaned_data
        values = {name: cleaned[name] for name in self._meta.fields}
        for name in ("planned_start", "planned_end"):
            values[name], values[f"{name}_precision"] = cleaned[name]
        return values | {
            "officer": cleaned["officer"],
            "channel": Project.Channel.BILATERAL
            if self.is_bilateral
            else Project.Channel.PLAN,
            "title_translations": {
                row["language"].code: row["title"] for row in cleaned["titles"]
            },
        }

    @property
    def lists(self):
        return {name: self.cleaned_data[name] for name in ("themes", "focal_points")}

    @property
    def parts(self):
        """The phases and organisations, as changes.write_parts takes them."""
        phases = []
        for row in self.cleaned_data["phases"]:
            values = dict(row)
            for name in ("planned_end", "completed_on"):
                values[name], values[f"{name}_precision"] = row[name]
            phases.append(values)
        return {"phases": phases, "organisations": self.cleaned_data["organisations"]}

    def facts(self, project):
        """How things stand, as facts that are not yet recorded."""
        cleaned, of = self.cleaned_data, {"project": project}
        facts = []
        if cleaned["plan"]:
            place = {name: cleaned[name] for name in ("plan", "area", "line")}
            facts.append(Placement(**of, **place))
        facts += [LineReference(**of, **row) for row in cleaned["references"]]
        for row in cleaned["benefits"]:
            terms = dict(row)
            party = terms.pop("party")
            who = {party._meta.model_name: party}
            facts.append(Benefit(**of, **who, **terms))
        return facts + [Funding(**of, **row) for row in cleaned["funders"]]

    # What it shows

    @staticmethod
    def shown_of(project):
        """How a project stands, as texts for its fields."""
        place, references, benefits, funders = (
            kind.stated(project) for kind in changes.KINDS
        )
        shown = {
            "titles": [
                {"language": language, "title": title}
                for language, title in project.title_translations.items()
            ],
            "officer": project.officer and project.officer.email,
            "planned_at": project.planned_at and project.planned_at.code,
            "themes": [theme.code for theme in project.themes.all()],
            "focal_points": [str(one.pk) for one in project.focal_points.all()],
            "references": [{"line": fact.line.code} for fact in references],
            "benefits": [
                {
                    "party": f"{party._meta.model_name}:{party.code}",
                    "share_basis": fact.share_basis,
                    "share": ""
                    if fact.share is None
                    else f"{fact.share.normalize():f}",
                }
                for fact in benefits
                for party in [fact.country or fact.grouping]
            ],
            "funders": [
                {
                    "partner": fact.partner.code,
                    "fund": fact.fund.code if fact.fund else "",
                }
                for fact in funders
            ],
            "organisations": [
                {"organisation": part.organisation.code, "role": part.role}
                for part in project.project_organisations.select_related("organisation")
            ],
            "phases": [
                {
                    "number": str(phase.number),
                    "title": phase.title,
                    "planned_end": phase.planned_end_shown or "",
                    "completed_on": phase.completed_on_shown or "",
                    "note": phase.note,
                }
                for phase in project.phases.all()
            ],
        }
        for name in ("planned_start", "planned_end"):
            shown[name] = RoughDateField.text_of(
                getattr(project, name), getattr(project, f"{name}_precision")
            )
        if project.channel == Project.Channel.BILATERAL:
            shown["plan"] = BILATERAL
        for fact in place:
            for name in ("plan", "area", "line"):
                row = getattr(fact, name)
                shown[name] = row.code if row else ""
        return shown


class NewProjectForm(ProjectForm):
    """A project with its first facts."""

    status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[
            ("", "Not documented"),
            *((move.target, move.target_label) for move in lifecycle.moves_from("")),
        ],
        help_text="The first that is documented. Later ones follow on its page.",
    )
    status_on = DayField(
        label="Since",
        required=False,
        help_text="Empty: the day of the meeting, or today.",
    )
    meeting = CodeField(label="Decided at", empty="No meeting", required=False)
    by_circulation = forms.BooleanField(label="Decided by circulation", required=False)
    amount = forms.CharField(
        label="Approved budget",
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="As 1,250,000.50. Empty: not known.",
    )
    currency = forms.CharField(
        label="Currency",
        required=False,
        max_length=20,
        initial="USD",
        help_text="Another than USD takes the rate on record for that day.",
    )

    def clean_currency(self):
        code = self.cleaned_data["currency"].upper() or "USD"
        try:
            check_currency(code)
        except ValidationError as error:
            raise ValidationError(error.messages) from error
        return code

    def clean_amount(self):
        text = self.cleaned_data["amount"]
        return money.number_of(text) if text else None

    def clean(self):
        cleaned = super().clean()
        status, meeting = cleaned.get("status"), cleaned.get("meeting")
        if (meeting or cleaned.get("by_circulation")) and not status:
            self.add_error("status", "Say which status was decided.")
        if meeting and cleaned.get("by_circulation"):
            self.add_error(
                "by_circulation",
                "A decision was taken at a meeting or by circulation, not both.",
            )
        if cleaned.get("status_on") and not status:
            self.add_error("status", "Say which status it has since that day.")
        return cleaned

    @property
    def first_day(self):
        """The day of all first facts: that of the status, or today."""
        cleaned = self.cleaned_data
        held = cleaned["meeting"] and cleaned["meeting"].held_until
        return cleaned["status_on"] or held or timezone.localdate()

    @property
    def values(self):
        counts = self.cleaned_data["status"] in COUNTING["approved"]
        withheld = self.cleaned_data["withheld_reason"]
        return super().values | {"is_published": counts and not withheld}

    def first_facts(self, project, resting):
        """All that is known of it from the first."""
        cleaned, of = self.cleaned_data, {"project": project}
        facts = self.facts(project)
        if cleaned["status"]:
            said = {name: cleaned[name] for name in ("meeting", "by_circulation")}
            facts.append(StatusChange(**of, status=cleaned["status"], **said))
        if cleaned["amount"] is not None:
            facts.append(MoneyEntry(**of, kind="approved", **self.budget))
        dated = {"effective_on": self.first_day, "day_order": None}
        for fact in facts:
            is_dated = hasattr(fact, "effective_on")
            changes.said(fact, **resting.values, **(dated if is_dated else {}))
        return facts

    @property
    def budget(self):
        """The amount, with the rate on record for its currency."""
        said = {name: self.cleaned_data[name] for name in ("amount", "currency")}
        rate = money.latest_rate(said["currency"], self.first_day)
        if rate:
            said |= {"rate": rate.rate, "rate_on": rate.on, "rate_source": rate.source}
        return said


class EditProjectForm(ProjectForm):
    """A project's fields, and how its facts stand."""

    planned_at = CodeField(
        label="Dates moved at",
        empty="No meeting",
        required=False,
        help_text="The meeting that last moved the planned dates.",
    )

    class Meta(ProjectForm.Meta):
        fields = [*ProjectForm.Meta.fields, "is_published"]
        labels = ProjectForm.Meta.labels | {"is_published": "Published"}
        help_texts = ProjectForm.Meta.help_texts | {
            "withheld_reason": "What is approved and not published says why.",
        }

    @property
    def values(self):
        return super().values | {"planned_at": self.cleaned_data["planned_at"]}


# Development or correction?


class ShiftForm(TidyMixin, forms.Form):
    """What a person says of a Shift: did the world change, or was the record wrong?

    What was missing holds, by a correction, from the first day of the project. The
    page itself demands no answer: what was asked about may be mended instead.
    """

    use_required_attribute = False
    change = forms.ChoiceField(
        label="What happened?",
        choices=[
            ("development", "The world changed"),
            ("correction", "The record was wrong"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether the world or the record was wrong."},
    )
    since = DayField(label="From when?", required=False)
    reason = forms.CharField(label="Why was it wrong?", required=False, max_length=300)

    def __init__(self, shift, first_day, data=None):
        self.shift, self.kind = shift, shift.kind
        self.first_day = first_day or timezone.localdate()
        super().__init__(data, prefix=f"why-{self.kind.name}")
        since, reason = self.fields["since"], self.fields["reason"]
        if not self.kind.is_dated:
            del self.fields["change"], self.fields["since"]
            reason.required = True
        elif not shift.gone:
            self.fields["change"].choices = [
                ("development", "The world changed"),
                ("correction", "The record was incomplete"),
            ]
            since.label, reason.label = "Since when?", "Why was it missing?"
            reason.help_text = (
                f"It is recorded from {actions.in_words(self.first_day)} on."
            )
        reason.error_messages["required"] = "Say why the record was wrong."
        since.error_messages["required"] = "Say since when it is so."

    def clean(self):
        cleaned = super().clean()
        needed = {"development": "since", "correction": "reason"}
        name = needed.get(cleaned.get("change"))
        if name and name not in self.errors and not cleaned[name]:
            self.add_error(name, self.fields[name].error_messages["required"])
        return cleaned

    @property
    def answer(self):
        cleaned = self.cleaned_data
        if cleaned.get("change") == "development":
            return changes.Answer(is_correction=False, since=cleaned["since"])
        return changes.Answer(True, self.first_day, cleaned["reason"])

    @property
    def likely(self):
        """[(value, Answer)]: each way to answer, to tell beforehand what it moves."""
        today = timezone.localdate()
        correction = changes.Answer(True, self.first_day, "to be said")
        if "change" not in self.fields:
            return [("", correction)]
        return [
            ("development", changes.Answer(False, today)),
            ("correction", correction),
        ]
