"""Who may see and do what: one table that pages, API and templates ask.

Which rows a reader gets is decided by `visible_to(user)` of their query sets, what the
reader may do by `can(user, action, resource)`. The table is printed at /permissions/;
a test holds every route to one of its rows. The gate for visitors asks one setting.
"""

from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
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
ACTIONS = {"view": "see", "create": "create", "edit": "change", "approve": "approve"}
STAFF = ("editor", "administrator")
NEVER_CLOSED = ("/healthz", "/readyz", "/static/", "/accounts/")


@dataclass(frozen=True)
class Permission:
    """What each role may see and do of a resource, and the routes to it.

    `may` names the roles that may do an action; a role that stands in `own` may do it
    for its own country or partner alone. `routes` show the resource to all who see it;
    `doors` maps a route that is for some roles alone to the action that it takes. A
    package's routes are named by a pattern: `mfa_*`.
    """

    name: str
    resource: str
    anyone: str
    partner: str
    coordinator: str
    editor: str
    administrator: str
    routes: tuple[str, ...] = ()
    may: dict[str, tuple[str, ...]] = field(default_factory=dict)
    own: dict[str, tuple[str, ...]] = field(default_factory=dict)
    doors: dict[str, str] = field(default_factory=dict)

    def cell(self, role):
        """What a role may, in words."""
        does = [ACTIONS[action] for action, roles in self.may.items() if role in roles]
        does += [
            f"{ACTIONS[action]} its own"
            for action, roles in self.own.items()
            if role in roles
        ]
        says = [getattr(self, role), f"may {', '.join(does)}" if does else ""]
        return "; ".join(filter(None, says))

    @property
    def cells(self):
        return [(name, self.cell(role)) for role, name in ROLES.items()]

    def who(self, action):
        """The roles that may do an action, in words."""
        roles = self.may.get(action, ())
        return " or ".join(f"a {ROLES[role].lower()}" for role in roles) or "nobody"


class Refused(PermissionDenied):
    """An action on a visible thing that this user may not take: 403, with the rule."""

    def __init__(self, user, action, resource):
        rule = ROW[resource]
        self.rule = rule
        self.role = ROLES[role_of(user)]
        self.says = (
            f"To {ACTIONS[action]} “{rule.resource}” takes {rule.who(action)}. "
            f"You are signed in as: {self.role.lower()}."
        )
        super().__init__(self.says)


def role_of(user):
    """The role of the table that a user, or a visitor, has."""
    role = getattr(user, "role", "anyone") if user else "anyone"
    return role if role in ROLES else "anyone"


def administrators():
    """The active administrators, who give the roles."""
    users = get_user_model().objects.filter(role="administrator", is_active=True)
    return users.order_by("name", "pk")


def can(user, action, resource, *, own=False):
    """Whether a user may take an action; `own`: the thing is of its country or partner.

    Raises KeyError for a resource without a row in the table.
    """
    rule, role = ROW[resource], role_of(user)
    if user is not None and not getattr(user, "is_active", True):
        return False
    return role in rule.may.get(action, ()) or (
        own and role in rule.own.get(action, ())
    )


def require(user, action, resource, *, own=False):
    """Raise Refused where `can` says no."""
    if not can(user, action, resource, own=own):
        raise Refused(user, action, resource)


def for_all(name, resource, words, *routes):
    return Permission(name, resource, words, words, words, words, words, routes)


def for_staff(name, resource, doors, others=""):
    """What the secretariat alone does; `others` tells what all others see of it."""
    words = (others,) * 3
    may = dict.fromkeys(("view", "create", "edit"), STAFF)
    return Permission(name, resource, *words, *(ALL, ALL), may=may, doors=doors)


def doors_of(namespace, *stems):
    """The doors that make and edit rows of some kinds."""
    return {
        f"{namespace}:{stem}-{does}": action
        for stem in stems
        for does, action in (("new", "create"), ("edit", "edit"))
    }


PUBLISHED = "sees what is published"
ALL = "sees all"
TABLE = (
    Permission(
        "projects",
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
            "projects:iati",
            "projects:project-iati",
            "api:project-iati",
            "api:iati-losses",
        ),
        may={"view": STAFF, "create": STAFF, "edit": STAFF, "approve": STAFF},
        doors={
            "projects:new": "create",
            "projects:edit": "edit",
            "workplans:decisions": "approve",
            "workplans:circulation": "approve",
            "workplans:concept": "create",
            "projects:bulk": "edit",
            "projects:move": "edit",
            "projects:step-new": "edit",
            "projects:fact-correct": "edit",
            "projects:fact-withdraw": "edit",
        },
    ),
    Permission(
        "notes",
        "Internal notes of projects",
        "",
        "",
        "sees those of the projects of the own country",
        ALL,
        ALL,
        may={"view": STAFF, "edit": STAFF},
        own={"view": ("coordinator",)},
    ),
    for_staff(
        "money",
        "Recording money entries, funders and exchange rates",
        doors={
            "projects:money-new": "create",
            "projects:rates": "view",
            "projects:rate-new": "create",
            "projects:rate-edit": "edit",
            "projects:rate-proposed": "create",
            "projects:rates-import": "create",
        },
        others="reads those that are public, as told below",
    ),
    Permission(
        "documents",
        "Documents of projects and meetings",
        "sees public ones of what it sees",
        "sees those of the projects it funds or is asked to fund, too",
        "sees those of the projects of the own country, too",
        ALL,
        ALL,
        routes=("document",),
        may={"view": STAFF, "create": STAFF, "edit": STAFF},
        own={"view": ("coordinator", "partner")},
        doors={
            "document-new": "create",
            "document-edit": "edit",
            "document-withdraw": "edit",
        },
    ),
    Permission(
        "comments",
        "Comments and action points",
        "",
        "",
        "sees those on the projects of the own country, and on its consultations",
        ALL,
        ALL,
        may={"view": STAFF, "create": STAFF, "edit": STAFF},
        own=dict.fromkeys(("view", "create", "edit"), ("coordinator",)),
        doors={
            "comment-new": "create",
            "comment-withdraw": "edit",
            "action-point-new": "create",
            "action-point": "edit",
            "action-point-done": "edit",
            "action-point-reopen": "edit",
            "action-point-withdraw": "edit",
        },
    ),
    Permission(
        "shared-comments",
        "Comments and action points that are for every coordinator",
        "",
        "",
        "sees those on what it sees",
        ALL,
        ALL,
        may={"view": ("coordinator", *STAFF)},
    ),
    for_staff(
        "meetings",
        "Meetings: agenda, decisions, conclusions",
        doors={
            "workplans:meeting-new": "create",
            "workplans:meeting-edit": "edit",
            "workplans:agenda": "edit",
            "workplans:conclusions": "edit",
            "workplans:statements": "edit",
            "workplans:pledges": "edit",
            "workplans:meeting-figures": "edit",
            "workplans:consultation": "edit",
        },
        others="sees what was decided, noted and printed, no agenda",
    ),
    for_staff(
        "plans",
        "Plans, areas, lines, rules and declared totals",
        doors={
            "workplans:plan-new": "create",
            "workplans:plan-edit": "edit",
            "workplans:plan-titles": "edit",
            "workplans:area-new": "create",
            "workplans:area-edit": "edit",
            "workplans:line-new": "create",
            "workplans:line-edit": "edit",
            "workplans:rule-new": "edit",
            "workplans:rule-correct": "edit",
            "workplans:rule-withdraw": "edit",
            "workplans:total-new": "edit",
            "workplans:total-correct": "edit",
            "workplans:total-withdraw": "edit",
        },
        others="sees them",
    ),
    Permission(
        "indicators",
        "Indicators and their targets",
        *("sees those of lines, and of the projects it sees",) * 3,
        *(ALL, ALL),
        routes=("api:indicators",),
        may=dict.fromkeys(("view", "create", "edit"), STAFF),
        doors={
            "workplans:line-indicator-new": "create",
            "workplans:project-indicator-new": "create",
            "workplans:indicator-edit": "edit",
            "workplans:target-new": "edit",
            "workplans:target-correct": "edit",
            "workplans:target-withdraw": "edit",
        },
    ),
    for_staff(
        "reference",
        "Partners, countries, bodies, frameworks and focal points",
        doors={
            "partners:merge": "edit",
            "partners:organisation-merge": "edit",
            "partners:reference": "view",
            "partners:country-edit": "edit",
            **doors_of(
                "partners",
                *(
                    "partner",
                    "fund",
                    "organisation",
                    "grouping",
                    "focal-point",
                    "source",
                ),
            ),
            **doors_of(
                "workplans",
                *("programme", "theme", "body", "framework", "statement"),
            ),
        },
        others="sees them; focal points as told below",
    ),
    for_staff(
        "history",
        "Field history, what changed, undo and restore",
        doors={
            "history": "view",
            "history-entry": "view",
            "history-of": "view",
            "project-history": "view",
            "restore": "edit",
            "undo": "edit",
        },
    ),
    Permission(
        "queue",
        "The work queue",
        "",
        "",
        "sees its own action points, and who mentions it",
        ALL,
        ALL,
        may={"view": ("coordinator", *STAFF), "edit": STAFF},
        doors={"queue": "view", "queue-pair": "edit"},
    ),
    for_staff(
        "imports",
        "Lists to be imported",
        doors={
            "projects:imports": "view",
            "projects:import": "create",
            "projects:import-template": "view",
        },
    ),
    Permission(
        "lists",
        "Columns and saved views of lists",
        "",
        "keeps its own",
        "keeps its own",
        "keeps its own, and shares views with the secretariat",
        "keeps its own, and shares views with the secretariat",
        may={"edit": ("partner", "coordinator", *STAFF)},
        doors={
            "projects:columns": "edit",
            "projects:views": "edit",
            "projects:view": "edit",
        },
    ),
    Permission(
        "users",
        "Users and their roles",
        "",
        "sees and changes its own profile",
        "sees and changes its own profile",
        "sees and changes its own profile",
        "sees all",
        may={
            "view": ("administrator",),
            "create": ("administrator",),
            "edit": ("administrator",),
        },
        doors={
            "accounts:users": "view",
            "accounts:user": "edit",
            "accounts:user-deed": "edit",
            "accounts:invite": "create",
        },
    ),
    Permission(
        "tokens",
        "API tokens, and what was pulled with them",
        "",
        *("makes its own, to read",) * 2,
        *("makes its own, to read or to write",) * 2,
        may={
            "view": ("administrator",),
            "create": ("partner", "coordinator", *STAFF),
            "edit": ("administrator",),
        },
        own=dict.fromkeys(("view", "edit"), ("partner", "coordinator", "editor")),
        doors={
            "accounts:tokens": "create",
            "accounts:all-tokens": "view",
            "accounts:token": "view",
            "accounts:token-revoke": "edit",
        },
    ),
    Permission(
        "sign-in",
        "Signing in, and one’s own password, second factor and sessions",
        "signs in, if invited",
        *("sees and changes its own",) * 4,
        routes=(
            "account_*",
            "mfa_*",
            "usersessions_*",
            "socialaccount_*",
            "openid_connect_*",
            "accounts:profile",
            "accounts:email",
            "accounts:connections",
        ),
    ),
    Permission(
        "illustrative",
        "Removing the illustrative records",
        *("",) * 5,
        may={"edit": ("administrator",)},
        doors={"remove-illustrative": "edit"},
    ),
    Permission(
        "admin",
        "Every row of every table",
        *("",) * 4,
        "",
        may={"view": ("administrator",)},
        doors={"admin:*": "view"},
    ),
    Permission(
        "figures",
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
            "api:changes",
        ),
    ),
    for_all(
        "funders", "Who funds a published project, and public amounts", "sees them"
    ),
    Permission(
        "private-amounts",
        "Private amounts of a contribution",
        "reads “not known”",
        "sees its own; others read “not known”",
        "reads “not known”",
        "sees them",
        "sees them",
    ),
    Permission(
        "focal-people",
        "Focal points",
        "sees the office",
        "sees the office",
        "sees office, person and e-mail",
        "sees office, person and e-mail",
        "sees office, person and e-mail",
    ),
    for_all(
        "organisations",
        "Organisations, whichever projects they take part in",
        "sees them",
    ),
    for_all(
        "reading",
        "Meetings, published figures, funds, rules, this table, the API’s schema",
        "sees them",
        "workplans:meetings",
        "workplans:meeting",
        "api:meetings",
        "api:figures",
        "api:funds",
        "api:schema",
        "api:iati-organisations",
        "api-docs",
        "api-start",
        "about",
        "permissions",
        "shortcuts",
    ),
    for_all("health", "Whether the site is up", "sees it", "health", "ready"),
)


ROW = {rule.name: rule for rule in TABLE}


class OpenToReader(BasePermission):
    """With ASEANPM_PUBLIC off the API answers only whoever has signed in."""

    message = "This site is closed to visitors."

    def has_permission(self, request, view):
        return settings.ASEANPM_PUBLIC or request.user.is_authenticated


def visitors_gate(get_response):
    """Middleware. With ASEANPM_PUBLIC off, visitors get only sign-in and health."""

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
