"""What the records of projects leave open. Asking changes nothing.

A planned date that has passed moves no status: it raises a question. A question is
weighed by the figures that it distorts under the rule of its project's plan.
"""

from collections import defaultdict

from django.urls import reverse

from aseanpm.facts import Clock, shown_date
from aseanpm.fields import fold
from aseanpm.questions import Answer, Beside, Question, pairs_alike

from . import lifecycle, money, progress
from .models import (
    COUNTING,
    ENDINGS,
    PREPARING,
    Benefit,
    Distinction,
    Funding,
    MoneyEntry,
    Phase,
    Placement,
    Project,
    Status,
)

KINDS = {
    "duplicate": "Perhaps one project twice",
    "unpublished": "Counted but not published",
    "started": "Planned start passed",
    "ended": "Planned end passed",
    "line": "No line",
    "funder": "No funder",
    "budget": "No approved budget",
    "beneficiary": "No beneficiary",
    "rate": "Money without a rate",
    "status": "No dated status",
    "phase": "Planned end of a phase passed",
}
WHOLE = ("projects", "lines", "approved budgets")
BEFORE_WORK = (*PREPARING, Status.APPROVED)
AT_WORK = (Status.ONGOING, Status.ON_HOLD)
ONWARD = {
    Status.CONCEPT: Status.APPRAISAL,
    Status.APPRAISAL: Status.APPROVED,
    Status.APPROVED: Status.ONGOING,
    Status.ONGOING: Status.COMPLETED,
    Status.ON_HOLD: Status.ONGOING,
}
COLUMNS = (
    "pk",
    "code",
    "title",
    "title_language",
    "title_translations",
    "planned_start",
    "planned_start_precision",
    "planned_end",
    "planned_end_precision",
    "is_published",
    "withheld_reason",
    "officer",
    "channel",
    "predecessor",
    "plan",
    "line",
    "status",
    "stage",
)


def questions(projects, today):
    """Every question that a set of projects raises, in ten queries for any number.

    The projects are taken as they stand now (`as_of()`), whatever the reader sees.
    """
    standing = Standing(projects)
    for one in standing.projects.values():
        yield from standing.about(one, today)
    yield from standing.phases(today)
    yield from standing.rates()
    yield from standing.duplicates()


class Standing:
    """What is on record now of a set of projects, read once."""

    def __init__(self, projects):
        clock = Clock()
        ours = projects.order_by().values("pk")
        plans = Placement._meta.get_field("plan").related_model.objects
        rules = plans.rules_at(clock)
        codes = dict(plans.values_list("code", "pk"))
        rows = projects.order_by("code").with_state().with_placement("code")
        self.ours = ours
        self.projects = {}
        for row in rows.values(*COLUMNS):
            rule = rules.get(codes.get(row["plan"]), "approved")
            counts = progress.counts(row["status"], row["stage"], rule)
            row["rule"], row["counts"] = rule, bool(row["plan"]) and counts
            self.projects[row["pk"]] = row
        self.funders = defaultdict(set)
        pairs = Funding.objects.filter(project__in=ours).net(clock)
        for project, partner in pairs.values_list("project", "partner"):
            self.funders[project].add(partner)
        benefits = Benefit.objects.filter(project__in=ours).net(clock)
        self.benefiting = set(benefits.values_list("project", flat=True))
        self.approved = money.amounts_by_project(projects, MoneyEntry.Kind.APPROVED)
        self.unrated = list(
            MoneyEntry.objects.at(clock)
            .filter(project__in=ours, amount__isnull=False, usd__isnull=True)
            .exclude(money.taken_back(clock))
            .select_related("partner")
            .order_by("project", "effective_on", "day_order")
        )
        self.unrated_budgets = {
            entry.project_id
            for entry in self.unrated
            if entry.kind == MoneyEntry.Kind.APPROVED
        }

    def question(self, one, kind, text, *answers, **more):
        """A question about a project, with its approved dollars where it distorts."""
        usd = self.dollars(one) if more.get("figures") else None
        page = page_of(one)
        values = {
            "code": one["code"],
            "title": one["title"],
            "language": one["title_language"],
            "page": page,
            "plan": one["plan"],
            "of": one["officer"],
            "usd": usd,
        }
        doors = tuple(Answer(label, page + path) for label, path in answers)
        return Question(kind=kind, text=text, answers=doors, **(values | more))

    def dollars(self, one):
        return self.approved.get(one["pk"], money.UNKNOWN).usd

    def about(self, one, today):
        """The questions about one project, by itself."""
        if not one["status"]:
            yield self.question(
                one,
                "status",
                "No dated status is on record, so it is counted nowhere.",
                ("Record its status", ""),
                figures=("projects",),
            )
        elif one["status"] != Status.CANCELLED:
            yield from self.about_its_dates(one, today)
            yield from self.about_its_place(one)
            yield from self.about_its_parties(one)

    def about_its_dates(self, one, today):
        status, start, end = one["status"], one["planned_start"], one["planned_end"]
        started = start is not None and start < today and status in BEFORE_WORK
        ended = end is not None and end < today and status in (*BEFORE_WORK, *AT_WORK)
        if not (started or ended):
            return
        begins = shown_date(start, one["planned_start_precision"])
        ends = shown_date(end, one["planned_end_precision"])
        if started:
            text = f"It was planned to start by {begins}"
            text += f" and to end by {ends}" if ended else ""
        else:
            text = f"It was planned to end by {ends}"
        move = lifecycle.move_between(status, ONWARD[status])
        yield self.question(
            one,
            "started" if started else "ended",
            f"{text}; its status is still “{Status(status).label.lower()}”.",
            (move.label, f"move/{move.target}/"),
            ("Plan other dates", f"edit/#id_planned_{'start' if started else 'end'}"),
            figures=self.moved_by_its_dates(one, started),
            since=start if started else end,
        )

    def moved_by_its_dates(self, one, started):
        """What is wrong if the work did begin, or end, as planned."""
        if one["counts"]:
            return ("ongoing projects",) if started else ("completed projects",)
        return WHOLE if one["plan"] else ()

    def about_its_place(self, one):
        if one["counts"] and not one["is_published"]:
            withheld = one["withheld_reason"]
            why = f": withheld because of “{withheld}”" if withheld else ""
            yield self.question(
                one,
                "unpublished",
                f"It counts, and visitors do not see it{why}.",
                ("Publish it", "edit/#id_is_published"),
                figures=tuple(f"visitors’ {name}" for name in WHOLE),
            )
        if one["line"] or one["channel"] == Project.Channel.BILATERAL:
            return
        text = (
            f"It is placed under {one['plan']} without a line, so no line counts it."
            if one["plan"]
            else "It is placed in no plan, so no plan counts it."
        )
        live = one["status"] not in ENDINGS
        yield self.question(
            one,
            "line",
            text,
            ("Name its line", "edit/#id_line"),
            figures=("lines",) if live or one["counts"] else (),
        )

    def about_its_parties(self, one):
        pk = one["pk"]
        if pk not in self.benefiting:
            yield self.question(
                one,
                "beneficiary",
                "Nobody is on record as benefiting, so no country’s figures show it.",
                ("Say who benefits", "edit/#beneficiaries"),
                figures=("countries",) if one["counts"] else (),
            )
        if one["stage"] not in COUNTING["approved"]:
            return
        if pk not in self.funders:
            yield self.question(
                one,
                "funder",
                "It was approved, and nobody is on record as funding it.",
                ("Say who funds it", "edit/#funding"),
                figures=("who funds",) if one["counts"] else (),
            )
        budget = self.approved.get(pk, money.UNKNOWN)
        if budget.known == 0 and pk not in self.unrated_budgets:
            text = "It was approved, and its approved budget is "
            text += "recorded as not known." if budget.entries else "not on record."
            yield self.question(
                one,
                "budget",
                text,
                ("Record the budget", "money/new/"),
                figures=("approved budgets",) if one["counts"] else (),
            )

    def rates(self):
        for entry in self.unrated:
            one = self.projects[entry.project_id]
            if one["status"] == Status.CANCELLED:
                continue
            giver = f" of {entry.partner}" if entry.partner else ""
            yield self.question(
                one,
                "rate",
                f"{entry.get_kind_display()}{giver}: {entry.currency} "
                f"{entry.amount:,.2f} of {entry.effective_on} has no rate, so its "
                "dollars are not known.",
                ("Give it a rate", f"facts/{entry.uuid}/correct/"),
                figures=("money in dollars",) if one["counts"] else (),
                usd=None,
                since=entry.effective_on,
            )

    def phases(self, today):
        late = Phase.objects.filter(
            project__in=self.ours, planned_end__lt=today, completed_on__isnull=True
        )
        for phase in late:
            one = self.projects[phase.project_id]
            if one["status"] and one["status"] not in ENDINGS:
                yield self.question(
                    one,
                    "phase",
                    f"{phase} was planned to end by {phase.planned_end_shown} and has "
                    "no day on which it was completed.",
                    ("Record when it ended", "edit/#dates"),
                    since=phase.planned_end,
                )

    def duplicates(self):
        """Two projects of one title in any language, or of the same dates and funders.

        Titles are compared folded, by hashing: each project is looked at once.
        """
        known = {
            frozenset(pair)
            for pair in Distinction.objects.values_list("first", "second")
        } | {frozenset((pk, one["predecessor"])) for pk, one in self.projects.items()}
        titles, dates = defaultdict(list), defaultdict(list)
        for pk, one in self.projects.items():
            if one["status"] == Status.CANCELLED:
                continue
            for title in {fold(title) for title in titles_of(one)} - {""}:
                titles[title].append(pk)
            span = one["planned_start"], one["planned_end"]
            if all(span) and self.funders.get(pk):
                dates[span, frozenset(self.funders[pk])].append(pk)
        by_title = pairs_alike(titles.values(), known)
        by_dates = pairs_alike(dates.values(), known | set(map(frozenset, by_title)))
        for pairs, why in (
            (by_title, "Both have one title."),
            (by_dates, "Both have the same planned dates and funders."),
        ):
            for pair in pairs:
                yield self.duplicate(*(self.projects[pk] for pk in pair), why)

    def duplicate(self, first, second, why):
        twice = first["counts"] and second["counts"]
        amounts = [self.dollars(first), self.dollars(second)]
        return Question(
            kind="duplicate",
            text=why,
            beside=Beside(
                second["code"],
                second["title"],
                second["title_language"],
                page_of(second),
            ),
            answers=(Answer("Compare", pair_of(first["code"], second["code"])),),
            code=first["code"],
            title=first["title"],
            language=first["title_language"],
            page=page_of(first),
            plan=first["plan"],
            of=first["officer"] or second["officer"],
            figures=WHOLE if twice else (),
            usd=min(amounts) if twice and None not in amounts else None,
            count=2,
        )


def page_of(one):
    return reverse("projects:detail", args=[one["code"]])


def pair_of(first, second):
    """Where two projects that look like one stand side by side."""
    return f"{reverse('queue-pair')}?first={first}&second={second}"


def titles_of(one):
    return [one["title"], *one["title_translations"].values()]
