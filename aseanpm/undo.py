"""Taking back one write as a whole: its facts, its rows, its references.

Nothing is erased: facts of the write are withdrawn, those that it withdrew are recorded
anew, rows get their former values by a further change with its own history.
"""

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from projects import actions

from . import writing
from .facts import Entry, Recorded, ledger_entry

LATER = "“{row}” was changed after that by {who}; undo that first."


def undo(*, entry, by, check=None):
    """Take back a write; returns the new entry. `check` is called under the lock.

    Raises ValidationError, and changes nothing, where the write cannot be undone, was
    undone before, or where something of it was changed since.
    """
    with ledger_entry(by, what=f"Undo: {entry.what}"[:300], undoes=None) as new:
        if check:
            check()
        old = Entry.objects.select_for_update().get(pk=entry.pk)
        if not old.can_be_undone:
            raise ValidationError("This cannot be undone.")
        if Entry.objects.filter(undoes=old).exists():
            raise ValidationError("This was undone before.")
        new.undoes = old
        new.reason = new.what
        new.opens = old.opens
        refuse_later_changes(old)
        turn_back(old)
        undo_facts(old, new)
        undo_rows(old)
    return new


def fact_models():
    return [model for model in apps.get_models() if issubclass(model, Recorded)]


def kept_models():
    return [model for model in apps.get_models() if hasattr(model, "history")]


# Facts


def undo_facts(old, new):
    """Withdraw what the write recorded and record anew what it withdrew."""
    recorded, withdrawn = [], []
    for model in fact_models():
        recorded += model.objects.known().filter(sequence=old.sequence)
        withdrawn += model.objects.filter(
            withdrawn_at=old.recorded_at, withdrawn_by=old.recorded_by
        )
    again = [actions.copy_of(fact) for fact in withdrawn]
    if recorded or again:
        actions.rewrite(withdrawn=recorded, recorded=again, reason=new.what, entry=new)


# Rows


def histories(old):
    """{(model, key): its history rows of this write, oldest first}."""
    found = {}
    for model in kept_models():
        rows = model.history.filter(sequence=old.sequence).order_by("history_id")
        for row in rows:
            found.setdefault((model, getattr(row, model._meta.pk.attname)), []).append(
                row
            )
    return found


def refuse_later_changes(old):
    for model, key in histories(old):
        last = model.history.filter(**{model._meta.pk.attname: key}).first()
        if last.sequence != old.sequence:
            who = last.history_user or "somebody"
            raise ValidationError(LATER.format(row=last.instance, who=who))
    for model in fact_models():
        gone = model.objects.filter(
            sequence=old.sequence, withdrawn_at__isnull=False
        ).first()
        if gone:
            raise ValidationError(LATER.format(row=gone, who=gone.withdrawn_by))


def undo_rows(old):
    """Give rows back their values from before the write; new rows go, lost ones come.

    A project that the write made stays, without its facts, and is withdrawn.
    """
    for (model, key), rows in histories(old).items():
        before = rows[0].prev_record
        row = model._base_manager.filter(pk=key).first()
        if before is None and row is not None:
            discard(row)
        elif row is None:
            before.instance.save(force_insert=True)
        elif before is not None:
            restore(row, before)


def discard(row):
    if hasattr(row, "withdrawn_at"):
        entry = writing.open_entry()
        writing.change(row, withdrawn_at=entry.recorded_at)
    else:
        writing.remove(row)


def restore(row, before):
    """Give a row the values and lists of one of its history rows."""
    tracked = before.tracked_fields
    skipped = {"version", row._meta.pk.name}
    values = {
        field.name: getattr(before.instance, field.name)
        for field in tracked
        if field.name not in skipped
    }
    lists = {
        field.name: [
            getattr(link, field.m2m_reverse_field_name())
            for link in getattr(before, field.name).all()
        ]
        for field in before._history_m2m_fields
    }
    return writing.change(row, lists=lists, **values)


# References


def turn_back(old):
    """Turn references that the write turned to another row back to the former one."""
    for path, (former, other, keys) in old.repointed.items():
        label, _, name = path.rpartition(".")
        rows = apps.get_model(label)._base_manager.filter(pk__in=keys, **{name: other})
        models.QuerySet.update(rows, **{name: former})
