"""Chapter 5's to_saelens and from_saelens against the real SAELens, both ways, with what its own trainers save."""

from __future__ import annotations

import importlib.util
import json

import pytest
import torch
import torch.nn as nn

from dojo.models import sae_path
from solutions import sparse_autoencoders as chapter

pytestmark = [
    pytest.mark.tools,
    pytest.mark.xdist_group("tools"),
    pytest.mark.skipif(importlib.util.find_spec("sae_lens") is None, reason="`make tools` installs SAELens"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

D_IN, D_SAE = 6, 11
KINDS = {"standard": "standard", "topk": "topk", "batchtopk": "jumprelu", "jumprelu": "jumprelu", "gated": "gated"}


def noise(module: nn.Module, seed: int = 0) -> nn.Module:
    """Every weight counts: biases that are not 0, decoder rows that are not of length 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if name.endswith("log_threshold"):
                parameter.copy_(0.5 * drawn - 1)
            elif name.endswith("threshold"):
                parameter.copy_(drawn.exp() / 3)
            else:
                parameter.copy_(drawn if name.startswith("W") else 0.4 * drawn)
    return module


def ours(kind: str) -> nn.Module:
    if kind == "gated":
        return noise(chapter.GatedAutoencoder(D_IN, D_SAE)).eval()
    activation = {
        "standard": None,
        "topk": chapter.TopK(3),
        "batchtopk": chapter.BatchTopK(3),
        "jumprelu": chapter.JumpReLU(D_SAE),
    }[kind]
    sae = noise(chapter.SparseAutoencoder(D_IN, D_SAE, activation)).eval()
    if kind == "batchtopk":
        activation.threshold.fill_(0.6)
    return sae


def assert_same(mine: nn.Module, theirs: nn.Module) -> None:
    x = 2 * torch.randn(64, D_IN, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        f, x_hat, expected = mine.encode(x), mine(x), theirs.encode(x)
        assert 0.02 < (expected != 0).float().mean() < 0.98, "the case says something"
        assert (f - expected).abs().max() < 1e-5
        assert (x_hat - theirs.decode(expected)).abs().max() < 1e-5
        assert (x_hat - theirs(x)).abs().max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_saelens_reads_what_we_write(kind, tmp_path):
    from sae_lens import SAE

    chapter.to_saelens(ours(kind), tmp_path / "a" / "b", "blocks.3.hook_resid_pre", "small-lm")
    theirs = SAE.load_from_disk(tmp_path / "a" / "b")
    assert theirs.cfg.architecture() == KINDS[kind]
    assert theirs.cfg.metadata.hook_name == "blocks.3.hook_resid_pre", "SAELens forgets it silently for old files"
    assert theirs.cfg.metadata.model_name == "small-lm"
    assert_same(ours(kind), theirs)
    assert_same(chapter.from_saelens(tmp_path / "a" / "b"), theirs)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("subtract", [True, False])
@pytest.mark.parametrize(  # SAELens can rescale topk only
    "kind, rescale", [("standard", False), ("topk", False), ("topk", True), ("jumprelu", False), ("gated", False)]
)
def test_we_read_what_saelens_writes(kind, rescale, subtract, dtype, tmp_path):
    from sae_lens import SAE
    from sae_lens.registry import get_sae_class

    extra = {"k": 3, "rescale_acts_by_decoder_norm": rescale} if kind == "topk" else {}
    make, config = get_sae_class(kind)
    sae = noise(make(config(d_in=D_IN, d_sae=D_SAE, apply_b_dec_to_input=subtract, dtype=dtype, **extra)))
    sae.save_model(tmp_path)
    assert_same(chapter.from_saelens(tmp_path), SAE.load_from_disk(tmp_path, dtype="float32"))


def trained(kind: str, subtract: bool) -> nn.Module:
    """A few steps of SAELens's own trainer."""
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.registry import get_sae_training_class
    from sae_lens.training.sae_trainer import SAETrainer

    make, config = get_sae_training_class(kind)
    extra = {"k": 3} if "topk" in kind else {}
    if kind == "matryoshka_batchtopk":
        extra["matryoshka_widths"] = [4, D_SAE]
    sae = noise(make(config(d_in=D_IN, d_sae=D_SAE, apply_b_dec_to_input=subtract, **extra)))
    sae.cfg.metadata.hook_name = "blocks.3.hook_resid_pre"
    generator = torch.Generator().manual_seed(1)
    trainer = SAETrainer(
        cfg=SAETrainerConfig(
            n_checkpoints=0,
            checkpoint_path=None,
            save_final_checkpoint=False,
            total_training_samples=20 * 32,
            device="cpu",
            autocast=False,
            lr=1e-2,
            lr_end=1e-3,
            lr_scheduler_name="constant",
            lr_warm_up_steps=0,
            adam_beta1=0.9,
            adam_beta2=0.999,
            lr_decay_steps=0,
            n_restart_cycles=1,
            train_batch_size_samples=32,
            dead_feature_window=1000,
            feature_sampling_window=1000,
            logger=LoggingConfig(log_to_wandb=False),
        ),
        sae=sae,
        data_provider=iter(lambda: 2 * torch.randn(32, D_IN, generator=generator), None),
    )
    return trainer.fit()


@pytest.mark.parametrize("subtract", [True, False])
@pytest.mark.parametrize("kind", ["standard", "topk", "batchtopk", "jumprelu", "gated", "matryoshka_batchtopk"])
def test_we_read_what_its_trainers_save(kind, subtract, tmp_path):
    from sae_lens import SAE, TrainingSAE

    sae = trained(kind, subtract)
    sae.save_inference_model(tmp_path / "inference")
    assert_same(chapter.from_saelens(tmp_path / "inference"), SAE.load_from_disk(tmp_path / "inference"))
    sae.save_model(tmp_path / "training")
    if kind == "matryoshka_batchtopk":
        with pytest.raises(ValueError, match="matryoshka_batchtopk"):
            chapter.from_saelens(tmp_path / "training")
        return
    mine = chapter.from_saelens(tmp_path / "training")
    assert_same(mine, SAE.load_from_disk(tmp_path / "inference"))
    if kind == "batchtopk":
        assert json.loads((tmp_path / "training" / "cfg.json").read_text())["architecture"] == "batchtopk"
        assert_same(mine.train(), TrainingSAE.load_from_disk(tmp_path / "training"))


def test_a_normalisation_is_refused_where_saelens_applies_it(tmp_path):
    from sae_lens import StandardSAE, StandardSAEConfig

    StandardSAE(StandardSAEConfig(d_in=D_IN, d_sae=D_SAE, normalize_activations="layer_norm")).save_model(tmp_path)
    with pytest.raises(ValueError, match="layer_norm"):
        chapter.from_saelens(tmp_path)


def test_the_shipped_autoencoder_in_saelens():
    from sae_lens import SAE

    mine, theirs = chapter.from_saelens(sae_path("small-lm-sae")), SAE.load_from_disk(sae_path("small-lm-sae"))
    x = torch.randn(20, mine.W_dec.shape[1], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (mine.encode(x) - theirs.encode(x)).abs().max() < 1e-5
        assert (mine(x) - theirs(x)).abs().max() < 1e-5
    assert theirs.cfg.metadata.model_name == "small-lm"
