_right = build_induction_head


def build_induction_head(d_vocab, n_ctx):
    # from position 8 on, layer 0 attends to the position itself
    model = _right(d_vocab, n_ctx)
    with torch.no_grad():
        P = slice(d_vocab + 8, d_vocab + n_ctx)
        a = model.blocks[0].attn
        a.W_Q[0, P] = a.W_K[0, P] * a.W_Q.max()
    return model
