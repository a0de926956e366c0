import torch
from torch import nn


@torch.no_grad()
def load_gpt2_weights(model, state_dict):
    def find(name):
        for candidate in ("transformer." + name, name):
            if candidate in state_dict:
                return state_dict[candidate]
        raise KeyError(name)

    if any(f"h.{len(model.blocks)}." in name for name in state_dict):
        raise ValueError("more layers than the model has")
    model.W_E.copy_(find("wte.weight"))
    model.W_pos.copy_(find("wpe.weight"))
    try:
        model.W_U.copy_(find("lm_head.weight").T)
    except KeyError:
        model.W_U.copy_(find("wte.weight").T)
    for p in ("weight", "bias"):
        getattr(model.ln_final, p).copy_(find("ln_f." + p))
    for i, block in enumerate(model.blocks):
        attn, size = block.attn, block.attn.W_Q.shape[0] * block.attn.W_Q.shape[2]
        W, b, O = find(f"h.{i}.attn.c_attn.weight"), find(f"h.{i}.attn.c_attn.bias"), find(f"h.{i}.attn.c_proj.weight")
        for head in range(attn.W_Q.shape[0]):
            d = attn.W_Q.shape[2]
            for offset, (w_to, b_to) in enumerate([(attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V)]):
                columns = slice(offset * size + head * d, offset * size + (head + 1) * d)
                w_to[head] = W[:, columns]
                b_to[head] = b[columns]
            attn.W_O[head] = O[head * d : (head + 1) * d]
        attn.b_O.copy_(find(f"h.{i}.attn.c_proj.bias"))
        block.mlp.W_in.copy_(find(f"h.{i}.mlp.c_fc.weight"))
        block.mlp.b_in.copy_(find(f"h.{i}.mlp.c_fc.bias"))
        block.mlp.W_out.copy_(find(f"h.{i}.mlp.c_proj.weight"))
        block.mlp.b_out.copy_(find(f"h.{i}.mlp.c_proj.bias"))
        for p in ("weight", "bias"):
            getattr(block.ln1, p).copy_(find(f"h.{i}.ln_1.{p}"))
            getattr(block.ln2, p).copy_(find(f"h.{i}.ln_2.{p}"))
