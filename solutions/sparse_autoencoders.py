"""Sparse autoencoders: the reference of chapter 5.

Axes stand in the order batch, latent / d_in. As in SAELens, `W_enc` is [d_in, d_sae] and `W_dec` [d_sae, d_in]: row i of
W_dec is the direction of latent i. The latents' activations are called f.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from dojo import load_text, load_tokenizer, show
from dojo.interpretation import feature_examples, feature_of
from dojo.models import sae_path
from dojo.transformer import run_with_cache, run_with_hooks, token_log_probs

LEARNER = "your name"  # the feature of the closing investigation is drawn from it

BIG_MODEL = None  # with a network: "gpt2"
BIG_SAE = ("gpt2-small-res-jb", "blocks.8.hook_resid_pre")  # SAELens's release and id; or a folder in SAELens's format


# --- an autoencoder and its training ---


def toy_truth(n_true: int = 40, d_in: int = 10, seed: int = 0) -> Tensor:
    """Directions of more features than there are dimensions: float [n_true, d_in], random rows of length 1.

    The seed is shifted: an autoencoder of this shape that is started after torch.manual_seed(seed) shall not draw the truth.
    """
    return F.normalize(torch.randn(n_true, d_in, generator=torch.Generator().manual_seed(1_000_003 + seed)), dim=-1)


def toy_batches(truth: Tensor, density: float = 0.02, n: int = 512, seed: int = 0) -> Callable[[int], Tensor]:
    """Vectors in which features of `truth` are superposed: a function from a step's number to its batch, float [n, d_in].

    Each feature is there with probability `density`, with a strength that is uniform on [0, 1]; a vector is their sum.
    """

    def batch_at(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        shape = (n, len(truth))
        present = torch.rand(shape, generator=generator) < density
        return (torch.rand(shape, generator=generator) * present) @ truth

    return batch_at


class SparseAutoencoder(nn.Module):
    """Writes a vector as a sparse sum of directions: f = activation((x - b_dec) W_enc + b_enc), x_hat = f W_dec + b_dec.

    Args of the constructor:
        d_in: length of the vectors that it reads.
        d_sae: how many latents it has.
        activation: a module from pre-activations to f, both [..., d_sae]; None takes ReLU.

    Parameters:
        W_enc [d_in, d_sae], b_enc [d_sae], W_dec [d_sae, d_in], b_dec [d_in]. At the start the rows of W_dec are random and of
        length 1, W_enc is W_dec transposed, and both biases are 0.

    Methods, for x [..., d_in] and f [..., d_sae]:
        pre_activations(x): [..., d_sae], before the activation function.
        encode(x): f.
        decode(f): x_hat, [..., d_in].
        forward(x): decode(encode(x)).

    Source: Bricken et al. 2023; Cunningham et al. 2023. The attribute `activation` holds the module.
    """

    def __init__(self, d_in: int, d_sae: int, activation: nn.Module | None = None):
        super().__init__()
        W_dec = F.normalize(torch.randn(d_sae, d_in), dim=-1)
        self.W_enc = nn.Parameter(W_dec.T.clone())
        self.b_enc = nn.Parameter(torch.zeros(d_sae))
        self.W_dec = nn.Parameter(W_dec)
        self.b_dec = nn.Parameter(torch.zeros(d_in))
        self.activation = nn.ReLU() if activation is None else activation

    def pre_activations(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return (x - self.b_dec) @ self.W_enc + self.b_enc
        ### END SOLUTION

    def encode(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return self.activation(self.pre_activations(x))
        ### END SOLUTION

    def decode(self, f: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return f @ self.W_dec + self.b_dec
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return self.decode(self.encode(x))
        ### END SOLUTION


def l1_loss(x: Tensor, x_hat: Tensor, f: Tensor, W_dec: Tensor, coefficient: float) -> Tensor:
    """Reconstruction error plus a price on activations: |x - x_hat|^2 + coefficient * sum_i f_i |W_dec_i|.

    Both terms are summed over their last axis and averaged over the batch.

    Args:
        x, x_hat: float [batch, d_in].
        f: float [batch, d_sae], not negative.
        W_dec: float [d_sae, d_in]; |W_dec_i| is the length of row i.
        coefficient: lambda, the price.

    Returns:
        float, no axes. Gradients flow through all of it, the decoder's lengths included.

    Source: Anthropic's circuits update of April 2024 (Conerly et al.).
    """
    error = (x - x_hat).pow(2).sum(dim=-1).mean()
    price = (f @ W_dec.norm(dim=-1)).mean()
    return error + coefficient * price


def l0(f: Tensor) -> Tensor:
    """How many latents are active on an input, on average: the number of entries of f that are not 0.

    Args:
        f: float [..., d_sae], not negative.

    Returns:
        float, no axes: summed over latents, averaged over all other axes.
    """
    return (f != 0).sum(dim=-1).float().mean()


def explained_variance(x: Tensor, x_hat: Tensor) -> Tensor:
    """The fraction of variance explained: 1 - sum (x - x_hat)^2 / sum (x - mean(x))^2.

    Both sums run over the batch and over d_in; mean(x) is the mean over the batch, for each coordinate on its own.

    Args:
        x, x_hat: float [batch, d_in].

    Returns:
        float, no axes: 1 if all is right, 0 if x_hat is no better than the mean; may be negative.
    """
    return 1 - (x - x_hat).pow(2).sum() / (x - x.mean(dim=0)).pow(2).sum()


@torch.no_grad()
def normalise_decoder(sae: nn.Module) -> None:
    """Give every row of the decoder length 1, in place; its direction stays. `sae.W_dec` stays the same parameter.

    Args:
        sae: has W_dec [d_sae, d_in], no row of which is 0.

    Source: Bricken et al. 2023.
    """
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True)


@torch.no_grad()
def remove_parallel_gradient(sae: nn.Module) -> None:
    """Take out of the decoder's gradient, in place, what would only change the rows' lengths.

    From each row of W_dec.grad its component along the same row of W_dec is subtracted; what is left is orthogonal to the
    row, whatever the row's length. Without a gradient (None) nothing happens.

    Args:
        sae: has W_dec [d_sae, d_in]; the gradient has the same shape.

    Source: Bricken et al. 2023.
    """
    if sae.W_dec.grad is None:
        return
    unit = F.normalize(sae.W_dec, dim=-1)
    sae.W_dec.grad -= (sae.W_dec.grad * unit).sum(dim=-1, keepdim=True) * unit


@dataclass
class TrainingState:
    """A training run between two steps: it can be stopped here, saved, and gone on with.

    idle: int64 [d_sae], for how many steps each latent has not been active on any input.
    """

    sae: nn.Module
    optimizer: torch.optim.Optimizer
    step: int
    idle: Tensor


def start_training(sae: nn.Module, lr: float = 1e-3) -> TrainingState:
    """A run at its first step, with Adam."""
    idle = torch.zeros(len(sae.W_dec), dtype=torch.int64)
    return TrainingState(sae, torch.optim.Adam([p for p in sae.parameters() if p.requires_grad], lr=lr), 0, idle)


def save_training(state: TrainingState, path: str | Path) -> None:
    """Write a run to a file, whole or not at all."""
    path = Path(path)
    parts = {"sae": state.sae.state_dict(), "optimizer": state.optimizer.state_dict(), "step": state.step}
    torch.save(parts | {"idle": state.idle}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def load_training(state: TrainingState, path: str | Path) -> TrainingState:
    """The run that was saved, put into a fresh one of the same shape."""
    parts = torch.load(path, weights_only=True)
    state.sae.load_state_dict(parts["sae"])
    state.optimizer.load_state_dict(parts["optimizer"])
    state.step, state.idle = parts["step"], parts["idle"]
    return state


Objective = Callable[[TrainingState, Tensor], tuple[Tensor, Tensor]]  # (state, x) to (loss, f [batch, d_sae])


def train_sae(
    state: TrainingState,
    batch_at: Callable[[int], Tensor],
    objective: Objective,
    until: int,
    unit_decoder: bool = True,
    logger: Callable[[dict], None] | None = None,
    log_every: int = 50,
    dead_after: int = 200,
) -> nn.Module:
    """Train an autoencoder, in place, from the step at which its state stands up to (not including) step `until`.

    Step s uses the batch `batch_at(s)`. With unit_decoder, the decoder's gradient is freed of its parallel part before the
    optimizer's step, and its rows are normalised after it. After each step `state.step` and `state.idle` are brought up to
    date: a latent's idle count is 0 if it was active (f > 0) on any input of the batch, else one more than before. So a run
    that is stopped while a batch is made, the objective computed or the logger called, by Ctrl-C too, goes on where it was
    when train_sae is called again with the same state. Gradients that were there before a step do not count.

    Args:
        state: the run; its sae, optimizer, step and idle are changed.
        batch_at: a step's number to its batch, float [batch, d_in].
        objective: (state, x) to (loss, f): a loss without axes to be made smaller, and the activations [batch, d_sae].
        until: the step to stop before. Nothing is done if the state is there already.
        unit_decoder: whether the decoder's rows are kept at length 1.
        logger: called with a dict after step s where (s + 1) is divisible by log_every, and after the last step: {"step": s + 1,
            "loss": the step's loss before its update, "l0": the mean number of active latents of the step's f,
            "explained_variance": of the updated autoencoder on the step's batch (`explained_variance`), "dead": the fraction of
            latents that have been idle for dead_after steps or longer}; plain int and floats. None: nothing is called.
        log_every, dead_after: numbers of steps.

    Returns:
        state.sae.

    Source: Bricken et al. 2023.
    """
    for step in range(state.step, until):
        x = batch_at(step)
        loss, f = objective(state, x)
        state.optimizer.zero_grad()
        loss.backward()
        if unit_decoder:
            remove_parallel_gradient(state.sae)
        state.optimizer.step()
        if unit_decoder:
            normalise_decoder(state.sae)
        state.idle = torch.where(f.detach().amax(dim=0) > 0, 0, state.idle + 1)
        state.step = step + 1
        if logger is not None and (state.step % log_every == 0 or state.step == until):
            with torch.no_grad():
                fve = explained_variance(x, state.sae(x)).item()
            dead = (state.idle >= dead_after).float().mean().item()
            logger(
                {"step": state.step, "loss": loss.item(), "l0": l0(f).item(), "explained_variance": fve, "dead": dead}
            )
    return state.sae


def l1_objective(coefficient: float) -> Objective:
    """Train with `l1_loss`."""

    def objective(state: TrainingState, x: Tensor) -> tuple[Tensor, Tensor]:
        f = state.sae.encode(x)
        return l1_loss(x, state.sae.decode(f), f, state.sae.W_dec, coefficient), f

    return objective


# --- is it any good? ---


def match_features(dictionary: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Pair true features with latents, one to one, so that the sum of the pairs' cosine similarities is as large as can be.

    Args:
        dictionary: float [d_sae, d_in], one direction a latent, of any length; a row of zeros has similarity 0 to all. It may
            be a parameter, W_dec itself: no gradient is wanted.
        truth: float [n_true, d_in], one direction a true feature, of any length but 0.

    Returns:
        similarity, float [n_true]: the cosine similarity of each true feature and its latent (with its sign);
        index, int64 [n_true]: which latent that is. No latent is used twice. Where there are fewer latents than true features,
        those left over get similarity 0 and index -1.

    Source: the assignment problem, Kuhn 1955 (scipy.optimize.linear_sum_assignment solves it); cosine similarity to known
    features as a score, Sharkey et al. 2022.
    """
    cosine = F.normalize(truth, dim=-1) @ F.normalize(dictionary, dim=-1).T  # [n_true, d_sae]
    rows, columns = (torch.as_tensor(i) for i in linear_sum_assignment(cosine.detach().numpy(), maximize=True))
    similarity, index = torch.zeros(len(truth)), torch.full((len(truth),), -1)
    similarity[rows], index[rows] = cosine.detach()[rows, columns], columns
    return similarity, index


def frozen_decoder_baseline(
    sae: nn.Module,
    batch_at: Callable[[int], Tensor],
    objective: Objective,
    until: int,
    lr: float = 1e-3,
    generator: torch.Generator | None = None,
) -> nn.Module:
    """An autoencoder that cannot learn any feature: its decoder is random and stays so; all the rest is trained.

    A copy of `sae` gets decoder rows that are drawn from a standard normal and scaled to length 1, and an encoder W_enc that is
    the decoder transposed; all else in it starts as it is in `sae`. Then W_enc, b_enc, b_dec and the activation's own
    parameters, if it has any, are trained from step 0 with `start_training` and `train_sae`, with Adam at its start too.
    W_dec does not change any more.

    Args:
        sae: the autoencoder that it is to be compared with, before or after its training; it is not changed.
        batch_at, objective, until: as in `train_sae`.
        lr: Adam's learning rate.
        generator: draws the decoder; None takes torch's own.

    Returns:
        The trained copy.

    Source: Korznikov et al. 2026, "Sanity Checks for Sparse Autoencoders: Do SAEs Beat Random Baselines?"
    """
    twin = deepcopy(sae)
    with torch.no_grad():
        twin.W_dec.copy_(F.normalize(torch.randn(twin.W_dec.shape, generator=generator), dim=-1))
        twin.W_enc.copy_(twin.W_dec.T)
    twin.W_dec.requires_grad_(False)
    return train_sae(start_training(twin, lr), batch_at, objective, until, unit_decoder=False)


@torch.no_grad()
def resample_dead(state: TrainingState, x: Tensor, dead: Tensor, generator: torch.Generator | None = None) -> None:
    """Give dead latents a new start at inputs that the autoencoder explains badly. All in place.

    1. Each input gets a probability proportional to its squared loss, the loss being |x - x_hat|^2 (so: its square).
    2. For each dead latent an input is drawn, with replacement. Its direction is v = (x - b_dec) / |x - b_dec|.
    3. The latent's decoder row becomes v; its encoder column v times 0.2 times the mean length of the encoder columns of the
       latents that are not dead (v times 0.2, where all are dead); its b_enc becomes 0.
    4. Adam's two running averages ("exp_avg" and "exp_avg_sq" in state.optimizer.state[parameter]; a fresh optimizer has none
       yet) become 0 for exactly these rows, columns and entries of W_dec, W_enc and b_enc.
    5. The latent's idle count becomes 0.

    Args:
        state: the run. Nothing in it changes but what is named above; its parameters stay the same objects.
        x: float [batch, d_in], a large batch of inputs, which is read only. The losses are those before any change.
        dead: bool [d_sae], which latents are dead, whatever state.idle says. If none is dead, nothing changes.
        generator: draws the inputs; None takes torch's own.

    Source: Bricken et al. 2023.
    """
    sae = state.sae
    if not dead.any():
        return
    losses = (x - sae(x)).pow(2).sum(dim=-1)
    drawn = torch.multinomial(losses.pow(2), int(dead.sum()), replacement=True, generator=generator)
    directions = F.normalize(x[drawn] - sae.b_dec, dim=-1)
    alive = sae.W_enc[:, ~dead].norm(dim=0)
    sae.W_dec[dead] = directions
    sae.W_enc[:, dead] = 0.2 * (alive.mean() if len(alive) else 1.0) * directions.T
    sae.b_enc[dead] = 0
    for parameter, place in ((sae.W_dec, dead), (sae.W_enc, (slice(None), dead)), (sae.b_enc, dead)):
        for name in ("exp_avg", "exp_avg_sq"):
            if name in state.optimizer.state[parameter]:
                state.optimizer.state[parameter][name][place] = 0
    state.idle[dead] = 0


# --- better ways to be sparse ---


def topk(pre: Tensor, k: int) -> Tensor:
    """Keep the k largest pre-activations of each input, pass them through ReLU, and set all others to 0.

    Args:
        pre: float [..., d_sae].
        k: at most d_sae.

    Returns:
        float, the shape of pre: at most k entries a row are not 0, of equal ones any. Gradients flow through the entries that
        are kept and above 0.

    Source: Makhzani and Frey 2013, "k-Sparse Autoencoders"; Gao et al. 2024, "Scaling and evaluating sparse autoencoders".
    """
    values, places = pre.topk(k, dim=-1)
    return torch.zeros_like(pre).scatter_(-1, places, F.relu(values))


def reconstruction_objective(state: TrainingState, x: Tensor) -> tuple[Tensor, Tensor]:
    """Train on the error alone: an `Objective` for activations that are sparse without a price."""
    f = state.sae.encode(x)
    return (x - state.sae.decode(f)).pow(2).sum(dim=-1).mean(), f


class TopK(nn.Module):
    """`topk` as an activation function of a `SparseAutoencoder`."""

    def __init__(self, k: int):
        super().__init__()
        self.k = k

    def forward(self, pre: Tensor) -> Tensor:
        return topk(pre, self.k)


def batch_topk(pre: Tensor, k: int) -> Tensor:
    """Keep the k * n largest pre-activations of a whole batch of n inputs, pass them through ReLU; all others become 0.

    An input with much to say gets more than k latents, another fewer.

    Args:
        pre: float [..., d_sae]; n is the product of all axes but the last.
        k: at most d_sae.

    Returns:
        float, the shape of pre: at most k * n entries in all are not 0, of equal ones any. Gradients flow through the entries
        that are kept and above 0.

    Source: Bussmann et al. 2024, "BatchTopK Sparse Autoencoders".
    """
    flat = pre.flatten()
    values, places = flat.topk(k * (flat.numel() // pre.shape[-1]))
    return torch.zeros_like(flat).scatter(0, places, F.relu(values)).view(pre.shape)


def batch_topk_threshold(batches: Iterable[Tensor], k: int) -> float:
    """The threshold that replaces `batch_topk` at inference: the mean of the batches' smallest positive activations.

    For each batch, take batch_topk of its pre-activations and of that the smallest entry above 0; average over the batches.
    A batch in which nothing is above 0 does not count.

    Args:
        batches: pre-activations, float [batch, d_sae] each; may be a generator.
        k: as in `batch_topk`.

    Returns:
        The threshold; 0.0 where no batch counts.

    Source: Bussmann et al. 2024.
    """
    smallest = []
    for pre in batches:
        f = batch_topk(pre, k)
        if (f > 0).any():
            smallest.append(f[f > 0].min().item())
    return sum(smallest) / len(smallest) if smallest else 0.0


class BatchTopK(nn.Module):
    """`batch_topk` while training; in evaluation (`sae.eval()`) a latent is active where it exceeds `threshold`."""

    def __init__(self, k: int):
        super().__init__()
        self.k = k
        self.register_buffer("threshold", torch.zeros(()))

    def forward(self, pre: Tensor) -> Tensor:
        return batch_topk(pre, self.k) if self.training else F.relu(pre) * (pre > self.threshold)


class JumpReLU(nn.Module):
    """z where z > theta, else 0, with a threshold theta for each latent that is learned.

    Neither the function nor the number of active latents has a useful derivative by theta: both only jump. In their place
    stand pseudo-derivatives, averages over a window of width eps (`bandwidth`) around the threshold. With K(u) = 1 for
    |u| <= 1/2, else 0:
        by theta, of the function's value: -(theta / eps) K((z - theta) / eps);
        by theta, of the step 1[z > theta]: -(1 / eps) K((z - theta) / eps);
        by z, of the function's value: 1[z > theta]; of the step: 0.
    The values themselves are exact: nothing is smoothed.

    Args of the constructor:
        d_sae: number of latents.
        threshold: theta at the start, positive, the same for all.
        bandwidth: eps.

    Parameters:
        log_threshold [d_sae]: theta = exp(log_threshold) stays positive. (The property `threshold` gives theta, with its
        gradient: a derivative by theta becomes one by log_threshold by the chain rule, which autograd applies.)

    Methods, for pre-activations z [..., d_sae]:
        forward(z): the activations, [..., d_sae].
        l0(z): how many latents are active: the step summed over latents, averaged over all other axes; float, no axes.

    Source: Rajamanoharan et al. 2024b, "Jumping Ahead".
    """

    def __init__(self, d_sae: int, threshold: float = 0.1, bandwidth: float = 0.1):
        super().__init__()
        self.log_threshold = nn.Parameter(torch.full((d_sae,), math.log(threshold)))
        self.bandwidth = bandwidth

    @property
    def threshold(self) -> Tensor:
        return self.log_threshold.exp()

    def forward(self, z: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        theta, eps = self.threshold, self.bandwidth
        window = (z - theta).abs() <= eps / 2  # a comparison has no gradient
        down = theta.detach() - theta  # its value is 0, its derivative by theta -1
        return z * (z > theta) + theta.detach() / eps * window * down
        ### END SOLUTION

    def l0(self, z: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        theta, eps = self.threshold, self.bandwidth
        window = (z - theta).abs() <= eps / 2
        down = theta.detach() - theta
        step = (z > theta) + window / eps * down
        return step.sum(dim=-1).mean()
        ### END SOLUTION


class GatedAutoencoder(nn.Module):
    """Two questions instead of one: is a latent active (the gate), and how much (the magnitude)?

    gate: pi = (x - b_dec) W_enc + b_gate, open where pi > 0. magnitude: ReLU((x - b_dec) (W_enc exp(r_mag)) + b_mag).
    f is the magnitude where the gate is open, else 0. W_enc [d_in, d_sae]; b_gate, r_mag, b_mag [d_sae]; W_dec, b_dec.

    Source: Rajamanoharan et al. 2024a.
    """

    def __init__(self, d_in: int, d_sae: int):
        super().__init__()
        W_dec = F.normalize(torch.randn(d_sae, d_in), dim=-1)
        self.W_enc = nn.Parameter(W_dec.T.clone())
        self.b_gate, self.r_mag, self.b_mag = (nn.Parameter(torch.zeros(d_sae)) for _ in range(3))
        self.W_dec = nn.Parameter(W_dec)
        self.b_dec = nn.Parameter(torch.zeros(d_in))

    def gate(self, x: Tensor) -> Tensor:
        """pi, [..., d_sae]."""
        return (x - self.b_dec) @ self.W_enc + self.b_gate

    def encode(self, x: Tensor) -> Tensor:
        magnitude = F.relu((x - self.b_dec) @ (self.W_enc * self.r_mag.exp()) + self.b_mag)
        return magnitude * (self.gate(x) > 0)

    def decode(self, f: Tensor) -> Tensor:
        return f @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def gated_loss(sae: nn.Module, x: Tensor, coefficient: float) -> Tensor:
    """The three terms of a gated autoencoder's loss, added up; each is summed over its last axis, averaged over the batch.

    1. Reconstruction: |x - x_hat|^2.
    2. Sparsity: coefficient * sum_i ReLU(pi_i), on the gate alone, so that magnitudes are not shrunk.
    3. Auxiliary: |x - x_gate|^2, where x_gate is ReLU(pi) decoded by a FROZEN copy of the decoder: no gradient goes to
       W_dec and b_dec by way of this decoding. (The step of the gate has no gradient: this term is what trains it.) The
       b_dec that is subtracted inside pi is not frozen.

    Args:
        sae: a `GatedAutoencoder`.
        x: float [batch, d_in].
        coefficient: lambda.

    Returns:
        float, no axes.

    Source: Rajamanoharan et al. 2024a, "Improving Dictionary Learning with Gated Sparse Autoencoders".
    """
    opened = F.relu(sae.gate(x))
    by_gate = opened @ sae.W_dec.detach() + sae.b_dec.detach()
    errors = (x - sae(x)).pow(2) + (x - by_gate).pow(2)
    return errors.sum(dim=-1).mean() + coefficient * opened.sum(dim=-1).mean()


def matryoshka_loss(x: Tensor, f: Tensor, W_dec: Tensor, b_dec: Tensor, prefixes: Sequence[int]) -> Tensor:
    """Reconstruction by several nested dictionaries at once: for each m in prefixes, by the first m latents alone.

    The sum over m of |x - (f[:m] W_dec[:m] + b_dec)|^2, each averaged over the batch.

    Args:
        x: float [batch, d_in].
        f: float [batch, d_sae].
        W_dec: float [d_sae, d_in]. b_dec: float [d_in].
        prefixes: numbers of latents, increasing; the last need not be d_sae.

    Returns:
        float, no axes. Gradients flow to f, W_dec and b_dec, through every prefix.

    Source: Bussmann et al. 2025, "Learning Multi-Level Features with Matryoshka Sparse Autoencoders".
    """
    errors = [(x - (f[:, :m] @ W_dec[:m] + b_dec)).pow(2).sum(dim=-1).mean() for m in prefixes]
    return torch.stack(errors).sum()


def aux_k_loss(x: Tensor, x_hat: Tensor, pre: Tensor, W_dec: Tensor, dead: Tensor, k_aux: int) -> Tensor:
    """Let dead latents explain what is left: |e - e_hat|^2, averaged over the batch.

    e = x - x_hat is the error, taken as it is (no gradient flows into x_hat). e_hat = z W_dec, where z holds, for each input,
    the k_aux largest pre-activations among the dead latents (of equal ones any), passed through ReLU, and 0 for all others.
    b_dec is not added.
    Gradients flow to pre and to W_dec, by way of the dead latents that were chosen.

    Args:
        x, x_hat: float [batch, d_in].
        pre: float [batch, d_sae], pre-activations.
        W_dec: float [d_sae, d_in].
        dead: bool [d_sae].
        k_aux: where fewer latents are dead, all of them are used.

    Returns:
        float, no axes; 0 where no latent is dead.

    Source: Gao et al. 2024.
    """
    n = min(k_aux, int(dead.sum()))
    if n == 0:
        return x.new_zeros(())
    z = topk(pre.masked_fill(~dead, -torch.inf), n)
    return ((x - x_hat).detach() - z @ W_dec).pow(2).sum(dim=-1).mean()


def topk_objective(k_aux: int = 32, alpha: float = 1 / 32, dead_after: int = 200) -> Objective:
    """Reconstruction plus alpha times `aux_k_loss`: for `TopK` and `BatchTopK`, which need no price on activations."""

    def objective(state: TrainingState, x: Tensor) -> tuple[Tensor, Tensor]:
        pre = state.sae.pre_activations(x)
        f = state.sae.activation(pre)
        x_hat = state.sae.decode(f)
        dead = state.idle >= dead_after
        aux = aux_k_loss(x, x_hat, pre, state.sae.W_dec, dead, k_aux)
        return (x - x_hat).pow(2).sum(dim=-1).mean() + alpha * aux, f

    return objective


def jumprelu_objective(coefficient: float) -> Objective:
    """Reconstruction plus a price on the number of active latents."""

    def objective(state: TrainingState, x: Tensor) -> tuple[Tensor, Tensor]:
        pre = state.sae.pre_activations(x)
        f = state.sae.activation(pre)
        error = (x - state.sae.decode(f)).pow(2).sum(dim=-1).mean()
        return error + coefficient * state.sae.activation.l0(pre), f

    return objective


def gated_objective(coefficient: float) -> Objective:
    """Train with `gated_loss`."""
    return lambda state, x: (gated_loss(state.sae, x, coefficient), state.sae.encode(x))


def matryoshka_objective(prefixes: Sequence[int]) -> Objective:
    """Train with `matryoshka_loss`; the activation sees to sparsity."""

    def objective(state: TrainingState, x: Tensor) -> tuple[Tensor, Tensor]:
        f = state.sae.encode(x)
        return matryoshka_loss(x, f, state.sae.W_dec, state.sae.b_dec, prefixes), f

    return objective


# --- inside a language model ---


def collect_activations(model: nn.Module, tokens: Tensor, site: str, rows: int = 16) -> Tensor:
    """One activation on all tokens, float [batch, pos, d_model], a few rows at a time."""
    parts = []
    with torch.no_grad():
        for part in show.progress(tokens.split(rows), text="reading"):
            parts.append(run_with_cache(model, part, [site])[1][site])
    return torch.cat(parts)


def text_windows(name: str, n: int, length: int = 256) -> Tensor:
    """n pieces of a shipped text in small-lm's tokens, int64 [n, length], evenly from the whole of it (fewer if it is short)."""
    ids = load_tokenizer("small-lm").encode(load_text(name))[0]
    rows = ids[: len(ids) // length * length].view(-1, length)
    return rows[torch.linspace(0, len(rows) - 1, min(n, len(rows))).long()]


def load_sae(name: str | Path) -> tuple[nn.Module, str]:
    """A TopK autoencoder in SAELens' files, as one of yours, and the site that it reads: load_sae("small-lm-sae")."""
    folder = sae_path(name)
    cfg = json.loads((folder / "cfg.json").read_text(encoding="utf-8"))
    sae = SparseAutoencoder(cfg["d_in"], cfg["d_sae"], TopK(cfg["k"]))
    sae.load_state_dict(load_file(folder / "sae_weights.safetensors"))
    return sae.requires_grad_(False), cfg["metadata"]["hook_name"]


def loss_recovered(
    model: nn.Module, tokens: Tensor, site: str, reconstruct: Callable[[Tensor], Tensor], ablation: str = "mean"
) -> float:
    """How much of what an activation does for the model's predictions its reconstruction does too.

    (CE_ablated - CE_sae) / (CE_ablated - CE_clean), with CE the mean cross-entropy of the next token: of the model as it is
    (clean), with the activation replaced by reconstruct(activation) (sae), and with it ablated: replaced by 0 ("zero"), or by
    its mean over all rows and positions ("mean").

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos].
        site: a hook point whose activation is [batch, pos, d_model].
        reconstruct: from the activation [batch, pos, d_model] to one of the same shape: a trained autoencoder, for instance.
            It is given the activation of all tokens at once.
        ablation: "zero" or "mean". The mean is one vector [d_model], taken over this very batch.

    Returns:
        1 if nothing is lost, 0 if the reconstruction is no better than the ablation; may be negative. No hook stays.

    Raises:
        ValueError: another ablation.

    Source: Bricken et al. 2023; Gao et al. 2024.
    """
    if ablation not in ("zero", "mean"):
        raise ValueError(f"ablation is {ablation!r}, but it must be 'zero' or 'mean'.")

    def cross_entropy(change: Callable[[Tensor], Tensor]) -> float:
        logits = run_with_hooks(model, tokens, [(site, lambda activation, hook: change(activation))])
        return -token_log_probs(logits, tokens).mean().item()

    def ablate(activation: Tensor) -> Tensor:
        if ablation == "zero":
            return torch.zeros_like(activation)
        return activation.mean(dim=(0, 1)).expand_as(activation)

    with torch.no_grad():
        clean, sae, ablated = (cross_entropy(change) for change in (lambda activation: activation, reconstruct, ablate))
    return (ablated - sae) / (ablated - clean)


def feature_density(f: Tensor) -> Tensor:
    """On what fraction of the tokens each latent is active.

    Args:
        f: float [..., d_sae], not negative; all axes but the last (one or more) are tokens. A latent is active where f > 0,
            however little.

    Returns:
        float [d_sae], from 0 to 1.

    Source: Bricken et al. 2023.
    """
    return (f > 0).float().flatten(0, -2).mean(dim=0)


def top_activating_examples(activation: Tensor, n: int) -> list[tuple[int, int, float]]:
    """Where one latent is most active: the places that Neuronpedia shows first.

    Of each row only its largest activation counts (of equal ones the first), so that n examples are n different texts. Rows in
    which the latent is never active are left out.

    Args:
        activation: float [batch, pos], one latent's activation at every token; not negative.
        n: how many examples, at most; may be larger than batch.

    Returns:
        [(row, position, activation), ...], the largest first; of equal ones the earlier row first. Row and position are whole
        numbers, the activation is a float. Fewer than n where the latent is active in fewer rows.

    Source: the dashboards of Bricken et al. 2023 and of Neuronpedia (Lin 2023).
    """
    values, positions = activation.max(dim=-1)
    order = values.argsort(descending=True, stable=True)[:n]
    return [(row, positions[row].item(), values[row].item()) for row in order.tolist() if values[row] > 0]


def feature_logits(model: nn.Module, direction: Tensor) -> Tensor:
    """Which next tokens a direction of the residual stream favours directly, past all later layers.

    The direction's mean over d_model is subtracted (LayerNorm does it), it is multiplied by ln_final's weight and by W_U; then
    the mean over the vocabulary is subtracted, which no softmax can see. LayerNorm's division, which depends on the rest of
    the stream, is left out: the numbers are in logits only up to a common factor.

    Args:
        model: a `Transformer`.
        direction: float [d_model], a row of W_dec.

    Returns:
        float [d_vocab].

    Source: direct logit attribution (Elhage et al. 2021) of one latent; Bricken et al. 2023.
    """
    logits = (direction - direction.mean()) * model.ln_final.weight @ model.W_U
    return logits - logits.mean()


def steer_with_feature(model: nn.Module, tokens: Tensor, site: str, direction: Tensor, alpha: float) -> Tensor:
    """Run the model with alpha times a direction added to its residual stream, at every position.

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos].
        site: a hook point whose activation is [batch, pos, d_model].
        direction: float [d_model], for instance a row of W_dec. It is not changed.
        alpha: how much; negative steers away.

    Returns:
        The logits, float [batch, pos, d_vocab]. No hook stays on the model.

    Source: Turner et al. 2023; with dictionary features, Templeton et al. 2024.
    """
    return run_with_hooks(model, tokens, [(site, lambda stream, hook: stream + alpha * direction)])


def load_public_sae(source: tuple[str, str] | str | Path) -> tuple[nn.Module, str]:
    """An autoencoder from SAELens's list (needs a network) or from a folder, as SAELens loads it, and the site that it reads.

    It has encode, decode and W_dec, like yours.
    """
    try:
        from sae_lens import SAE  # takes ten seconds, and nothing else needs it
    except ImportError:
        raise ImportError(
            "SAELens is not installed: run `pip install sae-lens==6.54.12 transformer-lens==3.9.0`, restart, and try again."
        ) from None
    sae = SAE.from_pretrained(*source) if isinstance(source, tuple) else SAE.load_from_disk(source)
    return sae.requires_grad_(False), sae.cfg.metadata.hook_name


# --- the world outside ---

LIVE_FEATURE = None  # with a network: a feature on Neuronpedia, for instance ("gpt2-small", "8-res-jb", 100)


def to_saelens(sae: nn.Module, folder: str | Path, hook_name: str, model_name: str = "small-lm") -> None:
    """Write an autoencoder as SAELens (version 6) reads it: two files in a folder.

    What kind it is can be told from attributes, or from the class of sae and of sae.activation:
        sae.b_gate is there (`GatedAutoencoder`)                      -> "gated"
        sae.activation has a threshold (`JumpReLU`, `BatchTopK`)      -> "jumprelu": BatchTopK is written as what it is in
                                                                         evaluation; SAELens does the same
        sae.activation has a k and no threshold (`TopK`)              -> "topk"
        sae.activation is an nn.ReLU                                  -> "standard"

    cfg.json holds one JSON object with
        "architecture": as above; "d_in", "d_sae": whole numbers; "dtype": "float32"; "device": "cpu";
        "apply_b_dec_to_input": true, since b_dec is subtracted before the encoder;
        "normalize_activations": "none"; "reshape_activations": "none";
        "metadata": an object with "hook_name", "model_name", and "sae_lens_version", the text "6.0.0" or a later version
            (without it SAELens takes the file for an old one, and forgets hook_name without a word);
        for "topk" also "k", a whole number, and "rescale_acts_by_decoder_norm": false.

    sae_weights.safetensors holds these tensors and no others, float32 and contiguous, under these names:
        W_enc [d_in, d_sae], W_dec [d_sae, d_in], b_dec [d_in];
        for "gated" b_gate, r_mag, b_mag [d_sae]; for all others b_enc [d_sae];
        for "jumprelu" threshold [d_sae]: one number a latent, also where the activation has a single one for all.

    Args:
        sae: a `SparseAutoencoder` or a `GatedAutoencoder`; it is not changed.
        folder: made where it is not there, with its parents; files of these two names are overwritten.
        hook_name: the activation that the autoencoder reads, such as "blocks.3.hook_resid_pre".
        model_name: the model that it comes from.

    Raises:
        ValueError: an activation that is none of `TopK`, `BatchTopK`, `JumpReLU` and nn.ReLU.

    Source: SAELens (Bloom, Tigges, Duong and Chanin 2024).
    """
    weights = {name: getattr(sae, name) for name in ("W_enc", "W_dec", "b_dec")}
    special = {}
    if hasattr(sae, "b_gate"):
        architecture = "gated"
        weights |= {name: getattr(sae, name) for name in ("b_gate", "r_mag", "b_mag")}
    else:
        weights["b_enc"] = sae.b_enc
        if hasattr(sae.activation, "threshold"):
            architecture = "jumprelu"
            weights["threshold"] = sae.activation.threshold.expand(sae.b_enc.shape)
        elif hasattr(sae.activation, "k"):
            architecture = "topk"
            special = {"k": sae.activation.k, "rescale_acts_by_decoder_norm": False}
        elif isinstance(sae.activation, nn.ReLU):
            architecture = "standard"
        else:
            raise ValueError(f"SAELens has no architecture for the activation {sae.activation}.")
    d_sae, d_in = sae.W_dec.shape
    cfg = {
        "architecture": architecture,
        "d_in": d_in,
        "d_sae": d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"sae_lens_version": "6.0.0", "model_name": model_name, "hook_name": hook_name},
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cfg.json").write_text(json.dumps(cfg | special), encoding="utf-8")
    plain = {name: value.detach().float().contiguous() for name, value in weights.items()}
    save_file(plain, folder / "sae_weights.safetensors")


def from_saelens(folder: str | Path) -> nn.Module:
    """Read an autoencoder that SAELens (version 6) has saved, so that it computes the same activations and reconstructions.

    The files are those of `to_saelens`, with more that may differ. cfg.json has further keys, which do not matter here (sizes
    are those of the tensors); keys other than "architecture", and "k" for "topk" and "batchtopk", may be missing, and then mean
    what is said in brackets. By "architecture" the result is
        "standard"  -> a `SparseAutoencoder` with ReLU
        "topk"      -> a `SparseAutoencoder` with `TopK`, of cfg["k"]
        "batchtopk" -> a `SparseAutoencoder` with `BatchTopK`, of cfg["k"] (SAELens may write 16.0 for 16: k becomes an int),
                       whose threshold is the tensor "topk_threshold", a single number, float64 in the file
        "jumprelu"  -> a `SparseAutoencoder` with `JumpReLU`, whose thresholds are the tensor "threshold" [d_sae]; a threshold
                       may be 0, and none is below
        "gated"     -> a `GatedAutoencoder`
    Two settings are not ours. They are folded into the weights, so that the result computes the same without them:
        "apply_b_dec_to_input" (true): where it is false, SAELens does not subtract b_dec before the encoder: the
            pre-activations are x W_enc + b_enc (gated: both of them). b_dec is still added by the decoder.
        "rescale_acts_by_decoder_norm" (false), of "topk" and "batchtopk" (for others it does not matter): where it is true,
            the pre-activation of latent i is multiplied by |W_dec_i| before the activation function, and the decoder divides
            f_i by |W_dec_i| before it multiplies by W_dec_i. No row of W_dec is 0.

    Args:
        folder: holds cfg.json and sae_weights.safetensors, whose tensors may be of any floating-point dtype.

    Returns:
        The autoencoder in evaluation mode (`.eval()`), all of it in float32.

    Raises:
        ValueError: another architecture, or "normalize_activations" ("none") is something else than "none": the message names
            it.
        FileNotFoundError: one of the two files is not there.

    Source: SAELens (Bloom, Tigges, Duong and Chanin 2024).
    """
    cfg = json.loads((Path(folder) / "cfg.json").read_text(encoding="utf-8"))
    architecture, normalisation = cfg["architecture"], cfg.get("normalize_activations", "none")
    if normalisation != "none":
        raise ValueError(f"This autoencoder normalises its inputs ({normalisation!r}); ours takes them as they are.")
    weights = load_file(Path(folder) / "sae_weights.safetensors")
    weights = {name: value.float() for name, value in weights.items()}
    d_sae, d_in = weights["W_dec"].shape
    if architecture == "standard":
        sae = SparseAutoencoder(d_in, d_sae)
    elif architecture == "topk":
        sae = SparseAutoencoder(d_in, d_sae, TopK(cfg["k"]))
    elif architecture == "batchtopk":
        sae = SparseAutoencoder(d_in, d_sae, BatchTopK(round(cfg["k"])))
        weights["activation.threshold"] = weights.pop("topk_threshold")
    elif architecture == "jumprelu":
        sae = SparseAutoencoder(d_in, d_sae, JumpReLU(d_sae))
        weights["activation.log_threshold"] = weights.pop("threshold").log()
    elif architecture == "gated":
        sae = GatedAutoencoder(d_in, d_sae)
    else:
        raise ValueError(
            f"The architecture is {architecture!r}: only standard, topk, batchtopk, jumprelu and gated are read."
        )
    if architecture in ("topk", "batchtopk") and cfg.get("rescale_acts_by_decoder_norm", False):
        length = weights["W_dec"].norm(dim=-1)
        weights["W_enc"] = weights["W_enc"] * length
        weights["b_enc"] = weights["b_enc"] * length
        weights["W_dec"] = weights["W_dec"] / length[:, None]
    if not cfg.get("apply_b_dec_to_input", True):
        shift = weights["b_dec"] @ weights["W_enc"]
        if architecture == "gated":
            weights["b_gate"] = weights["b_gate"] + shift
            weights["b_mag"] = weights["b_mag"] + shift * weights["r_mag"].exp()
        else:
            weights["b_enc"] = weights["b_enc"] + shift
    sae.load_state_dict(weights)
    return sae.eval()


@dataclass
class FeaturePage:
    """What Neuronpedia says of one feature.

    source: the autoencoder, "8-res-jb" for instance. density: on what fraction of the tokens the feature is active.
    positive_logits, negative_logits: (token, logit). examples: (tokens, activation at each token).
    """

    model: str
    source: str
    index: int
    density: float
    max_activation: float
    positive_logits: list[tuple[str, float]]
    negative_logits: list[tuple[str, float]]
    explanations: list[str]
    examples: list[tuple[list[str], list[float]]] = field(default_factory=list)


def parse_neuronpedia(response: dict) -> FeaturePage:
    """A feature's page from the JSON of Neuronpedia's API, GET /api/feature/{model}/{source}/{index}.

    Of the response's keys these are read; all but the first three may be missing or null (null among the first three counts as
    missing):
        "modelId", "layer": texts, the page's model and source (although it is called a layer).
        "index": a whole number, or the same as text: "123".
        "frac_nonzero", "maxActApprox": numbers, the page's density and max_activation. Without them: 0.0.
        "pos_str" and "pos_values", "neg_str" and "neg_values": tokens, and as many numbers: positive_logits and
            negative_logits, in the response's order. One that is missing counts as [].
        "explanations": a list of objects, each with a text "description". Kept in their order, without those whose
            description is missing, null or empty.
        "activations": a list of objects, each with "tokens", a list of texts, and "values", as many numbers. They become
            the page's examples: the one with the largest value first, equal ones in the response's order. One without tokens
            (missing, null or []) is left out.
    Numbers may be written as whole ones (3 for 3.0), and may stay so.

    Args:
        response: the parsed JSON; it is not changed.

    Returns:
        The page; index is an int.

    Raises:
        ValueError: the response is no dict (Neuronpedia answers null for a feature that it does not have), or lacks one of the
            first three keys; where it has a text under "error" or "message" instead, the message quotes it ("error", if both
            are texts; what is no text is not quoted). Or the index is a text that is no whole number, or two lists that belong
            together are not equally long.

    Source: Neuronpedia (Lin 2023).
    """
    if not isinstance(response, dict):
        raise ValueError(f"A feature's page is a JSON object, and this is {response!r}: there may be no such feature.")
    if any(response.get(key) is None for key in ("modelId", "layer", "index")):
        said = [response[key] for key in ("error", "message") if isinstance(response.get(key), str)]
        raise ValueError(
            f"This response is not a feature's page: {said[0] if said else f'its keys are {sorted(response)}'}"
        )

    def pairs(side: str) -> list[tuple[str, float]]:
        tokens, values = response.get(f"{side}_str") or [], response.get(f"{side}_values") or []
        return [(token, float(value)) for token, value in zip(tokens, values, strict=True)]

    examples = []
    for activation in response.get("activations") or []:
        if tokens := activation.get("tokens"):
            values = [float(value) for _, value in zip(tokens, activation.get("values") or [], strict=True)]
            examples.append((list(tokens), values))
    return FeaturePage(
        model=response["modelId"],
        source=response["layer"],
        index=int(response["index"]),
        density=float(response.get("frac_nonzero") or 0),
        max_activation=float(response.get("maxActApprox") or 0),
        positive_logits=pairs("pos"),
        negative_logits=pairs("neg"),
        explanations=[e["description"] for e in response.get("explanations") or [] if e.get("description")],
        examples=sorted(examples, key=lambda example: max(example[1]), reverse=True),
    )


# --- what does it mean? ---


def detection_score(predicate: Callable[[list[str]], bool], examples: Sequence[tuple[list[str], bool]]) -> float:
    """How well an explanation tells where a feature is active from where it is not: balanced accuracy.

    The mean of two fractions: of the examples where the feature is active, those on which the predicate is true; of the others,
    those on which it is false. So guessing scores 1/2, whatever the numbers of the two kinds.

    Args:
        predicate: from the words up to and including the token in question, to a bool (or anything that has a truth value).
        examples: (words, whether the feature is active on the last word), at least one of each kind.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: all examples are of one kind.

    Source: detection scoring, Paulo et al. 2024, "Automatically Interpreting Millions of Features in Large Language Models".
    """
    right = {True: [], False: []}
    for words, active in examples:
        right[bool(active)].append(bool(predicate(words)) == bool(active))
    if not right[True] or not right[False]:
        raise ValueError("There must be examples on which the feature is active, and examples on which it is not.")
    return sum(sum(hits) / len(hits) for hits in right.values()) / 2


def my_feature() -> int:
    """The latent of small-lm-sae that the closing investigation is about, drawn from `LEARNER`."""
    return feature_of(LEARNER)


def my_examples(n: int = 400, seed: int = 0) -> list[tuple[list[str], bool]]:
    """n examples of your latent to study: (words, whether it is active on the last word). Other seeds give others."""
    return list(feature_examples(my_feature(), n, seed))


def explain_my_feature(words: list[str]) -> bool:
    """Explain your latent: say, from a token and the words before it alone, whether the latent is active on the token.

    The latent is `my_feature()` of the shipped autoencoder, drawn afresh for every name; `my_examples()` shows it at work. The
    judge tries your explanation on 160 other examples, from text that you have not seen: half of them active, evenly over
    the whole range of its activations from a fifth of the highest up; the rest silent, a third of them any tokens, a third
    near misses (a latent with a similar direction is active), a third the words that it likes best, where it is silent (as
    many of these as there are). Your `detection_score` on them must be 0.75 or more.

    Args:
        words: the tokens as text, up to 17 of them, the last being the one in question. A token that begins a word begins with
            a space: " king". Marks and parts of words are tokens too.

    Returns:
        Whether the latent is active on the last of the words.

    Source: Paulo et al. 2024.
    """
    votes = 0  # of the examples that end with this very token: for, less against
    for example, active in my_examples():
        if example[-1] == words[-1]:
            votes += 1 if active else -1
    return votes > 0
