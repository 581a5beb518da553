"""The OpenAPI document and its page, as they are served."""

import gzip
import hashlib
import json
import re
from base64 import b64decode

import pytest

from cratekeeper.api import pages
from docs.assets import ASSETS, Asset
from tests.support.api import Api


def test_the_document_is_served_to_anybody_and_may_be_kept(api: Api) -> None:
    answer = api.call("GET /openapi.json", by=None)
    assert answer.body["openapi"] == "3.1.0"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    again = api.call("GET /openapi.json", by=None, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.raw) == (304, "")


def test_what_is_served_is_as_small_as_it_can_be(api: Api) -> None:
    raw = api.call("GET /openapi.json", by=None).raw
    assert raw == json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False) + "\n"


def test_the_page_asks_for_its_own_files_alone(api: Api) -> None:
    page = api.call("GET /docs", by=None)
    named = re.findall(r'(?:src|href)="([^"]+)"', page.raw)
    assert {each.removeprefix("/docs/") for each in named if each.startswith("/docs/")} <= {*pages.FILES}
    assert [each for each in named if "://" in each or each.startswith("//")] == []
    assert "<script>" not in page.raw


@pytest.mark.parametrize("name", pages.FILES)
def test_a_file_of_the_page_lets_no_other_host_in(api: Api, name: str) -> None:
    answer = api.call(f"GET /docs/{name}", by=None)
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "://" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if "Content-Encoding" in answer.headers:
        assert gzip.decompress(b64decode(answer.raw))


@pytest.mark.parametrize("name", ["index.html", "../pages.py", "..", "swagger-ui.js.gz", "openapi.json", ".", "\0"])
def test_no_other_file_is_served(api: Api, name: str) -> None:
    assert api.call(f"GET /docs/{name}", by=None).status == 404


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.name)
def test_the_library_is_the_one_that_is_pinned(asset: Asset) -> None:
    content = (pages.FOLDER / asset.name).read_bytes()
    plain = gzip.decompress(content) if asset.name.endswith(".gz") else content
    assert hashlib.sha256(plain).hexdigest() == asset.sha256


def test_the_licences_of_the_library_go_with_it(api: Api) -> None:
    assert "Apache License" in api.call("GET /docs/LICENSE.txt", by=None).raw
    assert "License" in api.call("GET /docs/NOTICE.txt", by=None).raw
