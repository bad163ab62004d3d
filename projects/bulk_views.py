"""Changing a selection of projects: what each becomes is seen before it is written."""

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.generic import TemplateView

from aseanpm.effects import FiguresChanged, as_seen, digest_of, moved_by
from aseanpm.facts import AlreadyRecorded, ledger_entry
from aseanpm.forms import DayField, TidyMixin
from aseanpm.pages import ClockMixin
from aseanpm.permissions import STAFF
from aseanpm.workplace import WorkMixin, add_errors

from . import bulk
from .models import Project, Status, StatusChange
from .serializers import visible_projects
from .views import ProjectPageFilter


def rows_behind(name):
    """The rows of the model that a field of Project leads to."""
    return Project._meta.get_field(name).related_model.objects


class DeedForm(TidyMixin, forms.Form):
    """What a change needs to know. `plan(projects, user)` tells what it makes of each.

    `moves` tells that figures may move, from the day `since` on, as `reader` sees them
    (None: the writer).
    """

    comes_with: tuple[str, ...] = ()  # what the projects are read with
    moves = False
    since = None
    reader = None
    reason = ""

    def plan(self, projects, user):
        raise NotImplementedError

    @property
    def what(self):
        """The change in a word or two, for the ledger."""
        raise NotImplementedError


class MoveForm(DeedForm):
    status = forms.ChoiceField(
        label="New status",
        choices=[
            one for one in Status.choices if one[0] not in ("", Status.CARRIED_OVER)
        ],
        help_text="Carrying over needs a successor: do it on the project’s own page.",
    )
    effective_on = DayField(label="Since", help_text="The day on which it became so.")
    meeting: forms.ModelChoiceField = forms.ModelChoiceField(
        label="Decided at",
        queryset=None,
        to_field_name="code",
        required=False,
        empty_label="No meeting",
        help_text="Approval names the meeting or the circulation.",
    )
    by_circulation = forms.BooleanField(label="Decided by circulation", required=False)
    note = forms.CharField(
        label="Reason",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed for on hold, cancelled and returned to concept.",
    )

    moves = True

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        meetings = StatusChange._meta.get_field("meeting").related_model.objects
        self.fields["meeting"].queryset = meetings.select_related("body").order_by(
            "-held_until", "code"
        )

    def clean(self):
        given = super().clean()
        if not self.errors:
            change = StatusChange(**given)
            try:
                change.clean()
                change.validate_constraints(exclude=["project"])
            except ValidationError as error:
                add_errors(self, error)
        return given

    def plan(self, projects, user):
        return bulk.plan_move(projects, user, **self.cleaned_data)

    @property
    def since(self):
        return self.cleaned_data["effective_on"]

    @property
    def reason(self):
        return self.cleaned_data["note"]

    @property
    def what(self):
        return f"Status: {Status(self.cleaned_data['status']).label}"


class ListForm(DeedForm):
    """A row put on, or taken from, a list that each project has."""

    adds = True
    list_name: str
    field: str

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields[self.field].queryset = rows_behind(self.list_name).all()
        self.comes_with = (self.list_name,)

    def plan(self, projects, user):
        row = self.cleaned_data[self.field]
        return bulk.plan_list(projects, self.list_name, row, adds=self.adds)

    @property
    def what(self):
        verb = "added" if self.adds else "removed"
        label = self.fields[self.field].label
        return f"{label} {verb}: {self.cleaned_data[self.field]}"


class ThemeForm(ListForm):
    list_name, field = "themes", "theme"
    theme: forms.ModelChoiceField = forms.ModelChoiceField(
        label="Theme", queryset=None, to_field_name="code"
    )


class ThemeAwayForm(ThemeForm):
    adds = False


class FocalPointForm(ListForm):
    list_name, field = "focal_points", "focal_point"
    focal_point: forms.ModelChoiceField = forms.ModelChoiceField(
        label="Focal point", queryset=None
    )


class FocalPointAwayForm(FocalPointForm):
    adds = False


class OfficerForm(DeedForm):
    officer: forms.ModelChoiceField = forms.ModelChoiceField(
        label="Officer",
        queryset=None,
        to_field_name="email",
        required=False,
        empty_label="Nobody",
        help_text="Who answers for the record in the secretariat.",
    )

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        users = rows_behind("officer").filter(is_active=True)
        self.fields["officer"].queryset = users.filter(role__in=STAFF)

    def plan(self, projects, user):
        return bulk.plan_officer(projects, self.cleaned_data["officer"])

    @property
    def what(self):
        return f"Officer: {self.cleaned_data['officer'] or 'nobody'}"


class PublicationForm(DeedForm):
    moves = True
    reader = AnonymousUser()

    def plan(self, projects, user):
        return bulk.plan_publication(projects, self.reason)

    what = "Published"


class WithholdForm(PublicationForm):
    withheld_reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="Kept beside the project; visitors do not see it.",
    )

    @property
    def reason(self):
        return self.cleaned_data["withheld_reason"]

    what = "Withheld from publication"


FORMS = {
    "move": MoveForm,
    "add-theme": ThemeForm,
    "remove-theme": ThemeAwayForm,
    "add-focal-point": FocalPointForm,
    "remove-focal-point": FocalPointAwayForm,
    "officer": OfficerForm,
    "publish": PublicationForm,
    "withhold": WithholdForm,
}


class ChangedMeanwhile(Exception):
    """Projects were changed after their preview; nothing is written."""


class BulkView(WorkMixin, TemplateView):
    """One change to the projects that were ticked, or to all of a filtered list.

    The list sends `pick` (codes), or `all` and its `query`. The pages after it carry
    `picked`: code and version of each project as the preview showed it.
    """

    resource = "projects"
    template_name = "projects/bulk.html"

    def get(self, request, *args, **kwargs):
        return HttpResponseRedirect(self.place() or reverse("projects:list"))

    def post(self, request, *args, **kwargs):
        deed = request.POST.get("deed", "")
        versions = self.versions_sent()
        codes = list(versions) or self.codes_ticked()
        if deed not in FORMS or not 0 < len(codes) <= bulk.AT_MOST:
            return self.refuse(deed, codes)
        asked = {"preview", "apply"} & {*request.POST}
        form_class = FORMS[deed]
        bound = asked or not form_class.base_fields
        self.deed = deed
        self.form = form_class(request.POST if bound else None)
        self.projects = self.read(codes)
        self.gone = sorted({*codes} - {one.code for one in self.projects})
        if not bound:
            return self.page()
        if not self.form.is_valid():
            return self.page(status=400)
        self.planned = self.form.plan(self.projects, request.user)
        if "apply" in request.POST:
            if before := self.sent_before():
                raise AlreadyRecorded(before)
            return self.apply(versions)
        return self.preview()

    def refuse(self, deed, codes):
        if deed not in FORMS:
            sentence = "Choose what to change."
        elif not codes:
            sentence = "Tick at least one project, or all of the list."
        else:
            sentence = (
                f"{len(codes)} projects are too many for one change: at most "
                f"{bulk.AT_MOST}. Narrow the list by a filter."
            )
        messages.error(self.request, sentence)
        return self.get(self.request)

    # Which projects

    def versions_sent(self):
        """{code: version} of the preview; -1, which no project has, if unreadable."""
        found = {}
        for text in self.request.POST.get("picked", "").split():
            code, _, version = text.rpartition(":")
            is_number = version.isascii() and version.isdigit() and len(version) < 10
            found[code] = int(version) if is_number else -1
        return found

    def codes_ticked(self):
        if "all" not in self.request.POST:
            return list(dict.fromkeys(self.request.POST.getlist("pick")))
        asked = QueryDict(self.request.POST.get("query", ""), mutable=True)
        for other in ("page", "columns", "ordering"):
            asked.pop(other, None)
        ProjectPageFilter.check_names(asked)
        clock = ClockMixin.read_clock(asked)
        found = ProjectPageFilter(asked, visible_projects(self.request.user, clock))
        codes = found.rows.order_by("code").values_list("code", flat=True)
        return list(codes[: bulk.AT_MOST + 1])

    def read(self, codes, *, lock=False):
        """The projects as they are now, with what the form compares."""
        projects = Project.objects.visible_to(self.request.user).as_of()
        projects = projects.filter(code__in=codes).order_by("code")
        if lock:
            projects = projects.select_for_update(of=("self",))
        return list(
            projects.select_related("officer").prefetch_related(*self.form.comes_with)
        )

    # Preview and write

    @property
    def reader(self):
        return self.form.reader or self.request.user

    @property
    def going(self):
        return [one for one in self.planned if not one.refused]

    def preview(self, status=200, **context):
        """What would change; with the figures that move, seen before they do."""
        figures = []
        try:
            if self.form.moves and self.going:
                figures = moved_by(self.try_out, self.reader, self.form.since)
                self.seen = digest_of(figures)
        except ValidationError as error:
            add_errors(self.form, error)
            return self.page(status=400)
        return self.page(status, planned=self.planned, moved=figures, **context)

    def try_out(self):
        with ledger_entry(self.request.user, what="Preview") as entry:
            bulk.write(self.planned, entry)

    def apply(self, versions):
        count = len(self.going)
        what = f"{self.form.what} ({count} project{'s'[: count != 1]})"
        try:
            self.refuse_changed(versions, self.projects)
            if not count:
                return self.preview()
            with self.entry(what, self.form.reason, undo=True) as entry:
                self.refuse_changed(versions, self.read(versions, lock=True))
                self.write(entry)
        except ChangedMeanwhile:
            return self.conflict(versions)
        except FiguresChanged:
            return self.preview()
        except ValidationError as error:
            add_errors(self.form, error)
            return self.page(status=400)
        left = len(self.planned) - count
        said = f"{what}." + (f" {left} left out." if left else "")
        return self.done(entry, said, reverse("projects:list"))

    def write(self, entry):
        """Write what was planned, if it moves just the figures that were seen."""
        if not self.form.moves:
            bulk.write(self.planned, entry)
            return
        with as_seen(self.request.POST.get("seen"), self.reader, self.form.since):
            bulk.write(self.planned, entry)

    def refuse_changed(self, versions, projects):
        if {project.code: project.version for project in projects} != versions:
            raise ChangedMeanwhile

    def conflict(self, versions):
        """409: who was changed meanwhile, and the preview as things stand now."""
        self.projects = self.read(versions)
        self.planned = self.form.plan(self.projects, self.request.user)
        return self.preview(
            status=409,
            changed=[
                project
                for project in self.projects
                if project.version != versions[project.code]
            ],
            is_conflict=True,
        )

    def page(self, status=200, **context):
        context = self.get_context_data(
            title=bulk.DEEDS[self.deed],
            deed=self.deed,
            form=self.form,
            projects=self.projects,
            gone=self.gone,
            picked=" ".join(f"{one.code}:{one.version}" for one in self.projects),
            **context,
        )
        if "planned" in context:
            context |= {
                "going": self.going,
                "left_out": [one for one in self.planned if one.refused],
                "as_visitors_see": self.form.reader is not None,
            }
        return self.render_to_response(context, status=status)
