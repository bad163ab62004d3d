"""Two partners, or two organisations, that are one: what the merge will do, then it."""

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponseRedirect
from django.views.generic import TemplateView

from aseanpm.effects import digest_of, moved_by
from aseanpm.filters import without_tags
from aseanpm.forms import TidyMixin
from aseanpm.pages import address, row_or_404
from aseanpm.permissions import can
from aseanpm.problems import refuse_unknown
from aseanpm.workplace import WorkMixin, add_errors

from . import merging
from .models import Organisation, Partner, User


class KeptField(forms.ModelChoiceField):
    """One of the others, by its code."""

    def __init__(self, rows, **options):
        super().__init__(rows, to_field_name="code", **options)

    def label_from_instance(self, row):
        return f"{row.name} ({row.code})"


class ChoiceForm(forms.Form):
    def __init__(self, data, others):
        super().__init__(data)
        self.fields["into"] = KeptField(
            others,
            label="Which one is kept?",
            help_text="Its code and its name stay; those of the other lead to it.",
            empty_label="Choose",
        )


class MergeForm(TidyMixin, ChoiceForm):
    """The merge itself. `into` was chosen on the page before."""

    reason = forms.CharField(
        label="How do you know that they are one?",
        max_length=300,
        help_text="Stands in the history of everything that this changes.",
    )

    def __init__(self, data, others, kept=None):
        super().__init__(data, others)
        self.fields["into"].widget = forms.HiddenInput()
        self.initial["into"] = kept and kept.code


class MergeView(WorkMixin, TemplateView):
    """Choose the row that is kept; see what that does; do it as one write."""

    template_name = "partners/merge.html"
    resource = "reference"
    model: type
    route: str

    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        self.kept = self.form = self.moves = None

    def get(self, request, code):
        refuse_unknown(without_tags(request.GET), {"into", "next"})
        self.gone = self.row(code)
        if "into" not in request.GET:
            return self.show(ChoiceForm(None, self.others()))
        choice = ChoiceForm(request.GET, self.others())
        if not choice.is_valid():
            return self.show(choice, status=400)
        self.kept = choice.cleaned_data["into"]
        self.moves = self.tried(choice)
        if choice.errors:
            return self.show(choice, status=400)
        return self.show(MergeForm(None, self.others(), self.kept))

    def post(self, request, code):
        before = self.sent_before()
        if before:
            return HttpResponseRedirect(before.opens)
        self.gone = self.row(code)
        form = MergeForm(request.POST, self.others())
        is_valid = form.is_valid()
        self.kept = form.cleaned_data.get("into")
        reason = form.cleaned_data.get("reason", "")
        if self.kept:
            self.moves = self.tried(form, reason)
        if not is_valid or form.errors:
            return self.show(form, status=400)
        if self.moves and self.seen not in request.POST.get("seen", "").split():
            return self.show(form)
        try:
            entry = self.write(reason)
        except ValidationError as error:
            add_errors(form, error)
            return self.show(form, status=400)
        return self.done(
            entry, f"{self.gone} was merged into {self.kept}.", entry.opens
        )

    def row(self, code):
        """The row that goes; Http404 for one that is none, or was merged before."""
        return row_or_404(self.model.objects, code=code)

    def others(self):
        return self.model.objects.exclude(pk=self.gone.pk)

    def write(self, reason):
        gone, kept = self.gone, self.kept
        what = f"Merged {gone} ({gone.code}) into {kept} ({kept.code})"
        with self.entry(what, reason, undo=True) as entry:
            rows = self.model.objects.in_bulk([gone.pk, kept.pk])
            if len(rows) < 2:
                raise Http404("One of the two was merged meanwhile.")
            merging.merge(gone=rows[gone.pk], kept=rows[kept.pk], entry=entry)
            entry.opens = self.page_of(kept)
        return entry

    def tried(self, form, reason=""):
        """The figures that the merge moves, also where they were seen before.

        What stands against it goes to the form.
        """
        try:
            found = moved_by(lambda: self.write(reason or "tried"), self.request.user)
        except ValidationError as error:
            add_errors(form, error)
            return None
        self.seen = digest_of(found)
        return found

    def page_of(self, row):
        return row.get_absolute_url()

    def show(self, form, status=200):
        context = self.get_context_data(form=form, gone=self.gone, kept=self.kept)
        return self.render_to_response(context, status=status)

    def get_context_data(self, **context):
        if self.kept and not merging.objections(self.gone, self.kept):
            context |= self.preview()
        return super().get_context_data(
            name=self.model._meta.verbose_name,
            cancel=self.place() or self.page_of(self.gone),
            **context,
        )

    def may_see(self, row):
        """Users are for administrators to know."""
        return not isinstance(row, User) or can(self.request.user, "view", "users")

    def preview(self):
        gone, kept = self.gone, self.kept
        return {
            "turnings": [
                (turning, [sample(row) for row in turning.rows if self.may_see(row)])
                for turning in merging.turnings(gone, kept)
            ],
            "superfluous": [
                sample(fact) for fact in merging.superfluous_fundings(gone, kept)
            ],
            "new_names": merging.new_names(gone, kept),
            "moved": self.moves,
            "other_way": address(self.route, kept.code, into=gone.code),
        }


class PartnerMergeView(MergeView):
    model = Partner
    route = "partners:merge"


class OrganisationMergeView(MergeView):
    model = Organisation
    route = "partners:organisation-merge"

    def page_of(self, row):
        return address("projects:list", organisation=row.code)


def sample(row):
    """A record in words, with the project, meeting or fund that it is about."""
    for name in ("project", "meeting", "fund"):
        about = getattr(row, name, None)
        if about is not None:
            url = getattr(about, "get_absolute_url", None)
            return {"about": about, "url": url() if url else "", "says": row}
    return {"about": None, "url": "", "says": row}
