"""Pages of plans, lines and meetings: which rows and which words."""

import uuid

from django.urls import reverse
from django.views.generic import TemplateView

from aseanpm.documents import documents_of
from aseanpm.editing import key_of
from aseanpm.facts import Basis, Entry
from aseanpm.pages import ClockMixin, Figure, page_of, row_or_404, twin
from aseanpm.permissions import can
from aseanpm.talk import talk_about
from aseanpm.templatetags.aseanpm import usd
from partners.models import Partner
from projects import money
from projects.filters import NO_STATUS
from projects.models import ApprovalStep, MoneyEntry, Status
from projects.progress import (
    GROUPS,
    STATES,
    LineStanding,
    count_by_meeting,
    count_by_theme,
    funding_count,
    line_standings,
    plan_progress,
    plans_progress,
    plural,
    programme_counted,
)
from projects.serializers import project_rows, visible_projects

from .actions import dated_early, not_yet
from .figures_views import shown_row
from .filters import LineFilter, MeetingFilter
from .models import (
    ActionLine,
    AgendaItem,
    Attendance,
    Body,
    Conclusion,
    LineKind,
    Meeting,
    PartnerStatement,
    Theme,
    WorkPlan,
)
from .planning import in_words
from .reconciliation import Books, printed_by, row_of
from .serializers import (
    conclusions,
    figures_told,
    framework_links,
    is_held,
    offices,
    referring,
    rule_text,
    told_by,
)

SHOWN = 25  # rows of a table that a figure beside it opens in full
PRINTED = 10
LINE_ORDER = (
    "plan__programme__code",
    "plan__nominal_start",
    "kind",
    "area__order",
    "number",
    "code",
)
LATEST = 5


class PlanFigures(ClockMixin):
    """The figures of a plan, each with the address of its records."""

    def lines_figure(self, one, count, label="", **which):
        """A number of lines of the plan's headline kind."""
        kind = one.plan.headline_kind or None
        return self.figure(
            count,
            "workplans:lines",
            label=label,
            plan=one.plan.code,
            **({"kind": kind} | which),
        )

    def projects_figure(self, one, count, label="", stage="counted", **which):
        """A number of projects of the plan; None as `stage` takes them all."""
        return self.figure(
            count, "projects:list", label=label, **self.of_plan(one, stage), **which
        )

    def of_plan(self, one, stage="counted"):
        """The filters of a plan's projects; without a recorded rule they name one."""
        ruled = {} if one.rule or stage is None else {"rule": one.counts_from}
        return {"plan": one.plan.code, "stage": stage, **ruled}

    def money_figure(self, total, kind, **which):
        """A sum of money with its coverage, for partials/money.html."""
        text = "" if total.usd is None else usd(total.usd)
        shown = self.figure(total.usd, "projects:list", text=text, money=kind, **which)
        return {
            "value": shown.value,
            "url": shown.url,
            "count": shown.count,
            "known": total.covered,
            "projects": total.projects,
            "partial": total.partial,
            "in_kind": total.in_kind_usd,
        }

    def headline(self, one):
        """What the sentence and the bar of a plan need."""
        states = {
            state: self.lines_figure(one, getattr(one.lines, state), state=state)
            for state in STATES
        }
        return {
            "implemented": one.lines.implemented,
            "declared": one.lines.declared,
            "percent": one.lines.percent,
            "url": states["implemented"].url,
            "noun": one.lines.noun,
            "states": states,
            "urls": {state: figure.url for state, figure in states.items()},
        }

    def line_row(self, line, standing):
        """A line for workplans/_lines.html and partials/lines.html."""
        return {
            "line": line,
            "number": line.number or line.code.rpartition("-")[2],
            "title": line.title,
            "url": self.address("workplans:line", line.code),
            "state": standing.state,
            "standing": standing,
            "projects": self.figure(
                standing.counted,
                "projects:list",
                label="projects that count",
                line=line.code,
                stage="counted",
                **self.ruled(standing),
            ),
        }

    def ruled(self, standing):
        """The filter of projects that names a rule which is not the plan's own."""
        return {} if standing.is_plans_rule else {"rule": standing.counts_from}


def plan_standing(plan, on):
    """Where a plan stands in its three spans on a day, in words."""
    begins = plan.implementation_start or plan.nominal_start
    if plan.adopted_on is None or on < plan.adopted_on:
        return "no adoption on record"
    if on < begins:
        return "not yet begun"
    if plan.closed_on and plan.closed_on <= on:
        return "formally closed"
    if plan.is_past_its_period(on):
        return "past its period, no formal close on record"
    return "under way"


def plan_facts(plan, user):
    """The rules and totals of a plan, withdrawn ones too, as they were recorded."""
    if not can(user, "edit", "plans"):
        return []
    rows = {"rule": plan.rules, "total": plan.declared_totals}
    found = [
        {"kind": kind, "fact": fact, "words": in_words(fact)}
        for kind, facts in rows.items()
        for fact in facts.select_related("source", "recorded_by", "withdrawn_by")
    ]
    return sorted(found, key=lambda one: one["fact"].recorded_at, reverse=True)


class PlanListView(PlanFigures, TemplateView):
    """Every plan, grouped by programme."""

    template_name = "workplans/plan_list.html"

    def get_context_data(self, **context):
        projects = visible_projects(self.request.user, self.clock)
        plans = list(
            WorkPlan.objects.select_related("programme", "predecessor").order_by(
                "programme__code", "-nominal_start"
            )
        )
        told = plans_progress(plans, projects)
        successors = {
            plan.predecessor_id: plan
            for plan in plans
            if plan.is_adopted_by(self.clock.last_day)
        }
        programmes = {}
        for plan in plans:
            card = self.card(told[plan.pk], successors.get(plan.pk))
            programmes.setdefault(plan.programme, []).append(card)
        illustrative = sum(one.illustrative for one in told.values())
        return super().get_context_data(
            api_address=twin("plans", self.request.GET),
            programmes=[
                {
                    "programme": programme,
                    "plans": cards,
                    "total": self.total(projects, programme),
                }
                for programme, cards in programmes.items()
            ],
            illustrative=illustrative,
            **context,
        )

    def card(self, one, successor):
        plan = one.plan
        return {
            "plan": plan,
            "one": one,
            "headline": self.headline(one),
            "standing": plan_standing(plan, self.clock.last_day),
            "is_past": plan.is_past_its_period(self.clock.last_day),
            "successor": successor,
            "projects": self.projects_figure(one, one.counted),
            "pipeline": self.projects_figure(one, one.pipeline, stage="pipeline"),
        }

    def total(self, projects, programme):
        """A programme's projects; one that went on in the next plan is one."""
        counted, twice = programme_counted(projects, programme)
        return {
            "counted": counted,
            "twice": twice,
            "in_plans": self.figure(
                counted + twice,
                "projects:list",
                programme=programme.code,
                stage="counted",
            ),
        }


class PlanDetailView(PlanFigures, TemplateView):
    """One plan: its sentence, what has not begun, who funds it, what print said."""

    template_name = "workplans/plan_detail.html"

    def get_context_data(self, code, **context):
        plans = WorkPlan.objects.select_related("programme", "predecessor")
        plan = row_or_404(plans, code=code)
        successor = plan.successor_by(self.clock.last_day)
        projects = visible_projects(self.request.user, self.clock)
        one = plan_progress(plan, projects)
        lines = [
            self.line_row(
                line,
                LineStanding(
                    tally=one.line_tallies[line.pk],
                    counts_from=one.counts_from,
                    is_plans_rule=one.rule is not None,
                    is_on_record=one.is_on_record,
                ),
            )
            for line in plan.lines.select_related("area")
        ]
        return super().get_context_data(
            plan=plan,
            one=one,
            successor=successor,
            standing=plan_standing(plan, self.clock.last_day),
            is_past=plan.is_past_its_period(self.clock.last_day),
            declared=self.declared(plan),
            plan_facts=plan_facts(plan, self.request.user),
            headline=self.headline(one),
            rule_text=rule_text(one.rule),
            rule_is_inferred=bool(one.rule and one.rule.basis != Basis.DOCUMENTED),
            under_rules=self.under_rules(one),
            all_completed=self.lines_figure(
                one, one.lines.all_completed, all_completed="true"
            ),
            waiting=[
                row
                for row in lines
                if row["line"].kind == plan.headline_kind
                and row["state"] == "not_started"
            ],
            waiting_figure=self.lines_figure(
                one, one.lines.not_started, "lines not started", state="not_started"
            ),
            **self.tree(one, lines),
            **self.projects_told(one),
            **self.funding_told(one),
            **self.links_told(plan, one, projects),
            generated=self.projects_figure(
                one, one.illustrative, is_illustrative="true"
            ),
            illustrative=one.illustrative,
            api_address=self.api_address(plan),
            **context,
        )

    def api_address(self, plan):
        query = f"?{self.clock.query}" if self.clock.query else ""
        return reverse("api:plan-progress", args=[plan.code]) + query

    def declared(self, plan):
        """What the plan declared, in its own words: 15 initiatives, 143 measures."""
        nouns = dict(LineKind.choices)
        return [
            f"{total} {nouns[kind] if total == 1 else plural(nouns[kind])}"
            for kind, total in sorted(plan.declared_at(self.clock).items())
        ]

    def under_rules(self, one):
        return [
            {
                "rule": rule,
                "lines": self.lines_figure(one, lines, state="implemented", rule=rule),
                "projects": self.figure(
                    one.counted_under_rules[rule],
                    "projects:list",
                    plan=one.plan.code,
                    stage="counted",
                    rule=rule,
                ),
            }
            for rule, lines in one.lines.under_rules.items()
            if rule != one.counts_from
        ]

    def tree(self, one, rows):
        """The lines under their areas, those outside any, and the enabling actions."""

        def under(area):
            return [
                row
                for row in rows
                if row["line"].area_id == area
                and row["line"].kind != LineKind.ENABLING_ACTION
            ]

        def boxes(some):
            measured_by = one.plan.headline_kind
            return [row for row in some if measured_by in ("", row["line"].kind)]

        areas = [
            {
                "count": count,
                "lines": under(count.area.pk),
                "boxes": boxes(under(count.area.pk)),
                "implemented": self.lines_figure(
                    one,
                    count.lines.implemented,
                    area=count.area.code,
                    state="implemented",
                ),
                "projects": self.projects_figure(
                    one, count.projects, area=count.area.code
                ),
            }
            for count in one.areas
        ]
        enabling = [row for row in rows if row["line"].kind == LineKind.ENABLING_ACTION]
        return {
            "areas": areas,
            "has_boxes": any(area["boxes"] for area in areas),
            "has_rows": len(rows) > len(enabling),
            "arrangement_is_assumed": any(
                count.lines_assumed is not None for count in one.areas
            ),
            "titles_missing": any(not row["title"] for row in rows),
            "elsewhere": under(None),
            "enabling": enabling,
            "enabling_implemented": self.lines_figure(
                one,
                one.enabling.implemented,
                kind=LineKind.ENABLING_ACTION.value,
                state="implemented",
            ),
            "on_enabling_actions": self.projects_figure(
                one, one.on_enabling_actions, line_kind="enabling_action"
            ),
            "line_not_recorded": self.projects_figure(
                one, one.line_not_recorded, line_kind="none"
            ),
        }

    def projects_told(self, one):
        return {
            "counted": self.projects_figure(one, one.counted),
            "pipeline": self.projects_figure(one, one.pipeline, stage="pipeline"),
            "statuses": [
                {
                    "status": status,
                    "of": self.projects_figure(one, number, status=status),
                }
                for status, number in one.by_status.items()
            ],
            "cancelled": self.projects_figure(
                one, one.cancelled_after_approval, stage="cancelled_after_approval"
            ),
            "carried_over": self.projects_figure(
                one, one.carried_over, stage="carried_over"
            ),
            "undocumented": self.figure(
                one.status_not_documented,
                "projects:list",
                plan=one.plan.code,
                status=NO_STATUS,
            ),
        }

    def funding_told(self, one):
        """Who funds the projects that count, and their money."""
        user = self.request.user
        counted = one.projects.counted(one.counts_from)
        funding = funding_count(counted, user)
        partners = Partner.objects.in_bulk(field_name="code")
        most = max((share.projects for share in funding.combinations), default=0)
        kinds = {
            kind: self.money_figure(
                funding.money.get(kind) or money.total(counted, kind, user),
                kind.value,
                **self.of_plan(one),
            )
            for kind in MoneyEntry.Kind
        }
        return {
            "funding": funding,
            "combinations": [
                self.combination(one, share, partners, most)
                for share in funding.combinations
            ],
            "participations": [
                {
                    "partner": partners[code],
                    "of": self.projects_figure(one, number, partner=code),
                }
                for code, number in funding.participations.items()
            ],
            "bridge": self.bridge(one, funding),
            "groups": [
                {
                    "label": label,
                    "projects": self.projects_figure(
                        one, funding.groups[name].projects, group=name
                    ),
                    "approved": self.money_figure(
                        funding.groups[name].approved,
                        "approved",
                        group=name,
                        **self.of_plan(one),
                    ),
                    "committed": self.money_figure(
                        funding.committed[name],
                        "committed",
                        group=name,
                        **self.of_plan(one),
                    ),
                }
                for name, label in GROUPS.items()
            ],
            "approved": kinds[MoneyEntry.Kind.APPROVED],
            "kinds": [(kind.label, told) for kind, told in kinds.items()],
        }

    def combination(self, one, share, partners, most):
        codes = "+".join(share.partners) or "none"
        names = [partners[code].name for code in share.partners]
        return {
            "label": " + ".join(names) or "None recorded",
            "page": self.address("partners:detail", *share.partners)
            if len(share.partners) == 1
            else "",
            "of": self.projects_figure(
                one, share.projects, "projects", combination=codes
            ),
            "share": 100 * share.projects // most,
            "approved": self.money_figure(
                share.approved, "approved", combination=codes, **self.of_plan(one)
            ),
        }

    def bridge(self, one, funding):
        def told(number):
            return Figure(count=number, url="")

        none = self.projects_figure(one, funding.unattributed, combination="none")
        return [
            {"of": told(funding.participation_total), "label": "participations"},
            {"sign": "−", "of": told(funding.overlaps), "label": "overlaps"},
            {"sign": "+", "of": none, "label": "none recorded"},
            {
                "sign": "=",
                "of": self.projects_figure(one, funding.projects),
                "label": "projects",
            },
        ]

    def links_told(self, plan, one, projects):
        counted = one.projects.counted(one.counts_from)
        themes = count_by_theme(counted)
        bodies = Body.objects.filter(
            meetings__published_figures__plan__programme=plan.programme_id
        )
        return {
            "themes": [
                {
                    "theme": theme,
                    "of": self.projects_figure(
                        one, themes.get(theme.pk, 0), theme=theme.code
                    ),
                }
                for theme in Theme.objects.all()
            ],
            "links": framework_links(plan.framework_links, self.clock),
            "went_on": self.successions(
                projects, one.projects.in_status(Status.CARRIED_OVER)
            ),
            "came_from": self.successions(
                projects,
                projects.filter(
                    pk__in=one.projects.filter(predecessor__isnull=False).values(
                        "predecessor"
                    )
                ),
            ),
            "figures": figures_told(plan.published_figures, self.clock)[:PRINTED],
            "meetings": Meeting.objects.held_by(self.clock.last_day)
            .filter(body__in=bodies)
            .select_related("body", "country")[:LATEST],
        }

    def successions(self, projects, from_projects):
        """(a project, the one that goes on with it or None), a few of them."""
        earlier = list(from_projects.order_by("code")[:SHOWN])
        later = {
            project.predecessor_id: project
            for project in projects.filter(predecessor__in=earlier)
        }
        return [(project, later.get(project.pk)) for project in earlier]


class LineListView(PlanFigures, TemplateView):
    template_name = "workplans/line_list.html"

    def check_parameters(self, parameters):
        LineFilter.check_names(parameters, also=("page",))

    def get_context_data(self, **context):
        asked = self.request.GET
        projects = visible_projects(self.request.user, self.clock)
        filters = LineFilter(
            asked,
            ActionLine.objects.select_related("plan", "area").order_by(*LINE_ORDER),
            projects=projects,
        )
        page = page_of(self.request, filters.rows)
        loaded = page.paginator.count
        return super().get_context_data(
            filter=filters,
            page_obj=page,
            rows=[self.line_row(line, filters.standings[line.pk]) for line in page],
            total=loaded + filters.not_loaded,
            not_loaded=filters.not_loaded,
            rule=asked.get("rule"),
            illustrative=projects.filter(is_illustrative=True).exists(),
            api_address=twin("lines", asked),
            **context,
        )


class LineDetailView(PlanFigures, TemplateView):
    """One line: its state, its projects, and what was reported and noted."""

    template_name = "workplans/line_detail.html"

    def get_context_data(self, code, **context):
        lines = ActionLine.objects.select_related("plan__programme", "area", "parent")
        line = row_or_404(lines, code=code)
        user = self.request.user
        projects = visible_projects(user, self.clock)
        standings = line_standings(projects)
        standing = standings[line.pk]
        placed = projects.on_lines(line)
        keys = list(placed.order_by("code").values_list("pk", flat=True)[:SHOWN])
        referring_keys = list(
            referring(line, projects).values_list("pk", flat=True)[:SHOWN]
        )
        rule = line.plan.rule_at(self.clock)
        illustrative = placed.filter(is_illustrative=True).count()
        which = {"line": line.code}
        ruled = self.ruled(standing)
        return super().get_context_data(
            line=line,
            standing=standing,
            rule_text=rule_text(rule),
            placed=self.figure(placed.count(), "projects:list", **which),
            counted=self.figure(
                standing.counted, "projects:list", stage="counted", **which, **ruled
            ),
            pipeline=self.figure(
                standing.pipeline, "projects:list", stage="pipeline", **which, **ruled
            ),
            projects=project_rows(projects, keys, user),
            referring=project_rows(projects, referring_keys, user),
            below=[
                self.line_row(child, standings[child.pk])
                for child in line.children.select_related("plan", "area")
            ],
            milestones=told_by(line.milestones, self.clock),
            reported=told_by(line.reported_states, self.clock)
            .select_related("body")
            .prefetch_related("sources"),
            offices=offices(line, self.clock),
            links=framework_links(line.framework_links, self.clock),
            conclusions=conclusions(line.conclusions, self.clock),
            sources=line.sources.all(),
            indicators=line.indicators.with_targets(self.clock),
            takes_up=line.continues.all(),
            taken_up_by=line.continued_by.all(),
            talk=talk_about(line, user, self.clock),
            generated=self.figure(
                illustrative, "projects:list", is_illustrative="true", **which
            ),
            illustrative=illustrative,
            **context,
        )


class MeetingListView(ClockMixin, TemplateView):
    """Meetings held by the day asked for; without a day, also those announced."""

    template_name = "workplans/meeting_list.html"

    def check_parameters(self, parameters):
        MeetingFilter.check_names(parameters, also=("page",))

    def get_context_data(self, **context):
        asked, on = self.request.GET, self.clock.last_day
        meetings = Meeting.objects.held_by(self.clock.day).select_related(
            "body", "chair_country", "country"
        )
        filters = MeetingFilter(asked, meetings)
        page = page_of(self.request, filters.rows)
        projects = visible_projects(self.request.user, self.clock)
        approvals = count_by_meeting(projects, Status.APPROVED)
        return super().get_context_data(
            may_edit=can(self.request.user, "edit", "meetings"),
            filter=filters,
            page_obj=page,
            meetings=[
                {
                    "meeting": meeting,
                    "is_held": is_held(meeting, on),
                    "approved": self.figure(
                        approvals.get(meeting.pk, 0),
                        "projects:list",
                        meeting=meeting.code,
                        decision=Status.APPROVED.value,
                    ),
                }
                for meeting in page
            ],
            illustrative=bool(approvals)
            and projects.filter(is_illustrative=True).exists(),
            api_address=twin("meetings", asked),
            **context,
        )


class MeetingDetailView(ClockMixin, TemplateView):
    """One meeting: who came, what it decided, noted and printed, what it is about.

    Its agenda, and what is drafted there, are for the secretariat alone.
    """

    template_name = "workplans/meeting_detail.html"

    def get_context_data(self, code, **context):
        meetings = Meeting.objects.select_related("body", "chair_country", "country")
        meeting = row_or_404(meetings, code=code)
        held = is_held(meeting, self.clock.last_day)
        may_edit = can(self.request.user, "edit", "meetings")
        told = {} if held is False and not may_edit else self.told(meeting)
        if may_edit:
            told |= self.work(meeting)
        return super().get_context_data(
            meeting=meeting,
            not_yet_held=held is False,
            may_edit=may_edit,
            sources=meeting.sources.all(),
            talk=talk_about(meeting, self.request.user, self.clock),
            documents=documents_of(meeting, self.request.user, self.clock),
            **told,
            **context,
        )

    def told(self, meeting):
        """What is told of a meeting only once it was held."""
        user = self.request.user
        projects = visible_projects(user, self.clock)
        approved = projects.decided_at(meeting, status=Status.APPROVED)
        keys = list(approved.order_by("code").values_list("pk", flat=True)[:SHOWN])
        decisions = {
            status: count_by_meeting(projects, status).get(meeting.pk, 0)
            for status in (Status.APPROVED, Status.CANCELLED, Status.CARRIED_OVER)
        }
        figures = {
            status: self.decided(meeting, number, status)
            for status, number in decisions.items()
        }
        printed = self.printed(meeting)
        illustrative = approved.filter(is_illustrative=True).count()
        return {
            "approved": figures[Status.APPROVED],
            "approved_rows": project_rows(projects, keys, user),
            "other_decisions": [
                (status.label.lower(), figures[status])
                for status in (Status.CANCELLED, Status.CARRIED_OVER)
                if decisions[status]
            ],
            "agrees": decisions[Status.APPROVED] == meeting.approvals_in_print,
            "sent_back": self.sent_back(meeting, projects),
            "noted": self.noted(meeting, projects),
            "attendance": self.attendance(meeting),
            "printed": printed,
            "conclusions": conclusions(
                Conclusion.objects.filter(meeting=meeting), self.clock
            ),
            "statements": self.statements(meeting, projects),
            "sessions": self.sessions(meeting, projects),
            "generated": self.decided(
                meeting, illustrative, Status.APPROVED, is_illustrative="true"
            ),
            "illustrative": illustrative
            + sum(one["row"].computed.illustrative for one in printed),
        }

    def decided(self, meeting, number, status, **which):
        return self.figure(
            number,
            "projects:list",
            meeting=meeting.code,
            decision=status.value,
            **which,
        )

    def sent_back(self, meeting, projects):
        """The steps by which it returned or deferred a project, in their order."""
        steps = meeting.approval_steps.at(self.clock).filter(
            outcome__in=[ApprovalStep.Outcome.RETURNED, ApprovalStep.Outcome.DEFERRED],
            project__in=projects,
        )
        return steps.select_related("project").order_by("outcome", "project__code")

    def noted(self, meeting, projects):
        """The decisions by circulation that it noted, as known at the moment."""
        items = meeting.agenda_items.filter(
            outcome=AgendaItem.Outcome.NOTE, applied__isnull=False, project__in=projects
        )
        if self.clock.known_at:
            known = Entry.objects.filter(recorded_at__lte=self.clock.known_at)
            items = items.filter(applied__in=known.values("sequence"))
        return items.select_related("project")

    def printed(self, meeting):
        """Each figure printed with it beside the records, as on the reconciliation."""
        figures = [
            figure
            for figure in printed_by(self.clock.day)
            if figure.meeting_id == meeting.pk
        ]
        books = Books(self.request.user, self.clock)
        return [shown_row(row_of(books, figure)) for figure in figures]

    def statements(self, meeting, projects):
        """[{said, key, pledges}]: pledges for projects that the reader may see.

        A private amount reads as one that is not known.
        """
        statements = list(
            meeting.partner_statements.select_related("partner").prefetch_related(
                "sources"
            )
        )
        links = PartnerStatement.pledges.through.objects.filter(
            partnerstatement__in=statements
        ).order_by("moneyentry__effective_on", "moneyentry__pk")
        seen = MoneyEntry.objects.at(self.clock).as_seen_by(self.request.user)
        entries = seen.filter(
            pk__in=links.values("moneyentry"), project__in=projects
        ).select_related("project")
        by_key = {entry.pk: entry for entry in entries}
        pledges: dict = {said.pk: [] for said in statements}
        for statement, entry in links.values_list("partnerstatement", "moneyentry"):
            if entry in by_key:
                pledges[statement].append(by_key[entry])
        return [
            {"said": said, "key": key_of(said), "pledges": pledges[said.pk]}
            for said in statements
        ]

    def sessions(self, meeting, projects):
        """[{session or None, priorities}]: what was proposed where.

        A project that came of a priority is named to those who may see it.
        """
        priorities = list(meeting.priorities.select_related("line"))
        made = projects.in_bulk([one.project_id for one in priorities])
        sessions = [*meeting.sessions.select_related("area__plan"), None]
        return [
            {
                "session": session,
                "priorities": [
                    {
                        "priority": one,
                        "key": key_of(one),
                        "project": made.get(one.project_id),
                    }
                    for one in priorities
                    if one.session_id == (session and session.pk)
                ],
            }
            for session in sessions
            if session or any(one.session_id is None for one in priorities)
        ]

    def work(self, meeting):
        """What only the secretariat sees: the agenda with its drafts."""
        items = list(meeting.agenda_items.select_related("project"))
        waiting = [item for item in items if not item.applied]
        return {
            "agenda": items,
            "waiting": len(waiting),
            "drafted": sum(bool(item.outcome) for item in waiting),
            "why_not_yet": not_yet(meeting),
            "dated_early": dated_early(meeting),
            "submission": uuid.uuid4().hex,
        }

    def attendance(self, meeting):
        """[(capacity, those who came in it)], capacities in their order."""
        came = list(meeting.attendances.select_related("country", "partner"))
        return [
            (label, [one for one in came if one.capacity == capacity])
            for capacity, label in Attendance.Capacity.choices
            if any(one.capacity == capacity for one in came)
        ]
