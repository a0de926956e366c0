import torch


def qk_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    u, s, vh = torch.linalg.svd(attn.W_Q[head] @ attn.W_K[head].T)
    return Factored(model.W_E @ u * s, vh @ model.W_E.T)
