"""The rules that the config and the stages share say exactly what works."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from projcomp.config.learning import NetworkConfig
from projcomp.networks.denoiser import Denoiser
from projcomp.settings.training_checks import (
    DETECTOR_RESOLUTION,
    condition_problems,
    detector_resolution_problem,
    network_problems,
    shared_update_problem,
)

NETWORKS = st.builds(
    NetworkConfig,
    channels=st.sampled_from([4, 5, 33, 64, 65, 96, 100, 127, 128, 129, 130]),
    multipliers=st.sampled_from([[1], [1, 2], [2, 1], [1, 3, 2], [1, 1, 1, 1]]),
    attention_resolutions=st.sampled_from([[], [8], [4], [2, 4]]),
    coordinate_planes=st.just(False),
)


@settings(max_examples=40, deadline=None)
@given(NETWORKS, st.sampled_from([8, 10, 16]))
def test_a_network_without_problems_runs(network, resolution):
    problems = list(network_problems("network", network, resolution))
    if any("expected some of" in problem for problem in problems):
        return  # a level that is not there is a mistake, though nothing fails of it
    try:
        with torch.device("meta"), torch.no_grad():
            model = Denoiser(network, resolution, "position")
            condition = torch.zeros(1, 3)
            model(torch.zeros(1, 3, resolution, resolution), torch.ones(1), condition)
    except RuntimeError:
        assert problems
    else:
        assert not problems


def test_the_least_resolution_of_the_detector_is_that_of_its_network():
    from projcomp.evaluation.detector import Detector

    Detector(4, DETECTOR_RESOLUTION)
    with pytest.raises(ValueError, match="expected at least"):
        Detector(4, DETECTOR_RESOLUTION - 1)
    assert detector_resolution_problem(DETECTOR_RESOLUTION) is None
    assert detector_resolution_problem(8) is not None


@pytest.mark.parametrize("processes", [(1, 1), (2, 1), (2, 3), (64, 1), (128, 1)])
def test_processes_share_an_update_in_equal_parts(processes):
    problem = shared_update_problem(64, *processes)
    assert (problem is None) == (64 % (processes[0] * processes[1]) == 0)


def test_every_image_of_a_conditional_dataset_has_an_object_or_none_has():
    def problems(condition, **objects):
        return list(condition_problems("datasets", condition, objects))

    assert not problems("none", a=(0, 0), b=(0, 3))
    assert not problems("position", a=(1, 3), b=(0, 0))
    assert "got only a, b; set condition to none" in problems("color", a=(0, 0), b=(0, 0))[0]
    assert "got b (min_objects 0)" in problems("position", a=(1, 1), b=(0, 3))[0]
