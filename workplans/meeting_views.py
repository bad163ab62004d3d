"""The pages on which the secretariat writes what meetings do."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.generic import TemplateView

from aseanpm.editing import KeptRowsView, by_key
from aseanpm.effects import digest_of, moved_by
from aseanpm.facts import AlreadyRecorded, Clock, ledger_entry
from aseanpm.forms import problems_of
from aseanpm.pages import address, row_or_404
from aseanpm.workplace import KeptFormView, WorkMixin
from aseanpm.writing import change
from partners.models import GroupingMembership
from projects.models import Status
from projects.serializers import project_rows, visible_projects

from . import actions
from .actions import UNDECIDED, Arranged, ChangedMeanwhile, Decision, Outcome
from .meeting_forms import (
    MEMBER_STATES,
    AgendaForm,
    CirculationForm,
    ConclusionsForm,
    ConsultationForm,
    DecisionForm,
    FiguresForm,
    MeetingForm,
    MeetingRowsForm,
    PledgesForm,
    StatementsForm,
)
from .models import AgendaItem, Meeting, StrategicArea, WorkPlan

OFFERED = 25  # projects in a list to choose from
LONGEST_SEARCH = 200
TOO_LONG = f"Look for at most {LONGEST_SEARCH} characters."


class MeetingWork(WorkMixin):
    """Work on the meeting that the address names."""

    resource = "meetings"

    @cached_property
    def meeting(self):
        meetings = Meeting.objects.select_related("body", "chair_country", "country")
        return row_or_404(meetings, code=self.kwargs["code"])

    def get_context_data(self, **context):
        return super().get_context_data(meeting=self.meeting, **context)


# The meeting, and its rows


class AttendanceView(KeptRowsView, TemplateView):
    """The form of a meeting; one press adds all states that were members by then."""

    form_class = MeetingForm

    def with_other_rows(self, sent):
        if sent.get("add") == MEMBER_STATES:
            form = self.new_form(self.row, sent)
            sent = form.with_countries(members_on(form.last_day_sent()))
        return super().with_other_rows(sent)


def members_on(day):
    """The codes of the countries that are members of ASEAN on a day, by their names."""
    members = GroupingMembership.objects.valid(day).filter(grouping__code="ASEAN")
    return members.order_by("country__name").values_list("country__code", flat=True)


class MeetingCreateView(AttendanceView):
    resource = "meetings"
    action = "create"

    def address_of(self, row):
        return row.get_absolute_url() if row else reverse("workplans:meetings")


class MeetingFormView(MeetingWork, KeptRowsView):
    def get_object(self):
        meetings = Meeting.objects.select_related("body", "chair_country", "country")
        return row_or_404(meetings, code=self.kwargs["code"])


class MeetingEditView(MeetingFormView, AttendanceView):
    def store(self, form, version):
        """Also says which decisions the new dates leave before the last day."""
        answer = super().store(form, version)
        if {"held_from", "held_until"} & set(form.changed_data):
            for sentence in actions.dated_early(self.get_object()):
                messages.warning(self.request, sentence)
        return answer


class MeetingRowsView(MeetingFormView, TemplateView):
    """A page for some kinds of rows, which the meeting's page shows at `anchor`."""

    form_class: type[MeetingRowsForm]
    template_name = "workplans/meeting_rows.html"
    anchor = ""

    def get_object(self):
        """The meeting, with the version of these rows in place of its own."""
        meeting = super().get_object()
        meeting.version = self.form_class.version_of(meeting)
        return meeting

    def what(self, form):
        return f"{form.title} of the {self.meeting}"

    def address_of(self, row):
        return f"{row.get_absolute_url()}#{self.anchor}"

    def get_context_data(self, **context):
        return super().get_context_data(title=self.form_class.title, **context)


class ConclusionsView(MeetingRowsView):
    form_class = ConclusionsForm
    anchor = "conclusions"


class StatementsView(MeetingRowsView):
    form_class = StatementsForm
    anchor = "statements"


class ConsultationView(MeetingRowsView):
    """Sessions and priorities; ?plan= proposes a session for each of its areas."""

    form_class = ConsultationForm
    anchor = "sessions"

    def new_form(self, row, data=None, initial=None):
        asked = self.request.GET.get("plan", "")
        areas = StrategicArea.objects.filter(plan__code=asked).order_by("order")
        if self.request.method == "GET" and areas and not row.sessions.exists():
            initial = {"sessions": [{"area": area.code} for area in areas]}
        return super().new_form(row, data, initial)

    def get_context_data(self, **context):
        plans = WorkPlan.objects.filter(areas__isnull=False).distinct()
        if not self.row.sessions.exists():
            context["plans"] = plans.order_by("-nominal_start", "code")
        return super().get_context_data(**context)


class MeetingFiguresView(MeetingRowsView):
    form_class = FiguresForm
    anchor = "print"


class PledgesView(MeetingWork, KeptFormView, TemplateView):
    """Which pledges came of a partner's statement, named by ?statement=."""

    form_class = PledgesForm
    template_name = "workplans/meeting_pledges.html"

    def dispatch(self, request, *args, **kwargs):
        asked = request.GET.get("statement")
        if request.user.is_authenticated and not asked:
            self.check_right(request.user)
            return HttpResponseRedirect(self.meeting.get_absolute_url())
        return super().dispatch(request, *args, **kwargs)

    def get_object(self):
        rows = self.meeting.partner_statements.select_related("partner")
        return by_key(rows, self.request.GET["statement"]) or row_or_404(
            rows.none(), text=self.request.GET["statement"]
        )

    def save(self, form, version):
        where = f"{self.meeting.get_absolute_url()}#statements"
        partner = form.instance.partner
        with self.entry(f"Pledges of {partner} at the {self.meeting}") as entry:
            change(form.instance, version=version, lists={"pledges": form.chosen})
            entry.opens = where
            entry.can_be_undone = True
        return self.done(entry, f"The pledges of {partner} were linked.", where)


# Choosing projects


class ProjectPicker:
    """Projects to choose from: those found by words or code, and some offered."""

    @cached_property
    def projects(self):
        return visible_projects(self.request.user, Clock())

    def undecided(self):
        return self.projects.in_status(*UNDECIDED)

    @property
    def words(self):
        sent = self.request.POST or self.request.GET
        return sent.get("search", "").strip()

    @property
    def is_finding(self):
        """Whether Find was pressed, or Enter where there is something to be found."""
        sent = self.request.POST
        return "find" in sent or ("enter" in sent and bool(self.words))

    @property
    def is_too_long(self):
        return len(self.words) > LONGEST_SEARCH

    def found(self):
        """The keys of undecided projects with the words in code or title."""
        if not self.words or self.is_too_long:
            return []
        rows = self.undecided().matching(self.words).order_by("code")
        return list(rows.values_list("pk", flat=True)[:OFFERED])

    def named(self, codes):
        """The projects with these codes, in their order. Raises ValidationError."""
        rows = {
            project.code: project for project in self.projects.filter(code__in=codes)
        }
        missing = [code for code in codes if code not in rows]
        if missing:
            raise ValidationError([f"There is no project {code}." for code in missing])
        return [rows[code] for code in codes]

    def chosen(self):
        """The projects that were ticked, and one whose code was written."""
        sent, words = self.request.POST, self.words
        codes = sent.getlist("project")
        if self.is_too_long:
            raise ValidationError(TOO_LONG)
        if words and self.projects.filter(code=words.upper()).exists():
            codes = [*codes, words.upper()]
        elif words and words != sent.get("looked_for"):
            raise ValidationError(
                f"“{words}” is no project’s code. Press Find and tick what is meant."
            )
        return self.named(list(dict.fromkeys(codes)))

    def show_found(self, shown):
        problems = [("id_search", TOO_LONG)] if self.is_too_long else []
        return self.show(shown, problems=problems, status=400 if problems else 200)

    def picks(self, keys, ticked):
        """[{row, ticked}] of projects with these keys, and of those ticked."""
        rows = project_rows(self.projects, list(dict.fromkeys(keys)), self.request.user)
        return [{"row": row, "ticked": row["code"] in ticked} for row in rows]


# The agenda


class AgendaView(MeetingWork, ProjectPicker, TemplateView):
    """What a meeting is to decide and to note: put on, put in order, take off."""

    template_name = "workplans/meeting_agenda.html"

    def forms(self, data=None):
        """One form for each item that is not decided; as sent, where it was sent."""
        return [
            AgendaForm(
                data if data and item.project.code in data.getlist("item") else None,
                item=item,
                number=number,
            )
            for number, item in enumerate(self.waiting, 1)
        ]

    @cached_property
    def waiting(self):
        items = self.meeting.agenda_items.filter(applied__isnull=True)
        return list(items.select_related("project"))

    def get(self, request, *args, **kwargs):
        return self.show(self.forms())

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        forms = self.forms(request.POST)
        if self.is_finding:
            return self.show_found(forms)
        problems = problems_of(*(form for form in forms if form.is_bound))
        try:
            to_decide = self.chosen()
            to_note = self.named(request.POST.getlist("circulated"))
        except ValidationError as error:
            problems += [("id_search", sentence) for sentence in error.messages]
        if problems:
            return self.show(forms, problems=problems, status=400)
        try:
            return self.save(forms, to_decide, to_note)
        except ChangedMeanwhile as error:
            return self.show(self.renewed(), changed=error.changed, status=409)
        except ValidationError as error:
            problems = [("", sentence) for sentence in error.messages]
            return self.show(forms, problems=problems, status=400)

    def save(self, forms, to_decide, to_note):
        ours = [form for form in forms if form.is_bound]
        lost = set(self.request.POST.getlist("item")) - {
            form.item.project.code for form in ours
        }
        if lost:
            raise ChangedMeanwhile(
                {code: f"{code} is on the agenda no longer." for code in lost}
            )
        standing = sorted(
            (form for form in ours if not form.cleaned_data["gone"]),
            key=lambda form: form.cleaned_data["place"] or len(forms) + 1,
        )
        places = {form: number for number, form in enumerate(standing, 1)}
        arranged = [
            Arranged(
                item=form.item,
                item_version=form.cleaned_data["item_version"],
                place=places.get(form),
                note=form.cleaned_data["note"],
            )
            for form in ours
        ]
        where = self.request.path
        with self.entry(f"Agenda of the {self.meeting}", undo=True) as entry:
            actions.arrange_agenda(
                meeting=self.meeting,
                arranged=arranged,
                decide=to_decide,
                to_note=to_note,
            )
            entry.opens = where
        return self.done(entry, "The agenda was saved.", where)

    def renewed(self):
        """The same forms with the versions of now, so that saving again overwrites."""
        del self.waiting
        data = self.request.POST.copy()
        for form in self.forms():
            data[form.add_prefix("item_version")] = str(form.item.version)
        return self.forms(data)

    def show(self, forms, *, status=200, **context):
        if status != 200:
            self.refuse_twin()
        sent = self.request.POST
        there = set(self.meeting.agenda_items.values_list("project", flat=True))
        ticked = set(sent.getlist("project"))
        proposals = self.undecided().in_status(Status.APPRAISAL).exclude(pk__in=there)
        offered = list(
            proposals.order_by("code").values_list("pk", flat=True)[:OFFERED]
        )
        chosen = self.projects.filter(code__in=ticked).values_list("pk", flat=True)
        found = [pk for pk in self.found() if pk not in there]
        others = [pk for pk in chosen if pk not in offered and pk not in found]
        circulated = {
            project.pk: fact
            for project, fact in actions.circulated_since(self.meeting).items()
            if project.pk not in there
        }
        noted = set(sent.getlist("circulated")) if sent else None
        told = self.told(forms)
        answer = self.get_context_data(
            forms=told,
            illustrative=illustrative(one["row"] for one in told),
            can_decide=not actions.not_yet(self.meeting),
            decided=self.meeting.agenda_items.filter(
                applied__isnull=False
            ).select_related("project"),
            search=self.words,
            found=self.picks([*found, *others], ticked),
            proposals=self.picks(offered, ticked),
            more=max(proposals.count() - OFFERED, 0),
            all_in_appraisal=address("projects:list", status=Status.APPRAISAL.value),
            circulated=[
                {
                    "row": row,
                    "fact": circulated[project.pk],
                    "ticked": noted is None or row["code"] in noted,
                }
                for project, row in self.rows_of(circulated)
            ],
            last=actions.last_meeting(self.meeting),
            **context,
        )
        return self.render_to_response(answer, status=status)

    def rows_of(self, keys):
        projects = {one.code: one for one in self.projects.filter(pk__in=keys)}
        rows = project_rows(self.projects, list(keys), self.request.user)
        return [(projects[row["code"]], row) for row in rows]

    def told(self, forms):
        """[{form, row}]: a project that was withdrawn meanwhile has no row."""
        keys = [form.item.project_id for form in forms]
        rows = project_rows(self.projects, keys, self.request.user)
        by_code = {row["code"]: row for row in rows}
        return [
            {"form": form, "row": by_code.get(form.item.project.code)} for form in forms
        ]


# Decisions


class DecisionsView(MeetingWork, TemplateView):
    """One screen for all that a meeting decided, applied in one write."""

    resource = "projects"
    action = "approve"
    template_name = "workplans/meeting_decisions.html"

    @cached_property
    def items(self):
        return list(self.meeting.agenda_items.select_related("project"))

    @property
    def open_items(self):
        return [item for item in self.items if not item.applied]

    def forms(self, data=None):
        return [
            DecisionForm(
                data if data and item.project.code in data.getlist("item") else None,
                item=item,
            )
            for item in self.open_items
        ]

    def all_approved(self):
        """The forms as sent, with approval wherever nothing was chosen yet."""
        data = self.request.POST.copy()
        for form in self.forms():
            name = form.add_prefix("outcome")
            if form.item.kind == AgendaItem.Kind.DECIDE:
                data[name] = data.get(name) or Outcome.APPROVE.value
        return self.forms(data)

    def get(self, request, *args, **kwargs):
        return self.show(self.forms())

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        if "approve-all" in request.POST:
            return self.show(self.all_approved())
        forms = self.forms(request.POST)
        ours = [form for form in forms if form.is_bound]
        problems = problems_of(*ours)
        if problems:
            return self.show(forms, problems=problems, status=400)
        try:
            return self.save(forms, ours)
        except ChangedMeanwhile as error:
            return self.changed(error.changed)
        except ValidationError as error:
            return self.show(forms, problems=self.placed(forms, error), status=400)

    def save(self, forms, ours):
        is_draft = "keep" in self.request.POST
        self.refuse_changed(ours)
        decisions = self.decisions(ours, also_open=is_draft)
        if is_draft:
            return self.keep(decisions)
        if not decisions:
            raise ValidationError("Choose a decision for at least one project.")

        day = actions.decision_day(self.meeting)
        found = self.moved(lambda: self.attempt(decisions), day)
        if found:
            public = becoming_public(decisions)
            return self.show(forms, moved=found, becoming_public=public)
        told = tally(decisions)
        with self.entry(f"The {self.meeting}: {told}", undo=True) as entry:
            actions.decide(meeting=self.meeting, decisions=decisions, entry=entry)
            entry.opens = self.meeting.get_absolute_url()
        message = f"What the {self.meeting} decided is on record: {told}."
        return self.done(entry, message, entry.opens)

    def attempt(self, decisions):
        with ledger_entry(self.request.user) as entry:
            actions.decide(meeting=self.meeting, decisions=decisions, entry=entry)

    def changed(self, changed):
        """409: what was chosen stays, and what it moves and publishes is told anew."""
        forms = self.renewed()
        ours = [form for form in forms if form.is_bound and form.is_valid()]
        decisions = self.decisions(ours)
        if "keep" in self.request.POST:
            return self.show(forms, changed=changed, status=409)
        try:
            day = actions.decision_day(self.meeting)
            moved = moved_by(lambda: self.attempt(decisions), self.request.user, day)
        except (ChangedMeanwhile, ValidationError):
            return self.show(forms, changed=changed, status=409)
        self.seen = digest_of(moved)
        return self.show(
            forms,
            changed=changed,
            moved=moved,
            becoming_public=becoming_public(decisions),
            status=409,
        )

    def keep(self, decisions):
        with self.entry(f"Draft decisions of the {self.meeting}") as entry:
            actions.keep_drafts(meeting=self.meeting, decisions=decisions, entry=entry)
            entry.opens = self.request.path
        message = "Kept as a draft. Nothing is decided until you apply it."
        return self.done(entry, message, entry.opens)

    def refuse_changed(self, ours):
        """Raise ChangedMeanwhile for items that went, and for a meeting that moved."""
        sent = self.request.POST
        ours = {form.item.project.code for form in ours}
        changed = {}
        for item in self.items:
            code = item.project.code
            if item.applied and sent.get(f"item-{code}-outcome"):
                changed[code] = actions.changed_item(item)
        for code in sent.getlist("item"):
            if code not in ours and code not in changed:
                changed[code] = f"{code} is on the agenda no longer."
        if sent.get("dated") != self.dated:
            changed[""] = actions.moved_to(self.dated)
        if changed:
            raise ChangedMeanwhile(changed)

    @property
    def dated(self):
        return str(self.meeting.held_until or "")

    def decisions(self, forms, *, also_open=False):
        return [
            self.decision(form)
            for form in forms
            if also_open or form.cleaned_data["outcome"]
        ]

    @staticmethod
    def decision(form):
        given = form.cleaned_data
        return Decision(
            project=form.item.project,
            outcome=given["outcome"],
            reason=given["reason"],
            item=form.item,
            item_version=given["item_version"],
            project_version=given["project_version"],
        )

    @staticmethod
    def placed(forms, error):
        """What was objected, each at the project it is about."""
        by_code = {form.item.project.code: form for form in forms}
        said = error.message_dict if hasattr(error, "error_dict") else {}
        others = [] if said else [("", sentence) for sentence in error.messages]
        for code, sentences in said.items():
            for sentence in sentences:
                if code in by_code:
                    by_code[code].add_error("outcome", sentence)
                else:
                    others.append(("", sentence))
        return others + problems_of(*(form for form in forms if form.is_bound))

    def renewed(self):
        """The choices as they were made, with the meeting and the versions of now."""
        del self.meeting, self.items
        forms, data = self.forms(), self.request.POST.copy()
        for form in forms:
            data[form.add_prefix("item_version")] = str(form.item.version)
            data[form.add_prefix("project_version")] = str(form.item.project.version)
        data.setlist("item", [form.item.project.code for form in forms])
        return self.forms(data)

    def show(self, forms, *, status=200, **context):
        if status != 200:
            self.refuse_twin()
        projects = visible_projects(self.request.user, Clock())
        keys = [item.project_id for item in self.items]
        rows = project_rows(projects, keys, self.request.user)
        by_code = {row["code"]: row for row in rows}
        on = self.meeting.held_until
        statuses = (
            actions.statuses_on([item.project for item in self.items], on) if on else {}
        )
        answer = self.get_context_data(
            forms=[
                {
                    "form": form,
                    "item": form.item,
                    "row": by_code.get(form.item.project.code),
                    "is_concept": statuses.get(form.item.project_id) == Status.CONCEPT,
                }
                for form in forms
            ],
            decided=[item for item in self.items if item.applied],
            illustrative=illustrative(rows),
            not_yet=actions.not_yet(self.meeting),
            dated=self.dated,
            **context,
        )
        return self.render_to_response(answer, status=status)


def illustrative(rows):
    return sum(bool(row and row["is_illustrative"]) for row in rows)


def becoming_public(decisions):
    """The projects that approval publishes."""
    return [
        one.project
        for one in decisions
        if one.outcome == Outcome.APPROVE
        and not (one.project.is_published or one.project.withheld_reason)
    ]


def tally(decisions):
    """2 approved, 1 returned"""
    counts = {
        words: sum(one.outcome == outcome for one in decisions)
        for outcome, words in AgendaItem.DID.items()
    }
    return ", ".join(f"{number} {words}" for words, number in counts.items() if number)


class CirculationView(WorkMixin, ProjectPicker, TemplateView):
    """What was decided by circulation, without a meeting."""

    resource = "projects"
    action = "approve"
    template_name = "workplans/meeting_circulation.html"

    def get(self, request, *args, **kwargs):
        return self.show(CirculationForm())

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        form = CirculationForm(request.POST)
        if self.is_finding:
            return self.show_found(CirculationForm(initial=request.POST.dict()))
        problems, chosen = [], []
        try:
            chosen = self.chosen()
            if not chosen:
                raise ValidationError("Choose the projects that were decided.")
        except ValidationError as error:
            problems = [("id_search", sentence) for sentence in error.messages]
        if not form.is_valid() or problems:
            problems = [*problems_of(form), *problems]
            return self.show(form, problems=problems, status=400)
        try:
            return self.save(form, chosen)
        except ValidationError as error:
            said = error.message_dict if hasattr(error, "error_dict") else {}
            problems = [
                ("", f"{code}: {sentence}")
                for code, sentences in said.items()
                for sentence in sentences
            ] or [("", sentence) for sentence in error.messages]
            return self.show(form, problems=problems, status=400)

    def save(self, form, chosen):
        given = form.cleaned_data
        decisions = [
            Decision(project=one, outcome=given["outcome"], reason=given["reason"])
            for one in chosen
        ]

        def write(entry):
            actions.circulate(decisions=decisions, on=given["on"], entry=entry)

        def attempt():
            with ledger_entry(self.request.user) as entry:
                write(entry)

        found = self.moved(attempt, given["on"])
        if found:
            public = becoming_public(decisions)
            return self.show(form, moved=found, becoming_public=public)
        told = tally(decisions)
        with self.entry(f"By circulation: {told}", undo=True) as entry:
            write(entry)
            entry.opens = (
                chosen[0].get_absolute_url()
                if len(chosen) == 1
                else reverse("workplans:meetings")
            )
        message = f"Decided by circulation on {given['on'].isoformat()}: {told}."
        return self.done(entry, message, entry.opens)

    def show(self, form, *, status=200, **context):
        if status != 200:
            self.refuse_twin()
        sent = self.request.POST or self.request.GET
        ticked = set(sent.getlist("project"))
        offered = list(
            self.projects.in_status(Status.APPRAISAL)
            .order_by("code")
            .values_list("pk", flat=True)[:OFFERED]
        )
        found = self.found()
        chosen = self.projects.filter(code__in=ticked).values_list("pk", flat=True)
        keys = [*found, *(pk for pk in chosen if pk not in offered)]
        answer = self.get_context_data(
            form=form,
            search=self.words,
            found=self.picks(keys, ticked),
            proposals=self.picks([pk for pk in offered if pk not in keys], ticked),
            **context,
        )
        return self.render_to_response(answer, status=status)


# A priority becomes a project


class ConceptView(MeetingWork, TemplateView):
    """Make a concept project of a priority, once."""

    resource = "projects"
    action = "create"

    def get(self, request, *args, **kwargs):
        return HttpResponseRedirect(self.back)

    @property
    def back(self):
        return f"{self.meeting.get_absolute_url()}#sessions"

    def post(self, request, *args, **kwargs):
        if before := self.sent_before():
            raise AlreadyRecorded(before)
        rows = self.meeting.priorities.select_related("project")
        priority = by_key(rows, request.POST.get("priority", ""))
        if priority is None:
            return self.refuse("This priority is not on record any more.")
        if made := actions.project_of(priority):
            return HttpResponseRedirect(made.get_absolute_url())
        try:
            with self.entry(f"Concept from the {self.meeting}", undo=True) as entry:
                project = actions.make_concept(priority=priority, entry=entry)
                entry.opens = project.get_absolute_url()
        except ValidationError as error:
            return self.refuse(" ".join(error.messages))
        message = f"{project} is a concept project now. It is not published."
        return self.done(entry, message, entry.opens)

    def refuse(self, sentence):
        self.refuse_twin()
        messages.error(self.request, sentence)
        return HttpResponseRedirect(self.back)
