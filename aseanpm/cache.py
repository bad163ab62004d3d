"""Keeps the cache's table in the database `cache`, and everything else out of it."""

CACHE = "cache"


class Router:
    def db_for_read(self, model, **hints):
        return CACHE if model._meta.app_label == "django_cache" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == CACHE) == (app_label == "django_cache")
