def qk_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(model.W_E @ attn.W_Q[head], attn.W_O[head] @ model.W_E.T)
