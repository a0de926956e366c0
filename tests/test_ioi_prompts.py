"""Prompts of indirect-object identification: lengths, places, held-out pairs, and that nothing gives the answer away."""

import re
from collections import Counter

import pytest
import torch
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from dojo import load_tokenizer
from dojo.ioi import NAMES, OBJECTS, PLACES, TEMPLATES, corrupted, ioi_prompts, is_held_out
from dojo.models.tokenizer import END, Tokenizer


@pytest.fixture(scope="module")
def words():
    return load_tokenizer("ioi-a")


@pytest.fixture(scope="module")
def gpt2_like():
    """Byte-level BPE as GPT-2's, which gives a word one token only with the space before it, and only some words."""
    fast = FastTokenizer(models.BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    text = [f" {word}" for word in [*NAMES[:40], *PLACES[:6], *OBJECTS[:6]]]
    text += [
        word for template in TEMPLATES for word in template.split() if "{" not in word for word in (f" {word}", ".")
    ]
    text += ["Then", "Once", ",", "."]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=2000, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    fast.train_from_iterator(text * 3, trainer)
    return Tokenizer(fast)


@pytest.fixture(params=["words", "gpt2_like"])
def tokenizer(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("order", ["ABBA", "BABA"])
def test_places_and_names(tokenizer, order):
    prompts = ioi_prompts(tokenizer, 300, order=order, seed=1)
    at, tokens = prompts.positions, prompts.tokens
    assert tokens.dtype == torch.int64 and tokens.shape == (300, len(prompts.strings))
    assert (tokens[:, 0] == tokenizer.end).all() and not (tokens[:, 1:] == tokenizer.end).any()
    assert (tokens[:, at["IO"]] == prompts.correct).all()
    assert (tokens[:, at["S1"]] == prompts.wrong).all() and (tokens[:, at["S2"]] == prompts.wrong).all()
    assert (prompts.correct != prompts.wrong).all()
    assert at["S1+1"] == at["S1"] + 1 and at["END"] == tokens.shape[1] - 1
    assert (at["IO"] < at["S1"]) == (order == "ABBA") and prompts.order == order
    for row, correct, wrong in zip(tokens[:50], prompts.correct, prompts.wrong, strict=False):
        text = tokenizer.decode(row)
        io, s = (tokenizer.strings([name])[0].strip() for name in (correct, wrong))
        assert io in NAMES and s in NAMES and [len(re.findall(rf"\b{name}\b", text)) for name in (io, s)] == [1, 2]
        assert text.endswith(" to") and f". {s} " in text
        assert tokenizer.encode(text)[0].tolist() == row.tolist()


def test_the_same_seed_gives_the_same_prompts(words):
    one, again, other = (ioi_prompts(words, 20, seed=seed).tokens for seed in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_held_out_pairs_are_never_shown(tokenizer):
    def pairs(held_out):
        prompts = ioi_prompts(tokenizer, 3000, held_out=held_out, seed=2)
        names = zip(tokenizer.strings(prompts.correct), tokenizer.strings(prompts.wrong), strict=True)
        return {frozenset(name.strip() for name in pair) for pair in names}

    seen, unseen = pairs(False), pairs(True)
    assert not seen & unseen
    assert all(is_held_out(*pair) for pair in unseen) and not any(is_held_out(*pair) for pair in seen)
    assert len(unseen) > 50 and len(seen) > 5 * len(unseen)


def test_training_shows_no_held_out_pair_either(words):
    import runpy
    from pathlib import Path

    script = runpy.run_path(str(Path(__file__).resolve().parents[1] / "models" / "ioi-a" / "train.py"))
    tokens, answers = script["training_batch"](words, script["held_out_table"](words), 2000, seed=1)
    ids = {int(words.encode(name)): name for name in NAMES}
    three = 0
    for row, answer in zip(tokens.tolist(), answers.tolist(), strict=True):
        named = {ids[token] for token in row if token in ids}
        assert not any(is_held_out(a, b) for a in named for b in named if a < b)
        three += len(named) == 3
        assert ids[answer] in named and row.count(answer) == 1
    assert 0.1 < three / len(tokens) < 0.25


def test_no_other_word_tells_the_answer(words):
    """What stands elsewhere is drawn in the same way for every answer and order, and each name is the answer as often as not."""
    abba, baba = (ioi_prompts(words, 6000, order=order, seed=seed) for seed, order in enumerate(["ABBA", "BABA"]))
    places = [i for i in range(abba.tokens.shape[1]) if i not in (abba.positions[p] for p in ("IO", "S1", "S2"))]
    for place in places:
        one, other = (Counter(prompts.tokens[:, place].tolist()) for prompts in (abba, baba))
        assert one.keys() == other.keys()
        assert max(abs(one[token] - other[token]) for token in one) < 250
    answers, subjects = Counter(abba.correct.tolist()), Counter(abba.wrong.tolist())
    assert len(answers) == len(NAMES) and max(abs(answers[i] - subjects[i]) for i in answers) < 60
    earlier_id_wins = (abba.correct < abba.wrong).float().mean()
    assert 0.47 < earlier_id_wins < 0.53


@pytest.mark.parametrize("order", ["ABBA", "BABA"])
def test_corrupted(tokenizer, order):
    prompts = ioi_prompts(tokenizer, 200, order=order, seed=1)
    before = prompts.tokens.clone()
    at, changed = prompts.positions, corrupted(prompts, tokenizer, "S2")
    assert ((changed != prompts.tokens).nonzero()[:, 1] == at["S2"]).all()
    assert (changed[:, at["S2"]] == prompts.correct).all()

    changed = corrupted(prompts, tokenizer, "ABC", seed=1)
    names = [at[place] for place in ("IO", "S1", "S2")]
    assert set((changed != prompts.tokens).nonzero()[:, 1].tolist()) == set(names)
    fresh = changed[:, names]
    assert all(
        len({*row, *old}) == 5 for row, old in zip(fresh.tolist(), prompts.tokens[:, names].tolist(), strict=True)
    )
    assert all(text.strip() in NAMES for text in tokenizer.strings(fresh.flatten()))
    assert not torch.equal(fresh, corrupted(prompts, tokenizer, "ABC", seed=2)[:, names])
    assert torch.equal(before, prompts.tokens)


def test_what_cannot_be_had_is_said(words):
    with pytest.raises(ValueError, match="no order 'BAAB': choose one of ABBA, BABA"):
        ioi_prompts(words, 3, order="BAAB")
    with pytest.raises(ValueError, match="no kind 'S1'"):
        corrupted(ioi_prompts(words, 3), words, "S1")
    with pytest.raises(ValueError, match="has 0 names"):
        ioi_prompts(load_tokenizer("induction"), 3)
    assert ioi_prompts(words, 0).tokens.shape == (0, 16)
