"""The shipped model, tokenizer and texts, and what is said when one cannot be had."""

import gzip
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from dojo.models import (
    ModelError,
    load_config,
    load_model,
    load_state_dict,
    load_text,
    load_tokenizer,
    model_path,
    shipped_models,
)

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def small_lm():
    return load_model("small-lm")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("small-lm")


def logits_in_transformers(folder: Path, tokens: torch.Tensor) -> torch.Tensor:
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        return model(input_ids=tokens).logits


def save_random_gpt2(folder: Path, **options) -> Path:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    sizes = {"vocab_size": 61, "n_positions": 12, "n_embd": 20, "n_layer": 3, "n_head": 5, "n_inner": 28}
    config = GPT2Config(**{**sizes, "bos_token_id": 0, "eos_token_id": 0, "initializer_range": 0.3, **options})
    GPT2LMHeadModel(config).save_pretrained(folder, max_shard_size="10KB" if options.get("n_layer") == 4 else "1GB")
    return folder


def test_same_logits_as_transformers(small_lm, tokenizer):
    tokens = torch.cat([tokenizer.encode(load_text(f"{name}-held-out"))[:, :256] for name in ("austen", "shakespeare")])
    with torch.no_grad():
        ours = small_lm(tokens)
    torch.testing.assert_close(ours, logits_in_transformers(model_path("small-lm"), tokens), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("options", [{}, {"tie_word_embeddings": False}, {"n_inner": None}, {"n_layer": 4}])
def test_a_local_folder(tmp_path, options):
    """Other sizes, an untied head, the default MLP width; with four layers the weights are in several files."""
    folder = save_random_gpt2(tmp_path / "mine", **options)
    tokens = torch.arange(22).view(2, 11)
    with torch.no_grad():
        ours = load_model(folder)(tokens)
    torch.testing.assert_close(ours, logits_in_transformers(folder, tokens), atol=1e-4, rtol=1e-4)


def test_weights_may_go_into_the_learners_own_classes():
    asked = {}

    def load_gpt2_weights(model, weights):
        asked.update(weights)

    code = SimpleNamespace(Config=dict, Transformer=lambda config: config, load_gpt2_weights=load_gpt2_weights)
    assert load_model("small-lm", code) == load_config("small-lm")
    assert asked.keys() == load_state_dict("small-lm").keys()


@pytest.mark.parametrize("name, bound", [("austen", 3.85), ("bible", 3.3), ("shakespeare", 3.45)])
def test_held_out_loss(small_lm, tokenizer, name, bound):
    """A few windows only; benchmarks/small_lm_loss.py has the whole."""
    tokens = tokenizer.encode(load_text(f"{name}-held-out"))[0, : 40 * 256].view(-1, 256)[::4]
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(small_lm(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    assert loss < bound


def test_needs_neither_network_nor_transformers_nor_the_rest_of_the_course(tmp_path):
    """As in the sandboxed worker: dojo/ and models/ are all that can be read."""
    shutil.copytree(ROOT / "dojo", tmp_path / "dojo", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "models", tmp_path / "models")
    program = """
import socket, sys
def refuse(*args, **kwargs): raise OSError("no network here")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from dojo.models import load_config, load_state_dict, load_text, load_tokenizer
tokens = load_tokenizer("small-lm").encode(load_text("austen")[:100])
assert load_state_dict("small-lm")["transformer.wte.weight"].shape == (load_config("small-lm")["d_vocab"], 128)
assert not {"transformers", "huggingface_hub"} & set(sys.modules)
"""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "DOJO_COURSE")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_tokenizer_round_trip(tokenizer):
    text = 'Mr. Darcy  smiled;\n\n"naïve £5 — 日本 🙂" <|endoftext|>tail '
    tokens = tokenizer.encode(text)
    assert tokens.dtype == torch.int64 and tokens.shape == (1, tokens.numel())
    assert tokenizer.decode(tokens) == tokenizer.decode(tokens[0]) == tokenizer.decode(tokens[0].tolist()) == text
    assert (tokens == tokenizer.end).sum() == 1
    assert tokenizer.strings(tokenizer.encode("It was Mr. Darcy")) == ["It", " was", " Mr", ".", " Darcy"]
    assert len(tokenizer) == load_config("small-lm")["d_vocab"]
    assert tokenizer.encode("").shape == (1, 0) and tokenizer.decode([]) == ""
    with pytest.raises(ValueError, match="One sequence at a time"):
        tokenizer.decode(torch.zeros(2, 3, dtype=torch.long))


@pytest.mark.parametrize("name", ["austen", "bible", "shakespeare"])
def test_held_out_texts_are_not_in_the_training_text(name):
    chapters = load_text(f"{name}-held-out").split("<|endoftext|>")
    assert chapters[0] == "" and len(chapters) > 10
    trained_on = load_text("austen")
    assert not any(chapter[200:300] in trained_on for chapter in chapters[1:])


def test_shipped_models_are_small_and_listed():
    assert "small-lm" in shipped_models()
    files = [path for path in (ROOT / "models").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 30e6
    for name in shipped_models():
        card = (model_path(name) / "README.md").read_text()
        named = re.search(r"models/[\w-]+/train\.py", card)  # one script makes several models
        scripts = [model_path(name) / "train.py", model_path(name) / "build.py", *([ROOT / named[0]] if named else [])]
        assert any(script.is_file() for script in scripts)


def one_sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert "\n" not in text and "Traceback" not in text
    return text


def test_unknown_text_names_the_texts():
    with pytest.raises(ModelError) as error:
        load_text("austin")
    assert "did you mean 'austen'" in one_sentence(error) and "bible-held-out" in str(error.value)


@pytest.mark.parametrize("load", [load_model, load_state_dict, load_config, load_tokenizer, model_path])
def test_a_folder_that_is_no_model(tmp_path, load):
    with pytest.raises(ModelError, match=r"no config\.json"):
        load(tmp_path)


@pytest.mark.parametrize(
    "config, said",
    [
        ({"model_type": "llama"}, "model_type 'llama'"),
        ({"model_type": "gpt2", "activation_function": "relu"}, "activation_function 'relu'"),
        ({"model_type": "gpt2", "scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx True"),
        ({"model_type": "gpt2"}, "does not say 'vocab_size'"),
        ([1], "cannot be read"),
        ("{broken", "cannot be read"),
    ],
)
def test_a_model_of_another_kind(tmp_path, config, said):
    (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(ModelError) as error:
        load_model(tmp_path)
    assert said in one_sentence(error)


def test_damaged_or_missing_files(tmp_path):
    folder = save_random_gpt2(tmp_path / "mine")
    with pytest.raises(ModelError, match="has no tokenizer"):
        load_tokenizer(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be read") as error:
        load_tokenizer(folder)
    one_sentence(error)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read") as error:
        load_model(folder)
    one_sentence(error)
    weights.unlink()
    with pytest.raises(ModelError, match="cannot be read") as error:
        load_model(folder)
    one_sentence(error)


def test_an_unknown_name_without_network(tmp_path):
    """Said at once: Hugging Face's own loaders go on trying for 20 seconds."""
    program = """
import time
from dojo.models import ModelError, load_model
for name in ("smal-lm", "gpt2", "not a name!"):
    start = time.monotonic()
    try:
        load_model(name)
    except ModelError as error:
        print(error)
    assert time.monotonic() - start < 15
"""
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    misspelt, hub, impossible = done.stdout.splitlines()
    assert "did you mean 'small-lm'" in misspelt
    assert "'gpt2'" in hub and "cannot be reached" in hub and "connect to the network" in hub
    assert "cannot be a name on the hub" in impossible
    assert done.stderr == ""


def test_a_name_on_the_hub_is_downloaded_and_then_loaded(tmp_path, monkeypatch):
    """The hub itself is out of reach of a test: what is asked of it is what is checked."""
    import huggingface_hub

    folder, patterns = save_random_gpt2(tmp_path / "snapshot"), []

    def snapshot_download(name, local_files_only=False, allow_patterns=()):
        if local_files_only:
            raise FileNotFoundError("not in the cache")
        patterns.extend(allow_patterns)
        return str(folder)

    files = [SimpleNamespace(rfilename=name) for name in ("config.json", "model.safetensors", "pytorch_model.bin")]
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: SimpleNamespace(siblings=files))
    assert load_model("someone/their-gpt2").config.d_model == 20
    assert "*.safetensors" in patterns and "*.bin" not in patterns


@pytest.fixture
def train(tmp_path, monkeypatch):
    """models/small-lm/train.py as a module, on three short texts, writing to tmp_path."""
    spec = importlib.util.spec_from_file_location("train_small_lm", ROOT / "models" / "small-lm" / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (
        gzip.decompress((ROOT / "models/text/bible-held-out.txt.gz").read_bytes()).decode()[13:].split("<|endoftext|>")
    )
    for name in module.SOURCES:
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps({"text": chapter}) for chapter in text[:12]))
    monkeypatch.setattr(module, "BUILD", tmp_path)
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)  # pytest keeps its own handlers
    return module


def test_a_resumed_training_run_ends_where_an_unbroken_one_does(train, tmp_path, monkeypatch, capsys):
    sizes = {"steps": 6, "batch": 2, "context": 16, "layers": 1, "heads": 2, "width": 8, "vocabulary": 300, "warmup": 2}
    options = [f"--{name}={value}" for name, value in sizes.items()]

    def run(out: str, *more: str) -> dict[str, torch.Tensor]:
        monkeypatch.setattr(sys, "argv", ["train.py", "--out", str(tmp_path / out), *options, *more])
        train.main()
        return load_state_dict(tmp_path / out)

    unbroken = run("unbroken")
    batch = train.Batches.__getitem__

    def interrupted(self, step):
        if step == 3:
            raise KeyboardInterrupt
        return batch(self, step)

    monkeypatch.setattr(train.Batches, "__getitem__", interrupted)
    stopped = run("broken")
    assert "Stopped after step 3" in capsys.readouterr().out
    monkeypatch.setattr(train.Batches, "__getitem__", batch)
    resumed = run("broken", "--resume")
    assert any(not torch.equal(stopped[name], unbroken[name]) for name in unbroken)
    for name in unbroken:
        torch.testing.assert_close(resumed[name], unbroken[name], rtol=0, atol=0)


def test_an_epoch_shows_every_token_once(train):
    import numpy as np

    stream = np.arange(1000, dtype=np.uint16)
    batches = train.Batches(stream, batch=3, context=10, seed=0)
    seen = torch.cat([batches[step].flatten() for step in range(batches.per_epoch)])
    assert len(seen.unique()) == len(seen) == 33 * 3 * 10
