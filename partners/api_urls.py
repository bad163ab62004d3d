from django.urls import path

from . import api

urlpatterns = [
    path("countries/", api.CountryListView.as_view(), name="countries"),
    path("countries/<str:code>/", api.CountryView.as_view(), name="country"),
    path("partners/", api.PartnerListView.as_view(), name="partners"),
    path("partners/<str:code>/", api.PartnerView.as_view(), name="partner"),
    path("funds/", api.FundListView.as_view(), name="funds"),
]
