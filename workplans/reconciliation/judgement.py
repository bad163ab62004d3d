"""How one printed value is read, and how it stands beside a value that was found."""

from decimal import ROUND_HALF_UP, Decimal

from projects import progress

from ..models import PublishedFigure

GENERATED = "generated to meet this figure: agreement proves nothing"
TOLERANCE = Decimal("0.05")
MILLION = 1_000_000
Qualifier = PublishedFigure.Qualifier


def is_currency(unit):
    return len(unit) == 3 and unit.isupper()


def words(value, unit=""):
    """A value as it may stand in a sentence: USD 4.87 million, 70.8%, 46."""
    if value is None:
        return "not known"
    value = Decimal(value)
    if unit == "%":
        return f"{value.normalize():f}%"
    if is_currency(unit):
        if abs(value) >= MILLION:
            millions = (value / MILLION).quantize(Decimal("0.01"), ROUND_HALF_UP)
            return f"{unit} {millions.normalize():,f} million"
        return f"{unit} {value:,.0f}"
    return f"{value.normalize():,f}"


def numbered(count, noun):
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def printed_step(value, unit):
    """The last place that print tells: 10,000 for USD 8.28 million, 0.1 for a per cent.

    Money alone is rounded in print, at most to the million; a count is a count.
    """
    if unit == "%":
        return Decimal("0.1")
    step = Decimal(1)
    if is_currency(unit) and value:
        while step < MILLION and value % (step * 10) == 0:
            step *= 10
    return step


def meets(qualifier, printed, found, unit=""):
    """Whether a value found is what a printed one says, read by its qualifier."""
    share = found - printed
    if qualifier == Qualifier.NEARLY:
        return -TOLERANCE * printed <= share <= 0
    if qualifier in {Qualifier.MORE_THAN, Qualifier.OVER}:
        return 0 < share <= TOLERANCE * printed
    if qualifier == Qualifier.APPROXIMATELY:
        return abs(share) <= TOLERANCE * printed
    step = printed_step(printed, unit)
    return (Decimal(found) / step).quantize(Decimal(1), ROUND_HALF_UP) * step == printed


def least(figure):
    """The smallest value that a printed figure allows."""
    if figure.qualifier in {Qualifier.NEARLY, Qualifier.APPROXIMATELY}:
        return figure.value * (1 - TOLERANCE)
    return figure.value


def most(figure):
    """The largest value that a printed figure allows."""
    if figure.qualifier in {Qualifier.NEARLY, Qualifier.EXACT}:
        return figure.value
    return figure.value * (1 + TOLERANCE)


def printed_words(figure):
    """USD 8.28 million; nearly USD 10 million."""
    said = words(figure.value, figure.unit if is_or_percent(figure.unit) else "")
    exact = figure.qualifier == Qualifier.EXACT
    return said if exact else f"{figure.get_qualifier_display()} {said}"


def is_or_percent(unit):
    return unit == "%" or is_currency(unit)


def judge(qualifier, printed, unit, computed):
    """(verdict, reason) of one printed value beside what was computed."""
    if computed.value is None:
        return "not_computable", computed.why
    found = Decimal(computed.value)
    generated = numbered(computed.illustrative, "illustrative record")
    if meets(qualifier, printed, found, unit):
        if computed.illustrative:
            return "generated", f"Rests on {generated}, {GENERATED}."
        return "agrees", agreement(qualifier, printed, found, unit)
    reason = disagreement(qualifier, printed, found, unit)
    if computed.illustrative:
        reason += f" It rests on {generated}."
    return "differs", reason


def agreement(qualifier, printed, found, unit):
    if qualifier != Qualifier.EXACT:
        share = progress.percent_of(found, printed)
        return f"Print says “{qualifier.replace('_', ' ')}”; the records hold {share}%."
    return "Equal." if printed == found else "Equal at the precision of print."


def disagreement(qualifier, printed, found, unit):
    share = progress.percent_of(found, printed)
    if qualifier == Qualifier.EXACT:
        side = "more" if found > printed else "less"
        return f"The records hold {words(abs(found - printed), unit)} {side}."
    allowed = {
        Qualifier.NEARLY: "95 to 100%",
        Qualifier.APPROXIMATELY: "95 to 105%",
    }.get(qualifier, "more than 100% and up to 105%")
    return (
        f"The records hold {share}% of it; “{Qualifier(qualifier).label}” "
        f"is read as {allowed}."
    )
