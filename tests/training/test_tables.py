from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from cutaway.errors import DataError
from cutaway.training.tables import parse


@dataclass(frozen=True)
class Leaf:
    colour: Literal["green", "red"]
    veins: int | None = None

    def __post_init__(self) -> None:
        if self.veins == 13:
            raise ValueError("13 brings bad luck")


@dataclass(frozen=True)
class Tree:
    height: float
    name: str = "oak"
    alive: bool = True
    rings: Sequence[int] = ()
    size: tuple[int, float] = (0, 0.0)
    leaves: tuple[Leaf, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def test_defaults_fill_what_is_not_said() -> None:
    assert parse(Tree, {"height": 3.5}) == Tree(3.5)


def test_every_kind_is_parsed() -> None:
    values = {
        "height": 3,
        "name": "ash",
        "alive": False,
        "rings": [1, 2],
        "size": [1, 2],
        "leaves": [{"colour": "red", "veins": 4}, {"colour": "green", "veins": None}],
        "scores": {"a": 1},
        "notes": {"x": [1, "y"]},
    }
    tree = parse(Tree, values)
    assert tree == Tree(
        3.0, "ash", False, (1, 2), (1, 2.0), (Leaf("red", 4), Leaf("green")), {"a": 1.0}, {"x": [1, "y"]}
    )
    assert isinstance(tree.height, float)
    assert isinstance(tree.scores["a"], float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"height": "3"}, "height is '3'; it has to be a number"),
        ({"height": True}, "height is True; it has to be a number"),
        ({"height": 1, "name": 2}, "name is 2; it has to be a text in quotes"),
        ({"height": 1, "alive": 1}, "alive is 1; it has to be true or false"),
        ({"height": 1, "rings": 3}, "rings is 3; it has to be a list of a whole number"),
        ({"height": 1, "rings": [1, 2.5]}, r"rings\[1\] is 2\.5; it has to be a whole number"),
        ({"height": 1, "rings": "12"}, "rings is '12'; it has to be a list"),
        ({"height": 1, "size": [1]}, "size holds 1 values; it has to hold 2"),
        (
            {"height": 1, "leaves": [{"colour": "blue"}]},
            r"leaves\[0\]\.colour is 'blue'; it has to be 'green' or 'red'",
        ),
        ({"height": 1, "leaves": [3]}, r"leaves\[0\] is 3; it has to be a table with colour, veins"),
        ({"height": 1, "leaves": [{"colour": "red", "veins": "x"}]}, r"leaves\[0\]\.veins is 'x'"),
        ({"height": 1, "leaves": [{"colour": "red", "veins": 13}]}, r"\[leaves\[0\]\]: 13 brings bad luck"),
        ({"height": 1, "leaves": [{}]}, r"\[leaves\[0\]\] lacks colour"),
        ({"height": 1, "scores": [1]}, r"scores is \[1\]; it has to be a table"),
        ({"height": 1, "scores": {"a": "b"}}, r"scores\.a is 'b'; it has to be a number"),
        ({"height": 1, "hight": 2, "age": 3}, "the file has no key age, hight; it knows height, name, alive"),
        ({}, "the file lacks height"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse(Tree, values)
