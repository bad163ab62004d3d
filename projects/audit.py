"""A second path to the figures: all facts, read plainly, counted again in Python.

It shares no query-set method and no rule with `progress` and `money`: what both find
is then unlikely to be wrong in the same way. A difference is an error of the program.
A question is an oddity of the records, for people to look into.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from aseanpm.facts import Clock

from . import lifecycle, money, progress
from .models import (
    Benefit,
    Funding,
    MoneyEntry,
    Placement,
    Project,
    StatusChange,
)

ENDED = {"cancelled", "carried_over"}
COUNTS_FROM = {
    "approved": {"approved", "ongoing", "on_hold", "completed"},
    "ongoing": {"ongoing", "on_hold", "completed"},
    "completed": {"completed"},
}
WAITING = {
    "approved": {"concept", "appraisal"},
    "ongoing": {"concept", "appraisal", "approved"},
    "completed": {"concept", "appraisal", "approved", "ongoing", "on_hold"},
}
KINDS = ("approved", "committed")
ON_RECORD = ("recorded_at", "withdrawn_at")
ON_BOTH = ("effective_on", *ON_RECORD)


@dataclass
class Check:
    """What was compared, and how it came out: sentences, none where all is well."""

    name: str
    differences: list = field(default_factory=list)
    questions: list = field(default_factory=list)


def checks(clocks):
    """Every Check: the figures of all plans at each clock, the copies, the oddities."""
    facts = Facts()
    for clock in clocks:
        yield figures_check(facts, clock)
    yield copies_check(facts)
    yield search_check()
    yield Check("Funders named by money have joined", questions=never_joined(facts))
    yield Check("What counts is published", questions=counted_unpublished(facts))
    yield Check("Lines are no more than declared", questions=more_than_declared(facts))
    yield Check("Stated shares are at most 100 per cent", questions=large_shares(facts))
    yield Check("Statuses follow the lifecycle", questions=broken_lives(facts))


def holds(recorded_at, withdrawn_at, known_at):
    if known_at is None:
        return withdrawn_at is None
    return recorded_at <= known_at and (withdrawn_at is None or withdrawn_at > known_at)


class Facts:
    """All facts of all projects, by project, as they stand in the tables."""

    def __init__(self):
        plans = Placement._meta.get_field("plan").related_model
        lines = Placement._meta.get_field("line").related_model
        self.projects = {
            pk: (code, is_published)
            for pk, code, is_published in Project.objects.order_by("code").values_list(
                "pk", "code", "is_published"
            )
        }
        self.statuses = by_first(StatusChange, "project", "status", "day_order")
        self.placements = by_first(Placement, "project", "plan", "area", "line")
        self.fundings = by_first(Funding, "project", "partner__code", "delta")
        self.money = by_first(
            MoneyEntry,
            *("project", "kind", "amount", "currency", "usd", "partner__code"),
            *("in_kind", "is_counterpart", "is_private", "pk", "reverses"),
        )
        self.benefits = by_first(
            Benefit,
            *("project", "country__code", "grouping__code", "delta", "share"),
            "day_order",
        )
        self.plans = {
            pk: (code, kind)
            for pk, code, kind in plans.objects.values_list(
                "pk", "code", "headline_kind"
            )
        }
        self.rules = by_first(
            plans._meta.get_field("rules").related_model,
            *("plan", "counts_from", "day_order"),
        )
        self.declared = by_first(
            plans._meta.get_field("declared_totals").related_model,
            *("plan", "kind", "total", "day_order"),
        )
        self.lines = {
            row["pk"]: row
            for row in lines.objects.values("pk", "plan", "kind", "parent")
        }

    # What stands at a clock

    def standing(self, rows, clock):
        """The rows on record at the clock's moment and true by its day."""
        return [
            row
            for row in rows
            if holds(row["recorded_at"], row["withdrawn_at"], clock.known_at)
            and (
                clock.day is None
                or "effective_on" not in row
                or row["effective_on"] <= clock.day
            )
        ]

    def latest(self, rows, clock):
        """The standing rows, the latest in the stated order first."""
        return sorted(
            self.standing(rows, clock),
            key=lambda row: (row["effective_on"], row["day_order"]),
            reverse=True,
        )

    def life(self, project, clock):
        """(status, last status that was no ending), empty where there is none."""
        told = [row["status"] for row in self.latest(self.statuses[project], clock)]
        return next(iter(told), ""), next((s for s in told if s not in ENDED), "")

    def place(self, project, clock):
        return next(iter(self.standing(self.placements[project], clock)), None)

    def funders(self, project, clock):
        net = Counter()
        for row in self.standing(self.fundings[project], clock):
            net[row["partner__code"]] += row["delta"]
        return tuple(sorted(code for code, delta in net.items() if delta > 0))

    def rule(self, plan, clock):
        told = self.latest(self.rules[plan], clock)
        return told[0]["counts_from"] if told else "approved"

    def total(self, plan, kind, clock):
        told = [r for r in self.latest(self.declared[plan], clock) if r["kind"] == kind]
        return told[0]["total"] if told else None


def by_first(model, key, *names):
    """{key: rows} of a table of facts, withdrawn ones included."""
    clocks = ON_BOTH if hasattr(model, "effective_on") else ON_RECORD
    found = defaultdict(list)
    for row in model.objects.order_by("pk").values(key, *names, *clocks):
        found[row[key]].append(row)
    return found


# Figures


def figures_check(facts, clock):
    moment = "now" if clock.known_at is None else clock.known_at.date().isoformat()
    day = clock.day.isoformat() if clock.day else "now"
    check = Check(f"Figures as of {day}, known {moment}")
    shown, counted = shown_figures(facts, clock), recounted_figures(facts, clock)
    for plan, figures in counted.items():
        for name, value in figures.items():
            if shown[plan][name] != value:
                check.differences.append(
                    f"{plan}, {name}: shown {shown[plan][name]}, counted {value}"
                )
    return check


def shown_figures(facts, clock):
    """{plan: {figure: value}} by the path that pages take."""
    plans = Placement._meta.get_field("plan").related_model.objects
    projects = Project.objects.as_of(clock.day, clock.known_at)
    found = {}
    for plan in plans.filter(pk__in=placed_plans(facts)):
        one = progress.plan_progress(plan, projects)
        counted = projects.under(plan).counted(one.counts_from)
        figures = {
            "implemented": one.lines.implemented,
            "all completed": one.lines.all_completed,
            "in preparation": one.lines.in_preparation,
            "not started": one.lines.not_started,
            "enabling actions": one.enabling.implemented,
            "projects": one.counted,
            "pipeline": one.pipeline,
            "carried over": one.carried_over,
            "cancelled after approval": one.cancelled_after_approval,
            "line not recorded": one.line_not_recorded,
            "combinations": {
                share.partners: share.projects
                for share in progress.funding_count(counted).combinations
            },
        }
        for kind in KINDS:
            total = money.total(counted, kind)
            figures[kind] = (total.usd, total.complete, total.partial, total.none)
        found[plan.code] = figures
    return found


def placed_plans(facts):
    return {row["plan"] for rows in facts.placements.values() for row in rows}


def recounted_figures(facts, clock):
    """The same by plain counting."""
    members = defaultdict(list)
    for project in facts.projects:
        place = facts.place(project, clock)
        if place:
            members[place["plan"]].append((project, place["line"]))
    return {
        facts.plans[plan][0]: recount(facts, plan, members[plan], clock)
        for plan in placed_plans(facts)
    }


def recount(facts, plan, members, clock):
    rule = facts.rule(plan, clock)
    counting, waiting = COUNTS_FROM[rule], WAITING[rule]
    on_line = defaultdict(set)
    counted, figures = [], Counter()
    for project, line in members:
        status, stage = facts.life(project, clock)
        if status in counting or (status == "carried_over" and stage in counting):
            counted.append(project)
            figures["line not recorded"] += line is None
            mark = "completed" if status == "completed" else "going on"
        else:
            mark = "waiting" if status in waiting else "none"
        figures["pipeline"] += status in waiting
        figures["carried over"] += status == "carried_over"
        figures["cancelled after approval"] += status == "cancelled" and (
            stage in counting
        )
        while line is not None:
            on_line[line].add(mark)
            line = facts.lines[line]["parent"] if line in facts.lines else None
    headline = facts.plans[plan][1]
    known = any(facts.life(project, clock)[0] for project, _ in members)
    states = line_states(facts, plan, headline, on_line, clock, known)
    enabling = line_states(facts, plan, "enabling_action", on_line, clock, known)
    return {
        **states,
        "enabling actions": enabling["implemented"],
        "projects": len(counted),
        **{
            name: figures[name]
            for name in (
                "pipeline",
                "carried over",
                "cancelled after approval",
                "line not recorded",
            )
        },
        "combinations": dict(Counter(facts.funders(pk, clock) for pk in counted)),
        **{kind: sum_of_kind(facts, counted, kind, clock) for kind in KINDS},
    }


def line_states(facts, plan, kind, on_line, clock, known):
    lines = [
        pk
        for pk, row in facts.lines.items()
        if row["plan"] == plan and row["kind"] == kind
    ]
    declared = facts.total(plan, kind, clock)
    names = ("implemented", "all completed", "in preparation", "not started")
    if not known or (not lines and declared is None):
        return dict.fromkeys(names)
    found = Counter()
    for line in lines:
        marks = on_line[line]
        if marks & {"completed", "going on"}:
            found["implemented"] += 1
            found["all completed"] += "going on" not in marks
        elif "waiting" in marks:
            found["in preparation"] += 1
        else:
            found["not started"] += 1
    found["not started"] += max((declared or 0) - len(lines), 0)
    return {name: found[name] for name in names}


def sum_of_kind(facts, projects, kind, clock):
    """(dollars, complete, partial, none) as a visitor sees them."""
    dollars, coverage = None, Counter()
    for project in projects:
        rows = facts.standing(facts.money[project], clock)
        back = taken_back(rows)
        hidden = hidden_in(facts.money[project])
        entries = [
            (None if row["pk"] in hidden else row["usd"], row)
            for row in rows
            if row["kind"] == kind and not row["is_counterpart"]
        ]
        left = [one for one in entries if one[1]["pk"] not in back] or entries
        known = [usd for usd, _ in left if usd is not None]
        if not known:
            coverage["none"] += 1
            continue
        coverage["complete" if len(known) == len(left) else "partial"] += 1
        for usd, row in entries:
            if usd is not None and not row["in_kind"]:
                dollars = (dollars or Decimal(0)) + usd
    return dollars, coverage["complete"], coverage["partial"], coverage["none"]


def hidden_in(ledger):
    """The keys of entries that are private to visitors, or would tell of one."""
    telling = [row for row in ledger if row["is_private"]]
    for private in telling:  # grows while it is read
        telling += [
            row for row in ledger if row not in telling and tells_of(private, row)
        ]
    return {row["pk"] for row in telling if row["is_private"] or row["withdrawn_at"]}


def tells_of(private, row):
    same = {
        name: row[name] == private[name]
        for name in ("kind", "partner__code", "currency", "amount")
    }
    known = row["amount"] is not None
    names_it = private["is_private"] and (
        same["partner__code"] or (known and same["currency"] and same["amount"])
    )
    return (
        row["withdrawn_at"] == private["recorded_at"]
        or row["reverses"] == private["pk"]
        or bool(row["withdrawn_at"] and (names_it or all(same.values())))
    )


def taken_back(rows):
    """The keys of entries that were reversed as a whole, and of their reversals."""
    by_key, found = {row["pk"]: row for row in rows}, set()
    reversed_keys = {row["reverses"] for row in rows}
    for row in rows:
        of = by_key.get(row["reverses"])
        if of is None or row["pk"] in reversed_keys:
            continue
        if row["amount"] == (None if of["amount"] is None else -of["amount"]):
            found |= {row["pk"], of["pk"]}
    return found


# Copies


def copies_check(facts):
    """The current_ copies of each project beside its facts."""
    check, now = Check("Copies of the current state"), Clock()
    names = ("status", "stage", "plan", "area", "line", "funders")
    rows = Project.objects.order_by("code").values_list(
        "pk", *(f"current_{name}" for name in names)
    )
    for project, *copies in rows:
        place = facts.place(project, now) or {}
        told = [
            *facts.life(project, now),
            *(place.get(name) for name in ("plan", "area", "line")),
            "+".join(facts.funders(project, now)),
        ]
        for name, copy, fact in zip(names, copies, told, strict=True):
            if copy != fact:
                check.differences.append(
                    f"{facts.projects[project][0]}, {name}: copy {copy!r}, "
                    f"facts {fact!r}"
                )
    return check


def search_check():
    check, column = Check("Words to search by"), Project._meta.get_field("search_text")
    for project in Project.objects.order_by("code"):
        stored = project.search_text
        if stored != column.pre_save(project, add=False):
            check.differences.append(f"{project.code}: the words are not of its titles")
    return check


# Oddities


def never_joined(facts):
    """Entries that name a funder without its funding; a pledge may come before one."""
    found = []
    for project, rows in facts.money.items():
        joined = {
            row["partner__code"]
            for row in facts.standing(facts.fundings[project], Clock())
            if row["delta"] > 0
        }
        for row in facts.standing(rows, Clock()):
            if row["kind"] == "pledged" or row["is_counterpart"]:
                continue
            if row["partner__code"] and row["partner__code"] not in joined:
                found.append(
                    f"{facts.projects[project][0]}: {row['kind']} by "
                    f"{row['partner__code']}, which never joined"
                )
    return found


def counted_unpublished(facts):
    found = []
    for project, (code, is_published) in facts.projects.items():
        place = facts.place(project, Clock())
        if place is None or is_published:
            continue
        counting = COUNTS_FROM[facts.rule(place["plan"], Clock())]
        status, stage = facts.life(project, Clock())
        if status in counting or (status == "carried_over" and stage in counting):
            found.append(f"{code} counts and is not published")
    return found


def more_than_declared(facts):
    found = []
    loaded = Counter((row["plan"], row["kind"]) for row in facts.lines.values())
    for (plan, kind), lines in loaded.items():
        declared = facts.total(plan, kind, Clock())
        if declared is not None and lines > declared:
            found.append(
                f"{facts.plans[plan][0]}: {lines} lines loaded of {declared} declared "
                f"({kind})"
            )
    return found


def large_shares(facts):
    found = []
    for project, rows in facts.benefits.items():
        shares, standing = {}, Counter()
        for row in reversed(facts.latest(rows, Clock())):
            party = row["country__code"] or row["grouping__code"]
            standing[party] += row["delta"]
            if row["delta"] > 0:
                shares[party] = row["share"] or 0
        total = sum(shares[party] for party, net in standing.items() if net > 0)
        if total > 100:
            found.append(f"{facts.projects[project][0]}: shares add up to {total}")
    return found


def broken_lives(facts):
    found = []
    for project, rows in facts.statuses.items():
        before = ""
        for row in reversed(facts.latest(rows, Clock())):
            if lifecycle.move_between(before, row["status"]) is None:
                found.append(
                    f"{facts.projects[project][0]}: {row['status']} on "
                    f"{row['effective_on']} does not follow {before or 'no status'}"
                )
            before = row["status"]
    return found
