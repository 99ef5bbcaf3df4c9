"""What jobs ask a scheduler for: it follows from the config, and grows with the attempt."""

from pathlib import Path
from typing import Any

import pytest
from known_config import known

from projcomp.plan import needs
from projcomp.plan.load import load, load_files
from projcomp.plan.needs import MOST_MINUTES, Need
from projcomp.plan.plan import Plan
from projcomp.plan.run import Run

REPOSITORY = Path(__file__).parents[3]
CPU = {"training": {"device": "cpu"}, "sampling": {"device": "cpu"}}


def run(change: dict[str, Any] | None = None) -> Run:
    return load(known({"compute": CPU, **(change or {})}))


def test_a_need_is_rounded_up_and_asked_for_again_with_every_attempt() -> None:
    need = Need(mib=1201, minutes=10.2)
    assert [need.mem_mb(attempt) for attempt in (1, 2, 3)] == [1300, 2600, 3900]
    assert [need.runtime(attempt) for attempt in (1, 2, 3)] == [41, 82, 123]
    assert Need(1, 1e9).runtime() == Need(1, 6000).runtime(2) == MOST_MINUTES


def test_what_goes_on_from_a_state_asks_for_no_more_time_again() -> None:
    """A partition that gives the first attempt its time gives it to the others too."""
    for need in (needs.training(run(), "single"), needs.detector(run())):
        assert need.runtime(3) == need.runtime(1)
        assert need.mem_mb(3) == 3 * need.mem_mb(1)
    assert needs.reference(run()).runtime(2) == 2 * needs.reference(run()).runtime(1)


def test_a_shard_takes_as_long_as_its_samples() -> None:
    # 10 images of (0.6 s + 32 * 32 pixels * 8 samples * 1e-5 s), and on two threads half of that
    shard = needs.rendering(run())
    assert shard.minutes == pytest.approx(10 * (0.6 + 1024 * 8 * 1e-5) / 60)
    two = run({"compute": {**CPU, "rendering": {"threads": 2}}})
    assert needs.rendering(two).minutes == pytest.approx(shard.minutes / 2)
    assert needs.reference(run({"reference": {"num_images": 20}})).minutes == pytest.approx(
        2 * shard.minutes
    )


def test_a_training_takes_as_long_as_its_images_on_what_it_runs_on() -> None:
    one = needs.training(run(), "single")
    # 640 images, forward and backward, at 5e9 multiply-adds a second
    work = 3 * 640 * run().network("single").work(32)
    assert one.minutes == pytest.approx(work / 5e9 / 60)
    twice = run({"models": {"single": {"images_seen": 1280}}})
    assert needs.training(twice, "single").minutes == pytest.approx(2 * one.minutes)
    four = run({"compute": {"training": {"device": "cpu", "devices": 2, "nodes": 2}}})
    assert needs.training(four, "single").minutes == pytest.approx(one.minutes / 4)
    gpu = run({"compute": {"training": {"device": "gpu"}}})
    assert needs.training(gpu, "single").minutes < one.minutes / 1000


def test_the_memory_of_a_training_is_that_of_its_network_and_passes() -> None:
    small = needs.training(run(), "single").mib
    wide = needs.training(run({"network": {"channels": 64}}), "single").mib
    passes = run(
        {"network": {"channels": 64}, "compute": {"training": {"device": "cpu", "microbatch": 8}}}
    )
    assert small < needs.training(passes, "single").mib < wide
    # two processes of a node, each with half of the batch and a network of its own
    two = run({"compute": {"training": {"device": "cpu", "devices": 2}}})
    assert needs.training(two, "single").mib < 2 * small
    assert needs.training(two, "single").mib > 1.5 * small
    # a dataset above 4 GiB of pixels is read and not kept
    kept, read = (
        needs.training(
            run({"render": {"shard_size": 1000}, "datasets": many(number)}), "single"
        ).mib
        for number in (1_398_000, 1_399_000)
    )
    assert kept - read == pytest.approx(4096, abs=1)


def many(number: int) -> dict[str, Any]:
    """Datasets in shards of 1000, one of them large."""
    names = ("empty", "cluttered", "colored", "counting")
    return {**{name: {"num_images": 1000} for name in names}, "single": {"num_images": number}}


def test_sampling_grows_with_what_is_composed() -> None:
    settings = {"experiments": {"A": {"num_composed": [2, 6]}}}
    two, six = (needs.sampling(run(settings), "A", case).minutes for case in ("k2", "k6"))
    assert six / two == pytest.approx(8 / 4)
    swarm = run({"sampling": {"sampler": "sde", "swarm": {"particles": 3}}})
    plain = run({"sampling": {"sampler": "sde"}})
    assert needs.sampling(swarm, "A", "k2").minutes == pytest.approx(
        3 * needs.sampling(plain, "A", "k2").minutes
    )


def test_an_exact_model_needs_its_renders() -> None:
    exact = {"experiments": {"A": {"exact": True}}}
    few = needs.sampling(run(exact), "A-exact", "k2")
    more = needs.sampling(
        run({**exact, "datasets": {"single": {"num_images": 20_000}}}), "A-exact", "k2"
    )
    assert more.mib - few.mib == pytest.approx(9 * 19_980 * 3072 / 2**20)
    assert more.minutes > 100 * few.minutes


def test_counting_needs_no_torch_and_knows_the_truth() -> None:
    assert needs.counting(run(), "A").mem_mb() == 1100
    assert needs.counting(run({"reference": {"num_images": 100_000}}), "truth").mem_mb() > 5000


@pytest.mark.parametrize("preset", ["demo", "smoke", "gpu", "paper"])
def test_any_preset_asks_for_what_a_common_machine_has(preset: str) -> None:
    names = [] if preset == "demo" else [f"presets/{preset}.yaml"]
    found = load_files([REPOSITORY / name for name in ("config.yaml", *names)])
    asked = [needs.rendering(found), needs.reference(found), needs.detector(found)]
    for model in found.networks:
        asked += [needs.training(found, model), needs.checking(found, model)]
    for experiment, cases in found.cases.items():
        asked += [needs.counting(found, experiment)]
        if experiment in found.experiments:
            asked += [needs.sampling(found, experiment, case) for case in cases]
    assert max(need.mem_mb() for need in asked) <= {"paper": 40_000}.get(preset, 16_000)
    assert max(need.runtime() for need in asked) <= {"paper": MOST_MINUTES}.get(preset, 24 * 60)


@pytest.mark.parametrize(
    ("devices", "resources"),
    [(1, {"gpu": 1}), (4, {"gpu": 4, "nodes": 1, "tasks_per_gpu": 0})],
)
def test_a_training_on_one_node_asks_for_its_gpus_there(devices: int, resources: dict) -> None:
    assert Plan(run()).training_resources() == {"gpu": 0}
    gpus = Plan(run({"compute": {"training": {"device": "gpu", "devices": devices}}}))
    assert gpus.training_resources() == resources


def test_the_slurm_plugin_is_told_of_one_task_on_one_node() -> None:
    """By the plugin itself: four tasks would each have the processors of all."""
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="pip install '.[slurm]'")
    from types import SimpleNamespace

    from snakemake_executor_plugin_slurm.submit_string import get_submit_command

    compute = {"training": {"device": "gpu", "devices": 4, "threads": 8}}
    asked = Plan(run({"compute": compute})).training_resources()
    resources = _Resources({**asked, "mem_mb": 1000, "runtime": 30})
    job = SimpleNamespace(
        resources=resources, threads=32, name="train_model", is_group=lambda: False
    )
    names = ("run_uuid", "slurm_logfile", "comment_str", "account", "partition", "workdir")
    params = dict.fromkeys(names, "")
    call = get_submit_command(job, params)
    assert "--nodes=1" in call
    assert "--ntasks-per-gpu" not in call
    assert "--cpus-per-task=32" in call


class _Resources(dict):
    """As Snakemake's: attributes that are keys."""

    __getattr__ = dict.__getitem__


def test_an_index_takes_as_long_as_its_bytes_take_to_read() -> None:
    few, many = (
        needs.indexing(run({"datasets": {"single": {"num_images": count}}}), "single").runtime()
        for count in (10_000, 1_000_000)
    )
    assert few <= 31 < many


def test_a_training_on_several_nodes_is_started_by_srun() -> None:
    two = {"device": "cpu", "nodes": 2, "threads": 3}
    start = "srun --nodes=2 --ntasks=2 --ntasks-per-node=1 --cpus-per-task=3"
    assert Plan(run({"compute": {"training": two}})).training_resources() == {
        **{"nodes": 2, "tasks": 2, "cpus_per_task": 3},
        "mpi": start,
    }
    found = Plan(run({"compute": {"training": {**two, "device": "gpu", "devices": 4}}}))
    assert found.training_resources() == {
        **{"nodes": 2, "tasks": 8, "cpus_per_task": 3, "gres": "gpu:4", "tasks_per_gpu": 0},
        "mpi": "srun --nodes=2 --ntasks=8 --ntasks-per-node=4 --cpus-per-task=3",
    }


def test_the_launcher_is_told_its_processors() -> None:
    plan = Plan(run())
    assert plan.training_options() == plan.training_options("", 4)
    assert "--launch" not in plan.training_options("", 4)
    told = plan.training_options("srun --overlap -c{threads}", 4)
    assert told == f"{plan.training_options()} --launch 'srun --overlap -c4'"
