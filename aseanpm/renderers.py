"""The API's JSON, written and read."""

from decimal import Decimal

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

AT_MOST_BYTES = 1_000_000


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


class OrjsonParser(BaseParser):
    """JSON of at most a megabyte; what is none, or nested without end, is a 400."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        sent = stream.read(AT_MOST_BYTES + 1)
        if len(sent) > AT_MOST_BYTES:
            raise ParseError("This is longer than a megabyte.")
        try:
            data = orjson.loads(sent)
            orjson.dumps(data)  # refuses what is nested deeper than Python can show
        except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
            raise ParseError(f"This is no JSON: {error}.") from error
        return data
