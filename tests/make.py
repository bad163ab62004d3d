"""Rows for tests, with whatever they stand on. Names are codes; days are ISO texts.

`make.project(status="approved", on="2022-01-10", line=line, funders=["SG"])` is enough
for a project that counts. Statuses that must come before are recorded on the same day.
"""

import datetime as dt
import hashlib
from decimal import Decimal
from itertools import count

from django.core.files.base import ContentFile

from aseanpm import writing
from aseanpm.facts import end_of_day, ledger_entry
from aseanpm.models import ActionPoint, Comment, Document, Source
from partners.models import (
    ApiToken,
    BeneficiaryStatus,
    Country,
    FocalPoint,
    Fund,
    FundOwnership,
    Grouping,
    GroupingMembership,
    Organisation,
    Partner,
    User,
)
from projects import actions
from projects.models import (
    Benefit,
    Funding,
    MoneyEntry,
    Placement,
    Project,
    StatusChange,
)
from workplans.models import (
    ActionLine,
    Body,
    DeclaredTotal,
    Framework,
    Indicator,
    IndicatorTarget,
    Meeting,
    PlanRule,
    Programme,
    PublishedFigure,
    Statement,
    StrategicArea,
    Theme,
    WorkPlan,
)

EARLY = "2015-01-01"
PATHS = {
    "concept": ["concept"],
    "appraisal": ["appraisal"],
    "approved": ["appraisal", "approved"],
    "ongoing": ["appraisal", "approved", "ongoing"],
    "on_hold": ["appraisal", "approved", "ongoing", "on_hold"],
    "completed": ["appraisal", "approved", "ongoing", "completed"],
    "cancelled": ["appraisal", "approved", "cancelled"],
    "carried_over": ["appraisal", "carried_over"],
}
_numbers = count(1)


def day(text):
    return dt.date.fromisoformat(text) if isinstance(text, str) else text


def moment(text):
    """The end of a day in Jakarta, or the moment itself."""
    if isinstance(text, dt.datetime):
        return text
    return end_of_day(day(text))


def programme(code="IAI"):
    return Programme.objects.get_or_create(code=code, defaults={"title": code})[0]


def plan(code="IAI-IV", *, declared=24, counts_from="approved", **fields):
    """A plan with its rule and its declared total on record since 2015."""
    found = WorkPlan.objects.filter(code=code).first()
    if found:
        return found
    values = {
        "programme": programme(code.split("-")[0]),
        "title": f"Work plan {code}",
        "headline_kind": "action_line",
        "nominal_start": dt.date(2021, 1, 1),
        "adopted_on": fields.get("nominal_start", dt.date(2021, 1, 1)),
        "nominal_end": dt.date(2025, 12, 31),
    }
    made = WorkPlan.objects.create(code=code, **(values | fields))
    with ledger_entry(recorded_at=moment(EARLY)) as entry:
        shared = {"plan": made, "effective_on": day(EARLY), **entry.stamps}
        PlanRule.objects.create(counts_from=counts_from, **shared)
        if declared is not None:
            DeclaredTotal.objects.create(
                kind=made.headline_kind, total=declared, **shared
            )
    return made


def area(*, plan=None, **fields):
    number = next(_numbers)
    plan = plan or globals()["plan"]()
    values = {"code": f"{plan.code}-A{number}", "title": "An area", "order": number}
    return StrategicArea.objects.create(plan=plan, **(values | fields))


def line(*, plan=None, area=None, **fields):
    number = next(_numbers)
    plan = plan or (area.plan if area else globals()["plan"]())
    values = {
        "code": f"{plan.code}-L{number}",
        "kind": plan.headline_kind,
        "number": number,
        "title": f"Line {number}",
    }
    return ActionLine.objects.create(plan=plan, area=area, **(values | fields))


def country(code="VN", **fields):
    values = {"name": f"Country {code}", "iso3": f"{code}X", "iso_numeric": code}
    return Country.objects.get_or_create(code=code, defaults=values | fields)[0]


def grouping(code="CLMV", members=(), since=None, **fields):
    made, _ = Grouping.objects.get_or_create(
        code=code, defaults={"name": code, **fields}
    )
    for member in members:
        GroupingMembership.objects.get_or_create(
            grouping=made, country=country(member), valid_from=day(since)
        )
    return made


def beneficiary(code, since, programme="IAI"):
    return BeneficiaryStatus.objects.create(
        country=country(code), programme=programme, valid_from=day(since)
    )


def partner(code="JP", **fields):
    """A funder; SG is a member state, inside ASEAN."""
    found = Partner.objects.filter(code=code).first()
    if found:
        return found
    if code == "SG":
        grouping("ASEAN", ["SG"])
        fields = {"kind": "member_state", "country": country("SG"), **fields}
    values = {"kind": "dialogue", "name": f"Partner {code}"}
    return Partner.objects.create(code=code, **(values | fields))


def fund(code="JAIF", owner="JP"):
    made, _ = Fund.objects.get_or_create(code=code, defaults={"name": code})
    FundOwnership.objects.get_or_create(fund=made, partner=partner(owner))
    return made


def organisation(code="ASEC", **fields):
    return Organisation.objects.get_or_create(
        code=code, defaults={"name": f"Organisation {code}", **fields}
    )[0]


def body(code="IAI-TF", **fields):
    values = {"name": f"Body {code}"} | fields
    return Body.objects.get_or_create(code=code, defaults=values)[0]


def framework(code="AFEED", **fields):
    values = {"title": f"Framework {code}"} | fields
    return Framework.objects.get_or_create(code=code, defaults=values)[0]


def statement(code="AFEED-2011", **fields):
    values = {"title": f"Statement {code}", "framework": framework()} | fields
    return Statement.objects.get_or_create(code=code, defaults=values)[0]


def focal_point(**fields):
    values = {"kind": "national_coordinator", "office": "The ministry"}
    values |= {"country": country("VN")} | fields
    return FocalPoint.objects.create(**values)


def source(code="DOC1"):
    values = {"title": f"Document {code}", "reading": "whole"}
    return Source.objects.get_or_create(code=code, defaults=values)[0]


def theme(code="COVID"):
    return Theme.objects.get_or_create(code=code, defaults={"title": code})[0]


def meeting(code="IAI-TF-68", on="2022-09-22", **fields):
    body, _ = Body.objects.get_or_create(
        code=code.rpartition("-")[0], defaults={"name": "IAI Task Force"}
    )
    ending = code.rpartition("-")[2]
    values = {
        "body": body,
        "number": int(ending) if ending.isdigit() else None,
        "held_from": day(on),
        "held_until": day(on),
    }
    return Meeting.objects.get_or_create(code=code, defaults=values | fields)[0]


def indicator(of, **fields):
    """An output of a line or a project, counted in officials, its baseline unknown."""
    number = next(_numbers)
    values = {
        "code": f"{of.code}-I{number}",
        "title": f"Indicator {number}",
        "level": "output",
        "unit": "officials trained",
        "direction": "increase",
        "aggregation": "sum",
    }
    kind = "project" if isinstance(of, Project) else "line"
    return Indicator.objects.create(**{kind: of}, **(values | fields))


def target(indicator, value, *, due="2025-12-31", on="2022-01-10", **fields):
    """A target that was set, and written down, on a day; `value=None` gives it up."""
    fact = IndicatorTarget(
        indicator=indicator, value=value, due=day(due), effective_on=day(on), **fields
    )
    with ledger_entry(recorded_at=moment(on)) as entry:
        return actions.record(fact=fact, entry=entry)


def figure(*, metric="projects", value=50, as_of="2022-09-22", **fields):
    scope = {"plan": fields.pop("plan", None) or plan()}
    if fields.get("programme") or fields.get("partner"):
        scope = {}
    values = {"code": f"figure-{next(_numbers)}", "metric": metric, "value": value}
    return PublishedFigure.objects.create(as_of=day(as_of), **(values | scope | fields))


def project(
    *,
    status="approved",
    on="2022-01-10",
    known=None,
    plan=None,
    line=None,
    area=None,
    funders=(),
    countries=(),
    groupings=(),
    budget=None,
    meeting=None,
    **fields,
):
    """A published project with its facts, all of one day, recorded that day or `known`.

    `status=None` leaves it without any. `plan=False` places it nowhere. `budget` is
    dollars. `countries` may hold (code, share) pairs.
    """
    number = next(_numbers)
    values = {
        "code": f"P-{number:05}",
        "title": f"Project {number}",
        "is_published": True,
    }
    with ledger_entry(recorded_at=moment(known or on)) as entry:
        made = Project.objects.create(
            recorded_at=entry.recorded_at,
            changed_at=entry.recorded_at,
            **(values | fields),
        )
        of = {"project": made, **entry.stamps}
        dated = {**of, "effective_on": day(on)}
        for place, step in enumerate(PATHS.get(status, [])):
            decided = {"meeting": meeting} if meeting else {"by_circulation": True}
            StatusChange.objects.create(
                status=step,
                day_order=place,
                note="" if step in {"appraisal", "approved", "ongoing"} else "Why",
                **dated,
                **(decided if step == "approved" else {}),
            )
        if plan is not False:
            plan = plan or (line or area or _Default()).plan
            Placement.objects.create(
                plan=plan, area=area or (line.area if line else None), line=line, **of
            )
        for place, code in enumerate(funders):
            Funding.objects.create(partner=partner(code), day_order=place, **dated)
        beneficiaries = [*countries, *groupings]
        for place, each in enumerate(beneficiaries):
            code, share = each if isinstance(each, tuple) else (each, None)
            party = (
                {"grouping": grouping(code)}
                if each in groupings
                else {"country": country(code)}
            )
            stated = {"share": share, "share_basis": "stated"} if share else {}
            Benefit.objects.create(day_order=place, **party, **stated, **dated)
        if budget is not None:
            money(made, budget, on=on, entry=entry)
        actions.refresh_copies(Project.objects.filter(pk=made.pk))
    made.refresh_from_db()
    return made


class _Default:
    @property
    def plan(self):
        return plan()


def money(project, usd, *, on="2022-01-10", kind="approved", entry=None, **fields):
    """An entry in dollars; `usd=None` is an amount that is not known."""
    amount = None if usd is None else Decimal(usd)
    if isinstance(fields.get("partner"), str):
        fields["partner"] = partner(fields["partner"])
    place = MoneyEntry.objects.filter(project=project, effective_on=day(on)).count()
    values = {
        "amount": amount,
        "usd": amount,
        "rate": None if amount is None else Decimal(1),
        "day_order": place,
    }
    with ledger_entry(recorded_at=None if entry else moment(on)) as own:
        return MoneyEntry.objects.create(
            project=project,
            kind=kind,
            effective_on=day(on),
            **(values | fields),
            **(entry or own).stamps,
        )


def user(role="reader", *, email=None, **fields):
    if isinstance(fields.get("country"), str):
        fields["country"] = country(fields["country"])
    if isinstance(fields.get("partner"), str):
        fields["partner"] = partner(fields["partner"])
    email = email or f"{role}{next(_numbers)}@example.org"
    return User.objects.create_user(email, "a-long-password-1", role=role, **fields)


def token(user, *, name="Nightly", **fields):
    """A token that lasts a year, and its text."""
    return ApiToken.objects.create(user, name=name, **fields)


# What people say, and the files they bring


def comment(about, text="A remark", *, by=None, mentions=(), **fields):
    return _remark(Comment, about, by, {"mentions": mentions}, text=text, **fields)


def action_point(about, text="Something to do", *, by=None, **fields):
    """Something that `owner` owes by `due`; a ministry, where nobody is named."""
    if isinstance(fields.get("due"), str):
        fields["due"] = day(fields["due"])
    who = "" if fields.get("owner") else "A ministry"
    return _remark(ActionPoint, about, by, {}, text=text, who=who, **fields)


def document(about, content=b"%PDF-1.7 a file", *, by=None, name="file.pdf", **fields):
    values = {
        "title": name.partition(".")[0],
        "file": ContentFile(content, name=name),
        "file_name": name,
        "media_type": "application/pdf",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return _remark(Document, about, by, {}, **(values | fields))


def _remark(model, about, by, lists, **fields):
    """A row about a project, line or meeting, as one write; `number` names it."""
    by = by or user("editor")
    kind = about._meta.model_name.removeprefix("action")
    with ledger_entry(by, what="A remark") as entry:
        row = model(recorded_by=by, **{kind: about}, **fields)
        row.recorded_at = fields.get("recorded_at", entry.recorded_at)
        writing.create(row, **lists)
    row.number = entry.sequence
    return row
