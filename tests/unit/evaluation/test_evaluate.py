import numpy as np
import pytest

from projcomp.data.images import write_samples
from projcomp.errors import FileFormatError
from projcomp.evaluation.detector import Detector, save_detector
from projcomp.evaluation.evaluate import evaluate
from projcomp.evaluation.heatmaps import Detections
from projcomp.evaluation.objects_told import read_objects, tell_objects
from projcomp.scenes.vocabulary import COLORS
from projcomp.settings.case import Case, Wanted
from projcomp.settings.stages import EvaluateSettings

PLACES = Case(name="k2", locations=[(0.2, 0.2), (0.8, 0.8)])
PAIR = Case(name="red-blue", colors=["red", "blue"])
FOUND = [
    Detections(np.array([[0.21, 0.2], [0.8, 0.79]]), np.array([0.9, 0.8]), np.array([2, 1])),
    Detections(np.array([[0.5, 0.5]]), np.array([0.9]), np.array([1]), unsure=True),
    Detections(np.empty((0, 2)), np.empty(0), np.empty(0, int)),
]


@pytest.fixture
def detector(tmp_path, monkeypatch):
    """A detector that finds FOUND whatever it sees."""
    save_detector(tmp_path / "detector", Detector(4, 16), {}, 4)
    monkeypatch.setattr("projcomp.evaluation.evaluate.detect", lambda *_: FOUND)
    return tmp_path / "detector"


def run(tmp_path, detector, case, asked=None, measured=None, attrs=None):
    samples, out = tmp_path / "samples.h5", tmp_path / "out.csv"
    write_samples(samples, np.zeros((3, 16, 16, 3), np.uint8), case, attrs or {}, measured)
    settings = EvaluateSettings(experiment="A", case=asked or case, threshold=0.5, radius=0.09)
    evaluate(settings, samples, detector, out)
    return out.read_text().splitlines()


def counted(lines):
    """The rows without what became of the objects, and where they were found."""
    return [line.rsplit(",", 4)[0] for line in lines[1:]]


def test_places(tmp_path, detector):
    header, *rows = run(tmp_path, detector, PLACES)
    assert header == (
        "experiment,case,num_composed,index,num_objects,num_hit,all_places,extra_objects,"
        "exact_count,colors,colors_hit,all_colors,success,network_evaluations,seconds,acceptance,"
        "effective_size,log_weight,accepted,unsure,outcome,objects,places_hit,place_distance"
    )
    assert rows == [
        "A,k2,2,0,2,2,1,0,1,blue;red,,,1,,,,,,,0,,blue 0.2100 0.2000;red 0.8000 0.7900,1.0,0.01",
        "A,k2,2,1,1,0,0,1,0,red,,,0,,,,,,,1,,red 0.5000 0.5000,0.0,",
        "A,k2,2,2,0,0,0,0,0,,,,0,,,,,,,0,,,0.0,",
    ]


def test_colors(tmp_path, detector):
    assert counted(run(tmp_path, detector, PAIR)) == [
        "A,red-blue,2,0,2,,,0,1,blue;red,2,1,1,,,,,,,0",
        "A,red-blue,2,1,1,,,0,0,red,1,0,0,,,,,,,1",
        "A,red-blue,2,2,0,,,0,0,,0,0,0,,,,,,,0",
    ]


def test_background(tmp_path, detector):
    assert counted(run(tmp_path, detector, Case(name="k0"))) == [
        "A,k0,0,0,2,,,2,0,blue;red,,,0,,,,,,,0",
        "A,k0,0,1,1,,,1,0,red,,,0,,,,,,,1",
        "A,k0,0,2,0,,,0,1,,,,1,,,,,,,0",
    ]


def test_a_number_of_objects_wherever_they_are(tmp_path, detector):
    assert counted(run(tmp_path, detector, Case(name="n1", num_objects=1))) == [
        "A,n1,1,0,2,,,1,0,blue;red,,,0,,,,,,,0",
        "A,n1,1,1,1,,,0,1,red,,,1,,,,,,,1",
        "A,n1,1,2,0,,,0,0,,,,0,,,,,,,0",
    ]


def test_what_the_samples_file_says_of_each_image(tmp_path, detector):
    measured = {
        "acceptance": np.array([0.5, 0.25, 1.0]),
        "effective_size": np.array([[4, 2.5], [3, 3], [1, 4]]),
        "log_weight": np.array([0.5, -1, 0]),
        "accepted": np.array([True, False, True]),
        "interaction": np.zeros((3, 2, 2, 2)),
    }
    costs = {"network_evaluations_per_image": 105, "seconds_per_image": 0.5}
    rows = run(tmp_path, detector, PAIR, measured=measured, attrs=costs)[1:]
    assert [row.rsplit(",", 4)[0].split(",", 12)[12] for row in rows] == [
        "1,105,0.5,0.5,2.5,0.5,1,0",
        "0,105,0.5,0.25,3.0,-1.0,0,1",
        "0,105,0.5,1.0,1.0,0.0,1,0",
    ]


@pytest.mark.parametrize("held", [PAIR, Case(name="k2", locations=[(0.2, 0.2), (0.8, 0.7)])])
def test_images_of_another_request_are_refused(tmp_path, detector, held):
    with pytest.raises(FileFormatError, match="another request"):
        run(tmp_path, detector, held, asked=PLACES)


def test_where_objects_were_found_is_read_again():
    cells = [tell_objects(found, list(COLORS)) for found in FOUND]
    assert cells[2] == ""
    # pandas reads an empty cell as a number that is none
    assert [read_objects(cell or float("nan")) for cell in cells] == [
        [("blue", 0.21, 0.2), ("red", 0.8, 0.79)],
        [("red", 0.5, 0.5)],
        [],
    ]


def test_a_request_for_three_objects_is_three_objects(tmp_path, detector) -> None:
    """``num_composed`` is the k whose detector's errors correct the rates."""
    case = Case(name="n3", asked=[Wanted(told={"count": "3"})])
    assert [row.split(",")[2] for row in run(tmp_path, detector, case)[1:]] == ["3"] * 3
