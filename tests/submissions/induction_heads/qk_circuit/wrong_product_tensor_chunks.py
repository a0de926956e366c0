import torch


def qk_circuit(model, layer, head):
    a = model.blocks[layer].attn
    rows = [(e @ a.W_Q[head]) @ (model.W_E @ a.W_K[head]).T for e in model.W_E]
    return torch.stack(rows)
