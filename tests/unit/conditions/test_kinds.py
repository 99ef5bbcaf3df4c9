"""Kinds of condition: numbers, labels, words, and what answers to them."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from projcomp.conditions.holding import answering, holding
from projcomp.conditions.joint import UNTOLD
from projcomp.conditions.kind import Kind
from projcomp.conditions.kinds import (
    KINDS,
    NONE,
    kind_of,
    kinds_in,
    label,
    width_of,
    with_values,
)
from projcomp.scenes.vocabulary import COLORS, SHAPES
from projcomp.settings.case import Wanted

RNG = np.random.default_rng(0)
NAMES = [*KINDS, "color+shape", "position+color+size"]


def table(count: int = 12) -> dict[str, np.ndarray]:
    """Made-up objects of one picture, by field."""
    fields: dict[str, np.ndarray] = {
        name: RNG.integers(len(KINDS[name].values), size=(1, count))
        for name in ("color", "shape", "size", "material")
    }
    pixel, there = RNG.random((1, count, 2)), np.ones((1, count), dtype=bool)
    return {**fields, "pixel": pixel, "there": there}


def values_of(kind: Kind) -> Iterator[object]:
    """Some values of a kind."""
    if len(kind.parts) > 1:
        yield {part.name: next(iter(values_of(part))) for part in kind.parts}
    elif kind.values:
        yield from kind.values
    else:
        yield from [(0.25, 0.5), (1.0, 0.0)]


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_has_as_many_numbers_as_it_says(name: str) -> None:
    kind = kind_of(name)
    assert kind.labels(table()).shape == (1, 12, width_of(name))
    for value in values_of(kind):
        assert len(kind.numbers(value)) == kind.width


@pytest.mark.parametrize("name", NAMES)
def test_an_object_answers_to_its_own_label(name: str) -> None:
    kind, objects = kind_of(name), table()
    labels = kind.labels(objects)[0]
    for i, own in enumerate(labels):
        assert kind.answers(labels, own, 1e-6)[i]


def test_numpy_and_torch_answer_alike() -> None:
    kind, objects = kind_of("position+color"), table()
    labels = kind.labels(objects)
    told = labels[0, 3] + np.array([0.05, 0, 0], dtype=np.float32)
    expected = kind.answers(labels, told, 0.1)
    found = kind.answers(torch.tensor(labels), torch.tensor(told), 0.1)
    assert (found.numpy() == expected).all()
    assert expected[0, 3]


def test_a_joint_kind_answers_where_all_its_told_parts_do() -> None:
    objects, joint = table(400), kind_of("color+shape")
    labels = joint.labels(objects)[0]
    red, cube = list(COLORS).index("red"), SHAPES.index("cube")
    both = joint.answers(labels, np.array(joint.numbers({"color": "red", "shape": "cube"})), 0)
    assert (both == ((objects["color"][0] == red) & (objects["shape"][0] == cube))).all()
    color = np.array(joint.numbers({"color": "red"}))
    assert color.tolist() == [red, UNTOLD]
    assert (joint.answers(labels, color, 0) == (objects["color"][0] == red)).all()
    assert joint.in_words(color) == "red"
    assert joint.in_words(np.array(joint.numbers({"color": "red", "shape": "cube"}))) == "red cube"


def test_no_condition_has_no_numbers() -> None:
    assert width_of(NONE) == 0


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("shape", "cone", "expected one of cube, sphere, cylinder, got 'cone'"),
        ("position", "red", "expected an image point [x, y], got 'red'"),
        ("position", (0.1, 0.2, 0.3), "expected an image point [x, y], got (0.1, 0.2, 0.3)"),
    ],
)
def test_a_value_that_is_not_there_is_one_line(name: str, value: object, line: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        kind_of(name).numbers(value)
    assert str(caught.value) == line


# What a picture holds


def objects_of(*described: tuple[str, str]) -> dict[str, np.ndarray]:
    """One picture's objects by colour and shape."""
    return {
        "color": np.array([[list(COLORS).index(color) for color, _ in described]]),
        "shape": np.array([[SHAPES.index(shape) for _, shape in described]]),
        "pixel": np.full((1, len(described), 2), 0.5),
        "there": np.ones((1, len(described)), dtype=bool),
    }


def asked(**told: str) -> Wanted:
    return Wanted.model_validate({"told": told})


def test_one_object_answers_to_one_request() -> None:
    red_cube = objects_of(("red", "cube"))
    assert holding(red_cube, [asked(color="red"), asked(shape="cube")], 0.1) == {0: 0}
    two = objects_of(("red", "cube"), ("blue", "cube"))
    # the red cube must be left to the first request, although it answers to the second too
    assert holding(two, [asked(shape="cube"), asked(color="red")], 0.1) == {0: 1, 1: 0}


def test_what_is_avoided_does_not_answer() -> None:
    pictures = objects_of(("red", "cube"), ("blue", "cube"), ("blue", "sphere"))
    wanted = Wanted(told={"shape": "cube"}, avoided={"color": "red"})
    assert answering(pictures, wanted, 0.1).tolist() == [False, True, False]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 4)), max_size=5))
def test_the_matching_is_the_largest(able: list[set[int]]) -> None:
    """Against scipy's assignment, over requests that some of five shapes' objects answer to."""
    from scipy.optimize import linear_sum_assignment

    import projcomp.conditions.holding as room

    answers = [np.array([i in one for i in range(5)]) for one in able]
    asked_of = iter(answers)
    found: dict[int, int]
    original = room.answering
    room.answering = lambda *_: next(asked_of)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        found = room.holding({}, [Wanted()] * len(able), 0.1)
    finally:
        room.answering = original
    assert all(item in able[request] for request, item in found.items())
    assert len(set(found.values())) == len(found)
    if able:
        costs = -np.array(answers, dtype=float)
        assert len(found) == -costs[linear_sum_assignment(costs)].sum()


def test_a_label_is_a_kind_whose_name_tells_its_values() -> None:
    form = label("form", ["bar", "cross", "dot-2"])
    name = with_values(form)
    assert name == "form:bar|cross|dot-2"
    again = kind_of(name)
    assert (again.name, again.values, again.width) == (form.name, form.values, 1)
    assert again.numbers("dot-2") == (2.0,)
    assert with_values(KINDS["color"]) == "color"
    joint = f"position+{name}"
    assert kinds_in(joint) == ["position", "form"]
    assert width_of(joint) == 3
    assert kind_of(joint).numbers({"form": "cross"}) == (UNTOLD, UNTOLD, 1.0)
    labels = kind_of(joint).labels({"form": np.array([[1]]), "pixel": np.array([[[0.2, 0.4]]])})
    assert labels.tolist() == [[pytest.approx([0.2, 0.4, 1.0])]]
    with pytest.raises(ValueError, match="expected one of bar, cross, dot-2, got 'ring'"):
        again.numbers("ring")
    with pytest.raises(KeyError):
        kind_of("form")
