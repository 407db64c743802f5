import json
import tarfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from webdataset import tariterators

from cutaway import imagefile
from cutaway.data.folder import read_folder, read_people_free
from cutaway.data.index import Failure, Sample
from cutaway.data.masks import read_labels, write_labels
from cutaway.data.packing import Packing, pack
from cutaway.data.shards import read_bytes, read_shards
from cutaway.data.torch_dataset import read_sample
from cutaway.errors import DataError, OutputError
from folders import ellipse_person, write_people, write_rooms


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Three JPEGs to train on, the third with void, and a PNG to test on."""
    root = write_people(tmp_path / "people", "tttx", side=96)
    for number in range(3):
        photo = root / "images" / f"person_0{number}.png"
        PillowImage.fromarray(ellipse_person(number, 96)[0]).save(photo.with_suffix(".jpg"), quality=95)
        photo.unlink()
    labels = read_labels(root / "masks" / "person_02.png")
    labels[:9] = 255
    write_labels(root / "masks" / "person_02.png", labels, overwrite=True)
    return read_folder(root)


def test_each_split_has_shards_of_its_own(samples: list[Sample], tmp_path: Path) -> None:
    shards = pack([samples[3], *samples[:3]], tmp_path / "shards", Packing())
    assert [shard.name for shard in shards] == ["train-0000.tar", "test-0000.tar"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people", "shards"]


def test_what_was_packed_comes_back(samples: list[Sample], tmp_path: Path) -> None:
    packed = read_shards(pack(samples, tmp_path / "shards", Packing()))
    for before, after in zip(samples, packed, strict=True):
        assert replace(after, image=before.image, mask=before.mask) == before
    for before, after in zip(samples[:3], packed[:3], strict=True):
        for values, expected in zip(read_sample(after), read_sample(before), strict=True):
            np.testing.assert_array_equal(values, expected)


def test_a_jpeg_stays_as_it_is_and_others_become_one(samples: list[Sample], tmp_path: Path) -> None:
    *_, jpeg, png = read_shards(pack(samples, tmp_path / "shards", Packing(quality=98)))
    assert read_bytes(jpeg.image) == samples[2].image.read_bytes()
    data = read_bytes(png.image)
    assert data.startswith(b"\xff\xd8")
    difference = imagefile.read(data).image.astype(int) - imagefile.read(samples[3].image).image
    assert np.abs(difference).mean() < 10  # its noise is of all colours, and JPEG halves these


def test_photos_without_people_have_no_mask_in_the_shard(tmp_path: Path) -> None:
    rooms = read_people_free(write_rooms(tmp_path / "rooms", 2))
    packed = read_shards(pack(rooms, tmp_path / "shards", Packing()))
    assert {sample.mask for sample in packed} == {None}


def test_long_photos_shrink_with_their_masks(samples: list[Sample], tmp_path: Path) -> None:
    packed = read_shards(pack(samples, tmp_path / "shards", Packing(max_side=48)))
    for before, after in zip(samples, packed, strict=True):
        image, labels = read_sample(after)
        assert image.shape[:2] == (after.height, after.width) == (48, 48)
        assert after.person_fraction == before.person_fraction
        np.testing.assert_array_equal(labels, read_sample(before)[1][1::2, 1::2])


def test_no_shard_is_larger_than_allowed(samples: list[Sample], tmp_path: Path) -> None:
    many = [replace(samples[0], id=f"number {number}") for number in range(40)]
    shards = pack(many, tmp_path / "shards", Packing(max_bytes=61_440))
    sizes = [shard.stat().st_size for shard in shards]
    assert max(sizes) <= 61_440
    assert min(sizes[:-1]) > 61_440 - 2 * 10_240
    assert [sample.id for sample in read_shards(shards)] == [sample.id for sample in many]


def test_the_same_samples_give_the_same_bytes(samples: list[Sample], tmp_path: Path) -> None:
    first, second = (pack(samples, tmp_path / name, Packing(max_side=64)) for name in ("one", "two"))
    assert [shard.read_bytes() for shard in first] == [shard.read_bytes() for shard in second]
    with tarfile.open(first[0]) as tar:
        assert {(member.mtime, member.uid, member.uname, member.mode) for member in tar} == {(0, 0, "", 0o644)}


@pytest.mark.parametrize("identity", ["IMG.2024.jpg", "set/a b", "zoë", "x" * 150])
def test_any_id_can_be_packed(samples: list[Sample], tmp_path: Path, identity: str) -> None:
    shards = pack([replace(samples[0], id=identity)], tmp_path / "shards", Packing())
    (sample,) = read_shards(shards)
    assert sample.id == identity
    assert read_sample(sample)[0].shape == (96, 96, 3)
    (row,) = read_by_webdataset(shards)
    assert set(row) >= {"json", "jpg", "png"}


def read_by_webdataset(shards: list[Path]) -> list[dict[str, bytes]]:
    """Return what webdataset makes of ``shards``, each opened here: its own opening leaves files open."""
    rows: list[dict[str, bytes]] = []
    for shard in shards:
        with shard.open("rb") as stream:
            files = tariterators.tar_file_expander([{"url": str(shard), "stream": stream}])
            rows += tariterators.group_by_keys(files)
    return rows


def test_webdataset_reads_the_same_samples(samples: list[Sample], tmp_path: Path) -> None:
    shards = pack(samples, tmp_path / "shards", Packing())
    rows, packed = read_by_webdataset(shards), read_shards(shards)
    assert [json.loads(row["json"])["id"] for row in rows] == [sample.id for sample in packed]
    for row, sample in zip(rows, packed, strict=True):
        image, labels = read_sample(sample)
        np.testing.assert_array_equal(imagefile.read(row["jpg"]).image, image)
        with PillowImage.open(BytesIO(row["png"])) as mask:
            np.testing.assert_array_equal(np.asarray(mask.convert("L")) > 0, labels == 1)


def test_what_is_broken_is_told_and_the_rest_is_packed(samples: list[Sample], tmp_path: Path) -> None:
    samples[0].image.write_bytes(samples[0].image.read_bytes()[:500])
    samples[1].image.unlink()
    assert samples[2].mask
    write_labels(samples[2].mask, np.ones((9, 9), np.uint8), overwrite=True)
    told: list[Failure | None] = []
    packed = read_shards(pack(samples, tmp_path / "shards", Packing(), progress=told.append))
    assert [sample.id for sample in packed] == ["person_03"]
    cut, gone, smaller, fine = told
    assert fine is None
    for failure, reason in (
        (cut, "person_00.jpg is damaged"),
        (gone, "person_01.jpg cannot be read"),
        (smaller, "size"),
    ):
        assert failure is not None
        assert reason in failure.reason


def test_a_photo_larger_than_a_shard_is_told(samples: list[Sample], tmp_path: Path) -> None:
    told: list[Failure | None] = []
    with pytest.raises(DataError, match="none of 4 photos can be packed"):
        pack(samples, tmp_path / "shards", Packing(max_bytes=12_000), progress=told.append)
    assert told[0] is not None
    assert "person_00.jpg does not fit a shard of 12000 bytes; allow more" in told[0].reason
    assert not (tmp_path / "shards").exists()


def test_an_id_that_repeats_is_refused(samples: list[Sample], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'person_00' is there more than once"):
        pack([*samples, samples[0]], tmp_path / "shards", Packing())


def test_shards_are_kept_unless_they_may_be_overwritten(samples: list[Sample], tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    pack(samples, folder, Packing())
    with pytest.raises(OutputError, match="already exists and is kept"):
        pack(samples[:1], folder, Packing())
    assert len(read_shards(sorted(folder.iterdir()))) == 4
    pack(samples[:1], folder, Packing(), overwrite=True)
    assert [path.name for path in folder.iterdir()] == ["train-0000.tar"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people", "shards"]


def test_a_folder_of_other_things_is_never_replaced(samples: list[Sample], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds other files than shards"):
        pack(samples, tmp_path / "people", Packing(), overwrite=True)
    assert (tmp_path / "people" / "index.csv").exists()


def test_the_folder_may_be_a_dot(samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shards").mkdir()
    monkeypatch.chdir(tmp_path / "shards")
    shards = pack(samples, Path(), Packing(), overwrite=True)
    assert shards == sorted((tmp_path / "shards").iterdir(), reverse=True)
    assert len(read_shards(shards)) == 4


def test_a_file_is_no_folder_for_shards(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "shards").write_text("precious")
    with pytest.raises(OutputError, match="is a file; name a folder"):
        pack(samples, tmp_path / "shards", Packing(), overwrite=True)


def test_a_run_that_breaks_off_leaves_nothing(samples: list[Sample], tmp_path: Path) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(samples, tmp_path / "shards", Packing(), progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["people"]
