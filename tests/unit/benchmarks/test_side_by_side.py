"""benchmarks/side_by_side.py: its draws have the training's law, its updates are the training's."""

import argparse
import json

import pandas as pd
import pytest
import torch
from benchmark_file import benchmark
from toy_dataset import write_toy

from projcomp.config.learning import ModelConfig
from projcomp.networks.conditioning import DROPPED, EMPTY, GIVEN
from projcomp.plan.load import load_files

CHOSEN = ModelConfig(
    datasets={"single": 0.75, "empty": 0.25}, condition="position", images_seen=1000
)


@pytest.fixture(scope="module")
def side_by_side():
    return benchmark("side_by_side")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_toy(folder, 4, "single", 32, (1, 3))
    write_toy(folder, 2, "empty", 32, (0, 0))
    return folder


def test_draws_have_the_shares_and_labels_of_the_training(side_by_side, data):
    rng = torch.Generator().manual_seed(0)
    pool = side_by_side.Pool(data, CHOSEN, 0.1, torch.device("cpu"))
    images, rows = pool.draw(20_000, rng)
    number = torch.tensor(
        [int((pool.images == image).all((1, 2, 3)).nonzero()) for image in images[:200]]
    )
    for row, own in zip(rows[:200], number, strict=True):
        count = int(pool.number[own])
        if row[0] == GIVEN:
            assert any(torch.equal(row[1:], label) for label in pool.labels[own, :count])
        elif row[0] == EMPTY:
            assert count == 0
            assert torch.equal(row[1:], torch.zeros(2))
    states = {
        state: float((rows[:, 0] == state).float().mean()) for state in (DROPPED, EMPTY, GIVEN)
    }
    assert states == pytest.approx({DROPPED: 0.1, EMPTY: 0.225, GIVEN: 0.675}, abs=0.015)
    assert torch.equal(
        rows[rows[:, 0] == DROPPED][:, 1:], torch.zeros(int((rows[:, 0] == DROPPED).sum()), 2)
    )


def test_rates_and_means_are_those_of_the_training(side_by_side, data):
    """The mean is of the last weights, which lie on their spheres."""
    pool = side_by_side.Pool(data, CHOSEN, 0.1, torch.device("cpu"))
    variant = side_by_side.Variant(
        {"batch_size": 8, "ramp_images": 16}, {"channels": 8}, averaged=0.5
    )
    training = side_by_side.Training(variant, load_files([]).config, CHOSEN, pool, 32)
    seen = []
    for _ in range(training.total):
        training.step()
        seen.append([weight.detach().clone() for weight in training.weights])
    assert training.total == 4
    assert training.rates.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.06])
    for number, mean in enumerate(training.mean):
        wanted = (seen[2][number] + seen[3][number]) / 2
        assert torch.allclose(mean, wanted, atol=1e-6)


def test_what_is_trained_is_sampled_and_counted(side_by_side, data, tmp_path, monkeypatch, capsys):
    small = {"small": side_by_side.Variant({"batch_size": 4}, {"channels": 8})}
    monkeypatch.setattr(side_by_side, "VARIANTS", small)
    given = argparse.Namespace(
        data=data,
        out=tmp_path,
        model="single",
        variants=["small"],
        images=256,
        seeds=2,
        first_seed=0,
        composed=[2],
        samples=2,
        precisions=["fp32"],
        minutes=60,
        device="cpu",
    )
    side_by_side.train(given)
    rows = json.loads((tmp_path / "trained.json").read_text())
    assert [row["seed"] for row in rows] == [0, 1]

    class AtBothPlaces:
        resolution, most_doubt = 32, 1.0

    wanted = load_files([]).config.places["apart"][:2]
    found = argparse.Namespace(xy=torch.tensor(wanted).numpy(), unsure=False)
    monkeypatch.setattr(side_by_side, "load_detector", lambda path: AtBothPlaces())
    monkeypatch.setattr(side_by_side, "detect", lambda detector, images, threshold: [found] * 2)
    given.detector = tmp_path
    side_by_side.count(given)
    table = pd.read_csv(tmp_path / "counted.csv")
    assert table[["places", "exact", "unsure"]].to_numpy().tolist() == [[1, 1, 0]] * 2
    assert "| small | fp32 |" in capsys.readouterr().out
