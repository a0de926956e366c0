def compositions(model, kind, earlier=0, later=1):
    if kind not in "QKV":
        raise ValueError(kind)
    a, b = model.blocks[earlier].attn, model.blocks[later].attn
    QK = b.W_Q @ b.W_K.mT
    B = QK if kind in "Q" else QK.mT if kind in "K" else b.W_V @ b.W_O
    return composition_score((a.W_V @ a.W_O)[:, None], B[None])
