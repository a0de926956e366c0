from types import SimpleNamespace


def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return SimpleNamespace(left=model.W_E @ attn.W_V[head], right=attn.W_O[head] @ model.W_U)
