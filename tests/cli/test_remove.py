"""``cutaway remove`` from its arguments to its files, with a model that takes bright pixels for a person."""

import io
import json
import os
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from commands import Command, usage_error
from cutaway import Cutout
from cutaway.look import Encoding, Look, arrange, to_file
from cutaway.manifest import Calibration
from cutaway.photo import Metadata
from cutaway.types import Pixels, Rgba
from synthetic import TINY, draw_person, encode, person_mask, tiny_model


@pytest.fixture
def remove(cutaway_command: Command, tiny_model_path: Path) -> Command:
    """Runs ``cutaway remove --model TINY ARGUMENT...``."""
    return lambda *arguments: cutaway_command("remove", "--model", tiny_model_path, *arguments)


def open_pixels(path: Path) -> Rgba:
    with PillowImage.open(path) as picture:
        return np.asarray(picture)


def save(path: Path, pixels: Rgba | None = None) -> Path:
    """Write a drawn person, or ``pixels``, in the format of the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(draw_person() if pixels is None else pixels).save(path)
    return path


def nobody() -> Rgba:
    return np.full((96, 80, 3), 40, np.uint8)


def test_result_lies_beside_the_photograph(remove: Command, portrait: Path) -> None:
    finished = remove(portrait)
    assert (finished.code, finished.errors) == (0, [])
    rgba = open_pixels(portrait.with_name("anna-cutout.png"))
    assert rgba.shape == (96, 80, 4)
    assert np.mean((rgba[..., 3] > 127) == person_mask(96, 80)) > 0.97
    assert b"anna-cutout.png: person found, confidence" in finished.out


def test_an_outline_to_doubt_comes_with_advice(
    cutaway_command: Command, remove: Command, portrait: Path, tmp_path: Path
) -> None:
    model = tmp_path / "doubtful.onnx"
    model.write_bytes(tiny_model(replace(TINY, calibration=Calibration(-9.0, 1.0))))
    assert b"look at the edges" not in remove(portrait).out
    assert b"; look at the edges" in cutaway_command("remove", "--model", model, "--overwrite", portrait).out


def test_colour_behind_the_person_is_cleared(remove: Command, portrait: Path) -> None:
    remove(portrait)
    rgba = open_pixels(portrait.with_name("anna-cutout.png"))
    assert not rgba[rgba[..., 3] == 0].any()
    assert (rgba[..., 3] == 0).sum() > 1000


def test_empty_room_gives_an_empty_cutout(remove: Command, tmp_path: Path) -> None:
    finished = remove(save(tmp_path / "room.png", nobody()))
    assert finished.code == 0
    assert b"nobody found" in finished.out
    assert not open_pixels(tmp_path / "room-cutout.png").any()


def test_require_person_fails_an_empty_room_and_writes_nothing(remove: Command, tmp_path: Path, portrait: Path) -> None:
    room = save(tmp_path / "room.png", nobody())
    finished = remove(room, portrait, "--require-person")
    assert finished.code == 1
    assert finished.errors == [f"cutaway: {room}: there is nobody in this photograph, so nothing was written."]
    assert portrait.with_name("anna-cutout.png").exists()
    assert not (tmp_path / "room-cutout.png").exists()


@pytest.mark.parametrize(
    ("background", "colour"),
    [("white", (255, 255, 255)), ("#ff0000", (255, 0, 0)), ("rgb(1, 2, 3)", (1, 2, 3))],
)
def test_background_colour(remove: Command, portrait: Path, background: str, colour: tuple[int, int, int]) -> None:
    remove(portrait, "--background", background)
    pixels = open_pixels(portrait.with_name("anna-cutout.png"))
    assert pixels.shape == (96, 80, 3)
    assert tuple(pixels[0, 0]) == colour
    assert pixels[90, 40].tolist() == pytest.approx((235, 205, 180), abs=6)


def test_background_picture_covers_the_frame(remove: Command, portrait: Path, tmp_path: Path) -> None:
    beach = save(tmp_path / "beach.png", np.full((10, 30, 3), (0, 90, 200), np.uint8))
    remove(portrait, "--background", beach)
    assert open_pixels(portrait.with_name("anna-cutout.png"))[0, 0].tolist() == [0, 90, 200]


def test_background_picture_is_placed(remove: Command, portrait: Path, tmp_path: Path) -> None:
    scene = save(tmp_path / "scene.png", np.full((10, 80, 3), (0, 90, 200), np.uint8))
    remove(portrait, "--background", scene, "--fit", "contain", "--position", "center bottom")
    pixels = open_pixels(portrait.with_name("anna-cutout.png"))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[90, 0].tolist() == [0, 90, 200]


def test_shadow_lies_behind_the_person(remove: Command, portrait: Path, tmp_path: Path) -> None:
    for name, arguments in {"no": [], "half": ["--shadow"], "dark": ["--shadow=1"]}.items():
        remove(portrait, "--background", "white", *arguments, "-o", tmp_path / f"{name}.png")
    none, half, dark = (open_pixels(tmp_path / f"{name}.png").astype(int).sum() for name in ("no", "half", "dark"))
    assert dark < half < none
    remove("--shadow", portrait, "-o", tmp_path / "clear.png")
    rgba = open_pixels(tmp_path / "clear.png")
    assert (rgba[..., 3] > 0).sum() > 1.05 * (open_pixels(tmp_path / "no.png") != 255).any(axis=2).sum()


@pytest.mark.parametrize("background", ["blur", "blur:3.5"])
def test_background_blur_keeps_the_person_sharp(remove: Command, tmp_path: Path, background: str) -> None:
    image = draw_person()
    image[::2, :5] = 0  # stripes on the wall
    photo = save(tmp_path / "anna.png", image)
    remove(photo, "--background", background)
    pixels = open_pixels(tmp_path / "anna-cutout.png")
    assert pixels[:, 0].std() < image[:, 0].std() / 2
    assert pixels[90, 40].tolist() == pytest.approx((235, 205, 180), abs=6)


def test_mask_is_the_alpha_as_a_grey_picture(remove: Command, portrait: Path) -> None:
    remove(portrait, "--mask")
    mask = open_pixels(portrait.with_name("anna-mask.png"))
    assert mask.shape == (96, 80)
    assert np.mean((mask > 127) == person_mask(96, 80)) > 0.97


def test_crop_keeps_the_person_alone(remove: Command, portrait: Path, tmp_path: Path) -> None:
    remove("--crop", portrait, "-o", tmp_path / "tight.png")
    remove("--crop=25%", portrait, "-o", tmp_path / "wide.png")
    tight, wide = open_pixels(tmp_path / "tight.png"), open_pixels(tmp_path / "wide.png")
    rows, columns = np.nonzero(person_mask(96, 80))
    assert tight.shape[:2] == pytest.approx((96 - rows.min(), np.ptp(columns) + 1), abs=3)
    assert tight.shape[0] < wide.shape[0] <= 96
    assert tight.shape[1] < wide.shape[1] <= 80


def test_crop_margin_in_pixels(remove: Command, portrait: Path, tmp_path: Path) -> None:
    remove("--crop", portrait, "-o", tmp_path / "tight.png")
    remove("--crop=3px", portrait, "-o", tmp_path / "wide.png")
    tight, wide = open_pixels(tmp_path / "tight.png"), open_pixels(tmp_path / "wide.png")
    assert wide.shape == (tight.shape[0] + 3, tight.shape[1] + 6, 4)  # the photograph ends below
    np.testing.assert_array_equal(wide[3:, 3:-3, 3], tight[..., 3])


def test_background_covers_what_a_crop_leaves(remove: Command, portrait: Path, tmp_path: Path) -> None:
    scene = np.zeros((96, 80, 3), np.uint8)
    scene[:, :2] = 255
    behind = "--background", save(tmp_path / "scene.png", scene), "--position", "left top"
    remove(portrait, "--crop", *behind, "-o", tmp_path / "out.png")
    assert open_pixels(tmp_path / "out.png")[0, 0].min() > 200


def test_size_is_exact_and_the_person_stands_below(remove: Command, portrait: Path, tmp_path: Path) -> None:
    finished = remove(portrait, "--size", "60x40", "--background", "white", "-o", tmp_path / "out.png", "--json")
    (row,) = json.loads(finished.out)["done"]
    pixels = open_pixels(tmp_path / "out.png")
    assert pixels.shape == (row["height"], row["width"], 3) == (40, 60, 3)
    top, left, bottom, right = row["box"]
    assert bottom == 40
    assert left == pytest.approx(60 - right, abs=1)
    assert 0 < top < 10
    assert row["scale"] == pytest.approx(pixels.shape[0] / (96 - np.nonzero(person_mask(96, 80))[0].min()), rel=0.2)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[35, 30].tolist() == pytest.approx((235, 205, 180), abs=8)


def test_size_enlarges_nobody_unless_asked(remove: Command, portrait: Path) -> None:
    scales = []
    for arguments in ([], ["--upscale"]):
        finished = remove(portrait, "--size", "400x400", *arguments, "--json", "--overwrite")
        scales.append(json.loads(finished.out)["done"][0]["scale"])
    assert scales[0] == 1
    assert scales[1] > 3


def test_size_of_nobody_is_exact(remove: Command, tmp_path: Path) -> None:
    assert remove("--size", "33x44", save(tmp_path / "room.png", nobody())).code == 0
    assert open_pixels(tmp_path / "room-cutout.png").shape == (44, 33, 4)


def test_preset_is_white_unless_another_background_is_named(remove: Command, tmp_path: Path) -> None:
    photo = save(tmp_path / "anna.png", draw_person(1200, 1000))
    assert remove(photo, "--preset", "id-35x45").code == 0
    pixels = open_pixels(tmp_path / "anna-cutout.png")
    assert pixels.shape == (531, 413, 3)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert remove(photo, "--preset", "id-35x45", "--background", "transparent", "--overwrite").code == 0
    assert open_pixels(tmp_path / "anna-cutout.png").shape == (531, 413, 4)
    assert remove(photo, "--preset", "id-35x45", "--mask").code == 0
    assert open_pixels(tmp_path / "anna-mask.png").shape == (531, 413)


def test_preset_that_cannot_be_met_fails_that_photograph(remove: Command, portrait: Path, tmp_path: Path) -> None:
    large, room = save(tmp_path / "b.png", draw_person(1200, 1000)), save(tmp_path / "room.png", nobody())
    finished = remove(portrait, large, room, "--preset", "us-2x2")
    assert finished.code == 1
    assert [line.split(": ")[1] for line in finished.errors] == [str(portrait), str(room)]
    assert "larger photograph" in finished.errors[0]
    assert not portrait.with_name("anna-cutout.png").exists()
    assert (tmp_path / "b-cutout.png").exists()


def test_crop_of_nobody_keeps_the_frame(remove: Command, tmp_path: Path) -> None:
    assert remove("--crop", save(tmp_path / "room.png", nobody())).code == 0
    assert open_pixels(tmp_path / "room-cutout.png").shape == (96, 80, 4)


@pytest.mark.parametrize(
    ("name", "kind"), [("a.webp", "WEBP"), ("a.avif", "AVIF"), ("a.tif", "TIFF"), ("a.PNG", "PNG")]
)
def test_name_of_the_output_chooses_the_format(remove: Command, portrait: Path, name: str, kind: str) -> None:
    out = portrait.with_name(name)
    assert remove(portrait, "-o", out).code == 0
    with PillowImage.open(out) as picture:
        assert picture.format == kind
        assert picture.has_transparency_data


def test_format_option_chooses_the_suffix(remove: Command, portrait: Path) -> None:
    assert remove(portrait, "--format", "jpg", "--background", "white").code == 0
    with PillowImage.open(portrait.with_name("anna-cutout.jpg")) as picture:
        assert picture.format == "JPEG"


def test_quality_makes_smaller_files_and_webp_lossy(remove: Command, portrait: Path, tmp_path: Path) -> None:
    for name, quality in (("fine.webp", ()), ("rough.webp", ("--quality", "40"))):
        assert remove(portrait, "-o", tmp_path / name, *quality).code == 0
    assert (tmp_path / "rough.webp").stat().st_size < (tmp_path / "fine.webp").stat().st_size


def test_metadata_is_kept_on_request_alone(remove: Command, tmp_path: Path) -> None:
    tags = PillowImage.Exif()
    tags[0x010F] = "Maker"
    photo = tmp_path / "anna.jpg"
    photo.write_bytes(encode(draw_person(), "JPEG", exif=tags.tobytes(), dpi=(300, 300)))
    for name, options in (("public.png", ()), ("kept.png", ("--keep-metadata",))):
        assert remove(photo, "-o", tmp_path / name, *options).code == 0
        with PillowImage.open(tmp_path / name) as picture:
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert (picture.getexif().get(0x010F) == "Maker") == bool(options)


def test_id_photo_has_its_resolution(remove: Command, tmp_path: Path) -> None:
    photo = save(tmp_path / "anna.png", draw_person(1200, 1000))
    assert remove(photo, "--preset", "id-35x45", "-o", tmp_path / "id.jpg").code == 0
    with PillowImage.open(tmp_path / "id.jpg") as picture:
        assert picture.getexif()[282] == 300


def test_word_on_the_frames_of_an_animation(remove: Command, tmp_path: Path) -> None:
    frames = [PillowImage.fromarray(pixels) for pixels in (draw_person(), nobody(), draw_person())]
    frames[0].save(tmp_path / "anna.gif", save_all=True, append_images=frames[1:])
    finished = remove(tmp_path / "anna.gif")
    assert finished.code == 0
    assert finished.errors == []
    assert b"the photograph holds 3 pictures" in finished.out
    answer = json.loads(remove(tmp_path / "anna.gif", "--json", "--overwrite").out)
    assert "holds 3 pictures" in answer["done"][0]["note"]


def test_folder_is_mirrored(remove: Command, tmp_path: Path) -> None:
    for name in ("a.png", "a-mask.jpg", "summer/b.jpg", "summer/deep/c.2024.webp", ".hidden/d.png"):
        save(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("not a photograph")
    finished = remove(tmp_path / "in", "-o", tmp_path / "out")
    assert (finished.code, finished.errors) == (0, [])
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert written == {"a.png", "a-mask.png", "summer/b.png", "summer/deep/c.2024.png"}


def test_second_run_over_a_folder_leaves_its_own_results_alone(remove: Command, tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.jpg")
    out = tmp_path / "in" / "out"
    for again in ([], ["--overwrite"]):
        assert remove(tmp_path / "in", "-o", out, *again).code == 0
    assert sorted(path.name for path in (tmp_path / "in").rglob("*.*")) == ["a.jpg", "a.png"]


def test_second_run_beside_the_photographs_leaves_its_own_results_alone(remove: Command, tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    for again in (["--mask"], [], ["--overwrite"]):
        assert remove(tmp_path, *again).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-cutout.png", "a-mask.png", "a.jpg"]


def test_a_folder_above_the_photographs_takes_their_results(remove: Command, tmp_path: Path) -> None:
    photo = save(tmp_path / "holiday" / "a.jpg")
    for out in (tmp_path, tmp_path / "holiday"):
        assert remove(photo.parent, "-o", out).code == 0
        assert (out / "a.png").exists()


def test_a_photograph_is_never_replaced_by_a_result_in_its_own_folder(remove: Command, tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    photo = save(tmp_path / "a.png").read_bytes()
    finished = remove(tmp_path, "-o", tmp_path, "--overwrite")
    assert finished.code == 2
    assert "would replace the photograph" in usage_error(finished.errors)
    assert (tmp_path / "a.png").read_bytes() == photo


def test_a_link_that_leads_to_itself_does_not_stop_the_others(remove: Command, tmp_path: Path, portrait: Path) -> None:
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    finished = remove(loop, portrait, "-o", tmp_path / "out")
    assert finished.code == 1
    assert [line for line in finished.errors if str(loop) in line] == finished.errors
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["anna.png"]


def test_a_name_that_the_terminal_cannot_show_does_not_stop_the_others(tmp_path: Path, tiny_model_path: Path) -> None:
    photos = [save(tmp_path / name) for name in ("שלום.jpg", "zoe.jpg")]
    command = [sys.executable, "-m", "cutaway", "remove", "--model", str(tiny_model_path), *map(str, photos)]
    process = subprocess.run(
        command, env={**os.environ, "PYTHONIOENCODING": "cp1252"}, capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert r"\u05e9\u05dc\u05d5\u05dd-cutout.png: person found" in process.stdout
    assert (tmp_path / "zoe-cutout.png").exists()


def test_a_closed_standard_output_does_not_stop_the_bar(
    remove: Command, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", None)
    assert remove(portrait, save(tmp_path / "ben.jpg")).code == 0


def test_photograph_that_is_called_like_a_result_is_cut_out(remove: Command, tmp_path: Path) -> None:
    save(tmp_path / "gas-mask.jpg")
    assert remove(tmp_path).code == 0
    assert (tmp_path / "gas-mask-cutout.png").exists()


@pytest.mark.parametrize("name", ["i.jpeg", "i.HEIC"])
def test_walked_photographs_with_one_result_do_not_stop_the_others(remove: Command, tmp_path: Path, name: str) -> None:
    for photo in (name, "i.jpg", "j.jpg"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / photo).write_bytes(encode(draw_person()))
    finished = remove(tmp_path / "in", "-o", tmp_path / "out")
    assert finished.code == 1
    first = f"{tmp_path / 'in' / name} becomes {tmp_path / 'out' / 'i.png'} already"
    assert finished.errors == [f"cutaway: {tmp_path / 'in' / 'i.jpg'}: {first}; rename one of the two."]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["i.png", "j.png"]


def test_folder_without_photographs_is_a_failure(remove: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    finished = remove(tmp_path / "empty")
    assert finished.code == 1
    assert finished.errors == [f"cutaway: {tmp_path / 'empty'}: there are no photographs in this folder."]


def test_existing_result_is_kept_unless_overwrite(remove: Command, portrait: Path) -> None:
    out = portrait.with_name("anna-cutout.png")
    out.write_bytes(b"precious")
    finished = remove(portrait)
    assert finished.code == 1
    assert len(finished.errors) == 1
    assert str(out) in finished.errors[0]
    assert out.read_bytes() == b"precious"
    assert remove(portrait, "--overwrite").code == 0
    assert open_pixels(out).shape == (96, 80, 4)


def test_bad_photograph_does_not_stop_the_others(remove: Command, tmp_path: Path, portrait: Path) -> None:
    bad, missing = tmp_path / "bad.jpg", tmp_path / "missing.jpg"
    bad.write_text("this is no photograph")
    finished = remove(bad, portrait, missing)
    assert finished.code == 1
    assert [line.split(": ")[:2] for line in finished.errors] == [["cutaway", str(bad)], ["cutaway", str(missing)]]
    assert portrait.with_name("anna-cutout.png").exists()


def test_nothing_of_a_cut_out_but_its_picture_is_held_while_that_is_encoded(
    remove: Command, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photograph and its alpha are half of what a large one takes, and encoding takes memory too."""
    held: list[weakref.ref[object]] = []
    alive: list[bool] = []

    def seen(cutout: Cutout, look: Look) -> Cutout:
        held.extend([weakref.ref(cutout), weakref.ref(cutout.image), weakref.ref(cutout.predicted)])
        return arrange(cutout, look)

    def watched(pixels: Pixels, metadata: Metadata, encoding: Encoding) -> bytes:
        alive.extend(reference() is not None for reference in held)
        return to_file(pixels, metadata, encoding)

    monkeypatch.setattr("cutaway.cli.batch.arrange", seen)
    monkeypatch.setattr("cutaway.cli.batch.to_file", watched)
    assert remove(portrait).code == 0
    assert alive == [False, False, False]


def test_two_photographs_with_one_result_are_refused_before_any_work(remove: Command, tmp_path: Path) -> None:
    photos = save(tmp_path / "anna.jpg"), save(tmp_path / "anna.webp")
    finished = remove(*photos)
    assert finished.code == 2
    assert "anna.jpg" in usage_error(finished.errors)
    assert "anna.webp" in usage_error(finished.errors)
    assert not (tmp_path / "anna-cutout.png").exists()


def test_same_photograph_named_twice_is_done_once(remove: Command, portrait: Path) -> None:
    finished = remove(portrait, portrait.parent, portrait, "--json")
    assert finished.code == 0
    assert len(json.loads(finished.out)["done"]) == 1


@pytest.mark.parametrize("spelling", ["anna.png", "sub/../anna.png", "link/anna.png"])
def test_photograph_is_never_overwritten(remove: Command, tmp_path: Path, spelling: str) -> None:
    photo = save(tmp_path / "anna.png")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    before = photo.read_bytes()
    finished = remove(photo, "-o", tmp_path / spelling, "--overwrite")
    assert finished.code == 2
    assert "would replace the photograph" in usage_error(finished.errors)
    assert photo.read_bytes() == before


def test_json_is_one_object_and_nothing_else(remove: Command, tmp_path: Path, portrait: Path) -> None:
    room, bad = save(tmp_path / "room.png", nobody()), tmp_path / "bad.png"
    bad.write_bytes(b"")
    finished = remove(portrait, room, bad, "--json")
    report = json.loads(finished.out)
    assert finished.code == 1
    assert [row["input"] for row in report["done"]] == [str(portrait), str(room)]
    assert [row["found_person"] for row in report["done"]] == [True, False]
    assert report["done"][0]["output"] == str(portrait.with_name("anna-cutout.png"))
    assert report["done"][0]["box"][2] == 96
    assert 0.9 < report["done"][0]["confidence"] <= 1
    assert (report["done"][0]["height"], report["done"][0]["width"]) == (96, 80)
    assert report["done"][1]["box"] is None
    assert [row["input"] for row in report["failed"]] == [str(bad)]


def test_standard_input_to_standard_output(remove: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(encode(draw_person()))))
    finished = remove("-")
    assert (finished.code, finished.errors) == (0, [])
    with PillowImage.open(io.BytesIO(finished.out)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (80, 96))


def test_standard_input_to_a_folder(remove: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(encode(draw_person()))))
    assert remove("-", "-o", f"{tmp_path}/out/").code == 0
    assert (tmp_path / "out" / "stdin.png").exists()


def test_closed_standard_streams_are_named(
    remove: Command, monkeypatch: pytest.MonkeyPatch, portrait: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    finished = remove("-", "-o", tmp_path / "out.png")
    assert finished.code == 1
    assert finished.errors[0].startswith("cutaway: -: ")
    monkeypatch.setattr(sys, "stdout", None)
    finished = remove(portrait, "-o", "-")
    assert finished.code == 1
    assert finished.errors == [f"cutaway: {portrait}: standard output is closed; name a file with -o."]


def test_library_that_writes_to_standard_error_itself_is_silenced(tmp_path: Path, tiny_model_path: Path) -> None:
    """Libtiff has more to say on a damaged file than the one line that is ours."""
    PillowImage.fromarray(draw_person()).save(tmp_path / "odd.tif", compression="tiff_adobe_deflate")
    data = bytearray((tmp_path / "odd.tif").read_bytes())
    start = data.index(b"\x78\x9c")
    data[start + 2 : start + 40] = bytes(38)
    (tmp_path / "odd.tif").write_bytes(data)
    command = [sys.executable, "-m", "cutaway", "remove", str(tmp_path / "odd.tif"), "--model", str(tiny_model_path)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert [line.split(": ")[:2] for line in process.stderr.splitlines()] == [["cutaway", str(tmp_path / "odd.tif")]]


def test_reader_that_goes_away_gets_one_line(portrait: Path, tiny_model_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ["remove", str(portrait), "-o", "-", "--model", str(tiny_model_path)]
    command = [sys.executable, "-m", "cutaway", *arguments]
    process = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert process.returncode == 1
    assert process.stderr.splitlines() == [
        f"cutaway: {portrait}: standard output did not take the whole picture: Broken pipe."
    ]


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--background", "nocolour"], "neither transparent, blur, a colour"),
        (["--background", "blur:x"], "such as blur:12"),
        (["--background", "blur:-1"], "such as blur:12"),
        (["--crop=wide"], "a share such as 0.1 or 10%"),
        (["--crop=nan"], "a share such as 0.1 or 10%"),
        (["--crop=-3px"], "or pixels such as 20px"),
        (["--shadow=2"], "such as 0.5 or 50%"),
        (["--shadow=black"], "such as 0.5 or 50%"),
        (["--size", "800"], "such as 800x600"),
        (["--size", "0x600"], "such as 800x600"),
        (["--size", "12000x12000"], "50 million"),
        (["--size", "35mmx45mm"], "in pixels"),
        (["--preset", "passport"], "id-35x45, us-2x2, shop-square"),
        (["--preset", "us-2x2", "--size", "600x600"], "a preset settles size and margin"),
        (["--preset", "us-2x2", "--crop"], "a preset settles size and margin"),
        (["--preset", "id-35x45", "--shadow"], "must not show a shadow"),
        (["--background", ""], "neither transparent, blur, a colour"),
        (["--position", "", "--background", "white"], "is no position"),
        (["--upscale"], "only a size or a preset enlarges"),
        (["--mask", "--shadow"], "a mask has no shadow"),
        (["--background", "white", "--fit", "contain"], "for a background that is a picture"),
        (["--position", "left"], "for a background that is a picture"),
        (["--position", "under"], "is no position"),
        (["--crop=-1"], "a share such as 0.1 or 10%"),
        (["--format", "jpg"], "jpg cannot store transparency"),
        (["--format", "bmp"], "png"),
        (["--mask", "--background", "white"], "a mask has no background"),
        (["-o", "out.xyz"], "for a folder of that name write out.xyz/"),
        (["-o", "out.png", "--format", "webp"], "leave one of the two out"),
        (["-o", "-", "--json"], "name a file with -o"),
        (["-"], "name a folder with -o"),
        ([""], "a name is empty"),
        (["-o", ""], "a name is empty"),
        (["second.jpg", "-o", "out.png"], "need a folder"),
        (["second.jpg", "-o", "-"], "need a folder"),
        (["--refine", "magic"], "guided"),
    ],
)
def test_wrong_usage_exits_2_with_advice(remove: Command, portrait: Path, arguments: list[str], advice: str) -> None:
    finished = remove(portrait, *arguments)
    assert finished.code == 2
    assert finished.out == b""
    assert advice in usage_error(finished.errors)
    assert list(portrait.parent.iterdir()) == [portrait]


def test_background_that_is_no_picture_exits_2(remove: Command, portrait: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    finished = remove(portrait, "--background", tmp_path / "notes.txt")
    assert finished.code == 2
    assert "notes.txt" in usage_error(finished.errors)


def test_background_picture_that_is_not_opaque_exits_2(remove: Command, portrait: Path, tmp_path: Path) -> None:
    clear = save(tmp_path / "logo.png", np.zeros((4, 4, 4), np.uint8))
    finished = remove(portrait, "--background", clear)
    assert finished.code == 2
    assert "has transparent parts" in usage_error(finished.errors)


def test_damaged_model_exits_3(cutaway_command: Command, portrait: Path, tiny_model_path: Path, tmp_path: Path) -> None:
    data = bytearray(tiny_model_path.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged.onnx").write_bytes(data)
    finished = cutaway_command("remove", portrait, "--model", tmp_path / "damaged.onnx")
    assert finished.code == 3
    assert len(finished.errors) == 1
    assert "damaged.onnx" in finished.errors[0]


def test_missing_model_exits_3(cutaway_command: Command, portrait: Path) -> None:
    finished = cutaway_command("remove", portrait, "--model", "nosuchmodel")
    assert finished.code == 3
    assert "nosuchmodel" in finished.errors[0]


def test_output_folder_that_cannot_be_made_fails_the_input(remove: Command, portrait: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    finished = remove(portrait, "-o", tmp_path / "file" / "sub" / "out.png")
    assert finished.code == 1
    assert len(finished.errors) == 1


def test_name_that_no_file_system_takes_fails_the_input(remove: Command, portrait: Path) -> None:
    finished = remove("a" * 5000 + ".jpg", portrait)
    assert finished.code == 1
    assert len(finished.errors) == 1
    assert portrait.with_name("anna-cutout.png").exists()


def test_message_stays_on_one_line_whatever_the_name(remove: Command, tmp_path: Path) -> None:
    finished = remove(tmp_path / "two\nlines\x1b[31m.jpg")
    assert finished.code == 1
    assert len(finished.errors) == 1
    assert "\x1b" not in finished.errors[0]


def test_interrupt_leaves_with_130_and_one_line(
    remove: Command, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cutaway.remover.Remover.remove_read", interrupt)
    finished = remove(portrait)
    assert finished.code == 130
    assert len(finished.errors) == 1
