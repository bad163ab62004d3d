"""Eight writers at once, on a real database: recording order is commit order."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from rest_framework.test import APIClient

from aseanpm.facts import Entry, LedgerHead
from projects import actions
from projects.models import MoneyEntry, Project
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(call, numbers):
    def alone(number):
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(alone, numbers))


def an_entry(project, amount="10"):
    return MoneyEntry(
        project=project,
        kind="approved",
        amount=make.Decimal(amount),
        effective_on=make.day("2022-02-01"),
    )


def test_eight_writers_are_recorded_one_after_the_other():
    projects = [make.project() for _ in range(4)]

    at_once(
        lambda number: actions.record(fact=an_entry(projects[number % 4])), range(32)
    )

    rows = MoneyEntry.objects.order_by("sequence")
    sequences = list(rows.values_list("sequence", flat=True))
    moments = list(rows.values_list("recorded_at", flat=True))
    assert len(set(sequences)) == 32
    assert moments == sorted(set(moments))
    assert LedgerHead.objects.get().sequence == sequences[-1]
    for project in projects:
        places = project.money_entries.values_list("day_order", flat=True)
        assert sorted(places) == list(range(8))


def test_of_sixteen_corrections_of_one_fact_one_is_made():
    project = make.project()
    fact = actions.record(fact=an_entry(project))

    def correct(number):
        try:
            actions.correct(
                fact=fact, reason="Typed wrong", amount=make.Decimal(100 + number)
            )
        except ValidationError as error:
            return error.messages
        return None

    answers = at_once(correct, range(16))

    assert answers.count(None) == 1
    assert answers.count(["This record was withdrawn before."]) == 15
    assert project.money_entries.known().count() == 1


def test_what_fails_leaves_nothing_behind():
    project = make.project(status="completed")
    before = Project.objects.values().get(pk=project.pk)
    approval = project.status_changes.get(status="approved")

    with pytest.raises(ValidationError, match="cannot follow"):
        actions.withdraw(fact=approval, reason="It was never approved")

    assert project.status_changes.known().count() == 4
    assert Project.objects.values().get(pk=project.pk) == before


LIST = "/api/v1/projects/"


def signed_in(user):
    client = APIClient()
    client.force_login(user)
    return client


def test_of_sixteen_editors_with_one_version_one_wins_and_fifteen_are_told():
    project = make.project(title="Rice")
    clients = [signed_in(make.user("editor")) for _ in range(16)]
    address = f"{LIST}{project.code}/"
    tag = clients[0].get(address)["ETag"]

    def patch(number):
        return (
            clients[number]
            .patch(address, {"title": f"Title {number}"}, headers={"If-Match": tag})
            .status_code
        )

    answers = at_once(patch, range(16))

    assert sorted(answers) == [200] + 15 * [412]
    project.refresh_from_db()
    assert project.title == f"Title {answers.index(200)}"
    assert [row.title for row in project.history.all()] == [project.title, "Rice"]


def test_sixteen_equal_posts_at_once_make_one_project():
    editor = make.user("editor")
    clients = [signed_in(editor) for _ in range(16)]

    def post(number):
        answer = clients[number].post(
            LIST, {"title": "Rice"}, headers={"Idempotency-Key": "once"}
        )
        return answer.status_code, answer.json()["code"]

    answers = at_once(post, range(16))

    assert {status for status, _ in answers} == {201}
    assert len({code for _, code in answers}) == 1
    assert Project.objects.count() == 1
    assert Entry.objects.exclude(submission=None).count() == 1


def test_eight_people_write_at_once_and_no_change_is_lost():
    projects = [make.project(title=f"Project {number}") for number in range(4)]
    clients = [signed_in(make.user("editor")) for _ in range(8)]

    def work(number):
        """Four changes, each read anew until it is the one that fits."""
        client, project = clients[number], projects[number % 4]
        address, seen = f"{LIST}{project.code}/", set()
        for turn in range(4):
            while True:
                read = client.get(address)
                note = read.json()["description"] + f" {number}.{turn}"
                answer = client.patch(
                    address,
                    {"description": note.strip()},
                    headers={"If-Match": read["ETag"]},
                )
                seen.add(answer.status_code)
                if answer.status_code == 200:
                    break
        return seen

    statuses = set().union(*at_once(work, range(8)))

    assert statuses <= {200, 412}
    for number, project in enumerate(projects):
        project.refresh_from_db()
        written = {f"{who}.{turn}" for who in (number, number + 4) for turn in range(4)}
        assert set(project.description.split()) == written
        assert project.history.count() == 9
