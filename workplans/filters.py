"""Filters of lines, meetings and published figures, for pages and for the API."""

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Q

from aseanpm.filters import (
    ChoicesFilter,
    CodeFilter,
    ManyField,
    StrictFilterSet,
    YesNoFilter,
)
from projects.models import COUNTING
from projects.progress import (
    NOT_STARTED,
    STATES,
    line_standings,
    plans_progress,
)

from .models import (
    ActionLine,
    Indicator,
    LineKind,
    Meeting,
    PublishedFigure,
    StrategicArea,
)
from .reconciliation import spoken

LINE_KINDS = [(kind.value, kind.label.capitalize()) for kind in LineKind]


class LineFilter(StrictFilterSet):
    """Lines by what they are and how they stand.

    `projects` carry the clock and are those the reader may see. `rule` asks for the
    states as if projects counted from another stage than their plan says.
    """

    shown = ("plan", "area", "kind", "state")
    plan = CodeFilter(
        label="Work plan", path="plan", label_field="title", method="by_plan"
    )
    area = CodeFilter(
        label="Strategic area", path="area", label_field="title", method="by_area"
    )
    kind = ChoicesFilter(label="Kind", choices=LINE_KINDS, method="by_kind")
    state = ChoicesFilter(
        label="State", choices=list(STATES.items()), method="by_state"
    )
    rule = ChoicesFilter(
        label="Counting from",
        choices=[(rule, f"from {rule}") for rule in COUNTING],
        method="nothing",
    )
    all_completed = YesNoFilter(
        label="All projects so far completed", method="by_completion"
    )

    class Meta:
        model = ActionLine
        fields: list[str] = []

    def __init__(self, data, lines, *, projects):
        super().__init__(data, lines)
        self.projects = projects
        self._standings = None

    @property
    def standings(self):
        """{key of a line: LineStanding}, under the rule asked for, computed once."""
        if self._standings is None:
            rules = self.form.cleaned_data.get("rule") or [None]
            self._standings = line_standings(self.projects, rules[0])
        return self._standings

    @property
    def not_loaded(self):
        """Lines that the plans asked for declared and that have no row yet.

        They have not started, so a list of plans' lines repeats its figure only with
        them. Their area is not known.
        """
        asked = self.form.cleaned_data
        states = asked.get("state") or [NOT_STARTED]
        elsewhere = asked.get("area") or asked.get("all_completed")
        if not asked.get("plan") or elsewhere or NOT_STARTED not in states:
            return 0
        found = plans_progress(asked["plan"], self.projects).values()
        return sum(
            count.not_loaded
            for one in found
            for count in (one.lines, one.enabling)
            if count.kind in (asked.get("kind") or LineKind.values)
        )

    def by_plan(self, lines, name, plans):
        return lines.filter(plan__in=plans)

    def by_area(self, lines, name, areas):
        return lines.filter(area__in=areas)

    def by_kind(self, lines, name, kinds):
        return lines.filter(kind__in=kinds)

    def by_state(self, lines, name, states):
        held = [pk for pk, one in self.standings.items() if one.state in states]
        return lines.filter(pk__in=held)

    def by_completion(self, lines, name, answers):
        held = [
            pk for pk, one in self.standings.items() if one.all_completed in answers
        ]
        return lines.filter(pk__in=held)

    def nothing(self, lines, name, value):
        """Read by the states; by itself it leaves no line out."""
        return lines


class AreaFilter(StrictFilterSet):
    plan = CodeFilter(
        label="Work plan", path="plan", label_field="title", method="by_plan"
    )

    class Meta:
        model = StrategicArea
        fields: list[str] = []

    def by_plan(self, areas, name, plans):
        return areas.filter(plan__in=plans)


class IndicatorFilter(StrictFilterSet):
    """Indicators of plans and lines, and of `projects` placed there."""

    plan = CodeFilter(
        label="Work plan", path="line__plan", label_field="title", method="by_plan"
    )
    line = CodeFilter(label="Line", path="line", label_field="title", method="by_line")
    level = ChoicesFilter(
        label="Level", choices=Indicator.Level.choices, method="by_level"
    )

    class Meta:
        model = Indicator
        fields: list[str] = []

    def __init__(self, data, indicators, *, projects):
        super().__init__(data, indicators)
        self.projects = projects

    def by_plan(self, indicators, name, plans):
        placed = self.projects.under(*plans)
        return indicators.filter(Q(line__plan__in=plans) | Q(project__in=placed))

    def by_line(self, indicators, name, lines):
        placed = self.projects.on_lines(*lines)
        return indicators.filter(Q(line__in=lines) | Q(project__in=placed))

    def by_level(self, indicators, name, levels):
        return indicators.filter(level__in=levels)


class YearFilter(django_filters.Filter):
    """A year in four figures, or several of them."""

    field_class = ManyField

    def __init__(self, *args, path, **options):
        self.path = path
        super().__init__(*args, read=self.read, choices=self.choices, **options)

    def choices(self):
        years = self.model.objects.dates(self.path, "year", order="DESC")
        return [("", "Any"), *((str(day.year), str(day.year)) for day in years)]

    def read(self, text):
        if not (text.isascii() and text.isdigit() and len(text) == 4):
            raise ValidationError(f"“{text}” is not a year. Write it as 2022.")
        return [int(text)]


class MeetingFilter(StrictFilterSet):
    shown = ("body", "year", "country")
    body = CodeFilter(label="Body", path="body", method="by_body")
    year = YearFilter(label="Year", path="held_until", method="by_year")
    country = CodeFilter(label="About a country", path="country", method="by_country")

    class Meta:
        model = Meeting
        fields: list[str] = []

    def by_body(self, meetings, name, bodies):
        return meetings.filter(body__in=bodies)

    def by_year(self, meetings, name, years):
        return meetings.filter(held_until__year__in=years)

    def by_country(self, meetings, name, countries):
        return meetings.filter(country__in=countries)


class MetricFilter(django_filters.Filter):
    """One of the metrics that were published."""

    field_class = ManyField

    def __init__(self, *args, **options):
        super().__init__(*args, read=self.read, choices=self.choices, **options)

    def choices(self):
        metrics = self.model.objects.order_by("metric").values_list("metric", flat=True)
        return [
            ("", "Any"),
            *((metric, spoken(metric).capitalize()) for metric in metrics.distinct()),
        ]

    def read(self, text):
        if not self.model.objects.filter(metric=text).exists():
            raise ValidationError(f"No figure with the metric “{text}” was published.")
        return [text]


class FigureFilter(StrictFilterSet):
    plan = CodeFilter(
        label="Work plan", path="plan", label_field="title", method="by_scope"
    )
    programme = CodeFilter(
        label="Programme", path="programme", label_field="title", method="by_scope"
    )
    partner = CodeFilter(label="Partner", path="partner", method="by_scope")
    meeting = CodeFilter(
        label="Meeting", path="meeting", label_field="code", method="by_scope"
    )
    metric = MetricFilter(label="Metric", method="by_scope")

    class Meta:
        model = PublishedFigure
        fields: list[str] = []

    def by_scope(self, figures, name, values):
        return figures.filter(**{f"{name}__in": values})
