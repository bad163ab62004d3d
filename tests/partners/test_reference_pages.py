"""Writing partners, funds, countries and the rest of what projects name."""

import pytest

from aseanpm.editing import key_of
from aseanpm.facts import Entry
from aseanpm.models import Source
from partners.models import (
    Country,
    FocalPoint,
    Fund,
    FundOwnership,
    GroupingMembership,
    Organisation,
    Partner,
    PartnerAlias,
)
from tests import make
from tests.filling import confirmed, filled, said, told
from tests.reading import Form, page_of
from workplans.models import Body, Framework, Statement, Theme

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(sign_in):
    return sign_in(make.user("editor"))


def alias(partner, name, language=""):
    return PartnerAlias.objects.create(partner=partner, name=name, language=language)


# Partners and their aliases


def test_a_partner_is_made_with_its_aliases(editor):
    sent = filled(editor, "/partners/new/") | {
        "code": "kr",
        "name": "Republic of Korea",
        "kind": "dialogue",
        "name_in_vi": "Hàn Quốc",
        "aliases-0-name": "ROK",
        "aliases-1-name": "대한민국",
        "aliases-1-language": "",
    }

    answer = editor.post("/partners/new/", sent)

    partner = Partner.objects.get(code="KR")
    assert answer.url == "/partners/KR/"
    assert partner.name_translations == {"vi": "Hàn Quốc"}
    assert {one.name for one in partner.aliases.all()} == {"ROK", "대한민국"}
    assert "Also called" in editor.get("/partners/KR/").content.decode()


def test_a_second_press_makes_one_partner(editor):
    sent = filled(editor, "/partners/new/") | {
        "code": "KR",
        "name": "Republic of Korea",
        "kind": "dialogue",
    }

    answers = [editor.post("/partners/new/", sent).url for _ in range(2)]

    assert answers == ["/partners/KR/", "/partners/KR/"]
    assert Partner.objects.count() == 1


def test_an_alias_that_clashes_names_whose_it_is(editor):
    korea = make.partner("KR", name="Republic of Korea")
    make.partner("JP", name="Japan")
    alias(korea, "ROK")
    sent = filled(editor, "/partners/JP/edit/")

    def objections(*names):
        rows = {f"aliases-{n}-name": name for n, name in enumerate(names)}
        return said(editor.post("/partners/JP/edit/", sent | rows))

    assert objections("Nippon", "rok") == [
        "Also called, row 2, Alias: “rok” is an alias of Republic of Korea (KR) "
        "already."
    ]
    assert objections("kr") == [
        "Also called, row 1, Alias: “kr” is the code of Republic of Korea (KR) already."
    ]
    assert objections("Republic of Korea") == [
        "Also called, row 1, Alias: “Republic of Korea” is the name of Republic of "
        "Korea (KR) already."
    ]
    assert objections("Nippon", "NIPPON") == [
        "Also called: Row 2: “NIPPON” stands in row 1 already."
    ]
    assert PartnerAlias.objects.count() == 1


def test_an_alias_that_is_taken_away_stays_in_its_history(editor):
    japan = make.partner("JP", name="Japan")
    nippon, nihon = alias(japan, "Nippon"), alias(japan, "Nihon")
    sent = filled(editor, "/partners/JP/edit/")
    assert sent["aliases-0-name"] == ["Nihon"]

    rest = {name: sent[name] for name in sent if not name.startswith("aliases-1")}
    editor.post("/partners/JP/edit/", rest | {"aliases-0-name": "Nihon-koku"})

    assert [one.name for one in japan.aliases.all()] == ["Nihon-koku"]
    assert japan.aliases.get().pk == nihon.pk
    gone = PartnerAlias.history.filter(id=nippon.pk).order_by("history_id")
    assert [row.history_type for row in gone] == ["+", "-"]
    assert gone.last().history_user is not None


def test_what_was_written_with_its_aliases_is_undone_with_them(editor):
    japan = make.partner("JP", name="Japan")
    alias(japan, "Nippon")
    sent = filled(editor, "/partners/JP/edit/")

    editor.post(
        "/partners/JP/edit/",
        sent | {"note": "New", "aliases-0-name": "Nihon", "aliases-1-name": "JPN"},
    )
    editor.post(f"/undo/{Entry.objects.first().sequence}/")

    japan.refresh_from_db()
    assert japan.note == ""
    assert [one.name for one in japan.aliases.all()] == ["Nippon"]


@pytest.fixture
def at_once(editor, sign_in):
    """at_once(theirs, mine): what two editors of Japan with two aliases save; the page
    that the second sees, and the aliases after saving it as it stands."""

    def save(theirs, mine):
        japan = make.partner("JP", name="Japan")
        alias(japan, "Nihon"), alias(japan, "Nippon")
        client = sign_in(make.user("editor"))
        opened = filled(editor, "/partners/JP/edit/")
        client.post("/partners/JP/edit/", filled(client, "/partners/JP/edit/") | theirs)
        page = editor.post("/partners/JP/edit/", opened | mine)
        assert page.status_code == 409
        again = Form(page.content.decode()).texts
        editor.post("/partners/JP/edit/", again)
        return page, {one.name for one in japan.aliases.all()}

    return save


@pytest.mark.parametrize(
    ("theirs", "mine", "both"),
    [
        ({"aliases-2-name": "A"}, {"aliases-2-name": "B"}, "Nihon Nippon A B"),
        ({"aliases-0-name": "A"}, {"aliases-1-name": "B"}, "A B"),
        ({"aliases-0-name": ""}, {"aliases-2-name": "B"}, "Nippon B"),
        ({"aliases-0-name": "A"}, {"aliases-1-name": ""}, "A"),
        ({"aliases-0-name": ""}, {"aliases-0-name": ""}, "Nippon"),
    ],
)
def test_who_changes_different_aliases_at_once_keeps_both(at_once, theirs, mine, both):
    page, names = at_once(theirs | {"note": "Theirs"}, mine | {"note": "Mine"})

    assert names == set(both.split())
    assert "take-aliases" not in page.content.decode()
    assert "take-note" in page.content.decode()


@pytest.mark.parametrize(
    ("theirs", "mine", "chosen"),
    [
        ({"aliases-0-name": "A"}, {"aliases-0-name": "B"}, "B Nippon"),
        ({"aliases-0-name": ""}, {"aliases-0-name": "B"}, "B Nippon"),
        ({"aliases-0-name": "A"}, {"aliases-0-name": ""}, "Nippon"),
    ],
)
def test_who_changes_one_alias_at_once_chooses(at_once, theirs, mine, chosen):
    page, names = at_once(theirs, mine)

    assert "take-aliases" in page.content.decode()
    assert names == set(chosen.split())


def test_saving_what_was_not_changed_writes_nothing(editor):
    alias(make.partner("JP", name="Japan"), "Nippon")
    before = Entry.objects.count()

    editor.post("/partners/JP/edit/", filled(editor, "/partners/JP/edit/"))

    assert Entry.objects.count() == before


def test_a_code_is_shown_and_not_changed(editor):
    make.partner("JP", name="Japan")
    sent = filled(editor, "/partners/JP/edit/")

    editor.post("/partners/JP/edit/", sent | {"code": "NP", "note": "Changed"})

    assert "code" not in sent
    assert Partner.objects.get(note="Changed").code == "JP"


def test_a_code_of_a_merged_partner_is_not_given_again(editor):
    japan = make.partner("JP", name="Japan")
    Partner.objects.filter(pk=make.partner("JPN", name="Nippon").pk).update(
        merged_into=japan
    )
    sent = filled(editor, "/partners/new/") | {"name": "Other", "kind": "other"}

    page = editor.post("/partners/new/", sent | {"code": "jpn"})

    assert page.status_code == 400
    assert "JPN" in said(page)[0]
    assert Partner._base_manager.count() == 2


@pytest.mark.parametrize("code", ["J P", "JP+SG", "日本", "-JP", "JP--X"])
def test_a_code_that_cannot_be_one_is_refused(editor, code):
    sent = filled(editor, "/partners/new/") | {"name": "Other", "kind": "other"}

    page = editor.post("/partners/new/", sent | {"code": code})

    assert page.status_code == 400
    assert said(page)[0].startswith("Code: ")
    assert Partner.objects.count() == 0


def test_a_partner_whose_country_is_taken_is_refused_at_that_field(editor):
    make.partner("SG", name="Singapore", country=make.country("SG"))
    make.partner("XX", name="Other")
    sent = filled(editor, "/partners/XX/edit/")

    page = editor.post("/partners/XX/edit/", sent | {"country": "SG"})

    assert said(page) == ["Country: This country is a partner on record already."]


def test_moving_a_funder_inside_asean_tells_so_before_it_is_written(editor):
    make.grouping("ASEAN", ["SG"])
    make.partner("TH", name="Thailand")
    make.project(funders=["TH"], budget="100")
    sent = filled(editor, "/partners/TH/edit/") | {"country": "SG"}

    page = editor.post("/partners/TH/edit/", sent)

    assert told(page) == ["Thailand as a funder today: outside ASEAN → inside ASEAN"]
    confirmed(editor, "/partners/TH/edit/", sent)
    assert Partner.objects.get(code="TH").country.code == "SG"


# Funds


def test_a_fund_counts_as_one_partner_at_a_time(editor):
    make.fund("JAIF", "JP")
    make.partner("KR")
    sent = filled(editor, "/reference/funds/JAIF/edit/") | {
        "ownerships-1-partner": "KR",
        "ownerships-1-valid_from": "2020",
    }

    page = editor.post("/reference/funds/JAIF/edit/", sent)

    assert page.status_code == 400
    assert said(page) == [
        "Whom it counts as, row 2, Since: JAIF of Partner JP is on record from the "
        "beginning to today and on; the periods overlap."
    ]
    assert FundOwnership.objects.count() == 1


def test_a_fund_changes_hands_in_one_write(editor):
    make.fund("JAIF", "JP")
    make.partner("KR")
    sent = filled(editor, "/reference/funds/JAIF/edit/") | {
        "ownerships-0-valid_until": "2019-12-31",
        "ownerships-1-partner": "KR",
        "ownerships-1-valid_from": "2020-01-01",
    }

    confirmed(editor, "/reference/funds/JAIF/edit/", sent)

    rows = FundOwnership.objects.order_by("valid_from").values_list(
        "partner__code", "valid_from", "valid_until"
    )
    assert set(rows) == {
        ("JP", None, make.day("2019-12-31")),
        ("KR", make.day("2020-01-01"), None),
    }


def test_a_fund_does_not_leave_records_behind_that_name_it(editor):
    fund = make.fund("JAIF", "JP")
    project = make.project(code="P-22222", funders=["JP"])
    make.money(project, "10", kind="committed", partner="JP", fund=fund)
    sent = filled(editor, "/reference/funds/JAIF/edit/")

    page = editor.post(
        "/reference/funds/JAIF/edit/", sent | {"ownerships-0-valid_from": "2023-01-01"}
    )

    assert page.status_code == 400
    assert "P-22222 on 2022-01-10" in said(page)[0]
    assert FundOwnership.objects.get().valid_from is None


# Countries and groupings


@pytest.fixture
def mekong():
    """CLMV with Viet Nam, which a project that counts benefits."""
    grouping = make.grouping("CLMV", ["VN"])
    make.country("TL", name="Timor-Leste")
    make.project(groupings=["CLMV"])
    return grouping


def test_a_membership_tells_whom_projects_reach_before_it_is_written(editor, mekong):
    address = "/countries/TL/edit/"
    sent = filled(editor, address) | {
        "memberships-0-grouping": "CLMV",
        "memberships-0-valid_from": "2024",
    }

    page = editor.post(address, sent)

    assert told(page) == ["Timor-Leste today: 0 → 1 project"]
    assert mekong.memberships.count() == 1
    confirmed(editor, address, sent)
    row = mekong.memberships.get(country__code="TL")
    assert (row.valid_from, row.valid_from_precision) == (
        make.day("2024-12-31"),
        "year",
    )


def test_a_member_that_left_is_told_from_the_grouping_too(editor, mekong):
    address = "/reference/groupings/CLMV/edit/"
    sent = filled(editor, address) | {"memberships-0-valid_until": "2020-12-31"}

    page = editor.post(address, sent)

    assert told(page) == ["Country VN today: 1 → 0 projects"]


def test_rows_written_from_the_other_side_are_not_taken_away(editor, sign_in, mekong):
    other = sign_in(make.user("editor"))
    mine = filled(editor, "/countries/TL/edit/") | {"name": "Timor Leste"}
    theirs = filled(other, "/reference/groupings/CLMV/edit/") | {
        "memberships-1-country": "TL"
    }
    confirmed(other, "/reference/groupings/CLMV/edit/", theirs)

    page = editor.post("/countries/TL/edit/", mine)
    again = Form(page.content.decode()).texts
    answer = editor.post("/countries/TL/edit/", again)

    assert page.status_code == 409
    assert answer.status_code == 302
    assert mekong.memberships.filter(country__code="TL").exists()
    assert Country.objects.get(code="TL").name == "Timor Leste"


def test_a_standing_as_beneficiary_has_dates_and_moves_what_is_told(editor):
    make.programme("IAI")
    make.country("TL", name="Timor-Leste")
    address = "/countries/TL/edit/"
    sent = filled(editor, address) | {
        "beneficiary_statuses-0-programme": "IAI",
        "beneficiary_statuses-0-valid_from": "2024",
        "events-0-on": "2022-11",
        "events-0-text": "Admitted in principle",
    }

    page = editor.post(address, sent)

    assert told(page) == [
        "Timor-Leste today: outside ASEAN → outside ASEAN, beneficiary of IAI"
    ]
    confirmed(editor, address, sent)
    country = Country.objects.get(code="TL")
    assert country.beneficiary_statuses.get().programme == "IAI"
    event = country.events.get()
    assert (event.on, event.precision) == (make.day("2022-11-30"), "month")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"memberships-0-grouping": "CLMV", "memberships-0-valid_from": "x"}, "x"),
        (
            {
                "memberships-0-grouping": "CLMV",
                "memberships-0-valid_from": "2024-01-01",
                "memberships-0-valid_until": "2023-01-01",
            },
            "What holds cannot end before it begins.",
        ),
        ({"memberships-0-valid_from": "2024"}, "Member of: This field is required."),
        ({"events-0-text": "Observer"}, "When: This field is required."),
        ({"name": ""}, "Name: This field is required."),
    ],
)
def test_wrong_dates_get_a_sentence_and_write_nothing(editor, mekong, values, sentence):
    sent = filled(editor, "/countries/TL/edit/")

    page = editor.post("/countries/TL/edit/", sent | values)

    assert page.status_code == 400
    assert any(sentence in each for each in said(page)), said(page)
    assert GroupingMembership.objects.count() == 1


# The rest


def test_an_organisation_is_made_and_found_by_its_alias(editor):
    sent = filled(editor, "/reference/organisations/new/") | {
        "code": "ERIA",
        "name": "Economic Research Institute",
        "aliases-0-name": "ERIA institute",
    }

    editor.post("/reference/organisations/new/", sent)

    assert Organisation.objects.named("eria INSTITUTE").get().code == "ERIA"


@pytest.mark.parametrize(
    ("kind", "model", "values"),
    [
        ("themes", Theme, {"title": "Water"}),
        ("bodies", Body, {"name": "A body"}),
        ("frameworks", Framework, {"title": "A framework"}),
        ("funds", Fund, {"name": "A fund"}),
        ("sources", Source, {"title": "A report", "reading": "whole"}),
    ],
)
def test_each_kind_is_made_once_and_its_code_is_refused_again(
    editor, kind, model, values
):
    address = f"/reference/{kind}/new/"
    editor.post(address, filled(editor, address) | values | {"code": "NEW1"})

    page = editor.post(address, filled(editor, address) | values | {"code": "new1"})

    assert model.objects.filter(code="NEW1").count() == 1
    assert page.status_code == 400
    assert any("NEW1 is the code of" in each for each in said(page))


def test_a_framework_is_linked_with_a_line_of_the_plan_that_it_names(editor):
    make.line(code="IAI-IV-07")
    other = make.plan("IAI-III", nominal_start=make.day("2016-01-01"))
    make.line(plan=other, code="IAI-III-07")
    framework = make.framework("AFEED")
    make.statement("AFEED-2011", framework=framework)
    address = "/reference/frameworks/AFEED/edit/"
    row = {
        "links-0-plan": "IAI-IV",
        "links-0-statement": "AFEED-2011",
        "links-0-basis": "documented",
    }

    wrong = editor.post(
        address, filled(editor, address) | row | {"links-0-line": "iai-iii-07"}
    )
    editor.post(address, filled(editor, address) | row | {"links-0-line": "IAI-IV-07"})

    assert "IAI-III-07 is no line of IAI-IV." in said(wrong)[0]
    link = framework.links.get()
    assert (link.line.code, link.statement.code) == ("IAI-IV-07", "AFEED-2011")


def test_a_statement_is_dated_as_exactly_as_it_is_known(editor):
    make.framework("AFEED")
    address = "/reference/statements/new/"

    editor.post(
        address,
        filled(editor, address)
        | {
            "code": "AFEED-2011",
            "framework": "AFEED",
            "title": "A declaration",
            "dated": "2011-11",
        },
    )

    assert Statement.objects.get().on_shown == "2011-11"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Country: Say for which one this office answers."),
        ({"kind": "area_agency"}, "Area: Say for which one this office answers."),
        ({"kind": "lead_body"}, "Line: A lead body answers for a line or an area."),
        ({"line": "IAI-IV-99"}, "Line: There is no action line “IAI-IV-99”."),
        ({"email": "somebody"}, "E-mail address: Enter a valid email address."),
    ],
)
def test_an_office_answers_for_something(editor, values, sentence):
    make.line(code="IAI-IV-07")
    address = "/reference/focal-points/new/"
    sent = filled(editor, address) | {
        "kind": "national_coordinator",
        "office": "A ministry",
    }

    page = editor.post(address, sent | values)

    assert sentence in said(page)
    assert not FocalPoint.objects.exists()


def test_an_office_is_edited_by_an_address_that_tells_no_key(editor):
    point = make.focal_point(person="A. Person")
    address = f"/reference/focal-points/{key_of(point)}/edit/"

    editor.post(
        address,
        filled(editor, address) | {"person": "B. Person", "since": "2025"},
    )

    point.refresh_from_db()
    assert (point.person, point.valid_from_precision) == ("B. Person", "year")
    assert editor.get(f"/reference/focal-points/{point.pk}/edit/").status_code == 404


# Where all of it is found


def test_the_index_counts_each_kind_and_each_number_opens_its_rows(editor):
    make.fund()
    make.theme()
    make.focal_point()

    page = page_of(editor, "/reference/")

    assert len(page.figures) == 15
    for address, number in page.figures:
        assert page_of(editor, address).total == int(number), address


def test_the_index_finds_rows_of_all_kinds_by_every_name(editor):
    alias(make.partner("KR", name="Republic of Korea"), "Hàn Quốc")
    make.body("ACCC", name="Korean committee")

    page = editor.get("/reference/?search=HAN quoc").content.decode()

    assert "/partners/KR/edit/" in page
    assert "ACCC" not in page
    assert (
        "/reference/bodies/ACCC/edit/"
        in editor.get("/reference/?search=korea").content.decode()
    )


@pytest.mark.parametrize(
    "query", ["kind=planets", "search=a&search=b", "colour=red", "page=9"]
)
def test_an_index_that_cannot_be_read_is_refused_by_name(editor, query):
    assert editor.get(f"/reference/?{query}").status_code == 400


def test_what_was_saved_leads_back_to_where_one_came_from(editor):
    make.theme("COVID")
    address = "/reference/themes/COVID/edit/?next=/reference/%3Fkind%3Dthemes"

    answer = editor.post(address, filled(editor, address) | {"title": "Pandemics"})

    assert answer.url == "/reference/?kind=themes"


@pytest.mark.parametrize("role", [None, "reader", "coordinator", "partner"])
def test_others_are_not_offered_what_they_may_not_do(sign_in, role):
    fields = {"coordinator": {"country": "VN"}, "partner": {"partner": "AU"}}
    make.partner("JP", name="Japan")
    client = sign_in(make.user(role, **fields.get(role, {})) if role else None)

    for address in ("/partners/", "/partners/JP/", "/plans/", "/countries/"):
        answer = client.get(address)
        page = answer.content.decode()
        assert answer.status_code == 200, address
        assert "/new/" not in page, address
        assert "/edit/" not in page, address
        assert "/reference/" not in page, address


def test_more_rows_cost_no_more_queries(editor, queries):
    japan = make.partner("JP", name="Japan")
    alias(japan, "Nippon")
    grouping = make.grouping("CLMV", ["VN"])
    addresses = (
        "/partners/JP/edit/",
        "/reference/groupings/CLMV/edit/",
        "/reference/",
        "/reference/?search=a",
    )
    few = [queries(lambda at=at: editor.get(at)) for at in addresses]
    for number in range(6):
        alias(japan, f"Name {number}")
        GroupingMembership.objects.create(
            grouping=grouping, country=make.country(f"A{number}")
        )
        make.partner(f"P{number}", name=f"Partner {number}")

    assert [queries(lambda at=at: editor.get(at)) for at in addresses] == few


def test_every_write_has_its_history_row(editor):
    make.grouping("CLMV", ["VN"])
    make.country("TL")
    sent = filled(editor, "/countries/TL/edit/") | {
        "memberships-0-grouping": "CLMV",
        "events-0-on": "2025",
        "events-0-text": "A step",
        "reason": "Because",
    }

    confirmed(editor, "/countries/TL/edit/", sent)

    entry = Entry.objects.first()
    country = Country.objects.get(code="TL")
    for row in (country, country.memberships.get(), country.events.get()):
        last = row.history.first()
        assert (last.sequence, last.history_change_reason) == (
            entry.sequence,
            "Because",
        ), row
