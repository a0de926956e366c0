def compositions(model, kind, earlier=0, later=1):
    a, b = model.blocks[earlier].attn, model.blocks[later].attn
    if kind not in ("Q", "K", "V"):
        raise ValueError(kind)
    A = a.W_V @ a.W_O + (a.b_V[:, None] @ a.W_O)
    QK = b.W_Q @ b.W_K.mT
    B = {"Q": QK, "K": QK.mT, "V": b.W_V @ b.W_O}[kind]
    return composition_score(A[:, None], B[None])
