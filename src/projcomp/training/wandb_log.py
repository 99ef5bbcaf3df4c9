"""Logging to Weights & Biases; whatever is wrong with it is told before the training begins."""

import re
import secrets
from pathlib import Path
from typing import Any

from projcomp.config.learning import WandbConfig
from projcomp.config.wandb_names import wandb_project_problem
from projcomp.errors import ConfigError, UserError
from projcomp.files.atomic import write_text
from projcomp.words import first_line

RUN_FILE = "wandb_run.txt"
_IDENTITY = re.compile(r"[0-9a-f]{8}")
_MEND = {
    "api_key": "run `wandb login`, set WANDB_API_KEY, or set wandb.mode to offline",
    "API key": "run `wandb login`, set WANDB_API_KEY, or set wandb.mode to offline",
}


def check_project(wandb: WandbConfig) -> None:
    """Refuse a project's name that Weights & Biases would refuse.

    Raises:
        ConfigError: the name is empty, too long, or has a character that it does not take.
    """
    problem = wandb_project_problem(wandb.project) if wandb.enabled else None
    if problem:
        raise ConfigError(f"wandb.project: {problem}")


def start_wandb(state_dir: Path, wandb: WandbConfig, *, resumed: bool) -> Any:
    """Lightning's logger with its run begun, or False where it is not enabled.

    A resumed training goes on in the run that it began.

    Raises:
        UserError: the package is not installed, or it refuses to begin a run.
    """
    if not wandb.enabled:
        return False
    identity = _known_run(state_dir / RUN_FILE) if resumed else None
    identity = identity or secrets.token_hex(4)
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        from lightning.pytorch.loggers import WandbLogger

        logger = WandbLogger(
            id=identity,
            project=wandb.project,
            save_dir=state_dir,
            offline=wandb.mode == "offline",
        )
        _ = logger.experiment  # begins the run
    except ImportError:
        raise UserError(
            "wandb.enabled: expected the package wandb, got none installed; "
            "pip install 'projcomp[wandb]' or set wandb.enabled to false"
        ) from None
    except Exception as error:  # it raises errors of many kinds, pydantic's and the system's among
        raise UserError(_refused(wandb, error)) from None
    write_text(state_dir / RUN_FILE, identity)
    return logger


def _known_run(path: Path) -> str | None:
    """The identity of the run that ``path`` names; None where it names none."""
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    return text if _IDENTITY.fullmatch(text) else None


def _refused(wandb: WandbConfig, error: Exception) -> str:
    got = first_line(error).rstrip(".")
    mend = next(
        (mend for word, mend in _MEND.items() if word in got),
        "mend that, set wandb.mode to offline, or set wandb.enabled to false"
        if wandb.mode == "online"
        else "mend that or set wandb.enabled to false",
    )
    return f"wandb: expected a run of project {wandb.project} ({wandb.mode}), got: {got}; {mend}"
