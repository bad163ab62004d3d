"""Pages that write partners, countries and the rest, and where all of it is found."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import models
from django.urls import reverse
from django.views.generic import TemplateView

from aseanpm.editing import ReferenceView, by_key, key_of, name_of
from aseanpm.fields import fold
from aseanpm.filters import without_tags
from aseanpm.models import Source
from aseanpm.pages import Figure, address, page_of, row_or_404
from aseanpm.problems import BadQuery, FieldError, refuse_repeated, refuse_unknown
from aseanpm.templatetags.aseanpm import history_address
from aseanpm.workplace import WorkMixin
from workplans.models import (
    ActionLine,
    Body,
    Framework,
    Programme,
    Statement,
    StrategicArea,
    Theme,
    WorkPlan,
)

from .models import Country, FocalPoint, Fund, Grouping, Organisation, Partner


class FocalPointView(ReferenceView):
    """An office has no code: the address holds a digest of its key."""

    def get_object(self):
        found = by_key(self.rows, self.kwargs["code"])
        return found or row_or_404(self.rows.none(), office=self.kwargs["code"])


@dataclass(frozen=True)
class Kind:
    """One kind of row, by the stem of its routes: where it is made and edited.

    What is part of something else (`new` is False) is made on that page.
    """

    slug: str
    label: str
    model: type[models.Model]
    stem: str
    new: bool = True
    merge: str = ""
    code_of: Callable = lambda row: row.code

    @property
    def rows(self):
        rows = self.model._default_manager.all()
        if self.model is FocalPoint:
            return rows.select_related("country", "area", "line")
        return rows

    @property
    def new_url(self):
        return reverse(f"{self.stem}-new") if self.new else ""

    def told(self, row):
        """A row of the list: what it is called, its page, and where it is edited."""
        return {
            "code": row.of if self.model is FocalPoint else row.code,
            "name": name_of(row),
            "language": getattr(row, "title_language", "en"),
            "page": row.get_absolute_url() if hasattr(row, "get_absolute_url") else "",
            "edit": reverse(f"{self.stem}-edit", args=[self.code_of(row)]),
            "merge": reverse(self.merge, args=[row.code]) if self.merge else "",
            "history": history_address(row) if hasattr(row, "history") else "",
        }

    def matching(self, words):
        """Its rows that hold every word in code, name, translation or alias."""
        rows = self.rows
        if hasattr(self.model, "aliases"):
            rows = rows.prefetch_related("aliases")
        return [row for row in rows if all(word in text_of(row) for word in words)]


def text_of(row):
    texts = [getattr(row, "code", ""), name_of(row), getattr(row, "office", "")]
    for name in ("title_translations", "name_translations"):
        texts += getattr(row, name, {}).values()
    if hasattr(row, "aliases"):
        texts += [alias.name for alias in row.aliases.all()]
    return fold(" ".join(texts))


KINDS = (
    Kind("plans", "Work plans", WorkPlan, "workplans:plan"),
    Kind("areas", "Strategic areas", StrategicArea, "workplans:area", new=False),
    Kind("lines", "Lines", ActionLine, "workplans:line", new=False),
    Kind("programmes", "Programmes", Programme, "workplans:programme"),
    Kind("partners", "Partners", Partner, "partners:partner", merge="partners:merge"),
    Kind("funds", "Funds", Fund, "partners:fund"),
    Kind(
        "organisations",
        "Organisations",
        Organisation,
        "partners:organisation",
        merge="partners:organisation-merge",
    ),
    Kind("countries", "Countries", Country, "partners:country", new=False),
    Kind("groupings", "Groupings", Grouping, "partners:grouping"),
    Kind(
        "focal-points",
        "Focal points",
        FocalPoint,
        "partners:focal-point",
        code_of=key_of,
    ),
    Kind("bodies", "Bodies that meet", Body, "workplans:body"),
    Kind("themes", "Themes", Theme, "workplans:theme"),
    Kind("frameworks", "Frameworks", Framework, "workplans:framework"),
    Kind("statements", "Statements", Statement, "workplans:statement"),
    Kind("sources", "Sources", Source, "partners:source"),
)
BY_SLUG = {kind.slug: kind for kind in KINDS}


class ReferenceIndexView(WorkMixin, TemplateView):
    """All kinds of rows with their numbers; the rows of one kind, or of a search."""

    template_name = "partners/reference.html"
    resource = "reference"
    action = "view"

    def get_context_data(self, **context):
        asked = self.request.GET
        refuse_unknown(without_tags(asked), {"search", "kind", "page"})
        refuse_repeated(asked)
        text = asked.get("search", "").strip()
        chosen = self.kind(asked.get("kind", ""))
        found = []
        if chosen or text:
            words = fold(text).split()
            for kind in [chosen] if chosen else KINDS:
                found += [(kind, row) for row in kind.matching(words)]
        page = page_of(self.request, found)
        return super().get_context_data(
            search=text,
            chosen=chosen,
            asked=bool(chosen or text),
            kinds=[self.told(kind) for kind in KINDS],
            page_obj=page,
            rows=[kind.told(row) | {"kind": kind} for kind, row in page],
            **context,
        )

    @staticmethod
    def kind(slug):
        if slug and slug not in BY_SLUG:
            known = ", ".join(BY_SLUG)
            message = f"“{slug}” is no kind of reference data. Known: {known}."
            raise BadQuery([FieldError("kind", message)])
        return BY_SLUG.get(slug)

    @staticmethod
    def told(kind):
        url = address("partners:reference", kind=kind.slug)
        return {"kind": kind, "of": Figure(count=kind.rows.count(), url=url)}
