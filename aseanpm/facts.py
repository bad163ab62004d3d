"""The two clocks: when a thing became true, and when we wrote it down.

What a figure rests on is a fact. A fact is never edited and never deleted: a
development is a further fact, a correction withdraws one and records another. So
every figure can be asked for a day (what was true) and a moment (what we knew).
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from structlog.contextvars import get_contextvars

FOUNDED = dt.date(1967, 8, 8)  # ASEAN; a day before it is a slip


class Basis(models.TextChoices):
    """On what a statement rests. Unverified: general knowledge, not yet checked."""

    DOCUMENTED = "documented", "Documented"
    ASSUMED = "assumed", "Assumed"
    UNVERIFIED = "unverified", "Unverified"
    ILLUSTRATIVE = "illustrative", "Illustrative"


class Precision(models.TextChoices):
    """How exactly a date is known; a coarse date stands on its period's last day."""

    DAY = "day", "Day"
    MONTH = "month", "Month"
    YEAR = "year", "Year"


def shown_date(day, precision=Precision.DAY):
    """A date as it may honestly be shown: 2021-09-30, 2021-09 or 2021."""
    if day is None:
        return None
    return day.isoformat()[: {"day": 10, "month": 7, "year": 4}[precision]]


def end_of_day(day):
    """The last instant of a day in Jakarta, where "as of" is decided."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.max))


def check_range(moment):
    """Raise OverflowError for a moment that no calendar of ours holds."""
    moment.astimezone(dt.UTC)
    timezone.localtime(moment)


class UnreadableClock(ValueError):
    """A date or moment that cannot be used; `field` names the parameter."""

    def __init__(self, field, message):
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Clock:
    """A question's two dates. `Clock()` is now: all that is true, all that is known.

    `day` is a date in Jakarta. `known_at` is an aware moment; `known_text` is how it
    was written, so that links repeat the question as it was put.
    """

    day: dt.date | None = None
    known_at: dt.datetime | None = None
    known_text: str = ""

    @classmethod
    def read(cls, parameters):
        """The clock of a request's parameters; raises UnreadableClock."""
        return cls(
            day=cls._read_day(parameters.get("as_of", "").strip()),
            known_at=cls._read_moment(parameters.get("known_at", "").strip()),
            known_text=parameters.get("known_at", "").strip(),
        )

    @staticmethod
    def _read_day(text):
        if not text:
            return None
        message = f"“{text}” is not a date. Write it as 2022-09-22."
        try:
            day = dt.datetime.strptime(text, "%Y-%m-%d").date()
        except ValueError as error:
            raise UnreadableClock("as_of", message) from error
        if len(text) != 10 or not text.isascii():
            raise UnreadableClock("as_of", message)
        if day > timezone.localdate():
            raise UnreadableClock(
                "as_of", f"{text} is after today. Figures end with the last record."
            )
        return day

    @staticmethod
    def _read_moment(text):
        if not text:
            return None
        hint = "Write a date (2022-09-22) or a moment with its offset."
        try:
            if not text.isascii():
                raise ValueError(text)
            if len(text) == 10:
                return end_of_day(dt.datetime.strptime(text, "%Y-%m-%d").date())
            if " " in text and "T" in text:
                text = text.replace(" ", "+")
            moment = dt.datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                check_range(moment)
        except (ValueError, OverflowError) as error:
            message = f"“{text}” is not a moment. {hint}"
            raise UnreadableClock("known_at", message) from error
        if moment.tzinfo is None:
            message = f"“{text}” has no offset from UTC. {hint}"
            raise UnreadableClock("known_at", message)
        return moment

    @property
    def is_now(self):
        return self.day is None and self.known_at is None

    @property
    def last_day(self):
        """The day that is asked about, in full: today unless another was named."""
        if self.day:
            return self.day
        if self.known_at:
            return min(timezone.localdate(self.known_at), timezone.localdate())
        return timezone.localdate()

    @property
    def parameters(self):
        """The clock as query parameters, to be kept in links."""
        written = {
            "as_of": self.day.isoformat() if self.day else "",
            "known_at": self.known_text
            or (self.known_at.isoformat() if self.known_at else ""),
        }
        return {name: text for name, text in written.items() if text}

    @property
    def query(self):
        return urlencode(self.parameters)


class LedgerHead(models.Model):
    """One row that every write locks first, so that recording order is commit order."""

    sequence = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField()

    class Meta:
        app_label = "aseanpm"

    def __str__(self):
        return f"entry {self.sequence}"


class Entry(models.Model):
    """One write: who did what, when, why, and in which request.

    The facts and the history rows of the write carry its `sequence`. `submission` names
    the form that was sent, so that sending it again writes nothing; `opens` is the
    address at which what was written is seen. A private write, about who signs in and
    how, is for its writer and administrators. `repointed` lists references that were
    turned to another row: {"app.Model.field": [from, to, [keys of the rows]]}.
    """

    sequence = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField(db_index=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    what = models.CharField(max_length=300, blank=True)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    submission = models.CharField(max_length=80, null=True, blank=True, unique=True)
    content_hash = models.CharField(max_length=64, blank=True)
    opens = models.TextField(blank=True)
    is_private = models.BooleanField(default=False)
    can_be_undone = models.BooleanField(default=False)
    repointed = models.JSONField(default=dict, blank=True)
    undoes = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="undone_by",
    )

    class Meta:
        app_label = "aseanpm"
        ordering = ["-sequence"]
        verbose_name_plural = "entries"

    def __str__(self):
        return self.what or f"entry {self.sequence}"

    @property
    def turns(self):
        """The writes that undid this one, did it again, and so on; a query for each."""
        found, entry = [], self
        while entry := getattr(entry, "undone_by", None):
            found.append(entry)
        return found

    @property
    def is_undone(self):
        return len(self.turns) % 2 == 1

    @property
    def stamps(self):
        return {
            "sequence": self.sequence,
            "recorded_at": self.recorded_at,
            "recorded_by": self.recorded_by,
        }


class AlreadyRecorded(Exception):
    """The same form was sent before; `entry` is what it wrote."""

    def __init__(self, entry):
        super().__init__(str(entry))
        self.entry = entry


class SentBefore(Exception):
    """A form was sent again with other content; `entry` is what it wrote at first."""

    def __init__(self, entry):
        super().__init__(str(entry))
        self.entry = entry


_open_entry: ContextVar[Entry | None] = ContextVar("open_entry", default=None)
BEFORE_COMMIT: list[Callable] = []  # called with the entry, inside its transaction


def open_entry():
    """The write that is going on in this thread, or None."""
    return _open_entry.get()


def touched(model, keys):
    """Tell the open write, if there is one, that it touches rows of a model."""
    if entry := open_entry():
        entry.touched[model].update(keys)


def touched_row(row):
    """Tell the open write that it touches a row, and the record that owns it."""
    touched(type(row), [row.pk])
    owner = getattr(row, "owner", "project")
    if key := getattr(row, f"{owner}_id", None):
        touched(row._meta.get_field(owner).related_model, [key])


@contextmanager
def ledger_entry(
    by=None,
    recorded_at=None,
    *,
    what="",
    reason="",
    submission=None,
    content_hash="",
    undoes=None,
):
    """Open one atomic write and hand out its stamps.

    Locks the ledger head until commit, so that no later entry is stamped earlier.
    `submission` is a key that the sender chose: raises AlreadyRecorded where `by` sent
    it before with the same content, SentBefore where with another. Only loaders and
    restore may pass `recorded_at`.
    """
    with transaction.atomic():
        LedgerHead.objects.bulk_create(
            [LedgerHead(pk=1, recorded_at=dt.datetime(2000, 1, 1, tzinfo=dt.UTC))],
            ignore_conflicts=True,
        )
        head = LedgerHead.objects.select_for_update().get(pk=1)
        key = f"{by.pk}:{submission}" if by and submission else None
        before = key and Entry.objects.filter(submission=key).first()
        if before:
            same = before.content_hash == content_hash
            raise AlreadyRecorded(before) if same else SentBefore(before)
        tick = dt.timedelta(microseconds=1)
        last_moment = head.recorded_at
        moment = recorded_at or max(timezone.now(), last_moment + tick)
        head.sequence += 1
        head.recorded_at = max(head.recorded_at, moment)
        head.save(update_fields=["sequence", "recorded_at"])
        entry = Entry.objects.create(
            sequence=head.sequence,
            recorded_at=moment,
            recorded_by=by,
            what=what,
            reason=reason,
            request_id=get_contextvars().get("request_id", ""),
            submission=key,
            content_hash=content_hash,
            undoes=undoes,
        )
        entry.touched = defaultdict(set)
        entry.last_moment = last_moment
        outer = _open_entry.set(entry)
        try:
            yield entry
        finally:
            _open_entry.reset(outer)
        for settle in BEFORE_COMMIT:
            settle(entry)
        if by or what:
            entry.save(force_update=True)


class FactsAreKept(TypeError):
    """Somebody tried to edit or delete what may only be withdrawn."""


class RecordedQuerySet(models.QuerySet):
    """Rows with a recording clock. Their history is the product: none is deleted."""

    def known(self, at=None):
        """What was on record at a moment; without one, what is on record now."""
        if at is None:
            return self.filter(withdrawn_at__isnull=True)
        return self.filter(
            Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=at), recorded_at__lte=at
        )

    def bulk_create(self, rows, *args, **options):
        created = super().bulk_create(rows, *args, **options)
        for row in created:
            touched_row(row)
        return created

    def withdraw(self, entry, reason):
        """Mark rows as wrong from this entry on; returns how many."""
        for row in self:
            touched_row(row)
        return super().update(
            withdrawn_at=entry.recorded_at,
            withdrawn_by=entry.recorded_by,
            withdrawal_reason=reason,
        )

    def update(self, **values):
        raise FactsAreKept("A fact is not edited: withdraw it and record another.")

    def delete(self):
        raise FactsAreKept("A fact is not deleted: withdraw it.")

    delete.queryset_only = True  # type: ignore[attr-defined]


class FactQuerySet(RecordedQuerySet):
    """Rows on both clocks."""

    def effective(self, on=None):
        """What had become true by the end of a day; without one, all of it."""
        return self if on is None else self.filter(effective_on__lte=on)

    def at(self, clock):
        """What was true on the clock's day, as known at its moment."""
        return self.known(clock.known_at).effective(clock.day)

    def latest_first(self):
        """In the stated order of two facts on one day; never by id or recording."""
        return self.order_by("-effective_on", "-day_order")


class Recorded(models.Model):
    """A row on the recording clock alone: it holds for all time until withdrawn.

    `owner` names the field of what the fact is about.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    basis = models.CharField(
        max_length=12, choices=Basis, default=Basis.DOCUMENTED, db_index=False
    )
    source = models.ForeignKey(
        "aseanpm.Source",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    note = models.TextField(blank=True)
    sequence = models.BigIntegerField(editable=False)
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    withdrawal_reason = models.TextField(blank=True, editable=False)

    owner = "project"

    objects = RecordedQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_withdrawn_after_recorded",
                condition=Q(withdrawn_at__isnull=True)
                | Q(withdrawn_at__gte=F("recorded_at")),
                violation_error_message="A fact is withdrawn after it was recorded.",
            )
        ]

    def save(self, *args, **options):
        if not self._state.adding:
            raise FactsAreKept("A fact is not edited: withdraw it and record another.")
        super().save(*args, **options)
        touched_row(self)

    def delete(self, *args, **options):
        raise FactsAreKept("A fact is not deleted: withdraw it.")


class Fact(Recorded):
    """A row on both clocks. `effective_on` is a date in Jakarta, never after today."""

    effective_on = models.DateField()
    day_order = models.PositiveSmallIntegerField(
        default=0, help_text="Its place among the facts of its kind on that day."
    )

    objects = FactQuerySet.as_manager()

    class Meta(Recorded.Meta):
        abstract = True

    def clean(self):
        super().clean()
        if self.effective_on and self.effective_on > timezone.localdate():
            raise ValidationError(
                {"effective_on": "A fact is not dated after today; plan it instead."}
            )
        if self.effective_on and self.effective_on < FOUNDED:
            message = "ASEAN was founded on 8 August 1967, after that day."
            raise ValidationError({"effective_on": message})


def one_order_per_day(*owner):
    """The constraint that two standing facts never share a place in the day."""
    return models.UniqueConstraint(
        name="%(app_label)s_%(class)s_day_order",
        fields=[*(owner or ["project"]), "effective_on", "day_order"],
        condition=Q(withdrawn_at__isnull=True),
        violation_error_message="Another fact already has this place in the day.",
    )
