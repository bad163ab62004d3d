"""Money: the entries of a project's ledger, and the exchange rates proposed to them."""

import hashlib

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, JsonResponse
from django.views.generic import TemplateView, View

from aseanpm.pages import address, page_of, row_or_404
from aseanpm.workplace import KeptFormView, WorkMixin
from aseanpm.writing import Stale, change, create

from . import actions, money
from .life_views import ProjectWriteView, withdrawn_because
from .models import ExchangeRate
from .money_forms import (
    NewMoneyForm,
    ReverseForm,
    ReviseForm,
    proposed_rate,
    shown_rate,
)
from .rate_forms import MOST_ROWS, RateForm, RateListForm


class MoneyView(ProjectWriteView):
    """A further entry of the ledger: a new one, a new total, or a reversal.

    `?revise=UUID` and `?reverse=UUID` name the entry that it follows.
    """

    resource = "money"
    action = "create"
    template_name = "projects/money_form.html"
    forms = {"revise": ReviseForm, "reverse": ReverseForm}

    def load(self):
        super().load()
        asked = self.request.GET
        self.how = next((how for how in self.forms if how in asked), "")
        self.of = self.followed(asked[self.how]) if self.how else None

    def followed(self, uuid):
        entries = self.project.money_entries.select_related("partner", "fund")
        try:
            return row_or_404(entries, uuid=uuid)
        except ValidationError as error:
            raise Http404(f"“{uuid}” names no entry.") from error

    def refused(self):
        return withdrawn_because(self.of) if self.of else ""

    def new_form(self, data=None):
        if self.how == "revise":
            return ReviseForm(data, project=self.project, of=self.of)
        kind = self.forms.get(self.how, NewMoneyForm)
        return kind(data, project=self.project)

    def title(self):
        return {
            "revise": "Revise an amount",
            "reverse": "Reverse an entry",
        }.get(self.how, "Enter money")

    def post(self, request, *args, **kwargs):
        if "propose" not in request.POST:
            return super().post(request, *args, **kwargs)
        self.load()
        sent = request.POST.copy()
        pair = f"{sent.get('currency', '').upper()} {sent.get('effective_on', '')}"
        found = shown_rate(pair)
        sent.update({"proposed": pair} | found)
        return self.show(self.asking(sent), proposal=found)

    def answer(self, form):
        if not isinstance(form, NewMoneyForm):
            return super().answer(form)
        data = self.request.POST.copy()
        data.setdefault("currency", form.cleaned_data["currency"])
        if found := proposed_rate(data):
            data.update(found)
            if found["rate"]:
                return self.show(self.asking(data), proposal=found)
            form = self.new_form(data)
            if not form.is_valid():
                return self.show(form, status=400)
        return super().answer(form)

    def what(self, form):
        fact = self.entered(form)
        told = " ".join(self.deed(form))
        if fact.is_private:
            did = {"revise": ", revised", "reverse": ", reversed"}.get(self.how, "")
            told = f"{named(fact)}, private{did}"
        return f"{self.project}: {told}"

    def why(self, form):
        return "" if self.entered(form).is_private else super().why(form)

    def said(self, form):
        entry, became = self.deed(form)
        return f"{self.project.code}: {entry} was {became}."

    def deed(self, form):
        """(An entry or a total, what became of it), in words."""
        fact = self.entered(form)
        if self.how == "revise":
            total = f"{fact.currency} {form.cleaned_data['amount']:,.2f}"
            return named(fact), f"revised to {total} ({fact.amount:+,.2f})"
        if self.how == "reverse":
            return f"{named(fact)}, {amount_of(self.of)}", "reversed"
        return f"{named(fact)}, {amount_of(fact)}", "recorded"

    def entered(self, form):
        if self.how == "reverse":
            amount = None if self.of.amount is None else -self.of.amount
            return actions.copy_of(self.of, amount=amount)
        return form.built()

    def write(self, form, entry, project):
        if self.how == "reverse":
            read = form.values()
            on = read.pop("effective_on")
            actions.reverse(fact=self.of, on=on, entry=entry, **read)
        else:
            joins = form.cleaned_data["funds"]
            actions.enter_money(fact=form.built(), joins=joins, entry=entry)

    def get_context_data(self, **context):
        entries = ledger_entries(self.project.money_entries.known(), self.request.user)
        ledger = money.ledger(entries, "seen_amount")
        return super().get_context_data(
            ledger=ledger,
            revisions=money.revisions(ledger),
            how=self.how,
            of=self.of,
            **context,
        )


def amount_of(fact):
    if fact.amount is None:
        return "amount not known"
    return f"{fact.currency} {fact.amount:,.2f}"


def named(fact):
    """An entry without its amount."""
    who = f" by {fact.partner.name}" if fact.partner else ""
    return f"{fact.get_kind_display()}{who}"


def ledger_entries(entries, user):
    """Entries in their order, as a reader sees their amounts, with what they name."""
    return (
        entries.as_seen_by(user)
        .select_related("partner", "fund", "source", "reverses")
        .order_by("effective_on", "day_order")
    )


# Exchange rates


class RatesView(WorkMixin, TemplateView):
    resource = "money"
    action = "view"
    template_name = "projects/rates.html"

    def get_context_data(self, **context):
        currency = self.request.GET.get("currency", "").strip().upper()
        rates = ExchangeRate.objects.filter(Q(currency=currency) if currency else Q())
        return super().get_context_data(
            page_obj=page_of(self.request, rates),
            currency=currency,
            currencies=ExchangeRate.objects.order_by("currency")
            .values_list("currency", flat=True)
            .distinct(),
            **context,
        )


class RateView(KeptFormView, TemplateView):
    """A new rate, or one put right; entries keep the rate they were recorded with."""

    resource = "money"
    form_class = RateForm
    template_name = "projects/rate_form.html"

    @property
    def action(self):
        return "edit" if self.kwargs else "create"

    def get_object(self):
        if not self.kwargs:
            return None
        try:
            return row_or_404(ExchangeRate.objects.all(), **self.kwargs)
        except ValidationError as error:
            raise Http404(f"“{self.kwargs['on']}” is no day.") from error

    @property
    def title(self):
        return "Put a rate right" if self.kwargs else "A new exchange rate"


class RateListView(WorkMixin, TemplateView):
    """A CSV of rates: all that is wrong at once, a preview, then all in one write."""

    resource = "money"
    action = "create"
    template_name = "projects/rates_import.html"

    def get(self, request):
        return self.render_to_response(self.get_context_data(form=RateListForm()))

    def post(self, request):
        form = RateListForm(request.POST, request.FILES)
        if not form.is_valid() or form.wrong:
            return self.show(form, status=400)
        if all(row.becomes == "same" for row in form.rows):
            return self.show(form)
        self.seen = digest_of(form.rows)
        if request.POST.get("seen") != self.seen:
            return self.show(form)
        try:
            return self.write(form.rows)
        except (Stale, ValidationError):  # somebody entered one of these rates just now
            self.seen = ""
            return self.show(RateListForm({"text": form.data["text"]}), status=409)

    def write(self, rows):
        new = [row for row in rows if row.becomes == "new"]
        changed = [row for row in rows if row.becomes == "changed"]
        what = f"Exchange rates from a list: {len(new)} new, {len(changed)} changed"
        with self.entry(what, undo=True) as entry:
            for row in new:
                create(ExchangeRate(**row.values))
            for row in changed:
                change(row.recorded, version=row.recorded.version, **row.values)
            entry.opens = entry.opens or address("projects:rates")
        said = f"{what}. Entries on record keep the rates they were recorded with."
        return self.done(entry, said, address("projects:rates"))

    def show(self, form, status=200):
        context = self.get_context_data(form=form)
        return self.render_to_response(context, status=status)

    def get_context_data(self, **context):
        return super().get_context_data(most=MOST_ROWS, **context)


def digest_of(rows):
    """A name for what a list would do, to tell that somebody has seen just this."""
    told = "\n".join(f"{row.becomes} {row.values}" for row in rows)
    return hashlib.sha256(told.encode()).hexdigest()


class ProposedRateView(WorkMixin, View):
    """The rate that an entry of a currency and day is proposed, for its form."""

    resource = "money"
    action = "create"

    def get(self, request):
        currency = request.GET.get("currency", "").strip().upper()
        return JsonResponse(shown_rate(f"{currency} {request.GET.get('on', '')}"))
