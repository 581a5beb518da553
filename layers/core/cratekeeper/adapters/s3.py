"""The media bucket (`MediaStore`): boto3 for the calls, presigned PUTs for the bytes.

boto3 reads a body several times (checksums, signing, retries) and wants it seekable; a presigned
request through `http.client` sends each piece once, at a tenth of the CPU.
"""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from cratekeeper.adapters.aws import code_of, outages
from cratekeeper.domain.errors import NotFound, ObjectExists, Unavailable
from cratekeeper.ports import ObjectInfo, Part

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from mypy_boto3_s3 import S3Client

CHUNK_BYTES: Final = 2**20
LINK_S: Final = 3600
"""How long a presigned PUT may take to begin."""

SOCKET_TIMEOUT_S: Final = 60.0
_GONE: Final = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
_REFUSED: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})
_CONFLICT: Final = frozenset({"412", "PreconditionFailed", "ConditionalRequestConflict"})


class S3Media:
    """Objects of one bucket.

    Args:
        client: with signature v4 and path addressing, so that links are checked everywhere.
        bucket: name of the bucket.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def head(self, key: str) -> ObjectInfo | None:
        """What is stored under the key."""
        try:
            with outages():
                found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise
        return ObjectInfo(found["ContentLength"], found["ETag"], found.get("ContentType", ""))

    def read(self, key: str) -> Generator[bytes, None, None]:
        """The object's bytes in chunks of 1 MiB; closing it before the end gives the connection up."""
        try:
            with outages():
                found = self._client.get_object(Bucket=self._bucket, Key=key)
                with closing(found["Body"]) as body:
                    yield from body.iter_chunks(CHUNK_BYTES)
        except ClientError as error:
            if code_of(error) in _GONE:
                raise NotFound(key) from error
            raise

    def put(
        self, key: str, chunks: Iterable[bytes], *, size_bytes: int, content_type: str, if_match: str | None = None
    ) -> str:
        """Stream one object under its condition."""
        condition = {"If-Match": if_match} if if_match else {"If-None-Match": "*"}
        params = {"Bucket": self._bucket, "Key": key, "ContentType": content_type}
        params |= {"IfMatch": if_match} if if_match else {"IfNoneMatch": "*"}
        url = self._client.generate_presigned_url("put_object", Params=params, ExpiresIn=LINK_S)
        headers = {**condition, "Content-Type": content_type, "Content-Length": str(size_bytes)}
        status, etag = _send(url, headers, chunks)
        if status in _REFUSED or (status == HTTPStatus.NOT_FOUND and if_match):
            raise ObjectExists(key)
        return _accepted(status, etag)

    def begin(self, key: str, *, content_type: str) -> str:
        """Begin a multipart upload."""
        with outages():
            return self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)[
                "UploadId"
            ]

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Store one part."""
        params = {"Bucket": self._bucket, "Key": key, "UploadId": upload_id, "PartNumber": number}
        url = self._client.generate_presigned_url("upload_part", Params=params, ExpiresIn=LINK_S)
        status, etag = _send(url, {"Content-Length": str(len(body))}, [body])
        if status == HTTPStatus.NOT_FOUND:  # the upload was aborted or completed
            raise NotFound(upload_id)
        return _accepted(status, etag)

    def complete(self, key: str, upload_id: str, parts: Sequence[str], *, if_match: str | None = None) -> str:
        """Put the parts together under their condition."""
        listed = [{"ETag": etag, "PartNumber": number} for number, etag in enumerate(parts, start=1)]
        request: dict[str, Any] = {"MultipartUpload": {"Parts": listed}}
        request |= {"IfMatch": if_match} if if_match else {"IfNoneMatch": "*"}
        try:
            with outages():
                return self._client.complete_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=upload_id, **request
                )["ETag"]
        except ClientError as error:
            if code_of(error) in _CONFLICT:
                raise ObjectExists(key) from error
            if code_of(error) in _GONE:
                raise NotFound(upload_id) from error
            raise

    def parts(self, key: str, upload_id: str) -> list[Part]:
        """The stored parts up to the first gap."""
        found: list[Part] = []
        try:
            with outages():
                pages = self._client.get_paginator("list_parts").paginate(
                    Bucket=self._bucket, Key=key, UploadId=upload_id
                )
                for part in (part for page in pages for part in page.get("Parts", [])):
                    if part.get("PartNumber") != len(found) + 1:
                        return found
                    found.append(Part(part.get("ETag", ""), part.get("Size", 0)))
        except ClientError as error:
            if code_of(error) in _GONE:
                raise NotFound(upload_id) from error
            raise
        return found

    def abort(self, key: str, upload_id: str) -> None:
        """Throw an upload away."""
        try:
            with outages():
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise

    def discard(self, key: str, *, etag: str) -> None:
        """Delete an object while it has that ETag."""
        try:
            with outages():
                self._client.delete_object(Bucket=self._bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if code_of(error) not in _GONE | _CONFLICT:
                raise

    def link(self, key: str, *, content_type: str, disposition: str, seconds: int) -> str:
        """A presigned GET; no call. S3 sends the two headers as they are signed, whatever the object has."""
        told = {"ResponseContentType": content_type, "ResponseContentDisposition": disposition}
        params = {"Bucket": self._bucket, "Key": key, **told}
        return self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)


def _send(url: str, headers: dict[str, str], chunks: Iterable[bytes]) -> tuple[int, str]:
    """One PUT; the status and the ETag. Whatever `chunks` raises flies on, and the request is cut short."""
    pieces = iter(chunks)
    # Asked for before the connection: an empty body is complete with its head, and would be stored.
    first = next(pieces, b"")
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.netloc, timeout=SOCKET_TIMEOUT_S)
    try:
        connection.putrequest("PUT", f"{parts.path}?{parts.query}", skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        response = _exchange(connection, chain((first,), pieces))
        response.read()
        return response.status, response.headers.get("ETag", "")
    except (OSError, HTTPException) as error:
        raise Unavailable(f"S3 did not take the bytes: {error!r}") from error
    finally:
        connection.close()


def _exchange(connection: HTTPConnection, chunks: Iterable[bytes]) -> HTTPResponse:
    """Send the pieces; a server that refuses early, and hangs up, is heard all the same."""
    connection.endheaders()
    for chunk in chunks:
        try:
            connection.send(chunk)
        except (BrokenPipeError, ConnectionResetError) as error:
            response = connection.getresponse()
            if _is_success(response.status):
                raise HTTPException("accepted before its end was sent") from error
            return response
    return connection.getresponse()


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _accepted(status: int, etag: str) -> str:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Unavailable(f"S3 answered {status}")
    if not _is_success(status):
        raise Unavailable(f"S3 refused the bytes with {status}")
    return etag
