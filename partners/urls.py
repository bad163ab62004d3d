from django.urls import path

from . import views

app_name = "partners"
urlpatterns = [
    path("countries/", views.CountryListView.as_view(), name="countries"),
    path("countries/<str:code>/", views.CountryView.as_view(), name="country"),
    path("partners/", views.PartnerListView.as_view(), name="list"),
    path("partners/<str:code>/", views.PartnerView.as_view(), name="detail"),
]
