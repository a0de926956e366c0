"""Chapter 5, training: its demos show what the prose says, and its references agree with SAELens, torch and slow sums."""

import importlib.util
import re

import pytest
import torch
import torch.nn.functional as F

import solutions.sparse_autoencoders as ref
from dojo.course.load import load_course
from tests.demos import bars, curves, run_demo, title


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("sparse_autoencoders")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(7)


def ys(figure) -> list[torch.Tensor]:
    return [torch.tensor(y) for _, y in curves(figure).values()]


# --- demos ---


def test_how_many_features(show_demo):
    (figure,) = show_demo("l0-demo")
    (counts,) = bars(figure).values()
    assert counts["none"] == pytest.approx(512 * 0.98**40, abs=20) and counts["1"] == pytest.approx(512 / 3, abs=20)
    assert "0.81 on average" in title(figure)


def test_reading_with_the_true_dictionary(show_demo):
    (figure,) = show_demo("SparseAutoencoder-demo")
    without, with_bias, strength = ys(figure)
    assert [int(name.split()[-2]) for name in list(curves(figure))[:2]] == [20, 4]
    two = strength > 0
    assert two.sum() == 2 and (without > 0).sum() == 20
    assert ((with_bias > 0) & ~two).sum() == 2, "two false alarms"
    assert torch.allclose(strength[two] - with_bias[two], torch.tensor(0.4), atol=0.03)


def test_shrinkage_by_hand(show_demo):
    (figure,) = show_demo("l1_loss-demo")
    lowest = [float(name.split()[-1]) for name in curves(figure)]
    assert lowest == [1.0, 0.9, 0.7, 0.5], "1 - lambda / 2"


def test_the_best_score_and_the_truth(show_demo):
    (figure,) = show_demo("explained_variance-demo")
    explained, similarity = (list(group.values()) for group in bars(figure).values())
    assert explained[0] == pytest.approx(1, abs=1e-6) and explained[1] == pytest.approx(0.73, abs=0.01)
    assert (
        explained[2] == pytest.approx(0.18, abs=0.01)
        and similarity[1:] == pytest.approx([1, 1], abs=1e-5)
        and similarity[0] < 0.65
    )
    assert "L0 5.5" in next(iter(next(iter(bars(figure).values()))))
    truth = ref.toy_truth()
    rows = [F.normalize(torch.randn(40, 10, generator=torch.Generator().manual_seed(s)), dim=-1) for s in range(1, 9)]
    chance = sum((truth @ r.T).max(dim=1).values.mean().item() for r in rows) / len(rows)
    assert chance == pytest.approx(0.64, abs=0.02)


def test_same_reconstruction_another_price(show_demo):
    (figure,) = show_demo("normalise_decoder-demo")
    plain, priced, lengths = ys(figure)
    assert plain[0].item() == pytest.approx(16 * plain[-1].item(), rel=1e-3) and priced.std() < 1e-3
    assert torch.allclose(lengths, torch.ones(5), atol=1e-5)


def test_how_much_of_the_gradient(show_demo):
    (figure,) = show_demo("remove_parallel_gradient-demo")
    before, after = ys(figure)
    assert before.mean() == pytest.approx(0.53, abs=0.03) and after.abs().max() < 1e-9
    assert (before > 0.1).float().mean() > 0.9


def test_watch_it_find_them(show_demo):
    quality, count, shrunk = show_demo("train_sae-demo")
    explained, similarity = ys(quality)
    assert similarity[0] < 0.72 and similarity[-1] == pytest.approx(0.95, abs=0.01)
    assert len(explained) == 80 and curves(count)["truth"][1][-1] == 0.8
    strength, activation = (torch.tensor(shrunk["data"][1][axis]) for axis in "xy")
    answered = activation > 0
    assert (activation < strength)[answered].float().mean() > 0.9, "where a latent answers, points lie below the line"
    assert (strength[~answered] < 0.6).float().mean() > 0.9, "weak features are not reported"


@pytest.mark.slow
def test_the_better_score_the_worse_dictionary(show_demo):
    scores, active = show_demo("train_sae-demo-2")
    explained, similarity, before = ys(scores)
    assert torch.all(explained.diff() < 0) and torch.all(similarity.diff() > 0), "the two go in opposite directions"
    assert explained[0] == pytest.approx(0.998, abs=0.001) and similarity[0] == pytest.approx(0.67, abs=0.01)
    assert before[0] == pytest.approx(0.62, abs=0.01) and similarity[0] < 0.69
    assert explained[-1] == pytest.approx(0.65, abs=0.01) and similarity[-1] == pytest.approx(0.94, abs=0.01)
    assert ys(active)[0][0] == pytest.approx(11, abs=0.5)


def test_the_lesson_does_not_hang_on_the_seed():
    """Two other starts and another truth: the smallest price explains nearly all and finds nothing."""
    for seed in (2, 3):
        truth, results = ref.toy_truth(seed=seed + 10), []
        for price in (0.003, 0.6):
            torch.manual_seed(seed)
            sae = ref.SparseAutoencoder(10, 40)
            ref.train_sae(ref.start_training(sae, 0.01), ref.toy_batches(truth, n=256), ref.l1_objective(price), 300)
            x = ref.toy_batches(truth, n=2048, seed=1)(0)
            with torch.no_grad():
                results.append((ref.explained_variance(x, sae(x)), (truth @ sae.W_dec.T).max(dim=1).values.mean()))
        (high, wrong), (low, right) = results
        assert high > 0.95 > low and wrong < 0.75 < right - 0.1


# --- the mathematics ---


def test_the_toy_data():
    truth = ref.toy_truth(n_true=6, d_in=4, seed=3)
    assert torch.allclose(truth.norm(dim=1), torch.ones(6)) and not torch.equal(truth, ref.toy_truth(6, 4, seed=4))
    strengths, x = ref.toy_batches(torch.eye(6), density=0.3)(5), ref.toy_batches(truth, density=0.3)(5)
    assert torch.allclose(strengths @ truth, x, atol=1e-6), "the identity as truth gives the strengths"
    assert (strengths > 0).float().mean() == pytest.approx(0.3, abs=0.03) and strengths.max() <= 1
    assert torch.equal(x, ref.toy_batches(truth, density=0.3)(5)) and not torch.equal(x, ref.toy_batches(truth, 0.3)(6))


def test_l1_loss_by_finite_differences(generator):
    x, x_hat, f, W_dec = (torch.randn(*s, generator=generator).double() for s in ((3, 4), (3, 4), (3, 5), (5, 4)))
    inputs = tuple(t.requires_grad_() for t in (x, x_hat, f.abs() + 0.1, W_dec))
    assert torch.autograd.gradcheck(lambda *args: ref.l1_loss(*args, 0.7), inputs)


def test_explained_variance_as_a_plain_sum(generator):
    x = torch.randn(9, 3, generator=generator) * torch.tensor([1.0, 5.0, 0.2]) + torch.tensor([3.0, -8.0, 0.0])
    x_hat = x + torch.randn(9, 3, generator=generator)
    error = sum((a - b) ** 2 for a, b in zip(x.flatten().tolist(), x_hat.flatten().tolist(), strict=True))
    spread = sum(((column - column.mean()) ** 2).sum().item() for column in x.T)
    assert ref.explained_variance(x, x_hat).item() == pytest.approx(1 - error / spread, rel=1e-5)


def test_parallel_gradient_is_what_normalising_undoes(generator):
    """A small step along what is left turns a unit row as the full step does, once both are normalised."""
    sae = ref.SparseAutoencoder(4, 6)
    gradient = torch.randn(6, 4, generator=generator)
    full, freed = (torch.nn.Parameter(sae.W_dec.detach().clone()) for _ in range(2))
    sae.W_dec.grad = gradient.clone()
    ref.remove_parallel_gradient(sae)
    step = 1e-4
    a = F.normalize(full.detach() - step * gradient, dim=-1)
    b = F.normalize(freed.detach() - step * sae.W_dec.grad, dim=-1)
    assert (a - b).abs().max() < 1e-6 < (a - sae.W_dec.detach()).abs().max()


missing = [tool for tool in ("sae_lens", "wandb") if importlib.util.find_spec(tool) is None]
with_tools = [
    pytest.mark.tools,
    pytest.mark.xdist_group("tools"),
    pytest.mark.skipif(bool(missing), reason=f"`make tools` installs what is missing here: {', '.join(missing)}"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class TestSAELens:
    pytestmark = with_tools

    @pytest.fixture
    def both(self, generator):
        """SAELens's standard autoencoder and ours with the same weights, no row of which has length 1."""
        from sae_lens import StandardTrainingSAE, StandardTrainingSAEConfig

        theirs = StandardTrainingSAE(
            StandardTrainingSAEConfig(d_in=5, d_sae=7, l1_coefficient=0.6, apply_b_dec_to_input=True)
        )
        ours = ref.SparseAutoencoder(5, 7)
        weights = {n: torch.randn(p.shape, generator=generator) for n, p in ours.named_parameters()}
        ours.load_state_dict(weights)
        theirs.load_state_dict(weights)
        return theirs, ours

    def test_forward(self, both, generator):
        theirs, ours = both
        x = torch.randn(9, 5, generator=generator)
        assert torch.allclose(ours.encode(x), theirs.encode(x), atol=1e-5)
        assert torch.allclose(ours(x), theirs(x), atol=1e-5)

    def test_loss_and_gradients(self, both, generator):
        from sae_lens.saes.sae import TrainStepInput

        theirs, ours = both
        x = torch.randn(9, 5, generator=generator)
        fields = {"sae_in": x, "coefficients": {"l1": 0.6}, "dead_neuron_mask": None}
        names = TrainStepInput.__dataclass_fields__
        step = TrainStepInput(**{n: fields.get(n, 0) for n in names})
        output = theirs.training_forward_pass(step)
        f = ours.encode(x)
        loss = ref.l1_loss(x, ours.decode(f), f, ours.W_dec, 0.6)
        assert loss.item() == pytest.approx(output.loss.item(), rel=1e-5)
        output.loss.backward()
        loss.backward()
        for name, parameter in ours.named_parameters():
            assert torch.allclose(parameter.grad, getattr(theirs, name).grad, atol=1e-4), name

    def test_names_that_the_prose_mentions(self):
        import inspect

        from sae_lens import StandardSAE
        from sae_lens.training import sae_trainer

        source = inspect.getsource(sae_trainer)
        for name in ("metrics/l0", "metrics/explained_variance", "metrics/explained_variance_legacy"):
            assert re.search(f'"{name}"', source), name
        assert hasattr(StandardSAE, "fold_W_dec_norm")
