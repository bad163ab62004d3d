from django.views.generic import TemplateView

from aseanpm.documents import documents_of
from aseanpm.filters import ChoicesFilter, CodeFilter
from aseanpm.lists import (
    ChoosingMixin,
    Column,
    KeepColumnsView,
    KeepViewView,
    ListMixin,
    OneViewView,
)
from aseanpm.pages import ClockMixin, page_of, twin
from aseanpm.permissions import can
from aseanpm.problems import refuse_repeated
from aseanpm.talk import talk_about

from . import lifecycle, money
from .bulk import AT_MOST, DEEDS
from .columns import COLUMNS, complete
from .filters import ProjectFilter
from .life_views import approval_steps
from .models import MoneyEntry, Project
from .money_views import ledger_entries
from .ordering import labels_for, order_of
from .serializers import (
    fact_order,
    funders_of,
    names_of,
    places_of,
    project_facts,
    project_rows,
    project_whole,
    visible_project,
    visible_projects,
)


class ProjectPageFilter(ProjectFilter):
    """The page's filter: also which money the list shows and sums, and whose."""

    shown = ("search", "plan", "status", "country", "partner", "area")
    money = ChoicesFilter(
        label="Money", choices=MoneyEntry.Kind.choices, method="nothing"
    )
    money_of = CodeFilter(
        label="Money of", path="money_entries__partner", method="nothing"
    )


class ProjectList(ListMixin):
    """The list of projects, for the page and for what is kept of it."""

    list_name = "projects"
    list_columns = COLUMNS

    def check_query(self, parameters):
        ProjectPageFilter.check_names(parameters, also=("ordering",))
        refuse_repeated(parameters)
        user, clock = self.request.user, ClockMixin.read_clock(parameters)
        found = ProjectPageFilter(parameters, visible_projects(user, clock)).rows
        order_of(found, parameters.get("ordering", ""), user)


class ProjectColumnsView(ProjectList, KeepColumnsView):
    pass


class ProjectViewsView(ProjectList, KeepViewView):
    pass


class ProjectViewView(ProjectList, OneViewView):
    pass


class ProjectListView(ProjectList, ChoosingMixin, ClockMixin, TemplateView):
    template_name = "projects/project_list.html"

    def check_parameters(self, parameters):
        also = ("ordering", "page", "columns")
        ProjectPageFilter.check_names(parameters, also=also)

    def get_context_data(self, **context):
        user, asked = self.request.user, self.request.GET
        projects = visible_projects(user, self.clock)
        filters = ProjectPageFilter(asked, projects)
        found = filters.rows
        order, descending = order_of(found, asked.get("ordering", ""), user)
        columns = self.chosen_columns(self.request)
        page = page_of(self.request, in_order(found, order, descending))
        keys = list(page.object_list)
        kind = MoneyEntry.Kind(
            (filters.form.cleaned_data.get("money") or [MoneyEntry.Kind.APPROVED])[0]
        )
        giver = next(iter(filters.form.cleaned_data.get("money_of") or []), None)
        rows = project_rows(projects, keys, user, kind, giver)
        names = [one.name for one in columns]
        return super().get_context_data(
            page_obj=page,
            projects=complete(rows, projects, keys, names, user),
            total=money.total(found, kind, user, giver),
            money_kind=kind,
            filter=filters,
            ordering=("-" if descending else "") + order.name,
            table_columns=with_money(columns, kind, giver),
            sortable=labels_for(user),
            api_address=twin("projects", asked, but=("money", "money_of")),
            illustrative=found.filter(is_illustrative=True).count(),
            may_edit=can(user, "edit", "projects"),
            deeds=DEEDS,
            changed_at_most=AT_MOST,
            place=self.request.get_full_path(),
            **self.choices(columns),
            **context,
        )


def with_money(columns, kind, giver):
    """The columns, with the money that the address asks for instead of the budget."""
    if kind == MoneyEntry.Kind.APPROVED and giver is None:
        return columns
    shown = Column("shown_usd", f"{kind.label}, USD", is_number=True)
    others = [one for one in columns if one.name not in ("approved_usd", f"{kind}_usd")]
    return [*others, shown]


def in_order(projects, order, descending):
    """The keys of projects in an order, ties by code."""
    return order.sorted(projects, descending).values_list("pk", flat=True)


class ProjectDetailView(ClockMixin, TemplateView):
    """One project; what was withdrawn from its record is shown struck through.

    Who may change it finds here what may be done; on a past day nothing is. `?next=` is
    where its next status leads back to.
    """

    template_name = "projects/project_detail.html"
    parameters = ("next",)

    def get_context_data(self, code, **context):
        user = self.request.user
        project = visible_project(user, code, self.clock)
        links = visible_projects(user, self.clock)
        whole = project_whole(project, self.clock, user)
        entries = ledger_entries(project.money_entries.at(self.clock), user)
        ledger = money.ledger(entries, "seen_amount")
        may_edit = can(user, "edit", "projects")
        facts = project_facts(project, self.clock, user)
        return super().get_context_data(
            project=project,
            whole=whole,
            kinds=MoneyEntry.Kind.choices,
            places=places_of(project),
            names=names_of(whole),
            funders=funders_of(project, self.clock),
            facts=sorted(facts, key=fact_order, reverse=True),
            ledger=ledger,
            revisions=money.revisions(ledger),
            without_dollars=money.without_dollars(ledger),
            reversed={str(line.entry.uuid) for line in ledger if line.is_reversed},
            decided=self.decided(project),
            gap=self.gap(project, user),
            steps=approval_steps(project, self.clock) if may_edit else [],
            moves=self.moves(project, user),
            back=self.request.GET.get("next", ""),
            may_edit=may_edit and self.clock.is_now,
            may_edit_today=may_edit and not self.clock.is_now,
            why_not=user.is_authenticated and not may_edit,
            internal_note=self.internal_note(project, user),
            may_enter_money=can(user, "create", "money") and self.clock.is_now,
            successor=links.filter(predecessor=project.pk).first(),
            predecessor=links.filter(pk=project.predecessor_id).first(),
            sources=project.sources.all(),
            indicators=project.indicators.with_targets(self.clock),
            documents=documents_of(project, user, self.clock),
            talk=talk_about(project, user, self.clock),
            illustrative=int(project.is_illustrative),
            **context,
        )

    def decided(self, project):
        """The identifiers of the facts that name a meeting."""
        return {
            str(uuid)
            for facts in (project.status_changes, project.approval_steps)
            for uuid in facts.filter(meeting__isnull=False).values_list(
                "uuid", flat=True
            )
        }

    def internal_note(self, project, user):
        """The note, for whom it is meant; a note is of now, whatever the clock."""
        country = getattr(user, "country_id", None)
        own = country and Project.objects.own_of(user).filter(pk=project.pk).exists()
        return project.internal_note if can(user, "view", "notes", own=own) else ""

    def moves(self, project, user):
        return lifecycle.moves_for(user, project.status) if self.clock.is_now else []

    def gap(self, project, user):
        """By how much commitments and approved budget differ; None: not known."""
        one = visible_projects(user, self.clock).filter(pk=project.pk)
        approved, committed = (
            money.amounts_by_project(one, kind, user).get(project.pk, money.UNKNOWN)
            for kind in (MoneyEntry.Kind.APPROVED, MoneyEntry.Kind.COMMITTED)
        )
        gap = money.budget_gap(approved, committed)
        return None if gap is None else abs(gap)
