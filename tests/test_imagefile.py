import io
import struct
import sys
import threading
import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import PIL.Image
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import ImageCms, ImageOps

from cutaway import imagefile
from cutaway.errors import ImageError, OutputError
from cutaway.imagefile import FORMATS, Limits, Source, check_target, encode, format_of, read, read_srgb, write
from cutaway.photo import UNKNOWN, Metadata
from profiles import grey_profile, p3_profile, scanner_profile, swapped_profile

ALL_FORMATS = ("png", "webp", "avif", "tiff", "jpg")


def colours(height: int = 24, width: int = 32) -> NDArray[np.uint8]:
    """A smooth picture without any symmetry: every turn and mirror image of it differs."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.dstack((columns * 7 % 256, rows * 9 % 256, (rows + 2 * columns) % 256)).astype(np.uint8)


def saved(picture: PIL.Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG put together by hand, for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + body


def tiff_with_associated_alpha(*pixel: int) -> bytes:
    """A TIFF of one pixel whose colours are multiplied by its alpha, which Pillow does not write."""
    data = saved(PIL.Image.new("RGBA", (1, 1), pixel), "TIFF")
    extra_samples = struct.pack("<HHI", 338, 3, 1)
    assert data.count(extra_samples) == 1
    return data.replace(extra_samples + struct.pack("<H", 2), extra_samples + struct.pack("<H", 1))


def exif(orientation: int) -> bytes:
    tags = PIL.Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


# --- where a photograph comes from


def test_every_source_gives_the_same_photo(tmp_path: Path) -> None:
    data = saved(PIL.Image.fromarray(colours()), "PNG")
    path = tmp_path / "photo"
    path.write_bytes(data)
    with path.open("rb") as file:
        sources: list[Source] = [
            path,
            str(path),
            data,
            file,
            io.BytesIO(data),
            PIL.Image.open(io.BytesIO(data)),
            colours(),
        ]
        for source in sources:
            photo = read(source)
            np.testing.assert_array_equal(photo.image, colours())
            assert photo.image.dtype == np.uint8
            assert photo.alpha is None


def test_a_file_that_gives_a_byte_at_a_time_is_read_to_its_end() -> None:
    class Trickle(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            return super().read(1)

    np.testing.assert_array_equal(read(Trickle(saved(PIL.Image.fromarray(colours()), "PNG"))).image, colours())


@pytest.mark.parametrize("name", ["missing.jpg", "folder", "empty.jpg", "text.jpg", "line\nbreak.jpg"])
def test_the_error_is_one_line_and_names_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a photograph")
    with pytest.raises(ImageError) as caught:
        read(tmp_path / name)
    assert name.replace("\n", "?") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_the_system_cannot_hold_is_an_error() -> None:
    with pytest.raises(ImageError, match="cannot be opened"):
        read("photo\0.jpg")


def test_a_file_opened_as_text_is_refused_with_advice() -> None:
    with pytest.raises(ImageError, match="binary mode"):
        read(io.StringIO("text"))  # type: ignore[arg-type]


def test_a_source_of_another_type_is_refused_by_name() -> None:
    with pytest.raises(ImageError, match="from a list"):
        read([1, 2])  # type: ignore[arg-type]


# --- arrays


def test_a_grey_array_becomes_three_equal_channels() -> None:
    grey = colours()[..., 0]
    np.testing.assert_array_equal(read(grey).image, np.dstack([grey] * 3))


def test_the_fourth_channel_of_an_array_is_its_alpha() -> None:
    photo = read(np.dstack([colours(), colours()[..., 1]]))
    assert photo.alpha is not None
    assert photo.alpha.dtype == np.float32
    np.testing.assert_allclose(photo.alpha, colours()[..., 1] / 255, atol=1e-6)


def test_an_array_is_copied() -> None:
    array = colours()
    photo = read(array)
    array[:] = 0
    np.testing.assert_array_equal(photo.image, colours())


@pytest.mark.parametrize(
    ("array", "advice"),
    [
        (np.zeros((4, 4, 3), np.float32), "by 255"),
        (np.zeros((4, 4), np.int32), "uint8"),
        (np.zeros((4, 4, 2), np.uint8), "height × width"),
        (np.zeros((4,), np.uint8), "height × width"),
        (np.zeros((0, 4, 3), np.uint8), "height × width"),
        (np.zeros((11, 4, 3), np.uint8), "limit"),
    ],
)
def test_another_array_is_refused_with_advice(array: NDArray[np.uint8], advice: str) -> None:
    with pytest.raises(ImageError, match=advice):
        read(array, Limits(max_side=10))


# --- orientation, colour, depth, transparency


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_all_eight_orientations_come_out_upright(orientation: int, file_format: str) -> None:
    lossless = {"lossless": True} if file_format == "WEBP" else {}
    data = saved(PIL.Image.fromarray(colours()), file_format, exif=exif(orientation), **lossless)
    as_stored = PIL.Image.fromarray(read(saved(PIL.Image.fromarray(colours()), file_format, **lossless)).image)
    as_stored.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(read(data).image, np.asarray(ImageOps.exif_transpose(as_stored)))


def test_a_broken_exif_block_does_not_spoil_the_picture() -> None:
    data = saved(PIL.Image.fromarray(colours()), "PNG", exif=b"Exif\0\0 this is no EXIF")
    np.testing.assert_array_equal(read(data).image, colours())


def test_a_text_that_exif_holds_as_a_number_does_not_spoil_the_picture() -> None:
    maker = struct.pack("<2sHIH", b"II", 42, 8, 1) + struct.pack("<HHII", 0x010F, 5, 1, 26) + bytes(4)
    data = saved(PIL.Image.fromarray(colours()), "PNG", exif=b"Exif\0\0" + maker + struct.pack("<II", 1, 2))
    np.testing.assert_array_equal(read(data).image, colours())


@pytest.mark.parametrize("dpi", [(300,), (None, None), "300"])
def test_an_odd_resolution_of_a_pillow_image_is_none(dpi: object) -> None:
    picture = PIL.Image.fromarray(colours())
    picture.info["dpi"] = dpi
    assert read(picture).metadata.dpi is None


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_cmyk_keeps_its_alpha(depth: type[np.uint8 | np.uint16]) -> None:
    white = np.iinfo(depth).max
    samples = np.zeros((4, 5, 5), depth)
    samples[..., 4] = np.linspace(0, white, 20).reshape(4, 5)
    plain = pyvips.Image.new_from_array(samples, interpretation="cmyk")
    photo = read(bytes(plain.tiffsave_buffer()))
    assert photo.image.dtype == depth
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, samples[..., 4] / white, atol=1e-6)


def test_grey_with_alpha_keeps_both() -> None:
    picture = PIL.Image.fromarray(colours()).convert("LA")
    picture.putalpha(PIL.Image.fromarray(colours()[..., 0]))
    photo = read(saved(picture, "PNG"))
    np.testing.assert_array_equal(photo.image[..., 1], np.asarray(PIL.Image.fromarray(colours()).convert("L")))
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, colours()[..., 0] / 255, atol=1e-6)


def test_a_palette_with_a_transparent_entry() -> None:
    palette = (b"PLTE", bytes((10, 20, 30, 40, 50, 60)))
    photo = read(png(2, 1, 8, 3, b"\0\0\1", palette, (b"tRNS", bytes((0, 255)))))
    np.testing.assert_array_equal(photo.image, [[[10, 20, 30], [40, 50, 60]]])
    np.testing.assert_array_equal(photo.alpha, [[0, 1]])


def test_one_transparent_colour_of_a_picture_without_palette() -> None:
    photo = read(png(2, 1, 8, 0, b"\0\5\6", (b"tRNS", b"\0\5")))
    np.testing.assert_array_equal(photo.image[..., 0], [[5, 6]])
    np.testing.assert_array_equal(photo.alpha, [[0, 1]])


@pytest.mark.parametrize("file_format", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_ramp_of_16_bits_keeps_all_its_levels(file_format: str, channels: int) -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    pixels = np.dstack([ramp, ramp[::-1], ramp.T, ramp][:channels]).squeeze()
    photo = read(encode(pixels, file_format))
    assert photo.image.dtype == np.uint16
    np.testing.assert_array_equal(photo.image, np.dstack([ramp] * 3) if channels == 1 else pixels[..., :3])
    assert photo.metadata == UNKNOWN
    if channels == 4:
        assert photo.alpha is not None
        np.testing.assert_array_equal(np.rint(photo.alpha.astype(np.float64) * 65535), ramp)


def test_avif_keeps_12_bits_within_its_loss() -> None:
    ramp = np.dstack([np.arange(65536, dtype=np.uint16).reshape(256, 256)] * 3)
    photo = read(encode(ramp, "avif", quality=100))
    assert photo.image.dtype == np.uint16
    assert np.abs(photo.image.astype(int) - ramp).mean() < 16


@pytest.mark.parametrize("file_format", ["webp", "jpg"])
def test_formats_of_8_bits_are_given_the_nearest(file_format: str) -> None:
    deep = np.full((16, 16, 3), 130 * 257 + 90, np.uint16)
    assert int(read(encode(deep, file_format)).image[8, 8, 0]) == pytest.approx(130, abs=1)


def test_16_bits_of_a_pillow_image_and_of_files_that_others_write() -> None:
    values = np.array([[0, 128, 129, 300, 32896, 65406, 65407, 65535]], np.uint16)
    grey = PIL.Image.fromarray(values)
    for source in (grey, saved(grey, "PNG"), saved(grey, "TIFF")):
        np.testing.assert_array_equal(read(source).image, np.dstack([values] * 3))
    photo = read(png(2, 1, 16, 2, b"\0" + struct.pack(">6H", 65535, 0, 32896, 257, 514, 771)))
    np.testing.assert_array_equal(photo.image, [[[65535, 0, 32896], [257, 514, 771]]])


def test_an_array_of_16_bits() -> None:
    deep = colours().astype(np.uint16) * 257 + 3
    np.testing.assert_array_equal(read(deep).image, deep)


def test_the_alpha_of_a_premultiplied_tiff_is_straightened() -> None:
    data = tiff_with_associated_alpha(100, 50, 20, 128)
    photo = read(data)
    assert photo.image[0, 0] == pytest.approx((199, 100, 40), abs=1)
    assert photo.alpha is not None
    assert photo.alpha[0, 0] == pytest.approx(128 / 255)


def test_float_samples_are_refused_because_their_range_is_unknown() -> None:
    with pytest.raises(ImageError, match="32-bit samples"):
        read(saved(PIL.Image.new("F", (4, 4), 0.5), "TIFF"))


def test_one_bit_and_cmyk() -> None:
    assert set(np.unique(read(saved(PIL.Image.fromarray(colours()).convert("1"), "PNG")).image)) == {0, 255}
    cmyk = PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = read(saved(cmyk, "JPEG", quality=100)).image[4, 4]
    assert red[0] > 220
    assert max(red[1], red[2]) < 50


@pytest.mark.parametrize("mode", ["RGBa", "La", "PA", "RGBX", "YCbCr", "HSV", "LAB"])
def test_rare_modes_of_pillow_images(mode: str) -> None:
    photo = read(PIL.Image.new(mode, (6, 4)))
    assert photo.image.shape == (4, 6, 3)


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    for file_format in ("GIF", "PNG", "WEBP", "TIFF", "MPO"):
        data = saved(frames[0], file_format, save_all=True, append_images=frames[1:])
        red, green, _ = read(data).image[4, 4]
        assert red > 200
        assert green < 50


def test_an_opaque_alpha_channel_is_no_transparency() -> None:
    assert read(saved(PIL.Image.fromarray(colours()).convert("RGBA"), "PNG")).alpha is None


@pytest.mark.parametrize("file_format", ALL_FORMATS)
@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_stay_in_their_colours_and_the_profile_stays_with_them(file_format: str, channels: int) -> None:
    if file_format == "jpg" and channels == 4:
        return
    profile = swapped_profile()
    data = saved(PIL.Image.new("RGBA"[:channels], (8, 8), (200, 50, 30, 77)[:channels]), "PNG", icc_profile=profile)
    photo = read(data)
    assert photo.metadata.profile == profile
    assert tuple(photo.image[4, 4]) == (200, 50, 30)
    pixels = np.dstack([photo.image, np.full((8, 8), 77, np.uint8)])[..., :channels]
    written = encode(pixels, file_format, photo.metadata)
    seen = PIL.Image.open(io.BytesIO(written))
    assert seen.info["icc_profile"] == profile
    ImageCms.profileToProfile(
        seen.convert("RGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    )


def test_what_a_network_is_shown_is_srgb() -> None:
    data = saved(PIL.Image.new("RGB", (8, 8), (200, 50, 30)), "PNG", icc_profile=swapped_profile())
    assert read_srgb(data)[4, 4].astype(int) == pytest.approx((50, 200, 30), abs=2)
    deep = read_srgb(np.full((4, 4, 3), 130 * 257, np.uint16))
    assert deep.dtype == np.uint8
    assert deep[0, 0, 0] == 130


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_grey_profile_is_applied(depth: type[np.uint8 | np.uint16]) -> None:
    grey = np.full((8, 8), 100 * (np.iinfo(depth).max // 255), depth)
    profile = grey_profile(gamma=1.0)
    photo = read(saved(PIL.Image.fromarray(grey), "PNG", icc_profile=profile))
    assert photo.metadata.profile is None
    assert photo.image.dtype == depth
    # 100 / 255 of the light is 168 of 255 in sRGB.
    assert photo.image[4, 4] / np.iinfo(depth).max * 255 == pytest.approx((168, 168, 168), abs=1)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_another_colour_model_does_not_break_the_picture(mode: str) -> None:
    plain = PIL.Image.fromarray(colours()).convert(mode)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with_profile = read(saved(plain, "TIFF", icc_profile=profile))
    assert with_profile.metadata.profile == (profile if mode == "L" else None)
    np.testing.assert_allclose(with_profile.image, read(saved(plain, "TIFF")).image, atol=2)


@pytest.mark.parametrize("profile", [b"broken", p3_profile()[:300]])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    photo = read(saved(PIL.Image.fromarray(colours()), "TIFF", icc_profile=profile))
    np.testing.assert_array_equal(photo.image, colours())
    assert photo.metadata.profile is None


def test_colours_of_a_profile_that_leads_one_way_become_srgb() -> None:
    """Nothing could be brought back into a scanner's colours: a white behind the person, say."""
    picture = PIL.Image.fromarray(colours())
    photo = read(saved(picture, "PNG", icc_profile=scanner_profile()))
    assert photo.metadata.profile is None
    source, target = io.BytesIO(scanner_profile()), ImageCms.createProfile("sRGB")
    expected = np.asarray(
        ImageCms.profileToProfile(picture, source, target, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC)
    )
    np.testing.assert_allclose(photo.image, expected, atol=2)


# --- metadata


def camera_exif() -> bytes:
    """EXIF as phones write it: turned by a quarter, with a maker, a time and a position."""
    tags = PIL.Image.Exif()
    tags[0x0112], tags[0x010F] = 6, "Maker"
    tags[0x8825] = {1: "N", 2: (31.0, 46.0, 12.0), 3: "E", 4: (35.0, 13.0, 6.0)}
    tags.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    return tags.tobytes()


@pytest.mark.parametrize("file_format", ALL_FORMATS)
def test_only_profile_and_resolution_go_on_unless_more_is_asked_for(file_format: str) -> None:
    photo = read(saved(PIL.Image.fromarray(colours()), "JPEG", exif=camera_exif(), dpi=(240, 240)))
    assert photo.metadata.is_private
    data = encode(photo.image, file_format, photo.metadata.public())
    tags = PIL.Image.open(io.BytesIO(data)).getexif()
    assert not tags.get_ifd(0x8825)
    assert not {0x010F, 0x9003} & (set(tags) | set(tags.get_ifd(0x8769)))
    assert b"Maker" not in data
    assert b"2024:05:06" not in data


@pytest.mark.parametrize("file_format", ["png", "webp", "avif", "jpg"])
def test_all_of_the_exif_is_kept_where_asked_for_but_the_turn_is_done(file_format: str) -> None:
    photo = read(saved(PIL.Image.fromarray(colours()), "JPEG", exif=camera_exif()))
    data = encode(photo.image, file_format, photo.metadata)
    tags = PIL.Image.open(io.BytesIO(data)).getexif()
    assert tags[0x010F] == "Maker"
    assert tags.get_ifd(0x8825)[2] == (31.0, 46.0, 12.0)
    assert tags.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
    assert tags.get(0x0112, 1) == 1
    assert read(data).image.shape == photo.image.shape == (32, 24, 3)


def test_the_thumbnail_in_the_exif_is_never_kept() -> None:
    """It shows the whole photograph, background included."""
    thumbnail = saved(PIL.Image.fromarray(colours()), "JPEG")
    maker = struct.pack("<HHHII", 1, 0x010F, 2, 4, int.from_bytes(b"Ann\0", "little"))
    pointer = struct.pack("<HHHIIHHII", 2, 0x0201, 4, 1, 56, 0x0202, 4, 1, len(thumbnail))
    block = b"Exif\0\0II*\0" + struct.pack("<I", 8) + maker + struct.pack("<I", 26) + pointer + bytes(4) + thumbnail
    photo = read(saved(PIL.Image.fromarray(colours()), "JPEG", exif=block))
    assert photo.metadata.exif is not None
    assert b"Ann" in photo.metadata.exif
    assert thumbnail[:40] not in photo.metadata.exif
    assert thumbnail[:40] not in encode(photo.image, "png", photo.metadata)


def test_nor_is_what_the_camera_alone_can_read() -> None:
    tags = PIL.Image.Exif()
    tags[0x010F] = "Maker"
    tags.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0x927C: b"a small picture"})
    kept = read(saved(PIL.Image.fromarray(colours()), "JPEG", exif=tags.tobytes())).metadata.exif
    assert kept is not None
    assert b"2024:05:06" in kept
    assert b"a small picture" not in kept


THUMBNAILS = b"<xmp:Thumbnails><rdf:Alt><xmpGImg:image>a small picture</xmpGImg:image></rdf:Alt></xmp:Thumbnails>"


@pytest.mark.parametrize("file_format", ["png", "webp", "avif", "tiff", "jpg"])
def test_the_xmp_of_a_result_has_no_thumbnail_no_turn_and_no_film(file_format: str) -> None:
    said = (
        b'<rdf:Description dc:rights="Ann" tiff:Orientation="6" GCamera:MotionPhoto="1">' + THUMBNAILS + b"</x:xmpmeta>"
    )
    photo = read(saved(PIL.Image.fromarray(colours()), "JPEG", xmp=said))
    again = read(encode(photo.image, file_format, photo.metadata))
    expected = b'<rdf:Description dc:rights="Ann" tiff:Orientation="1" GCamera:MotionPhoto="0"></x:xmpmeta>'
    assert (again.metadata.xmp, again.note) == (expected, None)


@pytest.mark.parametrize("said", [THUMBNAILS[:60], THUMBNAILS + b"<xmpGImg:image>", b"xmpGImg:image"])
def test_xmp_whose_thumbnail_cannot_be_cut_out_is_not_kept(said: bytes) -> None:
    assert read(saved(PIL.Image.fromarray(colours()), "PNG", xmp=said)).metadata.xmp is None


def test_nor_is_the_one_that_photoshop_adds() -> None:
    caption, thumbnail = b"\x1c\x02\x78\0\x03Ann", b"a small picture"
    resources = b"".join(
        b"8BIM" + number + name + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)
        for number, name, data in (
            (b"\x04\x0c", b"\0\0", thumbnail),
            (b"\x04\x04", b"\x03odd", caption),
            (b"\x04\x09", b"\x04even\0", thumbnail),
        )
    )
    block = b"Photoshop 3.0\0" + resources
    segment = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
    plain = saved(PIL.Image.fromarray(colours()), "JPEG")
    photo = read(plain[:2] + segment + plain[2:])
    assert photo.metadata.iptc is not None
    assert caption in photo.metadata.iptc
    written = encode(photo.image, "jpg", photo.metadata)
    assert caption in written
    assert thumbnail not in written
    for end in range(15, len(block)):
        read(plain[:2] + b"\xff\xed" + struct.pack(">H", end + 2) + block[:end] + plain[2:])


@pytest.mark.parametrize("file_format", ALL_FORMATS)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
def test_the_resolution_is_kept(file_format: str, source: str) -> None:
    photo = read(saved(PIL.Image.fromarray(colours()), source, dpi=(300, 300)))
    assert photo.metadata.dpi == pytest.approx(300, abs=0.01)
    picture = PIL.Image.open(io.BytesIO(encode(photo.image, file_format, photo.metadata)))
    kept = picture.info.get("dpi", (picture.getexif().get(282), 0))
    assert float(kept[0]) == pytest.approx(300, abs=0.01)


@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_where_a_file_says_no_resolution_none_is_made_up(source: str) -> None:
    assert read(saved(PIL.Image.fromarray(colours()), source)).metadata.dpi is None


def test_the_resolution_and_the_exif_of_a_pillow_image() -> None:
    data = saved(PIL.Image.fromarray(colours()), "JPEG", exif=camera_exif(), dpi=(240, 240))
    photo, opened = read(data), read(PIL.Image.open(io.BytesIO(data)))
    assert opened.metadata == photo.metadata
    assert opened.image.shape == photo.image.shape


def test_a_word_on_what_else_a_file_holds() -> None:
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for file_format in ("GIF", "WEBP", "TIFF"):
        note = read(saved(frames[0], file_format, save_all=True, append_images=frames[1:])).note
        assert note is not None
        assert "3" in note
    film = b'<x:xmpmeta><rdf:Description GCamera:MotionPhoto="1"/></x:xmpmeta>'
    motion = read(saved(frames[0], "JPEG", xmp=film)).note
    assert motion is not None
    assert "motion" in motion
    assert read(saved(frames[0], "JPEG")).note is None


# --- limits and hostile files


def test_each_limit_holds_at_its_edge() -> None:
    data = saved(PIL.Image.fromarray(colours(24, 32)), "PNG")
    read(data, Limits(max_bytes=len(data), max_pixels=24 * 32, max_side=32))
    for limits in (Limits(max_bytes=len(data) - 1), Limits(max_pixels=24 * 32 - 1), Limits(max_side=31)):
        with pytest.raises(ImageError, match="limit"):
            read(data, limits)


def test_the_size_is_refused_before_a_pixel_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(PIL.Image.fromarray(colours()), "PNG")
    monkeypatch.setattr("pyvips.Image.numpy", lambda _: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageError, match="32 × 24"):
        read(data, Limits(max_side=10))


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_bomb_is_refused(side: int) -> None:
    with pytest.raises(ImageError, match="smaller copy"):
        read(png(side, side, 8, 2, b""))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(file_format: str, share: float) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (48, 48, 3), np.uint8)
    data = saved(PIL.Image.fromarray(noise), file_format)
    with pytest.raises(ImageError, match="damaged"):
        read(data[: int(len(data) * share)])


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
def test_flipped_bits_give_a_photo_or_an_image_error(file_format: str) -> None:
    data = saved(PIL.Image.fromarray(colours()), file_format)
    random = np.random.default_rng(7)
    refused = []
    for _ in range(25):
        broken = bytearray(data)
        for position in random.integers(0, len(data), 4):
            broken[position] ^= 1 << int(random.integers(8))
        try:
            assert read(bytes(broken)).image.shape[2] == 3
        except ImageError as error:
            refused.append(str(error))
    assert all("\n" not in message for message in refused)


@pytest.mark.parametrize(
    "data", [b"<svg/>", b"%PDF-1.4", b"\0\0\0\x18ftypmp42\0\0\0\0", b"RIFF\0\0\0\0WAVE", b"P6 1 1 255 abc"]
)
def test_a_kind_that_is_not_on_the_list_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match="convert it to JPEG"):
        read(data)


def test_heic_without_its_package_says_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(ImageError, match=r'pip install "cutaway\[heic\]"'):
        read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_heic_goes_through_its_package_and_the_limits(
    monkeypatch: pytest.MonkeyPatch, depth: type[np.uint8 | np.uint16]
) -> None:
    class Opened:
        size = (32, 24)
        info: ClassVar = {"icc_profile": swapped_profile(), "exif": exif(6)}

        def __array__(self, dtype: object = None, copy: object = None) -> NDArray[np.uint8 | np.uint16]:
            return colours().astype(depth)

    monkeypatch.setitem(sys.modules, "pi_heif", SimpleNamespace(open_heif=lambda _file, **_: Opened()))
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    photo = read(data)
    assert photo.image.dtype == depth
    np.testing.assert_array_equal(photo.image, colours())
    assert photo.metadata.profile == swapped_profile()
    with pytest.raises(ImageError, match="limit"):
        read(data, Limits(max_side=10))


def test_avif_under_the_general_brand_is_not_taken_for_heic() -> None:
    data = saved(PIL.Image.fromarray(colours()), "AVIF")
    general = data[:8] + b"mif1" + data[12:]
    assert read(general).image.shape == (24, 32, 3)


def test_remarks_on_metadata_are_dropped_and_the_filters_come_back_after_threads() -> None:
    def decode() -> None:
        with imagefile._decoding("photo"):
            barrier.wait()
            warnings.warn_explicit("odd EXIF", UserWarning, "TiffImagePlugin.py", 1, module="PIL.TiffImagePlugin")

    before = list(warnings.filters)
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


# --- writing


@pytest.mark.parametrize("file_format", ALL_FORMATS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_is_encoded_reads_back(file_format: str, channels: int) -> None:
    if file_format == "jpg" and channels == 4:
        return
    pixels = np.dstack([colours(), colours()[..., 1]])[..., :channels].squeeze()
    photo = read(encode(pixels, file_format))
    tolerance = {"jpg": 16, "avif": 16}.get(file_format, 0)
    expected = np.dstack([pixels] * 3) if channels == 1 else pixels[..., :3]
    seen = pixels[..., 3] > 0 if channels == 4 else np.ones(pixels.shape[:2], bool)
    np.testing.assert_allclose(photo.image[seen].astype(int), expected[seen], atol=tolerance)
    if channels == 4:
        assert photo.alpha is not None
        np.testing.assert_allclose(photo.alpha, pixels[..., 3] / 255, atol=tolerance / 255 + 1e-6)


@pytest.mark.parametrize("file_format", ALL_FORMATS)
def test_output_carries_no_metadata(file_format: str) -> None:
    picture = PIL.Image.open(io.BytesIO(encode(colours(), file_format)))
    picture.load()
    assert not {"exif", "xmp", "XML:com.adobe.xmp", "icc_profile", "comment"} & set(picture.info)


@pytest.mark.parametrize("file_format", ["webp", "avif", "jpg"])
def test_a_lower_quality_makes_a_smaller_file(file_format: str) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (64, 64, 3), np.uint8)
    assert len(encode(noise, file_format, quality=30)) < len(encode(noise, file_format, quality=95))


def test_webp_is_without_loss_unless_a_quality_is_given() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_array_equal(read(encode(noise, "webp")).image, noise)
    assert len(encode(noise, "webp", quality=90)) < len(encode(noise, "webp"))


def test_a_quality_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(OutputError, match="png is without loss"):
        encode(colours(), "png", quality=90)
    with pytest.raises(OutputError, match="from 1 to 100"):
        encode(colours(), "jpg", quality=0)


def test_a_mask_takes_no_profile_of_colours() -> None:
    data = encode(colours()[..., 0], "png", Metadata(profile=swapped_profile()))
    assert "icc_profile" not in PIL.Image.open(io.BytesIO(data)).info


def test_an_alpha_cannot_go_into_a_jpg() -> None:
    with pytest.raises(OutputError, match="choose a background"):
        encode(np.zeros((4, 4, 4), np.uint8), "jpg")


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(OutputError, match="png, webp, avif, tiff, jpg"):
        encode(colours(), "heic")


def test_a_picture_too_wide_for_its_format_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="20000 × 1 pixels cannot be written as webp"):
        encode(np.zeros((1, 20_000, 3), np.uint8), "webp")


def test_the_ending_tells_the_format() -> None:
    assert format_of(Path("a/B.JPEG")) == "jpg"
    assert set(FORMATS.values()) == set(ALL_FORMATS)
    with pytest.raises(OutputError, match=r"photo\.bmp"):
        format_of(Path("photo.bmp"))


def test_writing_keeps_what_is_there_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    write(path, b"first")
    with pytest.raises(OutputError, match="already exists"):
        write(path, b"second")
    assert path.read_bytes() == b"first"
    write(path, b"second", overwrite=True)
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_nothing_and_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write(path, b"new", overwrite=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_or_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="name a file"):
        check_target(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "missing" / "out.png", b"data")


def test_the_mode_of_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    write(tmp_path / "ours", b"")
    (tmp_path / "plain").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
