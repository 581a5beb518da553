"""The names inside the pinned emulator that we reach for, all in this one place.

Its public side saves only at a clean end, forgets unread stream records, keeps every log line
for ever and starts function processes that outlive it. An upgrade of it begins here.
"""

import importlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

_APP: Final = "ministack.app"
_STATE: Final = "ministack.core.persistence"
_RUNTIME: Final = "ministack.core.lambda_runtime"
_LAMBDA: Final = "ministack.services.lambda_svc"
_TABLES: Final = "ministack.services.dynamodb"
_QUEUES: Final = "ministack.services.sqs"
_LOGS: Final = "ministack.services.cloudwatch_logs"


class Internals:
    """The emulator's insides. Making one imports it, and it reads its environment then.

    Raises RuntimeError if a name is missing: then it is not the release that this was written for.
    """

    def __init__(self) -> None:
        self.app: Any = _named(_APP, "app")
        # {file stem: function that gives a service's state}, only of services that were used.
        self.states: Callable[[], dict[str, Callable[[], Any]]] = _named(_APP, "_build_persistence_save_dict")
        self.to_json: Callable[[object], object] = _named(_STATE, "_json_default")
        self.from_json: Callable[[dict[str, Any]], object] = _named(_STATE, "_json_object_hook")
        self.format_of: Callable[[str], int] = _named(_STATE, "_state_format_version")
        # Stores keyed by (account, region, name).
        self.mappings: Any = _named(_LAMBDA, "_esms")
        self.read_positions: Any = _named(_LAMBDA, "_dynamodb_stream_positions")
        self.stream_records: Any = _named(_TABLES, "_stream_records")
        self.stream_starts: Any = _named(_TABLES, "_stream_trimmed")
        self.queues: Any = _named(_QUEUES, "_queues")
        self.log_groups: Any = _named(_LOGS, "_log_groups")
        self.running: Callable[[], tuple[int, dict[str, int]]] = _named(_LAMBDA, "executions_in_flight")
        self.stop_workers: Callable[[], None] = _named(_RUNTIME, "reset")
        self.poll_queues: Callable[[], bool] = _named(_LAMBDA, "_poll_sqs")
        self.poll_streams: Callable[[], bool] = _named(_LAMBDA, "_poll_dynamodb_streams")
        self.log: Callable[..., None] = _named(_LAMBDA, "_emit_lambda_logs")
        self._worker_script: str = _named(_RUNTIME, "_PYTHON_WORKER_SCRIPT")
        _named(_APP, "PERSIST_STATE")
        _named(_LAMBDA, "CODE_BLOB_DIR")

    def replace_polling(self, *, queues: Callable[[], bool], streams: Callable[[], bool]) -> None:
        """Let the emulator's polling thread call these; each says whether it took anything."""
        _set(_LAMBDA, "_poll_sqs", queues)
        _set(_LAMBDA, "_poll_dynamodb_streams", streams)

    def replace_log(self, log: Callable[..., None]) -> None:
        """Let `log` take what each invocation wrote."""
        _set(_LAMBDA, "_emit_lambda_logs", log)

    def prefix_workers(self, code: str) -> None:
        """Run `code` first in each function process."""
        _set(_RUNTIME, "_PYTHON_WORKER_SCRIPT", code + self._worker_script)

    def keep_from_saving(self) -> None:
        """Switch off the emulator's own save at its end."""
        _set(_APP, "PERSIST_STATE", value=False)

    def keep_code_in(self, folder: str) -> None:
        """Write the functions' zips to `folder` when the state is read."""
        _set(_LAMBDA, "CODE_BLOB_DIR", folder)

    def copy_nothing(self) -> None:
        """Give state out as it is, which halves time and memory of reading it; for a process of its own."""
        _set("copy", "deepcopy", lambda value, _memo=None: value)

    def unread(self) -> Iterator[tuple[tuple[str, str, str], int, list[Any]]]:
        """((account, region, table), position of the first record not read yet, records from there on).

        Positions count from the stream's beginning. Without a mapping nothing has been read.
        """
        positions = dict(self._positions_by_table())
        for key, records in list(self.stream_records.all_items()):
            start = self.stream_starts.get_scoped(*key, 0) or 0
            first = max(start, positions.get(key, start))
            yield key, first, records[first - start :]

    def _positions_by_table(self) -> Iterator[tuple[tuple[str, str, str], int]]:
        for (account, region, mapping_id), mapping in list(self.mappings.all_items()):
            source = str(mapping.get("EventSourceArn", ""))
            position = self.read_positions.get_scoped(account, region, mapping_id)
            if "/stream/" in source and position is not None:
                yield (account, region, source.split("/stream/", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1]), position


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


def _named(module: str, name: str) -> Any:
    found = _module(module)
    if not hasattr(found, name):
        raise RuntimeError(f"{module} has no {name}: not the pinned release")
    return getattr(found, name)


def _set(module: str, name: str, value: object) -> None:
    setattr(_module(module), name, value)
