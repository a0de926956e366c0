"""Chapter 4, sections 4 to 7: each demo runs on the references and shows what the prose says; the references' mathematics."""

import re

import pytest
import torch

import solutions.superposition as reference
from dojo.course.load import load_course
from dojo.planted import mystery_geometry
from tests.demos import bars, curves, matrix, run_demo, title


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("superposition")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    """Runs a demo by its title: ids are counted through the chapter, which has other parts."""
    ids = {demo.title: id for id, demo in chapter.demos.items()}
    return lambda title, **settings: run_demo(chapter, ids[title], monkeypatch, **settings)


def points(figure):
    """x, y and label of each point."""
    (trace,) = figure["data"]
    return list(zip(trace["x"], trace["y"], trace["text"], strict=True))


@pytest.mark.slow
def test_correlated_partners(show_demo):
    learning, angles, rare, common = show_demo("Partners, where they are rare and where they are common")
    assert set(curves(learning)) == {"independent", "correlated"}
    cosine = bars(angles)[""]
    assert cosine["correlated, density 0.1"] == pytest.approx(0.0, abs=0.15), "at right angles"
    assert cosine["correlated, density 0.4"] > 0.8, "on top of each other, but for one model"
    assert cosine["independent, density 0.1"] < -0.1, "some are opposite each other"
    assert "density 0.1" in title(rare) and "density 0.4" in title(common)
    rare, common = matrix(rare), matrix(common)
    assert abs(rare[0, 1]) < 0.2 and abs(rare[2, 3]) < 0.2
    assert (rare[:2, 2:] < -0.7).sum() == 2, "opposites belong to different pairs"
    assert common[0, 1] > 0.3 and common[2, 3] > 0.3 and common[:2, 2:].abs().max() < 0.1


@pytest.mark.slow
def test_anticorrelated_partners(show_demo):
    learning, angles, models = show_demo("Opposites that never meet")
    assert len(curves(learning)) == 3
    cosine = bars(angles)[""]
    assert cosine["anticorrelated"] < -0.7 and cosine["correlated"] > 0.85 and abs(cosine["independent"]) < 0.1
    third = [(x, y) for x, y, label in points(models) if label.startswith("anticorrelated")]
    opposite = [y for x, y in third if x < -0.95]
    stuck = [y for x, y in third if x > -0.2]
    assert len(third) == 16 and len(opposite) + len(stuck) == 16 and 1 <= len(stuck) <= 5
    assert max(opposite) < 0.02 and all(y == pytest.approx(0.1, abs=0.02) for y in stuck)
    assert min(y for _, y, label in points(models) if label.startswith("independent")) > 0.08


@pytest.mark.slow
def test_neurons_become_polysemantic(show_demo):
    learning, counts, dense, sparse = show_demo("Neurons, as features get rarer")
    assert len(curves(learning)) == 6
    one = list(bars(counts)["one feature"].values())
    many = [a + b for a, b in zip(*(bars(counts)[k].values() for k in ("three", "four or more")), strict=True)]
    assert one[0] >= 14 and one[0] > one[3] > one[4] and one[4] <= 2, "from pure to mixed"
    assert 8 <= one[1] <= 12, "at density 0.4 half of them answer to several"
    assert many[0] <= 2 and many[4] >= 16
    W = matrix(dense)
    assert "density 0.5" in title(dense) and "density 0.1" in title(sparse)
    assert reference.polysemanticity(W[None])[0].tolist() == [1] * 5
    assert sorted(W.argmax(dim=1).tolist()) == [0, 1, 2, 3, 4], "a neuron for each of the five most important"
    W = matrix(sparse)
    assert set(reference.polysemanticity(W[None])[0].tolist()) <= {3, 4}
    assert reference.represented(W[None]).sum() in (7, 8)


@pytest.mark.parametrize("name", ["Ada", "your name"])
def test_the_investigations_looks(show_demo, capsys, name):
    (who,) = show_demo("First look: what is kept?", LEARNER=name)
    claim = reference.name_the_geometry(mystery_geometry(name))
    length, alone, nothing = ([*group.values()] for group in bars(who).values())
    assert {f for f, size in enumerate(length) if size < 0.5} == set(claim["dropped"])
    assert any(alone[f] > 0.03 for f in claim["dropped"]), "an output that is a guess"
    assert all(abs(alone[f] - nothing[f]) < 0.02 for f in claim["dropped"])
    assert f"{len(length) - len(claim['dropped'])} features kept" in capsys.readouterr().out

    products, cosines = map(matrix, show_demo("Second look: who disturbs whom?", LEARNER=name))
    differ = ((products - cosines).abs() > 0.5).nonzero().tolist()
    assert differ and all(set(pair) & set(claim["dropped"]) for pair in differ), "they part at dropped features"


def test_the_claim_sorted(show_demo, capsys):
    table, changes = show_demo("Your claim, sorted", LEARNER="Ada")
    claim = reference.name_the_geometry(mystery_geometry("Ada"))
    sizes = [len(group) for group in [*claim["groups"], claim["dropped"]]]
    group = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    outside = group[:, None] != group
    for figure in (table, changes):
        assert matrix(figure)[outside].abs().max() < 0.1
        assert matrix(figure).abs().max() > 0.6
    assert matrix(changes).diagonal().abs().max() == 0
    assert len(re.findall(r"features in \d dimensions", capsys.readouterr().out)) == len(claim["groups"])


def test_more_tokens_than_dimensions(show_demo):
    bound, random, centred, raw = bars(show_demo("More tokens than dimensions")[0])[""].values()
    assert bound < random < 1.1 * bound
    assert 2.5 * random < centred < 3.7 * random and raw > 10 * random


# --- the references, by other means


@pytest.mark.parametrize("sparsity", [0.6, 0.9])
def test_the_three_worlds_differ_in_meetings_only(sparsity):
    generator = torch.Generator().manual_seed(0)
    s, p = torch.tensor([sparsity, sparsity]), 1 - sparsity
    worlds = {
        p**2: reference.sample_features(40000, s, 4, generator),
        p: reference.correlated_features(40000, s, 2, generator),
        0.0: reference.anticorrelated_features(40000, s, 2, generator),
    }
    for meet, x in worlds.items():
        there = x > 0
        assert torch.allclose(there.float().mean(dim=0), torch.tensor(p), atol=0.015), "each as rare in every world"
        partners = (there[..., ::2] & there[..., 1::2]).float().mean(dim=0)
        assert torch.allclose(partners, torch.tensor(float(meet)), atol=0.015)
        strangers = (there[..., 0] & there[..., 2]).float().mean()
        assert strangers == pytest.approx(p**2, abs=0.015), "pairs are independent"
        assert x[x > 0].mean() == pytest.approx(0.5, abs=0.01) and x[x > 0].var() == pytest.approx(1 / 12, abs=0.003)


def test_polysemanticity_by_the_numbers_in_the_text():
    rows = torch.tensor([[[1.0, 0.5, 0.2, -0.9], [-1.0, 0.0, 3.0, 0.5], [-1.0, -2.0, 0.0, -1.0]]])
    assert reference.polysemanticity(rows).tolist() == [[2, 1, 0]]


def test_the_relu_model_against_torch_modules():
    torch.manual_seed(0)
    model = reference.ReluToyModel(3, 6, 4)
    with torch.no_grad():
        model.b.normal_()
    x = torch.rand(5, 3, 6)
    for i in range(3):
        up, down = torch.nn.Linear(6, 4, bias=False), torch.nn.Linear(4, 6)
        up.weight.data, down.weight.data, down.bias.data = model.W[i].data, model.W[i].T.data, model.b[i].data
        torch.testing.assert_close(model(x)[:, i], down(up(x[:, i]).relu()).relu())
    turn = torch.linalg.qr(torch.randn(4, 4)).Q
    plain = reference.ToyModel(3, 6, 4)
    before, before_relu = plain(x), model(x)
    with torch.no_grad():
        plain.W.copy_(turn @ plain.W)
        model.W.copy_(turn @ model.W)
    torch.testing.assert_close(plain(x), before), "no basis matters here"
    assert (model(x) - before_relu).abs().max() > 0.1, "and here one does"


def test_shares_of_regular_groups_and_chains():
    """The sums of shares that the prose names, from vectors made here."""

    def shares(gram):
        values, vectors = torch.linalg.eigh(gram)
        return reference.feature_dimensionality((vectors * values.clamp(min=0).sqrt()).T[None].float())[0].sum().item()

    def chain(n):
        off = -0.5 / torch.cos(torch.tensor(torch.pi / (n + 1)).double())
        links = torch.diag(torch.full((n - 1,), off.item()).double(), 1)
        return torch.eye(n).double() + links + links.T

    def circle(n):
        angles = 2 * torch.pi * torch.arange(n) / n
        return torch.cos(angles[:, None] - angles).double()

    assert shares(chain(3)) == pytest.approx(1.83, abs=0.005) and shares(chain(4)) == pytest.approx(2.58, abs=0.005)
    assert [round(shares(circle(n)), 3) for n in (3, 5)] == [2, 2]
