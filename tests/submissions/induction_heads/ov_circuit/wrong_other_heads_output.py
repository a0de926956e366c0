def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(model.W_E @ attn.W_V[head], attn.W_O[0] @ model.W_U)
