"""Synthetic projects to measure with: never beside real ones, and gone again."""

import pytest
from django.core.management import CommandError, call_command

from aseanpm import feed
from projects.models import Benefit, MoneyEntry, Project
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]

SYNTHETIC = {"code__startswith": "ILL-SCALE-"}


def test_synthetic_projects_are_marked_told_and_removed_again(api, capsys):
    before = Project.objects.filter(is_illustrative=False).count()

    call_command("generate_scale", 12)
    call_command("generate_scale", 8)

    # of 12: 30 steps, 12 places, 15 funders, 12 budgets, 24 countries
    said = capsys.readouterr().out
    made = Project.objects.filter(**SYNTHETIC)
    assert said.startswith("12 synthetic projects under IAI-IV with 93 facts, in ")
    assert made.count() == 20
    assert set(made.values_list("is_illustrative", flat=True)) == {True}
    for model in (Benefit, MoneyEntry):
        facts = model.objects.filter(project__in=made)
        assert set(facts.values_list("basis", flat=True)) == {"illustrative"}
    assert made.filter(is_published=False).get().title == "Synthetic project 0"
    assert feed.stale() == []
    listed = api().get("/api/v1/projects/?search=synthetic+project&count=1").json()
    assert listed["count"] == 19
    call_command("audit_figures")
    call_command("remove_illustrative")
    assert Project.objects.count() == before


def test_beside_a_real_project_nothing_is_generated():
    real = make.project(is_published=False, status="appraisal")

    with pytest.raises(CommandError, match=f"holds 1 real projects, {real.code} among"):
        call_command("generate_scale", 5)

    assert not Project.objects.filter(**SYNTHETIC).exists()


@pytest.mark.parametrize(
    ("number", "plan", "sentence"),
    [(5, "IAI-IX", "Run load_reference first"), (0, "IAI-IV", "at least one")],
)
def test_the_command_says_why_it_generates_nothing(number, plan, sentence, monkeypatch):
    monkeypatch.setattr("aseanpm.illustrative.scale.PLAN", plan)

    with pytest.raises(CommandError, match=sentence):
        call_command("generate_scale", number)

    assert not Project.objects.filter(**SYNTHETIC).exists()
