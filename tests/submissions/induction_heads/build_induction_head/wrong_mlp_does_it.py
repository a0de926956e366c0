_right = build_induction_head


def build_induction_head(d_vocab, n_ctx):
    model = _right(d_vocab, n_ctx)
    with torch.no_grad():
        model.blocks[1].mlp.b_out[0] = 0.5
    return model
