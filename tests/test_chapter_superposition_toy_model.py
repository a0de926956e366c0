"""Chapter 4, section 1: its pictures show what the prose says, and the references agree with others' code."""

import math

import pytest
import torch
from torch import nn

import solutions.superposition as ref
from dojo.course.load import load_course
from tests.demos import bars, curves, matrix, run_demo, title


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("superposition")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id: run_demo(chapter, id, monkeypatch)


def arrows(figure: dict, n_features: int = 5) -> torch.Tensor:
    """W [instance, 2, n_features] as it is drawn."""
    tips = [[t["x"][1], t["y"][1]] for t in figure["data"] if t.get("name") is not None]
    return torch.tensor(tips).reshape(-1, n_features, 2).transpose(1, 2)


# --- pictures ---


def test_how_many_features_come_at_once(show_demo, chapter):
    shares = bars(show_demo("sample_features-demo")[0])
    assert shares["density 1"]["5 features"] == 1
    for p, name in ((0.3, "density 0.3"), (0.05, "density 0.05")):
        for n in range(6):
            expected = math.comb(5, n) * p**n * (1 - p) ** (5 - n)
            assert shares[name][f"{n} features"] == pytest.approx(expected, abs=0.012)
    rare = shares["density 0.05"]
    two_or_more = sum(rare[f"{n} features"] for n in range(2, 6))
    question = chapter.predicts["how-many-at-once"]
    exact = 1 - 0.95**5 - 5 * 0.05 * 0.95**4
    assert question.answer == pytest.approx(exact, abs=1e-4)
    assert two_or_more == pytest.approx(exact, abs=0.004)
    assert rare["1 features"] / (1 - rare["0 features"]) > 0.88, "an input with anything in it has one thing in it"


def test_one_at_a_time_then_two(show_demo):
    drawn, figure = show_demo("ToyModel-demo")
    axes, pairs, pentagon = matrix(figure).split(5, dim=1)
    eye = torch.eye(5)
    assert torch.allclose(axes[:5], eye * (torch.arange(5) < 2)), "the axes lose three features"
    assert torch.allclose(pairs[:5], eye * (torch.arange(5) < 4)), "the pairs lose one"
    assert torch.allclose(pentagon[:5], eye, atol=1e-5), "the pentagon none"
    assert torch.allclose(pentagon[5], torch.tensor([1.447, 1.447, 0, 0, 0]), atol=1e-3), "0 and 1: too large"
    assert torch.allclose(pentagon[6], torch.tensor([0, 0.447, 0, 0, 0]), atol=1e-3), "0 and 2: cancel, and 1 appears"
    assert arrows(drawn)[2].pow(2).sum(dim=0) == pytest.approx([1.447] * 5, abs=1e-3)


def test_each_arrangement_is_best_somewhere(show_demo):
    found = curves(show_demo("importance_loss-demo")[0])
    density = found["axes"][0]
    best = [min(found, key=lambda name: found[name][1][i]) for i in range(len(density))]
    for p, name in zip(density, best, strict=True):
        assert name == ("axes" if p > 0.55 else "pairs" if p > 0.09 else "pentagon"), p


@pytest.mark.slow
def test_the_pentagon_appears(show_demo):
    losses, figure = show_demo("train_toy_model-demo")
    length = arrows(figure).norm(dim=1)  # [density, feature]
    assert (length > 0.5).sum(dim=1).tolist() == [2, 2, 4, 4, 4, 5, 5, 5]
    assert (length[:2] > 0.5).tolist() == [[True, True, False, False, False]] * 2, "the most important two"
    for W in arrows(figure):
        W = W[:, W.norm(dim=0) > 0.5]
        W = W / W.norm(dim=0)
        angles = torch.atan2(W[1], W[0]).sort().values
        gaps = torch.cat([angles.diff(), angles[:1] + 2 * torch.pi - angles[-1:]]).rad2deg()
        if W.shape[1] == 2:
            assert gaps.min() == pytest.approx(90, abs=4), "an axis each"
        elif W.shape[1] == 4:
            assert gaps.tolist() == pytest.approx([90] * 4, abs=6), "two pairs of opposites"
        else:
            assert gaps.tolist() == pytest.approx([72] * 5, abs=7), "a pentagon"
    end = {name: sum(ys[-10:]) / 10 for name, (_, ys) in curves(losses).items()}
    assert end["density 0.5"] > 0.28 and end["density 0.3"] > 0.28, "nearly a third is lost in between"
    assert max(end["density 1"], end["density 0.05"], end["density 0.02"]) < 0.15


@pytest.mark.slow
def test_three_of_four_restarts_are_stuck():
    """The same training as the demo's, of which only the best restart is drawn."""
    densities = torch.tensor([1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02])
    sparsity = (1 - densities).repeat_interleave(4)
    torch.manual_seed(0)
    model = ref.ToyModel(32, 5, 2)
    losses = ref.train_toy_model(model, 0.9 ** torch.arange(5), lambda: ref.sample_features(256, sparsity, 5))
    kept = ref.represented(model.W.detach()).sum(dim=1).reshape(8, 4)[5]
    mean = losses[-200:].mean(dim=0).reshape(8, 4)[5]
    assert sorted(kept.tolist()) == [4, 4, 4, 5] and kept[mean.argmin()] == 5


def test_watch_them_unfold(show_demo):
    (figure,) = show_demo("train_toy_model-demo-2")
    assert len(figure["frames"]) == 11
    lengths = {}
    for frame in figure["frames"]:
        tips = [(t["x"][1], t["y"][1]) for t in frame["data"] if len(t.get("x") or []) == 2]
        lengths[int(frame["name"])] = torch.tensor(tips).norm(dim=1).reshape(2, 5)
    assert lengths[0].max() < 0.35 and lengths[40].min() > 0.4, "all grow"
    assert lengths[150][0, 4] < 0.15 and lengths[499][0, :4].min() > 0.9, "left: feature 4 is gone"
    assert lengths[100][1, 3] < lengths[40][1, 3] and lengths[60][1, 4] < lengths[40][1, 4], "right: squeezed"
    assert lengths[499][1].min() > 1, "and yet all five stay"
    assert title(figure) is None or title(figure) == ""


# --- the references, against other ways ---


def test_sampling_against_the_moments():
    """A feature's mean is p / 2 and its mean square p / 3; two features' product has mean p^2 / 4."""
    sparsity = torch.tensor([0.0, 0.3, 0.9, 1.0])
    p = 1 - sparsity.double()
    x = ref.sample_features(200_000, sparsity, 3, torch.Generator().manual_seed(0)).double()
    assert torch.allclose(x.mean(0), (p / 2)[:, None].expand(4, 3), atol=5e-3)
    assert torch.allclose(x.pow(2).mean(0), (p / 3)[:, None].expand(4, 3), atol=5e-3)
    assert torch.allclose((x[..., 0] * x[..., 1]).mean(0), p**2 / 4, atol=5e-3)
    assert (x[:, 3] == 0).all() and (x[:, 0] == 0).sum() <= 2


def test_the_model_against_torch_linears():
    """Each instance is a Linear without bias, then a Linear with the same weight transposed, then a ReLU."""
    torch.manual_seed(0)
    model = ref.ToyModel(3, 5, 2)
    nn.init.normal_(model.b)
    x = torch.rand(4, 3, 5)
    for i in range(3):
        into, out = nn.Linear(5, 2, bias=False), nn.Linear(2, 5)
        into.weight.data, out.weight.data, out.bias.data = model.W[i].data, model.W[i].data.T, model.b[i].data
        assert torch.allclose(model(x)[:, i], nn.Sequential(into, out, nn.ReLU())(x[:, i]), atol=1e-6)
    assert ref.ToyModel(50, 20, 10).W.std().item() == pytest.approx(20**-0.5, rel=0.05)


def test_the_loss_against_mse():
    x, x_hat = torch.rand(6, 3, 4), torch.rand(6, 3, 4)
    loss = ref.importance_loss(x, x_hat, torch.ones(4))
    for i in range(3):
        assert loss[i].item() == pytest.approx(4 * nn.functional.mse_loss(x_hat[:, i], x[:, i]).item(), rel=1e-5)
    weights = torch.rand(3, 4)
    expected = (weights * (x - x_hat) ** 2).sum(dim=(0, 2)) / 6
    assert torch.allclose(ref.importance_loss(x, x_hat, weights), expected)


def test_training_against_a_loop_over_instances_and_torch_schedule():
    torch.manual_seed(0)
    model = ref.ToyModel(3, 5, 2)
    alone = []
    for i in range(3):
        single = ref.ToyModel(1, 5, 2)
        single.load_state_dict({"W": model.W.data[i : i + 1].clone(), "b": model.b.data[i : i + 1].clone()})
        alone.append(single)
    batches = torch.rand(20, 8, 3, 5)
    data = iter(batches)
    losses = ref.train_toy_model(model, torch.ones(5), lambda: next(data), steps=20, lr=0.05)
    for i, single in enumerate(alone):
        optimizer = torch.optim.Adam(single.parameters(), lr=0.05)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=20)
        for step in range(20):
            x = batches[step, :, i : i + 1]
            loss = (x - single(x)).pow(2).sum(dim=-1).mean()
            assert losses[step, i].item() == pytest.approx(loss.item(), rel=1e-3)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        assert torch.allclose(single.W, model.W[i : i + 1], atol=1e-4)


def test_without_relu_two_features_are_the_most():
    """A linear model of the same shape keeps what two principal components hold, however sparse the features are."""
    torch.manual_seed(0)

    class Linear(ref.ToyModel):
        def forward(self, x):
            return torch.einsum("bif,ihf,ihg->big", x, self.W, self.W) + self.b

    sparsity, importance = torch.full((4,), 0.95), 0.7 ** torch.arange(5)
    model = Linear(4, 5, 2)
    ref.train_toy_model(model, importance, lambda: ref.sample_features(256, sparsity, 5), steps=800)
    kept = model.W.detach().pow(2).sum(dim=(1, 2))
    assert torch.allclose(kept, torch.full((4,), 2.0), atol=0.2), "the squared lengths sum to two dimensions"
