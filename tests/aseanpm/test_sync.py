"""A nightly copy kept by the public API alone, while eight people write."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from aseanpm.facts import ledger_entry
from projects import actions
from projects.models import MoneyEntry, Project
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, TURNS = 8, 6


class Copy:
    """All projects that the public may read, as a partner's own table holds them."""

    def __init__(self, server):
        self.address = f"{server}/api/v1/changes/?limit=3"
        self.cursor = ""
        self.projects = {}

    def sync(self):
        """Take over what changed since the last time; returns how many rows came."""
        following = self.address + (f"&since={self.cursor}" if self.cursor else "")
        number = 0
        while following:
            answer = read(following)
            for row in answer["results"]:
                self.take_over(row)
            number += len(answer["results"])
            self.cursor, following = answer["cursor"], answer["next"]
        return number

    def take_over(self, row):
        if row["kind"] != "project":
            return
        self.projects.pop(row["code"], None)
        if row["change"] != "withdrawn" and (told := read(row["address"])):
            self.projects[row["code"]] = told


def read(address):
    """The JSON at an address; None where it is gone by now."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def turn(number, step):
    """One write of one of the eight."""
    projects = list(Project.objects.order_by("pk"))
    project = projects[(number + step) % len(projects)]
    with ledger_entry(what="A write") as entry:
        if step % 3 == 0:
            title = f"Title {number}.{step}"
            actions.edit_project(project=project, entry=entry, title=title)
        elif step % 3 == 1:
            withheld = "" if number % 2 else "A treaty"
            values = {"is_published": not withheld, "withheld_reason": withheld}
            actions.edit_project(project=project, entry=entry, **values)
        else:
            amount = Decimal(number * 10 + step)
            day = make.day("2022-02-01")
            fact = MoneyEntry(
                project=project, kind="approved", amount=amount, effective_on=day
            )
            actions.record(fact=fact, entry=entry)


def test_a_copy_kept_by_the_feed_ends_equal_while_eight_people_write(live_server):
    for number in range(6):
        make.project(title=f"Project {number}")
    copy, done = Copy(live_server.url), Event()

    def write(number):
        try:
            for step in range(TURNS):
                try:
                    turn(number, step)
                except ValidationError:
                    continue
        finally:
            connection.close()

    def follow():
        rounds = 0
        while not done.is_set():
            rounds += 1
            copy.sync()
        return rounds

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        following = pool.submit(follow)
        list(pool.map(write, range(WRITERS)))
        done.set()
        rounds = following.result()
    copy.sync()

    assert rounds > 1
    assert copy.sync() == 0
    published = Project.objects.filter(is_published=True)
    assert {code: told["title"] for code, told in copy.projects.items()} == dict(
        published.values_list("code", "title")
    )
    for project in published:
        told = copy.projects[project.code]
        budgets = project.money_entries.known().values_list("amount", flat=True)
        known = f"{sum(budgets):.2f}" if budgets else None
        assert told["approved_usd"] == known
        assert read(f"{live_server.url}/api/v1/projects/{project.code}/") == told
