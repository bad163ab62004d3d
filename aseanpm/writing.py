"""How rows that are no facts are written: each change kept, none overwritten unseen.

All happens inside a `ledger_entry`, whose lock makes writers wait for each other. The
history row of every change carries the entry's sequence, author, moment and reason.
"""

import datetime as dt

from django.db.models import signals

from .facts import open_entry
from .fields import SearchTextField

AS_FOUND = "As it was before its first change on record"


class Stale(Exception):
    """Somebody saved the row since it was opened. `current` is the row as it is now."""

    def __init__(self, current):
        super().__init__(f"{current} was changed meanwhile.")
        self.current = current


def create(row, **lists):
    """Save a new row and its many-to-many lists. Raises ValidationError."""
    row.full_clean()
    row.save(force_insert=True)
    for name, values in lists.items():
        getattr(row, name).set(values)
    return row


def change(row, *, version=None, lists=None, **values):
    """Write new values of fields and lists; returns the names of what changed.

    `row` itself takes them over. Raises Stale where `version` is not that of the row
    on record, ValidationError where the model objects, and then writes nothing.
    """
    current = locked(row, version)
    changed = [name for name in values if getattr(current, name) != values[name]]
    relisted = {
        name: wanted
        for name, wanted in (lists or {}).items()
        if set(getattr(current, name).all()) != set(wanted)
    }
    if not changed and not relisted:
        return []
    keep_first(current)
    for name in changed:
        setattr(current, name, values[name])
    current.version += 1
    current.full_clean()
    current.save(update_fields=[*changed, "version", *searchable(current)])
    for name, wanted in relisted.items():
        getattr(current, name).set(wanted)
    for name in (*changed, "version"):
        setattr(row, name, getattr(current, name))
    return [*changed, *relisted]


def remove(row, *, version=None):
    """Delete a row that no fact stands on; its history stays and can restore it."""
    current = locked(row, version)
    keep_first(current)
    current.delete()


def locked(row, version=None):
    """The row on record, locked until the write ends. Raises Stale."""
    current = type(row)._base_manager.select_for_update().get(pk=row.pk)
    if version is not None and current.version != version:
        raise Stale(current)
    return current


def keep_first(row):
    """Write down how a row without history stands, before it is changed."""
    if row.history.exists():
        return
    row.is_as_found = True
    signals.post_save.send(type(row), instance=row, created=True, using=row._state.db)
    del row.is_as_found


def searchable(row):
    return (
        field.name for field in row._meta.fields if isinstance(field, SearchTextField)
    )


def stamp_history(instance, history_instance, **_):
    """Give a history row the stamps of the write that is open (a receiver)."""
    entry = open_entry()
    if entry is None:
        return
    if hasattr(instance, "is_as_found"):
        history_instance.history_date = entry.recorded_at - dt.timedelta(microseconds=1)
        history_instance.history_change_reason = AS_FOUND
        return
    history_instance.sequence = entry.sequence
    history_instance.history_date = entry.recorded_at
    history_instance.history_user = entry.recorded_by
    history_instance.history_change_reason = entry.reason or entry.what
