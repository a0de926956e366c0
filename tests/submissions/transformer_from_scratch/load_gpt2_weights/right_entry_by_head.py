import torch
from torch import nn


@torch.no_grad()
def load_gpt2_weights(model, state_dict):
    def put(parameter, value):
        if parameter.shape != value.shape:
            raise ValueError(f"{tuple(value.shape)} does not fit {tuple(parameter.shape)}")
        parameter.copy_(value)

    def find(name):
        for candidate in ("transformer." + name, name):
            if candidate in state_dict:
                return state_dict[candidate]
        raise KeyError(name)

    if any(f"h.{len(model.blocks)}." in name for name in state_dict):
        raise ValueError("more layers than the model has")
    put(model.W_E, find("wte.weight"))
    put(model.W_pos, find("wpe.weight"))
    try:
        put(model.W_U, find("lm_head.weight").T)
    except KeyError:
        put(model.W_U, find("wte.weight").T)
    for p in ("weight", "bias"):
        put(getattr(model.ln_final, p), find("ln_f." + p))
    for i, block in enumerate(model.blocks):
        attn, size = block.attn, block.attn.W_Q.shape[0] * block.attn.W_Q.shape[2]
        W, b, O = find(f"h.{i}.attn.c_attn.weight"), find(f"h.{i}.attn.c_attn.bias"), find(f"h.{i}.attn.c_proj.weight")
        if W.shape != (len(attn.b_O), 3 * size) or b.shape != (3 * size,) or O.shape != (size, len(attn.b_O)):
            raise ValueError(f"layer {i} does not fit")
        for head in range(attn.W_Q.shape[0]):
            d = attn.W_Q.shape[2]
            for offset, (w_to, b_to) in enumerate([(attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V)]):
                columns = slice(offset * size + head * d, offset * size + (head + 1) * d)
                w_to[head] = W[:, columns]
                b_to[head] = b[columns]
            attn.W_O[head] = O[head * d : (head + 1) * d]
        put(attn.b_O, find(f"h.{i}.attn.c_proj.bias"))
        put(block.mlp.W_in, find(f"h.{i}.mlp.c_fc.weight"))
        put(block.mlp.b_in, find(f"h.{i}.mlp.c_fc.bias"))
        put(block.mlp.W_out, find(f"h.{i}.mlp.c_proj.weight"))
        put(block.mlp.b_out, find(f"h.{i}.mlp.c_proj.bias"))
        for p in ("weight", "bias"):
            put(getattr(block.ln1, p), find(f"h.{i}.ln_1.{p}"))
            put(getattr(block.ln2, p), find(f"h.{i}.ln_2.{p}"))
