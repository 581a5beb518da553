"""The whole service but its sockets: contract, script of faults, counts and controls."""

from typing import Final

from pydantic import ValidationError

from cratekeeper_local.provider.counts import Counts
from cratekeeper_local.provider.faults import FAULTS, Script
from cratekeeper_local.provider.library import Library
from cratekeeper_local.provider.messages import Answer, Request
from cratekeeper_local.provider.misbehaviour import misbehave, misled
from cratekeeper_local.provider.press import Press
from cratekeeper_local.provider.refusals import Refused
from cratekeeper_local.provider.routes import Routes

CONTROL_PREFIX: Final = "/__"
BUSY_RETRY_S: Final = 1


class App:
    """Answers requests as values; the server delivers them."""

    def __init__(self, library: Library, press: Press) -> None:
        self.counts = Counts()
        self.script = Script()
        self._routes = Routes(library, press)

    async def answer(self, request: Request) -> Answer:
        """The answer, spoiled if the script says so; never raises Refused."""
        try:
            if request.path.startswith(CONTROL_PREFIX):
                return self._control(request)
            self.counts.requests[request.path] += 1
            return await self._served(request)
        except Refused as refusal:
            return refusal.answer()

    def turn_away(self, request: Request, track_id: str) -> Answer:
        """The 429 for a download of audio while another one runs."""
        self.counts.requests[request.path] += 1
        self.counts.refuse_audio(track_id)
        message = "one audio download at a time"
        return Refused(429, message, headers=(("Retry-After", str(BUSY_RETRY_S)),)).answer()

    async def _served(self, request: Request) -> Answer:
        fault = self.script.take(request)
        if fault is None:
            return await self._routes.answer(request)
        try:
            answer = await self._routes.answer(misled(request, fault.behaviour))
        except Refused as refusal:
            answer = refusal.answer()
        try:
            return misbehave(answer, fault.behaviour, params=fault.params, request=request)
        except ValueError as error:
            raise Refused(500, f"{fault.behaviour} is for answers in JSON") from error

    def _control(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", "/__stats":
                return Answer.json(self.counts.rows())
            case "POST", "/__stats/reset":
                self.counts.reset()
            case "GET", "/__faults":
                return Answer.json(self.script.rows())
            case "POST", "/__faults":
                self._add_faults(request.body)
            case "DELETE", "/__faults":
                self.script.clear()
            case _:
                raise Refused(404, "no such control")
        return Answer.json({"ok": True})

    def _add_faults(self, body: bytes) -> None:
        try:
            self.script.add(FAULTS.validate_json(body))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise Refused(400, f"{place}: {first['msg']}") from error
