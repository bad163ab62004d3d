"""Fields that take what people type."""

import datetime as dt

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from aseanpm.forms import (
    DayField,
    RoughDateField,
    Row,
    RowsField,
    TidyMixin,
    tidy_text,
)
from partners.merge_views import MergeForm
from partners.models import Partner
from projects.rate_forms import RateForm


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Rice ", "Rice"),
        ("Lu\u0301a", "L\u00faa"),
        ("Rice\u200bchains\ufeff", "Ricechains"),
        ("ភាសា\u200bខ្មែរ", "ភាសា\u200bខ្មែរ"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
    ],
)
def test_text_is_kept_tidy(typed, kept):
    assert tidy_text(typed) == kept


@pytest.mark.parametrize("sign", ["\x07", "\u202e", "\u200f", "\x85"])
def test_signs_that_cannot_be_seen_are_refused(sign):
    with pytest.raises(ValidationError, match="cannot be seen"):
        tidy_text(f"Rice{sign}chains")


@pytest.mark.parametrize(
    ("typed", "day", "precision"),
    [
        ("2026-03-31", dt.date(2026, 3, 31), "day"),
        ("31 March 2026", dt.date(2026, 3, 31), "day"),
        ("2024-02", dt.date(2024, 2, 29), "month"),
        ("Feb 2024", dt.date(2024, 2, 29), "month"),
        ("2026", dt.date(2026, 12, 31), "year"),
        ("", None, "day"),
    ],
)
def test_a_date_is_read_as_exactly_as_it_is_known(typed, day, precision):
    assert RoughDateField(required=False).clean(typed) == (day, precision)


@pytest.mark.parametrize(
    "typed", ["31/03/2026", "2026-2-30", "26", "soon", "0001", "٢٠٢٢"]
)
def test_what_is_no_date_is_refused(typed):
    with pytest.raises(ValidationError, match=f"“{typed}” is no date"):
        RoughDateField().clean(typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2026-02-30", "There is no 30 February 2026: that month has 28 days."),
        ("2024-02-30", "There is no 30 February 2024: that month has 29 days."),
        ("2026-04-00", "There is no 0 April 2026: that month has 30 days."),
        ("2026-13-01", "There is no month 13; a year has 12."),
    ],
)
def test_a_day_that_no_calendar_holds_is_told_why(typed, said):
    for field in (RoughDateField(), DayField()):
        with pytest.raises(ValidationError) as refused:
            field.clean(typed)
        assert refused.value.messages == [said]

    assert Tidy({"day": typed}).errors["day"] == [said]


@pytest.mark.django_db
def test_a_choice_that_is_open_says_so_in_a_word():
    class Chosen(TidyMixin, forms.ModelForm):
        class Meta:
            model = Partner
            fields = ["kind", "country"]

    form = Chosen()

    assert "---" not in str(form)
    assert next(iter(form.fields["kind"].choices)) == ("", "Choose")
    assert form.fields["country"].empty_label == "None"


@pytest.mark.parametrize("typed", ["0001-01-01", "1899-12-31", "٢٠٢٢-09-22"])
def test_a_day_before_1900_or_in_other_digits_is_refused_by_its_name(typed):
    with pytest.raises(ValidationError, match=f"“{typed}”"):
        DayField().clean(typed)

    assert DayField().clean("1900-01-01") == dt.date(1900, 1, 1)


class Tidy(TidyMixin, forms.Form):
    title = forms.CharField(widget=forms.Textarea, required=False)
    name = forms.CharField(required=False)
    text = forms.CharField(widget=forms.Textarea, required=False)
    number = forms.IntegerField(required=False)
    day = forms.DateField(required=False)


@pytest.mark.parametrize("name", ["title", "name"])
def test_a_title_and_whatever_has_one_line_become_one_line(name):
    form = Tidy({name: "Rice \r\n for\t\u00a0mills ", "text": "one\r\n two"})

    assert form.is_valid()
    assert form.cleaned_data[name] == "Rice for mills"
    assert form.cleaned_data["text"] == "one\n two"


@pytest.mark.parametrize("typed", ["1_000", "٣", "+3", "3.0", "1e3"])
def test_a_whole_number_is_written_in_plain_digits(typed):
    form = Tidy({"number": typed})

    assert form.errors["number"]
    assert Tidy({"number": " -30 "}).is_valid()


@pytest.mark.parametrize("typed", ["0001-01-01", "٢٠٢٢-09-22"])
def test_every_date_of_a_form_is_one_that_people_know(typed):
    assert f"“{typed}”" in Tidy({"day": typed}).errors["day"][0]


@pytest.mark.django_db
def test_what_is_said_of_a_merge_and_of_a_rate_is_tidy():
    merge = MergeForm({"reason": "One\u202e embassy"}, Partner.objects.all())
    rate = RateForm({"source": "A\u202e bank"})

    assert "cannot be seen" in merge.errors["reason"][0]
    assert "cannot be seen" in rate.errors["source"][0]


def test_signs_that_are_taken_out_do_not_fill_what_is_needed():
    class Needed(TidyMixin, forms.Form):
        title = forms.CharField()

    assert Needed({"title": "\u200b"}).errors["title"] == ["This field is required."]


class PersonRow(Row):
    settled = ("role",)
    name = forms.CharField(max_length=5)
    role = forms.CharField(initial="chair", required=False)


class Sheet(forms.Form):
    people = RowsField(PersonRow)


def sheet(query):
    return Sheet(QueryDict(query))


def test_rows_may_have_gaps_and_blank_ones_are_no_rows():
    form = sheet("people-3-name=Dara&people-10-name=Lan&people-4-role=chair&people-x=1")

    assert form.is_valid()
    assert [row["name"] for row in form.cleaned_data["people"]] == ["Dara", "Lan"]


def test_a_wrong_row_is_named_with_the_input_that_is_wrong():
    form = sheet("people-0-name=Dara&people-1-name=Sovannara")

    assert not form.is_valid()
    assert form.errors["people"] == ["Look at row 2."]
    where, sentence = form["people"].problems[0]
    assert where == "id_people-1-name"
    assert sentence.startswith("People, row 2, Name: Ensure this value has at most 5")
    assert 'value="Sovannara"' in str(form["people"])


def test_a_blank_row_stands_ready_to_be_copied():
    html = str(Sheet()["people"])

    assert html.count('name="people-0-name"') == 1
    assert 'name="people-__n__-name"' in html
