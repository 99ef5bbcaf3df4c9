import numpy as np
import pytest
import torch

from projcomp.evaluation.heatmaps import find_peaks
from projcomp.evaluation.targets import draw_targets


def outputs_of(targets, num_colors: int = 8) -> np.ndarray:
    """What a perfect detector says: logits whose heatmap, offsets and colours are the targets."""
    heat = torch.logit(targets.heat.clamp(1e-6, 1 - 1e-6))[:, None]
    color = 10.0 * torch.nn.functional.one_hot(targets.color, num_colors).permute(0, 3, 1, 2)
    return torch.cat([heat, targets.offset, color.float()], dim=1).numpy()


def test_targets_of_one_object_by_hand():
    # Cell middles of a 4-grid are at .125, .375, ...; the centre is half a cell right of (1, 2).
    targets = draw_targets(
        torch.tensor([[[0.5, 0.625]]]), torch.tensor([[5]]), torch.tensor([1]), grid=4
    )
    assert targets.heat.shape == (1, 4, 4)
    assert targets.heat[0, 2, 1].item() == pytest.approx(np.exp(-0.125))
    assert targets.heat[0, 2, 2].item() == pytest.approx(np.exp(-0.125))
    assert targets.heat[0, 0, 3].item() == pytest.approx(np.exp(-(1.5**2 + 2**2) / 2))
    assert targets.offset[0, :, 2, 1].tolist() == pytest.approx([0.5, 0.0])
    assert targets.offset[0, :, 1, 2].tolist() == pytest.approx([-0.5, 1.0])
    assert targets.near[0].tolist() == [
        [False, False, False, False],
        [False, True, True, False],
        [True, True, True, True],
        [False, True, True, False],
    ]
    assert (targets.color == 5).all()


def test_unused_rows_are_not_objects():
    pixel = torch.tensor([[[0.5, 0.5], [0.1, 0.1]], [[0.5, 0.5], [0.1, 0.1]]])
    targets = draw_targets(pixel, torch.zeros(2, 2).long(), torch.tensor([0, 1]), grid=8)
    assert targets.heat[0].max() == 0
    assert not targets.near[0].any()
    assert targets.heat[1, 0, 0] < 0.01


def test_every_cell_describes_its_nearest_object():
    pixel = torch.tensor([[[0.125, 0.5], [0.875, 0.5]]])
    targets = draw_targets(pixel, torch.tensor([[1, 6]]), torch.tensor([2]), grid=8)
    assert (targets.color[0, :, :4] == 1).all()
    assert (targets.color[0, :, 4:] == 6).all()


def test_peaks_of_a_perfect_heatmap_are_the_objects():
    rng = np.random.default_rng(0)
    points = [rng.uniform(0.05, 0.95, (n, 2)) for n in (0, 1, 3)]
    # Nothing nearer than the 2.75 pixels that neighbours may be apart at 32 x 32.
    points.append(np.array([[0.3, 0.3], [0.3, 0.3 + 2.75 / 32], [0.3 + 2.75 / 32, 0.3]]))
    pixel = torch.zeros(4, 3, 2)
    color = torch.arange(3).repeat(4, 1)
    for row, xy in zip(pixel, points, strict=True):
        row[: len(xy)] = torch.from_numpy(xy)
    number = torch.tensor([len(xy) for xy in points])
    found = find_peaks(outputs_of(draw_targets(pixel, color, number, 32)), 0.5)
    assert [len(f.xy) for f in found] == [0, 1, 3, 3]
    for detections, xy in zip(found, points, strict=True):
        order = np.argsort(detections.color)
        np.testing.assert_allclose(detections.xy[order], xy, atol=1e-5)
        assert detections.color[order].tolist() == list(range(len(xy)))


def logits(heat: np.ndarray) -> np.ndarray:
    out = np.zeros((1, 11, *heat.shape), np.float32)
    out[0, 0] = torch.logit(torch.from_numpy(heat).float().clamp(1e-6, 1 - 1e-6)).numpy()
    return out


def test_peaks_by_hand():
    heat = np.zeros((6, 6))
    heat[1, 1] = 0.9
    heat[1, 2] = 0.8  # beside a higher one: the same object
    heat[1, 3] = 0.7  # two cells from the highest, but beside the second
    heat[4, 4] = 0.6
    heat[4, 0] = 0.4  # below the threshold
    out = logits(heat)
    out[0, 1, 1, 1], out[0, 2, 1, 1] = 0.25, -0.5
    out[0, 3 + 7, 4, 4] = 1.0
    (found,) = find_peaks(out, 0.5)
    assert found.score.tolist() == pytest.approx([0.9, 0.6])
    np.testing.assert_allclose(found.xy, [[1.75 / 6, 1.0 / 6], [4.5 / 6, 4.5 / 6]], atol=1e-6)
    assert found.color.tolist() == [0, 7]


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
    outputs = np.zeros((50, 11, grid, grid), np.float32)
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
    out[0, 1:3] = -3.0
    (found,) = find_peaks(out, 0.5)
    assert found.xy.tolist() == [[0.0, 0.0]]
