import torch


def compositions(model, kind, earlier=0, later=1):
    a, b = model.blocks[earlier].attn, model.blocks[later].attn
    if kind not in {"Q", "K", "V"}:
        raise ValueError(kind)
    n = len(a.W_Q)
    out = torch.zeros(n, n)
    for i in range(n):
        for j in range(n):
            W_A = a.W_V[i] @ a.W_O[i]
            if kind == "Q":
                W_B = b.W_Q[j] @ b.W_K[j].T
            elif kind == "K":
                W_B = b.W_K[j] @ b.W_Q[j].T
            else:
                W_B = b.W_V[j] @ b.W_O[j]
            out[i, j] = (W_A @ W_B).norm() / (W_A.norm() * W_B.norm())
    return out
