"""Users and their keys in memory, and every change of a user, as the table's stream shows it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cratekeeper.domain.access import Caller, Role
from cratekeeper.domain.errors import AlreadyExists, NotFound, TooManyKeys
from cratekeeper.domain.events import Event
from cratekeeper.domain.users import MOST_KEYS, Key, User
from tests.memory.calls import Calls, fault_point


@dataclass(slots=True)
class MemoryIdentities:
    """Users by id, and of each hash whose key it is."""

    calls: Calls = field(default_factory=Calls)
    people: dict[str, User] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    stream: list[tuple[User | None, User | None]] = field(default_factory=list)
    port: str = "identities"

    @fault_point
    def caller_of(self, key_hash: str) -> Caller | None:
        owner, key_id = self.keys.get(key_hash, ("", ""))
        user = self.people.get(owner)
        return user.caller if user and key_id in {key.key_id for key in user.keys} else None

    @fault_point
    def user(self, user_id: str) -> User | None:
        return self.people.get(user_id)

    @fault_point
    def users(self, *, after: str | None, limit: int) -> list[User]:
        return [user for user_id, user in sorted(self.people.items()) if user_id > (after or "")][:limit]

    @fault_point
    def everybody(self) -> Iterator[User]:
        return iter([user for _, user in sorted(self.people.items())])

    @fault_point
    def create(self, user: User) -> None:
        if user.user_id in self.people:
            raise AlreadyExists(user.user_id)
        self._put(user)

    @fault_point
    def amend(self, user_id: str, values: Mapping[str, Role | int | None]) -> User:
        changed: Any = dict(values)
        return self._put(replace(self._known(user_id), **changed))

    @fault_point
    def put_user(self, user_id: str, role: Role, *, now: datetime) -> None:
        self._put(replace(self.people.get(user_id, User(user_id=user_id, role=role, created_at=now)), role=role))

    @fault_point
    def put_key(self, user_id: str, *, key_id: str, key_hash: str, event: Event) -> None:
        user = self._known(user_id)
        if len(user.keys) >= MOST_KEYS:
            raise TooManyKeys(user_id)
        keys = (*user.keys, Key(key_id=key_id, created_at=event.at))
        self._put(replace(user, keys=keys, seq=user.seq + 1, event=event))
        self.keys[key_hash] = (user_id, key_id)

    @fault_point
    def revoke(self, user_id: str, *, key_id: str, event: Event) -> None:
        user = self._known(user_id)
        keys = tuple(key for key in user.keys if key.key_id != key_id)
        if keys == user.keys:
            raise NotFound("the user has no such key")
        self._put(replace(user, keys=keys, seq=user.seq + 1, event=event))
        self.keys = {each: owner for each, owner in self.keys.items() if owner != (user_id, key_id)}

    def _known(self, user_id: str) -> User:
        if user_id not in self.people:
            raise NotFound("no such user")
        return self.people[user_id]

    def _put(self, user: User) -> User:
        self.stream.append((self.people.get(user.user_id), user))
        self.people[user.user_id] = user
        return user
