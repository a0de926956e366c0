def ov_circuit(model, layer, head):
    a = model.blocks[layer].attn
    O = a.W_O[head] - a.W_O[head].mean(-1, keepdim=True)
    return Factored(model.W_E @ a.W_V[head], O @ model.W_U)
