"""The options over HTTP are those of the command line."""

from dataclasses import fields

from cutaway.options import Options
from cutaway.web.wishes import LOOK, Wishes


def test_what_a_result_looks_like_is_said_in_the_same_words() -> None:
    assert {field.name for field in fields(Options)} == LOOK
    assert Wishes.model_fields.keys() > LOOK
