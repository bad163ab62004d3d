"""The forms of the ledger: an entry, a new total, a reversal; and the rate proposed."""

import datetime as dt
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from aseanpm.facts import Clock

from . import actions, money
from .currencies import CURRENCIES
from .fact_forms import (
    ISO_DAY,
    AmountField,
    AskingForm,
    FactDay,
    FactForm,
    FunderForm,
    NumberField,
    WordsField,
)
from .models import MoneyEntry


class MoneyForm(FunderForm):
    """A line of the ledger, as it is corrected."""

    model = MoneyEntry
    parts = (
        ("Who gives it", ("partner", "fund", "funds", "is_counterpart")),
        ("How much", ("in_kind", "currency", "amount", "not_known", "is_private")),
        ("In US dollars", ("rate", "rate_on", "rate_source")),
        *FactForm.parts,
    )
    kind = forms.ChoiceField(label="Kind", choices=MoneyEntry.Kind)
    effective_on = FactDay(label="As of", error_messages={"required": "Give the day."})
    in_kind = forms.TypedChoiceField(
        label="Given",
        choices=[("cash", "In cash"), ("kind", "In kind, valued")],
        coerce=lambda given: given == "kind",
    )
    is_counterpart = forms.BooleanField(
        label="A beneficiary’s own input, not a funder’s", required=False
    )
    currency = forms.CharField(
        label="Currency",
        initial="USD",
        widget=forms.TextInput(
            attrs={"list": "currencies", "size": 4, "autocomplete": "off"}
        ),
        error_messages={"required": "Write a code such as EUR."},
    )
    amount = AmountField(label="Amount")
    not_known = forms.BooleanField(label="Amount not known", required=False)
    rate = NumberField(
        label="US dollars for one unit",
        decimals=8,
        required=False,
        template_name="projects/_rate_field.html",
    )
    rate_on = FactDay(label="Rate of", required=False)
    rate_source = forms.CharField(
        label="Rate taken from", max_length=200, required=False
    )
    is_private = forms.BooleanField(
        label="Amount and terms are private",
        required=False,
        help_text="Others than its funder and the secretariat read “not known”.",
    )
    note = WordsField(label="Note or terms", required=False)

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.fields["partner"].required = False
        self.fields["partner"].empty_label = "None: an approved budget"
        self.put_own_funders_first()
        self.currencies = sorted(CURRENCIES)

    def put_own_funders_first(self):
        field = self.fields["partner"]
        nobody, *partners = field.choices
        funders = self.project.fundings.net(Clock())
        own = set(funders.values_list("partner__code", flat=True))
        ours = [choice for choice in partners if str(choice[0]) in own]
        others = [choice for choice in partners if str(choice[0]) not in own]
        if ours:
            groups = ("Funders of this project", ours), ("Others", others)
            field.choices = [nobody, *groups]

    def told(self, fact):
        dollars = fact.currency == "USD"
        return super().told(fact) | {
            "in_kind": "kind" if fact.in_kind else "cash",
            "not_known": fact.amount is None,
            "rate": None if dollars else fact.rate,
        }

    def clean_currency(self):
        return self.cleaned_data["currency"].upper()

    def clean_rate_source(self):
        read = self.cleaned_data
        of_nothing = read.get("rate") is None and "rate" not in self.errors
        if of_nothing and (read.get("rate_on") or read["rate_source"]):
            raise ValidationError("Write the rate too, or empty its day and source.")
        return read["rate_source"]

    def clean(self):
        super().clean()
        read = self.cleaned_data
        if "amount" in self.errors:
            return read
        if (read.get("amount") is None) != read["not_known"]:
            self.add_error("amount", "Write the amount, or say that it is not known.")
        return read

    def values(self):
        found = super().values()
        if found["currency"] == "USD" and found["rate"] is None:
            found["rate"] = money.rate_of("USD", None)
        return found


class NewMoneyForm(AskingForm, MoneyForm):
    """A new line of the ledger, with the rate proposed and the funder's joining."""

    funds = forms.BooleanField(
        label="Also record that this funder funds the project from that day",
        required=False,
        help_text="For one that has not joined. A pledge alone makes no funder.",
    )
    proposed = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self):
        super().clean()
        read = self.cleaned_data
        if not read.get("funds"):
            return read
        if not read.get("partner"):
            self.add_error("funds", "Name the funder above.")
        elif read["is_counterpart"]:
            self.add_error("funds", "A beneficiary’s own input makes no funder.")
        return read

    def oddities(self):
        yield from self.about_total()
        yield from self.about_funder()
        yield from self.about_rate()

    def about_total(self):
        fact = self.built()
        net = None if fact.amount is None else money.net_beside(fact)
        if net and fact.kind not in money.PAYMENTS:
            before, added, after = (
                f"{fact.currency} {amount:,.2f}"
                for amount in (net, fact.amount, net + fact.amount)
            )
            yield (
                f"{before} is on record already; with this entry it is {after}. If "
                f"{added} is the new total, press “Revise” beside the entry instead."
            )

    def about_funder(self):
        read = self.cleaned_data
        partner, on = read["partner"], read["effective_on"]
        is_pledge = read["kind"] == MoneyEntry.Kind.PLEDGED
        if not partner or is_pledge or read["is_counterpart"] or read["funds"]:
            return
        if not actions.has_joined(self.project, partner, on):
            yield (
                f"{partner.name} is not on record as a funder of this project on that "
                "day. Record as well that it funds it from then on, or leave it as it "
                "is: the self-audit will ask about this entry."
            )

    def about_rate(self):
        read = self.cleaned_data
        is_dollars = read["currency"] == "USD"
        if read["rate"] is None and not is_dollars and not read["not_known"]:
            yield (
                f"No rate is given for {read['currency']}, so the dollars of this "
                "entry are not known."
            )


def fixed(form, **values):
    """Fields that this form shows and does not let be changed."""
    for name, value in values.items():
        form.fields[name].disabled = True
        form.initial[name] = value


class ReviseForm(NewMoneyForm):
    """A further entry that brings the net of one like it to a new total."""

    def __init__(self, *arguments, of, **options):
        super().__init__(*arguments, **options)
        self.of = of
        self.net = money.net_beside(of)
        told = self.told(of)
        fixed(
            self,
            **{
                name: told[name]
                for name in (
                    *("kind", "partner", "fund", "in_kind"),
                    *("is_counterpart", "currency", "is_private"),
                )
            },
        )
        del self.fields["not_known"], self.fields["funds"]
        self.fields["amount"].label = "New total"
        now = "not known" if self.net is None else f"{of.currency} {self.net:,.2f}"
        self.fields[
            "amount"
        ].help_text = (
            f"Now on record: {now}. The entry will hold the difference, plus or minus."
        )

    def clean(self):
        read = self.cleaned_data
        read |= {"not_known": False, "funds": False}
        total = read.get("amount")
        if "amount" in self.errors:
            return read
        if total is None:
            self.add_error("amount", "Write the new total.")
        elif total < 0:
            self.add_error("amount", "A total is not below zero.")
        elif total == self.net:
            self.add_error("amount", "That is the total on record already.")
        return read

    def about_total(self):
        return ()

    def about_funder(self):
        return ()  # it was asked when the first entry was made

    def values(self):
        found = super().values()
        return found | {"amount": found["amount"] - (self.net or Decimal(0))}


class ReverseForm(FactForm):
    """A further entry that takes one back as a whole, at its own rate."""

    model = MoneyEntry
    effective_on = FactDay(
        label="Reversed on",
        initial=timezone.localdate,
        error_messages={"required": "Give the day."},
    )
    note = WordsField(label="Why", required=False)


# The rate that is proposed


def proposed_rate(sent):
    """What becomes of the rate fields of a form as sent, or None where they stay.

    A rate that somebody chose stays; an empty one, and one that was proposed for
    another currency or day, gives way to the rate on record. Asked once for each
    currency and day: `proposed` remembers which.
    """
    currency, day = sent.get("currency", "").strip().upper(), sent.get("effective_on")
    pair = f"{currency} {day}"
    is_needed = currency in CURRENCIES - {"USD"} and "not_known" not in sent
    if not is_needed or sent.get("proposed") == pair:
        return None
    written = sent.get("rate", "").strip()
    if written and written != shown_rate(sent.get("proposed", "")).get("rate"):
        return None
    return {"proposed": pair} | shown_rate(pair)


def shown_rate(pair):
    """The rate on record for "EUR 2022-09-22" as the form's fields show it."""
    currency, _, day = pair.partition(" ")
    rate = None
    if ISO_DAY.fullmatch(day):
        try:
            rate = money.latest_rate(currency, dt.date.fromisoformat(day))
        except ValueError:
            pass
    return {
        "rate": f"{rate.rate.normalize():f}" if rate else "",
        "rate_on": rate.on.isoformat() if rate else "",
        "rate_source": rate.source if rate else "",
    }
