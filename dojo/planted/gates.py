"""AND and OR: models on which patching one head at a time says opposite things, depending on the direction.

Two facts stand somewhere in the prompt. One head reads each fact, at the last position, and an MLP computes AND or OR of
what the two heads bring: the answer is "yes" or "no". Clean prompts have both facts true, corrupted ones both false.
Patch ONE of the two heads:
* denoising (clean into corrupted) makes one fact true: OR is restored, AND is not;
* noising (corrupted into clean) makes one fact false: AND is destroyed, OR is not.

Source: on what each direction can show, Heimersheim and Nanda 2024, "How to use and interpret activation patching".
"""

from __future__ import annotations

import torch
from torch import Tensor

from dojo.planted.compiler import Head, Neurons, Space, compile_model, generator
from dojo.transformer import Transformer

WORDS = ["<|endoftext|>", "no", "yes", "A-false", "A-true", "B-false", "B-true", "and", "so", "then", "now", "answer"]
NO, YES, A_FALSE, B_FALSE, FILLERS, ANSWER = 1, 2, 3, 5, (7, 8, 9, 10), 11
GATE_HEADS = ((0, 1), (0, 2))  # what reads fact A, and what reads fact B
N_CTX, N_PROMPTS = 8, 16
SCORE, SHARPNESS, LOGIT = 12.0, 40.0, 6.0


def gate_model(kind: str) -> Transformer:
    """One layer, four heads and an MLP that computes AND or OR of two facts at the last position.

    Heads (0, 1) and (0, 2), `GATE_HEADS`, read the two facts; head (0, 0) attends to the previous token and head (0, 3) to
    the first, and what these two write is read by nobody. The logit of "yes" less that of "no" is about 6 where the gate
    is on and -6 where it is off.

    Args:
        kind: "and" or "or". The tokens to run it on are `gate_tokens(kind)`.

    Raises:
        ValueError: another kind.
    """
    threshold = _threshold(kind)
    space = Space(fact_A=2, fact_B=2, kept_A=1, kept_B=1, answer=1, pos=N_CTX, unread=N_CTX)
    one = space["pos"].sum(dim=0, keepdim=True)  # 1 at every position
    embed = torch.zeros(len(WORDS), space.size)
    for name, false in (("fact_A", A_FALSE), ("fact_B", B_FALSE)):
        said, value = space[name]
        embed[false : false + 2] += said  # first axis: this token states the fact; second: whether it is true
        embed[false + 1] += value
    bare = space["pos"]
    shifted = torch.cat([bare[1:], torch.zeros(1, space.size)])  # a query at p matches a key at p - 1
    unread = (bare, space["unread"])
    reads = [
        Head([(SCORE * one, space[fact][:1])], [(space[fact][1:], space[kept])])
        for fact, kept in (("fact_A", "kept_A"), ("fact_B", "kept_B"))
    ]
    heads = [[Head([(SCORE * shifted, bare)], [unread]), *reads, Head([(SCORE * one, bare[:1])], [unread])]]

    both = space["kept_A"] + space["kept_B"]  # 0, 1 or 2 facts are true
    # Two neurons make a ramp from 0 to 1 around the threshold, a quarter to each side: flat at 0, 1 and 2 facts.
    ramp = Neurons(
        read=SHARPNESS * torch.cat([both, both]),
        bias=-SHARPNESS * torch.tensor([threshold - 0.25, threshold + 0.25]),
        write=torch.tensor([[2.0], [-2.0]]) / SHARPNESS @ space["answer"],
    )
    unembed = torch.zeros(len(WORDS), space.size)
    unembed[YES] = LOGIT / 2 * (2 * space["answer"][0] - one[0])  # the gate is 0 or 1, the logit -3 or 3
    unembed[NO] = -unembed[YES]
    return compile_model(
        space,
        embed=embed,
        positions=bare,
        unembed=unembed,
        heads=heads,
        neurons={0: ramp},
        d_head=8,
        d_model=32,
        rng=generator("gate", kind),
    )


def gate_tokens(kind: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Prompts for `gate_model(kind)`: 16 of them, with the facts at different places.

    Returns:
        clean: int64 [16, 8], both facts are true; the first token is `<|endoftext|>`, the last "answer".
        corrupted: int64 [16, 8], the same with both facts false; nothing else differs.
        correct: int64 [16], the answer to the clean prompts: "yes".
        wrong: int64 [16], the answer to the corrupted prompts: "no".

    Raises:
        ValueError: kind is neither "and" nor "or".
    """
    _threshold(kind)
    rng = generator("gate tokens")
    fillers = torch.tensor(FILLERS)
    clean = fillers[torch.randint(len(FILLERS), (N_PROMPTS, N_CTX), generator=rng)]
    clean[:, 0], clean[:, -1] = 0, ANSWER
    for row in clean:
        places = 1 + torch.randperm(N_CTX - 2, generator=rng)[:2]
        row[places] = torch.tensor([A_FALSE + 1, B_FALSE + 1])
    true = (clean == A_FALSE + 1) | (clean == B_FALSE + 1)
    corrupted = torch.where(true, clean - 1, clean)
    return clean, corrupted, torch.full((N_PROMPTS,), YES), torch.full((N_PROMPTS,), NO)


def _threshold(kind: str) -> float:
    """How many facts turn the gate on lies above this."""
    if kind not in ("and", "or"):
        raise ValueError(f"There is no gate '{kind}': choose 'and' or 'or'.")
    return 1.5 if kind == "and" else 0.5
