"""The ASGI application around the emulator's own: notices changes, and takes orders from the launcher."""

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from cratekeeper_local.emulator import saving
from cratekeeper_local.emulator.changes import may_change
from cratekeeper_local.emulator.intake import Intake
from cratekeeper_local.emulator.internals import Internals
from cratekeeper_local.emulator.saver import Saver
from cratekeeper_local.emulator.settings import ORDERS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Policies that refuse plain HTTP are enforced here as on AWS. On the loopback there is nothing to
# encrypt, so each request counts as having come over TLS.
_OVER_TLS: Final = (b"x-forwarded-proto", b"https")


class Errors(logging.Handler):
    """What was logged as an error: the emulator goes on without a state that it could not load, we do not."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text of one error."""
        self.texts.append(record.getMessage())


class Gate:
    """Passes requests on. Under ORDERS: GET figures, POST open (work may begin), POST save."""

    def __init__(self, emulator: Internals, *, state: Path, saver: Saver, intake: Intake) -> None:
        self._emulator = emulator
        self._state = state
        self._saver = saver
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection of the server, as ASGI has it."""
        match scope["type"]:
            case "lifespan":
                errors = Errors()
                logging.getLogger().addHandler(errors)
                await self._emulator.app(scope, receive, self._started(send, errors))
            case "http" if scope["path"].startswith(ORDERS):
                await self._obey(scope, send)
            case "http":
                await self._pass(scope, receive, send)
            case _:
                await self._emulator.app(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [pair for pair in scope["headers"] if pair[0] != _OVER_TLS[0]]
        scope["headers"] = [*headers, _OVER_TLS]
        try:
            await self._emulator.app(scope, receive, send)
        finally:
            # Afterwards: a save between arrival and effect would count the change as saved.
            if may_change(scope["method"], scope["path"], dict(headers)):
                self._saver.note_change()

    def _started(self, send: Send, errors: Errors) -> Send:
        async def watched(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                logging.getLogger().removeHandler(errors)
                if errors.texts:
                    await send({"type": "lifespan.startup.failed", "message": errors.texts[0]})
                    return
                saving.restore_streams(self._emulator, self._state)
                self._emulator.keep_from_saving()
            await send(message)

        return watched

    async def _obey(self, scope: Scope, send: Send) -> None:
        status = 200
        match scope["method"], scope["path"].removeprefix(ORDERS):
            case "GET", "figures":
                pass
            case "POST", "open":
                self._intake.open()
                self._saver.release()
            case "POST", "save":
                status = 200 if await self._saver.save() else 500
            case _:
                status = 404
        await _answer(send, status, self._figures())

    def _figures(self) -> dict[str, object]:
        return {**asdict(self._saver.figures), "running": self._intake.running(), "unread": self._intake.unread()}


async def _answer(send: Send, status: int, content: dict[str, object]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})
