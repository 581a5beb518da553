"""Users, their roles and limits, and their keys: what operators do with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.errors import AlreadyExists, NotFound
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.ids import Seed, made_at
from cratekeeper.domain.users import User
from cratekeeper.ports import Clock, Identities, Log
from cratekeeper.services.identity import Identity, NewKey


class UserPage(NamedTuple):
    """Users by id, and the id to go on from (None = that was all)."""

    users: list[User]
    next_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """What operators do with users; who did what to whom is in the log, and of keys in the history too."""

    identities: Identities
    identity: Identity
    clock: Clock
    log: Log

    def page(self, *, after: str | None, limit: int) -> UserPage:
        """Users by id."""
        found = self.identities.users(after=after, limit=limit + 1)
        return UserPage(found[:limit], found[limit - 1].user_id if len(found) > limit else None)

    def one(self, user_id: str) -> User:
        """One user. Raises NotFound."""
        found = self.identities.user(user_id)
        if found is None:
            raise NotFound("no such user")
        return found

    def create(self, wanted: Caller, *, by: Caller, seed: Seed | None = None) -> User:
        """Add a user without keys; a resumed `seed` returns what an earlier run has made. Raises AlreadyExists."""
        user = User(
            user_id=wanted.user_id,
            role=wanted.role,
            created_at=made_at(seed.root) if seed else self.clock.now(),
            max_per_day=wanted.max_per_day,
            max_queue=wanted.max_queue,
        )
        try:
            self.identities.create(user)
        except AlreadyExists:
            # An earlier run's user is known by the time of the request, which is in the seed.
            if not (seed and seed.is_resumed and self.identities.user(user.user_id) == user):
                raise
        self.log.info("user_created", user_id=user.user_id, role=user.role, by=by.user_id)
        return user

    def amend(self, user_id: str, values: Mapping[str, Role | int | None], *, by: Caller) -> User:
        """Set these of `role`, `max_per_day`, `max_queue` (None = the default again). Raises NotFound."""
        user = self.identities.amend(user_id, values) if values else self.one(user_id)
        self.log.info("user_changed", user_id=user_id, values=dict(values), by=by.user_id)
        return user

    def create_key(self, user_id: str, *, by: Caller, seed: Seed) -> NewKey | None:
        """A further key with the seed's root for its id, told this once. Raises NotFound, or TooManyKeys.

        None if an earlier run of the same request made it: what opens doors is then known to nobody here.
        """
        if seed.is_resumed and seed.root in {key.key_id for key in self.one(user_id).keys}:
            return None
        return self.identity.issue(user_id, key_id=seed.root, by=by.user_id)

    def revoke(self, user_id: str, key_id: str, *, by: Caller) -> None:
        """The key opens nothing, within a minute everywhere. Raises NotFound if it is not one of the user's."""
        details = {"key_id": key_id, "owner": user_id}
        event = Event(type=EventType.KEY_REVOKED, at=self.clock.now(), actor=by.user_id, details=details)
        self.identities.revoke(user_id, key_id=key_id, event=event)
