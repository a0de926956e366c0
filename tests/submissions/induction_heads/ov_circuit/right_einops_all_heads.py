import einops


def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    left = einops.einsum(model.W_E, attn.W_V, "vocab d_model, head d_model d_head -> head vocab d_head")
    right = einops.einsum(attn.W_O, model.W_U, "head d_head d_model, d_model vocab -> head d_head vocab")
    return Factored(left[head], right[head])
