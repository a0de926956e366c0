def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(model.W_E, (attn.W_V @ attn.W_O).mean(0) @ model.W_U)
