"""Saying something of a project, a line or a meeting, and promising to do something."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.utils import timezone
from django.views.generic import TemplateView, View

from .models import ActionPoint, Comment
from .permissions import Refused, can, require
from .talk import (
    ActionPointForm,
    CommentForm,
    kind_of,
    may_edit,
    may_withdraw,
    owns,
    remark_of,
    row_of,
)
from .workplace import KeptFormView, NothingChanged, WorkMixin, version_of
from .writing import Stale, change, create


class NotTheirs(Refused):
    """It is another person's remark."""

    def __init__(self, user, words):
        super().__init__(user, "edit", "comments")
        self.says = words


class PressView(WorkMixin, View):
    """One press that changes one row, guarded by its version."""

    http_method_names = ["post"]

    def dispatch(self, request, *args, **kwargs):
        before = request.user.is_authenticated and self.sent_before()
        if before:  # and what it withdrew is not found again
            return HttpResponseRedirect(before.opens)
        return super().dispatch(request, *args, **kwargs)

    def press(self, row, what, message, to, *, withdraw=False, **values):
        """Write the values, say so and return to the reader's place."""
        undo = can(self.request.user, "edit", "history")
        try:
            with self.entry(what, undo=undo) as entry:
                if withdraw:
                    values["withdrawn_at"] = entry.recorded_at
                if not change(row, version=version_of(self.request.POST), **values):
                    raise NothingChanged(to)
                entry.opens = to
        except Stale:
            words = "Somebody changed this meanwhile. Here is how it stands now."
            messages.error(self.request, words)
        except ValidationError as error:
            messages.error(self.request, " ".join(error.messages))
        else:
            return self.done(entry, message, to)
        return HttpResponseRedirect(self.place() or to)


class AboutMixin:
    """A view about the row that the address names; a row that is not seen is a 404."""

    resource = "comments"

    def check_right(self, user):
        self.about = row_of(self.kwargs["kind"], self.kwargs["code"], user)
        require(user, self.action, self.resource, own=owns(user, self.about))

    def address_of(self, remark):
        """Where what is said of the row is read."""
        return f"{self.about.get_absolute_url()}#talk"


class RemarkView(AboutMixin, KeptFormView, TemplateView):
    """A new remark; the same form stands on the page of what it is about."""

    action = "create"
    said: str

    def new_form(self, row, data=None):
        model = self.form_class.Meta.model
        return self.form_class(
            data, about=self.about, instance=row or model(**self.of_row)
        )

    @property
    def of_row(self):
        return {kind_of(self.about): self.about}

    def save(self, form, version):
        values = {name: form.cleaned_data[name] for name in form._meta.fields}
        lists = {"mentions": values.pop("mentions")} if "mentions" in values else {}
        remark = form.instance
        undo = can(self.request.user, "edit", "history")
        with self.entry(self.what(form), undo=undo) as entry:
            if self.row is None:
                remark.recorded_at = entry.recorded_at
                remark.recorded_by = self.request.user
                create(remark, **lists)
            elif not change(remark, version=version, lists=lists, **values):
                raise NothingChanged(self.address_of(remark))
            entry.opens = self.address_of(remark)
        return self.done(entry, f"{self.what(form)}: saved.", entry.opens)

    def get_context_data(self, **context):
        title = self.what(context["form"])
        return super().get_context_data(title=title, row=self.about, **context)

    def what(self, form):
        return f"{self.said} {self.about.code}"


class CommentView(RemarkView):
    form_class = CommentForm
    said = "Comment on"


class ActionPointView(RemarkView):
    form_class = ActionPointForm
    said = "Action point on"


class OneRemarkMixin(AboutMixin):
    """A view about one standing remark, for those who may change it."""

    action = "edit"
    model: type

    def check_right(self, user):
        self.remark = remark_of(self.model, self.kwargs["number"], user)
        self.about = self.remark.about
        self.refuse(user)

    def refuse(self, user):
        """Raise Refused where this user may not change the remark."""
        if not may_edit(user, self.remark):
            raise NotTheirs(
                user,
                "Its owner, its author and the secretariat change an action point.",
            )


class ActionPointEditView(OneRemarkMixin, ActionPointView):
    """Change what is to be done, by whom or by when."""

    model = ActionPoint

    def get_object(self):
        return ActionPoint.objects.select_related("owner").get(pk=self.remark.pk)


class DeedView(OneRemarkMixin, PressView):
    """One press that changes a remark."""

    def write(self, what, message, **values):
        to = self.address_of(self.remark)
        what = f"{what} on {self.about.code}"
        return self.press(self.remark, what, message, to, **values)


class WithdrawView(DeedView):
    """What was said is taken back; it stays in the history."""

    def refuse(self, user):
        if not may_withdraw(user, self.remark):
            words = "Only who wrote it, or an administrator, withdraws it."
            raise NotTheirs(user, words)

    def post(self, request, number):
        name = self.model._meta.verbose_name
        return self.write(
            f"Withdrew a {name}",
            f"The {name} is withdrawn.",
            withdraw=True,
        )


class CommentWithdrawView(WithdrawView):
    model = Comment


class ActionPointWithdrawView(WithdrawView):
    model = ActionPoint


class DoneView(DeedView):
    model = ActionPoint

    def post(self, request, number):
        what = "Action point done"
        done_on = timezone.localdate()
        return self.write(what, f"Done: {self.remark}", done_on=done_on)


class ReopenView(DeedView):
    model = ActionPoint

    def post(self, request, number):
        what = "Action point opened again"
        return self.write(what, f"Open again: {self.remark}", done_on=None)
