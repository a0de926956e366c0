def qk_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    for h in range(attn.W_Q.shape[0]):
        left, right = model.W_E @ attn.W_Q[h], (model.W_E @ attn.W_K[h]).T
    return Factored(left, right)
