def compositions(model, kind, earlier=0, later=1):
    if kind not in ("Q", "K", "V"): raise ValueError(kind)
    a, b = model.blocks[earlier].attn, model.blocks[later].attn
    QK = b.W_Q @ b.W_K.mT
    B = {"Q": QK, "K": QK.mT, "V": b.W_V @ a.W_O}[kind]
    return composition_score((a.W_V @ a.W_O)[:, None], B[None])
