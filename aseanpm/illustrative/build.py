"""Makes the illustrative projects and their facts from the schedule; saves nothing."""

import datetime as dt
import uuid
from collections import Counter
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from aseanpm.facts import Basis, Precision
from partners.models import Country, Fund, Grouping, Organisation, Partner
from projects.models import (
    ApprovalStep,
    Benefit,
    Funding,
    LineReference,
    MoneyEntry,
    Phase,
    Placement,
    Project,
    ProjectOrganisation,
    Status,
    StatusChange,
)
from projects.money import usd_of
from workplans.models import ActionLine, Meeting, Theme, WorkPlan

from . import schedule, topics
from .spread import (
    days_after,
    dice,
    end_of_month,
    evenly,
    moment,
    months_after,
    spread,
    workday,
)

NAMESPACE = uuid.UUID("3f7d1c52-94ab-4c0e-8d5e-6a1b0e2f9c77")
NOTE = (
    "Generated to meet the published figures, so that the counting can be shown; "
    "it tells of no real project."
)
CLMV = ("KH", "LA", "MM", "VN")
SERIES = {"IAI-III": "ILL-3", "IAI-IV": "ILL-4", "MPAC-2025": "ILL-M"}
FUNDS = {"SG": "SCP", "JP": "JAIF", "KR": "AKCF", "NZ": "NZAP"}
CURRENCIES = {"AU": "AUD", "EU": "EUR", "JP": "JPY", "SG": "SGD", "GB": "GBP"}
RATES = {
    "AUD": "0.7475 0.6953 0.6898 0.7513 0.6948 0.6644 0.6596 0.6436",
    "EUR": "1.1810 1.1195 1.1422 1.1827 1.0530 1.0813 1.0824 1.1200",
    "JPY": "0.00906 0.00917 0.00937 0.00911 0.00761 0.00712 0.00661 0.00670",
    "SGD": "0.7414 0.7331 0.7249 0.7443 0.7254 0.7446 0.7484 0.7650",
    "GBP": "1.3350 1.2770 1.2837 1.3757 1.2369 1.2435 1.2781 1.3000",
}
FIRST_RATE = 2018
PRIVATE = {"US", "GB"}
LARGE = 1_000_000
PANDEMIC = (dt.date(2020, 5, 1), dt.date(2023, 12, 31))
TIMOR_LESTE_FROM = dt.date(2024, 1, 1)


def rate_of(currency, on):
    """Dollars for one unit: made up, near the average of the year."""
    return Decimal(RATES[currency].split()[on.year - FIRST_RATE])


def area_of(line):
    """The last part of the code of a line's area, the same in every plan."""
    return line.area.code.rpartition("-")[2] if line.area else ""


class MissingReference(LookupError):
    """The reference data lacks something that the illustrative projects stand on."""


class Reference:
    """Rows of the reference data by their codes, each model read once."""

    def __init__(self):
        self.rows = {}

    def __call__(self, model, code):
        if model not in self.rows:
            self.rows[model] = {row.code: row for row in model.objects.all()}
        found = self.rows[model].get(code)
        if found is None and hasattr(model.objects, "of_code"):  # it may be merged
            found = model.objects.of_code(code).first()
        if found is None:
            raise MissingReference(
                f"No {model._meta.verbose_name} {code}: run load_reference first."
            )
        return found

    def find(self, model, code):
        try:
            return self(model, code)
        except MissingReference:
            return None

    def lines(self, plan, kind):
        """A plan's lines of a kind, one area after the other in turn."""
        lines = ActionLine.objects.filter(plan=plan, kind=kind).order_by("number")
        seen = Counter()
        turns = {}
        for line in lines:
            turns[line.pk] = (seen[line.area_id], line.number)
            seen[line.area_id] += 1
        return sorted(lines, key=lambda line: turns[line.pk])


@dataclass
class Draft:
    """A project that is being made, with all that will be saved with it.

    `number` tells the illustrative projects apart; `funders` is its combination.
    """

    project: Project
    number: int
    usd: int = 0
    funders: tuple = ()
    first: dt.date | None = None
    facts: list = field(default_factory=list)
    themes: list = field(default_factory=list)
    parts: list = field(default_factory=list)
    predecessor: "Draft | None" = None
    topic: topics.Topic | None = None

    @property
    def code(self):
        return self.project.code

    def record(self, model, at, on=None, **values):
        """Add a fact that became true `on` a day and was written down `at` a moment."""
        if on is not None:
            values["effective_on"] = on
            values["day_order"] = sum(
                type(fact) is model and fact.effective_on == on for fact in self.facts
            )
        number = sum(type(fact) is model for fact in self.facts)
        name = f"{self.code}/{model.__name__}/{number}"
        fact = model(
            uuid=uuid.uuid5(NAMESPACE, name),
            project=self.project,
            basis=Basis.ILLUSTRATIVE,
            recorded_at=at,
            **values,
        )
        self.facts.append(fact)
        return fact

    def mistake(self, fact, until, reason, **wrong):
        """What was on record of a fact until it was put right; `wrong` tells how."""
        earlier = copy(fact)
        earlier.uuid = uuid.uuid5(NAMESPACE, f"{fact.uuid}/mistake")
        for name, value in wrong.items():
            setattr(earlier, name, value)
        earlier.withdrawn_at = until
        earlier.withdrawal_reason = reason
        fact.recorded_at = until
        self.facts.append(earlier)

    def of(self, model, **values):
        """The facts of a model with these values, in the order they were added."""
        return [
            fact
            for fact in self.facts
            if type(fact) is model
            and all(getattr(fact, name) == value for name, value in values.items())
        ]

    def write_money(self, kind, at, on, amount, currency="USD", **values):
        """Add a money entry, with its dollars at the year's rate."""
        rate = Decimal(1) if currency == "USD" else rate_of(currency, on)
        if amount is not None:
            amount = Decimal(amount)
        if currency != "USD":
            values |= {
                "rate": rate,
                "rate_on": on,
                "rate_source": f"Illustrative: near the average of {on.year}",
            }
        elif amount is not None:
            values["rate"] = rate
        usd = usd_of(amount, currency, rate)
        return self.record(
            MoneyEntry,
            at,
            on,
            kind=kind,
            amount=amount,
            currency=currency,
            usd=usd,
            **values,
        )


@dataclass
class Life:
    """The days of a project; a step that it has not reached is None."""

    concept: dt.date | None = None
    appraisal: dt.date | None = None
    approved: dt.date | None = None
    ongoing: dt.date | None = None
    completed: dt.date | None = None

    @property
    def steps(self):
        return [
            (status, day)
            for status, day in (
                (Status.CONCEPT, self.concept),
                (Status.APPRAISAL, self.appraisal),
                (Status.APPROVED, self.approved),
                (Status.ONGOING, self.ongoing),
                (Status.COMPLETED, self.completed),
            )
            if day
        ]


class Builder:
    """Makes the drafts, plan by plan and batch by batch, in the order of approval."""

    def __init__(self):
        self.reference = Reference()
        self.drafts = []
        self.numbers = Counter()
        self.told = set()
        self.topic_turns = Counter()
        self.begun = Counter()
        self.successors = []
        self.enabled = Counter()
        self.benefit_turns = Counter()

    def build(self):
        """All drafts, by code."""
        for batch in schedule.BATCHES:
            self.add_batch(batch)
        self.carry_over()
        for area, ahead, since, step in schedule.WAITING:
            self.add_waiting(area, ahead, since, step)
        for each in schedule.INITIATIVES:
            self.add_initiative(each)
        for each in schedule.BILATERALS:
            self.add_bilateral(each)
        return {draft.code: draft for draft in self.drafts}

    @cached_property
    def plans(self):
        return {code: self.reference(WorkPlan, code) for code in SERIES}

    @cached_property
    def headline(self):
        """{plan: its lines in the order in which illustrative projects begin them}."""
        return {
            code: self.reference.lines(plan, plan.headline_kind)
            for code, plan in self.plans.items()
        }

    @cached_property
    def enabling(self):
        plan = self.plans["IAI-III"]
        lines = self.reference.lines(plan, "enabling_action")
        if not lines:
            raise MissingReference(
                f"{plan.code} has no enabling actions: run load_reference first."
            )
        return lines

    # A batch of approvals

    def add_batch(self, batch):
        key = (batch.plan, batch.first, batch.meeting)
        shares = [
            (tuple(codes.split("+")) if codes else (), usd)
            for codes, (number, total) in batch.funders.items()
            for usd in spread(total, number, *key, codes)
        ]
        turns = sorted(range(len(shares)), key=lambda turn: dice(10**6, *key, turn))
        lines = self.lines_of(batch)
        rounds = -(-batch.projects // 3)
        made = []
        for position, turn in enumerate(turns):
            funders, usd = shares[turn]
            line = lines[position]
            span = (batch.last - batch.first).days
            step = span * (position // 3) // max(rounds - 1, 1)
            approved = workday(batch.first + dt.timedelta(days=step))
            draft = self.new(batch.plan, funders, usd)
            form = self.give_title(draft, line, approved)
            life = self.life_of(draft, batch, approved, form)
            if position >= batch.projects - batch.not_started:
                life.ongoing = life.completed = None
                self.plan(draft, dt.date(2027, 3, 1), dt.date(2028, 12, 31))
            made.append((draft, life, line))
        self.choose_successors(batch, made)
        for position, (draft, life, line) in enumerate(made):
            self.tell(draft, life, batch.plan, line, batch.meeting)
            local = position in evenly(batch.locals_propose, batch.projects)
            self.add_organisations(draft, line, local)

    def lines_of(self, batch):
        """The line of each project of a batch: new ones in turn, others at will."""
        enabling = set(evenly(batch.enabling, batch.projects))
        others = batch.projects - len(enabling)
        headline, begun = self.headline[batch.plan], self.begun[batch.plan]
        if len(headline) < batch.lines:
            raise MissingReference(
                f"{batch.plan} has {len(headline)} lines: run load_reference first."
            )
        new = set(evenly(batch.lines - begun, others))
        lines, turn = [], 0
        for position in range(batch.projects):
            if position in enabling:
                place = self.enabled[batch.plan] % len(self.enabling)
                self.enabled[batch.plan] += 1
                lines.append(self.enabling[place])
                continue
            if turn in new:
                begun += 1
                lines.append(headline[begun - 1])
            else:
                key = (batch.plan, batch.first, "line", position)
                lines.append(headline[dice(begun, *key)])
            turn += 1
        self.begun[batch.plan] = begun
        return lines

    def new(self, series, funders=(), usd=0):
        prefix = SERIES.get(series, series)
        self.numbers[prefix] += 1
        project = Project(
            code=f"{prefix}-{self.numbers[prefix]:03d}",
            is_illustrative=True,
            is_published=True,
            note=NOTE,
        )
        draft = Draft(project, len(self.drafts), usd=usd, funders=funders)
        self.drafts.append(draft)
        return draft

    def give_title(self, draft, line, on):
        """Give a title that no other has, on a topic of the line's area; its form."""
        key = area_of(line)
        small = not draft.funders or set(draft.funders) <= {"SG", "TH", "MY", "BN"}
        forms = topics.COURSES if small else topics.PROGRAMMES
        for _ in range(1000):
            turn = self.topic_turns[key]
            self.topic_turns[key] += 1
            topic = topics.TOPICS[key][turn % len(topics.TOPICS[key])]
            form = forms[dice(len(forms), key, turn, small)]
            of_its_time = topic.theme != "COVID" or PANDEMIC[0] <= on <= PANDEMIC[1]
            if of_its_time and (topic, form) not in self.told:
                break
        self.entitle(draft, form, topic)
        return form

    def entitle(self, draft, form, topic):
        self.told.add((topic, form))
        draft.topic = topic
        draft.project.title = f"Illustrative {form.en} {topic.en}"
        draft.project.title_translations = {
            "vi": f"Minh họa: {form.vi} {topic.vi}",
        }
        if topic.theme:
            draft.themes.append(self.reference(Theme, topic.theme))

    def life_of(self, draft, batch, approved, form):
        """The days of an approved project, within what its batch demands."""
        key = draft.code
        life = Life(approved=approved)
        life.appraisal = days_after(approved, -62 - dice(112, key, "appraisal"))
        if batch.begins_after and life.appraisal < batch.begins_after:
            life.appraisal = batch.begins_after + dt.timedelta(dice(5, key, "first"))
            life.appraisal = workday(life.appraisal)
        if dice(3, key, "concept") == 0:
            life.concept = days_after(life.appraisal, -32 - dice(50, key, "idea"))
            if batch.begins_after and life.concept < batch.begins_after:
                life.concept = None
        first = life.concept or life.appraisal
        if batch.begins_by and first > batch.begins_by:
            life.concept = days_after(batch.begins_by, -dice(50, key, "idea"))
        life.ongoing = days_after(approved, 26 + dice(52, key, "start"))
        months = form.months + dice(7, key, "months")
        life.completed = months_after(approved, months)
        while batch.completed_after and life.completed < batch.completed_after:
            months += 6
            life.completed = months_after(approved, months)
        planned_end = end_of_month(life.completed)
        if life.completed > schedule.LAST_DAY:
            life.completed = None
            quarter = dice(5, key, "quarter") * 3
            planned_end = end_of_month(months_after(dt.date(2027, 12, 1), quarter))
        self.plan(draft, life.ongoing, planned_end)
        return life

    def plan(self, draft, start, end):
        """Planned dates, known to the month."""
        project = draft.project
        project.planned_start = end_of_month(start)
        project.planned_end = end
        project.planned_start_precision = Precision.MONTH
        project.planned_end_precision = Precision.MONTH

    def choose_successors(self, batch, made):
        """Projects that Singapore funds and that go on from the third plan.

        Each is in the area of the line under which it had been proposed, if any is.
        """
        for _ in range(batch.successors):
            wanted = area_of(self.never_begun[len(self.successors)])
            fitting = [
                (area_of(line) == wanted, draft.code, draft, life)
                for draft, life, line in made
                if draft.funders == ("SG",)
                and draft not in self.successors
                and all(theme.code != "COVID" for theme in draft.themes)
            ]
            _, _, draft, life = max(fitting, key=lambda each: each[:2])
            life.concept, life.appraisal = None, schedule.CARRIED_OVER_ON
            self.successors.append(draft)

    @property
    def never_begun(self):
        return self.headline["IAI-III"][self.begun["IAI-III"] :]

    # What is recorded of a project

    def tell(self, draft, life, plan, line=None, meeting="", like=None):
        """Record the life, place, funders, money and beneficiaries of a project.

        The beneficiaries are those of the project `like`, where one is given.
        """
        self.tell_life(draft, life, meeting)
        if plan in self.plans:
            draft.record(
                Placement,
                draft.of(StatusChange)[0].recorded_at,
                plan=self.plans[plan],
                area=line.area if line else None,
                line=line,
            )
        if like:
            self.copy_benefits(draft, like)
        else:
            self.add_benefits(draft, life, plan)
        if life.approved:
            approval = draft.of(StatusChange, status=Status.APPROVED)[0]
            self.add_references(draft, plan)
            self.add_phases(draft, life)
            self.add_steps(draft, life, approval)
            self.add_fundings(draft, approval)
            self.add_money(draft, life, approval)

    def tell_life(self, draft, life, meeting=""):
        draft.first = life.steps[0][1]
        before = None
        for status, on in life.steps:
            decision = {}
            hour = 10
            if status == Status.APPROVED:
                hour = 17 if meeting else 18
                decision = (
                    {"meeting": self.reference(Meeting, meeting)}
                    if meeting
                    else {"by_circulation": True}
                )
            written = (
                on
                if meeting and status == Status.APPROVED
                else self.written_on(on, draft.code, status)
            )
            at = moment(written, hour, draft.number)
            if before and at <= before:
                at = before + dt.timedelta(hours=1)
            draft.record(StatusChange, at, on, status=status, **decision)
            before = at

    def written_on(self, on, *key):
        """The day on which something was written down: at once, or days later.

        What happened before a day of printed figures is on record by that day.
        """
        if dice(8, *key, "late"):
            return on
        late = days_after(on, 12 + dice(10, *key, "written"))
        due = [day for day in schedule.PRINTED_ON if on <= day]
        return late if late < min([*due, schedule.LAST_DAY]) else on

    def add_references(self, draft, plan):
        """The initiative of the master plan that a project of IAI-IV serves too."""
        number = topics.SERVES_TOO.get(draft.topic.en) if plan == "IAI-IV" else None
        if number:
            line = self.initiative(number)
            at = draft.of(StatusChange)[0].recorded_at
            draft.record(LineReference, at, line=line)

    def initiative(self, number):
        """The line of the master plan with a number."""
        for line in self.headline["MPAC-2025"]:
            if line.number == number:
                return line
        raise MissingReference(
            f"MPAC-2025 has no initiative {number}: run load_reference first."
        )

    def add_phases(self, draft, life):
        """The two rounds of a large project."""
        if draft.usd < LARGE or not life.ongoing:
            return
        middle = months_after(life.ongoing, 9)
        ends = (end_of_month(middle), draft.project.planned_end)
        done = (middle if middle <= schedule.LAST_DAY else None, life.completed)
        for number, title in enumerate(("First round", "Second round"), 1):
            phase = Phase(
                project=draft.project,
                number=number,
                title=title,
                planned_end=ends[number - 1],
                planned_end_precision=Precision.MONTH,
                completed_on=done[number - 1],
            )
            draft.parts.append(phase)

    def add_steps(self, draft, life, approval):
        """The steps towards an approval, evenly between appraisal and decision."""
        between = (life.approved - life.appraisal).days
        steps = [
            (ApprovalStep.Step.SECRETARIAT, between * 2 // 5),
            (ApprovalStep.Step.SPONSORING_BODY, between * 3 // 5),
        ]
        if draft.funders:
            steps.append((ApprovalStep.Step.FUNDER, between * 4 // 5))
        for step, days in steps:
            on = max(days_after(life.appraisal, days), life.appraisal)
            at = max(
                moment(on, 11, draft.number), draft.of(StatusChange)[0].recorded_at
            )
            draft.record(ApprovalStep, at, on, step=step, outcome="endorsed")
        draft.record(
            ApprovalStep,
            approval.recorded_at,
            life.approved,
            step=ApprovalStep.Step.TASK_FORCE,
            outcome="endorsed",
            meeting=approval.meeting,
            by_circulation=approval.by_circulation,
        )

    def add_fundings(self, draft, approval):
        for code in draft.funders:
            draft.record(
                Funding,
                approval.recorded_at,
                approval.effective_on,
                partner=self.reference(Partner, code),
                fund=self.fund_of(code, approval.effective_on),
            )

    def fund_of(self, code, on):
        """The fund that a funder's money came through, where that is plausible."""
        fund = FUNDS.get(code)
        if code == "AU":
            fund = "AADCP2" if on.year < 2022 else "AUS4ASEAN"
        if code == "EU" and on.year < 2023:
            fund = "ARISE+"
        return self.reference.find(Fund, fund) if fund else None

    def add_money(self, draft, life, approval):
        """Approved budget, commitments, and what was disbursed and spent of them."""
        if not draft.funders:
            return
        at, on = approval.recorded_at, life.approved
        draft.write_money("approved", at, on, draft.usd)
        for code, usd in self.split(draft):
            partner = self.reference(Partner, code)
            self.commit(draft, at, on, partner, usd)
            if life.ongoing and dice(5, draft.code, code, "disbursed"):
                paid = days_after(life.ongoing, 30 + dice(60, draft.code, "paid"))
                part = usd * (35 + dice(25, draft.code, "part")) // 1000 * 10
                if paid <= schedule.LAST_DAY:
                    draft.write_money(
                        "disbursed",
                        moment(paid, 14, draft.number),
                        paid,
                        part,
                        partner=partner,
                    )
            if life.completed and dice(5, draft.code, code, "spent"):
                spent = Decimal(usd * (9000 + dice(999, draft.code, "spent"))) / 10000
                draft.write_money(
                    "spent",
                    draft.of(StatusChange, status=Status.COMPLETED)[0].recorded_at,
                    life.completed,
                    spent.quantize(Decimal("0.01")),
                    partner=partner,
                )

    def split(self, draft):
        """[(funder, dollars)]: of two funders, the first gives three fifths."""
        if len(draft.funders) == 1:
            return [(draft.funders[0], draft.usd)]
        first = draft.usd * 3 // 50 * 10
        return list(zip(draft.funders, (first, draft.usd - first), strict=True))

    def commit(self, draft, at, on, partner, usd):
        """What a funder promised: in dollars, in its currency, in kind, or unknown.

        Commitments that print tells of (the third plan's, by Japan and those of 2017)
        are in dollars, in cash and public.
        """
        code, turn = partner.code, dice(6, draft.code, "commitment")
        printed = draft.code.startswith("ILL-3") and (code == "JP" or on.year < 2018)
        values = {"partner": partner, "is_private": code in PRIVATE}
        currency = CURRENCIES.get(code)
        if code == "SG" and len(draft.funders) == 1 and turn < 2:
            if turn == 0:
                values["in_kind"] = True
                draft.write_money("committed", at, on, usd * 4 // 50 * 10, **values)
            return
        if code == "SG" and turn == 2:
            draft.write_money("committed", at, on, None, **values)
        elif printed or on.year < FIRST_RATE or not currency or turn == 5:
            draft.write_money("committed", at, on, usd, **values)
        else:
            amount = (usd / rate_of(currency, on)).quantize(Decimal(1))
            amount = amount // 100 * 100
            draft.write_money("committed", at, on, amount, currency, **values)

    # For whom

    def add_benefits(self, draft, life, plan):
        """For whom a project is; by default from its first status on."""
        at, on = draft.of(StatusChange)[0].recorded_at, draft.first
        if plan == "MPAC-2025":
            self.benefit(draft, at, on, grouping="ASEAN")
            return
        turn = self.benefit_turns[plan] = self.benefit_turns[plan] + 1
        kind = turn % 20
        if kind in (1, 4, 7, 10, 14, 17):
            self.benefit_turns["one"] += 1
            self.benefit(draft, at, on, CLMV[self.benefit_turns["one"] % 4])
            self.add_counterpart(draft, life)
        elif kind in (3, 13):
            self.add_stated_shares(draft, at, on)
        elif kind == 6:
            for code in CLMV:
                self.benefit(draft, at, on, code, share_basis="assumed_equal")
        elif kind in (9, 18):
            self.benefit_turns["pair"] += 1
            for step in (0, 1):
                place = (self.benefit_turns["pair"] + step) % 4
                self.benefit(draft, at, on, CLMV[place])
        elif kind == 15:
            self.benefit(draft, at, on, grouping="MEKONG")
        else:
            self.benefit(draft, at, on, grouping="CLMV")
            self.let_timor_leste_join(draft, life, plan)

    def copy_benefits(self, draft, like):
        at = draft.of(StatusChange)[0].recorded_at
        for other in like.of(Benefit, effective_on=like.first):
            draft.record(
                Benefit,
                at,
                draft.first,
                country=other.country,
                grouping=other.grouping,
                share=other.share,
                share_basis=other.share_basis,
            )

    def benefit(self, draft, at, on, country=None, grouping=None, **values):
        reference = self.reference
        return draft.record(
            Benefit,
            at,
            on,
            country=reference(Country, country) if country else None,
            grouping=reference(Grouping, grouping) if grouping else None,
            **values,
        )

    def add_stated_shares(self, draft, at, on):
        """Two or three countries with percentages that add up to 100."""
        self.benefit_turns["stated"] += 1
        start = self.benefit_turns["stated"]
        number = 2 + start % 2
        first = 30 + dice(5, draft.code, "share") * 5
        shares = [first, 100 - first]
        if number == 3:
            shares = [first, (100 - first) // 2, 100 - first - (100 - first) // 2]
        for step, share in enumerate(shares):
            self.benefit(
                draft,
                at,
                on,
                CLMV[(start + step) % 4],
                share=Decimal(share),
                share_basis="stated",
            )

    def let_timor_leste_join(self, draft, life, plan):
        """A running project of the fourth plan took Timor-Leste in, from 2024 on."""
        if plan != "IAI-IV" or not life.ongoing or dice(3, draft.code, "TL"):
            return
        begin = max(life.ongoing, TIMOR_LESTE_FROM)
        on = days_after(begin, 40 + dice(200, draft.code, "join"))
        if on < min(life.completed or schedule.LAST_DAY, schedule.LAST_DAY):
            self.benefit(draft, moment(on, 15, draft.number), on, "TL")

    def add_counterpart(self, draft, life):
        """Rooms and staff that the one country lends: not a funder's money."""
        if not life.ongoing or dice(5, draft.code, "counterpart"):
            return
        country = draft.of(Benefit)[0].country
        draft.write_money(
            "committed",
            moment(life.ongoing, 15, draft.number),
            life.ongoing,
            4_000 + dice(90, draft.code, "rooms") * 150,
            partner=self.reference(Partner, country.code),
            is_counterpart=True,
            in_kind=True,
        )

    # Who does it

    def add_organisations(self, draft, line, local=False):
        """A proponent, who carries it out, and the body that sponsors it."""
        turn = dice(4, draft.code, "country")
        institute = f"ILL-{CLMV[turn]}-INST"
        if local or dice(3, draft.code, "proponent"):
            self.add_organisation(draft, f"ILL-{CLMV[turn]}-PLAN", "proponent")
        else:
            self.add_organisation(draft, "ILL-REG-CONS", "proponent")
        doer = "ILL-SG-INST" if draft.funders == ("SG",) else institute
        if draft.funders == ("TH",):
            doer = "ILL-TH-INST"
        self.add_organisation(draft, doer, "implementing")
        body = f"ILL-SEC-{area_of(line)}"
        if body in topics.ORGANISATIONS:
            self.add_organisation(draft, body, "sponsoring_body")

    def add_organisation(self, draft, code, role):
        draft.parts.append(
            ProjectOrganisation(
                project=draft.project, organisation=self.organisations[code], role=role
            )
        )

    @cached_property
    def organisations(self):
        """{code: unsaved organisation}; their names begin Illustrative too."""
        return {
            code: Organisation(
                code=code,
                name=f"Illustrative {name}",
                name_translations={"vi": f"Minh họa: {name_vi}"},
                country=self.reference(Country, country) if country else None,
            )
            for code, (name, name_vi, country) in topics.ORGANISATIONS.items()
        }

    # Beside the batches

    def carry_over(self):
        """The proposals of the third plan that went on in the fourth."""
        reason = "Not approved before the plan closed; it goes on in the next plan."
        for place, (concept, appraisal) in enumerate(schedule.CARRIED_OVER):
            successor, line = self.successors[place], self.never_begun[place]
            draft = self.new("IAI-III")
            draft.project.title = successor.project.title
            draft.project.title_translations = successor.project.title_translations
            draft.themes = list(successor.themes)
            self.tell(draft, Life(concept, appraisal), "IAI-III", line, like=successor)
            self.add_organisations(draft, line, local=True)
            draft.record(
                StatusChange,
                moment(schedule.CARRIED_OVER_ON, 18, draft.number),
                schedule.CARRIED_OVER_ON,
                status=Status.CARRIED_OVER,
                by_circulation=True,
                note=reason,
            )
            successor.predecessor = draft

    def add_waiting(self, area, ahead, since, step):
        """A proposal that waits today, on a line of the area begun or not."""
        lines = self.headline["IAI-IV"]
        begun = lines[: self.begun["IAI-IV"]] if ahead == 0 else []
        coming = lines[self.begun["IAI-IV"] :]
        ours = [line for line in (begun or coming) if area_of(line) == area]
        line = (ours or lines)[0]
        draft = self.new("IAI-IV")
        self.give_title(draft, line, since)
        self.tell(draft, Life(**{step: since}), "IAI-IV", line)
        self.add_organisations(draft, line, local=True)
        self.plan(draft, dt.date(2027, 9, 1), dt.date(2029, 3, 31))

    def add_initiative(self, each):
        line = self.initiative(each.number)
        funders = tuple(each.funder.split("+")) if each.funder else ()
        draft = self.new("MPAC-2025", funders, each.usd)
        topic = topics.INITIATIVES[each.number]
        unused = [form for form in topics.PROGRAMMES if (topic, form) not in self.told]
        self.entitle(draft, unused[dice(len(unused), draft.code)], topic)
        life = Life(None, each.appraisal, each.approved, each.ongoing, each.completed)
        if life.ongoing:
            end = end_of_month(life.completed or dt.date(2028, 6, 30))
            self.plan(draft, life.ongoing, end)
        self.tell(draft, life, "MPAC-2025", line)
        self.add_organisation(draft, "ILL-REG-CONS", "implementing")

    def add_bilateral(self, each):
        """Direct support: under a partner and a country, in no plan's figures."""
        draft = self.new("ILL-B", (each.funder,), each.usd)
        project = draft.project
        project.channel = Project.Channel.BILATERAL
        project.title = f"Illustrative {each.topic[0]}"
        project.title_translations = {"vi": f"Minh họa: {each.topic[1]}"}
        life = Life(ongoing=each.ongoing, completed=each.completed)
        self.tell_life(draft, life)
        start = draft.of(StatusChange)[0]
        self.benefit(draft, start.recorded_at, each.ongoing, each.country)
        partner = self.reference(Partner, each.funder)
        draft.record(Funding, start.recorded_at, each.ongoing, partner=partner)
        draft.write_money("approved", start.recorded_at, each.ongoing, each.usd)
        draft.write_money(
            "committed", start.recorded_at, each.ongoing, each.usd, partner=partner
        )
        self.add_organisation(draft, f"ILL-{each.country}-INST", "implementing")
        end = end_of_month(each.completed or dt.date(2028, 12, 31))
        self.plan(draft, each.ongoing, end)
