"""Django admin shows every row to administrators and writes none."""

import pytest
from django.contrib import admin
from django.db import models

from aseanpm.facts import ledger_entry
from partners.models import User
from projects.models import Project, StatusChange
from tests import make

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def administrator(sign_in):
    return sign_in(make.user("administrator", is_superuser=True))


def address(model, rest=""):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"


@pytest.mark.parametrize("role", [None, "reader", "editor"])
def test_the_admin_is_for_administrators_and_their_one_login(sign_in, role):
    client = sign_in(role and make.user(role))

    front = client.get("/admin/projects/project/", follow=True)

    if role is None:
        assert front.redirect_chain[-1][0] == (
            "/accounts/login/?next=/admin/projects/project/"
        )
    else:
        assert front.status_code == 403


def test_facts_history_projects_plans_partners_and_users_are_shown(administrator):
    project = make.project(status="approved", funders=["JP"], title="Rice chains")
    shown = {model._meta.label for model in MODELS}

    assert {
        *("projects.Project", "projects.StatusChange", "projects.MoneyEntry"),
        *("projects.HistoricalProject", "partners.HistoricalUser", "partners.User"),
        *("workplans.WorkPlan", "workplans.ActionLine", "partners.Partner"),
        *("aseanpm.Entry", "aseanpm.Document"),
    } <= shown
    listed = administrator.get("/admin/projects/project/").content.decode()
    page = administrator.get(address(Project, f"{project.pk}/change/"))
    assert project.code in listed
    assert "Rice chains" in page.content.decode()
    assert 'name="_save"' not in page.content.decode()


def test_no_secret_is_shown(administrator):
    user = make.user("editor")

    page = administrator.get(address(User, f"{user.pk}/change/")).content.decode()

    assert user.email in page
    assert user.password not in page


def test_nothing_is_written_there(administrator):
    """POSTs to add, change, delete and bulk delete, by a superuser, of every model."""
    write_something()
    for model in MODELS:
        rows = model._base_manager.order_by("pk")
        before = list(rows.values())
        key = before[0][model._meta.pk.attname] if before else 1
        attempts = {
            "add/": {"code": "X", "name": "X", "title": "X"},
            f"{key}/change/": {"code": "X", "name": "X", "title": "X"},
            f"{key}/delete/": {"post": "yes"},
            "": {"action": "delete_selected", "_selected_action": key, "post": "yes"},
        }
        answers = [
            administrator.post(address(model, rest), data).status_code
            for rest, data in attempts.items()
        ]

        assert (model, answers[:3]) == (model, [403] * 3)
        assert list(rows.values()) == before


def write_something():
    """A project with all it stands on, and history."""
    project = make.project(status="approved", funders=["JP"])
    with ledger_entry(what="something"):
        project.save()


def test_passwords_are_no_matter_of_the_admin(administrator):
    changed = administrator.get("/admin/password_change/")

    assert changed.url == "/accounts/password/change/"
    assert administrator.post("/admin/logout/").url == "/accounts/logout/"


@pytest.mark.parametrize("model", [Project, StatusChange, User])
def test_a_list_takes_as_many_queries_for_many_rows(administrator, queries, model):
    make.project(status="approved", line=make.line())
    make.user("coordinator", country="VN")
    few = queries(lambda: administrator.get(address(model)))
    for _ in range(5):
        make.project(status="approved", line=make.line())
        make.user("coordinator", country="VN")

    assert queries(lambda: administrator.get(address(model))) == few


def test_every_list_and_every_search_answers(administrator):
    write_something()
    for model in MODELS:
        answer = administrator.get(address(model))
        assert answer.status_code == 200, model
        if admin.site._registry[model].search_fields:
            assert administrator.get(address(model), {"q": "a"}).status_code == 200


def test_large_texts_do_not_fill_a_list():
    for model, shown in admin.site._registry.items():
        for name in shown.list_display[1:]:
            assert not isinstance(model._meta.get_field(name), models.TextField)
