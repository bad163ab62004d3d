"""New projects in a CSV: what its columns mean, and what is wrong with its rows."""

import csv
import io
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from django.core.exceptions import ValidationError

from aseanpm import csv_text
from aseanpm.editing import LANGUAGES
from aseanpm.fields import fold
from aseanpm.forms import DayField, RoughDateField, tidy_text
from aseanpm.models import Source

from .. import lifecycle, money
from ..bulk import Draft
from ..currencies import check_currency
from ..models import (
    Benefit,
    Funding,
    MoneyEntry,
    Placement,
    Project,
    ProjectOrganisation,
    Status,
    StatusChange,
    check_rate,
)

TRANSLATED = tuple(f"title_{language}" for language in LANGUAGES)
ROLES = {
    "proponent": ProjectOrganisation.Role.PROPONENT,
    "implementing_agency": ProjectOrganisation.Role.IMPLEMENTING,
    "sponsoring_body": ProjectOrganisation.Role.SPONSORING_BODY,
}
# Each column, how it is filled in, and an example.
MEANING = {
    "title": ("needed", "Rice quality for small mills"),
    "title_language": (f"of the title; en if empty: {', '.join(LANGUAGES)}", "en"),
    "title_vi": ("the title in that language; also title_km, title_lo …", ""),
    "official_code": ("the official identification code", ""),
    "channel": ("plan if empty, or bilateral: direct bilateral support", ""),
    "plan": ("code or title", "IAI-IV"),
    "area": ("code or title; that of the line if empty", ""),
    "line": ("code, title or number: the one line it is counted on", "7"),
    "status": ("in order, joined by ;", "appraisal; approved"),
    "status_date": ("2026-03-31; one for each status", "2025-11-03; 2026-03-31"),
    "meeting": ("code of the meeting that approved it, or: circulation", "IAI-TF-79"),
    "countries": (
        "codes or names joined by ;, groupings too; with share VN:40",
        "KH; LA",
    ),
    "partners": ("who funds it: codes, names or aliases joined by ;", "JP"),
    "funds": ("through which fund, joined by ;", "JAIF"),
    "approved_amount": ("the approved budget: 1250000.50", "1250000.50"),
    "currency": ("USD if empty", "USD"),
    "rate": ("US dollars for one unit of the currency", ""),
    "rate_date": ("2026-03-31", ""),
    "rate_source": ("where the rate is from", ""),
    "planned_start": ("2026-03-31, 2026-03 or 2026", "2026-06"),
    "planned_end": ("2026-03-31, 2026-03 or 2026", "2028"),
    "themes": ("codes or titles joined by ;", ""),
    "proponent": ("organisations: codes, names or aliases joined by ;", ""),
    "implementing_agency": ("organisations joined by ;", ""),
    "sponsoring_body": ("organisations joined by ;", ""),
    "note": ("shown with the project; the reason, where a status needs one", ""),
    "source": ("codes of sources joined by ;", ""),
    "source_note": ("kept with every fact of the row", "Secretariat list, row 1"),
}
KNOWN = tuple(dict.fromkeys([*MEANING, *TRANSLATED]))
COLUMN_OF = {
    "effective_on": "status_date",
    "delta": "countries",
    "share": "countries",
    "partner": "partners",
    "fund": "funds",
    "amount": "approved_amount",
    "rate_on": "rate_date",
}
COLUMN_OF_KIND = {
    StatusChange: "status",
    Placement: "plan",
    Benefit: "countries",
    Funding: "partners",
    MoneyEntry: "approved_amount",
}


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one cell, and how to mend it."""

    row: int
    column: str
    value: str
    hint: str


def read(text):
    """The Table in a text. Raises csv_text.NotReadable."""

    def name_of(header):
        name = "_".join(header.strip().casefold().replace("-", " ").split())
        return name if name in KNOWN else None

    table = csv_text.read(text, KNOWN, name_of)
    if "title" not in table.columns:
        raise csv_text.NotReadable("The column “title” is missing.")
    return table


def template():
    """An empty list: the header; what goes into it, and an example, as comments."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(MEANING)
    for place in (0, 1):
        said = [texts[place] for texts in MEANING.values()]
        writer.writerow([f"{csv_text.COMMENT} {said[0]}", *said[1:]])
    return lines.getvalue()


def check(table):
    """(the Drafts of a table, all that is Wrong with it): nothing is recorded.

    Asks for each name once, so that the queries grow with what is named, not with rows.
    """
    names, twins = Names(), Twins()
    drafts, wrong = [], []
    for row in table.rows:
        reading = Reading(row, names)
        drafts.append(reading.draft())
        reading.compare(twins)
        wrong += reading.wrong
    wrong.sort(key=lambda one: (one.row, KNOWN.index(one.column)))
    return drafts, wrong


class Names:
    """Rows of other models by what people call them; each text is asked for once.

    Of unknown texts the first few are told what may have been meant.
    """

    proposals = 50

    def __init__(self):
        self.found = {}
        self.known = {}
        self.owned = {}
        self.numbered = {}

    def all(self, model, text):
        key = model, text.casefold()
        if not self.knows(model, text):
            return []
        if key not in self.found:
            rows = model.objects.named(text)[:9]
            self.found[key] = list({id_of(one): into(one) for one in rows}.values())
        return self.found[key]

    def one(self, model, text, among=None):
        """The one row of a name; raises ValidationError. `among` says yes to a row."""
        rows = self.all(model, text)
        if among and len(rows) > 1:
            rows = [one for one in rows if among(one)]
        noun = model._meta.verbose_name
        if not rows:
            raise ValidationError(
                f"No {noun} is called “{text}”.{self.hint(model, text)}"
            )
        if len(rows) > 1:
            codes = ", ".join(sorted(one.code for one in rows))
            raise ValidationError(f"“{text}” may be {codes}: write the code.")
        return rows[0]

    def line(self, plan, number):
        """A plan's line of the kind it is measured by; None where it has none such."""
        if plan.pk not in self.numbered:
            lines = plan.lines.filter(kind=plan.headline_kind).select_related("area")
            self.numbered[plan.pk] = {one.number: one for one in lines}
        return self.numbered[plan.pk].get(number)

    def owners(self, fund, day):
        """The partners that a fund counts as on a day."""
        if (fund.pk, day) not in self.owned:
            rows = fund.ownerships.valid(day).select_related("partner")
            self.owned[fund.pk, day] = {into(row.partner) for row in rows}
        return self.owned[fund.pk, day]

    def hint(self, model, text):
        if not self.proposals:
            return ""
        self.proposals -= 1
        close = get_close_matches(text, self.words(model).values(), 1)
        return f" Did you mean “{close[0]}”?" if close else ""

    def knows(self, model, text):
        """Whether a row may be called so; the database need not be asked otherwise."""
        return text.casefold() in self.words(model)

    def words(self, model):
        """{in lower case: as written} of all that rows are called."""
        if model not in self.known:
            is_merged = hasattr(model, "merged_into")
            rows = model._base_manager if is_merged else model.objects
            columns = {column.name for column in model._meta.fields}
            fields = columns & {"code", "name", "title"}
            words = [word for row in rows.values_list(*fields) for word in row]
            if hasattr(model, "aliases"):
                words += rows.values_list("aliases__name", flat=True)
            self.known[model] = {word.casefold(): word for word in words if word}
        return self.known[model]


def into(row):
    """The row that another was merged into."""
    return getattr(row, "merged_into", None) or row


def id_of(row):
    return into(row).pk


class Twins:
    """What has a title in a plan, or an official code: on record, then row by row."""

    def __init__(self):
        self.titles, self.codes = {}, {}
        rows = Project.objects.as_of().with_placement("code")
        for row in rows.values(
            "code", "title", "title_translations", "official_code", "plan"
        ):
            texts = [row["title"], *row["title_translations"].values()]
            self.add(row["code"], texts, row["plan"], row["official_code"])

    def add(self, who, titles, plan, official_code):
        for title in titles:
            self.titles.setdefault((fold(title), plan), who)
        if official_code:
            self.codes.setdefault(official_code.casefold(), who)


def related(model, name):
    return model._meta.get_field(name).related_model


class Reading:
    """One row being read: what is wrong is gathered, so that all of it is told."""

    def __init__(self, row, names):
        self.row = row
        self.names = names
        self.wrong = []

    def object(self, column, *hints):
        value = self.row.cells.get(column, "")
        for hint in hints:
            wrong = Wrong(self.row.number, column, value, hint)
            if wrong not in self.wrong:
                self.wrong.append(wrong)

    def is_right(self, *columns):
        """Whether nothing is wrong with these columns, so far."""
        return not any(one.column in columns for one in self.wrong)

    def has(self, column):
        return bool(self.row.cells.get(column))

    def get(self, column, read=str, empty=None):
        """What `read` makes of a cell; `empty` where it is empty or wrong."""
        try:
            text = tidy_text(self.row.cells.get(column, ""))
            return read(text) if text else empty
        except ValidationError as error:
            self.object(column, *error.messages)
            return empty

    def line_of_text(self, column):
        return self.get(column, lambda text: " ".join(text.split()), "")

    def several(self, column, read, ends=";"):
        """What `read` makes of each part of a cell; wrong parts are left out."""

        def all_parts(text):
            found, wrong = [], []
            for part in filter(None, map(str.strip, text.split(ends))):
                try:
                    found.append(read(part))
                except ValidationError as error:
                    wrong += error.messages
            self.object(column, *wrong)
            return found

        return self.get(column, all_parts, [])

    def named(self, column, model, among=None):
        return self.get(column, lambda text: self.names.one(model, text, among))

    # The project

    def draft(self):
        draft = Draft(self.project)
        self.place(draft)
        self.life(draft)
        self.who_benefits(draft)
        self.who_funds(draft)
        self.budget(draft)
        for column, role in ROLES.items():
            draft.organisations += [
                ProjectOrganisation(organisation=one, role=role)
                for one in self.rows(column, ProjectOrganisation, "organisation")
            ]
        draft.themes = self.rows("themes", Project, "themes")
        draft.sources = self.sources
        for fact in draft.facts:
            fact.note = fact.note or self.line_of_text("source_note")
            fact.source = self.sources[0] if self.sources else None
        for fact, error in draft.objections():
            self.translate(fact, error)
        return draft

    @cached_property
    def project(self):
        self.titles = {}
        title = self.line_of_text("title")
        if not title and self.is_right("title"):
            self.object("title", "Every project needs a title.")
        language = self.get("title_language", read_language, "en")
        for column in TRANSLATED:
            text = self.line_of_text(column)
            if text and column == f"title_{language}":
                hint = f"The title itself is in “{language}”: leave this empty."
                self.object(column, hint)
            elif len(text) > 400:
                self.object(column, "A title has at most 400 letters.")
            elif text:
                self.titles[column.removeprefix("title_")] = text
        start, start_precision = self.get("planned_start", RoughDateField().clean, NONE)
        end, end_precision = self.get("planned_end", RoughDateField().clean, NONE)
        if start and end and end < start:
            self.object("planned_end", "A project cannot end before it starts.")
        project = Project(
            title=title,
            title_language=language,
            title_translations=self.titles,
            official_code=self.line_of_text("official_code"),
            channel=self.get("channel", read_channel, Project.Channel.PLAN),
            planned_start=start,
            planned_start_precision=start_precision,
            planned_end=end,
            planned_end_precision=end_precision,
            note=self.get("note", str, ""),
        )
        try:
            project.clean_fields(exclude=["code", "title_translations", *STAMPS])
        except ValidationError as error:
            for column, hints in error.message_dict.items():
                self.object(column if column in MEANING else "title", *hints)
        return project

    @cached_property
    def sources(self):
        def read_source(text):
            known = self.names.knows(Source, text)
            found = known and Source.objects.filter(code__iexact=text).first()
            if not found:
                raise ValidationError(f"No source has the code “{text}”.")
            return found

        return self.once("source", read_source)

    def rows(self, column, model, name):
        """The rows that a cell names, each once; the field of `model` leads to them."""
        other = related(model, name)
        return self.once(column, lambda text: self.names.one(other, text))

    def once(self, column, read):
        return list(dict.fromkeys(self.several(column, read)))

    def place(self, draft):
        plan = self.named("plan", related(Placement, "plan"))

        def in_plan(row):
            return plan is None or row.plan_id == plan.pk

        line = self.get("line", lambda text: self.read_line(text, plan, in_plan))
        area = self.named("area", related(Placement, "area"), in_plan)
        if plan is None and (line or area):
            plan = (line or area).plan
        self.plan = plan
        for column, row in (("line", line), ("area", area)):
            if row and not in_plan(row):
                hint = f"{row.code} belongs to {row.plan.code}, not to {plan.code}."
                self.object(column, hint)
        if plan and self.is_right("plan", "area", "line"):
            area = area or (line and line.area)
            draft.facts.append(
                Placement(project=draft.project, plan=plan, area=area, line=line)
            )

    def read_line(self, text, plan, in_plan):
        if plan and text.isascii() and text.isdigit() and len(text) < 5:
            found = self.names.line(plan, int(text))
            if found is None:
                raise ValidationError(f"{plan.code} has no line {text}.")
            return found
        return self.names.one(related(Placement, "line"), text, in_plan)

    # What is true of it, and since when

    def life(self, draft):
        statuses = self.several("status", read_status)
        days = self.several("status_date", DayField().clean)
        self.since = days[0] if days else None
        self.approved_on = self.since
        if statuses and not self.has("status_date"):
            self.object("status_date", "Give the day of the status.")
        elif not self.is_right("status_date"):
            return
        elif statuses and len(days) not in (1, len(statuses)):
            hint = f"Give one day, or {len(statuses)}: one for each status."
            self.object("status_date", hint)
        elif days and len(days) > max(1, len(statuses)):
            self.object("status_date", "More days than statuses.")
        if self.has("meeting") and not self.has("status"):
            self.object("meeting", "There is no status that it decided.")
        if not (statuses and self.is_right("status", "status_date")):
            return
        days = days if len(days) == len(statuses) else days * len(statuses)
        if days != sorted(days):
            self.object("status_date", "The days stand in the order of the statuses.")
        decided = self.get("meeting", self.read_meeting, {})
        reason, former = self.get("note", str, ""), ""
        decision = Status.APPROVED if Status.APPROVED in statuses else statuses[-1]
        for status, day in zip(statuses, days, strict=True):
            move = lifecycle.move_between(former, status)
            draft.facts.append(
                StatusChange(
                    project=draft.project,
                    status=status,
                    effective_on=day,
                    note=reason if move and move.needs_reason else "",
                    **(decided if status == decision else {}),
                )
            )
            if status == Status.APPROVED:
                self.approved_on = day
            former = status

    def read_meeting(self, text):
        if text.casefold() == "circulation":
            return {"by_circulation": True}
        return {"meeting": self.names.one(related(StatusChange, "meeting"), text)}

    def is_dated(self, column):
        """Whether facts of a column have the day they need."""
        missing = self.has(column) and not self.has("status_date")
        if missing and self.is_right("status_date"):
            hint = f"Give the day from which what stands under “{column}” holds."
            self.object("status_date", hint)
        return self.since is not None

    def who_benefits(self, draft):
        parties = self.several("countries", self.read_party)
        named = [party for party, _ in parties]
        twice = {str(party) for party in named if named.count(party) > 1}
        if twice:
            self.object("countries", f"{', '.join(sorted(twice))} stands there twice.")
        if not self.is_dated("countries") or twice:
            return
        for party, share in parties:
            of = {party._meta.model_name: party, "effective_on": self.since}
            draft.facts.append(Benefit(project=draft.project, **of, **share))

    def read_party(self, text):
        name, colon, share = (part.strip() for part in text.rpartition(":"))
        name = name if colon else share
        country, grouping = (related(Benefit, one) for one in ("country", "grouping"))
        is_grouping = not self.names.all(country, name) and self.names.all(
            grouping, name
        )
        party = self.names.one(grouping if is_grouping else country, name)
        if not colon:
            return party, {}
        percent = money.number_of(share)
        if not 0 < percent <= 100:
            raise ValidationError("A share is above 0 and at most 100 per cent.")
        return party, {"share": percent, "share_basis": Benefit.ShareBasis.STATED}

    def who_funds(self, draft):
        partners = self.rows("partners", Funding, "partner")
        funds = self.rows("funds", Funding, "fund")
        dated = [self.is_dated(column) for column in ("partners", "funds")]
        if not all(dated):
            return
        pairs = []
        for one in funds:
            owners = self.names.owners(one, self.since)
            owners = owners & {*partners} or owners
            if len(owners) != 1:
                hint = f"{one.code} counts as no one partner then: name who funds."
                self.object("funds", hint)
            pairs += [(owner, one) for owner in owners]
        through = {owner for owner, _ in pairs}
        pairs += [(one, None) for one in partners if one not in through]
        draft.facts += [
            Funding(
                project=draft.project, partner=who, fund=one, effective_on=self.since
            )
            for who, one in pairs
        ]

    def budget(self, draft):
        amount = self.get("approved_amount", money.number_of)
        currency = self.get("currency", read_currency, "USD")
        rate = self.get("rate", read_rate)
        rate_on = self.get("rate_date", DayField().clean)
        if not self.has("approved_amount"):
            if self.has("rate"):
                self.object("approved_amount", "The rate has no amount to convert.")
            return
        if rate is not None and currency == "USD" and rate != 1:
            self.object("rate", "The rate of a dollar is 1: leave it empty.")
        elif rate is not None and rate <= 0:
            self.object("rate", "A rate is above zero.")
        elif rate is not None and currency != "USD":
            for column in ("rate_date", "rate_source"):
                if not self.has(column):
                    self.object(column, "A rate needs its date and its source.")
        if rate is None and self.is_right("rate") and self.has("rate_date"):
            self.object("rate", "There is a date of the rate, and no rate.")
        if self.is_dated("approved_amount"):
            draft.facts.append(
                MoneyEntry(
                    project=draft.project,
                    kind=MoneyEntry.Kind.APPROVED,
                    amount=amount,
                    currency=currency,
                    rate=rate,
                    rate_on=rate_on if rate is not None else None,
                    rate_source=self.line_of_text("rate_source"),
                    effective_on=self.approved_on,
                )
            )

    def translate(self, fact, error):
        """An objection of a model, at the column it is about."""
        usual = COLUMN_OF_KIND[type(fact)]
        if "cannot follow" in str(error):
            self.object("status", *error.messages, IN_ORDER)
            return
        if not hasattr(error, "error_dict"):
            self.object(usual, *error.messages)
            return
        for name, hints in error.message_dict.items():
            column = COLUMN_OF.get(name, name)
            if column == "area" and not self.has("area"):
                column = "line"
            self.object(column if column in MEANING else usual, *hints)

    # What is there already

    def compare(self, twins):
        plan = self.plan.code if self.plan else None
        titles = [self.project.title, *self.titles.values()]
        where = f"in {plan}" if plan else "without a plan"
        placed = self.is_right("plan", "area", "line")
        for title in filter(None, titles):
            other = placed and twins.titles.get((fold(title), plan))
            if other:
                self.object("title", f"{other} has this title {where} already.")
                break
        code = self.project.official_code
        other = twins.codes.get(code.casefold())
        if code and other:
            self.object("official_code", f"{other} has this code already.")
        twins.add(f"Row {self.row.number}", filter(None, titles), plan, code)


NONE = (None, "day")
IN_ORDER = (
    "Write the statuses in their order, such as appraisal; approved; ongoing, and a "
    "day for each."
)
STAMPS = ("recorded_at", "changed_at", "search_text", "withdrawn_at")


def read_language(text):
    if text.casefold() not in LANGUAGES:
        raise ValidationError(f"“{text}” is not one of: {', '.join(LANGUAGES)}.")
    return text.casefold()


def read_rate(text):
    rate = money.number_of(text, 8)
    check_rate(rate)
    return rate


def read_channel(text):
    word = text.casefold()
    if word not in Project.Channel.values:
        raise ValidationError(f"“{text}” is neither plan nor bilateral.")
    return Project.Channel(word)


def read_status(text):
    word = "_".join(text.casefold().split())
    if word not in Status.values:
        known = ", ".join(Status.values)
        raise ValidationError(f"“{text}” is no status. Known are: {known}.")
    return Status(word)


def read_currency(text):
    code = text.upper()
    check_currency(code)
    return code
