"""The printed tables: what several cases come to together, and on the average."""

import pandas as pd
from benchmark_file import benchmark

MEASURED = """told,bar,share,0.8,0.7,0.9,,80
told,bar,right,0.8,0.7,0.9,,80
told,cross,share,0.6,0.5,0.7,,80
told,cross,right,0.6,0.5,0.7,,80
told,all,share,0.6,0.5,0.7,,160
told,all,share,0.4,0.3,0.5,,160
told,all,right,0.7,0.6,0.8,,160
told,all,total_variation,0.1,0.05,0.2,0,160
reference,,share,0.5,0.4,0.6,,40
"""
HEAD = ["experiment", "case", "measure", "value", "low", "high", "floor", "num_samples"]


def test_several_cases_are_printed_together_and_as_means() -> None:
    rows = [line.split(",") for line in MEASURED.splitlines()]
    table = pd.DataFrame(rows, columns=pd.Index(HEAD)).replace("", None)
    numbers = HEAD[3:]
    table[numbers] = table[numbers].astype(float)
    found = benchmark("tables").classes(table)
    assert list(found.index) == ["told", "told, mean of 2 cases", "reference"]
    assert found["samples"].tolist() == [160, 160, 40]
    assert found["right"].tolist() == ["0.7 [0.6, 0.8]", "0.7", ""]
    assert found["least and greatest share"].tolist() == ["0.400, 0.600", "", "0.500, 0.500"]
    assert found["total_variation"].tolist() == ["0.1 [0.05, 0.2]", "", ""]
