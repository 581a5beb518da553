"""A session for long listings, whose parsers leave alone what nobody looks at.

Of the CPU of a page of 1,000 objects the SDK spends four fifths on parsing timestamps (the texts are as
good here), and of a page of rows nearly all on the ten possible types of each attribute value.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from botocore.parsers import JSONParser, ResponseParser, ResponseParserFactory
from botocore.session import get_session
from typing_extensions import override

from cratekeeper.adapters.aws import Aws

if TYPE_CHECKING:
    from botocore.session import Session


class _Raw(JSONParser):
    """DynamoDB's answers as they came: items are `{name: {type: value}}`, which is what our readers take."""

    @override
    def parse(self, response: Any, shape: Any) -> Any:
        if response["status_code"] >= HTTPStatus.MULTIPLE_CHOICES:
            return super().parse(response, shape)
        metadata = {"HTTPStatusCode": response["status_code"], "HTTPHeaders": dict(response["headers"])}
        return {**json.loads(response["body"]), "ResponseMetadata": metadata}


class _LeanParsers(ResponseParserFactory):
    """Parsers by protocol; a timestamp stays the text it was."""

    @override
    def create_parser(self, protocol_name: str) -> ResponseParser:
        if protocol_name == "json":
            return _Raw(timestamp_parser=_as_it_came)
        self.set_parser_defaults(timestamp_parser=_as_it_came)
        return super().create_parser(protocol_name)


def _as_it_came(value: Any) -> Any:
    return value


def lean(core: Session | None = None) -> Aws:
    """Clients of such a session, made of `core` or of the environment. Binary attributes come as base64 text."""
    core = core or get_session()
    core.register_component("response_parser_factory", _LeanParsers())
    return Aws(boto3.Session(botocore_session=core))
