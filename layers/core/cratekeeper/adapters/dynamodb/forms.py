"""How single fields, and the values inside a record, are stored.

One rule for all of them: **a field that has its dataclass's default is not stored.** So items stay
small: one over 1 KB doubles the price of all its writes. Hence the short attribute names too.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Final, NamedTuple

from cratekeeper.adapters.dynamodb.attributes import milliseconds, moment_of
from cratekeeper.domain.events import Event, EventType
from cratekeeper.domain.lanes import Lane
from cratekeeper.domain.models import Cascade, ChildPlan, Kind, Media, Tally, Upload
from cratekeeper.domain.states import Verb


class Form(NamedTuple):
    """How a field is stored: its short name, and the plain value from and to the field's."""

    name: str
    store: Callable[[Any], object] = lambda value: value
    load: Callable[[Any], Any] = lambda stored: stored


def moment(name: str) -> Form:
    """A time, as epoch milliseconds."""
    return Form(name, milliseconds, moment_of)


def defaults(of: type) -> dict[str, object]:
    """The default of each field of a dataclass that has one."""
    found = {each.name: _default(each) for each in fields(of)}
    return {name: default for name, default in found.items() if default is not MISSING}


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


class Shape:
    """A dataclass stored as a map.

    Args:
        of: the dataclass.
        forms: one for each of its fields.

    """

    __slots__ = ("_absent", "_forms", "_type")

    def __init__(self, of: type, forms: Mapping[str, Form]) -> None:
        self._type = of
        self._forms = forms
        self._absent = defaults(of)

    def store(self, value: object) -> dict[str, object]:
        """The plain map of a value."""
        found = ((form, field, getattr(value, field)) for field, form in self._forms.items())
        return {form.name: form.store(each) for form, field, each in found if each != self._absent.get(field, MISSING)}

    def load(self, stored: Mapping[str, Any]) -> Any:
        """The value of a plain map; entries of a later version are passed over."""
        return self._type(**{
            field: form.load(stored[form.name]) for field, form in self._forms.items() if form.name in stored
        })

    def form(self, name: str) -> Form:
        """A field that holds such a value."""
        return Form(name, self.store, self.load)


MEDIA: Final = Shape(Media, {"key": Form("k"), "size_bytes": Form("s"), "sha256": Form("h"), "content_type": Form("t")})
UPLOAD: Final = Shape(
    Upload,
    {
        "key": Form("k"),
        "upload_id": Form("i"),
        "source_etag": Form("e"),
        "length": Form("n"),
        "replaces": Form("r"),
    },
)
CASCADE: Final = Shape(
    Cascade,
    {
        "verb": Form("v", load=Verb),
        "event": Form("t", load=EventType),
        "actor": Form("w"),
        "lane": Form("l", load=Lane),
    },
)
TALLY: Final = Shape(Tally, {"completed": Form("c"), "failed": Form("f"), "cancelled": Form("x")})
EVENT: Final = Shape(
    Event,
    {"type": Form("t", load=EventType), "at": moment("a"), "actor": Form("w"), "details": Form("d")},
)
CHILD_PLAN: Final = Shape(
    ChildPlan,
    {
        "kind": Form("k", load=Kind),
        "content_id": Form("c"),
        "content_name": Form("n"),
        "artist_name": Form("a"),
        "stored": Form("s"),
    },
)
