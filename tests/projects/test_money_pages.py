"""The ledger of a project and the exchange rates, on their pages."""

import datetime as dt
import re
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from io import StringIO

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from aseanpm.facts import Entry, LedgerHead, ledger_entry
from aseanpm.undo import undo
from projects import actions, money
from projects.currencies import CURRENCIES
from projects.models import ExchangeRate, MoneyEntry
from projects.money_forms import NewMoneyForm
from tests import make
from tests.projects.sending import fill, fill_on, form_in, problems_in, save, typed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(dt.datetime(2026, 6, 15, 9, tzinfo=dt.UTC), tick=True):
        yield


@pytest.fixture
def editor(sign_in):
    return sign_in(make.user("editor"))


@pytest.fixture
def project():
    return make.project(status="approved", on="2022-01-10", funders=["JP"])


def new(project, query=""):
    return f"/projects/{project.code}/money/new/{query}"


def given_by(partner="JP", **values):
    return {
        "kind": "committed",
        "partner": partner,
        "currency": "USD",
        "amount": "1,250.50",
        "effective_on": "2026-03-01",
    } | values


def rate(currency="EUR", on="2026-02-27", value="1.0712", source="A bank"):
    return ExchangeRate.objects.create(
        currency=currency, on=make.day(on), rate=Decimal(value), source=source
    )


def euros(project, amount, **fields):
    """A commitment of Japan in euros, at 1.1 dollars each."""
    values = {
        "kind": "committed",
        "partner": make.partner("JP"),
        "currency": "EUR",
        "rate": Decimal("1.1"),
        "rate_on": make.day("2022-02-01"),
        "rate_source": "A secret treaty",
        "effective_on": make.day("2022-02-01"),
    }
    fact = MoneyEntry(project=project, amount=Decimal(amount), **(values | fields))
    return actions.record(fact=fact)


def entries(project):
    """(kind, funder, amount, currency, dollars) of what stands, in order."""
    return [
        (
            one.kind,
            one.partner and one.partner.code,
            one.amount,
            one.currency,
            one.usd,
        )
        for one in project.money_entries.known().order_by("effective_on", "day_order")
    ]


# Entering


def test_an_approved_budget_is_entered_exactly(editor, project):
    save(
        editor,
        new(project),
        kind="approved",
        currency="usd",
        amount="4,870,000.05",
        effective_on="2026-03-01",
        note="As decided",
    )

    assert entries(project) == [
        ("approved", None, Decimal("4870000.05"), "USD", Decimal("4870000.05"))
    ]
    assert project.money_entries.get().note == "As decided"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1250", "1250"),
        ("1,250.5", "1250.50"),
        ("1 250.50", "1250.50"),
        ("999,999,999,999.99", "999999999999.99"),
        ("0", "0"),
    ],
)
def test_amounts_are_read_as_people_write_them(editor, project, text, amount):
    save(editor, new(project), **given_by(amount=text))

    assert project.money_entries.get().amount == Decimal(amount)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"amount": "1,2,3"}, "Amount: “1,2,3” is no number. Write it as 1,250.50."),
        ({"amount": "1.250,50"}, "Amount: “1.250,50” is no number."),
        ({"amount": "1e5"}, "Amount: “1e5” is no number."),
        ({"amount": "1_000"}, "Amount: “1_000” is no number."),
        ({"amount": "٣"}, "Amount: “٣” is no number."),
        ({"amount": "NaN"}, "Amount: “NaN” is no number."),
        ({"amount": "1.005"}, "Amount: “1.005” has more than 2 decimals."),
        ({"amount": "1234567890123"}, "is no number."),
        ({"amount": ""}, "Amount: Write the amount, or say that it is not known."),
        ({"not_known": "on"}, "Amount: Write the amount, or say"),
        ({"amount": "-1"}, "Amount: The entries of this kind and funder would net"),
        ({"currency": "EUX"}, "Currency: “EUX” is no currency of ISO 4217."),
        ({"currency": "E"}, "Currency: Write a code such as EUR."),
        ({"currency": ""}, "Currency: Write a code such as EUR."),
        ({"partner": ""}, "Funder: Name the funder of this money."),
        ({"partner": "ZZ"}, "Funder: “ZZ” is not one of these."),
        ({"kind": "approved"}, "Funder: An approved budget names no funder."),
        (
            {"kind": "approved", "partner": "", "is_private": "on"},
            "Amount and terms are private: An approved budget is public.",
        ),
        (
            {"kind": "approved", "partner": "", "is_counterpart": "on"},
            "An approved budget is no counterpart.",
        ),
        ({"kind": "borrowed"}, "Kind: Select a valid choice."),
        ({"fund": "AKCF"}, "Through the fund: AKCF does not count as Partner JP on"),
        ({"effective_on": ""}, "As of: Give the day."),
        ({"effective_on": "2026-06-16"}, "As of: This day has not come yet"),
        ({"rate": "2"}, "US dollars for one unit: The rate of a dollar is 1."),
        ({"currency": "EUR", "rate": "0"}, "A rate is above zero."),
        ({"currency": "EUR", "rate": "1.1"}, "A rate needs its date and its source."),
        ({"currency": "EUR", "rate": "1.123456789"}, "has more than 8 decimals."),
        (
            {"currency": "EUR", "rate_source": "A bank"},
            "Rate taken from: Write the rate too, or empty its day and source.",
        ),
        ({"funds": "on", "is_counterpart": "on"}, "own input makes no funder."),
        ({"source": "NO"}, "Source: “NO” is not one of these."),
        ({"basis": "illustrative"}, "Rests on: Select a valid choice."),
    ],
)
def test_a_wrong_entry_gets_a_sentence_at_its_field_and_writes_nothing(
    editor, project, values, sentence
):
    make.fund("AKCF", owner="KR")
    before = LedgerHead.objects.get().sequence
    typed_in = given_by(**values)

    answer = fill(editor, new(project), **typed_in)
    if answer.status_code == 200:  # a question came first
        answer = fill_on(editor, new(project), answer)

    assert answer.status_code == 400
    assert sentence in problems_in(answer)
    kept = form_in(answer)
    assert kept["amount"] == [typed_in["amount"]]
    assert kept["currency"] == [typed_in["currency"]]
    assert not MoneyEntry.objects.exists()
    assert LedgerHead.objects.get().sequence == before


def test_an_amount_that_is_not_known_is_recorded_as_such(editor, client, project):
    save(editor, new(project), **given_by(amount="", not_known="on"))

    assert entries(project) == [("committed", "JP", None, "USD", None)]
    page = client.get(f"/projects/{project.code}/").content.decode()
    assert "Committed by Partner JP: amount not known" in page
    assert "1 entry without a known amount" in page


def test_a_fund_counts_as_its_owner(editor, project):
    make.fund("JAIF", owner="JP")

    save(editor, new(project), **given_by(fund="JAIF", in_kind="kind"))

    entry = project.money_entries.get()
    assert (entry.fund.code, entry.in_kind) == ("JAIF", True)


def test_every_kind_and_currency_has_its_own_net(editor, project):
    rate("JPY", value="0.0067")
    save(editor, new(project), **given_by(amount="100"))

    for values in ({"kind": "pledged"}, {"currency": "JPY"}, {"in_kind": "kind"}):
        answer = fill(editor, new(project), **given_by(amount="-1", **values))
        if answer.status_code == 200:
            answer = fill_on(editor, new(project), answer)
        assert "would net below zero" in problems_in(answer), values
    save(editor, new(project), **given_by(amount="−40.5"))

    assert [amount for _, _, amount, *_ in entries(project)] == [
        Decimal(100),
        Decimal("-40.50"),
    ]


# The rate


def test_the_last_rate_on_or_before_the_day_is_proposed_and_kept(editor, project):
    rate(on="2026-03-02", value="1.09", source="The next")
    rate(on="2026-02-27", value="1.0712", source="A bank")
    rate(on="2025-01-01", value="1.02", source="An old one")
    address = new(project)

    shown = fill(editor, address, **given_by(currency="EUR", amount="1000.55"))
    form = form_in(shown)

    assert shown.status_code == 200
    assert "The rate on record is 1.0712 of 2026-02-27 (A bank)." in (
        shown.content.decode()
    )
    assert not project.money_entries.exists()
    assert [form[name] for name in ("rate", "rate_on", "rate_source", "amount")] == [
        ["1.0712"],
        ["2026-02-27"],
        ["A bank"],
        ["1000.55"],
    ]
    assert fill_on(editor, address, shown).status_code == 302
    entry = project.money_entries.get()
    assert (entry.rate, entry.rate_on.isoformat(), entry.rate_source) == (
        Decimal("1.0712"),
        "2026-02-27",
        "A bank",
    )
    assert entry.usd == Decimal("1071.79")  # 1071.78916


def test_a_rate_that_somebody_wrote_is_not_replaced(editor, project):
    rate()
    own = {"rate": "1.5", "rate_on": "2026-03-01", "rate_source": "The contract"}

    save(editor, new(project), **given_by(currency="EUR", amount="10", **own))

    assert project.money_entries.get().usd == Decimal("15.00")


def test_a_rate_proposed_for_one_currency_does_not_stay_for_another(editor, project):
    rate("EUR", value="1.0712")
    rate("JPY", value="0.0067")
    address = new(project)
    euros = fill(editor, address, **given_by(currency="EUR", amount="1000"))

    yen = fill_on(editor, address, euros, currency="JPY")
    assert form_in(yen)["rate"] == ["0.0067"]
    none = fill_on(editor, address, yen, currency="THB")

    assert form_in(none)["rate"] == [""]
    assert "No rate is given for THB" in none.content.decode()
    assert fill_on(editor, address, none).status_code == 302
    entry = project.money_entries.get()
    assert (entry.currency, entry.rate, entry.usd) == ("THB", None, None)


def test_a_proposed_rate_may_be_refused(editor, project):
    rate()
    address = new(project)
    shown = fill(editor, address, **given_by(currency="EUR", amount="1000"))

    asked = fill_on(editor, address, shown, rate="", rate_on="", rate_source="")
    assert "dollars of this entry are not known" in asked.content.decode()
    assert fill_on(editor, address, asked).status_code == 302

    assert project.money_entries.get().usd is None


def test_the_button_proposes_without_a_script_and_keeps_what_was_typed(editor, project):
    rate()

    shown = fill(
        editor,
        new(project),
        **given_by(currency="eur", amount="1,2,3", note="In two parts"),
        propose="1",
    )
    form = form_in(shown)

    assert shown.status_code == 200
    assert "problems" not in shown.content.decode()
    assert (form["rate"], form["amount"]) == (["1.0712"], ["1,2,3"])
    assert (form["note"], form["partner"]) == (["In two parts"], ["JP"])


def test_a_script_is_told_the_rate(editor, sign_in):
    rate()
    ask = "/rates/proposed/?currency=eur&on=2026-03-01"

    assert editor.get(ask).json() == {
        "rate": "1.0712",
        "rate_on": "2026-02-27",
        "rate_source": "A bank",
    }
    for nothing in ("currency=EUR&on=2026-01-01", "currency=XXX&on=soon", ""):
        told = editor.get(f"/rates/proposed/?{nothing}").json()
        assert set(told.values()) == {""}
    assert sign_in(make.user()).get(ask).status_code == 403


# Who funds


def test_a_commitment_of_one_who_never_joined_is_asked_about_once(editor, project):
    make.partner("KR", name="Korea")
    address = new(project)

    asked = fill(editor, address, **given_by("KR"))
    assert "Korea is not on record as a funder of this project" in (
        asked.content.decode()
    )
    assert not project.money_entries.exists()
    assert fill_on(editor, address, asked).status_code == 302

    assert [one.partner.code for one in project.fundings.known()] == ["JP"]
    assert len(entries(project)) == 1


def test_one_box_records_that_the_funder_joins_with_the_same_write(editor, project):
    make.fund("AKCF", owner="KR")

    save(editor, new(project), **given_by("KR", fund="AKCF"), funds="on")

    joined = project.fundings.get(partner__code="KR")
    entry = project.money_entries.get()
    assert (joined.effective_on.isoformat(), joined.fund.code) == ("2026-03-01", "AKCF")
    assert joined.sequence == entry.sequence
    editor.post(f"/undo/{entry.sequence}/")
    assert [one.partner.code for one in project.fundings.known()] == ["JP"]
    assert entries(project) == []


def test_one_who_joined_does_not_join_twice(editor, project):
    save(editor, new(project), **given_by("JP"), funds="on")

    assert project.fundings.known().count() == 1
    assert len(entries(project)) == 1


def test_one_who_joined_later_than_that_day_is_named(editor, project):
    answer = fill(
        editor, new(project), **given_by(effective_on="2021-01-01"), funds="on"
    )

    assert "This funder has joined already." in problems_in(answer)


def test_a_pledge_and_a_counterpart_make_no_funder(editor, project):
    make.partner("KR", name="Korea")

    for values in ({"kind": "pledged"}, {"is_counterpart": "on"}):
        assert fill(editor, new(project), **given_by("KR", **values)).status_code == 302


# Revising and reversing


def test_a_revision_is_a_further_entry_of_the_difference(editor, project):
    first = make.money(project, "1000", on="2022-02-01", kind="committed", partner="JP")
    make.money(project, "-100", on="2022-03-01", kind="committed", partner="JP")
    address = new(project, f"?revise={first.uuid}")

    page = editor.get(address).content.decode()
    assert "Now on record: USD 900.00." in page
    save(editor, address, amount="1,250.25", effective_on="2026-03-01")

    assert [amount for _, _, amount, *_ in entries(project)] == [
        Decimal("1000.00"),
        Decimal("-100.00"),
        Decimal("350.25"),
    ]


def test_a_revision_is_told_by_its_total_and_never_as_a_document(editor, project):
    first = make.money(project, "480000", on="2022-02-01")
    address = new(project, f"?revise={first.uuid}")

    answer = save(editor, address, amount="520,000", effective_on="2026-03-01")

    page = editor.get(answer.url).content.decode()
    told = "Approved budget was revised to USD 520,000.00 (+40,000.00)."
    assert f"{project.code}: {told}" in page
    entry = Entry.objects.get(can_be_undone=True)
    assert entry.what == (
        f"{project}: Approved budget revised to USD 520,000.00 (+40,000.00)"
    )


def test_a_reversal_is_told_by_what_it_takes_back(editor, project):
    first = euros(project, "500000")
    address = new(project, f"?reverse={first.uuid}")

    asked = editor.get(address).content.decode()
    answer = save(editor, address, effective_on="2026-03-01")

    assert "<b>Committed, EUR 500,000.00</b>" in asked
    page = editor.get(answer.url).content.decode()
    assert "Committed by Partner JP, EUR 500,000.00 was reversed." in page


def test_the_history_tells_that_a_private_total_was_revised_and_no_amount(
    editor, project
):
    first = euros(project, "500000", is_private=True)

    save(
        editor,
        new(project, f"?revise={first.uuid}"),
        amount="520,000",
        effective_on="2026-03-01",
    )

    entry = Entry.objects.get(can_be_undone=True)
    assert entry.what == f"{project}: Committed by Partner JP, private, revised"


def test_the_ledger_names_what_revises_a_total(editor, client, project):
    first = make.money(project, "480000", on="2022-02-01")
    make.money(project, "40000", on="2022-03-01")
    make.money(project, "5", on="2022-04-01", kind="disbursed", partner="JP")
    make.money(project, "6", on="2022-05-01", kind="disbursed", partner="JP")
    euros(project, "7", effective_on=make.day("2022-06-01"))
    euros(project, "8", effective_on=make.day("2022-07-01"), is_private=True)
    make.money(project, "9", on="2022-08-01", kind="committed", partner="JP")

    def revising(reader):
        answer = reader.get(f"/projects/{project.code}/")
        of, ledger = answer.context["revisions"], answer.context["ledger"]
        found = [line.entry.amount for line in ledger if line.entry.pk in of]
        assert answer.content.decode().count(", revision") == len(found)
        return found

    assert revising(editor) == [Decimal(40000), Decimal(8)]
    assert revising(client) == [Decimal(40000)]
    take_back(editor, first)
    assert revising(editor) == [Decimal(8)]


@pytest.mark.parametrize(
    ("total", "sentence"),
    [
        ("1000", "New total: That is the total on record already."),
        ("-1", "New total: A total is not below zero."),
        ("", "New total: Write the new total."),
        ("ten", "New total: “ten” is no number."),
    ],
)
def test_a_new_total_that_cannot_be_is_refused(editor, project, total, sentence):
    first = make.money(project, "1000", on="2022-02-01", kind="committed", partner="JP")

    answer = fill(
        editor,
        new(project, f"?revise={first.uuid}"),
        amount=total,
        effective_on="2026-03-01",
    )

    assert sentence in problems_in(answer)
    assert len(entries(project)) == 1


def test_a_revision_stays_with_its_kind_funder_and_currency(editor, project):
    first = make.money(project, "1000", on="2022-02-01", kind="committed", partner="JP")
    make.partner("KR")

    save(
        editor,
        new(project, f"?revise={first.uuid}"),
        amount="900",
        effective_on="2026-03-01",
        kind="spent",
        partner="KR",
        currency="EUR",
    )

    assert entries(project)[-1] == (
        "committed",
        "JP",
        Decimal("-100.00"),
        "USD",
        Decimal("-100.00"),
    )


def test_a_revision_before_the_entry_it_lessens_is_refused(editor, project):
    first = make.money(project, "1000", on="2022-02-01", kind="committed", partner="JP")

    answer = fill(
        editor,
        new(project, f"?revise={first.uuid}"),
        amount="900",
        effective_on="2022-01-31",
    )

    assert "New total: The entries of this kind and funder would net below zero." in (
        problems_in(answer)
    )


def test_a_reversal_takes_an_entry_back_at_its_own_rate(editor, project):
    rate("EUR", value="1.2")
    first = euros(project, "1000")
    address = new(project, f"?reverse={first.uuid}")

    save(editor, address, effective_on="2026-03-01", note="It was withdrawn")

    last = project.money_entries.order_by("pk").last()
    assert (last.amount, last.usd, last.reverses) == (
        Decimal(-1000),
        Decimal("-1100.00"),
        first,
    )
    again = fill(editor, address, effective_on="2026-03-02")
    assert "This entry was reversed before, on 1 March 2026." in problems_in(again)
    assert len(entries(project)) == 2


def test_what_was_reversed_is_offered_no_deed_that_would_be_refused(editor, project):
    first, other = commitment(project, "500"), commitment(project, "200")
    back = take_back(editor, first)

    page = editor.get(f"/projects/{project.code}/").content.decode()

    for fact, offered in ((first, False), (other, True), (back, True)):
        assert (f"?reverse={fact.uuid}" in page) == offered
        assert (fact_address(fact, "correct") in page) == offered
        assert (fact_address(fact, "withdraw") in page) == offered
        assert (f"?revise={fact.uuid}" in page) == (fact == other)


def test_the_funders_of_the_project_stand_first_by_name(editor, project):
    make.partner("AU")

    field = editor.get(new(project)).context["form"]["partner"].field

    assert list(field.choices)[1:] == [
        ("Funders of this project", [("JP", "Partner JP")]),
        ("Others", [("AU", "Partner AU")]),
    ]


def test_an_unknown_amount_that_was_reversed_leaves_the_net_whole(editor, project):
    take_back(editor, commitment(project, None))
    make.money(project, "40", on="2026-03-02", kind="committed", partner="JP")

    ledger = editor.get(f"/projects/{project.code}/").context["ledger"]

    assert [line.is_whole for line in ledger] == [False, True, True]


def test_what_was_private_all_along_is_told_at_no_moment(editor, client, project):
    entry = make.money(project, "12345", kind="committed", partner="JP")
    then = {"known_at": LedgerHead.objects.get().recorded_at.isoformat()}
    pages = (f"/projects/{project.code}/", f"/api/v1/projects/{project.code}/facts/")
    save(
        editor,
        f"/projects/{project.code}/facts/{entry.uuid}/correct/",
        is_private="on",
        reason="Private all along",
    )

    for page in pages:
        for clock in ({}, then):
            told = client.get(page, clock).content.decode()
            assert not re.search("12,?345|all along", told)
    assert "12,345" in editor.get(pages[0]).content.decode()


def test_every_step_to_a_private_entry_is_private(client, project):
    said = {"partner": "JP", "on": "2026-02-01"}
    pledge = make.money(project, "12345", kind="pledged", **said)
    gone = make.money(project, "67890", kind="committed", partner="SG")
    then = {"known_at": LedgerHead.objects.get().recorded_at.isoformat()}
    other = actions.correct(fact=pledge, kind="committed", reason="A slip")
    actions.correct(fact=other, is_private=True, reason="Private")
    actions.withdraw(fact=gone, reason="Never")
    make.money(project, "5", kind="committed", is_private=True, **said)

    for clock in ({}, then):
        told = client.get(f"/projects/{project.code}/", clock).content.decode()
        assert "12,345" not in told
        assert "67,890" in told


def test_whose_an_amount_is_follows_from_the_private_entry(client, project):
    wrong = make.money(project, "12345", kind="pledged", partner="JP")
    singapore = make.partner("SG")
    because = {"partner": singapore, "is_private": True, "reason": "It was Singapore"}
    actions.correct(fact=wrong, **because)
    told = {}

    for code in ("JP", "SG"):
        reader = make.user("partner", partner=code, email=f"{code}@example.org".lower())
        client.force_login(reader)
        address = f"/projects/{project.code}/"
        pages = (address, f"/api/v1{address}facts/")
        told[code] = [client.get(page).content.decode() for page in pages]

    assert all("12,345" in page for page in told["SG"])
    for page in told["JP"]:
        assert "12,345" not in page
        assert "It was Singapore" not in page


def test_a_budget_that_became_somebodys_private_amount_tells_nothing(client, project):
    first = make.money(project, "12345")
    then = {"known_at": LedgerHead.objects.get().recorded_at.isoformat()}
    actions.withdraw(fact=first, reason="A slip")
    second = make.money(project, "12345")
    japan = {"kind": "committed", "partner": make.partner("JP"), "is_private": True}
    actions.correct(fact=second, reason="It is a contribution", **japan)

    told = client.get(f"/projects/{project.code}/", then).content.decode()

    assert "12,345" not in told
    call_command("audit_figures", stdout=StringIO())


def test_sums_of_a_past_moment_do_not_hold_what_became_private(editor, client):
    project = make.project(budget="520000", funders=["JP"])
    wrong = make.money(project, "54321")
    then = {"known_at": LedgerHead.objects.get().recorded_at.isoformat()}
    japan = {"kind": "committed", "partner": make.partner("JP"), "is_private": True}
    actions.correct(fact=wrong, reason="It is a contribution", **japan)

    told = client.get(f"/api/v1/projects/{project.code}/", then).json()
    known = editor.get(f"/api/v1/projects/{project.code}/", then).json()

    assert told["approved_usd"] == "520000.00"
    assert known["approved_usd"] == "574321.00"
    assert told["money"]["approved"]["known"] == 1
    assert told["money"]["approved"]["entries"] == 2
    call_command("audit_figures", stdout=StringIO())


def test_terms_of_an_amount_not_known_become_private_with_it(editor, client, project):
    make.partner("SG")
    terms = {"not_known": "on", "amount": "", "note": "Repayable", "partner": "SG"}
    given = given_by(**terms)
    save(editor, new(project), **given)
    editor.post(f"/undo/{Entry.objects.first().sequence}/")
    save(editor, new(project), **given, is_private="on")

    address = f"/projects/{project.code}/"
    for page in (address, f"/api/v1{address}facts/"):
        assert "Repayable" in editor.get(page).content.decode()
        assert "Repayable" not in client.get(page).content.decode()


def test_undoing_an_entry_tells_its_amount_at_no_other_fact(editor, client, project):
    make.partner("KR")
    korea = given_by(partner="KR", amount="83,611", funds="on")
    save(editor, new(project), **korea)
    editor.post(f"/undo/{Entry.objects.first().sequence}/")
    save(editor, new(project), **korea, is_private="on")

    address = f"/projects/{project.code}/"
    for page in (address, f"/api/v1{address}facts/"):
        assert "83,611" in editor.get(page).content.decode()
        assert "83,611" not in client.get(page).content.decode()


def test_a_further_amount_beside_a_total_is_asked_about(editor, project):
    make.money(project, "450000", on="2022-02-01")
    budget = {"kind": "approved", "partner": "", "amount": "500,000"}

    asked = fill(editor, new(project), **given_by(**budget))

    said = (
        "USD 450,000.00 is on record already; with this entry it is USD 950,000.00. "
        "If USD 500,000.00 is the new total, press “Revise” beside the entry instead."
    )
    assert said in asked.content.decode()
    assert project.money_entries.count() == 1
    assert fill_on(editor, new(project), asked).status_code == 302


def test_a_revision_of_what_was_corrected_meanwhile_keeps_what_was_typed(
    editor, project
):
    first = commitment(project, "2222")
    address = new(project, f"?revise={first.uuid}")
    opened = editor.get(address)
    actions.correct(fact=first, amount=Decimal("2223"), reason="A slip of the pen")

    answer = fill_on(editor, address, opened, amount="3,000", note="By letter")

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "A slip of the pen" in page
    assert "By letter" in page
    assert "3,000" in page
    assert project.money_entries.known().get().amount == Decimal("2223")


@pytest.mark.parametrize(
    ("former", "then"),
    [
        ([("JP", "pledged", "10")], ("JP", "committed", "10")),
        (
            [("JP", "committed", "10"), ("JP", "committed", "5")],
            ("JP", "committed", 15),
        ),
        ([("JP", "committed", "10")], ("KR", "committed", "10")),
    ],
    ids=["another kind", "their sum", "another funder"],
)
def test_what_was_withdrawn_tells_nothing_of_what_was_then_entered_as_private(
    client, project, former, then
):
    for partner, kind, amount in former:
        wrong = make.money(project, amount, kind=kind, partner=partner)
        actions.withdraw(fact=wrong, reason="Not for all eyes")
    partner, kind, amount = then
    make.money(project, amount, kind=kind, partner=partner, is_private=True)
    call_command("audit_figures", stdout=StringIO())
    other = "JP" if partner == "KR" else "SG"

    for reader in (None, make.user("partner", partner=other)):
        if reader:
            client.force_login(reader)
        told = client.get(f"/api/v1/projects/{project.code}/facts/").content.decode()
        assert "USD 10" not in told
        assert "Not for all eyes" not in told


def test_a_total_that_stands_again_can_be_revised(editor, project):
    first = make.money(project, "100", kind="committed", partner="JP")
    again = take_back(editor, take_back(editor, first))

    page = editor.get(f"/projects/{project.code}/").content.decode()
    refused = fill(
        editor, new(project, f"?reverse={again.uuid}"), effective_on="2026-03-01"
    )

    assert page.count(">Revise<") == 1
    assert f"?reverse={again.uuid}" not in page
    said = "A reversal is reversed once. Enter the amount anew instead."
    assert said in problems_in(refused)
    assert MoneyEntry.objects.count() == 3


def test_a_reversal_of_what_became_private_tells_nothing(editor, client, project):
    first = make.money(project, "12345", kind="committed", partner="JP")
    back = take_back(editor, first)
    actions.withdraw(fact=back, reason="It is not reversed")
    actions.correct(fact=first, is_private=True, reason="Private")

    told = client.get(f"/projects/{project.code}/").content.decode()

    assert "12,345" not in told
    assert "12,345" in editor.get(f"/projects/{project.code}/").content.decode()


def test_what_was_withdrawn_and_set_back_tells_nothing(editor, client, project):
    first = make.money(project, "12345", kind="committed", partner="JP")
    with ledger_entry(make.user("editor"), what="A slip") as slip:
        slip.can_be_undone = True
        actions.withdraw(fact=first, reason="A slip", entry=slip)
    undo(entry=slip, by=slip.recorded_by)
    again = project.money_entries.known().get()
    actions.correct(fact=again, is_private=True, reason="Private")

    told = client.get(f"/projects/{project.code}/").content.decode()

    assert "12,345" not in told
    call_command("audit_figures", stdout=StringIO())


def test_a_net_of_which_nothing_known_is_left_is_not_known(editor, project):
    make.money(project, None, on="2026-02-01", kind="committed", partner="JP")
    known = make.money(project, "40", on="2026-02-02", kind="committed", partner="JP")
    take_back(editor, known)

    answer = editor.get(f"/projects/{project.code}/")

    assert [line.net for line in answer.context["ledger"]] == [None, Decimal(40), None]
    assert answer.content.decode().count(">Revise<") == 1


def test_an_entry_is_not_reversed_before_its_own_day(editor, project):
    first = make.money(project, None, on="2022-02-01", kind="committed", partner="JP")

    answer = fill(
        editor, new(project, f"?reverse={first.uuid}"), effective_on="2022-01-31"
    )

    assert "Reversed on: The entry is of 1 February 2022, after that day." in (
        problems_in(answer)
    )


def commitment(project, amount):
    return make.money(project, amount, on="2022-02-01", kind="committed", partner="JP")


def take_back(client, fact):
    """Reverse an entry on its page; returns the reversal."""
    address = new(fact.project, f"?reverse={fact.uuid}")
    save(client, address, effective_on="2026-03-01")
    return MoneyEntry.objects.get(reverses=fact)


def taken_back(project):
    """The entries that standing reversals take back."""
    standing = project.money_entries.known().filter(reverses__isnull=False)
    return [one.reverses for one in standing.order_by("pk")]


def undo_last():
    return undo(entry=Entry.objects.first(), by=None, reason="A slip")


def fact_address(fact, deed):
    return f"/projects/{fact.project.code}/facts/{fact.uuid}/{deed}/"


@pytest.mark.parametrize(
    ("deed", "amounts"), [("withdraw", [500]), ("correct", [90, 500])]
)
def test_an_entry_that_was_reversed_is_set_right_after_its_reversal(
    editor, project, deed, amounts
):
    first = commitment(project, "100")
    commitment(project, "500")
    reversal = take_back(editor, first)

    refused = fill(editor, fact_address(first, deed), reason="A slip", amount="90")

    assert (
        "The entry of 1 February 2022 was reversed on 1 March 2026; withdraw that "
        "reversal first." in problems_in(refused)
    )
    assert sum(amount for _, _, amount, *_ in entries(project)) == 500
    save(editor, fact_address(reversal, "withdraw"), reason="A slip")
    save(editor, fact_address(first, deed), reason="A slip", amount="90")
    assert [amount for _, _, amount, *_ in entries(project)] == amounts


def test_a_reversal_that_is_corrected_still_takes_back_its_entry(editor, project):
    first = commitment(project, "100")
    commitment(project, "500")
    address = fact_address(take_back(editor, first), "correct")

    early = fill(editor, address, effective_on="2022-01-31", reason="A slip")
    save(editor, address, effective_on="2026-02-01", reason="A slip")

    assert "The entry is of 1 February 2022, after that day." in problems_in(early)
    assert taken_back(project) == [first]


def test_a_reversal_is_undone_and_done_again(editor, project):
    first = commitment(project, "100")
    take_back(editor, first)

    undo_last()
    assert taken_back(project) == []
    undo_last()

    assert taken_back(project) == [first]
    undo_last()
    assert taken_back(project) == []


def test_reversals_that_come_back_with_their_entries_take_back_those(editor, project):
    first, second = commitment(project, "100"), commitment(project, "100")
    commitment(project, None)
    for fact in (second, take_back(editor, first)):
        take_back(editor, fact)
    with ledger_entry(what="Recorded by mistake") as entry:
        actions.withdraw_project(project=project, reason="A slip", entry=entry)
        entry.can_be_undone = True
    assert entries(project) == []

    undo_last()

    standing = project.money_entries.known()
    assert {one.pk for one in taken_back(project)} < {one.pk for one in standing}
    assert len({one.pk for one in taken_back(project)}) == 3
    assert sorted(one.amount for one in taken_back(project)) == [-100, 100, 100]
    undo_last()
    assert entries(project) == []


def test_what_was_corrected_meanwhile_is_not_reversed_again(editor, project):
    first = commitment(project, "100")
    take_back(editor, first)
    reversed_once = undo_last()
    save(editor, fact_address(first, "correct"), amount="90", reason="A slip")

    with pytest.raises(ValidationError, match="it reverses was withdrawn"):
        undo(entry=reversed_once, by=None)

    assert [amount for _, _, amount, *_ in entries(project)] == [90]


@pytest.mark.parametrize("query", ["?revise=no", "?reverse=no", "?revise="])
def test_what_names_no_entry_of_the_project_is_not_there(editor, project, query):
    other = make.money(make.project(), "5")

    assert editor.get(new(project, query)).status_code == 404
    assert editor.get(new(project, f"?revise={other.uuid}")).status_code == 404


def test_a_revision_of_a_net_that_moved_meanwhile_is_told(editor, sign_in, project):
    first = make.money(project, "1000", on="2022-02-01", kind="committed", partner="JP")
    address = new(project, f"?revise={first.uuid}")
    mine = typed(
        form_in(editor.get(address)),
        amount="1200",
        effective_on="2026-03-01",
    )
    other = sign_in(make.user("administrator", name="Binh"))
    save(other, address, amount="700", effective_on="2026-02-01")

    late = editor.post(address, mine)

    assert late.status_code == 409
    assert "revised to USD 700.00 (-300.00), by Binh" in late.content.decode()
    assert "Now on record: USD 700.00." in late.content.decode()
    assert form_in(late)["amount"] == ["1200"]
    assert fill_on(editor, address, late).status_code == 302
    assert entries(project)[-1][2] == Decimal("500.00")


def test_an_entry_sent_twice_is_recorded_once(editor, project):
    form = typed(form_in(editor.get(new(project))), **given_by())

    answers = [editor.post(new(project), form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(entries(project)) == 1


# The ledger on the page


def test_the_ledger_tells_each_entry_and_what_it_nets_to(editor, project):
    make.money(project, "1000", on="2022-02-01", kind="committed", partner="JP")
    make.money(project, "-250", on="2022-03-01", kind="committed", partner="JP")
    make.money(project, "40", on="2022-03-01", kind="disbursed", partner="JP")
    make.money(project, None, on="2022-04-01", kind="committed", partner="JP")

    answer = editor.get(f"/projects/{project.code}/")

    told = [
        (line.entry.kind, line.net, line.is_whole) for line in answer.context["ledger"]
    ]
    assert told == [
        ("committed", Decimal(1000), True),
        ("committed", Decimal(750), True),
        ("disbursed", Decimal(40), True),
        ("committed", Decimal(750), False),
    ]
    html = answer.content.decode()
    assert "USD 750.00" in html
    assert html.count(">Revise<") == 4
    assert '>Revise<span class="vh"> Committed, USD 1,000.00, of 1 Feb' in html
    assert '>Reverse<span class="vh"> Committed, amount not known, of 1 Apr' in html


@pytest.mark.parametrize(
    ("budget", "given", "sentence"),
    [
        ("100", ["60", "40"], "The commitments equal the approved budget."),
        ("100", ["60"], "The commitments are below the approved budget, by USD 40.00."),
        (
            "100",
            ["160.5"],
            "The commitments are above the approved budget, by USD 60.50.",
        ),
        (
            "100",
            ["60", None],
            "Whether the commitments meet the approved budget is not",
        ),
        (
            None,
            ["60"],
            "Whether the commitments meet the approved budget is not known.",
        ),
    ],
)
def test_contributions_stand_against_the_budget_and_correct_nothing(
    client, budget, given, sentence
):
    project = make.project(budget=budget, funders=["JP"])
    for amount in given:
        make.money(project, amount, kind="committed", partner="JP")
    before = entries(project)

    page = client.get(f"/projects/{project.code}/").content.decode()

    assert sentence in page
    assert entries(project) == before


@pytest.mark.parametrize(
    ("role", "fields", "sees"),
    [
        (None, {}, False),
        ("reader", {}, False),
        ("coordinator", {"country": "VN"}, False),
        ("partner", {"partner": "AU"}, False),
        ("partner", {"partner": "JP"}, True),
        ("editor", {}, True),
    ],
)
def test_a_private_entry_reads_like_one_that_is_not_known(sign_in, role, fields, sees):
    project = make.project(funders=["JP"], countries=["VN"])
    private = euros(project, "7077", is_private=True, note="In two parts")
    client = sign_in(make.user(role, **fields) if role else None)

    html = client.get(f"/projects/{project.code}/").content.decode()
    ledger = html[html.find('id="ledger"') :]

    told = ["EUR 7,077.00", "7,784.70", "A secret treaty", "In two parts", "private"]
    assert [words for words in told if words in ledger] == (told if sees else [])
    assert "Committed by Partner JP" in ledger
    assert private.is_private


PLEDGED = "<dt>Pledged</dt><dd>"


@pytest.mark.parametrize(
    ("pledges", "told"),
    [
        (
            [("EUR", "100000")],
            'EUR 100,000.00, <span class="unknown">dollars not known (no rate)</span>',
        ),
        (
            [("EUR", "100000"), ("EUR", "20000.5"), ("GBP", "7"), ("EUR", None)],
            "EUR 120,000.50, GBP 7.00 and what is not known, "
            '<span class="unknown">dollars not known (no rate)</span>',
        ),
        (
            [("USD", "1000"), ("EUR", "100000")],
            "USD 1,000.00 and EUR 100,000.00, "
            '<span class="unknown">its dollars not known (no rate)</span>',
        ),
        (
            [("USD", "1000"), ("USD", None)],
            'USD 1,000.00 <span class="small muted">dollars known for 1 of 2 entries'
            "</span>",
        ),
        ([], '<span class="unknown">not known</span></dd>'),
    ],
)
def test_what_has_no_rate_is_told_in_its_own_currency(client, project, pledges, told):
    for currency, amount in pledges:
        of = {"amount": amount and Decimal(amount), "currency": currency}
        usd = amount if currency == "USD" else None
        make.money(project, usd, kind="pledged", partner="JP", **of)

    page = client.get(f"/projects/{project.code}/").content.decode()

    assert PLEDGED + told in page


def test_what_was_taken_back_and_a_counterpart_are_no_money_without_a_rate(
    editor, client, project
):
    def pledge(amount, **fields):
        fields |= {"currency": "EUR", "amount": Decimal(amount), "kind": "pledged"}
        return make.money(project, None, partner="JP", on="2022-02-01", **fields)

    pledge("5", is_counterpart=True)
    pledge("8", is_private=True)
    first = pledge("100")

    def told(reader):
        page = reader.get(f"/projects/{project.code}/").content.decode()
        return page.partition(PLEDGED)[2].partition("<")[0]

    assert told(editor) == "EUR 108.00, "
    assert told(client) == "EUR 100.00 and what is not known, "
    reversal = take_back(editor, first)
    assert told(editor) == "EUR 8.00, "
    take_back(editor, reversal)
    assert told(editor) == "EUR 108.00, "


def test_the_ledger_is_that_of_the_day_asked_about(client):
    project = make.project(funders=["JP"])
    make.money(project, "10", on="2022-02-01", kind="committed", partner="JP")
    make.money(project, "20", on="2023-02-01", kind="committed", partner="JP")

    answer = client.get(f"/projects/{project.code}/?as_of=2022-12-31")

    assert [line.net for line in answer.context["ledger"]] == [Decimal(10)]


# Any sequence of entries

DAYS = ["2022-01-10", "2022-02-01", "2022-02-02"]
ENTRY = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["approved", "committed"]),
        "partner": st.sampled_from(["", "JP", "KR"]),
        "currency": st.sampled_from(["USD", "JPY"]),
        "in_kind": st.sampled_from(["cash", "kind"]),
        "effective_on": st.sampled_from(DAYS),
        "amount": st.integers(-30000, 50000).map(lambda cents: f"{cents / 100:.2f}"),
        "rate": st.sampled_from(["", "0.0067", "0.005", "1.5", "0.12345678"]),
        "basis": st.just("documented"),
    }
)


@given(st.lists(ENTRY, min_size=2, max_size=12))
def test_any_entries_leave_nets_above_zero_and_dollars_half_even(rows):
    make.partner("JP"), make.partner("KR")
    project = make.project()
    for row in rows:
        dated = {"rate_on": row["rate"] and DAYS[0], "rate_source": row["rate"] and "B"}
        form = NewMoneyForm(row | dated, project=project)
        if not form.is_valid():
            continue
        try:
            with ledger_entry() as entry:
                actions.enter_money(fact=form.built(), entry=entry)
        except ValidationError:
            continue

    nets = defaultdict(Fraction)
    standing = sorted(
        project.money_entries.known(), key=lambda one: (one.effective_on, one.day_order)
    )
    for one in standing:
        key = (one.kind, one.partner_id, one.currency, one.in_kind)
        nets[key] += Fraction(one.amount)
        assert nets[key] >= 0
        if one.currency == "JPY" and one.rate is None:
            assert one.usd is None
        else:
            cents = round(Fraction(one.amount) * Fraction(one.rate or 1) * 100)
            assert one.usd == Decimal(cents) / 100


# Exchange rates


def test_rates_are_entered_listed_and_put_right_without_touching_entries(
    editor, project
):
    save(
        editor,
        "/rates/new/",
        currency="eur",
        on="2026-02-27",
        rate="1.0712",
        source="A bank",
    )
    save(editor, new(project), **given_by(currency="EUR", amount="1000"))

    page = editor.get("/rates/?currency=EUR").content.decode()
    assert "1.0712" in page
    assert "to put a rate right changes no entry" in page
    save(editor, "/rates/EUR/2026-02-27/edit/", rate="1.1712")

    assert ExchangeRate.objects.get().rate == Decimal("1.17120000")
    entry = project.money_entries.get()
    assert (entry.rate, entry.usd) == (Decimal("1.07120000"), Decimal("1071.20"))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"currency": "EUX"}, "Currency: “EUX” is no currency of ISO 4217."),
        ({"currency": "USD"}, "Currency: The rate of a dollar is 1; leave it away."),
        ({"on": "2026-06-16"}, "Day: This day has not come yet"),
        ({"on": "2026-02-27"}, "Day: This currency has a rate for that day."),
        ({"rate": "0"}, "US dollars for one unit: A rate is above zero."),
        ({"rate": "1,07"}, "US dollars for one unit: “1,07” is no number."),
        ({"rate": "-1"}, "US dollars for one unit: “-1” is no number."),
        ({"source": ""}, "Source: Say who gives this rate."),
    ],
)
def test_a_wrong_rate_gets_a_sentence_at_its_field(editor, values, sentence):
    rate()
    right = {"currency": "EUR", "on": "2026-03-01", "rate": "1.1", "source": "B"}

    answer = fill(editor, "/rates/new/", **(right | values))

    assert answer.status_code == 400
    assert sentence in problems_in(answer)
    assert ExchangeRate.objects.count() == 1


def test_two_who_put_one_rate_right_are_told(editor, sign_in):
    rate()
    other = sign_in(make.user("administrator"))
    address = "/rates/EUR/2026-02-27/edit/"
    mine = typed(form_in(editor.get(address)), rate="1.2")
    save(other, address, rate="1.3")

    answer = editor.post(address, mine)

    assert answer.status_code == 409
    assert ExchangeRate.objects.get().rate == Decimal("1.3")


@pytest.mark.parametrize("path", ["EUR/2020-01-01", "EUR/soon", "XXX/2026-02-27"])
def test_a_rate_that_is_not_on_record_is_not_there(editor, path):
    rate()

    assert editor.get(f"/rates/{path}/edit/").status_code == 404


LIST = """currency,on,rate,source
EUR,2026-02-27,1.0712,A bank
eur,2026-03-02,1.09,'=A bank
JPY,2026-02-27,0.0067,A bank
"""


def test_a_list_of_rates_is_looked_at_then_saved_as_a_whole(editor):
    rate("EUR", "2026-02-27", "1.0712", "A bank")
    rate("JPY", "2026-02-27", "0.0066", "A bank")

    shown = fill(editor, "/rates/import/", text=LIST)
    html = shown.content.decode()

    assert shown.status_code == 200
    assert ("as on record" in html, "changed from 0.0066" in html) == (True, True)
    assert ExchangeRate.objects.count() == 2
    answer = fill_on(editor, "/rates/import/", shown)
    assert answer.status_code == 302
    told = ExchangeRate.objects.order_by("currency", "on").values_list(
        "currency", "rate", "source"
    )
    assert list(told) == [
        ("EUR", Decimal("1.0712"), "A bank"),
        ("EUR", Decimal("1.09"), "=A bank"),
        ("JPY", Decimal("0.0067"), "A bank"),
    ]
    editor.post(f"/undo/{Entry.objects.first().sequence}/")
    assert ExchangeRate.objects.count() == 2
    assert ExchangeRate.objects.get(currency="JPY").rate == Decimal("0.0066")


def test_all_that_is_wrong_with_a_list_is_told_at_once_by_row(editor):
    wrong = """currency,on,rate,source
EUR,2026-02-27,1.0712,A bank
EUX,2026-02-27,1.1,A bank
EUR,27/02/2026,1.1,A bank
EUR,2026-03-01,"1,07",A bank
EUR,2026-03-02,1.1,
USD,2026-03-02,1,A bank
EUR,2026-02-27,1.08,A bank
EUR,2027-02-27,٣,A bank
"""

    answer = fill(editor, "/rates/import/", text=wrong)

    told = [(one.row, one.column, one.message) for one in answer.context["form"].wrong]
    assert answer.status_code == 400
    assert told == [
        (3, "currency", "“EUX” is no currency of ISO 4217. Write a code such as EUR."),
        (4, "on", "This is no date. Write it as 2022-09-22."),
        (5, "rate", "“1,07” is no number. Write it as 1,250.50."),
        (6, "source", "Say who gives this rate."),
        (7, "currency", "The rate of a dollar is 1; leave it away."),
        (8, "on", "Row 2 has this currency and day already."),
        (9, "on", "This day has not come yet; a fact is not planned."),
        (9, "rate", "“٣” is no number. Write it as 1,250.50."),
    ]
    assert "27/02/2026" in answer.content.decode()
    assert not ExchangeRate.objects.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Choose a file, or paste its text below."),
        (b"\xff\xfe\x00", "This text is in UTF-16."),
        (b"PK\x03\x04abc", "This is a workbook or a zip file, not a CSV."),
        (b"currency,on,rate\nEUR,2026-02-27,1.1\n", "There is no column “source”."),
        (b"currency,on,rate,source,why\n", "Unknown column “why”."),
        (b"currency,on,rate,source\n", "The list has a header and no rows."),
        (
            b"currency,on,rate,source\n" + b"EUR,2026-02-27,1.1,B\n" * 501,
            "501 rates",
        ),
    ],
)
def test_a_file_that_is_no_list_of_rates_says_so(editor, content, sentence):
    form = form_in(editor.get("/rates/import/"))

    answer = editor.post(
        "/rates/import/",
        form | {"file": SimpleUploadedFile("rates.csv", content)},
    )

    assert answer.status_code == 400
    assert sentence in problems_in(answer)
    assert not ExchangeRate.objects.exists()


def test_a_list_whose_rates_moved_meanwhile_is_shown_anew(editor):
    shown = fill(editor, "/rates/import/", text=LIST)
    rate("JPY", "2026-02-27", "0.5")

    again = fill_on(editor, "/rates/import/", shown)

    assert again.status_code == 200
    assert "changed from 0.5" in again.content.decode()
    assert ExchangeRate.objects.count() == 1


def test_the_list_of_rates_costs_as_much_with_many_as_with_few(editor, queries):
    rate()
    few = queries(lambda: editor.get("/rates/"))
    for number in range(1, 9):
        rate("JPY", f"2026-01-0{number}")

    assert queries(lambda: editor.get("/rates/")) == few


def test_the_currencies_are_those_of_iso_4217():
    known = {"USD", "EUR", "JPY", "VND", "KHR", "LAK", "MMK", "SGD", "XDR"}

    assert known <= CURRENCIES
    assert CURRENCIES & {"XXX", "XTS", "XAU", "DEM", "HRK", "EUX"} == set()
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)


def test_the_latest_rate_is_never_one_of_a_later_day():
    rate(on="2026-03-02")

    assert money.latest_rate("EUR", make.day("2026-03-01")) is None
