def compositions(model, kind, earlier=0, later=1):
    a, b = model.blocks[earlier].attn, model.blocks[later].attn
    if kind not in ("Q", "K", "V"):
        raise ValueError(kind)
    w = model.blocks[later].ln1.weight
    QK = (w[:, None] * b.W_Q) @ (w[:, None] * b.W_K).mT
    B = {"Q": QK, "K": QK.mT, "V": (w[:, None] * b.W_V) @ b.W_O}[kind]
    return composition_score((a.W_V @ a.W_O)[:, None], B[None])
