import torch
from einops import rearrange
from torch import nn


def load_gpt2_weights(model, state_dict):
    prefix = "transformer." if any(name.startswith("transformer.") for name in state_dict) else ""
    get = lambda name: state_dict[prefix + name].clone()
    heads = model.config.n_heads
    n_layers = 1 + max(int(k.split("h.")[1].split(".")[0]) for k in state_dict if k.startswith(prefix + "h."))
    if n_layers != model.config.n_layers:
        raise ValueError(f"{n_layers} layers in the state dict, {model.config.n_layers} in the model")

    def put(module, name, value):
        old = getattr(module, name)
        assert old.shape == value.shape, f"{name}: {tuple(value.shape)} instead of {tuple(old.shape)}"
        old.data = value.contiguous()

    put(model, "W_E", get("wte.weight"))
    put(model, "W_pos", get("wpe.weight"))
    head = state_dict["lm_head.weight"].clone() if "lm_head.weight" in state_dict else get("wte.weight")
    put(model, "W_U", rearrange(head, "v d -> d v"))
    for part in ("weight", "bias"):
        put(model.ln_final, part, get(f"ln_f.{part}"))
    for i, block in enumerate(model.blocks):
        weight = rearrange(get(f"h.{i}.attn.c_attn.weight"), "m (three h d) -> three h m d", three=3, h=heads)
        bias = rearrange(get(f"h.{i}.attn.c_attn.bias"), "(three h d) -> three h d", three=3, h=heads)
        for W, b, letter in zip(weight, bias, "QKV"):
            put(block.attn, "W_" + letter, W)
            put(block.attn, "b_" + letter, b)
        put(block.attn, "W_O", rearrange(get(f"h.{i}.attn.c_proj.weight"), "(h d) m -> h d m", h=heads))
        put(block.attn, "b_O", get(f"h.{i}.attn.c_proj.bias"))
        for part in ("weight", "bias"):
            put(block.ln1, part, get(f"h.{i}.ln_1.{part}"))
            put(block.ln2, part, get(f"h.{i}.ln_2.{part}"))
            put(block.mlp, f"{part[0].upper().replace('B', 'b')}_in", get(f"h.{i}.mlp.c_fc.{part}"))
            put(block.mlp, f"{part[0].upper().replace('B', 'b')}_out", get(f"h.{i}.mlp.c_proj.{part}"))
