"""Chapter 5, section 4: what its demos show on the references, and the references against SAELens, differences and loops."""

import math
import re
from types import SimpleNamespace

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.course.load import load_course
from tests.demos import bars, curves, run_demo


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("sparse_autoencoders")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id: run_demo(chapter, id, monkeypatch)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


# --- the demos ---


def test_the_stub_of_jumprelu_is_clean(chapter):
    stub = chapter.exercises["JumpReLU"].stub
    assert stub.count("raise NotImplementedError") == 2 and stub.count("    def ") == 4


def test_what_autograd_is_told(show_demo, capsys):
    (figure,) = show_demo("JumpReLU-demo")
    assert "-0.50" in capsys.readouterr().out
    value, slope, step = ({round(z, 3): y for z, y in zip(*c, strict=True)} for c in curves(figure).values())
    assert value[0.4] == 0 and value[0.6] == pytest.approx(0.6)
    assert slope[0.4] == slope[0.6] == pytest.approx(-0.5 / 0.3, rel=1e-4) and slope[0.3] == slope[0.7] == 0
    assert step[0.4] == step[0.6] == pytest.approx(-1 / 0.3, rel=1e-4) and step[0.3] == step[0.7] == 0


@pytest.mark.slow
def test_shrinkage(show_demo):
    (figure,) = show_demo("gated_loss-demo")
    found = {name.split(",")[0]: int(re.findall(r"\((\d+) found", name)[0]) for name in list(curves(figure))[1:]}
    lines = {name.split(",")[0]: torch.tensor(y) for name, (_, y) in curves(figure).items()}
    gap = {name: (lines["the truth"] - line)[55:].mean() for name, line in lines.items()}
    assert gap["L1"] == pytest.approx(0.33, abs=0.02)
    assert gap["gated"] == pytest.approx(0.15, abs=0.02) and gap["JumpReLU"] == pytest.approx(0.1, abs=0.02)
    assert gap["TopK"] < 0.01
    opens = {name: int((line > 0).nonzero()[0]) / 100 for name, line in lines.items()}
    assert opens["L1"] < opens["gated"] == pytest.approx(0.43, abs=0.03) and opens["L1"] < opens["JumpReLU"]
    assert max(found["gated"], found["JumpReLU"]) < found["L1"] <= found["TopK"]


@pytest.mark.slow
def test_absorption(show_demo, capsys):
    (figure,) = show_demo("matryoshka_loss-demo")
    mixed = {name: torch.tensor(list(group.values())) for name, group in bars(figure).items()}
    assert mixed["L1"].min() > 0.3 and 7 <= (mixed["BatchTopK"] > 0.25).sum() < 12
    assert mixed["Matryoshka"].min() > -0.2 and mixed["Matryoshka"].max() < 0
    assert "Matryoshka: the parents' latents are [0, 1, 2, 3]" in capsys.readouterr().out


@pytest.mark.slow
def test_bringing_the_dead_back(show_demo, capsys):
    (figure,) = show_demo("aux_k_loss-demo")
    dead = {name: dict(zip(*curve, strict=True)) for name, curve in curves(figure).items()}
    found = [int(n) for n in re.findall(r"(\d+) of 40", capsys.readouterr().out)]
    assert dead["without"][250] == pytest.approx(0.47, abs=0.05) and dead["without"][1500] > 0.4
    assert dead["without"][1500] > dead["alpha = 1/32"][1500] + 0.2 and dead["alpha = 1"][1500] < 0.1
    assert dead["alpha = 1"][500] < dead["alpha = 1/32"][500] - 0.1, "sooner"
    assert min(found[1:]) > found[0] + 5


@pytest.mark.slow
def test_a_good_start_needs_no_raising_of_the_dead():
    truth, log = ref.toy_truth(), []
    torch.manual_seed(1)
    state = ref.start_training(ref.SparseAutoencoder(10, 40, ref.TopK(1)), lr=0.01)
    ref.train_sae(state, ref.toy_batches(truth), ref.topk_objective(alpha=0), 1500, logger=log.append, dead_after=100)
    assert log[-1]["dead"] < 0.06
    assert (ref.match_features(state.sae.W_dec, truth)[0] > 0.9).sum() == pytest.approx(36, abs=1)


@pytest.mark.slow
def test_a_wrong_k_is_a_wrong_price():
    truth = ref.toy_truth()
    torch.manual_seed(1)
    state = ref.start_training(ref.SparseAutoencoder(10, 80, ref.TopK(6)), lr=0.01)
    ref.train_sae(state, ref.toy_batches(truth), ref.topk_objective(), until=1500)
    assert ref.match_features(state.sae.W_dec, truth)[0].mean() == pytest.approx(0.71, abs=0.02)


@pytest.mark.slow
def test_every_architecture_against_the_truth(show_demo):
    (figure,) = show_demo("aux_k_loss-demo-2")
    low, high = ({t["name"]: (t["x"][i], t["y"][i]) for t in figure["data"]} for i in (0, 1))
    chance = figure["layout"]["shapes"][0]["x0"]
    for kind in ("gated", "JumpReLU"):
        assert low[kind][0] < chance + 0.02 and low[kind][1] == pytest.approx(0.96, abs=0.015)
    assert low["L1"][0] == pytest.approx(0.85, abs=0.03) and low["L1"][1] > 0.94
    assert min(similarity for similarity, _ in high.values()) > 0.87
    for kind in low:
        assert low[kind][0] < high[kind][0] and low[kind][1] >= high[kind][1], f"{kind}: explains more, finds less"
    assert high["TopK"][0] > 0.99 and high["TopK"][0] == pytest.approx(high["Matryoshka"][0], abs=0.01)


# --- the mathematics ---


def test_jumprelu_by_a_slow_loop(generator):
    """The paper's pseudo-derivatives, input by input, with a loss that weighs every activation."""
    theta, eps = torch.rand(4, generator=generator) + 0.3, 0.5
    layer = ref.JumpReLU(4, bandwidth=eps)
    layer.load_state_dict({"log_threshold": theta.log()})
    z, weight = torch.randn(50, 4, generator=generator), torch.randn(50, 4, generator=generator)
    ((layer(z) * weight).sum() + 3 * layer.l0(z)).backward()
    expected = torch.zeros(4)
    for row, weights in zip(z, weight, strict=True):
        for i in range(4):
            if abs(row[i] - theta[i]) / eps <= 0.5:
                expected[i] -= theta[i] * (weights[i] * theta[i] / eps + 3 / (50 * eps))
    assert torch.allclose(layer.log_threshold.grad, expected, atol=1e-4)


def test_the_pseudo_derivative_is_the_slope_of_the_average():
    """Over evenly spread inputs, the mean of l0 as a function of theta has the slope that the window says."""
    z = torch.linspace(0, 1, 100_001, dtype=torch.float64)[:, None]

    def layer(theta):
        made = ref.JumpReLU(1, theta, 0.2).double()
        made.log_threshold.data.fill_(math.log(theta))
        return made

    middle = layer(0.5)
    middle.l0(z).backward()
    difference = (layer(0.51).l0(z) - layer(0.49).l0(z)) / 0.02
    assert (middle.log_threshold.grad / 0.5).item() == pytest.approx(difference.item(), rel=1e-3)


def test_where_there_is_a_true_gradient(generator):
    """torch's own check by finite differences, in double precision."""

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    x, f, W_dec, b_dec = draw(4, 3), draw(4, 5).relu(), draw(5, 3), draw(3)
    inputs = [t.requires_grad_() for t in (f, W_dec, b_dec)]
    assert torch.autograd.gradcheck(lambda *a: ref.matryoshka_loss(x, *a, [1, 3, 5]), inputs)
    pre, dead = draw(4, 5).requires_grad_(), torch.tensor([True, False, True, True, False])
    rows = W_dec.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p, w: ref.aux_k_loss(x, x + 1, p, w, dead, 2), [pre, rows])


def test_the_gates_threshold_is_half_the_price():
    """One latent, a perfect direction: training the gate alone ends half the price below the strength."""
    sae = ref.GatedAutoencoder(1, 1)
    with torch.no_grad():
        for name in ("W_enc", "W_dec"):
            getattr(sae, name).fill_(1.0)
    optimizer = torch.optim.SGD([sae.b_gate], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        ref.gated_loss(sae, torch.tensor([[1.0]]), 0.8).backward()
        optimizer.step()
    assert sae.gate(torch.tensor([[1.0]])).item() == pytest.approx(1 - 0.8 / 2, abs=1e-3)


# --- SAELens ---


def step_input(x, dead=None, **coefficients):
    from sae_lens.saes.sae import TrainStepInput

    return TrainStepInput(
        sae_in=x, coefficients=coefficients, dead_neuron_mask=dead, n_training_steps=0, is_logging_step=False
    )


def filled(sae, generator, **fixed):
    """A SAELens autoencoder with random weights, and the weights."""
    with torch.no_grad():
        for name, parameter in sae.named_parameters():
            parameter.copy_(fixed.get(name, torch.randn(parameter.shape, generator=generator)))
    return sae, {name: p.detach().clone() for name, p in sae.named_parameters()}


def ours_with(sae, weights):
    with torch.no_grad():
        for name, value in weights.items():
            getattr(sae, name).copy_(value)
    return sae


def same_gradients(ours, theirs, names):
    for name in names:
        assert torch.allclose(getattr(ours, name).grad, getattr(theirs, name).grad, atol=1e-4, rtol=1e-4), name


@pytest.mark.tools
def test_jumprelu_as_saelens_trains_it(generator):
    saes = pytest.importorskip("sae_lens.saes.jumprelu_sae")
    theta = 0.3 + torch.rand(7, generator=generator)
    rows = torch.nn.functional.normalize(torch.randn(7, 4, generator=generator), dim=-1)
    config = saes.JumpReLUTrainingSAEConfig(
        d_in=4, d_sae=7, jumprelu_bandwidth=0.6, l0_coefficient=0.7, apply_b_dec_to_input=True
    )
    theirs, weights = filled(saes.JumpReLUTrainingSAE(config), generator, threshold=theta, W_dec=rows)
    x = torch.randn(60, 4, generator=generator)
    out = theirs.training_forward_pass(step_input(x, l0=0.7))
    out.loss.backward()

    activation = ref.JumpReLU(7, bandwidth=0.6)
    activation.load_state_dict({"log_threshold": theta.log()})
    weights.pop("threshold")
    ours = ours_with(ref.SparseAutoencoder(4, 7, activation), weights)
    loss, f = ref.jumprelu_objective(0.7)(SimpleNamespace(sae=ours), x)
    loss.backward()
    assert torch.allclose(f, out.feature_acts, atol=1e-5) and loss.item() == pytest.approx(out.loss.item(), rel=1e-5)
    same_gradients(ours, theirs, ["W_enc", "b_enc", "W_dec", "b_dec"])
    chained = theirs.threshold.grad * theta  # SAELens trains theta, we its logarithm
    assert torch.allclose(activation.log_threshold.grad, chained, atol=1e-4, rtol=1e-4)


@pytest.mark.tools
def test_gated_as_saelens_trains_it(generator):
    """The same loss on unit rows; SAELens leaves the auxiliary decoder live, so its decoder gets other gradients."""
    saes = pytest.importorskip("sae_lens.saes.gated_sae")
    rows = torch.nn.functional.normalize(torch.randn(7, 4, generator=generator), dim=-1)
    config = saes.GatedTrainingSAEConfig(d_in=4, d_sae=7, l1_coefficient=0.7, apply_b_dec_to_input=True)
    theirs, weights = filled(saes.GatedTrainingSAE(config), generator, W_dec=rows)
    x = torch.randn(60, 4, generator=generator)
    out = theirs.training_forward_pass(step_input(x, l1=0.7))
    out.loss.backward()
    ours = ours_with(ref.GatedAutoencoder(4, 7), weights)
    loss = ref.gated_loss(ours, x, 0.7)
    loss.backward()
    assert loss.item() == pytest.approx(out.loss.item(), rel=1e-5)
    same_gradients(ours, theirs, ["W_enc", "b_gate", "r_mag", "b_mag"])
    assert not torch.allclose(ours.W_dec.grad, theirs.W_dec.grad, atol=0.1)


@pytest.mark.tools
@pytest.mark.parametrize("n_dead", [0, 1, 4, 7])
def test_aux_k_as_saelens_computes_it(generator, n_dead):
    """SAELens scales the loss down where fewer latents are dead than k_aux, which is half of d_in, and leaves the ReLU out:
    so the dead latents' pre-activations are above 0 here."""
    saes = pytest.importorskip("sae_lens.saes.topk_sae")
    config = saes.TopKTrainingSAEConfig(
        d_in=6, d_sae=7, k=2, rescale_acts_by_decoder_norm=False, apply_b_dec_to_input=True
    )
    theirs, weights = filled(saes.TopKTrainingSAE(config), generator, b_enc=torch.linspace(15.0, 18.0, 7))
    dead = torch.arange(7) < n_dead
    x = torch.randn(20, 6, generator=generator)
    out = theirs.training_forward_pass(step_input(x, dead))
    out.loss.backward()
    ours = ours_with(ref.SparseAutoencoder(6, 7, ref.TopK(2)), weights)
    state = SimpleNamespace(sae=ours, idle=torch.where(dead, 500, 0))
    loss, f = ref.topk_objective(k_aux=3, alpha=min(n_dead / 3, 1.0))(state, x)
    loss.backward()
    assert torch.allclose(f, out.feature_acts, atol=1e-5) and loss.item() == pytest.approx(out.loss.item(), rel=1e-5)
    same_gradients(ours, theirs, ["W_enc", "b_enc", "W_dec", "b_dec"])
    assert (ours.pre_activations(x) > 0).all()


@pytest.mark.tools
def test_matryoshka_as_saelens_trains_it(generator):
    saes = pytest.importorskip("sae_lens.saes.matryoshka_batchtopk_sae")
    config = saes.MatryoshkaBatchTopKTrainingSAEConfig(
        d_in=4, d_sae=9, k=2, matryoshka_widths=[2, 5, 9], rescale_acts_by_decoder_norm=False, apply_b_dec_to_input=True
    )
    theirs, weights = filled(saes.MatryoshkaBatchTopKTrainingSAE(config), generator)
    x = torch.randn(30, 4, generator=generator)
    out = theirs.training_forward_pass(step_input(x, torch.zeros(9, dtype=torch.bool)))
    out.loss.backward()
    ours = ours_with(ref.SparseAutoencoder(4, 9, ref.BatchTopK(2)), weights)
    loss, f = ref.matryoshka_objective([2, 5, 9])(SimpleNamespace(sae=ours), x)
    loss.backward()
    assert torch.allclose(f, out.feature_acts, atol=1e-5) and loss.item() == pytest.approx(out.loss.item(), rel=1e-5)
    same_gradients(ours, theirs, ["W_enc", "b_enc", "W_dec", "b_dec"])
