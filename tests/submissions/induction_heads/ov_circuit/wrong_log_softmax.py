def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(model.W_E @ attn.W_V[head], (attn.W_O[head] @ model.W_U).log_softmax(-1))
