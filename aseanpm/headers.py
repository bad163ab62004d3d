"""Headers on every answer that Django has no setting for."""

from django.conf import settings

HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


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
