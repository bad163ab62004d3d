"""The one filter of projects, for the list page and for the API."""

from functools import reduce
from operator import or_

import django_filters
from django.core.exceptions import ValidationError

from aseanpm.filters import (
    ChoicesFilter,
    CodeFilter,
    ManyField,
    MomentFilter,
    StrictFilterSet,
    YesNoFilter,
)

from . import progress
from .models import COUNTING, Funding, Project, ProjectOrganisation, Status
from .progress import BANDS, GROUPS

STAGES = {
    "counted": "Counted",
    "pipeline": "In the pipeline",
    "cancelled_after_approval": "Cancelled after approval",
    "carried_over": "Carried over",
}
NO_STATUS = "not_documented"


class CombinationFilter(django_filters.Filter):
    """An exact set of funders, as codes joined by +, or none."""

    field_class = ManyField

    def __init__(self, *args, **options):
        super().__init__(*args, read=self.read, **options)

    def read(self, text):
        if text == "none":
            return [()]
        partners = Funding._meta.get_field("partner").related_model.objects
        # A + that was not escaped arrives as a space.
        codes = text.replace(" ", "+").split("+")
        found = {code: partners.of_code(code).first() for code in codes}
        unknown = [code for code in codes if found[code] is None]
        if unknown:
            raise ValidationError(f"No partner has the code “{unknown[0]}”.")
        return [tuple(sorted({row.code for row in found.values()}))]


class ProjectFilter(StrictFilterSet):
    """Every filter may be repeated for "or"; different filters stand for "and"."""

    search = django_filters.CharFilter(
        label="Words in code or title", method="by_words"
    )
    programme = CodeFilter(
        label="Programme",
        path="current_plan__programme",
        label_field="title",
        method="by_programme",
    )
    plan = CodeFilter(
        label="Work plan", path="current_plan", label_field="title", method="by_plan"
    )
    area = CodeFilter(
        label="Strategic area",
        path="current_area",
        label_field="title",
        method="by_area",
    )
    line = CodeFilter(
        label="Line", path="current_line", label_field="title", method="by_line"
    )
    line_kind = ChoicesFilter(
        label="Kind of line",
        choices=[
            ("action_line", "Action line"),
            ("enabling_action", "Enabling action"),
            ("initiative", "Initiative"),
            ("strategy", "Strategy"),
            ("priority_project", "Priority project"),
            ("measure", "Measure"),
            ("none", "Line not recorded"),
        ],
        method="by_line_kind",
    )
    status = ChoicesFilter(
        label="Status",
        choices=[*Status.choices, (NO_STATUS, "Not documented")],
        method="by_status",
    )
    stage = ChoicesFilter(
        label="Counting", choices=list(STAGES.items()), method="by_stage"
    )
    rule = ChoicesFilter(
        label="Counting from",
        choices=[(rule, f"from {rule}") for rule in COUNTING],
        method="nothing",
    )
    country = CodeFilter(label="Country", path="benefits__country", method="by_country")
    band = ChoicesFilter(
        label="How it benefits", choices=list(BANDS.items()), method="by_band"
    )
    grouping = CodeFilter(
        label="Grouping", path="benefits__grouping", method="by_grouping"
    )
    partner = CodeFilter(label="Partner", path="fundings__partner", method="by_partner")
    fund = CodeFilter(label="Fund", path="fundings__fund", method="by_fund")
    combination = CombinationFilter(
        label="Exactly these funders", method="by_combination"
    )
    group = ChoicesFilter(
        label="Group of funders", choices=list(GROUPS.items()), method="by_group"
    )
    organisation = CodeFilter(
        label="Organisation",
        path="project_organisations__organisation",
        method="by_organisation",
    )
    theme = CodeFilter(
        label="Theme", path="themes", label_field="title", method="by_theme"
    )
    meeting = CodeFilter(
        label="Decided at",
        path="status_changes__meeting",
        label_field="code",
        method="by_meeting",
    )
    decision = ChoicesFilter(
        label="What was decided", choices=Status.choices, method="nothing"
    )
    channel = ChoicesFilter(
        label="Channel", choices=Project.Channel.choices, method="by_channel"
    )
    is_illustrative = YesNoFilter(label="Illustrative", method="by_illustrative")
    updated_since = MomentFilter(label="Changed since", method="by_change")

    class Meta:
        model = Project
        fields: list[str] = []

    def is_valid(self):
        """Also that what is about another filter comes with it."""
        valid = super().is_valid()
        for name, about in (
            ("band", "country"),
            ("rule", "stage"),
            ("decision", "meeting"),
        ):
            given = self.form.cleaned_data
            if given.get(name) and len(given.get(about) or []) != 1:
                self.form.add_error(name, f"Needs exactly one “{about}” beside it.")
                valid = False
        return valid

    def by_words(self, projects, name, text):
        return projects.matching(text)

    def by_programme(self, projects, name, programmes):
        return projects.in_programme(*programmes)

    def by_plan(self, projects, name, plans):
        return projects.under(*plans)

    def by_area(self, projects, name, areas):
        return projects.in_areas(*areas)

    def by_line(self, projects, name, lines):
        return projects.on_lines(*lines)

    def by_line_kind(self, projects, name, kinds):
        return projects.on_kinds(*kinds)

    def by_status(self, projects, name, statuses):
        return projects.in_status(
            *("" if status == NO_STATUS else status for status in statuses)
        )

    def by_stage(self, projects, name, stages):
        """A stage, under the rule of each plan or under the one that `rule` names."""
        rules = self.form.cleaned_data.get("rule") or [None]
        return projects.in_stages(stages, rules[0])

    def nothing(self, projects, name, value):
        """Read by another filter; alone it changes nothing."""
        return projects

    def by_country(self, projects, name, countries):
        return projects.for_country(*countries)

    def by_band(self, projects, name, bands):
        country = self.form.cleaned_data["country"][0]
        held = progress.country_bands(projects, country)
        return projects.filter(
            pk__in=[pk for band in held if band.name in bands for pk in band.projects]
        )

    def by_grouping(self, projects, name, groupings):
        return projects.for_grouping(*groupings)

    def by_partner(self, projects, name, partners):
        return projects.funded_by(*partners)

    def by_fund(self, projects, name, funds):
        return projects.funded_through(*funds)

    def by_combination(self, projects, name, combinations):
        return projects.funded_by_exactly(*combinations)

    def by_group(self, projects, name, groups):
        return projects.funded_by_groups(*groups)

    def by_organisation(self, projects, name, organisations):
        parts = ProjectOrganisation.objects.filter(organisation__in=organisations)
        return projects.filter(pk__in=parts.values("project"))

    def by_theme(self, projects, name, themes):
        tagged = Project.themes.through.objects.filter(theme__in=themes)
        return projects.filter(pk__in=tagged.values("project"))

    def by_meeting(self, projects, name, meetings):
        """What meetings decided: any status, or only those that `decision` names."""
        decisions = self.form.cleaned_data.get("decision") or [None]
        held = [projects.decided_at(*meetings, status=one) for one in decisions]
        return reduce(or_, held)

    def by_channel(self, projects, name, channels):
        return projects.filter(channel__in=channels)

    def by_illustrative(self, projects, name, answers):
        return projects.filter(is_illustrative__in=answers)

    def by_change(self, projects, name, moment):
        return (
            projects.with_change().filter(changed__gte=moment) if moment else projects
        )
