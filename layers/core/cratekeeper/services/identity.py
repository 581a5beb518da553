"""Identity: from an API key to a caller, and new keys."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from cratekeeper.domain.access import KEY_PREFIX, Caller, Role
from cratekeeper.domain.errors import Denied
from cratekeeper.domain.events import SYSTEM, Event, EventType
from cratekeeper.ports import Clock, Identities, Ids, Secrets, Tokens

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
    """Identifies callers. What they may do is decided per route, never remembered.

    Args:
        tokens: reads what an identity provider signed; None = only API keys are taken.
    """

    identities: Identities
    secrets: Secrets
    clock: Clock
    ids: Ids
    tokens: Tokens | None = None
    _known: dict[str, tuple[Caller, datetime]] = field(default_factory=dict)

    def caller_of(self, token: str) -> Caller:
        """The owner of an API key, or the user that a signed token names. Raises Denied for every other token."""
        if not token.isascii() or not (self.tokens or token.startswith(KEY_PREFIX)):
            raise Denied("the token is no API key")
        known_as, now = self._hash(token), self.clock.now()
        caller, until = self._known.get(known_as, (None, now))
        if caller and now < until:
            return caller
        found = self._owner(token, known_as)
        if found.user_id == SYSTEM:
            raise Denied("nobody comes in under the name of the product's own work")
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[known_as] = found, now + timedelta(seconds=REMEMBERED_S)
        return found

    def _owner(self, token: str, key_hash: str) -> Caller:
        if self.tokens is None or token.startswith(KEY_PREFIX):
            found = self.identities.caller_of(key_hash)
            if found is None:
                raise Denied("the API key is unknown or revoked")
            return found
        # Who may come in is decided here: a token only proves who somebody is.
        user = self.identities.user(self.tokens.subject_of(token))
        if user is None:
            raise Denied("the token names nobody who is known here")
        return user.caller

    def create_key(self, user_id: str, role: Role) -> NewKey:
        """Make the user, or change the role, and give them a further key."""
        now = self.clock.now()
        self.identities.put_user(user_id, role, now=now)
        return self.issue(user_id, key_id=self.ids.download(now), by=SYSTEM)

    def issue(self, user_id: str, *, key_id: str, by: str) -> NewKey:
        """Give a user a further key, in the name of who does so. Raises NotFound, or TooManyKeys.

        `key_id` is a ULID: such ids sort by age, and none begins with a `-` that a command line takes for an option.
        """
        key = KEY_PREFIX + self.ids.secret()
        details = {"key_id": key_id, "owner": user_id}
        event = Event(type=EventType.KEY_CREATED, at=self.clock.now(), actor=by, details=details)
        self.identities.put_key(user_id, key_id=key_id, key_hash=self._hash(key), event=event)
        return NewKey(user_id, key_id, key)

    def _hash(self, token: str) -> str:
        """Keyed, so that a stolen table opens nothing."""
        return hmac.new(self.secrets.pepper(), token.encode(), sha256).hexdigest()
