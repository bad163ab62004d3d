from django.urls import path

from aseanpm.editing import NewReferenceView, ReferenceView

from . import merge_views, views
from .reference_forms import (
    CountryForm,
    FocalPointForm,
    FundForm,
    GroupingForm,
    OrganisationForm,
    PartnerForm,
    SourceForm,
)
from .reference_views import FocalPointView, ReferenceIndexView

app_name = "partners"
FORMS = (
    ("organisation", "organisations", OrganisationForm, ReferenceView),
    ("fund", "funds", FundForm, ReferenceView),
    ("grouping", "groupings", GroupingForm, ReferenceView),
    ("focal-point", "focal-points", FocalPointForm, FocalPointView),
    ("source", "sources", SourceForm, ReferenceView),
)
urlpatterns = [
    path("reference/", ReferenceIndexView.as_view(), name="reference"),
    path(
        "partners/new/",
        NewReferenceView.as_view(form_class=PartnerForm, kind="partners"),
        name="partner-new",
    ),
    path(
        "partners/<str:code>/edit/",
        ReferenceView.as_view(form_class=PartnerForm, kind="partners"),
        name="partner-edit",
    ),
    path(
        "countries/<str:code>/edit/",
        ReferenceView.as_view(form_class=CountryForm, kind="countries"),
        name="country-edit",
    ),
    *(
        path(
            f"reference/{kind}/new/",
            NewReferenceView.as_view(form_class=form, kind=kind),
            name=f"{stem}-new",
        )
        for stem, kind, form, _ in FORMS
    ),
    *(
        path(
            f"reference/{kind}/<str:code>/edit/",
            view.as_view(form_class=form, kind=kind),
            name=f"{stem}-edit",
        )
        for stem, kind, form, view in FORMS
    ),
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
