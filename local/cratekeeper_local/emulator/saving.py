"""The emulator's whole state, to and from a folder of files."""

import json
from pathlib import Path
from typing import Final

from cratekeeper_local.emulator.internals import Internals

_CODE: Final = "lambda-blobs"  # where the emulator looks for it beside the state
_STREAMS: Final = "unread-stream-records.json"


def write(emulator: Internals, folder: Path) -> None:
    """Write every service's state into `folder`, in the form that the emulator loads at its start.

    Only for a process that is about to end: nothing is copied before it is written, so what is
    read may be changed on the way.
    """
    emulator.copy_nothing()
    emulator.keep_code_in(str(folder / _CODE))
    for service, read in emulator.states().items():
        if state := read():
            content = {"__ministack_format__": emulator.format_of(service), "payload": state}
            (folder / f"{service}.json").write_bytes(_text(emulator, content))
    unread = [{"table": key, "first": first, "records": records} for key, first, records in emulator.unread()]
    (folder / _STREAMS).write_bytes(_text(emulator, unread))


def restore_streams(emulator: Internals, folder: Path) -> None:
    """Put back the stream records that `folder` holds; the emulator has loaded the rest by itself."""
    try:
        saved = json.loads((folder / _STREAMS).read_bytes(), object_hook=emulator.from_json)
    except FileNotFoundError:
        return
    for stream in saved:
        account, region, table = stream["table"]
        # First the position: a mapping that polls in between finds an empty stream, not an old one.
        emulator.stream_starts.set_scoped(account, region, table, stream["first"])
        emulator.stream_records.set_scoped(account, region, table, stream["records"])


def _text(emulator: Internals, content: object) -> bytes:
    # dumps, not dump: only the former uses the encoder in C.
    return json.dumps(content, default=emulator.to_json).encode()
