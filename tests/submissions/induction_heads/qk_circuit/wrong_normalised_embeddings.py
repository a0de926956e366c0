import torch.nn.functional as F


def qk_circuit(model, layer, head):
    attn = model.blocks[layer].attn
    E = F.normalize(model.W_E, dim=-1)
    return Factored(E @ attn.W_Q[head], (E @ attn.W_K[head]).T)
