"""JSON Schemas of the domain events on the bus: the envelope is CloudEvents 1.0, the rest is what each topic says."""

import json
from typing import Any, Final

from cratekeeper.adapters.bus import SOURCE, VERSION
from cratekeeper.domain.access import Role
from cratekeeper.domain.announcements import GONE, TOPICS_OF, Topic
from cratekeeper.domain.events import EventType
from cratekeeper.domain.models import Kind, Source
from cratekeeper.domain.states import State

Json = dict[str, Any]
DOWNLOAD_ID: Final[Json] = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}(-[1-9][0-9]{0,4})?$"}
TITLES: Final = {
    Topic.DOWNLOAD_REQUESTED: "Somebody, or the watchdog, asked for a download",
    Topic.DOWNLOAD_STATUS_CHANGED: "A download is in another state; of a child only what becomes of it is told",
    Topic.DOWNLOAD_COMPLETED: "The bytes of a track or an image are stored and verified",
    Topic.DOWNLOAD_FAILED: "A download has failed for good",
    Topic.ALBUM_COMPLETED: "An album has ended with all its parts, or all that were not cancelled, stored",
    Topic.CATALOG_CHANGED: "The metadata of an album were written to the catalog; its parts are being fetched",
    Topic.USER_CREATED: "There is a new user",
}


def documents() -> dict[str, str]:
    """The text of each schema, by its path in the repository."""
    return {f"docs/events/{topic}.json": json.dumps(schema(topic), indent=2) + "\n" for topic in Topic}


def schema(topic: Topic) -> Json:
    """The schema of a topic's events, as rules and targets get them in `detail`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:cratekeeper:event:{topic}:{VERSION}",
        "title": topic.value,
        "description": TITLES[topic],
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1, "description": "The same in a repetition"},
            "source": {"const": SOURCE},
            "type": {"const": topic.value},
            "dataschema": {"const": f"urn:cratekeeper:event:{topic}:{VERSION}"},
            "subject": {"type": "string", "description": "The download, or `user:` and the user's id"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "data": _user() if topic is Topic.USER_CREATED else _download(topic),
        },
        "required": ["specversion", "id", "source", "type", "dataschema", "subject", "time", "datacontenttype", "data"],
    }


def _user() -> Json:
    return _closed({"user_id": {"type": "string"}, "role": {"enum": [role.value for role in Role]}})


def _download(topic: Topic) -> Json:
    kinds = ["album"] if topic in {Topic.ALBUM_COMPLETED, Topic.CATALOG_CHANGED} else [kind.value for kind in Kind]
    if topic is Topic.DOWNLOAD_COMPLETED:
        kinds.remove("album")
    types = [kind for kind in EventType if topic in TOPICS_OF.get(kind, ())]
    return _closed({
        "event_type": {"enum": types, "description": "The type of the entry in the audit history"},
        "download_id": DOWNLOAD_ID,
        "parent_id": {"anyOf": [DOWNLOAD_ID, {"type": "null"}], "description": "The album, of one of its children"},
        "kind": {"enum": kinds},
        "content_id": {"type": "string", "minLength": 1},
        "status": {"enum": [*(state.value for state in State), GONE], "description": "The state that it is in now"},
        "reason": {"type": ["string", "null"], "description": "Why, where there is a reason"},
        "user_id": {"type": "string", "description": "Who acted; `system` where nobody asked"},
        "requested_by": {"type": "string", "description": "Whose download it is"},
        "source": {"enum": [source.value for source in Source]},
        "details": {"type": "object", "additionalProperties": {"type": ["string", "integer", "null"]}},
    })


def _closed(properties: Json) -> Json:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": [*properties]}
