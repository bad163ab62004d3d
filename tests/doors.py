"""Every address of the site, with something behind it."""

import re
import uuid

from django.urls import get_resolver

from aseanpm.editing import key_of
from aseanpm.models import Source
from aseanpm.permissions import TABLE
from projects.models import ExchangeRate
from tests import make
from workplans.models import ActionLine, Indicator

# {route: (row of the table, action)} of what is not for everybody
DOORS = {
    route: (rule, action)
    for rule in TABLE
    for route, action in rule.doors.items()
    if not route.startswith(("api:", "admin:"))
}


def patterns(resolver=None, prefix="", namespace=""):
    """(route, pattern as text) of every address of the site."""
    for each in (resolver or get_resolver()).url_patterns:
        text = prefix + str(each.pattern)
        if hasattr(each, "url_patterns"):
            inside = f"{namespace}{each.namespace}:" if each.namespace else ""
            yield from patterns(each, text, inside or namespace)
        elif each.name:
            yield namespace + each.name, text


PATTERNS = dict(patterns())
SPELLED = {"accounts:user-deed": "accounts/users/<path:email>/close/"}


def samples():
    """What stands in an address for each of its parts, by the words before it."""
    plan = make.plan()
    area = make.area(plan=plan)
    line = ActionLine.objects.filter(code="IAI-IV-07").first()
    line = line or make.line(plan=plan, area=area, code="IAI-IV-07")
    project = make.project(
        status="ongoing",
        line=line,
        funders=["JP"],
        countries=["VN"],
        budget="100",
        meeting=make.meeting(),
    )
    make.project(status="appraisal", plan=plan)
    fact = project.status_changes.latest_first().first()
    indicator = Indicator.objects.filter(line=line).first() or make.indicator(line)
    make.grouping("CLMV", ["VN"])
    make.fund()
    make.organisation()
    make.theme()
    return {
        "projects": project.code,
        "facts": str(fact.uuid),
        "move": "completed",
        "plans": plan.code,
        "areas": area.code,
        "lines": line.code,
        "indicators": indicator.code,
        "targets": str(make.target(indicator, 5).uuid),
        "meetings": "IAI-TF-68",
        "countries": "VN",
        "history": "partner",
        "partner": "JP",
        "partners": "JP",
        "groupings": "CLMV",
        "funds": "JAIF",
        "organisations": "ASEC",
        "themes": "COVID",
        "bodies": "IAI-TF",
        "documents": make.document(project).file.name.removeprefix("documents/"),
        "programmes": "IAI",
        "frameworks": make.framework().code,
        "statements": make.statement().code,
        "focal-points": key_of(make.focal_point()),
        "rules": str(plan.rules.get().uuid),
        "totals": str(plan.declared_totals.get().uuid),
        "sources": Source.objects.create(
            code="S1", title="A report", reading="whole"
        ).code,
        "tokens": str(make.token(make.user("partner", partner="JP"))[0].uuid),
        "users": make.user("reader", email="somebody@example.org").email,
        "rates": "EUR",
        "EUR": ExchangeRate.objects.create(
            currency="EUR", on=make.day("2026-01-02"), rate="1.1", source="A bank"
        ).on.isoformat(),
    }


def address(route, samples):
    """An address of the route; None where no sample is known for a part of it."""
    path = SPELLED.get(route) or PATTERNS[route]
    while found := re.search(r"([\w-]*)/<(\w+):(\w+)>", path):
        word, kind, _ = found.groups()
        unknown = {"uuid": str(uuid.uuid4()), "str": None, "path": None}
        value = samples.get(word, unknown.get(kind))
        if kind == "int" and not str(value).isdigit():
            value = "1"
        if value is None:
            return None
        path = path.replace(found.group(), f"{word}/{value}", 1)
    return f"/{path}"
