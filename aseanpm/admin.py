"""Django admin, to look and not to touch: whatever is written goes through the pages,
which know facts, history and versions."""

from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpResponseRedirect
from django.urls import reverse

SHOWN = ("aseanpm", "projects", "workplans", "partners")
SECRET = {"password", "digest", "token_key"}
SEARCHED = {"code", "title", "name", "email"}
COLUMNS = 7


class ReadOnlyAdmin(ModelAdmin):
    """Administrators see every row of a model, and nobody writes one."""

    actions = None
    list_per_page = 50

    def __init__(self, model, admin_site):
        super().__init__(model, admin_site)
        fields = [
            field
            for field in model._meta.concrete_fields
            if not field.primary_key
            and field.name not in SECRET
            and not isinstance(field, models.TextField | models.JSONField)
        ][:COLUMNS]
        self.exclude = [
            field.name for field in model._meta.get_fields() if field.name in SECRET
        ]
        self.list_display = ["__str__", *(field.name for field in fields)]
        self.list_select_related = [
            field.name for field in fields if field.is_relation
        ] or False
        self.search_fields = [
            field.name
            for field in model._meta.concrete_fields
            if field.name in SEARCHED
        ]

    def has_view_permission(self, request, obj=None):
        return self.admin_site.has_permission(request)

    has_module_permission = has_view_permission

    def has_add_permission(self, request, obj=None):
        return False

    has_change_permission = has_delete_permission = has_add_permission


class ReadOnlySite(AdminSite):
    """Shows our own models; signing in and passwords are matters of /accounts/."""

    site_header = site_title = "ASEAN PM: every row, to read"
    index_title = "Tables"

    def __init__(self, name="admin"):
        super().__init__(name)
        for label in SHOWN:
            for model in apps.get_app_config(label).get_models():
                self.register(model, ReadOnlyAdmin)

    def has_permission(self, request):
        return request.user.is_active and request.user.is_staff

    def login(self, request, extra_context=None):
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", reverse("admin:index")))

    def logout(self, request, extra_context=None):
        return HttpResponseRedirect(reverse("account_logout"))

    def password_change(self, request, extra_context=None):
        return HttpResponseRedirect(reverse("account_change_password"))

    password_change_done = password_change
