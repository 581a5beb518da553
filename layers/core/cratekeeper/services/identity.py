"""Identity: from an API key to a caller, and new keys."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from cratekeeper.domain.access import KEY_PREFIX, Caller, Role
from cratekeeper.domain.errors import Denied
from cratekeeper.ports import Clock, Identities, Ids, Secrets

REMEMBERED_S: Final = 30
"""How long who a key belongs to is remembered in a process: a revocation is effective within 60 s."""

MOST_REMEMBERED: Final = 1000


class NewKey(NamedTuple):
    """A key as it is shown once."""

    user_id: str
    key_id: str
    key: str


@dataclass(slots=True, kw_only=True)
class Identity:
    """Identifies callers. What they may do is decided per route, never remembered."""

    identities: Identities
    secrets: Secrets
    clock: Clock
    ids: Ids
    _known: dict[str, tuple[Caller, datetime]] = field(default_factory=dict)

    def caller_of(self, token: str) -> Caller:
        """The owner of an API key. Raises Denied for every other token."""
        if not token.startswith(KEY_PREFIX) or not token.isascii():
            raise Denied("the token is no API key")
        key_hash, now = self._hash(token), self.clock.now()
        caller, until = self._known.get(key_hash, (None, now))
        if caller and now < until:
            return caller
        found = self.identities.caller_of(key_hash)
        if found is None:
            raise Denied("the API key is unknown or revoked")
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[key_hash] = found, now + timedelta(seconds=REMEMBERED_S)
        return found

    def create_key(self, user_id: str, role: Role) -> NewKey:
        """Make the user, or change the role, and give them a further key."""
        key = KEY_PREFIX + self.ids.secret()
        key_id = self.ids.nonce()
        self.identities.put_user(user_id, role)
        self.identities.put_key(user_id, key_id=key_id, key_hash=self._hash(key), now=self.clock.now())
        return NewKey(user_id, key_id, key)

    def _hash(self, token: str) -> str:
        """Keyed, so that a stolen table opens nothing."""
        return hmac.new(self.secrets.pepper(), token.encode(), sha256).hexdigest()
