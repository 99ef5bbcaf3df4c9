"""What RDKit says of molecules and of sets of them, as SuperDiff's Table 4 has it.

Skreta et al. (2025), section 4.4: validity and uniqueness, diversity (Tanimoto distance of Morgan
fingerprints), and quality as Lee et al. (2025) define it: the share of molecules that are valid,
unique, of QED at least .6 (Bickerton et al. 2012) and of synthetic accessibility at most 4 (Ertl
and Schuffenhauer 2009). The activity on GSK3-beta and JNK3 comes from predictors that are
downloads; it is not measured here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import QED, rdFingerprintGenerator
from rdkit.Contrib.SA_Score import sascorer  # pyright: ignore[reportMissingImports]
from rdkit.DataStructs import BulkTanimotoSimilarity

LEAST_QED = 0.6
MOST_SA = 4.0
"""Of a molecule of quality, both included."""

RADIUS, BITS = 2, 2048
"""Of the Morgan fingerprints, as Therapeutics Data Commons takes them for diversity."""

TOP = 10
"""The best molecules of a set, whose mean QED the table has beside the best one's."""


@dataclass(frozen=True)
class Molecule:
    """One sample, judged.

    Attributes:
        smiles: as it was given.
        canonical: RDKit's own SMILES of it; empty where it is no valid molecule, as are the others.
        repeated: whether an earlier sample of the set is the same molecule.
        qed: drug-likeness in [0, 1], more is better.
        sa: synthetic accessibility from 1 (easy) to 10.
    """

    smiles: str
    canonical: str = ""
    repeated: bool = False
    qed: float | None = None
    sa: float | None = None

    @property
    def good(self) -> bool:
        """Whether it is valid, the first of its kind, drug-like and accessible."""
        if self.repeated or self.qed is None or self.sa is None:
            return False
        return self.qed >= LEAST_QED and self.sa <= MOST_SA


def judged(samples: Sequence[str]) -> Iterator[Molecule]:
    """Every sample of a set, in its order.

    Valid is what RDKit reads as one SMILES with an atom in it and whose valences it accepts. Equal
    are molecules with the same canonical SMILES, stereochemistry included.

    Args:
        samples: SMILES.
    """
    known: dict[str, tuple[float, float]] = {}
    with rdBase.BlockLogs():  # RDKit has a line for every SMILES that is none
        for smiles in samples:
            found = _parsed(smiles)
            if found is None:
                yield Molecule(smiles)
                continue
            canonical = Chem.MolToSmiles(found)
            repeated = canonical in known
            if not repeated:
                known[canonical] = QED.qed(found), sascorer.calculateScore(found)
            yield Molecule(smiles, canonical, repeated, *known[canonical])


def set_measures(molecules: Sequence[Molecule]) -> dict[str, float | None]:
    """The measures of a set: of its distinct valid molecules, or as shares of all samples.

    Returns:
        ``validity`` (valid, of all), ``uniqueness`` (distinct, of the valid), ``valid_unique``
        (distinct and valid, of all: the paper's V&U), ``quality`` (of all), ``diversity`` (mean
        distance of all pairs), ``qed``, ``sa`` (means), ``qed_top10``, ``qed_top1`` (mean of the
        ten greatest, the greatest). None where there are too few molecules for one.
    """
    valid = [one for one in molecules if one.canonical]
    distinct = [one for one in valid if not one.repeated]
    qed = sorted((one.qed for one in distinct if one.qed is not None), reverse=True)
    sa = [one.sa for one in distinct if one.sa is not None]
    return {
        "validity": len(valid) / len(molecules),
        "uniqueness": len(distinct) / len(valid) if valid else None,
        "valid_unique": len(distinct) / len(molecules),
        "quality": sum(one.good for one in molecules) / len(molecules),
        "diversity": diversity([one.canonical for one in distinct]),
        "qed": float(np.mean(qed)) if qed else None,
        "sa": float(np.mean(sa)) if sa else None,
        "qed_top10": float(np.mean(qed[:TOP])) if len(qed) >= TOP else None,
        "qed_top1": qed[0] if qed else None,
    }


def diversity(molecules: Sequence[str]) -> float | None:
    """Mean Tanimoto distance of all pairs of valid SMILES; None of fewer than two."""
    if len(molecules) < 2:
        return None
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    prints = [morgan.GetFingerprint(Chem.MolFromSmiles(one)) for one in molecules]
    rows = (BulkTanimotoSimilarity(one, prints[:i]) for i, one in enumerate(prints))
    pairs = len(prints) * (len(prints) - 1) / 2
    return 1 - sum(sum(row) for row in rows) / pairs


def _parsed(smiles: str) -> Chem.Mol | None:
    """RDKit's molecule; None where there is none."""
    how = Chem.SmilesParserParams()
    how.parseName = how.allowCXSMILES = False  # what follows a blank is a mistake of the model's
    found = Chem.MolFromSmiles(smiles, how)
    return found if found is not None and found.GetNumAtoms() else None
