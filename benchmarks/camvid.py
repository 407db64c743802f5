"""Scores a checkpoint on CamVid beside the paper's table: ``python benchmarks/camvid.py runs/x/best.pt CAMVID``.

The paper's batch norm tested on the statistics of the batch; ours on moving averages (docs/adr/0003).
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cutaway.data.camvid import CLASSES, read_labelled
from cutaway.data.torch_dataset import ClassDataset
from cutaway.errors import CutawayError
from cutaway.training import checkpoint
from cutaway.training.camvid import class_ious, class_scores, confuse
from cutaway.training.config import parse_recipe
from cutaway.training.network import build_net
from cutaway.training.statistics import averaged

PAPER = {"fc-densenet56": (58.9, 88.9), "fc-densenet67": (65.8, 90.8), "fc-densenet103": (66.9, 91.5)}
"""Mean IoU and global accuracy on the test split, per cent (Jégou et al. 2017, table 3)."""


def main() -> None:
    """Print mean IoU, global accuracy and the IoU of each class."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("camvid", type=Path)
    parser.add_argument("--split", choices=("train", "val", "test"), default="test")
    arguments = parser.parse_args()
    state = checkpoint.load(arguments.checkpoint)
    name = parse_recipe(state["recipe"]).net.name
    net = build_net(parse_recipe(state["recipe"]).net, len(CLASSES)).eval()
    try:
        net.load_state_dict(averaged(state, net, arguments.checkpoint))
    except CutawayError as error:
        sys.exit(f"{parser.prog}: {error}")
    confusion = confuse(net, ClassDataset(read_labelled(arguments.camvid, arguments.split)))
    scores, paper = class_scores(confusion), PAPER.get(name)
    table = Table("", "here", "paper, test", title=f"{name}, step {state['step']}, CamVid {arguments.split}")
    table.add_row("mean IoU", f"{100 * scores.mean_iou:.1f}", f"{paper[0]}" if paper else "–")
    table.add_row("global accuracy", f"{100 * scores.accuracy:.1f}", f"{paper[1]}" if paper else "–")
    for label, iou in class_ious(confusion):
        table.add_row(label, f"{100 * iou:.1f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
