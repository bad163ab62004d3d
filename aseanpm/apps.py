from django.apps import AppConfig


class AseanpmConfig(AppConfig):
    name = "aseanpm"
