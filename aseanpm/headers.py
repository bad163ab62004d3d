"""Headers on every answer that Django has no setting for."""

from django.conf import settings

HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


IDS_FROM_OUTSIDE = ("HTTP_X_REQUEST_ID", "HTTP_X_CORRELATION_ID")


def own_request_id(get_response):
    """Middleware. The id of a request, which logs and history keep, is never chosen by
    the sender."""

    def respond(request):
        for name in IDS_FROM_OUTSIDE:
            request.META.pop(name, None)
        return get_response(request)

    return respond


def security_headers(get_response):
    """Middleware. A view's own header stays; what is told in a session is not kept."""

    def respond(request):
        response = get_response(request)
        if request.COOKIES.get(settings.SESSION_COOKIE_NAME):
            response.headers.setdefault("Cache-Control", "private, no-store")
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return respond
