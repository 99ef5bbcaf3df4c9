"""A model of images whose distribution is known exactly."""

import torch

from projcomp.features.feature_map import RGB

RESOLUTION = 8


class PixelModel:
    """Images N(mean, std^2): dark, with one bright pixel at the place (or row of the colour)."""

    def __init__(self, std=0.01, kind="position", unconditional=-0.5, resolution=RESOLUTION):
        self.std, self.condition_kind, self.resolution = std, kind, resolution
        self.unconditional, self.features = unconditional, RGB
        self.batches = []

    def mean(self, row):
        image = torch.full((3, self.resolution, self.resolution), -0.8)
        if row[0] == 0:
            return torch.full_like(image, self.unconditional)
        if row[0] == 1 and self.condition_kind == "position":
            column, line = (row[1:] * self.resolution).long().tolist()
            image[:, line, column] = 0.6
        elif row[0] == 1:
            image[:, int(row[1])] = 0.6
        return image

    def __call__(self, x, sigma, condition):
        assert x.dtype == sigma.dtype == torch.float32
        assert len(x) == len(sigma) == len(condition)
        self.batches.append(len(x))
        means = torch.stack([self.mean(row) for row in condition])
        s2 = sigma.reshape(-1, 1, 1, 1) ** 2
        return (self.std**2 * x + s2 * means) / (self.std**2 + s2)
