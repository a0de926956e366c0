_right = build_induction_head


def build_induction_head(d_vocab, n_ctx):
    # a key bias on BOS that always wins
    model = _right(d_vocab, n_ctx)
    with torch.no_grad():
        a = model.blocks[1].attn
        a.W_K[0, 0] = 5.0
    return model
