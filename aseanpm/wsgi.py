"""The application for a WSGI server: `gunicorn aseanpm.wsgi`."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aseanpm.settings")

application = get_wsgi_application()

try:
    settings.SECRET_KEY  # noqa: B018
except ImproperlyConfigured as error:
    raise ImproperlyConfigured(
        "There is no secret key. Set SECRET_KEY to 50 random characters or more, or"
        f" let `manage.py quickstart --no-serve` write {settings.SECRET_KEY_FILE}."
    ) from error
