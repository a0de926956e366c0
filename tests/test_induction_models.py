"""induction, induction-1-layer and positional-shortcut do what their cards say, and the checkpoints show the phase change.

Scores are taken by loops from their definitions, on rows made here.
"""

import pytest
import torch
from safetensors.torch import save_file

from dojo import load_model, load_state_dict, load_tokenizer, model_path
from dojo.models import ModelError, checkpoint_steps
from dojo.transformer import run_with_cache, run_with_hooks, token_log_probs

MODELS = ["induction", "induction-1-layer", "positional-shortcut"]


def rows(periods, n_each=4, seed=0):
    """int64 [row, 64]: 0, and a random sequence again and again; and bool, where a token repeats."""
    random = torch.Generator().manual_seed(seed)
    tokens, repeats = [], []
    for period in periods:
        sequences = torch.randint(1, 64, (n_each, period), generator=random)
        tokens.append(torch.cat([torch.zeros(n_each, 1, dtype=torch.int64), sequences.repeat(1, 8)[:, :63]], dim=1))
        repeats.append((torch.arange(64) > period).expand(n_each, 64))
    return torch.cat(tokens), torch.cat(repeats)


VARIED, SIXTEEN = rows(range(8, 32, 3)), rows([16] * 8)


def induction_score(pattern, tokens):
    """[head]: attention to the positions just after an earlier occurrence of the query's token, where there is one."""
    total, n = torch.zeros(pattern.shape[1]), 0
    for row, heads in zip(tokens.tolist(), pattern, strict=True):
        for query, token in enumerate(row):
            after = [key for key in range(1, query + 1) if row[key - 1] == token]
            if after:
                total += heads[:, query, after].sum(-1)
                n += 1
    return total / n


def previous_token_score(pattern):
    return pattern.diagonal(-1, dim1=-2, dim2=-1).mean((0, 2))


def measure(model, tokens, repeats):
    """Induction and previous-token scores [layer, head], and the loss on repeated tokens."""
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens)
    patterns = [cache[f"blocks.{layer}.attn.hook_pattern"] for layer in range(len(model.blocks))]
    loss = -token_log_probs(logits, tokens)[repeats[:, 1:]].mean().item()
    previous = torch.stack([previous_token_score(p) for p in patterns])
    return torch.stack([induction_score(p, tokens) for p in patterns]), previous, loss


def ablated_loss(heads, tokens, repeats):
    """Loss of `induction` on repeated tokens, with the z of these heads replaced by their mean over rows."""

    def ablate(layer):
        gone = [head for at, head in heads if at == layer]

        def hook(z, hook):
            z = z.clone()
            z[:, :, gone] = z[:, :, gone].mean(0)
            return z

        return f"blocks.{layer}.attn.hook_z", hook

    with torch.no_grad():
        logits = run_with_hooks(load_model("induction"), tokens, [ablate(layer) for layer in (0, 1)])
    return -token_log_probs(logits, tokens)[repeats[:, 1:]].mean().item()


def test_induction_has_clean_heads():
    induction, previous, loss = measure(load_model("induction"), *VARIED)
    assert induction[1].max() > 0.9 and induction[1].min() > 0.85 and induction[0].max() < 0.15
    assert previous[0, 1] > 0.95 and previous[0, [0, 2, 3]].max() < 0.2 and previous[1].max() < 0.1
    assert loss < 0.25


def test_induction_by_ablation():
    full = ablated_loss([], *VARIED)
    assert ablated_loss([(0, 1)], *VARIED) - full > 3.5
    assert ablated_loss([(0, 0), (0, 3)], *VARIED) - full < 0.05
    assert 1 < ablated_loss([(0, 2)], *VARIED) - full < 2
    assert max(ablated_loss([(1, head)], *VARIED) - full for head in range(4)) < 0.35
    assert ablated_loss([(1, head) for head in range(4)], *VARIED) - full > 4


def test_one_layer_has_neither_head():
    induction, previous, loss = measure(load_model("induction-1-layer"), *VARIED)
    assert induction.max() < 0.15 and previous.max() < 0.1
    assert 2.5 < loss < 3.5


def test_the_shortcut_looks_like_induction_on_its_period_alone():
    model = load_model("positional-shortcut")
    induction, previous, loss = measure(model, *SIXTEEN)
    assert induction.max() > 0.85 and previous.max() < 0.15 and loss < 0.01
    induction, _, loss = measure(model, *VARIED)
    assert induction.max() < 0.2 and loss > 4.14


def test_the_phase_change_is_in_the_checkpoints():
    steps = checkpoint_steps("induction")
    assert steps == checkpoint_steps("induction-1-layer") and len(steps) >= 20 and steps[0] == 0

    def series(name):
        found = [measure(load_model(name, step=step), *(part[::2] for part in VARIED)) for step in steps]
        return [float(induction[-1].max()) for induction, *_ in found], [loss for *_, loss in found]

    scores, losses = series("induction")
    flat = [score for step, score in zip(steps, scores, strict=True) if step <= 100]
    risen = [score for step, score in zip(steps, scores, strict=True) if step >= 300]
    assert max(flat) < 0.15 and min(risen) > 0.7 and scores[-1] > 0.9
    steepest = max(range(len(steps) - 1), key=lambda i: (scores[i + 1] - scores[i]) / (steps[i + 1] - steps[i]))
    assert 150 <= steps[steepest] < 250
    assert losses[steps.index(150)] > 3.2 and losses[steps.index(300)] < 1 and losses[-1] < 0.25
    scores, losses = series("induction-1-layer")
    assert max(scores) - min(scores) < 0.1 and min(losses) > 2.5


def test_the_last_checkpoint_is_the_model():
    for name in MODELS[:2]:
        last = load_state_dict(name, step=checkpoint_steps(name)[-1])
        whole = load_state_dict(name)
        assert last.keys() == whole.keys()
        for weight, value in whole.items():
            assert last[weight].dtype == torch.float32
            torch.testing.assert_close(last[weight], value, atol=2e-3, rtol=1e-3)


def test_steps_that_are_not_there_are_said(tmp_path):
    with pytest.raises(
        ModelError, match=r"No weights of induction were kept at step 401.*checkpoint_steps\('induction'\)"
    ):
        load_model("induction", step=401)
    for ask in (checkpoint_steps, lambda name: load_model(name, step=5)):
        with pytest.raises(ModelError, match="No checkpoints came with small-lm"):
            ask("small-lm")
    (tmp_path / "config.json").write_text((model_path("induction") / "config.json").read_text())
    save_file({"0/x": torch.zeros(2)}, tmp_path / "checkpoints.safetensors")
    assert checkpoint_steps(tmp_path) == [0]
    (tmp_path / "checkpoints.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelError, match="cannot be read"):
        load_state_dict(tmp_path, step=0)


@pytest.mark.parametrize("name", [*MODELS, "ioi-a", "ioi-b"])
def test_loads_in_transformers_with_the_same_logits(name):
    from transformers import AutoTokenizer, GPT2LMHeadModel

    model, folder = load_model(name), model_path(name)
    config = model.config
    tokens = torch.randint(config.d_vocab, (5, config.n_ctx), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = GPT2LMHeadModel.from_pretrained(folder, local_files_only=True).eval()(input_ids=tokens).logits
        torch.testing.assert_close(model(tokens), theirs, atol=1e-4, rtol=1e-4)
    for block in model.blocks:
        assert all((parameter == 0).all() for parameter in block.mlp.parameters())
    tokenizer, their_tokenizer = load_tokenizer(name), AutoTokenizer.from_pretrained(folder, local_files_only=True)
    text = tokenizer.decode(tokens[0, 1:])
    assert their_tokenizer(text).input_ids == tokens[0, 1:].tolist() == tokenizer.encode(text)[0].tolist()
    assert their_tokenizer.decode(tokens[0]) == tokenizer.decode(tokens[0])


def test_words_of_the_induction_models():
    tokenizer = load_tokenizer("induction")
    assert len(tokenizer) == 64 and tokenizer.end == 0
    assert len(set(tokenizer.strings(range(64)))) == 64
    assert tokenizer.decode(tokenizer.encode("bird apple hat")) == "bird apple hat"
    for name in MODELS[1:]:
        assert load_tokenizer(name).fast.to_str() == tokenizer.fast.to_str()


def test_training_makes_such_models(tmp_path, monkeypatch):
    """A few steps of the script: rows as they should be, and folders that load."""
    import runpy
    import sys

    path = model_path("induction") / "train.py"
    script = runpy.run_path(str(path))
    tokens, repeats = script["rows"](200, (8, 31), 0.8, torch.Generator().manual_seed(0))
    assert (tokens[:, 0] == 0).all() and not (tokens[:, 1:] == 0).any()
    for row, repeated in zip(tokens, repeats, strict=True):
        first = int(repeated.nonzero()[0])
        assert repeated[first:].all()
        assert any(torch.equal(row[first:], row[first - period : -period]) for period in range(8, 32))
    monkeypatch.setattr(sys, "argv", ["train.py", "induction", "--steps", "3", "--batch", "2", "--out", str(tmp_path)])
    runpy.run_path(str(path), run_name="__main__")
    assert checkpoint_steps(tmp_path / "induction") == [0, 3]
    assert load_model(tmp_path / "induction", step=3).config.n_ctx == 64
