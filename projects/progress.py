"""How progress is counted. Nothing else in the house counts for it.

A line is implemented when at least one project placed on it, or on a line below it,
counts; in preparation when none counts and one is live in an earlier stage; not started
otherwise, declared lines that are not loaded included. Implemented is begun, never
completed. From which stage a project counts is the rule of its plan. A share of an
unknown total is None. Rounding is for templates.

All functions take a query set of projects that carries its clock (`as_of`) and holds
only what the reader may see (`visible_to`).
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Count

from . import money
from .models import (
    COUNTING,
    PREPARING,
    Benefit,
    Funding,
    MoneyEntry,
    Placement,
    Project,
    Status,
    StatusChange,
)

IMPLEMENTED, IN_PREPARATION, NOT_STARTED = (
    "implemented",
    "in_preparation",
    "not_started",
)
STATES = {
    IMPLEMENTED: "Implemented",
    IN_PREPARATION: "In preparation",
    NOT_STARTED: "Not started",
}
GROUPS = {
    "any_outside_asean": "Any funder outside ASEAN",
    "asean_only": "ASEAN only",
    "none_recorded": "None recorded",
}
BANDS = {
    "only": "Only this country",
    "stated": "Stated share",
    "shared": "Shared, share unknown or assumed equal",
    "grouping": "Through a grouping",
}


def percent_of(part, whole):
    """`part` in per cent of `whole`, to one decimal; None without a whole."""
    if part is None or not whole:
        return None
    share = Decimal(100 * part) / Decimal(whole)
    return share.quantize(Decimal("0.1"), ROUND_HALF_UP)


# Lines


def counts(status, stage, rule):
    """Whether a project in this status, last at this stage, counts under a rule."""
    return status in COUNTING[rule] or (
        status == Status.CARRIED_OVER and stage in COUNTING[rule]
    )


class Tally(Counter):
    """How many projects stand in each (status, stage)."""

    def counted(self, rule):
        return sum(n for state, n in self.items() if counts(*state, rule))

    def by_status(self, rule):
        """{status: projects} of those that count, in the order of a project's life."""
        found = {
            status.value: sum(
                n
                for (now, stage), n in self.items()
                if now == status and counts(now, stage, rule)
            )
            for status in Status
        }
        return {status: n for status, n in found.items() if n}

    def pipeline(self, rule):
        earlier = {*PREPARING, *COUNTING["approved"]} - set(COUNTING[rule])
        return sum(n for (status, _), n in self.items() if status in earlier)

    def ended(self, ending, rule):
        return sum(
            n
            for (status, stage), n in self.items()
            if status == ending and stage in COUNTING[rule]
        )

    def state(self, rule):
        """The state of the line that these projects are placed on."""
        if self.counted(rule):
            return IMPLEMENTED
        return IN_PREPARATION if self.pipeline(rule) else NOT_STARTED

    def all_completed(self, rule):
        counted = self.by_status(rule)
        return set(counted) == {Status.COMPLETED}


@dataclass(frozen=True)
class Placed:
    """The tallies of one plan's projects, by line and area (None: not recorded)."""

    by_line: defaultdict = field(default_factory=lambda: defaultdict(Tally))
    by_area: defaultdict = field(default_factory=lambda: defaultdict(Tally))
    illustrative: Tally = field(default_factory=Tally)

    @property
    def is_on_record(self):
        """Whether any of the projects has a status; else nothing is known."""
        return any(status for tally in self.by_line.values() for status, _ in tally)


def tallies_by_plan(projects):
    """{plan: Placed} in one query."""
    rows = (
        projects.once_each()
        .with_state()
        .with_placement()
        .order_by()
        .values_list("plan", "area", "line", "status", "stage", "is_illustrative")
        .annotate(projects=Count("*"))
    )
    found = defaultdict(Placed)
    for plan, area, line, status, stage, is_illustrative, number in rows:
        placed = found[plan]
        placed.by_line[line][status, stage] += number
        placed.by_area[area][status, stage] += number
        if is_illustrative:
            placed.illustrative[status, stage] += number
    return found


def with_lines_below(by_line, lines):
    """The tallies of lines, each with those of the lines below it added."""
    parents = {line.pk: line.parent_id for line in lines}
    found = {line.pk: Tally() for line in lines}
    for pk in parents:
        above, seen = pk, set()
        while above in found and above not in seen:
            seen.add(above)
            found[above].update(by_line.get(pk, Tally()))
            above = parents[above]
    return found


@dataclass(frozen=True)
class LineStanding:
    """How far one line has come, by its projects and those of the lines below it.

    `is_plans_rule` tells whether its plan has a rule on record and it was used,
    `is_on_record` whether any project of its plan has a status.
    """

    tally: Tally
    counts_from: str
    is_plans_rule: bool
    is_on_record: bool

    @property
    def state(self):
        """One of STATES; None, not known, where nothing of its plan is on record."""
        return self.tally.state(self.counts_from) if self.is_on_record else None

    @property
    def counted(self):
        return self.tally.counted(self.counts_from)

    @property
    def pipeline(self):
        return self.tally.pipeline(self.counts_from)

    @property
    def all_completed(self):
        """Whether all its projects so far are completed; the line itself never is."""
        return self.tally.all_completed(self.counts_from)


def line_standings(projects, rule=None):
    """{key: LineStanding} of every line, in three queries.

    Projects count by the rule of each plan, or all by `rule`.
    """
    line = Placement._meta.get_field("line").related_model
    plan = Placement._meta.get_field("plan").related_model
    lines = list(line.objects.only("plan", "parent").order_by())
    placed = tallies_by_plan(projects)
    own = {pk: tally for one in placed.values() for pk, tally in one.by_line.items()}
    rules = plan.objects.rules_at(projects.clock)
    held = with_lines_below(own, lines)
    return {
        one.pk: LineStanding(
            tally=held[one.pk],
            counts_from=rule or rules.get(one.plan_id, "approved"),
            is_plans_rule=rule is None and one.plan_id in rules,
            is_on_record=placed[one.plan_id].is_on_record,
        )
        for one in lines
    }


@dataclass(frozen=True)
class LineCount:
    """How far the lines of one kind have come, of those declared.

    `declared` is None where the plan's total is not known, `percent` then too. The
    counts are None, not known, where a kind is not loaded at all, and where no project
    of the plan has a status on record: of such a plan nothing can be said.
    """

    kind: str
    noun: str
    declared: int | None
    loaded: int
    implemented: int | None
    all_completed: int | None
    in_preparation: int | None
    not_started: int | None
    under_rules: dict = field(default_factory=dict)

    @property
    def percent(self):
        return percent_of(self.implemented, self.declared)

    @property
    def not_loaded(self):
        """How many declared lines have no row yet; they have not started."""
        return 0 if self.declared is None else max(self.declared - self.loaded, 0)

    @property
    def exceeds_declared(self):
        """More loaded or implemented than declared: an error to be looked into."""
        return self.declared is not None and self.loaded > self.declared

    @property
    def sentence(self):
        if self.implemented is None and not self.loaded:
            return f"{self.noun.capitalize()} not recorded"
        if self.implemented is None:
            return f"{self.noun.capitalize()} implemented: not known, none on record"
        if self.declared is None:
            return f"{self.implemented} {self.noun} implemented, total not declared"
        said = f"{self.implemented}/{self.declared} {self.noun} implemented"
        if self.percent is None:
            return said
        return f"{said} ({str(self.percent).removesuffix('.0')}%)"


def line_count(kind, noun, lines, by_line, rule, declared=None, on_record=True):
    """The LineCount of the lines of a kind, with their tallies (those below added).

    `on_record` tells whether any project of their plan has a status.
    """
    ours = [by_line[line.pk] for line in lines if line.kind == kind]
    if not on_record or (not ours and declared is None):
        return LineCount(kind, noun, declared, len(ours), None, None, None, None)
    states = Counter(tally.state(rule) for tally in ours)
    missing = max(declared - len(ours), 0) if declared is not None else 0
    return LineCount(
        kind=kind,
        noun=noun,
        declared=declared,
        loaded=len(ours),
        implemented=states[IMPLEMENTED],
        all_completed=sum(tally.all_completed(rule) for tally in ours),
        in_preparation=states[IN_PREPARATION],
        not_started=states[NOT_STARTED] + missing,
        under_rules={
            each: sum(tally.state(each) == IMPLEMENTED for tally in ours)
            for each in COUNTING
        },
    )


# Who funds


@dataclass(frozen=True)
class Share:
    """A set of projects told apart by who funds them, with their money."""

    partners: tuple
    projects: int
    approved: money.Total


@dataclass(frozen=True)
class FundingCount:
    """Who funds a set of projects, counted three ways.

    Combinations and groups partition the projects. Participations overlap:
    participations - overlaps + unattributed = projects.
    """

    projects: int
    combinations: list
    participations: dict
    overlaps: int
    groups: dict
    committed: dict

    @property
    def unattributed(self):
        return self.groups["none_recorded"].projects

    @property
    def money(self):
        """{kind: Total} of what is approved and what is committed, over all groups."""
        return {
            MoneyEntry.Kind.APPROVED: money.together(
                share.approved for share in self.groups.values()
            ),
            MoneyEntry.Kind.COMMITTED: money.together(self.committed.values()),
        }

    @property
    def participation_total(self):
        return sum(self.participations.values())


def funding_count(projects, user=None):
    """The FundingCount of a set of projects, in six queries for any number of them."""
    projects = projects.once_each()
    ours = projects.order_by().values("pk")
    funders = dict.fromkeys(projects.order_by().values_list("pk", flat=True), ())
    partner = Funding._meta.get_field("partner").related_model
    codes_of = dict(partner.objects.values_list("pk", "code"))
    pairs = Funding.objects.filter(project__in=ours).net(projects.clock)
    for project, funder in pairs.values_list("project", "partner"):
        if project in funders:
            funders[project] += (codes_of[funder],)
    inside = set(
        partner.objects.inside_asean(projects.clock.last_day).values_list(
            "code", flat=True
        )
    )
    approved = money.amounts_by_project(projects, MoneyEntry.Kind.APPROVED, user)
    committed = money.amounts_by_project(projects, MoneyEntry.Kind.COMMITTED, user)

    def share(members, partners=()):
        amounts = [approved.get(pk, money.UNKNOWN) for pk in members]
        return Share(tuple(partners), len(members), money.total_of(amounts))

    sets, groups = defaultdict(list), {name: [] for name in GROUPS}
    for pk, codes in funders.items():
        sets[tuple(sorted(codes))].append(pk)
    for codes, members in sets.items():
        groups[group_of(codes, inside)] += members
    combinations = [share(members, codes) for codes, members in sets.items()]
    combinations.sort(key=lambda one: (not one.partners, -one.projects, one.partners))
    participations = Counter(code for codes in funders.values() for code in codes)
    return FundingCount(
        projects=len(funders),
        combinations=combinations,
        participations=dict(
            sorted(participations.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        overlaps=sum(len(codes) - 1 for codes in funders.values() if codes),
        groups={name: share(members) for name, members in groups.items()},
        committed={
            name: money.total_of(committed.get(pk, money.UNKNOWN) for pk in members)
            for name, members in groups.items()
        },
    )


def group_of(codes, inside):
    """Which of the three groups a combination of funders belongs to."""
    if not codes:
        return "none_recorded"
    return "asean_only" if set(codes) <= inside else "any_outside_asean"


# A plan


@dataclass(frozen=True)
class AreaCount:
    """A strategic area's lines and projects; no denominator where it is assumed."""

    area: object
    lines: LineCount
    lines_assumed: int | None
    projects: int


@dataclass(frozen=True)
class PlanProgress:
    """What is told of one plan; `projects` are all that are placed in it."""

    plan: object
    projects: object
    rule: object
    counts_from: str
    lines: LineCount
    enabling: LineCount
    tally: Tally
    line_not_recorded: int
    on_enabling_actions: int
    areas: list
    line_tallies: dict
    illustrative: int
    is_on_record: bool

    @property
    def counted(self):
        return self.tally.counted(self.counts_from)

    @property
    def by_status(self):
        return self.tally.by_status(self.counts_from)

    @property
    def pipeline(self):
        return self.tally.pipeline(self.counts_from)

    @property
    def cancelled_after_approval(self):
        return self.tally.ended(Status.CANCELLED, self.counts_from)

    @property
    def carried_over(self):
        """Projects that go on in the next plan, whether or not they counted here."""
        return sum(
            n for (status, _), n in self.tally.items() if status == Status.CARRIED_OVER
        )

    @property
    def status_not_documented(self):
        """Projects that are shown, and counted nowhere, for want of a dated status."""
        return sum(n for (status, _), n in self.tally.items() if not status)

    @property
    def counted_under_rules(self):
        return {rule: self.tally.counted(rule) for rule in COUNTING}


def plan_progress(plan, projects):
    """The PlanProgress of a work plan (a row of it), in five queries."""
    return plans_progress([plan], projects)[plan.pk]


def plans_progress(plans, projects):
    """{key: PlanProgress} of several work plans, in five queries for any number.

    A plan without a recorded rule counts from approved.
    """
    plans = list(plans)
    related = {
        name: Placement._meta.get_field("plan")
        .related_model._meta.get_field(name)
        .related_model.objects.filter(plan__in=plans)
        for name in ("rules", "declared_totals", "lines", "areas")
    }
    rules, declared = {}, defaultdict(dict)
    for rule in related["rules"].at(projects.clock).latest_first():
        rules.setdefault(rule.plan_id, rule)
    for row in related["declared_totals"].at(projects.clock).latest_first():
        declared[row.plan_id].setdefault(row.kind, row.total)
    lines, areas = defaultdict(list), defaultdict(list)
    for line in related["lines"]:
        lines[line.plan_id].append(line)
    for area in related["areas"]:
        areas[area.plan_id].append(area)
    placed = tallies_by_plan(projects.under(*plans))
    return {
        plan.pk: _progress_of(
            plan,
            projects.under(plan),
            rules.get(plan.pk),
            declared[plan.pk],
            lines[plan.pk],
            areas[plan.pk],
            placed[plan.pk],
        )
        for plan in plans
    }


def plural(noun):
    """Lines, strategies: the plural of a kind of line, in English."""
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def _progress_of(plan, projects, rule, declared, lines, areas, placed):
    counts_from = rule.counts_from if rule else "approved"
    by_line = with_lines_below(placed.by_line, lines)
    every = sum_of(placed.by_line.values())
    kinds = type(plan)._meta.get_field("headline_kind").choices
    nouns = {kind: plural(label) for kind, label in kinds}

    def count(kind, some=lines, declared=None):
        noun = nouns.get(kind, "lines")
        return line_count(
            kind,
            noun,
            some,
            by_line,
            counts_from,
            declared,
            on_record=placed.is_on_record,
        )

    enabling = {line.pk for line in lines if line.kind == "enabling_action"}
    counts = []
    for area in areas:
        inside = [line for line in lines if line.area_id == area.pk]
        assumed = any(line.area_basis == "assumed" for line in inside)
        headline = [line for line in inside if line.kind == plan.headline_kind]
        counts.append(
            AreaCount(
                area=area,
                lines=count(
                    plan.headline_kind,
                    inside,
                    len(headline) if headline and not assumed else None,
                ),
                lines_assumed=len(headline) if assumed else None,
                projects=placed.by_area[area.pk].counted(counts_from),
            )
        )
    return PlanProgress(
        plan=plan,
        projects=projects,
        rule=rule,
        counts_from=counts_from,
        lines=count(plan.headline_kind, declared=declared.get(plan.headline_kind)),
        enabling=count("enabling_action", declared=declared.get("enabling_action")),
        tally=every,
        line_not_recorded=placed.by_line[None].counted(counts_from),
        on_enabling_actions=sum_of(placed.by_line[pk] for pk in enabling).counted(
            counts_from
        ),
        areas=counts,
        line_tallies=by_line,
        illustrative=placed.illustrative.counted(counts_from),
        is_on_record=placed.is_on_record,
    )


def sum_of(some):
    total = Tally()
    for tally in some:
        total.update(tally)
    return total


def programme_counted(projects, programme):
    """(projects that count in a programme, how many of them were counted once less).

    A project carried over and its successor are one: the deduction is printed.
    """
    counted = projects.in_programme(programme).counted()
    twice = counted.filter(predecessor__in=counted.order_by().values("pk")).count()
    return counted.count() - twice, twice


# A country


@dataclass(frozen=True)
class Band:
    """The projects of a country that benefit it in one way."""

    name: str
    projects: list
    approved: money.Total
    attributed: object

    @property
    def label(self):
        return BANDS[self.name]


def country_bands(projects, country, user=None):
    """The four bands of a country's projects, which they partition, in four queries.

    A project stands in the first band that applies. Only what a country has alone, or
    by a stated share, is attributed to it in dollars.
    """
    ours = projects.for_country(country)
    benefits = beneficiaries(ours)
    approved = money.amounts_by_project(ours, MoneyEntry.Kind.APPROVED, user)
    members = {name: [] for name in BANDS}
    attributed = {name: [] for name in BANDS}
    for pk in ours.order_by("code").values_list("pk", flat=True):
        name, share = band_of(benefits.get(pk, {}), country.pk)
        members[name].append(pk)
        usd = approved.get(pk, money.UNKNOWN).usd
        if share is not None:
            attributed[name].append(money.share_of(usd, share))
    return [
        Band(
            name=name,
            projects=members[name],
            approved=money.total_of(
                approved.get(pk, money.UNKNOWN) for pk in members[name]
            ),
            attributed=money.sum_known(attributed[name]),
        )
        for name in BANDS
    ]


def band_of(parties, country):
    """(band, percentage attributed or None) of one project for one country.

    `parties` maps (country, grouping) to (share, its basis).
    """
    if set(parties) == {(country, None)}:
        return "only", Decimal(100)
    share, basis = parties.get((country, None), (None, None))
    if basis == "stated":
        return "stated", share
    return ("grouping" if basis is None else "shared"), None


def beneficiaries(projects):
    """{project: {(country, grouping): (share, basis)}} on the projects' clock."""
    ours = Benefit.objects.filter(project__in=projects.order_by().values("pk"))
    standing, shares = Counter(), {}
    rows = ours.at(projects.clock).order_by("effective_on", "day_order")
    for project, country, grouping, delta, share, basis in rows.values_list(
        "project", "country", "grouping", "delta", "share", "share_basis"
    ):
        key = (project, country, grouping)
        standing[key] += delta
        if delta > 0:
            shares[key] = (share, basis)
    found = defaultdict(dict)
    for (project, country, grouping), net in standing.items():
        if net > 0:
            found[project][country, grouping] = shares[project, country, grouping]
    return dict(found)


# Any set of projects


def count_by(projects, name):
    """{value: projects} by one of `status`, `plan`, `area`, `line`, in one query."""
    rows = (
        projects.once_each()
        .with_state()
        .with_placement()
        .order_by()
        .values_list(name)
        .annotate(projects=Count("*"))
    )
    return dict(rows)


def count_by_partner(projects):
    """{partner: projects} of every funder of the projects; they overlap."""
    ours = Funding.objects.filter(project__in=projects.order_by().values("pk"))
    return Counter(ours.net(projects.clock).values_list("partner", flat=True))


def count_by_country(projects, on):
    """{country: projects}, a grouping's members of the day included; they overlap."""
    memberships = defaultdict(set)
    for grouping, country in (
        Benefit.memberships().valid(on).values_list("grouping", "country")
    ):
        memberships[grouping].add(country)
    found = Counter()
    for parties in beneficiaries(projects).values():
        reached = set()
        for country, grouping in parties:
            reached |= {country} if country else memberships[grouping]
        found.update(reached)
    return found


def count_by_theme(projects):
    """{theme: projects} of the projects that carry a theme; they overlap."""
    tagged = Project.themes.through.objects.filter(
        project__in=projects.order_by().values("pk")
    )
    return dict(tagged.order_by().values_list("theme").annotate(projects=Count("*")))


def count_by_meeting(projects, status):
    """{meeting: projects} whose move to a status the meeting decided."""
    decisions = StatusChange.objects.at(projects.clock).filter(
        status=status,
        meeting__isnull=False,
        project__in=projects.order_by().values("pk"),
    )
    return dict(
        decisions.order_by()
        .values_list("meeting")
        .annotate(projects=Count("project", distinct=True))
    )
