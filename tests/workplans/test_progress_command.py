import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests import make
from tests.reading import without_addresses

pytestmark = pytest.mark.django_db


def told(*arguments):
    out = StringIO()
    call_command("progress", *arguments, stdout=out)
    return out.getvalue()


def test_it_tells_the_sentence_and_the_breakdown():
    make.project(line=make.line(), funders=["SG"], budget="250000", on="2022-09-01")
    make.project(status="concept", line=make.line(), on="2022-09-01")

    lines = told("IAI-IV").splitlines()

    assert lines[0] == "1/24 action lines implemented (4.2%)"
    assert "  in preparation 1" in lines
    assert "  not started 22" in lines
    assert "  enabling actions not known" in lines
    assert "Approved budget, USD 250000.00 from 1 of 1 projects" in lines
    assert "  SG: 1" in lines


def test_it_tells_a_day_in_the_past_as_it_was_known_then():
    line = make.line()
    make.project(status="appraisal", on="2021-06-01", plan=line.plan)
    make.project(line=line, on="2022-01-10", known="2022-06-01")

    assert told("IAI-IV", "--as-of", "2022-01-09").startswith("0/24")
    assert told("IAI-IV", "--as-of", "2022-01-10").startswith("1/24")
    assert told(
        "IAI-IV", "--as-of", "2022-01-10", "--known-at", "2022-05-31"
    ).startswith("0/24")


def test_it_tells_that_records_are_illustrative():
    make.project(is_illustrative=True)

    assert "1 of these projects are illustrative" in told("IAI-IV")


def test_as_json_it_is_the_answer_of_the_api(api):
    make.project(line=make.line(), funders=["SG"], budget="250000")

    answer = api().get("/api/v1/plans/IAI-IV/progress/?as_of=2022-09-22").json()

    printed = json.loads(told("IAI-IV", "--as-of", "2022-09-22", "--json"))
    assert answer.pop("permalink")
    assert printed == without_addresses(answer)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["IAI-IX"], "There is no work plan “IAI-IX”. Known: IAI-IV."),
        (["IAI-IV", "--as-of", "yesterday"], "--as-of: “yesterday” is not a date"),
        (["IAI-IV", "--as-of", "2999-01-01"], "--as-of: 2999-01-01 is after today"),
        (["IAI-IV", "--known-at", "noon"], "--known-at: “noon” is not a moment"),
    ],
)
def test_what_it_cannot_use_is_named(arguments, named):
    make.plan()

    with pytest.raises(CommandError, match=named):
        told(*arguments)
