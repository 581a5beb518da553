"""Background jobs in the HTTP contract, and the orders that their functions understand."""

from pathlib import Path
from typing import Any

import pytest

from cratekeeper.api.orders import order_of
from cratekeeper.domain.errors import Invalid
from cratekeeper.domain.jobs import JOBS, Hook
from cratekeeper.domain.popularity import LONGEST_DAYS
from cratekeeper.services.runner import Order
from tests.support.api import Api, api_on
from tests.support.crate import Crate
from tests.support.events import all_events

JOB = "/v1/admin/jobs/integrity_watchdog"
CHART = "/v1/admin/jobs/popular_content"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return api_on(Crate.of(), monkeypatch)


def test_every_job_is_listed(api: Api) -> None:
    items = api.call("GET /v1/admin/jobs", by="root").body["items"]
    assert [each["id"] for each in items] == list(JOBS)
    assert {each["status"] for each in items} == {"idle"}
    assert items[0]["schedule"] == "rate(1 day), OnStartup"


@pytest.mark.case("J-01")
def test_a_job_is_triggered_once_at_a_time(api: Api) -> None:
    begun = api.call(f"POST {JOB}/trigger", by="root", body={"params": {"dry_run": True}})
    assert begun.status == 202
    assert api.call(f"POST {JOB}/trigger", by="root", body={}).status == 409
    assert api.call(f"POST {JOB}/trigger", by="root").code == "job_running"
    assert api.call("POST /v1/admin/jobs/nothing/trigger", by="root").status == 404
    found = api.call(f"GET {JOB}", by="root").body
    assert (found["status"], found["last_run"]["run_id"]) == ("running", begun.body["run_id"])


@pytest.mark.case("J-02")
def test_the_history_is_cut_to_the_limit(api: Api) -> None:
    api.call(f"POST {JOB}/trigger", by="root")
    assert [len(api.call(f"GET {JOB}/history", by="root", query={"limit": n}).body["items"]) for n in ("1", "9")] == [
        1,
        1,
    ]
    assert api.call(f"GET {JOB}/history", by="root", query={"limit": "0"}).status == 400
    assert api.call("GET /v1/admin/jobs/nothing/history", by="root").status == 404
    assert api.call("GET /v1/admin/jobs/nothing", by="root").status == 404


@pytest.mark.parametrize("params", [{"dry_run": "yes"}, {"days": 3}, [], {"dry_run": None}, {"dry_run": 1.5}])
def test_a_parameter_of_another_kind_is_400(api: Api, params: Any) -> None:
    assert api.call(f"POST {JOB}/trigger", by="root", body={"params": params}).status == 400
    assert api.call(f"GET {JOB}", by="root").body["status"] == "idle"


@pytest.mark.parametrize("days", [0, -1, LONGEST_DAYS + 1, 10**12, True, "7"])
def test_days_that_no_chart_has_are_refused_at_once_with_their_place(api: Api, days: Any) -> None:
    answer = api.call(f"POST {CHART}/trigger", by="root", body={"params": {"days": days}})
    assert (answer.status, api.call(f"GET {CHART}", by="root").body["status"]) == (400, "idle")
    assert answer.body["errors"][0]["loc"].startswith("body.params.days")


@pytest.mark.parametrize("days", [1, LONGEST_DAYS])
def test_a_chart_may_look_back_from_one_day_to_all_that_are_kept(api: Api, days: int) -> None:
    assert api.call(f"POST {CHART}/trigger", by="root", body={"params": {"days": days}}).status == 202


def test_every_wrong_parameter_is_named(api: Api) -> None:
    answer = api.call(f"POST {CHART}/trigger", by="root", body={"params": {"days": 91, "dry_run": True}})
    assert answer.body["errors"] == [
        {"loc": "body.params.days", "msg": "not a whole number from 1 to 90"},
        {"loc": "body.params.dry_run", "msg": "popular_content has no such parameter"},
    ]


@pytest.mark.parametrize(
    ("event", "order"),
    [
        ({"job": "integrity_watchdog"}, Order(job_id="integrity_watchdog")),
        ({"job": "integrity_watchdog", "run_id": "01J"}, Order(job_id="integrity_watchdog", run_id="01J")),
        ({"action": "stopped"}, Order(all_have_stopped=True)),
        ({"detail-type": "UserCreated", "detail": {}}, Order(hook=Hook.ON_USER_CREATED)),
        ({"detail-type": "AlbumCompleted"}, Order(hook=Hook.ON_DOWNLOAD_COMPLETE)),
    ],
)
def test_an_event_is_an_order(event: dict[str, Any], order: Order) -> None:
    assert order_of(event) == order


@pytest.mark.parametrize("event", [{}, {"job": "nothing"}, {"job": "integrity_watchdog", "run_id": 3}, {"job": None}])
def test_what_is_no_order_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        order_of(event)


@pytest.mark.parametrize("event", [each for each in all_events() if each.function in {"jobs", "watchdog"}], ids=str)
def test_every_event_file_of_the_jobs_is_an_order(event: Any) -> None:
    assert order_of(event.content) != Order()
    assert Path(f"functions/{event.function}").parts
