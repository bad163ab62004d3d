"""Writes the illustrative projects to the database, and takes them out again."""

from functools import partial

from django.db import transaction

from aseanpm.facts import LedgerHead, end_of_day, ledger_entry
from aseanpm.feed import renew_all
from aseanpm.loading import renew_statistics
from aseanpm.models import ActionPoint, Comment, Document
from aseanpm.writing import change
from partners.models import Organisation
from projects.actions import refresh_copies
from projects.models import FACTS, Distinction, Phase, Project, ProjectOrganisation
from workplans.models import (
    AgendaItem,
    Indicator,
    IndicatorTarget,
    PartnerStatement,
    Priority,
)

from .amendments import amend
from .build import Builder
from .schedule import LAST_DAY

OTHERS = (Phase, ProjectOrganisation)
ADDED = (
    *((model, "project") for model in (*OTHERS, Comment, ActionPoint, AgendaItem)),
    (Document, "project"),
    (Indicator, "project"),
    (Distinction, "first"),
    (Distinction, "second"),
)


class AlreadyLoaded(Exception):
    """There are illustrative projects in the database."""


class StillNeeded(Exception):
    """A real project goes on from an illustrative one; the message names it."""


def load():
    """Write all illustrative projects, or none; returns how many.

    Their entries in the ledger follow what is there, in the order of recording. Raises
    AlreadyLoaded, and MissingReference where the reference data is not loaded.
    """
    with ledger_entry(recorded_at=end_of_day(LAST_DAY)) as entry:
        if Project.objects.filter(is_illustrative=True).exists():
            raise AlreadyLoaded("The illustrative projects are already loaded.")
        builder = Builder()
        drafts = builder.build()
        amend(builder, drafts)
        facts = sorted(
            (fact for draft in drafts.values() for fact in draft.facts),
            key=lambda fact: (fact.recorded_at, fact.project.code),
        )
        last = stamp(facts, entry.sequence)
        LedgerHead.objects.filter(pk=1).update(sequence=last)
        save_projects(builder, drafts)
        for model in FACTS:
            of_model = [fact for fact in facts if type(fact) is model]
            for fact in of_model:
                fact.project_id = fact.project.pk
            model.objects.bulk_create(of_model, batch_size=500)
        refresh_copies(Project.objects.filter(is_illustrative=True))
        renew_all(entry)
        renew_statistics()
    return len(drafts)


def stamp(facts, first):
    """Number the entries of sorted facts: one for each project and moment."""
    sequence, before = first - 1, None
    for fact in facts:
        entry = (fact.recorded_at, fact.project.code)
        if entry != before:
            sequence += 1
        fact.sequence, before = sequence, entry
    return sequence


def save_projects(builder, drafts):
    """Save organisations and projects, predecessors first, and what hangs on them."""
    Organisation.objects.bulk_create(
        builder.organisations.values(), ignore_conflicts=True
    )
    kept = Organisation.objects.in_bulk(list(builder.organisations), field_name="code")
    for code, organisation in builder.organisations.items():
        organisation.pk = kept[code].pk
    for draft in drafts.values():
        moments = [fact.recorded_at for fact in draft.facts]
        withdrawn = [fact.withdrawn_at for fact in draft.facts if fact.withdrawn_at]
        draft.project.recorded_at = min(moments)
        draft.project.changed_at = max(moments + withdrawn)
    first = [draft for draft in drafts.values() if draft.predecessor is None]
    second = [draft for draft in drafts.values() if draft.predecessor]
    for group in (first, second):
        for draft in group:
            if draft.predecessor:
                draft.project.predecessor = draft.predecessor.project
        Project.objects.bulk_create(draft.project for draft in group)
    themes = Project.themes.through
    themes.objects.bulk_create(
        themes(project=draft.project, theme=theme)
        for draft in drafts.values()
        for theme in draft.themes
    )
    for model in OTHERS:
        rows = [part for draft in drafts.values() for part in draft.parts]
        rows = [row for row in rows if type(row) is model]
        for row in rows:
            row.project_id = row.project.pk
            if model is ProjectOrganisation:
                row.organisation_id = row.organisation.pk
        model.objects.bulk_create(rows, batch_size=500)


def remove(by=None):
    """Delete all illustrative projects and what hangs on them; returns how many.

    Whatever was written down about an illustrative project goes with it, whoever wrote
    it; no other project is touched, and the ledger tells who removed them. Raises
    StillNeeded where a real one follows one.
    """
    with ledger_entry(by, what="Removed the illustrative records") as entry:
        ours = Project.objects.filter(is_illustrative=True)
        heirs = Project.objects.filter(
            predecessor__is_illustrative=True, is_illustrative=False
        )
        if heirs:
            names = ", ".join(heir.code for heir in heirs)
            raise StillNeeded(
                f"{names} is recorded as following an illustrative project. "
                "Take that away first."
            )
        keys = list(ours.values_list("pk", flat=True))
        links = PartnerStatement.pledges.through.objects
        links.filter(moneyentry__project__in=keys).delete()
        for model in FACTS:
            delete(model, project__in=keys)
        delete(IndicatorTarget, indicator__project__in=keys)
        for model, name in ADDED:
            forget(model, **{f"{name}__in": keys})
        for priority in Priority.objects.filter(project__in=keys):
            change(priority, project=None)
        ours.update(predecessor=None)
        forget(Project, id__in=keys)
        unused = Organisation.objects.filter(
            code__startswith="ILL-", name__startswith="Illustrative", projects=None
        )
        unused.delete()
        renew_all(entry)
    return len(keys)


def delete(model, **where):
    """Delete facts for good: nobody will want to know them again."""
    rows = model._base_manager.filter(**where)
    rows._raw_delete(rows.db)


def forget(model, **where):
    """Delete rows with their files and their history."""
    rows = model._base_manager.filter(**where)
    if model is Document:
        for row in rows:
            transaction.on_commit(partial(row.file.storage.delete, row.file.name))
    rows.delete()
    model.history.filter(**where).delete()
