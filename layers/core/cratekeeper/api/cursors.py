"""Cursors: opaque, bound to their caller and query, and signed, so that a forged one is refused."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from typing import Final

from cratekeeper.domain.errors import Invalid

_MAC_BYTES: Final = 16
_MOST_CHARACTERS: Final = 512


class Cursors:
    """Makes and reads cursors.

    Args:
        secret: what the signature is made with.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, after: str | None, *, scope: str) -> str | None:
        """The cursor of the page after `after`; None stays None. `scope` names the caller and the query."""
        if after is None:
            return None
        place = after.encode()
        return urlsafe_b64encode(self._mac(place, scope) + place).decode().rstrip("=")

    def decode(self, cursor: str | None, *, scope: str) -> str | None:
        """Where the page begins. Raises Invalid for a cursor that we did not make for this scope."""
        if cursor is None:
            return None
        try:
            raw = urlsafe_b64decode(cursor[:_MOST_CHARACTERS].encode() + b"==")
            mac, place = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if hmac.compare_digest(mac, self._mac(place, scope)):
                return place.decode()
        except (Error, ValueError):
            pass
        raise Invalid("the cursor is not valid for this list", ("query.cursor", "not one of this list's cursors"))

    def _mac(self, place: bytes, scope: str) -> bytes:
        return hmac.new(self._secret, scope.encode() + b"\0" + place, sha256).digest()[:_MAC_BYTES]
