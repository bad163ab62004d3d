"""Administrators invite, change and close logins."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from aseanpm.facts import Entry, ledger_entry
from partners import accounts
from partners.models import User
from tests import make

pytestmark = pytest.mark.django_db

INVITE = "/accounts/users/invite/"
LIST = "/accounts/users/"


@pytest.fixture(autouse=True)
def nobody_tried_before():
    cache.clear()


@pytest.fixture
def administrator():
    return make.user("administrator", email="admin@example.org")


@pytest.fixture
def admin(sign_in, administrator):
    return sign_in(administrator)


def body(answer):
    return answer.content.decode()


def form(user, **fields):
    data = {
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "country": user.country_id or "",
        "partner": user.partner_id or "",
        "version": user.version,
        "submission": "one",
    }
    return data | fields


def page_of(user):
    return f"/accounts/users/{user.email}/"


def enter(email, password):
    client = Client()
    client.post("/accounts/login/", {"login": email, "password": password})
    return client


def test_an_invited_person_sets_a_password_and_has_the_role(admin):
    country = make.country("VN")
    new = {
        "email": "New.Person@example.org",
        "role": "coordinator",
        "country": country.pk,
        "submission": "one",
    }

    page = admin.post(INVITE, new, follow=True)
    link = re.search(
        r'value="http://testserver(/accounts/password/reset/[^"]+)"', body(page)
    )
    assert link[1] in mail.outbox[0].body
    assert mail.outbox[0].to == ["new.person@example.org"]
    assert "invites you" in mail.outbox[0].body

    person = Client()
    action = person.get(link[1], follow=True).redirect_chain[-1][0]
    chosen = {"password1": "a-long-password-7", "password2": "a-long-password-7"}
    person.post(action, chosen)
    profile = body(
        enter("new.person@example.org", "a-long-password-7").get("/accounts/profile/")
    )
    assert "National coordinator of Country VN" in profile


def test_the_link_is_shown_once(admin):
    user = make.user()

    first = admin.post(f"{page_of(user)}link/", {"submission": "one"}, follow=True)

    assert "/accounts/password/reset/key/" in body(first)
    assert "/accounts/password/reset/key/" not in body(admin.get(page_of(user)))


def test_a_link_that_cannot_be_mailed_is_handed_over(admin, monkeypatch):
    def refuse(*arguments):
        raise ConnectionRefusedError

    monkeypatch.setattr("partners.accounts.AccountAdapter.send_mail", refuse)
    user = make.user()

    page = admin.post(f"{page_of(user)}link/", {"submission": "one"}, follow=True)

    assert "could not be mailed" in body(page)
    assert "/accounts/password/reset/key/" in body(page)


def test_an_invitation_sent_twice_makes_one_user(admin):
    new = {"email": "new@example.org", "role": "reader", "submission": "one"}

    answers = [admin.post(INVITE, new) for _ in range(2)]

    assert [answer.url for answer in answers] == [
        "/accounts/users/new@example.org/"
    ] * 2
    assert User.objects.filter(email="new@example.org").count() == 1
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"role": "coordinator"}, "country", "Choose the country of this coordinator."),
        ({"role": "partner"}, "partner", "Choose the partner of this partner."),
        ({"role": "editor", "country": "VN"}, "country", "This role has none."),
        ({"email": "TAKEN@example.org"}, "email", "Somebody has a login with this"),
        ({"email": "no address"}, "email", "Enter a valid email address."),
        ({"role": "king"}, "role", "is not one of the available choices"),
    ],
)
def test_a_wrong_invitation_says_so_at_its_field_and_writes_nothing(
    admin, fields, field, sentence
):
    make.user(email="taken@example.org")
    if "country" in fields:
        fields = fields | {"country": make.country(fields["country"]).pk}
    new = {"email": "new@example.org", "role": "reader", "submission": "one"} | fields

    page = admin.post(INVITE, new)

    assert page.status_code == 400
    assert sentence in " ".join(page.context["form"].errors[field])
    assert f'href="#id_{field}"' in body(page)
    assert User.objects.count() == 2
    assert mail.outbox == []


@pytest.mark.parametrize("role", ["reader", "editor", None])
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("get", LIST),
        ("get", INVITE),
        ("post", INVITE),
        ("get", "/accounts/users/admin@example.org/"),
        ("post", "/accounts/users/admin@example.org/"),
        ("post", "/accounts/users/admin@example.org/close/"),
        ("post", "/accounts/users/admin@example.org/link/"),
        ("post", "/accounts/users/admin@example.org/factor/"),
    ],
)
def test_users_are_an_administrators_matter(
    sign_in, administrator, role, method, address
):
    client = sign_in(role and make.user(role))
    before = set(User.objects.values_list("email", "role", "is_active", "password"))

    answer = getattr(client, method)(
        address, {"role": "reader", "email": "x@example.org"}
    )

    sent_away = answer.status_code == 302 and answer.url.startswith("/accounts/login/")
    assert answer.status_code == 403 or (role is None and sent_away)
    assert before == set(
        User.objects.values_list("email", "role", "is_active", "password")
    )


def test_a_role_is_changed_with_its_author_on_record(admin, administrator):
    user = make.user("reader", email="aye@example.org")

    admin.post(page_of(user), form(user, role="editor"))

    user.refresh_from_db()
    last = user.history.first()
    assert (user.role, user.version) == ("editor", 2)
    assert (last.role, last.history_user) == ("editor", administrator)
    assert last.history_change_reason == "Changed the login of aye@example.org"


def test_the_second_of_two_administrators_is_told(admin):
    user = make.user("reader")
    old = form(user, role="editor")
    admin.post(page_of(user), form(user, name="Aye", submission="two"))

    answer = admin.post(page_of(user), old)

    user.refresh_from_db()
    assert answer.status_code == 409
    assert (user.name, user.role) == ("Aye", "reader")


def test_nobody_changes_the_own_role(admin, administrator):
    make.user("administrator")

    answer = admin.post(page_of(administrator), form(administrator, role="reader"))

    administrator.refresh_from_db()
    assert "Another administrator changes your role" in body(answer)
    assert administrator.role == "administrator"
    assert 'href="#id_role"' in body(answer)


def test_an_administrator_renames_oneself(admin, administrator):
    admin.post(page_of(administrator), form(administrator, name="Aye"))

    administrator.refresh_from_db()
    assert administrator.name == "Aye"


def test_the_last_administrator_stays(admin, administrator):
    other = make.user("administrator", is_active=False)
    User.objects.filter(pk=administrator.pk).update(is_active=True)

    answer = admin.post(
        f"{page_of(administrator)}close/", {"submission": "1"}, follow=True
    )
    reopened = admin.post(f"{page_of(other)}open/", {"submission": "2"}, follow=True)
    admin.post(f"{page_of(other)}close/", {"submission": "3"})

    administrator.refresh_from_db()
    other.refresh_from_db()
    assert "Another administrator" in body(answer)
    assert "can sign in again" in body(reopened)
    assert (administrator.is_active, other.is_active) == (True, False)


def test_of_two_administrators_who_close_each_other_one_stays():
    one, two = make.user("administrator"), make.user("administrator")
    with ledger_entry(one):
        accounts.change_user(two, by=one, is_active=False)
    too_late = pytest.raises(ValidationError, match="The last administrator stays")
    with too_late, ledger_entry(two):
        accounts.change_user(one, by=two, role="reader")


def test_closing_a_login_ends_its_sessions_for_good(admin):
    user = make.user(email="aye@example.org")
    client = enter("aye@example.org", "a-long-password-1")
    assert client.get("/accounts/profile/").status_code == 200

    admin.post(f"{page_of(user)}close/", {"submission": "1"})
    assert client.get("/accounts/profile/").status_code == 302
    admin.post(f"{page_of(user)}open/", {"submission": "2"})
    assert client.get("/accounts/profile/").status_code == 302

    client = enter("aye@example.org", "a-long-password-1")
    assert client.get("/accounts/profile/").status_code == 200


def test_an_old_address_opens_nothing_once_it_was_changed(admin):
    user = make.user(email="old@example.org")
    EmailAddress.objects.create(user=user, email="old@example.org", verified=True)

    admin.post(page_of(user), form(user, email="new@example.org"))

    def gets_in(email):
        client = enter(email, "a-long-password-1")
        return client.get("/accounts/profile/").status_code == 200

    assert (gets_in("old@example.org"), gets_in("new@example.org")) == (False, True)


def test_a_lost_second_factor_is_taken_away_on_record(admin):
    user = make.user("editor", email="aye@example.org")
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})

    admin.post(f"{page_of(user)}factor/", {"submission": "1"})

    assert not Authenticator.objects.filter(user=user).exists()
    assert (
        Entry.objects.latest("sequence").what
        == "Took the second factor of aye@example.org away"
    )


def test_the_list_tells_role_and_state_of_each(admin):
    make.user("coordinator", email="aye@example.org", name="Aye", country="VN")
    make.user("editor", email="gone@example.org", is_active=False)

    page = body(admin.get(LIST))
    found = body(admin.get(LIST, {"search": "aye"}))

    assert "Country VN" in page
    assert "<b>closed</b>" in page
    assert "aye@example.org" in found
    assert "gone@example.org" not in found
    assert admin.get(LIST, {"colour": "red"}).status_code == 400


def test_the_list_takes_as_many_queries_for_many_users(admin, queries):
    make.user("coordinator", country="VN")
    few = queries(lambda: admin.get(LIST))
    for _ in range(10):
        make.user("coordinator", country="VN")
        make.user("partner", partner="JP")

    assert queries(lambda: admin.get(LIST)) == few


def test_everyone_renames_oneself_and_nothing_else(sign_in):
    user = make.user("reader")
    client = sign_in(user)

    client.post(
        "/accounts/profile/",
        form(user, name="Aye", role="administrator", email="x@example.org"),
    )

    user.refresh_from_db()
    assert (user.name, user.role) == ("Aye", "reader")
    assert user.email != "x@example.org"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("admin@example.org", "no “@”"),
        ("admin\uff20example.org", "no “@”"),
        ("Linh Tran", "add what tells you apart"),
        (" LINH\n trần", "add what tells you apart"),
        ("linh\u00ad tr\ufe0fan", "add what tells you apart"),
        ("Linh", "add what tells you apart"),
        ("admin", "add what tells you apart"),
        ("Linh\u202e", "cannot be seen"),
        ("Linh\x07", "cannot be seen"),
        ("Linh-Tran.", "add what tells you apart"),
        ("Linh\u00b7Tran", "add what tells you apart"),
        ("L\u0456nh Tran", "one alphabet"),
        ("\u039dga", "one alphabet"),
        ("–", "can be read"),
    ],
)
def test_nobody_takes_the_name_of_another(sign_in, administrator, name, sentence):
    make.user("editor", email="linh@example.org", name="Linh Tran")
    user = make.user("coordinator", country="VN", name="Khanh")

    answer = sign_in(user).post("/accounts/profile/", form(user, name=name))

    user.refresh_from_db()
    assert answer.status_code == 400
    assert sentence in answer.context["form"].errors["name"][0]
    assert user.name == "Khanh"


def test_an_administrator_gives_nobody_the_name_of_another(admin):
    make.user("editor", name="Linh Tran")
    new = {"email": "new@example.org", "role": "reader", "submission": "one"}

    answer = admin.post(INVITE, new | {"name": "Linh  Tran"})

    assert answer.status_code == 400
    assert "add what tells you apart" in body(answer)
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_name_is_kept_on_one_line(sign_in):
    user = make.user()

    sign_in(user).post("/accounts/profile/", form(user, name="Linh\n\u200b Tran "))

    user.refresh_from_db()
    assert user.name == "Linh Tran"


def test_who_had_a_name_before_the_other_keeps_it(admin):
    user = make.user("reader", name="Khanh")
    make.user("reader", email="khanh@example.org")

    admin.post(page_of(user), form(user, role="editor"))

    user.refresh_from_db()
    assert (user.name, user.role) == ("Khanh", "editor")


# Whom to ask


def test_who_may_not_edit_is_told_by_name_whom_to_ask(client, sign_in):
    make.user("administrator", name="Ana Reyes", email="ana@example.org")
    make.user("administrator", email="second@example.org")
    make.user("administrator", name="Left Long Ago", is_active=False)
    coordinator = sign_in(make.user("coordinator", country="VN"))

    ours = body(coordinator.get("/permissions/?why=projects"))
    theirs = body(client.get("/permissions/?why=projects"))

    assert "gives the roles; ask second or Ana Reyes." in ours
    assert "ana@example.org" not in ours
    assert "second@example.org" not in ours
    assert "gives the roles; ask one." in theirs
    assert "Ana Reyes" not in theirs


def test_the_row_about_recording_money_does_not_deny_that_others_read_it(client):
    page = body(client.get("/permissions/"))

    row = page.partition("Recording money entries, funders and exchange rates</th>")[2]
    cells = re.findall(r"<td [^>]*>([^<]*)</td>", row.partition("</tr>")[0])
    assert cells == [
        "reads those that are public, as told below",
        "reads those that are public, as told below",
        "reads those that are public, as told below",
        "sees all; may see, create, change",
        "sees all; may see, create, change",
    ]
