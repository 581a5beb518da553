import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.api.cursors import Cursors
from cratekeeper.domain.errors import Invalid

CURSORS = Cursors(b"secret")
PLACES = st.text(st.characters(codec="utf-8"), max_size=60)
FEW = settings(max_examples=50)


@FEW
@given(PLACES, PLACES)
def test_a_cursor_leads_back_to_its_place(place: str, scope: str) -> None:
    cursor = CURSORS.encode(place, scope=scope)
    assert cursor is not None
    assert cursor.isascii()
    assert CURSORS.decode(cursor, scope=scope) == place


def test_no_place_is_no_cursor() -> None:
    assert CURSORS.encode(None, scope="s") is None
    assert CURSORS.decode(None, scope="s") is None


@FEW
@given(st.text(max_size=120))
def test_what_we_did_not_make_is_refused(forged: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        CURSORS.decode(forged, scope="s")


@FEW
@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_changed_cursor_leads_nowhere_else(at: int, character: str) -> None:
    cursor = CURSORS.encode("01JD", scope="s")
    assert cursor is not None
    changed = cursor[: at % len(cursor)] + character + cursor[at % len(cursor) + 1 :]
    try:
        assert CURSORS.decode(changed, scope="s") == "01JD"
    except Invalid:
        assert changed != cursor


@pytest.mark.parametrize(("secret", "scope"), [(b"another", "s"), (b"secret", "t"), (b"secret", "")])
def test_a_cursor_of_another_list_or_system_is_refused(secret: bytes, scope: str) -> None:
    cursor = CURSORS.encode("01JD", scope="s")
    with pytest.raises(Invalid):
        Cursors(secret).decode(cursor, scope=scope)


def test_scope_and_place_are_told_apart() -> None:
    assert CURSORS.encode("bc", scope="a") != CURSORS.encode("c", scope="ab")


@pytest.mark.parametrize("cursor", ["", "=", "====", "A", "x" * 10**6, "AAAA" * 4])
def test_odd_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        CURSORS.decode(cursor, scope="s")
