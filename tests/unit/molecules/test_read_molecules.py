"""Files of molecules are read as they stand; what is none is one line."""

import pytest

from projcomp.errors import ConfigError, FileFormatError
from projcomp.molecules.read import MOST_SIGNS, read_smiles


@pytest.mark.parametrize(
    "text", ["CCO\nC1CC\n\nOCC", "CCO\r\n C1CC \r\n\r\nOCC\r\n", "\ufeffCCO\nC1CC\n\nOCC\n"]
)
def test_lines_are_samples_and_an_empty_one_is_a_sample_too(tmp_path, text):
    path = tmp_path / "made.smi"
    path.write_bytes(text.encode())
    assert read_smiles(path) == ["CCO", "C1CC", "", "OCC"]


def test_a_column_of_a_csv(tmp_path):
    path = tmp_path / "made.csv"
    path.write_text('SMILES,name,other\nCCO,"ethanol, say",CC\n"",nothing,C\n\n"C C",odd,N\n')
    assert read_smiles(path) == ["CCO", "", "C C"]
    assert read_smiles(path, "other") == ["CC", "C", "N"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.smi", b"", r"a.smi: molecules \(one SMILES a line, .*\) expected, got none: name"),
        ("a.csv", b"smiles\n", r"a.csv: molecules .* expected, got none: name another file"),
        ("a.csv", b"", r"a.csv: a column 'smiles' expected, got no header: name the column"),
        ("a.csv", b"name,id\nCC,1\n", r"a column 'smiles' expected, got name, id: name the column"),
        ("a.csv", b"smiles,Smiles\nCC,C\n", r"a column 'smiles' expected, got several of that nam"),
        ("a.csv", b"smiles,id\nCC\n", r"a.csv, line 2: 2 columns expected, as its header has, got"),
        ("a.csv", b'smiles\n"CC\n', r"a.csv, line 2: a CSV expected, got what is none \("),
        ("a.smi", b"CC\nCCO ethanol\n", r"a.smi, line 2: one SMILES a line expected, got CCO etha"),
        ("a.txt", b"smiles\nCCO\n", r"a.txt, line 1: one SMILES a line expected, got smiles: take"),
        ("a.txt", b"CCO,1\n", r"a.txt, line 1: one SMILES a line expected, got CCO,1: take"),
        ("a.smi", b"\x89PNG\xff\xfe", r"a.smi: molecules .* expected, got bytes that are no text"),
        ("a.smi", b"C" * (MOST_SIGNS + 1), r"a.smi: SMILES of at most 5,000 signs expected"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_molecules_is_one_line(tmp_path, name, content, told):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=told) as raised:
        read_smiles(path)
    assert "\n" not in str(raised.value)


def test_a_missing_file_a_folder_and_a_column_without_a_csv(tmp_path):
    with pytest.raises(FileFormatError, match=r"expected, got no file: name a file of molecules"):
        read_smiles(tmp_path / "absent.smi")
    with pytest.raises(FileFormatError, match=r"expected, got a folder"):
        read_smiles(tmp_path)
    path = tmp_path / "made.smi"
    path.write_text("C\n")
    with pytest.raises(ConfigError, match=r"^--column: a \.csv expected, got .*made\.smi"):
        read_smiles(path, "smiles")
