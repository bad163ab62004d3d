"""Partners and organisations that look like one: the same name or alias, folded."""

from collections import defaultdict

from aseanpm.fields import fold
from aseanpm.pages import address
from aseanpm.questions import Answer, Beside, Question, pairs_alike

from .models import Organisation, Partner

KINDS = {
    "partner": "Perhaps one partner twice",
    "organisation": "Perhaps one organisation twice",
}


def questions():
    """A question for each two that share a name in any language; four queries."""
    yield from alike(Partner, "partner", ("who funds",))
    yield from alike(Organisation, "organisation", ())


def alike(model, kind, figures):
    rows = {
        row.pk: row
        for row in model.objects.filter(merged_into=None).prefetch_related("aliases")
    }
    names = defaultdict(list)
    for pk, row in sorted(rows.items(), key=lambda pair: pair[1].code):
        for name in {fold(name) for name in names_of(row)} - {""}:
            names[name].append(pk)
    for first, second in pairs_alike(names.values(), set()):
        one, other = rows[first], rows[second]
        yield Question(
            kind=kind,
            text="Both have a name in common.",
            beside=Beside(other.code, other.name, "en", page_of(kind, other)),
            answers=(Answer("Merge them", merging(kind, one, other)),),
            code=one.code,
            title=one.name,
            page=page_of(kind, one),
            figures=figures,
            count=2,
        )


def names_of(row):
    aliases = [alias.name for alias in row.aliases.all()]
    return [row.name, *row.name_translations.values(), *aliases]


def page_of(kind, row):
    """A partner's page; of an organisation, the projects that it takes part in."""
    if kind == "partner":
        return row.get_absolute_url()
    return address("projects:list", organisation=row.code)


def merging(kind, one, other):
    """Where one of two is merged into the other."""
    route = {"partner": "merge", "organisation": "organisation-merge"}[kind]
    return address(f"partners:{route}", other.code, into=one.code)
