"""The forms of plans: the plan, its areas and lines, its rule and declared totals."""

from django import forms
from django.core.exceptions import ValidationError

from aseanpm import csv_text
from aseanpm.editing import (
    CodeOf,
    CodesOf,
    HangingField,
    HangingRow,
    KeptForm,
    Sheet,
    read_code,
)
from aseanpm.facts import Basis, open_entry
from aseanpm.forms import CodeField, DayField, Listing, RoughDateField, TidyMixin
from aseanpm.models import Source
from projects import actions
from projects.progress import plural

from . import planning
from .models import (
    ActionLine,
    Body,
    DeclaredTotal,
    LineKind,
    Milestone,
    PlanRule,
    ReportedState,
    StrategicArea,
    WorkPlan,
)

SOURCE_HELP = "Code of the document that says so, such as DOC1."


def source_field():
    return CodeOf(Source.objects.all(), required=False, help_text=SOURCE_HELP)


class PlanForm(KeptForm):
    """A plan. As long as it is empty, it may take over the shape of another."""

    translated = "title"
    moving = ("headline_kind", "programme")
    code_help = (
        "Such as IAI-V. The codes of its areas and lines begin with it. "
        "Made once; never changed, and never used again."
    )

    adopted = RoughDateField(
        label="Adopted on",
        required=False,
        help_text="As exactly as it is known: 2025-05-26, 2025-05 or 2025.",
    )

    class Meta:
        model = WorkPlan
        fields = [
            *("code", "programme", "title", "title_language", "predecessor"),
            *("headline_kind", "nominal_start", "nominal_end"),
            *("implementation_start", "closed_on", "adopted_by", "note"),
            *("basis", "basis_note", "sources"),
        ]
        labels = {
            "headline_kind": "Measured by",
            "nominal_start": "Period from",
            "nominal_end": "Period until",
            "implementation_start": "Implementation from",
            "closed_on": "Formally closed on",
            "adopted_by": "Adopted by",
        }
        help_texts = {
            "headline_kind": "The kind of line that its coverage is told by.",
            "predecessor": "The plan that it follows. A plan has one successor.",
            "closed_on": "The day of the formal close; a past period closes nothing.",
            "note": "Shown on the plan’s page.",
        }
        error_messages = {
            "predecessor": {"unique": "This plan has a successor on record already."}
        }

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        plan = self.instance
        self.fields["title"].required = True
        text = self.fields["adopted"].text_of
        self.initial.setdefault(
            "adopted", text(plan.adopted_on, plan.adopted_precision)
        )
        others = WorkPlan.objects.exclude(pk=plan.pk)
        self.fields["predecessor"].queryset = others
        if self.is_new or not (plan.areas.exists() or plan.lines.exists()):
            self.fields["shape_of"] = forms.ModelChoiceField(
                others.filter(areas__isnull=False).distinct(),
                label="Take over the shape of",
                to_field_name="code",
                required=False,
                empty_label="No plan: start empty",
                help_text="Its areas with their titles, and as many lines of each kind "
                "with their numbers and no titles; what it is measured by, where "
                "that is empty here. You see all of it before it is saved.",
            )

    @property
    def parts(self):
        spans = ("nominal_start", "nominal_end", "implementation_start", "closed_on")
        return (
            ("When", (*spans, "adopted", "adopted_by")),
            ("Where it comes from", ("predecessor", "shape_of")),
            *super().parts,
        )

    def clean(self):
        super().clean()
        said = self.cleaned_data
        source = said.get("shape_of")
        if self.is_new and source and not said.get("predecessor"):
            followed = getattr(source, "successor", None) is not None
            said["predecessor"] = None if followed else source
        self.check_predecessor(said)
        self.shape, self.takes_kind = None, ""
        if source and said.get("code", self.instance.code):
            plan = self.instance
            plan.code = said.get("code", plan.code)
            try:
                self.shape = planning.shape_of(source, plan)
            except ValidationError as error:
                self.add_error("shape_of", error)
            if not said.get("headline_kind") and "headline_kind" not in self.errors:
                said["headline_kind"] = source.headline_kind
                if noun := source.get_headline_kind_display():
                    self.takes_kind = plural(noun)
        return said

    def check_predecessor(self, said):
        """A plan does not follow itself, round other plans or straight."""
        before, seen = said.get("predecessor"), {self.instance.pk}
        while before is not None and before.pk not in seen:
            seen.add(before.pk)
            before = before.predecessor
        if before is not None and not self.is_new:
            self.add_error("predecessor", "These plans would follow each other round.")

    def values(self):
        values, lists = super().values()
        day, precision = self.cleaned_data["adopted"]
        return values | {"adopted_on": day, "adopted_precision": precision}, lists

    def write(self, version=None):
        plan = super().write(version)
        if self.shape:
            planning.write_shape(planning.shape_of(self.cleaned_data["shape_of"], plan))
        return plan


def kinds():
    return [(kind, label.capitalize()) for kind, label in LineKind.choices]


class NewPlanForm(PlanForm):
    """A new plan, with what it declares and its rule."""

    declared_on = DayField(
        label="Declared since",
        required=False,
        help_text="The day since which these totals hold, such as that of its "
        "adoption. Leave the totals until that day has come.",
    )
    counts_from = forms.ChoiceField(
        label="Projects count",
        required=False,
        choices=[("", "No rule yet"), *PlanRule.CountsFrom.choices],
        help_text="Without a rule on record they count from approved.",
    )
    rule_on = DayField(
        label="The rule holds since",
        required=False,
        help_text="The plan’s first day, or the day on which the rule was set. For a "
        "plan that has not begun, leave the rule until it has.",
    )
    rule_basis = forms.ChoiceField(
        label="The rule is",
        initial=Basis.ASSUMED,
        choices=[(one.value, one.label) for one in (Basis.ASSUMED, Basis.DOCUMENTED)],
    )
    fact_source = source_field()

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["fact_source"].label = "Source of totals and rule"
        for kind, label in LineKind.choices:
            self.fields[f"declares_{kind}"] = forms.IntegerField(
                label=plural(label).capitalize(),
                min_value=0,
                max_value=9999,
                required=False,
            )

    @property
    def parts(self):
        totals = [f"declares_{kind}" for kind in LineKind.values]
        rule = ("counts_from", "rule_on", "rule_basis", "fact_source")
        first, *rest = super().parts
        return (
            first,
            ("How many lines it declares", (*totals, "declared_on")),
            ("From when its projects count", rule),
            *rest,
        )

    def clean(self):
        said = super().clean()
        for given, name, sentence in (
            (self.totals, "declared_on", "Say since which day the totals hold."),
            (said.get("counts_from"), "rule_on", "Say since which day the rule holds."),
        ):
            if given and not said.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        return said

    @property
    def totals(self):
        found = {
            kind: self.cleaned_data.get(f"declares_{kind}") for kind in LineKind.values
        }
        return {kind: total for kind, total in found.items() if total is not None}

    def facts(self, plan):
        said = self.cleaned_data
        shared = {"plan": plan, "source": said["fact_source"]}
        for kind, total in self.totals.items():
            yield DeclaredTotal(
                kind=kind, total=total, effective_on=said["declared_on"], **shared
            )
        if said["counts_from"]:
            yield PlanRule(
                counts_from=said["counts_from"],
                effective_on=said["rule_on"],
                basis=said["rule_basis"],
                **shared,
            )

    def write(self, version=None):
        plan = super().write(version)
        for fact in self.facts(plan):
            actions.record(fact=fact, entry=open_entry())
        return plan


# What a plan consists of


class OfPlan(KeptForm):
    """An area or a line, whose code begins with that of its plan."""

    translated = "title"
    above_noun = "plan"

    @property
    def above(self):
        return self.instance.plan

    def propose(self, **values):
        """What stands in the fields of a new row until somebody writes otherwise."""
        for name, value in values.items():
            if not self.initial.get(name):
                self.initial[name] = value

    def clean_code(self):
        start = f"{self.above.code}-"
        code = read_code(self.cleaned_data["code"])
        if not code.startswith(start):
            message = f"It begins with the code of its {self.above_noun}: {start}…"
            raise ValidationError(message)
        return super().clean_code()


class AreaForm(OfPlan):
    other_titles = forms.CharField(
        label="Other wordings seen in print",
        required=False,
        widget=forms.Textarea,
        help_text="One a line.",
    )

    class Meta:
        model = StrategicArea
        fields = [
            *("code", "order", "title", "title_language", "note"),
            *("basis", "basis_note", "sources"),
        ]
        labels = {"order": "Order"}
        help_texts = {"order": "Among the areas of the plan: 1, 2, 3 …"}

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["title"].required = True
        wordings = "\n".join(self.instance.other_titles)
        self.initial.setdefault("other_titles", wordings)
        if self.is_new:
            last = self.instance.plan.areas.order_by("order").last()
            self.propose(
                order=last.order + 1 if last else 1, code=f"{self.instance.plan.code}-"
            )

    def values(self):
        values, lists = super().values()
        wordings = self.cleaned_data["other_titles"].splitlines()
        said = [text.strip() for text in wordings if text.strip()]
        return values | {"other_titles": said}, lists


class MilestoneRow(HangingRow):
    model = Milestone
    names = ("title", "title_language", "kind", "basis")
    rough = {"on": ("on", "precision")}
    settled = ("key", "kind", "basis", "title_language")

    title = forms.CharField(max_length=400)
    title_language = forms.CharField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=Milestone.Kind.choices)
    on = RoughDateField(label="When", required=False)
    basis = forms.ChoiceField(choices=Basis.choices)

    @classmethod
    def values_of(cls, said):
        values = super().values_of(said)
        return values | {"title_language": values["title_language"] or "en"}


class ReportedRow(HangingRow):
    model = ReportedState
    names = ("state", "body", "basis")
    rough = {"on": ("on", "precision")}
    settled = ("key", "basis")

    state = forms.CharField(label="What was reported", max_length=200)
    on = RoughDateField(label="When", required=False)
    body = CodeField(label="By whom", required=False, empty="not known")
    basis = forms.ChoiceField(choices=Basis.choices)


class LineForm(OfPlan):
    """A line; where it stands, what it takes up, and what was reported of it."""

    moving = ("kind", "parent")

    milestones = HangingField(
        MilestoneRow,
        add="Add a milestone",
        help_text="Dated steps: a framework adopted, a pipeline item, a lesson.",
    )
    reported_states = HangingField(
        ReportedRow,
        label="Reported by its lead body",
        add="Add a report",
        help_text="What was said of the line. The computed state is told beside it.",
    )

    class Meta:
        model = ActionLine
        fields = [
            *("code", "kind", "number", "title", "title_language"),
            *("area", "area_basis", "parent", "continues"),
            *("basis", "basis_note", "sources"),
        ]
        labels = {
            "area": "Strategic area",
            "area_basis": "Its place there is",
            "parent": "Below the line",
            "continues": "Takes up",
        }
        help_texts = {
            "title": "Leave it empty until the official title is known.",
            "parent": "For a measure of an initiative.",
        }

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        plan = self.instance.plan
        earlier = ActionLine.objects.filter(
            plan__programme=plan.programme_id,
            plan__nominal_start__lt=plan.nominal_start,
        )
        example = plan.predecessor.code if plan.predecessor else "IAI-IV"
        self.fields["continues"] = CodesOf(
            earlier,
            label="Takes up",
            required=False,
            help_text="Codes of the lines of an earlier plan that it goes on with, "
            f"such as {example}-07.",
        )
        self.fields["area"].queryset = plan.areas.all()
        self.fields["area"].empty_label = "outside the areas"
        self.fields["parent"].queryset = plan.lines.filter(parent=None).exclude(
            pk=self.instance.pk
        )
        self.fields["parent"].empty_label = "none"
        bodies = Listing(Body.objects.all())
        self.fields["reported_states"].listings = {"body": bodies}
        if self.is_new:
            kind = plan.headline_kind or LineKind.ACTION_LINE
            numbers = plan.lines.filter(kind=kind, number__isnull=False)
            last = numbers.order_by("number").last()
            number = last.number + 1 if last else 1
            self.propose(kind=kind, number=number, code=f"{plan.code}-{number:02}")

    @property
    def parts(self):
        where = ("area", "area_basis", "parent", "continues")
        return (
            ("Where it stands", where),
            ("What was reported", ("milestones", "reported_states")),
            *super().parts,
        )


# Facts of a plan


class DatedFactForm(TidyMixin, Sheet, forms.ModelForm):
    """A fact of a plan or an indicator: did it change, or was the record wrong?

    `about` is whose; `old` the record that is to be corrected, if it was named.
    """

    DEVELOPMENT, CORRECTION = "development", "correction"
    change = forms.ChoiceField(
        label="What happened?",
        widget=forms.RadioSelect,
        choices=[
            (DEVELOPMENT, "The plan changed: from the day above another one holds"),
            (CORRECTION, "The record was wrong: what it said never held"),
        ],
    )
    corrects = forms.ChoiceField(
        label="The wrong record",
        required=False,
        help_text="For a correction. It is kept as withdrawn.",
    )
    effective_on = DayField(label="Since")
    source = source_field()
    reason = forms.CharField(
        label="Why",
        max_length=400,
        required=False,
        help_text="Needed for a correction; kept with the record.",
    )

    def __init__(self, data=None, *, about, old=None, **options):
        self.whose = {self._meta.model.owner: about}
        fact = old or self._meta.model(**self.whose)
        super().__init__(data, instance=fact, **options)
        self.old = old
        standing = self._meta.model.objects.known().filter(**self.whose)
        self.standing = {str(one.uuid): one for one in standing.latest_first()}
        choices = [(key, planning.in_words(one)) for key, one in self.standing.items()]
        self.fields["corrects"].choices = [("", "–"), *choices]
        if not self.standing:
            del self.fields["corrects"], self.fields["change"], self.fields["reason"]
        elif old:
            self.initial |= {"change": self.CORRECTION, "corrects": str(old.uuid)}
            self.initial["source"] = old.source
        self.dress()

    def clean(self):
        said = super().clean()
        self.corrected = None
        if said.get("change") == self.CORRECTION:
            self.corrected = self.standing.get(said.get("corrects"))
            if self.corrected is None and "corrects" not in self.errors:
                self.add_error("corrects", "Choose the record that was wrong.")
            if not said.get("reason"):
                self.add_error("reason", "Say why the record was wrong.")
        return said

    def _post_clean(self):
        """Nothing is put into the old record: another one is made of what was said."""

    @property
    def values(self):
        return {name: self.cleaned_data[name] for name in self._meta.fields}

    @property
    def since(self):
        """The first day that is touched."""
        days = [self.cleaned_data["effective_on"]]
        if self.corrected:
            days.append(self.corrected.effective_on)
        return min(days)

    def write(self, entry=None):
        if self.corrected:
            return actions.correct(
                fact=self.corrected,
                reason=self.cleaned_data["reason"],
                entry=entry,
                **self.values,
            )
        fact = self._meta.model(**self.whose, **self.values)
        return actions.record(fact=fact, entry=entry)


class RuleForm(DatedFactForm):
    class Meta:
        model = PlanRule
        fields = ["counts_from", "effective_on", "basis", "source", "note"]
        labels = {"counts_from": "Projects count"}
        help_texts = {
            "counts_from": "From which stage of its life a project of the plan counts."
        }

    field_order = [
        *("counts_from", "effective_on", "change", "corrects", "reason"),
        *("basis", "source", "note"),
    ]


class TotalForm(DatedFactForm):
    class Meta:
        model = DeclaredTotal
        fields = ["kind", "total", "effective_on", "basis", "source", "note"]
        labels = {"total": "How many"}
        help_texts = {"total": "Leave it empty where the plan does not state it."}

    field_order = [
        *("kind", "total", "effective_on", "change", "corrects", "reason"),
        *("basis", "source", "note"),
    ]

    def __init__(self, *args, about, **options):
        super().__init__(*args, about=about, **options)
        self.fields["kind"].choices = kinds()
        if not self.initial["kind"]:
            self.initial["kind"] = about.headline_kind or LineKind.ACTION_LINE

    def clean(self):
        said = super().clean()
        if self.corrected and said.get("kind") != self.corrected.kind:
            noun = self.corrected.get_kind_display()
            self.add_error("kind", f"The record to be corrected is of {noun}s.")
        return said


class WithdrawForm(TidyMixin, Sheet, forms.Form):
    """Says that a record never was true."""

    reason = forms.CharField(
        label="Why",
        max_length=400,
        help_text="What was wrong with it. The record is kept and shown as withdrawn.",
    )


class TitlesForm(Sheet, forms.Form):
    """A list of titles, pasted or as a file; the file counts where both are given."""

    text = forms.CharField(
        label="Paste the list",
        required=False,
        strip=False,
        widget=forms.Textarea({"rows": 12, "spellcheck": "false"}),
        help_text="One line a row: its code, its title and, if it is not English, the "
        "language (vi, km, lo, my). Rows copied from a spreadsheet are understood. "
        "A title in another language than the line’s own is kept as its translation.",
    )
    file = forms.FileField(
        label="Or choose a file", required=False, help_text="CSV, written in UTF-8."
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        try:
            return csv_text.decoded(file.read(csv_text.MAX_BYTES + 1))
        except csv_text.NotReadable as error:
            raise ValidationError(str(error)) from error

    def clean(self):
        said = super().clean()
        said["list"] = said.get("file") or said.get("text") or ""
        if not self.errors and not said["list"].strip():
            self.add_error("text", "Paste the list, or choose a file.")
        return said
