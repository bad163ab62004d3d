"""The forms of a meeting: itself, what belongs to it, and what it decides."""

import itertools

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from aseanpm import writing
from aseanpm.editing import (
    LANGUAGES,
    CodeOf,
    CodesOf,
    HangingField,
    HangingRow,
    KeptForm,
    key_of,
    read_code,
    refuse_used,
    told_of,
)
from aseanpm.facts import Precision, shown_date
from aseanpm.forms import CodeField, DayField, Listing, RoughDateField, TidyMixin
from aseanpm.models import Source
from aseanpm.writing import Stale
from projects.fact_forms import NumberField
from projects.forms import each_once
from projects.models import MoneyEntry

from .actions import project_of
from .models import (
    ActionLine,
    AgendaItem,
    Attendance,
    Conclusion,
    Meeting,
    MeetingSession,
    PartnerStatement,
    Priority,
    PublishedFigure,
    StrategicArea,
    Theme,
)
from .reconciliation import is_currency, known_metrics
from .reconciliation.rows import label_of


def long_text(**options):
    return forms.CharField(widget=forms.Textarea({"rows": 2}), **options)


def short_text(**options):
    return forms.CharField(max_length=200, required=False, **options)


def language():
    return forms.ChoiceField(
        label="Language", choices=list(LANGUAGES.items()), initial="en"
    )


# Rows of a meeting


class MeetingRow(HangingRow):
    """A row of a meeting. `lists` are its many-to-many fields, written as codes.

    `in_order`: its place among the others can be written.
    """

    lists: tuple = ()
    in_order = False

    @classmethod
    def on_record(cls, relation):
        """The rows of a relation in their order, each knowing its place."""
        rows = list(super().on_record(relation).prefetch_related(*cls.lists))
        for number, row in enumerate(rows, 1):
            row.place = number
        return rows

    @classmethod
    def texts_of(cls, row):
        texts = super().texts_of(row)
        for name in cls.lists:
            texts[name] = ", ".join(
                sorted(one.code for one in getattr(row, name).all())
            )
        return texts | ({"place": str(row.place)} if cls.in_order else {})

    @classmethod
    def lists_of(cls, said):
        return {name: said[name] for name in cls.lists}


class MeetingRows(HangingField):
    """The rows of one kind that a meeting has, with their lists and their order."""

    def write(self, relation, parent, said):
        rows = self.row.on_record(relation)
        left = {key_of(row): row for row in rows}
        found = [(number, one, left.pop(one["key"], None)) for number, one in said]
        for row in left.values():
            writing.remove(row)
        wrote = bool(left)
        orders = [{}] * len(found)
        if self.row.in_order:
            found.sort(key=lambda each: (each[1]["place"] or len(found), each[0]))
            orders = [{"order": n} for n in orders_of(found, rows)]
        for (number, one, row), order in zip(found, orders, strict=True):
            values = self.row.values_of(one) | order
            lists = self.row.lists_of(one)
            with told_of(number):
                if row is None:
                    row = self.row.model(**{relation.field.name: parent}, **values)
                    writing.create(self.complete(row), **lists)
                    wrote = True
                else:
                    wrote |= bool(writing.change(row, lists=lists, **values))
        return wrote

    def complete(self, row):
        """A new row with what nobody types."""
        return row


def orders_of(found, rows):
    """The numbers of rows in their new order, of which no two are ever the same.

    They are kept where they rise; else all are taken from a range that is free.
    """
    taken = [row.order for row in rows]
    known = [row.order if row else None for _, _, row in found]
    kept = [number for number in known if number is not None]
    end = max(taken, default=0)
    if kept == sorted(set(kept)) and known[: len(kept)] == kept:
        return kept + [end + n for n in range(1, 1 + len(found) - len(kept))]
    first = 1 if min(taken) > len(found) else end + 1
    return list(range(first, first + len(found)))


def place():
    return forms.IntegerField(
        label="Order",
        required=False,
        min_value=1,
        max_value=999,
    )


MEMBER_STATES = "member-states"


class AttendanceRow(MeetingRow):
    who = CodeField(label="Who", empty="Choose a country or a partner")
    capacity = forms.ChoiceField(
        label="As",
        choices=Attendance.Capacity.choices,
        initial=Attendance.Capacity.MEMBER,
    )
    model = Attendance
    settled = ("key", "capacity")

    @classmethod
    def on_record(cls, relation):
        return super().on_record(relation.select_related("country", "partner"))

    @classmethod
    def texts_of(cls, row):
        column = "country" if row.country else "partner"
        who = f"{column}:{getattr(row, column).code}"
        return {"key": key_of(row), "who": who, "capacity": row.capacity}

    @classmethod
    def values_of(cls, said):
        nobody = {"country": None, "partner": None}
        who = {said["who"]._meta.model_name: said["who"]}
        return {"capacity": said["capacity"]} | nobody | who


def listing_of(model, columns, label=str):
    """The rows that some columns of a model may name, under a heading each."""
    rows = []
    for column in columns:
        related = model._meta.get_field(column).related_model
        found = related._default_manager.all()
        if hasattr(related, "merged_into"):
            found = found.filter(merged_into__isnull=True)
        rows += [(column, row) for row in found]
    listing = Listing(
        rows,
        key=lambda pair: f"{pair[0]}:{pair[1].code}",
        label=lambda pair: label(pair[1]),
        group=lambda pair: columns[pair[0]] if len(columns) > 1 else "",
    )
    listing.rows = {key: row for key, (_, row) in listing.rows.items()}
    return listing


class ConclusionRow(MeetingRow):
    text = long_text(label="What was noted")
    follow_up = long_text(label="What is to follow", required=False)
    who = short_text(label="Who follows up")
    lines = CodesOf(
        ActionLine.objects.all(), label="Lines, by their codes", required=False
    )
    themes = CodesOf(
        Theme.objects.all(), label="Themes, by their codes", required=False
    )
    place = place()
    model = Conclusion
    names = ("text", "who", "follow_up")
    lists = ("lines", "themes")
    settled = ("key", "place")
    in_order = True


class StatementRow(MeetingRow):
    partner = CodeField(label="Partner", empty="Choose")
    text = long_text(label="What it said")
    model = PartnerStatement
    names = ("partner", "text")
    settled = ("key",)


class SessionRow(MeetingRow):
    area = CodeField(label="Strategic area", empty="No one area", required=False)
    title = forms.CharField(
        label="Title, if not the area’s", max_length=400, required=False
    )
    title_language = language()
    place = place()
    note = long_text(label="Note", required=False)
    model = MeetingSession
    names = ("area", "title", "title_language", "note")
    settled = ("key", "place", "title_language")
    in_order = True

    def clean(self):
        given = super().clean()
        if not given.get("area") and not given.get("title"):
            self.add_error("area", "Choose the area, or give the session a title.")
        return given


class PriorityRow(MeetingRow):
    title = forms.CharField(label="What was proposed", max_length=400)
    title_language = language()
    session = CodeField(label="In the session", empty="No session", required=False)
    line = CodeOf(
        ActionLine.objects.select_related("plan", "area"),
        label="Line, by its code",
        required=False,
    )
    proposed_by = short_text(label="Proposed by")
    note = long_text(label="Note", required=False)
    model = Priority
    names = ("title", "title_language", "session", "line", "proposed_by", "note")
    settled = ("key", "title_language")

    @classmethod
    def texts_of(cls, row):
        session = key_of(row.session) if row.session else ""
        return super().texts_of(row) | {"session": session}

    def clean(self):
        given = super().clean()
        line, session = given.get("line"), given.get("session")
        if line and session and session.area and session.area.plan_id != line.plan_id:
            message = (
                f"{line.code} is a line of {line.plan.code}; this session is about "
                f"{session.area.plan.code}."
            )
            self.add_error("line", message)
        return given


class PriorityRows(MeetingRows):
    def write(self, relation, parent, said):
        said = list(said)
        kept = {one["key"] for _, one in said}
        for row in relation.select_related("project"):
            made = project_of(row)
            if made and key_of(row) not in kept:
                message = (
                    f"“{row}” became the project {made.code}; it cannot be taken away."
                )
                raise ValidationError(message)
        return super().write(relation, parent, said)


class FigureRow(MeetingRow):
    """A figure in print. It is as of its meeting's last day, unless it says another."""

    about = CodeField(label="About", empty="Choose a plan, programme or partner")
    metric = CodeField(label="What was counted", empty="Choose")
    value = NumberField(label="Value")
    unit = CodeField(label="Unit", required=False, empty="a number")
    qualifier = forms.ChoiceField(
        label="Print says", choices=PublishedFigure.Qualifier.choices
    )
    of_total = forms.IntegerField(
        label="Of a total of", required=False, min_value=0, max_value=10**6
    )
    as_of = RoughDateField(label="As of, if not the last day", required=False)
    moment = forms.ChoiceField(label="Moment", choices=PublishedFigure.Moment.choices)
    funder = CodeField(label="Whose amount", required=False, empty="Of nobody alone")
    sources = CodesOf(
        Source.objects.all(), required=False, label="Sources, by their codes"
    )
    note = long_text(label="Note", required=False)
    model = PublishedFigure
    names = (
        *("metric", "value", "unit", "qualifier", "of_total", "moment", "note"),
        "funder",
    )
    lists = ("sources",)
    rough = {"as_of": ("as_of", "precision")}
    settled = ("key", "qualifier", "moment")
    SCOPES = {"plan": "Plans", "programme": "Programmes", "partner": "Partners"}

    @classmethod
    def on_record(cls, relation):
        return super().on_record(relation.headline().select_related(*cls.SCOPES))

    @classmethod
    def texts_of(cls, row):
        about = next(name for name in cls.SCOPES if getattr(row, name))
        value = f"{row.value:,.0f}" if row.value % 1 == 0 else f"{row.value:,f}"
        funder = f"funder:{row.funder.code}" if row.funder else ""
        return super().texts_of(row) | {
            "about": f"{about}:{getattr(row, about).code}",
            "value": value,
            "funder": funder,
        }

    @classmethod
    def values_of(cls, said):
        about = said["about"]._meta.model_name.removeprefix("work")
        scope = dict.fromkeys(cls.SCOPES) | {about: said["about"]}
        values = super().values_of(said) | scope
        if values["as_of"] is None:
            del values["as_of"], values["precision"]
        return values | {"unit": said["unit"] or ""}

    def clean(self):
        given = super().clean()
        metric, unit = given.get("metric") or "", given.get("unit") or ""
        if metric in MONEY and not is_currency(unit):
            self.add_error("unit", "This is an amount of money: choose a currency.")
        elif metric and metric not in MONEY and is_currency(unit):
            self.add_error("unit", "This is no amount of money.")
        elif "percent" in metric and unit != "%":
            self.add_error("unit", "This is a share: choose per cent.")
        if metric == "funder_amount" and not given.get("funder"):
            self.add_error("funder", "Name the partner whose amount this is.")
        day, precision = given.get("as_of") or (None, "")
        if precision == Precision.DAY and day and day > timezone.localdate():
            self.add_error("as_of", "This day has not come yet.")
        return given


MONEY = {
    "budget",
    "partner_budget",
    "partner_commitments",
    "funder_amount",
    "budget_since_first_plan",
    "contribution_2001_2008",
    "pledge_2009_2011",
}
UNITS = {"USD": "US dollars", "%": "per cent"}


def metrics_to_choose(present):
    """What the reconciliation computes, and what it says it cannot; `present` stay."""
    headings = {
        metric: heading
        for heading, metrics in known_metrics().items()
        for metric in metrics
    }
    return Listing(
        dict.fromkeys([*headings, *present]),
        key=str,
        label=label_of,
        group=lambda metric: headings.get(metric, "Others on record"),
    )


class FigureRows(MeetingRows):
    def complete(self, row):
        if row.as_of is None:
            row.as_of, row.precision = row.meeting.held_until, row.meeting.precision
        if row.as_of is None:
            raise ValidationError("The meeting has no date: say as of which day.")
        if row.as_of > timezone.localdate() and row.precision == Precision.DAY:
            raise ValidationError("The meeting is still to come: say as of which day.")
        row.code = figure_code(row)
        return row


def figure_code(figure):
    """IAI-IV-2022-09-22-projects, with a number behind it where that is taken."""
    wanted = f"{figure.scope_code}-{figure.as_of_shown}-{figure.metric}"[:56]
    taken = PublishedFigure.objects.filter(code__startswith=wanted)
    codes = set(taken.values_list("code", flat=True))
    more = (f"{wanted}-{number}" for number in itertools.count(2))
    return next(code for code in itertools.chain([wanted], more) if code not in codes)


# The meeting itself


class MeetingForm(KeptForm):
    """A meeting and who was there. Its code is proposed, and fixed once it is made."""

    code = forms.CharField(
        label="Code",
        required=False,
        max_length=40,
        help_text=(
            "Left empty, it is made of the body and the number or first day: "
            "IAI-TF-80, ACCC-2020-02-18. It never changes later."
        ),
    )
    number = forms.IntegerField(
        label="Number",
        required=False,
        min_value=1,
        max_value=9999,
        help_text="80 for the 80th.",
    )
    held_from = RoughDateField(
        label="First day",
        required=False,
        help_text="As exactly as it is known: 2027-03-01, 2027-03 or 2027.",
    )
    held_until = RoughDateField(
        label="Last day",
        required=False,
        help_text="Decisions are dated by it. Empty: the meeting took one day.",
    )
    attendances = MeetingRows(
        AttendanceRow,
        label="Who was there",
        add="Add a participant",
        offers=((MEMBER_STATES, "Add all member states"),),
        check=each_once("who"),
    )

    class Meta:
        model = Meeting
        fields = [
            "body",
            "number",
            "held_from",
            "held_until",
            "country",
            "name",
            "code",
            "place",
            "chair",
            "chair_country",
            "approvals_in_print",
            "note",
            "sources",
        ]
        labels = {
            "chair": "Chair",
            "chair_country": "Country of the chair",
            "country": "National consultation about",
            "approvals_in_print": "Projects it approved, as reports say",
        }
        help_texts = {
            "name": "Only where it has one besides its body and number.",
            "country": "For a consultation in one country.",
            "note": "Say here if it was made by mistake: once it decided anything it "
            "stays on record, also when that was undone.",
        }

    parts = (
        ("Where and who", ("place", "chair", "chair_country", "attendances")),
        ("What is said of it", ("approvals_in_print", "note", "sources")),
        ("This change", ("reason",)),
    )

    def __init__(self, data=None, *, instance=None, initial=None):
        meeting = instance or Meeting()
        first, last = (
            RoughDateField.text_of(day, meeting.precision)
            for day in (meeting.held_from or meeting.held_until, meeting.held_until)
        )
        days = {"held_from": first, "held_until": last if last != first else ""}
        super().__init__(data, instance=instance, initial=days | (initial or {}))
        self.fields["body"].empty_label = "Choose"
        columns = {"country": "Countries", "partner": "Partners"}
        self.fields["attendances"].listings = {"who": listing_of(Attendance, columns)}

    def last_day_sent(self):
        """The last day as it was typed, before anything else is held against it."""
        for name in ("held_until", "held_from"):
            try:
                day, _ = self.fields[name].clean(self.data.get(name, ""))
            except ValidationError:
                continue
            if day:
                return day
        return timezone.localdate()

    def with_countries(self, codes):
        """What was sent, with a row for each of these countries that has none yet."""
        data, name = self.data.copy(), "attendances"
        widget = self.fields[name].widget
        rows = widget.value_from_datadict(data, {}, name)
        there = {row.get("who") for row in rows}
        capacity = Attendance.Capacity.MEMBER.value
        new = [{"who": f"country:{code}", "capacity": capacity} for code in codes]
        added = [row for row in new if row["who"] not in there]
        widget.put(data, name, widget.format_value([*rows, *added]))
        return data

    def clean(self):
        given = super().clean()
        self.settle_dates(given)
        if "code" in self.fields and not self.errors:
            self.settle_code(given)
        return given

    def settle_dates(self, given):
        """One day where one is named; of a month or a year, its last day alone."""
        first, how_first = given.get("held_from") or (None, "")
        last, how_last = given.get("held_until") or (None, "")
        if first and last and how_first != how_last:
            self.add_error("held_until", "Write both days equally exactly.")
        elif first and last and last < first:
            self.add_error("held_until", "A meeting cannot end before it starts.")
        precision = (how_last if last else how_first) or Precision.DAY
        exact = precision == Precision.DAY
        given["held_from"] = (first or last) if exact else None
        given["held_until"] = last or first
        self.instance.precision = precision

    def clean_code(self):
        return read_code(self.cleaned_data["code"]) if self.cleaned_data["code"] else ""

    def settle_code(self, given):
        code = given["code"] or proposed_code(given, self.instance.precision)
        if not code:
            self.add_error("number", "Give a number or a date, or write a code.")
            return
        try:
            refuse_used(Meeting, code)
        except ValidationError as error:
            written = (
                "code"
                if given["code"]
                else "number"
                if given["number"]
                else "held_from"
            )
            self.add_error(written, error)
            return
        given["code"] = self.instance.code = code

    def values(self):
        values, lists = super().values()
        return values | {"precision": self.instance.precision}, lists


def proposed_code(given, precision):
    """IAI-TF-80, ACCC-2020-02-18, IAI-NATCONS-KH-2027-03; "" without number or date."""
    body, country = given["body"], given["country"]
    first = shown_date(given["held_from"] or given["held_until"], precision)
    last = str(given["number"] or first or "")
    parts = [body.code, *([country.code] if country else []), last]
    return "-".join(parts) if last else ""


class MeetingRowsForm(KeptForm):
    """Rows of some kinds of a meeting in one form, guarded by a version of their own.

    That is how often they were changed, so that who writes conclusions is not in the
    way of who writes the agenda.
    """

    class Meta:
        model = Meeting
        fields: list[str] = []

    def __init__(self, data=None, *, instance=None, initial=None):
        super().__init__(data, instance=instance, initial=initial)
        self.fields.pop("reason", None)
        self.dress_rows()

    def dress_rows(self):
        """Offer the rows what they choose from."""

    def _post_clean(self):
        """The meeting itself is not written here."""

    @classmethod
    def version_of(cls, meeting):
        """How often rows of these kinds were changed, and one."""
        kinds = [field.row.model for field in cls.base_fields.values()]
        return 1 + sum(kind.history.filter(meeting=meeting).count() for kind in kinds)

    def write(self, version=None):
        if version != self.version_of(self.instance):
            raise Stale(self.instance)
        for name, field in self.hanging.items():
            self.write_rows(name, field, self.instance)
        self.undoable = True
        return self.instance


class ConclusionsForm(MeetingRowsForm):
    title = "Conclusions"
    conclusions = MeetingRows(
        ConclusionRow, label="What it noted", add="Add a conclusion"
    )

    def dress_rows(self):
        codes = ", ".join(f"{theme.code} ({theme})" for theme in Theme.objects.all())
        self.fields["conclusions"].help_text = f"Themes: {codes}."


class StatementsForm(MeetingRowsForm):
    title = "Partners’ statements"
    partner_statements = MeetingRows(
        StatementRow,
        label="What partners said",
        add="Add a statement",
        help_text="Pledges are linked to a statement from the meeting’s page.",
    )

    def dress_rows(self):
        partners = PartnerStatement._meta.get_field("partner").related_model.objects
        rows = partners.filter(merged_into__isnull=True)
        self.fields["partner_statements"].listings = {"partner": Listing(rows)}


class ConsultationForm(MeetingRowsForm):
    title = "Sessions and priorities"
    sessions = MeetingRows(SessionRow, label="Sessions", add="Add a session")
    priorities = PriorityRows(
        PriorityRow,
        label="Priorities proposed",
        add="Add a priority",
        help_text="Each can become a concept project, from the meeting’s page. Save "
        "new sessions first: a priority can only be put in one that is saved.",
    )

    def dress_rows(self):
        areas = StrategicArea.objects.select_related("plan")
        areas = Listing(areas, group=lambda area: area.plan.code)
        sessions = self.instance.sessions.select_related("area__plan")
        self.fields["sessions"].listings = {"area": areas}
        self.fields["priorities"].listings = {"session": Listing(sessions, key=key_of)}


class FiguresForm(MeetingRowsForm):
    title = "Figures printed with it"
    published_figures = FigureRows(
        FigureRow,
        label="What print said",
        add="Add a figure",
        help_text="Each is set beside the records as soon as it is saved.",
    )

    def dress_rows(self):
        printed = self.instance.published_figures.values_list("metric", "unit")
        metrics, units = zip(*printed, strict=True) if printed else ((), ())
        self.fields["published_figures"].listings = {
            "about": listing_of(PublishedFigure, FigureRow.SCOPES, label=called),
            "metric": metrics_to_choose(metrics),
            "unit": Listing(
                dict.fromkeys([*UNITS, *filter(None, units)]),
                key=str,
                label=lambda unit: UNITS.get(unit, unit),
            ),
            "funder": listing_of(PublishedFigure, {"funder": ""}),
        }


def called(row):
    """A plan by its code and title, anything else by its name."""
    return getattr(row, "name", "") or f"{row.code} {row.title}"


class PledgesForm(forms.ModelForm):
    """The pledges of a partner that came of what it said, so none from before it."""

    pledges = forms.MultipleChoiceField(
        label="Pledges",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "That is no pledge of this partner."},
    )

    class Meta:
        model = PartnerStatement
        fields: list[str] = []

    def __init__(self, data=None, *, instance):
        super().__init__(data, instance=instance)
        linked = list(instance.pledges.select_related("project"))
        pledged = MoneyEntry.objects.known().filter(
            partner=instance.partner, kind=MoneyEntry.Kind.PLEDGED
        )
        first = instance.meeting.first_day
        since = pledged.filter(effective_on__gte=first) if first else pledged
        standing = since.select_related("project").order_by(
            "-effective_on", "project__code", "pk"
        )
        self.offered = {str(one.uuid): one for one in (*standing, *linked)}
        self.fields["pledges"].choices = [
            (key, pledge_label(one, first)) for key, one in self.offered.items()
        ]
        self.initial["pledges"] = [str(one.uuid) for one in linked]
        if pledged.count() > standing.count():
            message = "Its pledges from before the meeting are not offered."
            self.fields["pledges"].help_text = message

    @property
    def chosen(self):
        return [self.offered[key] for key in self.cleaned_data["pledges"]]


def pledge_label(entry, first):
    amount = "amount not known" if entry.amount is None else f"{entry.amount:,.2f}"
    before = ", before the meeting" if first and entry.effective_on < first else ""
    since = ", withdrawn since" if entry.withdrawn_at else ""
    return (
        f"{entry.project.code} {entry.project.title}: {entry.currency} {amount}, "
        f"{entry.effective_on.isoformat()}{before}{since}"
    )


# The agenda, and what is decided


class AgendaForm(TidyMixin, forms.Form):
    """One project on the agenda: its order, a remark, or off with it."""

    place = forms.IntegerField(required=False, min_value=1, max_value=999)
    note = long_text(required=False)
    gone = forms.BooleanField(required=False)
    item_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data=None, *, item, number):
        code = item.project.code
        super().__init__(data, prefix=f"item-{code}")
        self.item = item
        self.fields["place"].label = f"Order of {code}"
        self.fields["note"].label = f"Remark on {code}"
        self.fields["note"].widget.attrs["rows"] = 1
        self.fields["gone"].label = f"Take {code} off the agenda"
        self.initial = {
            "place": number,
            "note": item.note,
            "item_version": item.version,
        }


READERS = (
    "Everyone who may see the project reads it: of a published project, everybody."
)


class DecisionForm(TidyMixin, forms.Form):
    """What was decided of one project on the agenda; the versions are those seen."""

    outcome = forms.ChoiceField(required=False, widget=forms.RadioSelect)
    reason = long_text(required=False)
    item_version = forms.IntegerField(widget=forms.HiddenInput)
    project_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data=None, *, item):
        code = item.project.code
        super().__init__(data, prefix=f"item-{code}")
        self.item = item
        self.fields["outcome"].choices = outcomes(item.kind)
        self.fields["outcome"].label = f"Decision on {code}"
        self.fields["reason"].label = f"Reason or remark on {code}"
        self.fields["reason"].widget.attrs["aria-describedby"] = "who-reads"
        self.initial = {
            "outcome": item.outcome,
            "reason": item.note,
            "item_version": item.version,
            "project_version": item.project.version,
        }

    def clean(self):
        given = super().clean()
        ask_for_reason(self, given)
        return given


def outcomes(kind):
    """[(outcome, label)] that an item may have, and leaving it open."""
    one = AgendaItem.Outcome
    if kind == AgendaItem.Kind.NOTE:
        return [(one.NOTE.value, "Note"), ("", "Leave open")]
    named = (one.APPROVE, one.RETURN, one.DEFER)
    return [*((each.value, each.label) for each in named), ("", "Leave open")]


def ask_for_reason(form, given):
    returned = given.get("outcome") == AgendaItem.Outcome.RETURN
    if returned and not given.get("reason"):
        form.add_error("reason", "Say why it is returned.")


class CirculationForm(TidyMixin, forms.Form):
    """What was decided of some projects by circulation, on one day."""

    outcome = forms.ChoiceField(
        label="Decision",
        choices=outcomes(AgendaItem.Kind.DECIDE)[:-1],
        widget=forms.RadioSelect,
    )
    on = DayField(
        label="Date of the decision",
        help_text="The day on which the last member agreed.",
    )
    reason = long_text(
        label="Reason or remark",
        required=False,
        help_text=READERS,
    )

    def clean(self):
        given = super().clean()
        ask_for_reason(self, given)
        return given
