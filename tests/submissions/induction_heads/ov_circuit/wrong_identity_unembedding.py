def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(attn.W_V[head].T @ model.W_E.T, model.W_U)
