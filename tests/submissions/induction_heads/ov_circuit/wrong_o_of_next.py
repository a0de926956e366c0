def ov_circuit(model, layer, head):
    a = model.blocks[layer].attn
    return Factored(model.W_E @ a.W_V[head], a.W_O[head - 1] @ model.W_U)
