"""The roof: what waits for somebody, from all apps, heaviest first."""

from collections import Counter
from dataclasses import dataclass
from operator import attrgetter

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView

import partners.questions
import projects.questions
import workplans.questions
from partners.models import User
from projects import actions
from projects.models import Distinction, Project, Status
from projects.serializers import (
    names_of,
    places_of,
    project_whole,
    visible_project,
)
from workplans.models import WorkPlan

from .facts import AlreadyRecorded, Clock
from .filters import without_tags
from .forms import tidy_text
from .pages import Figure, page_of
from .permissions import STAFF, can
from .problems import BadQuery, FieldError, refuse_repeated, refuse_unknown
from .questions import Answer, Question, heaviest_first
from .talk import is_overdue, mentions_of, points_of
from .templatetags.aseanpm import dated
from .workplace import WorkMixin, add_errors
from .writing import create

MINE = {
    "action": "Your action points",
    "mention": "Comments that mention you",
    "officer": "Projects you answer for",
}
KINDS = (
    MINE
    | projects.questions.KINDS
    | workplans.questions.KINDS
    | partners.questions.KINDS
)
SHOWN = 5  # of each kind, beside a figure that opens them all


# What waits


def mine(user):
    """What waits for one person: promises due, and comments not yet answered."""
    points = sorted(points_of(user), key=lambda point: str(point.due or "9999"))
    for point in points:
        when = "overdue since" if is_overdue(point) else "due by"
        day = f"{when} {dated(point.due)}" if point.due else "no date"
        who = f"{point.who}: " if point.who else ""
        yield remark("action", point, f"{who}{point} ({day})")
    for comment in mentions_of(user):
        text = comment.text if len(comment.text) < 200 else f"{comment.text[:199]}…"
        yield remark("mention", comment, f"{comment.recorded_by}: {text}")


def remark(kind, said, text):
    row = said.about
    page = row.get_absolute_url()
    place = f"{page}#{said._meta.model_name}-{said.number}"
    return Question(
        kind=kind,
        text=text,
        answers=(Answer("Go there", place, returns=False),),
        code=row.code,
        title=getattr(row, "title", "") or (str(row) if kind_is_meeting(row) else ""),
        language=getattr(row, "title_language", "en"),
        page=page,
        since=getattr(said, "due", None) or said.recorded_at,
    )


def kind_is_meeting(row):
    return hasattr(row, "held_until")


def answered_for(user, rows, raised):
    """The projects that a person answers for, with how much is open of each."""
    ours = rows.filter(officer=user).with_state().with_placement("code")
    questions = Counter(one.code for one in raised)
    for project in ours.order_by("code"):
        open_ = questions[project.code]
        status = Status(project.status).label if project.status else "not documented"
        said = f"{open_} question{'' if open_ == 1 else 's'}" if open_ else "nothing"
        yield Question(
            kind="officer",
            text=f"Status: {status.lower()}; {said} open.",
            code=project.code,
            title=project.title,
            language=project.title_language,
            page=project.get_absolute_url(),
            plan=project.plan,
            of=user.pk,
            count=open_,
        )


def waiting(user, *, illustrative=False):
    """All that waits for a user; questions about records are for the secretariat."""
    found = list(mine(user))
    if not can(user, "edit", "queue"):
        return found
    rows = Project.objects.as_of()
    if not illustrative:
        rows = rows.filter(is_illustrative=False)
    raised = [
        *projects.questions.questions(rows, timezone.localdate()),
        *workplans.questions.questions(user, rows),
        *partners.questions.questions(),
    ]
    return [*found, *answered_for(user, rows, raised), *raised]


# The page


class QueueFilter(forms.Form):
    """Which of the questions to show; staff alone choose by plan and officer."""

    kind = forms.ChoiceField(required=False)
    plan = forms.ChoiceField(label="Work plan", required=False)
    officer = forms.ChoiceField(label="Who answers for it", required=False)
    mine = forms.BooleanField(label="Mine alone", required=False)
    illustrative = forms.BooleanField(label="Illustrative records too", required=False)

    def __init__(self, data, *, user):
        super().__init__(data, initial={})
        self.user = user
        self.fields["kind"].choices = [("", "Any"), *KINDS.items()]
        if not can(user, "edit", "queue"):
            self.fields = {"kind": self.fields["kind"]}
            self.fields["kind"].choices = [("", "Any"), *list(MINE.items())[:2]]
            return
        plans = WorkPlan.objects.values_list("code", "title")
        self.fields["plan"].choices = [("", "Any"), *plans]
        self.officers = {
            officer.email: officer for officer in User.objects.filter(role__in=STAFF)
        }
        self.fields["officer"].choices = [("", "Anybody"), *self.officers.items()]

    def among(self, questions):
        """The questions that the filters choose; raises BadQuery."""
        if not self.is_valid():
            raise BadQuery(
                FieldError(name, message)
                for name, messages in self.errors.items()
                for message in messages
            )
        asked = self.cleaned_data
        if asked.get("plan"):
            questions = [one for one in questions if one.plan == asked["plan"]]
        if asked.get("officer"):
            officer = self.officers[asked["officer"]]
            questions = [one for one in questions if one.of == officer.pk]
        if asked.get("mine"):
            questions = [
                one for one in questions if one.kind in MINE or one.of == self.user.pk
            ]
        return questions


@dataclass(frozen=True)
class Group:
    """The questions of one kind, heaviest first."""

    kind: str
    questions: list
    of: Figure

    @property
    def label(self):
        return KINDS[self.kind]

    @property
    def order(self):
        heaviest = max(one.weight for one in self.questions)
        if self.kind in MINE:
            return 0, list(MINE).index(self.kind)
        return 1, *(-part for part in heaviest)

    @property
    def shown(self):
        return self.questions[:SHOWN]


class QueueView(WorkMixin, TemplateView):
    template_name = "aseanpm/queue.html"
    resource = "queue"
    action = "view"

    def get_context_data(self, **context):
        user, asked = self.request.user, self.request.GET
        filters = QueueFilter(asked, user=user)
        refuse_unknown(without_tags(asked), {*filters.fields, "page"})
        refuse_repeated(asked)
        filters.is_valid()
        illustrative = bool(filters.cleaned_data.get("illustrative"))
        found = filters.among(waiting(user, illustrative=illustrative))
        groups = self.groups(found)
        kind = filters.cleaned_data["kind"]
        page = None
        if kind:
            of_kind = [one for one in found if one.kind == kind]
            page = page_of(self.request, heaviest_first(of_kind))
        return super().get_context_data(
            filter={"form": filters},
            groups=groups,
            kind=kind,
            label=KINDS.get(kind),
            page_obj=page,
            total=len(found),
            here=self.request.get_full_path(),
            is_staff=can(user, "edit", "queue"),
            **context,
        )

    def groups(self, questions):
        by_kind = {}
        for one in questions:
            by_kind.setdefault(one.kind, []).append(one)
        groups = [
            Group(kind, heaviest_first(ours), self.opening(kind, len(ours)))
            for kind, ours in by_kind.items()
        ]
        return sorted(groups, key=attrgetter("order"))

    def opening(self, kind, count):
        """The figure that opens all questions of a kind, the other filters kept."""
        query = self.request.GET.copy()
        query.pop("page", None)
        query["kind"] = kind
        return Figure(count, f"?{query.urlencode()}", label=KINDS[kind].lower())


# Two that look like one


class PairForm(forms.Form):
    """What is so of two projects that look like one."""

    deed = forms.ChoiceField(label="What is so?", widget=forms.RadioSelect)
    reason = forms.CharField(
        required=False,
        max_length=300,
        help_text="Needed to withdraw a project; helpful otherwise.",
    )

    def __init__(self, data=None, *, first, second, are_distinct):
        super().__init__(data)
        withdraw = "{} was recorded by mistake: withdraw it with all its facts"
        self.fields["deed"].choices = [
            *([] if are_distinct else [("distinct", "They are two projects")]),
            *((code, withdraw.format(code)) for code in (first.code, second.code)),
        ]

    def clean(self):
        reason = tidy_text(self.cleaned_data.get("reason") or "")
        self.cleaned_data["reason"] = reason
        deed = self.cleaned_data.get("deed")
        if deed and deed != "distinct" and not reason:
            self.add_error("reason", "Say why the record was wrong.")


class PairView(WorkMixin, TemplateView):
    """Two projects side by side, to be told apart, or one of them withdrawn."""

    template_name = "aseanpm/queue_pair.html"
    resource = "queue"

    def get(self, request, *args, **kwargs):
        self.load()
        return self.render_to_response(self.get_context_data(form=self.new_form()))

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():  # and what it withdrew is not found again
            raise AlreadyRecorded(before)
        self.load()
        form = self.new_form(request.POST)
        if form.is_valid():
            try:
                return self.answer(form.cleaned_data)
            except ValidationError as error:
                add_errors(form, error)
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def load(self):
        asked = self.request.GET
        refuse_unknown(without_tags(asked), {"first", "second", "next"})
        codes = [asked.get(name, "") for name in ("first", "second")]
        if not all(codes) or codes[0] == codes[1]:
            words = "Name two projects by their codes."
            raise BadQuery([FieldError("first", words), FieldError("second", words)])
        user = self.request.user
        pair = [visible_project(user, code, Clock()) for code in codes]
        self.pair = sorted(pair, key=attrgetter("pk"))
        self.shown = pair
        first, second = self.pair
        self.found = Distinction.objects.filter(first=first, second=second).first()

    def new_form(self, data=None):
        first, second = self.shown
        found = bool(self.found)
        return PairForm(data, first=first, second=second, are_distinct=found)

    def answer(self, said):
        if said["deed"] == "distinct":
            return self.distinguish(said["reason"])
        return self.withdraw(said["deed"], said["reason"])

    def distinguish(self, reason):
        first, second = self.pair
        what = f"{first.code} and {second.code} are two projects"
        with self.entry(what, reason, undo=True) as entry:
            create(Distinction(first=first, second=second, reason=reason))
            entry.opens = reverse("queue")
        return self.done(entry, f"{what}: kept in mind.", reverse("queue"))

    def withdraw(self, code, reason):
        project = next(one for one in self.pair if one.code == code)

        def write():
            what = f"{project}: withdrawn, recorded by mistake"
            with self.entry(what, reason, undo=True) as entry:
                self.refuse_stale()
                gone = Project.objects.as_of().get(pk=project.pk)
                actions.withdraw_project(project=gone, reason=reason, entry=entry)
                entry.opens = reverse("queue")
            return entry

        if moved := self.moved(write):
            form = self.new_form(self.request.POST)
            return self.render_to_response(
                self.get_context_data(form=form, moved=moved)
            )
        return self.done(write(), f"{code} was withdrawn.", reverse("queue"))

    def refuse_stale(self):
        """Raise ValidationError where either project was changed since it was shown."""
        self.load()
        if self.request.POST.get("opened") != self.versions:
            message = "One of the two was changed meanwhile. Look again, then save."
            raise ValidationError(message)

    @property
    def versions(self):
        return ":".join(str(project.version) for project in self.pair)

    def get_context_data(self, **context):
        first, second = self.shown
        return super().get_context_data(
            first=first,
            second=second,
            opened=self.versions,
            rows=side_by_side(self.request.user, first, second),
            found=self.found,
            here=self.request.get_full_path(),
            **context,
        )


def side_by_side(user, first, second):
    """[(label, of the first, of the second, whether they differ)].

    What is told of each is a list of (text, its language); an empty one: not known.
    """
    one, other = (in_words(user, project) for project in (first, second))
    return [
        (label, said, other[label], said != other[label]) for label, said in one.items()
    ]


def in_words(user, project):
    whole = project_whole(project, Clock(), user)
    places, names = places_of(project), names_of(whole)
    approved = whole["money"]["approved"]["usd"]
    told = {
        "Official code": [project.official_code],
        "Status": [Status(project.status).label] if project.status else [],
        "Since": [dated(whole["status_since"])] if project.status else [],
        "Plan": [places["plan"].code] if places["plan"] else [],
        "Line": [places["line"].code] if places["line"] else [],
        "Planned start": [whole["planned_start"]],
        "Planned end": [whole["planned_end"]],
        "Funders": [names[code] for code in whole["partners"]],
        "Benefits": [names[code] for code in whole["countries"] + whole["groupings"]],
        "Organisations": [part["name"] for part in whole["organisation_roles"]],
        "Approved budget, USD": [] if approved is None else [f"{approved:,.2f}"],
        "Published": ["yes" if project.is_published else "no"],
        "Recorded on": [dated(timezone.localdate(project.recorded_at))],
    }
    titles = {
        "Title": [(project.title, project.title_language)],
        "In other languages": [
            (title, language) for language, title in project.title_translations.items()
        ],
    }
    return titles | {
        label: [(text, "en") for text in texts if text] for label, texts in told.items()
    }
