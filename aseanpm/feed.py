"""What changed for whom: the change feed, and the stamps from which answers get ETags.

Every reader belongs to audiences: the public, and what a role, a country or a partner
adds. For each audience a FeedRow keeps, of every record that it sees, a digest of what
it is told and the write that changed it last. A write that changes nothing an audience
is told leaves its rows alone, so that neither feed nor ETag betrays it.

The apps register a Kind for what they tell. Rows are renewed at the end of each write,
under the lock of the ledger: their order is the order of commit.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_

import orjson
from django.conf import settings
from django.db import OperationalError
from django.db.models import Exists, Max, OuterRef, Q, Subquery
from django.utils import timezone

from .facts import BEFORE_COMMIT, LedgerHead, ledger_entry
from .models import FeedRow

PUBLIC, PERSONS, STAFF = "public", "persons", "staff"
AT_ONCE = 500
APPS = ("aseanpm", "projects", "workplans", "partners")


def of_country(key):
    return f"country:{key}"


def of_partner(key):
    return f"partner:{key}"


def audiences_of(user):
    """The audiences that a reader belongs to, the public first."""
    if user is None or not user.is_authenticated:
        return (PUBLIC,)
    if user.is_secretariat:
        return (PUBLIC, PERSONS, STAFF)
    if user.country_id:
        return (PUBLIC, PERSONS, of_country(user.country_id))
    if user.partner_id:
        return (PUBLIC, of_partner(user.partner_id))
    return (PUBLIC,)


@dataclass(frozen=True)
class Kind:
    """A kind of records; those without a route are only stamped, not in the feed.

    The route is that of one record, or of the list where they are `only_listed`.
    `told(keys)` returns ({code}, {(audience, code): bytes}) of what each audience is
    told of the records that have these keys; None asks for all of them. A write to one
    of `models` changes the records that `keys(touched)` names of {model: keys};
    those of `due(since, today)` may change with the days between, without a write.
    None of either names all records.
    """

    name: str
    models: tuple[type, ...]
    told: Callable
    keys: Callable = lambda touched: None
    due: Callable = lambda since, today: set()
    route: str = ""
    only_listed: bool = False


KINDS: dict[str, Kind] = {}


def register(kind):
    KINDS[kind.name] = kind


# Written


def settle(entry):
    """Renew the rows of all that a write touched (called before it commits).

    And of what changed with the days since the write before it.
    """
    since, today = timezone.localdate(entry.last_moment), timezone.localdate()
    for kind in KINDS.values():
        if since < today and _any(due := kind.due(since, today)):
            renew(kind, due, entry)
        touched = {
            model: keys for model, keys in entry.touched.items() if model in kind.models
        }
        if touched:
            renew(kind, kind.keys(touched), entry)


def _any(keys):
    return keys is None or bool(keys)


BEFORE_COMMIT.append(settle)


def come_to(today):
    """Settle what has changed with the days since the last write; whether any might.

    A process looks once a day. A database that is locked is settled by who locks it.
    """
    if _seen["day"] == today:
        return False
    head = LedgerHead.objects.filter(pk=1).first()
    since = timezone.localdate(head.recorded_at) if head else today
    is_due = since < today and any(
        _any(kind.due(since, today)) for kind in KINDS.values()
    )
    if is_due:
        try:
            with ledger_entry():
                pass
        except OperationalError:
            return False
    _seen["day"] = today
    return is_due


_seen: dict[str, object] = {"day": None}


def rebuild():
    """Renew all rows, as after a load; returns how many were not in step.

    Where all are, nothing is written.
    """
    if not stale():
        return 0
    with ledger_entry() as entry:
        return renew_all(entry)


def renew_all(entry):
    return sum(renew(kind, None, entry) for kind in KINDS.values())


def stale():
    """(kind, audience, code) of the rows that are not in step with the records."""
    return [
        (kind.name, *place)
        for kind in KINDS.values()
        for place in _differences(kind, None)[0]
    ]


def renew(kind, keys, entry):
    """Bring the rows of some records (None: all) in step; returns how many were not."""
    differing, digests, kept = _differences(kind, keys)
    public = {row.code: row.told_since for row in kept.values() if _is_public(row)}
    new, old = [], []
    for audience, code in differing:
        digest = digests.get((audience, code), "")
        row = kept.get((audience, code))
        if row is None:
            row = FeedRow(audience=audience, kind=kind.name, code=code)
            new.append(row)
        else:
            old.append(row)
        if not row.digest:
            row.told_since = _told_before([row], public.get(code, entry.sequence))
        row.digest = digest
        row.sequence = entry.sequence
        row.changed_at = entry.recorded_at
    FeedRow.objects.bulk_create(new, batch_size=AT_ONCE)
    FeedRow.objects.bulk_update(
        old, ["digest", "sequence", "told_since", "changed_at"], batch_size=AT_ONCE
    )
    return len(differing)


def _is_public(row):
    return row.audience == PUBLIC and row.digest


def _told_before(rows, since):
    """The first write of an unbroken time up to `since` in which these rows, which tell
    nothing any more, were told one after another: a reader of some audiences holds what
    passes from one to the other."""
    ended = (row for row in rows if row.pk and not row.digest)
    for row in sorted(ended, key=lambda row: row.told_since, reverse=True):
        if row.told_since < since <= row.sequence:
            since = row.told_since
    return since


def _differences(kind, keys):
    """(places that differ, {place: digest}, {place: FeedRow}); a place is an
    (audience, code)."""
    codes, told = kind.told(keys)
    rows = FeedRow.objects.filter(kind=kind.name)
    if keys is not None:
        rows = rows.filter(code__in=codes)
    kept = {(row.audience, row.code): row for row in rows}
    digests = {place: digest_of(content) for place, content in told.items()}
    differing = [
        place
        for place in sorted({*kept, *digests})
        if digests.get(place, "") != (kept[place].digest if place in kept else "")
    ]
    return differing, digests, kept


@cache
def program():
    """A digest of the program: another one may tell the same otherwise."""
    code = hashlib.sha256()
    for app in APPS:
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()[:32]


def digest_of(content):
    return hashlib.sha256(content).hexdigest()[:32]


# Read


def last_write(audiences):
    """The sequence of the last write that changed what these audiences are told, or 0.

    One query, which looks no further than each audience's last row. On a later day than
    that write it first comes to the day.
    """
    last_of_each = (
        FeedRow.objects.filter(audience=audience).order_by("-sequence").values("pk")[:1]
        for audience in audiences
    )
    last = reduce(or_, (Q(pk=Subquery(one)) for one in last_of_each))
    rows = FeedRow.objects.filter(last).values_list("sequence", "changed_at")
    (sequence, moment), today = max(rows, default=(0, None)), timezone.localdate()
    if (moment is None or timezone.localdate(moment) < today) and come_to(today):
        sequence, _ = max(rows.all(), default=(0, None))
    return sequence


def last_moment(audiences, sequence):
    """When what these audiences are told was last changed, up to a write; or None."""
    rows = FeedRow.objects.filter(audience__in=audiences, sequence__lte=sequence)
    return rows.aggregate(moment=Max("changed_at"))["moment"]


@dataclass(frozen=True)
class Change:
    """A record that changed since a cursor: created, changed, or withdrawn.

    Its `place` in the feed is (sequence, key).
    """

    kind: Kind
    code: str
    change: str
    changed_at: object
    place: tuple[int, int]


def changes_since(place, begun, audiences, limit):
    """The Changes of the records that changed after a place.

    Each record comes once, at its last change, in the order of these; created is what
    was told from after `begun` on, the sequence from which its reader asked; one that
    is no longer told to these audiences is withdrawn. Two queries.
    """
    sequence, key = place
    listed = [kind.name for kind in KINDS.values() if kind.route]
    ours = FeedRow.objects.filter(audience__in=audiences, kind__in=listed)
    later = _after(ours, OuterRef("sequence"), OuterRef("pk"))
    rows = _after(ours, sequence, key)
    if len(audiences) > 1:
        same = later.filter(kind=OuterRef("kind"), code=OuterRef("code"))
        rows = rows.filter(~Exists(same))
    rows = list(rows.order_by("sequence", "pk")[:limit])
    told = defaultdict(list)
    for row in ours.filter(code__in={row.code for row in rows}):
        told[row.kind, row.code].append(row)
    found = []
    for row in rows:
        all_told = told[row.kind, row.code]
        since = min((one.told_since for one in all_told if one.digest), default=None)
        change = "changed"
        if since is None:
            change = "withdrawn"
        elif _told_before(all_told, since) > begun:
            change = "created"
        place = (row.sequence, row.pk)
        found.append(Change(KINDS[row.kind], row.code, change, row.changed_at, place))
    return found


def _after(rows, sequence, key):
    return rows.filter(Q(sequence__gt=sequence) | Q(sequence=sequence, pk__gt=key))


# What is told of reference data: the same to all


@dataclass(frozen=True)
class Part:
    """A table of which records consist; `code` leads from its rows to their record."""

    model: type
    code: str = "code"
    without: tuple[str, ...] = ()
    where: tuple[tuple[str, object], ...] = ()

    @property
    def fields(self):
        """All columns but the keys, the version and what is derived."""
        return [
            field.attname
            for field in self.model._meta.concrete_fields
            if field.name not in {"id", "version", "search_text", *self.without}
        ]

    @property
    def lists(self):
        """The columns of the many-to-many tables: (model, path to the code, other)."""
        for field in self.model._meta.local_many_to_many:
            if field.name in self.without:
                continue
            through = field.remote_field.through
            if through._meta.auto_created:
                code = f"{field.m2m_field_name()}__{self.code}"
                yield through, code, field.m2m_reverse_field_name()

    @property
    def codes(self):
        rows = self.model.objects.filter(**dict(self.where))
        return {str(code) for code in rows.values_list(self.code, flat=True)}

    def rows(self):
        """(code of the record, values) of all rows and lists."""
        rows = self.model.objects.order_by("pk").values_list(self.code, *self.fields)
        yield from ((row[0], row[1:]) for row in rows)
        for through, code, other in self.lists:
            for row in through._base_manager.order_by("pk").values_list(code, other):
                yield row[0], row[1:]


def told_of(*parts, audience=PUBLIC):
    """A Kind's `told` for records that are the rows of the first part, whole tables."""

    def told(keys=None):
        codes = parts[0].codes
        content = defaultdict(list)
        for part in parts:
            for code, values in part.rows():
                content[str(code)].append([part.model.__name__, *values])
        packed = {(audience, code): pack(content[code]) for code in codes}
        return codes, packed

    return told


def pack(values):
    return orjson.dumps(values, default=str)


def reference(name, *parts, audience=PUBLIC, **options):
    """Register a Kind of reference data."""
    models = tuple(part.model for part in parts)
    register(Kind(name, models, told_of(*parts, audience=audience), **options))
