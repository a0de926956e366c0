import torch


def compositions(model, kind, earlier=0, later=1):
    first, second = model.blocks[earlier].attn, model.blocks[later].attn
    pairs = {"Q": (second.W_Q, second.W_K.mT), "K": (second.W_K, second.W_Q.mT), "V": (second.W_V, second.W_O)}
    if kind not in pairs:
        raise ValueError(f"no kind {kind}")
    with torch.no_grad():
        A = torch.einsum("hmd,hdn->hmn", first.W_V, first.W_O)
        B = pairs[kind][0] @ pairs[kind][1]
        return composition_score(A.unsqueeze(1), B.unsqueeze(0))
