"""What the environment says of the processes of a training, held against what was asked.

Lightning reads the same variables, later and one by one: what is missing there is a KeyError, and
what disagrees is a training that waits for processes that nobody starts, or learns other parts of
an update than it should.
"""

from collections.abc import Mapping

_SLURM = ("SLURM_NTASKS", "SLURM_PROCID", "SLURM_NODEID", "SLURM_LOCALID")
_LAUNCHER = ("LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_SRUN = (
    "start the command by srun --nodes={nodes} --ntasks-per-node={devices}, or set "
    "compute.training.nodes to 1"
)


def environment_problem(environ: Mapping[str, str], devices: int, nodes: int) -> str | None:
    """Why ``devices`` processes on each of ``nodes`` nodes cannot share updates here, or None.

    On several nodes Slurm starts all processes; on one, a launcher such as torchrun may have
    (``LOCAL_RANK`` tells), or else we do. A training in one process asks nothing of its
    environment, whatever else that is for.
    """
    if nodes > 1:
        return _slurm_problem(environ, devices, nodes)
    if devices > 1 and "LOCAL_RANK" in environ:
        return _launcher_problem(environ, devices)
    return None


def launched_together(environ: Mapping[str, str], devices: int, nodes: int) -> bool:
    """Whether a launcher starts the processes that share each update, and we none of them.

    Each then takes the GPU of its number among those that the launcher shows to all of a node.
    """
    return nodes > 1 or (devices > 1 and "LOCAL_RANK" in environ)


def own_rank(environ: Mapping[str, str], devices: int, nodes: int) -> int:
    """Which of the processes that share each update this one is; the environment has no problem."""
    if nodes > 1:
        return int(environ["SLURM_PROCID"])
    return int(environ.get("LOCAL_RANK", 0)) if devices > 1 else 0


def _slurm_problem(environ: Mapping[str, str], devices: int, nodes: int) -> str | None:
    key = f"compute.training.nodes = {nodes}"
    mend = _SRUN.format(nodes=nodes, devices=devices)
    missing = [name for name in _SLURM if name not in environ]
    if missing:
        return f"{key}: expected a process that Slurm's srun started, got no {missing[0]}; {mend}"
    expected = {
        "SLURM_NTASKS": devices * nodes,
        "SLURM_STEP_NUM_TASKS": devices * nodes,
        "SLURM_NTASKS_PER_NODE": devices,
        "SLURM_NNODES": nodes,
    }
    # Lightning asks for it whenever there are several tasks
    if "SLURM_NTASKS_PER_NODE" not in environ:
        return f"{key}: expected srun to say --ntasks-per-node={devices}, got nothing; {mend}"
    for name, number in expected.items():
        if name in environ and environ[name].strip() != str(number):
            return (
                f"{key}: expected {name} = {number} with compute.training.devices = {devices}, got "
                f"{environ[name]!r}; {mend}"
            )
    below = {"SLURM_PROCID": devices * nodes, "SLURM_NODEID": nodes, "SLURM_LOCALID": devices}
    return _not_below(key, environ, below, mend) or _bad_port(environ)


def _launcher_problem(environ: Mapping[str, str], devices: int) -> str | None:
    key = f"compute.training.devices = {devices}"
    mend = (
        f"start the command by torchrun --nproc-per-node={devices}, or unset LOCAL_RANK and it "
        "starts its processes itself"
    )
    missing = [name for name in _LAUNCHER if name not in environ]
    if missing:
        return (
            f"{key}: expected {missing[0]} beside LOCAL_RANK, as launchers of processes set it, "
            f"got none; {mend}"
        )
    if environ["WORLD_SIZE"].strip() != str(devices):
        return f"{key}: expected WORLD_SIZE = {devices}, got {environ['WORLD_SIZE']!r}; {mend}"
    return _not_below(key, environ, {"LOCAL_RANK": devices}, mend) or _bad_port(environ)


def _not_below(
    key: str, environ: Mapping[str, str], below: Mapping[str, int], mend: str
) -> str | None:
    for name, bound in below.items():
        number = _number(environ[name])
        if number is None or number >= bound:
            return f"{key}: expected {name} from 0 to {bound - 1}, got {environ[name]!r}; {mend}"
    return None


def _bad_port(environ: Mapping[str, str]) -> str | None:
    """By which the processes find each other: its own variable, or the end of the job's number."""
    port, job = environ.get("MASTER_PORT"), environ.get("SLURM_JOB_ID")
    number = _number(port) if port is not None else None
    if port is not None and (number is None or not 0 < number < 2**16):
        return f"MASTER_PORT: expected a port from 1 to 65535, got {port!r}; correct or unset it"
    if port is None and job is not None and _number(job[-4:]) is None:
        return f"SLURM_JOB_ID: expected the number of a job, got {job!r}; set MASTER_PORT to a port"
    return None


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else None
