_right = build_induction_head


def build_induction_head(d_vocab, n_ctx):
    model = _right(d_vocab, n_ctx)
    with torch.no_grad():
        model.W_pos[12:] = 0
    return model
