"""train_step: the loss and the step of a bigram table derived by hand, torch's optimizers, and a corpus to be learnt.

The models and optimizers are the kit's. What is looked at is the loss that comes back and the weights after the step.
"""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake
from graders.transformer_from_scratch import kit as ours

OPTIMIZERS = {
    "SGD": {"lr": 0.7},
    "SGD with momentum": {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1},
    "AdamW": {"lr": 0.05, "weight_decay": 0.2},
}


def _optimizer(kit, name, model):
    return kit.optimizer(name.split()[0], model, **OPTIMIZERS[name])


def _bigram_by_hand(table, tokens, lr):
    """The loss of a bigram table and the table after one SGD step: the gradient is (softmax - one-hot) / how many."""
    pairs = [(int(a), int(b)) for row in tokens for a, b in itertools.pairwise(row)]
    loss, after = 0.0, table.clone()
    for a, b in pairs:
        probs = table[a].softmax(dim=-1)
        loss -= math.log(float(probs[b])) / len(pairs)
        after[a] -= lr * (probs - F.one_hot(torch.tensor(b), len(probs))) / len(pairs)
    return loss, after


def test_the_loss_of_an_untrained_model(submission, kit):
    """Where every logit is 0, each next token has probability 1/7, and the loss is log 7 = 1.946."""
    model = kit.Bigram(torch.zeros(7, 7))
    loss = submission.train_step(model, kit.optimizer("SGD", model, lr=0.1), torch.tensor([[1, 2, 3, 6], [0, 5, 5, 4]]))
    compare(loss, math.log(7), what="the loss")


def test_loss_and_step_of_a_bigram_table(submission, kit, rand):
    """The loss is the mean over all next tokens of the batch, and SGD moves the weights by minus lr times its gradient."""
    table, tokens = rand.normal(7, 7), rand.integers(7, 3, 5)
    model = kit.Bigram(table)
    optimizer = kit.optimizer("SGD", model, lr=2.0)
    loss, after, steps = submission.train_step(model, optimizer, tokens), model.table, optimizer.steps_taken
    expected_loss, expected_table = _bigram_by_hand(table, tokens, lr=2.0)
    compare(loss, expected_loss, what="the loss before the step")
    compare(after, expected_table, what="the table of weights after one step of SGD", axes="token next_token")
    compare(steps, 1, what="the number of steps that the optimizer took")


def test_the_last_tokens_are_targets_only(submission, kit, rand):
    """No token is predicted from the last one of a sequence, nor from the end of the sequence before it."""
    table = rand.normal(6, 6)
    tokens = torch.tensor([[0, 1, 5], [2, 1, 5], [3, 0, 5], [4, 2, 5]])
    model = kit.Bigram(table)
    submission.train_step(model, kit.optimizer("SGD", model, lr=1.0), tokens)
    compare(model.table[5], table[5], what="the row of token 5, which is always last", axes="next_token")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_gradients_from_before_do_not_count(submission, kit, rand, name):
    """Gradients that somebody left behind change neither the loss nor the step, nor those after it."""
    vectors, out, batches = rand.normal(7, 4), rand.normal(4, 7), (rand.integers(7, 3, 6), rand.integers(7, 2, 5))
    model, mine = kit.Averager(vectors, out), ours.Averager(vectors, out)
    optimizer, own_optimizer = _optimizer(kit, name, model), _optimizer(ours, name, mine)
    kit.set_gradients(model, 0.8)
    losses = [submission.train_step(model, optimizer, batch) for batch in batches]
    expected = [ref.train_step(mine, own_optimizer, batch) for batch in batches]
    after = {"vectors": model.vectors, "out": model.out}
    for step in range(2):
        compare(losses[step], expected[step], what=f"the loss of step {step + 1}")
    for weights in after:
        compare(after[weights], getattr(mine, weights).detach(), what=f"the tensor {weights} after two steps")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_optimizer_takes_one_step(submission, kit, rand, name):
    """Each call is one step of the optimizer that was passed."""
    model = kit.Averager(rand.normal(5, 3), rand.normal(3, 5))
    optimizer = _optimizer(kit, name, model)
    submission.train_step(model, optimizer, rand.integers(5, 2, 4))
    compare(optimizer.steps_taken, 1, what="the number of steps after one call")
    submission.train_step(model, optimizer, rand.integers(5, 2, 4))
    compare(optimizer.steps_taken, 2, what="the number of steps after two calls")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_several_steps(submission, kit, rand, name):
    """Over six batches of different sizes, losses and weights are those of a plain training loop."""
    vectors, out = rand.normal(7, 4), rand.normal(4, 7)
    batches = [rand.integers(7, 2 + i % 3, 4 + i) for i in range(6)]
    model, mine = kit.Averager(vectors, out), ours.Averager(vectors, out)
    optimizer, own_optimizer = _optimizer(kit, name, model), _optimizer(ours, name, mine)
    for step, batch in enumerate(batches):
        logits = mine(batch)[:, :-1]
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        own_optimizer.zero_grad()
        loss.backward()
        own_optimizer.step()
        compare(submission.train_step(model, optimizer, batch), loss.item(), what=f"the loss of step {step + 1}")
    compare(model.vectors, mine.vectors.detach(), what="the tensor vectors after six steps", axes="token d_model")
    compare(model.out, mine.out.detach(), what="the tensor out after six steps", axes="d_model token")


def test_a_corpus_is_learnt(submission, kit, rand):
    """A text in which each token decides the next is learnt to a loss below 0.1 within 40 steps."""
    following = (torch.arange(9) + 4) % 9
    model = kit.Bigram(0.1 * rand.normal(9, 9))
    optimizer = kit.optimizer("AdamW", model, lr=0.3, weight_decay=0.0)
    losses = []
    for _ in range(40):
        tokens = [rand.integers(9, 8)]
        for _ in range(5):
            tokens.append(following[tokens[-1]])
        losses.append(submission.train_step(model, optimizer, torch.stack(tokens, dim=1)))
    compare(losses[0], math.log(9), what="the loss at the start", atol=0.5)
    compare(losses[-1], 0.0, what="the loss after 40 steps", atol=0.1)


def _loss(model, tokens):
    return F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def _step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@mistake("Old gradients are added to the new ones: call optimizer.zero_grad() before backward().")
def never_clears_gradients(model, optimizer, tokens):
    loss = _loss(model, tokens)
    loss.backward()
    optimizer.step()
    return loss.item()


@mistake("You clear the gradients after the step only: those that were there before the call have counted by then.")
def clears_gradients_afterwards(model, optimizer, tokens):
    loss = _loss(model, tokens)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


@mistake(
    "The optimizer finds no gradients when it steps. The order is zero_grad(), backward(), step(), without no_grad."
)
def clears_gradients_before_the_step(model, optimizer, tokens):
    loss = _loss(model, tokens)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


@mistake("The optimizer never takes its step: call optimizer.step() after backward().")
def forgets_the_step(model, optimizer, tokens):
    loss = _loss(model, tokens)
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


@mistake("You step before backward(): that uses the gradients of the batch before.")
def steps_before_backward(model, optimizer, tokens):
    loss = _loss(model, tokens)
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


@mistake("You take two steps in one call.")
def two_steps(model, optimizer, tokens):
    loss = _step(optimizer, _loss(model, tokens))
    _step(optimizer, _loss(model, tokens))
    return loss


@mistake("You return the loss after the step: the one that was asked for is the loss that you took the gradient of.")
def loss_after_the_step(model, optimizer, tokens):
    _step(optimizer, _loss(model, tokens))
    return _loss(model, tokens).item()


@mistake(
    "You compare each position's logits with its own token. They predict the NEXT token: logits[:, :-1], tokens[:, 1:]."
)
def predicts_the_same_token(model, optimizer, tokens):
    return _step(optimizer, F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten()))


@mistake("You shift the wrong way: the logits at position i predict token i + 1, not token i - 1.")
def predicts_the_previous_token(model, optimizer, tokens):
    return _step(optimizer, F.cross_entropy(model(tokens)[:, 1:].flatten(0, 1), tokens[:, :-1].flatten()))


@mistake(
    "You flatten the batch before you shift: the last token of a sequence then predicts the first of the next one."
)
def shifts_across_sequences(model, optimizer, tokens):
    return _step(optimizer, F.cross_entropy(model(tokens).flatten(0, 1)[:-1], tokens.flatten()[1:]))


@mistake("You roll the tokens: the last position then has to predict the first token. Drop the last position instead.")
def rolls_the_tokens(model, optimizer, tokens):
    return _step(optimizer, F.cross_entropy(model(tokens).flatten(0, 1), tokens.roll(-1, dims=1).flatten()))


@mistake("You add the losses up: take their mean over batch and position.")
def sums(model, optimizer, tokens):
    logits = model(tokens)[:, :-1].flatten(0, 1)
    return _step(optimizer, F.cross_entropy(logits, tokens[:, 1:].flatten(), reduction="sum"))


@mistake(
    "You take the mean over the batch but the sum over positions (or the other way round): take the mean over both."
)
def sums_over_positions(model, optimizer, tokens):
    return _step(optimizer, _loss(model, tokens) * (tokens.shape[1] - 1))


@mistake("You give cross_entropy probabilities: it wants logits, and takes the softmax itself.")
def softmax_twice(model, optimizer, tokens):
    probs = model(tokens)[:, :-1].softmax(dim=-1)
    return _step(optimizer, F.cross_entropy(probs.flatten(0, 1), tokens[:, 1:].flatten()))


@mistake("Only the last position is trained: every position but the last predicts its next token.")
def only_the_last_prediction(model, optimizer, tokens):
    return _step(optimizer, F.cross_entropy(model(tokens)[:, -2], tokens[:, -1]))


@mistake("The sign is wrong: the loss is MINUS the mean log-probability. Your step makes the text less likely.")
def wrong_sign(model, optimizer, tokens):
    return _step(optimizer, -_loss(model, tokens))


@mistake("You change the weights yourself. The optimizer does that: its rule may be other than SGD's.")
def plain_sgd(model, optimizer, tokens):
    loss = _loss(model, tokens)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= optimizer.param_groups[0]["lr"] * parameter.grad
    return loss.item()


@mistake("You divide by the number of tokens, batch * pos. There are only batch * (pos - 1) predictions.")
def divides_by_all_tokens(model, optimizer, tokens):
    return _step(optimizer, _loss(model, tokens) * (tokens.shape[1] - 1) / tokens.shape[1])


@mistake("You clip the gradients: that is a good thing to do in a long training, but it changes this step.")
def clips_gradients(model, optimizer, tokens):
    loss = _loss(model, tokens)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()
    return loss.item()
