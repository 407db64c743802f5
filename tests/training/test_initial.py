from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch import Tensor

import cutaway
from cutaway import weights
from cutaway.errors import DataError
from cutaway.geometry import to_tensor
from cutaway.runtime import Runtime
from cutaway.training import checkpoint
from cutaway.training.config import NetConfig
from cutaway.training.initial import load_pretrained
from cutaway.training.network import build_net
from synthetic import draw_person
from training.conftest import MakeRecipe

SAMPLE = Path(cutaway.__file__).parent / "samples" / "astronaut.jpg"


def no_photos() -> Tensor:
    raise AssertionError("nobody needs photos here")


def photos() -> Tensor:
    image = torch.from_numpy(draw_person(64, 64)).permute(2, 0, 1)[None].float() / 255
    return torch.cat([image, image.flip(3), 1 - image, torch.rand(5, 3, 64, 64)])


def test_a_run_goes_on_from_the_net_of_a_checkpoint(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe()
    trained = build_net(recipe.net)
    path = tmp_path / "best.pt"
    checkpoint.save({"recipe": asdict(recipe), "net": trained.state_dict()}, path)
    net = build_net(recipe.net)
    load_pretrained(net, NetConfig("unet", init=str(path)), no_photos)
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in net.state_dict().items())


def test_the_averaged_net_of_a_step_is_taken(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe()
    last, average = build_net(recipe.net), build_net(recipe.net)
    path = tmp_path / "step-0000003.pt"
    checkpoint.save({"recipe": asdict(recipe), "net": last.state_dict(), "ema": average.state_dict()}, path)
    net = build_net(recipe.net)
    load_pretrained(net, NetConfig("unet", init=str(path)), no_photos)
    assert torch.equal(net.state_dict()["head.weight"], average.state_dict()["head.weight"])


def test_a_run_goes_on_from_the_shipped_weights_without_a_trunk_file() -> None:
    torch.manual_seed(0)
    net = build_net(NetConfig("tiramisu-mobile"))
    load_pretrained(net, NetConfig("tiramisu-mobile", init="portrait"), photos)
    batch = to_tensor(np.asarray(PillowImage.open(SAMPLE).resize((320, 320)))[None])
    with torch.inference_mode():
        alpha = net.eval()(torch.from_numpy(batch)).sigmoid()
    expected = torch.from_numpy(Runtime("portrait").predict(batch))
    assert (alpha - expected).abs().max() < 0.01
    assert expected.std() > 0.1


@pytest.mark.parametrize("name", ["unet", "tiramisu-portrait"])
def test_weights_of_another_net_are_refused(name: str) -> None:
    config = NetConfig(name, init="portrait")
    with pytest.raises(DataError, match=r"net\.init portrait cannot be loaded: it holds no .*another net's"):
        load_pretrained(build_net(config), config, photos)


def test_what_is_not_there_or_damaged_is_named(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    net = build_net(make_recipe().net)
    with pytest.raises(DataError, match=r"net\.init nobody cannot be loaded: there is no model 'nobody'"):
        load_pretrained(net, NetConfig("unet", init="nobody"), photos)
    with pytest.raises(DataError, match=r"net\.init .*gone\.pt cannot be loaded"):
        load_pretrained(net, NetConfig("unet", init=str(tmp_path / "gone.pt")), photos)
    file = bytearray(weights.find("portrait").read_bytes())
    file[5000] ^= 1
    (tmp_path / "flipped.onnx").write_bytes(file)
    with pytest.raises(DataError, match="damaged"):
        load_pretrained(net, NetConfig("unet", init=str(tmp_path / "flipped.onnx")), photos)


def test_a_trunk_and_a_net_to_begin_with_exclude_each_other() -> None:
    with pytest.raises(DataError, match=r"net\.trunk and net\.init are both set"):
        NetConfig("tiramisu-mobile", trunk="trunk.npz", init="portrait")


def test_a_trunk_is_for_nets_that_have_one() -> None:
    config = NetConfig("unet", trunk="trunk.npz", overrides={"widths": [2, 3]})
    with pytest.raises(DataError, match=r"net\.trunk is set, but unet is a net without a trunk"):
        load_pretrained(build_net(config), config, no_photos)


def test_a_trunk_file_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    missing = NetConfig("tiramisu-mobile", trunk=str(tmp_path / "gone.npz"))
    net = build_net(missing)
    with pytest.raises(DataError, match=r"net\.trunk .*gone\.npz cannot be loaded: .*No such file"):
        load_pretrained(net, missing, no_photos)
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(DataError, match=r"text\.npz cannot be loaded: it is not a whole \.npz file"):
        load_pretrained(net, NetConfig("tiramisu-mobile", trunk=str(tmp_path / "text.npz")), no_photos)
