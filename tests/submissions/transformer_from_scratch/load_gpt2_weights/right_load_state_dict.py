import torch
from torch import nn


def load_gpt2_weights(model, state_dict):
    sd = {k[len("transformer.") :] if k.startswith("transformer.") else k: v for k, v in state_dict.items()}
    n_layers, (n_heads, d_model, d_head) = len(model.blocks), model.blocks[0].attn.W_Q.shape
    if "h.%d.ln_1.weight" % n_layers in sd:
        raise ValueError("too many layers in the state dict")
    new = {"W_E": sd["wte.weight"], "W_pos": sd["wpe.weight"], "W_U": sd.get("lm_head.weight", sd["wte.weight"]).T}
    new["ln_final.weight"], new["ln_final.bias"] = sd["ln_f.weight"], sd["ln_f.bias"]
    for i in range(n_layers):
        qkv = sd[f"h.{i}.attn.c_attn.weight"].view(d_model, 3, n_heads, d_head).permute(1, 2, 0, 3)
        bias = sd[f"h.{i}.attn.c_attn.bias"].view(3, n_heads, d_head)
        for j, letter in enumerate("QKV"):
            new[f"blocks.{i}.attn.W_{letter}"], new[f"blocks.{i}.attn.b_{letter}"] = qkv[j], bias[j]
        new[f"blocks.{i}.attn.W_O"] = sd[f"h.{i}.attn.c_proj.weight"].view(n_heads, d_head, d_model)
        new[f"blocks.{i}.attn.b_O"] = sd[f"h.{i}.attn.c_proj.bias"]
        for ours, theirs in {
            "ln1.weight": "ln_1.weight",
            "ln1.bias": "ln_1.bias",
            "ln2.weight": "ln_2.weight",
            "ln2.bias": "ln_2.bias",
            "mlp.W_in": "mlp.c_fc.weight",
            "mlp.b_in": "mlp.c_fc.bias",
            "mlp.W_out": "mlp.c_proj.weight",
            "mlp.b_out": "mlp.c_proj.bias",
        }.items():
            new[f"blocks.{i}.{ours}"] = sd[f"h.{i}.{theirs}"]
    model.load_state_dict(new, strict=False)
