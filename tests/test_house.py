"""The house stands as docs/decisions and CONTRIBUTING.md draw it."""

import ast
import re
import subprocess
import tomllib

import pytest
from django.conf import settings
from django.core.management import call_command
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = settings.BASE_DIR

# Layout

TOP = {
    *(".ci", ".env.example", ".gitignore", "CONTRIBUTING.md", "LICENSE", "README.md"),
    *("manage.py", "run.py", "pyproject.toml"),
    *("requirements.lock", "requirements-test.lock"),
    *("aseanpm", "projects", "workplans", "partners", "templates", "tests"),
    *("docs", "locale"),
}


def tracked_files():
    """What git has or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    paths = (ROOT / name for name in listed.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_nothing_stands_at_the_top_that_the_plan_does_not_show():
    top = {path.relative_to(ROOT).parts[0] for path in tracked_files()}

    assert top - TOP == set()


# Who may import whom

APPS = ("projects", "workplans", "partners")

# Of aseanpm, the roof: it may import everything, and nothing imports it.
ROOF = {
    *("settings", "urls", "api_urls", "views", "wsgi", "management"),
    *("loading", "illustrative"),  # they fill every app, or empty it
    "feed_api",  # it names the addresses of every app's records
    "queue_views",  # what waits, from all apps
    *("undo", "history", "history_views"),  # they read and write the rows of every app
}

# Within an app, a module imports its own storey and those beneath.
STOREYS = (
    {"models", "apps", "__init__", "currencies"},
    {
        "progress",
        "money",
        "lifecycle",
        "actions",
        "audit",
        "reconciliation",
        "results",
        "effects",
        "feed",
        "questions",
    }
    | {"accounts", "tokens", "planning", "merging", "changes", "bulk"},
    {"forms", "filters", "ordering", "serializers", "exchange", "reports"}
    | {"fact_forms", "fact_writing", "fact_requests"}
    | {"money_forms", "rate_forms", "columns"}
    | {"account_forms", "token_forms"}
    | {"plan_forms", "reference_forms", "meeting_forms", "indicator_forms"},
    {
        "views",
        "figures_views",
        "account_views",
        "token_views",
        "api",
        "admin",
        "templatetags",
        "meeting_views",
    }
    | {"life_views", "money_views", "edit_views", "bulk_views", "import_views"}
    | {"plan_views", "reference_views", "merge_views", "iati_views"}
    | {"indicator_views"},
    {"urls", "api_urls", "account_urls", "management"},
)


def storey(module):
    """The storey of a dotted name; an app itself stands where its models do."""
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else "models"
    return next((n for n, names in enumerate(STOREYS) if name in names), None)


def modules():
    """The path of every module of the house by its dotted name; no migrations."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for package in ("aseanpm", *APPS)
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    }


def imports(module, path):
    """(line, dotted name) of all that a module imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}"


def objection(importer, imported):
    """Why one module of the house may not import another; None where it may."""
    package, target = importer.split(".")[0], imported.split(".")[0]
    is_roof = package == "aseanpm" and importer.split(".")[1] in ROOF
    if target not in ("aseanpm", *APPS) or is_roof:
        return None
    if target == "aseanpm":
        in_roof = imported.split(".")[1] in ROOF if "." in imported else False
        return "nothing imports the roof" if in_roof else None
    if package == "aseanpm":
        return "the floor imports no app"
    mine, theirs = storey(importer), storey(imported)
    if mine is None or theirs is None:
        unknown = importer if mine is None else imported
        return f"{unknown} has no storey; give it one in this test"
    if package == target:
        return (
            f"storey {mine} imports storey {theirs} above it" if theirs > mine else None
        )
    if package == "projects":
        return "projects imports no other app"
    if target == "projects":  # the app that is summed: its rows and arithmetic for all
        return "that storey of projects is above" if theirs > max(mine, 1) else None
    if mine >= 3 and theirs <= 1:
        return None
    return "siblings: only storeys 3 and 4 read the other's 0 and 1"


def test_imports_point_down():
    culprits = [
        f"{path.relative_to(ROOT)}:{line} imports {imported}: {why}"
        for module, path in modules().items()
        for line, imported in imports(module, path)
        if (why := objection(module, imported))
    ]

    assert culprits == []


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("aseanpm.facts", "projects.models.Project", False),
        ("aseanpm.urls", "projects.views", True),
        ("projects.models", "aseanpm.facts.Fact", True),
        ("projects.models", "aseanpm.settings", False),
        ("projects.models", "projects.progress", False),
        ("projects.progress", "projects.models.Project", True),
        ("projects.progress", "projects.money", True),
        ("projects.exchange.iati", "projects.views", False),
        ("projects.views", "workplans.models.WorkPlan", False),
        ("workplans.models", "projects.progress.lines", True),
        ("workplans.models", "projects.filters", False),
        ("workplans.models", "partners.models.Partner", False),
        ("workplans.views", "partners.models.Partner", True),
        ("partners.api", "workplans.serializers", False),
        ("partners.secrets", "partners.models", False),
    ],
)
def test_the_rules_of_import(importer, imported, allowed):
    assert (objection(importer, imported) is None) == allowed


# One place for each thing

# Copies of what the facts say now; whoever reads them elsewhere forgets the clocks. A
# filter names one only as the path to its model.
CURRENT = re.compile(
    r"(?<!path=\")\bcurrent_(?:status|stage|line|plan|area|funders)(?![a-z])"
)
MAY_READ_CURRENT = {"projects/models.py", "projects/actions.py"}


def test_current_copies_are_read_in_one_place():
    places = [*modules().values(), *(ROOT / "templates").rglob("*.html")]
    culprits = [
        f"{name}:{number} {line.strip()}"
        for path in places
        if (name := path.relative_to(ROOT).as_posix()) not in MAY_READ_CURRENT
        and "audit" not in path.name
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if CURRENT.search(line)
    ]

    assert culprits == []


# Templates

INLINE = re.compile(
    r"""\sstyle\s*=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=\s*["']""",
    re.IGNORECASE,
)
ELSEWHERE = re.compile(
    r"""<(?:script|img|link|iframe|source|use)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?//""",
    re.IGNORECASE,
)


def templates():
    return sorted((ROOT / "templates").rglob("*.html"))


def test_a_partial_says_in_its_first_line_what_it_needs():
    silent = [
        str(path.relative_to(ROOT))
        for path in templates()
        if path.name.startswith("_") or path.parent.name == "partials"
        if not re.match(r"\{# .{8,} #\}$", path.read_text("utf-8").partition("\n")[0])
    ]

    assert silent == []


@pytest.mark.parametrize("pattern", [INLINE, ELSEWHERE], ids=["inline", "elsewhere"])
def test_templates_hold_nothing_that_the_content_security_policy_refuses(pattern):
    culprits = [
        f"{path.relative_to(ROOT)}: {found.group().strip()}"
        for path in templates()
        for found in pattern.finditer(path.read_text(encoding="utf-8"))
    ]

    assert culprits == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('<p style="color: red">', True),
        ("<script>go()</script>", True),
        ('<script defer src="a.js"></script>', False),
        ('<a onclick="go()">', True),
        ('<p class="style">', False),
        ('<script src="//cdn.example/x.js">', True),
        ('<a href="https://asean.example/">', False),
    ],
)
def test_what_counts_as_inline_or_elsewhere(text, wrong):
    assert bool(INLINE.search(text) or ELSEWHERE.search(text)) == wrong


GUARDED = re.compile(r"<form\b[^>]*\sdata-guard\b")
GUARD = "aseanpm/workplace.js"


def loads_the_guard(name, texts):
    """Whether a page brings the script; of a part, whether all pages around it do."""
    text = texts[name]
    if GUARD in text:
        return True
    above = re.search(r'{% extends "([^"]+)" %}', text)
    if above:
        is_replaced = "{% block scripts %}" in text and "block.super" not in text
        return not is_replaced and loads_the_guard(above[1], texts)
    around = [one for one in texts if f'{{% include "{name}"' in texts[one]]
    return bool(around) and all(loads_the_guard(one, texts) for one in around)


def test_a_form_that_is_guarded_brings_the_script_that_guards_it():
    texts = {
        path.relative_to(ROOT / "templates").as_posix(): path.read_text("utf-8")
        for path in templates()
    }

    unguarded = [
        name
        for name, text in texts.items()
        if GUARDED.search(text) and not loads_the_guard(name, texts)
    ]

    assert unguarded == []


# Migrations


@pytest.mark.django_db
def test_migrations_are_in_step_with_the_models(capsys):
    try:
        call_command("makemigrations", check=True, dry_run=True)
    except SystemExit:
        pytest.fail(capsys.readouterr().out)


# Files

MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:work|root|tmp|Users|home/(?!page))/\w|[A-Z]:\\Users"
)
REGISTRY = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|yarnpkg|crates|debian|ubuntu)\.(?:org|com|io)\b"
)


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["paths", "hosts"])
def test_no_file_names_a_machine_or_a_registry(pattern):
    culprits = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        culprits += [
            f"{path.relative_to(ROOT)}: {found.group()}"
            for found in pattern.finditer(text)
        ]

    assert culprits == []


def locked(name):
    """Version and hashes of each package in a lock."""
    text = (ROOT / name).read_text(encoding="ascii")
    parts = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    return {
        canonicalize_name(part.partition("==")[0]): (
            re.search(r"==(\S+)", part)[1],
            part.count("--hash=sha256:"),
        )
        for part in parts
    }


def wanted(*groups):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = list(project["project"]["dependencies"])
    for group in groups:
        asked += project["dependency-groups"][group]
    return map(Requirement, asked)


@pytest.mark.parametrize(
    ("name", "groups"),
    [("requirements.lock", []), ("requirements-test.lock", ["test"])],
)
def test_a_lock_holds_what_pyproject_asks_for(name, groups):
    packages = locked(name)

    assert all(hashes for _, hashes in packages.values())
    for requirement in wanted(*groups):
        version, _ = packages[canonicalize_name(requirement.name)]
        assert version in requirement.specifier, requirement


def test_the_test_lock_contains_the_other():
    assert (
        locked("requirements.lock").items() <= locked("requirements-test.lock").items()
    )
