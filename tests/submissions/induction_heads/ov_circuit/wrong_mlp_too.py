def ov_circuit(model, layer, head):
    attn, mlp = model.blocks[layer].attn, model.blocks[layer].mlp
    written = model.W_E @ attn.W_V[head] @ attn.W_O[head]
    return Factored(written + written @ mlp.W_in @ mlp.W_out, model.W_U)
