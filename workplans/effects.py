"""The figures that a writer is told of: those in print, and today's of every plan."""

from django.urls import reverse
from django.utils.dateformat import format as format_date

from aseanpm.effects import Told, teller
from aseanpm.facts import Clock
from projects import money, progress
from projects.models import MoneyEntry, Project

from .models import WorkPlan
from .reconciliation import Books, computed_of, printed_by
from .reconciliation.judgement import words
from .reconciliation.rows import label_of


@teller
def in_print(user, since):
    """Each figure in print as it is computed at its date, from a day on."""
    books = Books(user, Clock())
    page = reverse("workplans:reconciliation")
    return {
        (True, figure.code): Told(
            label=f"{figure.scope_code} on {format_date(figure.as_of, 'j F Y')}",
            words=words(computed_of(books, figure).value, figure.unit),
            noun=noun_of(figure),
            url=f"{page}#{figure.code}",
        )
        for figure in printed_by(None)
        if since is None or figure.as_of >= since
    }


def noun_of(figure):
    """What was counted, within a sentence; names and codes stay as they are."""
    label = label_of(figure.metric, figure)
    return f"{label[0].lower()}{label[1:]}"


@teller
def today(user, since):
    """The headline, the projects and the approved budget of each plan, now."""
    projects = Project.objects.visible_to(user).as_of()
    figures = {}
    for one in progress.plans_progress(WorkPlan.objects.all(), projects).values():
        plan, url = one.plan, one.plan.get_absolute_url()
        label = f"{plan.code} today"
        counted = one.projects.counted(one.counts_from)
        approved = money.total(counted, MoneyEntry.Kind.APPROVED, user).usd
        told = (
            Told(label, one.lines.sentence, url=url),
            Told(label, words(one.counted), "projects", url),
            Told(label, words(approved, "USD"), "approved", url),
        )
        figures |= {(False, f"{plan.code}:{n}"): one for n, one in enumerate(told)}
    return figures
