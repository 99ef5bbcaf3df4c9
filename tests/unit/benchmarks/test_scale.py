"""What a run costs on paper, from rates whose sums are known."""

import pytest
from benchmark_file import benchmark
from known_config import known

from projcomp.plan.load import load


@pytest.fixture
def scale():
    return benchmark("scale")


def test_every_stage_is_its_number_times_its_rate(scale) -> None:
    run = load(known({"sampling": {"num_steps": 5}, "reference": {"num_images": 6}}))
    rates = scale.Rates(render=3600, multiply_adds=1e9 / 3600, count=1800, image_bytes=2**30)
    found = {stage.name: stage for stage in scale.stages(run, rates)}
    # 70 images in 7 shards of 5 datasets
    renders = found["renders"]
    assert (renders.jobs, renders.items, renders.files) == (12, 70, 12)
    assert (renders.core_hours, renders.gibibytes) == pytest.approx((70, 70))
    # k0 and k2 of places, a pair of colours; 6 renders each
    assert (found["ground truth"].items, found["ground truth"].core_hours) == (18, 18)
    # three networks of 640 images, forward and backward
    work = 3 * 640 * sum(run.network(name).work(32) for name in ("single", "cluttered", "colored"))
    assert found["trainings"].gpu_hours == pytest.approx(work / 1e9)
    # 4 samples of A k0 (its background alone), and of A, B, C and colours, three each; 5 Heun steps
    assert found["samples"].items == 4 * 10 * (1 + 3 + 3 + 3 + 3)
    assert found["samples"].gibibytes == 20
    assert (found["counts"].items, found["counts"].core_hours) == (20 + 18, 19)


def test_the_table_ends_with_the_sums(scale) -> None:
    run = load(known())
    lines = list(scale.report(run, scale.Rates(1.0, 1e12, 0.0, 2000.0)))
    assert lines[0].split() == ["stage", "jobs", "items", "core-hours", "GPU-hours", "GiB", "files"]
    jobs = [int(line[14:22]) for line in lines[1:7]]
    assert jobs[-1] == sum(jobs[:-1])
    assert lines[7].startswith("work of single: ")
