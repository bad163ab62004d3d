"""Every door of the house, tried by every role, as the permission table says."""

import pytest

from aseanpm.permissions import ROLES
from tests import doors, make

pytestmark = pytest.mark.django_db

OPENED = {200, 302, 400, 405, 409}


def people():
    fields = {
        "anyone": {"role": "reader"},
        "coordinator": {"country": "KH"},
        "partner": {"partner": "AU"},
    }
    return {
        role: make.user(**({"role": role} | fields.get(role, {}))) for role in ROLES
    }


@pytest.mark.parametrize("route", sorted(doors.DOORS))
def test_a_door_opens_to_whom_the_table_says(sign_in, route):
    rule, action = doors.DOORS[route]
    where = doors.address(route, doors.samples())
    if where is None:
        pytest.fail(f"Give tests/doors.py a sample for {doors.PATTERNS[route]}")
    visitor = sign_in()

    asked, sent = visitor.get(where), visitor.post(where)

    assert asked.status_code == 302
    assert asked.url.startswith("/accounts/login/?next=")
    assert sent.status_code == 403
    for role, user in people().items():
        client = sign_in(user)
        answers = {client.get(where).status_code, client.post(where).status_code}
        if role in rule.may.get(action, ()):
            assert answers <= OPENED | {404 if "/1/" in where else 200}, role
        else:
            assert answers <= {403, 404}, role


def test_every_sample_is_of_an_address():
    assert doors.DOORS.keys() <= doors.PATTERNS.keys()
