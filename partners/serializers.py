"""Countries, partners and funds as they are told, to pages and to the API alike.

All numbers come from projects/progress.py and projects/money.py. What is built here for
a page is what the API says: its dictionaries are made by `plain`.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db.models import Q
from rest_framework import serializers

from aseanpm.api import all_opened, opened, permalink
from aseanpm.facts import shown_date
from projects import money, progress
from projects.models import Funding, MoneyEntry, Placement, Project, Status

from .models import (
    BeneficiaryStatus,
    Country,
    FocalPoint,
    Fund,
    FundOwnership,
    GroupingMembership,
    Partner,
    User,
)

GIVEN = (
    MoneyEntry.Kind.PLEDGED,
    MoneyEntry.Kind.COMMITTED,
    MoneyEntry.Kind.DISBURSED,
    MoneyEntry.Kind.SPENT,
)


def coverage(total):
    """On how many projects a Total rests."""
    return {"complete": total.complete, "partial": total.partial, "none": total.none}


def since(standing):
    """The day from which a dated standing holds, as exactly as it is known."""
    if standing is None:
        return None
    return shown_date(standing.valid_from, standing.valid_from_precision)


def places(name, keys):
    """{key: row} of the plans or areas with these keys."""
    model = Placement._meta.get_field(name).related_model
    return model.objects.in_bulk([key for key in keys if key is not None])


# Countries


@dataclass(frozen=True)
class CountryRow:
    """A country in a list. `membership` and `benefit` are None where not held yet."""

    country: Country
    membership: GroupingMembership | None
    benefit: BeneficiaryStatus | None
    counted: int
    pipeline: int
    illustrative: int

    @property
    def plain(self):
        return {
            "code": self.country.code,
            "iso3": self.country.iso3,
            "name": self.country.name,
            "names": self.country.name_translations,
            "is_member": self.membership is not None,
            "member_since": since(self.membership),
            "is_iai_beneficiary": self.benefit is not None,
            "beneficiary_since": since(self.benefit),
            "projects_counted": self.counted,
            "pipeline": self.pipeline,
            "illustrative_records": self.illustrative,
        }


def country_rows(projects):
    """A CountryRow for each country, in eleven queries. Their counts overlap."""
    on = projects.clock.last_day
    memberships = GroupingMembership.objects.valid(on).filter(grouping__code="ASEAN")
    statuses = BeneficiaryStatus.objects.valid(on).filter(programme="IAI")
    members = {row.country_id: row for row in memberships}
    beneficiaries = {row.country_id: row for row in statuses}
    counted = projects.counted()
    counts = progress.count_by_country(counted, on)
    waiting = progress.count_by_country(projects.pipeline(), on)
    illustrative = progress.count_by_country(counted.filter(is_illustrative=True), on)
    return [
        CountryRow(
            country=country,
            membership=members.get(country.pk),
            benefit=beneficiaries.get(country.pk),
            counted=counts[country.pk],
            pipeline=waiting[country.pk],
            illustrative=illustrative[country.pk],
        )
        for country in Country.objects.all()
    ]


@dataclass(frozen=True)
class CountryWhole:
    """All that is told of one country at one clock.

    The bands, plans, areas and statuses each add up to the projects that count;
    partners overlap. `approved` is the whole of those projects' budgets, `attributed`
    the part that is the country's. `rows` are those of all countries.
    """

    row: CountryRow
    rows: list
    bands: list
    approved: money.Total
    attributed: object
    by_plan: list
    by_area: list
    by_status: dict
    funding: progress.FundingCount
    partners: dict
    cancelled: int
    bilateral: int
    groupings: list
    events: list
    focal_points: list
    shows_persons: bool
    organisations: list
    chaired: list
    consultations: list

    @property
    def country(self):
        return self.row.country

    @property
    def area_not_recorded(self):
        return dict(self.by_area).get(None, 0)

    @property
    def plain(self):
        return self.row.plain | {
            "approved_usd": self.approved.usd,
            "coverage": coverage(self.approved),
            "attributed_usd": self.attributed,
            "bands": [
                {
                    "band": band.name,
                    "label": band.label,
                    "projects": len(band.projects),
                    "approved_usd": band.approved.usd,
                    "coverage": coverage(band.approved),
                    "attributed_usd": band.attributed,
                }
                for band in self.bands
            ],
            "by_plan": [
                {"plan": plan.code, "projects": count} for plan, count in self.by_plan
            ],
            "by_area": [
                {"area": area.code if area else None, "projects": count}
                for area, count in self.by_area
            ],
            "by_status": self.by_status,
            "by_partner": [
                {"partner": code, "projects": count}
                for code, count in self.funding.participations.items()
            ],
            "none_recorded": self.funding.unattributed,
            "cancelled_after_approval": self.cancelled,
            "bilateral_projects": self.bilateral,
            "groupings": [grouping.code for grouping in self.groupings],
            "events": [
                {"on": shown_date(event.on, event.precision), "text": event.text}
                for event in self.events
            ],
            "focal_points": [self.focal_point(point) for point in self.focal_points],
            "organisations": [each.code for each in self.organisations],
            "chaired_meetings": [meeting.code for meeting in self.chaired],
        }

    def focal_point(self, point):
        """Person and e-mail are null to whoever may not see them, as where unknown."""
        seen = point if self.shows_persons else None
        return {
            "kind": point.kind,
            "programme": point.programme or None,
            "area": point.area.code if point.area else None,
            "office": point.office,
            "person": (seen and seen.person) or None,
            "email": (seen and seen.email) or None,
            "basis": point.basis,
        }


def country_whole(projects, country, user=None):
    """The CountryWhole of a country, in queries that do not grow with rows."""
    on = projects.clock.last_day
    ours = projects.for_country(country)
    counted = ours.counted()
    bands = progress.country_bands(counted, country, user)
    funding = progress.funding_count(counted, user)
    rows = country_rows(projects)
    return CountryWhole(
        row=next(row for row in rows if row.country == country),
        rows=rows,
        bands=bands,
        approved=funding.money[MoneyEntry.Kind.APPROVED],
        attributed=money.sum_known(band.attributed for band in bands),
        by_plan=by_plan(progress.count_by(counted, "plan")),
        by_area=by_area(progress.count_by(counted, "area")),
        by_status=in_order_of_life(progress.count_by(counted, "status")),
        funding=funding,
        partners=Partner.objects.in_bulk(field_name="code"),
        cancelled=ours.cancelled_after_approval().count(),
        bilateral=ours.filter(channel=Project.Channel.BILATERAL).count(),
        groupings=[
            row.grouping
            for row in country.memberships.valid(on)
            .select_related("grouping")
            .order_by("grouping__code")
        ],
        events=list(country.events.filter(on__lte=on)),
        focal_points=list(focal_points(country, on)),
        shows_persons=sees_persons(user),
        organisations=list(country.organisations.all()),
        chaired=list(
            country.chaired_meetings.held_by(on).select_related("body", "country")
        ),
        consultations=list(
            country.consultations.held_by(on).select_related("body", "country")
        ),
    )


def focal_points(country, on):
    """Who answers for a country on a day, the national coordinator first."""
    return (
        FocalPoint.objects.valid(on)
        .filter(country=country)
        .select_related("area", "line")
        .order_by("-kind", "office")
    )


def sees_persons(user):
    """Whether a reader may see who holds an office: coordinators and secretariat."""
    if user is None or not user.is_authenticated:
        return False
    return user.is_secretariat or user.role == User.Role.COORDINATOR


def by_plan(counts):
    """[(plan, projects)], the latest plan first."""
    plans = places("plan", counts)
    found = [(plans[key], count) for key, count in counts.items() if key in plans]
    return sorted(found, key=lambda pair: (pair[0].nominal_start, pair[0].code))[::-1]


def by_area(counts):
    """[(area, projects)], most projects first; the area None, not recorded, last."""
    areas = places("area", counts)
    found = [(areas.get(key), count) for key, count in counts.items()]
    return sorted(
        found, key=lambda pair: (pair[0] is None, -pair[1], pair[0] and pair[0].code)
    )


def in_order_of_life(counts):
    return {status.value: counts[status.value] for status in Status if status in counts}


# Partners


@dataclass(frozen=True)
class PartnerRow:
    """A partner in a list, with the projects that count and that it funds.

    `together` names the combinations in which it is one of several funders.
    """

    partner: Partner
    inside: bool
    counted: int
    alone: int
    together: list
    committed: money.Total
    illustrative: int

    @property
    def jointly(self):
        return self.counted - self.alone

    @property
    def aliases(self):
        return list(self.partner.aliases.all())

    @property
    def plain(self):
        return {
            "code": self.partner.code,
            "name": self.partner.name,
            "names": self.partner.name_translations,
            "kind": self.partner.kind,
            "inside_asean": self.inside,
            "aliases": [alias.name for alias in self.aliases],
            "projects_counted": self.counted,
            "alone": self.alone,
            "jointly": self.jointly,
            "committed_usd": self.committed.usd,
            "committed_in_kind_usd": self.committed.in_kind_usd,
            "coverage": coverage(self.committed),
            "illustrative_records": self.illustrative,
        }


NOTHING = money.total_of([])


def partner_rows(projects, partners, user=None):
    """A PartnerRow for each partner, most projects first, in thirteen queries."""
    counted = projects.counted()
    funding = progress.funding_count(counted, user)
    alone = {
        one.partners[0]: one.projects
        for one in funding.combinations
        if len(one.partners) == 1
    }
    together = defaultdict(list)
    for one in funding.combinations:
        for code in one.partners if len(one.partners) > 1 else ():
            together[code].append("+".join(one.partners))
    committed = money.totals_by_partner(counted, MoneyEntry.Kind.COMMITTED, user)
    inside = Partner.objects.inside_asean(projects.clock.last_day)
    insiders = set(inside.values_list("pk", flat=True))
    illustrative = progress.count_by_partner(counted.filter(is_illustrative=True))
    rows = [
        PartnerRow(
            partner=partner,
            inside=partner.pk in insiders,
            counted=funding.participations.get(partner.code, 0),
            alone=alone.get(partner.code, 0),
            together=together[partner.code],
            committed=committed.get(partner.code, NOTHING),
            illustrative=illustrative[partner.pk],
        )
        for partner in partners.prefetch_related("aliases")
    ]
    return sorted(rows, key=lambda row: (-row.counted, row.partner.name))


@dataclass(frozen=True)
class PlanPart:
    """What a partner funds of one plan's projects that count."""

    plan: object
    projects: int
    alone: int
    of: int

    @property
    def jointly(self):
        return self.projects - self.alone


@dataclass(frozen=True)
class Pledge:
    """What a partner pledged to a project that it does not fund: prospective."""

    project: Project
    amount: money.Amount


@dataclass(frozen=True)
class PartnerWhole:
    """All that is told of one partner at one clock.

    `approved` are the budgets of the projects it funds, which are the projects' and not
    its own money; `given` holds its own, by kind.
    """

    row: PartnerRow
    by_plan: list
    combinations: list
    approved: money.Total
    given: dict
    countries: list
    partners: dict
    funds: list
    pledges: list
    bilateral: int
    statements: list
    figures: list

    @property
    def partner(self):
        return self.row.partner

    @property
    def plain(self):
        return self.row.plain | {
            "note": self.partner.note,
            "country": self.partner.country.code if self.partner.country else None,
            "by_plan": [
                {
                    "plan": part.plan.code,
                    "projects": part.projects,
                    "alone": part.alone,
                    "jointly": part.jointly,
                    "of": part.of,
                }
                for part in self.by_plan
            ],
            "combinations": [
                {
                    "partners": list(one.partners),
                    "projects": one.projects,
                    "approved_usd": one.approved.usd,
                    "coverage": coverage(one.approved),
                }
                for one in self.combinations
            ],
            "projects_approved_usd": self.approved.usd,
            "projects_approved_coverage": coverage(self.approved),
            "money": {
                kind: {
                    "usd": total.usd,
                    "in_kind_usd": total.in_kind_usd,
                    "coverage": coverage(total),
                }
                for kind, total in self.given.items()
            },
            "countries": [
                {"country": country.code, "projects": count}
                for country, count in self.countries
            ],
            "funds": [fund.code for fund in self.funds],
            "prospective_pledges": [
                {
                    "project": pledge.project.code,
                    "title": pledge.project.title,
                    "pledged_usd": pledge.amount.usd,
                }
                for pledge in self.pledges
            ],
            "bilateral_projects": self.bilateral,
            "statements": [
                {
                    "meeting": statement.meeting.code,
                    "on": statement.meeting.dates_shown,
                    "text": statement.text,
                }
                for statement in self.statements
            ],
            "published_figures": [figure.code for figure in self.figures],
        }


def partner_whole(projects, partner, user=None):
    """The PartnerWhole of a partner, in queries that do not grow with rows."""
    on = projects.clock.last_day
    counted = projects.counted()
    funded = counted.funded_by(partner)
    funding = progress.funding_count(funded, user)
    one = Partner.objects.filter(pk=partner.pk).select_related("country")
    return PartnerWhole(
        row=partner_rows(projects, one, user)[0],
        by_plan=plan_parts(counted, partner),
        combinations=funding.combinations,
        approved=funding.money[MoneyEntry.Kind.APPROVED],
        given={kind.value: money.total(funded, kind, user, partner) for kind in GIVEN},
        countries=countries_of(funded, on),
        partners=Partner.objects.in_bulk(field_name="code"),
        funds=list(funds_of(partner, on)),
        pledges=prospective_pledges(projects, partner, user),
        bilateral=projects.filter(channel=Project.Channel.BILATERAL)
        .funded_by(partner)
        .count(),
        statements=list(
            partner.statements.filter(meeting__held_until__lte=on)
            .select_related("meeting__body", "meeting__country")
            .order_by("-meeting__held_until")
        ),
        figures=figures_about(partner, on),
    )


def plan_parts(counted, partner):
    """A PlanPart for each plan of which the partner funds a project, latest first."""
    every = progress.count_by(counted, "plan")
    funded = progress.count_by(counted.funded_by(partner), "plan")
    alone = progress.count_by(counted.funded_by_exactly((partner.code,)), "plan")
    return [
        PlanPart(plan, count, alone.get(plan.pk, 0), every[plan.pk])
        for plan, count in by_plan(funded)
    ]


def countries_of(projects, on):
    """[(country, projects)] that the projects benefit, most first; they overlap."""
    counts = Counter(progress.count_by_country(projects, on))
    countries = Country.objects.in_bulk(counts)
    found = [(countries[key], count) for key, count in counts.items()]
    return sorted(found, key=lambda pair: (-pair[1], pair[0].name))


def funds_of(partner, on):
    """The funds that count as a partner on a day."""
    held = FundOwnership.objects.valid(on).filter(partner=partner)
    return Fund.objects.filter(pk__in=held.values("fund"))


def prospective_pledges(projects, partner, user=None):
    """Pledges of a partner to projects it does not fund; those taken back left out."""
    clock = projects.clock
    entries = MoneyEntry.objects.at(clock).filter(
        kind=MoneyEntry.Kind.PLEDGED, partner=partner, is_counterpart=False
    )
    joined = Funding.objects.joined(clock, partner=partner)
    asked = projects.filter(pk__in=entries.values("project")).exclude(pk__in=joined)
    amounts = money.amounts_by_project(
        asked, MoneyEntry.Kind.PLEDGED, user, partner=partner
    )
    pledges = [Pledge(project, amounts[project.pk]) for project in asked]
    return [pledge for pledge in pledges if not is_taken_back(pledge.amount)]


def is_taken_back(amount):
    return amount.is_complete and not amount.usd and not amount.in_kind_usd


def figures_about(partner, on):
    """What was printed about a partner by a day, the latest first."""
    model = partner._meta.get_field("published_figures").related_model
    return list(
        model.objects.filter(Q(partner=partner) | Q(funder=partner), as_of__lte=on)
        .select_related(
            "plan", "programme", "partner", "meeting__body", "meeting__country"
        )
        .prefetch_related("sources")
        .order_by("-as_of", "code")
    )


# What figures count

RULE = "A project counts by the rule of its plan, on the day; outside plans none does."


def country_records(body, opens):
    """The body of countries/CODE/, each figure with the list that it counts.

    `opens(name, **filters)` gives the address of a list.
    """

    def projects(stage="counted", **which):
        stages = {"stage": stage} if stage else {}
        return opens("api:projects", country=body["code"], **stages, **which)

    body["rule"] = RULE
    body["records"] = {
        "projects_counted": projects(),
        "pipeline": projects("pipeline"),
        "none_recorded": projects(combination="none"),
        "cancelled_after_approval": projects("cancelled_after_approval"),
        "bilateral_projects": projects(None, channel="bilateral"),
        "by_status": {status: projects(status=status) for status in body["by_status"]},
    }
    for band in body["bands"]:
        band["records"] = projects(band=band["band"])
    for part in body["by_plan"]:
        part["records"] = projects(plan=part["plan"])
    for part in body["by_area"]:
        part["records"] = part["area"] and projects(area=part["area"])
    for part in body["by_partner"]:
        part["records"] = projects(partner=part["partner"])
    return body


def partner_records(body, together, opens):
    """The body of partners/CODE/, each figure with the list that it counts.

    `together`: the combinations in which the partner is one of several funders.
    """
    code = body["code"]

    def projects(stage="counted", **which):
        stages = {"stage": stage} if stage else {}
        return opens("api:projects", **stages, **which)

    jointly = together and projects(combination=together)
    body["rule"] = RULE
    body["records"] = {
        "projects_counted": projects(partner=code),
        "alone": projects(combination=code),
        "jointly": jointly or None,
        "bilateral_projects": projects(None, partner=code, channel="bilateral"),
    }
    for part in body["by_plan"]:
        part["records"] = projects(plan=part["plan"], partner=code)
    for one in body["combinations"]:
        one["records"] = projects(combination="+".join(one["partners"]))
    for part in body["countries"]:
        part["records"] = projects(country=part["country"], partner=code)
    return body


# Funds


def fund_rows(funds, on):
    """A dictionary for each fund, with the partner it counts as on a day."""
    owners = {
        held.fund_id: held.partner
        for held in FundOwnership.objects.valid(on).select_related("partner")
    }
    return [fund_row(fund, owners.get(fund.pk)) for fund in funds]


def fund_row(fund, owner):
    return {
        "code": fund.code,
        "name": fund.name,
        "names": fund.name_translations,
        "partner": owner.code if owner else None,
        "shared": owner.kind == Partner.Kind.SHARED_FUND if owner else None,
        "manager": fund.manager,
        "established": fund.established_text,
        "basis": fund.basis,
    }


# The schema


class CoverageSerializer(serializers.Serializer):
    """On how many projects a sum rests: wholly, in part, not at all."""

    complete = serializers.IntegerField(
        help_text="Projects of which every amount is known."
    )
    partial = serializers.IntegerField(  # type: ignore[assignment]
        help_text="Projects of which some amounts are known."
    )
    none = serializers.IntegerField(help_text="Projects of which no amount is known.")


class CountryRowSerializer(serializers.Serializer):
    """A country in a list. Counts over countries overlap."""

    code = serializers.CharField(help_text="ISO 3166-1 alpha-2.")
    iso3 = serializers.CharField(help_text="ISO 3166-1 alpha-3.")
    name = serializers.CharField(help_text="In English.")
    names = serializers.DictField(
        child=serializers.CharField(), help_text="The name by code of language."
    )
    is_member = serializers.BooleanField(help_text="Of ASEAN, on the day.")
    member_since = serializers.CharField(
        allow_null=True, help_text="As exact as it is known: 1995-07-28 or 1995."
    )
    is_iai_beneficiary = serializers.BooleanField(help_text="On the day.")
    beneficiary_since = serializers.CharField(
        allow_null=True, help_text="In the IAI, as exact as it is known."
    )
    projects_counted = serializers.IntegerField(
        help_text="Projects that count and reach it, by name or in a grouping."
    )
    pipeline = serializers.IntegerField(
        help_text="Projects that reach it, in an earlier stage."
    )
    illustrative_records = serializers.IntegerField(
        help_text="How many of the projects that count are illustrative."
    )


class BandSerializer(serializers.Serializer):
    """The projects that reach the country in one way; the bands partition them."""

    band = serializers.ChoiceField(list(progress.BANDS))
    label = serializers.CharField()  # type: ignore[assignment]
    projects = serializers.IntegerField()
    approved_usd = serializers.DecimalField(18, 2, allow_null=True)
    coverage = CoverageSerializer()
    attributed_usd = serializers.DecimalField(18, 2, allow_null=True)
    records = opened()


class PlanCountSerializer(serializers.Serializer):
    plan = serializers.CharField()
    projects = serializers.IntegerField()
    records = opened()


class AreaCountSerializer(serializers.Serializer):
    area = serializers.CharField(allow_null=True)
    projects = serializers.IntegerField()
    records = serializers.URLField(
        allow_null=True,
        help_text="The list that it counts; null where no area is on record.",
    )


class PartnerCountSerializer(serializers.Serializer):
    partner = serializers.CharField()
    projects = serializers.IntegerField()
    records = opened()


class CountryRecordsSerializer(serializers.Serializer):
    """By figure: the list that it counts, on the same clock."""

    projects_counted = opened()
    pipeline = opened()
    none_recorded = opened()
    cancelled_after_approval = opened()
    bilateral_projects = opened()
    by_status = all_opened()


class PartnerRecordsSerializer(serializers.Serializer):
    """By figure: the list that it counts, on the same clock."""

    projects_counted = opened()
    alone = opened()
    jointly = serializers.URLField(
        allow_null=True, help_text="Null where it funds nothing with others."
    )
    bilateral_projects = opened()


class EventSerializer(serializers.Serializer):
    on = serializers.CharField()
    text = serializers.CharField()


class FocalPointSerializer(serializers.Serializer):
    """Person and e-mail are null to readers who are no coordinators."""

    kind = serializers.ChoiceField(FocalPoint.Kind.choices)
    programme = serializers.CharField(allow_null=True)
    area = serializers.CharField(allow_null=True)
    office = serializers.CharField()
    person = serializers.CharField(allow_null=True)
    email = serializers.EmailField(allow_null=True)
    basis = serializers.CharField()


class CountrySerializer(CountryRowSerializer):
    """A country with the projects that count and reach it."""

    permalink = permalink()
    rule = serializers.CharField()
    records = CountryRecordsSerializer()
    as_of = serializers.DateField(allow_null=True)
    known_at = serializers.DateTimeField(allow_null=True)
    approved_usd = serializers.DecimalField(18, 2, allow_null=True)
    coverage = CoverageSerializer()
    attributed_usd = serializers.DecimalField(18, 2, allow_null=True)
    bands = BandSerializer(many=True)
    by_plan = PlanCountSerializer(many=True)
    by_area = AreaCountSerializer(many=True)
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_partner = PartnerCountSerializer(many=True)
    none_recorded = serializers.IntegerField()
    cancelled_after_approval = serializers.IntegerField()
    bilateral_projects = serializers.IntegerField()
    groupings = serializers.ListField(child=serializers.CharField())
    events = EventSerializer(many=True)
    focal_points = FocalPointSerializer(many=True)
    organisations = serializers.ListField(child=serializers.CharField())
    chaired_meetings = serializers.ListField(child=serializers.CharField())


class PartnerRowSerializer(serializers.Serializer):
    """A partner in a list. Counts over partners overlap."""

    code = serializers.CharField(help_text="The partner's code.")
    name = serializers.CharField(help_text="In English.")
    names = serializers.DictField(
        child=serializers.CharField(), help_text="The name by code of language."
    )
    kind = serializers.ChoiceField(
        Partner.Kind.choices, help_text="What kind of partner it is."
    )
    inside_asean = serializers.BooleanField(help_text="On the day.")
    aliases = serializers.ListField(
        child=serializers.CharField(), help_text="What else it is called in documents."
    )
    projects_counted = serializers.IntegerField(
        help_text="Projects that count and that it funds."
    )
    alone = serializers.IntegerField(
        help_text="Of these, those that nobody else funds."
    )
    jointly = serializers.IntegerField(
        help_text="Of these, those that others fund too."
    )
    committed_usd = serializers.DecimalField(
        18,
        2,
        allow_null=True,
        help_text=("What it committed to them in cash, US dollars; null: not known."),
    )
    committed_in_kind_usd = serializers.DecimalField(
        18,
        2,
        allow_null=True,
        help_text="What it committed in kind, valued in US dollars.",
    )
    coverage = CoverageSerializer(
        help_text="On how many of these projects the sums rest."
    )
    illustrative_records = serializers.IntegerField(
        help_text="How many of the projects that count are illustrative."
    )


class PlanPartSerializer(serializers.Serializer):
    """`of` is how many projects of the plan count."""

    plan = serializers.CharField()
    projects = serializers.IntegerField()
    alone = serializers.IntegerField()
    jointly = serializers.IntegerField()
    of = serializers.IntegerField()
    records = opened()


class PartnerCombinationSerializer(serializers.Serializer):
    partners = serializers.ListField(child=serializers.CharField())
    projects = serializers.IntegerField()
    approved_usd = serializers.DecimalField(18, 2, allow_null=True)
    coverage = CoverageSerializer()
    records = opened()


class GivenSerializer(serializers.Serializer):
    usd = serializers.DecimalField(18, 2, allow_null=True)
    in_kind_usd = serializers.DecimalField(18, 2, allow_null=True)
    coverage = CoverageSerializer()


class CountryCountSerializer(serializers.Serializer):
    country = serializers.CharField()
    projects = serializers.IntegerField()
    records = opened()


class PledgeSerializer(serializers.Serializer):
    project = serializers.CharField()
    title = serializers.CharField()
    pledged_usd = serializers.DecimalField(18, 2, allow_null=True)


class StatementSerializer(serializers.Serializer):
    meeting = serializers.CharField()
    on = serializers.CharField()
    text = serializers.CharField()


class PartnerSerializer(PartnerRowSerializer):
    """A partner with what it funds. Approved budgets are the projects', not its own."""

    permalink = permalink()
    rule = serializers.CharField()
    records = PartnerRecordsSerializer()
    as_of = serializers.DateField(allow_null=True)
    known_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
    country = serializers.CharField(allow_null=True)
    by_plan = PlanPartSerializer(many=True)
    combinations = PartnerCombinationSerializer(many=True)
    projects_approved_usd = serializers.DecimalField(18, 2, allow_null=True)
    projects_approved_coverage = CoverageSerializer()
    money = serializers.DictField(child=GivenSerializer())
    countries = CountryCountSerializer(many=True)
    funds = serializers.ListField(child=serializers.CharField())
    prospective_pledges = PledgeSerializer(many=True)
    bilateral_projects = serializers.IntegerField()
    statements = StatementSerializer(many=True)
    published_figures = serializers.ListField(child=serializers.CharField())


class FundSerializer(serializers.Serializer):
    """A fund and the partner it counts as; a shared fund counts as itself."""

    code = serializers.CharField(help_text="The fund's code.")
    name = serializers.CharField(help_text="In English.")
    names = serializers.DictField(
        child=serializers.CharField(), help_text="The name by code of language."
    )
    partner = serializers.CharField(
        allow_null=True, help_text="Code of the partner it counts as on the day."
    )
    shared = serializers.BooleanField(
        allow_null=True,
        help_text="Whether it is a shared fund, which counts as itself.",
    )
    manager = serializers.CharField(help_text="Who manages it, as documents say.")
    established = serializers.CharField(
        help_text="When it was established, as documents say."
    )
    basis = serializers.CharField(help_text="On what this rests.")
