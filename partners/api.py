"""Countries, partners and funds in the API, read-only: the pages' own numbers."""

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from rest_framework.response import Response

from aseanpm.api import ListView, ReadView, documented, filter_parameters
from aseanpm.pages import row_or_404
from projects.serializers import visible_projects

from .filters import FundFilter, PartnerFilter
from .models import Country, Fund, Partner
from .serializers import (
    CountryRowSerializer,
    CountrySerializer,
    FundSerializer,
    PartnerRowSerializer,
    PartnerSerializer,
    country_records,
    country_rows,
    country_whole,
    fund_rows,
    partner_records,
    partner_rows,
    partner_whole,
)


class TokenScheme(KnoxTokenScheme):
    """Tokens in the schema, as knox's own class has them."""

    target_class = "partners.tokens.TokenAuthentication"
    name = "token"


class CountryListView(ListView):
    """The eleven countries, with the projects that count and reach each."""

    @documented("Countries", CountryRowSerializer, many=True)
    def get(self, request):
        projects = visible_projects(request.user, self.clock)
        return self.answer_list([row.plain for row in country_rows(projects)])


class CountryView(ReadView):
    """One country: its bands, and its projects by plan, area, status and partner."""

    @documented("A country", CountrySerializer)
    def get(self, request, code):
        country = row_or_404(Country.objects, code=code)
        projects = visible_projects(request.user, self.clock)
        whole = country_whole(projects, country, request.user)
        told = country_records(self.stamp | whole.plain, self.records)
        return Response(told | {"permalink": self.permalink})


class PartnerListView(ListView):
    """Those who may fund, with the projects that count and that each funds."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *PartnerFilter.names()}

    @documented(
        "Partners", PartnerRowSerializer, filter_parameters(PartnerFilter), many=True
    )
    def get(self, request):
        projects = visible_projects(request.user, self.clock)
        partners = PartnerFilter.found(request.query_params, Partner.objects.all())
        rows = partner_rows(projects, partners, request.user)
        return self.answer_list([row.plain for row in rows])


class PartnerView(ReadView):
    """One partner: what it funds, with whom, for whom, and what is said of it."""

    @documented("A partner", PartnerSerializer)
    def get(self, request, code):
        kept = Partner.objects.of_code(code).first()
        partner = row_or_404(Partner.objects, code=kept.code if kept else code)
        projects = visible_projects(request.user, self.clock)
        whole = partner_whole(projects, partner, request.user)
        body, together = self.stamp | whole.plain, whole.row.together
        told = partner_records(body, together, self.records)
        return Response(told | {"permalink": self.permalink})


class FundListView(ListView):
    """Funds, each with the partner it counts as."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *FundFilter.names()}

    @documented("Funds", FundSerializer, filter_parameters(FundFilter), many=True)
    def get(self, request):
        funds = FundFilter.found(request.query_params, Fund.objects.all())
        return self.answer_list(fund_rows(funds, self.clock.last_day))
