import importlib
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import (
    DETECTOR_CHECK,
    LOCALITY_TABLE,
    MODEL_CHECK,
    RELIABILITY_TABLE,
    write_case,
)
from PIL import Image

from projcomp.data.images import write_samples
from projcomp.errors import ConfigError, FileFormatError
from projcomp.evaluation.summary import summarize
from projcomp.folder import Folder
from projcomp.plan.cases import color_case
from projcomp.reporting.draw import KINDS, draw, drawer
from projcomp.reporting.sheet import LABEL, Row, Tile, sheet_figure
from projcomp.reporting.style import plain_style
from projcomp.settings.case import Case, Wanted
from projcomp.settings.report import FigureSettings
from projcomp.settings.stages import SummarySettings

LOCATIONS = [(0.2, 0.2), (0.8, 0.8), (0.2, 0.8), (0.8, 0.2)]
PLACE_CASES = {"A": ["k0", "k2", "k4"], "truth": ["k0", "k2", "k4"]}
COLOR_CASES = {"colors": ["gray-red", "red-blue", "cyan-yellow"]}
SINGLE_COLORS = ["red"]
FIGURES = {
    "grid": {"A": PLACE_CASES["A"]},
    "samples4": {"A": ["k4"]},
    "gallery": {"A": PLACE_CASES["A"]},
    "confusion": PLACE_CASES,
    "leaderboard": PLACE_CASES,
    "counts": PLACE_CASES,
    "rates": PLACE_CASES,
    "pairs": COLOR_CASES,
    "rgb": {"colors": SINGLE_COLORS, "truth": SINGLE_COLORS},
    "sweep": {"S-p-heun": ["k2"]},
    "interaction": COLOR_CASES,
    "ceiling": PLACE_CASES,
    "binding": {"D": ["red-cube"], "truth": ["red-cube"]},
    "attributes": {"D": ["red-cube"], "truth": ["red-cube"]},
    "mixture": {"or": ["n1"]},
    "selected": {"S-p-lift": ["k2", "k3"]},
    "densities": {"both": ["k2"], "either": ["k2"]},
    "overlap": {"A": ["k2", "k4"], "B": ["k2"]},
    "unconditional": {"A": ["k0"], "truth": ["k0"]},
    "denoising": {},
    "locality": {},
    "detector": {},
    "local": {"A": ["k1", "k2"]},
    "projection": PLACE_CASES,
    "distance": PLACE_CASES,
    "memorised": {"A": ["k1", "k2"]},
    "classes": {"or": ["any"], "told": ["bar", "cross"]},
    "pictures": {"A": ["k2"], "B": ["k2"]},
}
TABLES = {
    "classes": """experiment,case,measure,class,value,low,high,expected,p_value,floor,critical,\
num_samples
or,any,share,bar,0.4,0.3,0.5,0.5,,,,80
or,any,share,cross,0.6,0.5,0.7,0.5,,,,80
or,any,total_variation,,0.1,0.05,0.2,,0.1,0.05,0.15,80
or,any,frechet,,0.3,0.1,0.5,,,,,80
told,bar,share,bar,0.9,0.8,1,1,,,,80
told,bar,share,cross,0.1,0,0.2,0,,,,80
told,bar,right,bar,0.9,0.8,1,1,,,,80
told,bar,total_variation,,0.1,0.05,0.2,,0.01,0,0,80
told,cross,share,bar,0.3,0.2,0.4,0,,,,80
told,cross,share,cross,0.7,0.6,0.8,1,,,,80
told,cross,right,cross,0.7,0.6,0.8,1,,,,80
told,cross,total_variation,,0.3,0.2,0.4,,0.01,0,0,80
told,all,share,bar,0.6,0.5,0.7,0.5,,,,160
told,all,share,cross,0.4,0.3,0.5,0.5,,,,160
told,all,right,,0.8,0.7,0.9,1,,,,160
told,all,total_variation,,0.1,0.05,0.2,,0.01,0,0,160
reference,,share,bar,0.5,0.4,0.6,0.5,,,,40
reference,,share,cross,0.5,0.4,0.6,0.5,,,,40
reference,,total_variation,,0,0,0.1,,1,0.05,0.15,40
""",
    "projection": """case,num_composed,subject,projection,against,measure,value,low,high,p_value,\
floor,critical
k1,1,composed,1,truth,energy,0.02,0.01,0.03,0.001,0,0.01
k1,1,composed,all,truth,energy,0.02,0.01,0.03,0.001,0,0.01
k1,1,truth,all,truth,energy,0,-0.01,0.01,0.5,0,0.01
k2,2,composed,1,truth,energy,0.03,0.02,0.04,0.001,0,0.01
k2,2,composed,2,truth,energy,0.05,0.04,0.06,0.001,0,0.01
k2,2,composed,all,truth,energy,0.04,0.03,0.05,0.001,0,0.01
k2,2,truth,all,truth,energy,0,-0.01,0.01,0.5,0,0.01
k2,2,composed,1,conditional,energy,0.01,0,0.02,0.1,0,0.01
k2,2,composed,rest,background,energy,0.2,0.1,0.3,0.001,0,0.01
k2,2,composed,all,uniform,color,0.2,0.1,0.3,0.04,0.15,0.25
k2,2,composed,all,uniform,size,0,0,0,1,0,0
k2,2,composed,all,truth,classifier,0.7,0.6,0.8,0.001,0.5,0.6
""",
    "distance": """case,num_composed,subject,measure,value,low,high,p_value,floor,critical
k1,1,composed,frechet_raw,2,,,0.005,1,1.5
k1,1,composed,frechet,1,0.5,1.5,,,
k1,1,truth,frechet,0,-0.5,0.5,,,
k1,1,composed,coverage,0.8,0.7,0.9,,0.95,
k2,2,composed,frechet,2,1.5,2.5,,,
k2,2,truth,frechet,0.1,-0.5,0.5,,,
k2,2,composed,coverage,0.6,0.5,0.7,,0.95,
""",
    "memorised_A": """case,num_composed,part,value,low,high,p_value
k1,1,whole,0.9,0.8,1,0.001
k1,1,places,0.95,0.9,1,0.001
k2,2,whole,0.6,0.5,0.7,0.05
k2,2,places,,,,
""",
    "confusion": """experiment,case,num_composed,found,images,num_samples,share,share_low,\
share_high,expected
A,k1,1,0,1,4,0.25,0.1,0.5,0
A,k1,1,1,3,4,0.75,0.5,0.9,1
C,k1,1,0,0,4,0,0,0.5,0.4
C,k1,1,1,4,4,1,0.5,1,0.6
truth,k1,1,0,0,4,0,0,0.5,0
truth,k1,1,1,4,4,1,0.5,1,1
""",
    "leaderboard": """places,num_composed,right,kind,rank,tied,experiment,case,operator,\
background,sampler,model,num_samples,score,success,all_places,network_evaluations,seconds
grid,1,k objects,truth,,,truth,k1,,,,truth,4,success,1,1,,
grid,1,k objects,network,1,1,A,k1,product,single empty,heun 18,network,4,success,0.9,1,70,0.5
grid,1,k objects,network,2,1,B,k1,bayes,none,sde 18,network,4,success,0.8,0.8,35,0.5
grid,2,k objects,network,1,1,A,k2,product,single empty,heun 18,network,4,success,0.7,0.7,105,0.5
apart,2,clutter,exact,1,1,C,k2,bayes,none,heun 18,exact,4,all_places,,1,105,0.5
""",
    "ceiling": """case,num_composed,measure,truth,exact,trained,composition_loss,\
composition_loss_low,composition_loss_high,network_loss,network_loss_low,network_loss_high,\
spearman,spearman_low,spearman_high
k1,1,success,1,1,0.9,0,-0.1,0.1,0.1,0,0.2,,,
k1,1,exact_count,1,1,0.9,0,-0.1,0.1,0.1,0,0.2,,,
k2,2,success,1,0.8,0.4,0.2,0.1,0.3,0.4,0.2,0.5,,,
k2,2,exact_count,1,0.8,0.4,0.2,0.1,0.3,0.4,0.2,0.5,,,
all,,success,,,,,,,,,,0.5,0.1,0.7
""",
    "local": """experiment,model,measure,distance,locality,num_levels,exact,trained,gap,num_cases,\
spearman,spearman_low,spearman_high
A,single,pixels,1,0.5,2,1,0.9,0.1,2,,,
A,single,pixels,4,0.9,2,1,0.9,0.1,2,,,
A,single,condition,1,0.4,2,1,0.9,0.1,2,,,
A,single,condition,4,0.8,2,1,0.9,0.1,2,,,
all,,pixels,1,,,,,,,-0.5,-1,0.4
all,,pixels,4,,,,,,,,,
""",
    "ceiling_A": """case,num_composed,measure,truth,exact,trained,composition_loss,\
composition_loss_low,composition_loss_high,network_loss,network_loss_low,network_loss_high,\
spearman,spearman_low,spearman_high
k1,1,all_places,1,1,0.9,0,-0.1,0.1,0.1,0,0.2,,,
k2,2,all_places,1,0.8,0.4,0.2,0.1,0.3,0.4,0.2,0.5,,,
""",
    "sweep": """case,operator,sampler,network_evaluations,success,success_low,success_high
k2,product,heun,105,0.5,0.3,0.7
k2,product,swarm,840,0.9,0.7,1
k3,bayes,heun,140,0,0,0.2
""",
    "selected": """experiment,case,num_samples,num_accepted,acceptance,acceptance_low,\
acceptance_high,selected_success,selected_success_low,selected_success_high,\
network_evaluations_per_accepted
S-p-lift,k2,40,10,0.25,0.1,0.4,0.9,0.6,1,420
S-p-lift,k3,40,0,0,0,0.1,,,,inf
""",
    "densities": """experiment,sigma,num_samples,gap,gap_low,gap_high,error,followed,\
followed_low,followed_high
both,10,4,0.2,0.1,0.3,0.1,,,
both,0.1,4,200,150,260,20,0.5,0.4,0.6
either,10,4,0.2,0.1,0.3,0.1,,,
either,0.1,4,900,800,950,20,,,
""",
    "attributes": """experiment,kind,requested,found,objects,num_requests,share,unsure
D,color,red,red,3,4,0.75,0.5
D,color,red,none,1,4,0.25,0.5
D,shape,cube,cube,4,4,1,0.5
D,shape,cube,none,0,4,0,0.5
truth,color,red,red,4,4,1,0
truth,color,red,none,0,4,0,0
truth,shape,cube,cube,4,4,1,0
truth,shape,cube,none,0,4,0,0
""",
    "binding": """experiment,case,num_samples,right,right_low,right_high,unbound,lost,partial,\
neither,chance,unsure
D,red-cube,4,0.5,0.2,0.8,0.25,0,0.25,0,0.05,0.5
D,all,4,0.5,,,0.25,0,0.25,0,0.05,0.5
truth,red-cube,4,1,0.6,1,0,0,0,0,0.05,0
truth,all,4,1,,,0,0,0,0,0.05,0
""",
    "pairs": """case,first,second,num_samples,success,both,together,one,neither,apart
gray-red,gray,red,4,0.5,0.5,0.25,0.25,0,0.7
red-blue,red,blue,4,0,0,1,0,0,0.6
cyan-yellow,cyan,yellow,4,0,0,0,0.5,0.5,0.5
red,red,,4,1,,,1,0,
all,,,12,0.17,0.17,0.42,0.25,0.17,0.6
""",
    "interaction": """case,interaction,interaction_low,interaction_high,absolute,replaced,success,\
success_low,success_high,spearman,spearman_low,spearman_high
gray-red,0.5,0.4,0.6,30,0.01,0.2,0.1,0.5,,,
red-blue,0.1,0.0,0.2,2,0.02,0.9,0.6,1,,,
cyan-yellow,-0.3,-0.4,-0.1,0,0.0,0.4,0.2,0.6,,,
all,,,,,,,,,-0.5,-1,0.4
""",
    "mixture": """experiment,case,num_samples,measure,value,low,high
or,n1,80,exact_count,0.9,0.8,0.95
or,n1,80,share_red,0.6,0.5,0.7
or,n1,80,share_blue,0.4,0.3,0.5
or,n1,80,total_variation,0.75,0.7,0.76
or,n1,80,total_variation_of_uniform,0.1,0.05,0.15
truth,n1,10,exact_count,0,0,0.3
""",
}


def case_of(name: str) -> Case:
    if name.startswith("k"):
        return Case(name=name, locations=LOCATIONS[: int(name[1:])])
    return color_case(name.split("-"))  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder of a small run with made-up results."""
    root = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    everything = {
        "A": PLACE_CASES["A"],
        "B": ["k2"],
        "colors": COLOR_CASES["colors"] + SINGLE_COLORS,
        "truth": PLACE_CASES["truth"] + COLOR_CASES["colors"] + SINGLE_COLORS,
    }
    tables = [
        write_case(Folder(str(root)), experiment, case_of(name), rng)
        for experiment, names in everything.items()
        for name in names
    ]
    settings = SummarySettings(seed=0, confidence=0.95, bootstrap=100, cases=everything)
    summarize(tables, settings, root / "results" / "summary.csv")
    for kind, text in TABLES.items():
        module = importlib.import_module(f"projcomp.evaluation.tables.{kind.removesuffix('_A')}")
        columns = module.COLUMNS
        table = pd.read_csv(io.StringIO(text)).reindex(columns=pd.Index(columns))
        table.to_csv(root / "results" / f"{kind}.csv", index=False)
    (root / "models" / "detector").mkdir(parents=True)
    (root / "models" / "detector" / "check.csv").write_text(DETECTOR_CHECK)
    (root / "models" / "detector" / "reliability.csv").write_text(RELIABILITY_TABLE)
    (root / "models" / "single").mkdir()
    (root / "models" / "single" / "check.csv").write_text(MODEL_CHECK)
    (root / "models" / "single" / "locality.csv").write_text(LOCALITY_TABLE)
    return root


def drawn(kind, root, folder, cases=None):
    cases = FIGURES[kind] if cases is None else cases
    settings = FigureSettings(format=1, name=kind, kind=kind, cases=cases, models=["single"])
    png, svg = folder / f"{kind}.png", folder / f"{kind}.svg"
    draw(kind, settings, root, png, svg)
    return png, svg


def test_samples_without_a_map_of_the_interaction_are_named(root, tmp_path):
    with pytest.raises(FileFormatError, match=r"k0\.h5: expected a map of the interaction"):
        drawn("overlap", root, tmp_path, {"A": ["k0"]})


def test_many_cases_of_one_experiment_stand_in_several_rows(root, monkeypatch):
    from projcomp.reporting.figures import overlap

    monkeypatch.setattr(overlap, "PER_ROW", 1)
    cases = {"A": ["k2", "k4"], "B": ["k2"]}
    settings = FigureSettings(format=1, name="overlap", kind="overlap", cases=cases)
    with plain_style():
        titles = [axes.get_title() for axes in overlap.draw(settings, Folder(str(root))).axes[:3]]
    assert [title.split(":")[0] for title in titles] == ["k2", "k4", "k2"]


def test_a_place_that_is_asked_of_an_object_is_marked(tmp_path):
    from projcomp.reporting.figures.overlap import _panel

    told = {"position": (0.2, 0.6), "color": "red"}
    case = Case(name="p1-red", asked=[Wanted(told=told, avoided={})])
    measured = {"interaction_map": np.ones((2, 4, 4))}
    folder = Folder(str(tmp_path))
    path = folder.samples("X", case.name)
    write_samples(path, np.zeros((2, 4, 4, 3), np.uint8), case, {}, measured)
    mean, places = _panel(folder, "X", case.name)
    assert mean.sum() == 16
    assert places.tolist() == [[0.2, 0.6]]


def test_where_conditions_act_stands_below_the_locality_and_only_where_they_are_places(tmp_path):
    from projcomp.reporting.figures import locality

    folder = Folder(str(tmp_path))
    for name, near in (("m", 0.5), ("m-exact", 0.9), ("unplaced", np.nan)):
        rows = [(name, "", 0.1, 1, 0.7, 0.6, 0.8, 0.2, np.nan)]
        rows += [(name, "m empty", 0.1, 1, 0.5, 0.4, 0.6, 0.2, near)]
        path = Path(folder.model(name, "locality.csv"))
        path.parent.mkdir(parents=True)
        pd.DataFrame(rows, columns=locality.COLUMNS).to_csv(path, index=False)

    def drawn_lines(*models):
        settings = FigureSettings(format=1, name="locality", kind="locality", models=list(models))
        with plain_style():
            panels = locality.draw(settings, folder).axes
        return [
            {line.get_linestyle(): list(line.get_ydata()) for line in axes.lines} for axes in panels
        ]

    above, below = drawn_lines("m", "m-exact", "unplaced")
    assert set(above) == {"-", "--", ":", "-."}
    assert below == {"--": [0.5], "-.": [0.9]}
    assert len(drawn_lines("unplaced")) == 1


def test_what_became_of_attributes_is_a_bar_for_each_of_many_experiments(tmp_path):
    from projcomp.evaluation.tables.binding import COLUMNS
    from projcomp.reporting.figures import binding

    names = [f"sweep-{number}" for number in range(binding.MANY + 1)]
    values = {"num_samples": 4, "right": 0.25, "unbound": 0.25, "lost": 0.5}
    values |= {"partial": 0.0, "neither": 0.0}
    rows = [{"experiment": one, "case": c, **values} for one in names for c in ("red", "all")]
    table = pd.DataFrame(rows).reindex(columns=pd.Index(COLUMNS)).assign(unsure=0.5, chance=0.1)
    (tmp_path / "results").mkdir()
    table.to_csv(tmp_path / "results" / "binding_s.csv", index=False)
    cases = {name: ["red"] for name in names}
    settings = FigureSettings(format=1, name="binding_s", kind="binding", cases=cases)
    with plain_style():
        (axes,) = binding.draw(settings, Folder(str(tmp_path))).axes
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert shown == [f"{name}, unsure 50 %" for name in names]
    assert {round(bar.get_width(), 2) for bar in axes.patches} == {0.25, 0.5, 0.0}


def test_every_kind_is_tried():
    # which test_theory_figures.py and test_rows.py draw
    assert set(FIGURES) == set(KINDS) - {"theory", "prompts"}


@pytest.mark.parametrize("kind", FIGURES)
def test_a_figure_is_a_png_and_an_svg(kind, root, tmp_path):
    png, svg = drawn(kind, root, tmp_path)
    with Image.open(png) as image:
        assert image.format == "PNG"
        assert image.size[0] > 300
        pixels = np.asarray(image.convert("L"))
    assert 0.003 < (pixels < 250).mean() < 0.98  # neither blank nor covered
    text = svg.read_text()
    assert "<svg" in text
    assert "<dc:date>" not in text
    assert sorted(p.name for p in tmp_path.iterdir()) == [png.name, svg.name]


@pytest.mark.parametrize("kind", ["grid", "rates"])
def test_the_same_results_give_the_same_bytes(kind, root, tmp_path):
    first = [path.read_bytes() for path in drawn(kind, root, tmp_path)]
    assert first == [path.read_bytes() for path in drawn(kind, root, tmp_path)]


def test_pixels_of_the_samples_are_in_the_sheet(root, tmp_path):
    from projcomp.data.images import read_samples

    png, _ = drawn("grid", root, tmp_path)
    last = read_samples(root / "samples" / "A" / "k2.h5").images[5]
    with Image.open(png) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    # Every pixel is an 8 x 8 block; look for two neighbouring ones of the image's first row.
    target = np.repeat(last[0, 3:5], 8, axis=0).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (1, 16, 3))[:, :, 0, 0]
    assert (np.abs(windows - target).max((2, 3)) <= 2).any()


def test_rings_mark_the_requested_places(root, tmp_path):
    from projcomp.reporting.results import read_case
    from projcomp.reporting.sheet import case_tiles

    case = read_case(Folder(str(root)), "A", "k4")
    tiles = case_tiles(case, 3, 4, rings=True)
    assert [len(tile.rings) for tile in tiles] == [4, 0, 0]
    assert [tile.caption for tile in tiles] == ["4", "5", "4"]
    assert tiles[0].color == tiles[2].color != tiles[1].color
    case.table["unsure"] = 1
    assert [tile.caption for tile in case_tiles(case, 3, 4, rings=True)] == ["4 ?", "5 ?", "4 ?"]


def test_all_cases_have_a_line_of_their_own_after_them(root):
    settings = FigureSettings(format=1, name="classes", kind="classes", cases=FIGURES["classes"])
    with plain_style():
        figure = drawer("classes")(settings, Folder(str(root)))
    shares, far, _ = figure.axes
    lines = [label.get_text().strip() for label in shares.get_yticklabels()]
    assert lines == ["or any", "told bar", "told cross", "told all", "reference"]
    assert [text.get_text() for text in shares.texts[6:8]] == ["60", "40"]
    (drawn,) = (line for line in far.lines if line.get_marker() == "o")
    assert drawn.get_xdata()[3] == 0.1


def test_a_score_that_is_mostly_doubted_is_marked(root, tmp_path):
    """Of pictures of which more than half are doubted, whatever their rank; the others are not."""
    path = tmp_path / "results/leaderboard.csv"
    path.parent.mkdir()
    table = pd.read_csv(root / "results/leaderboard.csv")
    # truth, A and B at one place, A at two, and C
    table.assign(unsure=[np.nan, 1, 0.5, 0.51, 0.9]).to_csv(path, index=False)
    cases = FIGURES["leaderboard"]
    settings = FigureSettings(format=1, name="leaderboard", kind="leaderboard", cases=cases)
    with plain_style():
        figure = drawer("leaderboard")(settings, Folder(str(tmp_path)))
    cells = [text for axes in figure.axes for text in axes.texts if "ev" not in text.get_text()]
    assert [text.get_text() for text in cells] == ["100", "90 ?", "80", "70 ?", "100 ?"]
    figure.canvas.draw()
    for axes in figure.axes:  # which stay in their cells
        wide = axes.get_window_extent().width / len(axes.get_xticks())
        shown = [text.get_window_extent().width for text in axes.texts if text in cells]
        assert max(shown) < wide


def test_an_attribute_with_one_value_has_no_panel(root):
    settings = FigureSettings(format=1, name="projection", kind="projection", cases=PLACE_CASES)
    with plain_style():
        figure = drawer("projection")(settings, Folder(str(root)))
    titles = [axes.get_title() for axes in figure.axes if axes.axison]
    assert titles[-1] == "colors at the places, from uniform"


@pytest.mark.parametrize(
    ("cases", "rows", "columns"),
    [
        (["blue-red", "blue-cyan", "red-blue"], *[["red", "blue", "cyan"]] * 2),
        (["apart-p2-red", "apart-p1-red", "apart-p1-blue"], ["p1", "p2"], ["red", "blue"]),
    ],
)
def test_pairs_of_two_kinds_have_a_side_of_the_matrix_each(cases, rows, columns):
    from projcomp.reporting.figures.interaction import _sides

    assert _sides(pd.DataFrame({"case": cases})) == (rows, columns)


def gallery(root, **changes):
    cases = {"A": ["k2"]}
    settings = FigureSettings(format=1, name="g", kind="gallery", cases=cases, **changes)
    with plain_style():
        return drawer("gallery")(settings, Folder(str(root)))


def test_a_gallery_shows_what_was_found_and_frames_what_failed(root, tmp_path):
    (axes,) = gallery(root).axes
    assert len(axes.patches) == 3  # every second of six
    # crosses of all images and circles of all, each twice: three images hold what was requested,
    # three one object more
    marks = [len(collection.get_offsets()) for collection in axes.collections]
    assert marks == [6 * 2, 6 * 2, 3 * 2 + 3 * 3, 3 * 2 + 3 * 3]
    captions = [text.get_text() for text in axes.texts if "of" in text.get_text()]
    assert captions == ["2 of 2", "3 of 2"] * 3
    shutil.copytree(root, tmp_path / "run")
    path = tmp_path / "run/results/A/k2.csv"
    table = pd.read_csv(path).assign(success=0, all_places=1)
    table.to_csv(path, index=False)
    assert len(gallery(tmp_path / "run").axes[0].patches) == 6
    table.assign(unsure=[1, 0] * 3).to_csv(path, index=False)
    texts = [text.get_text() for text in gallery(tmp_path / "run").axes[0].texts]
    assert [text for text in texts if "of" in text] == ["2 of 2 ?", "3 of 2"] * 3
    # over clutter other objects are right
    assert len(gallery(tmp_path / "run", clutter=["A"]).axes[0].patches) == 0
    table.assign(objects="red 0.2").to_csv(path, index=False)
    with pytest.raises(FileFormatError, match=r"k2\.csv: .* objects, got 'red 0\.2'; run evaluate"):
        gallery(tmp_path / "run")


@pytest.mark.parametrize(
    ("rows", "blocks"), [(1, [1]), (20, [20]), (21, [11, 10]), (50, [17, 17, 16])]
)
def test_many_rows_stand_side_by_side_in_their_order(rows, blocks):
    tiles = [Tile(np.full((4, 4, 3), 5 * number, np.uint8)) for number in range(rows)]
    figure = sheet_figure([Row(str(number), [tile]) for number, tile in enumerate(tiles)], "t", 8)
    labels = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert [len(some) for some in labels] == blocks
    assert [label for some in labels for label in some] == [str(number) for number in range(rows)]
    shown = [axes.images[0].get_array()[0, LABEL, 0] for axes in figure.axes]
    assert shown == [5 * int(some[0]) for some in labels]


def test_enlarging_takes_the_nearest_pixel():
    from projcomp.reporting.sheet import enlarge

    small = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert (enlarge(small, 4) == small.repeat(2, 0).repeat(2, 1)).all()


def test_settings_of_another_figure_are_refused(root, tmp_path):
    settings = FigureSettings(format=1, name="counts", kind="counts", cases={})
    with pytest.raises(ConfigError, match="figure rates"):
        draw("rates", settings, root, tmp_path / "a.png", tmp_path / "a.svg")


@pytest.mark.parametrize("kind", ["counts", "grid"])
def test_a_missing_case_is_one_line_and_no_figure(kind, root, tmp_path):
    with pytest.raises(FileFormatError, match=re.compile("k7")) as caught:
        drawn(kind, root, tmp_path, {"A": ["k7"]})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
