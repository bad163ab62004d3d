"""All that an IATI activity is made of, read for many projects at once."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from projects.models import (
    Benefit,
    Funding,
    LineReference,
    MoneyEntry,
    Placement,
    Project,
    ProjectOrganisation,
    StatusChange,
)
from projects.serializers import standing_shares


@dataclass
class Record:
    """A project on a clock as one reader sees it, with the rows that it names.

    `benefits` holds (country or grouping, share or None), `parts` (organisation, role),
    `entries` money entries with `seen_amount`; neighbours are codes the reader may see.
    """

    project: Any
    statuses: list = field(default_factory=list)
    funders: list = field(default_factory=list)
    funds: list = field(default_factory=list)
    benefits: list = field(default_factory=list)
    entries: list = field(default_factory=list)
    parts: list = field(default_factory=list)
    themes: list = field(default_factory=list)
    references: list = field(default_factory=list)
    plan: Any = None
    area: Any = None
    line: Any = None
    predecessor: str = ""
    successor: str = ""


def records(keys, clock, user=None):
    """The Records of the projects with these keys that the reader may still see.

    By code, in at most 19 queries.
    """
    visible = Project.objects.visible_to(user).as_of(clock.day, clock.known_at)
    found = {
        project.pk: Record(project)
        for project in visible.filter(pk__in=keys)
        .order_by("code")
        .with_state()
        .with_placement()
        .with_change()
    }
    mine = {"project__in": list(found)}
    _place(found)
    for change in StatusChange.objects.at(clock).filter(**mine).order_by(*IN_ORDER):
        found[change.project_id].statuses.append(change)
    _fund(found, Funding.objects.filter(**mine).net_by_fund(clock))
    _benefit(found, Benefit.objects.at(clock).filter(**mine).order_by(*IN_ORDER))
    entries = MoneyEntry.objects.at(clock).filter(**mine).as_seen_by(user)
    for entry in entries.select_related("partner", "fund").order_by(*IN_ORDER):
        found[entry.project_id].entries.append(entry)
    parts = ProjectOrganisation.objects.filter(**mine).select_related("organisation")
    for part in parts.order_by("organisation__code"):
        found[part.project_id].parts.append((part.organisation, part.role))
    tagged = Project.themes.through.objects.filter(**mine).select_related("theme")
    for tag in tagged.order_by("theme__code"):
        found[tag.project_id].themes.append(tag.theme)
    references = LineReference.objects.known(clock.known_at).filter(**mine)
    for reference in references.select_related("line").order_by("line__code"):
        found[reference.project_id].references.append(reference.line)
    _link(found, visible)
    return list(found.values())


IN_ORDER = ("effective_on", "day_order")


def rows_of(model, name, keys):
    """{key: row} of the rows that a field of a model leads to, merged ones as well."""
    rows = model._meta.get_field(name).related_model._base_manager
    return rows.in_bulk({key for key in keys if key is not None})


def _place(found):
    for name in ("plan", "area", "line"):
        keys = {pk: getattr(each.project, name) for pk, each in found.items()}
        rows = rows_of(Placement, name, keys.values())
        for pk, key in keys.items():
            setattr(found[pk], name, rows.get(key))


def _fund(found, net):
    rows = list(net.values_list("project", "partner", "fund"))
    partners = rows_of(Funding, "partner", [partner for _, partner, _ in rows])
    funds = rows_of(Funding, "fund", [fund for _, _, fund in rows])
    for project, partner, fund in rows:
        for held, row in (
            (found[project].funders, partners[partner]),
            (found[project].funds, funds.get(fund)),
        ):
            if row is not None and row not in held:
                held.append(row)
    for each in found.values():
        each.funders.sort(key=lambda row: row.code)
        each.funds.sort(key=lambda row: row.code)


def _benefit(found, facts):
    rows = defaultdict(list)
    for project, *row in facts.values_list(
        "project", "country", "grouping", "delta", "share", "share_basis"
    ):
        rows[project].append(row)
    parties = {project: standing_shares(each) for project, each in rows.items()}
    named = [party for each in parties.values() for party in each]
    countries = rows_of(Benefit, "country", [country for country, _ in named])
    groupings = rows_of(Benefit, "grouping", [grouping for _, grouping in named])
    for project, each in parties.items():
        found[project].benefits = sorted(
            (
                (countries.get(country) or groupings[grouping], share)
                for (country, grouping), (share, _) in each.items()
            ),
            key=lambda one: (one[0]._meta.model_name, one[0].code),
        )


def _link(found, visible):
    before = {each.project.predecessor_id for each in found.values()} - {None}
    links = visible.filter(Q(pk__in=before) | Q(predecessor__in=list(found)))
    codes = {}
    for pk, code, predecessor in links.values_list("pk", "code", "predecessor"):
        codes[pk] = code
        if predecessor in found:
            found[predecessor].successor = code
    for each in found.values():
        each.predecessor = codes.get(each.project.predecessor_id, "")
