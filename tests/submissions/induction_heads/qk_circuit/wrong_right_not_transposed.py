def qk_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(model.W_E @ attn.W_Q[head], model.W_E @ attn.W_K[head])
