"""The reconciliation of print and records: its page, and the same rows in the API."""

from collections import Counter

from django.views.generic import TemplateView
from rest_framework import serializers

from aseanpm.api import ListView, documented, filter_parameters
from aseanpm.facts import shown_date
from aseanpm.filters import ChoicesFilter, CodeFilter, StrictFilterSet
from aseanpm.pages import ClockMixin, Figure, address, twin

from .filters import MetricFilter
from .models import PublishedFigure
from .reconciliation import (
    BASES,
    CHECKS,
    VERDICTS,
    is_currency,
    reconcile,
)


class ReconciliationFilter(StrictFilterSet):
    """Comparisons by plan, metric, verdict and basis; each may be repeated for "or"."""

    plan = CodeFilter(
        label="Work plan", path="plan", label_field="title", method="nothing"
    )
    metric = MetricFilter(label="Metric", method="nothing")
    verdict = ChoicesFilter(
        label="Result", choices=list(VERDICTS.items()), method="nothing"
    )
    basis = ChoicesFilter(label="Beside", choices=list(BASES.items()), method="nothing")

    class Meta:
        model = PublishedFigure
        fields: list[str] = []

    def nothing(self, figures, name, value):
        """The comparisons are no rows of a table: `among` chooses them."""
        return figures

    def among(self, rows, without=()):
        """The comparisons that the filters choose, some of the filters set aside."""
        asked = self.asked
        held = {
            "plan": lambda row: row.plan,
            "metric": lambda row: row.metric,
            "verdict": lambda row: row.verdict,
            "basis": lambda row: row.basis,
        }
        return [
            row
            for row in rows
            if all(
                held[name](row) in values
                for name, values in asked.items()
                if values and name not in without
            )
        ]

    @property
    def asked(self):
        """{filter: values}; raises BadQuery for what cannot be read."""
        _ = self.rows
        return self.form.cleaned_data


class ReconciliationView(ClockMixin, TemplateView):
    """What was printed by a day beside the records, and print beside print."""

    template_name = "workplans/reconciliation.html"

    def check_parameters(self, parameters):
        ReconciliationFilter.check_names(parameters)

    def get_context_data(self, **context):
        filters = ReconciliationFilter(self.request.GET, PublishedFigure.objects.none())
        filters.asked  # noqa: B018 - refuse what cannot be read before reading records
        every = reconcile(self.request.user, self.clock)
        rows = filters.among(every)
        shown = [shown_row(row) for row in in_order(rows)]
        told = {
            "contradictions": of_verdict(shown, "contradiction"),
            "consistent": of_verdict(shown, "consistent"),
            "groups": grouped(one for one in shown if one["row"].basis == "records"),
        }
        return super().get_context_data(
            total=len(rows),
            any_figure=bool(every),
            filter=filters,
            summary=self.summary(filters.among(every, without=["verdict"])),
            illustrative=sum(bool(row.computed.illustrative) for row in rows),
            illustrative_notice=any(row.computed.illustrative for row in rows),
            api_address=twin("reconciliation", self.request.GET),
            **told,
            **context,
        )

    def summary(self, rows):
        """How many comparisons end in each verdict; each opens these comparisons."""
        found = Counter(row.verdict for row in rows)
        kept = {
            name: self.request.GET.getlist(name) for name in ("plan", "metric", "basis")
        }
        return [
            {
                "label": label,
                "of": self.figure(
                    found[verdict],
                    "workplans:reconciliation",
                    verdict=verdict,
                    label=label.lower(),
                    **kept,
                ),
                "note": NOTES.get(verdict, ""),
            }
            for verdict, label in VERDICTS.items()
        ]


NOTES = {
    "generated": "rests on illustrative records: proves nothing",
    "contradiction": "found in print alone",
}


def shown_row(row):
    """A comparison with the figure that opens its records, at its own date."""
    computed = row.computed
    opens = computed.value is not None and computed.repeats is not None
    return {
        "row": row,
        "figure": Figure(
            count=computed.repeats,
            url=address_of(computed),
            text=row.against_words,
            label="computed",
        )
        if opens
        else None,
        "records": address_of(computed) if computed.value is not None else "",
        "check": CHECKS.get(row.check, ""),
    }


def address_of(computed):
    """The list of the records a figure was made of, at its own date; "" for none."""
    if not computed.page:
        return ""
    return address(computed.page, clock=computed.clock, **computed.filters)


def in_order(rows):
    return sorted(rows, key=lambda row: (row.scope, row.on, row.code))


def of_verdict(shown, verdict):
    return [one for one in shown if one["row"].verdict == verdict]


def grouped(shown):
    """[{title, rows}] by plan, programme or partner, and the meetings last."""
    found = {}
    for one in shown:
        row = one["row"]
        of_meeting = row.figure is None
        found.setdefault((of_meeting, "" if of_meeting else row.scope), []).append(one)
    return [
        {"title": "Approvals at meetings" if of_meeting else scope, "rows": rows}
        for (of_meeting, scope), rows in sorted(found.items(), key=lambda pair: pair[0])
    ]


class ComparisonSerializer(serializers.Serializer):
    """One comparison; numbers are decimals in strings, null where not computable."""

    code = serializers.CharField(help_text="The code of what was printed.")
    plan = serializers.CharField(
        allow_null=True, help_text="Code of the plan it is about."
    )
    scope = serializers.CharField(help_text="A plan, programme, partner or body.")
    metric = serializers.CharField(help_text="What was counted.")
    as_of = serializers.CharField(help_text="2022-09-22, 2021-09 or 2024.")
    moment = serializers.ChoiceField(
        PublishedFigure.Moment.choices,
        help_text="Whether it is of the day as it closed, or before the meeting.",
    )
    printed = serializers.DecimalField(18, 2, help_text="The number as printed.")
    qualifier = serializers.ChoiceField(
        PublishedFigure.Qualifier.choices, help_text="How exact it was said to be."
    )
    unit = serializers.CharField(help_text="% or a currency; empty: a count.")
    against = serializers.DecimalField(
        18,
        2,
        allow_null=True,
        help_text="The number beside it: computed, or printed elsewhere.",
    )
    basis = serializers.ChoiceField(
        list(BASES.items()),
        help_text="Whether that comes from records or from other print.",
    )
    difference = serializers.DecimalField(
        18, 2, allow_null=True, help_text="`against` less `printed`."
    )
    verdict = serializers.ChoiceField(
        list(VERDICTS.items()), help_text="What the comparison shows."
    )
    reason = serializers.CharField(help_text="Why, in words.")
    check = serializers.ChoiceField(
        list(CHECKS.items()),
        allow_null=True,
        help_text="Which consistency of print is looked at.",
    )
    combination = serializers.CharField(
        allow_null=True,
        help_text="Codes of exactly the funders it is about, joined by +.",
    )
    group = serializers.CharField(
        allow_null=True, help_text="The group of funders it is about."
    )
    funder = serializers.CharField(
        allow_null=True, help_text="Code of the funder whose share it is."
    )
    meeting = serializers.CharField(
        allow_null=True, help_text="Code of the meeting it is about."
    )
    sources = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the documents."
    )
    illustrative_records = serializers.IntegerField(
        help_text="How many illustrative projects the computed number rests on."
    )
    records = serializers.URLField(
        allow_null=True, help_text="The page with the records behind `against`."
    )


class ReconciliationListView(ListView):
    """The comparisons of the reconciliation page, with the same filters."""

    @property
    def known_parameters(self):
        return {*super().known_parameters, *ReconciliationFilter.names()}

    @documented(
        "What was printed, beside the records and beside other print",
        ComparisonSerializer,
        filter_parameters(ReconciliationFilter),
        many=True,
    )
    def get(self, request):
        filters = ReconciliationFilter(
            request.query_params, PublishedFigure.objects.none()
        )
        filters.asked  # noqa: B018 - refuse what cannot be read before reading records
        rows = filters.among(reconcile(request.user, self.clock))
        return self.answer_list([comparison(row, request) for row in rows])


def comparison(row, request):
    figure, computed = row.figure, row.computed
    records = address_of(computed) if computed.value is not None else ""
    return {
        "code": row.code,
        "plan": row.plan.code if row.plan else None,
        "scope": row.scope,
        "metric": row.metric,
        "as_of": shown_date(row.on, row.precision),
        "moment": figure.moment if figure else PublishedFigure.Moment.CLOSING,
        "printed": written(row.printed, row.unit),
        "qualifier": figure.qualifier if figure else PublishedFigure.Qualifier.EXACT,
        "unit": row.unit,
        "against": written(row.against, row.unit),
        "basis": row.basis,
        "difference": written(row.difference, row.unit),
        "verdict": row.verdict,
        "reason": row.reason,
        "check": row.check or None,
        "combination": (figure and figure.combination) or None,
        "group": (figure and figure.group) or None,
        "funder": figure.funder.code if figure and figure.funder else None,
        "meeting": row.meeting.code if row.meeting else None,
        "sources": list(row.sources),
        "illustrative_records": computed.illustrative,
        "records": request.build_absolute_uri(records) if records else None,
    }


def written(value, unit):
    """A decimal in a string: cents for money, a tenth for a per cent, else whole."""
    if value is None:
        return None
    places = 2 if is_currency(unit) else int(unit == "%")
    return f"{value:.{places}f}"
