"""train_induction_model: short runs of tiny models. What is looked at is what on_step is given, and the weights between steps.

A loss is right if it is that of the weights that the step before left behind, worked out in the judge's own Transformer.
"""

import math

import pytest
import torch
import torch.nn.functional as F

import solutions.induction_heads as ref
from dojo.grading import compare, mistake
from dojo.grading.comparison import Mismatch, describe
from dojo.grading.rpc import RemoteError
from dojo.transformer import Config, Transformer, token_log_probs

SIZES = {"d_vocab": 11, "d_model": 8, "n_ctx": 9, "n_layers": 2, "n_heads": 3, "d_head": 4, "d_mlp": 5}


def _batches(rand, n):
    """Batches of different sizes."""
    return [rand.integers(11, 2 + i % 3, 5 + i % 4) for i in range(n)]


def _run(submission, kit, rand, batches, *, sizes=SIZES, **options):
    """Train on the learner's side; returns the model and the recorder that was its on_step."""
    recorder = kit.Recorder()
    model = kit.trained(submission.train_induction_model, sizes, batches, rand.seed, recorder, **options)
    return model, recorder


def _rebuilt(model, sizes=SIZES):
    """The judge's Transformer with the learner's weights."""
    own = Transformer(Config(**sizes))
    if not isinstance(model, dict):
        try:
            model = model.state_dict()
        except (RemoteError, AttributeError):
            text = f"`train_induction_model` returned {describe(model)}, expected the trained model."
            raise Mismatch("type", text) from None
    compare(model, own.state_dict(), what="model", atol=math.inf)
    own.load_state_dict(model)
    return own


def _loss(model, tokens):
    with torch.no_grad():
        return float(F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()))


def test_no_batches(submission, kit, rand):
    """Without a batch, a fresh model of the given sizes comes back, and on_step is not called."""
    sizes = SIZES | {"n_layers": 3, "n_heads": 2, "ln_eps": 1e-3}
    model, recorder = _run(submission, kit, rand, [], sizes=sizes)
    fresh = _rebuilt(model, sizes)
    compare(len(recorder.steps), 0, what="the number of calls of on_step")
    compare(float(fresh.W_E.std()), 0.02, what="the standard deviation of a fresh W_E", atol=0.01)
    compare(model.config.ln_eps, 1e-3, what="model.config.ln_eps")


@pytest.mark.parametrize("once", [False, True], ids=["list", "generator"])
def test_one_step_a_batch(submission, kit, rand, once):
    """on_step is called after every step with the step's number, from 0, and the model that is being trained."""
    model, recorder = _run(submission, kit, rand, _batches(rand, 5), once=once)
    compare(recorder.steps, [0, 1, 2, 3, 4], what="the list of step numbers that on_step was given")
    _rebuilt(model)
    same = recorder.saw_only(model)
    assert same, "on_step is given another model than the one that is returned: pass the model that you train."


def test_every_call_starts_afresh(submission, kit, rand):
    """A second call trains a model of its own, and leaves the first one as it is."""
    first, _ = _run(submission, kit, rand, _batches(rand, 4), lr=0.1, warmup=1)
    before = first.W_E
    second, _ = _run(submission, kit, rand, _batches(rand, 2), lr=1e-3, warmup=1)
    compare(float(second.W_E.std()), 0.02, what="the standard deviation of W_E after two small steps", atol=0.01)
    compare(first.W_E, before, what="W_E of the model of the first call, after a second call", axes="token d_model")


def test_the_loss_before_the_step(submission, kit, rand, bench):
    """on_step is given the mean loss of the batch under the weights before the step, as a float; batches come in order."""
    batches = _batches(rand, 6)
    _, recorder = _run(submission, kit, rand, batches, lr=0.02, warmup=3)
    losses = recorder.losses
    compare(len(losses), 6, what="the number of calls of on_step")
    kinds = {describe(loss) for loss in losses if type(loss) is not float}
    assert not kinds, f"on_step is given the loss as {', '.join(kinds)}, expected a float: loss.item()."
    with bench.endpoint.untraced():
        weights = recorder.weights
    compare(losses[0], math.log(11), what="the loss of the untrained model", atol=0.3)
    for step in range(1, 6):
        before = _loss(_rebuilt(weights[step - 1]), batches[step])
        compare(losses[step], before, what=f"the loss that on_step was given for step {step}")


def test_a_learning_rate_of_0(submission, kit, rand):
    """With lr = 0 nothing moves: every loss, the first one too, is that of the model that comes back."""
    batches = _batches(rand, 3)
    model, recorder = _run(submission, kit, rand, batches, lr=0.0, warmup=2)
    losses, own = recorder.losses, _rebuilt(model)
    compare(losses, [_loss(own, batch) for batch in batches], what="the list of losses", atol=1e-3)


@pytest.mark.parametrize("warmup, n_steps", [(1, 5), (4, 8), (20, 6)])
def test_warm_up(submission, kit, rand, warmup, n_steps):
    """In step s a weight moves by about lr * min(1, (s + 1) / warmup), while the same batch comes again and again."""
    lr = 1e-4  # so small that the gradient hardly changes: then AdamW moves every weight by its learning rate
    batch = rand.integers(11, 5, 9)
    _, recorder = _run(submission, kit, rand, [batch] * n_steps, lr=lr, warmup=warmup)
    moved = recorder.moved("W_U", lr)
    compare(len(moved), n_steps - 1, what="the number of steps after the first")
    for step, distance in enumerate(moved, start=1):
        what = f"the learning rate in step {step} (lr {lr}, warmup {warmup}), as the weights show it, in units of lr,"
        compare(distance, min(1.0, (step + 1) / warmup), what=what, rtol=0.03)


def test_default_learning_rate(submission, kit, rand):
    """Without lr and warmup, they are 0.004 and 50."""
    _, recorder = _run(submission, kit, rand, [rand.integers(11, 5, 9)] * 4)
    moved = recorder.moved("W_U", 4e-3)
    compare(len(moved), 3, what="the number of steps after the first")
    for step, distance in enumerate(moved, start=1):
        what = f"the learning rate in step {step}, as the weights show it, in units of 0.004,"
        compare(distance, (step + 1) / 50, what=what, rtol=0.1)


def test_gradients_are_cleared(submission, kit, rand):
    """A token that is in the first batch only: AdamW's momentum moves its row of W_E a little longer, and then it rests."""
    first, later = torch.full((3, 8), 10), rand.integers(10, 3, 8)
    first[:, ::2] = rand.integers(10, 3, 4)
    _, recorder = _run(submission, kit, rand, [first] + [later] * 24, lr=1e-4, warmup=1)
    moved = recorder.moved("W_E", 1e-4, 10)
    compare(len(moved), 24, what="the number of steps after the first")
    assert moved[0] > 0.2, (
        f"In the second step the row moves by {moved[0]:.2f} lr; AdamW, which remembers the first gradient, moves it by "
        "about 0.7 lr. Make one optimizer before the loop and keep it."
    )
    assert moved[-1] < 0.3, (
        f"24 steps later the row still moves by {moved[-1]:.2f} lr a step, though no batch has that token any more: "
        "are the gradients of earlier batches cleared?"
    )


def test_mlps_stay_zero(submission, kit, rand):
    """After training, every weight of the MLPs is still 0: the model is attention-only."""
    model, _ = _run(submission, kit, rand, _batches(rand, 4), lr=0.01, warmup=1)
    for name, value in _rebuilt(model).state_dict().items():
        if ".mlp." in name:
            compare(value, torch.zeros_like(value), what=f"model.{name}")


def test_everything_else_is_trained(submission, kit, rand):
    """Embeddings, attention, LayerNorms and unembedding all change."""
    _, recorder = _run(submission, kit, rand, _batches(rand, 6), lr=0.01, warmup=1)
    compare(len(recorder.steps), 6, what="the number of calls of on_step")
    still = recorder.unmoved()
    assert not still, f"model.{still[0]} never changes: give the optimizer all parameters that can be trained."


def test_a_task_is_learnt(submission, kit, rand):
    """Without an on_step: a sequence in which each token decides the next is learnt to a loss below 0.5 in 40 steps."""
    following = (torch.arange(11) + 4) % 11
    batches = []
    for _ in range(41):
        tokens = [rand.integers(11, 8)]
        for _ in range(8):
            tokens.append(following[tokens[-1]])
        batches.append(torch.stack(tokens, dim=1))
    model = kit.trained(submission.train_induction_model, SIZES, batches[1:], rand.seed, lr=0.05, warmup=5)
    compare(_loss(_rebuilt(model), batches[0]), 0.0, what="the loss of the trained model on a new batch", atol=0.5)


def _train(
    config,
    batches,
    lr,
    warmup,
    on_step,
    *,
    optimizer=torch.optim.AdamW,
    rate=lambda step, lr, warmup: lr * min(1.0, (step + 1) / warmup),
    loss_of=lambda logits, tokens: -token_log_probs(logits, tokens).mean(),
    clear=True,
    model=None,
    trained=lambda model: [p for p in model.parameters() if p.requires_grad],
    told=lambda step, loss, model: (step, loss.item(), model),
):
    """The reference with what goes into it left open."""
    model = model or ref.attention_only(config)
    made = optimizer(trained(model), lr=lr)
    for step, tokens in enumerate(batches):
        made.param_groups[0]["lr"] = rate(step, lr, warmup)
        loss = loss_of(model(tokens), tokens)
        if clear:
            made.zero_grad()
        loss.backward()
        made.step()
        if on_step is not None:
            on_step(*told(step, loss, model))
    return model


@mistake("Old gradients are added to the new ones: call optimizer.zero_grad() before backward().")
def never_clears_gradients(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, clear=False)


@mistake("There is no warm-up: the learning rate is lr from the first step on.")
def no_warm_up(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, rate=lambda step, lr, warmup: lr)


@mistake("The warm-up is one step late: step 0 has lr / warmup already, not 0. Use (step + 1) / warmup.")
def warm_up_from_zero(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, rate=lambda step, lr, warmup: lr * min(1.0, step / warmup))


@mistake("The warm-up never ends: after `warmup` steps the learning rate stays at lr. The min(1, ...) is missing.")
def warm_up_without_end(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, rate=lambda step, lr, warmup: lr * (step + 1) / warmup)


@mistake("The learning rate falls from high to low: warm-up means that it grows.")
def cools_down(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(
        config, batches, lr, warmup, on_step, rate=lambda step, lr, warmup: lr * min(1.0, warmup / (step + 1))
    )


@mistake("After the warm-up the learning rate falls again: it stays at lr.")
def decays_after_the_warm_up(config, batches, lr=4e-3, warmup=50, on_step=None):
    def rate(step, lr, warmup):
        return lr * min((step + 1) / warmup, (warmup / (step + 1)) ** 0.5)

    return _train(config, batches, lr, warmup, on_step, rate=rate)


@mistake("The factor of the warm-up is taken for the learning rate itself: multiply it by lr.")
def factor_without_lr(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, rate=lambda step, lr, warmup: min(1.0, (step + 1) / warmup))


@mistake("lr is not used: it is always 0.004.")
def lr_ignored(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, 4e-3, warmup, on_step)


@mistake("warmup is not used: it is always 50.")
def warmup_ignored(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, 50, on_step)


@mistake("You use SGD: the optimizer is AdamW, whose steps do not depend on the size of the gradient.")
def sgd(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, optimizer=torch.optim.SGD)


@mistake("You make a new optimizer for every step: it forgets its averages each time. Make it once, before the loop.")
def new_optimizer_every_step(config, batches, lr=4e-3, warmup=50, on_step=None):
    model = ref.attention_only(config)
    for step, tokens in enumerate(batches):
        made = torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad], lr=lr * min(1.0, (step + 1) / warmup)
        )
        loss = -token_log_probs(model(tokens), tokens).mean()
        made.zero_grad()
        loss.backward()
        made.step()
        if on_step is not None:
            on_step(step, loss.item(), model)
    return model


@mistake("You add the losses up: take their mean over batch and position.")
def sums_the_losses(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(
        config, batches, lr, warmup, on_step, loss_of=lambda logits, tokens: -token_log_probs(logits, tokens).sum()
    )


@mistake(
    "You train on the later half of each row only: here every prediction counts (`second_half_loss` is for looking at a model)."
)
def trains_on_the_second_half(config, batches, lr=4e-3, warmup=50, on_step=None):
    def loss_of(logits, tokens):
        log_probs = token_log_probs(logits, tokens)
        return -log_probs[:, log_probs.shape[1] // 2 :].mean()

    return _train(config, batches, lr, warmup, on_step, loss_of=loss_of)


@mistake("The sign is wrong: the loss is MINUS the mean log-probability. Your steps make the text less likely.")
def wrong_sign(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(
        config, batches, lr, warmup, on_step, loss_of=lambda logits, tokens: token_log_probs(logits, tokens).mean()
    )


@mistake("Each position's logits are compared with its own token: they predict the NEXT one.")
def predicts_the_same_token(config, batches, lr=4e-3, warmup=50, on_step=None):
    def loss_of(logits, tokens):
        return F.cross_entropy(logits.flatten(0, 1), tokens.flatten())

    return _train(config, batches, lr, warmup, on_step, loss_of=loss_of)


@mistake("on_step gets the loss after the step: pass the one that you took the gradient of.")
def loss_after_the_step(config, batches, lr=4e-3, warmup=50, on_step=None):
    batch = []

    def loss_of(logits, tokens):
        batch[:] = [tokens]
        return -token_log_probs(logits, tokens).mean()

    def told(step, loss, model):
        return step, -token_log_probs(model(batch[0]), batch[0]).mean().item(), model

    return _train(config, batches, lr, warmup, on_step, loss_of=loss_of, told=told)


@mistake("on_step gets a tensor: pass loss.item(), or everything that the loss was computed from stays in memory.")
def loss_as_a_tensor(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, told=lambda step, loss, model: (step, loss, model))


@mistake("You count the steps from 1: the first is step 0.")
def steps_from_1(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, told=lambda step, loss, model: (step + 1, loss.item(), model))


@mistake("on_step is called before the optimizer's step: call it afterwards.")
def on_step_before_the_step(config, batches, lr=4e-3, warmup=50, on_step=None):
    model = ref.attention_only(config)
    made = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    for step, tokens in enumerate(batches):
        made.param_groups[0]["lr"] = lr * min(1.0, (step + 1) / warmup)
        loss = -token_log_probs(model(tokens), tokens).mean()
        if on_step is not None:
            on_step(step, loss.item(), model)
        made.zero_grad()
        loss.backward()
        made.step()
    return model


@mistake("on_step may be None: then call nothing.")
def always_calls_on_step(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step or (lambda *args: on_step(*args)))


@mistake("on_step is never called.")
def never_calls_on_step(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, None)


@mistake("You start from a plain Transformer, whose MLPs are trained as well: start from attention_only(config).")
def plain_transformer(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, model=Transformer(config))


@mistake("You switch the gradients of the MLPs on again, and their biases learn: leave their parameters as they are.")
def trains_the_mlps_too(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, batches, lr, warmup, on_step, model=ref.attention_only(config).requires_grad_(True))


@mistake("Only the attention layers are trained: give the optimizer every parameter that has gradients.")
def trains_the_blocks_only(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(
        config,
        batches,
        lr,
        warmup,
        on_step,
        trained=lambda model: [p for p in model.blocks.parameters() if p.requires_grad],
    )


@mistake("You go through the batches twice, to count them first: a generator is used up after the first time.")
def counts_the_batches_first(config, batches, lr=4e-3, warmup=50, on_step=None):
    _n_steps = sum(1 for _ in batches)
    return _train(config, batches, lr, warmup, on_step)


@mistake("You ask for len(batches): a generator has no length.")
def asks_for_the_length(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, [batches[i] for i in range(len(batches))], lr, warmup, on_step)


@mistake("You take two steps on every batch: one is asked for.")
def two_steps_a_batch(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, (batch for batch in batches for _ in range(2)), lr, warmup, on_step)


@mistake("The last batch is left out.")
def last_batch_left_out(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, list(batches)[:-1], lr, warmup, on_step)


@mistake("You shuffle the batches: they come in their order.")
def backwards(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, list(batches)[::-1], lr, warmup, on_step)


@mistake("Only the first row of each batch is trained on.")
def first_row_only(config, batches, lr=4e-3, warmup=50, on_step=None):
    return _train(config, (batch[:1] for batch in batches), lr, warmup, on_step)


@mistake("You return a fresh model: return the one that you trained.")
def returns_a_fresh_model(config, batches, lr=4e-3, warmup=50, on_step=None):
    fresh = ref.attention_only(config)
    _train(config, batches, lr, warmup, on_step)
    return fresh


@mistake("Nothing is returned: `return model` is missing.")
def returns_nothing(config, batches, lr=4e-3, warmup=50, on_step=None):
    _train(config, batches, lr, warmup, on_step)
