"""Keeping the library whole on a running stack: what is lost or cut comes back, and jobs outlive a restart."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cratekeeper.adapters.dynamodb.jobs import DynamoJobs
from cratekeeper.adapters.dynamodb.patience import Patience
from cratekeeper.adapters.system import SystemClock, SystemDice, SystemIds
from cratekeeper.domain.jobs import JobLease, Run
from cratekeeper_local.provider.child import Provider
from tests.support.people import Person, Town
from tests.support.stack import LocalStack, local_stack
from tests.support.waiting import until
from tests.system.conftest import QUICK

ALBUM_OF_3 = "GLcMOkJHqRmyflbHvhSjLU"
WATCHDOG = "/v1/admin/jobs/integrity_watchdog"
JOB = "audit_retention"
"""No hook begins it."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[LocalStack]:
    """A stack whose library these tests damage."""
    with local_stack(tmp_path_factory.mktemp("kept"), "--provider-url", provider.url, *QUICK) as started:
        yield started


@pytest.fixture
def root(kept: LocalStack) -> Iterator[Person]:
    with Town(kept).person("admin") as person:
        yield person


pytestmark = pytest.mark.timeout(600)
"""A scan is some 160 calls, one after the other; where tests share a machine with others it takes its time."""

SCAN_S = 150.0


def runs(root: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root.http.get(f"{WATCHDOG}/history").json()["items"]
    return found


def ended(root: Person) -> list[dict[str, Any]]:
    return [run for run in runs(root) if run["finished_at"]]


def scanned(root: Person, **params: Any) -> dict[str, Any]:
    """The report of a scan that is triggered now, once no other runs."""
    until(lambda: all(run["status"] != "running" for run in runs(root)), within_s=SCAN_S)
    begun = root.http.post(f"{WATCHDOG}/trigger", json={"params": params})
    assert begun.status_code == 202, begun.text
    run_id = begun.json()["run_id"]
    run = until(lambda: next((each for each in ended(root) if each["run_id"] == run_id), None), within_s=SCAN_S)
    assert run["status"] == "completed", run
    report: dict[str, Any] = run["result"]
    return report


@pytest.mark.case("W-02")
@pytest.mark.case("W-05")
def test_what_is_deleted_or_cut_comes_back_first_of_all(kept: LocalStack, root: Person) -> None:
    album = root.request(ALBUM_OF_3).json()["id"]
    assert root.wait(album)["status"] == "COMPLETED"
    tracks = [each["media"] for each in root.children(album) if each["kind"] == "track"]
    lost, cut = tracks[0], tracks[1]
    objects, bucket = kept.aws.objects, kept.resources["MediaBucket"]
    body = objects.get_object(Bucket=bucket, Key=cut["key"])["Body"].read()
    objects.delete_object(Bucket=bucket, Key=lost["key"])
    objects.put_object(Bucket=bucket, Key=cut["key"], Body=body[: len(body) // 2], ContentType=cut["content_type"])
    assert scanned(root, dry_run=True)["items_queued"] == 0
    report = scanned(root)
    assert report["truncated"] == [cut["key"]]
    assert [f"audio/{each}" for each in report["missing_track_audio"]] == [lost["key"].partition(".")[0]]
    assert report["items_queued"] == 2
    repairs = root.http.get("/v1/admin/downloads", params={"source": "WATCHDOG"}).json()["items"]
    assert [(each["priority"], each["parent_id"]) for each in repairs] == [(1, None)] * 2
    for repair in repairs:
        assert root.wait(repair["id"])["status"] == "COMPLETED"
        assert root.history(repair["id"])[0] == "WATCHDOG_QUEUED"
    for media in (lost, cut):
        assert objects.head_object(Bucket=bucket, Key=media["key"])["ContentLength"] == media["size"]
    assert sum(scanned(root)["counts"].values()) == 0


@pytest.mark.case("J-03")
def test_a_run_that_was_stopped_shows_as_failed_and_the_job_can_be_triggered(kept: LocalStack) -> None:
    # As a run stands in the table whose process was killed with its machine: nobody is at it any more.
    records = DynamoJobs(
        kept.aws.tables, kept.resources["QueueTable"], patience=Patience(dice=SystemDice()), retention_days=90
    )
    now = SystemClock().now()
    run = Run(id=SystemIds().download(now), job_id=JOB, started_at=now, triggered_by="admin")
    assert records.swap(JOB, None, JobLease(run=run, until=now + timedelta(minutes=15), owner="killed"))
    kept.stop()
    kept.start()
    with Town(kept).person("admin") as root:
        found = root.http.get(f"/v1/admin/jobs/{JOB}").json()
        assert (found["status"], found["last_run"]["run_id"], found["last_run"]["status"]) == ("idle", run.id, "failed")
        assert root.http.post(f"/v1/admin/jobs/{JOB}/trigger").status_code == 202


def test_a_start_begins_its_jobs(kept: LocalStack) -> None:
    with Town(kept).person("admin") as person:
        until(lambda: any(run["triggered_by"] == "OnStartup" for run in runs(person)), within_s=SCAN_S)
