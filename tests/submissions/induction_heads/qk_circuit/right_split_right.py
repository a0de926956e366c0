def qk_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    return Factored(left=model.W_E @ (attn.W_Q[head] @ attn.W_K[head].mT), right=model.W_E.mT)
