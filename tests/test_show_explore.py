"""The figures of the explore pages on numbers made up here, and what the site lets through of a learner's figure."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from dojo import explore, show

sys.path.insert(0, str(Path(__file__).parents[1] / "streamlit_app"))
from ui import demo

STEPS, TOKENS = [0, 100, 150], ["<s>", "a", "b", "a", "b"]


def phase_figure(**changes):
    arguments = {
        "scores": {"previous": [0.1, 0.2, 0.9], "induction": [0.0, 0.1, 0.8]},
        "patterns": torch.rand(3, 8, 5, 5),
        "losses": {"loss": [4.0, 3.0, 1.0]},
        "names": [f"{layer}.{head}" for layer in range(2) for head in range(4)],
        "rise": 125.0,
    }
    return explore.phase_change_figure(STEPS, tokens=TOKENS, **(arguments | changes))


def test_the_slider_moves_marks_lines_and_patterns_together():
    patterns = torch.rand(3, 8, 5, 5)
    figure = phase_figure(patterns=patterns)
    assert [frame.name for frame in figure.frames] == ["0", "100", "150"]
    for i, frame in enumerate(figure.frames):
        marks = [trace for trace in frame.data if trace.type == "scatter"]
        assert [mark.x[0] for mark in marks] == [i] * 3
        assert [mark.y[0] for mark in marks] == [[0.1, 0.2, 0.9][i], [0.0, 0.1, 0.8][i], [4.0, 3.0, 1.0][i]]
        maps = [trace for trace in frame.data if trace.type == "heatmap"]
        assert torch.allclose(torch.tensor([heatmap.z for heatmap in maps]), patterns[i], atol=6e-4)
        assert [shape.x0 for shape in frame.layout.shapes] == [i, 1.5, i, 1.5]
    assert "steepest rise: 125" in [trace.name for trace in figure.data]
    assert len(figure.frames[0].data) == 3 + 8, "the curves themselves stay"


def test_without_losses_or_a_rise():
    figure = phase_figure(losses=None, rise=None, patterns=torch.rand(3, 4, 5, 5), names=None)
    assert [shape.x0 for shape in figure.layout.shapes] == [2]
    assert not any(trace.name and "rise" in trace.name for trace in figure.data)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scores": {"induction": [0.1]}}, "1 of 'induction', where 3 belong"),
        ({"patterns": torch.rand(2, 8, 5, 5)}, "2 of patterns, where 3 belong"),
        ({"names": ["a"]}, "1 of names, where 8 belong"),
        ({"patterns": torch.rand(3, 8, 4, 4)}, "5 queries and keys"),
    ],
)
def test_what_does_not_fit_is_told(changes, words):
    with pytest.raises(ValueError, match=words):
        phase_figure(**changes)


def test_a_patching_map_is_white_at_zero_and_spans_at_least_one():
    figure = explore.patching_map([[0.1, 0.2], [0.0, -0.3]], ["a", "b"])
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)
    assert explore.patching_map([[1.5, 0.0]], ["a", "b"]).data[0].zmin == -1.5


def test_importing_the_figures_imports_no_heavy_library():
    import subprocess

    code = "import sys; from dojo import explore; print([m for m in ('plotly', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_site_keeps_a_learners_frames_and_drops_what_else_buttons_could_do():
    figure = demo.figure_from(show.slider({0: show.lines({"a": [1, 2]}), 1: show.lines({"a": [2, 1]})}).to_json())
    assert figure and [frame["name"] for frame in figure["frames"]] == ["0", "1"]
    assert len(figure["layout"]["sliders"]) == 1 and len(figure["layout"]["updatemenus"]) == 1
    picture = {"images": [{"source": "http://x/y"}]}
    attack = {
        "data": [{"type": "bar", "y": [1]}],
        "layout": {
            "sliders": [{"steps": [{"method": "relayout", "args": [picture]}]}],
            "updatemenus": [
                {"buttons": [{"method": "animate", "args": [[{"layout": picture}]]}]},
                {"buttons": [{"method": "animate", "args": ["0"], "args2": [[{"layout": picture}]]}]},
            ],
        },
        "frames": [{"name": "0", "layout": picture, "data": [{"type": "image", "source": "http://x/y"}]}],
    }
    assert "http" not in json.dumps(demo.figure_from(json.dumps(attack)))
