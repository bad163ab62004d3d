"""Pages of what changed: all writes, one of them, one record's; undo and restore."""

import datetime as dt
from urllib.parse import urlsplit

import django_filters
from django import forms
from django.apps import apps
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db.models import Q
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView, View

from partners.models import Partner, User
from projects.models import Project
from workplans.models import ActionLine, Meeting, WorkPlan

from .facts import Entry, end_of_day
from .filters import ChoicesFilter, ManyField, StrictFilterSet, without_tags
from .forms import TidyMixin, tidy_line
from .history import (
    Difference,
    Names,
    about,
    called,
    capital,
    changing,
    columns_of,
    compared,
    entries_for,
    everything,
    find_row,
    in_words,
    is_fact,
    is_idle,
    is_restored,
    kinds,
    label_of,
    page_of_row,
    told,
    told_with,
    within,
)
from .pages import page_of, row_or_404
from .permissions import can
from .problems import refuse_repeated, refuse_unknown
from .templatetags.aseanpm import history_address
from .undo import (
    before_lists,
    before_values,
    kept_models,
    recreate,
    restore,
    rows_of,
    undo,
)
from .workplace import WorkMixin, add_errors, version_of
from .writing import Stale

ON_A_PAGE = 200  # records of one write
SAYS = {"Undo": "Taken back", "Redo": "Done again"}
WITH_PAGES = (Project, WorkPlan, ActionLine, Meeting, Partner)


class PersonFilter(django_filters.Filter):
    """Who wrote: people who did so, by their address; `none` for programs."""

    field_class = ManyField

    def __init__(self, *args, **options):
        super().__init__(*args, read=self.read, choices=self.choices, **options)

    @staticmethod
    def choices():
        writers = Entry.objects.order_by().values("recorded_by")
        people = User.objects.filter(pk__in=writers)
        return [
            ("", "Anyone"),
            *((person.email, str(person)) for person in people),
            ("none", "No person: loaded"),
        ]

    @staticmethod
    def read(text):
        if text == "none":
            return [None]
        found = list(User.objects.filter(email=text.lower()))
        if not found:
            raise ValidationError(f"Nobody here has the address “{text}”.")
        return found


class DayFilter(django_filters.DateFilter):
    """A day of this age, which every calendar of ours holds."""

    def __init__(self, **options):
        super().__init__(
            widget=forms.DateInput(attrs={"type": "date"}),
            validators=[MinValueValidator(dt.date(1900, 1, 1))],
            **options,
        )


def every_field():
    """{name: label} of the fields and lists of all kinds."""
    return {
        column.name: capital(str(column.verbose_name))
        for model in kept_models()
        for column in columns_of(model)
    }


class EntryFilter(StrictFilterSet):
    """The writes that a reader looks for; `field` is of the one `kind` beside it."""

    search = django_filters.CharFilter(label="Words", method="by_words")
    who = PersonFilter(label="Who", method="by_person")
    since = DayFilter(label="From", method="by_first_day")
    until = DayFilter(label="Until", method="by_last_day")
    kind = ChoicesFilter(
        label="Kind of record",
        choices=[(name, label_of(model)) for name, model in kinds().items()],
        method="by_kind",
    )
    field = ChoicesFilter(
        label="Field", choices=list(every_field().items()), method="by_field"
    )

    scope = None  # the records it looks at, if not all
    own_kind = ""  # whose fields are meant where no kind is chosen

    class Meta:
        model = Entry
        fields: list[str] = []

    @classmethod
    def names(cls):
        return [*cls.base_filters]

    @property
    def form(self):
        """Offers the fields of the kind that was chosen."""
        form = super().form
        model = kinds().get(self.data.get("kind") or self.own_kind)
        if model is None or is_fact(model):
            form.fields["field"].widget.choices = [("", "Choose a kind first")]
        else:
            form.fields["field"].widget.choices = [
                ("", "Any"),
                *(
                    (column.name, capital(str(column.verbose_name)))
                    for column in columns_of(model)
                ),
            ]
        return form

    def is_valid(self):
        valid = super().is_valid()
        given = self.form.cleaned_data
        names = given.get("field")
        models = given.get("kind") or [self.own_kind] * bool(self.own_kind)
        if names and not self.is_one_kind_with(models, names):
            self.form.add_error("field", "Needs exactly one “kind” that has it.")
            valid = False
        return valid

    @staticmethod
    def is_one_kind_with(chosen, names):
        model = kinds()[chosen[0]] if len(chosen) == 1 else None
        if model is None or is_fact(model):
            return False
        return set(names) <= {column.name for column in columns_of(model)}

    def by_words(self, entries, name, text):
        for word in text.split():
            entries = entries.filter(
                Q(what__icontains=word) | Q(reason__icontains=word) | Q(request_id=word)
            )
        return entries

    def by_person(self, entries, name, people):
        found = Q(recorded_by__in=[person for person in people if person])
        return entries.filter(found | Q(recorded_by=None) if None in people else found)

    def by_first_day(self, entries, name, day):
        start = timezone.make_aware(dt.datetime.combine(day, dt.time.min))
        return entries.filter(recorded_at__gte=start)

    def by_last_day(self, entries, name, day):
        return entries.filter(recorded_at__lte=end_of_day(day))

    def by_kind(self, entries, name, chosen):
        fields = self.form.cleaned_data.get("field") or [None]
        found = Q(pk__in=[])
        for kind in chosen:
            for each in fields:
                found |= changing(kinds()[kind], each, self.scope)
        return entries.filter(found)

    def by_field(self, entries, name, fields):
        """Read by `kind`, where one is chosen."""
        if self.form.cleaned_data.get("kind"):
            return entries
        return self.by_kind(entries, name, [self.own_kind])


class RecordFilter(EntryFilter):
    """The writes about one record, its parts and its facts."""

    def __init__(self, data, entries, scope, own_kind):
        super().__init__(data, within(entries, scope))
        self.scope, self.own_kind = scope, own_kind

    @property
    def form(self):
        form = super().form
        there = {
            model._meta.model_name for model in (*self.scope.rows, *self.scope.facts)
        }
        form.fields["kind"].widget.choices = [
            (name, label)
            for name, label in EntryFilter.base_filters["kind"].extra["choices"]
            if not name or name in there
        ]
        return form


class HistoryPage(WorkMixin, TemplateView):
    resource = "history"
    action = "view"

    def show_writes(self, entries, scope, **context):
        page = page_of(self.request, entries)
        return super().get_context_data(
            page_obj=page,
            writes=told(page.object_list, scope),
            can_restore=can(self.request.user, "edit", "history"),
            **context,
        )


class HistoryView(HistoryPage):
    """All writes, latest first."""

    template_name = "aseanpm/history.html"

    def get_context_data(self, **context):
        asked = self.request.GET
        EntryFilter.check_names(asked, also=("page",))
        refuse_repeated(asked)
        filters = EntryFilter(asked, entries_for(self.request.user))
        return self.show_writes(
            filters.rows.order_by("-sequence"),
            everything(self.request.user),
            filter=filters,
            filtered=any(asked.get(name) for name in filters.filters),
            **context,
        )


class EntryView(HistoryPage):
    """One write with all that it changed, and the way to take it back."""

    template_name = "aseanpm/history_entry.html"

    def get_context_data(self, sequence, **context):
        refuse_unknown(without_tags(self.request.GET), {"page", "next"})
        user = self.request.user
        entry = row_or_404(entries_for(user), sequence=sequence)
        scope = everything(user)
        [write] = told([entry], scope, most=0)
        page = page_of(self.request, range(write.more), ON_A_PAGE)
        [write] = told([entry], scope, ON_A_PAGE, ON_A_PAGE * (page.number - 1))
        return super().get_context_data(
            write=write,
            turned=turned(entry),
            page_obj=page,
            can_restore=can(user, "edit", "history"),
            can_undo=write.may_be_undone_by(user),
            **context,
        )


def turned(entry):
    """[(label, how many)] of the facts that a merge turned to another row."""
    return [
        (
            capital(
                str(apps.get_model(path.rpartition(".")[0])._meta.verbose_name_plural)
            ),
            len(keys),
        )
        for path, (_, _, keys) in entry.repointed.items()
        if keys
    ]


class RecordHistoryView(HistoryPage):
    """What became of one record, its parts and its facts."""

    template_name = "aseanpm/history_of.html"

    def get_context_data(self, key, kind=Project._meta.model_name, **context):
        asked, user = self.request.GET, self.request.user
        RecordFilter.check_names(asked, also=("page",))
        refuse_repeated(asked)
        row = find_record(user, kind, key)
        scope = about(row)
        filters = RecordFilter(asked, entries_for(user), scope, kind)
        return self.show_writes(
            filters.rows.order_by("-sequence"),
            scope,
            filter=filters,
            filtered=any(asked.get(name) for name in filters.filters),
            row=row,
            name=called(row, label_of(type(row))),
            kind=label_of(type(row)),
            page_url=page_of_row(row),
            **context,
        )


def find_record(user, kind, key):
    """The row of a kind, though it be removed; Http404 for none this user may see."""
    model = kinds().get(kind)
    row = find_row(model, key) if model in everything(user).rows else None
    if row is None:
        raise Http404(f"There is no {kind} “{key}”.")
    return row


# Undo


class UndoView(WorkMixin, View):
    """Take back one write of one's own; administrators those of others too."""

    resource = "history"
    http_method_names = ["post"]

    def post(self, request, sequence):
        old = row_or_404(self.in_reach(request.user), sequence=sequence)
        if self.was_pressed(old):
            return HttpResponseRedirect(self.after(old))
        try:
            reason = tidy_line(request.POST.get("reason", ""))[:300]
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return HttpResponseRedirect(reverse("history-entry", args=[sequence]))
        try:
            new = undo(
                entry=old, by=request.user, reason=reason, check=self.still_allowed
            )
        except ValidationError as error:
            if self.was_pressed(old):
                return HttpResponseRedirect(self.after(old))
            messages.error(request, " ".join(error.messages))
            back = reverse("history-entry", args=[sequence])
            return HttpResponseRedirect(self.place() or back)
        does, _, what = new.what.partition(": ")
        return self.done(new, f"{SAYS[does]}: {what}.", place=self.after(old))

    def after(self, old):
        """The reader's place; the write itself where that page is gone with it."""
        place = self.place() or old.opens
        if not place or urlsplit(place).path.startswith(pages_gone_with(old)):
            return reverse("history-entry", args=[old.sequence])
        return place

    def was_pressed(self, old):
        """Whether this user undid the write before: the button was pressed twice."""
        return Entry.objects.filter(undoes=old, recorded_by=self.request.user).exists()

    @staticmethod
    def in_reach(user):
        """The writes that a user may take back, if they can be."""
        entries = entries_for(user)
        every = can(user, "edit", "users")
        return entries if every else entries.filter(recorded_by=user)

    def still_allowed(self, old):
        user = self.request.user
        user.reread_rights()
        self.check_right(user)
        row_or_404(self.in_reach(user), sequence=old.sequence)


def pages_gone_with(entry):
    """The addresses of rows of a write that had pages of their own and are gone."""
    touched = [one for one in rows_of(entry).values() if one.model in WITH_PAGES]
    return tuple(
        one.rows[-1].history_object.get_absolute_url()
        for one in touched
        if one.current is None or getattr(one.current, "withdrawn_at", None)
    )


# Restore


class RestoreForm(TidyMixin, forms.Form):
    reason = forms.CharField(
        label="Why?",
        max_length=300,
        help_text="Stands in the history of the record.",
        error_messages={"required": "Say why it is restored."},
    )


class RestoreView(WorkMixin, TemplateView):
    """Give a record a former value of a field, or all of them, or make it again."""

    template_name = "aseanpm/history_restore.html"
    resource = "history"

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.moves = None

    def load(self, kind, history_id):
        """Find the history row, what stands now, and the fields that differ."""
        refuse_unknown(without_tags(self.request.GET), {"field", "next"})
        model = kinds().get(kind)
        if model not in everything(self.request.user).rows or model is User:
            raise Http404(f"Nothing called “{kind}” is restored here.")
        self.former = row_or_404(
            model.history.exclude(history_type="-"), history_id=history_id
        )
        key = getattr(self.former, model._meta.pk.attname)
        self.row = model._base_manager.filter(pk=key).first()
        asked = self.request.GET.get("field", "")
        every = [
            column
            for column in columns_of(model)
            if is_restored(column) or (self.row is None and column.editable)
        ]
        names = told_with(asked)
        self.columns = [one for one in every if not asked or one.name in names]
        if asked and asked not in {one.name for one in every}:
            raise Http404(f"A {kind} has no field “{asked}” that can be restored.")
        self.differences = differing(self.former, self.row, self.columns)

    def get(self, request, kind, history_id):
        self.load(kind, history_id)
        return self.show(RestoreForm())

    def post(self, request, kind, history_id):
        before = self.sent_before()
        if before:
            return HttpResponseRedirect(before.opens or "/")
        self.load(kind, history_id)
        form = RestoreForm(request.POST)
        if not form.is_valid():
            return self.show(form, status=400)
        reason = form.cleaned_data["reason"]
        try:
            self.moves = self.moved(lambda: self.write(reason), reader=self.reader)
            if self.moves:
                return self.show(form)
            entry = self.write(reason)
        except Stale:
            form.add_error(None, "Somebody saved this meanwhile: look again.")
            return self.show(form, status=409)
        except ValidationError as error:
            add_errors(form, error)
            return self.show(form, status=400)
        return self.done(entry, f"{self.name} was restored.", entry.opens)

    def write(self, reason):
        with self.entry(f"Restored {self.name}", reason, undo=True) as entry:
            if self.row is None:
                row = recreate(self.former)
            else:
                row = self.row
                restore(
                    row,
                    self.former,
                    names={column.name for column in self.columns},
                    version=version_of(self.request.POST),
                )
            entry.opens = page_of_row(row) or history_address(row)
        return entry

    @property
    def reader(self):
        """Whose figures are told: those of visitors, where it becomes public or not."""
        publishes = any(one.name == "is_published" for one in self.differences)
        return AnonymousUser() if publishes else self.request.user

    @property
    def name(self):
        return called(self.row or self.former.history_object, label_of(self.model))

    @property
    def model(self):
        return self.former.instance_type

    def show(self, form, status=200):
        context = self.get_context_data(form=form)
        return self.render_to_response(context, status=status)

    def get_context_data(self, **context):
        row = self.row or self.former.history_object
        return super().get_context_data(
            name=self.name,
            kind=label_of(self.model),
            differences=self.differences,
            is_gone=self.row is None,
            version=self.row.version if self.row else "",
            moved=self.moves,
            whose="" if self.reader.is_authenticated else "visitors",
            cancel=self.place() or history_address(row),
            **context,
        )


def differing(former, row, columns):
    """A Difference for each field in which a row differs from a history row of it.

    Old is what stands now, new what would be restored.
    """
    values, lists, names = before_values(former), before_lists(former), Names()
    pairs = {}
    for column in columns:
        if column.many_to_many:
            now = set(getattr(row, column.name).all()) if row else set()
            then = set(lists[column.name])
            pairs[column] = tuple({one.pk for one in rows} for rows in (now, then))
        else:
            pairs[column] = (getattr(row, column.attname, None), values[column.name])
        if column.is_relation:
            listed = pairs[column] if column.many_to_many else [pairs[column]]
            for keys in listed:
                for key in keys:
                    names.want(column.related_model, key)
    names.load()
    return [
        Difference(
            name=column.name,
            label=capital(str(column.verbose_name)),
            old=in_words(column, now, row, names),
            new=in_words(column, then, former, names),
            words=compared(now, then) if row else [],
        )
        for column, (now, then) in pairs.items()
        if now != then and (row or not is_idle(column, then))
    ]
