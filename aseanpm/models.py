"""What belongs to no one app: sources, and what was loaded from the shipped files."""

from django.db import models

from .facts import Basis, LedgerHead

__all__ = [
    "LedgerHead",
    "LoadedRow",
    "Named",
    "NamedQuerySet",
    "Source",
    "Sourced",
    "Titled",
]


class Source(models.Model):
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
