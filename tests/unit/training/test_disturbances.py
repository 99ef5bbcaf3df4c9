"""What renders are disturbed by, on discs whose masks and ground are known."""

import numpy as np
import pytest
import torch
from toy_discs import MOST, SIDE, labelled, paint

from projcomp.config.learning import DOUBTFUL, MILD
from projcomp.evaluation.detector import normalize
from projcomp.scenes.vocabulary import COLORS
from projcomp.training import disturbances
from projcomp.training.disturbances import Seen, augment, disturb, seen

COUNT = 12


def batch(number: int = 1) -> Seen:
    """Copies of one picture with a yellow disc in the middle, and a blue one in a corner."""
    points = [np.array([0.5, 0.5]), np.array([0.2, 0.2])][:number]
    picture = paint(points, ["yellow", "blue"][:number], np.random.default_rng(0))
    known = labelled([picture] * COUNT)
    return seen(normalize(torch.from_numpy(known.images)), torch.from_numpy(known.masks), MOST)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def change(after: Seen, before: Seen) -> torch.Tensor:
    """Greatest change of every pixel, ``(B, H, W)``."""
    return (after.images - before.images).abs().amax(1)


@pytest.mark.parametrize("name", [*MILD, *DOUBTFUL])
def test_a_disturbance_is_decided_by_its_generator(name):
    before = batch(2)
    kept = before.images.clone()
    one, two = (disturb(before, name, rng()) for _ in range(2))
    assert torch.equal(one.images, two.images)
    assert torch.equal(before.images, kept)
    assert torch.isfinite(one.images).all()
    assert change(one, before).amax((1, 2)).gt(0).sum() > COUNT / 2
    assert not torch.equal(one.images[0], one.images[1])


@pytest.mark.parametrize("name", MILD)
def test_mild_ones_leave_the_answer(name):
    before = batch(2)
    after = disturb(before, name, rng())
    assert not after.doubtful.any()
    assert not after.ruined.any()
    assert change(after, before).mean() < 0.5


def test_ghosts_halves_and_merged_ones_are_doubtful():
    for name in ("ghost", "half", "merge"):
        after = disturb(batch(2), name, rng())
        assert (after.doubtful.sum(1) == 1).all()
        assert after.doubtful[:, :2].any(0).all()
        assert not after.ruined.any()
    smeared, static = disturb(batch(2), "smear", rng()), disturb(batch(2), "static", rng())
    assert smeared.doubtful.all()
    assert not smeared.ruined.any()
    assert static.ruined.all()


@pytest.mark.parametrize("name", ["fade", "dark", "ghost", "half"])
def test_only_the_object_and_a_pixel_around_it_are_changed(name):
    before = batch()
    far = torch.nn.functional.max_pool2d((before.masks > 0).float(), 3, 1, 1) == 0
    assert far.sum() > COUNT * SIDE
    after = disturb(before, name, rng())
    assert (change(after, before)[far] == 0).all()


@pytest.mark.parametrize("name", ["fade", "dark", "ghost", "half", "merge", "smear"])
def test_where_nothing_stands_nothing_is_doubted(name):
    before = batch(0)
    after = disturb(before, name, rng())
    used = after.doubtful[:, :0]
    assert not used.any()
    if name != "smear":
        assert torch.equal(after.images, before.images)
        assert not after.doubtful.any()


def test_a_ghost_is_a_share_of_the_object_or_less_than_nothing():
    before = batch()
    after = disturb(before, "ghost", rng())
    middle = SIDE // 2
    ground, object_ = 120 / 63.75 - 2, before.images[0, :, middle, middle]
    yellow = torch.tensor(COLORS["yellow"]) / 63.75 - 2
    torch.testing.assert_close(object_, yellow, atol=0.1, rtol=0)
    shares = ((after.images[:, :, middle, middle] - ground) / (object_ - ground)).mean(1)
    inside = ((shares > 0.15) & (shares < 0.6)) | ((shares > -1.1) & (shares < -0.25))
    assert inside.all()
    assert (shares > 0).any()
    assert (shares < 0).any()


def test_half_of_an_object_is_left():
    before = batch()
    after = disturb(before, "half", rng())
    own = before.masks > 0
    gone = (change(after, before) > 0.3) & own
    shares = gone.sum((1, 2)) / own.sum((1, 2))
    assert ((shares > 0.25) & (shares < 0.75)).all()


@pytest.mark.parametrize("color", list(COLORS))
def test_what_is_merged_with_an_object_has_another_colour(color):
    """Gray too, which is the same whatever order its channels have."""
    picture = paint([np.array([0.5, 0.5])], [color], np.random.default_rng(0))
    known = labelled([picture] * COUNT)
    before = seen(normalize(torch.from_numpy(known.images)), torch.from_numpy(known.masks), MOST)
    after = disturb(before, "merge", rng())
    # half of the difference, on what the copy and the object share
    own = change(after, before) * (before.masks > 0)
    assert (own.amax((1, 2)) > disturbances.ANOTHER_COLOR / 2 / 3**0.5).all()
    assert after.doubtful.any(1).all()


def test_a_copy_that_leaves_the_picture_does_not_come_in_at_the_other_side():
    picture = paint([np.array([0.04, 0.5])], ["yellow"], np.random.default_rng(0))
    known = labelled([picture] * COUNT)
    before = seen(normalize(torch.from_numpy(known.images)), torch.from_numpy(known.masks), MOST)
    changed = change(disturb(before, "merge", rng()), before)
    assert changed[:, :, : SIDE // 2].amax((1, 2)).gt(0).all()
    assert (changed[:, :, SIDE // 2 :] == 0).all()


def test_training_disturbs_a_share_and_nothing_that_was_not_asked_for(monkeypatch):
    known = batch(2)
    assert torch.equal(augment(known, [], rng()).images, known.images)
    odd = augment(Seen(*(part.repeat_interleave(20, 0) for part in known)), ["ghost"], rng())
    changed = odd.doubtful.any(1)
    assert 0.15 < changed.float().mean() < 0.35
    assert torch.equal(odd.images[~changed][0], known.images[0])
    monkeypatch.setattr(disturbances, "SHARE_DOUBTFUL", 1.0)
    every = augment(known, DOUBTFUL, rng())
    assert (every.doubtful.any(1) | every.ruined).all()
