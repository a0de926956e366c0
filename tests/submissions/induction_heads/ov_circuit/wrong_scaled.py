def ov_circuit(model, layer, head):
    a = model.blocks[layer].attn
    return Factored(model.W_E @ a.W_V[head] / a.W_V.shape[-1] ** 0.5, a.W_O[head] @ model.W_U)
