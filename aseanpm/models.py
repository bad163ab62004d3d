"""What belongs to no one app: sources, history, documents, what people say of a row."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from .facts import Basis, Entry, LedgerHead

__all__ = [
    "ActionPoint",
    "Comment",
    "Document",
    "Entry",
    "FeedRow",
    "HistoryRow",
    "Kept",
    "LedgerHead",
    "ListColumns",
    "LoadedRow",
    "Named",
    "NamedQuerySet",
    "SavedView",
    "Source",
    "Sourced",
    "Titled",
    "kept_history",
]


class HistoryRow(models.Model):
    """What every history row has besides its fields: the write it belongs to."""

    sequence = models.BigIntegerField(null=True, blank=True, db_index=True)

    class Meta:
        abstract = True


def kept_history(**options):
    """Field history whose rows name their write; see aseanpm/writing.py."""
    return HistoricalRecords(bases=[HistoryRow], **options)


class Kept(models.Model):
    """A row that is edited: `version` grows with each write, to tell a stale form."""

    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


class Source(Kept):
    """A document that statements are taken from."""

    class Reading(models.TextChoices):
        WHOLE = "whole", "Read in full"
        PART = "part", "Read in part"
        NONE = "none", "Not read: general knowledge"

    code = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=300)
    url = models.URLField(max_length=500, blank=True)
    date_text = models.CharField(max_length=60, blank=True)
    reading = models.CharField(max_length=5, choices=Reading)
    note = models.TextField(blank=True)
    history = kept_history()

    class Meta:
        ordering = ["code"]

    def __str__(self):
        return f"{self.code} {self.title}"


class LoadedRow(models.Model):
    """What a shipped file last said of a row, field by field.

    A field that no longer holds this was changed by a user and is left alone by the
    next load.
    """

    model = models.CharField(max_length=60)
    key = models.CharField(max_length=120)
    values = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="loaded_row_once", fields=["model", "key"])
        ]

    def __str__(self):
        return f"{self.model} {self.key}"


class Sourced(models.Model):
    """A statement with its basis and the documents it rests on."""

    basis = models.CharField(max_length=12, choices=Basis, default=Basis.DOCUMENTED)
    basis_note = models.TextField(blank=True)
    sources = models.ManyToManyField(Source, blank=True, related_name="+")

    class Meta:
        abstract = True


class Titled(models.Model):
    """A title in its own language, and in others as far as they are known.

    `title_translations` maps a language code to the title: {"vi": "Giáo dục"}.
    """

    title = models.CharField(max_length=400, blank=True)
    title_language = models.CharField(max_length=5, default="en")
    title_translations = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True


class Named(models.Model):
    """A name in its own language, and in others as far as they are known."""

    name = models.CharField(max_length=200)
    name_translations = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    def __str__(self):
        return self.name


class NamedQuerySet(models.QuerySet):
    """Rows that a person may call by code, name or alias."""

    def named(self, text):
        """The rows that `text` may mean; empty where it means none.

        Codes match in any case; a name matches whole, in any case.
        """
        return self.filter(models.Q(code__iexact=text) | models.Q(name__iexact=text))


# What people add to a project, a line or a meeting


class AboutQuerySet(models.QuerySet):
    def standing(self):
        return self.filter(withdrawn_at__isnull=True)

    def about(self, row):
        """What was said about a project, a line or a meeting."""
        return self.filter(**{row._meta.model_name.removeprefix("action"): row})


class About(Kept):
    """Something about one project, one line or one meeting.

    Withdrawn rows are kept and shown to nobody but in the history.
    """

    project = models.ForeignKey(
        "projects.Project", on_delete=models.PROTECT, null=True, blank=True
    )
    line = models.ForeignKey(
        "workplans.ActionLine", on_delete=models.PROTECT, null=True, blank=True
    )
    meeting = models.ForeignKey(
        "workplans.Meeting", on_delete=models.PROTECT, null=True, blank=True
    )
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = AboutQuerySet.as_manager()

    class Meta:
        abstract = True
        default_related_name = "%(class)ss"
        constraints = [
            models.CheckConstraint(
                name="%(class)s_is_about_one_thing",
                condition=Q(project__isnull=False, line__isnull=True, meeting=None)
                | Q(project__isnull=True, line__isnull=False, meeting=None)
                | Q(project__isnull=True, line__isnull=True, meeting__isnull=False),
                violation_error_message="Name one project, one line or one meeting.",
            )
        ]

    @property
    def about(self):
        return self.project or self.line or self.meeting


class Comment(About):
    """A remark. Internal ones are for the secretariat and the coordinators of a row."""

    text = models.TextField()
    is_internal = models.BooleanField(default=True)
    mentions = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="mentioned_in"
    )
    history = kept_history(m2m_fields=["mentions"])

    class Meta(About.Meta):
        ordering = ["recorded_at", "pk"]

    def __str__(self):
        return self.text


class ActionPoint(About):
    """What somebody promised to do, by when. `who` names one outside the system."""

    text = models.CharField(max_length=300)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="action_points",
    )
    who = models.CharField(max_length=200, blank=True)
    due = models.DateField(null=True, blank=True)
    is_internal = models.BooleanField(default=True)
    done_on = models.DateField(null=True, blank=True)
    history = kept_history()

    class Meta(About.Meta):
        ordering = ["due", "pk"]

    def __str__(self):
        return self.text


def random_name(document, filename):
    """Where a file lies: a name that says nothing and cannot be guessed."""
    return f"documents/{secrets.token_hex(16)}"


class Document(About):
    """A file of a project or a meeting, given out only through the permission gate."""

    title = models.CharField(max_length=200)
    file = models.FileField(upload_to=random_name, max_length=100)
    file_name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    is_public = models.BooleanField(default=False)
    history = kept_history()

    class Meta(About.Meta):
        ordering = ["title", "pk"]

    def __str__(self):
        return self.title


# What changed for whom


class FeedRow(models.Model):
    """What an audience is told of a record, as a digest; '' where nothing any more.

    `sequence` is the last write that changed it, `told_since` the write from which on
    it is told without a break. See aseanpm/feed.py.
    """

    audience = models.CharField(max_length=32)
    kind = models.CharField(max_length=20)
    code = models.CharField(max_length=120)
    digest = models.CharField(max_length=32, blank=True)
    sequence = models.BigIntegerField()
    told_since = models.BigIntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="feed_row_once", fields=["kind", "code", "audience"]
            )
        ]
        indexes = [models.Index(name="feed_in_order", fields=["audience", "sequence"])]

    def __str__(self):
        return f"{self.kind} {self.code} for {self.audience}"


# How a person likes to see a list


class SavedViewQuerySet(models.QuerySet):
    def visible_to(self, user):
        """One's own, and for the secretariat those that colleagues share."""
        own = Q(owner=user)
        return self.filter(own | Q(is_shared=True) if user.is_secretariat else own)


class SavedView(models.Model):
    """A list with its filters, order and columns under a name, for one or for all."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    list_name = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000, blank=True)
    columns = models.JSONField(default=list, blank=True)
    is_shared = models.BooleanField(default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                name="saved_view_name_once",
                fields=["owner", "list_name", "name"],
                violation_error_message="You have a view of this name.",
            )
        ]

    def __str__(self):
        return self.name


class ListColumns(models.Model):
    """Which columns a person wants to see in a list, in order."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_columns"
    )
    list_name = models.CharField(max_length=40)
    columns = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="list_columns_once", fields=["user", "list_name"]
            )
        ]

    def __str__(self):
        return f"{self.list_name} of {self.user}"
