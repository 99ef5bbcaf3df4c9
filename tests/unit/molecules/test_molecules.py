"""Molecules are judged as SuperDiff's Table 4 does, on molecules whose values are known."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("rdkit", reason="rdkit is not installed: pip install '.[molecules]'")

from projcomp.cli import app
from projcomp.molecules import run
from projcomp.molecules.measures import diversity, judged, set_measures

IBUPROFEN, AGAIN = "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "OC(=O)C(C)c1ccc(CC(C)C)cc1"
QUININE = "COc1ccc2nccc(C(O)C3CC4CCN3CC4C=C)c2c1"
PARACETAMOL, BENZENE = "CC(=O)Nc1ccc(O)cc1", "c1ccccc1"
SAMPLES = [IBUPROFEN, QUININE, AGAIN, "C1CC", PARACETAMOL, "", BENZENE]


def count(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["count", *map(str, arguments)])
    return result.exit_code, result.output


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("smiles", "qed", "sa"),
    [  # the drug-likeness of the first two stands in RDKit's documentation
        ("N=C(CCSCc1csc(N=C(N)N)n1)NS(N)(=O)=O", 0.253, 3.48),
        ("CNC(=NCCSCc1nc[nH]c1C)NC#N", 0.234, 3.40),
        (IBUPROFEN, 0.822, 2.19),
        (PARACETAMOL, 0.595, 1.41),
        (QUININE, 0.878, 4.52),
        (BENZENE, 0.443, 1.0),
    ],
)
def test_drug_likeness_and_accessibility_of_known_drugs(smiles, qed, sa):
    (one,) = judged([smiles])
    assert one.qed == pytest.approx(qed, abs=1e-3)
    assert one.sa == pytest.approx(sa, abs=1e-2)


@pytest.mark.parametrize(
    "smiles", ["", "C1CC", "c1ccccc", "C(C)(C)(C)(C)C", "CC O", "CCO |x|", "C\0C", "smile"]
)
def test_what_is_no_molecule_is_not_valid(smiles):
    """An open ring, a broken aromatic one, five bonds, or more than one word."""
    (one,) = judged([smiles])
    assert (one.smiles, one.canonical, one.qed, one.sa, one.good) == (smiles, "", None, None, False)


def test_diversity_is_the_distance_of_fingerprints_counted_by_hand():
    """Of ethane, propane and butane every environment of radius 2 at most is known.

    Ethane has 2 (CH3; CH3 to CH3), propane 4 (CH3, CH2; CH3 to CH2, CH2 between CH3), butane 5
    (CH3, CH2; CH3 to CH2, CH2 between CH3 and CH2; all of it). They share 1, 3 and 1 of 5, 6, 6.
    """
    distances = [1 - 1 / 5, 1 - 3 / 6, 1 - 1 / 6]
    assert diversity(["CC", "CCC", "CCCC"]) == pytest.approx(sum(distances) / 3)
    assert diversity(["CC", "CCC"]) == pytest.approx(distances[0])
    assert diversity(["CC"]) is None


def test_a_set_is_measured_as_the_table_has_it():
    """Seven samples: five valid, four distinct; quinine is hard to make, two are not drug-like."""
    found = list(judged(SAMPLES))
    assert [one.repeated for one in found] == [index == 2 for index in range(7)]
    assert [one.good for one in found] == [index == 0 for index in range(7)]
    measured = set_measures(found)
    distinct = [found[index] for index in (0, 1, 4, 6)]
    assert measured == pytest.approx(
        {
            "validity": 5 / 7,
            "uniqueness": 4 / 5,
            "valid_unique": 4 / 7,
            "quality": 1 / 7,
            "diversity": diversity([one.canonical for one in distinct]),
            "qed": sum(one.qed or 0 for one in distinct) / 4,
            "sa": sum(one.sa or 0 for one in distinct) / 4,
            "qed_top10": None,
            "qed_top1": found[1].qed,
        }
    )


def test_a_set_of_many_has_its_ten_best_and_one_of_none_has_nothing():
    found = list(judged(["C" * length for length in range(1, 13)]))
    qed = sorted((one.qed or 0 for one in found), reverse=True)
    assert set_measures(found)["qed_top10"] == pytest.approx(sum(qed[:10]) / 10)
    nothing = set_measures(list(judged(["C1CC", ""])))
    assert nothing["validity"] == nothing["valid_unique"] == nothing["quality"] == 0
    assert {nothing[name] for name in ("uniqueness", "diversity", "qed", "qed_top1")} == {None}


def test_the_command_writes_a_row_for_each_file_and_one_for_each_molecule(tmp_path):
    lines, table = tmp_path / "one.smi", tmp_path / "two.csv"
    lines.write_text("\n".join(SAMPLES) + "\n")
    table.write_text("id,made\n" + "".join(f"{i},{one}\n" for i, one in enumerate(SAMPLES[:2])))
    sets, each = tmp_path / "sets.csv", tmp_path / "each.csv"
    code, output = count("--molecules", lines, "--out", sets, "--objects", each)
    assert code == 0
    first, last = output.splitlines()
    assert first == (
        f"{lines}: 7 molecules: valid 0.714, unique of these 0.800, valid and unique 0.571, "
        f"of quality (QED at least 0.6, SA at most 4) 0.143, diversity "
        f"{float(rows(sets)[0]['diversity']):.3f}"
    )
    assert last == run.NOT_MEASURED
    (row,) = rows(sets)
    assert tuple(row) == run.COLUMNS
    assert (row["molecules"], row["qed_top10"], row["quality"]) == ("7", "", "0.142857")
    molecules = rows(each)
    assert tuple(molecules[0]) == run.MOLECULE_COLUMNS
    assert [one["smiles"] for one in molecules] == SAMPLES
    assert [one["quality"] for one in molecules] == ["1", "0", "0", "", "0", "", "0"]

    code, output = count(
        "--molecules", table, "--molecules", table, "--column", "made", "--out", sets
    )
    assert code == 0
    assert [row["valid_unique"] for row in rows(sets)] == ["1", "1"]
    assert "2 sets, mean and standard deviation: valid 1.000 ± 0.000, unique" in output


def test_what_does_not_go_together_is_one_line(tmp_path):
    path = tmp_path / "made.smi"
    path.write_text("C\n")
    out = tmp_path / "out.csv"
    for arguments, told in [
        (("a.png", "--molecules", path), "count: expected images with --detector, or --molecules"),
        (("--molecules", path, "--resize"), "count: expected images with --detector, or --molec"),
        (("a.png",), "count: expected images and --detector, or --molecules, got no --detector"),
        (("--detector", "d"), "count: expected images and --detector, or --molecules, got no imag"),
        (("a.png", "--detector", "d", "--column", "c"), "or --molecules, got --column"),
        (("--molecules", path, "--column", "smiles"), "--column: a .csv expected, got"),
        (("--molecules", tmp_path / "absent.smi"), "expected, got no file: name a file of molecu"),
    ]:
        code, output = count(*arguments, "--out", out)
        assert code == 1, arguments
        assert output.startswith("error: ")
        assert output.count("\n") == 1
        assert told in output
        assert not out.exists()
    code, output = count("--molecules", path, "--out", path)
    assert code == 1
    assert "got the command's own input" in output
    assert path.read_text() == "C\n"
