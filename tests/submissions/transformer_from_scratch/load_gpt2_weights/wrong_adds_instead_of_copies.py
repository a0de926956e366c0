import torch
from torch import nn


def load_gpt2_weights(model, state_dict):
    weights = {name.removeprefix("transformer."): value for name, value in state_dict.items()}
    n_heads, d_model, d_head = model.blocks[0].attn.W_Q.shape
    n_layers = len(model.blocks)
    if f"h.{n_layers}.ln_1.weight" in weights:
        raise ValueError("more layers than the model")
    with torch.no_grad():
        model.W_E.copy_(weights["wte.weight"])
        model.W_pos.copy_(weights["wpe.weight"])
        model.W_U.copy_(weights.get("lm_head.weight", weights["wte.weight"]).T)
        model.ln_final.weight.copy_(weights["ln_f.weight"])
        model.ln_final.bias.copy_(weights["ln_f.bias"])
        for i, block in enumerate(model.blocks):
            attn, mlp, pre = block.attn, block.mlp, f"h.{i}."
            W, b = weights[pre + "attn.c_attn.weight"], weights[pre + "attn.c_attn.bias"]
            for letter, part, bias in zip("QKV", W.chunk(3, dim=1), b.chunk(3)):
                getattr(attn, "W_" + letter).copy_(part.reshape(d_model, n_heads, d_head).permute(1, 0, 2))
                getattr(attn, "b_" + letter).copy_(bias.reshape(n_heads, d_head))
            attn.W_O.copy_(weights[pre + "attn.c_proj.weight"].reshape(n_heads, d_head, d_model))
            attn.b_O.add_(weights[pre + "attn.c_proj.bias"])
            mlp.W_in.copy_(weights[pre + "mlp.c_fc.weight"])
            mlp.b_in.copy_(weights[pre + "mlp.c_fc.bias"])
            mlp.W_out.copy_(weights[pre + "mlp.c_proj.weight"])
            mlp.b_out.copy_(weights[pre + "mlp.c_proj.bias"])
            block.ln1.weight.copy_(weights[pre + "ln_1.weight"])
            block.ln1.bias.copy_(weights[pre + "ln_1.bias"])
            block.ln2.weight.copy_(weights[pre + "ln_2.weight"])
            block.ln2.bias.copy_(weights[pre + "ln_2.bias"])
