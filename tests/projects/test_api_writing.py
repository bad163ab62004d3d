"""Creating and changing projects through the API."""

import pytest
from django.test import override_settings

from aseanpm.facts import Entry
from partners.models import ApiToken
from projects.models import Project
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/api/v1/projects/"
KEY = {"Idempotency-Key": "list-2026-1"}


def detail(project):
    return f"{LIST}{project.code}/"


@pytest.fixture
def editor():
    return make.user("editor")


def test_a_project_is_created_once_for_one_key(api, editor):
    make.theme("COVID")
    body = {"title": "Rice chains", "themes": ["COVID"], "planned_start": "2026-01-05"}

    first = api(editor).post(LIST, body, headers=KEY)
    again = api(editor).post(LIST, body, headers=KEY)
    other = api(editor).post(LIST, body | {"title": "Maize"}, headers=KEY)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.json()["themes"] == ["COVID"]
    assert first.json()["version"] == 1
    assert other.status_code == 422
    assert Project.objects.count() == 1
    assert Entry.objects.get().recorded_by == editor


def test_texts_are_kept_as_they_are_in_forms(api, editor):
    body = {
        "title": "Lu\u0301a\u200b\n gạo ",
        "title_translations": {"my": "\u1006\u1014\u103a\u200b"},
    }

    made = api(editor).post(LIST, body, headers=KEY)

    assert made.json()["title"] == "Lúa gạo"
    assert made.json()["title_translations"] == {"my": "\u1006\u1014\u103a\u200b"}


def test_a_date_stands_on_the_last_day_of_what_is_known(api, editor):
    body = {"title": "Rice", "planned_end": "2026-02-01"}

    month = api(editor).post(
        LIST, body | {"planned_end_precision": "month"}, headers=KEY
    )
    alone = api(editor).post(
        LIST,
        {"title": "Rice", "planned_end_precision": "month"},
        headers={"Idempotency-Key": "other"},
    )

    assert month.status_code == 201
    assert Project.objects.get().planned_end == make.day("2026-02-28")
    assert alone.json()["errors"] == [
        {"field": "planned_end_precision", "message": "Send it with planned_end."}
    ]


def test_a_write_by_the_api_can_be_undone(api, sign_in, editor):
    api(editor).post(LIST, {"title": "Rice"}, headers=KEY)

    sign_in(editor).post(f"/undo/{Entry.objects.get().sequence}/")

    assert Project.objects.get().withdrawn_at
    again = api(editor).post(LIST, {"title": "Rice"}, headers=KEY)
    assert again.status_code == 422
    assert "taken back since" in again.json()["detail"]
    assert Project.objects.count() == 1


@override_settings(ASEANPM_SECOND_FACTOR=True)
def test_a_token_opens_nothing_to_whom_a_second_factor_is_missing(client, editor):
    _, token = ApiToken.objects.create(user=editor)
    headers = {"Authorization": f"Token {token}", **KEY}

    answer = client.post(LIST, '{"title": "Rice"}', "application/json", headers=headers)

    assert answer.status_code == 403
    assert "second factor" in answer.json()["detail"]
    assert not Project.objects.exists()


def test_the_same_key_of_two_people_makes_two_projects(api, editor):
    api(editor).post(LIST, {"title": "Rice"}, headers=KEY)
    api(make.user("editor")).post(LIST, {"title": "Rice"}, headers=KEY)

    assert Project.objects.count() == 2


def test_creating_takes_a_key(api, editor):
    answer = api(editor).post(LIST, {"title": "Rice"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "Rice", "status": "approved"}, "status"),
        ({"title": "Rice", "is_illustrative": True}, "is_illustrative"),
        ({"title": "Rice", "code": "P-22222"}, "code"),
        ({"title": "Rice", "version": 9}, "version"),
        ({"title": "Rice", "themes": ["NONE"]}, "themes"),
        ({"title": "Rice", "planned_start": "soon"}, "planned_start"),
        ({"title": "Rice", "planned_start": "0206-01-05"}, "planned_start"),
        ({"title": "Rice", "planned_start": "٢٠٢٤-01-01"}, "planned_start"),
        ({"title": "R" * 401}, "title"),
        ({"title": "\u3164\u2800"}, "title"),
        ({"title": "Rice\u202echains"}, "title"),
        ({"title": "Rice", "internal_note": "a\x07b"}, "internal_note"),
        ({"title": "Rice", "title_language": "xx"}, "title_language"),
        ({"title": "Rice", "title_translations": {"xx": "Gạo"}}, "title_translations"),
        (
            {"title": "Rice", "title_translations": {"vi": "G\u202ea"}},
            "title_translations",
        ),
        (
            {"title": "Rice", "title_translations": {"en": "Rice"}},
            "title_translations",
        ),
        (["Rice"], "non_field_errors"),
    ],
)
def test_what_cannot_be_written_is_named_and_nothing_is(api, editor, body, field):
    answer = api(editor).post(LIST, body, headers=KEY)

    assert answer.status_code == 400
    assert field in {
        error["field"].partition(".")[0] for error in answer.json()["errors"]
    }
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "A project needs a title."),
        ({"title": ""}, "A project needs a title."),
        ({"title": None}, "A project needs a title."),
        ({"title": "\u2800"}, "A project needs a title."),
        (
            {"title": "Rice", "themes": ["NONE"]},
            "Select a valid choice. NONE is not one of the available choices.",
        ),
        (
            {"title": "Rice", "planned_start": "soon"},
            "This is no date. Write it as 2022-09-22.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_form(api, editor, sent, sentence):
    answer = api(editor).post(LIST, sent, headers=KEY)

    assert [error["message"] for error in answer.json()["errors"]] == [sentence]


def test_a_key_is_of_the_address_that_it_was_sent_to(api, editor):
    project, other = make.project(title="Rice"), make.project(title="Rice")
    body, client = {"kind": "funding", "change": "development"}, api(editor)
    body |= {"event": "joins", "partner": "JP", "effective_on": "2022-02-01"}
    make.partner("JP")

    first = client.post(f"{detail(project)}facts/", body, headers=KEY)
    second = client.post(f"{detail(other)}facts/", body, headers=KEY)

    assert (first.status_code, second.status_code) == (201, 422)
    assert not other.fundings.exists()


def test_a_rule_of_the_model_is_explained(api, editor):
    dates = {"planned_start": "2026-05-01", "planned_end": "2026-04-01"}

    answer = api(editor).post(LIST, {"title": "Rice", **dates}, headers=KEY)

    assert answer.status_code == 400
    assert "cannot end before it starts" in answer.json()["errors"][0]["message"]


def test_a_project_is_not_published_and_withheld(api, editor):
    body = {"title": "Rice", "is_published": True, "withheld_reason": "Not yet"}

    answer = api(editor).post(LIST, body, headers=KEY)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "withheld_reason"


def test_what_only_the_secretariat_reads_leaves_the_time_of_change(api, client, editor):
    project = make.project(title="Rice")
    before = client.get(detail(project))
    etag = api(editor).get(detail(project))["ETag"]

    answer = api(editor).patch(
        detail(project), {"internal_note": "Secret"}, headers={"If-Match": etag}
    )

    after = client.get(detail(project))
    assert answer.status_code == 200
    assert (after.content, after["ETag"]) == (before.content, before["ETag"])


def test_a_change_of_nothing_is_no_write(api, editor):
    project = make.project(title="Rice")
    etag = api(editor).get(detail(project))["ETag"]

    same = {"title": "Rice"}
    answer = api(editor).patch(detail(project), same, headers={"If-Match": etag})

    assert answer.status_code == 200
    assert not Entry.objects.filter(recorded_by=editor).exists()


def test_a_change_takes_the_version_that_was_read(api, editor):
    project = make.project(title="Rice")
    client = api(editor)
    read = client.get(detail(project))

    without = client.patch(detail(project), {"title": "Maize"})
    changed = client.patch(
        detail(project), {"title": "Maize"}, headers={"If-Match": read["ETag"]}
    )
    stale = client.patch(
        detail(project), {"title": "Wheat"}, headers={"If-Match": read["ETag"]}
    )

    assert read["ETag"].startswith(f'"v{project.version}-')
    assert without.status_code == 428
    assert (changed.status_code, changed.json()["title"]) == (200, "Maize")
    assert stale.status_code == 412
    project.refresh_from_db()
    assert project.title == "Maize"
    assert [row.title for row in project.history.all()] == ["Maize", "Rice"]
    assert project.history.first().history_user == editor


@pytest.mark.parametrize(
    "tag", ["v1", '"1"', '"v-1"', '"vx-1"', "*", '"v99999999999-a"']
)
def test_an_etag_that_is_none_of_ours_matches_nothing(api, editor, tag):
    project = make.project(title="Rice")

    answer = api(editor).patch(
        detail(project), {"title": "Maize"}, headers={"If-Match": tag}
    )

    assert answer.status_code == 412


@pytest.mark.parametrize(
    ("role", "fields", "status"),
    [
        (None, {}, 401),
        ("reader", {}, 403),
        ("coordinator", {"country": "VN"}, 403),
        ("partner", {"partner": "JP"}, 403),
    ],
)
def test_others_write_nothing(api, role, fields, status):
    user = (
        make.user(
            role,
            **{k: make.partner(v) if k == "partner" else v for k, v in fields.items()},
        )
        if role
        else None
    )
    project = make.project(title="Rice", countries=["VN"])

    made = api(user).post(LIST, {"title": "Maize"}, headers=KEY)
    changed = api(user).patch(
        detail(project), {"title": "Maize"}, headers={"If-Match": '"v1-a"'}
    )

    assert (made.status_code, changed.status_code) == (status, status)
    assert [one.title for one in Project.objects.all()] == ["Rice"]


def test_a_hidden_project_is_as_absent_to_who_would_change_it(api):
    hidden = make.project(title="Rice", is_published=False)
    reader = api(make.user("reader"))

    answers = [
        reader.patch(f"{LIST}{code}/", {"title": "x"}, headers={"If-Match": '"v1-a"'})
        for code in (hidden.code, "P-99999")
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    told = answers[0].content.decode().replace(hidden.code, "P-99999")
    assert told == answers[1].content.decode()


def test_readers_are_told_no_version(api, editor):
    project = make.project()

    answer = api().get(detail(project))

    assert "version" not in answer.json()
    assert not answer.headers.get("ETag", "").startswith('"v')


def test_a_body_without_end_is_not_read(api, editor):
    body = '{"title": "' + "R" * 1_000_000 + '"}'

    answer = api(editor).generic("POST", LIST, body, "application/json", headers=KEY)

    assert answer.status_code == 400
    assert "longer than a megabyte" in answer.json()["detail"]
