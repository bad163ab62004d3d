"""The API's JSON."""

from decimal import Decimal

import orjson
from rest_framework.renderers import BaseRenderer


def plain(value):
    """What orjson does not know by itself: decimals are strings, exact."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if hasattr(value, "items"):
        return dict(value)
    if hasattr(value, "__iter__"):
        return list(value)
    return str(value)


class OrjsonRenderer(BaseRenderer):
    """JSON with decimals as strings and dates in ISO 8601, indented for no one."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        if data is None:
            return b""
        return orjson.dumps(data, default=plain, option=orjson.OPT_NON_STR_KEYS)
