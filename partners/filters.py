"""The filters of partners and of funds, for pages and for the API."""

import django_filters

from aseanpm.fields import fold
from aseanpm.filters import (
    ChoicesFilter,
    CodeFilter,
    StrictFilterSet,
    YesNoFilter,
    read_clock,
)

from .models import Fund, FundOwnership, Partner


class PartnerFilter(StrictFilterSet):
    """Who stands inside ASEAN is asked of the clock's day."""

    search = django_filters.CharFilter(
        label="Words in code, name or alias", method="by_words"
    )
    kind = ChoicesFilter(label="Kind", choices=Partner.Kind.choices, method="by_kind")
    inside_asean = YesNoFilter(label="Inside ASEAN", method="by_side")

    class Meta:
        model = Partner
        fields: list[str] = []

    def by_words(self, partners, name, text):
        words = fold(text).split()
        return partners.filter(
            pk__in=[
                partner.pk
                for partner in Partner.objects.prefetch_related("aliases")
                if all(word in words_of(partner) for word in words)
            ]
        )

    def by_kind(self, partners, name, kinds):
        return partners.filter(kind__in=kinds)

    def by_side(self, partners, name, answers):
        if len(set(answers)) != 1:
            return partners
        on = read_clock(self.data).last_day
        inside = Partner.objects.inside_asean(on).values("pk")
        return (
            partners.filter(pk__in=inside)
            if answers[0]
            else partners.exclude(pk__in=inside)
        )


def words_of(partner):
    names = [partner.code, partner.name, *partner.name_translations.values()]
    return fold(" ".join([*names, *(alias.name for alias in partner.aliases.all())]))


class FundFilter(StrictFilterSet):
    """Whom a fund counts as is asked of the clock's day."""

    partner = CodeFilter(
        label="Partner", path="ownerships__partner", method="by_partner"
    )

    class Meta:
        model = Fund
        fields: list[str] = []

    def by_partner(self, funds, name, partners):
        held = FundOwnership.objects.valid(read_clock(self.data).last_day)
        return funds.filter(pk__in=held.filter(partner__in=partners).values("fund"))
