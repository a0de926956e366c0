def ov_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    W_OV = attn.W_V[head] @ attn.W_O[head]
    return Factored(model.W_E.detach() @ W_OV.detach(), model.W_U.detach())
