def compositions(model, kind, earlier=0, later=1):
    a, b = model.blocks[earlier].attn, model.blocks[later].attn
    if kind not in ("Q", "K", "V"):
        raise ValueError(kind)
    A = (a.W_O @ a.W_V)[:, None]
    B = {"Q": b.W_K.mT @ b.W_Q, "K": b.W_Q.mT @ b.W_K, "V": b.W_O @ b.W_V}[kind][None]
    return composition_score(A, B)
