"""How people write: rights, one write for one form, and nothing typed is ever lost.

A view that writes is a `WorkMixin`: it names its `resource` and `action` in the table
of permissions, and writes inside `self.entry(…)`. A form carries the hidden fields of
partials/_form_head.html.
"""

import hashlib
import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import OperationalError
from django.forms import CheckboxInput
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.csrf import csrf_failure as plain_csrf_failure
from django.views.generic.base import ContextMixin

from .effects import digest_of, moved_by
from .facts import AlreadyRecorded, Entry, SentBefore, ledger_entry
from .forms import RowsWidget, choices_of
from .permissions import require
from .problems import refuse_nul
from .writing import Stale, change, create

# Hidden fields of a form; the rest of a request is what somebody typed.
HIDDEN = ("csrfmiddlewaretoken", "submission", "version", "opened", "next", "seen")
SECRET = "password"  # noqa: S105


BUSY = "Somebody else is writing much just now. Wait a little, then press again."
LOCK_NOT_AVAILABLE = "55P03"  # of PostgreSQL


class NothingChanged(Exception):
    """A form was sent as it was opened: no write is left of it. `opens`: its row."""

    def __init__(self, opens):
        super().__init__(opens)
        self.opens = opens


class WorkMixin(ContextMixin):
    """A page for those to whom the permission table gives `action` on `resource`."""

    resource: str
    action = "edit"
    is_spent = False  # whether the key of the form has written something else
    is_private = False  # whether what is written is about who signs in, and how

    def dispatch(self, request, *args, **kwargs):
        if not request.user.is_authenticated:
            if request.method == "POST":
                return keep_typed(request, signed_in=False)
            return redirect_to_login(request.get_full_path())
        self.check_right(request.user)
        refuse_nul(request.POST)
        try:
            return super().dispatch(request, *args, **kwargs)
        except AlreadyRecorded as repeated:
            return HttpResponseRedirect(self.place() or repeated.entry.opens or "/")
        except NothingChanged as nothing:
            messages.info(request, "Nothing was changed.")
            return HttpResponseRedirect(self.place() or nothing.opens)
        except ValidationError as error:  # that no form of the page could show
            if self.is_spent:
                request.POST = request.POST.copy()
                request.POST["submission"] = uuid.uuid4().hex
            return keep_typed(request, signed_in=True, problems=error.messages)
        except OperationalError as error:
            if request.method != "POST" or not waited_too_long(error):
                raise
            return keep_typed(request, signed_in=True, problems=[BUSY])

    def check_right(self, user):
        """Raise Refused; a view about things of one's own asks here for `own`."""
        require(user, self.action, self.resource)

    @contextmanager
    def entry(self, what, reason="", *, undo=False):
        """One write by this user, who must still have the right once it has begun.

        Sending the same form twice writes once and redirects to what was written. With
        `undo`, the toast offers to undo it. Set `opens` of what this yields, or end
        with `self.done`. Raises Refused, and ValidationError for a form that was sent
        before with other content.
        """
        user = self.request.user
        try:
            with ledger_entry(
                user,
                what=what[:300],
                reason=reason,
                submission=self.request.POST.get("submission", "")[:40] or None,
                content_hash=hash_of(self.request),
            ) as entry:
                user.reread_rights()
                self.check_right(user)
                entry.can_be_undone = undo
                entry.is_private = self.is_private
                yield entry
        except SentBefore as before:
            self.is_spent = True
            raise ValidationError(
                "This form was saved already, with other content. What it wrote is "
                f"here: {before.entry.opens or before.entry}. Saving again writes "
                "a further one."
            ) from before

    def sent_before(self):
        """The entry that this very form wrote already, or None."""
        request = self.request
        key = f"{request.user.pk}:{request.POST.get('submission', '')[:40]}"
        same = Entry.objects.filter(submission=key, content_hash=hash_of(request))
        return same.first()

    def refuse_twin(self):
        """Raise AlreadyRecorded where what stands in the way was written by this form,
        sent twice at once."""
        if before := self.sent_before():
            raise AlreadyRecorded(before)

    def moved(self, write, since=None, reader=None):
        """The figures that a write would move, unless the user has seen just these.

        An empty list: go on and write. They are those that the user sees, or another
        `reader`. Raises what `write` raises.
        """
        found = moved_by(write, reader or self.request.user, since)
        if digest_of(found) in self.request.POST.get("seen", "").split():
            return []
        self.seen = digest_of(found)
        return found

    def place(self):
        """Where the reader came from and returns to: a local address, or ''."""
        asked = self.request.POST.get("next") or self.request.GET.get("next", "")
        return asked if is_local(asked, self.request) else ""

    def done(self, entry, message, to="", place=None):
        """Say what was done, offer to undo it, and return to the reader's place.

        From another place, what was written opens at `to`.
        """
        does = "redo" if entry and entry.what.startswith("Undo: ") else "undo"
        tags = f"{does}-{entry.sequence}" if entry and entry.can_be_undone else ""
        place = place or self.place() or to or "/"
        if to and urlsplit(place).path != urlsplit(to).path:
            tags += f" opens-{to}"
        messages.success(self.request, message, extra_tags=tags)
        return HttpResponseRedirect(place)

    def get_context_data(self, **context):
        sent = self.request.POST
        key = "" if self.is_spent else sent.get("submission")
        context.setdefault("submission", key or uuid.uuid4().hex)
        return super().get_context_data(
            next=self.place(),
            seen=getattr(self, "seen", ""),
            **context,
        )


def hash_of(request):
    """A digest of where somebody sent what was typed and brought; no hidden fields."""
    typed = sorted(
        (name, values) for name, values in request.POST.lists() if name not in HIDDEN
    )
    files = [
        [name, file.name, digest_of_file(file)]
        for name, files in sorted(request.FILES.lists())
        for file in files
    ]
    return hashlib.sha256(
        json.dumps([request.get_full_path(), typed, files]).encode()
    ).hexdigest()


def digest_of_file(file):
    """The sha256 of an uploaded file, which is read from its start again."""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def waited_too_long(error):
    """Whether another write kept the ledger locked for longer than one waits."""
    code = getattr(error.__cause__, "pgcode", "")
    return "database is locked" in str(error) or code == LOCK_NOT_AVAILABLE


def is_local(address, request):
    return bool(address) and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


# A session that has ended


def keep_typed(request, *, signed_in, problems=()):
    """A page that holds what was typed until it can be sent again: 403; 409 if wrong.

    Passwords and files are not kept, and the page says so.
    """
    context = {
        "kept": all_sent(request),
        "files": [file.name for file in request.FILES.values()],
        "signed_in": signed_in,
        "problems": problems,
    }
    return render(request, "kept.html", context, status=409 if problems else 403)


def all_sent(request):
    """[(name, text)] of a form, but for its token and passwords."""
    return [
        (name, text)
        for name, texts in request.POST.lists()
        for text in texts
        if name != "csrfmiddlewaretoken" and SECRET not in name
    ]


def csrf_failure(request, reason=""):
    """A form opened before a sign-in is sent again by its own writer, with one press.

    Only what came from a page of ours is kept; the rest gets Django's plain refusal.
    """
    if request.method == "POST" and came_from_us(request) and writes(request.path):
        return keep_typed(request, signed_in=request.user.is_authenticated)
    return plain_csrf_failure(request, reason)


def came_from_us(request):
    origin = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return urlsplit(origin).netloc == request.get_host()


def writes(path):
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    return issubclass(getattr(view, "view_class", object), WorkMixin)


# Two people at once


@dataclass(frozen=True)
class Difference:
    """A field in which a form and its row on record differ.

    `theirs` and `mine` are lists of texts as they are sent, `shown` is theirs to be
    read. `is_theirs`, `is_mine`: who changed it since the form was opened; if both did,
    one of the two has to be chosen.
    """

    name: str
    label: str
    theirs: list
    mine: list
    is_theirs: bool
    is_mine: bool
    shown: list


def raw(form):
    """{html name: texts} as a form shows its fields; empty texts are left out."""
    return {field.html_name: texts_of(field) for field in form}


def texts_of(field):
    if isinstance(field.field.widget, CheckboxInput):
        return ["on"] if field.value() else []
    shown = field.field.widget.format_value(field.value())
    texts = shown if isinstance(shown, (list, tuple)) else [shown]
    return [tidy(str(text)) for text in texts if text not in (None, "")]


def tidy(text):
    return text.replace("\r\n", "\n").strip()


def typed(sent, form):
    """{name: texts} of what was sent, as `raw` would show it."""
    return {field.html_name: texts_sent(field, sent) for field in form}


def texts_sent(field, sent):
    name, widget = field.html_name, field.field.widget
    if isinstance(widget, RowsWidget):
        return widget.format_value(widget.value_from_datadict(sent, {}, name))
    return [tidy(text) for text in sent.getlist(name) if text.strip()]


def put(field, data, texts):
    """Let `data` hold these texts for a field, as if they had been sent."""
    if isinstance(field.field.widget, RowsWidget):
        field.field.widget.put(data, field.html_name, texts)
    else:
        data.setlist(field.html_name, texts)


def as_opened(*forms):
    """The hidden `opened` field: what the forms showed when they were opened."""
    shown = {}
    for form in forms:
        shown |= raw(form)
    return json.dumps(shown, ensure_ascii=False)


def opened_in(sent):
    """{name: texts} of the hidden `opened` field; empty where it cannot be read."""
    try:
        return dict(json.loads(sent.get("opened", "")))
    except (ValueError, TypeError):
        return {}


def differences(sent, current):
    """What differs between the form as sent and the row as it is now.

    `current` is a fresh form of the row. Reads the hidden `opened` field; one that
    cannot be read makes every difference a choice.
    """
    now = raw(current)
    mine = typed(sent, current)
    opened = opened_in(sent)
    fields = {field.html_name: field for field in current}
    return {
        name: Difference(
            name=name,
            label=fields[name].label,
            theirs=now[name],
            mine=mine[name],
            is_theirs=now[name] != opened.get(name),
            is_mine=mine[name] != opened.get(name),
            shown=readable(fields[name], now[name]),
        )
        for name in now
        if now[name] != mine[name]
    }


def readable(field, texts):
    """The texts of a field as a reader knows them: the labels of what was chosen."""
    if isinstance(field.field.widget, RowsWidget):
        return [field.field.in_words(text) for text in texts]
    labels = choices_of(field)
    return [labels.get(text, text) for text in texts]


def merged(sent, found, current):
    """What was sent, with what others changed alone, ready to be shown and chosen."""
    data = sent.copy()
    for field in current:
        one = found.get(field.html_name)
        if one and not one.is_mine:
            put(field, data, one.theirs)
    return data


def latest_of(row):
    """The history row that tells who wrote a row as it stands; None if none does."""
    last = row.history.select_related("history_user").order_by("history_id").last()
    return last if last and last.version == row.version else None


def chosen(sent, current):
    """What was sent, where `take-NAME` = "theirs" chose the row's own value."""
    takes = [name for name in sent if name.startswith("take-")]
    if not takes:
        return sent
    data = sent.copy()
    for field in current():
        if data.get(f"take-{field.html_name}") == "theirs":
            put(field, data, texts_of(field))
    for take in takes:
        del data[take]
    return data


class KeptFormView(WorkMixin):
    """Create or edit one row that is no fact, with its version guarded.

    Give it a ModelForm as `form_class`. The second of two writers gets 409 and both
    values of each field that both changed. `get_object` returns None for a new row.
    Mix it with django.views.generic.TemplateView.
    """

    form_class: type
    template_name = "forms/edit.html"
    title = ""
    offers_undo = True

    def get_object(self):
        return None

    def new_form(self, row, data=None):
        """The form of a row (None: a new one), bound where `data` is given."""
        return self.form_class(data, instance=row)

    def get(self, request, *args, **kwargs):
        self.row = self.get_object()
        return self.render_to_response(
            self.get_context_data(form=self.new_form(self.row))
        )

    def post(self, request, *args, **kwargs):
        self.row = self.get_object()
        sent = chosen(request.POST, lambda: self.new_form(self.get_object()))
        form = self.new_form(self.row, sent)
        if form.is_valid():
            try:
                return self.save(form, self.row and version_of(sent))
            except Stale:
                return self.conflict(sent)
            except ValidationError as error:
                add_errors(form, error)
        self.refuse_twin()
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def save(self, form, version):
        """Write the row and return `self.done(…)`."""
        lists = {field.name for field in form.instance._meta.many_to_many}
        values = {name: form.cleaned_data[name] for name in form._meta.fields}
        listed = {name: values.pop(name) for name in lists & values.keys()}
        is_new = self.row is None
        reason = form.cleaned_data.get("reason", "")
        with self.entry(self.what(form), reason, undo=self.offers_undo) as entry:
            if is_new:
                row = create(form.instance, **listed)
            else:
                row = form.instance
                if not change(row, version=version, lists=listed, **values):
                    raise NothingChanged(self.address_of(row))
            entry.opens = self.address_of(row)
        return self.done(entry, f"{row} was saved.", self.address_of(row))

    def what(self, form):
        name = form.instance._meta.verbose_name
        return (
            f"New {name}: {form.instance}" if self.row is None else f"{form.instance}"
        )

    def address_of(self, row):
        return row.get_absolute_url()

    def compare(self, sent, current):
        """What somebody else saved while this form was open: {name: Difference}."""
        found = differences(sent, current)
        return {name: one for name, one in found.items() if one.is_theirs}

    def conflict(self, sent):
        """409: both values of each field; what this person typed is kept."""
        self.refuse_twin()
        self.row = current = self.get_object()
        shown = self.new_form(current)
        found = self.compare(sent, shown)
        form = self.new_form(current, merged(sent, found, shown))
        form.differences = found
        context = self.get_context_data(
            form=form,
            conflict=found,
            saved=latest_of(current),
            version=current.version,
            opened=as_opened(shown),
            submission=uuid.uuid4().hex,
        )
        return self.render_to_response(context, status=409)

    def get_context_data(self, **context):
        form, row, sent = context["form"], self.row, self.request.POST
        shown = {
            "version": row.version if row else "",
            "opened": as_opened(self.new_form(row)),
        }
        for name, value in shown.items():  # a form shown again was opened before
            context.setdefault(name, sent.get(name) or value)
        context.setdefault("title", self.title or (f"Edit {row}" if row else "New"))
        context.setdefault("row", row)
        return super().get_context_data(**context | {"form": form})


def version_of(sent):
    """The version that a form was opened with; -1, which no row has, if unreadable."""
    text = sent.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def add_errors(form, error):
    """Show what a model objects at the fields it names, the rest above the form."""
    said = error.message_dict if hasattr(error, "error_dict") else None
    for name, sentences in (said or {NON_FIELD_ERRORS: error.messages}).items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)
