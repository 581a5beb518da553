from typing import Any

import pytest

from cratekeeper.api.actions import CreateKey
from cratekeeper.domain.access import Role
from cratekeeper.domain.errors import Invalid

EVENT = {"action": "create_key", "user_id": "alice", "role": "user"}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("user_id", ["alice", "A.b_c@example.org", "x" * 64, "0"])
def test_an_operator_may_make_a_key(user_id: str, role: Role) -> None:
    made = CreateKey.of({**EVENT, "user_id": user_id, "role": role.value})
    assert (made.user_id, made.role) == (user_id, role)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"action": "drop"}, "action"),
        ({"role": "king"}, "role"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": ".hidden"}, "user_id"),
        ({"user_id": "two words"}, "user_id"),
        ({"user_id": "x" * 65}, "user_id"),
        ({"user_id": "alice\n"}, "user_id"),
        ({"user_id": 5}, "user_id"),
        ({"limit": 1}, "limit"),
    ],
)
def test_any_other_event_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(Invalid, match=f"^{named}: "):
        CreateKey.of({**EVENT, **change})
