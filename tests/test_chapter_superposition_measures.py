"""Sections 2 and 3 of chapter 4: what the pictures show, and the references' mathematics checked by other means."""

import math
import re

import pytest
import torch
import torch.nn as nn

import solutions.superposition as ref
from dojo.course.load import load_course
from tests.demos import curves, matrix, run_demo, title


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("superposition")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)


def row_labels(figure):
    return figure["layout"]["yaxis"]["ticktext"]


# --- the references ---


def test_a_lone_feature_hears_the_gram_matrix():
    """With torch's own layers: shown alone, feature i is answered by its row of W^T W."""
    W = torch.randn(1, 3, 6)
    down, up = nn.Linear(6, 3, bias=False), nn.Linear(3, 6, bias=False)
    with torch.no_grad():
        down.weight.copy_(W[0])
        up.weight.copy_(W[0].T)
        answers = up(down(torch.eye(6)))
    expected = answers - torch.diag(answers.diagonal())
    assert torch.allclose(ref.interference(W)[0], expected, atol=1e-5)


def test_shares_add_up_to_the_rank_at_most():
    """Each share is at most the feature's leverage score, the diagonal of the projector on the rows of W."""
    W = torch.randn(300, 3, 7, dtype=torch.float64) * torch.rand(300, 1, 7)
    W[:100, 2] = W[:100, 0]  # rank 2
    leverage = (torch.linalg.pinv(W) @ W).diagonal(dim1=-2, dim2=-1)
    shares = ref.feature_dimensionality(W)
    assert (shares <= leverage + 1e-9).all()
    assert (shares[:100].sum(dim=1) <= 2 + 1e-9).all() and (shares.sum(dim=1) <= 3 + 1e-9).all()


def test_a_cube_and_an_antiprism_have_the_same_shares():
    square = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, -1]])
    turned = torch.tensor([[2**0.5, -(2**0.5), 0, 0], [0, 0, 2**0.5, -(2**0.5)]])
    top, bottom = torch.ones(1, 4), -torch.ones(1, 4)
    cube = torch.cat([torch.cat([square, top]), torch.cat([square, bottom])], dim=1)
    antiprism = torch.cat([torch.cat([square, top]), torch.cat([turned, bottom])], dim=1)
    W = torch.stack([cube, antiprism]) / 3**0.5
    assert torch.allclose(ref.feature_dimensionality(W), torch.full((2, 8), 3 / 8))
    lowest = ref.interference(W).amin(dim=(1, 2))
    assert lowest[0] == pytest.approx(-1) and lowest[1] == pytest.approx(-(2**0.5 + 1) / 3)


@pytest.mark.parametrize("sparsity, importance", [(0.0, 1.0), (0.3, 0.5), (0.7, 2.0), (0.95, 0.8)])
def test_expected_losses_by_monte_carlo(sparsity, importance):
    """The two designs as toy models, on a million inputs."""
    generator = torch.Generator().manual_seed(1)
    x = ref.sample_features(500_000, torch.tensor([sparsity, sparsity]), 2, generator)
    model = ref.ToyModel(2, 2, 1)
    with torch.no_grad():
        model.W.copy_(torch.tensor([[[1.0, 0.0]], [[1.0, -1.0]]]))
        model.b.copy_(torch.tensor([[0.0, (1 - sparsity) / 2], [0.0, 0.0]]))
        measured = ref.importance_loss(x, model(x), torch.tensor([1.0, importance]))
    expected = ref.expected_losses(sparsity, importance)
    assert measured[0].item() == pytest.approx(expected["dedicated"], rel=0.015)
    assert measured[1].item() == pytest.approx(expected["antipodal"], rel=0.02)


def test_the_best_constant_and_the_crossing():
    """No other constant does better than the mean; the losses cross at p = 4 I / (2 + 5 I)."""
    x = ref.sample_features(200_000, torch.tensor([0.6]), 1, torch.Generator().manual_seed(0))
    around = [(x - b).pow(2).mean().item() for b in (0.15, 0.2, 0.25)]
    assert around[1] == min(around)
    for importance, density in ((1.0, 4 / 7), (0.5, 4 / 9), (0.3, 1.2 / 3.5)):
        assert density == pytest.approx(4 * importance / (2 + 5 * importance))
        losses = ref.expected_losses(1 - density, importance)
        assert losses["dedicated"] == pytest.approx(losses["antipodal"])


def test_examples_worked_by_hand():
    """The numbers in the exercises' texts."""
    W = torch.tensor([[[0.9, 0.3, 0.0], [0.1, 0.3, -0.6]]])
    assert [round(v, 2) for v in W.norm(dim=1)[0].tolist()] == [0.91, 0.42, 0.6]
    assert ref.represented(W).tolist() == [[True, False, True]]
    gram = ref.interference(torch.tensor([[[1.0, 0.0, -1.0], [0.0, 2.0, 0.5]]]))[0]
    assert (gram[0, 1], gram[0, 2], gram[1, 2]) == (0, -1, 1)
    shares = ref.feature_dimensionality(torch.tensor([[[1.0, -0.5, 0.0], [0.0, 0.0, 3.0]]]))
    assert torch.allclose(shares, torch.tensor([[0.8, 0.2, 1.0]]))
    losses = ref.expected_losses(0.5, 0.5)
    assert losses == pytest.approx({"dedicated": 5 / 96, "antipodal": 1 / 16})
    losses = ref.expected_losses(0.0, 1.0)
    assert losses == pytest.approx({"dedicated": 1 / 12, "antipodal": 1 / 3})
    W = torch.tensor([[[[[1.0, 0.0]], [[0.0, 1.0]], [[0.6, -0.9]]]]])
    assert ref.phase_diagram(W, torch.ones(1, 1, 3)).tolist() == [[0, 1, 2]]
    assert ref.phase_diagram(W, torch.ones(1, 1, 3), feature=0).tolist() == [[1, 0, 2]]


def test_the_best_restart_decides():
    W = torch.randn(4, 2, 3, 2, 5)
    losses = torch.rand(4, 2, 3)
    diagram = ref.phase_diagram(W, losses, feature=1)
    for r in range(2):
        for c in range(3):
            best = sorted(range(4), key=lambda k: losses[k, r, c].item())[0]
            alone = ref.phase_diagram(W[best, r, c][None, None, None], torch.zeros(1, 1, 1), feature=1)
            assert diagram[r, c] == alone[0, 0]


def test_train_restarts_keeps_settings_apart():
    """Settings stand on the second axis: features that are always absent teach nothing, and cost nothing."""
    torch.manual_seed(0)
    W, losses = ref.train_restarts(torch.tensor([0.0, 1.0, 0.3]), torch.ones(4), n_hidden=2, restarts=5, steps=40)
    assert W.shape == (5, 3, 2, 4) and losses.shape == (5, 3)
    assert (losses[:, 0] < 1e-3).all() and (losses[:, 1:] > 0.01).all()


# --- the pictures ---


@pytest.mark.slow
def test_what_is_kept(show_demo):
    *_, figure = show_demo("represented-demo")
    kept = [int(re.findall(r"(\d) kept", label)[0]) for label in row_labels(figure)]
    assert kept[0] == 2 and kept[-2:] == [5, 5] and 4 in kept and kept == sorted(kept)
    lengths = matrix(figure)
    assert lengths[-1].min() > 1 and lengths.max() < 1.25
    between = (lengths > 0.2) & (lengths < 0.8)
    assert between[3:].sum() <= 2, "mostly near 0 or a little above 1"


@pytest.mark.slow
def test_who_disturbs_whom(show_demo):
    *_, figure = show_demo("interference-demo")
    maps = {frame["name"]: torch.tensor(frame["data"][0]["z"]) for frame in figure["frames"]}
    assert maps["100%"].abs().max() < 0.35
    pairs = (maps["25%"] < -0.9).sum().item() // 2
    rest = maps["25%"][maps["25%"] > -0.9]
    assert pairs == 2 and rest.abs().max() < 0.1, "two antipodal pairs, and nothing else"
    for row in maps["4%"]:
        assert ((row < -0.9).sum(), (row.sub(0.4).abs() < 0.1).sum()) == (2, 2), "a pentagon"


@pytest.mark.slow
def test_dividing_up_two_dimensions(show_demo):
    *_, figure = show_demo("feature_dimensionality-demo")
    sums = [float(label.split()[-1]) for label in row_labels(figure)]
    assert all(value == pytest.approx(2, abs=0.02) for value in sums[:4])
    assert sums[4] == pytest.approx(1.67, abs=0.03)
    shares = matrix(figure)
    assert shares[0].sort().values[-2:].min() > 0.9
    assert (shares[1:3].sub(0.5).abs() < 0.05).sum() >= 7, "pairs"
    assert shares[3].sub(0.4).abs().max() < 0.02


@pytest.mark.slow
def test_shares_stick(show_demo):
    *_, figure = show_demo("feature_dimensionality-demo-2")
    (points,) = figure["data"]
    by_density = {}
    for x, y, text in zip(points["x"], points["y"], points["text"], strict=True):
        by_density.setdefault(x, []).append((y, text))
    near = {x: lambda v, found=found: sum(abs(y - v) < 0.02 for y, _ in found) for x, found in by_density.items()}
    for x in (2.0, 2.5, 3.0, 3.5):
        assert near[x](1 / 2) == 6 and near[x](0) == 6, "three digons"
    mixed = [x for x in (4.0, 4.5) if near[x](1 / 2) == 2 and near[x](2 / 5) == 5]
    assert mixed, "a digon and a pentagon"
    assert sum(near[x](3 / 8) == 8 for x in (5.0, 5.5, 6.0)) == 3, "the antiprism"
    assert not any(near[x](2 / 3) >= 3 or near[x](3 / 4) >= 4 for x in by_density), "no triangles, no tetrahedra"
    kept = {x: int(found[0][1].split()[0]) for x, found in by_density.items()}
    assert kept[2.0] == 6 and kept[8.0] in (9, 10) and max(kept.values()) >= 10


@pytest.mark.slow
def test_the_eight_are_an_antiprism_and_no_cube():
    torch.manual_seed(0)
    W, losses = ref.train_restarts(torch.tensor([1 / 6]), torch.ones(12), n_hidden=3, restarts=4, steps=1500)
    W = W[losses[:, 0].argmin()]
    W = W[..., ref.represented(W)[0]]
    assert W.shape[-1] == 8
    cosines = ref.interference(W / W.norm(dim=1, keepdim=True))
    assert cosines.min() == pytest.approx(-(2**0.5 + 1) / 3, abs=0.03) and cosines.min() > -0.83


def test_where_the_curves_cross(show_demo):
    (figure,) = show_demo("expected_losses-demo")
    found = curves(figure)
    assert len(found) == 4
    for importance in ("1", "0.3"):
        (x, own), (_, pair) = (found[f"{name}, I = {importance}"] for name in ("dedicated", "antipodal"))
        border = 4 * float(importance) / (2 + 5 * float(importance))
        assert all((b < a) == (p < border) for p, a, b in zip(x, own, pair, strict=True) if abs(p - border) > 0.011)
        assert f"{math.floor(border * 100) / 100:.2f}" in title(figure)


@pytest.mark.slow
def test_predicted_and_trained(show_demo):
    _, predicted, trained, single = show_demo("phase_diagram-demo")
    same = [int(re.findall(r"(\d+) of 100", title(figure))[0]) for figure in (predicted, trained, single)]
    assert same[0] == 100 and same[1] >= 92 and same[2] < same[1] - 5
    predicted, trained, single = map(matrix, (predicted, trained, single))
    differ = (predicted != trained).nonzero().tolist()
    at_the_border = 0
    for r, c in differ:
        around = predicted[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2]
        at_the_border += len(around.unique()) > 1
    assert at_the_border >= len(differ) - 1
    assert sum(trained[r, c] == 2 for r, c in differ) > len(differ) / 2, "superposition reaches further than predicted"
    assert ((single != predicted) & (predicted == 2)).sum() >= 6, "stuck in the middle of superposition"
