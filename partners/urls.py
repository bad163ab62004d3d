from django.urls import path

from . import merge_views, views

app_name = "partners"
urlpatterns = [
    path("countries/", views.CountryListView.as_view(), name="countries"),
    path("countries/<str:code>/", views.CountryView.as_view(), name="country"),
    path("partners/", views.PartnerListView.as_view(), name="list"),
    path(
        "partners/<str:code>/merge/",
        merge_views.PartnerMergeView.as_view(),
        name="merge",
    ),
    path(
        "organisations/<str:code>/merge/",
        merge_views.OrganisationMergeView.as_view(),
        name="organisation-merge",
    ),
    path("partners/<str:code>/", views.PartnerView.as_view(), name="detail"),
]
