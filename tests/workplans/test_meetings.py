"""A meeting as it is written down, and as visitors read it."""

import re
import uuid

import pytest
from django.core.exceptions import ValidationError

from aseanpm import writing
from aseanpm.editing import key_of
from aseanpm.facts import ledger_entry
from projects.actions import withdraw_project
from projects.models import Project
from tests import make
from workplans import actions
from workplans.meeting_forms import ConclusionsForm
from workplans.models import (
    AgendaItem,
    Attendance,
    Body,
    Conclusion,
    Meeting,
    PartnerStatement,
    Priority,
    PublishedFigure,
)

pytestmark = pytest.mark.django_db

NEW = "/meetings/new/"
MEETING = "/meetings/IAI-TF-80/"


@pytest.fixture
def editor(sign_in):
    return sign_in(make.user("editor"))


@pytest.fixture
def meeting():
    return make.meeting("IAI-TF-80", on="2024-03-15")


@pytest.fixture
def bodies():
    for code in ("IAI-TF", "ACCC", "IAI-NC"):
        Body.objects.create(code=code, name=f"Body {code}")


def new_meeting(**fields):
    return {"submission": uuid.uuid4().hex, "body": "IAI-TF"} | fields


def opened(client, path):
    """The hidden fields of a form and a new key."""
    html = client.get(path).content.decode()
    found = dict(re.findall(r'type="hidden" name="(version)" value="(\d+)"', html))
    return {"submission": uuid.uuid4().hex} | found


def rows(name, *values):
    """The rows of a form as they are sent."""
    always = {"title_language": "en"} if name in ("sessions", "priorities") else {}
    return {
        f"{name}-{number}-{field}": text
        for number, row in enumerate(values)
        for field, text in (always | row).items()
    }


# The meeting itself


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (
            {"number": "80", "held_from": "2024-03-14", "held_until": "2024-03-15"},
            "IAI-TF-80",
        ),
        ({"body": "ACCC", "held_from": "2020-02-18"}, "ACCC-2020-02-18"),
        ({"body": "ACCC", "held_from": "2021-08"}, "ACCC-2021-08"),
        (
            {"body": "IAI-NC", "country": "KH", "held_from": "2027-03-01"},
            "IAI-NC-KH-2027-03-01",
        ),
        ({"number": "80", "code": "iai-tf-80b"}, "IAI-TF-80B"),
    ],
)
def test_a_meeting_gets_its_code_from_body_and_number_or_date(
    editor, bodies, fields, code
):
    make.country("KH")

    answer = editor.post(NEW, new_meeting(**fields))

    assert (answer.status_code, answer.url) == (302, f"/meetings/{code}/")
    assert Meeting.objects.get().code == code


@pytest.mark.parametrize(
    ("first", "last", "stored"),
    [
        ("2024-03-14", "", ("2024-03-14", "2024-03-14", "day")),
        ("", "2024-03-15", ("2024-03-15", "2024-03-15", "day")),
        ("2024-02", "", ("None", "2024-02-29", "month")),
        ("", "2024", ("None", "2024-12-31", "year")),
        ("", "", ("None", "None", "day")),
    ],
)
def test_a_date_is_kept_as_exactly_as_it_is_known(editor, bodies, first, last, stored):
    editor.post(NEW, new_meeting(number="80", held_from=first, held_until=last))

    made = Meeting.objects.get()
    assert (str(made.held_from), str(made.held_until), made.precision) == stored


@pytest.mark.parametrize(
    ("fields", "place", "sentence"),
    [
        ({"body": ""}, "id_body", "This field is required."),
        ({"body": "NOBODY"}, "id_body", "Select a valid choice."),
        ({}, "id_number", "Give a number or a date, or write a code."),
        ({"number": "0"}, "id_number", "greater than or equal to 1"),
        ({"number": "79"}, "id_number", "IAI-TF-79 is the code of"),
        ({"number": "1", "code": "A B"}, "id_code", "cannot be a code"),
        ({"held_from": "2024-02-30"}, "id_held_from", "There is no 30 February"),
        (
            {"held_from": "2024-03-15", "held_until": "2024-03-14"},
            "id_held_until",
            "cannot end before",
        ),
        (
            {"held_from": "2024-03-15", "held_until": "2024-03"},
            "id_held_until",
            "equally exactly",
        ),
        ({"number": "1", "sources": "DOC9"}, "id_sources", "There is no source “DOC9”"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_written(
    editor, bodies, fields, place, sentence
):
    make.meeting("IAI-TF-79")

    page = editor.post(NEW, new_meeting(place="Vientiane", **fields))

    assert page.status_code == 400
    html = page.content.decode()
    assert any(
        place == where and sentence in said
        for where, said in page.context["form"].problems()
    )
    assert f'href="#{place}"' in html
    assert 'value="Vientiane"' in html
    assert Meeting.objects.count() == 1


def test_a_meeting_is_sent_twice_and_made_once(editor, bodies):
    data = new_meeting(number="80", first="2024-03-15")

    answers = [editor.post(NEW, data) for _ in range(2)]

    assert [(one.status_code, one.url) for one in answers] == [(302, MEETING)] * 2
    assert Meeting.objects.count() == 1


def test_who_was_there_is_written_with_the_meeting(editor, bodies):
    make.country("VN")
    make.partner("JP")
    came = rows(
        "attendances",
        {"who": "country:VN", "capacity": "member"},
        {"who": "partner:JP", "capacity": "observer"},
        {"who": "", "capacity": "member"},
    )

    editor.post(NEW, new_meeting(number="80", **came))

    listed = Attendance.objects.values_list(
        "country__code", "partner__code", "capacity"
    )
    assert set(listed) == {("VN", None, "member"), (None, "JP", "observer")}


def test_nobody_is_there_twice(editor, bodies):
    make.country("VN")
    row = {"who": "country:VN", "capacity": "member"}

    page = editor.post(NEW, new_meeting(number="80", **rows("attendances", row, row)))

    assert page.status_code == 400
    assert "“Country VN” stands here twice" in page.content.decode()
    assert not Meeting.objects.exists()


def test_rows_are_added_and_taken_out_without_a_script(editor, bodies):
    make.country("VN")
    row = {"who": "country:VN", "capacity": "observer"}
    data = new_meeting(**rows("attendances", row))

    more = editor.post(NEW, data | {"add": "attendances"})
    less = editor.post(NEW, data | {"remove": "attendances-0"})

    assert more.status_code == less.status_code == 200
    assert 'name="attendances-1-who"' in more.content.decode()
    assert 'value="country:VN" selected' in more.content.decode()
    assert 'value="country:VN" selected' not in less.content.decode()
    assert not Meeting.objects.exists()


def test_all_member_states_are_added_at_once_and_nothing_is_written(editor):
    make.country("KH", name="Cambodia"), make.country("VN", name="Viet Nam")
    make.country("TL", name="Timor-Leste"), make.country("CN", name="China")
    asean = make.grouping("ASEAN")
    for code, since in (
        ("KH", "1999-04-30"),
        ("VN", "1995-07-28"),
        ("TL", "2025-10-26"),
    ):
        asean.memberships.create(country=make.country(code), valid_from=make.day(since))
    report = {"who": "country:VN", "capacity": "reporting"}
    blank = {"who": "", "capacity": "member"}
    data = new_meeting(
        held_from="2024-03-14", held_until="", **rows("attendances", blank, report)
    )

    page = editor.post(NEW, data | {"add": "member-states"})

    assert page.status_code == 200
    there = page.context["form"]["attendances"].value()
    assert [(one["who"], one["capacity"]) for one in there] == [
        ("country:VN", "reporting"),
        ("country:KH", "member"),
    ]
    assert not Meeting.objects.exists()
    assert 'value="member-states" formaction="#id_attendances"' in page.content.decode()
    later = editor.post(NEW, data | {"held_until": "2025", "add": "member-states"})
    there = later.context["form"]["attendances"].value()
    assert [one["who"] for one in there] == ["country:VN", "country:KH", "country:TL"]


@pytest.mark.parametrize("on", ["2027-03-03", "2027-03"])
def test_a_meeting_of_one_day_or_month_stays_one_when_it_moves(editor, bodies, on):
    editor.post(NEW, new_meeting(number="80", held_from=on))
    path = f"{MEETING}edit/"
    shown = editor.get(path).context["form"].initial

    editor.post(path, opened(editor, path) | new_meeting(held_from="2026-11-22"))

    assert (shown["held_from"], shown["held_until"]) == (on, "")
    assert Meeting.objects.get().dates_shown == "2026-11-22"


def test_a_meeting_that_is_on_record_is_refused_once(editor, bodies, meeting):
    page = editor.post(NEW, new_meeting(number="80"))

    assert [sentence for _, sentence in page.context["form"].problems()] == [
        "Number: IAI-TF-80 is the code of “80th Body IAI-TF” already."
    ]


def test_a_national_consultation_names_its_country(editor):
    body = Body.objects.create(code="IAI-NATCONS", name="National Consultation")
    laos = make.country("LA", name="Lao PDR")
    called = [
        str(Meeting.objects.create(code=str(number), body=body, country=laos, **fields))
        for number, fields in enumerate(
            (
                {"held_until": make.day("2027-03-03")},
                {"name": "A talk"},
                {"name": "A talk in Lao PDR"},
            )
        )
    ]

    page = editor.get("/meetings/0/consultation/").content.decode()

    assert called == [
        "National Consultation, Lao PDR, 2027-03-03",
        "A talk, Lao PDR",
        "A talk in Lao PDR",
    ]
    assert "National Consultation, Lao PDR · 2027-03-03" in page


def test_a_body_named_like_another_is_refused(editor, bodies):
    new = "/reference/bodies/new/"
    sent = {"code": "COPY", "name": "body  iai-tf", "basis": "documented"}

    page = editor.post(new, opened(editor, new) | sent)

    assert page.status_code == 400
    assert "IAI-TF is called “Body IAI-TF” already." in page.content.decode()
    assert Body.objects.count() == 3


def test_the_code_stays_when_the_number_is_corrected(editor, meeting):
    path = f"{MEETING}edit/"
    data = opened(editor, path) | {
        "body": "IAI-TF",
        "number": "81",
        "held_until": "2024-03-15",
    }

    answer = editor.post(path, data)

    meeting.refresh_from_db()
    assert (answer.status_code, meeting.code, meeting.number) == (302, "IAI-TF-80", 81)


def test_a_meeting_does_not_move_away_from_its_decisions(editor, meeting):
    make.project(on="2024-03-15", meeting=meeting)
    path = f"{MEETING}edit/"
    data = opened(editor, path) | {"body": "IAI-TF", "held_until": "2024-03-10"}

    page = editor.post(path, data)

    assert page.status_code == 400
    said = "Decisions of this meeting are dated 2024-03-15. Correct those first."
    assert said in page.content.decode()
    meeting.refresh_from_db()
    assert str(meeting.held_until) == "2024-03-15"


def test_the_second_of_two_who_edit_a_meeting_sees_both_values(editor, meeting):
    path = f"{MEETING}edit/"
    shared = {"body": "IAI-TF", "number": "80", "held_until": "2024-03-15"}
    first, second = opened(editor, path), opened(editor, path)
    editor.post(path, first | shared | {"place": "Hanoi"})

    page = editor.post(path, second | shared | {"place": "Phnom Penh"})

    assert page.status_code == 409
    html = page.content.decode()
    assert "Hanoi" in html
    assert 'value="Phnom Penh"' in html
    meeting.refresh_from_db()
    assert meeting.place == "Hanoi"


# Conclusions, statements


def test_conclusions_are_written_in_their_order_with_lines_and_themes(editor, meeting):
    line = make.line(code="IAI-IV-07")
    make.theme("COVID")
    path = f"{MEETING}conclusions/"
    data = opened(editor, path) | rows(
        "conclusions",
        {"text": "Second", "place": "2"},
        {
            "text": "First",
            "place": "1",
            "who": "Viet Nam",
            "follow_up": "A report",
            "lines": "iai-iv-07",
            "themes": "COVID",
        },
        {"text": ""},
    )

    answer = editor.post(path, data)

    assert (answer.status_code, answer.url) == (302, f"{MEETING}#conclusions")
    first, second = meeting.conclusions.all()
    assert (first.text, first.who, first.follow_up) == ("First", "Viet Nam", "A report")
    assert list(first.lines.all()) == [line]
    assert [theme.code for theme in first.themes.all()] == ["COVID"]
    assert second.text == "Second"
    page = editor.__class__().get(MEETING).content.decode()
    assert page.index("First") < page.index("Second")


def test_conclusions_change_places_and_keep_their_history(editor, meeting):
    one, two, three = (
        Conclusion.objects.create(meeting=meeting, order=n, text=text)
        for n, text in enumerate(("One", "Two", "Three"), 1)
    )
    path = f"{MEETING}conclusions/"
    data = opened(editor, path) | rows(
        "conclusions",
        {"key": key_of(one), "text": "One", "place": "2"},
        {"key": key_of(two), "text": "Two, mended", "place": "1"},
        {"key": "", "text": "Four", "place": "3"},
    )

    editor.post(path, data)

    listed = meeting.conclusions.values_list("pk", "text")
    assert list(listed[:2]) == [(two.pk, "Two, mended"), (one.pk, "One")]
    assert [text for _, text in listed] == ["Two, mended", "One", "Four"]
    assert Conclusion.history.filter(id=three.pk, history_type="-").count() == 1
    changed = Conclusion.history.filter(id=two.pk).first()
    assert changed.text == "Two, mended"
    assert changed.sequence is not None


def test_a_wrong_row_is_named_and_no_row_is_written(editor, meeting):
    path = f"{MEETING}conclusions/"
    data = opened(editor, path) | rows(
        "conclusions",
        {"text": "Good"},
        {"text": "", "who": "Somebody"},
        {"text": "A line", "lines": "IAI-IX-01"},
    )

    page = editor.post(path, data)

    assert page.status_code == 400
    html = page.content.decode()
    assert 'href="#id_conclusions-1-text"' in html
    assert "There is no action line “IAI-IX-01”." in html
    assert "Good" in html
    assert not Conclusion.objects.exists()


def test_who_writes_conclusions_is_not_in_the_way_of_the_agenda(editor, meeting):
    path = f"{MEETING}conclusions/"
    early = opened(editor, path)
    editor.post(
        f"{MEETING}edit/",
        opened(editor, f"{MEETING}edit/")
        | {"body": "IAI-TF", "held_until": "2024-03-15"},
    )

    answer = editor.post(path, early | rows("conclusions", {"text": "Noted"}))

    assert answer.status_code == 302
    assert meeting.conclusions.get().text == "Noted"


def test_two_who_write_conclusions_lose_nothing(editor, meeting):
    path = f"{MEETING}conclusions/"
    first, second = opened(editor, path), opened(editor, path)
    editor.post(path, first | rows("conclusions", {"text": "Of the first"}))

    page = editor.post(path, second | rows("conclusions", {"text": "Of the second"}))

    assert page.status_code == 409
    html = page.content.decode()
    assert "Of the first" in html
    assert "Of the second" in html
    assert meeting.conclusions.get().text == "Of the first"


def test_rows_that_were_changed_at_the_last_moment_are_not_written(meeting):
    form = ConclusionsForm(rows("conclusions", {"text": "Late"}), instance=meeting)
    assert form.is_valid()
    seen = form.version_of(meeting)
    with ledger_entry():
        writing.create(Conclusion(meeting=meeting, order=1, text="Early"))

    with pytest.raises(writing.Stale), ledger_entry():
        form.write(seen)

    assert meeting.conclusions.get().text == "Early"


def test_a_statement_is_linked_with_the_pledges_of_its_partner(editor, meeting):
    shown = make.project(title="Rice")
    hidden = make.project(title="Secret dam", is_published=False)
    make.partner("AU")
    public, private, unseen, other = (
        make.money(project, usd, kind="pledged", on="2024-05-01", **fields)
        for project, usd, fields in (
            (shown, "500", {"partner": "JP"}),
            (shown, "700", {"partner": "JP", "is_private": True}),
            (hidden, "900", {"partner": "JP"}),
            (shown, "100", {"partner": "AU"}),
        )
    )
    path = f"{MEETING}statements/"
    said = {"partner": "JP", "text": "Japan will support rice"}
    editor.post(path, opened(editor, path) | rows("partner_statements", said))
    statement = PartnerStatement.objects.get()
    link = f"{MEETING}pledges/?statement={key_of(statement)}"
    offered = editor.get(link).content.decode()
    assert str(public.uuid) in offered
    assert str(other.uuid) not in offered

    wrong = editor.post(link, opened(editor, link) | {"pledges": [str(other.uuid)]})
    keys = [str(each.uuid) for each in (public, private, unseen)]
    answer = editor.post(link, opened(editor, link) | {"pledges": keys})

    assert wrong.status_code == 400
    assert "That is no pledge of this partner." in wrong.content.decode()
    assert (answer.status_code, answer.url) == (302, f"{MEETING}#statements")
    assert set(statement.pledges.all()) == {public, private, unseen}
    visitor = editor.__class__().get(MEETING).content.decode()
    assert "USD 500.00" in visitor
    assert "an amount that is not known" in visitor
    assert "700.00" not in visitor
    assert "Secret dam" not in visitor
    assert "900.00" not in visitor
    staff = editor.get(MEETING).content.decode()
    assert "USD 700.00" in staff
    assert "Secret dam" in staff
    assert "not public" not in visitor
    assert marked(staff) == ["USD 700.00", "USD 900.00"]


def test_without_a_pledge_since_the_meeting_there_is_nothing_to_link(editor, meeting):
    make.money(make.project(), 1, kind="pledged", partner="JP", on="2024-03-14")
    said = meeting.partner_statements.create(partner=make.partner("JP"), text="Rice")

    html = editor.get(f"{MEETING}pledges/?statement={key_of(said)}").content.decode()

    assert "No pledge of Partner JP since the meeting is on record." in html
    assert "<b>Enter money</b>" in html
    assert "Back to the meeting" in html
    assert "Link these pledges" not in html


def marked(html):
    """The pledges on a page that are marked as not public."""
    pledges = re.findall(r"Pledged (.*?) for (.*?)</p>", html, re.DOTALL)
    return [amount for amount, rest in pledges if "not public" in rest]


def test_what_was_pledged_before_a_meeting_did_not_come_of_it(editor, meeting):
    project = make.project(code="P-22222")
    early, linked, same_day = (
        make.money(project, usd, kind="pledged", partner="JP", on=on)
        for usd, on in ((1, "2024-03-14"), (2, "2024-03-14"), (3, "2024-03-15"))
    )
    said = meeting.partner_statements.create(partner=make.partner("JP"), text="Rice")
    said.pledges.add(linked)
    link = f"{MEETING}pledges/?statement={key_of(said)}"

    html = editor.get(link).content.decode()
    answer = editor.post(link, opened(editor, link) | {"pledges": [str(linked.uuid)]})

    assert [str(one.uuid) in html for one in (early, linked, same_day)] == [
        False,
        True,
        True,
    ]
    assert "USD 2.00, 2024-03-14, before the meeting" in html
    assert "Its pledges from before the meeting are not offered." in html
    assert answer.status_code == 302
    assert list(said.pledges.all()) == [linked]


# Figures


def figure(**fields):
    return {
        "about": "plan:IAI-IV",
        "metric": "projects",
        "value": "2",
        "unit": "",
        "qualifier": "exact",
        "moment": "closing",
    } | fields


def test_a_figure_printed_at_a_meeting_is_reconciled_at_once(editor, meeting):
    for _ in range(2):
        make.project(on="2024-01-10")
    path = f"{MEETING}figures/"
    data = opened(editor, path) | rows(
        "published_figures",
        figure(),
        figure(metric="budget", value="4,870,000", unit="USD"),
    )

    answer = editor.post(path, data)

    assert (answer.status_code, answer.url) == (302, f"{MEETING}#print")
    stored = PublishedFigure.objects.get(metric="projects")
    assert (stored.code, str(stored.as_of), stored.meeting, stored.value) == (
        "IAI-IV-2024-03-15-projects",
        "2024-03-15",
        meeting,
        2,
    )
    page = editor.get(MEETING)
    told = {
        one["row"].metric: (one["row"].verdict_label, one["row"].printed_words)
        for one in page.context["printed"]
    }
    assert told == {
        "projects": ("Agrees", "2"),
        "budget": ("Not computable", "USD 4.87 million"),
    }
    assert "Agrees" in editor.__class__().get(MEETING).content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"about": ""}, "This field is required."),
        ({"metric": "happiness"}, "“happiness” cannot be chosen here."),
        ({"value": "1,2,3"}, "is no number"),
        ({"value": "٣"}, "is no number"),
        ({"metric": "budget"}, "This is an amount of money: choose a currency."),
        ({"unit": "USD"}, "This is no amount of money."),
        ({"metric": "action_lines_percent"}, "This is a share: choose per cent."),
        ({"metric": "funder_amount", "unit": "USD"}, "Name the partner whose amount"),
        ({"as_of": "yesterday"}, "is no date"),
        ({"as_of": "2999-01-01"}, "This day has not come yet."),
        ({"sources": "DOC9"}, "There is no source “DOC9”."),
    ],
)
def test_what_is_wrong_in_a_figure_is_said_and_not_written(
    editor, meeting, fields, sentence
):
    make.plan()
    path = f"{MEETING}figures/"

    page = editor.post(
        path, opened(editor, path) | rows("published_figures", figure(**fields))
    )

    assert page.status_code == 400
    assert sentence in page.content.decode()
    assert not PublishedFigure.objects.exists()


def test_a_second_figure_of_the_kind_gets_a_code_of_its_own(editor, meeting):
    make.figure(plan=make.plan(), code="IAI-IV-2024-03-15-projects")
    path = f"{MEETING}figures/"

    editor.post(path, opened(editor, path) | rows("published_figures", figure()))

    assert meeting.published_figures.get().code == "IAI-IV-2024-03-15-projects-2"


# A national consultation


@pytest.fixture
def consultation():
    body = Body.objects.create(code="IAI-NC", name="National consultation")
    return make.meeting(
        "IAI-NC-KH-2024-03-01",
        on="2024-03-01",
        body=body,
        number=None,
        country=make.country("KH"),
    )


def concept(client, meeting, priority, **more):
    data = {"submission": uuid.uuid4().hex, "priority": key_of(priority)} | more
    return client.post(f"{meeting.get_absolute_url()}concept/", data)


def test_a_consultation_has_sessions_and_priorities(editor, consultation):
    area = make.area(code="IAI-IV-A1", title="Food")
    line = make.line(area=area, code="IAI-IV-07")
    path = f"{consultation.get_absolute_url()}consultation/"
    editor.post(path, opened(editor, path) | rows("sessions", {"area": "IAI-IV-A1"}))
    session = consultation.sessions.get()

    wanted = {
        "title": "ស្រូវ",
        "title_language": "km",
        "session": key_of(session),
        "line": "IAI-IV-07",
        "proposed_by": "The ministry",
    }
    answer = editor.post(
        path,
        opened(editor, path)
        | rows("sessions", {"key": key_of(session), "area": "IAI-IV-A1"})
        | rows("priorities", wanted),
    )

    assert answer.status_code == 302
    priority = Priority.objects.get()
    assert (priority.session, priority.line, priority.title_language) == (
        session,
        line,
        "km",
    )
    visitor = editor.__class__().get(consultation.get_absolute_url()).content.decode()
    assert "Food" in visitor
    assert '<p lang="km">ស្រូវ</p>' in visitor
    assert "Make it a concept project" not in visitor


def test_a_session_for_each_area_of_a_plan_is_proposed(editor, consultation):
    for order, code in enumerate(("IAI-IV-FA", "IAI-IV-TR"), 1):
        make.area(code=code, order=order)
    path = f"{consultation.get_absolute_url()}consultation/"

    page = editor.get(path, {"plan": "IAI-IV"}).content.decode()

    chosen = re.findall(r'value="(IAI-IV-\w+)" selected', page)
    assert chosen == ["IAI-IV-FA", "IAI-IV-TR"]
    assert not consultation.sessions.exists()
    two = [{"area": code} for code in chosen]
    editor.post(f"{path}?plan=IAI-IV", opened(editor, path) | rows("sessions", *two))
    areas = consultation.sessions.values_list("area__code", flat=True)
    assert list(areas) == ["IAI-IV-FA", "IAI-IV-TR"]


def test_a_new_session_is_saved_before_a_priority_is_put_in_it(editor, consultation):
    html = editor.get(
        f"{consultation.get_absolute_url()}consultation/"
    ).content.decode()

    assert "Save new sessions first" in html


def test_a_line_of_another_plan_than_the_session_is_refused(editor, consultation):
    area = make.area(code="IAI-IV-A1")
    make.line(plan=make.plan("IAI-III"), code="IAI-III-02")
    session = consultation.sessions.create(area=area)
    path = f"{consultation.get_absolute_url()}consultation/"
    wanted = {"title": "Rice", "session": key_of(session), "line": "IAI-III-02"}

    page = editor.post(
        path,
        opened(editor, path)
        | rows("sessions", {"key": key_of(session), "area": "IAI-IV-A1"})
        | rows("priorities", wanted),
    )

    assert page.status_code == 400
    said = "IAI-III-02 is a line of IAI-III; this session is about IAI-IV."
    assert said in page.content.decode()
    assert not Priority.objects.exists()


def test_a_session_in_which_something_was_proposed_stays(editor, consultation):
    session = consultation.sessions.create(title="Food")
    priority = consultation.priorities.create(title="Rice", session=session)
    path = f"{consultation.get_absolute_url()}consultation/"
    kept = {"key": key_of(priority), "title": "Rice", "session": key_of(session)}

    page = editor.post(path, opened(editor, path) | rows("priorities", kept))

    assert page.status_code == 400
    assert "“Food” cannot be taken away: “Rice” stands on it." in page.content.decode()
    assert consultation.sessions.exists()


def test_a_priority_becomes_a_concept_project(editor, consultation):
    area = make.area()
    line = make.line(area=area, code="IAI-IV-07")
    priority = consultation.priorities.create(
        title="Lúa gạo", title_language="vi", line=line, proposed_by="The ministry"
    )

    answer = concept(editor, consultation, priority)

    project = Project.objects.get()
    priority.refresh_from_db()
    assert (answer.status_code, answer.url) == (302, f"/projects/{project.code}/")
    assert priority.project == project
    assert (project.title, project.title_language, project.is_published) == (
        "Lúa gạo",
        "vi",
        False,
    )
    status = project.status_changes.get()
    assert (status.status, str(status.effective_on), status.meeting) == (
        "concept",
        "2024-03-01",
        consultation,
    )
    placement = project.placements.get()
    assert (placement.plan.code, placement.area, placement.line) == (
        "IAI-IV",
        area,
        line,
    )
    benefit = project.benefits.get()
    assert (benefit.country.code, benefit.share, str(benefit.effective_on)) == (
        "KH",
        None,
        "2024-03-01",
    )
    assert project.code in editor.get(consultation.get_absolute_url()).content.decode()


def test_a_priority_without_a_line_is_placed_in_the_area_of_its_session(
    editor, consultation
):
    area = make.area()
    session = consultation.sessions.create(area=area)
    priority = consultation.priorities.create(title="Rice", session=session)

    concept(editor, consultation, priority)

    placement = Project.objects.get().placements.get()
    assert (placement.plan, placement.area, placement.line) == (area.plan, area, None)


def test_a_priority_becomes_a_project_only_once(editor, consultation):
    priority = consultation.priorities.create(title="Rice", line=make.line())
    key = uuid.uuid4().hex

    twice = [concept(editor, consultation, priority, submission=key) for _ in range(2)]
    later = concept(editor, consultation, priority)

    project = Project.objects.get()
    assert [one.url for one in [*twice, later]] == [project.get_absolute_url()] * 3


def test_two_who_press_at_one_moment_make_one_project(consultation):
    priority = consultation.priorities.create(title="Rice", line=make.line())
    with ledger_entry() as entry:
        actions.make_concept(priority=priority, entry=entry)

    with pytest.raises(ValidationError, match="already"), ledger_entry() as entry:
        actions.make_concept(priority=priority, entry=entry)

    assert Project.objects.count() == 1


def test_a_concept_that_was_undone_can_be_made_again(editor, consultation):
    priority = consultation.priorities.create(title="Rice", line=make.line())
    page = editor.get(concept(editor, consultation, priority).url).content.decode()

    editor.post(re.search(r'action="(/undo/\d+/)"', page)[1])

    priority.refresh_from_db()
    assert priority.project is None
    assert not Project.objects.as_of().exists()
    concept(editor, consultation, priority)
    assert Project.objects.as_of().count() == 1


def test_a_concept_that_was_withdrawn_can_be_made_again(editor, consultation):
    priority = consultation.priorities.create(title="Rice", line=make.line())
    concept(editor, consultation, priority)
    withdrawn = Project.objects.get()
    with ledger_entry() as entry:
        withdraw_project(project=withdrawn, reason="A slip", entry=entry)

    answer = concept(editor, consultation, priority)

    project = Project.objects.as_of().get()
    priority.refresh_from_db()
    assert project != withdrawn
    assert priority.project == project
    assert answer.url == project.get_absolute_url()


@pytest.mark.parametrize(
    ("meeting_fields", "priority_fields", "sentence"),
    [
        ({}, {}, "Name its line or its session’s area first"),
        ({"held_until": None, "held_from": None}, {"line": True}, "is not known"),
        (
            {"held_until": "2999-01-01", "held_from": "2999-01-01"},
            {"line": True},
            "can be recorded from that day on",
        ),
    ],
)
def test_what_is_missing_for_a_concept_is_said(
    editor, consultation, meeting_fields, priority_fields, sentence
):
    Meeting.objects.filter(pk=consultation.pk).update(**meeting_fields)
    fields = {name: make.line() for name in priority_fields}
    priority = consultation.priorities.create(title="Rice", **fields)

    answer = concept(editor, consultation, priority)

    page = editor.get(answer.url).content.decode()
    assert sentence in page
    assert not Project.objects.exists()


def test_a_priority_that_became_a_project_stays(editor, consultation):
    priority = consultation.priorities.create(title="Rice", line=make.line())
    concept(editor, consultation, priority)
    path = f"{consultation.get_absolute_url()}consultation/"

    page = editor.post(path, opened(editor, path))

    code = Project.objects.get().code
    assert page.status_code == 400
    assert (
        f"became the project {code}; it cannot be taken away." in page.content.decode()
    )
    assert Priority.objects.exists()


def test_a_priority_whose_project_was_withdrawn_can_be_taken_away(editor, consultation):
    priority = consultation.priorities.create(title="Rice", line=make.line())
    concept(editor, consultation, priority)
    with ledger_entry() as entry:
        withdraw_project(project=Project.objects.get(), reason="A slip", entry=entry)
    path = f"{consultation.get_absolute_url()}consultation/"

    editor.post(path, opened(editor, path))

    assert not Priority.objects.exists()


# What visitors read


def test_a_visitor_reads_nothing_of_an_agenda(client, editor, meeting):
    shown = make.project(status="appraisal", on="2024-01-10", title="A public proposal")
    hidden = make.project(is_published=False, title="A secret proposal")
    before = client.get(MEETING).content

    with ledger_entry():
        actions.arrange_agenda(meeting=meeting, arranged=[], decide=[shown, hidden])
    AgendaItem.objects.update(outcome="return", note="A draft")
    consulted = meeting.priorities.create(title="Rice", line=make.line())
    known = client.get(MEETING).content
    concept(editor, meeting, consulted)

    assert client.get(MEETING).content == known
    assert b"proposal" not in known
    assert b"A draft" not in known
    assert known != before  # the priority is public


def test_a_returned_project_is_named_only_to_who_may_see_it(client, editor, meeting):
    for code, is_published in (("P-22222", True), ("P-33333", False)):
        made = make.project(
            code=code, status="appraisal", on="2024-01-10", is_published=is_published
        )
        with ledger_entry():
            actions.arrange_agenda(meeting=meeting, arranged=[], decide=[made])
    before = client.get("/meetings/").content
    with ledger_entry() as entry:
        actions.decide(
            meeting=meeting,
            entry=entry,
            decisions=[
                actions.Decision(
                    project=item.project,
                    outcome="return",
                    reason="Unclear",
                    item=item,
                    item_version=item.version,
                    project_version=item.project.version,
                )
                for item in meeting.agenda_items.select_related("project")
            ],
        )

    page = client.get(MEETING).content.decode()
    assert "/projects/P-22222/" in page
    assert "P-33333" not in page
    assert "not public" not in page
    staff = editor.get(MEETING).content.decode()
    told = staff.partition('id="approved"')[2].partition("</section>")[0]
    assert re.findall(r"(P-\d+) <a .*?</a>(?:\s*<span.*?>(.*?)<)?", told) == [
        ("P-22222", ""),
        ("P-33333", "not public"),
    ]
    assert client.get("/meetings/").content == before


def test_a_visitor_reads_nothing_of_a_meeting_to_come(client, editor):
    make.meeting("IAI-TF-80", on="2999-01-01")
    path = f"{MEETING}conclusions/"

    editor.post(path, opened(editor, path) | rows("conclusions", {"text": "Drafted"}))
    make.figure(meeting=Meeting.objects.get(), value=51)

    visitors, staff = (who.get(MEETING).content.decode() for who in (client, editor))
    for text in ("Drafted", "Figures printed with it"):
        assert text not in visitors
        assert text in staff


def test_only_the_secretariat_sees_the_doors(client, editor, meeting):
    for path, door in (("/meetings/", "New meeting"), (MEETING, "Make the agenda")):
        assert door not in client.get(path).content.decode()
        assert door in editor.get(path).content.decode()


def test_many_rows_cost_as_many_queries_as_few(editor, meeting, queries):
    line = make.line()

    def fill(count):
        number = meeting.conclusions.count()
        for n in range(number, number + count):
            made = meeting.conclusions.create(order=n, text="Noted")
            made.lines.add(line)
            said = meeting.partner_statements.create(
                partner=make.partner("JP"), text="Said"
            )
            project = make.project(line=line)
            said.pledges.add(make.money(project, 5, kind="pledged", partner="JP"))
            session = meeting.sessions.create(order=n, title="Session")
            meeting.priorities.create(title="Rice", session=session, line=line)
            with ledger_entry():
                actions.arrange_agenda(meeting=meeting, arranged=[], decide=[project])

    pages = [
        MEETING,
        f"{MEETING}conclusions/",
        f"{MEETING}statements/",
        f"{MEETING}consultation/",
    ]
    fill(2)
    few = [queries(lambda path=path: editor.get(path)) for path in pages]
    fill(5)

    many = [queries(lambda path=path: editor.get(path)) for path in pages]

    assert many == few
