"""The native API, from the request to the picture."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from httpx2 import Response
from PIL import Image as PillowImage
from starlette.testclient import TestClient

from cutaway import Remover
from cutaway.filekind import KINDS
from cutaway.web.negotiation import MEDIA_TYPES
from synthetic import draw_person, encode, png_declaring
from web.serving import serving

PHOTO = encode(draw_person(96, 80), "JPEG", quality=95)
WALL = encode(np.full((60, 80, 3), 40, np.uint8))


@pytest.fixture(scope="module")
def client(tiny_model_path: Path) -> Iterator[TestClient]:
    with serving(tiny_model_path) as client:
        yield client


def picture(response: Response) -> PillowImage.Image:
    assert response.status_code == 200, response.text
    return PillowImage.open(io.BytesIO(response.content))


def problem(response: Response, status: int, name: str) -> dict[str, object]:
    """Return the problem of ``response``, which has to be this one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    facts: dict[str, object] = response.json()
    assert (facts["type"], facts["status"]) == (f"/problems/{name}", status)
    assert facts["request_id"] == response.headers["x-request-id"]
    return facts


def test_a_body_comes_back_as_the_library_cuts_it_out(client: TestClient, tiny_model_path: Path) -> None:
    response = client.post("/v1/cutout", content=PHOTO, headers={"content-type": "image/jpeg"})
    expected = Remover(tiny_model_path).remove(PHOTO)
    assert np.array_equal(np.asarray(picture(response)), expected.rgba)
    assert response.headers["content-type"] == "image/png"
    assert (response.headers["x-width"], response.headers["x-height"]) == ("80", "96")
    assert response.headers["x-found-person"] == "true"
    assert float(response.headers["x-confidence"]) == pytest.approx(expected.confidence, abs=1e-4)
    assert response.headers["x-person-box"] == ",".join(map(str, expected.box or ()))
    assert response.headers["x-model"] == "tiny"
    assert response.headers["cache-control"] == "no-store"
    assert {part.partition(";")[0] for part in response.headers["server-timing"].split(", ")} == {
        "queue",
        "decode",
        "remove",
        "encode",
    }


def test_a_form_gives_the_same_as_a_body(client: TestClient) -> None:
    by_body = client.post("/v1/cutout?crop=10%25", content=PHOTO)
    by_form = client.post("/v1/cutout", files={"image": ("anna.jpg", PHOTO)}, data={"crop": "10%"})
    assert by_form.content == by_body.content
    assert "anna-cutout.png" in by_form.headers["content-disposition"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [("a/b\\..\\ä.tar.gz", "%C3%A4.tar-cutout.png"), ("..", "photo-cutout.png"), ("../../x", "x-cutout.png")],
)
def test_only_what_is_harmless_of_a_file_name_comes_back(client: TestClient, sent: str, told: str) -> None:
    response = client.post("/v1/cutout", files={"image": (sent, PHOTO)})
    assert response.headers["content-disposition"].endswith(f"''{told}")


@pytest.mark.parametrize("file_format", MEDIA_TYPES)
def test_accept_chooses_the_format(client: TestClient, file_format: str) -> None:
    media_type = MEDIA_TYPES[file_format]
    response = client.post("/v1/cutout?background=white", content=PHOTO, headers={"accept": media_type})
    assert response.headers["content-type"] == media_type
    assert response.headers["vary"] == "Accept"
    assert picture(response).size == (80, 96)


def test_json_carries_the_picture_and_what_is_known(client: TestClient) -> None:
    response = client.post("/v1/cutout?format=webp", content=PHOTO, headers={"accept": "application/json"})
    facts = response.json()
    shown = PillowImage.open(io.BytesIO(base64.b64decode(facts["image"])))
    assert (shown.format, shown.size, facts["media_type"]) == ("WEBP", (80, 96), "image/webp")
    assert (facts["found_person"], facts["width"], facts["height"], facts["model"]) == (True, 80, 96, "tiny")


def test_a_mask_is_grey(client: TestClient) -> None:
    assert picture(client.post("/v1/cutout?mask=true", content=PHOTO)).mode == "L"


def test_a_size_is_met(client: TestClient) -> None:
    assert picture(client.post("/v1/cutout?size=33x44", content=PHOTO)).size == (33, 44)


def test_a_background_is_a_colour_or_a_file(client: TestClient) -> None:
    red = encode(np.full((20, 20, 3), (255, 0, 0), np.uint8))
    by_name = picture(client.post("/v1/cutout?background=red", content=PHOTO))
    by_file = picture(client.post("/v1/cutout", files={"image": ("a", PHOTO), "background": ("b", red)}))
    assert by_name.getpixel((0, 0)) == by_file.getpixel((0, 0)) == (255, 0, 0)


def test_nobody_is_an_empty_picture_and_said_to_be(client: TestClient) -> None:
    response = client.post("/v1/cutout", content=WALL)
    assert picture(response).getchannel("A").getextrema() == (0, 0)
    assert response.headers["x-found-person"] == "false"
    assert "x-person-box" not in response.headers
    problem(client.post("/v1/cutout?require_person=true", content=WALL), 422, "nobody-found")


def test_exif_stays_here_unless_it_is_asked_for(client: TestClient) -> None:
    exif = PillowImage.Exif()
    exif[0x010E] = "a canary"
    photo = encode(draw_person(), "JPEG", exif=exif)
    assert b"canary" not in client.post("/v1/cutout", content=photo).content
    assert b"canary" in client.post("/v1/cutout?keep_metadata=true", content=photo).content


@pytest.mark.parametrize(
    ("query", "option"),
    [
        ("crop=abc", "crop"),
        ("background=nonsense", "background"),
        ("background=%2Fetc%2Fpasswd", "background"),
        ("size=0x5", "size"),
        ("model=..%2Fsecret.onnx", "model"),
        ("quality=50", "quality"),
        ("quality=0", "quality"),
        ("mask=true&background=white", "mask"),
        ("fit=contain", "fit"),
        ("format=jpg", "format"),
        ("magic=1", "magic"),
        ("refine=closed", "refine"),
        ("refine=closed-form", "refine"),
        ("crop=1%25&crop=1%25", "crop"),
        ("mask=true&mask=false", "mask"),
    ],
)
def test_a_wrong_option_is_named(client: TestClient, query: str, option: str) -> None:
    assert problem(client.post(f"/v1/cutout?{query}", content=PHOTO), 400, "invalid-option")["option"] == option


def test_what_a_form_says_goes_before_the_query(client: TestClient) -> None:
    files = {"image": ("a", PHOTO)}
    assert picture(client.post("/v1/cutout?size=5x6&mask=1", files=files, data={"size": "7x8"})).size == (7, 8)


@pytest.mark.parametrize(
    ("files", "fields", "option"),
    [
        ([], {"crop": ["1%", "2%"]}, "crop"),
        ([], {"backgruond": "white"}, "backgruond"),
        ([("backgruond", ("b", WALL))], {}, "backgruond"),
        ([("crop", ("b", WALL))], {}, "crop"),
        ([("background", ("b", WALL))], {"background": "white"}, "background"),
        ([("image", ("b", PHOTO))], {}, "image"),
    ],
)
def test_what_a_form_says_twice_or_wrongly_is_refused(
    client: TestClient, files: list[tuple[str, tuple[str, bytes]]], fields: dict[str, object], option: str
) -> None:
    answer = client.post("/v1/cutout", files=[("image", ("a", PHOTO)), *files], data=fields)
    assert problem(answer, 400, "invalid-option")["option"] == option


def test_a_file_input_in_which_nothing_was_chosen_says_nothing(client: TestClient) -> None:
    def form(*parts: bytes) -> bytes:
        """Put a form together by hand: the client leaves out a file name that is empty."""
        head = b"--x\r\nContent-Disposition: form-data; name="
        return b"".join(head + part + b"\r\n" for part in parts) + b"--x--\r\n"

    boundary = {"content-type": "multipart/form-data; boundary=x"}
    image = b'"image"; filename="a"\r\n\r\n' + PHOTO
    unfilled = b'"background"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n'
    plain, red = form(image, unfilled), form(image, unfilled, b'"background"\r\n\r\nred')
    assert picture(client.post("/v1/cutout", content=plain, headers=boundary)).mode == "RGBA"
    assert picture(client.post("/v1/cutout", content=red, headers=boundary)).getpixel((0, 0)) == (255, 0, 0)
    problem(client.post("/v1/cutout", content=form(unfilled), headers=boundary), 400, "no-image")


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b"", 400, "no-image"),
        (b"<svg/>", 415, "unsupported-type"),
        (b"GIF89a", 415, "unsupported-type"),
        (PHOTO[:400], 422, "unreadable-image"),
        (b"\x89PNG\r\n\x1a\n", 422, "unreadable-image"),
    ],
)
def test_what_is_no_photo_is_refused(client: TestClient, body: bytes, status: int, name: str) -> None:
    problem(client.post("/v1/cutout", content=body), status, name)


def test_limits_are_told_with_what_passed_them(client: TestClient) -> None:
    facts = problem(client.post("/v1/cutout", content=png_declaring(12_001, 10)), 422, "too-many-pixels")
    assert (facts["limit"], facts["actual"]) == (12_000, 12_001)
    facts = problem(client.post("/v1/cutout", content=png_declaring(7_072, 7_071)), 422, "too-many-pixels")
    assert (facts["limit"], facts["actual"]) == (50_000_000, 7_072 * 7_071)


def test_a_background_picture_keeps_to_the_same_limits(tiny_model_path: Path) -> None:
    with serving(tiny_model_path, max_pixels=96 * 80) as client:
        files = {"image": ("a", PHOTO), "background": ("b", encode(draw_person(97, 80)))}
        assert "the limit is" in str(problem(client.post("/v1/cutout", files=files), 400, "invalid-option")["detail"])


def test_a_form_without_its_parts_is_refused(client: TestClient) -> None:
    boundary = {"content-type": "multipart/form-data; boundary=x"}
    problem(client.post("/v1/cutout", files={"photo": ("a", PHOTO)}), 400, "no-image")
    problem(
        client.post("/v1/cutout", content=b"x", headers={"content-type": "multipart/form-data"}),
        400,
        "malformed-request",
    )
    problem(client.post("/v1/cutout", content=b"nonsense", headers=boundary), 400, "malformed-request")
    files = [("image", ("a", PHOTO)), ("background", ("b", WALL)), ("image", ("c", PHOTO))]
    problem(client.post("/v1/cutout", files=files), 400, "malformed-request")


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "rot13", "utf-7"])
def test_a_form_in_an_odd_charset_is_refused_or_read(client: TestClient, charset: str) -> None:
    kind = {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}
    body = b'--x\r\nContent-Disposition: form-data; name="\xff.."\r\n\r\n1\r\n--x--\r\n'
    assert client.post("/v1/cutout", content=body, headers=kind).status_code == 400


def test_a_compressed_body_is_refused(client: TestClient) -> None:
    problem(client.post("/v1/cutout", content=PHOTO, headers={"content-encoding": "gzip"}), 415, "unsupported-type")


def test_nothing_acceptable_is_said_before_the_upload(client: TestClient) -> None:
    problem(client.post("/v1/cutout", content=PHOTO, headers={"accept": "text/html"}), 406, "not-acceptable")


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_the_limit_of_bytes_is_exact(tiny_model_path: Path, excess: int) -> None:
    with serving(tiny_model_path, max_bytes=len(PHOTO) - excess) as client:
        answers = [
            client.post("/v1/cutout", content=PHOTO),
            client.post("/v1/cutout", content=iter([PHOTO[:9], PHOTO[9:]])),  # of no announced length
            client.post("/v1/cutout", files={"image": ("a", PHOTO)}),
        ]
    for answer in answers:
        if excess > 0:
            assert problem(answer, 413, "too-many-bytes")["limit"] == len(PHOTO) - excess
        else:
            assert answer.status_code == 200


def test_uploads_that_would_fill_the_memory_are_turned_away(tiny_model_path: Path) -> None:
    with serving(tiny_model_path, upload_memory=1, max_bytes=900_000) as client:
        two = {name: (name, bytes(600_000)) for name in ("image", "background")}
        answer = client.post("/v1/cutout", files=two)
        problem(answer, 503, "busy")
        assert int(answer.headers["retry-after"]) >= 1
        assert client.post("/v1/cutout", content=PHOTO).status_code == 200


def test_limits_and_models_are_listed(client: TestClient) -> None:
    limits = client.get("/v1/limits").json()
    assert limits["types"][0] == KINDS["JPEG"]
    assert (limits["max_bytes"], limits["workers"], limits["key_required"]) == (25_000_000, 1, False)
    (model,) = client.get("/v1/models").json()
    assert (model["name"], model["default"], model["parameters"], model["fit"]["size"]) == ("tiny", True, 4, 64)


def test_a_key_is_asked_for_where_keys_are_set(tiny_model_path: Path) -> None:
    with serving(tiny_model_path, api_keys=("one", "two")) as client:
        for path in ("/v1/models", "/metrics"):
            assert problem(client.get(path), 401, "unauthorized")
            assert client.get(path, headers={"x-api-key": "two"}).status_code == 200
        refused = client.post("/v1/cutout", content=PHOTO, headers={"x-api-key": "three"})
        problem(refused, 401, "unauthorized")
        assert refused.headers["www-authenticate"] == "Bearer"
        assert client.post("/v1/cutout", content=PHOTO, headers={"authorization": "Bearer one"}).status_code == 200
        assert client.get("/v1/limits").json()["key_required"] is True
        assert client.get("/healthz").status_code == 200


def test_beyond_the_rate_a_client_waits(tiny_model_path: Path) -> None:
    with serving(tiny_model_path, rate_limit="2/hour") as client:
        answers = [client.post("/v1/cutout", content=PHOTO) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    problem(answers[2], 429, "rate-limited")
    assert 1 <= int(answers[2].headers["retry-after"]) <= 7200


def test_json_facts_are_plain(client: TestClient) -> None:
    response = client.post("/v1/cutout", content=WALL, headers={"accept": "application/json"})
    assert json.loads(response.text)["box"] is None
