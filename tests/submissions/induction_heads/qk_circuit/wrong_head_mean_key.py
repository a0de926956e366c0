def qk_circuit(model, layer, head):
    a = model.blocks[layer].attn
    return Factored(model.W_E @ a.W_Q[head], (model.W_E @ a.W_K.mean(0)).T)
