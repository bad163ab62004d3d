"""What everybody is told of countries, partners and funds, for the change feed."""

from aseanpm.feed import PERSONS, Part, reference

from .models import (
    BeneficiaryStatus,
    Country,
    CountryEvent,
    FocalPoint,
    Fund,
    FundOwnership,
    Grouping,
    GroupingMembership,
    Organisation,
    OrganisationAlias,
    Partner,
    PartnerAlias,
)

PERSONAL = ("person", "email", "user")

reference(
    "country",
    Part(Country),
    Part(CountryEvent, "country__code"),
    Part(GroupingMembership, "country__code"),
    Part(BeneficiaryStatus, "country__code"),
    Part(FocalPoint, "country__code", without=PERSONAL),
    Part(Organisation, "country__code"),
    route="api:country",
)
reference(
    "partner",
    Part(Partner),
    Part(PartnerAlias, "partner__code"),
    route="api:partner",
)
reference(
    "fund",
    Part(Fund),
    Part(FundOwnership, "fund__code"),
    route="api:funds",
    only_listed=True,
)
reference("grouping", Part(Grouping), Part(GroupingMembership, "grouping__code"))
reference(
    "organisation", Part(Organisation), Part(OrganisationAlias, "organisation__code")
)
reference("focal point", Part(FocalPoint, "pk", without=PERSONAL))
reference("focal person", Part(FocalPoint, "pk"), audience=PERSONS)
