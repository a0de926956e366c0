"""Feature directions as arrows: what stands where, and what is refused."""

import math

import pytest
import torch

from dojo import show


def pentagon(radius=1.0):
    angles = torch.arange(5) * 2 * math.pi / 5
    return radius * torch.stack([angles.cos(), angles.sin()])


def test_every_model_has_a_circle_and_an_arrow_for_each_feature():
    W = torch.stack([pentagon(), 0.8 * pentagon(), torch.zeros(2, 5)])
    figure = show.directions(W, ["dense", "sparse", "nothing"], title="three models")
    arrows = [trace for trace in figure.data if trace.name is not None]
    assert len(figure.data) == 3 * 6 and len(arrows) == 15
    tips = torch.tensor([[trace.x[1], trace.y[1]] for trace in arrows]).reshape(3, 5, 2).transpose(1, 2)
    assert torch.allclose(tips, W)
    assert [a.text for a in figure.layout.annotations] == ["dense", "sparse", "nothing"]
    assert [trace.showlegend for trace in arrows] == [True] * 5 + [False] * 10, "a feature stands in the legend once"
    assert [trace.text[1] for trace in arrows[5:]] == [*"01234", *[""] * 5], (
        "a feature without a direction has no number"
    )
    assert len({trace.line.color for trace in arrows}) == 5


def test_one_model_and_all_on_one_scale():
    assert len(show.directions(pentagon()).data) == 6
    figure = show.directions(torch.stack([pentagon(2.0), pentagon()]), features=list("abcde"))
    ranges = {axis: figure.layout[axis].range for axis in ("xaxis", "xaxis2", "yaxis", "yaxis2")}
    assert all(ends == pytest.approx((-2.5, 2.5)) for ends in ranges.values())
    assert [figure.layout[f"yaxis{n}"].scaleanchor for n in ("", 2)] == ["x", "x2"], "circles are round"
    assert figure.data[1].name == "a"


def test_figures_of_several_steps_fit_one_slider():
    figures = {step: show.directions(pentagon(0.1 + step / 10)[None].repeat(2, 1, 1)) for step in (0, 9)}
    assert len(show.slider(figures).frames) == 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: show.directions(torch.zeros(4, 3, 5)), r"\[instance, 2, n_features\].*\[4, 3, 5\]"),
        (lambda: show.directions(torch.zeros(4, 2, 5), ["a"]), "4 models of 5 features, but 1 names"),
        (lambda: show.directions(torch.zeros(1, 2, 5), features=["a"]), "1 features' names"),
    ],
)
def test_what_does_not_fit_is_told(call, words):
    with pytest.raises(ValueError, match=words):
        call()
