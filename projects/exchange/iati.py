"""Projects as IATI 2.03: one activity a project, valid by construction.

An activity holds what is on record and the standard can hold; what it cannot, or we do
not know, is told as a Loss while the activity is built. Where the standard demands what
is not known, its narrative says so. The secretariat reports at second hand, so that
nobody counts again what funders report themselves.

A file has no generated-datetime: while nothing changes, neither does a byte of it.
"""

import datetime as dt
import re
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from lxml import etree

from aseanpm.facts import Precision, shown_date
from aseanpm.formats import Format
from projects import money
from projects.models import MoneyEntry, ProjectOrganisation, Status

from .iati_losses import KINDS, Loss
from .iati_records import Record, records

VERSION = "2.03"
REPORTER = "ASEAN Secretariat"
UNREGISTERED = "UNREGISTERED-ASEC"
MULTILATERAL = "40"
GOVERNMENT = "10"
OURS = "urn:aseanpm:iati"  # the namespace of what the standard has no word for
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
BATCH = 200

# What XML 1.0 cannot hold, and what xml:lang takes.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LANGUAGE = re.compile("[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", re.ASCII)

# Codes of the standard's lists: ActivityStatus, ActivityDateType, OrganisationRole,
# TransactionType, RegionVocabulary and SectorVocabulary.
STATUS = {
    Status.CONCEPT: ("1", "Pipeline/identification"),
    Status.APPRAISAL: ("1", "Pipeline/identification"),
    Status.APPROVED: ("1", "Pipeline/identification"),
    Status.ONGOING: ("2", "Implementation"),
    Status.ON_HOLD: ("6", "Suspended"),
    Status.COMPLETED: ("4", "Closed"),
    Status.CANCELLED: ("5", "Cancelled"),
    Status.CARRIED_OVER: ("4", "Closed"),
}
EXACTLY = {Status.ONGOING, Status.ON_HOLD, Status.COMPLETED, Status.CANCELLED}
PLANNED_START, ACTUAL_START, PLANNED_END, ACTUAL_END = "1234"
FUNDING_ROLE = "1"
ROLE = {
    ProjectOrganisation.Role.SPONSORING_BODY: "2",
    ProjectOrganisation.Role.IMPLEMENTING: "4",
}
TRANSACTION = {
    MoneyEntry.Kind.PLEDGED: "12",
    MoneyEntry.Kind.COMMITTED: "2",
    MoneyEntry.Kind.DISBURSED: "3",
    MoneyEntry.Kind.SPENT: "4",
}
OWN, OWN_SECOND = "99", "98"
PLACE = {kind: place for place, kind in enumerate(KINDS)}
UNDER_WAY = {Status.ONGOING, Status.ON_HOLD, Status.COMPLETED}
ILLUSTRATIVE = "[Illustrative, no real project]"
NO_TITLE = "No title is on record"


def activities(projects, user=None, site=""):
    """The file of a query set of projects for a reader, as an iterator of bytes.

    On the projects' clock, by code. `site` is the address at which vocabularies of ours
    are explained. One query, and at most 19 for each 200 projects. The standard has no
    valid file without an activity: for no project it is an empty one.
    """
    clock, sink = projects.clock, Sink()
    keys = list(projects.once_each().order_by("code").values_list("pk", flat=True))
    with etree.xmlfile(sink, encoding="utf-8") as file:
        file.write_declaration()
        with file.element("iati-activities", version=VERSION):
            file.write("\n")
            if sees_more(user):
                says = " For a signed-in reader: holds what is not public. "
                file.write(etree.Comment(says))
            for start in range(0, len(keys), BATCH):
                for record in records(keys[start : start + BATCH], clock, user):
                    file.write(Activity(record, site).element, pretty_print=True)
                file.flush()
                yield sink.drain()
    yield sink.drain()


def write(file, drawing):
    """Fill the file of a Drawing; returns how many projects it holds."""
    site = urlsplit(drawing.address)
    home = f"{site.scheme}://{site.netloc}" if drawing.address else ""
    file.writelines(activities(drawing.source, drawing.user, home))
    return drawing.source.once_each().count()


IATI = Format("IATI", "application/xml", "xml", write, has_columns=False)


def losses(keys, clock, user=None):
    """[(project, its Losses)] of the projects with these keys, by code; 19 queries."""
    found = (Activity(record) for record in records(keys, clock, user))
    return [(one.project, one.losses) for one in found]


def organisations():
    """The organisation file of the secretariat, as bytes; what it lacks, in a comment.

    The standard's budgets of an organisation are not ours to tell: the secretariat's
    own are not on record.
    """
    root = etree.Element("iati-organisations", version=VERSION)
    if not is_registered():
        root.append(etree.Comment(f" {NOT_REGISTERED} "))
    one = etree.SubElement(root, "iati-organisation")
    one.set(LANG, "en")
    one.set("default-currency", "USD")
    reference = etree.SubElement(one, "organisation-identifier")
    reference.text = organisation()
    narrate(etree.SubElement(one, "name"), REPORTER)
    report(one)
    return etree.tostring(
        root, encoding="utf-8", xml_declaration=True, pretty_print=True
    )


NOT_REGISTERED = (
    "The identifier of the reporting organisation is a placeholder: none is registered "
    "that could be verified. Set ASEANPM_IATI_ORGANISATION once there is one; all "
    "identifiers of activities change with it."
)


class Sink:
    """Takes what is written until it is drained."""

    def __init__(self):
        self.parts = []

    def write(self, part):
        self.parts.append(part)

    def drain(self):
        whole, self.parts = b"".join(self.parts), []
        return whole


def sees_more(user):
    """Whether a reader may see what the public does not."""
    return bool(
        user
        and user.is_authenticated
        and (user.is_secretariat or user.country_id or user.partner_id)
    )


def is_registered():
    return bool(settings.ASEANPM_IATI_ORGANISATION)


def organisation():
    """The identifier of the secretariat, or what plainly is none."""
    return settings.ASEANPM_IATI_ORGANISATION or UNREGISTERED


def identifier(code):
    return f"{organisation()}-{code}"


def readable(text):
    """Text as XML can hold it, without what no reader sees at its ends."""
    return NOT_XML.sub("", str(text or "")).strip()


def narrate(parent, text, language="en"):
    """Add a narrative; the default language of every activity is English."""
    narrative = etree.SubElement(parent, "narrative")
    narrative.text = readable(text)
    if language != "en":
        narrative.set(LANG, language)


def report(parent):
    reporter = etree.SubElement(parent, "reporting-org")
    reporter.set("ref", organisation())
    reporter.set("type", MULTILATERAL)
    if parent.tag == "iati-activity":
        reporter.set("secondary-reporter", "1")
    narrate(reporter, REPORTER)


def names(row):
    """(language, text) of a row's name or title in every language that we hold."""
    is_named = hasattr(row, "name")
    text = readable(row.name if is_named else row.title)
    own = "en" if is_named else row.title_language
    others = row.name_translations if is_named else row.title_translations
    yield own if LANGUAGE.fullmatch(own) else "en", text or row.code
    for language, other in sorted(others.items()):
        if readable(other) and LANGUAGE.fullmatch(language) and language != own:
            yield language, other


def first_day(day, precision):
    """The first day of the period that a coarse date names by its last."""
    if precision == Precision.YEAR:
        return day.replace(month=1, day=1)
    return day.replace(day=1) if precision == Precision.MONTH else day


class Activity:
    """A Record as the element `iati-activity`, with the `losses` found on the way."""

    def __init__(self, record: Record, site=""):
        self.record = record
        self.project: Any = record.project
        self.code = self.project.code
        self.vocabularies = f"{site}/iati/#vocabularies" if site else ""
        self.losses: list[Loss] = []
        self.notes: list[str] = []
        marks = {"aseanpm": OURS} if self.project.is_illustrative else None
        self.element = etree.Element("iati-activity", nsmap=marks)
        self.build()
        self.losses.sort(key=lambda loss: PLACE[loss.kind])

    def lose(self, kind, says):
        self.losses.append(Loss(self.code, kind, says))

    def add(self, tag, parent=None, **attributes):
        element = etree.SubElement(self.element if parent is None else parent, tag)
        for name, value in attributes.items():
            element.set(name.replace("_", "-"), value)
        return element

    def add_coded(self, tag, row, vocabulary):
        """An element with a code of ours, and what it means."""
        element = self.add_own(tag, row.code, vocabulary)
        for language, text in names(row):
            narrate(element, text, language)

    def add_own(self, tag, code, vocabulary, text=""):
        """An element with a code of a vocabulary of ours."""
        element = self.add(tag, code=readable(code), vocabulary=vocabulary)
        if self.vocabularies:
            element.set("vocabulary-uri", self.vocabularies)
        if text:
            narrate(element, text)
        return element

    def build(self):
        """In the order that the standard has. What needs words is found before."""
        budgets = self.budgets()
        moment = self.project.changed.astimezone(dt.UTC).replace(microsecond=0)
        self.element.set("last-updated-datetime", moment.isoformat())
        self.element.set(LANG, "en")
        self.element.set("default-currency", "USD")
        if self.project.is_illustrative:
            self.element.set(f"{{{OURS}}}illustrative", "true")
        self.add("iati-identifier").text = identifier(self.code)
        report(self.element)
        self.title()
        at = len(self.element)
        self.participants()
        self.official_code()
        code, _ = STATUS.get(self.project.status, ("1", ""))
        self.add("activity-status", code=code)
        self.status()
        self.dates()
        self.recipients()
        self.sectors()
        for row in self.record.themes + self.record.references:
            self.add_coded("tag", row, OWN)
        for budget in budgets:
            self.element.append(budget)
        self.transactions()
        self.succession()
        self.describe(at)

    # Words

    def title(self):
        mark = f"{ILLUSTRATIVE} " if self.project.is_illustrative else ""
        title = self.add("title")
        texts = {self.project.title_language: self.project.title}
        texts |= dict(sorted(self.project.title_translations.items())) | texts
        told = {lang: text for lang, text in texts.items() if readable(text)}
        for language, text in told.items():
            if LANGUAGE.fullmatch(language):
                narrate(title, mark + readable(text), language)
            else:
                self.lose("language", f"“{language}” is no code of a language.")
        if not len(title):
            narrate(title, mark + NO_TITLE)
            self.lose("title", "The standard asks for a title and none is on record.")

    def describe(self, at):
        """The descriptions: what the project is, and what has no place of its own."""
        text = readable(self.project.description)
        if not text:
            text = "No description is on record."
            says = "The standard asks for a description and none is on record."
            self.lose("description", says)
        if self.project.is_illustrative:
            text = f"{ILLUSTRATIVE} Generated: no word about any real project. {text}"
        general = etree.Element("description", type="1")
        narrate(general, text)
        self.element.insert(at, general)
        if self.notes:
            other = etree.Element("description", type="4")
            narrate(other, " ".join(self.notes))
            self.element.insert(at + 1, other)

    def official_code(self):
        text = readable(self.project.official_code)
        if text:
            other = self.add("other-identifier", ref=text, type="A1")
            owner = self.add("owner-org", other)
            owner.set("ref", organisation())
            narrate(owner, REPORTER)

    # Who takes part

    def participants(self):
        count = len(self.element)
        for partner in self.record.funders:
            self.participant(partner, FUNDING_ROLE)
        for organisation, role in self.record.parts:
            if role in ROLE:
                self.participant(organisation, ROLE[role])
            else:
                self.notes.append(f"Proponent: {organisation.name}.")
                says = "has no role for who proposes; the description names"
                self.lose("proponent", f"The standard {says} {organisation.name}.")
        if self.record.funds:
            through = ", ".join(fund.name for fund in self.record.funds)
            self.notes.append(f"Funded through: {through}.")
            says = f"The description names {through}; the standard has no other place."
            self.lose("fund", says)
        if len(self.element) == count:
            self.participant(None, FUNDING_ROLE)
            says = "The standard asks for an organisation and no funder is on record."
            self.lose("participants", says)

    def participant(self, row, role):
        element = self.add("participating-org")
        if kind := kind_of(row):
            element.set("type", kind)
        element.set("role", role)
        if row is None:
            narrate(element, "No funder is on record")
            return
        for language, text in names(row):
            narrate(element, text, language)

    # Its life

    def status(self):
        status = self.project.status
        if status in EXACTLY:
            return
        if not status:
            says = "No document tells a status; the standard has no code for that"
            self.lose("status", f"{says}, so the file says “Pipeline/identification”.")
            return
        _, told = STATUS[status]
        says = f"“{Status(status).label}” is told as “{told}”."
        self.lose("status", f"{says} The standard has no closer code.")

    def dates(self):
        statuses = self.record.statuses
        start, end = self.planned(PLANNED_START), self.planned(PLANNED_END)
        started = next(
            (
                change.effective_on
                for former, change in pairwise(statuses)
                if change.status == Status.ONGOING and former.status not in UNDER_WAY
            ),
            None,
        )
        if started:
            self.date(ACTUAL_START, started)
        elif not start:
            self.no_start(end)
        elif statuses and statuses[0].status in UNDER_WAY:
            day = statuses[0].effective_on
            says = f"It was under way by {day}; on which day it started is not known."
            self.lose("start", says)
        completed = [one for one in statuses if one.status == Status.COMPLETED]
        if completed and self.project.status == Status.COMPLETED:
            self.date(ACTUAL_END, completed[-1].effective_on)

    def planned(self, kind):
        """Tell a planned date and return it: the outermost day of a coarse one."""
        name = {PLANNED_START: "planned_start", PLANNED_END: "planned_end"}[kind]
        day = getattr(self.project, name)
        precision = getattr(self.project, f"{name}_precision")
        if day is None:
            return None
        told = first_day(day, precision) if kind == PLANNED_START else day
        if precision == Precision.DAY:
            self.date(kind, told)
        else:
            shown, word = shown_date(day, precision), name.partition("_")[2]
            self.date(kind, told, f"{shown}; the day is not known.")
            says = f"The planned {word} is {shown}; the file says {told.isoformat()}"
            self.lose("dates", f"{says}, and that the day is not known.")
        return told

    def no_start(self, end):
        """The start that the standard demands, where none is known.

        The first day of which something is known: of a project found under way, the
        latest that it can have started; else no later than the planned end.
        """
        first = next(iter(self.record.statuses), None)
        if first is None:
            recorded = timezone.localdate(self.project.recorded_at)
            day, what = self.project.attested_on or recorded, "on record"
        else:
            day, what = first.effective_on, f"“{first.get_status_display()}”"
        if first and first.status in UNDER_WAY:
            kind = ACTUAL_START
        else:
            kind, day = PLANNED_START, min(day, end or day)
        says = f"No start is on record. The standard asks for one: {day.isoformat()} is"
        since = "its planned end" if day == end else f"the first day it is {what}"
        self.date(kind, day, f"{says} {since}.")
        self.lose("start", f"{says} told as one, being {since}.")

    def date(self, kind, day, says=""):
        element = self.add("activity-date", iso_date=day.isoformat(), type=kind)
        if says:
            narrate(element, says)

    # Who benefits

    def recipients(self):
        """Countries and regions within one 100 per cent, or all of them as one region.

        The standard wants the share of each as soon as there are several. So those that
        are not stated are told together, as a region of our own, and the countries
        among them as places of those who benefit.
        """
        parties = self.record.benefits
        shares = [share for _, share in parties if share is not None]
        stated = sum(shares, Decimal(0))
        if not parties:
            self.lose("beneficiaries", "No country or region is told: none is known.")
        elif len(shares) == len(parties) and stated <= 100:
            self.stated(parties, stated)
        elif len(parties) == 1:
            self.recipient(*parties[0])
        else:
            self.together(parties, shares, stated)

    def stated(self, parties, stated):
        rest = 100 - stated
        for row, share in parties:
            self.recipient(row, share)
        if rest:
            words = f"Whom the other {plain(rest)} per cent benefit is not on record"
            region = self.add_own("recipient-region", "NOT-STATED", OWN, words)
            region.set("percentage", plain(rest))
            self.lose("shares", f"{words}; the file says so.")

    def together(self, parties, shares, stated):
        called = " and ".join(row.name for row, _ in parties)
        code = "+".join(row.code for row, _ in parties)
        words = f"{called} together; their shares are not known"
        if stated > 100:
            words = f"{called} together; the shares stated exceed 100 per cent"
        self.add_own("recipient-region", code, OWN, words)
        says = f"The file tells {words}."
        if shares:
            known = [f"{row.code} {plain(share)}%" for row, share in parties if share]
            says += f" Lost are the shares stated: {', '.join(known)}."
        self.lose("shares", says)
        for row, _ in parties:
            if row._meta.model_name == "country":
                place = self.add("location")
                self.add("location-reach", place, code="2")
                self.add("location-id", place, vocabulary="A4", code=row.code)
                narrate(self.add("name", place), row.name)

    def recipient(self, row, share):
        if row._meta.model_name == "country":
            element = self.add("recipient-country", code=row.code)
        else:
            self.add_coded("recipient-region", row, OWN)
            element = self.element[-1]
        if share is not None:
            element.set("percentage", plain(share))

    # What it is about

    def sectors(self):
        """The strategic area, or the plan, as vocabulary 99; the line as 98."""
        record = self.record
        if record.area or record.plan:
            self.add_coded("sector", record.area or record.plan, OWN)
        else:
            self.add_own("sector", "NOT-RECORDED", OWN, "No plan is on record")
        if record.line:
            self.add_coded("sector", record.line, OWN_SECOND)
        if not record.area:
            told = record.plan.code if record.plan else "that none is on record"
            says = "No strategic area is on record, and the standard asks for a sector"
            self.lose("sector", f"{says}: the file says {told}.")

    # Money

    def budgets(self):
        """The approved budget in cash, a budget a currency; else in words.

        A period of the standard is at most a year and has exact days. What does not fit
        is not divided into years that nobody approved.
        """
        entries = [one for one in self.record.entries if one.kind == "approved"]
        if not entries:
            self.lose("budget", "No approved budget is on record.")
            return []
        self.unknown(entries)
        sums: dict[tuple, Decimal] = defaultdict(Decimal)
        for entry in entries:
            if entry.seen_amount is not None:
                sums[entry.currency, entry.in_kind] += entry.seen_amount
        sums = {key: amount for key, amount in sums.items() if amount > 0}
        period = self.period() if sums else None
        told = []
        for (currency, in_kind), amount in sorted(sums.items()):
            if period and not in_kind:
                told.append(self.budget(currency, amount, period, entries))
                continue
            means = " in kind" if in_kind else ""
            words = f"Approved budget: {currency} {amount:,.2f}{means}."
            self.notes.append(words)
            if in_kind:
                says = "The description tells what is approved in kind"
                self.lose("in_kind", f"{says}: {currency} {amount:,.2f}.")
        return told

    def period(self):
        """The days of the budget, or None, with the reason as a loss."""
        start, end = self.project.planned_start, self.project.planned_end
        says = "The approved budget is told in the description: as a budget it needs"
        precisions = {
            self.project.planned_start_precision,
            self.project.planned_end_precision,
        }
        if not (start and end and precisions == {Precision.DAY}):
            self.lose("period", f"{says} the exact days on which it begins and ends.")
        elif (end.year, end.month, end.day) >= (start.year + 1, start.month, start.day):
            self.lose("period", f"{says} a period of at most a year.")
        else:
            return start, end
        return None

    def budget(self, currency, amount, period, entries):
        budget = etree.Element("budget", type="1" if len(entries) == 1 else "2")
        for tag, day in zip(("period-start", "period-end"), period, strict=True):
            self.add(tag, budget, iso_date=day.isoformat())
        self.value(budget, amount, currency, entries[-1].effective_on)
        return budget

    def value(self, parent, amount, currency, day):
        value = self.add("value", parent, currency=currency, value_date=day.isoformat())
        value.text = f"{amount:.2f}"

    def transactions(self):
        """Every entry whose amount the reader may know; a reversal is negative."""
        entries = [one for one in self.record.entries if one.kind != "approved"]
        self.unknown(entries)
        for entry in entries:
            if entry.seen_amount is not None:
                self.transaction(entry)
        for kind, has in (("in_kind", "in_kind"), ("counterpart", "is_counterpart")):
            some = [one for one in entries if getattr(one, has) and is_told(one)]
            if some:
                called = "is in kind" if kind == "in_kind" else "is a counterpart"
                says = f"Of {counted(some)} the description alone says that it {called}"
                self.lose(kind, f"{says}: the standard has no code for that.")

    def unknown(self, entries):
        lines = money.ledger(entries, "seen_amount")
        for entry in money.standing(lines):
            if entry.seen_amount is None:
                who = f" by {entry.partner.name}" if entry.partner else ""
                what = f"{entry.get_kind_display()}{who}, {entry.effective_on}"
                self.lose("amount", f"{what}: the amount is not known, so not told.")

    def transaction(self, entry):
        element = self.add("transaction", ref=str(entry.uuid))
        self.add("transaction-type", element, code=TRANSACTION[entry.kind])
        day = entry.effective_on
        self.add("transaction-date", element, iso_date=day.isoformat())
        self.value(element, entry.seen_amount, entry.currency, day)
        words = {
            "A reversal of an earlier entry.": entry.reverses_id,
            "In kind, as it was valued.": entry.in_kind,
            "A counterpart: a beneficiary’s own input.": entry.is_counterpart,
            f"Through {entry.fund.name if entry.fund else ''}.": entry.fund_id,
        }
        says = " ".join(text for text, holds in words.items() if holds)
        if says:
            narrate(self.add("description", element), says)
        giver = self.add("provider-org", element)
        if kind := kind_of(entry.partner):
            giver.set("type", kind)
        for language, text in names(entry.partner):
            narrate(giver, text, language)

    # What came before and after

    def succession(self):
        for code, word in (
            (self.record.predecessor, "goes on from"),
            (self.record.successor, "goes on as"),
        ):
            if code:
                self.add("related-activity", ref=identifier(code), type="3")
                says = f"It {word} {code}; the standard only knows them as siblings."
                self.lose("succession", says)


def kind_of(row):
    """The type of an organisation where it is certain, or ''."""
    kinds = {"member_state": GOVERNMENT, "multilateral": MULTILATERAL}
    return kinds.get(getattr(row, "kind", ""), "")


def is_told(entry):
    return entry.seen_amount is not None


def counted(entries):
    return f"{len(entries)} entr{'y' if len(entries) == 1 else 'ies'}"


def plain(share):
    """A percentage without zeros that say nothing: 33.3."""
    return f"{share.normalize():f}"
