"""What each write changed, in words: facts on both clocks, fields old and new.

A write is an `Entry`. What belongs to it is found by its sequence: the facts that it
recorded, those that it withdrew (at its very moment), and the history rows of all other
rows. A kind of record costs the same few queries for one write as for a page of them.
"""

import datetime as dt
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import SequenceMatcher

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast
from django.urls import NoReverseMatch

from partners.models import (
    BeneficiaryStatus,
    CountryEvent,
    FocalPoint,
    FundOwnership,
    GroupingMembership,
    OrganisationAlias,
    PartnerAlias,
    User,
)
from projects.models import (
    Distinction,
    MoneyEntry,
    Phase,
    Project,
    ProjectOrganisation,
)
from projects.serializers import FACTS as FACTS_IN_WORDS
from workplans.models import (
    ActionLine,
    AgendaItem,
    Attendance,
    Conclusion,
    FrameworkLink,
    Indicator,
    MeetingSession,
    Milestone,
    PartnerStatement,
    Priority,
    PublishedFigure,
    ReportedState,
    Statement,
    StrategicArea,
)

from .facts import Entry, shown_date
from .models import ActionPoint, Comment, Document
from .permissions import can
from .templatetags.aseanpm import history_address, moment
from .undo import fact_models, kept_models

# Rows that are told with another row: the model, and its fields that name the other.
PARTS = {
    Phase: ("project",),
    ProjectOrganisation: ("project",),
    Distinction: ("first", "second"),
    Comment: ("project", "line", "meeting"),
    ActionPoint: ("project", "line", "meeting"),
    Document: ("project", "line", "meeting"),
    AgendaItem: ("meeting", "project"),
    Priority: ("meeting", "project"),
    Attendance: ("meeting",),
    Conclusion: ("meeting",),
    MeetingSession: ("meeting",),
    PartnerStatement: ("meeting", "partner"),
    PublishedFigure: ("meeting", "plan", "programme", "partner"),
    StrategicArea: ("plan",),
    ActionLine: ("plan",),
    Milestone: ("line",),
    ReportedState: ("line",),
    Indicator: ("line", "project"),
    Statement: ("framework",),
    FrameworkLink: ("framework", "plan", "line"),
    CountryEvent: ("country",),
    GroupingMembership: ("grouping", "country"),
    BeneficiaryStatus: ("country",),
    FocalPoint: ("country", "area", "line"),
    PartnerAlias: ("partner",),
    FundOwnership: ("fund", "partner"),
    OrganisationAlias: ("organisation",),
}
SAYS = {
    Project._meta.get_field(name).related_model: (related, says)
    for name, related, says in FACTS_IN_WORDS
}
SHOWN = 20  # records of a write that a list shows; the write's own page has them all
LONG = 60  # signs from which a text is told as one text with its changes
TOO_MANY = 4000  # words beyond which comparing two texts takes too long
# What says where a row comes from, or is kept with other rows: not given back alone.
SETTLED = {
    *("attested_on", "channel", "is_illustrative", "predecessor", "project"),
    *("recorded_at", "file", "file_name", "media_type", "sha256", "size"),
}
UNTOLD = {"file", "sha256"}  # names for machines
WRITES = {"applied"}  # the sequence of an entry
TOGETHER = (
    {"title", "title_language", "title_translations"},
    {"is_published", "withheld_reason"},
    {"held_from", "held_until", "precision"},
    {"as_of", "on", "precision"},
    {"valid_from", "valid_from_precision", "valid_until"},
    {"plan", "area", "line", "area_basis"},
    {"owner", "who"},
)
WORD = re.compile(r"\s+|\w+|[^\w\s]")


# Kinds of record


def kinds():
    """{name in addresses: model} of all whose changes are kept, by their names."""
    every = sorted([*kept_models(), *fact_models()], key=label_of)
    return {model._meta.model_name: model for model in every}


def label_of(model):
    return capital(str(model._meta.verbose_name))


def capital(text):
    return text[:1].upper() + text[1:].replace("_", " ")


def is_fact(model):
    return model in fact_models()


def columns_of(model):
    """The fields and lists of a model that its history tells."""
    history = model.history.model
    return [
        *(
            column
            for column in history.tracked_fields
            if not column.primary_key and column.name != "version"
        ),
        *history._history_m2m_fields,
    ]


def find_row(model, text):
    """A row by its code, address or key, though it be removed; None where none was."""
    names = {column.name for column in model._meta.fields if column.unique}
    name = next((name for name in ("code", "email") if name in names), "id")
    if name == "id" and not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    row = model._base_manager.filter(**{name: text}).first()
    if row is not None:
        return row
    last = model.history.filter(**{name: text}).order_by("history_id").last()
    return last and last.history_object


# Which writes


@dataclass
class Scope:
    """Which records are told of: {model: condition} for rows and for facts."""

    rows: dict
    facts: dict


def everything(user):
    """All that a member of the secretariat may read. Users are for administrators."""
    may_see_users = can(user, "view", "users")
    rows = {model: Q() for model in kept_models() if model is not User or may_see_users}
    return Scope(rows=rows, facts={model: Q() for model in fact_models()})


def about(row):
    """A row itself, its parts and its facts."""
    model, rows = type(row), {type(row): Q(**{row._meta.pk.attname: row.pk})}
    for part, names in PARTS.items():
        for name in names:
            if part._meta.get_field(name).related_model is model:
                rows[part] = rows.get(part, Q()) | Q(**{name: row.pk})
    facts = {
        fact: Q(**{fact.owner: row.pk})
        for fact in fact_models()
        if fact._meta.get_field(fact.owner).related_model is model
    }
    return Scope(rows=rows, facts=facts)


def entries_for(user):
    """The writes that a member of the secretariat may read, latest first.

    Who signs in, and how, is for administrators to know, and for oneself.
    """
    entries = Entry.objects.select_related(
        "recorded_by",
        "undoes",
        "undone_by__recorded_by",
        "undone_by__undone_by__undone_by",
    )
    if can(user, "view", "users"):
        return entries
    return entries.filter(Q(is_private=False) | Q(recorded_by=user))


def within(entries, scope):
    """The writes that changed something of a scope."""
    found = Q(pk__in=[])
    for model, condition in scope.rows.items():
        rows = model.history.filter(condition, sequence__isnull=False)
        found |= Q(sequence__in=rows.order_by().values("sequence"))
    for model, condition in scope.facts.items():
        found |= of_facts(model.objects.filter(condition))
    return entries.filter(found)


def of_facts(facts):
    """The condition that a write recorded or withdrew one of some facts."""
    withdrawn = facts.filter(withdrawn_at__isnull=False)
    return Q(sequence__in=facts.order_by().values("sequence")) | Q(
        recorded_at__in=withdrawn.order_by().values("withdrawn_at")
    )


def changing(model, name=None, scope=None):
    """The condition that a write changed records of a kind, or one field of them; of
    those in a scope alone, where one is given."""
    told = scope.rows | scope.facts if scope else {model: Q()}
    condition = told.get(model, Q(pk__in=[]))
    if is_fact(model):
        return of_facts(model.objects.filter(condition))
    rows = model.history.filter(condition, sequence__isnull=False)
    if name:
        rows = rows_changing(rows, model, name)
    return Q(sequence__in=rows.order_by().values("sequence"))


def rows_changing(rows, model, name):
    """The history rows that changed a field or a list."""
    key = model._meta.pk.attname
    earlier = model.history.filter(
        **{key: OuterRef(key)}, history_id__lt=OuterRef("history_id")
    ).order_by("-history_id")
    rows = rows.exclude(history_type="-")
    lists = {column.name: column for column in model.history.model._history_m2m_fields}
    if name in lists:
        rows = rows.annotate(former=Subquery(earlier.values("history_id")[:1]))
        links, other = links_of(model, lists[name])
        return rows.filter(
            more_in(links, other, "history_id", "former")
            | more_in(links, other, "former", "history_id")
        )
    column = model._meta.get_field(name)
    text = Cast(column.attname, models.TextField())
    rows = rows.annotate(
        latter=text, former=Subquery(earlier.annotate(text=text).values("text")[:1])
    )
    none = Q(former__isnull=True) & (
        Q(latter__isnull=True) | Q(latter__in=["", "{}", "[]"])
    )
    return rows.exclude(none).exclude(former__isnull=False, former=F("latter"))


def links_of(model, column):
    """The history of a list: its rows, and the name of the field for what is listed."""
    links = getattr(model.history.model, column.name).model
    return links.objects, column.m2m_reverse_field_name()


def more_in(links, other, mine, theirs):
    """Whether one history row lists something that another does not."""
    same = links.filter(
        history_id=OuterRef(OuterRef(theirs)), **{other: OuterRef(other)}
    )
    return Exists(links.filter(~Exists(same), history_id=OuterRef(mine)))


# A write in words


@dataclass(frozen=True)
class Said:
    """A value in words, in a language where that is not English."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Difference:
    """A field before and after. `words`: both as one text, (what, text) in turn."""

    name: str
    label: str
    old: list
    new: list
    words: list = field(default_factory=list)
    can_be_restored: bool = False


@dataclass(frozen=True)
class RowChange:
    """What became of a row: created, changed or removed. `former` can be restored."""

    kind: str
    kind_name: str
    did: str
    name: str
    url: str
    about: str
    differences: list
    former: int | None = None


@dataclass(frozen=True)
class FactChange:
    """A fact that was recorded or withdrawn, with both clocks."""

    did: str
    kind: str
    says: str
    about: str
    url: str
    fact: object


@dataclass
class Write:
    """An entry with what it changed, as far as it is told here.

    `counts` are the records of each kind: [(label, how many)]; `more` are not shown.
    """

    entry: Entry
    rows: list = field(default_factory=list)
    facts: list = field(default_factory=list)
    counts: list = field(default_factory=list)
    more: int = 0

    @property
    def what(self):
        by_hand = self.entry.recorded_by_id is not None
        unsaid = "Not put in words" if by_hand else "Loaded from the shipped files"
        return self.entry.what or unsaid

    @property
    def turned_by(self):
        """The last write that undid this one, or did it again; None where none did."""
        return self.entry.turns[-1] if self.entry.turns else None

    @property
    def reason(self):
        return "" if self.entry.reason == self.entry.what else self.entry.reason

    def may_be_undone_by(self, user):
        own = self.entry.recorded_by_id == user.pk or can(user, "edit", "users")
        return self.entry.can_be_undone and not self.turned_by and own


def told(entries, scope, most=SHOWN, first=0):
    """A Write for each entry; of each, up to `most` records from the `first` on."""
    writes = {entry.sequence: Write(entry) for entry in entries}
    touched = touches(writes, scope)
    shown = {}
    for sequence, found in touched.items():
        write = writes[sequence]
        counts = Counter(label_of(touch.model) for touch in found)
        write.counts = sorted(counts.items())
        shown[sequence] = found[first : first + most]
        write.more = len(found) - len(shown[sequence])
    named = Names()
    rows = row_changes(shown, named)
    facts = fact_changes(shown)
    for sequence, found in shown.items():
        write = writes[sequence]
        write.rows = [rows[touch] for touch in found if touch.did == "row"]
        write.facts = [facts[touch] for touch in found if touch.did != "row"]
    return list(writes.values())


@dataclass(frozen=True)
class Touch:
    """A record that a write touched: a row, or a fact recorded or withdrawn."""

    sequence: int
    model: type
    key: int
    did: str


def touches(writes, scope):
    """{sequence: [Touch]} of some writes, in three queries."""
    moments = {write.entry.recorded_at: number for number, write in writes.items()}
    kept, facts = list(scope.rows), list(scope.facts)
    changed = union(
        model.history.filter(scope.rows[model], sequence__in=writes)
        .order_by()
        .annotate(number_of_kind=Value(place))
        .values_list("sequence", "number_of_kind", model._meta.pk.attname)
        .distinct()
        for place, model in enumerate(kept)
    )
    recorded, withdrawn = (
        union(
            model.objects.filter(scope.facts[model], **{f"{name}__in": values})
            .order_by()
            .annotate(number_of_kind=Value(place))
            .values_list(name, "number_of_kind", "pk")
            for place, model in enumerate(facts)
        )
        for name, values in (("sequence", writes), ("withdrawn_at", moments))
    )
    found = defaultdict(list)
    for sequence, place, key in sorted(changed):
        found[sequence].append(Touch(sequence, kept[place], key, "row"))
    for when, place, key in sorted(withdrawn):
        sequence = moments[when]
        found[sequence].append(Touch(sequence, facts[place], key, "withdrawn"))
    for sequence, place, key in sorted(recorded):
        found[sequence].append(Touch(sequence, facts[place], key, "recorded"))
    return found


def union(queries):
    first, *others = list(queries) or [Entry.objects.none()]
    return first.union(*others, all=True) if others else first


def by_model(shown, *did):
    """{model: [Touch]} of what a page shows."""
    found = defaultdict(list)
    for touched in shown.values():
        for touch in touched:
            if touch.did in did:
                found[touch.model].append(touch)
    return found


# Rows


class Names:
    """What rows are called that others name; each model is read once."""

    def __init__(self):
        self.wanted = defaultdict(set)
        self.rows = {}

    def want(self, model, key):
        if key is not None:
            self.wanted[model].add(key)

    def load(self):
        for model, keys in self.wanted.items():
            self.rows[model] = model._base_manager.select_related(
                *(
                    column.name
                    for column in model._meta.fields
                    if column.is_relation and not column.null
                )
            ).in_bulk(keys)
            gone = keys - self.rows[model].keys()
            if gone and hasattr(model, "history"):
                key = model._meta.pk.attname
                for row in model.history.filter(**{f"{key}__in": gone}).order_by(
                    "history_id"
                ):
                    self.rows[model][getattr(row, key)] = row.history_object

    def row(self, model, key):
        return self.rows.get(model, {}).get(key)

    def name(self, model, key):
        return called(self.row(model, key), label_of(model))


def called(row, otherwise):
    """A row's own name; of one that can no longer tell it, its kind."""
    try:
        return str(row) if row is not None else f"{otherwise}, no longer there"
    except ObjectDoesNotExist:
        return otherwise


@dataclass
class Step:
    """A row before and after a write, each a history row or None; their lists."""

    touch: Touch
    before: object
    after: object
    former: int | None
    lists: dict


def row_changes(shown, names):
    """{Touch: RowChange} of rows, in a few queries for each kind."""
    steps = [
        step
        for model, touched in by_model(shown, "row").items()
        for step in steps_of(model, touched)
    ]
    for step in steps:
        for column in columns_of(step.touch.model):
            if column.many_to_many:
                for keys in step.lists[column.name]:
                    for key in keys:
                        names.want(column.related_model, key)
            elif column.is_relation:
                for row in (step.before, step.after):
                    names.want(column.related_model, getattr(row, column.attname, None))
    names.load()
    return {step.touch: row_change(step, names) for step in steps}


def steps_of(model, touched):
    """A Step for each touched row; two queries, and one for each list."""
    key = model._meta.pk.attname
    earlier = model.history.filter(
        **{key: OuterRef(key)}, history_id__lt=OuterRef("history_id")
    ).order_by("-history_id")
    rows = (
        model.history.filter(
            sequence__in={touch.sequence for touch in touched},
            **{f"{key}__in": {touch.key for touch in touched}},
        )
        .annotate(former=Subquery(earlier.values("history_id")[:1]))
        .order_by("history_id")
    )
    found = defaultdict(list)
    for row in rows:
        found[row.sequence, getattr(row, key)].append(row)
    formers = model.history.in_bulk(
        [own[0].former for own in found.values() if own[0].former]
    )
    steps = []
    for touch in touched:
        own = found[touch.sequence, touch.key]
        before, after = formers.get(own[0].former), own[-1]
        standing = [row for row in own if row.history_type != "-"]
        steps.append(
            Step(
                touch=touch,
                before=None if before and before.history_type == "-" else before,
                after=None if after.history_type == "-" else after,
                former=before.history_id if before else None,
                lists={},
            )
        )
        if steps[-1].before is None and steps[-1].after is None:  # made and removed
            steps[-1].before = standing[-1] if standing else own[0]
    for column in model.history.model._history_m2m_fields:
        fill_list(model, column, steps)
    return steps


def fill_list(model, column, steps):
    links, other = links_of(model, column)
    ids = [row.history_id for step in steps for row in (step.before, step.after) if row]
    listed = defaultdict(set)
    for history, key in links.filter(history__in=ids).values_list("history", other):
        listed[history].add(key)
    for step in steps:
        step.lists[column.name] = [
            listed[row.history_id] if row else set()
            for row in (step.before, step.after)
        ]


def row_change(step, names):
    model = step.touch.model
    row = with_names(step.after or step.before, model, names)
    return RowChange(
        kind=label_of(model),
        kind_name=model._meta.model_name,
        did=(
            "removed"
            if step.after is None
            else "changed"
            if step.before is not None
            else "created"
        ),
        name=called(row, label_of(model)),
        url=history_address(row),
        about=about_of(row, model, names),
        differences=list(differences(step, names)),
        former=step.former,
    )


def with_names(history_row, model, names):
    """The instance of a history row, with the rows that it names at hand."""
    row = history_row.history_object
    for column in model._meta.fields:
        if column.is_relation:
            other = names.row(column.related_model, getattr(row, column.attname))
            if other is not None:
                column.set_cached_value(row, other)
    return row


def about_of(row, model, names):
    """The name of what a part belongs to."""
    for name in PARTS.get(model, ()):
        column = model._meta.get_field(name)
        key = getattr(row, column.attname)
        if key is not None:
            return names.name(column.related_model, key)
    return ""


def differences(step, names):
    """A Difference for each field that changed; of a new or lost row, what it held."""
    one_sided = step.before is None or step.after is None
    for column in columns_of(step.touch.model):
        if column.many_to_many:
            old, new = step.lists[column.name]
        else:
            old, new = (
                getattr(row, column.attname, None) for row in (step.before, step.after)
            )
        if (
            column.name in UNTOLD
            or old == new
            or (one_sided and is_idle(column, old or new))
        ):
            continue
        yield Difference(
            name=column.name,
            label=capital(str(column.verbose_name)),
            old=in_words(column, old, step.before, names),
            new=in_words(column, new, step.after, names),
            words=[] if one_sided else compared(old, new),
            can_be_restored=is_restored(column) and step.before is not None,
        )


def is_restored(column):
    """Whether a field of a row that stands can be given a former value by itself."""
    return column.editable and column.name not in SETTLED


def told_with(name):
    """The names of the fields that mean nothing without each other, this one's."""
    found = {name, f"{name}_precision", name.removesuffix("_precision")}
    return found.union(*(names for names in TOGETHER if name in names))


def is_idle(column, value):
    """Whether a new or lost row held nothing of its own in a field."""
    default = None if column.many_to_many else column.get_default()
    return not value or value == default


def in_words(column, value, row, names):
    """A value as [Said]; an empty list where there is none."""
    if value is None or value == "" or row is None:
        return []
    if column.many_to_many:
        named = (names.name(column.related_model, key) for key in value)
        return [Said(name) for name in sorted(named)]
    if column.is_relation:
        return [Said(names.name(column.related_model, value))]
    if column.choices:
        return [Said(str(dict(column.flatchoices).get(value, value)))]
    if isinstance(value, bool):
        return [Said("yes" if value else "no")]
    if isinstance(value, dict):
        return [Said(str(text), language) for language, text in value.items()]
    if isinstance(value, list):
        return [Said(str(text)) for text in value]
    return [Said(plain(column, value, row), language_of(column, row))]


def plain(column, value, row):
    if isinstance(value, dt.datetime):
        return moment(value)
    if isinstance(value, dt.date):
        precision = getattr(row, f"{column.name}_precision", None)
        return shown_date(value, precision or getattr(row, "precision", "day"))
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return f"write {value}" if column.name in WRITES else str(value)


def language_of(column, row):
    if column.name == "title":
        language = getattr(row, "title_language", "")
        return "" if language == "en" else language
    return getattr(row, "language", "") if column.name == "name" else ""


def compared(old, new):
    """Two long texts as one: [(what, text)], what is same, gone or new; else empty."""
    texts = isinstance(old, str) and isinstance(new, str) and old and new
    if not texts or max(len(old), len(new)) < LONG:
        return []
    before, after = WORD.findall(old), WORD.findall(new)
    if max(len(before), len(after)) > TOO_MANY:
        return []
    found = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, start, end, start_new, end_new in matcher.get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(before[start:end])))
            continue
        if end > start:
            found.append(("gone", "".join(before[start:end])))
        if end_new > start_new:
            found.append(("new", "".join(after[start_new:end_new])))
    return found


# Facts


def fact_changes(shown):
    """{Touch: FactChange}, in a query for each kind of fact."""
    found = {}
    for model, touched in by_model(shown, "recorded", "withdrawn").items():
        related, says = SAYS.get(model, ((), str))
        facts = model.objects.select_related(
            "source", "recorded_by", "withdrawn_by", model.owner, *related
        )
        if model is MoneyEntry:  # whoever reads this is of the secretariat
            facts = facts.annotate(
                seen_amount=F("amount"), seen_usd=F("usd"), is_hidden=Value(False)
            )
        facts = facts.in_bulk([touch.key for touch in touched])
        for touch in touched:
            fact = facts[touch.key]
            owner = getattr(fact, model.owner)
            found[touch] = FactChange(
                did=touch.did,
                kind=label_of(model),
                says=says(fact),
                about=str(owner),
                url=history_address(owner),
                fact=fact,
            )
    return found


def page_of_row(row):
    """The page that shows a row, or '' where none does."""
    if getattr(row, "withdrawn_at", None) or getattr(row, "merged_into_id", None):
        return ""
    try:
        return row.get_absolute_url()
    except (AttributeError, NoReverseMatch):
        return ""
