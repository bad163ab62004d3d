"""What `manage.py check` says of an installation."""

import pytest

from aseanpm.checks import a_deployment_has_no_demo_logins, the_cache_is_shared

REDIS = "django.core.cache.backends.redis.RedisCache"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


@pytest.mark.parametrize(
    ("deployed", "backend", "workers", "wrong"),
    [
        (True, LOCMEM, None, True),
        (True, LOCMEM, "3", True),
        (True, LOCMEM, "1", False),
        (True, REDIS, "3", False),
        (False, LOCMEM, None, False),
    ],
)
def test_a_cache_of_each_workers_own_is_refused(
    deployed, backend, workers, wrong, settings, monkeypatch
):
    settings.DEPLOYED = deployed
    settings.CACHES = {"default": {"BACKEND": backend}}
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    if workers:
        monkeypatch.setenv("WEB_CONCURRENCY", workers)

    assert bool(the_cache_is_shared(None)) == wrong


@pytest.mark.parametrize(
    ("deployed", "made", "wrong"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_a_deployment_with_demo_logins_is_refused(
    deployed, made, wrong, settings, tmp_path
):
    settings.DEPLOYED = deployed
    settings.DEMO_LOGINS_FILE = tmp_path / "demo_logins"
    if made:
        settings.DEMO_LOGINS_FILE.touch()

    assert bool(a_deployment_has_no_demo_logins(None)) == wrong
