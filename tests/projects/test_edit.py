"""Creating and editing a project on one page."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from aseanpm.facts import Entry, ledger_entry
from aseanpm.models import Comment
from aseanpm.writing import change
from partners.models import User
from projects import actions
from projects.models import (
    Benefit,
    ExchangeRate,
    Funding,
    LineReference,
    MoneyEntry,
    Phase,
    Placement,
    Project,
    ProjectOrganisation,
    StatusChange,
)
from tests import make
from tests.reading import Form
from workplans.models import WorkPlan

pytestmark = pytest.mark.django_db

NEW = "/projects/new/"


@pytest.fixture
def world():
    """A plan with two lines in an area, another plan, and who funds and benefits."""
    plan = make.plan(adopted_on=make.day("2020-11-12"))
    area = make.area(plan=plan, code="IAI-IV-FA", title="Food")
    make.line(plan=plan, area=area, code="IAI-IV-01", title="Rice")
    make.line(plan=plan, area=area, code="IAI-IV-02", title="Maize")
    old = make.plan("IAI-III", declared=26, nominal_start=dt.date(2016, 1, 1))
    make.line(plan=old, code="IAI-III-05")
    make.grouping("CLMV", ["VN", "KH"])
    make.partner("JP", name="Japan")
    make.partner("SG", name="Singapore")
    make.fund("JAIF", "JP")
    make.organisation("ASEC")
    make.theme("COVID")
    make.meeting("IAI-TF-68", "2022-09-22")


@pytest.fixture
def editor():
    return make.user("editor", email="editor@example.org")


@pytest.fixture
def client_of_editor(sign_in, editor, world):
    return sign_in(editor)


def edit_of(project):
    return f"/projects/{project.code}/edit/"


def opened(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return Form(answer.content.decode())


def rows(name, *values):
    """What the rows of a field are sent as: rows("funders", {"partner": "JP"})."""
    return {
        f"{name}-{number}-{field}": text
        for number, row in enumerate(values)
        for field, text in row.items()
    }


def saved(client, address, data):
    """The answer to a form, sent again where it tells what it moves."""
    answer = client.post(address, data)
    if answer.status_code == 200:
        data = Form(answer.content.decode()).texts
        answer = client.post(address, data)
    return answer


def said(fact, *names):
    return tuple(getattr(fact, name) for name in names)


FIRST = {
    "title": "Rice chains",
    "plan": "IAI-IV",
    "line": "IAI-IV-01",
    "status": "approved",
    "meeting": "IAI-TF-68",
    "amount": "1,250,000.50",
    "basis": "documented",
    "note": "Letter of 3 October",
    **rows("benefits", {"party": "country:VN", "share_basis": "stated", "share": "40"}),
    **rows("funders", {"partner": "JP", "fund": "JAIF"}),
}


# A new project


def test_a_title_is_enough(client_of_editor, editor):
    form = opened(client_of_editor, NEW)

    answer = client_of_editor.post(NEW, form.filled(title="Rice chains", plan=""))

    made = Project.objects.get()
    assert answer.status_code == 302
    assert answer.url == f"/projects/{made.code}/"
    assert said(made, "title", "channel", "officer") == ("Rice chains", "plan", editor)
    assert not made.is_published
    assert not Placement.objects.exists()
    assert not StatusChange.objects.exists()
    assert made.history.get().sequence == Entry.objects.get(recorded_by=editor).pk


def test_a_project_entered_from_nothing_has_its_facts(client_of_editor, editor):
    form = opened(client_of_editor, NEW)

    answer = saved(client_of_editor, NEW, form.filled(**FIRST))

    assert answer.status_code == 302
    made = Project.objects.get()
    day = dt.date(2022, 9, 22)
    change = StatusChange.objects.get()
    assert said(change, "status", "effective_on", "note", "recorded_by") == (
        "approved",
        day,
        "Letter of 3 October",
        editor,
    )
    assert change.meeting.code == "IAI-TF-68"
    place = Placement.objects.get()
    assert (place.plan.code, place.area.code, place.line.code) == (
        "IAI-IV",
        "IAI-IV-FA",
        "IAI-IV-01",
    )
    benefit = Benefit.objects.get()
    assert (benefit.country.code, benefit.share, benefit.effective_on) == (
        "VN",
        Decimal(40),
        day,
    )
    funding = Funding.objects.get()
    assert (funding.partner.code, funding.fund.code) == ("JP", "JAIF")
    budget = MoneyEntry.objects.get()
    assert said(budget, "kind", "amount", "currency", "usd", "partner") == (
        "approved",
        Decimal("1250000.50"),
        "USD",
        Decimal("1250000.50"),
        None,
    )
    assert made.is_published
    assert {fact.sequence for fact in (change, place, benefit, funding, budget)} == {
        made.history.first().sequence
    }


def test_all_that_is_no_fact_is_kept_too(client_of_editor, editor):
    form = opened(client_of_editor, NEW)

    client_of_editor.post(
        NEW,
        form.filled(
            title="Rice chains",
            official_code="IAI/2022/7",
            description="Two lines\r\nof text",
            planned_start="2026-02",
            planned_end="2027",
            is_recurring="on",
            internal_note="Ask again",
            themes=["COVID"],
            **rows("titles", {"language": "vi", "title": "Chuỗi lúa gạo"}),
            **rows("references", {"line": "IAI-III-05"}),
            **rows("organisations", {"organisation": "ASEC", "role": "implementing"}),
            **rows("phases", {"title": "Study", "planned_end": "2026-09-30"}),
        ),
    )

    made = Project.objects.get()
    assert made.title_translations == {"vi": "Chuỗi lúa gạo"}
    assert made.description == "Two lines\nof text"
    assert said(made, "planned_start", "planned_start_precision") == (
        dt.date(2026, 2, 28),
        "month",
    )
    assert said(made, "planned_end", "planned_end_precision") == (
        dt.date(2027, 12, 31),
        "year",
    )
    assert (made.is_recurring, made.internal_note) == (True, "Ask again")
    assert [theme.code for theme in made.themes.all()] == ["COVID"]
    assert LineReference.objects.get().line.code == "IAI-III-05"
    assert ProjectOrganisation.objects.get().role == "implementing"
    assert said(Phase.objects.get(), "number", "title") == (1, "Study")


def test_the_first_save_of_a_counted_project_tells_what_it_moves(client_of_editor):
    make.figure(value=1, as_of="2022-09-22")
    make.project(line=WorkPlan.objects.get(code="IAI-IV").lines.last())
    data = opened(client_of_editor, NEW).filled(**FIRST)

    page = client_of_editor.post(NEW, data)

    html = page.content.decode()
    assert "Nothing is saved yet" in html
    assert "IAI-IV on 22 September 2022</a>: 1 → <b>2</b>" in html
    assert "1/24 action lines implemented (4.2%) → <b>2/24 action lines" in html
    assert Project.objects.count() == 1
    again = Form(html)
    assert again.texts["title"] == ["Rice chains"]
    assert again.texts["funders-0-fund"] == ["JAIF"]
    assert client_of_editor.post(NEW, again.texts).status_code == 302
    assert Project.objects.count() == 2


def test_a_withheld_project_is_approved_without_being_published(client_of_editor):
    form = opened(client_of_editor, NEW)
    data = form.filled(**FIRST | {"withheld_reason": "Embargo"})

    told = client_of_editor.post(NEW, data).content.decode()
    saved(client_of_editor, NEW, data)

    assert "This publishes" not in told
    assert not Project.objects.get().is_published


@pytest.mark.parametrize("status", ["approved", "ongoing"])
def test_a_new_project_that_counts_is_published_once_that_was_said(
    client_of_editor, status
):
    form = opened(client_of_editor, NEW)
    data = form.filled(title="Roads", plan="bilateral", status=status)

    told = client_of_editor.post(NEW, data)

    html = told.content.decode()
    assert "An approved or ongoing project is published at once" in html
    assert (
        'This publishes, for everybody to read: <span lang="en">Roads</span>.' in html
    )
    assert not Project.objects.exists()
    assert client_of_editor.post(NEW, Form(html).texts).status_code == 302
    assert Project.objects.get().is_published


def test_a_new_project_that_does_not_count_publishes_nothing(client_of_editor):
    form = opened(client_of_editor, NEW)

    answer = client_of_editor.post(NEW, form.filled(title="Roads", status="concept"))

    assert answer.status_code == 302
    assert not Project.objects.get().is_published


def test_what_was_first_told_of_its_figures_is_told_that_it_publishes(client_of_editor):
    form = opened(client_of_editor, NEW)
    withheld = form.filled(**FIRST | {"withheld_reason": "Embargo"})
    told = Form(client_of_editor.post(NEW, withheld).content.decode())

    page = client_of_editor.post(NEW, told.filled(withheld_reason=""))

    assert "This publishes, for everybody to read:" in page.content.decode()
    assert not Project.objects.exists()


def test_direct_bilateral_support_stands_in_no_plan(client_of_editor):
    form = opened(client_of_editor, NEW)

    client_of_editor.post(NEW, form.filled(title="Roads", plan="bilateral"))

    assert Project.objects.get().channel == "bilateral"
    assert not Placement.objects.exists()


def test_a_line_brings_its_plan_and_its_area(client_of_editor):
    form = opened(client_of_editor, NEW)

    client_of_editor.post(NEW, form.filled(title="Old", plan="", line="IAI-III-05"))

    place = Placement.objects.get()
    assert (place.plan.code, place.area) == ("IAI-III", None)


def test_a_fund_of_one_partner_brings_its_partner(client_of_editor):
    form = opened(client_of_editor, NEW)

    client_of_editor.post(
        NEW, form.filled(title="Rice", **rows("funders", {"fund": "JAIF"}))
    )

    assert Funding.objects.get().partner.code == "JP"


def test_a_percentage_that_was_typed_is_a_stated_share(client_of_editor):
    form = opened(client_of_editor, NEW)
    share = {"party": "country:VN", "share_basis": "unknown", "share": "12.5 %"}

    client_of_editor.post(NEW, form.filled(title="Rice", **rows("benefits", share)))

    benefit = Benefit.objects.get()
    assert said(benefit, "share_basis", "share") == ("stated", Decimal("12.5"))


def test_a_budget_in_another_currency_takes_the_rate_on_record(client_of_editor):
    ExchangeRate.objects.create(
        currency="EUR", on=make.day("2022-09-01"), rate="1.1", source="ECB"
    )
    form = opened(client_of_editor, NEW)
    money = {"amount": "100", "currency": "eur"}

    saved(client_of_editor, NEW, form.filled(**FIRST | money))

    entry = MoneyEntry.objects.get()
    assert said(entry, "currency", "usd", "rate_source") == (
        "EUR",
        Decimal("110.00"),
        "ECB",
    )


def test_what_is_not_known_stays_open(client_of_editor, editor):
    texts = opened(client_of_editor, NEW).texts

    assert texts["plan"] == texts["line"] == [""]
    assert texts["officer"] == ["editor@example.org"]


TOMORROW = (timezone.localdate() + dt.timedelta(days=2)).isoformat()


@pytest.mark.parametrize(
    ("typed", "where", "sentence"),
    [
        ({"title": " "}, "title", "A project needs a title."),
        ({"title": "x" * 401}, "title", "at most 400 characters"),
        ({"title": "Rice\x07"}, "title", "cannot be seen (U+0007)"),
        ({"title": "Rice\u202e"}, "title", "cannot be seen (U+202E)"),
        ({"official_code": "x" * 41}, "official_code", "at most 40 characters"),
        (
            {"line": "IAI-III-05"},
            "line",
            "IAI-III-05 belongs to IAI-III, not to IAI-IV",
        ),
        (
            {"line": "", "plan": "IAI-III", "area": "IAI-IV-FA"},
            "area",
            "“Food” belongs to IAI-IV, not to IAI-III.",
        ),
        (
            {"plan": "bilateral"},
            "plan",
            "Direct bilateral support is placed in no plan.",
        ),
        ({"line": "IAI-IX-99"}, "line", "“IAI-IX-99” cannot be chosen here."),
        ({"status_on": TOMORROW}, "status_on", "This day has not come yet"),
        ({"status_on": "2022-13-01"}, "status_on", "There is no month 13"),
        (
            {"status_on": "2022-09-20"},
            "status_on",
            "was not held on that day",
        ),
        ({"status": "completed"}, "status", "completed"),
        ({"status": ""}, "status", "Say which status was decided."),
        ({"by_circulation": "on"}, "by_circulation", "not both"),
        (
            {"planned_start": "2026", "planned_end": "2025-06"},
            "planned_end",
            "A project cannot end before it starts.",
        ),
        ({"planned_start": "31/03/2026"}, "planned_start", "“31/03/2026” is no date."),
        ({"currency": "ABC"}, "currency", "“ABC” is no currency of ISO 4217."),
        ({"amount": "1,2,3"}, "amount", "“1,2,3” is no number."),
        ({"amount": "-5"}, "amount", "“-5” is no number."),
        ({"benefits-0-share": "140"}, "benefits-0-share", "at most 100 per cent"),
        (
            {"benefits-0-share": ""},
            "benefits-0-share",
            "A stated share needs its percentage.",
        ),
        (
            {"benefits-0-share_basis": "assumed_equal"},
            "benefits-0-share",
            "An assumed share has no percentage",
        ),
        (
            {"benefits-1-party": "country:KH", "benefits-1-share": "61"},
            "benefits",
            "The stated shares add up to 101 per cent; they cannot exceed 100.",
        ),
        (
            {"benefits-1-party": "country:VN"},
            "benefits",
            "“Country VN” stands here twice",
        ),
        ({"benefits-1-share": "5"}, "benefits-1-party", "This field is required."),
        (
            {"funders-0-partner": "SG"},
            "funders-0-fund",
            "JAIF never counted as Singapore.",
        ),
        (
            {"phases-0-title": "Study", "phases-0-completed_on": TOMORROW},
            "phases-0-completed_on",
            "This day has not come yet",
        ),
        ({"note": "x" * 2001}, "note", "at most 2000 characters"),
        (
            {"titles-0-language": "vi", "titles-0-title": "a\x01b"},
            "titles-0-title",
            "cannot be seen (U+0001)",
        ),
        (
            {"titles-0-language": "en", "titles-0-title": "Rice again"},
            "titles",
            "The title itself is in English.",
        ),
    ],
)
def test_wrong_input_gets_a_sentence_at_its_field_and_writes_nothing(
    client_of_editor, typed, where, sentence
):
    data = opened(client_of_editor, NEW).filled(**FIRST | typed)

    answer = client_of_editor.post(NEW, data)

    html = answer.content.decode()
    assert answer.status_code == 400
    summary = html[html.index('class="problems"') : html.index("longform")]
    assert f'href="#id_{where}"' in summary
    assert f'id="id_{where}"' in html
    assert sentence in summary.replace("&#x27;", "'")
    kept = Form(html).texts
    for name in (FIRST | typed).keys() - {"line", "status"}:
        text = (FIRST | typed)[name]
        assert kept[name][0].strip() == text.strip(), name
    assert not Project.objects.exists()
    assert not Entry.objects.filter(recorded_by__isnull=False).exists()


def test_sending_a_new_project_twice_makes_it_once(client_of_editor):
    form = opened(client_of_editor, NEW)
    told = client_of_editor.post(NEW, form.filled(**FIRST))
    data = Form(told.content.decode()).texts

    first = client_of_editor.post(NEW, data)
    again = client_of_editor.post(NEW, data)

    assert first.status_code == again.status_code == 302
    assert first.url == again.url
    assert Project.objects.count() == 1


# Rows, without a script


def test_a_row_is_added_and_taken_out_with_all_that_was_typed(client_of_editor):
    data = opened(client_of_editor, NEW).filled(**FIRST | {"title": ""})

    more = client_of_editor.post(NEW, data | {"add": "funders"})

    html = more.content.decode()
    assert more.status_code == 200
    assert 'class="problems"' not in html
    typed = Form(html).texts
    assert typed["funders-1-partner"] == [""]
    assert typed["benefits-0-share"] == ["40"]
    assert typed["note"] == ["Letter of 3 October"]
    assert 'data-guard="changed"' in html
    less = client_of_editor.post(NEW, typed | {"remove": "funders-0"})
    assert "funders-1-partner" not in Form(less.content.decode()).texts
    assert Form(less.content.decode()).texts["funders-0-partner"] == [""]
    assert not Project.objects.exists()


def test_an_organisation_recorded_meanwhile_can_be_chosen(client_of_editor):
    form = opened(client_of_editor, NEW)
    make.organisation("RP", name="Republic Polytechnic")

    page = client_of_editor.post(NEW, form.filled(title="Rice", add="organisations"))

    assert "Republic Polytechnic" in page.content.decode()
    assert Form(page.content.decode()).texts["title"] == ["Rice"]


@pytest.mark.parametrize("sent", [{"add": "title"}, {"remove": "x-y"}, {"add": "zzz"}])
def test_a_row_of_no_rows_changes_nothing(client_of_editor, sent):
    form = opened(client_of_editor, NEW)

    answer = client_of_editor.post(NEW, form.filled(title="Rice") | sent)

    assert answer.status_code == 200
    assert Form(answer.content.decode()).texts["title"] == ["Rice"]


# Editing


@pytest.fixture
def project(world):
    plan = WorkPlan.objects.get(code="IAI-IV")
    return make.project(
        code="P-22222",
        title="Rice chains",
        on="2022-01-10",
        line=plan.lines.get(code="IAI-IV-01"),
        funders=["JP"],
        countries=[("VN", 40)],
        budget="100",
    )


def test_an_opened_form_that_is_saved_changes_nothing(client_of_editor, project):
    form = opened(client_of_editor, edit_of(project))

    answer = client_of_editor.post(edit_of(project), form.texts)

    assert answer.status_code == 302
    assert not Entry.objects.exclude(what="").exists()
    project.refresh_from_db()
    assert project.version == 1


def test_a_field_that_moves_nothing_is_saved_at_once(client_of_editor, project):
    form = opened(client_of_editor, edit_of(project))

    answer = client_of_editor.post(
        edit_of(project),
        form.filled(
            title="Rice value chains",
            planned_at="IAI-TF-68",
            next="/projects/?plan=IAI-IV",
            **rows("phases", {"title": "Study"}),
        ),
    )

    assert answer.status_code == 302
    assert answer.url == "/projects/?plan=IAI-IV"
    project.refresh_from_db()
    assert project.title == "Rice value chains"
    assert project.planned_at.code == "IAI-TF-68"
    assert project.phases.get().title == "Study"
    entry = Entry.objects.get(can_be_undone=True)
    assert project.history.first().sequence == entry.sequence
    assert project.phases.get().history.get().sequence == entry.sequence


def test_a_translated_title_changes_its_language(client_of_editor, project):
    with ledger_entry(what="Titles"):
        change(project, title_translations={"vi": "Gạo"})
    form = opened(client_of_editor, edit_of(project))

    answer = client_of_editor.post(
        edit_of(project),
        form.filled(
            **{
                "title": "Gạo",
                "title_language": "vi",
                "titles-0-language": "en",
                "titles-0-title": "Rice",
            }
        ),
    )

    project.refresh_from_db()
    assert answer.status_code == 302
    assert (project.title, project.title_language) == ("Gạo", "vi")
    assert project.title_translations == {"en": "Rice"}


def test_phases_and_organisations_are_changed_row_by_row(client_of_editor, project):
    kept = Phase.objects.create(project=project, number=2, title="Study")
    gone = Phase.objects.create(project=project, number=1, title="Start")
    form = opened(client_of_editor, edit_of(project))
    less = client_of_editor.post(edit_of(project), form.filled(remove="phases-0"))

    client_of_editor.post(
        edit_of(project),
        Form(less.content.decode()).filled(
            **{"phases-0-completed_on": "2024-05"},
            **rows("organisations", {"organisation": "ASEC", "role": "proponent"}),
        ),
    )

    phase = project.phases.get()
    assert said(phase, "pk", "number", "completed_on", "completed_on_precision") == (
        kept.pk,
        2,
        dt.date(2024, 5, 31),
        "month",
    )
    assert [row.history_type for row in Phase.history.filter(id=gone.pk)] == ["-", "+"]
    assert project.project_organisations.get().role == "proponent"


def test_an_approved_project_is_not_hidden_without_a_reason(client_of_editor, project):
    form = opened(client_of_editor, edit_of(project))
    data = {name: texts for name, texts in form.texts.items() if name != "is_published"}

    silent = client_of_editor.post(edit_of(project), data)
    told = client_of_editor.post(
        edit_of(project), data | {"withheld_reason": "Embargo"}
    )
    html = told.content.decode()
    reasoned = client_of_editor.post(edit_of(project), Form(html).texts)

    assert silent.status_code == 400
    assert "It is approved; say why it is not published." in silent.content.decode()
    assert "figures that visitors read" in html
    assert "IAI-IV today</a>: 1 → <b>0</b> projects" in html
    assert reasoned.status_code == 302
    project.refresh_from_db()
    assert said(project, "is_published", "withheld_reason") == (False, "Embargo")


def test_a_change_of_funder_asks_and_tells_what_either_answer_moves(
    client_of_editor, project
):
    make.figure(
        metric="partner_projects", partner=make.partner("JP"), value=1, plan=None
    )
    form = opened(client_of_editor, edit_of(project))
    data = form.filled(**{"funders-0-partner": "SG"})

    page = client_of_editor.post(edit_of(project), data)

    html = page.content.decode()
    assert page.status_code == 200
    assert "Nothing is saved yet: what happened?" in html
    assert "<dd>Japan</dd>" in html
    assert "<dd>Singapore</dd>" in html
    assert Form(html).texts["funders-0-partner"] == ["SG"]
    assert Funding.objects.get().partner.code == "JP"


def answered(client, project, name, answer, **typed):
    """Send a change and an answer to what it asks; the last answer of the site."""
    data = opened(client, edit_of(project)).filled(**typed)
    asked = Form(client.post(edit_of(project), data).content.decode())
    assert name in asked.texts["asked"]
    given = {f"why-{name}-{field}": text for field, text in answer.items()}
    sent = client.post(edit_of(project), asked.filled(**given))
    if sent.status_code == 200:
        again = Form(sent.content.decode())
        assert again.texts["seen"]
        sent = client.post(edit_of(project), again.texts)
    return sent


def test_a_development_lets_funders_leave_and_join_on_a_day(client_of_editor, project):
    answer = answered(
        client_of_editor,
        project,
        "funders",
        {"change": "development", "since": "2024-03-01"},
        **{"funders-0-partner": "SG", "note": "The letter"},
    )

    assert answer.status_code == 302
    facts = Funding.objects.known().order_by("effective_on", "day_order")
    assert [
        (fact.partner.code, fact.delta, fact.effective_on.isoformat(), fact.note)
        for fact in facts
    ] == [
        ("JP", 1, "2022-01-10", ""),
        ("JP", -1, "2024-03-01", "The letter"),
        ("SG", 1, "2024-03-01", "The letter"),
    ]
    ours = Project.objects.filter(pk=project.pk)
    partners = {
        day: [
            code
            for code in ("JP", "SG")
            if ours.as_of(make.day(day)).funded_by(make.partner(code)).exists()
        ]
        for day in ("2024-02-29", "2024-03-01")
    }
    assert partners == {"2024-02-29": ["JP"], "2024-03-01": ["SG"]}


def test_a_correction_withdraws_and_records_on_the_same_day(client_of_editor, project):
    wrong = actions.record(
        fact=Funding(
            project=project,
            partner=make.partner("AU"),
            effective_on=make.day("2022-05-01"),
        )
    )
    before = timezone.now()

    answer = answered(
        client_of_editor,
        project,
        "funders",
        {"change": "correction", "reason": "The letter names Singapore"},
        **{"funders-1-partner": "SG"},
    )

    assert answer.status_code == 302
    wrong.refresh_from_db()
    right = Funding.objects.known().get(partner__code="SG")
    assert wrong.withdrawal_reason == "The letter names Singapore"
    assert said(right, "effective_on", "day_order", "delta", "recorded_at") == (
        dt.date(2022, 5, 1),
        0,
        1,
        wrong.withdrawn_at,
    )
    ours = Project.objects.filter(pk=project.pk)
    singapore, australia = make.partner("SG"), make.partner("AU")
    then = make.day("2022-06-30")
    assert ours.as_of(then).funded_by(singapore).exists()
    assert not ours.as_of(then).funded_by(australia).exists()
    assert ours.as_of(then, before).funded_by(australia).exists()
    assert not ours.as_of(make.day("2022-04-30")).funded_by(singapore).exists()
    entry = Entry.objects.get(can_be_undone=True)
    assert entry.reason == "The letter names Singapore"
    assert right.sequence == entry.sequence


def test_a_funder_taken_out_by_mistake_of_the_record_is_withdrawn(
    client_of_editor, project
):
    form = opened(client_of_editor, edit_of(project))
    less = client_of_editor.post(edit_of(project), form.filled(remove="funders-0"))
    asked = client_of_editor.post(edit_of(project), Form(less.content.decode()).texts)

    told = client_of_editor.post(
        edit_of(project),
        Form(asked.content.decode()).filled(
            **{
                "why-funders-change": "correction",
                "why-funders-reason": "It never paid",
            }
        ),
    )
    if told.status_code == 200:
        client_of_editor.post(edit_of(project), Form(told.content.decode()).texts)

    assert not Funding.objects.known().exists()
    assert Funding.objects.count() == 1


def test_an_added_beneficiary_asks_whether_the_world_changed(client_of_editor, project):
    data = opened(client_of_editor, edit_of(project)).filled(
        **{"benefits-1-party": "grouping:CLMV"}
    )
    asked = Form(client_of_editor.post(edit_of(project), data).content.decode())

    assert asked.texts["why-benefits-since"] == [""]
    assert asked.texts["why-benefits-reason"] == [""]
    answer = client_of_editor.post(
        edit_of(project),
        asked.filled(
            **{
                "why-benefits-change": "development",
                "why-benefits-since": "2023-05-01",
            }
        ),
    )
    assert answer.status_code == 302
    joined = Benefit.objects.get(grouping__isnull=False)
    assert said(joined, "effective_on", "share_basis") == (
        dt.date(2023, 5, 1),
        "unknown",
    )


def test_a_funder_is_not_added_without_saying_what_happened(client_of_editor, project):
    data = opened(client_of_editor, edit_of(project)).filled(
        **{"funders-1-partner": "SG"}
    )
    page = client_of_editor.post(edit_of(project), data).content.decode()

    answer = client_of_editor.post(edit_of(project), Form(page).texts)

    assert "The record was incomplete" in page
    assert "It is recorded from 10 January 2022 on." in page
    assert answer.status_code == 400
    sentence = "Say whether the world or the record was wrong."
    assert sentence in answer.content.decode()
    assert Funding.objects.get().partner.code == "JP"


def test_a_funder_that_was_missing_is_recorded_from_the_first_day(
    client_of_editor, project
):
    answer = answered(
        client_of_editor,
        project,
        "funders",
        {"change": "correction", "reason": "The first letter names both"},
        **{"funders-1-partner": "SG"},
    )

    assert answer.status_code == 302
    joined = Funding.objects.get(partner__code="SG")
    assert joined.effective_on == dt.date(2022, 1, 10)
    entry = Entry.objects.get(can_be_undone=True)
    assert entry.reason == "The first letter names both"


def test_what_was_asked_about_may_be_mended_instead_of_answered(
    client_of_editor, project
):
    data = opened(client_of_editor, edit_of(project)).filled(
        **{"funders-0-partner": "SG"}
    )
    page = client_of_editor.post(edit_of(project), data).content.decode()

    mended = Form(page).filled(**{"funders-0-partner": "JP"}, title="Maize chains")
    answer = client_of_editor.post(edit_of(project), mended)

    question = page[page.index('id="question"') : page.index('id="basics"')]
    assert " required" not in question
    assert answer.status_code == 302
    project.refresh_from_db()
    assert project.title == "Maize chains"
    assert Funding.objects.get().partner.code == "JP"


def test_a_fund_that_never_was_of_a_partner_is_wrong_and_no_question(
    client_of_editor, project
):
    data = opened(client_of_editor, edit_of(project)).filled(
        **{"funders-0-partner": "SG", "funders-0-fund": "JAIF"}
    )

    page = client_of_editor.post(edit_of(project), data)

    html = page.content.decode()
    assert page.status_code == 400
    assert 'href="#id_funders-0-fund"' in html
    assert "JAIF never counted as Singapore." in html
    assert "what happened?" not in html


def test_a_share_that_changed_is_left_and_joined_anew(client_of_editor, project):
    answered(
        client_of_editor,
        project,
        "benefits",
        {"change": "development", "since": "2024-03-01"},
        **{"benefits-0-share": "60"},
    )

    facts = Benefit.objects.known().order_by("effective_on", "day_order")
    assert [(fact.delta, fact.share) for fact in facts] == [
        (1, Decimal(40)),
        (-1, None),
        (1, Decimal(60)),
    ]
    form = opened(client_of_editor, edit_of(project))
    assert form.texts["benefits-0-share"] == ["60"]
    assert "benefits-1-party" not in form.texts


def test_a_share_that_was_wrong_is_corrected_in_its_place(client_of_editor, project):
    answered(
        client_of_editor,
        project,
        "benefits",
        {"change": "correction", "reason": "Misread"},
        **{"benefits-0-share": "60"},
    )

    fact = Benefit.objects.known().get()
    assert said(fact, "share", "effective_on", "delta") == (
        Decimal(60),
        dt.date(2022, 1, 10),
        1,
    )


def test_a_place_is_only_ever_corrected(client_of_editor, project):
    answer = answered(
        client_of_editor,
        project,
        "line",
        {"reason": "It was the other line"},
        line="IAI-IV-02",
        area="",
    )

    assert answer.status_code == 302
    assert Placement.objects.known().get().line.code == "IAI-IV-02"
    assert Placement.objects.count() == 2
    project.refresh_from_db()
    assert project.version > 1


def test_a_line_that_was_not_recorded_is_added_without_a_question(client_of_editor):
    bare = make.project(status=None, plan=False)

    form = opened(client_of_editor, edit_of(bare))
    answer = client_of_editor.post(
        edit_of(bare), form.filled(line="IAI-IV-02", plan="")
    )

    assert answer.status_code == 302
    assert Placement.objects.get().line.code == "IAI-IV-02"


def test_moved_figures_are_told_and_true(client_of_editor, project):
    make.figure(value=1, as_of="2022-09-22")
    make.project(line=WorkPlan.objects.get(code="IAI-IV").lines.last())
    data = opened(client_of_editor, edit_of(project)).filled(plan="", line="", area="")

    page = client_of_editor.post(edit_of(project), data).content.decode()

    assert "IAI-IV on 22 September 2022: 2 → <b>1</b>" in page
    asked = Form(page).filled(**{"why-line-reason": "It is in no plan"})
    assert client_of_editor.post(edit_of(project), asked).status_code == 302
    counted = Project.objects.as_of(make.day("2022-09-22"))
    assert counted.under(make.plan()).count() == 1


def test_an_answer_without_its_day_or_reason_is_asked_for(client_of_editor, project):
    data = opened(client_of_editor, edit_of(project)).filled(
        **{"funders-0-partner": "SG"}
    )
    asked = Form(client_of_editor.post(edit_of(project), data).content.decode())

    def told(**answer):
        given = {f"why-funders-{name}": text for name, text in answer.items()}
        page = client_of_editor.post(edit_of(project), asked.filled(**given))
        assert page.status_code == 400
        return page.content.decode()

    assert "Say whether the world or the record was wrong." in told()
    assert "Say since when it is so." in told(change="development")
    assert "Say why the record was wrong." in told(change="correction")
    assert "not come yet" in told(change="development", since=TOMORROW)
    assert Funding.objects.count() == 1


def test_several_kinds_are_asked_each_and_written_as_one(client_of_editor, project):
    data = opened(client_of_editor, edit_of(project)).filled(
        **{"funders-0-partner": "SG", "benefits-0-party": "country:KH"},
        title="Maize chains",
    )
    asked = Form(client_of_editor.post(edit_of(project), data).content.decode())
    assert asked.texts["asked"] == ["benefits", "funders"]

    answer = client_of_editor.post(
        edit_of(project),
        asked.filled(
            **{
                "why-funders-change": "development",
                "why-funders-since": "2024-03-01",
                "why-benefits-change": "correction",
                "why-benefits-reason": "It was Cambodia",
            }
        ),
    )
    if answer.status_code == 200:
        answer = client_of_editor.post(
            edit_of(project), Form(answer.content.decode()).texts
        )

    assert answer.status_code == 302
    entry = Entry.objects.get(can_be_undone=True)
    assert Funding.objects.filter(sequence=entry.sequence).count() == 2
    assert Benefit.objects.get(sequence=entry.sequence).country.code == "KH"
    project.refresh_from_db()
    assert project.title == "Maize chains"


def test_sending_an_edit_twice_writes_it_once(client_of_editor, project):
    data = opened(client_of_editor, edit_of(project)).filled(title="Maize chains")

    client_of_editor.post(edit_of(project), data)
    again = client_of_editor.post(edit_of(project), data, follow=True)

    assert "P-22222 was saved." in again.content.decode()
    assert "Nothing was changed." not in again.content.decode()
    assert Entry.objects.filter(can_be_undone=True).count() == 1


def test_an_edit_is_undone_as_a_whole(client_of_editor, project):
    answered(
        client_of_editor,
        project,
        "funders",
        {"change": "correction", "reason": "Misread"},
        **{"funders-0-partner": "SG"},
    )
    entry = Entry.objects.get(can_be_undone=True)

    client_of_editor.post(f"/undo/{entry.sequence}/")

    project.refresh_from_db()
    assert project.title == "Rice chains"
    assert Funding.objects.known().get().partner.code == "JP"


def test_facts_added_to_an_illustrative_project_are_illustrative(
    client_of_editor, project
):
    Project.objects.filter(pk=project.pk).update(is_illustrative=True)

    answered(
        client_of_editor,
        project,
        "funders",
        {"change": "development", "since": "2023-05-01"},
        **{"funders-1-partner": "SG"},
    )

    assert Funding.objects.get(partner__code="SG").basis == "illustrative"


# Two people


def test_the_second_of_two_editors_chooses_field_by_field(
    sign_in, client_of_editor, project
):
    mine = opened(client_of_editor, edit_of(project))
    other = sign_in(make.user("editor"))
    theirs = opened(other, edit_of(project))
    other.post(
        edit_of(project),
        theirs.filled(
            title="Rice for all",
            official_code="IAI/7",
            **rows("phases", {"title": "Their study"}),
        ),
    )

    stale = client_of_editor.post(
        edit_of(project),
        mine.filled(title="My rice", **rows("phases", {"title": "My study"})),
    )

    html = stale.content.decode()
    assert stale.status_code == 409
    assert "Rice for all" in html
    assert "Their study" in html
    kept = Form(html)
    assert kept.texts["title"] == ["My rice"]
    assert kept.texts["phases-0-title"] == ["My study"]
    assert kept.texts["official_code"] == ["IAI/7"]
    choice = {"take-title": "mine", "take-phases": "theirs"}
    done = client_of_editor.post(edit_of(project), kept.filled(**choice))
    assert done.status_code == 302
    project.refresh_from_db()
    assert said(project, "title", "official_code") == ("My rice", "IAI/7")
    assert project.phases.get().title == "Their study"


def test_rows_alone_make_another_form_an_old_one(sign_in, client_of_editor, project):
    mine = opened(client_of_editor, edit_of(project))
    other = sign_in(make.user("editor"))
    theirs = opened(other, edit_of(project))
    other.post(edit_of(project), theirs.filled(**rows("phases", {"title": "Theirs"})))

    stale = client_of_editor.post(edit_of(project), mine.filled(title="My rice"))

    assert stale.status_code == 409
    assert Form(stale.content.decode()).texts["phases-0-title"] == ["Theirs"]


def test_what_only_one_of_two_changed_is_no_choice(sign_in, project):
    mine, theirs = sign_in(make.user("editor")), sign_in(make.user("editor"))
    my_form, their_form = (opened(one, edit_of(project)) for one in (mine, theirs))
    theirs.post(edit_of(project), their_form.filled(description="Theirs"))

    page = mine.post(edit_of(project), my_form.filled(internal_note="Mine"))

    assert page.status_code == 409
    assert set(page.context["conflict"]) == {"description"}
    assert not page.context["conflict"]["description"].is_mine
    again = Form(page.content.decode())
    mine.post(edit_of(project), again.filled())
    project.refresh_from_db()
    assert (project.description, project.internal_note) == ("Theirs", "Mine")


def test_a_fact_recorded_meanwhile_is_shown_beside_mine(client_of_editor, project):
    mine = opened(client_of_editor, edit_of(project))
    actions.record(
        fact=Funding(
            project=project,
            partner=make.partner("SG"),
            effective_on=make.day("2023-01-01"),
        )
    )

    stale = client_of_editor.post(
        edit_of(project), mine.filled(**{"funders-0-fund": "JAIF"})
    )

    html = stale.content.decode()
    assert stale.status_code == 409
    assert '<p class="typed">Japan, Singapore</p>' in html
    assert Funding.objects.count() == 2


def test_a_wrong_field_does_not_make_an_old_form_a_new_one(
    sign_in, client_of_editor, project
):
    mine = opened(client_of_editor, edit_of(project))
    other = sign_in(make.user("editor"))
    theirs = opened(other, edit_of(project))
    wrong = client_of_editor.post(edit_of(project), mine.filled(planned_end="soon"))
    other.post(edit_of(project), theirs.filled(title="Rice for all"))

    again = Form(wrong.content.decode()).filled(planned_end="2027")

    assert client_of_editor.post(edit_of(project), again).status_code == 409


# Rights and sessions


def test_a_session_that_ended_keeps_what_was_typed_and_saves_it_later(
    sign_in, client_of_editor, client, editor
):
    data = opened(client_of_editor, NEW).filled(title="Rice chains", plan="")

    kept = client.post(NEW, data)

    assert kept.status_code == 403
    assert "Rice chains" in kept.content.decode()
    assert not Project.objects.exists()
    assert sign_in(editor).post(NEW, data).status_code == 302
    assert Project.objects.get().title == "Rice chains"


def test_a_right_lost_meanwhile_refuses_and_shows_what_was_typed(
    client_of_editor, project, editor
):
    form = opened(client_of_editor, edit_of(project))
    User.objects.filter(pk=editor.pk).update(role="reader")

    answer = client_of_editor.post(edit_of(project), form.filled(title="My long text"))

    assert answer.status_code == 403
    assert "My long text" in answer.content.decode()
    project.refresh_from_db()
    assert project.title == "Rice chains"


@pytest.mark.parametrize("role", ["reader", "coordinator", "partner"])
def test_only_the_secretariat_edits(sign_in, project, role):
    fields = {"coordinator": {"country": "VN"}, "partner": {"partner": "JP"}}
    client = sign_in(make.user(role, **fields.get(role, {})))

    assert client.get(edit_of(project)).status_code == 403
    assert client.get(NEW).status_code == 403
    page = client.get(f"/projects/{project.code}/").content.decode()
    assert "/edit/" not in page
    assert "/permissions/?why=projects" in page


def test_the_project_page_offers_to_edit(client_of_editor, client, project):
    staff = client_of_editor.get(f"/projects/{project.code}/").content.decode()
    anyone = client.get(f"/projects/{project.code}/").content.decode()

    assert f'href="{edit_of(project)}' in staff
    assert "Why can I not edit this?" not in staff
    assert "/edit/" not in anyone
    assert "Why can I not edit this?" not in anyone


def test_the_permissions_say_why_not(sign_in, client):
    reader = sign_in(make.user("coordinator", country="VN"))

    page = reader.get("/permissions/?why=projects").content.decode()

    assert "You are signed in as: national coordinator." in page
    assert (
        "Who may change them: a secretariat editor or a secretariat administrator. "
        "<b>That is not you.</b>" in page
    )
    assert client.get("/permissions/?why=nothing").status_code == 400


def test_the_internal_note_is_for_those_whom_it_concerns(sign_in, client, project):
    Project.objects.filter(pk=project.pk).update(internal_note="Ask the ministry")

    def reads(user):
        page = sign_in(user).get(f"/projects/{project.code}/").content.decode()
        return "Ask the ministry" in page

    assert reads(make.user("editor"))
    assert reads(make.user("coordinator", country="VN"))
    assert not reads(make.user("coordinator", country="KH"))
    assert not reads(make.user("partner", partner="JP"))
    assert not reads(make.user())
    assert not reads(None)


def test_a_project_that_is_not_there_is_not_edited(client_of_editor):
    assert client_of_editor.get("/projects/P-99999/edit/").status_code == 404


# After the first real project


@pytest.fixture
def illustrative(world):
    return make.project(
        code="ILL-1", is_illustrative=True, funders=["JP"], countries=["VN"]
    )


def test_the_first_real_project_offers_to_remove_the_illustrative(
    sign_in, world, illustrative
):
    client = sign_in(make.user("administrator"))
    form = opened(client, NEW)

    page = client.post(NEW, form.filled(title="Rice"), follow=True).content.decode()
    second = client.post(
        NEW, opened(client, NEW).filled(title="Maize"), follow=True
    ).content.decode()

    assert "Remove the illustrative records" in page
    assert "Remove the illustrative records" not in second
    assert client.post("/illustrative/remove/").status_code == 302
    assert sorted(Project.objects.values_list("title", flat=True)) == ["Maize", "Rice"]


def test_what_was_added_to_illustrative_projects_goes_with_them(
    sign_in, world, illustrative, editor
):
    client = sign_in(editor)
    form = opened(client, edit_of(illustrative))
    client.post(
        edit_of(illustrative),
        form.filled(themes=["COVID"], **rows("phases", {"title": "Study"})),
    )
    Comment.objects.create(
        project=illustrative, text="Ask", recorded_by=editor, recorded_at=timezone.now()
    )

    sign_in(make.user("administrator")).post("/illustrative/remove/")

    assert not Project.objects.exists()
    assert not Comment.objects.exists()
    assert not Project.history.exists()
    assert not Phase.history.exists()


def test_an_editor_is_told_who_can_remove_them(client_of_editor, illustrative):
    form = opened(client_of_editor, NEW)

    page = client_of_editor.post(NEW, form.filled(title="Rice"), follow=True)

    assert "An administrator can remove them." in page.content.decode()
    assert client_of_editor.post("/illustrative/remove/").status_code == 403
    assert Project.objects.filter(is_illustrative=True).exists()


# Cost


def test_many_rows_cost_as_much_as_few(client_of_editor, project, queries):
    few = queries(lambda: client_of_editor.get(edit_of(project)))
    for number, code in enumerate(["KH", "LA", "MM", "TL", "BN"]):
        actions.record(
            fact=Benefit(
                project=project,
                country=make.country(code),
                effective_on=make.day("2023-01-01"),
            )
        )
        actions.record(
            fact=Funding(
                project=project,
                partner=make.partner(f"P{number}"),
                effective_on=make.day("2023-01-01"),
            )
        )
        Phase.objects.create(project=project, number=number + 1)

    assert queries(lambda: client_of_editor.get(edit_of(project))) == few
