"""What people say of a project, a line or a meeting, and who does what by when.

An internal remark is for the secretariat and for the coordinators of its countries:
those that the project benefits, or that the meeting is about. Any other is for every
coordinator who sees what it is about. Nobody else reads either.
"""

import datetime as dt
import re
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, Subquery
from django.http import Http404
from django.utils import timezone

from .editing import key_of
from .facts import Clock
from .fields import fold
from .forms import CodeField, CodesField, DayInput, Listing, TidyMixin
from .models import ActionPoint, Comment
from .pages import row_or_404
from .permissions import STAFF, can

KINDS = ("project", "line", "meeting")
A_MENTION_WAITS = dt.timedelta(days=30)
AT_MOST = 5000  # characters of a comment
CALLED = re.compile(r"(?<![\w@.])@(?=\w)")
WORDED = {"text", "who", "due", "done_on"}
ADDRESS = re.compile(r"[^\s@,;:()<>]+@[\w.-]*\w")


# What it is about


def row_of(kind, code, user):
    """The project, line or meeting of a code; Http404 where a user sees none."""
    if kind not in KINDS:
        raise Http404(f"Nothing is said here about a “{kind}”.")
    return row_or_404(seen_rows(kind, user), code=code)


def seen_rows(kind, user):
    rows = Comment._meta.get_field(kind).related_model.objects.all()
    if kind == "project":
        return rows.visible_to(user).as_of()
    return rows.select_related("body", "country") if kind == "meeting" else rows


def kind_of(row):
    return row._meta.model_name.removeprefix("action")


def owns(user, row):
    """Whether a row is of the user's own country, or of its partner."""
    if kind_of(row) == "meeting":
        return row.country_id is not None and row.country_id == user.country_id
    if kind_of(row) == "line" or not (user.country_id or user.partner_id):
        return False
    return type(row).objects.own_of(user).filter(pk=row.pk).exists()


def numbered(remarks):
    """With `number`, what addresses call a remark: the write that made it."""
    made = remarks.model.history.filter(id=OuterRef("pk"), history_type="+")
    return remarks.annotate(
        number=Subquery(made.order_by("history_id").values("sequence")[:1])
    )


def remark_of(model, number, user):
    """The standing remark of a number; Http404 where a user reads none."""
    made = model.history.filter(sequence=number, history_type="+").values("id")
    remarks = with_rows(readable(model.objects.standing(), user))
    remark = remarks.filter(pk__in=made).first()
    if remark is None:
        raise Http404(f"There is no {model._meta.verbose_name} {number}.")
    return remark


# Who reads it


def readable(remarks, user):
    """Of comments or action points, those that a user may read."""
    if can(user, "view", "comments"):
        return remarks.filter(Q(project=None) | Q(project__withdrawn_at=None))
    if not can(user, "view", "shared-comments"):
        return remarks.none()
    projects = seen_rows("project", user)
    seen = Q(project=None) | Q(project__in=projects.values("pk"))
    reads = Q(is_internal=False) & seen
    if can(user, "view", "comments", own=True):
        reads |= Q(meeting__country=user.country_id)
        reads |= Q(project__in=projects.own_of(user).values("pk"))
    return remarks.filter(reads)


def people(row, *, internal):
    """The users who may read what is said of a row."""
    reads = Q(role__in=STAFF)
    coordinators = Q(role="coordinator")
    if internal or (kind_of(row) == "project" and not row.is_published):
        coordinators &= Q(country__in=countries_of(row))
    return get_user_model().objects.filter(reads | coordinators, is_active=True)


def countries_of(row):
    """Keys of the countries whose coordinators read what is internal."""
    if kind_of(row) == "project":
        return row.benefits.all().reached(Clock())
    return {row.country_id} if kind_of(row) == "meeting" and row.country_id else set()


# Writing


def audiences(row):
    """The choices of who may read a remark about a row, in words."""
    countries = countries_of(row)
    theirs = " and the coordinators of its countries" if countries else " alone"
    seen = kind_of(row) != "project" or row.is_published
    later = "" if seen else ", once it is published"
    return [
        (True, f"Internal: the secretariat{theirs}"),
        (False, f"Every national coordinator too{later}"),
    ]


class RemarkForm(TidyMixin, forms.ModelForm):
    """A remark about one row; only people who may read it are named in it.

    `names` is the field that names them, by keys that tell nothing of their addresses.
    """

    names: str

    def __init__(self, *args, about, **options):
        self.about = about
        super().__init__(*args, **options)
        self.fields["is_internal"] = forms.TypedChoiceField(
            label="Who may read it",
            choices=audiences(about),
            coerce=lambda text: text == "True",
            widget=forms.RadioSelect,
            initial=True,
        )
        readers = people(about, internal=False)
        self.fields[self.names].offer(Listing(readers, key=key_of))

    def refuse_strangers(self, users, name):
        """An error at a field for people who may not read it."""
        internal = self.cleaned_data.get("is_internal", True)
        allowed = set(people(self.about, internal=internal))
        for user in users:
            if user not in allowed:
                self.add_error(name, f"{user} may not read what is internal here.")


class CommentForm(RemarkForm):
    names = "mentions"
    mentions = CodesField(
        label="Mention",
        required=False,
        help_text="Or choose them here.",
        widget=forms.SelectMultiple,
    )

    class Meta:
        model = Comment
        fields = ["text", "mentions", "is_internal"]
        labels = {"text": "Comment"}
        help_texts = {"text": "Who is called by @ and the name finds it in the queue."}
        widgets = {"text": forms.Textarea(attrs={"rows": 3, "maxlength": AT_MOST})}

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if len(cleaned.get("text", "")) > AT_MOST:
            self.add_error("text", f"Write at most {AT_MOST:,} signs.")
        readers = self.fields["mentions"].rows.values()
        called, strange = called_in(cleaned.get("text", ""), readers)
        for word in strange:
            self.add_error(
                "text",
                f"Nobody, or more than one, who may read this is called “@{word}”. "
                "Write the whole name, or choose below.",
            )
        mentions = {*cleaned.get("mentions", ()), *called}
        self.refuse_strangers(mentions, "mentions")
        cleaned["mentions"] = sorted(mentions, key=lambda user: user.email)
        return cleaned


def called_in(text, users):
    """(the users whom a text calls by @name, the words after @ that call nobody).

    A name is a whole name, the part of an address before the @, or the first word of
    a name where only one has it. An address calls its owner and nobody else.
    """
    names, owners = defaultdict(set), {}
    for user in users:
        owners[user.email] = user
        first = fold(user.name).partition(" ")[0]
        for name in {fold(user.name), fold(user.email.partition("@")[0]), first} - {""}:
            names[name].add(user)
    called, strange = set(), []
    for at in CALLED.finditer(text):
        address = ADDRESS.match(text, at.end())
        if address:
            owner = owners.get(address[0].lower())
            called |= {owner} - {None}
            strange += [] if owner else [address[0]]
            continue
        said = fold(text[at.end() : at.end() + 200])
        fits = [
            name
            for name in names
            if said.startswith(name) and not said[len(name) : len(name) + 1].isalnum()
        ]
        meant = names[max(fits, key=len)] if fits else set()
        if len(meant) == 1:
            called |= meant
        else:
            strange.append(re.split(r"\s", text[at.end() :], maxsplit=1)[0])
    return called, strange


class ActionPointForm(RemarkForm):
    names = "owner"
    owner = CodeField(
        label="By whom",
        empty="Nobody in this list",
        required=False,
        help_text="It stands in this person’s queue until it is done.",
    )

    class Meta:
        model = ActionPoint
        fields = ["text", "owner", "who", "due", "is_internal"]
        labels = {
            "text": "What is to be done",
            "who": "Or by somebody outside",
            "due": "By when",
        }
        widgets = {"due": DayInput}

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if self.instance.owner_id:
            self.initial["owner"] = key_of(self.instance.owner)

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        owner, who = cleaned.get("owner"), cleaned.get("who")
        if bool(owner) == bool(who) and "owner" not in self.errors:
            message = "Choose a person or name somebody outside, one of both."
            self.add_error("owner", message)
        if owner:
            self.refuse_strangers([owner], "owner")
        return cleaned


# On a page


@dataclass
class Talk:
    """What is said about a row, as one reader sees it. Needs of partials/talk.html."""

    kind: str
    row: Any
    comments: list = field(default_factory=list)
    points: list = field(default_factory=list)
    may_write: bool = False
    may_act: bool = False

    @property
    def submission(self):
        """A new key for a form, each time it is asked for."""
        return uuid.uuid4().hex

    @property
    def comment_form(self):
        return CommentForm(about=self.row, auto_id="comment_%s")

    @property
    def point_form(self):
        return ActionPointForm(about=self.row, auto_id="action_%s")


def talk_about(row, user, clock):
    """What a reader is told of a row by other people; None where nothing is.

    Visitors cost no query. On a past clock nothing is written; what is known at a
    moment is what was said by then.
    """
    if not can(user, "view", "shared-comments"):
        return None
    writes = can(user, "create", "comments", own=owns(user, row))
    found = Talk(
        kind=kind_of(row),
        row=row,
        may_write=writes and clock.is_now,
        may_act=clock.is_now,
    )
    comments = Comment.objects.prefetch_related("mentions")
    points = ActionPoint.objects.select_related("owner")
    found.comments = told(comments, row, user, clock)
    found.points = sorted(told(points, row, user, clock), key=soonest_first)
    if not (found.comments or found.points or found.may_write):
        return None
    return found


def told(remarks, row, user, clock):
    said = readable(numbered(remarks.standing().about(row)), user)
    if clock.known_at:
        said = said.filter(recorded_at__lte=clock.known_at)
    authors = ("recorded_by__country", "recorded_by__partner")
    remarks = list(said.select_related(*authors))
    if clock.known_at and remarks:
        word_as_known(remarks, clock.known_at)
    for remark in remarks:
        remark.is_own = may_withdraw(user, remark)
        remark.may_edit = hasattr(remark, "due") and may_edit(user, remark)
        remark.is_overdue = is_overdue(remark)
    return remarks


def word_as_known(remarks, moment):
    """Let remarks say what they said by a moment; who reads them is judged now.

    What was internal then, and is not by now, is told in its words of now. Two queries.
    """
    by_key = {remark.pk: remark for remark in remarks}
    rows = remarks[0].history.model.objects.filter(
        id__in=by_key, history_date__lte=moment
    )
    latest = {row.id: row for row in rows.order_by("history_id")}
    owners = get_user_model().objects.in_bulk(
        {getattr(row, "owner_id", None) for row in latest.values()} - {None}
    )
    for key, row in latest.items():
        remark = by_key[key]
        if row.is_internal and not remark.is_internal:
            continue
        for name in WORDED & vars(row).keys():
            setattr(remark, name, getattr(row, name))
        if "owner_id" in vars(row):
            remark.owner = owners.get(row.owner_id)


def soonest_first(point):
    """Open ones before those done, by the day they are due; undated ones last."""
    return point.done_on is not None, str(point.due or "9999"), point.pk


def is_overdue(remark):
    due = getattr(remark, "due", None)
    return bool(due and not remark.done_on and due < timezone.localdate())


def may_withdraw(user, remark):
    """One's own; administrators also take back what should not have been said."""
    return remark.recorded_by_id == user.pk or can(user, "edit", "users")


def may_edit(user, point):
    """Whoever promised, whoever wrote it down, and the secretariat."""
    its_people = {point.owner_id, point.recorded_by_id}
    return can(user, "edit", "comments", own=user.pk in its_people)


# In the queue


def points_of(user):
    """The action points that a user owes, and those overdue that it must ask after:
    whom they name outside has no queue."""
    late = Q(owner=None, recorded_by=user, due__lt=timezone.localdate())
    open_points = ActionPoint.objects.standing().filter(done_on=None)
    return with_rows(readable(open_points.filter(Q(owner=user) | late), user))


def mentions_of(user):
    """Comments that mention a user who has not said anything there since."""
    later = Comment.objects.standing().filter(
        Q(project=OuterRef("project"))
        | Q(line=OuterRef("line"))
        | Q(meeting=OuterRef("meeting")),
        recorded_by=user,
        recorded_at__gt=OuterRef("recorded_at"),
    )
    said = Comment.objects.standing().filter(
        ~Exists(later),
        mentions=user,
        recorded_at__gte=timezone.now() - A_MENTION_WAITS,
    )
    return with_rows(readable(said, user)).order_by("-recorded_at", "-pk")


def with_rows(remarks):
    return numbered(remarks).select_related(
        "recorded_by", "project", "line", "meeting__body", "meeting__country"
    )
