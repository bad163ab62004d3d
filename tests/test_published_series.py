"""The published series through the API and the pages, on both clocks."""

import pytest

from tests.published_series import TABLE
from tests.reading import page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]


def clocks(day):
    return {"now": {"as_of": day}, "then": {"as_of": day, "known_at": day}}


def told_by_api(answer):
    """The API's answer in the words of the table."""
    funding = answer["funding"]
    outside = funding["groups"]["any_outside_asean"]
    combinations = {
        "+".join(each["partners"]): each["projects"] for each in funding["combinations"]
    }
    begun = [area["code"] for area in answer["areas"] if area["implemented"]]
    return {
        "lines": answer["lines"]["implemented"],
        "enabling": answer["enabling_actions"]["implemented"],
        "areas": len(begun),
        "in preparation": answer["lines"]["in_preparation"],
        "projects": answer["projects"]["counted"],
        "pipeline": answer["projects"]["pipeline"],
        "carried over": answer["projects"]["carried_over"],
        "approved": answer["money"]["approved_usd"],
        "money from": answer["money"]["complete"],
        "inside": funding["groups"]["asean_only"]["projects"],
        "outside": outside["projects"],
        "outside approved": outside["approved_usd"],
        "outside committed": outside["committed_usd"],
        "SG": combinations.get("SG", 0),
        "JP": combinations.get("JP", 0),
        "combinations": combinations,
    }


@pytest.mark.parametrize("known", ["now", "then"])
@pytest.mark.parametrize(("plan", "day"), TABLE)
def test_the_api_tells_the_published_series(api, plan, day, known):
    clock = clocks(day)[known]

    answer = api().get(f"/api/v1/plans/{plan}/progress/", clock).json()

    told = told_by_api(answer)
    expected = {
        name: value
        for name, value in TABLE[plan, day].items()
        if name not in NOT_IN_THE_ANSWER
    }
    assert {name: told[name] for name in expected} == expected


# Told by areas/ and projects/ of the API, and by the pages.
NOT_IN_THE_ANSWER = {"preparing areas", "JP committed"}


# Told by the plan's page itself, in words.
NOT_ON_A_LIST = {"areas", "money from", "preparing areas", "SG", "JP"}
# How a figure of the table is opened: the list, and its filters.
LISTS = {
    "lines": ("/lines/", {"state": "implemented"}),
    "in preparation": ("/lines/", {"state": "in_preparation"}),
    "enabling": ("/lines/", {"kind": "enabling_action", "state": "implemented"}),
    "projects": ("/projects/", {"stage": "counted"}),
    "pipeline": ("/projects/", {"stage": "pipeline"}),
    "carried over": ("/projects/", {"stage": "carried_over"}),
    "inside": ("/projects/", {"stage": "counted", "group": "asean_only"}),
    "outside": ("/projects/", {"stage": "counted", "group": "any_outside_asean"}),
}
SUMS = {
    "approved": {},
    "outside approved": {"group": "any_outside_asean"},
    "outside committed": {"group": "any_outside_asean", "money": "committed"},
    "JP committed": {"partner": "JP", "money": "committed", "money_of": "JP"},
}


@pytest.mark.parametrize("known", ["now", "then"])
@pytest.mark.parametrize(("plan", "day"), TABLE)
def test_the_pages_tell_the_published_series(client, plan, day, known):
    clock = clocks(day)[known]
    expected = TABLE[plan, day]
    told = {}

    def opened(address, **filters):
        query = {"plan": plan, **filters, **clock}
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return page_of(client, f"{address}?{text}")

    kind = "initiative" if plan == "MPAC-2025" else "action_line"
    for name in expected.keys() & LISTS:
        address, filters = LISTS[name]
        of_kind = {"kind": kind} if address == "/lines/" else {}
        told[name] = opened(address, **(of_kind | filters)).total
    for name in expected.keys() & SUMS:
        told[name] = f"{opened('/projects/', stage='counted', **SUMS[name]).sum:.2f}"
    if "combinations" in expected:
        told["combinations"] = {
            codes: opened(
                "/projects/", stage="counted", combination=codes or "none"
            ).total
            for codes in expected["combinations"]
        }

    plan_page = page_of(
        client,
        f"/plans/{plan}/?"
        + "&".join(f"{name}={value}" for name, value in clock.items()),
    )
    shown = {number for _, number in plan_page.figures}
    assert told == {
        name: value for name, value in expected.items() if name not in NOT_ON_A_LIST
    }
    assert {
        str(expected[name]) for name in ("lines", "projects") if name in expected
    } <= shown
    assert "approved" not in expected or expected["approved"] in shown
