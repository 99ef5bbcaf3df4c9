"""GPUs handed out on one machine, with pretended ones: real processes, real locks, real kills."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from known_config import known
from typer.testing import CliRunner

from projcomp import cli
from projcomp.errors import ConfigError, OutputError, UserError
from projcomp.machine import gpus
from projcomp.machine.gpus import take_gpus, visible_gpus
from projcomp.plan import stages
from projcomp.plan.load import load
from projcomp.settings.stages import to_json
from projcomp.training import train

JOB = """
import sys
from projcomp.machine.gpus import take_gpus
import os
take_gpus(int(sys.argv[1]))
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


class Jobs:
    """Processes that each take GPUs and keep them until they are ended."""

    def __init__(self, folder: Path, gpus: str, **environment: str) -> None:
        self.environment = {**os.environ, "TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": gpus}
        self.environment |= environment
        self.running: list[subprocess.Popen[str]] = []

    def start(self, count: int = 1) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        command = [sys.executable, "-c", JOB, str(count)]
        self.running.append(subprocess.Popen(command, env=self.environment, **pipes))
        return self.running[-1]

    def __enter__(self) -> "Jobs":
        return self

    def __exit__(self, *exception: object) -> None:
        for job in self.running:
            job.kill()
            job.communicate()


def said(job: subprocess.Popen[str]) -> str:
    assert job.stdout is not None
    return job.stdout.readline().strip()


@pytest.mark.parametrize(
    ("told", "files", "names"),
    [
        (None, (), []),
        (None, ("nvidiactl", "nvidia-uvm"), []),
        (None, ("nvidia0", "nvidia1", "nvidiactl"), ["0", "1"]),
        (None, ("nvidia5",), ["0"]),  # a container that is given the sixth
        ("2, 3", ("nvidia0",), ["2", "3"]),
        ("GPU-ab,GPU-cd", (), ["GPU-ab", "GPU-cd"]),
        ("", ("nvidia0",), []),
        ("-1", ("nvidia0",), []),
        ("1,-1,2", (), ["1"]),
    ],
)
def test_what_a_process_may_take(
    tmp_path: Path, told: str | None, files: tuple[str, ...], names: list[str]
) -> None:
    for name in files:
        (tmp_path / name).touch()
    environ = {} if told is None else {"CUDA_VISIBLE_DEVICES": told}
    assert visible_gpus(environ, tmp_path) == names


@pytest.mark.parametrize(
    ("count", "told", "job"),
    [(0, "0,1", ""), (3, "0,1", ""), (1, "3", "7"), (2, "0,1", "7"), (3, "0,1", "7")],
)
def test_where_there_is_no_choice_nothing_changes(
    tmp_path: Path, count: int, told: str, job: str
) -> None:
    environ = {"CUDA_VISIBLE_DEVICES": told, "SLURM_JOB_ID": job}
    take_gpus(count, environ, tmp_path)
    assert environ["CUDA_VISIBLE_DEVICES"] == told


@pytest.mark.parametrize(("count", "told"), [(1, "3"), (2, "0,1")])
def test_all_gpus_of_a_machine_are_taken_too(tmp_path: Path, count: int, told: str) -> None:
    """Another Snakemake may be there, and a training of all beside a sampling of one."""
    with Jobs(tmp_path, told) as jobs:
        first = jobs.start(count)
        assert said(first) == told
        late = jobs.start(1)
        assert said(late) == f"waiting for 1 of {count} GPUs: other jobs have them"
        first.kill()
        assert said(late) == told[0]


def test_a_process_that_asks_again_keeps_what_it_has(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(gpus, "_held", {})
    environ = {"CUDA_VISIBLE_DEVICES": "0,1"}
    take_gpus(1, environ)
    taken = environ["CUDA_VISIBLE_DEVICES"]
    take_gpus(1, environ)
    assert environ["CUDA_VISIBLE_DEVICES"] == taken
    for lock in gpus._held.values():
        os.close(lock)


def test_jobs_share_the_only_gpu_when_asked(tmp_path: Path) -> None:
    with Jobs(tmp_path, "0", PROJCOMP_JOBS_PER_GPU="2") as jobs:
        assert [said(jobs.start()), said(jobs.start())] == ["0", "0"]
        assert said(jobs.start()).startswith("waiting")


def test_every_job_has_its_own_and_one_that_was_killed_leaves_it(tmp_path: Path) -> None:
    with Jobs(tmp_path, "4,5,6") as jobs:
        first = [jobs.start() for _ in range(3)]
        taken = [said(job) for job in first]
        assert sorted(taken) == ["4", "5", "6"]
        late = jobs.start()
        assert said(late) == "waiting for 1 of 3 GPUs: other jobs have them"
        first[1].kill()
        assert said(late) == taken[1]


def test_two_jobs_of_two_gpus_do_not_hold_one_each(tmp_path: Path) -> None:
    with Jobs(tmp_path, "0,1,2") as jobs:
        one, two = jobs.start(2), jobs.start(2)
        assert sorted([said(one), said(two)])[-1] == "waiting for 2 of 3 GPUs: other jobs have them"
        # what the waiting one looked at is free again
        assert said(jobs.start(1)) in ("0", "1", "2")


def test_two_on_one_when_asked_and_the_free_ones_first(tmp_path: Path) -> None:
    with Jobs(tmp_path, "0,1", PROJCOMP_JOBS_PER_GPU="2") as jobs:
        taken = [said(jobs.start()) for _ in range(4)]
        assert set(taken[:2]) == {"0", "1"}
        assert Counter(taken) == {"0": 2, "1": 2}
        assert said(jobs.start()).startswith("waiting")


def test_the_gpus_of_one_scheduled_job_are_not_those_of_another(tmp_path: Path) -> None:
    with (
        Jobs(tmp_path, "0,1", SLURM_JOB_ID="1") as one,
        Jobs(tmp_path, "0,1", SLURM_JOB_ID="2") as two,
    ):
        assert [said(one.start()), said(two.start())] == ["0", "0"]


@pytest.mark.parametrize("share", ["0", "many", "1000", "-1"])
def test_a_wrong_number_of_jobs_per_gpu_is_one_line(tmp_path: Path, share: str) -> None:
    environ = {"CUDA_VISIBLE_DEVICES": "0,1", "PROJCOMP_JOBS_PER_GPU": share}
    with pytest.raises(ConfigError, match=r"^PROJCOMP_JOBS_PER_GPU: expected a number of jobs"):
        take_gpus(1, environ, tmp_path)


@pytest.mark.parametrize("wrong", ["", "0.0"], ids=["a file", "a folder in it"])
def test_what_stands_in_the_place_of_the_locks_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"projcomp-gpus-{os.getuid()}-7"
    if wrong:
        (folder / wrong).mkdir(parents=True)
    else:
        folder.touch()
    with pytest.raises(OutputError, match=rf"^{folder}: a folder for the locks of GPUs expected"):
        take_gpus(1, {"CUDA_VISIBLE_DEVICES": "0,1", "SLURM_JOB_ID": "7"})


RUN = load(known({"evaluation": {"locality": {}}, "render": {"device": "optix"}}))
GPU = json.dumps({"device": "gpu", "devices": 3})
STAGES = {
    "render-shard": (1, stages.render_settings(RUN, "single"), "--shard 0 --out OUT"),
    "render-reference": (1, stages.reference_settings(RUN, "k2"), "--out OUT"),
    "train": (
        3,
        stages.train_settings(RUN, "single"),
        f"--compute {GPU} --data . --out OUT --state S",
    ),
    "check-model": (1, stages.check_settings(RUN, "single"), "--data . --model m --out OUT"),
    "locality": (1, stages.locality_settings(RUN, "single"), "--models . --out OUT"),
    "train-detector": (
        1,
        stages.detector_settings(RUN),
        f"--compute {GPU} --data d --out OUT --state S",
    ),
    "sample": (1, stages.sample_settings(RUN, "A", "k2"), "--models . --out OUT"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_takes_its_gpus_before_it_looks_for_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    taken = []

    def stop(count: int) -> None:
        taken.append(count)
        raise UserError("as far as that")

    monkeypatch.setattr(gpus, "take_gpus", stop)
    count, settings, flags = STAGES[stage]
    words = flags.replace(GPU, "GPU").split()
    places = {"OUT": str(tmp_path / "out"), "S": str(tmp_path / "state"), "GPU": GPU}
    arguments = ["--settings", to_json(settings), *(places.get(word, word) for word in words)]
    done = CliRunner().invoke(cli.app, [stage, *arguments])
    assert (done.output, taken) == ("error: as far as that\n", [count])


@pytest.mark.parametrize(
    ("told", "compute", "expected"),
    [
        ({"LOCAL_RANK": "1"}, {"devices": 2}, []),
        ({"SLURM_PROCID": "3"}, {"devices": 2, "nodes": 2}, []),
        ({"LOCAL_RANK": "0"}, {"devices": 1}, [1]),  # of somebody else's: it is one process
        ({"SLURM_PROCID": "0"}, {"devices": 2}, [2]),  # srun started one, which starts the other
    ],
)
def test_a_process_that_a_launcher_started_beside_others_takes_what_it_is_shown(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: dict[str, str],
    compute: dict[str, int],
    expected: list[int],
) -> None:
    """Each would lock the GPUs of all: the second one of four would wait for ever."""
    taken = []
    monkeypatch.setattr(gpus, "take_gpus", taken.append)
    monkeypatch.setattr(train, "train", lambda *arguments: None)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings = to_json(stages.train_settings(RUN, "single"))
    how = json.dumps({"device": "gpu", **compute})
    folders = ["--data", ".", "--out", str(tmp_path / "out"), "--state", str(tmp_path / "state")]
    flags = ["--settings", settings, "--compute", how, *folders]
    done = CliRunner().invoke(cli.app, ["train", *flags])
    assert (done.output, done.exit_code, taken) == ("", 0, expected)


def test_the_processor_takes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(gpus, "take_gpus", taken.append)
    settings = to_json(stages.sample_settings(RUN, "A", "k2"))
    arguments = ["--settings", settings, "--models", str(tmp_path), "--device", "cpu"]
    CliRunner().invoke(cli.app, ["sample", *arguments, "--out", str(tmp_path / "out.h5")])
    assert taken == [0]
