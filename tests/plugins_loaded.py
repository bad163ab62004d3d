"""The shipped data for tests: `loaded`, once a module.

Enable it in tests/conftest.py with pytest_plugins = ["tests.plugins_loaded"].
"""

import pytest
from django.db import transaction


def load_everything():
    """Reference data and illustrative projects, as quickstart loads them."""
    from aseanpm import illustrative  # models: only once Django is set up
    from aseanpm.loading import load_reference

    load_reference()
    illustrative.load()


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """All shipped data, for every test of the module.

    It stands in a transaction around the module's tests, each of which rolls back its
    own changes; other modules find the database empty. Not for transactional tests:
    they call load_everything().
    """
    around = transaction.atomic()
    with django_db_blocker.unblock():
        around.__enter__()
        try:
            load_everything()
        except BaseException:
            roll_back(around)
            raise
    yield
    with django_db_blocker.unblock():
        roll_back(around)


def roll_back(around):
    transaction.set_rollback(True)
    around.__exit__(None, None, None)
