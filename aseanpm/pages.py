"""What all pages share: the clock, strict parameters, and figures that open records."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.core.paginator import InvalidPage, Paginator
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.views.generic.base import ContextMixin

from .facts import Clock
from .filters import CLOCK, read_clock, without_tags
from .problems import BadQuery, FieldError, refuse_repeated, refuse_unknown

PAGE_SIZE = 25


@dataclass(frozen=True)
class Figure:
    """A number that opens the records it was made of.

    `count` is what the opened list must repeat: its length, or its sum in dollars.
    None is unknown and opens nothing.
    """

    count: int | Decimal | None
    url: str
    label: str = ""
    text: str = ""

    @property
    def value(self):
        return self.text or (None if self.count is None else f"{self.count:,}")


def address(name, *arguments, clock=None, **parameters):
    """The address of a page with its filters and the clock: lists repeat, None goes."""
    query = {
        key: value for key, value in parameters.items() if value not in (None, "", [])
    }
    query |= clock.parameters if clock else {}
    text = urlencode(query, doseq=True)
    return reverse(name, args=arguments) + (f"?{text}" if text else "")


def twin(name, asked, *arguments, but=()):
    """The address in the API of the list on a page, by the page's parameters.

    Without those that mailings add, the page's own, and further names in `but`.
    """
    gone = {"page", "columns", *but}
    query = {
        key: texts
        for key in without_tags(asked)
        if key not in gone and (texts := [text for text in asked.getlist(key) if text])
    }
    return address(f"api:{name}", *arguments, **query)


class ClockMixin(ContextMixin):
    """A page that takes ?as_of= and ?known_at= and refuses what it does not know.

    `parameters` names what else the page reads.
    """

    parameters: tuple[str, ...] = ()

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.clock = Clock()
        request.clock = self.clock

    def dispatch(self, request, *args, **kwargs):
        self.check_parameters(request.GET)
        refuse_repeated(request.GET)
        self.clock = request.clock = self.read_clock(request.GET)
        return super().dispatch(request, *args, **kwargs)

    @staticmethod
    def read_clock(parameters):
        """The clock; today, where nothing else is asked, is now."""
        clock = read_clock(parameters)
        today = clock.day == timezone.localdate() and clock.known_at is None
        return Clock() if today else clock

    def check_parameters(self, parameters):
        refuse_unknown(without_tags(parameters), {*CLOCK, *self.parameters})

    def address(self, name, *arguments, **parameters):
        return address(name, *arguments, clock=self.clock, **parameters)

    def figure(self, count, name, *arguments, label="", text="", **parameters):
        """A Figure that opens the list `name` with these filters, at this clock."""
        url = self.address(name, *arguments, **parameters)
        return Figure(count=count, url=url, label=label, text=text)


def page_of(request, rows, size=PAGE_SIZE):
    """The page that ?page= asks for; raises BadQuery for one that is not there."""
    try:
        return Paginator(rows, size).page(request.GET.get("page") or 1)
    except InvalidPage as error:
        message = f"“{request.GET['page']}” is not a page of this list."
        raise BadQuery([FieldError("page", message)]) from error


def row_or_404(rows, **lookup):
    """The one row, or Http404 naming what was asked for."""
    try:
        return rows.get(**lookup)
    except rows.model.DoesNotExist as error:
        asked = ", ".join(str(value) for value in lookup.values())
        name = rows.model._meta.verbose_name
        raise Http404(f"There is no {name} “{asked}”.") from error


def page_context(request):
    """For every template: the clock, and the query parameters that a form keeps."""
    kept = [
        (name, value)
        for name, values in request.GET.lists()
        for value in values
        if name not in CLOCK and name != "page"
    ]
    return {"clock": getattr(request, "clock", Clock()), "kept": kept}
