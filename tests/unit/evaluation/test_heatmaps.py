import numpy as np
import pytest
import torch

from projcomp.evaluation.grid import ATTRIBUTES, DOUBT, HEAT, LOGITS, OFFSET, OUTPUTS
from projcomp.evaluation.heatmaps import Detections, allowed_doubt, find_peaks
from projcomp.evaluation.targets import SIGMA, Labels, Targets, draw_targets


def labels(pixel, attributes=None, number=None, doubtful=None, ruined=None) -> Labels:
    """Objects of a batch; of colour and all else 0, whole, and as many as there are rows."""
    pixel = torch.tensor(pixel)
    batch, most, _ = pixel.shape
    return Labels(
        pixel,
        torch.zeros(batch, most, len(ATTRIBUTES)).long() if attributes is None else attributes,
        torch.full((batch,), most) if number is None else torch.tensor(number),
        torch.zeros(batch, most).bool() if doubtful is None else torch.tensor(doubtful),
        torch.zeros(batch).bool() if ruined is None else torch.tensor(ruined),
    )


def outputs_of(targets: Targets) -> np.ndarray:
    """What a perfect detector says: logits whose heatmaps, offsets and attributes are these."""
    heats = torch.logit(torch.stack([targets.heat, targets.doubt], 1).clamp(1e-6, 1 - 1e-6))
    kinds = [
        10.0 * torch.nn.functional.one_hot(targets.attributes[:, n], len(names)).movedim(-1, 1)
        for n, names in enumerate(ATTRIBUTES.values())
    ]
    return torch.cat([heats, targets.offset, *kinds], dim=1).numpy()


def test_targets_of_one_object_by_hand():
    # Cell middles of a 4-grid are at .125, .375, ...; the centre lies in (2, 2), off by a quarter.
    kinds = torch.tensor([[[5, 1, 0, 1]]])
    targets = draw_targets(labels([[[0.5625, 0.625]]], kinds), grid=4)
    assert targets.heat.shape == (1, 4, 4)
    assert targets.heat[0, 2, 2].item() == 1
    assert targets.heat[0, 0, 3].item() == pytest.approx(np.exp(-(1 + 2**2) / (2 * SIGMA**2)))
    assert targets.offset[0, :, 2, 2].tolist() == pytest.approx([-0.25, 0.0])
    assert targets.offset[0, :, 1, 1].tolist() == pytest.approx([0.75, 1.0])
    assert targets.near[0].tolist() == [
        [False, False, False, False],
        [False, True, True, False],
        [False, True, True, True],
        [False, True, True, False],
    ]
    assert (targets.attributes[0].movedim(0, -1) == torch.tensor([5, 1, 0, 1])).all()
    assert (targets.doubt == 0).all()
    assert (targets.heat_weight == 1).all()


def test_unused_rows_are_not_objects():
    targets = draw_targets(labels([[[0.5, 0.5], [0.1, 0.1]]] * 2, number=[0, 1]), grid=8)
    assert targets.heat[0].max() == 0
    assert not targets.near[0].any()
    assert targets.heat[1, 0, 0] < 0.01


def test_every_cell_describes_its_nearest_object():
    kinds = torch.tensor([[[1, 0, 0, 0], [6, 2, 1, 1]]])
    targets = draw_targets(labels([[[0.125, 0.5], [0.875, 0.5]]], kinds), grid=8)
    assert (targets.attributes[0, :, :, :4] == kinds[0, 0, :, None, None]).all()
    assert (targets.attributes[0, :, :, 4:] == kinds[0, 1, :, None, None]).all()


def test_a_doubtful_object_is_a_bump_of_doubt_and_no_object():
    pixel = [[[0.125, 0.5], [0.875, 0.5]]]
    targets = draw_targets(labels(pixel, doubtful=[[True, False]]), grid=16)
    alone = draw_targets(labels([[[0.875, 0.5]]]), grid=16)
    assert torch.equal(targets.heat, alone.heat)
    assert targets.doubt[0, 8, 2] == 1
    assert targets.doubt[0, :, 8:].max() < 1e-6
    assert targets.heat_weight[0, 8, 2] == 0
    assert targets.heat_weight[0, 8, 6] == 1
    assert not targets.near[0, :, :8].any()
    assert torch.equal(targets.near[0, :, 8:], alone.near[0, :, 8:])


def test_in_ruined_images_nothing_is_taught_but_doubt():
    targets = draw_targets(labels([[[0.5, 0.5]]], ruined=[True]), grid=8)
    assert (targets.doubt == 1).all()
    assert (targets.doubt_weight == 1 / 8).all()
    assert (targets.heat_weight == 0).all()
    assert not targets.near.any()


def test_peaks_of_a_perfect_heatmap_are_the_objects():
    rng = np.random.default_rng(0)
    points = [rng.uniform(0.05, 0.95, (n, 2)) for n in (0, 1, 3)]
    # Nothing nearer than the 2.75 pixels that neighbours may be apart at 32 x 32.
    points.append(np.array([[0.3, 0.3], [0.3, 0.3 + 2.75 / 32], [0.3 + 2.75 / 32, 0.3]]))
    pixel = np.zeros((4, 3, 2))
    kinds = torch.arange(3).repeat(4, 1)
    kinds = torch.stack([kinds, kinds, kinds % 2, (kinds + 1) % 2], dim=-1)
    for row, xy in zip(pixel, points, strict=True):
        row[: len(xy)] = xy
    known = labels(pixel.tolist(), kinds, [len(xy) for xy in points])
    found = find_peaks(outputs_of(draw_targets(known, 32)), 0.5)
    assert [len(f.xy) for f in found] == [0, 1, 3, 3]
    for detections, xy in zip(found, points, strict=True):
        order = np.argsort(detections.color)
        np.testing.assert_allclose(detections.xy[order], xy, atol=1e-5)
        numbers = np.arange(len(xy))
        assert detections.color[order].tolist() == detections.shape[order].tolist()
        assert detections.color[order].tolist() == numbers.tolist()
        assert detections.material[order].tolist() == (numbers % 2).tolist()
        assert detections.size[order].tolist() == ((numbers + 1) % 2).tolist()
        assert not detections.unsure


def logits(heat: np.ndarray) -> np.ndarray:
    out = np.zeros((1, OUTPUTS, *heat.shape), np.float32)
    out[0, DOUBT] = -9
    out[0, HEAT] = torch.logit(torch.from_numpy(heat).float().clamp(1e-6, 1 - 1e-6)).numpy()
    return out


def test_peaks_by_hand():
    heat = np.zeros((6, 6))
    heat[1, 1] = 0.9
    heat[1, 2] = 0.8  # beside a higher one: the same object
    heat[1, 3] = 0.7  # two cells from the highest, but beside the second
    heat[4, 4] = 0.6
    heat[4, 0] = 0.4  # below the threshold
    out = logits(heat)
    out[0, OFFSET, 1, 1] = 0.25, -0.5
    out[0, LOGITS["color"].start + 7, 4, 4] = 1.0
    out[0, LOGITS["shape"].start + 2, 4, 4] = 1.0
    (found,) = find_peaks(out, 0.5)
    assert found.score.tolist() == pytest.approx([0.9, 0.6])
    np.testing.assert_allclose(found.xy, [[1.75 / 6, 1.0 / 6], [4.5 / 6, 4.5 / 6]], atol=1e-6)
    assert found.color.tolist() == [0, 7]
    assert found.shape.tolist() == [0, 2]
    assert found.above(0.7).score.tolist() == pytest.approx([0.9])
    assert found.above(0.7).shape.tolist() == [0]


def test_one_doubtful_cell_makes_an_image_unsure():
    out = np.repeat(logits(np.zeros((6, 6))), 2, axis=0)
    out[1, DOUBT, 3, 2] = 1.0
    sure, unsure = find_peaks(out, 0.5, 0.5)
    assert (sure.unsure, unsure.unsure) == (False, True)
    assert unsure.doubt == pytest.approx(1 / (1 + np.exp(-1)))
    assert not find_peaks(out, 0.5, 0.8)[1].unsure


def test_the_allowed_doubt_is_that_of_all_but_a_share():
    found = [Detections(np.empty((0, 2)), *[np.empty(0)] * 2, doubt=n / 100) for n in range(100)]
    for share in (0.01, 0.05, 0.5):
        allowed = allowed_doubt(found[::-1], share)
        assert sum(one.doubt > allowed for one in found) == pytest.approx(100 * share, abs=1)
        assert sum(one.doubt > allowed for one in found) <= 100 * share
    assert allowed_doubt(found[:1], 0.01) == 0


def test_equal_neighbours_are_one_object():
    heat = np.zeros((6, 6))
    heat[2, 2:4] = 0.9
    (found,) = find_peaks(logits(heat), 0.5)
    assert len(found.xy) == 1


@pytest.mark.parametrize("grid", [1, 2, 7])
def test_peaks_are_those_of_max_pooling(grid):
    # few values, so that many neighbours are equal
    heat = np.random.default_rng(grid).integers(-2, 3, (50, grid, grid)).astype(np.float32)
    _, winner = torch.nn.functional.max_pool2d(
        torch.from_numpy(heat)[:, None], 3, stride=1, padding=1, return_indices=True
    )
    own = winner[:, 0].numpy() == np.arange(grid * grid).reshape(grid, grid)
    outputs = np.zeros((50, OUTPUTS, grid, grid), np.float32)
    outputs[:, 0] = heat
    expected = [np.argwhere(peak) for peak in own & (heat > 0)]
    assert sum(map(len, expected)) > 10
    for found, cells in zip(find_peaks(outputs, 0.5), expected, strict=True):
        held = sorted(map(tuple, ((cells[:, ::-1] + 0.5) / grid).tolist()))
        np.testing.assert_allclose(sorted(map(tuple, found.xy.tolist())), held, atol=1e-6)


def test_two_peaks_two_cells_apart_are_two_objects():
    heat = np.zeros((6, 6))
    heat[2, 1] = heat[2, 3] = 0.9
    (found,) = find_peaks(logits(heat), 0.5)
    assert len(found.xy) == 2


def test_points_stay_in_the_picture():
    out = logits(np.pad([[0.9]], ((0, 3), (0, 3))))
    out[0, OFFSET] = -3.0
    (found,) = find_peaks(out, 0.5)
    assert found.xy.tolist() == [[0.0, 0.0]]
