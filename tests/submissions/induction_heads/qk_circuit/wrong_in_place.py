import torch


def qk_circuit(model, layer, head):
    a = model.blocks[layer].attn
    with torch.no_grad():
        q = model.W_E; q -= q.mean(0)
    return Factored(q @ a.W_Q[head], (model.W_E @ a.W_K[head]).T)
