import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratekeeper.domain.text import NAME_BYTES, one_line

FEW = settings(max_examples=30)
ANY = st.text(st.characters(codec="utf-8"))


@FEW
@given(ANY, st.integers(0, 300))
def test_a_line_is_bounded_and_printable(text: str, at_most: int) -> None:
    line = one_line(text, at_most=at_most)
    assert len(line.encode()) <= at_most
    assert line.isprintable()


@FEW
@given(ANY)
def test_a_line_stays_as_it_is(text: str) -> None:
    line = one_line(text)
    assert one_line(line).strip() == line.strip()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Kind of Blue", "Kind of Blue"),
        ("a\nb\r\n\tc", "a b c"),
        ("  edge  ", "edge"),
        ("\x1b[31mred\x07", "[31mred"),
        ("right\u202eto left", "right to left"),
        ("Björk – Jóga", "Björk – Jóga"),
        ("", ""),
    ],
)
def test_control_characters_become_single_spaces(text: str, line: str) -> None:
    assert one_line(text) == line


def test_a_character_is_never_cut_in_two() -> None:
    assert one_line("ø" * 10, at_most=5) == "øø"


def test_a_title_of_ten_megabytes_is_cut_at_once() -> None:
    assert one_line("x" * 10_000_000) == "x" * NAME_BYTES
