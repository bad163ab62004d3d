"""How rows that are no facts are written: each change kept, none overwritten unseen.

All happens inside a `ledger_entry`, whose lock makes writers wait for each other. The
history row of every change carries the entry's sequence, author, moment and reason.
"""

import datetime as dt
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import ProtectedError, signals
from django.db.models.deletion import Collector

from .facts import open_entry, touched_row
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
    refuse_merged(row)
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
    refuse_merged(current)
    current.save(update_fields=[*changed, "version", *searchable(current)])
    for name, wanted in relisted.items():
        getattr(current, name).set(wanted)
    for name in (*changed, "version"):
        setattr(row, name, getattr(current, name))
    return [*changed, *relisted]


def renew(row):
    """Give a row its next version: something that is written with it has changed."""
    current = locked(row)
    keep_first(current)
    current.version += 1
    current.save(update_fields=["version"])
    row.version = current.version


def remove(row, *, version=None):
    """Delete a row and its parts; their history stays and can restore them.

    Raises Stale, and ValidationError where other records stand on the row.
    """
    current = locked(row, version)
    going = Collector(using=current._state.db, origin=current)
    try:
        going.collect([current])
    except ProtectedError as error:
        other = next(iter(error.protected_objects))
        message = f"“{current}” cannot be taken away: “{other}” stands on it."
        if getattr(other, "withdrawn_at", None):
            message = (
                f"“{current}” stays on record: “{other}” names it, and what was "
                "withdrawn is kept. Say in its note that it was a mistake."
            )
        raise ValidationError(message) from error
    for each in (row for rows in going.data.values() for row in rows):
        if hasattr(each, "history"):
            keep_first(each)
    going.delete()


def refuse_merged(row):
    """Raise ValidationError where a row or fact names what was merged into another.

    Asked under the lock: it may have been merged since the form was opened.
    """
    for field in row._meta.fields:
        model = field.related_model
        if field.name == "merged_into" or not hasattr(model, "merged_into"):
            continue
        named = model._base_manager.filter(pk=getattr(row, field.attname))
        for merged in named.filter(merged_into__isnull=False):
            message = f"“{merged}” was merged into “{merged.merged_into}”: name that."
            raise ValidationError({field.name: message})


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
    """Give a history row the stamps of the write that is open (a receiver).

    What it is about counts as touched.
    """
    entry = open_entry()
    if entry is None:
        return
    touched_row(instance)
    if hasattr(instance, "is_as_found"):
        history_instance.history_date = entry.recorded_at - dt.timedelta(microseconds=1)
        history_instance.history_change_reason = AS_FOUND
        return
    history_instance.sequence = entry.sequence
    history_instance.history_date = entry.recorded_at
    history_instance.history_user = entry.recorded_by
    history_instance.history_change_reason = entry.reason or entry.what


@contextmanager
def brief_write():
    """A transaction outside of the ledger, for notes that no answer waits for.

    It waits for other writers a quarter of a second and for no disk: a power failure
    may lose the last notes, and nothing else. Raises OperationalError where it waited
    in vain.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            cursor.execute("SET LOCAL lock_timeout = '250ms'")
            yield
    else:
        with impatient_sqlite(), transaction.atomic():
            yield


@contextmanager
def impatient_sqlite():
    patience = settings.DATABASES["default"]["OPTIONS"]["timeout"] * 1000
    with connection.cursor() as cursor:
        try:
            cursor.execute("PRAGMA busy_timeout = 250")
            if settings.WAL_IS_SAFE:  # without the log, less than FULL may break it
                cursor.execute("PRAGMA synchronous = NORMAL")
            yield
        finally:
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
