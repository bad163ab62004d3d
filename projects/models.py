"""What is done and paid: projects, and the facts that every figure is made of."""

import datetime as dt
import secrets
from functools import reduce
from operator import or_

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse
from django.utils import timezone

from aseanpm.facts import (
    Clock,
    Fact,
    FactQuerySet,
    Precision,
    Recorded,
    end_of_day,
    one_order_per_day,
    shown_date,
)
from aseanpm.fields import MoneyField, SearchTextField, fold
from aseanpm.models import Kept, Titled, kept_history

from .currencies import check_currency


class Status(models.TextChoices):
    """The states of a project's life; lifecycle.py says which follows which."""

    CONCEPT = "concept", "Concept"
    APPRAISAL = "appraisal", "Appraisal"
    APPROVED = "approved", "Approved"
    ONGOING = "ongoing", "Ongoing"
    ON_HOLD = "on_hold", "On hold"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    CARRIED_OVER = "carried_over", "Carried over"


PREPARING = (Status.CONCEPT, Status.APPRAISAL)
ENDINGS = (Status.CANCELLED, Status.CARRIED_OVER)
RATE_DIGITS = 15
MOST_DOLLARS = 10**12
COUNTING = {
    "approved": (
        Status.APPROVED,
        Status.ONGOING,
        Status.ON_HOLD,
        Status.COMPLETED,
    ),
    "ongoing": (Status.ONGOING, Status.ON_HOLD, Status.COMPLETED),
    "completed": (Status.COMPLETED,),
}


def new_code():
    """A code that is never reused and says nothing: P- and five characters."""
    alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return "P-" + "".join(secrets.choice(alphabet) for _ in range(5))


class ProjectQuerySet(models.QuerySet):
    """Projects as of a day and as known at a moment; the clock travels along.

    Without `as_of` the clock is now, and the current_ copies answer; any other day
    or moment asks the facts.
    """

    clock = Clock()

    def _clone(self):
        clone = super()._clone()
        clone.clock = self.clock
        return clone

    # Which rows

    def as_of(self, day=None, known_at=None):
        """The projects that existed on a day, as known at a moment.

        A project exists from its first status, and from the day a document attests it
        or, without one, the day it was recorded. One recorded by mistake exists only in
        what was known before.
        """
        withdrawn = Q(withdrawn_at__isnull=True)
        if known_at:
            withdrawn |= Q(withdrawn_at__gt=known_at)
        projects = self.filter(withdrawn)
        if known_at:
            projects = projects.exclude(pk__in=self._mistaken(known_at))
        projects.clock = Clock(day, known_at)
        if projects.clock.is_now:
            return projects
        begun = StatusChange.objects.at(projects.clock)
        attested = Q(attested_on__lte=projects.clock.last_day)
        noted = Q(attested_on__isnull=True)
        noted &= Q(recorded_at__lte=end_of_day(projects.clock.last_day))
        if known_at:
            attested &= Q(recorded_at__lte=known_at)
            noted &= Q(recorded_at__lte=known_at)
        return projects.filter(attested | noted | Q(pk__in=begun.values("project")))

    def _mistaken(self, known_at):
        """Keys of those withdrawn at a moment, also where that was undone since."""
        told = self.model.history.filter(history_date__lte=known_at)
        again = told.filter(
            id=OuterRef("id"),
            history_id__gt=OuterRef("history_id"),
            withdrawn_at__isnull=True,
        )
        return told.filter(~Exists(again), withdrawn_at__isnull=False).values("id")

    def visible_to(self, user):
        """What is published, and what the user's role, country or partner adds."""
        published = Q(is_published=True)
        if user is None or not user.is_authenticated:
            return self.filter(published)
        if user.is_secretariat:
            return self
        return self.filter(published | self._own(user))

    def own_of(self, user):
        """Those that benefit the user's country, or that its partner funds or may."""
        return self.filter(self._own(user))

    @staticmethod
    def _own(user):
        if user.country_id:
            return Benefit.objects.reaching([user.country_id], Clock())
        if user.partner_id:
            asked = MoneyEntry.objects.known().filter(partner=user.partner_id)
            joined = Funding.objects.joined(Clock(), partner=user.partner_id)
            return Q(pk__in=joined) | Q(pk__in=asked.values("project"))
        return Q(pk__in=[])

    def in_status(self, *statuses):
        """Projects in one of the statuses; "" stands for none documented."""
        return self._with_clock_aliases().filter(self._status_in(statuses))

    def counted(self, rule=None):
        """Projects that count from the stage `rule`, or by the rule of their plan.

        A project that was carried over counts on where it was approved. On hold
        counts as ongoing. A plan without a recorded rule counts from approved. One
        query more when no rule is given.
        """
        return self._by_rule(rule, self._counting)

    def pipeline(self, rule=None):
        """Not yet counting, and neither cancelled nor carried over."""

        def waiting(from_stage):
            later = set(COUNTING["approved"]) - set(COUNTING[from_stage])
            return self._status_in([*PREPARING, *sorted(later)])

        return self._by_rule(rule, waiting)

    def cancelled_after_approval(self, rule=None):
        return self._by_rule(
            rule,
            lambda from_stage: (
                self._status_in([Status.CANCELLED])
                & self._stage_in(COUNTING[from_stage])
            ),
        )

    def in_stages(self, stages, rule=None):
        """Projects in some stages of counting, by the names that ProjectFilter has."""
        found = {
            "counted": self.counted,
            "pipeline": self.pipeline,
            "cancelled_after_approval": self.cancelled_after_approval,
            "carried_over": lambda rule: self.in_status(Status.CARRIED_OVER),
        }
        held = [found[stage](rule).order_by().values("pk") for stage in stages]
        return self.filter(reduce(or_, (Q(pk__in=pks) for pks in held)))

    def under(self, *plans):
        """Projects placed in one of the plans (rows or keys)."""
        return self._placed(plan__in=plans)

    def in_programme(self, *programmes):
        return self._placed(plan__programme__in=programmes)

    def in_areas(self, *areas):
        return self._placed(area__in=areas)

    def on_lines(self, *lines):
        """Projects whose primary line is one of the lines, or stands below one."""
        return self.filter(
            self._placement(line__in=lines) | self._placement(line__parent__in=lines)
        )

    def on_kinds(self, *kinds):
        """Projects whose primary line is of a kind; under a plan without one: none."""
        held = self._placement(line__kind__in=kinds)
        if "none" in kinds:
            held |= self._placement(plan__isnull=False, line__isnull=True)
        return self.filter(held)

    def for_country(self, *countries):
        """Projects that benefit a country, itself or through a grouping."""
        return self.filter(Benefit.objects.reaching(countries, self.clock))

    def for_grouping(self, *groupings):
        joined = Benefit.objects.joined(self.clock, grouping__in=groupings)
        return self.filter(pk__in=joined)

    def funded_by(self, *partners):
        return self.filter(
            pk__in=Funding.objects.joined(self.clock, partner__in=partners)
        )

    def funded_through(self, *funds):
        return self.filter(pk__in=Funding.objects.joined(self.clock, fund__in=funds))

    def funded_by_exactly(self, *combinations):
        """Projects whose funders are one of these sets of codes; () means none."""
        joined = Funding.objects.joined
        held = Q(pk__in=[])
        for codes in combinations:
            others = Funding.objects.exclude(partner__code__in=codes)
            exactly = ~Q(pk__in=others.joined(self.clock))
            for code in codes:
                exactly &= Q(pk__in=joined(self.clock, partner__code=code))
            held |= exactly
        return self.filter(held)

    def funded_by_groups(self, *groups):
        """Some of the three groups that partition projects by who funds them."""
        partners = Funding._meta.get_field("partner").related_model.objects
        inside = partners.inside_asean(self.clock.last_day).values("pk")
        outside = Q(
            pk__in=Funding.objects.exclude(partner__in=inside).joined(self.clock)
        )
        anyone = Q(pk__in=Funding.objects.joined(self.clock))
        held = {
            "any_outside_asean": outside,
            "asean_only": anyone & ~outside,
            "none_recorded": ~anyone,
        }
        return self.filter(reduce(or_, (held[group] for group in groups)))

    def decided_at(self, *meetings, status=None):
        """Projects with a status that one of the meetings decided."""
        decisions = StatusChange.objects.at(self.clock).filter(meeting__in=meetings)
        if status:
            decisions = decisions.filter(status=status)
        return self.filter(pk__in=decisions.values("project"))

    def matching(self, text):
        """Projects whose code or any title holds every word, marks and case aside."""
        projects = self
        for word in fold(text).split():
            projects = projects.filter(search_text__contains=word)
        return projects

    def once_each(self):
        """The same projects, each once, whatever joins the query has gathered."""
        if len(self.query.alias_map) < 2:
            return self
        again = Project.objects.all()
        again.clock = self.clock
        return again.filter(pk__in=self.order_by().values("pk"))

    # What comes with them

    def with_state(self):
        """Add `status` ('' where not documented) and `stage`, on the clock."""
        return self.annotate(status=self.status_expression(), stage=self._stage())

    def with_placement(self, by="pk"):
        """Add `plan`, `area` and `line`, by pk or code, as known at the clock."""
        names = ("plan", "area", "line")
        return self.annotate(
            **{name: self.placement_expression(name, by) for name in names}
        )

    def with_change(self):
        """Add `changed`: when something was last recorded, as known at the clock."""
        return self.annotate(changed=self.change_expression())

    # How the clock is read

    def status_expression(self):
        """The status on the clock; '' where no document tells one."""
        if self.clock.is_now:
            return F("current_status")
        return Coalesce(
            Subquery(self._changes().values("status")[:1]),
            Value(""),
            output_field=models.CharField(),
        )

    def placement_expression(self, name, by="code"):
        """The code or key of a project's plan, area or line, as known at the clock."""
        if self.clock.known_at is None:
            return F(f"current_{name}__{by}")
        placements = Placement.objects.known(self.clock.known_at)
        return Subquery(
            placements.filter(project=OuterRef("pk")).values(f"{name}__{by}")[:1]
        )

    def change_expression(self):
        """When something was last recorded of a project, as known at the clock."""
        if self.clock.known_at is None:
            return F("changed_at")
        known = {"project": OuterRef("pk"), "recorded_at__lte": self.clock.known_at}
        last = (
            facts.objects.filter(**known)
            .order_by("-recorded_at")
            .values("recorded_at")[:1]
            for facts in FACTS
        )
        return Greatest(*(Coalesce(Subquery(one), F("recorded_at")) for one in last))

    def _stage(self):
        """The last status that was no ending: where a project stood when it ended."""
        if self.clock.is_now:
            return F("current_stage")
        return Coalesce(
            Subquery(self._changes().exclude(status__in=ENDINGS).values("status")[:1]),
            Value(""),
            output_field=models.CharField(),
        )

    def _changes(self):
        changes = StatusChange.objects.at(self.clock)
        return changes.filter(project=OuterRef("pk")).latest_first()

    def _with_clock_aliases(self):
        if self.clock.is_now or "status_then" in self.query.annotations:
            return self
        return self.alias(
            status_then=self.status_expression(), stage_then=self._stage()
        )

    def _status_in(self, statuses):
        column = "current_status" if self.clock.is_now else "status_then"
        return Q(**{f"{column}__in": statuses})

    def _stage_in(self, statuses):
        column = "current_stage" if self.clock.is_now else "stage_then"
        return Q(**{f"{column}__in": statuses})

    def _counting(self, rule):
        return self._status_in(COUNTING[rule]) | (
            self._status_in([Status.CARRIED_OVER]) & self._stage_in(COUNTING[rule])
        )

    def _by_rule(self, rule, condition):
        projects = self._with_clock_aliases()
        if rule:
            return projects.filter(condition(rule))
        plans = Placement._meta.get_field("plan").related_model.objects
        rules = plans.rules_at(self.clock)
        placed = self._placement(plan__isnull=False)
        held = placed & ~self._placement(plan__in=rules) & condition("approved")
        for each in set(rules.values()):
            ruled = [plan for plan, counts_from in rules.items() if counts_from == each]
            held |= self._placement(plan__in=ruled) & condition(each)
        return projects.filter(held)

    def _placed(self, **where):
        return self.filter(self._placement(**where))

    def _placement(self, **where):
        """The condition that a project's placement meets `where`."""
        if self.clock.known_at is None:
            return Q(**{f"current_{name}": value for name, value in where.items()})
        known = Placement.objects.known(self.clock.known_at).filter(**where)
        return Q(pk__in=known.values("project"))


class Project(Titled, Kept):
    """A piece of work that is planned, carried out and paid for.

    Its life, funders, money, benefits and place in a plan are facts of their own. The
    current_ fields are copies of them that only the query set reads. `attested_on` is
    the day from which a document shows that the project existed. `officer` answers for
    the record in the secretariat. `planned_at` is the meeting that last moved the
    planned dates. A project recorded by mistake is withdrawn with all its facts.
    """

    class Channel(models.TextChoices):
        PLAN = "plan", "Under a plan"
        BILATERAL = "bilateral", "Direct bilateral support"

    code = models.CharField(max_length=20, unique=True, default=new_code)
    official_code = models.CharField(max_length=40, blank=True)
    description = models.TextField(blank=True)
    channel = models.CharField(max_length=9, choices=Channel, default=Channel.PLAN)
    is_illustrative = models.BooleanField(default=False)
    is_published = models.BooleanField(default=False)
    withheld_reason = models.CharField(max_length=300, blank=True)
    attested_on = models.DateField(null=True, blank=True)
    planned_start = models.DateField(null=True, blank=True)
    planned_start_precision = models.CharField(
        max_length=5, choices=Precision, default=Precision.DAY
    )
    planned_end = models.DateField(null=True, blank=True)
    planned_end_precision = models.CharField(
        max_length=5, choices=Precision, default=Precision.DAY
    )
    is_recurring = models.BooleanField(default=False)
    predecessor = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="successors",
    )
    themes = models.ManyToManyField(
        "workplans.Theme", blank=True, related_name="projects"
    )
    sources = models.ManyToManyField("aseanpm.Source", blank=True, related_name="+")
    note = models.TextField(blank=True)
    internal_note = models.TextField(blank=True)
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="projects",
    )
    focal_points = models.ManyToManyField(
        "partners.FocalPoint", blank=True, related_name="projects"
    )
    planned_at = models.ForeignKey(
        "workplans.Meeting",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="planned_dates",
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    search_text = SearchTextField(
        of=["code", "official_code", "title", "title_translations"]
    )
    recorded_at = models.DateTimeField()
    changed_at = models.DateTimeField(db_index=True)

    current_status = models.CharField(
        max_length=12, choices=Status, blank=True, editable=False
    )
    current_stage = models.CharField(
        max_length=12, choices=Status, blank=True, editable=False
    )
    current_plan = models.ForeignKey(
        "workplans.WorkPlan",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )
    current_area = models.ForeignKey(
        "workplans.StrategicArea",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )
    current_line = models.ForeignKey(
        "workplans.ActionLine",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )
    current_funders = models.CharField(max_length=200, blank=True, editable=False)

    objects = ProjectQuerySet.as_manager()
    history = kept_history(
        m2m_fields=["themes", "focal_points", "sources"],
        excluded_fields=[
            "changed_at",
            "search_text",
            "current_status",
            "current_stage",
            "current_plan",
            "current_area",
            "current_line",
            "current_funders",
        ],
    )

    class Meta:
        ordering = ["code"]
        indexes = [
            models.Index(
                name="project_by_line", fields=["current_line", "current_status"]
            ),
            models.Index(
                name="project_by_plan", fields=["current_plan", "current_status"]
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="project_ends_after_it_starts",
                condition=Q(planned_end__isnull=True)
                | Q(planned_start__isnull=True)
                | Q(planned_end__gte=F("planned_start")),
                violation_error_message="A project cannot end before it starts.",
            ),
            models.UniqueConstraint(
                name="project_has_one_successor",
                fields=["predecessor"],
                condition=Q(withdrawn_at__isnull=True),
                violation_error_message="Another project goes on for that one.",
            ),
        ]

    def __str__(self):
        return f"{self.code} {self.title}"

    def clean(self):
        super().clean()
        if self.is_published and self.withheld_reason:
            message = "It is published, so nothing is withheld; empty this."
            raise ValidationError({"withheld_reason": message})

    def get_absolute_url(self):
        return reverse("projects:detail", args=[self.code])


class StatusChange(Fact):
    """A project's next status, and what decided it: a meeting, or a circulation.

    An IAI approval is dated by the Task Force's accreditation.
    """

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="status_changes"
    )
    status = models.CharField(max_length=12, choices=Status)
    meeting = models.ForeignKey(
        "workplans.Meeting",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
    )
    by_circulation = models.BooleanField(default=False)

    class Meta(Fact.Meta):
        constraints = [
            *Fact.Meta.constraints,
            one_order_per_day(),
            models.CheckConstraint(
                name="status_decided_at_a_meeting_or_by_circulation",
                condition=Q(meeting__isnull=True) | Q(by_circulation=False),
                violation_error_message=(
                    "A decision was taken at a meeting or by circulation, not both."
                ),
            ),
        ]
        indexes = [
            models.Index(
                "project",
                F("effective_on").desc(),
                F("day_order").desc(),
                name="status_latest_first",
            )
        ]

    def __str__(self):
        return f"{self.get_status_display()} on {self.effective_on}"

    def clean(self):
        super().clean()
        if self.meeting and not self.meeting.may_have_decided_on(self.effective_on):
            message = f"The {self.meeting} was not held on that day."
            raise ValidationError({"effective_on": message})


class Placement(Recorded):
    """Where a project belongs, for its whole life: a change is a correction.

    Only the primary line is counted.
    """

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="placements"
    )
    plan = models.ForeignKey(
        "workplans.WorkPlan", on_delete=models.PROTECT, related_name="placements"
    )
    area = models.ForeignKey(
        "workplans.StrategicArea",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="placements",
    )
    line = models.ForeignKey(
        "workplans.ActionLine",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="placements",
    )

    class Meta(Recorded.Meta):
        constraints = [
            *Recorded.Meta.constraints,
            models.UniqueConstraint(
                name="placement_one_at_a_time",
                fields=["project"],
                condition=Q(withdrawn_at__isnull=True),
                violation_error_message="A project has one placement at a time.",
            ),
        ]
        indexes = [models.Index(name="placement_by_line", fields=["line", "project"])]

    def __str__(self):
        return str(self.line or self.area or self.plan)

    def clean(self):
        super().clean()
        if self.project.channel == Project.Channel.BILATERAL:
            raise ValidationError("Direct bilateral support is placed in no plan.")
        for name in ("line", "area"):
            place = getattr(self, name)
            if place and place.plan_id != self.plan_id:
                message = f"{place} belongs to another plan."
                raise ValidationError({name: message})
        if self.line and self.line.area_id != self.area_id:
            raise ValidationError({"area": "The area is that of the line."})


class LineReference(Recorded):
    """A further line that a project serves, of any programme; it counts nothing."""

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="line_references"
    )
    line = models.ForeignKey(
        "workplans.ActionLine", on_delete=models.PROTECT, related_name="references"
    )

    class Meta(Recorded.Meta):
        constraints = [
            *Recorded.Meta.constraints,
            models.UniqueConstraint(
                name="line_reference_once",
                fields=["project", "line"],
                condition=Q(withdrawn_at__isnull=True),
                violation_error_message="This project refers to that line already.",
            ),
        ]

    def __str__(self):
        return str(self.line)


class Change(models.IntegerChoices):
    JOINS = 1, "joins"
    LEAVES = -1, "leaves"


class JoiningQuerySet(FactQuerySet):
    """Facts of joining and leaving; who is in is what they net to."""

    party: tuple[str, ...] = ()

    def net(self, clock, *party):
        """One row per project and party that has joined and not left."""
        return (
            self.at(clock)
            .values("project", *(party or self.party))
            .order_by()
            .annotate(standing=Sum("delta"))
            .filter(standing__gt=0)
        )

    def joined(self, clock, **party):
        """The keys of the projects that a party has joined and not left."""
        columns = {name.partition("__")[0] for name in party} & {*self.party}
        return self.filter(**party).net(clock, *sorted(columns)).values("project")


class FundingQuerySet(JoiningQuerySet):
    party = ("partner",)

    def net_by_fund(self, clock):
        """As `net`, with the fund through which each partner joined."""
        return (
            self.at(clock)
            .values("project", "partner", "fund")
            .order_by()
            .annotate(standing=Sum("delta"))
            .filter(standing__gt=0)
        )


class Funding(Fact):
    """A funder joins or leaves a project, whatever amounts are known."""

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="fundings"
    )
    partner = models.ForeignKey(
        "partners.Partner", on_delete=models.PROTECT, related_name="fundings"
    )
    fund = models.ForeignKey(
        "partners.Fund",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="fundings",
    )
    delta = models.SmallIntegerField(choices=Change, default=Change.JOINS)

    objects = FundingQuerySet.as_manager()

    class Meta(Fact.Meta):
        constraints = [*Fact.Meta.constraints, one_order_per_day()]
        indexes = [models.Index(name="funding_pairs", fields=["project", "partner"])]

    def __str__(self):
        return f"{self.partner} {self.get_delta_display()}"

    def clean(self):
        super().clean()
        check_fund(self)


def check_fund(fact):
    """Raise ValidationError where a fund does not count as the fact's partner."""
    if fact.fund_id and fact.effective_on:
        owners = fact.fund.ownerships.valid(fact.effective_on)
        if not owners.filter(partner=fact.partner_id).exists():
            message = f"{fact.fund} does not count as {fact.partner} on that day."
            raise ValidationError({"fund": message})


class BenefitQuerySet(JoiningQuerySet):
    party = ("country", "grouping")

    def reaching(self, countries, clock):
        """The condition that a project benefits a country, or a grouping that it
        belongs to on the clock's day.

        Two lists, as neither database finds "this or that" by an index for each.
        """
        memberships = self.model.memberships().valid(clock.last_day)
        groupings = memberships.filter(country__in=countries).values("grouping")
        return Q(pk__in=self.joined(clock, country__in=countries)) | Q(
            pk__in=self.joined(clock, grouping__in=groupings)
        )

    def reached(self, clock):
        """Keys of the countries that benefit, themselves or through a grouping."""
        parties = self.net(clock).values_list("country", "grouping")
        countries, groupings = zip(*parties, strict=True) if parties else ((), ())
        members = self.model.memberships().valid(clock.last_day)
        return {pk for pk in countries if pk} | set(
            members.filter(grouping__in=filter(None, groupings)).values_list(
                "country", flat=True
            )
        )


class Benefit(Fact):
    """A country or grouping joins or leaves a project's beneficiaries.

    `share` is a percentage of the project. It is known when stated; assumed equal and
    unknown shares attribute nothing.
    """

    class ShareBasis(models.TextChoices):
        STATED = "stated", "Stated"
        ASSUMED_EQUAL = "assumed_equal", "Assumed equal"
        UNKNOWN = "unknown", "Unknown"

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="benefits"
    )
    country = models.ForeignKey(
        "partners.Country",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="benefits",
    )
    grouping = models.ForeignKey(
        "partners.Grouping",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="benefits",
    )
    delta = models.SmallIntegerField(choices=Change, default=Change.JOINS)
    share = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    share_basis = models.CharField(
        max_length=13, choices=ShareBasis, default=ShareBasis.UNKNOWN
    )

    objects = BenefitQuerySet.as_manager()

    class Meta(Fact.Meta):
        constraints = [
            *Fact.Meta.constraints,
            one_order_per_day(),
            models.CheckConstraint(
                name="benefit_of_a_country_or_a_grouping",
                condition=Q(country__isnull=True) ^ Q(grouping__isnull=True),
                violation_error_message="Name a country or a grouping, not both.",
            ),
            models.CheckConstraint(
                name="benefit_share_is_known_when_stated",
                condition=Q(share_basis="stated", share__isnull=False)
                | (~Q(share_basis="stated") & Q(share__isnull=True)),
                violation_error_message="A stated share needs its percentage.",
            ),
            models.CheckConstraint(
                name="benefit_share_is_a_percentage",
                condition=Q(share__isnull=True) | Q(share__gt=0, share__lte=100),
                violation_error_message="A share is above 0 and at most 100 per cent.",
            ),
        ]
        indexes = [
            *(
                models.Index(
                    name=f"benefit_known_by_{party}",
                    fields=[party, "project", "delta"],
                    condition=Q(withdrawn_at__isnull=True),
                )
                for party in ("country", "grouping")
            ),
            models.Index(name="benefit_by_country", fields=["country", "project"]),
            models.Index(name="benefit_by_grouping", fields=["grouping", "project"]),
        ]

    def __str__(self):
        return f"{self.country or self.grouping} {self.get_delta_display()}"

    @classmethod
    def memberships(cls):
        """All memberships of groupings, reached through the field."""
        groupings = cls._meta.get_field("grouping").related_model
        return groupings._meta.get_field("memberships").related_model.objects


def check_rate(rate):
    """Raise ValidationError for a rate of more digits than SQLite keeps exactly."""
    if rate is not None and len(rate.normalize().as_tuple().digits) > RATE_DIGITS:
        raise ValidationError({"rate": f"A rate has at most {RATE_DIGITS} digits."})


def check_dollars(usd):
    """Raise ValidationError for so many dollars that sums of them would overflow."""
    if usd is not None and abs(usd) > MOST_DOLLARS:
        message = "This is more than a trillion dollars: look at the rate, too."
        raise ValidationError({"amount": message})


# Private entries of all but one partner, and what was withdrawn that would tell of one:
# what was corrected to it at that instant, its reversal, and what said the same before,
# or named the same partner or amount.
BECAME_PRIVATE = """
    WITH RECURSIVE led (
        id, project_id, recorded_at, kind, partner_id, currency, amount, is_private
    ) AS (
        SELECT id, project_id, recorded_at, kind, partner_id, currency, amount,
            is_private
        FROM projects_moneyentry
        WHERE is_private AND COALESCE(partner_id, 0) <> %s
        UNION
        SELECT one.id, one.project_id, one.recorded_at, one.kind, one.partner_id,
            one.currency, one.amount, one.is_private
        FROM projects_moneyentry AS one
        JOIN led ON one.project_id = led.project_id
        WHERE one.withdrawn_at = led.recorded_at
            OR one.reverses_id = led.id
            OR one.withdrawn_at IS NOT NULL
            AND led.is_private
            AND (
                one.partner_id = led.partner_id
                OR one.currency = led.currency AND one.amount = led.amount
            )
            OR one.withdrawn_at IS NOT NULL
            AND one.kind = led.kind
            AND COALESCE(one.partner_id, 0) = COALESCE(led.partner_id, 0)
            AND one.currency = led.currency
            AND (
                one.amount = led.amount
                OR one.amount IS NULL AND led.amount IS NULL
            )
    )
    SELECT id FROM led
"""


class MoneyEntryQuerySet(FactQuerySet):
    def as_seen_by(self, user):
        """With `seen_amount` and `seen_usd`: a private amount reads as unknown.

        `is_hidden` says so, for its terms are private too. What was corrected to a
        private entry is as private, also at times when it was not known to be.

        Secretariat staff see all, a partner its own: whose an amount is follows from
        the private entry, whoever was named before.
        """
        known = user is not None and user.is_authenticated
        own = (known and user.partner_id) or 0
        became = RawSQL(BECAME_PRIVATE, [own])  # noqa: S611 - no text of anybody's
        private = Q(is_private=True) & ~Q(partner=own)
        hidden = private | Q(withdrawn_at__isnull=False, pk__in=became)
        if known and user.is_secretariat:
            hidden = Q(pk__in=[])
        return self.annotate(
            is_hidden=models.Case(
                models.When(hidden, then=Value(True)),
                default=Value(False),
                output_field=models.BooleanField(),
            ),
            **{
                f"seen_{name}": models.Case(
                    models.When(hidden, then=Value(None)),
                    default=F(name),
                    output_field=MoneyField(),
                )
                for name in ("amount", "usd")
            },
        )


class MoneyEntry(Fact):
    """A line of a project's ledger: exact, in its own currency, or unknown.

    A revision is a further entry, plus or minus. `usd` is computed once, when the
    entry is recorded, at `rate` (US dollars for one unit of the currency), rounded
    half-even to cents; without a rate it is unknown. A reversal uses the rate of what
    it reverses. The approved budget names no funder.
    """

    class Kind(models.TextChoices):
        APPROVED = "approved", "Approved budget"
        PLEDGED = "pledged", "Pledged"
        COMMITTED = "committed", "Committed"
        DISBURSED = "disbursed", "Disbursed"
        SPENT = "spent", "Spent"

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="money_entries"
    )
    kind = models.CharField(max_length=9, choices=Kind)
    partner = models.ForeignKey(
        "partners.Partner",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="money_entries",
    )
    fund = models.ForeignKey(
        "partners.Fund",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="money_entries",
    )
    is_counterpart = models.BooleanField(
        default=False, help_text="A beneficiary's own input, not a funder's."
    )
    in_kind = models.BooleanField(default=False)
    amount = MoneyField(null=True, blank=True)
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator("^[A-Z]{3}$", "Write a code such as EUR.")],
    )
    rate = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    rate_on = models.DateField(null=True, blank=True)
    rate_source = models.CharField(max_length=200, blank=True)
    usd = MoneyField(null=True, blank=True, editable=False)
    is_private = models.BooleanField(default=False)
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversals",
    )

    objects = MoneyEntryQuerySet.as_manager()

    class Meta(Fact.Meta):
        verbose_name_plural = "money entries"
        constraints = [
            *Fact.Meta.constraints,
            one_order_per_day(),
            models.CheckConstraint(
                name="money_approved_budget_names_no_funder",
                condition=~Q(kind="approved") | Q(partner__isnull=True),
                violation_error_message="An approved budget names no funder.",
            ),
            models.CheckConstraint(
                name="money_approved_budget_is_no_counterpart",
                condition=~Q(kind="approved") | Q(is_counterpart=False),
                violation_error_message="An approved budget is no counterpart.",
            ),
            models.CheckConstraint(
                name="money_rate_is_above_zero",
                condition=Q(rate__isnull=True) | Q(rate__gt=0),
                violation_error_message="A rate is above zero.",
            ),
            models.CheckConstraint(
                name="money_dollar_is_a_dollar",
                condition=~Q(currency="USD") | Q(rate__isnull=True) | Q(rate=1),
                violation_error_message="The rate of a dollar is 1.",
            ),
            models.CheckConstraint(
                name="money_names_its_giver",
                condition=Q(kind="approved") | Q(partner__isnull=False),
                violation_error_message="Name the funder of this money.",
            ),
            models.CheckConstraint(
                name="money_rate_has_a_date_and_a_source",
                condition=Q(currency="USD")
                | Q(rate__isnull=True)
                | (Q(rate_on__isnull=False) & ~Q(rate_source="")),
                violation_error_message="A rate needs its date and its source.",
            ),
            models.CheckConstraint(
                name="money_usd_needs_an_amount_and_a_rate",
                condition=Q(usd__isnull=True)
                | Q(amount__isnull=False, rate__isnull=False),
                violation_error_message="Dollars are known from an amount and a rate.",
            ),
            models.CheckConstraint(
                name="money_approved_budget_is_public",
                condition=~Q(kind="approved") | Q(is_private=False),
                violation_error_message="An approved budget is public.",
            ),
        ]
        indexes = [
            models.Index(
                name="money_by_kind", fields=["project", "kind", "effective_on"]
            )
        ]

    def clean(self):
        super().clean()
        check_currency(self.currency)
        check_fund(self)
        check_rate(self.rate)
        check_dollars(self.usd)

    def __str__(self):
        amount = "amount unknown" if self.amount is None else self.amount
        return f"{self.get_kind_display()}: {self.currency} {amount}"


class ApprovalStep(Fact):
    """One step towards approval, with its date and outcome; it counts nothing."""

    class Step(models.TextChoices):
        SECRETARIAT = "secretariat", "Secretariat appraisal"
        SPONSORING_BODY = "sponsoring_body", "Sponsoring body"
        FUNDER = "funder", "Funder"
        TASK_FORCE = "task_force", "Task Force"

    class Outcome(models.TextChoices):
        ENDORSED = "endorsed", "Endorsed"
        RETURNED = "returned", "Returned"
        DEFERRED = "deferred", "Deferred"
        REFUSED = "refused", "Refused"

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="approval_steps"
    )
    step = models.CharField(max_length=15, choices=Step)
    outcome = models.CharField(max_length=8, choices=Outcome)
    meeting = models.ForeignKey(
        "workplans.Meeting",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="approval_steps",
    )
    by_circulation = models.BooleanField(default=False)

    class Meta(Fact.Meta):
        constraints = [*Fact.Meta.constraints, one_order_per_day()]

    def __str__(self):
        return f"{self.get_step_display()}: {self.get_outcome_display()}"


class Phase(Kept):
    """A part of a project's work, planned and, when it is over, completed."""

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="phases"
    )
    number = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200, blank=True)
    planned_end = models.DateField(null=True, blank=True)
    planned_end_precision = models.CharField(
        max_length=5, choices=Precision, default=Precision.DAY
    )
    completed_on = models.DateField(null=True, blank=True)
    completed_on_precision = models.CharField(
        max_length=5, choices=Precision, default=Precision.DAY
    )
    note = models.CharField(max_length=300, blank=True)
    history = kept_history()

    class Meta:
        ordering = ["project", "number"]
        constraints = [
            models.UniqueConstraint(
                name="phase_number_once", fields=["project", "number"]
            )
        ]

    def __str__(self):
        return f"Phase {self.number} {self.title}".strip()

    @property
    def planned_end_shown(self):
        return shown_date(self.planned_end, self.planned_end_precision)

    @property
    def completed_on_shown(self):
        return shown_date(self.completed_on, self.completed_on_precision)

    def is_completed_by(self, day: dt.date):
        return self.completed_on is not None and self.completed_on <= day


class ProjectOrganisation(Kept):
    """An organisation's part in a project; never that of a funder."""

    class Role(models.TextChoices):
        PROPONENT = "proponent", "Proponent"
        IMPLEMENTING = "implementing", "Implementing agency"
        SPONSORING_BODY = "sponsoring_body", "Sponsoring body"

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="project_organisations"
    )
    organisation = models.ForeignKey(
        "partners.Organisation", on_delete=models.PROTECT, related_name="projects"
    )
    role = models.CharField(max_length=15, choices=Role)
    history = kept_history()

    class Meta:
        ordering = ["project", "role"]
        constraints = [
            models.UniqueConstraint(
                name="organisation_role_once",
                fields=["project", "organisation", "role"],
            )
        ]

    def __str__(self):
        return f"{self.organisation}: {self.get_role_display()}"


class ExchangeRate(Kept):
    """US dollars for one unit of a currency on a day, as a source gives it.

    Rates are proposed to new entries; an entry keeps the rate it was recorded with.
    """

    currency = models.CharField(
        max_length=3, validators=[RegexValidator("^[A-Z]{3}$", "Write a code: EUR.")]
    )
    on = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=8)
    source = models.CharField(max_length=200)
    history = kept_history()

    class Meta:
        ordering = ["currency", "-on"]
        constraints = [
            models.UniqueConstraint(
                name="exchange_rate_once_a_day",
                fields=["currency", "on"],
                violation_error_message="This currency has a rate for that day.",
            ),
            models.CheckConstraint(
                name="exchange_rate_is_above_zero",
                condition=Q(rate__gt=0),
                violation_error_message="A rate is above zero.",
            ),
            models.CheckConstraint(
                name="exchange_rate_of_a_dollar_is_1",
                condition=~Q(currency="USD"),
                violation_error_message="The rate of a dollar is 1; leave it away.",
            ),
        ]

    def __str__(self):
        return f"{self.currency} on {self.on}: {self.rate.normalize():f}"

    def get_absolute_url(self):
        return f"{reverse('projects:rates')}?currency={self.currency}"

    def clean(self):
        super().clean()
        check_currency(self.currency)
        check_rate(self.rate)
        if self.on and self.on > timezone.localdate():
            raise ValidationError({"on": "A rate is of today or of a day before."})


class Distinction(Kept):
    """Two projects that look like one and are not, as somebody found."""

    first = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    history = kept_history()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="distinction_once", fields=["first", "second"]
            ),
            models.CheckConstraint(
                name="distinction_in_order", condition=Q(first__lt=F("second"))
            ),
        ]

    def __str__(self):
        return f"{self.first} is not {self.second}"


FACTS = (
    StatusChange,
    Placement,
    LineReference,
    Funding,
    MoneyEntry,
    Benefit,
    ApprovalStep,
)
