"""The running API is the one that its document tells of: a slice of `make fuzz`, and the page that shows it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import documents
from tests.fuzz.api import OPTIONS, Fuzzer
from tests.support.stack import LocalStack, local_stack

CASES = 160
SEED = 20_261_121
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of its own: the calls pause its queue, change its limit and delete what they find."""
    with local_stack(tmp_path_factory.mktemp("fuzz"), *OPTIONS) as started:
        yield started


def test_the_document_is_served_and_is_the_one_in_the_repository(stack: LocalStack) -> None:
    with stack.http(None) as nobody:
        answer = nobody.get("/openapi.json")
        assert answer.text == documents()["layers/core/cratekeeper/api/openapi.json"]
        assert nobody.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_the_page_has_all_its_files_and_lets_nothing_else_in(stack: LocalStack) -> None:
    with stack.http(None) as nobody:
        page = nobody.get("/docs")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "://" not in page.headers["content-security-policy"]
        for name in re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text):
            found = nobody.get(name)
            assert (found.status_code, found.headers["x-content-type-options"]) == (200, "nosniff"), name
        library = nobody.get("/docs/swagger-ui.js")
        assert library.headers["content-encoding"] == "gzip"
        assert "SwaggerUIBundle" in library.text


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
def test_a_browser_shows_the_page_without_asking_another_host(stack: LocalStack, tmp_path: Path) -> None:
    url = stack.ready["api_url"]
    log = tmp_path / "net.json"
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        # Whatever the page wants elsewhere fails, and is in the log.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--disable-background-networking",
        "--disable-component-update",
        f"--log-net-log={log}",
        "--virtual-time-budget=20000",
        "--dump-dom",
        f"{url}/docs",
    ]
    shown = subprocess.run([str(BROWSER), *words], capture_output=True, text=True, timeout=100, check=True).stdout
    assert "Ask for an album or a track" in shown
    assert "Failed to load" not in shown
    asked = set(re.findall(r'"initiator":"(https?://[^"/]+)', log.read_text("utf-8")))
    assert asked <= {url}
    wanted = set(re.findall(r'"url":"(\w+://[^"/]+)', log.read_text("utf-8")))
    # What the browser itself wants at its start, whatever the page is.
    assert {each for each in wanted if "google" not in each and "gvt1" not in each} == {url}


@pytest.mark.timeout(300)
def test_generated_calls_find_nothing_that_is_not_told(own: LocalStack) -> None:
    report = Fuzzer(own, SEED).run(CASES)
    print("\n".join(report.lines()))
    assert not report.faults, "\n".join(report.lines())
    assert report.cases >= CASES
    assert report.share_of_2xx >= 0.3
