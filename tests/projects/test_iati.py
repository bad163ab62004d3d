"""The files that partners read: valid by the standard, and nothing invented."""

import datetime as dt
import re
import uuid
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aseanpm.facts import Clock, ledger_entry
from projects import actions
from projects.exchange import iati
from projects.exchange.iati_losses import KINDS
from projects.models import (
    Benefit,
    LineReference,
    MoneyEntry,
    Placement,
    Project,
    ProjectOrganisation,
    Status,
    StatusChange,
)
from tests import make
from tests.projects.iati_rules import ACTIVITIES, LANG, ORGANISATIONS, broken

pytestmark = pytest.mark.django_db

SITE = "https://iai.example"


def file_of(projects=None, user=None, site=SITE):
    projects = Project.objects.as_of() if projects is None else projects
    return b"".join(iati.activities(projects.visible_to(user), user, site))


def activity_of(project, user=None):
    """The one activity of a project's file, valid and after the rules."""
    file = file_of(Project.objects.as_of().filter(pk=project.pk), user)
    objections(file)
    (activity,) = etree.fromstring(file).iterchildren("iati-activity")
    return activity


def objections(file):
    """Fail with what the schema or the rules of the standard have against a file."""
    ACTIVITIES.assertValid(etree.fromstring(file))
    assert broken(file) == []


def lost(project, user=None):
    """{kind: [what it says]} of the losses of a project."""
    ((_, losses),) = iati.losses([project.pk], Clock(), user)
    found: dict[str, list] = {}
    for loss in losses:
        found.setdefault(loss.kind, []).append(loss.says)
    return found


def share_out(project, parties, *, on="2022-01-10"):
    """Record who benefits: (country or grouping, its share or None)."""
    with ledger_entry(recorded_at=make.moment(on)) as entry:
        for place, (party, share) in enumerate(parties):
            stated = {"share": share, "share_basis": "stated"} if share else {}
            Benefit.objects.create(
                project=project,
                effective_on=make.day(on),
                day_order=place,
                **{party._meta.model_name: party},
                **stated,
                **entry.stamps,
            )


def recipients(activity):
    return [
        (each.get("code"), each.get("percentage"))
        for each in activity.xpath("recipient-country | recipient-region")
    ]


# Any database

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
DAYS = st.dates(dt.date(2021, 1, 1), dt.date(2023, 12, 31))
PRECISIONS = st.sampled_from(["day", "month", "year"])
AMOUNTS = st.none() | st.decimals(-500, 10**6, places=2)
SHARES = st.none() | st.sampled_from([Decimal(100), Decimal("33.33"), Decimal(50)])
AN_ENTRY = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(MoneyEntry.Kind.values),
        "amount": AMOUNTS,
        "currency": st.sampled_from(["USD", "EUR"]),
        "in_kind": st.booleans(),
        "is_private": st.booleans(),
        "is_counterpart": st.booleans(),
        "on": DAYS,
        "reversed": st.booleans(),
    }
)
A_PROJECT = st.fixed_dictionaries(
    {
        "title": TEXTS,
        "title_language": st.sampled_from(["en", "vi", "?!"]),
        "title_translations": st.dictionaries(
            st.sampled_from(["en", "vi", "km", "not one"]), TEXTS, max_size=2
        ),
        "description": TEXTS,
        "official_code": TEXTS,
        "is_illustrative": st.booleans(),
        "planned": st.tuples(
            st.none() | DAYS, PRECISIONS, st.none() | DAYS, PRECISIONS
        ),
        "attested_on": st.none() | DAYS,
        "life": st.lists(st.tuples(st.sampled_from(Status.values), DAYS), max_size=4),
        "place": st.sampled_from(["", "plan", "area", "line"]),
        "roles": st.sets(st.sampled_from(ProjectOrganisation.Role.values)),
        "funders": st.sets(st.sampled_from(["JP", "SG", "AU"])),
        "parties": st.dictionaries(
            st.sampled_from(["VN", "KH", "LA", "CLMV"]), SHARES, max_size=3
        ),
        "entries": st.lists(AN_ENTRY, max_size=4),
        "follows": st.booleans(),
    }
)


def last_day(day, precision):
    if precision == "year":
        return day.replace(month=12, day=31)
    if precision == "month":
        return (day.replace(day=28) + dt.timedelta(4)).replace(day=1) - dt.timedelta(1)
    return day


def record(drawn, line, former):
    """A project with whatever was drawn, also what no form would take."""
    start, start_precision, end, end_precision = drawn["planned"]
    start, end = (
        day and last_day(day, precision)
        for day, precision in ((start, start_precision), (end, end_precision))
    )
    if start and end and end < start:
        end = None
    made = make.project(
        status=None,
        plan=False,
        predecessor=former if drawn["follows"] else None,
        planned_start=start,
        planned_start_precision=start_precision,
        planned_end=end,
        planned_end_precision=end_precision,
        funders=sorted(drawn["funders"]),
        **{
            name: drawn[name]
            for name in (
                *("title", "title_language", "title_translations", "description"),
                *("is_illustrative", "attested_on"),
            )
        },
        official_code=drawn["official_code"],
    )
    with ledger_entry(recorded_at=make.moment("2023-12-31")) as entry:
        of = {"project": made, **entry.stamps}
        for place, (status, day) in enumerate(drawn["life"]):
            StatusChange.objects.create(
                status=status, effective_on=day, day_order=place, **of
            )
        if drawn["place"]:
            Placement.objects.create(
                plan=line.plan,
                area=line.area if drawn["place"] != "plan" else None,
                line=line if drawn["place"] == "line" else None,
                **of,
            )
            LineReference.objects.create(line=line, **of)
        for place, one in enumerate(drawn["entries"]):
            enter(made, one, place, entry)
    share_out(
        made,
        [
            (make.grouping(code) if code == "CLMV" else make.country(code), share)
            for code, share in drawn["parties"].items()
        ],
    )
    for role in sorted(drawn["roles"]):
        ProjectOrganisation.objects.create(
            project=made, organisation=make.organisation(), role=role
        )
    actions.refresh_copies(Project.objects.filter(pk=made.pk))
    return made


def enter(project, drawn, place, entry):
    is_budget = drawn["kind"] == "approved"
    values = {
        "project": project,
        "kind": drawn["kind"],
        "partner": None if is_budget else make.partner("JP"),
        "amount": drawn["amount"],
        "currency": drawn["currency"],
        "in_kind": drawn["in_kind"],
        "is_private": drawn["is_private"] and not is_budget,
        "is_counterpart": drawn["is_counterpart"] and not is_budget,
        "effective_on": drawn["on"],
        **entry.stamps,
    }
    made = MoneyEntry.objects.create(day_order=2 * place, **values)
    if drawn["reversed"]:
        values["amount"] = None if made.amount is None else -made.amount
        MoneyEntry.objects.create(day_order=2 * place + 1, reverses=made, **values)


@given(st.lists(A_PROJECT, min_size=1, max_size=3), st.booleans())
def test_a_file_is_valid_whatever_is_on_record(drawn, by_staff):
    with transaction.atomic():
        line = make.line(area=make.area())
        former = None
        for one in drawn:
            former = record(one, line, former)
        user = make.user("editor") if by_staff else None

        file = file_of(user=user)

        objections(file)
        assert len(etree.fromstring(file).findall("iati-activity")) == len(drawn)
        transaction.set_rollback(True)


@given(st.dictionaries(st.sampled_from(["VN", "KH", "LA", "CLMV"]), SHARES))
def test_no_share_is_told_that_nobody_stated(parties):
    with transaction.atomic():
        project = make.project()
        rows = [
            (make.grouping(code) if code == "CLMV" else make.country(code), share)
            for code, share in parties.items()
        ]
        share_out(project, rows)

        told = dict(recipients(activity_of(project)))

        told.pop("NOT-STATED", None)
        for code, percentage in told.items():
            if percentage is not None:
                assert Decimal(percentage) == parties[code]
        transaction.set_rollback(True)


# One activity


def test_an_activity_tells_what_is_on_record():
    plan = make.plan()
    area = make.area(
        plan=plan,
        code="IAI-IV-FA",
        title="Food",
        title_translations={"vi": "Lương thực"},
    )
    line = make.line(plan=plan, area=area, code="IAI-IV-07", title="Rice mills")
    project = make.project(
        code="P-22222",
        title="Rice",
        title_translations={"vi": "Gạo", "km": "អង្ករ"},
        description="Mills for villages.",
        official_code="IAI/22/1",
        status=None,
        line=line,
        area=area,
        funders=["SG"],
        countries=["VN"],
        planned_start=make.day("2022-02-01"),
        planned_end=make.day("2022-12-31"),
        budget="1250.50",
    )
    with ledger_entry(recorded_at=make.moment("2022-09-01")) as entry:
        for status, day in (("approved", "2022-01-10"), ("ongoing", "2022-03-01")):
            StatusChange.objects.create(
                project=project,
                status=status,
                effective_on=make.day(day),
                **entry.stamps,
            )
    actions.refresh_copies()
    ProjectOrganisation.objects.create(
        project=project, organisation=make.organisation(), role="implementing"
    )
    paid = make.money(project, "100", kind="disbursed", partner="SG", on="2022-04-01")

    activity = activity_of(project)

    def tell(path):
        return activity.xpath(path)

    assert tell("string(iati-identifier)") == "UNREGISTERED-ASEC-P-22222"
    assert tell("string(reporting-org/narrative)") == "ASEAN Secretariat"
    assert tell("string(reporting-org/@secondary-reporter)") == "1"
    assert [(one.get(LANG), one.text) for one in tell("title/narrative")] == [
        (None, "Rice"),
        ("km", "អង្ករ"),
        ("vi", "Gạo"),
    ]
    assert activity.get(LANG) == "en"
    assert tell("string(description[@type=1]/narrative)") == "Mills for villages."
    assert tell("string(other-identifier[@type='A1']/@ref)") == "IAI/22/1"
    assert [
        (one.get("role"), one.get("type"), one.findtext("narrative"))
        for one in tell("participating-org")
    ] == [("1", "10", "Partner SG"), ("4", None, "Organisation ASEC")]
    assert tell("string(activity-status/@code)") == "2"
    assert [
        (one.get("type"), one.get("iso-date")) for one in tell("activity-date")
    ] == [("1", "2022-02-01"), ("3", "2022-12-31"), ("2", "2022-03-01")]
    assert recipients(activity) == [("VN", None)]
    assert [
        (one.get("vocabulary"), one.get("code"), one.xpath("narrative/text()"))
        for one in tell("sector")
    ] == [
        ("99", "IAI-IV-FA", ["Food", "Lương thực"]),
        ("98", "IAI-IV-07", ["Rice mills"]),
    ]
    assert set(tell("sector/@vocabulary-uri")) == {f"{SITE}/iati/#vocabularies"}
    assert tell("budget/period-start/@iso-date") == ["2022-02-01"]
    assert tell("budget/period-end/@iso-date") == ["2022-12-31"]
    assert tell("budget/value/text()") == ["1250.50"]
    (transaction_,) = tell("transaction")
    assert transaction_.get("ref") == str(paid.uuid)
    assert transaction_.xpath("transaction-type/@code") == ["3"]
    assert transaction_.xpath("transaction-date/@iso-date") == ["2022-04-01"]
    assert transaction_.xpath("value/text()") == ["100.00"]
    assert transaction_.xpath("value/@currency") == ["USD"]
    assert transaction_.xpath("provider-org/narrative/text()") == ["Partner SG"]
    assert activity.get("last-updated-datetime") == "2022-01-10T16:59:59+00:00"
    assert lost(project) == {}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("concept", "1"),
        ("appraisal", "1"),
        ("approved", "1"),
        ("ongoing", "2"),
        ("on_hold", "6"),
        ("completed", "4"),
        ("cancelled", "5"),
        ("carried_over", "4"),
        (None, "1"),
    ],
)
def test_a_status_is_told_by_the_closest_code(status, code):
    project = make.project(status=status)

    assert activity_of(project).xpath("activity-status/@code") == [code]
    exact = {"ongoing", "on_hold", "completed", "cancelled"}
    assert ("status" in lost(project)) == (status not in exact)


def test_the_kinds_of_money_are_told_as_what_their_givers_do():
    project = make.project(funders=["JP"])
    for kind in ("pledged", "committed", "disbursed", "spent"):
        make.money(project, "10", kind=kind, partner="JP")

    activity = activity_of(project)

    told = activity.xpath("transaction/transaction-type/@code")
    assert told == ["12", "2", "3", "4"]


def test_a_reversal_is_a_negative_transaction():
    project = make.project(funders=["JP"])
    entry = make.money(project, "70", kind="committed", partner="JP")
    make.money(project, "-70", kind="committed", partner="JP", reverses=entry)

    activity = activity_of(project)

    assert activity.xpath("transaction/value/text()") == ["70.00", "-70.00"]


def test_what_is_in_kind_and_what_is_a_counterpart_says_so():
    project = make.project(funders=["JP"])
    make.money(project, "70", kind="committed", partner="JP", in_kind=True)
    make.money(project, "7", kind="committed", partner="SG", is_counterpart=True)

    activity = activity_of(project)

    assert activity.xpath("transaction/description/narrative/text()") == [
        "In kind, as it was valued.",
        "A counterpart: a beneficiary’s own input.",
    ]
    assert {"in_kind", "counterpart"} <= lost(project).keys()


def test_a_private_amount_is_told_to_nobody_who_may_not_see_it():
    project = make.project(funders=["JP"])
    make.money(project, "70", kind="committed", partner="JP", is_private=True)
    readers = [
        None,
        make.user("coordinator", country="VN"),
        make.user("partner", partner="AU"),
    ]

    for reader in readers:
        activity = activity_of(project, reader)
        assert activity.xpath("transaction") == []
        assert "70.00" not in etree.tostring(activity, encoding="unicode")
        assert lost(project, reader)["amount"] == [
            "Committed by Partner JP, 2022-01-10: the amount is not known, so not told."
        ]
    for reader in (make.user("editor"), make.user("partner", partner="JP")):
        activity = activity_of(project, reader)
        assert activity.xpath("transaction/value/text()") == ["70.00"]


def test_a_file_of_more_than_the_public_sees_says_so():
    make.project()

    assert b"holds what is not public" not in file_of()
    assert b"holds what is not public" not in file_of(user=make.user("reader"))
    assert b"holds what is not public" in file_of(user=make.user("editor"))


def test_only_what_the_reader_sees_is_in_the_file_or_named_by_it():
    hidden = make.project(code="P-HIDDN", is_published=False)
    make.project(code="P-SHOWN", predecessor=hidden)

    file = file_of()

    objections(file)
    assert b"P-SHOWN" in file
    assert b"P-HIDDN" not in file


def test_a_successor_is_a_sibling():
    former = make.project(status="carried_over", code="P-FIRST")
    project = make.project(predecessor=former, code="P-SECND")

    assert [
        activity_of(one).xpath("related-activity[@type='3']/@ref")
        for one in (former, project)
    ] == [["UNREGISTERED-ASEC-P-SECND"], ["UNREGISTERED-ASEC-P-FIRST"]]
    assert lost(former)["succession"] == [
        "It goes on as P-SECND; the standard only knows them as siblings."
    ]


def test_an_illustrative_project_cannot_be_taken_for_a_real_one():
    project = make.project(
        title="Rice", title_translations={"vi": "Gạo"}, is_illustrative=True
    )

    activity = activity_of(project)

    assert activity.xpath("title/narrative/text()") == [
        "[Illustrative, no real project] Rice",
        "[Illustrative, no real project] Gạo",
    ]
    assert "no word about any real project" in activity.findtext(
        "description/narrative"
    )
    assert activity.get("{urn:aseanpm:iati}illustrative") == "true"


def test_a_coarse_date_is_told_with_words_and_stands_in_the_losses():
    project = make.project(
        planned_start=make.day("2022-03-31"),
        planned_start_precision="month",
        planned_end=make.day("2024-12-31"),
        planned_end_precision="year",
    )

    activity = activity_of(project)

    assert [
        (one.get("type"), one.get("iso-date"), one.findtext("narrative"))
        for one in activity.iterchildren("activity-date")
    ] == [
        ("1", "2022-03-01", "2022-03; the day is not known."),
        ("3", "2024-12-31", "2024; the day is not known."),
    ]
    assert lost(project)["dates"] == [
        "The planned start is 2022-03; the file says 2022-03-01, and that the day is"
        " not known.",
        "The planned end is 2024; the file says 2024-12-31, and that the day is not"
        " known.",
    ]


def test_a_start_that_nobody_knows_says_what_its_day_is():
    project = make.project(status="appraisal", on="2022-01-10")

    (date,) = activity_of(project).iterchildren("activity-date")

    assert (date.get("type"), date.get("iso-date")) == ("1", "2022-01-10")
    assert date.findtext("narrative") == (
        "No start is on record. The standard asks for one: 2022-01-10 is the first day"
        " it is “Appraisal”."
    )
    assert "start" in lost(project)


def test_a_project_first_found_under_way_started_on_no_known_day():
    planned = {"planned_start": make.day("2021-05-01")}
    project = make.project(status=None, **planned)
    with ledger_entry(recorded_at=make.moment("2022-09-01")) as entry:
        StatusChange.objects.create(
            project=project,
            status="ongoing",
            effective_on=make.day("2022-03-01"),
            **entry.stamps,
        )
    actions.refresh_copies()

    activity = activity_of(project)

    assert activity.xpath("activity-date/@type") == ["1"]
    assert lost(project)["start"] == [
        "It was under way by 2022-03-01; on which day it started is not known."
    ]


# Who benefits


@pytest.mark.parametrize(
    ("parties", "told"),
    [
        ({"VN": None}, [("VN", None)]),
        ({"VN": "60", "KH": "40"}, [("KH", "40"), ("VN", "60")]),
        ({"VN": "60", "CLMV": "40"}, [("VN", "60"), ("CLMV", "40")]),
        ({"VN": "33.3"}, [("VN", "33.3"), ("NOT-STATED", "66.7")]),
        ({"VN": None, "KH": None}, [("KH+VN", None)]),
        ({"VN": "60", "KH": None}, [("KH+VN", None)]),
        ({"VN": "60", "KH": "50"}, [("KH+VN", None)]),
        ({"CLMV": None}, [("CLMV", None)]),
        ({}, []),
    ],
)
def test_recipients_share_one_hundred_per_cent_or_stand_together(parties, told):
    project = make.project()
    share_out(
        project,
        [
            (
                make.grouping(code) if code == "CLMV" else make.country(code),
                share and Decimal(share),
            )
            for code, share in parties.items()
        ],
    )

    activity = activity_of(project)

    assert recipients(activity) == told
    places = activity.xpath("location/location-id[@vocabulary='A4']/@code")
    assert places == (["KH", "VN"] if told == [("KH+VN", None)] else [])


def test_a_share_that_cannot_be_told_stands_in_the_losses():
    project = make.project()
    share_out(project, [(make.country("VN"), Decimal(60)), (make.country("KH"), None)])

    assert lost(project)["shares"] == [
        "The file tells Country KH and Country VN together; their shares are not known."
        " Lost are the shares stated: VN 60%."
    ]


# Money that needs a period


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "the exact days on which it begins and ends."),
        (
            {"planned_start": "2022-01-01", "planned_end": "2023-01-01"},
            "a period of at most a year.",
        ),
        (
            {
                "planned_start": "2022-01-01",
                "planned_end": "2022-06-30",
                "planned_end_precision": "month",
            },
            "the exact days on which it begins and ends.",
        ),
    ],
)
def test_a_budget_without_a_period_of_the_standard_is_told_in_words(fields, why):
    days = {name: make.day(v) if v[:2] == "20" else v for name, v in fields.items()}
    project = make.project(budget="1250.50", **days)

    activity = activity_of(project)

    assert activity.find("budget") is None
    assert activity.xpath("string(description[@type=4]/narrative)") == (
        "Approved budget: USD 1,250.50."
    )
    (says,) = lost(project)["period"]
    assert says.endswith(why)


# The whole


def test_files_take_as_many_queries_for_many_projects(queries):
    def add(count):
        for _ in range(count):
            project = make.project(
                line=line,
                funders=["JP"],
                countries=["VN"],
                groupings=["CLMV"],
                budget="1",
            )
            make.money(project, "7", kind="committed", partner="JP", fund=make.fund())
            ProjectOrganisation.objects.create(
                project=project, organisation=make.organisation(), role="proponent"
            )
            project.themes.add(make.theme())

    line = make.line(area=make.area())
    make.project(predecessor=make.project(status="carried_over"))
    add(1)
    few = queries(file_of)
    add(27)

    assert queries(file_of) == few <= 20


def test_a_long_file_holds_every_project_once(monkeypatch):
    monkeypatch.setattr(iati, "BATCH", 2)
    codes = {make.project().code for _ in range(5)}

    file = file_of()

    objections(file)
    told = etree.fromstring(file).xpath("iati-activity/iati-identifier/text()")
    assert sorted(told) == sorted(f"UNREGISTERED-ASEC-{code}" for code in codes)


def test_a_reader_who_goes_away_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(iati, "BATCH", 1)
    make.project()
    make.project()
    file = iati.activities(Project.objects.as_of(), None)

    next(file)

    file.close()


def test_the_file_is_of_its_clock():
    project = make.project(status="appraisal", on="2022-01-10")
    with ledger_entry(recorded_at=make.moment("2022-09-01")) as entry:
        StatusChange.objects.create(
            project=project,
            status="ongoing",
            effective_on=make.day("2022-09-01"),
            **entry.stamps,
        )
    make.project(on="2023-01-01")
    make.money(project, "5", kind="committed", partner="JP", on="2022-10-01")
    actions.refresh_copies()

    file = file_of(Project.objects.as_of(make.day("2022-08-01")))

    objections(file)
    (activity,) = etree.fromstring(file).iterchildren("iati-activity")
    assert activity.findtext("iati-identifier").endswith(project.code)
    assert activity.xpath("transaction") == []
    assert activity.xpath("activity-status/@code") == ["1"]
    assert activity.xpath("activity-date/@type") == ["1"]


# By the API


def test_a_project_is_one_activity_in_the_api(api):
    project = make.project(code="P-22222")

    answer = api().get("/api/v1/projects/P-22222/iati/", HTTP_ACCEPT="application/xml")

    file = b"".join(answer)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml")
    objections(file)
    assert b"http://testserver/iati/#vocabularies" in file
    assert file == file_of(Project.objects.as_of(), site="http://testserver")
    assert project.title.encode() in file


def test_a_filtered_list_comes_as_one_file_from_api_and_command(api, tmp_path):
    first, second = make.project(funders=["JP"]), make.project(funders=["JP"])
    make.project(funders=["SG"])
    target = tmp_path / "japan.xml"

    answer = api().get("/api/v1/projects/?partner=JP&format=iati")
    refused = api().get("/api/v1/projects/?format=iati&fields=code")
    call_command(
        *("export", "projects", "partner=JP"), format="iati", output=str(target)
    )

    assert answer["Content-Type"] == "application/xml"
    for file in (b"".join(answer.streaming_content), target.read_bytes()):
        objections(file)
        codes = etree.fromstring(file).findall(".//iati-identifier")
        assert [one.text.partition("ASEC-")[2] for one in codes] == [
            first.code,
            second.code,
        ]
    assert [error["field"] for error in refused.json()["errors"]] == ["fields"]


def test_what_a_reader_may_not_see_has_no_activity(api):
    make.project(code="P-22222", is_published=False)

    for where in ("/api/v1/projects/P-22222/iati/", "/api/v1/projects/P-33333/iati/"):
        answer = api().get(where, HTTP_ACCEPT="application/xml")
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == 404


def test_an_unknown_parameter_is_named(api):
    make.project(code="P-22222")

    answer = api().get("/api/v1/projects/P-22222/iati/?indent=1")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "indent"


def test_the_organisation_file_is_valid_and_says_that_its_identifier_is_none(api):
    answer = api().get("/api/v1/iati/organisations/")

    ORGANISATIONS.assertValid(etree.fromstring(answer.content))
    assert answer["Content-Type"] == "application/xml"
    assert b"<organisation-identifier>UNREGISTERED-ASEC</" in answer.content
    assert b"is a placeholder" in answer.content


def test_the_organisation_file_takes_no_clock(api):
    answer = api().get("/api/v1/iati/organisations/?as_of=2022-01-01")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "as_of"


def test_a_registered_identifier_stands_in_both_files(api, settings):
    settings.ASEANPM_IATI_ORGANISATION = "XX-EXAMPLE-1"
    make.project(code="P-22222")

    organisation = api().get("/api/v1/iati/organisations/").content

    ORGANISATIONS.assertValid(etree.fromstring(organisation))
    assert b"<organisation-identifier>XX-EXAMPLE-1</" in organisation
    assert b"placeholder" not in organisation
    assert b"<iati-identifier>XX-EXAMPLE-1-P-22222</" in file_of()


def test_losses_are_listed_by_project_with_the_filters_of_the_list(api):
    make.project(code="P-22222", status="approved", countries=["VN"])
    make.project(code="P-33333", status="ongoing", countries=["KH"])

    rows = api().get("/api/v1/iati/losses/", {"country": "VN"}).json()["results"]

    assert [row["code"] for row in rows] == ["P-22222"]
    assert rows[0]["losses"][-1] == {
        "kind": "budget",
        "says": "No approved budget is on record.",
        "address": "/projects/P-22222/#money",
    }


def test_losses_are_paged_without_skipping(api):
    codes = sorted(make.project().code for _ in range(5))
    first = api().get("/api/v1/iati/losses/?limit=3&count=1").json()

    second = api().get(first["next"]).json()

    assert first["count"] == 5
    told = [row["code"] for page in (first, second) for row in page["results"]]
    assert told == codes


# On the pages


def every_loss():
    """A project that loses of every kind."""
    fund = make.fund()
    former = make.project(status="carried_over")
    project = make.project(
        code="P-22222",
        title="",
        title_translations={"no language": "X"},
        status="approved",
        plan=False,
        predecessor=former,
        planned_end=make.day("2024-12-31"),
        planned_end_precision="year",
    )
    one = make.project(code="P-33333", budget="10", funders=["JP"])
    actions_ = ledger_entry(recorded_at=make.moment("2022-01-11"))
    with actions_ as entry:
        one.fundings.create(
            partner=make.partner("JP"),
            fund=fund,
            effective_on=make.day("2022-01-11"),
            **entry.stamps,
        )
    share_out(one, [(make.country("VN"), None), (make.country("KH"), None)])
    ProjectOrganisation.objects.create(
        project=one, organisation=make.organisation(), role="proponent"
    )
    make.money(one, None, kind="committed", partner="JP")
    make.money(one, "5", kind="committed", partner="JP", in_kind=True)
    make.money(one, "5", kind="committed", partner="SG", is_counterpart=True)
    return [former, project, one]


@pytest.mark.parametrize("role", [None, "coordinator", "editor"])
def test_every_loss_leads_to_where_its_field_stands(sign_in, role):
    user = role and make.user(role, **({"country": "VN"} if role != "editor" else {}))
    every_loss()
    client = sign_in(user or None)

    rows = client.get("/api/v1/iati/losses/").json()["results"]

    losses = [loss for row in rows for loss in row["losses"]]
    assert {loss["kind"] for loss in losses} == set(KINDS)
    anchors: dict[str, set] = {}
    for loss in losses:
        page, _, anchor = loss["address"].partition("#")
        anchors.setdefault(page, set()).add(anchor)
    for address, held in anchors.items():
        page = client.get(address)
        assert page.status_code == 200, address
        assert held <= set(re.findall(r'id="([^"]+)"', page.content.decode())), address


def test_the_preview_shows_the_file_and_what_it_loses(client, api):
    make.project(code="P-22222", title="Rice & <mills>", countries=["VN"])
    file = b"".join(api().get("/api/v1/projects/P-22222/iati/")).decode()

    page = client.get("/projects/P-22222/iati/")

    assert page.context["file"] == file
    assert "&amp;lt;mills&amp;gt;" in page.content.decode()
    assert 'data-loss="budget"' in page.content.decode()
    assert '/projects/P-22222/#money"' in page.content.decode()
    assert (
        "/projects/P-22222/iati/" in client.get("/projects/P-22222/").content.decode()
    )


def test_the_page_of_losses_counts_projects_by_kind(client):
    make.project(budget="5", countries=["VN"])
    make.project(countries=["VN"])
    make.project(countries=["KH"])

    page = client.get("/iati/?country=VN").content.decode()

    assert 'data-total="2"' in page
    assert 'data-kind="budget">No approved budget: 1<' in page
    assert 'data-kind="status">Status: 2<' in page
    assert "UNREGISTERED-ASEC" in page


def test_kinds_are_not_counted_where_that_would_take_long(client, monkeypatch):
    monkeypatch.setattr("projects.iati_views.COUNTED_AT_MOST", 1)
    make.project()
    make.project()

    page = client.get("/iati/").content.decode()

    assert "Kinds are counted for at most 1 projects" in page
    assert "data-kind" not in page


# The rules themselves


GOOD = f"""<iati-activities version="2.03"><iati-activity
 xml:lang="en" default-currency="USD" last-updated-datetime="2022-01-01T00:00:00Z">
<iati-identifier>A-1</iati-identifier><reporting-org ref="A" type="40"/>
<participating-org role="1"><narrative>B</narrative></participating-org>
<activity-status code="1"/><activity-date type="1" iso-date="2022-01-01"/>
<activity-date type="3" iso-date="2022-02-01"/>
<recipient-country code="VN" percentage="60"/>
<recipient-region code="X" vocabulary="99" percentage="40"/>
<sector vocabulary="99" code="S"><narrative>S</narrative></sector>
<budget><period-start iso-date="2022-01-01"/><period-end iso-date="2022-12-31"/>
<value value-date="2022-01-01">1</value></budget>
<transaction ref="{uuid.UUID(int=1)}"><transaction-date iso-date="2022-01-01"/>
<value value-date="2022-01-01">1</value></transaction>
<related-activity ref="A-2" type="3"/></iati-activity></iati-activities>"""


def test_the_rules_accept_what_is_right():
    assert broken(GOOD) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (">A-1<", ">B-1<"),
        ('ref="A" type', 'ref="A/B" type'),
        ("<narrative>B</narrative>", ""),
        ('type="1" iso-date', 'type="3" iso-date'),
        ('type="1" iso-date="2022', 'type="1" iso-date="2023'),
        ('type="1" iso-date="2022', 'type="2" iso-date="2999'),
        ('datetime="2022', 'datetime="2999'),
        ('percentage="60"', 'percentage="61"'),
        ('percentage="60"', ""),
        ('<sector vocabulary="99" code="S"><narrative>S</narrative></sector>', ""),
        ('code="S"><narrative>S</narrative></sector>', 'code="S"/>'),
        ("<transaction-date", '<sector code="S"/><transaction-date'),
        ('period-end iso-date="2022-12-31"', 'period-end iso-date="2023-01-02"'),
        ('period-end iso-date="2022-12-31"', 'period-end iso-date="2021-12-31"'),
        (' default-currency="USD"', ""),
        ('transaction-date iso-date="2022', 'transaction-date iso-date="2999'),
        ('status code="1"', 'status code="7"'),
        ('ref="A-2"', 'ref="A-1"'),
        ('xml:lang="en"', ""),
        ("<narrative>S<", "<narrative> <"),
    ],
)
def test_the_rules_find_what_is_wrong(right, wrong):
    assert right in GOOD

    assert broken(GOOD.replace(right, wrong, 1)) != []
