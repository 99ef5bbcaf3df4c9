"""Named random streams and atomic writes."""

import numpy as np
import pytest

from projcomp import seeds
from projcomp.files import atomic_path, write_text


def test_a_stream_is_decided_by_seed_and_name():
    def first(*names):
        return seeds.generator(*names).random()

    assert first(0, "scene", "single", 3) == first(0, "scene", "single", 3)
    others = [(1, "scene", "single", 3), (0, "scene", "single", 4), (0, "scene", "single", "3")]
    assert all(first(*other) != first(0, "scene", "single", 3) for other in others)


def test_names_are_not_glued_together():
    assert seeds.integer_seed(0, "a", "bc") != seeds.integer_seed(0, "ab", "c")


def test_integer_seeds_fill_their_bits():
    drawn = np.array([seeds.integer_seed(0, "bits", i, bits=31) for i in range(2000)])
    assert drawn.min() >= 0
    assert drawn.max() < 2**31
    assert len(np.unique(drawn)) == 2000
    for bit in range(31):
        assert 0.4 < ((drawn >> bit) & 1).mean() < 0.6


def write_half(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        assert temporary.suffix == path.suffix
        raise RuntimeError


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    with pytest.raises(RuntimeError):
        write_half(path)
    assert list(path.parent.iterdir()) == []
    write_text(path, "whole")
    with pytest.raises(RuntimeError):
        write_half(path)
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]
