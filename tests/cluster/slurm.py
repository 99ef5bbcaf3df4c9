"""A Slurm of our own: its real daemons in a folder, two pretended nodes, a pretended GPU on each.

No accounting, no systemd, no cgroups, nothing outside of the folder and the daemons' ports.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "squeue", "scancel")
PLUGIN = "snakemake_executor_plugin_slurm"
NODES = ("n1", "n2")

CONFIG = """
ClusterName=tests
SlurmctldHost=localhost
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={controller}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
MailProg=/bin/true
MpiDefault=none
ReturnToService=2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
KillWait=30
MinJobAge=7200
AccountingStorageType=accounting_storage/none
GresTypes=gpu
{nodes}
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=UNLIMITED DefaultTime=10 State=UP
"""
NODE = "NodeName={name} NodeHostname=localhost Port={port} CPUs=8 RealMemory=64000 Gres=gpu:1"


def missing() -> str | None:
    """What there is not of all that a Slurm of our own takes; None where nothing is missing."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    absent = [name for name in DAEMONS if shutil.which(name, path=path) is None]
    if absent:
        return f"no {absent[0]}: apt-get install --no-install-recommends slurm-wlm munge"
    if importlib.util.find_spec(PLUGIN) is None:
        return "no plugin: pip install -c constraints.txt '.[slurm]'"
    if os.geteuid() != 0:
        return "not root, which Slurm's daemons take to start jobs"
    return None


class Slurm:
    """Daemons that run within a `with` block.

    Args:
        folder: an empty folder for everything that they write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLURM_")},
            "SLURM_CONF": str(folder / "slurm.conf"),
            # jobs start srun without SLURM_CONF, which the plugin takes away
            "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"], "/usr/sbin"]),
        }

    def __enter__(self) -> "Slurm":
        """Start the daemons and wait until both nodes take jobs."""
        self._write()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._start(
            "munged",
            "--foreground",
            f"--key-file={key}",
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--seed-file={self.folder}/munge.seed",
            f"--log-file={self.folder}/munged.log",
        )
        self._wait(lambda: (self.folder / "munge.socket").exists())
        self._start("slurmctld", "-D")
        for name in NODES:
            self._start("slurmd", "-D", "-N", name)
        self._wait(lambda: self.run("sinfo", "-h", "-N", "-o", "%T").split() == ["idle", "idle"])
        return self

    def __exit__(self, *exception: object) -> None:
        """Cancel what runs and stop the daemons, the last one first."""
        if self.jobs():
            self.run("scancel", *self.jobs())
            self.run("scancel", "--full", "--signal=KILL", *self.jobs())
            self._wait(lambda: not self.jobs(), often=60, anyway=True)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def run(self, *command: str) -> str:
        """What one of Slurm's commands prints; empty where it fails."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout if done.returncode == 0 else ""

    def jobs(self) -> list[str]:
        """Numbers of the jobs that wait or run."""
        return self.run("squeue", "-h", "-o", "%A", "--states=PD,R,CG").split()

    def _write(self) -> None:
        ports = _free_ports(1 + len(NODES))
        for name in ("state", "bin"):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)
        nodes = [
            NODE.format(name=name, port=port) for name, port in zip(NODES, ports[1:], strict=True)
        ]
        settings = {"folder": self.folder, "controller": ports[0], "nodes": "\n".join(nodes)}
        (self.folder / "slurm.conf").write_text(CONFIG.format(**settings))
        devices = ("/dev/null", "/dev/zero")
        gpus = [
            f"NodeName={name} Name=gpu File={device}\n"
            for name, device in zip(NODES, devices, strict=True)
        ]
        (self.folder / "gres.conf").write_text("AutoDetect=off\n" + "".join(gpus))
        srun = self.folder / "bin" / "srun"
        srun.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n'
        )
        srun.chmod(0o755)

    def _start(self, *command: str) -> None:
        with (self.folder / f"{len(self._daemons)}-{command[0]}.log").open("wb") as log:
            self._daemons.append(
                subprocess.Popen(
                    command,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def _wait(self, done, often: int = 300, anyway: bool = False) -> None:
        """Until it is done; a daemon that ends before is told with its log."""
        for _ in range(often):
            if done():
                return
            time.sleep(0.1)
            for daemon in self._daemons:
                assert daemon.poll() is None, self._told()
        assert anyway, self._told()

    def _told(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text(errors='replace')[-1500:]}" for log in logs)


def _free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
