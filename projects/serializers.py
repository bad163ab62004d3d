"""A project as it is told: rows for lists and exports, one whole, and their schema."""

from collections import defaultdict
from datetime import UTC

from django.core.exceptions import ValidationError
from django.db.models import BigIntegerField, CharField, Max, Value
from django.urls import reverse
from rest_framework import serializers

from aseanpm.editing import LANGUAGES
from aseanpm.facts import Precision, shown_date
from aseanpm.forms import FIRST_YEAR, last_day, tidy_line, tidy_text
from aseanpm.pages import row_or_404
from aseanpm.paging import Keys

from . import money
from .models import FACTS as FACTS_ON_RECORD
from .models import (
    Benefit,
    Funding,
    MoneyEntry,
    Placement,
    Project,
    ProjectOrganisation,
    Status,
)

NO_CODES: list[str] = []  # one for all rows; thousands keep the collector busy
NO_TITLE = "A project needs a title."
NO_DATE = "This is no date. Write it as 2022-09-22."
MANY_LINES = {"description", "note", "internal_note"}
COLUMNS = (
    "pk",
    "code",
    "title",
    "title_language",
    "plan",
    "area",
    "line",
    "status",
    "is_illustrative",
    "planned_start",
    "planned_start_precision",
    "planned_end",
    "planned_end_precision",
    "changed",
)


class ProjectRowSerializer(serializers.Serializer):
    """A project in a list. Amounts are US dollars, null where unknown."""

    code = serializers.CharField(
        help_text="The project's code. It never changes and is never reused."
    )
    title = serializers.CharField(help_text="In the language of title_language.")
    title_language = serializers.CharField(
        help_text="Code of the language of the title, such as en or vi."
    )
    plan = serializers.CharField(
        allow_null=True,
        help_text="Code of the work plan it is placed in; null: in none.",
    )
    area = serializers.CharField(
        allow_null=True, help_text="Code of the strategic area of its line."
    )
    line = serializers.CharField(
        allow_null=True, help_text="Code of its line, the only one that it counts for."
    )
    status = serializers.ChoiceField(
        Status.choices,
        allow_null=True,
        help_text="On the clock's day; null where no document tells one.",
    )
    is_illustrative = serializers.BooleanField(
        help_text="Generated, and no real project."
    )
    countries = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes of the countries that benefit by name, in order.",
    )
    groupings = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes of the groupings that benefit as such, in order.",
    )
    partners = serializers.ListField(
        child=serializers.CharField(),
        help_text=(
            "Codes of those who fund it, in order; a shared fund stands as itself."
        ),
    )
    funds = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes of the funds through which they do, in order.",
    )
    organisations = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes of the organisations that take part, in order.",
    )
    approved_usd = serializers.DecimalField(
        18,
        2,
        allow_null=True,
        help_text="Approved budget in cash, US dollars; null: not known.",
    )
    planned_start = serializers.CharField(
        allow_null=True,
        help_text="As exact as it is known: 2022-09-30, 2022-09 or 2022.",
    )
    planned_end = serializers.CharField(
        allow_null=True,
        help_text="As exact as it is known: 2022-09-30, 2022-09 or 2022.",
    )
    changed_at = serializers.DateTimeField(
        help_text="When something that this list may show was last recorded."
    )


def visible_projects(user, clock):
    """The projects that a reader may see, on a clock."""
    return Project.objects.visible_to(user).as_of(clock.day, clock.known_at)


def visible_project(user, code, clock):
    """One of them with its state and places; Http404 where it is not among them."""
    projects = visible_projects(user, clock).with_state().with_placement()
    return row_or_404(projects, code=code)


def last_record_by_plan(projects):
    """{plan: when a fact was last recorded of its projects}, in seven queries.

    Of what had become true by the clock's day, as known at its moment.
    """
    last: dict = {}
    placed = dict(projects.order_by().with_placement().values_list("pk", "plan"))
    for model in FACTS_ON_RECORD:
        facts = model.objects.filter(project__in=projects.order_by().values("pk"))
        if hasattr(facts, "at"):
            facts = facts.at(projects.clock)
        else:
            facts = facts.known(projects.clock.known_at)
        rows = facts.order_by().values_list("project").annotate(Max("recorded_at"))
        for project, moment in rows:
            plan = placed[project]
            last[plan] = max(last.get(plan, moment), moment)
    return last


def places_of(project):
    """The plan, area and line (rows or None) that a project's annotations name."""
    return {
        name: Placement._meta.get_field(name)
        .related_model.objects.filter(pk=getattr(project, name))
        .first()
        for name in ("plan", "area", "line")
    }


def names_of(row):
    """{code: name} of the partners, countries and groupings in a project's row."""
    return {
        code: name
        for model, field, column in (
            (Funding, "partner", "partners"),
            (Benefit, "country", "countries"),
            (Benefit, "grouping", "groupings"),
        )
        for code, name in model._meta.get_field(field)
        .related_model.objects.filter(code__in=row[column])
        .values_list("code", "name")
    }


def funders_of(project, clock):
    """{code of a partner: whether it gives `directly`, and through which `funds`}."""
    standing = project.fundings.net_by_fund(clock)
    found = defaultdict(lambda: {"directly": False, "funds": []})
    for partner, fund in standing.order_by("partner__code", "fund__code").values_list(
        "partner__code", "fund__code"
    ):
        if fund:
            found[partner]["funds"].append(fund)
        else:
            found[partner]["directly"] = True
    return dict(found)


def project_rows(projects, keys, user=None, kind=None, giver=None, labels=None):
    """Rows of the projects with these keys, in their order, in three queries.

    They stand as on the clock of `projects`; lists in a row are sorted codes. `kind`
    adds `shown_usd`, the dollars of another kind of money, for a fourth query; with
    `giver`, only what that funder gives. `labels`: see codes_by_project.
    """
    clock, some = projects.clock, Keys(keys)
    ours = Project.objects.as_of(clock.day, clock.known_at).filter(pk__in=some)
    rows = {
        row[0]: row
        for row in ours.order_by()
        .with_state()
        .with_placement("code")
        .with_change()
        .values_list(*COLUMNS)
    }
    lists = codes_by_project({"project__in": some}, clock, labels)
    approved = money.amounts_by_project(ours, MoneyEntry.Kind.APPROVED, user)
    found = [
        project_row(rows[pk], lists, approved.get(pk, money.UNKNOWN))
        for pk in keys
        if pk in rows
    ]
    if kind:
        shown = money.amounts_by_project(ours, kind, user, giver)
        for pk, row in zip((pk for pk in keys if pk in rows), found, strict=True):
            row["shown_usd"] = shown.get(pk, money.UNKNOWN).usd
    return found


# The columns of a row's lists, and the models and fields whose codes they hold.
LISTS = (
    (("partners", Funding, "partner"), ("funds", Funding, "fund")),
    (("countries", Benefit, "country"), ("groupings", Benefit, "grouping")),
    (("organisations", ProjectOrganisation, "organisation"),),
)


def codes_by_key():
    """{column: {key: code}} of all that a row's lists may name; one query.

    For codes_by_project of many projects, whose database then joins no names.
    """
    named = [one for columns in LISTS for one in columns]
    first, *others = (
        model._meta.get_field(field)
        .related_model._base_manager.annotate(column=Value(column))
        .order_by()
        .values_list("column", "pk", "code")
        for column, model, field in named
    )
    found: dict = {column: {} for column, *_ in named}
    for column, pk, code in first.union(*others, all=True):
        found[column][pk] = code
    return found


def codes_by_project(where, clock, labels=None):
    """{column: {key of a project: its codes, sorted}} of a row's lists; one query.

    `labels` are those of codes_by_key, where they are known already.
    """
    sets = (
        Funding.objects.filter(**where).net_by_fund(clock),
        Benefit.objects.filter(**where).net(clock),
        ProjectOrganisation.objects.filter(**where).order_by(),
    )
    kind, suffix = (
        (CharField(), "__code") if labels is None else (BigIntegerField(), "")
    )
    names = (
        [*(f"{field}{suffix}" for _, _, field in columns), "none"] for columns in LISTS
    )
    rows, *others = (
        found.annotate(which=Value(which), none=Value(None, kind)).values_list(
            "project", *two[:2], "which"
        )
        for which, (found, two) in enumerate(zip(sets, names, strict=True))
    )
    lists: dict = {column: {} for columns in LISTS for column, *_ in columns}
    for pk, first, second, which in rows.union(*others, all=True):
        for code, (column, *_) in zip((first, second), LISTS[which], strict=False):
            if code is not None:
                if labels is not None:
                    code = labels[column][code]
                lists[column].setdefault(pk, []).append(code)
    for column in lists.values():
        for pk, codes in column.items():
            if len(codes) > 1:
                column[pk] = sorted(set(codes))
    return lists


def project_row(row, lists, approved):
    (
        pk,
        code,
        title,
        title_language,
        plan,
        area,
        line,
        status,
        is_illustrative,
        planned_start,
        planned_start_precision,
        planned_end,
        planned_end_precision,
        changed,
    ) = row

    return {
        "code": code,
        "title": title,
        "title_language": title_language,
        "plan": plan,
        "area": area,
        "line": line,
        "status": status or None,
        "is_illustrative": is_illustrative,
        "countries": lists["countries"].get(pk, NO_CODES),
        "groupings": lists["groupings"].get(pk, NO_CODES),
        "partners": lists["partners"].get(pk, NO_CODES),
        "funds": lists["funds"].get(pk, NO_CODES),
        "organisations": lists["organisations"].get(pk, NO_CODES),
        "approved_usd": approved.usd,
        "planned_start": shown_date(planned_start, planned_start_precision),
        "planned_end": shown_date(planned_end, planned_end_precision),
        "changed_at": changed,
    }


# One project, whole


class TotalSerializer(serializers.Serializer):
    """Money of one kind; null where nothing is known."""

    usd = serializers.DecimalField(18, 2, allow_null=True)
    in_kind_usd = serializers.DecimalField(18, 2, allow_null=True)
    entries = serializers.IntegerField()
    known = serializers.IntegerField()


class BenefitSerializer(serializers.Serializer):
    country = serializers.CharField(allow_null=True)
    grouping = serializers.CharField(allow_null=True)
    share = serializers.DecimalField(5, 2, allow_null=True)
    share_basis = serializers.ChoiceField(Benefit.ShareBasis.choices)


class RoleSerializer(serializers.Serializer):
    organisation = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField(ProjectOrganisation.Role.choices)


class PhaseSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    title = serializers.CharField()
    planned_end = serializers.CharField(allow_null=True)
    completed_on = serializers.CharField(allow_null=True)


class ProjectSerializer(ProjectRowSerializer):
    """A project with all that is told of it on the clock."""

    official_code = serializers.CharField()
    title_translations = serializers.DictField(child=serializers.CharField())
    description = serializers.CharField()
    channel = serializers.ChoiceField(Project.Channel.choices)
    status_since = serializers.DateField(allow_null=True)
    is_recurring = serializers.BooleanField()
    predecessor = serializers.CharField(allow_null=True)
    successor = serializers.CharField(allow_null=True)
    line_references = serializers.ListField(child=serializers.CharField())
    themes = serializers.ListField(child=serializers.CharField())
    benefits = BenefitSerializer(many=True)
    money = serializers.DictField(child=TotalSerializer())
    approved_against_committed = serializers.ChoiceField(
        ["equal", "below", "above", "unknown"]
    )
    organisation_roles = RoleSerializer(many=True)
    phases = PhaseSerializer(many=True)
    sources = serializers.ListField(child=serializers.CharField())
    facts = serializers.URLField()
    version = serializers.IntegerField(required=False, help_text="For editors only.")


class ProjectWriteSerializer(serializers.ModelSerializer):
    """The fields of a project that are no facts. Themes are codes.

    A planned date comes with its precision, "day" without one, and is kept as the last
    day of its month or year.
    """

    title_translations = serializers.DictField(
        child=serializers.CharField(max_length=400), required=False
    )
    themes = serializers.SlugRelatedField(
        "code",
        many=True,
        required=False,
        queryset=Project._meta.get_field("themes").related_model._default_manager,
        error_messages={
            "does_not_exist": "Select a valid choice. {value} is not one of the "
            "available choices."
        },
    )

    class Meta:
        model = Project
        fields = [
            "title",
            "title_language",
            "title_translations",
            "official_code",
            "description",
            "planned_start",
            "planned_start_precision",
            "planned_end",
            "planned_end_precision",
            "is_recurring",
            "note",
            "internal_note",
            "is_published",
            "withheld_reason",
            "themes",
        ]
        extra_kwargs = {
            "title": {
                "allow_blank": False,
                "required": True,
                "error_messages": dict.fromkeys(
                    ("required", "blank", "null"), NO_TITLE
                ),
            },
            **{
                name: {"error_messages": {"invalid": NO_DATE}}
                for name in ("planned_start", "planned_end")
            },
        }

    def validate_title_language(self, language):
        if language not in LANGUAGES:
            raise serializers.ValidationError(f"“{language}” is no language here.")
        return language

    def validate_title_translations(self, texts):
        unknown = sorted(texts.keys() - LANGUAGES.keys())
        if unknown:
            raise serializers.ValidationError(f"“{unknown[0]}” is no language here.")
        return {language: tidy_line(text) for language, text in texts.items()}

    def validate(self, values):
        problems = {}
        for name, value in values.items():
            if isinstance(value, str):
                tidy = tidy_text if name in MANY_LINES else tidy_line
                try:
                    values[name] = tidy(value)
                except ValidationError as error:
                    problems[name] = error.messages
        language, texts = (
            values.get(name, getattr(self.instance, name, usual))
            for name, usual in (("title_language", "en"), ("title_translations", {}))
        )
        if language in texts and {"title_language", "title_translations"} & {*values}:
            message = f"The title itself is in “{language}”."
            problems["title_translations"] = message
        if values.get("title") == "":
            problems["title"] = NO_TITLE
        for name in ("planned_start", "planned_end"):
            precision = values.get(f"{name}_precision")
            if not str(self.initial_data.get(name, "")).isascii():
                problems[name] = NO_DATE
            elif values.get(name) and values[name].year < FIRST_YEAR:
                problems[name] = f"Lies before {FIRST_YEAR}."
            elif name in values:
                precision = values[f"{name}_precision"] = precision or Precision.DAY
                values[name] = values[name] and last_day(values[name], precision)
            elif precision:
                problems[f"{name}_precision"] = f"Send it with {name}."
        if problems:
            raise serializers.ValidationError(problems)
        return values

    def read(self):
        """(values, lists) to be written. Raises a 400 naming what cannot be."""
        if isinstance(self.initial_data, dict):
            unknown = sorted(set(self.initial_data) - set(self.fields))
            if unknown:
                message = "Not a field that can be written here; facts have their own."
                raise serializers.ValidationError(dict.fromkeys(unknown, message))
        self.is_valid(raise_exception=True)
        values = dict(self.validated_data)
        lists = {name: values.pop(name) for name in ("themes",) if name in values}
        return values, lists


def project_whole(project, clock, user=None):
    """The dictionary of one project (a row with its state), in some fifteen queries."""
    one = Project.objects.as_of(clock.day, clock.known_at).filter(pk=project.pk)
    row = project_rows(one, [project.pk], user)[0]
    sums = {
        kind.value: money.amounts_by_project(one, kind, user).get(
            project.pk, money.UNKNOWN
        )
        for kind in MoneyEntry.Kind
    }
    since = project.status_changes.at(clock).latest_first().first()
    neighbours = visible_projects(user, clock)
    benefits = _standing_benefits(project, clock)
    return row | {
        "official_code": project.official_code,
        "title_translations": project.title_translations,
        "description": project.description,
        "channel": project.channel,
        "status_since": since.effective_on if since else None,
        "is_recurring": project.is_recurring,
        "predecessor": _code(neighbours.filter(pk=project.predecessor_id)),
        "successor": _code(neighbours.filter(predecessor=project.pk)),
        "line_references": sorted(
            project.line_references.known(clock.known_at).values_list(
                "line__code", flat=True
            )
        ),
        "themes": sorted(project.themes.values_list("code", flat=True)),
        "benefits": benefits,
        "money": {
            kind: {
                "usd": amount.usd,
                "in_kind_usd": amount.in_kind_usd,
                "entries": amount.entries,
                "known": amount.known,
            }
            for kind, amount in sums.items()
        },
        "approved_against_committed": money.budget_against_contributions(
            sums["approved"], sums["committed"]
        ),
        "organisation_roles": [
            {
                "organisation": part.organisation.code,
                "name": part.organisation.name,
                "role": part.role,
            }
            for part in project.project_organisations.select_related("organisation")
        ],
        "phases": [
            {
                "number": phase.number,
                "title": phase.title,
                "planned_end": phase.planned_end_shown,
                "completed_on": (
                    phase.completed_on_shown
                    if phase.is_completed_by(clock.last_day)
                    else None
                ),
            }
            for phase in project.phases.all()
        ],
        "sources": sorted(project.sources.values_list("code", flat=True)),
        "facts": f"{reverse('api:project', args=[project.code])}facts/",
    }


def _code(rows):
    return rows.values_list("code", flat=True).first()


def _standing_benefits(project, clock):
    """Who benefits on the clock's day, with the share stated last."""
    rows = project.benefits.at(clock).order_by("effective_on", "day_order")
    parties = standing_shares(
        rows.values_list(
            "country__code", "grouping__code", "delta", "share", "share_basis"
        )
    )
    return [
        {"country": country, "grouping": grouping, "share": share, "share_basis": basis}
        for (country, grouping), (share, basis) in parties.items()
    ]


def standing_shares(rows):
    """{(country, grouping): (share, its basis)} of who has joined and not left.

    Of (country, grouping, delta, share, basis) in the order in which it became true;
    the share stated last holds.
    """
    standing, shares = defaultdict(int), {}
    for country, grouping, delta, share, basis in rows:
        standing[country, grouping] += delta
        if delta > 0:
            shares[country, grouping] = (share, basis)
    return {party: shares[party] for party, net in standing.items() if net > 0}


# Facts


class FactSerializer(serializers.Serializer):
    """A fact on both clocks, withdrawn ones included; `says` puts it in words."""

    id = serializers.UUIDField(help_text="Identifies the fact for good.")
    kind = serializers.CharField(
        help_text=(
            "What it is about: status, placement, funding, benefit, money and so on."
        )
    )
    says = serializers.CharField(help_text="The fact in words.")
    effective_on = serializers.DateField(
        allow_null=True,
        help_text="The day in Jakarta from which it is true; null: for all time.",
    )
    day_order = serializers.IntegerField(
        allow_null=True, help_text="Its place among the facts of its kind on that day."
    )
    recorded_at = serializers.DateTimeField(help_text="When it was written down.")
    withdrawn_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was found wrong; null while it stands."
    )
    withdrawal_reason = serializers.CharField(help_text="Why it was found wrong.")
    basis = serializers.CharField(
        help_text=("On what it rests: documented, assumed, unverified or illustrative.")
    )
    source = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Code of the document that says so."
    )
    note = serializers.CharField(
        help_text="A remark; empty where its terms are private."
    )


class FactsWrittenSerializer(serializers.Serializer):
    """What one write recorded of a project, and what it withdrew."""

    recorded = FactSerializer(many=True)
    withdrawn = FactSerializer(many=True)


def project_facts(project, clock, user=None):
    """What was recorded of a project by the clock's moment, up to its day.

    Withdrawn facts stand among them, marked; what was withdrawn later is not yet.
    Eight queries.
    """
    rows = [
        fact_row(fact, clock, says)
        for kind, related, says in FACTS
        for fact in _recorded(getattr(project, kind), clock, user).select_related(
            "source", *related
        )
    ]
    return sorted(rows, key=fact_order)


def _recorded(facts, clock, user):
    if clock.known_at:
        facts = facts.filter(recorded_at__lte=clock.known_at)
    if clock.day and hasattr(facts, "effective"):
        facts = facts.effective(clock.day)
    return facts.as_seen_by(user) if hasattr(facts, "as_seen_by") else facts.all()


def fact_row(fact, clock, says):
    terms_are_hidden = getattr(fact, "is_hidden", False)
    withdrawn = fact.withdrawn_at
    if withdrawn and clock.known_at and withdrawn > clock.known_at:
        withdrawn = None
    return {
        "id": str(fact.uuid),
        "kind": fact._meta.verbose_name,
        "says": says(fact),
        "effective_on": getattr(fact, "effective_on", None),
        "day_order": getattr(fact, "day_order", None),
        "recorded_at": fact.recorded_at,
        "withdrawn_at": withdrawn,
        "withdrawal_reason": (
            fact.withdrawal_reason if withdrawn and not terms_are_hidden else ""
        ),
        "basis": fact.basis,
        "source": fact.source.code if fact.source else None,
        "note": "" if terms_are_hidden else fact.note,
    }


def fact_order(row):
    """By the day it became true (undated first), by when it was recorded, by kind."""
    day = row["effective_on"]
    return (
        f"{day.isoformat() if day else ''} {row['day_order'] or 0:05} "
        f"{row['recorded_at'].astimezone(UTC).isoformat()} {row['kind']} {row['id']}"
    )


def _says_status(fact):
    decided = ""
    if fact.meeting:
        decided = f", at the {fact.meeting}"
    elif fact.by_circulation:
        decided = ", by circulation"
    return f"{fact.get_status_display()}{decided}"


def _says_placement(fact):
    area = fact.area.title if fact.area else ""
    places = [fact.plan.code, area, fact.line.code if fact.line else ""]
    return f"Placed under {', '.join(place for place in places if place)}"


def _says_funding(fact):
    through = f" through {fact.fund.code}" if fact.fund else ""
    verb = "joins as a funder" if fact.delta > 0 else "leaves as a funder"
    return f"{fact.partner.name} {verb}{through}"


def _says_benefit(fact):
    name = (fact.country or fact.grouping).name
    joins, leaves = ("join", "are") if " and " in name else ("joins", "is")
    verb = f"{leaves} no longer among" if fact.delta < 0 else joins
    share = {
        "stated": f", {fact.share} per cent stated",
        "assumed_equal": ", equal share assumed",
        "unknown": "",
    }[fact.share_basis]
    return f"{name} {verb} those who benefit{share}"


def _says_money(fact):
    amount = "amount not known"
    if fact.seen_amount is not None:
        amount = f"{fact.currency} {fact.seen_amount:,.2f}"
        if fact.currency != "USD" and fact.seen_usd is not None:
            amount += f" (USD {fact.seen_usd:,.2f} at {fact.rate.normalize():f})"
    who = f" by {fact.partner.name}" if fact.partner else ""
    kind = " in kind" if fact.in_kind else ""
    counterpart = ", counterpart" if fact.is_counterpart else ""
    reversal = ", reversal" if fact.reverses_id else ""
    return f"{fact.get_kind_display()}{who}{kind}: {amount}{counterpart}{reversal}"


def _says_step(fact):
    decided = f", {fact.meeting}" if fact.meeting else ""
    return f"{fact.get_step_display()}: {fact.get_outcome_display().lower()}{decided}"


FACTS = (
    ("status_changes", ("meeting__body", "meeting__country"), _says_status),
    ("placements", ("plan", "area", "line"), _says_placement),
    (
        "line_references",
        ("line",),
        lambda fact: f"Refers to {fact.line.code}, which counts nothing",
    ),
    ("fundings", ("partner", "fund"), _says_funding),
    ("benefits", ("country", "grouping"), _says_benefit),
    ("money_entries", ("partner",), _says_money),
    ("approval_steps", ("meeting__body", "meeting__country"), _says_step),
)
