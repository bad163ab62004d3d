"""Loads the shipped reference data, and leaves alone what users changed since.

A file in reference/ lists rows by model; reference/README.md says how. LoadedRow keeps
what the file last said of each row: a field that holds anything else by now is a
user's, and stays; a row that is gone stays gone. A fact is loaded once: what is wrong
with it afterwards is corrected by people.
"""

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from projects.actions import refresh_copies, touch
from projects.models import MoneyEntry, Project
from projects.money import usd_of

from .facts import LedgerHead, Recorded, ledger_entry
from .feed import rebuild
from .fields import SearchTextField
from .models import LoadedRow
from .writing import keep_first

REFERENCE = Path(__file__).parent / "reference"
NAMESPACE = uuid.UUID("5c1e7d0a-6f0b-4c3e-9a55-1f0f6a9e2b10")

# What each row is known by; the models are loaded in this order.
KEYS = {
    "aseanpm.Source": ["code"],
    "partners.Country": ["code"],
    "partners.CountryEvent": ["country", "on"],
    "partners.Grouping": ["code"],
    "partners.GroupingMembership": ["grouping", "country", "valid_from"],
    "partners.BeneficiaryStatus": ["country", "programme", "valid_from"],
    "partners.Partner": ["code"],
    "partners.PartnerAlias": ["name"],
    "partners.Fund": ["code"],
    "partners.FundOwnership": ["fund", "partner", "valid_from"],
    "partners.Organisation": ["code"],
    "partners.OrganisationAlias": ["name"],
    "workplans.Programme": ["code"],
    "workplans.Theme": ["code"],
    "workplans.Body": ["code"],
    "workplans.WorkPlan": ["code"],
    "workplans.PlanRule": ["plan", "effective_on", "day_order"],
    "workplans.DeclaredTotal": ["plan", "kind", "effective_on", "day_order"],
    "workplans.StrategicArea": ["code"],
    "workplans.ActionLine": ["code"],
    "workplans.Milestone": ["line", "on", "kind"],
    "workplans.ReportedState": ["line", "on"],
    "workplans.Framework": ["code"],
    "workplans.Statement": ["code"],
    "workplans.FrameworkLink": ["framework", "statement", "plan", "line"],
    "partners.FocalPoint": ["kind", "programme", "country", "area", "line"],
    "workplans.Meeting": ["code"],
    "workplans.Attendance": ["meeting", "country", "partner"],
    "workplans.Conclusion": ["meeting", "order"],
    "workplans.PartnerStatement": ["meeting", "partner"],
    "workplans.PublishedFigure": ["code"],
    "projects.Project": ["code"],
    "projects.StatusChange": ["project", "effective_on", "day_order"],
    "projects.Placement": ["project"],
    "projects.LineReference": ["project", "line"],
    "projects.Funding": ["project", "effective_on", "day_order"],
    "projects.MoneyEntry": ["project", "effective_on", "day_order"],
    "projects.Benefit": ["project", "effective_on", "day_order"],
    "projects.Phase": ["project", "number"],
    "projects.ProjectOrganisation": ["project", "organisation", "role"],
}


class UnreadableReference(ValueError):
    """A file says what cannot be loaded; the message names the file and the row."""


class RemovedByUser(LookupError):
    """A row names another that a user has removed, so it is left out with it."""


@dataclass
class Report:
    """What a load did. `kept` counts fields that stayed as a user changed them."""

    added: int = 0
    changed: int = 0
    kept: int = 0

    def __str__(self):
        return (
            f"{self.added} rows added, {self.changed} changed, "
            f"{self.kept} fields kept as users changed them"
        )


def load_reference(folder=REFERENCE):
    """Load every file of a folder, all or nothing; returns a Report.

    Raises UnreadableReference, naming file and row.
    """
    shapes = {label: Shape(label) for label in KEYS}
    rows = read(folder, shapes)
    with transaction.atomic():
        report = Load(shapes, rows).run()
        renew_statistics()
    return report


def renew_statistics():
    """Tell PostgreSQL what our tables hold; until then it plans badly after a load."""
    if connection.vendor == "postgresql":
        tables = [
            connection.ops.quote_name(model._meta.db_table)
            for label in ("aseanpm", "partners", "projects", "workplans")
            for model in apps.get_app_config(label).get_models()
        ]
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(tables)}")


# The files


class Shape:
    """What a file may say of a model: its own fields, lists of codes, rows inside."""

    def __init__(self, label):
        self.label = label
        self.model = apps.get_model(label)
        self.key = KEYS[label]
        self.is_recorded = issubclass(self.model, Recorded)

    @cached_property
    def fields(self):
        return {
            column.name: column
            for column in self.model._meta.concrete_fields
            if (column.editable or column.name == "recorded_at")
            and column.name != "changed_at"
            and not column.primary_key
            and (not column.is_relation or label_of(column) in KEYS)
        }

    @cached_property
    def required(self):
        """What a row must say: its code, and whatever has no value without it."""
        return [
            column.name
            for column in self.fields.values()
            if (column.name == "code" and self.is_named_by_code)
            or not (column.blank or column.null or column.has_default())
        ]

    @cached_property
    def lists(self):
        return {
            column.name: column
            for column in self.model._meta.many_to_many
            if column.remote_field.through._meta.auto_created
        }

    @cached_property
    def inside(self):
        """{name of the relation: (label of the model, its field that leads here)}."""
        return {
            relation.get_accessor_name(): (label_of(relation), relation.field.name)
            for relation in self.model._meta.related_objects
            if relation.one_to_many and label_of(relation) in KEYS
        }

    @cached_property
    def search_fields(self):
        columns = self.model._meta.concrete_fields
        return [one.name for one in columns if isinstance(one, SearchTextField)]

    @property
    def is_named_by_code(self):
        return self.key == ["code"]

    def can_be(self, name, value):
        """Whether rows of another model are named by a code, or a list of codes."""
        if name in self.lists:
            return isinstance(value, list) and all(
                isinstance(one, str) for one in value
            )
        return not self.fields[name].is_relation or isinstance(value, str | None)


def label_of(relation):
    return relation.related_model._meta.label


@dataclass
class Row:
    """One row of a file: what it says, field by field, and where that stands."""

    shape: Shape
    said: dict
    place: str

    @property
    def key(self):
        return "/".join(written(self.said_of(name)) for name in self.shape.key)

    def said_of(self, name):
        return self.said.get(name, self.shape.fields[name].get_default())


def written(value):
    return "" if value is None else str(value)


def read(folder, shapes):
    """{label: [Row]} of all files in a folder, rows inside rows laid flat."""
    rows = {label: {} for label in KEYS}

    def collect(label, said, place):
        shape, own, inside = shapes[label], {}, []
        place += f" ({said['code']})" if "code" in said else ""
        for name, value in said.items():
            if name in shape.fields or name in shape.lists:
                own[name] = value
                if not shape.can_be(name, value):
                    raise UnreadableReference(f"{place}: {name} “{value}” is no code.")
            elif name in shape.inside:
                inside.append((name, value))
            else:
                known = sorted([*shape.fields, *shape.lists, *shape.inside])
                raise UnreadableReference(
                    f"{place}: unknown key “{name}”. Known are {', '.join(known)}."
                )
        for name in shape.required:
            if name not in own:
                raise UnreadableReference(f"{place}: “{name}” is missing.")
        row = Row(shape, own, place)
        if row.key in rows[label]:
            raise UnreadableReference(
                f"{place}: the same row stands at {rows[label][row.key].place}."
            )
        rows[label][row.key] = row
        for name, children in inside:
            child, parent = shape.inside[name]
            for number, one in numbered(children, f"{place}, {name}"):
                known = {parent: row.key, **handed_down(row, shapes[child])}
                collect(child, known | one, f"{place}, {name} {number}")

    for path in sorted(folder.glob("*.json")):
        try:
            listed = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UnreadableReference(f"{path.name}: {error}.") from error
        if not isinstance(listed, dict):
            raise UnreadableReference(f"{path.name}: not rows by model, {{…}}.")
        for label, several in listed.items():
            if label not in KEYS:
                raise UnreadableReference(f"{path.name}: unknown model “{label}”.")
            for number, one in numbered(several, f"{path.name}, {label}"):
                collect(label, one, f"{path.name}, {label} {number}")
    return {label: list(found.values()) for label, found in rows.items()}


def numbered(rows, place):
    """The rows of a list with their numbers; raises if it is no list of rows."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnreadableReference(f"{place}: not a list of rows, [{{…}}, …].")
    return enumerate(rows, 1)


def handed_down(row, child):
    """What a fact inside a project need not repeat: when and whence it was recorded."""
    if not child.is_recorded or row.shape.model is not Project:
        return {}
    return {
        "recorded_at": row.said.get("recorded_at"),
        "source": row.said.get("sources", [None])[0],
    }


def in_order(rows):
    """The rows of one model in groups, each after the rows of the model it names."""
    waiting = {row.key: row for row in rows}
    while waiting:
        ready = [row for row in waiting.values() if not names(row) & waiting.keys()]
        if not ready:
            places = ", ".join(row.place for row in waiting.values())
            raise UnreadableReference(f"These rows name each other: {places}.")
        yield ready
        for row in ready:
            del waiting[row.key]


def names(row):
    """The codes of rows of its own model that a row names."""
    return {
        row.said.get(name)
        for name, column in row.shape.fields.items()
        if column.is_relation and label_of(column) == row.shape.label
    }


# The load


@dataclass
class Load:
    """One load: what was loaded before, and the codes and stamps of this one."""

    shapes: dict
    rows: dict
    report: Report = field(default_factory=Report)

    def run(self):
        list(LedgerHead.objects.select_for_update().filter(pk=1))
        self.loaded = {(row.model, row.key): row for row in LoadedRow.objects.all()}
        self.pks = defaultdict(dict)
        self.codes = defaultdict(dict)
        self.remembered = []
        self.renewed = []
        self.new_projects = set()
        self.old_projects = set()
        self.entries = self.open_entries()
        for label in KEYS:
            for group in in_order(self.rows[label]):
                self.load(group[0].shape, group)
        LoadedRow.objects.bulk_create(self.remembered)
        LoadedRow.objects.bulk_update(self.renewed, ["values"])
        self.refresh_projects()
        rebuild()
        return self.report

    def open_entries(self):
        """{moment as written: ledger entry} of the new facts, in the order of time."""
        moments = {
            row.said_of("recorded_at"): row
            for rows in self.rows.values()
            for row in rows
            if row.shape.is_recorded and self.last(row) is None
        }
        instants = {}
        for moment, row in moments.items():
            column = row.shape.fields["recorded_at"]
            instants[moment] = self.value_of(column, moment, row)
        entries = {}
        for moment in sorted(instants, key=instants.get):
            with ledger_entry(recorded_at=instants[moment]) as entry:
                entries[moment] = entry
        return entries

    def last(self, row):
        """What a file last said of a row; None where it is new."""
        return self.loaded.get((row.shape.label, row.key))

    def load(self, shape, rows):
        existing = self.existing(shape, rows)
        new = []
        for row in rows:
            last, found = self.last(row), existing.get(row.key)
            if last is None and found is None:
                new.append(row)
            elif last is None:  # a user was first
                self.remember(row)
            elif found is not None and not shape.is_recorded:
                self.merge(row, last, found)
        self.create(shape, new)

    def existing(self, shape, rows):
        """{key: row of the database} of the rows of a file that need a look."""
        if not shape.is_named_by_code:
            rows = [row for row in rows if self.needs_a_look(row)]
        if not rows:
            return {}
        model = shape.model
        found = (
            model.objects.known() if shape.is_recorded else model._base_manager.all()
        )
        column = shape.fields[shape.key[0]]
        values = {row.said_of(column.name) for row in rows}
        if column.is_relation:
            values = {self.pks[label_of(column)].get(code) for code in values} - {None}
        found = found.filter(**{f"{column.attname}__in": values})
        by_key = {self.key_of(shape, instance): instance for instance in found}
        self.learn_codes(shape, by_key.values())
        return by_key

    def needs_a_look(self, row):
        last = self.last(row)
        if row.shape.is_recorded:
            return last is None
        return last is None or last.values != row.said

    def key_of(self, shape, instance):
        parts = []
        for name in shape.key:
            column = shape.fields[name]
            value = getattr(instance, column.attname)
            if column.is_relation and value is not None:
                value = self.codes[label_of(column)].get(value, f"#{value}")
            parts.append(written(value))
        return "/".join(parts)

    def learn_codes(self, shape, instances):
        if shape.is_named_by_code:
            for instance in instances:
                merged = getattr(instance, "merged_into_id", None)
                self.pks[shape.label][instance.code] = merged or instance.pk
                self.codes[shape.label][instance.pk] = instance.code

    # Adding

    def create(self, shape, rows):
        pairs = []
        for row in rows:
            try:
                pairs.append((row, self.built(row)))
            except RemovedByUser:
                continue
        if not pairs:
            return
        instances = [instance for _, instance in pairs]
        try:
            shape.model._default_manager.bulk_create(instances)
            self.fill_lists(shape, pairs)
        except IntegrityError as error:
            raise UnreadableReference(f"{shape.label}: {error}") from error
        self.learn_codes(shape, instances)
        for row, instance in pairs:
            self.remember(row)
            self.note_project(instance)
        self.report.added += len(pairs)

    def built(self, row):
        """The unsaved instance of a row, with the stamps of its ledger entry."""
        instance = row.shape.model()
        for name, column in row.shape.fields.items():
            if name in row.said:
                value = self.value_of(column, row.said[name], row)
                setattr(instance, column.attname, value)
        if row.shape.is_recorded:
            instance.uuid = uuid.uuid5(NAMESPACE, f"{row.shape.label}/{row.key}")
            entry = self.entries[row.said_of("recorded_at")]
            for name, value in entry.stamps.items():
                setattr(instance, name, value)
        if isinstance(instance, Project):
            instance.changed_at = instance.recorded_at
        if isinstance(instance, MoneyEntry):
            instance.usd = usd_of(instance.amount, instance.currency, instance.rate)
        return instance

    def value_of(self, column, value, row):
        """What the model holds for what a file says; raises if it cannot."""
        if not column.is_relation:
            try:
                return column.clean(value, None)
            except ValidationError as error:
                why = " ".join(error.messages)
                raise UnreadableReference(
                    f"{row.place}: {column.name} “{value}”: {why}"
                ) from error
        if value is None:
            return None
        return self.pk_of(label_of(column), value, row)

    def listed(self, column, codes, row):
        """The keys of the rows in a list, without those that a user has removed."""
        keys = []
        for code in codes:
            try:
                keys.append(self.pk_of(label_of(column), code, row))
            except RemovedByUser:
                continue
        return keys

    def pk_of(self, label, code, row):
        """The key of the row with a code; raises if a user removed it or none is."""
        if code not in self.pks[label]:
            if (label, code) not in self.loaded:
                raise UnreadableReference(
                    f"{row.place}: no {label} has the code “{code}”."
                )
            shape = self.shapes[label]
            self.learn_codes(shape, shape.model._base_manager.filter(code=code))
        if code not in self.pks[label]:
            raise RemovedByUser(code)
        return self.pks[label][code]

    def fill_lists(self, shape, pairs):
        for name, column in shape.lists.items():
            through = column.remote_field.through
            through._default_manager.bulk_create(
                through(
                    **{
                        column.m2m_column_name(): instance.pk,
                        column.m2m_reverse_name(): pk,
                    }
                )
                for row, instance in pairs
                for pk in self.listed(column, row.said.get(name, []), row)
            )

    def remember(self, row):
        self.remembered.append(
            LoadedRow(model=row.shape.label, key=row.key, values=row.said)
        )

    # Changing

    def merge(self, row, last, found):
        """Take over what the file says anew, where no user has said otherwise."""
        news = {
            name: value
            for name, value in row.said.items()
            if name not in last.values or last.values[name] != value
        }
        if not news:
            return
        taken, lists = [], []
        for name, value in news.items():
            column = row.shape.fields.get(name) or row.shape.lists[name]
            try:
                before = self.held(column, last.values, row)
                now = self.held(column, {name: value}, row)
            except RemovedByUser:
                continue
            holds = self.holds(column, found)
            if holds == now:
                continue
            if holds != before:
                self.report.kept += 1
            elif name in row.shape.lists:
                lists.append((name, now))
            else:
                if not taken and hasattr(found, "history"):
                    keep_first(found)
                setattr(found, column.attname, now)
                taken.append(name)
        if taken:
            found.save(update_fields=[*taken, *row.shape.search_fields])
        for name, pks in lists:
            getattr(found, name).set(pks)
        if taken or lists:
            self.report.changed += 1
            self.note_project(found)
        last.values = row.said
        self.renewed.append(last)

    def held(self, column, values, row):
        """What a model holds when it holds what a file said; else its default."""
        if column.many_to_many:
            return set(self.listed(column, values.get(column.name, []), row))
        if column.name not in values:
            return column.get_default()
        return self.value_of(column, values[column.name], row)

    def holds(self, column, found):
        if column.many_to_many:
            return set(getattr(found, column.name).values_list("pk", flat=True))
        return getattr(found, column.attname)

    # Projects keep copies of their facts

    def note_project(self, instance):
        if isinstance(instance, Project):
            known = (Project._meta.label, instance.code) in self.loaded
            (self.old_projects if known else self.new_projects).add(instance.pk)
        elif getattr(instance, "project_id", None):
            self.old_projects.add(instance.project_id)

    def refresh_projects(self):
        old = self.old_projects - self.new_projects
        if self.new_projects:
            refresh_copies(Project.objects.filter(pk__in=self.new_projects))
        if old:
            with ledger_entry() as entry:
                touch(projects=old, entry=entry)
