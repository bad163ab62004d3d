"""Headers on every answer that Django has no setting for."""

import uuid

from django.conf import settings

HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


REQUEST_ID = "HTTP_X_REQUEST_ID"


def own_request_id(get_response):
    """Middleware. The id of a request, for logs and history; never the sender's own."""

    def respond(request):
        request.META[REQUEST_ID] = str(uuid.uuid4())
        request.META.pop("HTTP_X_CORRELATION_ID", None)
        return get_response(request)

    return respond


def request_id_of_record(logger, name, event):
    """A structlog processor, for what Django logs once the answer has left."""
    request = getattr(event.get("_record"), "request", None)
    if (meta := getattr(request, "META", None)) and REQUEST_ID in meta:
        event.setdefault("request_id", meta[REQUEST_ID])
    return event


def security_headers(get_response):
    """Middleware. A view's own header stays."""

    def respond(request):
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return respond


def private_answers(get_response):
    """Middleware. What is told in a session is kept nowhere, and gets no ETag."""

    def respond(request):
        response = get_response(request)
        if request.COOKIES.get(settings.SESSION_COOKIE_NAME):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return respond
