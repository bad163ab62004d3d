"""Merging two partners, or two organisations, that are one. All or nothing.

A merge holds on both clocks: whatever names the one names the other from then on, facts
where they stand, withdrawn ones too, so that every figure of every day counts it once.
The entry keeps which facts were turned, and `aseanpm.undo` turns them back.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import models

from aseanpm import writing
from aseanpm.facts import Recorded
from aseanpm.models import Kept
from projects import actions
from projects.models import Funding

LISTED = 200
BATCH = 500
# What may stand once only for the same row: {relation: the other fields of the rule}.
ONCE = {
    "attendances": ("meeting",),
    "ownerships": ("fund", "valid_from"),
    "projects": ("project", "role"),
}


@dataclass(frozen=True)
class Turning:
    """Records of one kind that will name the row that is kept.

    `twins` are those that it has already: they are taken away. `rows` are at most
    LISTED of them.
    """

    label: str
    count: int
    rows: list
    twins: list = field(default_factory=list)


# What would happen


def objections(gone, kept):
    """Why the two cannot be merged, as sentences."""
    name = kept._meta.verbose_name
    if kept.pk == gone.pk:
        return [f"Choose another {name} than itself."]
    if gone.merged_into_id:
        return [f"{gone} was merged into {gone.merged_into} before."]
    if kept.merged_into_id:
        return [f"{kept} was merged into {kept.merged_into}. Choose that one."]
    if is_funder(gone) and gone.country_id and kept.country_id:
        return [
            f"{gone} stands for {gone.country} and {kept} for {kept.country}: two "
            "countries are not one funder."
        ]
    return []


def is_funder(row):
    return hasattr(row, "owned_by_members")


def turnings(gone, kept):
    """A Turning for each kind of record that names the row that goes."""
    found = []
    for relation in relations(gone):
        model = relation.related_model
        rows = named_by(relation, gone).order_by("pk").select_related(*named_in(model))
        count, once = rows.count(), Once(relation, kept)
        if count:
            label = str(model._meta.verbose_name_plural)
            twins = [row for row in rows if once.twin_of(row)] if once.names else []
            found.append(Turning(label, count, list(rows[:LISTED]), twins))
    together = combinations_of(gone)
    if together:
        label = "published figures about a combination of funders"
        found.append(Turning(label, len(together), together[:LISTED]))
    return found


def named_in(model):
    """The references by which a record tells what it is about."""
    names = {column.name for column in model._meta.fields}
    return names & {"project", "meeting", "fund", "partner", "organisation", "plan"}


def superfluous_fundings(gone, kept):
    """Standing facts by which one of the two joins or leaves what the other is in."""
    if not is_funder(gone):
        return []
    theirs = Funding.objects.known().filter(partner__in=[gone, kept])
    shared = theirs.filter(partner=gone).values("project")
    return without_effect(theirs.filter(project__in=shared))


def new_names(gone, kept):
    """{name: language} by which the row that goes was known and the other was not."""
    names = [(gone.name, ""), (gone.code, "")]
    names += [(name, language) for language, name in gone.name_translations.items()]
    aliases = kept._meta.get_field("aliases").related_model
    known, found = {kept.code.casefold(), kept.name.casefold(), ""}, {}
    for name, language in names:
        if (
            name.casefold() not in known
            and not aliases.objects.filter(name__iexact=name).exists()
            and not kept_elsewhere(name, gone, kept)
        ):
            known.add(name.casefold())
            found[name] = language
    return found


def kept_elsewhere(name, gone, kept):
    """Whether a third row is called so: an alias would make the name mean two."""
    others = type(kept).objects.exclude(pk__in=[gone.pk, kept.pk])
    return others.named(name).exists()


# The merge


def merge(*, gone, kept, entry):
    """Turn all that names `gone` to `kept`; its names become aliases.

    Raises ValidationError, and changes nothing, for two that cannot be one.
    """
    said = objections(gone, kept)
    if said:
        raise ValidationError(said)
    names = new_names(gone, kept)
    facts, rows = [], []
    for relation in relations(gone):
        if issubclass(relation.related_model, Recorded):
            facts += turn_facts(relation, gone, kept, entry)
        else:
            rows += turn_rows(relation, gone, kept)
    turn_combinations(gone, kept)
    aliases = kept._meta.get_field("aliases")
    for name, language in names.items():
        alias = aliases.related_model(name=name, **{aliases.field.name: kept})
        if hasattr(alias, "language"):
            alias.language = language
        writing.create(alias)
    hand_over_country(gone, kept)
    writing.change(gone, merged_into=kept)
    entry.repointed[f"{gone._meta.label}.merged_into"] = [gone.pk, kept.pk, []]
    withdraw_superfluous(facts, gone, kept, entry)
    actions.check(facts=facts)
    named = {getattr(row, "project_id", None) for row in [*facts, *rows]} - {None}
    actions.touch(projects=named, entry=entry)


def relations(row):
    """The relations by which facts and kept rows name a row."""
    return [
        relation
        for relation in row._meta.related_objects
        if issubclass(relation.related_model, (Recorded, Kept))
        and not relation.many_to_many
    ]


def named_by(relation, row):
    return relation.related_model._base_manager.filter(**{relation.field.name: row})


def turn_facts(relation, gone, kept, entry):
    """Turn facts where they stand, on both clocks; returns them."""
    model, name = relation.related_model, relation.field.name
    keys = list(named_by(relation, gone).order_by("pk").values_list("pk", flat=True))
    if keys:
        path = f"{model._meta.label}.{name}"
        entry.repointed[path] = [gone.pk, kept.pk, keys]
    facts = []
    for start in range(0, len(keys), BATCH):
        some = model._base_manager.filter(pk__in=keys[start : start + BATCH])
        models.QuerySet.update(some, **{name: kept})
        facts += some
    return facts


def turn_rows(relation, gone, kept):
    """Turn rows by a change each; what would stand twice is taken away. Returns all."""
    rows, once = list(named_by(relation, gone)), Once(relation, kept)
    for row in rows:
        twin = once.twin_of(row)
        if twin is None:
            writing.change(row, **{relation.field.name: kept})
            continue
        writing.remove(row)
        if hasattr(row, "valid_until"):
            ends = {row.valid_until, twin.valid_until}
            writing.change(twin, valid_until=None if None in ends else max(ends))
    return rows


class Once:
    """What is said of the row that is kept, where it may be said once."""

    def __init__(self, relation, kept):
        self.names = ONCE.get(relation.get_accessor_name(), ())
        rows = named_by(relation, kept) if self.names else ()
        self.said = {self.key_of(row): row for row in rows}

    def key_of(self, row):
        return tuple(row.serializable_value(name) for name in self.names)

    def twin_of(self, row):
        """The row that says the same of it as `row` does of the other, or None."""
        return self.said.get(self.key_of(row))


def combinations_of(gone):
    """The figures in print that name a funder by its code among others: JP+SG."""
    if not is_funder(gone):
        return []
    figures = gone._meta.get_field("published_figures").related_model.objects
    named = figures.filter(combination__contains=gone.code).select_related("plan")
    return [row for row in named if gone.code in row.combination.split("+")]


def turn_combinations(gone, kept):
    for figure in combinations_of(gone):
        others = {*figure.combination.split("+"), kept.code} - {gone.code}
        writing.change(figure, combination="+".join(sorted(others)))


def hand_over_country(gone, kept):
    if gone.country_id and not kept.country_id:
        country = gone.country
        writing.change(gone, country=None)
        writing.change(kept, country=country)


def withdraw_superfluous(facts, gone, kept, entry):
    joint = {fact.project_id for fact in facts if isinstance(fact, Funding)}
    if not joint:
        return
    fundings = Funding.objects.known().filter(partner=kept, project__in=joint)
    actions.rewrite(
        withdrawn=without_effect(fundings),
        reason=f"{gone.code} was merged into {kept.code}, which has it already.",
        entry=entry,
    )


def without_effect(fundings):
    """Fundings that, were they one partner's, would neither join nor leave anything."""
    joined = defaultdict(int)
    superfluous = []
    for fact in fundings.order_by("project", "effective_on", "day_order"):
        through = (fact.project_id, fact.fund_id)
        before = joined[through]
        joined[through] += fact.delta
        if bool(before) == bool(joined[through]):
            superfluous.append(fact)
    return superfluous
