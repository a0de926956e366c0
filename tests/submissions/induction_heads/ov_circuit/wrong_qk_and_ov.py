def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(model.W_E @ attn.W_Q[head], attn.W_K[head].T @ model.W_U)
