"""The demo provider on a loopback port, served by a thread of the test's own process."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Final

import httpx
from pydantic import JsonValue

from cratekeeper_local.provider.app import App
from cratekeeper_local.provider.faults import Fault
from cratekeeper_local.provider.ids import content_id
from cratekeeper_local.provider.library import Library
from cratekeeper_local.provider.params import Params
from cratekeeper_local.provider.press import Press
from cratekeeper_local.provider.server import Manners, Server
from cratekeeper_local.provider.shelf import SHELVES

TRACK_ID: Final = content_id("track", "Three Sketches/1")
AUDIO: Final = f"/track/{TRACK_ID}/audio"
# Encoding takes longer than all else here, and the same files serve every test.
PRESS: Final = Press()
# Nor does anything here speak TLS, and reading all certificates takes 70 ms a client.
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Served:
    """An app, where it is served, and a client for that."""

    app: App
    client: httpx.Client

    def get(self, target: str = AUDIO, *, timeout_s: float = 10.0, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(target, timeout=timeout_s, headers=named)

    def spoil(self, behaviour: str, *, match: str = AUDIO, times: int = 1, **params: JsonValue) -> None:
        fault = Fault(match=match, behaviour=behaviour, times=times, params=Params.model_validate(params))
        self.app.script.add([fault])

    def raw(self, sent: bytes) -> bytes:
        """What comes back for these bytes until the server closes."""
        address = (self.client.base_url.host, self.client.base_url.port)
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(65_536):
                received += piece
        return received


@contextmanager
def serving(manners: Manners | None = None) -> Iterator[Served]:
    app = App(Library.of(SHELVES["tiny"]), PRESS)
    server = Server(app, manners or Manners())
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(server.listen("127.0.0.1", 0), loop).result(10)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", verify=NO_TLS) as client:
            yield Served(app, client)
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
        asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
