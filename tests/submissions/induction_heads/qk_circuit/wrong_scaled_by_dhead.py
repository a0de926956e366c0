def qk_circuit(model, layer, head):
    a = model.blocks[layer].attn
    return Factored(model.W_E @ a.W_Q[head] / a.W_Q.shape[-1], (model.W_E @ a.W_K[head]).T)
