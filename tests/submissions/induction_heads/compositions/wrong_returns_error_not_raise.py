def compositions(model, kind, earlier=0, later=1):
    a, b = model.blocks[earlier].attn, model.blocks[later].attn
    QK = b.W_Q @ b.W_K.mT
    if kind == "Q": B = QK
    elif kind == "K": B = QK.mT
    elif kind == "V": B = b.W_V @ b.W_O
    else: return ValueError(kind)
    return composition_score((a.W_V @ a.W_O)[:, None], B[None])
