"""How a plan is made: by the shape of an earlier one, and a list of titles."""

from dataclasses import dataclass, field

from django.core.exceptions import ValidationError

from aseanpm import csv_text, writing
from aseanpm.editing import LANGUAGES, refuse_used
from aseanpm.effects import digest_of
from aseanpm.facts import Basis
from aseanpm.forms import tidy_text
from projects.progress import plural

from .models import ActionLine, IndicatorTarget, LineKind, PlanRule, StrategicArea

# The shape of an earlier plan


@dataclass(frozen=True)
class Shape:
    """Areas with their titles and lines without, not yet written."""

    areas: list
    lines: list

    @property
    def by_area(self):
        """[(area or None, its lines)], those outside the areas last."""
        found = {id(area): (area, []) for area in self.areas}
        outside = (None, [])
        for line in self.lines:
            found.get(id(line.area), outside)[1].append(line)
        return [*found.values(), *([outside] if outside[1] else [])]

    @property
    def counts(self):
        """{kind in words: how many lines}."""
        nouns = dict(LineKind.choices)
        found: dict = {}
        for line in self.lines:
            noun = nouns[line.kind]
            found[noun] = found.get(noun, 0) + 1
        return found


def shape_of(source, plan):
    """What `plan` takes over from `source`: areas, and lines by kind and number.

    Where a line stands is assumed until somebody says so. A shape that was undone can
    be taken over again, under the same codes. Raises ValidationError for codes that are
    taken or too long.
    """
    said = {"basis": Basis.ASSUMED, "basis_note": f"Taken over from {source.code}."}
    areas = {
        area.pk: StrategicArea(
            plan=plan,
            code=code_under(plan, source, area.code),
            order=area.order,
            title=area.title,
            title_language=area.title_language,
            title_translations=area.title_translations,
            **said,
        )
        for area in source.areas.all()
    }
    lines: dict = {}
    for line in sorted(source.lines.all(), key=lambda one: one.parent_id is not None):
        lines[line.pk] = ActionLine(
            plan=plan,
            code=code_under(plan, source, line.code),
            kind=line.kind,
            number=line.number,
            area=areas.get(line.area_id),
            area_basis=Basis.ASSUMED if line.area_id else Basis.DOCUMENTED,
            parent=lines.get(line.parent_id),
            **said,
        )
    lines_in_order = sorted(lines.values(), key=lambda one: (one.kind, one.code))
    shape = Shape(list(areas.values()), lines_in_order)
    refuse_taken(shape)
    return shape


def code_under(plan, source, code):
    """IAI-IV-07 of IAI-IV is IAI-V-07 under IAI-V."""
    return f"{plan.code}-{code.removeprefix(source.code).lstrip('-')}"


def refuse_taken(shape):
    said = []
    for row in (*shape.areas, *shape.lines):
        longest = row._meta.get_field("code").max_length
        if len(row.code) > longest:
            said.append(f"{row.code} is longer than {longest} signs.")
            continue
        try:
            refuse_used(type(row), row.code, ever=False)
        except ValidationError as error:
            said += error.messages
    if said:
        raise ValidationError(said)


def write_shape(shape):
    """Write areas, then lines, each after the line that it stands below."""
    lines = sorted(shape.lines, key=lambda one: one.parent is not None)
    for row in (*shape.areas, *lines):
        for name in {"plan", "area", "parent"} & {one.name for one in row._meta.fields}:
            setattr(row, name, getattr(row, name))  # saved by now, it has a key
        writing.create(row)


def in_words(fact):
    """A rule, a declared total or a target with its day."""
    if isinstance(fact, IndicatorTarget):
        said = str(fact)
    elif isinstance(fact, PlanRule):
        said = f"projects count {fact.get_counts_from_display()}"
    else:
        one, several = fact.get_kind_display(), plural(fact.get_kind_display())
        number = "an unknown number of" if fact.total is None else fact.total
        said = f"{number} {one if fact.total == 1 else several} declared"
    return f"{said}, since {fact.effective_on.isoformat()}"


# Titles of lines, from a list


HEADS = {"code", "line", "action line"}


@dataclass(frozen=True)
class NewTitle:
    """One title to be loaded. A translation stands beside the line's own title."""

    row: int
    line: ActionLine
    title: str
    language: str
    is_translation: bool

    @property
    def old(self):
        if self.is_translation:
            return self.line.title_translations.get(self.language, "")
        return self.line.title

    @property
    def changes(self):
        language = self.line.title_language
        return self.old != self.title or not (
            self.is_translation or language == self.language
        )


@dataclass
class Titles:
    """The titles that a list holds, and all that is wrong with it."""

    found: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    @property
    def changing(self):
        return [one for one in self.found if one.changes]

    @property
    def digest(self):
        """What would be changed, to tell whether it is still that."""
        return digest_of(
            f"{one.line.code} {one.language} {one.old} {one.title}"
            for one in self.changing
        )


def read_titles(plan, text):
    """The Titles of a list with `code,title[,language]` in each row.

    Commas, semicolons or tabs part the columns; a first row of names is passed over. A
    title in another language than the line's own is its translation.
    """
    titles = Titles()
    lines = {line.code: line for line in plan.lines.all()}
    own = {code: line.title_language for code, line in lines.items() if line.title}
    seen: dict = {}
    try:
        rows = rows_of(text)
    except csv_text.NotReadable as error:
        return Titles(problems=[str(error)])
    for number, cells in rows:
        try:
            code, title, language = read_row(cells)
            line = lines.get(code)
            if line is None:
                raise ValidationError(f"“{cells[0]}” is no line of {plan.code}.")
            language = language or "en"
            before = seen.setdefault((code, language), number)
            if before != number:
                raise ValidationError(f"{code} stands in row {before} already.")
        except ValidationError as error:
            titles.problems += [f"Row {number}: {each}" for each in error.messages]
            continue
        first = own.setdefault(code, language)
        titles.found.append(NewTitle(number, line, title, language, first != language))
    if not titles.found and not titles.problems:
        titles.problems.append("The list is empty.")
    return titles


def rows_of(text):
    """(number, cells) of the rows of a list, without a row of names.

    Raises NotReadable.
    """
    rows = csv_text.records(text)
    if rows and rows[0][1][0].casefold() in HEADS:
        rows = rows[1:]
    csv_text.refuse_many(rows)
    return rows


def read_row(cells):
    """(code, title, language or ''); raises ValidationError with all that is wrong."""
    if len(cells) < 2:
        raise ValidationError("A row has a code and a title.")
    if len(cells) > 3:
        raise ValidationError(
            f"It has {len(cells)} columns. Put a title that holds the sign between "
            "columns into quotation marks."
        )
    said = []
    title = cells[1]
    try:
        title = " ".join(tidy_text(title).split())
    except ValidationError as error:
        said += error.messages
    longest = ActionLine._meta.get_field("title").max_length
    if not title:
        said.append("The title is empty.")
    if len(title) > longest:
        said.append(f"The title has {len(title)} signs; {longest} is the most.")
    language = cells[2].lower() if len(cells) > 2 else ""
    if language and language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        said.append(f"“{cells[2]}” is no language that we know: {known}.")
    if said:
        raise ValidationError(said)
    return cells[0].upper(), title, language


def load_titles(titles):
    """Write the titles that change; returns how many lines were changed."""
    lines: dict = {}
    for one in titles.changing:
        values = lines.setdefault(
            one.line,
            {"title_translations": dict(one.line.title_translations)},
        )
        if one.is_translation:
            values["title_translations"][one.language] = one.title
        else:
            values |= {"title": one.title, "title_language": one.language}
    return sum(bool(writing.change(line, **values)) for line, values in lines.items())
