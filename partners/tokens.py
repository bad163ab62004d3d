"""Tokens of the API: making and revoking them, reading one, and what was pulled.

A request with a token costs the main database one query to read it with its user, and
one write once the answer has left: its `Pull`. At most once a minute and token the same
write notes the last use and prunes. Secretariat tokens cost one query more where a
second factor is required.

An answer tells how many rows it holds by its attribute `pulled_rows`: a number, or, of
an answer that streams, a function without arguments that is called when it has ended
or was broken off. Without it, the `results` of REST framework's `Response` are counted,
and any other object is one row.
"""

import datetime as dt
import logging
from collections import deque
from http import HTTPStatus

from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.db.models import Q, Subquery
from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from knox.models import get_digest_token
from knox.settings import CONSTANTS
from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission

from aseanpm.permissions import can
from aseanpm.writing import brief_write, create

from .models import ApiToken, Pull

LONGEST = 365  # days
USE_IS_NOTED = dt.timedelta(minutes=1)
KEPT = 10_000  # pulls of a token
LONGEST_ADDRESS = Pull._meta.get_field("address").max_length
HOW_TO_SEND = "Write the header Authorization as “Token aseanpm_…”; no other is read."
WAITING = 1_000  # pulls that a busy database could not take yet

logger = logging.getLogger(__name__)
_waiting: deque[Pull] = deque(maxlen=WAITING)


# The writes, each inside a private `ledger_entry`


def make(*, user, name, days, scope=ApiToken.Scope.READ):
    """A new token and its text, which is nowhere kept.

    It expires after `days`. Raises ValidationError, for a user who may have none too.
    """
    if not can(user, "create", "tokens"):
        raise ValidationError({"user": "The role of this login has no API tokens."})
    if not 1 <= days <= LONGEST:
        message = f"A token lasts from 1 to {LONGEST} days."
        raise ValidationError({"days": message})
    digest, text = get_digest_token()
    token = ApiToken(
        user=user,
        name=name,
        scope=scope,
        expiry=timezone.now() + dt.timedelta(days=days),
        digest=digest,
        token_key=text[: CONSTANTS.TOKEN_KEY_LENGTH],
    )
    return create(token), text


def revoke(*, token, entry):
    """From the next request on it opens nothing. Returns whether it still stood."""
    standing = ApiToken.objects.standing().filter(pk=token.pk)
    return bool(standing.update(revoked_at=entry.recorded_at))


def revoke_all_of(*, user, moment):
    """What closing a login does: opening it again brings no token back."""
    user.auth_token_set.standing().update(revoked_at=moment)


# What a request with a token may do


class TokenAuthentication(KnoxAuthentication):
    """knox's, in one query by the hash, which deletes nothing that has expired.

    Of another scheme, or of a token without one, it raises: whoever sends either means
    to be known, and would take what visitors read for all that there is.
    """

    def authenticate(self, request):
        sent = get_authorization_header(request).split()
        if sent and (len(sent) != 2 or sent[0].lower() != b"token"):
            raise AuthenticationFailed(HOW_TO_SEND)
        return super().authenticate(request)

    def authenticate_credentials(self, token):
        digest = hash_token(token.decode("latin-1"))
        try:
            found = ApiToken.objects.select_related("user").get(digest=digest)
        except ApiToken.DoesNotExist as error:
            raise AuthenticationFailed("There is no such token.") from error
        if found.revoked_at:
            raise AuthenticationFailed("This token was revoked.")
        if found.has_expired:
            raise AuthenticationFailed("This token has expired. Make a new one.")
        if not found.user.is_active:
            raise AuthenticationFailed("The login of this token is closed.")
        return found.user, found


class WithinScope(BasePermission):
    """A token that may only read writes nothing."""

    message = "This token may only read. To write takes one with the scope “write”."

    def has_permission(self, request, view):
        if request.method in SAFE_METHODS or not isinstance(request.auth, ApiToken):
            return True
        return request.auth.scope == ApiToken.Scope.WRITE


# What was pulled


def pulls_recorded(get_response):
    """Middleware, outside of whatever makes another answer of one (304, gzip).

    What was refused as too many is not recorded: it would push out the rest.
    """

    def respond(request):
        response = get_response(request)
        token = getattr(request, "auth", None)
        is_too_many = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        if not isinstance(token, ApiToken) or is_too_many:
            return response
        pull = Pull(
            token=token,
            at=timezone.now(),
            method=request.method[:7],
            address=request.get_full_path()[:LONGEST_ADDRESS],
            status=response.status_code,
        )
        if response.streaming:
            response.streaming_content = Watched(response, pull)
        else:
            record(pull, response)
        return response

    return respond


class Watched:
    """The parts of an answer that streams; its pull is recorded when it is closed."""

    def __init__(self, response, pull):
        self.parts = iter(response.streaming_content)
        self.response, self.pull = response, pull

    def __iter__(self):
        return self.parts

    def close(self):
        record(self.pull, self.response)


def record(pull, response):
    """Write a pull, and those that waited for a free database. Never raises.

    The newest 10,000 pulls of each token are kept. A database that is too busy for a
    quarter of a second gets it with the next pull of this process; what waits is lost
    where the process ends.
    """
    try:
        pull.rows = rows_of(pull.method, response)
        _waiting.append(pull)
        write(taken(_waiting))
    except Exception as error:
        logger.warning("A pull was not recorded: %s", type(error).__name__)


def rows_of(method, response):
    """How many rows an answer holds; None where it does not tell."""
    told = getattr(response, "pulled_rows", None)
    if method == "HEAD" or not 200 <= response.status_code < 300:
        return 0
    if told is not None:
        return told() if callable(told) else told
    body = getattr(response, "data", None)
    if isinstance(body, dict):
        return len(body["results"]) if "results" in body else 1
    return None


def taken(queue):
    """All that waits in a queue, each row taken by one thread alone."""
    found = []
    while True:
        try:
            found.append(queue.popleft())
        except IndexError:
            return found


def write(pulls):
    try:
        with brief_write():
            Pull.objects.bulk_create(pulls)
            for pull in {pull.token_id: pull for pull in pulls}.values():
                note_use(pull.token, pull.at)
    except OperationalError:
        _waiting.extendleft(reversed(pulls))
        raise


def note_use(token, at):
    """Note the last use, and prune, unless that was done within the last minute."""
    before = at - USE_IS_NOTED
    if token.last_used_at and token.last_used_at > before:
        return
    unused = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
    ApiToken.objects.filter(unused, pk=token.pk).update(last_used_at=at)
    beyond = Pull.objects.filter(token=token).values("pk")[KEPT : KEPT + 1]
    Pull.objects.filter(token=token, pk__lte=Subquery(beyond)).delete()
