"""Columns and views of a list, as each reader keeps them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from aseanpm.models import ListColumns, SavedView
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/projects/"
COLUMNS = "/projects/columns/"
VIEWS = "/projects/views/"


def heads(client, address=LIST):
    return [one.label for one in client.get(address).context["table_columns"]]


@pytest.fixture
def editor():
    return make.user("editor")


@pytest.fixture
def client_of(sign_in, editor):
    make.project(title="Mangroves", status="ongoing")
    return sign_in(editor)


# Columns


def test_the_columns_that_a_person_ticked_are_shown_in_the_order_they_were_sent(
    client_of, sign_in
):
    sent = {"column": ["themes", "title", "status_since"], "next": f"{LIST}?search=man"}
    answer = client_of.post(COLUMNS, sent)

    assert answer.url == f"{LIST}?search=man#columns"
    assert heads(client_of) == ["Themes", "Title", "Status since"]
    assert heads(sign_in(make.user("editor")))[0] == "Code"


def test_a_column_moves_by_a_place_and_no_further_than_the_edge(client_of):
    sent = {"column": ["title", "code", "status"]}

    client_of.post(COLUMNS, sent | {"up": "status"})
    assert heads(client_of) == ["Title", "Status", "Code"]
    client_of.post(COLUMNS, sent | {"up": "title"})
    assert heads(client_of) == ["Title", "Code", "Status"]
    client_of.post(COLUMNS, sent | {"down": "title"})
    assert heads(client_of) == ["Code", "Title", "Status"]


def test_the_usual_columns_come_back(client_of):
    client_of.post(COLUMNS, {"column": ["title"]})

    client_of.post(COLUMNS, {"usual": "", "column": ["title"]})

    assert len(heads(client_of)) == 7
    assert not ListColumns.objects.exists()


def test_the_title_is_always_there(client_of):
    client_of.post(COLUMNS, {"column": ["code"]})

    assert heads(client_of) == ["Title", "Code"]


def test_the_columns_in_an_address_win_over_those_that_are_kept(client_of):
    client_of.post(COLUMNS, {"column": ["title", "code"]})

    assert heads(client_of, f"{LIST}?columns=title,area") == ["Title", "Area"]


@pytest.mark.parametrize("text", ["colour", "title,title", "", "title,"])
def test_an_unknown_column_is_refused_by_name(client, text):
    answer = client.get(f"{LIST}?columns={text}")

    assert answer.status_code == 400
    assert "columns" in answer.content.decode()


def test_an_unknown_column_is_not_kept(client_of):
    answer = client_of.post(COLUMNS, {"column": ["title", "colour"]})

    assert answer.status_code == 400
    assert not ListColumns.objects.exists()


def test_columns_of_the_secretariat_are_unknown_to_others(client, sign_in):
    partner = sign_in(make.user("partner", partner="JP"))

    assert client.get(f"{LIST}?columns=title,officer").status_code == 400
    assert partner.get(f"{LIST}?columns=title,officer").status_code == 400
    assert partner.post(COLUMNS, {"column": ["officer"]}).status_code == 400
    assert partner.get(f"{LIST}?ordering=officer").status_code == 400


def test_who_leaves_the_secretariat_keeps_the_columns_that_all_may_see(
    client_of, editor
):
    client_of.post(COLUMNS, {"column": ["title", "officer", "code"]})

    editor.role, editor.partner = "partner", make.partner("JP")
    editor.save()

    assert heads(client_of) == ["Title", "Code"]


def test_a_visitor_keeps_nothing_and_may_still_choose_by_address(client):
    assert client.post(COLUMNS, {"column": ["title"]}).status_code == 403
    assert heads(client, f"{LIST}?columns=title,plan") == ["Title", "Plan"]


# Views


def keep(client, name="Mine", query="status=ongoing", columns="title,code", **more):
    sent = {"name": name, "query": query, "columns": columns, **more}
    return client.post(VIEWS, sent)


def test_a_view_opens_with_its_filter_order_and_columns(client_of):
    keep(client_of, query="ordering=-title&status=ongoing&page=2")

    view = SavedView.objects.get()
    answer = client_of.get(f"{VIEWS}{view.pk}/")

    assert answer.url == f"{LIST}?ordering=-title&status=ongoing&columns=title,code"
    page = client_of.get(answer.url)
    assert page.context["views"][0]["is_open"]
    assert heads(client_of, answer.url) == ["Title", "Code"]


def test_a_shared_view_is_there_for_the_secretariat_and_for_nobody_else(
    client_of, sign_in
):
    keep(client_of, is_shared="on")
    keep(client_of, name="Own")
    shared, own = SavedView.objects.order_by("-is_shared")
    colleague = sign_in(make.user("administrator"))
    partner = sign_in(make.user("partner", partner="JP"))

    assert colleague.get(f"{VIEWS}{shared.pk}/").status_code == 302
    assert colleague.get(f"{VIEWS}{own.pk}/").status_code == 404
    assert partner.get(f"{VIEWS}{shared.pk}/").status_code == 404
    assert "Mine" in colleague.get(LIST).content.decode()
    assert "Mine" not in partner.get(LIST).content.decode()


def test_a_partner_keeps_views_and_shares_none(sign_in):
    partner = sign_in(make.user("partner", partner="JP"))

    keep(partner, is_shared="on")

    assert not SavedView.objects.get().is_shared


def test_a_view_is_renamed_replaced_and_deleted_by_its_owner_alone(client_of, sign_in):
    keep(client_of, is_shared="on")
    address = f"{VIEWS}{SavedView.objects.get().pk}/"
    colleague = sign_in(make.user("editor"))
    other = {"name": "Taken", "delete": "1"}

    assert colleague.post(address, other).status_code == 404
    client_of.post(address, {"name": "Renamed", "query": "status=concept"})
    renamed = SavedView.objects.get()
    assert (renamed.name, renamed.query) == ("Renamed", "status=ongoing")
    assert not renamed.is_shared

    sent = {"name": "Renamed", "query": "plan=IAI-IV", "columns": "code,title"}
    make.plan()
    client_of.post(address, sent | {"replace": "1"})
    replaced = SavedView.objects.get()
    assert (replaced.query, replaced.columns) == ("plan=IAI-IV", ["code", "title"])

    client_of.post(address, {"delete": "1"})
    assert not SavedView.objects.exists()


def test_a_name_is_used_once_and_pressing_twice_keeps_one(client_of):
    keep(client_of)
    again = keep(client_of)
    other = keep(client_of, query="status=concept")

    assert again.status_code == 302
    assert other.status_code == 400
    assert "You have a view of this name." in other.content.decode()
    assert SavedView.objects.get().query == "status=ongoing"


def test_a_view_needs_a_name_and_a_query_that_can_be_read(client_of):
    unnamed = keep(client_of, name=" ")
    unseen = keep(client_of, name="Mi\u202ene")
    unread = keep(client_of, query="plan=NOWHERE&colour=red")

    assert unnamed.status_code == unseen.status_code == unread.status_code == 400
    assert "cannot be seen" in unseen.content.decode()
    assert "NOWHERE" in unread.content.decode()
    assert not SavedView.objects.exists()


def test_a_view_that_has_become_unreadable_says_so_and_opens_with_the_rest(
    client_of, editor
):
    view = SavedView.objects.create(
        owner=editor,
        list_name="projects",
        name="Old",
        query="colour=red&ordering=size&plan=GONE&status=ongoing",
        columns=["title", "weight"],
    )

    answer = client_of.get(f"{VIEWS}{view.pk}/", follow=True)

    said = " ".join(map(str, answer.context["messages"]))
    assert answer.redirect_chain[-1][0] == f"{LIST}?status=ongoing&columns=title"
    assert answer.status_code == 200
    for word in ("Old", "colour", "size", "GONE", "weight"):
        assert word in said


def test_an_unreadable_view_can_still_be_renamed(client_of, editor):
    fields = {"owner": editor, "list_name": "projects", "query": "plan=GONE"}
    view = SavedView.objects.create(name="Old", **fields)

    answer = client_of.post(f"{VIEWS}{view.pk}/", {"name": "Older"})

    assert answer.status_code == 302
    assert SavedView.objects.get().name == "Older"


def test_views_and_columns_cost_as_many_queries_for_many_as_for_few(
    client_of, editor, queries
):
    keep(client_of)
    few = queries(lambda: client_of.get(LIST))
    for number in range(8):
        keep(client_of, name=f"View {number}")

    assert queries(lambda: client_of.get(LIST)) == few


@pytest.mark.django_db(transaction=True)
def test_of_equal_views_kept_at_once_one_is_made(client_of, editor, sign_in):
    clients = [sign_in(editor) for _ in range(8)]

    def alone(client):
        try:
            return keep(client).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(alone, clients))

    assert set(answers) == {302}
    assert SavedView.objects.count() == 1


# Keys


def test_the_list_of_keys_stands_on_a_page_of_its_own_too(client, client_of):
    visitor = client.get("/shortcuts/").content.decode()
    editor = client_of.get("/shortcuts/").content.decode()

    assert "Tick the row" in editor
    assert "Tick the row" not in visitor
    assert 'id="shortcuts"' not in visitor
