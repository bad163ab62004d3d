"""Money: the entries of a project's ledger, and the exchange rates proposed to them."""

import hashlib

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, JsonResponse
from django.views.generic import TemplateView, View

from aseanpm.pages import address, page_of, row_or_404
from aseanpm.workplace import KeptFormView, WorkMixin
from aseanpm.writing import Stale, change, create

from . import fact_writing, money
from .life_views import ProjectWriteView
from .models import ExchangeRate
from .money_forms import (
    NewMoneyForm,
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
    deed: fact_writing.EnterMoney
    follows = {
        "revise": fact_writing.ReviseMoney,
        "reverse": fact_writing.ReverseMoney,
    }

    def new_deed(self):
        asked = self.request.GET
        self.how = next((how for how in self.follows if how in asked), "")
        self.of = self.followed(asked[self.how]) if self.how else None
        if self.how:
            return self.follows[self.how](self.project, self.of)
        return fact_writing.EnterMoney(self.project)

    def followed(self, uuid):
        entries = self.project.money_entries.select_related("partner", "fund")
        try:
            return row_or_404(entries, uuid=uuid)
        except ValidationError as error:
            raise Http404(f"“{uuid}” names no entry.") from error

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
            form = self.deed.form(data)
            if not form.is_valid():
                return self.show(form, status=400)
        return super().answer(form)

    def said(self, form):
        entry, became = self.deed.told(form)
        return f"{self.project.code}: {entry} was {became}."

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
