def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(model.W_U.T @ attn.W_O[head].T, attn.W_V[head].T @ model.W_E.T)
