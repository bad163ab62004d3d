"""What was agreed and said: plans and their lines, frameworks, meetings, print."""

from collections import defaultdict

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.urls import reverse

from aseanpm.facts import Basis, Clock, Fact, Precision, one_order_per_day, shown_date
from aseanpm.models import (
    Kept,
    Named,
    NamedQuerySet,
    Sourced,
    Titled,
    kept_history,
)


class Dated(models.Model):
    """A date as exactly as it is known; a coarse one is its period's last day."""

    on = models.DateField(null=True, blank=True)
    precision = models.CharField(max_length=5, choices=Precision, default=Precision.DAY)

    class Meta:
        abstract = True

    @property
    def on_shown(self):
        return shown_date(self.on, self.precision)


class TitledQuerySet(models.QuerySet):
    """Rows that a person may call by code or title."""

    def named(self, text):
        """The rows that `text` may mean, in any case; empty where it means none."""
        return self.filter(Q(code__iexact=text) | Q(title__iexact=text))


class Programme(Kept):
    """IAI or MPAC: a succession of work plans."""

    code = models.CharField(max_length=10, unique=True)
    title = models.CharField(max_length=200)
    title_translations = models.JSONField(default=dict, blank=True)
    history = kept_history()

    objects = TitledQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    def __str__(self):
        return self.title


class LineKind(models.TextChoices):
    """What a plan calls the things it promised."""

    ACTION_LINE = "action_line", "action line"
    ENABLING_ACTION = "enabling_action", "enabling action"
    INITIATIVE = "initiative", "initiative"
    STRATEGY = "strategy", "strategy"
    PRIORITY_PROJECT = "priority_project", "priority project"
    MEASURE = "measure", "measure"


class WorkPlanQuerySet(TitledQuerySet):
    def rules_at(self, clock):
        """{key of a plan: the stage from which its projects count}, in one query."""
        rules = {}
        rows = PlanRule.objects.at(clock).filter(plan__in=self).latest_first()
        for plan, counts_from in rows.values_list("plan", "counts_from"):
            rules.setdefault(plan, counts_from)
        return rules

    def started(self, on):
        """Adopted, and in its implementation (or else its nominal period) by a day."""
        return self.filter(
            Q(implementation_start__lte=on)
            | Q(implementation_start__isnull=True, nominal_start__lte=on),
            adopted_on__lte=on,
        )

    def current(self, on):
        """Plans that are being carried out on a day, past their period or not.

        A plan ends with its formal close. Where none is known it runs on past its
        period until a later plan of its programme, with lines on record, has started.
        """
        later = (
            WorkPlan.objects.started(on)
            .filter(lines__isnull=False, programme=models.OuterRef("programme"))
            .filter(nominal_start__gt=models.OuterRef("nominal_start"))
        )
        return self.started(on).filter(
            Q(closed_on__gte=on)
            | Q(closed_on__isnull=True)
            & (Q(nominal_end__gte=on) | ~models.Exists(later))
        )


class StandingManager(models.Manager):
    """Leaves out plans that were recorded by mistake; `_base_manager` has them."""

    def get_queryset(self):
        return super().get_queryset().filter(withdrawn_at__isnull=True)


class WorkPlan(Titled, Sourced, Kept):
    """One edition of a programme. Editions overlap and succeed each other.

    Three spans: the nominal period, the start of implementation, the formal close.
    `headline_kind` is the kind of line the plan is measured by; it may have none.
    """

    code = models.CharField(max_length=20, unique=True)
    programme = models.ForeignKey(
        Programme, on_delete=models.PROTECT, related_name="plans"
    )
    headline_kind = models.CharField(max_length=20, choices=LineKind, blank=True)
    nominal_start = models.DateField()
    nominal_end = models.DateField()
    implementation_start = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    adopted_on = models.DateField(null=True, blank=True)
    adopted_precision = models.CharField(
        max_length=5, choices=Precision, default=Precision.DAY
    )
    adopted_by = models.CharField(max_length=200, blank=True)
    predecessor = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="successor",
    )
    note = models.TextField(blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = kept_history(m2m_fields=["sources"])

    objects = StandingManager.from_queryset(WorkPlanQuerySet)()

    class Meta:
        ordering = ["programme__code", "nominal_start"]
        constraints = [
            models.CheckConstraint(
                name="plan_ends_after_it_starts",
                condition=Q(nominal_end__gte=F("nominal_start")),
                violation_error_message="A plan cannot end before it starts.",
            )
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("workplans:plan", args=[self.code])

    def rule_at(self, clock):
        """The rule in force on the clock's day, or None where none is recorded."""
        return self.rules.at(clock).latest_first().first()

    def declared_at(self, clock):
        """{kind: total} as declared by the clock's day; a missing kind is unknown."""
        totals = {}
        for row in self.declared_totals.at(clock).latest_first():
            totals.setdefault(row.kind, row.total)
        return {kind: total for kind, total in totals.items() if total is not None}

    def is_adopted_by(self, day):
        return self.adopted_on is not None and self.adopted_on <= day

    def successor_by(self, day):
        """The plan that followed, if it was adopted by a day."""
        return WorkPlan.objects.filter(predecessor=self, adopted_on__lte=day).first()

    def is_past_its_period(self, on):
        return self.nominal_end < on and (self.closed_on is None or self.closed_on > on)


class PlanRule(Fact):
    """From which stage a project counts in a plan, since a day."""

    class CountsFrom(models.TextChoices):
        APPROVED = "approved", "from approved"
        ONGOING = "ongoing", "from ongoing"
        COMPLETED = "completed", "from completed"

    plan = models.ForeignKey(WorkPlan, on_delete=models.PROTECT, related_name="rules")
    counts_from = models.CharField(max_length=10, choices=CountsFrom)
    owner = "plan"

    class Meta(Fact.Meta):
        constraints = [*Fact.Meta.constraints, one_order_per_day("plan")]

    def __str__(self):
        return f"{self.plan} counts {self.get_counts_from_display()}"


class DeclaredTotal(Fact):
    """How many lines of a kind a plan declared, since a day. None: not stated."""

    plan = models.ForeignKey(
        WorkPlan, on_delete=models.PROTECT, related_name="declared_totals"
    )
    kind = models.CharField(max_length=20, choices=LineKind)
    total = models.PositiveIntegerField(null=True, blank=True)
    owner = "plan"

    class Meta(Fact.Meta):
        constraints = [
            *Fact.Meta.constraints,
            one_order_per_day("plan", "kind"),
        ]

    def __str__(self):
        return f"{self.plan} declares {self.total} {self.get_kind_display()}s"


class StrategicArea(Titled, Sourced, Kept):
    """A part of one work plan. `other_titles` lists wordings seen in print."""

    plan = models.ForeignKey(WorkPlan, on_delete=models.PROTECT, related_name="areas")
    code = models.CharField(max_length=20, unique=True)
    order = models.PositiveSmallIntegerField()
    other_titles = models.JSONField(default=list, blank=True)
    note = models.TextField(blank=True)
    history = kept_history(m2m_fields=["sources"])

    objects = TitledQuerySet.as_manager()

    class Meta:
        ordering = ["plan", "order"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("workplans:plan", args=[self.plan.code]) + f"#{self.code}"


class ActionLine(Titled, Sourced, Kept):
    """What a plan promised. An empty title waits to be loaded by the secretariat.

    `area_basis` tells whether its place in an area is documented or assumed.
    `continues` names the lines of an earlier plan that this one takes up.
    """

    plan = models.ForeignKey(WorkPlan, on_delete=models.PROTECT, related_name="lines")
    area = models.ForeignKey(
        StrategicArea,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="lines",
    )
    area_basis = models.CharField(
        max_length=12, choices=Basis, default=Basis.DOCUMENTED
    )
    code = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=20, choices=LineKind)
    number = models.PositiveSmallIntegerField(null=True, blank=True)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
    )
    continues = models.ManyToManyField(
        "self", symmetrical=False, blank=True, related_name="continued_by"
    )
    history = kept_history(m2m_fields=["sources", "continues"])

    objects = TitledQuerySet.as_manager()

    class Meta:
        ordering = ["plan", "kind", "number", "code"]

    def __str__(self):
        return f"{self.code} {self.title}".strip()

    def clean(self):
        super().clean()
        if self.parent and (
            self.parent.parent_id or self.parent.plan_id != self.plan_id
        ):
            message = "A line stands below a line of its plan that stands below none."
            raise ValidationError({"parent": message})

    def get_absolute_url(self):
        return reverse("workplans:line", args=[self.code])


class Milestone(Dated, Titled, Sourced, Kept):
    """A dated step of a line: a framework adopted, a pipeline item, a lesson."""

    class Kind(models.TextChoices):
        ADOPTED = "adopted", "Adopted"
        PIPELINE = "pipeline", "Pipeline item"
        LESSON = "lesson", "Lesson"
        OTHER = "other", "Step"

    line = models.ForeignKey(
        ActionLine, on_delete=models.CASCADE, related_name="milestones"
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OTHER)
    history = kept_history(m2m_fields=["sources"])

    class Meta:
        ordering = ["on"]

    def __str__(self):
        return self.title


class ReportedState(Dated, Sourced, Kept):
    """What a line's lead body said of it, apart from what is computed."""

    line = models.ForeignKey(
        ActionLine, on_delete=models.CASCADE, related_name="reported_states"
    )
    state = models.CharField(max_length=200)
    body = models.ForeignKey(
        "Body", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = kept_history(m2m_fields=["sources"])

    class Meta:
        ordering = ["-on"]

    def __str__(self):
        return f"{self.line}: {self.state}"


class Theme(Titled, Sourced, Kept):
    """What crosses areas: Industry 4.0, sustainability, inclusion, COVID-19."""

    code = models.CharField(max_length=10, unique=True)
    history = kept_history(m2m_fields=["sources"])

    objects = TitledQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    def __str__(self):
        return self.title


class Framework(Titled, Sourced, Kept):
    """What stands outside the plans but is linked with them."""

    code = models.CharField(max_length=20, unique=True)
    note = models.TextField(blank=True)
    history = kept_history(m2m_fields=["sources"])

    objects = TitledQuerySet.as_manager()

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title


class Statement(Dated, Titled, Sourced, Kept):
    """A statement that founds a link between a framework and our plans."""

    code = models.CharField(max_length=30, unique=True)
    framework = models.ForeignKey(
        Framework, on_delete=models.PROTECT, related_name="statements"
    )
    history = kept_history(m2m_fields=["sources"])

    class Meta:
        ordering = ["on"]

    def __str__(self):
        return self.title


class FrameworkLink(Sourced, Kept):
    """A framework's link with a plan or one of its lines, by a statement if known."""

    framework = models.ForeignKey(
        Framework, on_delete=models.CASCADE, related_name="links"
    )
    statement = models.ForeignKey(
        Statement,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="links",
    )
    plan = models.ForeignKey(
        WorkPlan, on_delete=models.CASCADE, related_name="framework_links"
    )
    line = models.ForeignKey(
        ActionLine,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="framework_links",
    )
    note = models.CharField(max_length=300, blank=True)
    history = kept_history(m2m_fields=["sources"])

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "framework",
                "plan",
                Coalesce("statement", 0),
                Coalesce("line", 0),
                name="framework_link_once",
            )
        ]

    def __str__(self):
        return f"{self.framework} and {self.plan}"


class Body(Named, Sourced, Kept):
    """A body that meets, decides or answers."""

    code = models.CharField(max_length=20, unique=True)
    role = models.TextField(blank=True)
    members = models.CharField(max_length=300, blank=True)
    chair_rule = models.TextField(blank=True)
    history = kept_history(m2m_fields=["sources"])

    objects = NamedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "bodies"


class MeetingQuerySet(models.QuerySet):
    def named(self, text):
        return self.filter(code__iexact=text)

    def held_by(self, day):
        """Meetings that had begun by a day; undated ones only when none is asked.

        One known by its month or year begins on the period's last day.
        """
        if day is None:
            return self
        return self.annotate(begun=Coalesce("held_from", "held_until")).filter(
            begun__lte=day
        )


class Meeting(Sourced, Kept):
    """A meeting of a body; a decision taken by circulation belongs to none.

    `approvals_in_print` is how many projects reports say it approved. Dates known
    by month or year stand on the period's last day, with their precision.
    """

    code = models.CharField(max_length=40, unique=True)
    body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="meetings")
    number = models.PositiveSmallIntegerField(null=True, blank=True)
    name = models.CharField(max_length=200, blank=True)
    held_from = models.DateField(null=True, blank=True)
    held_until = models.DateField(null=True, blank=True)
    precision = models.CharField(max_length=5, choices=Precision, default=Precision.DAY)
    place = models.CharField(max_length=100, blank=True)
    chair = models.CharField(max_length=100, blank=True)
    chair_country = models.ForeignKey(
        "partners.Country",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="chaired_meetings",
    )
    country = models.ForeignKey(
        "partners.Country",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="consultations",
        help_text="The country that a national consultation is about.",
    )
    approvals_in_print = models.PositiveSmallIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)
    history = kept_history(m2m_fields=["sources"])

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = [F("held_until").desc(nulls_last=True), "code"]
        constraints = [
            models.CheckConstraint(
                name="meeting_ends_after_it_starts",
                condition=Q(held_until__isnull=True)
                | Q(held_from__isnull=True)
                | Q(held_until__gte=F("held_from")),
                violation_error_message="A meeting cannot end before it starts.",
            )
        ]

    def __str__(self):
        if self.name or self.number:
            return self.undated
        return f"{self.undated}, {self.dates_shown or 'date not known'}"

    def get_absolute_url(self):
        return reverse("workplans:meeting", args=[self.code])

    @property
    def undated(self):
        """What it is called where its date stands beside it."""
        called = self.name or self.body.name
        if self.number and not self.name:
            called = f"{ordinal(self.number)} {called}"
        if self.country and self.country.name not in called:
            called = f"{called}, {self.country.name}"
        return called

    def clean(self):
        """A meeting is not moved away from a day on which it decided."""
        super().clean()
        before = Meeting.objects.filter(pk=self.pk).first()
        if before is None:
            return
        for facts in (self.decisions, self.approval_steps):
            for day in facts.known().values_list("effective_on", flat=True).distinct():
                within = before.may_have_decided_on(day)
                if within and not self.may_have_decided_on(day):
                    message = (
                        f"Decisions of this meeting are dated {day.isoformat()}. "
                        "Correct those first."
                    )
                    raise ValidationError({"held_until": message})

    def may_have_decided_on(self, day):
        """Whether a day is within the meeting, as exactly as its dates are known."""
        if self.held_until is None or day is None:
            return True
        return self.first_day <= day <= self.held_until

    @property
    def first_day(self):
        """The first day on which it may have been held; None where none is known."""
        first = self.held_from or self.held_until
        if first and self.precision == Precision.MONTH:
            return first.replace(day=1)
        if first and self.precision == Precision.YEAR:
            return first.replace(month=1, day=1)
        return first

    @property
    def dates_shown(self):
        if self.held_until is None:
            return ""
        last = shown_date(self.held_until, self.precision)
        first = shown_date(self.held_from, self.precision)
        return last if first in (None, last) else f"{first} to {last}"


def ordinal(number):
    """68th, 71st: how meetings are numbered in English."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 13 else ending}"


class Attendance(Kept):
    """Who was at a meeting, as member, observer or partner."""

    class Capacity(models.TextChoices):
        MEMBER = "member", "Member"
        OBSERVER = "observer", "Observer"
        PARTNER = "partner", "Partner"
        REPORTING = "reporting", "Reporting country"

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="attendances"
    )
    capacity = models.CharField(max_length=10, choices=Capacity)
    country = models.ForeignKey(
        "partners.Country",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="attendances",
    )
    partner = models.ForeignKey(
        "partners.Partner",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="attendances",
    )
    history = kept_history()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="attendance_of_a_country_or_a_partner",
                condition=Q(country__isnull=True) ^ Q(partner__isnull=True),
                violation_error_message="Name a country or a partner, not both.",
            ),
            models.UniqueConstraint(
                name="attendance_of_a_country_once", fields=["meeting", "country"]
            ),
            models.UniqueConstraint(
                name="attendance_of_a_partner_once", fields=["meeting", "partner"]
            ),
        ]

    def __str__(self):
        return str(self.country or self.partner)


class Conclusion(Sourced, Kept):
    """What a meeting noted: about which lines and themes, who follows up, and how."""

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="conclusions"
    )
    order = models.PositiveSmallIntegerField()
    text = models.TextField()
    who = models.CharField(max_length=200, blank=True)
    follow_up = models.TextField(blank=True)
    lines = models.ManyToManyField(ActionLine, blank=True, related_name="conclusions")
    themes = models.ManyToManyField(Theme, blank=True, related_name="conclusions")
    history = kept_history(m2m_fields=["sources", "lines", "themes"])

    class Meta:
        ordering = ["meeting", "order"]
        constraints = [
            models.UniqueConstraint(name="conclusion_once", fields=["meeting", "order"])
        ]

    def __str__(self):
        return self.text


class PartnerStatement(Sourced, Kept):
    """What a partner said at a meeting, and the pledges that came of it."""

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="partner_statements"
    )
    partner = models.ForeignKey(
        "partners.Partner", on_delete=models.PROTECT, related_name="statements"
    )
    text = models.TextField()
    pledges = models.ManyToManyField(
        "projects.MoneyEntry", blank=True, related_name="statements"
    )
    history = kept_history(m2m_fields=["sources", "pledges"])

    class Meta:
        ordering = ["meeting", "partner"]

    def __str__(self):
        return self.text


class PublishedFigureQuerySet(models.QuerySet):
    def headline(self):
        """Figures as printed, without the breakdowns printed beside them."""
        return self.filter(part_of__isnull=True)


class PublishedFigure(Sourced, Kept):
    """What was said in print: one number, about a scope, as of a date.

    The scope is a plan, a programme or a partner. A partial date is computed at its
    period's end. An opening figure holds as of the day before its meeting. A breakdown
    (`part_of`) is about one combination of funders or one group of them. Money is in
    the currency named by `unit`.
    """

    class Qualifier(models.TextChoices):
        EXACT = "exact", "exactly"
        NEARLY = "nearly", "nearly"
        MORE_THAN = "more_than", "more than"
        OVER = "over", "over"
        APPROXIMATELY = "approximately", "approximately"

    class Moment(models.TextChoices):
        CLOSING = "closing", "as it closed"
        OPENING = "opening", "before the meeting"

    code = models.CharField(max_length=60, unique=True)
    plan = models.ForeignKey(
        WorkPlan,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="published_figures",
    )
    programme = models.ForeignKey(
        Programme,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="published_figures",
    )
    partner = models.ForeignKey(
        "partners.Partner",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="published_figures",
    )
    metric = models.CharField(max_length=60)
    as_of = models.DateField()
    precision = models.CharField(max_length=5, choices=Precision, default=Precision.DAY)
    moment = models.CharField(max_length=8, choices=Moment, default=Moment.CLOSING)
    value = models.DecimalField(max_digits=18, decimal_places=2)
    unit = models.CharField(max_length=20, blank=True)
    qualifier = models.CharField(
        max_length=14, choices=Qualifier, default=Qualifier.EXACT
    )
    of_total = models.PositiveIntegerField(null=True, blank=True)
    percent = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    about_projects = models.PositiveIntegerField(null=True, blank=True)
    funder = models.ForeignKey(
        "partners.Partner",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="figures_about",
    )
    part_of = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="parts"
    )
    combination = models.CharField(
        max_length=60, blank=True, help_text="Funder codes in order: JP+SG."
    )
    group = models.CharField(max_length=30, blank=True)
    meeting = models.ForeignKey(
        Meeting,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="published_figures",
    )
    note = models.TextField(blank=True)
    history = kept_history(m2m_fields=["sources"])

    objects = PublishedFigureQuerySet.as_manager()

    class Meta:
        ordering = ["as_of", "plan", "code"]
        constraints = [
            models.CheckConstraint(
                name="figure_has_one_scope",
                condition=(
                    Q(plan__isnull=False, programme__isnull=True, partner__isnull=True)
                    | Q(
                        plan__isnull=True,
                        programme__isnull=False,
                        partner__isnull=True,
                    )
                    | Q(
                        plan__isnull=True,
                        programme__isnull=True,
                        partner__isnull=False,
                    )
                ),
                violation_error_message="A figure is about one scope.",
            )
        ]

    def __str__(self):
        return self.code

    @property
    def scope_code(self):
        return (self.plan or self.programme or self.partner).code

    @property
    def as_of_shown(self):
        return shown_date(self.as_of, self.precision)

    @property
    def computed_on(self):
        """The clock at which the figure is computed: the eve for an opening one."""
        eve = self.moment == self.Moment.OPENING
        return Clock(day=self.as_of.fromordinal(self.as_of.toordinal() - eve))


# What is measured


class IndicatorQuerySet(models.QuerySet):
    def told_with(self, projects):
        """Those of lines, and those of these projects."""
        return self.filter(Q(project__isnull=True) | Q(project__in=projects))

    def with_targets(self, clock):
        """A list of them, each with its `standing_targets` on the clock; two queries.

        Of the targets for one day the last that was set stands; one that was given up
        does not. `current_target` is the next that comes due, or else the last one.
        """
        rows = list(self)
        last_set: dict = defaultdict(dict)
        targets = IndicatorTarget.objects.at(clock).filter(indicator__in=rows)
        for target in targets.select_related("source").latest_first():
            last_set[target.indicator_id].setdefault(target.due, target)
        for row in rows:
            by_day = sorted(last_set[row.pk].items())
            row.standing_targets = [one for _, one in by_day if one.value is not None]
            due = [one for one in row.standing_targets if one.due >= clock.last_day]
            row.current_target = next(iter(due or row.standing_targets[-1:]), None)
        return rows


def number_field(**options):
    """A number of at most 15 digits, as many as SQLite keeps exactly."""
    return models.DecimalField(
        max_digits=15, decimal_places=4, null=True, blank=True, **options
    )


def in_figures(number):
    """A number with the decimals that it needs; None where unknown."""
    return None if number is None else f"{number.normalize():f}"


class Indicator(Titled, Sourced, Kept):
    """What is measured of a line or a project, and where it stood at first.

    An unknown baseline is None, never 0. `aggregation` tells how the values of several
    periods make one.
    """

    class Level(models.TextChoices):
        OUTPUT = "output", "Output"
        OUTCOME = "outcome", "Outcome"
        IMPACT = "impact", "Impact"

    class Direction(models.TextChoices):
        INCREASE = "increase", "Increase"
        DECREASE = "decrease", "Decrease"

    class Aggregation(models.TextChoices):
        SUM = "sum", "Sum of the periods"
        LATEST = "latest", "Latest value"
        AVERAGE = "average", "Average of the periods"

    code = models.CharField(max_length=30, unique=True)
    line = models.ForeignKey(
        ActionLine,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="indicators",
    )
    project = models.ForeignKey(
        "projects.Project",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="indicators",
    )
    level = models.CharField(max_length=7, choices=Level)
    unit = models.CharField(max_length=40)
    direction = models.CharField(max_length=8, choices=Direction)
    aggregation = models.CharField(max_length=7, choices=Aggregation)
    baseline_value = number_field()
    baseline_on = models.DateField(null=True, blank=True)
    baseline_on_precision = models.CharField(
        max_length=5, choices=Precision, default=Precision.DAY
    )
    history = kept_history(m2m_fields=["sources"])

    objects = IndicatorQuerySet.as_manager()

    standing_targets: list
    current_target: "IndicatorTarget | None"

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="indicator_of_a_line_or_a_project",
                condition=Q(line__isnull=True) ^ Q(project__isnull=True),
                violation_error_message="Name a line or a project, not both.",
            ),
            models.CheckConstraint(
                name="indicator_baseline_has_a_value",
                condition=Q(baseline_on__isnull=True) | Q(baseline_value__isnull=False),
                violation_error_message="Leave out the day of a baseline that is not "
                "known.",
            ),
        ]

    def __str__(self):
        return self.title or self.code

    def get_absolute_url(self):
        return f"{self.of.get_absolute_url()}#{self.code}"

    @property
    def of(self):
        """The line or the project."""
        return self.line or self.project

    @property
    def baseline_on_shown(self):
        return shown_date(self.baseline_on, self.baseline_on_precision)


class IndicatorTarget(Fact):
    """What an indicator is to reach by a day, since the day it was set.

    A coarse day is its period's last. None: nothing is aimed at for that day any more.
    """

    indicator = models.ForeignKey(
        Indicator, on_delete=models.PROTECT, related_name="targets"
    )
    value = number_field()
    due = models.DateField()
    due_precision = models.CharField(
        max_length=5, choices=Precision, default=Precision.DAY
    )
    owner = "indicator"

    class Meta(Fact.Meta):
        constraints = [*Fact.Meta.constraints, one_order_per_day("indicator")]

    def __str__(self):
        if self.value is None:
            return f"no target for {self.due_shown}"
        return f"{in_figures(self.value)} {self.indicator.unit} by {self.due_shown}"

    @property
    def due_shown(self):
        return shown_date(self.due, self.due_precision)


# A meeting's work


class MeetingSession(Titled, Kept):
    """A part of a national consultation, about one strategic area if named."""

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="sessions"
    )
    order = models.PositiveSmallIntegerField(default=1)
    area = models.ForeignKey(
        StrategicArea,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sessions",
    )
    note = models.TextField(blank=True)
    history = kept_history()

    class Meta:
        ordering = ["meeting", "order"]

    def __str__(self):
        return self.title or str(self.area)


class Priority(Titled, Kept):
    """What was proposed at a consultation; a project may be made of it."""

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="priorities"
    )
    session = models.ForeignKey(
        MeetingSession,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="priorities",
    )
    line = models.ForeignKey(
        ActionLine,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="priorities",
    )
    proposed_by = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)
    project = models.OneToOneField(
        "projects.Project",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="priority",
    )
    history = kept_history()

    class Meta:
        ordering = ["meeting", "session__order", "pk"]
        verbose_name_plural = "priorities"

    def __str__(self):
        return self.title

    def clean(self):
        super().clean()
        if self.session and self.session.meeting_id != self.meeting_id:
            raise ValidationError({"session": "That session is of another meeting."})


class AgendaItem(Kept):
    """A project on a meeting's agenda: to be decided, or a circulation to be noted.

    `outcome` is what the meeting decided; it becomes facts when the decisions are
    applied, by the write `applied`.
    """

    class Kind(models.TextChoices):
        DECIDE = "decide", "To be decided"
        NOTE = "note", "Decided by circulation, to be noted"

    class Outcome(models.TextChoices):
        APPROVE = "approve", "Approve"
        RETURN = "return", "Return"
        DEFER = "defer", "Defer"
        NOTE = "note", "Note"

    DID = {
        Outcome.APPROVE: "approved",
        Outcome.RETURN: "returned",
        Outcome.DEFER: "deferred",
        Outcome.NOTE: "noted",
    }

    meeting = models.ForeignKey(
        Meeting, on_delete=models.CASCADE, related_name="agenda_items"
    )
    project = models.ForeignKey(
        "projects.Project", on_delete=models.PROTECT, related_name="agenda_items"
    )
    order = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.DECIDE)
    outcome = models.CharField(max_length=7, choices=Outcome, blank=True)
    note = models.TextField(blank=True)
    applied = models.BigIntegerField(null=True, blank=True, editable=False)
    history = kept_history()

    class Meta:
        ordering = ["meeting", "order", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="agenda_names_a_project_once",
                fields=["meeting", "project"],
                violation_error_message="This project is on the agenda already.",
            )
        ]

    def __str__(self):
        return f"{self.project} at {self.meeting}"

    @property
    def was(self):
        """What was decided of it, in a word: approved; "" while it is open."""
        return self.DID.get(self.outcome, "")

    def clean(self):
        """What was decided stays as its facts say; undo alone takes both back."""
        super().clean()
        before = AgendaItem.objects.filter(pk=self.pk, applied__isnull=False).first()
        if before is None or self.applied is None:
            return
        decided = ("meeting_id", "project_id", "kind", "outcome", "note", "applied")
        if any(getattr(self, name) != getattr(before, name) for name in decided):
            message = "This was decided. To change it, undo the decision as a whole."
            raise ValidationError(message)
