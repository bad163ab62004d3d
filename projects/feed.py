"""What each audience is told of projects, for the change feed and the stamps.

Others are told by their keys: a partner that is called otherwise is a change of the
partner. Names of organisations, which have no record of their own in the API, are part
of what is told of a project.
"""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Q

from aseanpm.facts import Clock
from aseanpm.feed import PUBLIC, STAFF, Kind, of_country, of_partner, pack, register

from .models import (
    FACTS,
    Benefit,
    Funding,
    MoneyEntry,
    Phase,
    Project,
    ProjectOrganisation,
)

AT_ONCE = 500
OWN = (
    *("title", "title_language", "title_translations", "official_code", "description"),
    *("channel", "is_illustrative", "is_recurring", "attested_on", "recorded_at"),
    "changed_at",
    *("planned_start", "planned_start_precision"),
    *("planned_end", "planned_end_precision"),
)
STATE = ("version", "is_published", "withheld_reason", "withdrawn_at")
LISTS = ("phase", "organisation", "theme", "source")
OF_THE_WRITER = {"id", "project", "recorded_by", "withdrawn_by", "sequence"}
TERMS = (  # of an entry of money; they are hidden together
    *("amount", "usd", "currency", "rate", "rate_on", "rate_source"),
    *("is_private", "note", "withdrawal_reason"),
)
MEMBERSHIPS = Benefit.memberships().model
ORGANISATIONS = ProjectOrganisation._meta.get_field("organisation").related_model


def keys(touched):
    """The projects that a write touches, with those that preceded them before it."""
    found = set(touched.get(Project, ()))
    former = Project.history.filter(id__in=found, predecessor__isnull=False)
    found |= set(former.values_list("predecessor", flat=True))
    if MEMBERSHIPS in touched:  # they make unpublished projects a country's own
        hidden = Project.objects.filter(is_published=False)
        found |= set(hidden.values_list("pk", flat=True))
    organisations = touched.get(ORGANISATIONS, ())
    parts = ProjectOrganisation.objects.filter(organisation__in=organisations)
    return found | set(parts.values_list("project", flat=True))


def due(since, today):
    """Unpublished projects of groupings which a country joined or left since a day."""
    joined = Q(valid_from__gt=since, valid_from__lte=today)
    left = Q(valid_until__gte=since, valid_until__lt=today)  # whole days, both included
    groupings = MEMBERSHIPS.objects.filter(joined | left).values("grouping")
    reached = Benefit.objects.filter(
        grouping__in=groupings, project__is_published=False
    )
    return set(reached.values_list("project", flat=True))


def told(keys=None):
    """({code}, {(audience, code): what it is told}), in some twenty queries for 500.

    The public is told of what is published, the secretariat of all. A country or a
    partner has a place of its own where it is told more than the public.
    """
    if keys is None:
        keys = set(Project.objects.values_list("pk", flat=True))
    keys = sorted(with_neighbours(keys))
    codes, found = set(), {}
    for start in range(0, len(keys), AT_ONCE):
        some = Batch(keys[start : start + AT_ONCE])
        codes |= set(some.codes.values())
        found |= some.told()
    return codes, found


def with_neighbours(keys):
    """The projects, and those that one of them goes on from or goes on as."""
    links = links_of(keys)
    return {*keys, *links, *(key for others in links.values() for key in others)}


def links_of(keys):
    """{key: keys of its predecessor and successors}, of projects and their next."""
    found = defaultdict(set)
    rows = Project.objects.filter(Q(pk__in=keys) | Q(predecessor__in=keys))
    for pair in rows.exclude(predecessor=None).values_list("pk", "predecessor"):
        for one, other in (pair, pair[::-1]):
            found[one].add(other)
    return found


def audiences_of(keys):
    """{key: the audiences that are told of the project}, of those that stand."""
    owners = owners_of(keys)
    rows = Project.objects.filter(pk__in=keys, withdrawn_at__isnull=True)
    return {
        key: {STAFF, PUBLIC} if is_public else {STAFF, *owners[key]}
        for key, is_public in rows.values_list("pk", "is_published")
    }


def owners_of(keys):
    """{key: the audiences whose own project it is}, whether published or not."""
    found, now = defaultdict(set), Clock()
    members = defaultdict(set)
    valid = Benefit.memberships().valid(now.last_day)
    for grouping, country in valid.values_list("grouping", "country"):
        members[grouping].add(country)
    benefits = Benefit.objects.filter(project__in=keys).net(now)
    for key, country, grouping in benefits.values_list(
        "project", "country", "grouping"
    ):
        reached = {country} if country else members[grouping]
        found[key] |= set(map(of_country, reached))
    joined = Funding.objects.filter(project__in=keys).net(now)
    asked = MoneyEntry.objects.known().filter(project__in=keys, partner__isnull=False)
    for rows in (joined, asked):
        for key, partner in rows.values_list("project", "partner"):
            found[key].add(of_partner(partner))
    return found


@dataclass(frozen=True)
class Funder:
    """A reader who sees the private amounts of one partner."""

    partner_id: int
    is_authenticated = True
    is_secretariat = False


class Batch:
    """Some projects, and what is told of them to whom."""

    def __init__(self, keys):
        self.keys = keys
        self.links = links_of(keys)
        self.near = with_neighbours(keys)
        rows = Project.objects.filter(pk__in=self.near)
        self.rows = {row["pk"]: row for row in rows.values("pk", "code", *OWN, *STATE)}
        self.codes = {key: self.rows[key]["code"] for key in keys if key in self.rows}
        self.public = {
            key
            for key, row in self.rows.items()
            if row["is_published"] and row["withdrawn_at"] is None
        }
        self.owners = owners_of(self.near)
        self.content = {key: [] for key in keys}
        self.terms = {key: [] for key in keys}
        self.own_terms = defaultdict(list)
        self.read_parts()
        self.read_facts()

    def read_parts(self):
        mine = {"project__in": self.keys}
        lists = (
            Phase.objects.order_by("number").values_list(
                *("project", "number", "title", "planned_end", "completed_on"),
                *("planned_end_precision", "completed_on_precision"),
            ),
            ProjectOrganisation.objects.order_by(
                "organisation__code", "role"
            ).values_list(
                "project", "organisation__code", "organisation__name", "role"
            ),
            Project.themes.through.objects.order_by("theme__code").values_list(
                "project", "theme__code"
            ),
            Project.sources.through.objects.order_by("source__code").values_list(
                "project", "source__code"
            ),
        )
        for name, rows in zip(LISTS, lists, strict=True):
            for key, *values in rows.filter(**mine):
                self.content[key].append([name, *values])

    def read_facts(self):
        for model in FACTS:
            names = [
                field.attname
                for field in model._meta.concrete_fields
                if field.name not in OF_THE_WRITER
            ]
            facts = model.objects.filter(project__in=self.keys).order_by("pk")
            if model is MoneyEntry:
                self.read_money(facts, [name for name in names if name not in TERMS])
                continue
            for key, *values in facts.values_list("project_id", *names):
                self.content[key].append([model.__name__, *values])

    def read_money(self, entries, names):
        """Entries as a visitor sees them, and what is hidden of them to whom."""
        for row in entries.as_seen_by(None).values(
            "project_id", "is_hidden", *names, *TERMS
        ):
            key, terms = row["project_id"], [row[name] for name in TERMS]
            told = [row[name] for name in names]
            self.terms[key].append(terms)
            self.content[key].append([told, [] if row["is_hidden"] else terms])
        funders = entries.filter(is_private=True).order_by("partner")
        for partner in funders.values_list("partner", flat=True).distinct():
            seen = entries.as_seen_by(Funder(partner)).filter(is_hidden=False)
            hidden = entries.as_seen_by(None).filter(is_hidden=True)
            for row in seen.filter(pk__in=hidden.values("pk")).values(
                "project_id", "uuid", *TERMS
            ):
                place = row.pop("project_id"), of_partner(partner)
                self.own_terms[place].append(list(row.values()))

    def told(self):
        """{(audience, code): what it is told} of the projects that stand."""
        found = {}
        for key, code in self.codes.items():
            row = self.rows[key]
            if row["withdrawn_at"] is not None:
                continue
            common = [[row[name] for name in OWN], self.content[key]]
            staff = [row[name] for name in STATE], self.terms[key]
            found[STAFF, code] = pack([common, self.linked(key, STAFF), *staff])
            public = None
            if key in self.public:
                public = found[PUBLIC, code] = pack([common, self.linked(key, PUBLIC)])
            for audience in self.owners[key]:
                own = self.own_terms.get((key, audience))
                more = [own] if own else []
                packed = pack([common, self.linked(key, audience), *more])
                if packed != public:
                    found[audience, code] = packed
        return found

    def linked(self, key, audience):
        """The codes of those before and after a project that an audience sees."""
        return sorted(
            self.rows[other]["code"]
            for other in self.links[key]
            if self.rows[other]["withdrawn_at"] is None
            and (
                audience == STAFF
                or other in self.public
                or audience in self.owners[other]
            )
        )


register(
    Kind(
        "project",
        (Project, ORGANISATIONS, MEMBERSHIPS),
        told,
        keys=keys,
        due=due,
        route="api:project",
    )
)
