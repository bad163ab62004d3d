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
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from aseanpm.headers import request_id_of_record

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env_file = Path(env("ASEANPM_ENV_FILE", default=BASE_DIR / ".env"))
if env_file.is_file():
    env.read_env(env_file)

# What changes while the site runs: the SQLite files, the secret key, collected files
DATA_DIR = Path(env("ASEANPM_DATA", default=BASE_DIR / "var")).resolve()

# Where it runs

DEBUG = env.bool("DEBUG", default=False)
DEPLOYED = env.bool("ASEANPM_DEPLOYED", default=False)
HTTPS = env.bool("ASEANPM_HTTPS", default=False)
BEHIND_PROXY = env.bool("ASEANPM_BEHIND_PROXY", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
ASEANPM_PUBLIC = env.bool("ASEANPM_PUBLIC", default=True)
ASEANPM_IATI_ORGANISATION = env("ASEANPM_IATI_ORGANISATION", default="")

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
    "aseanpm.apps.ReadOnlyAdminConfig",  # django.contrib.admin, and nothing to write
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",  # Django's own form templates, beneath ours
    "rest_framework",
    "corsheaders",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "csp",
    "django_htmx",
    "django_structlog",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]

MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "aseanpm.headers.own_request_id",
    "django_structlog.middlewares.RequestMiddleware",
    "aseanpm.headers.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "aseanpm.throttling.rate_headers",
    "partners.tokens.pulls_recorded",
    "django.middleware.gzip.GZipMiddleware",
    "aseanpm.compression.brotli_answers",
    "django.middleware.http.ConditionalGetMiddleware",
    "aseanpm.headers.private_answers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "aseanpm.permissions.visitors_gate",
    "allauth.account.middleware.AccountMiddleware",
    "partners.accounts.second_factor_gate",
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
                "django.contrib.messages.context_processors.messages",
                "aseanpm.pages.page_context",
            ],
        },
    },
]
FORM_RENDERER = "aseanpm.forms.Renderer"

# Databases

# SQLite from 3.7.0 to 3.51.2 may lose a commit when it resets its write-ahead log.
WAL_IS_SAFE = not (3, 7, 0) <= sqlite3.sqlite_version_info <= (3, 51, 2)
JOURNAL = "WAL" if WAL_IS_SAFE else "TRUNCATE"

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
        DATABASES["default"]["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": f"PRAGMA journal_mode={JOURNAL}; PRAGMA synchronous=FULL",
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

# The cache, which all workers share: rate limits count in it. An SQLite file of its
# own, also beside PostgreSQL, so that it never waits for the writers of the records.
if env("CACHE_URL", default=""):
    CACHES = {"default": env.cache_url("CACHE_URL")}
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "cache",
            # Beyond it rows go at random: what a guesser must not bring about
            "OPTIONS": {"MAX_ENTRIES": 50_000},
        }
    }
    DATABASES["cache"] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "cache.sqlite3",
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": f"PRAGMA journal_mode={JOURNAL}; PRAGMA synchronous=NORMAL",
        },
        "TEST": {"MIGRATE": False},
    }
    DATABASE_ROUTERS = ["aseanpm.cache.Router"]

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
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Argon2", "PBKDF2")
]
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())

# Signing in: by e-mail, by invitation only, with a second factor

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"

# Editors and administrators need a second factor
ASEANPM_SECOND_FACTOR = env.bool("ASEANPM_SECOND_FACTOR", default=DEPLOYED)

# Quickstart writes the file once it has made its demo logins.
DEMO_LOGINS_FILE = DATA_DIR / "demo_logins"

ACCOUNT_ADAPTER = "partners.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "partners.account_forms.LoginForm",
    "reset_password": "partners.account_forms.ResetPasswordForm",
    "reset_password_from_key": "partners.account_forms.ResetPasswordKeyForm",
    "change_password": "partners.account_forms.ChangePasswordForm",
    "set_password": "partners.account_forms.SetPasswordForm",
    "reauthenticate": "partners.account_forms.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # whom an administrator invited is known
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True  # SESSION_COOKIE_AGE, for all
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[ASEAN PM] "

MFA_ADAPTER = "partners.accounts.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "partners.account_forms.CodeForm",
    "reauthenticate": "partners.account_forms.CodeAgainForm",
    "activate_totp": "partners.account_forms.ActivateForm",
    "add_webauthn": "partners.account_forms.AddPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "ASEAN PM"
MFA_TOTP_TOLERANCE = 1  # clocks of telephones
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # http://localhost

SOCIALACCOUNT_ADAPTER = "partners.accounts.OpenIdAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form may not lead elsewhere (form-action)
SOCIALACCOUNT_PROVIDERS = {}
if env("OIDC_SERVER_URL", default=""):
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "APPS": [
            {
                "provider_id": "oidc",
                "name": env("OIDC_NAME", default="OpenID Connect"),
                "client_id": env("OIDC_CLIENT_ID"),
                "secret": env("OIDC_CLIENT_SECRET"),
                "settings": {
                    "server_url": env("OIDC_SERVER_URL"),
                    "email_authentication": True,
                },
            }
        ]
    }

# Mail is sent within the request. The console shows it until EMAIL_URL names a server.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="aseanpm@localhost")

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
CSRF_FAILURE_VIEW = "aseanpm.workplace.csrf_failure"  # what was typed is kept

if HTTPS:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]  # asked by the machine itself
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    if BEHIND_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Whose X-Forwarded-For is believed
TRUSTED_PROXIES = env.int("ASEANPM_PROXIES", default=int(BEHIND_PROXY))
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

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
    "default": {"BACKEND": "aseanpm.storage.Uploads"},
    "staticfiles": {
        "BACKEND": (
            "aseanpm.storage.CollectedStorage"
            if DEPLOYED
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

# What people upload lies in DATA_DIR/uploads; no file is kept beyond its size

FILE_UPLOAD_HANDLERS = [
    "aseanpm.documents.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# A reason for a change is a sentence
SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True

# The API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "partners.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # Query sets decide who sees what, by visible_to(user).
    "DEFAULT_PERMISSION_CLASSES": [
        "aseanpm.permissions.OpenToReader",
        "partners.accounts.HasSecondFactor",
        "partners.tokens.WithinScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["aseanpm.throttling.ApiThrottle"],
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_RENDERER_CLASSES": ["aseanpm.renderers.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["aseanpm.renderers.OrjsonParser"],
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "aseanpm.deprecation.Schema",
    "EXCEPTION_HANDLER": "aseanpm.problems.problem_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# Requests of the API: visitors by address, who has signed in by login; "" for no limit
API_RATES = {
    "visitors": env("ASEANPM_RATE_VISITORS", default="60/minute") or None,
    "signed_in": env("ASEANPM_RATE_SIGNED_IN", default="600/minute") or None,
}

MIGRATION_MODULES = {"knox": None}  # its one table is ours: partners.ApiToken
KNOX_TOKEN_MODEL = "partners.ApiToken"  # noqa: S105
REST_KNOX = {
    "TOKEN_MODEL": KNOX_TOKEN_MODEL,
    "TOKEN_TTL": timedelta(days=365),
    "TOKEN_PREFIX": "aseanpm_",  # who finds one in a file knows what it opens
}

# Pages elsewhere may read what is public: nobody's cookies and no tokens

CORS_ALLOW_ALL_ORIGINS = True
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS"]
CORS_ALLOW_HEADERS = ["accept", "if-none-match"]
CORS_EXPOSE_HEADERS = [
    *("content-disposition", "etag", "retry-after"),
    *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    *("deprecation", "sunset", "link"),
]

SPECTACULAR_SETTINGS = {
    "TITLE": "aseanpm API",
    "DESCRIPTION": (BASE_DIR / "aseanpm" / "schema.md").read_text("utf-8"),
    "VERSION": None,  # the view's
    "OAS_VERSION": "3.1.0",
    "EXTERNAL_DOCS": {"url": "/api/", "description": "Getting started, with examples"},
    "TAGS": [
        {
            "name": "Plans",
            "description": "Work plans, their areas and lines, and their progress.",
        },
        {
            "name": "Projects",
            "description": "Projects and every fact of them, on both clocks.",
        },
        {
            "name": "Partners and countries",
            "description": "Who pays, through which fund, and for whom.",
        },
        {
            "name": "Meetings and print",
            "description": "Meetings, figures in print, and how the records meet them.",
        },
        {"name": "Feed", "description": "What changed since you last asked."},
        {
            "name": "IATI",
            "description": "Projects as IATI 2.03, and what it cannot hold of them.",
        },
    ],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "aseanpm.schema.complete",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["aseanpm.permissions.OpenToReader"],
    "ENUM_NAME_OVERRIDES": {
        "FactChangeEnum": "projects.fact_requests.CHANGES",
        "FeedChangeEnum": "aseanpm.feed_api.CHANGES",
        "LineKindEnum": "workplans.models.LineKind",
        "PartnerKindEnum": "partners.models.Partner.Kind",
        "FocalPointKindEnum": "partners.models.FocalPoint.Kind",
        "BasisEnum": "aseanpm.facts.Basis",
        "PrecisionEnum": "aseanpm.facts.Precision",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "docExpansion": "list",
        "defaultModelsExpandDepth": -1,
        "defaultModelExpandDepth": 2,
        "filter": True,
    },
    "SWAGGER_UI_FAVICON_HREF": f"/{STATIC_URL}aseanpm/favicon.svg",
    "REDOC_DIST": "SIDECAR",
}

# Logs: everything on the console, each line with the id of its request

DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = None  # history says who; logs hold no personal data

LOG_PROCESSORS = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processor": structlog.dev.ConsoleRenderer(
                colors=False,
                pad_event_to=0,
                # where “rich” is installed, it would log what variables hold
                exception_formatter=structlog.dev.plain_traceback,
            ),
            "foreign_pre_chain": [*LOG_PROCESSORS, request_id_of_record],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django_structlog": {"level": "INFO" if DEPLOYED else "CRITICAL"},
    },
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        *LOG_PROCESSORS[1:],
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
