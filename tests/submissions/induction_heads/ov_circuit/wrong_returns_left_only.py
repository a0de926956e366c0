def ov_circuit(model, layer, head):
    a = model.blocks[layer].attn
    return model.W_E @ a.W_V[head]
