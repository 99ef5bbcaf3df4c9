"""Jobs of a killed run are found by their name and ended, by commands that stand for Slurm's."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from projcomp.errors import LockedError
from projcomp.machine.slurm import end_jobs, jobs_name, named_jobs

SQUEUE = '#!/bin/sh\necho "squeue $*" >> told\ncat queue\n'
SCANCEL = '#!/bin/sh\necho "scancel $*" >> told\n: > queue\n'


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both commands first on the path; `queue` is what is in the queue."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("projcomp.machine.slurm._POLL", 0.0)
    for name, text in (("squeue", SQUEUE), ("scancel", SCANCEL)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "queue").touch()
    return tmp_path


def told() -> list[str]:
    """The commands that were given, by their names and what is cancelled."""
    words = [line.split() for line in Path("told").read_text().splitlines()]
    return [" ".join(line if line[0] == "scancel" else line[:1]) for line in words]


def test_jobs_of_this_root_alone_are_cancelled_and_waited_for(slurm: Path, capsys) -> None:
    mine, other = jobs_name("."), jobs_name("other")
    Path("note").touch()
    Path("queue").write_text(f"11 {mine}_u\n12 {other}_u\n13 lab_{mine}_v\n14 bash\n")
    end_jobs("note", mine)
    assert told() == ["squeue", "scancel --quiet 11 13", "squeue"]
    assert capsys.readouterr().err == "note: cancelling 2 of a killed run's jobs; waiting\n"
    assert not Path("note").exists()


def test_without_a_note_slurm_is_not_asked(slurm: Path) -> None:
    end_jobs("note", jobs_name("."))
    assert not Path("told").exists()


def test_a_job_that_is_ending_is_cancelled_once_and_waited_for(slurm: Path) -> None:
    Path("note").touch()
    Path("queue").write_text(f"11 {jobs_name('.')}_u\n")
    Path("bin/scancel").write_text('#!/bin/sh\necho "scancel $*" >> told\n')
    count = "[ $(grep -c squeue told) -lt 4 ] || : > queue\n"
    Path("bin/squeue").write_text(SQUEUE.replace("cat", f"{count}cat"))
    end_jobs("note", jobs_name("."))
    assert told() == ["squeue", "scancel --quiet 11", "squeue", "squeue", "squeue"]


def test_a_slurm_that_does_not_answer_is_one_line_and_the_note_stays(slurm: Path) -> None:
    Path("note").touch()
    Path("bin/squeue").write_text("#!/bin/sh\necho no controller >&2\nexit 1\n")
    with pytest.raises(LockedError, match=r"^note: expected Slurm to tell .*\(no controller\): "):
        end_jobs("note", jobs_name("."))
    assert Path("note").exists()


@pytest.mark.parametrize(("own", "name"), [("", "n"), (None, "n"), ("lab", "lab_n")])
@pytest.mark.parametrize("left", [True, False])
def test_a_run_names_its_jobs_and_leaves_word_of_those_that_are_left(
    slurm: Path, own: str | None, name: str, left: bool
) -> None:
    settings = SimpleNamespace(jobname_prefix=own)
    with named_jobs(settings, "note", "n"):
        assert settings.jobname_prefix == name
        assert Path("note").read_text() == "n\n"
        Path("queue").write_text("11 n_u\n" if left else "")
    assert Path("note").exists() == left


def test_another_executor_has_no_note(slurm: Path) -> None:
    for settings in (None, SimpleNamespace()):
        with named_jobs(settings, "note", "n"):
            assert not Path("note").exists()
    assert not Path("told").exists()


def test_a_name_is_one_roots_however_it_is_called_and_fits_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert jobs_name(tmp_path / "link") == jobs_name(tmp_path) != jobs_name(tmp_path / "copy")
    assert len(jobs_name(tmp_path)) == 25
