"""How a person likes to see a list: its columns, and views kept under a name.

A list page and the views that keep its columns and its views are `ListMixin`s of one
list. The columns in the address win over those a person keeps; a view is nothing but
an address, so that opening one never shows more than its reader may see.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.generic import TemplateView, View
from django.views.generic.base import ContextMixin

from .filters import without_tags
from .forms import TidyMixin
from .models import ListColumns, SavedView
from .pages import row_or_404
from .permissions import can
from .problems import BadQuery, FieldError
from .workplace import WorkMixin

NOT_KEPT = ("page", "columns")  # of an address, in a view
IDENTITY = ("name", "query", "columns")


@dataclass(frozen=True)
class Column:
    """A column of a list; `shown` to whoever chose none, `fixed` always.

    `staff`: for the secretariat alone.
    """

    name: str
    label: str
    shown: bool = False
    fixed: bool = False
    staff: bool = False
    is_number: bool = False


class ListMixin(ContextMixin):
    """Something about one list: its name, route and columns."""

    list_name: str
    list_columns: tuple[Column, ...]

    @property
    def list_url(self):
        return reverse(f"{self.list_name}:list")

    def columns_for(self, user):
        """{name: Column} of all that a reader may choose from."""
        staff = can(user, "edit", self.list_name)
        return {one.name: one for one in self.list_columns if staff or not one.staff}

    def chosen_columns(self, request):
        """The Columns that a request shows, in order. Raises BadQuery."""
        allowed = self.columns_for(request.user)
        texts = request.GET.getlist("columns")
        if texts:
            return self.read_columns(texts, allowed)
        kept = self.kept_columns(request.user)
        if kept is None:
            return [one for one in allowed.values() if one.shown]
        return self.with_fixed([name for name in kept if name in allowed], allowed)

    def kept_columns(self, user):
        """The names that a reader keeps; None for whoever chose none."""
        if not can(user, "edit", "lists"):
            return None
        mine = ListColumns.objects.filter(user=user, list_name=self.list_name)
        return mine.values_list("columns", flat=True).first()

    def read_columns(self, texts, allowed):
        names = texts[0].split(",")
        unknown = [name for name in names if name not in allowed]
        if len(texts) > 1 or len(set(names)) < len(names):
            raise BadQuery([FieldError("columns", "Give each once, joined by commas.")])
        if unknown:
            message = f"“{unknown[0]}” is not a column. Known: {', '.join(allowed)}."
            raise BadQuery([FieldError("columns", message)])
        return self.with_fixed(names, allowed)

    def with_fixed(self, names, allowed):
        """The Columns of these names, after those that are always there."""
        missing = [
            one.name for one in allowed.values() if one.fixed and one.name not in names
        ]
        return [allowed[name] for name in [*missing, *names]]

    def check_query(self, parameters):
        """Raise BadQuery for parameters that the list cannot read."""
        raise NotImplementedError

    def readable(self, query):
        """(what the list can read of a query, sentences on what it cannot)."""
        asked, wrong = QueryDict(query, mutable=True), []
        for name in NOT_KEPT:
            asked.pop(name, None)
        while asked:
            try:
                self.check_query(asked)
                break
            except BadQuery as error:
                wrong += [f"{one.field}: {one.message}" for one in error.errors]
                for name in {one.field for one in error.errors} & {*asked} or {*asked}:
                    del asked[name]
        return asked, wrong


def kept_query(parameters):
    """The part of an address that a view keeps, in one order: parameters as text."""
    kept = {*without_tags(parameters)} - {*NOT_KEPT}
    pairs = [
        (name, text)
        for name in sorted(kept)
        for text in parameters.getlist(name)
        if text
    ]
    return urlencode(pairs)


class ChoosingMixin(ListMixin):
    """The list page itself: which columns, and which views there are to open."""

    def choices(self, columns):
        """The context of a reader's columns and views, in one query."""
        user = self.request.user
        chosen = {
            "shown": columns,
            "keep": [
                (name, self.request.GET[name])
                for name in ("ordering", "columns")
                if self.request.GET.get(name)
            ],
        }
        if not can(user, "edit", "lists"):
            return chosen
        query = kept_query(self.request.GET)
        names = ",".join(one.name for one in columns)
        views = SavedView.objects.visible_to(user).filter(list_name=self.list_name)
        rest = [one for one in self.columns_for(user).values() if one not in columns]
        return chosen | {
            "may_choose": True,
            "may_share": user.is_secretariat,
            "not_shown": rest,
            "view_query": query,
            "view_columns": names,
            "views": [
                {
                    "view": view,
                    "is_own": view.owner_id == user.pk,
                    "is_open": view.query == query and ",".join(view.columns) == names,
                }
                for view in views.select_related("owner")
            ],
            "columns_url": reverse(f"{self.list_name}:columns"),
            "views_url": reverse(f"{self.list_name}:views"),
        }


class KeepColumnsView(WorkMixin, ListMixin, View):
    """Keep the columns that a person ticked, in the order in which they were sent.

    `up` and `down` move one of them by a place.
    """

    resource = "lists"
    http_method_names = ["post"]

    def post(self, request):
        allowed = self.columns_for(request.user)
        sent = request.POST
        mine = {"user": request.user, "list_name": self.list_name}
        if "usual" in sent:
            ListColumns.objects.filter(**mine).delete()
            return self.back("The list shows its usual columns again.")
        names = list(dict.fromkeys(sent.getlist("column")))
        shown = self.read_columns([",".join(names)], allowed) if names else []
        names = [one.name for one in shown or self.with_fixed([], allowed)]
        for way, step in (("up", -1), ("down", 1)):
            if sent.get(way) in names:
                move(names, sent[way], step)
        ListColumns.objects.update_or_create(**mine, defaults={"columns": names})
        return self.back("Your columns are kept.")

    def back(self, message):
        """To the list as it was, but for columns that its address named."""
        messages.success(self.request, message)
        place = urlsplit(self.place() or self.list_url)
        kept = [pair for pair in parse_qsl(place.query) if pair[0] != "columns"]
        query = f"?{urlencode(kept)}" if kept else ""
        return HttpResponseRedirect(f"{place.path}{query}#columns")


def move(names, name, step):
    """Move a name in a list by one place, as far as there is one."""
    place = names.index(name)
    other = max(0, min(len(names) - 1, place + step))
    names[place], names[other] = names[other], names[place]


# Views


class SavedViewForm(TidyMixin, forms.ModelForm):
    """A name for the list as it is shown; `columns` are names joined by commas.

    Without `asked` the name alone is changed, so that a view can be renamed whose
    query has become unreadable.
    """

    columns = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = SavedView
        fields = ["name", "is_shared", "query"]
        labels = {"is_shared": "Share it with the secretariat"}
        widgets = {"query": forms.HiddenInput}

    def __init__(self, *args, listing, user, asked=True, **options):
        super().__init__(*args, **options)
        self.listing = listing
        self.user = user
        if not user.is_secretariat:
            del self.fields["is_shared"]
        if not asked:
            del self.fields["query"], self.fields["columns"]

    def clean_query(self):
        """What the list can read: no view is born unreadable."""
        asked, wrong = self.listing.readable(self.cleaned_data["query"])
        if wrong:
            raise forms.ValidationError(wrong)
        return kept_query(asked)

    def clean_columns(self):
        allowed = self.listing.columns_for(self.user)
        text = self.cleaned_data["columns"]
        try:
            shown = self.listing.read_columns([text], allowed) if text else []
        except BadQuery as error:
            said = [one.message for one in error.errors]
            raise forms.ValidationError(said) from error
        self.instance.columns = [one.name for one in shown]
        return self.instance.columns

    def _get_validation_exclusions(self):
        """A name is its owner's once, though the form asks for no owner."""
        return super()._get_validation_exclusions() - {"owner", "list_name"}

    def keep(self):
        """Save the view; False where a view of this name was kept just now."""
        try:
            with transaction.atomic():
                self.save()
        except IntegrityError:
            self.add_error(None, "You have a view of this name.")
            return False
        return True


class ViewFormMixin(WorkMixin, ListMixin, TemplateView):
    """Answers a form of a view with the list, or with what is wrong with it."""

    resource = "lists"
    template_name = "forms/edit.html"

    def views(self):
        return SavedView.objects.filter(list_name=self.list_name)

    def answer(self, form, title):
        if (form.is_valid() and form.keep()) or self.is_kept_already(form):
            said = f"The view “{form.instance}” is kept."
            return self.done(None, said, self.list_url)
        context = self.get_context_data(form=form, title=title)
        return self.render_to_response(context, status=400)

    def is_kept_already(self, form):
        """Whether this very view is on record: the button was pressed twice."""
        given = {name: form.cleaned_data.get(name) for name in IDENTITY}
        return self.views().filter(owner=form.user, **given).exists()


class KeepViewView(ViewFormMixin):
    """Keep the list as it is shown under a name."""

    http_method_names = ["post"]

    def post(self, request):
        view = SavedView(owner=request.user, list_name=self.list_name)
        form = SavedViewForm(
            request.POST, instance=view, listing=self, user=request.user
        )
        return self.answer(form, "Keep this list as a view")


class OneViewView(ViewFormMixin):
    """Open a view; rename, replace or delete one's own."""

    http_method_names = ["get", "post"]

    def get(self, request, number):
        """To the list; what has become unreadable of a view is said and left out."""
        view = row_or_404(self.views().visible_to(request.user), pk=number)
        asked, wrong = self.readable(view.query)
        allowed = self.columns_for(request.user)
        names = [name for name in view.columns if name in allowed]
        gone = [name for name in view.columns if name not in allowed]
        wrong += [f"columns: “{name}” is not a column for you." for name in gone]
        if wrong:
            said = f"“{view}” asks for what cannot be read any more; it opens without."
            messages.error(request, " ".join([said, *wrong]))
        query = kept_query(asked)
        if names:
            query += f"{'&' if query else ''}columns={','.join(names)}"
        return HttpResponseRedirect(self.list_url + (f"?{query}" if query else ""))

    def post(self, request, number):
        view = row_or_404(self.views().filter(owner=request.user), pk=number)
        if "delete" in request.POST:
            view.delete()
            return self.done(None, f"The view “{view}” is deleted.", self.list_url)
        form = SavedViewForm(
            request.POST,
            instance=view,
            listing=self,
            user=request.user,
            asked="replace" in request.POST,
        )
        return self.answer(form, f"Change the view “{view}”")
