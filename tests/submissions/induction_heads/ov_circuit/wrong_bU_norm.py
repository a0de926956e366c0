def ov_circuit(model, layer, head):
    a = model.blocks[layer].attn
    U = model.W_U / model.W_U.norm(dim=0)
    return Factored(model.W_E @ a.W_V[head], a.W_O[head] @ U)
