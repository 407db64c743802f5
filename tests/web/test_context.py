"""What surrounds every request."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from starlette.testclient import TestClient

from cutaway.web import logs
from cutaway.web.problems import KINDS
from synthetic import draw_person, encode
from web.serving import serving, settings_of

PHOTO = encode(draw_person())


@pytest.fixture(scope="module")
def client(tiny_model_path: Path) -> Iterator[TestClient]:
    with serving(tiny_model_path) as client:
        yield client


@pytest.mark.parametrize("path", ["/healthz", "/v1/limits", "/", "/nowhere", "/static/nothing.js"])
def test_every_answer_has_a_name_and_is_closed_to_others(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in response.headers


def test_a_name_that_is_given_is_kept_if_it_is_harmless(client: TestClient) -> None:
    assert client.get("/healthz", headers={"x-request-id": "my-id.7"}).headers["x-request-id"] == "my-id.7"
    assert client.get("/healthz", headers={"x-request-id": "a b;c"}).headers["x-request-id"] != "a b;c"


@pytest.mark.parametrize("host", ["evil.example", "", "localhost.evil.example", "testserver.evil:80"])
def test_a_host_that_is_not_ours_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).json()["type"] == "/problems/wrong-host"


@pytest.mark.parametrize("host", ["testserver:7000", "TestServer", "testserver.", "testserver.:7000"])
def test_a_port_does_not_matter_nor_how_the_name_is_written(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_other_sites_pages_are_refused(client: TestClient, site: str, status: int) -> None:
    assert client.post("/v1/cutout", content=PHOTO, headers={"sec-fetch-site": site}).status_code == status


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("method", "mode", "kind", "status"),
    [
        ("GET", "navigate", "document", 200),
        ("GET", "navigate", "iframe", 403),
        ("GET", "no-cors", "image", 403),
        ("POST", "navigate", "document", 403),
    ],
)
def test_a_link_from_another_site_leads_here(
    client: TestClient, site: str, method: str, mode: str, kind: str, status: int
) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": kind}
    assert client.request(method, "/", headers=headers).status_code == status


def test_addresses_and_methods_that_are_not_there_are_problems(client: TestClient) -> None:
    assert client.get("/nowhere").json()["type"] == "/problems/not-found"
    refused = client.delete("/v1/limits")
    assert (refused.json()["type"], refused.headers["allow"]) == ("/problems/method-not-allowed", "GET")


def test_each_problem_has_a_page(client: TestClient) -> None:
    for name, kind in KINDS.items():
        page = client.get(f"/problems/{name}")
        assert (page.status_code, str(kind.status) in page.text) == (200, True)
    assert client.get("/problems/nothing").status_code == 404


def test_readiness_is_told(client: TestClient) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}


def test_numbers_are_counted(client: TestClient) -> None:
    def count() -> float:
        line = 'cutaway_requests_total{method="POST",route="/v1/cutout",status="415"} '
        found = [text for text in client.get("/metrics").text.splitlines() if text.startswith(line)]
        return float(found[0].removeprefix(line)) if found else 0.0

    before = count()
    client.post("/v1/cutout", content=b"nonsense")
    assert count() == before + 1


def test_methods_that_a_client_makes_up_are_counted_as_one(client: TestClient) -> None:
    for number in range(3):
        client.request(f"MADEUP{number}", "/healthz")
    counted = client.get("/metrics").text
    assert 'cutaway_requests_total{method="other",route="/healthz",status="405"} 3.0' in counted
    assert "MADEUP" not in counted


def test_one_line_is_logged_for_a_request_and_tells_nothing_of_the_photo(
    tiny_model_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(settings_of(tiny_model_path))
    with serving(tiny_model_path) as client:
        name = {"image": ("canary.jpg", PHOTO)}
        response = client.post("/v1/cutout?background=papayawhip", files=name, headers={"x-api-key": "canary"})
    structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [line for line in lines if line.get("request_id") == response.headers["x-request-id"]]
    assert len(told) == 1
    assert (told[0]["route"], told[0]["status"], told[0]["method"]) == ("/v1/cutout", 200, "POST")
    assert told[0]["sent"] == len(response.content)
    assert "canary" not in json.dumps(lines)
