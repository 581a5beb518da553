"""Lists: pages, filters, cursors."""

import pytest

from cratekeeper.domain.states import State
from tests.support.api import Api
from tests.support.builders import ROOT, a_child, a_download, an_album, root_id

NO_ONE = root_id(7)


def pages(api: Api, **query: str) -> list[list[str]]:
    """The ids of every page of a list."""
    found, cursor = list[list[str]](), None
    while not found or cursor:
        answer = api.call("GET /v1/downloads", query={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status == 200
        found.append([item["id"] for item in answer.body["items"]])
        cursor = answer.body["next_cursor"]
    return found


@pytest.mark.case("Q-10")
def test_a_list_is_followed_page_by_page(api: Api) -> None:
    api.crate.put(*(a_download(root_id(number)) for number in range(1, 6)))
    assert pages(api, limit="2") == [[root_id(5), root_id(4)], [root_id(3), root_id(2)], [root_id(1)]]


@pytest.mark.case("Q-11")
def test_a_list_shows_no_children(api: Api) -> None:
    api.crate.put(an_album(12), *(a_child(ordinal) for ordinal in range(1, 13)), a_download(root_id(2)))
    items = api.call("GET /v1/downloads").body["items"]
    assert [item["parent_id"] for item in items] == [None, None]


@pytest.mark.case("Q-13")
@pytest.mark.parametrize(("limit", "shown"), [(None, 50), ("1", 1), ("200", 200)])
def test_a_list_has_50_rows_or_up_to_200(api: Api, limit: str | None, shown: int) -> None:
    api.crate.put(*(a_download(root_id(number)) for number in range(1, 211)))
    answer = api.call("GET /v1/downloads", query={"limit": limit} if limit else None)
    assert (answer.status, len(answer.body["items"])) == (200, shown)


@pytest.mark.case("Q-13")
@pytest.mark.parametrize("limit", ["0", "-1", "201", "word", "", "1.5", "1e1", "10000000000000000000", "٣"])
@pytest.mark.parametrize("path", ["/v1/downloads", f"/v1/downloads/{ROOT}/children", f"/v1/downloads/{ROOT}/events"])
def test_any_other_limit_is_refused(api: Api, path: str, limit: str) -> None:
    api.crate.put(a_download())
    answer = api.call(f"GET {path}", query={"limit": limit})
    assert (answer.status, answer.body["errors"][0]["loc"]) == (400, "query.limit")


@pytest.mark.case("Q-14")
@pytest.mark.parametrize(
    "query",
    [
        {"status": "DONE"},
        {"status": "failed"},
        {"status": ""},
        {"status": "FAILED,PENDING"},
        {"kind": "disc"},
        {"active": "yes"},
        {"active": ""},
    ],
)
def test_an_unknown_filter_value_is_refused(api: Api, query: dict[str, str]) -> None:
    api.crate.put(a_download())
    answer = api.call("GET /v1/downloads", query=query)
    assert (answer.status, answer.body["errors"][0]["loc"]) == (400, f"query.{next(iter(query))}")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", {"state": "FAILED"}),
        ("", {"source": "USER"}),
        (f"/{ROOT}/children", {"status": "FAILED"}),
        (f"/{ROOT}/events", {"after": "1"}),
    ],
)
def test_an_unknown_query_parameter_is_refused(api: Api, path: str, query: dict[str, str]) -> None:
    """A filter that is ignored would show too much."""
    api.crate.put(a_download())
    answer = api.call(f"GET /v1/downloads{path}", query=query)
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"status": "FAILED"}, 1),
        ({"active": "true"}, 1),
        ({"active": "false"}, 1),
        ({"kind": "track"}, 2),
        ({"kind": "album"}, 0),
    ],
)
def test_lists_are_filtered(api: Api, query: dict[str, str], shown: int) -> None:
    api.crate.put(a_download(), a_download(NO_ONE, state=State.FAILED))
    assert [len(page) for page in pages(api, **query)] == [shown]


@pytest.mark.case("Q-17")
def test_the_first_page_carries_the_limits_and_only_it(api: Api) -> None:
    assert api.call("GET /v1/downloads").body["items"] == []
    api.crate.put(a_download(), a_download(NO_ONE))
    first = api.call("GET /v1/downloads", query={"limit": "1"}).body
    second = api.call("GET /v1/downloads", query={"limit": "1", "cursor": first["next_cursor"]}).body
    assert first["limits"] == api.call("GET /v1/limits").body
    assert "limits" not in second


@pytest.mark.parametrize(
    ("by", "path", "query"),
    [
        ("bob", "/v1/downloads", {}),
        ("alice", "/v1/downloads", {"status": "PENDING"}),
        ("alice", f"/v1/downloads/{ROOT}/children", {}),
        ("alice", f"/v1/downloads/{ROOT}/events", {}),
    ],
)
def test_a_cursor_is_bound_to_its_caller_and_query(api: Api, by: str, path: str, query: dict[str, str]) -> None:
    api.crate.put(a_download(), a_download(NO_ONE))
    cursor = api.call("GET /v1/downloads", query={"limit": "1"}).body["next_cursor"]
    answer = api.call(f"GET {path}", by=by, query={**query, "cursor": cursor})
    assert (answer.status, answer.body["errors"][0]["loc"]) == (400, "query.cursor")
    assert api.call("GET /v1/downloads", query={"cursor": cursor, "limit": "9"}).status == 200
