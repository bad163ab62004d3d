"""Taking back one write as a whole: its facts, its rows, its references.

Nothing is erased: facts of the write are withdrawn, those that it withdrew are recorded
anew, rows get their former values by a further change with its own history. What was
undone can be undone too, which does it again; merges alone are done again by hand.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Max

from projects import actions
from projects.models import Project

from . import writing
from .facts import Entry, Fact, Recorded, ledger_entry

LATER = "“{row}” was changed after that by {who}; undo that first."
ADDED = "“{row}” names “{other}” and was not part of this; take that away first."
AS_THINGS_STAND = "As things stand, this cannot be {done}."
UNDONE = "Undone"
BATCH = 500


def undo(*, entry, by, reason="", check=None):
    """Take back a write; returns the new entry. `check(old)` is called under the lock.

    Raises ValidationError, and changes nothing, where the write cannot be undone, was
    undone before, or where something of it was changed since.
    """
    with ledger_entry(by, what=what_of(entry)[:300], reason=reason) as new:
        old = Entry.objects.select_for_update().get(pk=entry.pk)
        if check:
            check(old)
        if not old.can_be_undone:
            raise ValidationError("This cannot be undone.")
        before = Entry.objects.filter(undoes=old).first()
        if before:
            raise ValidationError(f"This was undone before, by {who_of(before)}.")
        new.undoes = old
        new.opens = old.opens
        new.is_private = old.is_private
        new.can_be_undone = not old.repointed
        touched = rows_of(old)
        refuse_later_changes(old, touched)
        try:
            facts = [stand_in(fact) for fact in facts_of(old)]
            turned = turn_back(old)
            refuse_additions(touched, facts, old)
            in_any_order(
                *(
                    partial(undo_row, one, touched)
                    for one in list(touched.values())[::-1]
                ),
                partial(undo_facts, old, new),
            )
            actions.check(facts=turned)
        except ValidationError as error:
            done = "done again" if new.what.startswith("Redo: ") else "undone"
            said = AS_THINGS_STAND.format(done=done)
            raise ValidationError([said, *error.messages]) from error
        actions.touch(projects=projects_of(turned), entry=new)
    return new


def in_any_order(*steps):
    """Take steps, and those that are refused again once others have made way.

    Raises the ValidationError of one that nothing makes way for.
    """
    while steps:
        stuck = []
        for step in steps:
            try:
                with transaction.atomic():
                    step()
            except ValidationError as error:
                stuck.append((step, error))
        if len(stuck) == len(steps):
            raise stuck[0][1]
        steps = [step for step, _ in stuck]


def what_of(entry):
    """Undo: X; of an undo, Redo: X; and so on."""
    done, _, what = entry.what.partition(": ")
    if entry.undoes_id and done in {"Undo", "Redo"}:
        return f"{'Redo' if done == 'Undo' else 'Undo'}: {what}"
    return f"Undo: {entry.what}"


def who_of(entry):
    return entry.recorded_by or "somebody"


def fact_models():
    return [model for model in apps.get_models() if issubclass(model, Recorded)]


def kept_models():
    """The models with field history, without those history rows themselves."""
    return [
        model
        for model in apps.get_models()
        if hasattr(model._meta, "simple_history_manager_attribute")
    ]


# What a write touched


@dataclass
class Touched:
    """A row that a write touched, with its history rows of that write, oldest first.

    `before` is the history row of how it stood until then; None where it did not exist.
    `later` are its history rows since.
    """

    model: type
    key: int
    rows: list = field(default_factory=list)
    before: Any = None
    later: list = field(default_factory=list)

    @property
    def current(self):
        return self.model._base_manager.filter(pk=self.key).first()


def rows_of(entry):
    """{(model, key): Touched} of a write, in the order of their first change.

    History is told by the order of its keys: writers wait for each other, and the rows
    of one write share their moment. Two queries for a model, whatever it wrote.
    """
    found = {}
    for model in kept_models():
        name = model._meta.pk.attname
        ours = {}
        for row in model.history.filter(sequence=entry.sequence).order_by("history_id"):
            key = getattr(row, name)
            ours.setdefault(key, Touched(model, key)).rows.append(row)
        for keys in batches(list(ours)):
            others = model.history.filter(**{f"{name}__in": keys})
            for row in others.order_by("history_id"):
                one = ours[getattr(row, name)]
                if row.history_id < one.rows[0].history_id:
                    one.before = None if row.history_type == "-" else row
                elif row.history_id > one.rows[-1].history_id:
                    one.later.append(row)
        found |= {(model, key): one for key, one in ours.items()}
    return found


# What was changed since


def refuse_later_changes(old, touched):
    """Raise ValidationError where something of a write was changed after it.

    A later change that was itself undone counts as none.
    """
    for one in touched.values():
        standing = still_in_effect({row.sequence for row in one.later} - {None})
        changed = [
            row
            for row in one.later
            if row.sequence in standing
            or (row.sequence is None and values_of(row) != values_of(one.rows[-1]))
        ]
        if changed:
            who = changed[-1].history_user or "somebody"
            raise ValidationError(LATER.format(row=named(changed[-1]), who=who))
    for fact in facts_of(old):
        if stand_in(fact) is None:
            who = fact.withdrawn_by or "somebody"
            raise ValidationError(LATER.format(row=fact, who=who))


def still_in_effect(sequences):
    """Those of some writes that were neither undone by another of them nor undo one."""
    pairs = Entry.objects.filter(
        sequence__in=sequences, undoes__in=sequences
    ).values_list("undoes", "sequence")
    left = set(sequences)
    for pair in sorted(pairs):
        if left.issuperset(pair):
            left -= set(pair)
    return left


def facts_of(old):
    """The facts that a write recorded, and did not withdraw itself, or turned."""
    turned = defaultdict(list)
    for path, (_, _, keys) in old.repointed.items():
        turned[path.rpartition(".")[0]] += keys
    for model in fact_models():
        later = model.objects.exclude(withdrawn_at=old.recorded_at)
        yield from later.filter(sequence=old.sequence)
        for keys in batches(turned[model._meta.label]):
            yield from model.objects.filter(pk__in=keys).exclude(
                withdrawn_at__lte=old.recorded_at
            )


def stand_in(fact):
    """A fact, or what stands for it since its withdrawal was undone; else None."""
    last = [fact, *stand_ins(fact)][-1]
    return last if last.withdrawn_at is None else None


def stand_ins(fact):
    """What stood for a fact in turn, as its withdrawal was undone, redone and so on."""
    while fact.withdrawn_at is not None:
        undone = Entry.objects.filter(undoes__recorded_at=fact.withdrawn_at).first()
        if undone is None:
            return
        same = actions.content_of(fact)
        again = type(fact).objects.filter(sequence=undone.sequence, **same)
        fact = again.order_by(F("withdrawn_at").asc(nulls_first=True)).first()
        if fact is None:
            return
        yield fact


def values_of(row):
    """What a history row says of its row, without the version."""
    return [
        getattr(row, field.attname)
        for field in row.tracked_fields
        if field.name != "version"
    ]


def named(row):
    """How a row called itself by one of its history rows."""
    return str(row.history_object)


# Facts


def undo_facts(old, new):
    """Withdraw what the write recorded and record anew what it withdrew.

    The facts do not repeat the words of the writes: readers see them beside what is
    private.
    """
    recorded = [
        stand_in(fact) for fact in facts_of(old) if fact.sequence == old.sequence
    ]
    again = []
    for model in fact_models():
        again += model.objects.filter(
            withdrawn_at=old.recorded_at, withdrawn_by=old.recorded_by
        ).exclude(sequence=old.sequence)
    copies = [actions.copy_of(fact) for fact in sorted(again, key=place_in_time)]
    leaving = {(type(fact), fact.pk) for fact in recorded}
    for fact in copies:
        make_room(fact, leaving)
    if recorded or copies:
        actions.rewrite(withdrawn=recorded, recorded=copies, reason=UNDONE, entry=new)


def place_in_time(fact):
    day = getattr(fact, "effective_on", None)
    return (day.isoformat() if day else "", getattr(fact, "day_order", 0), fact.pk)


def make_room(fact, leaving):
    """Let a fact take the last place of its day where another has its own by now."""
    if not isinstance(fact, Fact):
        return
    there = (
        type(fact)
        .objects.known()
        .filter(
            **{fact.owner: getattr(fact, f"{fact.owner}_id")},
            effective_on=fact.effective_on,
            day_order=fact.day_order,
        )
    )
    if any(
        (type(fact), key) not in leaving for key in there.values_list("pk", flat=True)
    ):
        fact.day_order = None


def projects_of(facts):
    return {fact.project_id for fact in facts if fact.owner == "project"}


# Rows


def undo_row(one, touched):
    """Give a row back what it held before the write; a new one goes, a lost one comes.

    Raises ValidationError.
    """
    before, row = one.before, one.current
    if before is not None and row is not None:
        restore(row, before, touched=touched)
    elif before is not None:
        recreate(before, touched=touched)
    elif row is not None:
        discard(row)


def discard(row):
    """Take a row away that the write made; what can only be withdrawn is withdrawn."""
    if hasattr(row, "withdrawn_at"):
        alone = [field for field in row._meta.fields if field.one_to_one]
        values = {field.name: None for field in alone}
        if hasattr(row, "is_published"):
            values["is_published"] = False
        write(row, withdrawn_at=writing.open_entry().recorded_at, **values)
    else:
        writing.remove(row)


def refuse_additions(touched, facts, old):
    """Raise ValidationError where what another write made stands on a row of this one.

    `facts` are those of the write, or what stands for them by now.
    """
    made = defaultdict(list)
    for one in touched.values():
        if one.before is None:
            made[one.model].append(one.key)
    ours_by_model = defaultdict(set)
    for model, key in touched:
        ours_by_model[model].add(key)
    for fact in facts:
        ours_by_model[type(fact)].add(fact.pk)
    for model, every in made.items():
        for relation in model._meta.related_objects:
            ours = ours_by_model[relation.related_model]
            for keys in batches(every):
                for other in standing_on(relation, keys, old):
                    if other.pk not in ours:
                        row = getattr(other, relation.field.name)
                        if relation.many_to_many:
                            row = row.filter(pk__in=keys)[0]
                        raise ValidationError(ADDED.format(row=other, other=row))


def standing_on(relation, keys, old):
    """The rows that name one of some rows, but for facts of the write itself."""
    model, name = relation.related_model, relation.field.name
    others = model._base_manager.filter(**{f"{name}__in": keys})
    if hasattr(model, "withdrawn_at"):
        others = others.filter(withdrawn_at__isnull=True)
    if issubclass(model, Recorded):
        others = others.exclude(sequence=old.sequence)
    return others


def restore(row, before, *, names=None, version=None, touched=()):
    """Give a row the values and lists of one of its history rows; returns their names.

    `names` are the fields to be restored, all that history holds by default. What was
    merged since is named by what it became, unless it is in `touched`. Raises
    ValidationError, and Stale where `version` is not that of the row on record.
    """
    wanted = before_values(before, touched)
    lists = before_lists(before)
    if names is not None:
        wanted = {name: wanted[name] for name in wanted if name in names}
        lists = {name: lists[name] for name in lists if name in names}
    attnames = {
        row._meta.get_field(name).attname: value for name, value in wanted.items()
    }
    return write(row, version=version, lists=lists, **attnames)


def recreate(before, *, touched=()):
    """Make a row again that was removed, as one of its history rows tells it."""
    row = before.history_object
    for name, value in before_values(before, touched).items():
        setattr(row, row._meta.get_field(name).attname, value)
    last = before.instance_type.history.filter(
        **{row._meta.pk.attname: row.pk}
    ).aggregate(last=Max("version"))
    row.version = last["last"] + 1
    if hasattr(row, "set_unusable_password"):
        row.set_unusable_password()
    return writing.create(row, **before_lists(before))


def write(row, **values):
    """Change a row; a project also tells when it was changed."""
    if isinstance(row, Project):
        entry = writing.open_entry()
        return actions.edit_project(project=row, entry=entry, **values)
    return writing.change(row, **values)


def before_values(before, touched=()):
    """{name: value} of the fields of a history row; references by key."""
    row = before.history_object
    return {
        field.name: (
            standing_key(field, getattr(row, field.attname), touched)
            if field.is_relation
            else getattr(row, field.attname)
        )
        for field in before.tracked_fields
        if field.name != "version" and not field.primary_key
    }


def standing_key(field, key, touched=()):
    """The key of a row, or of what it was merged into since."""
    model = field.related_model
    names = {each.name for each in model._meta.fields}
    if key is None or "merged_into" not in names or (model, key) in touched:
        return key
    merged = model._base_manager.filter(pk=key, merged_into__isnull=False)
    return merged.values_list("merged_into", flat=True).first() or key


def before_lists(before):
    """{name: rows} of the lists of a history row, without rows that are gone since."""
    return {
        field.name: list(
            field.related_model._base_manager.filter(
                pk__in=getattr(before, field.name).values(
                    field.m2m_reverse_field_name()
                )
            )
        )
        for field in before._history_m2m_fields
    }


# References


def turn_back(old):
    """Turn facts that the write turned to another row back; returns the facts.

    Also what stood for them in turn since then.
    """
    turned = []
    for path, (former, other, keys) in old.repointed.items():
        label, _, name = path.rpartition(".")
        rows = apps.get_model(label)._base_manager
        for some in batches(keys):
            others = [
                other.pk
                for fact in withdrawn_since(rows, some, old)
                for other in stand_ins(fact)
            ]
            found = rows.filter(pk__in=[*some, *others])
            models.QuerySet.update(found.filter(**{name: other}), **{name: former})
            turned += found
    return turned


def withdrawn_since(rows, keys, old):
    if not issubclass(rows.model, Recorded):
        return []
    return rows.filter(pk__in=keys, withdrawn_at__gt=old.recorded_at)


def batches(keys):
    """Keys in portions that a statement can hold."""
    return [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]
