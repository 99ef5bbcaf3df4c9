"""The table that sets locality beside what networks lack of their exact twins."""

from pathlib import Path

import pandas as pd
import pytest

from projcomp.errors import FileFormatError
from projcomp.evaluation.tables import ceiling, local
from projcomp.folder import LOCALITY, Folder
from projcomp.settings.report import TableSettings

NAMES = ("near", "middle", "far")
SHARES = {"near": (0.9, 0.7, None), "middle": (0.5, 0.5, 0.01), "far": (0.1, 0.3, 1.0)}
"""By network, the share of its delta's Jacobian within two pixels at three noise levels, of which
one has nothing to measure for one of them."""
NEAR = {"near": 0.2, "middle": 0.3, "far": 0.4}
GAPS = {"near": (0.0, 0.1), "middle": (0.2, 0.4), "far": (0.6, 1.0)}
"""By network, what two cases lack."""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(str(tmp_path))
    for name in NAMES:
        rows = [
            {"case": f"k{k}", "num_composed": k, "measure": measure, "exact": 1.0}
            | {"trained": 1.0 - gap, "network_loss": gap if measure == "all_places" else 9.0}
            for k, gap in zip((1, 2, 4), (0.0, *GAPS[name]), strict=True)
            for measure in ("all_places", "exact_count")
        ]
        rows += [
            {"case": f"k{k}", "num_composed": k, "measure": "unsure", "exact": exact}
            | {"trained": trained}
            for k, exact, trained in ((1, 1.0, 1.0), (2, 0.0, 0.25), (4, 0.5, 1.0))
        ]
        table = pd.DataFrame(rows).reindex(columns=pd.Index(ceiling.COLUMNS))
        path = Path(made.table(f"ceiling_{name}"))
        path.parent.mkdir(exist_ok=True)
        table.to_csv(path, index=False)
        followed = [
            {"model": f"net_{name}", "background": background, "sigma": sigma, "distance": distance}
            | {"share": 0.0 if not background else share and (share if distance == 2 else 1.0)}
            | {"near": NEAR[name] if background else None}
            for background in ("", f"net_{name} empty")
            for sigma, share in zip((0.1, 1.0, 5.0), SHARES[name], strict=True)
            for distance in (2, 4)
        ]
        path = Path(made.model(f"net_{name}", LOCALITY))
        path.parent.mkdir(parents=True)
        pd.DataFrame(followed).to_csv(path, index=False)
    return made


def settings() -> TableSettings:
    return TableSettings(
        format=1,
        name="local_near",
        kind="local",
        seed=0,
        confidence=0.95,
        bootstrap=100,
        cases={name: ["k2", "k4"] for name in NAMES},
        deltas={name: (f"net_{name}", f"net_{name} empty") for name in NAMES},
    )


def test_locality_and_gap_are_means_and_their_ranks_are_compared(folder: Folder) -> None:
    found = local.table(settings(), folder)
    assert list(found.columns) == local.COLUMNS
    of_pixels = found[(found["measure"] == "pixels") & (found["distance"] == 2)]
    of_pixels = of_pixels.set_index("experiment")
    near = of_pixels.loc["near"]
    assert near["model"] == "net_near"
    assert near["locality"] == pytest.approx(0.8)
    assert near["num_levels"] == 2
    # at the same levels as the others
    assert of_pixels.loc["far", "locality"] == pytest.approx(0.2)
    assert near["gap"] == pytest.approx(0.05)
    assert near["trained"] == pytest.approx(0.95)
    assert near["num_cases"] == 2
    assert near[["unsure", "exact_unsure"]].tolist() == [0.625, 0.25]
    totals = found[found["experiment"] == "all"].set_index(["measure", "distance"])["spearman"]
    assert totals["pixels", 2] == pytest.approx(-1)  # the more local, the less is lacking
    assert pd.isna(totals["pixels", 4])  # all alike: there are no ranks
    assert totals["condition", 2] == pytest.approx(1)


def test_a_delta_that_was_not_followed_is_one_line(folder: Folder) -> None:
    chosen = settings()
    deltas = {**chosen.deltas, "far": ("net_far", "other empty")}
    with pytest.raises(FileFormatError, match="difference from other empty, got none; run local"):
        local.table(chosen.model_copy(update={"deltas": deltas}), folder)
