"""The figures of countries and partners that a writer is told of: today's."""

from collections import defaultdict

from aseanpm.effects import Told, teller
from projects import progress
from projects.models import Project

from .models import BeneficiaryStatus, Country, GroupingMembership, Partner


@teller
def countries(user, since):
    """How many projects that count reach each country now, and where it stands."""
    projects = Project.objects.visible_to(user).as_of()
    on = projects.clock.last_day
    counts = progress.count_by_country(projects.counted(), on)
    members = set(
        GroupingMembership.objects.valid(on)
        .filter(grouping__code="ASEAN")
        .values_list("country", flat=True)
    )
    programmes = defaultdict(list)
    statuses = BeneficiaryStatus.objects.valid(on).order_by("programme")
    for country, programme in statuses.values_list("country", "programme"):
        programmes[country].append(programme)
    figures = {}
    for country in Country.objects.all():
        label, url = f"{country} today", country.get_absolute_url()
        standing = "in ASEAN" if country.pk in members else "outside ASEAN"
        for programme in programmes[country.pk]:
            standing += f", beneficiary of {programme}"
        number = str(counts[country.pk])
        key = f"country:{country.code}"
        figures[False, f"{key}:projects"] = Told(label, number, "projects", url)
        figures[False, f"{key}:standing"] = Told(label, standing, url=url)
    return figures


@teller
def partners(user, since):
    """How many projects that count each partner funds now, and on which side it is."""
    projects = Project.objects.visible_to(user).as_of()
    counts = progress.count_by_partner(projects.counted())
    inside = Partner.objects.inside_asean(projects.clock.last_day)
    insiders = set(inside.values_list("pk", flat=True))
    figures = {}
    for partner in Partner.objects.all():
        label, url = f"{partner} as a funder today", partner.get_absolute_url()
        side = "inside ASEAN" if partner.pk in insiders else "outside ASEAN"
        number = str(counts[partner.pk])
        key = f"partner:{partner.code}"
        figures[False, f"{key}:projects"] = Told(label, number, "projects", url)
        figures[False, f"{key}:side"] = Told(label, side, url=url)
    return figures
