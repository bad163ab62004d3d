"""Brotli for whole answers; the rest is left to Django's gzip.

Django has none, and django-compression-middleware drops the random length by which
Django's gzip hides what is secret in an answer (BREACH), for gzip too. That attack
needs a browser which sends somebody's cookies along: such an answer gets gzip.
"""

import re

import brotli
from django.utils.cache import patch_vary_headers

SHORTEST = 200  # bytes, as of GZipMiddleware
QUALITY = 5
ACCEPTED = re.compile(
    r"(?:^|,)\s*br\s*(?:;\s*q\s*=\s*(?:1|0\.0*[1-9])[\d.]*\s*)?(?:,|$)", re.IGNORECASE
)


def brotli_answers(get_response):
    """Middleware, inside of GZipMiddleware, which leaves alone what is encoded.

    Answers that stream, as files of a whole list, are not changed.
    """

    def respond(request):
        response = get_response(request)
        if (
            response.streaming
            or len(response.content) < SHORTEST
            or response.has_header("Content-Encoding")
            or request.COOKIES
            or not ACCEPTED.search(request.headers.get("Accept-Encoding", ""))
        ):
            return response
        content = brotli.compress(response.content, quality=QUALITY)
        if len(content) >= len(response.content):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        response.content = content
        response.headers["Content-Length"] = str(len(content))
        response.headers["Content-Encoding"] = "br"
        tag = response.headers.get("ETag", "")
        if tag.startswith('"'):  # two encodings are not the same bytes
            response.headers["ETag"] = f"W/{tag}"
        return response

    return respond
