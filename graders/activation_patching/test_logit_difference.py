"""Grades `logit_difference`. Oracles: numbers worked by hand, a loop over the prompts, and the gradient written down."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake

WHAT = "the logit difference"


def draw(rand, batch, n_pos, d_vocab):
    """Logits with answers that differ: from one another, and from prompt to prompt as far as the vocabulary goes."""
    answers = rand.permutation(d_vocab)
    correct = answers[torch.arange(batch) % (d_vocab // 2)]
    wrong = answers[d_vocab // 2 + torch.arange(batch) % (d_vocab // 2)]
    return 3 * rand.normal(batch, n_pos, d_vocab), correct, wrong


def test_one_number(submission, rand):
    """Whatever the number of prompts and positions, the result is one number."""
    out = submission.logit_difference(*draw(rand, 3, 4, 7))
    compare(out, torch.tensor(0.0), what=WHAT, atol=torch.inf)


def test_worked_by_hand(submission):
    """Two prompts: 5 - 1 = 4 and 2 - 8 = -6 at the last position, and the mean is -1."""
    logits = torch.tensor([[[9.0, 0, 3, 7], [1, 2, 0, 5]], [[4.0, 6, 1, 1], [8, 9, 2, 3]]])
    out = submission.logit_difference(logits, torch.tensor([3, 2]), torch.tensor([0, 0]))
    compare(out, torch.tensor(-1.0), what=WHAT)


@pytest.mark.parametrize("batch, n_pos, d_vocab", [(3, 4, 7), (4, 2, 9), (2, 5, 6), (1, 3, 8), (5, 1, 12)])
def test_agrees_with_a_loop(submission, rand, batch, n_pos, d_vocab):
    """The result is the mean over prompts of the right answer's logit minus the wrong one's, at the last position."""
    logits, correct, wrong = draw(rand, batch, n_pos, d_vocab)
    differences = []
    for prompt in range(batch):
        last = logits[prompt][n_pos - 1].tolist()
        differences.append(last[int(correct[prompt])] - last[int(wrong[prompt])])
    out = submission.logit_difference(logits, correct, wrong)
    compare(out, torch.tensor(sum(differences) / batch), what=WHAT)


def test_other_tokens_do_not_matter(submission, rand):
    """Logits of tokens that are no answer, however large, change nothing."""
    logits, correct, wrong = draw(rand, 3, 4, 10)
    rows = torch.arange(3)
    louder = 4 + 20 * rand.uniform(3, 4, 10)
    louder[rows, -1, correct], louder[rows, -1, wrong] = logits[rows, -1, correct], logits[rows, -1, wrong]
    expected = (logits[rows, -1, correct] - logits[rows, -1, wrong]).mean()
    compare(submission.logit_difference(louder, correct, wrong), expected, what=WHAT, atol=1e-3)


def test_far_apart(submission, rand):
    """A wrong answer 300 below the right one makes a difference of 300, not an infinite one."""
    logits, correct, wrong = draw(rand, 2, 3, 7)
    rows = torch.arange(2)
    logits[rows, -1, correct] = logits[rows, -1, wrong] + 300
    compare(submission.logit_difference(logits, correct, wrong), torch.tensor(300.0), what=WHAT, atol=1e-3)


def test_gradients_flow(submission, kit, rand):
    """A gradient reaches the logits: 1 / batch where the right answer stands, -1 / batch where the wrong one does."""
    logits, correct, wrong = draw(rand, 4, 3, 9)
    out = submission.logit_difference(logits.clone().requires_grad_(), correct, wrong)
    assert isinstance(out, torch.Tensor) and out.requires_grad, (
        "No gradient reaches the logits, and attribution patching will need it: leave out no_grad, detach and .item()."
    )
    expected = torch.zeros_like(logits)
    for prompt in range(4):
        expected[prompt, -1, correct[prompt]] += 0.25
        expected[prompt, -1, wrong[prompt]] -= 0.25
    gradient = kit.gradient_by_logits(submission.logit_difference, logits, correct, wrong)
    compare(gradient, expected, what="the gradient by the logits", axes="batch pos d_vocab")


def answers(logits, correct, wrong, position=-1):
    rows = torch.arange(len(logits))
    return logits[rows, position, correct], logits[rows, position, wrong]


@mistake("You read the logits at the first position; the answer comes after the last token, at position -1.")
def first_position(logits, correct, wrong):
    return torch.sub(*answers(logits, correct, wrong, position=0)).mean()


@mistake("You average over all positions; the answer is predicted at the last one only.")
def all_positions(logits, correct, wrong):
    rows = torch.arange(len(logits))
    return (logits[rows, :, correct] - logits[rows, :, wrong]).mean()


@mistake("You read the position before the last: the last token's logits predict what comes next, nothing is shifted.")
def last_but_one(logits, correct, wrong):
    return torch.sub(*answers(logits, correct, wrong, position=max(logits.shape[1] - 2, 0))).mean()


@mistake("You return one difference for each prompt: take their mean.")
def one_per_prompt(logits, correct, wrong):
    return torch.sub(*answers(logits, correct, wrong))


@mistake("You sum over the prompts: take the mean, so that the number of prompts does not matter.")
def sum_over_prompts(logits, correct, wrong):
    return torch.sub(*answers(logits, correct, wrong)).sum()


@mistake(
    "The sign is turned round: the right answer's logit comes first, so that a good model has a positive difference."
)
def sign_turned(logits, correct, wrong):
    return -torch.sub(*answers(logits, correct, wrong)).mean()


@mistake("You take the size of each difference; a prompt that the model gets wrong counts as negative.")
def absolute(logits, correct, wrong):
    return torch.sub(*answers(logits, correct, wrong)).abs().mean()


@mistake("You subtract probabilities; the difference is between the logits themselves, without a softmax.")
def of_probabilities(logits, correct, wrong):
    return torch.sub(*answers(logits.softmax(dim=-1), correct, wrong)).mean()


@mistake("You return the right answer's logit alone; subtract the wrong answer's.")
def right_answer_only(logits, correct, wrong):
    return answers(logits, correct, wrong)[0].mean()


@mistake(
    "logits[:, -1, correct] pairs every prompt with every prompt's answer, [batch, batch]. Index the batch axis with "
    "torch.arange(batch) as well, or use gather."
)
def every_pair(logits, correct, wrong):
    return (logits[:, -1, correct] - logits[:, -1, wrong]).mean()


@mistake("All prompts are asked for the first prompt's answers: each prompt has answers of its own.")
def answers_of_the_first_prompt(logits, correct, wrong):
    return (logits[:, -1, correct[0]] - logits[:, -1, wrong[0]]).mean()


@mistake("You compare with the largest of all other logits; the wrong answer is a token that is given, `wrong`.")
def against_the_largest(logits, correct, wrong):
    others = logits[:, -1].scatter(-1, correct[:, None], -torch.inf)
    return (answers(logits, correct, wrong)[0] - others.max(dim=-1).values).mean()


@mistake("You compare with the mean of all logits; the wrong answer is a token that is given, `wrong`.")
def against_the_mean(logits, correct, wrong):
    return (answers(logits, correct, wrong)[0] - logits[:, -1].mean(dim=-1)).mean()


@mistake("The first prompt alone is measured: logits[0]. Take the mean over all prompts.")
def first_prompt_only(logits, correct, wrong):
    return torch.sub(*answers(logits, correct, wrong))[0]


@mistake("The number is right, but no gradient reaches the logits: leave out .item(), detach and no_grad.")
def cut_off(logits, correct, wrong):
    return ref.logit_difference(logits, correct, wrong).detach()


@mistake("You count how often the right answer is ahead. That is the accuracy; the mean of the differences is asked.")
def accuracy(logits, correct, wrong):
    right, other = answers(logits, correct, wrong)
    return (right > other).float().mean()
