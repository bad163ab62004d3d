"""The roof: pages about everything at once, and the doors for machines."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.db import DatabaseError, connection
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView, View
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotFound
from rest_framework.views import APIView

from partners.models import Country, Organisation, Partner
from projects import actions, lifecycle, progress
from projects.models import COUNTING, Status, StatusChange
from projects.serializers import (
    last_record_by_plan,
    project_rows,
    visible_projects,
)
from workplans.models import ActionLine, Meeting, WorkPlan
from workplans.views import PlanFigures

from .fields import fold
from .history import entries_for
from .illustrative import StillNeeded, remove
from .models import Source
from .pages import ClockMixin
from .paging import MAX_LIMIT
from .permissions import ACTIONS, ROLES, ROW, TABLE, Refused, administrators, can
from .problems import BadQuery, FieldError, bad_request_page
from .renderers import OrjsonRenderer
from .throttling import rate_in_words
from .workplace import HIDDEN, WorkMixin, all_sent

FOUND_AT_MOST = 10
LATEST_AT_MOST = 8


class HomeView(PlanFigures, TemplateView):
    """How far each current plan has come, what has not begun, what happened lately."""

    template_name = "aseanpm/home.html"

    def get_context_data(self, **context):
        projects = visible_projects(self.request.user, self.clock)
        on = self.clock.last_day
        plans = (
            WorkPlan.objects.current(on)
            .prefetch_related("lines")
            .order_by("programme__code", "nominal_start")
        )
        shown = list(progress.plans_progress(plans, projects).values())
        shown.sort(key=lambda one: one.lines.implemented is None)
        last = last_record_by_plan(projects.under(*plans))
        changes = StatusChange.objects.at(self.clock).filter(
            project__in=projects.order_by().values("pk")
        )
        return super().get_context_data(
            plans=[self.plan_card(one, last.get(one.plan.pk)) for one in shown],
            illustrative=sum(one.illustrative for one in shown),
            meeting=Meeting.objects.held_by(on)
            .filter(held_until__isnull=False)
            .first(),
            changes=changes.select_related(
                "project", "meeting__body", "meeting__country"
            ).order_by("-recorded_at", "-sequence", "-effective_on", "project__code")[
                :LATEST_AT_MOST
            ],
            recent=self.recent(),
            on=on,
            **context,
        )

    def recent(self):
        """The latest writes, for the secretariat; None for all others."""
        user = self.request.user
        if not self.clock.is_now or not can(user, "view", "history"):
            return None
        entries = entries_for(user).filter(is_private=False).exclude(what="")
        entries = entries.order_by("-sequence")
        return entries[:LATEST_AT_MOST]

    def plan_card(self, one, last_record):
        """A plan's progress with the addresses of the lines behind it."""
        plan = one.plan
        waiting = [
            line
            for line in plan.lines.all()
            if line.kind == plan.headline_kind
            and one.line_tallies[line.pk].state(one.counts_from) == progress.NOT_STARTED
        ]
        return {
            "plan": plan,
            "progress": one,
            "headline": self.headline(one),
            "waiting": waiting,
            "past": plan.is_past_its_period(self.clock.last_day),
            "last_record": last_record,
            "projects": self.projects_figure(one, one.counted),
        }


class SearchView(ClockMixin, TemplateView):
    """Projects, lines, plans, countries, partners and meetings, by words."""

    template_name = "aseanpm/search.html"
    parameters = ("q",)

    def get_context_data(self, **context):
        text = self.request.GET.get("q", "").strip()
        found = self.find(text) if fold(text) else {}
        projects = found["projects"]["rows"] if found else []
        return super().get_context_data(
            text=text,
            found=found,
            illustrative=sum(row["is_illustrative"] for row in projects),
            any_found=any(group["rows"] for group in found.values()),
            **context,
        )

    def find(self, text):
        projects = visible_projects(self.request.user, self.clock).matching(text)
        keys = list(projects.values_list("pk", flat=True)[:FOUND_AT_MOST])
        return {
            "projects": {
                "rows": project_rows(projects, keys, self.request.user),
                "all": self.figure(projects.count(), "projects:list", search=text),
            },
            **{
                name: {"rows": matching(rows, text)}
                for name, rows in {
                    "plans": WorkPlan.objects.all(),
                    "lines": ActionLine.objects.select_related("plan"),
                    "countries": Country.objects.all(),
                    "partners": Partner.objects.prefetch_related("aliases"),
                    "organisations": Organisation.objects.prefetch_related("aliases"),
                    "meetings": Meeting.objects.select_related("body", "country"),
                }.items()
            },
        }


def matching(rows, text):
    """Up to ten rows whose code, names and aliases together hold every word."""
    words = fold(text).split()
    return [row for row in rows if all(word in words_of(row) for word in words)][
        :FOUND_AT_MOST
    ]


def words_of(row):
    texts = [row.code, str(row), *getattr(row, "title_translations", {}).values()]
    texts += getattr(row, "name_translations", {}).values()
    if hasattr(row, "aliases"):
        texts += [alias.name for alias in row.aliases.all()]
    return fold(" ".join(texts))


class AboutView(ClockMixin, TemplateView):
    """The rules of counting, the life of a project, the sources, and the self-audit."""

    template_name = "aseanpm/about.html"

    def get_context_data(self, **context):
        projects = visible_projects(self.request.user, self.clock)
        return super().get_context_data(
            plans=[
                (one.plan, one.rule)
                for one in progress.plans_progress(
                    WorkPlan.objects.filter(headline_kind__gt=""), projects
                ).values()
            ],
            statuses=[
                (status, lifecycle.moves_from(status.value)) for status in Status
            ],
            counting=COUNTING,
            sources=Source.objects.all(),
            illustrative=projects.filter(is_illustrative=True).count(),
            projects=projects.count(),
            stale=len(actions.stale_copies()),
            **context,
        )


class ShortcutsView(ClockMixin, TemplateView):
    template_name = "aseanpm/shortcuts.html"


class ApiStartView(ClockMixin, TemplateView):
    """How to pull data, with snippets that run against this very site."""

    template_name = "aseanpm/api_start.html"

    def get_context_data(self, **context):
        return super().get_context_data(
            site=self.request.build_absolute_uri("/").rstrip("/"),
            rates={name: rate_in_words(name) for name in settings.API_RATES},
            is_public=settings.ASEANPM_PUBLIC,
            longest_page=MAX_LIMIT,
            **context,
        )


class PermissionsView(ClockMixin, TemplateView):
    """The table in print. `why` names a row: what it says to this reader."""

    template_name = "aseanpm/permissions.html"
    parameters = ("why",)

    def get_context_data(self, **context):
        user, why = self.request.user, self.request.GET.get("why", "")
        if why and why not in ROW:
            known = ", ".join(ROW)
            raise BadQuery([FieldError("why", f"No row of the table. Known: {known}.")])
        rule = ROW.get(why)
        return super().get_context_data(
            roles=ROLES.values(),
            table=TABLE,
            rule=rule,
            administrators=administrators(),
            moves=lifecycle.MOVES,
            actions=[
                (ACTIONS[action], rule.who(action), can(user, action, why))
                for action in (rule.may if rule else ())
                if action != "view"
            ],
            **context,
        )


class RemoveIllustrativeView(WorkMixin, View):
    """Does what the command remove_illustrative does; load_illustrative brings back."""

    resource = "illustrative"

    def post(self, request):
        try:
            remove(request.user)
        except StillNeeded as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self.place() or "/")
        return self.done(None, "The illustrative records were removed.")


# Doors for machines


@never_cache
def health(request):
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def ready(request):
    """The database answers too; 503 otherwise."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "no answer"}, status=503)
    return JsonResponse({"database": "answers"})


class SchemaView(SpectacularAPIView):
    """The API's own description, OpenAPI 3.1."""

    api_version = "1"

    def handle_exception(self, exc):
        """A problem is JSON, whatever the schema would be."""
        self.request.accepted_renderer = OrjsonRenderer()
        return super().handle_exception(exc)


class UnknownEndpointView(APIView):
    """Any other address under the API: 404 as the API says it."""

    schema = None
    allowed_methods: list[str] = []

    def get(self, request):
        raise NotFound(f"There is no {request.path} in this API.")

    post = put = patch = delete = options = get


def bad_request(request, exception):
    return bad_request_page(request, [FieldError("", str(exception))])


def not_found(request, exception):
    """404 with what was asked for, where a view said it."""
    said = exception.args[0] if exception.args else ""
    detail = said if isinstance(said, str) else ""
    return render(request, "404.html", {"detail": detail}, status=404)


def forbidden(request, exception):
    """403 with the rule and who may; what was typed is shown, to be copied."""
    kept = [each for each in all_sent(request) if each[1] and each[0] not in HIDDEN]
    refused = exception if isinstance(exception, Refused) else None
    context = {"refused": refused, "kept": kept if refused else []}
    return render(request, "403.html", context, status=403)


def docs(view):
    """The documentation page: a vendor's, so it alone may style inline."""
    relaxed = {"style-src": [SELF, UNSAFE_INLINE], "img-src": [SELF, "data:"]}
    return csp_update(relaxed)(view.as_view(url_name="api:schema"))
