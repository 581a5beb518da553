"""Roles and permissions."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cratekeeper.domain.limits import UserLimits

KEY_PREFIX: Final = "ck_"


class Permission(StrEnum):
    """What a route may ask for."""

    REQUEST_CONTENT = "request_content"
    VIEW_ANALYTICS = "view_analytics"
    EDIT_CATALOG = "edit_catalog"
    SERVER_ADMIN = "server_admin"


class Role(StrEnum):
    """What a user is."""

    USER = "user"
    VIEWER = "viewer"
    ADMIN = "admin"


GRANTS: Final = MappingProxyType({
    Role.USER: frozenset({Permission.REQUEST_CONTENT}),
    Role.VIEWER: frozenset({Permission.VIEW_ANALYTICS}),
    Role.ADMIN: frozenset(Permission),
})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: identified, with a role and perhaps limits of their own.

    `max_per_day` and `max_queue` override the defaults; -1 = unlimited, None = the default.
    """

    user_id: str
    role: Role
    max_per_day: int | None = None
    max_queue: int | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the role grants the permission."""
        return permission in GRANTS[self.role]

    def sees(self, owner: str) -> bool:
        """Whether the caller may see and act on a download of `owner`."""
        return self.user_id == owner or self.may(Permission.EDIT_CATALOG)

    def limits(self, default: UserLimits) -> UserLimits:
        """The limits in force: none for admins, else the user's own, else the default."""
        if self.role is Role.ADMIN:
            return UserLimits(max_per_day=None, max_queue=None)
        return UserLimits(
            max_per_day=_in_force(self.max_per_day, default.max_per_day),
            max_queue=_in_force(self.max_queue, default.max_queue),
        )


def _in_force(own: int | None, default: int | None) -> int | None:
    if own is None:
        return default
    return None if own < 0 else own
