"""Lists that come in: checked whole, seen before they are written, written whole."""

from collections import defaultdict

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.views.generic import TemplateView, View

from aseanpm import csv_text
from aseanpm.effects import FiguresChanged, as_seen, digest_of, moved_by
from aseanpm.facts import AlreadyRecorded, Entry, LedgerHead, ledger_entry
from aseanpm.pages import address
from aseanpm.workplace import WorkMixin

from . import bulk, money
from .exchange import csv_projects
from .models import Benefit, Funding, MoneyEntry, Placement, StatusChange

SHOWN_WRONG = 300  # cells that are offered to be corrected at once
CHECKSUM = "checksum "
WHAT = "List of projects imported"


class ImportsView(WorkMixin, TemplateView):
    """What can be imported, and what was."""

    resource = "imports"
    action = "view"
    template_name = "projects/imports.html"

    def get_context_data(self, **context):
        past = Entry.objects.filter(what__startswith=WHAT)
        return super().get_context_data(
            past=past.select_related("recorded_by", "undone_by__recorded_by")[:20],
            **context,
        )


class ImportTemplateView(WorkMixin, View):
    """The empty list, with what goes into each column."""

    resource = "imports"
    action = "view"

    def get(self, request):
        answer = HttpResponse(
            "\ufeff" + csv_projects.template(), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = 'attachment; filename="new-projects.csv"'
        return answer


class ImportView(WorkMixin, TemplateView):
    """New projects from a CSV: a file, pasted rows, or a checked list with its mends.

    The list travels in the form as text until it is written, so that nothing waits on
    the server. `fix-ROW-COLUMN` replaces a cell.
    """

    resource = "imports"
    action = "create"
    template_name = "projects/import.html"
    text = name = ""  # the list, and the name of its file

    def get(self, request, *args, **kwargs):
        return self.page()

    def post(self, request, *args, **kwargs):
        self.name = request.POST.get("name", "")[:100]
        try:
            self.text = self.text_sent()
            self.table = csv_projects.read(self.text)
        except csv_text.NotReadable as error:
            return self.page(400, unreadable=str(error))
        if self.mend():
            self.text = self.table.as_text()
        if "apply" in request.POST and (sent := self.sent_before()):
            raise AlreadyRecorded(sent)
        return self.answer(applies="apply" in request.POST)

    def answer(self, *, applies):
        if before := self.imported():
            return self.page(400, before=before[0])
        self.checked_after = LedgerHead.objects.values_list("sequence").first()
        self.drafts, wrong = csv_projects.check(self.table)
        if wrong:
            return self.told_wrong(wrong)
        return self.write() if applies else self.preview()

    def text_sent(self):
        file = self.request.FILES.get("file")
        if file:
            self.name = file.name[:100]
            return csv_text.decoded(file.read(csv_text.MAX_BYTES + 1))
        text = self.request.POST.get("text", "")
        if not text.strip():
            raise csv_text.NotReadable("Choose a file, or paste the rows.")
        return text

    def mend(self):
        """Put the cells that were typed anew into the table; whether there were any."""
        found = False
        for row in self.table.rows:
            for column in csv_projects.KNOWN:
                text = self.request.POST.get(f"fix-{row.number}-{column}")
                if text is not None:
                    found = True
                    row.cells[column] = text.replace("\r\n", "\n").strip()
                    if column not in self.table.columns:
                        self.table.columns.append(column)
        for row in self.table.rows if found else ():
            row.cells = {name: row.cells.get(name, "") for name in self.table.columns}
        return found

    @property
    def mark(self):
        return CHECKSUM + self.table.fingerprint

    def imported(self):
        """The imports of this very content that stand."""
        past = Entry.objects.filter(what__startswith=WHAT, reason__endswith=self.mark)
        return [entry for entry in past if not entry.is_undone]

    # Answers

    def told_wrong(self, wrong):
        """400: every wrong cell with what to do, to be typed anew."""
        cells = {}
        for one in wrong:
            cells.setdefault((one.row, one.column), []).append(one)
        shown = list(cells.values())[:SHOWN_WRONG]
        return self.page(400, wrong=wrong, cells=shown, more=len(cells) - len(shown))

    def preview(self, status=200, **context):
        try:
            figures = moved_by(self.try_out, self.request.user, self.first_day)
            self.seen = digest_of(figures)
        except ValidationError as error:
            return self.page(400, unreadable=" ".join(error.messages))
        rows = [
            (row, told(draft))
            for row, draft in zip(self.table.rows, self.drafts, strict=True)
        ]
        published = sum(draft.publishes for draft in self.drafts)
        return self.page(
            status, rows=rows, moved=figures, published=published, **context
        )

    @property
    def first_day(self):
        """The first day that the list touches; None where nothing is dated."""
        days = [
            fact.effective_on
            for draft in self.drafts
            for fact in draft.facts
            if not isinstance(fact, Placement)
        ]
        return min(days, default=None)

    def try_out(self):
        with ledger_entry(self.request.user, what="Preview") as entry:
            bulk.record_projects(self.drafts, entry)

    def write(self):
        count = len(self.drafts)
        try:
            what = f"{WHAT}: {count} project{'s'[: count != 1]}"
            reason = f"{self.name} {self.mark}".strip()
            with self.entry(what, reason, undo=True) as entry:
                if self.checked_after != (entry.sequence - 1,):
                    self.check_again(entry)
                seen = self.request.POST.get("seen")
                with as_seen(seen, self.request.user, self.first_day):
                    bulk.record_projects(self.drafts, entry)
                entry.opens = address(
                    "projects:list", updated_since=entry.recorded_at.isoformat()
                )
        except Overtaken:
            return self.answer(applies=False)
        except FiguresChanged:
            return self.preview()
        except ValidationError as error:
            return self.page(400, unreadable=" ".join(error.messages))
        return self.done(entry, f"{what}.", entry.opens)

    def check_again(self, entry):
        """Something was written since the check. Raises Overtaken."""
        self.drafts, wrong = csv_projects.check(self.table)
        if wrong or [one for one in self.imported() if one.pk != entry.pk]:
            raise Overtaken

    def page(self, status=200, **context):
        context = self.get_context_data(
            text=self.text,
            name=self.name,
            meaning=csv_projects.MEANING,
            **context,
        )
        return self.render_to_response(context, status=status)


class Overtaken(Exception):
    """Somebody recorded meanwhile what the list holds; nothing of it is written."""


def told(draft):
    """What will be made of a row, to be read before it is."""
    facts = defaultdict(list)
    for fact in draft.facts:
        facts[type(fact)].append(fact)
    budget = next(iter(facts[MoneyEntry]), None)
    return {
        "project": draft.project,
        "publishes": draft.publishes,
        "place": next(iter(facts[Placement]), None),
        "statuses": facts[StatusChange],
        "funders": [
            f"{one.partner.code}{f' ({one.fund.code})' if one.fund else ''}"
            for one in facts[Funding]
        ],
        "beneficiaries": [
            f"{(one.country or one.grouping).code}"
            f"{f' {one.share} %' if one.share else ''}"
            for one in facts[Benefit]
        ],
        "budget": budget,
        "usd": budget and money.usd_of(budget.amount, budget.currency, budget.rate),
    }
