"""All settings, in one file; what differs between places comes from the environment.

Every variable is described in `.env.example`.
"""

import logging
import sys
from datetime import timedelta
from pathlib import Path

try:  # before anything opens a database: SQLite without the WAL-reset bug
    import pysqlite3
    import pysqlite3.dbapi2
except ImportError:  # no wheel for this machine
    pass
else:
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2

import sqlite3

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env_file = Path(env("ASEANPM_ENV_FILE", default=BASE_DIR / ".env"))
if env_file.is_file():
    env.read_env(env_file)

# What changes while the site runs: the SQLite file, the secret key, collected files
DATA_DIR = Path(env("ASEANPM_DATA", default=BASE_DIR / "var")).resolve()

# Where it runs

DEBUG = env.bool("DEBUG", default=False)
DEPLOYED = env.bool("ASEANPM_DEPLOYED", default=False)
HTTPS = env.bool("ASEANPM_HTTPS", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
ASEANPM_PUBLIC = env.bool("ASEANPM_PUBLIC", default=True)

# Quickstart writes the file. Without either, Django refuses whatever needs a key.
SECRET_KEY_FILE = DATA_DIR / "secret_key"
SECRET_KEY = env("SECRET_KEY", default="")
if not SECRET_KEY and SECRET_KEY_FILE.exists():
    SECRET_KEY = SECRET_KEY_FILE.read_text(encoding="ascii").strip()

# Applications

INSTALLED_APPS = [
    "aseanpm",
    "projects",
    "workplans",
    "partners",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",  # Django's own form templates, beneath ours
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "aseanpm.headers.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "aseanpm.permissions.visitors_gate",
    "aseanpm.problems.BadQueryMiddleware",
]

ROOT_URLCONF = "aseanpm.urls"
WSGI_APPLICATION = "aseanpm.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "aseanpm.pages.page_context",
            ],
        },
    },
]
FORM_RENDERER = "aseanpm.forms.Renderer"

# Databases

# SQLite from 3.7.0 to 3.51.2 may lose a commit when it resets its write-ahead log.
WAL_IS_SAFE = not (3, 7, 0) <= sqlite3.sqlite_version_info <= (3, 51, 2)

# Two databases: SQLite unless DATABASE_URL names a PostgreSQL
if env("DATABASE_URL", default=""):
    DATABASES = {"default": env.db_url("DATABASE_URL")}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "aseanpm.sqlite3",
        }
    }

match DATABASES["default"]["ENGINE"].rpartition(".")[2]:
    case "sqlite3":
        journal = "WAL" if WAL_IS_SAFE else "TRUNCATE"
        DATABASES["default"]["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": f"PRAGMA journal_mode={journal}; PRAGMA synchronous=FULL",
        }
        if not WAL_IS_SAFE:
            logging.getLogger("aseanpm").warning(
                "SQLite %s has the WAL-reset bug: journal_mode=TRUNCATE, so that no"
                " commit is lost; readers wait for writers.",
                sqlite3.sqlite_version,
            )
    case "postgresql":
        DATABASES["default"].setdefault("OPTIONS", {}).setdefault(
            "options", "-c statement_timeout=30s -c lock_timeout=10s"
        )
        DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    case other:
        raise ImproperlyConfigured(
            f"DATABASE_URL names {other}; aseanpm runs on SQLite and PostgreSQL."
        )

# The cache is each process's own: nothing may rely on it being shared.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Who

AUTH_USER_MODEL = "partners.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())

# Security

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True

if HTTPS:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    if env.bool("ASEANPM_BEHIND_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Language and time

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Jakarta"

# Static files: straight from their folders, or collected, named by content, compressed

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static" if DEPLOYED else None
WHITENOISE_USE_FINDERS = not DEPLOYED
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "aseanpm.storage.CollectedStorage"
            if DEPLOYED
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

# The API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # Query sets decide who sees what, by visible_to(user).
    "DEFAULT_PERMISSION_CLASSES": ["aseanpm.permissions.OpenToReader"],
    "DEFAULT_RENDERER_CLASSES": ["aseanpm.renderers.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "aseanpm.problems.problem_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

MIGRATION_MODULES = {"knox": None}  # its one table is ours: partners.ApiToken
KNOX_TOKEN_MODEL = "partners.ApiToken"  # noqa: S105
REST_KNOX = {"TOKEN_MODEL": KNOX_TOKEN_MODEL, "TOKEN_TTL": timedelta(days=365)}

SPECTACULAR_SETTINGS = {
    "TITLE": "aseanpm API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["aseanpm.permissions.OpenToReader"],
    "ENUM_NAME_OVERRIDES": {
        "LineKindEnum": "workplans.models.LineKind",
        "PartnerKindEnum": "partners.models.Partner.Kind",
        "FocalPointKindEnum": "partners.models.FocalPoint.Kind",
        "BasisEnum": "aseanpm.facts.Basis",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": f"/{STATIC_URL}aseanpm/favicon.svg",
    "REDOC_DIST": "SIDECAR",
}

# Logs: everything on the console

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}
