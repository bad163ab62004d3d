from django.apps import AppConfig


class WorkPlansConfig(AppConfig):
    name = "workplans"
    default_auto_field = "django.db.models.BigAutoField"
