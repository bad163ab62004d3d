from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from simple_history.signals import pre_create_historical_record

from .cache import CACHE


class AseanpmConfig(AppConfig):
    name = "aseanpm"
    default = True

    def ready(self):
        from . import checks, feed  # noqa: F401
        from .writing import stamp_history

        pre_create_historical_record.connect(stamp_history)
        autodiscover_modules("effects", "feed")
        post_migrate.connect(make_cache_table, sender=self)


class ReadOnlyAdminConfig(SimpleAdminConfig):
    default = False
    default_site = "aseanpm.admin.ReadOnlySite"


def make_cache_table(*, using, **kwargs):
    """The table of the shared cache, in its own file, as soon as there are any."""
    if using == DEFAULT_DB_ALIAS and CACHE in settings.DATABASES:
        call_command("createcachetable", database=CACHE, verbosity=0)
