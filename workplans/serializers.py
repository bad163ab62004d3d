"""Plans, lines, meetings and print as they are told, and their schema.

Pages and API build on the same dictionaries; amounts and shares in them are texts.
"""

from datetime import UTC

from django.db.models import Q
from rest_framework import serializers

from aseanpm.api import all_opened, opened, permalink
from aseanpm.facts import Basis, Precision, shown_date
from projects.models import COUNTING, LineReference, MoneyEntry
from projects.progress import STATES, funding_count, plan_progress

from .models import (
    Indicator,
    LineKind,
    Meeting,
    Milestone,
    PublishedFigure,
    in_figures,
)


def decimal(number):
    """An exact number as the API tells it: a text, or None where unknown."""
    return None if number is None else format(number, "f")


def source_codes(row):
    return sorted(source.code for source in row.sources.all())


# Plans


class PlanSpansSerializer(serializers.Serializer):
    nominal_start = serializers.DateField(
        help_text="First day of the period in the plan's title."
    )
    nominal_end = serializers.DateField(help_text="Last day of that period.")
    implementation_start = serializers.DateField(
        allow_null=True, help_text="The day it began to be carried out."
    )
    closed_on = serializers.DateField(
        allow_null=True, help_text="The day of its formal close; null: none on record."
    )
    adopted_on = serializers.CharField(
        allow_null=True,
        help_text="As exact as it is known: 2020-11-12, 2020-11 or 2020.",
    )


class LinesSerializer(serializers.Serializer):
    """Lines of the headline kind; null where nothing is known of them."""

    declared = serializers.IntegerField(
        allow_null=True, help_text="How many lines the plan declares."
    )
    implemented = serializers.IntegerField(
        allow_null=True,
        help_text=(
            "Lines with at least one project that counts: begun, not completed."
        ),
    )
    of_which_all_projects_completed = serializers.IntegerField(
        allow_null=True, help_text="Of these, lines whose projects are all completed."
    )
    in_preparation = serializers.IntegerField(
        allow_null=True,
        help_text="Lines on which no project counts yet, and one is prepared.",
    )
    not_started = serializers.IntegerField(
        allow_null=True,
        help_text="Lines on which no project is on record in either way.",
    )
    percent = serializers.DecimalField(
        5, 1, allow_null=True, help_text="implemented, of declared."
    )
    not_loaded = serializers.IntegerField(
        help_text="Lines that were declared and are not on record; none has begun."
    )
    sentence = serializers.CharField(help_text="The same as a sentence.")


class LinesOpenedSerializer(LinesSerializer):
    records = all_opened()


class PlanRowSerializer(PlanSpansSerializer):
    code = serializers.CharField(help_text="The plan's code.")
    title = serializers.CharField(help_text="In English.")
    title_translations = serializers.DictField(
        child=serializers.CharField(), help_text="The title by code of language."
    )
    programme = serializers.CharField(help_text="Code of its programme: IAI or MPAC.")
    headline_kind = serializers.ChoiceField(
        LineKind.choices,
        allow_null=True,
        help_text="The kind of line by which it is measured.",
    )
    predecessor = serializers.CharField(
        allow_null=True, help_text="Code of the plan before it."
    )
    successor = serializers.CharField(
        allow_null=True, help_text="Code of the plan after it, once that was adopted."
    )
    is_past_its_period = serializers.BooleanField(
        help_text="Whether nominal_end lies before the clock's day."
    )
    lines = LinesSerializer(
        help_text=("Lines of the headline kind; null where nothing is known of them.")
    )
    projects_counted = serializers.IntegerField(
        help_text="Projects that count by the plan's rule."
    )
    illustrative_records = serializers.IntegerField(
        help_text="How many of those are illustrative."
    )


class RuleSerializer(serializers.Serializer):
    counts_from = serializers.ChoiceField(list(COUNTING))
    text = serializers.CharField()
    basis = serializers.ChoiceField(Basis.choices, allow_null=True)


class EnablingSerializer(serializers.Serializer):
    implemented = serializers.IntegerField(allow_null=True)
    declared = serializers.IntegerField(allow_null=True)
    in_preparation = serializers.IntegerField(allow_null=True)
    not_started = serializers.IntegerField(allow_null=True)
    records = all_opened()


class ProjectRecordsSerializer(serializers.Serializer):
    """By figure: the list that it counts, on the same clock."""

    counted = opened()
    pipeline = opened()
    cancelled_after_approval = opened()
    carried_over = opened()
    line_not_recorded = opened()
    on_enabling_actions = opened()
    by_status = all_opened()


class PlanProjectsSerializer(serializers.Serializer):
    counted = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    pipeline = serializers.IntegerField()
    cancelled_after_approval = serializers.IntegerField()
    carried_over = serializers.IntegerField()
    line_not_recorded = serializers.IntegerField()
    on_enabling_actions = serializers.IntegerField()
    records = ProjectRecordsSerializer()


class MoneySerializer(serializers.Serializer):
    """Approved budgets and on how many projects they rest."""

    approved_usd = serializers.DecimalField(18, 2, allow_null=True)
    approved_in_kind_usd = serializers.DecimalField(18, 2, allow_null=True)
    complete = serializers.IntegerField()
    partial = serializers.IntegerField()  # type: ignore[assignment]
    none = serializers.IntegerField()
    records = opened()


class CombinationSerializer(serializers.Serializer):
    partners = serializers.ListField(child=serializers.CharField())
    projects = serializers.IntegerField()
    approved_usd = serializers.DecimalField(18, 2, allow_null=True)
    records = opened()


class ParticipationSerializer(serializers.Serializer):
    partner = serializers.CharField()
    projects = serializers.IntegerField()
    records = opened()


class GroupSerializer(serializers.Serializer):
    projects = serializers.IntegerField()
    approved_usd = serializers.DecimalField(18, 2, allow_null=True)
    committed_usd = serializers.DecimalField(18, 2, allow_null=True)
    records = opened()


class FundingSerializer(serializers.Serializer):
    """participations - overlaps + unattributed = projects counted."""

    combinations = CombinationSerializer(many=True)
    participations = ParticipationSerializer(many=True)
    overlaps = serializers.IntegerField()
    unattributed = serializers.IntegerField()
    groups = serializers.DictField(child=GroupSerializer())


class AreaSerializer(serializers.Serializer):
    """`lines` is null where the arrangement of lines over areas is assumed."""

    code = serializers.CharField(help_text="The area's code.")
    title = serializers.CharField(help_text="In English.")
    implemented = serializers.IntegerField(
        allow_null=True,
        help_text="Lines of the area with at least one project that counts.",
    )
    lines = serializers.IntegerField(
        allow_null=True, help_text="Its lines; null where their arrangement is assumed."
    )
    lines_assumed = serializers.IntegerField(
        allow_null=True,
        help_text="Its lines as they are assumed; null where documented.",
    )
    projects = serializers.IntegerField(help_text="Projects of the area that count.")


class AreaOpenedSerializer(AreaSerializer):
    records = all_opened()


class ProgressSerializer(serializers.Serializer):
    """How far a plan has come. Implemented is begun, not completed."""

    permalink = permalink()
    plan = serializers.CharField()
    as_of = serializers.DateField(allow_null=True)
    known_at = serializers.DateTimeField(allow_null=True)
    rule = RuleSerializer()
    lines = LinesOpenedSerializer()
    under_other_rules = serializers.DictField(
        child=serializers.IntegerField(allow_null=True)
    )
    enabling_actions = EnablingSerializer()
    projects = PlanProjectsSerializer()
    money = MoneySerializer()
    funding = FundingSerializer()
    areas = AreaOpenedSerializer(many=True)
    illustrative_records = serializers.IntegerField()


class PlanSerializer(PlanRowSerializer):
    adopted_by = serializers.CharField()
    note = serializers.CharField()
    rule = RuleSerializer()
    declared = serializers.DictField(child=serializers.IntegerField())
    areas = AreaSerializer(many=True)
    frameworks = serializers.ListField(child=serializers.DictField())
    basis = serializers.ChoiceField(Basis.choices)
    sources = serializers.ListField(child=serializers.CharField())
    progress = serializers.URLField()


def lines_dict(count):
    """A LineCount of the headline kind."""
    return {
        "declared": count.declared,
        "implemented": count.implemented,
        "of_which_all_projects_completed": count.all_completed,
        "in_preparation": count.in_preparation,
        "not_started": count.not_started,
        "percent": decimal(count.percent),
        "not_loaded": count.not_loaded,
        "sentence": count.sentence,
    }


def rule_text(rule):
    """The rule of a plan (a PlanRule or None) in a sentence."""
    if rule is None:
        return "No rule is on record for this day; projects count from approved."
    sentence = f"A project counts from {rule.counts_from}"
    if rule.basis == Basis.DOCUMENTED:
        return f"{sentence}."
    if rule.recorded_by_id:
        return f"{sentence}: assumed."
    return f"{sentence}: inferred from print until the secretariat confirms it."


def rule_dict(one):
    return {
        "counts_from": one.counts_from,
        "text": rule_text(one.rule),
        "basis": one.rule.basis if one.rule else None,
    }


def area_dict(count):
    return {
        "code": count.area.code,
        "title": count.area.title,
        "implemented": count.lines.implemented,
        "lines": count.lines.declared,
        "lines_assumed": count.lines_assumed,
        "projects": count.projects,
    }


def plan_row(one, successor=None):
    """A plan by its PlanProgress; `successor` is the code of the plan that follows."""
    plan, on = one.plan, one.projects.clock.last_day
    return {
        "code": plan.code,
        "title": plan.title,
        "title_translations": plan.title_translations,
        "programme": plan.programme.code,
        "headline_kind": plan.headline_kind or None,
        "nominal_start": plan.nominal_start,
        "nominal_end": plan.nominal_end,
        "implementation_start": plan.implementation_start,
        "closed_on": plan.closed_on,
        "adopted_on": shown_date(plan.adopted_on, plan.adopted_precision),
        "predecessor": plan.predecessor.code if plan.predecessor else None,
        "successor": successor,
        "is_past_its_period": plan.is_past_its_period(on),
        "lines": lines_dict(one.lines),
        "projects_counted": one.counted,
        "illustrative_records": one.illustrative,
    }


def plan_whole(one, links, successor=None):
    """A plan with its rule, areas and links to frameworks."""
    plan = one.plan
    return plan_row(one, successor) | {
        "adopted_by": plan.adopted_by,
        "note": plan.note,
        "rule": rule_dict(one),
        "declared": plan.declared_at(one.projects.clock),
        "areas": [area_dict(count) for count in one.areas],
        "frameworks": [framework_dict(link) for link in links],
        "basis": plan.basis,
        "sources": source_codes(plan),
    }


def framework_dict(link):
    statement = link.statement
    return {
        "framework": link.framework.code,
        "title": link.framework.title,
        "statement": statement.title if statement else None,
        "on": statement.on_shown if statement else None,
        "note": link.note,
    }


def progress_answer(plan, projects, user=None):
    """The body of plans/CODE/progress/: a plan on the clock of the projects."""
    one = plan_progress(plan, projects)
    clock, moment = projects.clock, projects.clock.known_at
    counted = one.projects.counted(one.counts_from)
    funding = funding_count(counted, user)
    approved = funding.money[MoneyEntry.Kind.APPROVED]
    return {
        "plan": one.plan.code,
        "as_of": clock.day.isoformat() if clock.day else None,
        "known_at": moment.astimezone(UTC).isoformat() if moment else None,
        "rule": rule_dict(one),
        "lines": lines_dict(one.lines),
        "under_other_rules": {
            rule: one.lines.under_rules.get(rule) for rule in COUNTING
        },
        "enabling_actions": {
            "implemented": one.enabling.implemented,
            "declared": one.enabling.declared,
            "in_preparation": one.enabling.in_preparation,
            "not_started": one.enabling.not_started,
        },
        "projects": {
            "counted": one.counted,
            "by_status": one.by_status,
            "pipeline": one.pipeline,
            "cancelled_after_approval": one.cancelled_after_approval,
            "carried_over": one.carried_over,
            "line_not_recorded": one.line_not_recorded,
            "on_enabling_actions": one.on_enabling_actions,
        },
        "money": {
            "approved_usd": decimal(approved.usd),
            "approved_in_kind_usd": decimal(approved.in_kind_usd),
            "complete": approved.complete,
            "partial": approved.partial,
            "none": approved.none,
        },
        "funding": funding_dict(funding),
        "areas": [area_dict(count) for count in one.areas],
        "illustrative_records": one.illustrative,
    }


def with_records(body, kind, opens):
    """The body of plans/CODE/progress/, each figure with the list that it counts.

    `opens(name, **filters)` gives the address of a list; `kind` is that of the plan's
    headline lines. Lines that were declared and never loaded stand in no list.
    """
    rule = {} if body["rule"]["basis"] else {"rule": body["rule"]["counts_from"]}

    def lines(**which):
        return opens("api:lines", plan=body["plan"], **({"kind": kind} | which))

    def projects(stage="counted", **which):
        return opens("api:projects", plan=body["plan"], stage=stage, **rule, **which)

    body["lines"]["records"] = {
        "implemented": lines(state="implemented"),
        "of_which_all_projects_completed": lines(all_completed="true"),
        "in_preparation": lines(state="in_preparation"),
        "not_started": lines(state="not_started"),
    }
    body["enabling_actions"]["records"] = {
        state: lines(kind=LineKind.ENABLING_ACTION.value, state=state)
        for state in STATES
    }
    counted = body["projects"]
    counted["records"] = {
        "counted": projects(),
        "pipeline": projects("pipeline"),
        "cancelled_after_approval": projects("cancelled_after_approval"),
        "carried_over": projects("carried_over"),
        "line_not_recorded": projects(line_kind="none"),
        "on_enabling_actions": projects(line_kind="enabling_action"),
    }
    by_status = {status: projects(status=status) for status in counted["by_status"]}
    counted["records"]["by_status"] = by_status
    body["money"]["records"] = projects()
    funding = body["funding"]
    for share in funding["combinations"]:
        exactly = "+".join(share["partners"]) or "none"
        share["records"] = projects(combination=exactly)
    for share in funding["participations"]:
        share["records"] = projects(partner=share["partner"])
    for name, share in funding["groups"].items():
        share["records"] = projects(group=name)
    for area in body["areas"]:
        area["records"] = {
            "implemented": lines(area=area["code"], state="implemented"),
            "projects": projects(area=area["code"]),
        }
    return body


def funding_dict(funding):
    return {
        "combinations": [
            {
                "partners": list(share.partners),
                "projects": share.projects,
                "approved_usd": decimal(share.approved.usd),
            }
            for share in funding.combinations
        ],
        "participations": [
            {"partner": code, "projects": number}
            for code, number in funding.participations.items()
        ],
        "overlaps": funding.overlaps,
        "unattributed": funding.unattributed,
        "groups": {
            name: {
                "projects": share.projects,
                "approved_usd": decimal(share.approved.usd),
                "committed_usd": decimal(funding.committed[name].usd),
            }
            for name, share in funding.groups.items()
        },
    }


class AreaRowSerializer(AreaSerializer):
    plan = serializers.CharField(help_text="Code of its plan.")
    order = serializers.IntegerField(help_text="Its place in the plan.")
    title_translations = serializers.DictField(
        child=serializers.CharField(), help_text="The title by code of language."
    )
    other_titles = serializers.ListField(
        child=serializers.CharField(), help_text="What else it was called in documents."
    )


def area_row(count, plan):
    return area_dict(count) | {
        "plan": plan.code,
        "order": count.area.order,
        "title_translations": count.area.title_translations,
        "other_titles": count.area.other_titles,
    }


# Lines


class LineRowSerializer(serializers.Serializer):
    """A line and how it stands. An empty title waits to be loaded."""

    code = serializers.CharField(help_text="The line's code.")
    title = serializers.CharField(
        help_text="In the language of title_language; empty: not loaded yet."
    )
    title_language = serializers.CharField(
        help_text="Code of the language of the title, such as en or vi."
    )
    plan = serializers.CharField(help_text="Code of its plan.")
    area = serializers.CharField(
        allow_null=True, help_text="Code of its strategic area."
    )
    area_basis = serializers.CharField(help_text="On what its place in the area rests.")
    kind = serializers.ChoiceField(
        LineKind.choices, help_text="What the plan calls it."
    )
    number = serializers.IntegerField(
        allow_null=True, help_text="Its number in the plan."
    )
    parent = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Code of the line it stands below."
    )
    state = serializers.ChoiceField(
        list(STATES.items()),
        allow_null=True,
        help_text="How it stands; null where the plan was not on record.",
    )
    counts_from = serializers.ChoiceField(
        list(COUNTING), help_text="The status from which projects count here."
    )
    projects_counted = serializers.IntegerField(
        help_text="Projects placed on it that count."
    )
    pipeline = serializers.IntegerField(
        help_text="Projects placed on it in an earlier stage."
    )
    all_projects_completed = serializers.BooleanField(
        help_text="Whether projects count, and all of them are completed."
    )


class MilestoneSerializer(serializers.Serializer):
    on = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(Milestone.Kind.choices)
    title = serializers.CharField()
    basis = serializers.ChoiceField(Basis.choices)
    sources = serializers.ListField(child=serializers.CharField())


class ReportedStateSerializer(serializers.Serializer):
    """What the lead body said, apart from what is computed."""

    on = serializers.CharField(allow_null=True)
    state = serializers.CharField()
    body = serializers.CharField(allow_null=True)
    sources = serializers.ListField(child=serializers.CharField())


class OfficeSerializer(serializers.Serializer):
    kind = serializers.CharField()
    office = serializers.CharField()
    country = serializers.CharField(allow_null=True)


class FrameworkSerializer(serializers.Serializer):
    framework = serializers.CharField()
    title = serializers.CharField()
    statement = serializers.CharField(allow_null=True)
    on = serializers.CharField(allow_null=True)
    note = serializers.CharField()


class ConclusionSerializer(serializers.Serializer):
    meeting = serializers.CharField()
    text = serializers.CharField()
    who = serializers.CharField()
    follow_up = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField())
    themes = serializers.ListField(child=serializers.CharField())


class LineSerializer(LineRowSerializer):
    title_translations = serializers.DictField(child=serializers.CharField())
    referring_projects = serializers.ListField(
        child=serializers.CharField(),
        help_text="Projects that name this line beside their own; they count nothing.",
    )
    milestones = MilestoneSerializer(many=True)
    reported_states = ReportedStateSerializer(many=True)
    focal_points = OfficeSerializer(many=True)
    frameworks = FrameworkSerializer(many=True)
    conclusions = ConclusionSerializer(many=True)
    basis = serializers.ChoiceField(Basis.choices)
    basis_note = serializers.CharField()
    sources = serializers.ListField(child=serializers.CharField())


def line_row(line, standing):
    return {
        "code": line.code,
        "title": line.title,
        "title_language": line.title_language,
        "plan": line.plan.code,
        "area": line.area.code if line.area else None,
        "area_basis": line.area_basis,
        "kind": line.kind,
        "number": line.number,
        "parent": line.parent.code if line.parent else None,
        "state": standing.state,
        "counts_from": standing.counts_from,
        "projects_counted": standing.counted,
        "pipeline": standing.pipeline,
        "all_projects_completed": standing.all_completed,
    }


def line_whole(line, standing, projects):
    """A line with what is told of it by the clock's day, in some ten queries."""
    clock = projects.clock
    links = framework_links(line.framework_links, clock)
    return line_row(line, standing) | {
        "title_translations": line.title_translations,
        "referring_projects": list(
            referring(line, projects).values_list("code", flat=True)
        ),
        "milestones": [
            {
                "on": step.on_shown,
                "kind": step.kind,
                "title": step.title,
                "basis": step.basis,
                "sources": source_codes(step),
            }
            for step in told_by(line.milestones, clock).prefetch_related("sources")
        ],
        "reported_states": [
            {
                "on": said.on_shown,
                "state": said.state,
                "body": said.body.name if said.body else None,
                "sources": source_codes(said),
            }
            for said in told_by(line.reported_states, clock)
            .select_related("body")
            .prefetch_related("sources")
        ],
        "focal_points": [
            {
                "kind": point.get_kind_display(),
                "office": point.office,
                "country": point.country.code if point.country else None,
            }
            for point in offices(line, clock)
        ],
        "frameworks": [framework_dict(link) for link in links],
        "conclusions": [
            conclusion_dict(one) for one in conclusions(line.conclusions, clock)
        ],
        "basis": line.basis,
        "basis_note": line.basis_note,
        "sources": source_codes(line),
    }


def told_by(rows, clock):
    """Dated rows up to the clock's day; undated ones only when no day is asked."""
    return rows.all() if clock.day is None else rows.filter(on__lte=clock.day)


def referring(line, projects):
    """Projects that name a line beside their own, as known at the clock's moment."""
    references = LineReference.objects.known(projects.clock.known_at).filter(line=line)
    return projects.filter(pk__in=references.values("project")).order_by("code")


def offices(line, clock):
    """Who answers for a line or for its area on the clock's day."""
    points = line.focal_points.model.objects.valid(clock.last_day)
    about = Q(line=line)
    if line.area_id:
        about |= Q(area=line.area_id)
    return points.filter(about).select_related("country").order_by("kind", "office")


def framework_links(links, clock):
    """Links by statements made up to the clock's day, or by none."""
    links = links.select_related("framework", "statement", "line").order_by(
        "framework__title", "statement__on", "pk"
    )
    if clock.day is None:
        return links
    return links.filter(Q(statement__isnull=True) | Q(statement__on__lte=clock.day))


def conclusions(rows, clock):
    """Conclusions of meetings begun by the clock's day, the latest first."""
    return (
        rows.filter(meeting__in=Meeting.objects.held_by(clock.day))
        .select_related("meeting__body", "meeting__country")
        .prefetch_related("lines", "themes")
        .order_by("-meeting__held_until", "meeting__code", "order")
    )


def conclusion_dict(one):
    return {
        "meeting": one.meeting.code,
        "text": one.text,
        "who": one.who,
        "follow_up": one.follow_up,
        "lines": sorted(line.code for line in one.lines.all()),
        "themes": sorted(theme.code for theme in one.themes.all()),
    }


# Indicators


class TargetSerializer(serializers.Serializer):
    value = serializers.DecimalField(15, 4)
    due = serializers.CharField()
    set_on = serializers.DateField()
    basis = serializers.ChoiceField(Basis.choices)
    source = serializers.CharField(  # type: ignore[assignment]
        allow_null=True
    )


class IndicatorRowSerializer(serializers.Serializer):
    """What is measured of a line or a project, and what it is to reach by when."""

    code = serializers.CharField(help_text="The indicator's code.")
    title = serializers.CharField(help_text="In the language of title_language.")
    title_language = serializers.CharField(
        help_text="Code of the language of the title, such as en or vi."
    )
    title_translations = serializers.DictField(
        child=serializers.CharField(), help_text="The title by code of language."
    )
    plan = serializers.CharField(
        allow_null=True,
        help_text="Code of the plan of its line; null: it is of a project.",
    )
    line = serializers.CharField(
        allow_null=True, help_text="Code of its line; null: it is of a project."
    )
    project = serializers.CharField(
        allow_null=True, help_text="Code of its project; null: it is of a line."
    )
    is_illustrative = serializers.BooleanField(
        help_text="Whether its project was generated, not documented."
    )
    level = serializers.ChoiceField(
        Indicator.Level.choices, help_text="What kind of result it measures."
    )
    unit = serializers.CharField(help_text="In what it is counted.")
    direction = serializers.ChoiceField(
        Indicator.Direction.choices, help_text="Which way it is to go."
    )
    aggregation = serializers.ChoiceField(
        Indicator.Aggregation.choices,
        help_text="How the values of several periods make one.",
    )
    baseline_value = serializers.DecimalField(
        15, 4, allow_null=True, help_text="Where it stood at first; null: not known."
    )
    baseline_on = serializers.CharField(
        allow_null=True, help_text="When that was, as exact as it is known."
    )
    target_value = serializers.DecimalField(
        15,
        4,
        allow_null=True,
        help_text="The next target due, or else the last; null: none on record.",
    )
    target_due = serializers.CharField(
        allow_null=True, help_text="When that is due, as exact as it was said."
    )
    targets = TargetSerializer(
        many=True, help_text="All targets that stand, in the order of their days."
    )
    basis = serializers.ChoiceField(Basis.choices, help_text="On what it rests.")
    sources = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the documents."
    )


def indicator_row(one):
    """An indicator that has its targets on a clock."""
    target = one.current_target
    return {
        "code": one.code,
        "title": one.title,
        "title_language": one.title_language,
        "title_translations": one.title_translations,
        "plan": one.line.plan.code if one.line else None,
        "line": one.line.code if one.line else None,
        "project": one.project.code if one.project else None,
        "is_illustrative": one.project is not None and one.project.is_illustrative,
        "level": one.level,
        "unit": one.unit,
        "direction": one.direction,
        "aggregation": one.aggregation,
        "baseline_value": in_figures(one.baseline_value),
        "baseline_on": one.baseline_on_shown,
        "target_value": in_figures(target.value) if target else None,
        "target_due": target.due_shown if target else None,
        "targets": [
            {
                "value": in_figures(each.value),
                "due": each.due_shown,
                "set_on": each.effective_on,
                "basis": each.basis,
                "source": each.source.code if each.source else None,
            }
            for each in one.standing_targets
        ],
        "basis": one.basis,
        "sources": source_codes(one),
    }


# Meetings


class MeetingRowSerializer(serializers.Serializer):
    """A meeting; its dates are as exact as they are known."""

    code = serializers.CharField(help_text="The meeting's code.")
    name = serializers.CharField(help_text="As it is called.")
    body = serializers.CharField(help_text="Code of the body that met.")
    number = serializers.IntegerField(
        allow_null=True, help_text="Which of the body's meetings it is."
    )
    held_from = serializers.CharField(
        allow_null=True, help_text="First day, as exact as it is known."
    )
    held_until = serializers.CharField(
        allow_null=True, help_text="Last day, as exact as it is known."
    )
    precision = serializers.ChoiceField(
        Precision.choices, help_text="How exactly the dates are known."
    )
    is_held = serializers.BooleanField(
        allow_null=True,
        help_text="Whether it had begun by the clock's day; null: date not known.",
    )
    place = serializers.CharField(help_text="Where it was held, as documents say.")
    chair = serializers.CharField(help_text="Who chaired it, as documents say.")
    chair_country = serializers.CharField(
        allow_null=True, help_text="Code of the country in the chair."
    )
    country = serializers.CharField(
        allow_null=True, help_text="Code of the country where it was held."
    )
    approvals_in_print = serializers.IntegerField(
        allow_null=True, help_text="Approvals that its documents print; null: not said."
    )
    approvals_on_record = serializers.IntegerField(
        help_text="Projects whose approval at this meeting is on record and visible."
    )
    sources = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the documents."
    )


def is_held(meeting, on):
    """Whether a meeting had begun by a day; None where its date is not known."""
    begins = meeting.held_from or meeting.held_until
    return None if begins is None else begins <= on


def meeting_row(meeting, approvals, on):
    """`approvals` maps meetings to how many projects they approved."""
    return {
        "code": meeting.code,
        "name": str(meeting),
        "body": meeting.body.code,
        "number": meeting.number,
        "held_from": shown_date(meeting.held_from, meeting.precision),
        "held_until": shown_date(meeting.held_until, meeting.precision),
        "precision": meeting.precision,
        "is_held": is_held(meeting, on),
        "place": meeting.place,
        "chair": meeting.chair,
        "chair_country": meeting.chair_country.code if meeting.chair_country else None,
        "country": meeting.country.code if meeting.country else None,
        "approvals_in_print": meeting.approvals_in_print,
        "approvals_on_record": approvals.get(meeting.pk, 0),
        "sources": source_codes(meeting),
    }


# Print


class FigurePartSerializer(serializers.Serializer):
    combination = serializers.CharField()
    group = serializers.CharField()
    value = serializers.DecimalField(18, 2)
    unit = serializers.CharField()


class FigureSerializer(serializers.Serializer):
    """What was said in print: about one plan, programme or partner."""

    code = serializers.CharField(help_text="The figure's code.")
    plan = serializers.CharField(
        allow_null=True, help_text="Code of the plan it is about."
    )
    programme = serializers.CharField(
        allow_null=True, help_text="Code of the programme it is about."
    )
    partner = serializers.CharField(
        allow_null=True, help_text="Code of the partner it is about."
    )
    metric = serializers.CharField(help_text="What was counted.")
    as_of = serializers.CharField(help_text="Of which day, as exact as it was said.")
    moment = serializers.ChoiceField(
        PublishedFigure.Moment.choices,
        help_text="Whether it is of the day as it closed, or before the meeting.",
    )
    qualifier = serializers.ChoiceField(
        PublishedFigure.Qualifier.choices, help_text="How exact it was said to be."
    )
    value = serializers.DecimalField(18, 2, help_text="The number as printed.")
    unit = serializers.CharField(help_text="% or a currency; empty: a count.")
    of_total = serializers.IntegerField(
        allow_null=True, help_text="The total that was printed with it."
    )
    percent = serializers.DecimalField(
        4, 1, allow_null=True, help_text="The percentage that was printed with it."
    )
    about_projects = serializers.IntegerField(
        allow_null=True, help_text="How many projects it was said to be about."
    )
    funder = serializers.CharField(
        allow_null=True, help_text="Code of the funder whose share it is."
    )
    meeting = serializers.CharField(
        allow_null=True, help_text="Code of the meeting that was told."
    )
    parts = FigurePartSerializer(many=True, help_text="What it was said to consist of.")
    note = serializers.CharField(help_text="A remark.")
    basis = serializers.ChoiceField(Basis.choices, help_text="On what it rests.")
    sources = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the documents."
    )


def figures_told(figures, clock):
    """Headline figures about days up to the clock's, with all that a row shows."""
    figures = figures.headline().select_related(
        "plan", "programme", "partner", "funder", "meeting__body", "meeting__country"
    )
    if clock.day:
        figures = figures.filter(as_of__lte=clock.day)
    return figures.prefetch_related("sources", "parts").order_by("-as_of", "code")


def figure_dict(figure):
    def code(row):
        return row.code if row else None

    return {
        "code": figure.code,
        "plan": code(figure.plan),
        "programme": code(figure.programme),
        "partner": code(figure.partner),
        "metric": figure.metric,
        "as_of": figure.as_of_shown,
        "moment": figure.moment,
        "qualifier": figure.qualifier,
        "value": decimal(figure.value),
        "unit": figure.unit,
        "of_total": figure.of_total,
        "percent": decimal(figure.percent),
        "about_projects": figure.about_projects,
        "funder": code(figure.funder),
        "meeting": code(figure.meeting),
        "parts": [
            {
                "combination": part.combination,
                "group": part.group,
                "value": decimal(part.value),
                "unit": part.unit,
            }
            for part in figure.parts.all()
        ],
        "note": figure.note,
        "basis": figure.basis,
        "sources": source_codes(figure),
    }
