import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from cutaway.data.folder import load_samples
from cutaway.data.packing import Packing, pack
from cutaway.data.shards import content, find_shards, read_bytes, read_shards
from cutaway.data.torch_dataset import SquareDataset, read_sample
from cutaway.errors import DataError
from folders import write_people
from synthetic import draw_person, encode


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """A folder of two shards: three photos to train on, one to test on."""
    pack(load_samples(write_people(tmp_path / "people", "tttx")), tmp_path / "shards", Packing())
    return tmp_path / "shards"


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_a_folder_of_shards_or_one_of_them_is_loaded_like_any_data(shards: Path) -> None:
    assert [sample.id for sample in load_samples(shards)] == ["person_03", "person_00", "person_01", "person_02"]
    assert [sample.id for sample in load_samples(shards, "test")] == ["person_03"]
    assert len(load_samples(shards / "train-0000.tar")) == 3
    with pytest.raises(DataError, match=r"'val'; they hold test, train"):
        load_samples(shards, "val")


def test_a_folder_with_images_is_no_folder_of_shards(shards: Path) -> None:
    people = shards.parent / "people"
    (shards / "train-0000.tar").rename(people / "archive.tar")
    assert find_shards(people) == []
    assert len(load_samples(people)) == 4


def test_a_member_is_read_where_it_lies_and_other_files_from_disk(shards: Path) -> None:
    sample = load_samples(shards)[0]
    assert sample.image == shards / "test-0000.tar" / "person_03.jpg"
    assert read_bytes(sample.image).startswith(b"\xff\xd8")
    assert content(shards / "test-0000.tar") == shards / "test-0000.tar"
    assert content(Path("nowhere.tar/a.jpg")) == Path("nowhere.tar/a.jpg")


@pytest.mark.parametrize("start", ["forkserver", "spawn"])
def test_worker_processes_read_the_same(shards: Path, start: str) -> None:
    dataset = SquareDataset(load_samples(shards), 32, "letterbox")
    loader = DataLoader(dataset, batch_size=2, num_workers=2, multiprocessing_context=start)
    images = torch.cat([image for image, _ in loader])
    assert torch.equal(images, torch.stack([dataset[index][0] for index in range(len(dataset))]))


def test_a_shard_that_was_packed_anew_is_listed_anew(shards: Path) -> None:
    sample = load_samples(shards, "test")[0]
    before, _ = read_sample(sample)
    pack(load_samples(write_people(shards.parent / "larger", "tttx", side=96)), shards, Packing(), overwrite=True)
    assert before.shape == (64, 64, 3)
    assert read_sample(sample)[0].shape == (96, 96, 3)


def test_a_missing_member_is_named(shards: Path) -> None:
    with pytest.raises(DataError, match=r"test-0000\.tar holds no person_99\.jpg; copy or pack it anew"):
        content(shards / "test-0000.tar" / "person_99.jpg")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_shard_that_is_cut_off_is_named(shards: Path, share: float) -> None:
    shard = shards / "train-0000.tar"
    data = shard.read_bytes()
    shard.write_bytes(data[: int(len(data.rstrip(b"\0")) * share)])
    with pytest.raises(DataError, match=r"the shard .*train-0000\.tar .*; copy or pack it anew"):
        load_samples(shards)


def test_a_shard_that_is_cut_off_between_two_photos_is_named(shards: Path) -> None:
    shard = shards / "train-0000.tar"
    with tarfile.open(shard) as tar:
        last = tar.getmember("person_02.json").offset
    shard.write_bytes(shard.read_bytes()[:last])
    with pytest.raises(DataError, match=r"damaged or cut off after \d+ bytes"):
        load_samples(shards)


def test_a_header_that_is_damaged_is_not_taken_for_the_end(shards: Path) -> None:
    shard = shards / "train-0000.tar"
    with tarfile.open(shard) as tar:
        second = tar.getmember("person_01.json").offset
    data = bytearray(shard.read_bytes())
    data[second + 3] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DataError, match=r"damaged or cut off after \d+ bytes"):
        load_samples(shards)


def test_a_file_that_is_no_tar_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("no shard" * 200)
    with pytest.raises(DataError, match=r"a\.tar cannot be read"):
        read_shards([tmp_path / "a.tar"])


ROW = {
    "id": "a", "image": "a.jpg", "mask": None, "width": 80, "height": 96, "person_fraction": 0.0, "people": 0,
    "source": "drawn", "licence": "none", "split": "train",
}  # fmt: skip


def test_a_tar_without_a_sample_is_named(tmp_path: Path) -> None:
    photos = write_tar(tmp_path / "photos.tar", {"holidays/beach.jpg": encode(draw_person())})
    with pytest.raises(DataError, match=r"photos\.tar holds no sample; make shards with 'cutaway data pack'"):
        read_shards([photos])


def test_a_sample_of_which_a_file_is_missing_is_named(tmp_path: Path) -> None:
    members = {"a.json": json.dumps({**ROW, "mask": "a.png"}).encode(), "a.jpg": encode(draw_person(), "JPEG")}
    with pytest.raises(DataError, match=r"a\.tar, a\.json: the shard holds no a\.png"):
        read_shards([write_tar(tmp_path / "a.tar", members)])


def test_a_sample_may_not_point_out_of_its_shard(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode(draw_person(), "JPEG"))
    members = {"a.json": json.dumps({**ROW, "image": "../a.jpg"}).encode(), "a.jpg": b""}
    with pytest.raises(DataError, match=r"the shard holds no a\.jpg"):
        read_shards([write_tar(tmp_path / "a.tar", members)])


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"{}", json.dumps({**ROW, "split": "dev"}).encode()])
def test_facts_that_are_none_are_named(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.tar, a\.json: "):
        read_shards([write_tar(tmp_path / "a.tar", {"a.json": text})])


def test_a_photo_that_is_broken_is_named_by_its_place(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "a.tar", {"a.json": json.dumps(ROW).encode(), "a.jpg": b"no photo"})
    (sample,) = read_shards([shard])
    with pytest.raises(Exception, match=r"a\.tar/a\.jpg is not a photograph"):
        read_sample(sample)


def test_the_order_of_the_members_is_kept(shards: Path) -> None:
    labels = [read_sample(sample)[1] for sample in load_samples(shards, "train")]
    expected = [read_sample(sample)[1] for sample in load_samples(shards.parent / "people", "train")]
    np.testing.assert_array_equal(labels, expected)
