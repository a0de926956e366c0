import torch
from torch import nn


def load_gpt2_weights(model, state_dict):
    def put(parameter, value):
        if parameter.shape != value.shape:
            raise ValueError(f"{tuple(value.shape)} does not fit {tuple(parameter.shape)}")
        parameter.copy_(value)

    weights = {name.removeprefix("transformer."): value for name, value in state_dict.items()}
    n_heads, d_model, d_head = model.blocks[0].attn.W_Q.shape
    n_layers = len(model.blocks)
    if f"h.{n_layers}.ln_1.weight" in weights:
        raise ValueError("more layers than the model")
    with torch.no_grad():
        put(model.W_E, weights["wte.weight"])
        put(model.W_pos, weights["wpe.weight"])
        put(model.W_U, weights.get("lm_head.weight", weights["wte.weight"]).T)
        put(model.ln_final.weight, weights["ln_f.weight"])
        put(model.ln_final.bias, weights["ln_f.bias"])
        for i, block in enumerate(model.blocks):
            attn, mlp, pre = block.attn, block.mlp, f"h.{i}."
            W, b = weights[pre + "attn.c_attn.weight"], weights[pre + "attn.c_attn.bias"]
            for letter, part, bias in zip("QKV", W.chunk(3, dim=1), b.chunk(3)):
                put(getattr(attn, "W_" + letter), part.reshape(d_model, n_heads, d_head).permute(1, 0, 2))
                put(getattr(attn, "b_" + letter), bias.reshape(n_heads, d_head))
            put(attn.W_O, weights[pre + "attn.c_proj.weight"].reshape(n_heads, d_head, d_model))
            put(attn.b_O, weights[pre + "attn.c_proj.bias"])
            put(mlp.W_in, weights[pre + "mlp.c_fc.weight"])
            put(mlp.b_in, weights[pre + "mlp.c_fc.bias"])
            put(mlp.W_out, weights[pre + "mlp.c_proj.weight"])
            put(mlp.b_out, weights[pre + "mlp.c_proj.bias"])
            put(block.ln1.weight, weights[pre + "ln_1.weight"])
            put(block.ln1.bias, weights[pre + "ln_1.bias"])
            put(block.ln2.weight, weights[pre + "ln_2.weight"])
            put(block.ln2.bias, weights[pre + "ln_2.bias"])
