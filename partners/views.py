import re
from dataclasses import dataclass
from math import ceil

from django.http import HttpResponseRedirect
from django.views.generic import TemplateView

from aseanpm.pages import ClockMixin, Figure, row_or_404, twin
from aseanpm.templatetags.aseanpm import usd
from projects.filters import NO_STATUS
from projects.models import MoneyEntry, Project
from projects.progress import percent_of
from projects.serializers import project_rows, visible_projects

from .filters import PartnerFilter
from .models import Country, Partner
from .serializers import country_rows, country_whole, partner_rows, partner_whole

ROWS_SHOWN = 10
PERIOD = re.compile(r"(\d{4})_(\d{4})")


@dataclass(frozen=True)
class MoneyFigure(Figure):
    """A sum in dollars with its coverage: `known` of `projects`, some only in part."""

    known: int = 0
    projects: int | None = None
    partial: int = 0
    in_kind: str = ""


class PartnersPage(ClockMixin, TemplateView):
    """A page about the projects that count, as figures that open their lists."""

    def projects(self):
        return visible_projects(self.request.user, self.clock)

    def counted(self, count, label="", **filters):
        return self.listed(count, label, stage="counted", **filters)

    def listed(self, count, label="", **filters):
        return self.figure(count, "projects:list", label=label, **filters)

    def jointly(self, part, together, **filters):
        """Projects funded with others, or None: then no combination can be named."""
        if not part.jointly:
            return None
        return self.counted(part.jointly, combination=together, **filters)

    def money(self, total, **filters):
        """The figure of a Total over the projects that count with these filters."""
        return MoneyFigure(
            count=total.usd,
            text="" if total.usd is None else usd(total.usd),
            url=self.address("projects:list", stage="counted", **filters),
            known=total.covered,
            projects=total.projects,
            partial=total.partial,
            in_kind="" if total.in_kind_usd is None else usd(total.in_kind_usd),
        )

    def api_address(self, name, *arguments):
        return twin(name, self.request.GET, *arguments)

    def bilateral(self, count, **filters):
        """Direct bilateral support: the figure and the first rows of its list."""
        if not count:
            return None
        found = self.projects().filter(channel=Project.Channel.BILATERAL)
        ours = self.only(found, **filters).order_by("code")
        keys = list(ours.values_list("pk", flat=True)[:ROWS_SHOWN])
        codes = {name: row.code for name, row in filters.items()}
        return {
            "of": self.listed(count, channel=Project.Channel.BILATERAL, **codes),
            "rows": project_rows(self.projects(), keys, self.request.user),
            "more": count > len(keys),
        }

    def only(self, projects, country=None, partner=None):
        if country:
            projects = projects.for_country(country)
        return projects.funded_by(partner) if partner else projects

    def asean_map(self, rows):
        """The map's areas and the words of its legend, by projects that count."""
        steps = Shades(max((row.counted for row in rows), default=0))
        return {
            "areas": [
                {
                    "iso2": row.country.code,
                    "name": row.country.name,
                    "url": self.address("partners:country", row.country.code),
                    "level": steps.level(row.counted),
                    "value": f"{row.counted:,}",
                }
                for row in rows
            ],
            "steps": steps.words,
        }


@dataclass(frozen=True)
class Shades:
    """Four shades for counts from none to `most`, three of them of equal width."""

    most: int

    @property
    def ends(self):
        """The last count of each shade above none."""
        return sorted({ceil(self.most * part / 3) for part in (1, 2, 3)} - {0})

    def level(self, count):
        return sum(count > end for end in [0, *self.ends[:-1]])

    @property
    def words(self):
        starts = [1, *(end + 1 for end in self.ends)]
        spans = [
            f"{first:,}" if first == last else f"{first:,}–{last:,}"
            for first, last in zip(starts, self.ends, strict=False)
        ]
        return ["no project", *spans]


def columns(figures):
    """Rows for partials/columns.html: each bar's share of the longest."""
    rows = list(figures)
    longest = max((row["of"].count for row in rows), default=0)
    return [row | {"share": percent_of(row["of"].count, longest) or 0} for row in rows]


class CountryListView(PartnersPage):
    """All countries: since when in ASEAN, and which projects reach them."""

    template_name = "partners/country_list.html"

    def get_context_data(self, **context):
        projects = self.projects()
        rows = country_rows(projects)
        counted = projects.counted()
        return super().get_context_data(
            rows=[
                {
                    "row": row,
                    "counted": self.counted(row.counted, country=row.country.code),
                    "pipeline": self.listed(
                        row.pipeline, country=row.country.code, stage="pipeline"
                    ),
                }
                for row in rows
            ],
            map=self.asean_map(rows),
            members=sum(row.membership is not None for row in rows),
            every=self.counted(counted.count()),
            illustrative=counted.filter(is_illustrative=True).count(),
            api_address=self.api_address("countries"),
            **context,
        )


class CountryView(PartnersPage):
    """What reaches one country, and who answers for it."""

    template_name = "partners/country.html"

    def get_context_data(self, code, **context):
        country = row_or_404(Country.objects, code=code)
        user = self.request.user
        whole = country_whole(self.projects(), country, user)
        row = whole.row
        here = {"country": country.code}
        return super().get_context_data(
            whole=whole,
            row=row,
            country=country,
            counted=self.counted(row.counted, **here),
            bands=[self.band(band, here) for band in whole.bands],
            approved=self.money(whole.approved, **here),
            plans=columns(
                {
                    "label": plan.title,
                    "page": self.address("workplans:plan", plan.code),
                    "of": self.counted(count, plan=plan.code, **here),
                }
                for plan, count in whole.by_plan
            ),
            areas=[
                (area, self.counted(count, area=area.code, **here))
                for area, count in whole.by_area
                if area
            ],
            statuses=[
                (status, self.counted(count, status=status, **here))
                for status, count in whole.by_status.items()
            ],
            partners=columns(
                {
                    "label": whole.partners[code].name,
                    "page": self.address("partners:detail", code),
                    "of": self.counted(count, partner=code, **here),
                }
                for code, count in whole.funding.participations.items()
            ),
            none_recorded=self.counted(
                whole.funding.unattributed, combination="none", **here
            ),
            pipeline=self.listed(row.pipeline, stage="pipeline", **here),
            undocumented=self.listed(
                self.projects().for_country(country).in_status("").count(),
                status=NO_STATUS,
                **here,
            ),
            cancelled=self.listed(
                whole.cancelled, stage="cancelled_after_approval", **here
            ),
            bilateral=self.bilateral(whole.bilateral, country=country),
            map=self.asean_map(whole.rows),
            illustrative=row.illustrative,
            api_address=self.api_address("country", country.code),
            **context,
        )

    def band(self, band, here):
        where = {"band": band.name, **here}
        return {
            "band": band,
            "of": self.counted(len(band.projects), **where),
            "approved": self.money(band.approved, **where),
            "attributed_url": self.address("projects:list", stage="counted", **where),
        }


class PartnerListView(PartnersPage):
    """Who funds, most projects first, and who else may."""

    template_name = "partners/partner_list.html"

    def check_parameters(self, parameters):
        PartnerFilter.check_names(parameters)

    def get_context_data(self, **context):
        projects, asked = self.projects(), self.request.GET
        filters = PartnerFilter(asked, Partner.objects.all())
        rows = partner_rows(projects, filters.rows, self.request.user)
        counted = projects.counted()
        return super().get_context_data(
            funders=[self.funder(row) for row in rows if row.counted],
            others=[row for row in rows if not row.counted],
            found=len(rows),
            every=self.counted(counted.count()),
            filter=filters,
            filtered=any(asked.get(name) for name in PartnerFilter.base_filters),
            illustrative=counted.filter(is_illustrative=True).count(),
            api_address=self.api_address("partners"),
            **context,
        )

    def funder(self, row):
        code = row.partner.code
        return {
            "row": row,
            "counted": self.counted(row.counted, partner=code),
            "alone": self.counted(row.alone, combination=code),
            "jointly": self.jointly(row, row.together),
            "committed": self.money(
                row.committed,
                partner=code,
                money=MoneyEntry.Kind.COMMITTED.value,
                money_of=code,
            ),
        }


class PartnerView(PartnersPage):
    """What one partner funds, with whom, for whom; and what is said of it."""

    template_name = "partners/partner.html"

    def get(self, request, code):
        """A code that was merged into another leads there."""
        kept = Partner.objects.of_code(code).first()
        if kept and kept.code != code:
            return HttpResponseRedirect(self.address("partners:detail", kept.code))
        return super().get(request, code=code)

    def get_context_data(self, code, **context):
        partner = row_or_404(Partner.objects.select_related("country"), code=code)
        user = self.request.user
        whole = partner_whole(self.projects(), partner, user)
        row = whole.row
        its = {"partner": partner.code}
        parts = [self.part(part, row) for part in whole.by_plan]
        return super().get_context_data(
            whole=whole,
            row=row,
            partner=partner,
            parts=parts,
            latest=parts[0] if parts else None,
            counted=self.counted(row.counted, **its),
            alone=self.counted(row.alone, combination=partner.code),
            jointly=self.jointly(row, row.together),
            combinations=columns(
                {
                    "label": " + ".join(
                        whole.partners[each].name for each in one.partners
                    ),
                    "of": self.counted(
                        one.projects, combination="+".join(one.partners)
                    ),
                }
                for one in whole.combinations
            ),
            given=[
                {
                    "label": MoneyEntry.Kind(kind).label,
                    "of": self.money(total, money=kind, money_of=partner.code, **its),
                }
                for kind, total in whole.given.items()
            ],
            approved=self.money(whole.approved, **its),
            countries=columns(
                {
                    "label": country.name,
                    "page": self.address("partners:country", country.code),
                    "of": self.counted(count, country=country.code, **its),
                }
                for country, count in whole.countries
            ),
            bilateral=self.bilateral(whole.bilateral, partner=partner),
            undocumented=self.listed(
                self.projects().funded_by(partner).in_status("").count(),
                status=NO_STATUS,
                **its,
            ),
            printed=[printed(figure) for figure in whole.figures],
            merged=Partner._base_manager.filter(merged_into=partner).order_by("code"),
            illustrative=row.illustrative,
            api_address=self.api_address("partner", partner.code),
            **context,
        )

    def part(self, part, row):
        plan, partner = part.plan.code, self.kwargs["code"]
        return {
            "part": part,
            "projects": self.counted(part.projects, plan=plan, partner=partner),
            "alone": self.counted(part.alone, plan=plan, combination=partner),
            "jointly": self.jointly(part, row.together, plan=plan),
            "of": self.counted(part.of, plan=plan),
        }


def printed(figure):
    """A published figure in words: what, how much, and of what."""
    metric = PERIOD.sub(r"\1–\2", figure.metric).replace("_", " ")
    amount = f"{figure.value:,.2f}".removesuffix(".00")
    exactly = figure.qualifier == figure.Qualifier.EXACT
    return {
        "figure": figure,
        "metric": metric.capitalize(),
        "value": " ".join(
            part
            for part in (
                "" if exactly else figure.get_qualifier_display(),
                figure.unit,
                amount,
            )
            if part
        ),
    }
