import torch


def qk_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    full = (model.W_E @ attn.W_Q[head]) @ (model.W_E @ attn.W_K[head]).T
    return Factored(full, torch.eye(len(full)))
