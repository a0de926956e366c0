def qk_circuit(model, layer, head):
    a = model.blocks[layer].attn
    return Factored(model.W_pos @ a.W_Q[head], (model.W_pos @ a.W_K[head]).T)
