"""What the scripts of the attention-only models share: a tokenizer of whole words, and saving in Hugging Face's format."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from dojo.models.tokenizer import END
from dojo.transformer import Config, Transformer


def word_tokenizer(words: list[str]) -> Tokenizer:
    """<|endoftext|> is token 0, and the words and marks follow in the order given.

    A word that is not among them becomes <|endoftext|>, as in GPT-2's tokenizer of transformers.
    """
    vocabulary = {word: i for i, word in enumerate([END, *words])}
    assert len(vocabulary) == len(words) + 1, "a word is there twice"
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=END))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # marks such as , and . are words of their own
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)  # spaces between words, none before marks
    tokenizer.add_special_tokens([END])
    return tokenizer


@torch.no_grad()
def attention_only(
    d_vocab: int, n_ctx: int, n_layers: int, d_model: int = 64, n_heads: int = 4, std: float = 0.02
) -> nn.Module:
    """A Transformer whose MLPs have one neuron, add exactly zero, and are not trained. The weights begin with this std."""
    model = Transformer(Config(d_vocab, d_model, n_ctx, n_layers, n_heads, d_head=d_model // n_heads, d_mlp=1))
    for name, parameter in model.named_parameters():
        if "W_" in name:
            parameter.mul_(std / 0.02)  # the class draws them with 0.02
    for block in model.blocks:
        for parameter in [*block.mlp.parameters(), *block.ln2.parameters()]:
            parameter.requires_grad_(False)
        for parameter in block.mlp.parameters():
            parameter.zero_()
    return model


def to_gpt2(model: nn.Module) -> dict[str, Tensor]:
    """The weights under Hugging Face's names, in its layout: what `load_gpt2_weights` undoes. They are copies."""
    weights = {
        "transformer.wte.weight": model.W_E,
        "transformer.wpe.weight": model.W_pos,
        "transformer.ln_f.weight": model.ln_final.weight,
        "transformer.ln_f.bias": model.ln_final.bias,
        "lm_head.weight": model.W_U.T,
    }
    for layer, block in enumerate(model.blocks):
        attn, mlp = block.attn, block.mlp
        into_heads = [W.transpose(0, 1).flatten(1) for W in (attn.W_Q, attn.W_K, attn.W_V)]  # [d_model, head * d_head]
        theirs = {
            "ln_1.weight": block.ln1.weight,
            "ln_1.bias": block.ln1.bias,
            "attn.c_attn.weight": torch.cat(into_heads, dim=1),
            "attn.c_attn.bias": torch.cat([b.flatten() for b in (attn.b_Q, attn.b_K, attn.b_V)]),
            "attn.c_proj.weight": attn.W_O.flatten(0, 1),
            "attn.c_proj.bias": attn.b_O,
            "ln_2.weight": block.ln2.weight,
            "ln_2.bias": block.ln2.bias,
            "mlp.c_fc.weight": mlp.W_in,
            "mlp.c_fc.bias": mlp.b_in,
            "mlp.c_proj.weight": mlp.W_out,
            "mlp.c_proj.bias": mlp.b_out,
        }
        weights |= {f"transformer.h.{layer}.{name}": value for name, value in theirs.items()}
    return {name: value.detach().clone().contiguous() for name, value in weights.items()}


def write_model(model: nn.Module, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the Hugging Face files, each put in place whole: someone may be reading the folder."""
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast  # seven seconds to import

    sizes = model.config
    config = GPT2Config(
        vocab_size=sizes.d_vocab, n_positions=sizes.n_ctx, n_embd=sizes.d_model, n_layer=sizes.n_layers,
        n_head=sizes.n_heads, n_inner=sizes.d_mlp, layer_norm_epsilon=sizes.ln_eps, tie_word_embeddings=False,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    theirs = GPT2LMHeadModel(config)
    theirs.load_state_dict(to_gpt2(model))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as staging:
        theirs.save_pretrained(staging)
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token=END, eos_token=END, unk_token=END, model_max_length=sizes.n_ctx
        ).save_pretrained(staging)
        put_in_place(Path(staging), folder)


def write_checkpoints(checkpoints: Mapping[int, Mapping[str, Tensor]], folder: Path) -> None:
    """One file of half-precision weights: "<step>/<Hugging Face's name>"."""
    with tempfile.TemporaryDirectory(dir=folder) as staging:
        halves = {f"{step}/{name}": w.half() for step, weights in checkpoints.items() for name, w in weights.items()}
        save_file(halves, Path(staging) / "checkpoints.safetensors")
        put_in_place(Path(staging), folder)


def put_in_place(staging: Path, folder: Path) -> None:
    for file in staging.iterdir():
        file.chmod(0o644)  # safetensors writes 0600, and the sandboxed worker is another user
        os.replace(file, folder / file.name)
