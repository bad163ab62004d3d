"""Who may see what, in words: one table, printed at /permissions/.

Which rows a reader gets is decided by `visible_to(user)` of their query sets. The table
says it for people; a test holds every route to one of its rows. The gate for visitors
asks one setting.
"""

from dataclasses import dataclass

from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import render
from rest_framework.permissions import BasePermission

from .problems import PROBLEM_TYPE, problem

ROLES = {
    "anyone": "Anyone",
    "partner": "Partner",
    "coordinator": "National coordinator",
    "editor": "Secretariat editor",
    "administrator": "Secretariat administrator",
}
NEVER_CLOSED = ("/healthz", "/readyz", "/static/")


@dataclass(frozen=True)
class Permission:
    """What each role may see of a resource, and the routes that show it."""

    resource: str
    anyone: str
    partner: str
    coordinator: str
    editor: str
    administrator: str
    routes: tuple[str, ...] = ()

    @property
    def cells(self):
        return [getattr(self, role) for role in ROLES]


def for_all(resource, words, *routes):
    return Permission(resource, words, words, words, words, words, routes)


PUBLISHED = "sees what is published"
ALL = "sees all"
TABLE = (
    Permission(
        "Projects: status, beneficiaries, approved budget, facts on both clocks",
        PUBLISHED,
        "sees what is published, and the projects it funds or is asked to fund",
        "sees what is published, and every project of the own country",
        ALL,
        ALL,
        routes=(
            "projects:list",
            "projects:detail",
            "api:projects",
            "api:project",
            "api:project-facts",
        ),
    ),
    Permission(
        "Figures and dashboards",
        "from published projects",
        "from the projects this role sees",
        "from the projects this role sees",
        "from all projects",
        "from all projects",
        routes=(
            "home",
            "workplans:plans",
            "workplans:plan",
            "workplans:lines",
            "workplans:line",
            "workplans:reconciliation",
            "partners:countries",
            "partners:country",
            "partners:list",
            "partners:detail",
            "search",
            "api:plans",
            "api:plan",
            "api:plan-progress",
            "api:areas",
            "api:lines",
            "api:line",
            "api:countries",
            "api:country",
            "api:partners",
            "api:partner",
            "api:reconciliation",
        ),
    ),
    for_all("Who funds a published project, and public amounts", "sees them"),
    Permission(
        "Private amounts of a contribution",
        "reads “not known”",
        "sees its own; others read “not known”",
        "reads “not known”",
        "sees them",
        "sees them",
    ),
    Permission(
        "Focal points",
        "sees the office",
        "sees the office",
        "sees office, person and e-mail",
        "sees office, person and e-mail",
        "sees office, person and e-mail",
    ),
    for_all("Organisations, whichever projects they take part in", "sees them"),
    for_all(
        "Meetings, published figures, funds, rules, this table, the API’s schema",
        "sees them",
        "workplans:meetings",
        "workplans:meeting",
        "api:meetings",
        "api:figures",
        "api:funds",
        "api:schema",
        "api-docs",
        "about",
        "permissions",
    ),
    for_all("Whether the site is up", "sees it", "health", "ready"),
)


class OpenToReader(BasePermission):
    """With ASEANPM_PUBLIC off the API answers only whoever has signed in."""

    message = "This site is closed to visitors."

    def has_permission(self, request, view):
        return settings.ASEANPM_PUBLIC or request.user.is_authenticated


def visitors_gate(get_response):
    """Middleware. With ASEANPM_PUBLIC off, visitors get only health and styles."""

    def respond(request):
        open_to_all = settings.ASEANPM_PUBLIC or request.path.startswith(NEVER_CLOSED)
        if open_to_all or request.user.is_authenticated:
            return get_response(request)
        if request.path.startswith("/api/") and "authorization" in request.headers:
            return get_response(request)  # OpenToReader asks once the token is read
        if request.path.startswith("/api/"):
            return JsonResponse(
                problem(401, "This site is closed to visitors."),
                status=401,
                content_type=PROBLEM_TYPE,
            )
        return render(request, "403.html", {"closed": True}, status=403)

    return respond
