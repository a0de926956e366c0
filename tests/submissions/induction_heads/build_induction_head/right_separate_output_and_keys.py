def build_induction_head(d_vocab, n_ctx):
    d = 3 * d_vocab + n_ctx
    d_head = max(d_vocab, n_ctx) + 3
    model = blank_model(d_vocab, n_ctx, d, 3, d_head)
    T, B, O = slice(0, d_vocab), slice(d_vocab, 2 * d_vocab), slice(2 * d_vocab, 3 * d_vocab)
    P = slice(3 * d_vocab, d)
    s = torch.zeros(n_ctx, d_head)
    for i in range(n_ctx):
        s[i, i] = 1
    t = torch.zeros(d_vocab, d_head)
    for i in range(d_vocab):
        t[i, i + 3] = 1
    model.W_E.data[:, T] = torch.eye(d_vocab)
    model.W_pos.data[:, P] = torch.eye(n_ctx)
    first, second = model.blocks[0].attn, model.blocks[1].attn
    # keys are shifted instead of queries
    first.W_Q.data[2, P] = 500 * s
    for j in range(n_ctx - 1):
        first.W_K.data[2, 3 * d_vocab + j] = 5 * s[j + 1]
    first.W_V.data[2, T] = t
    first.W_O.data[2, :, B] = t.T
    second.W_Q.data[1, T] = 500 * t
    second.W_K.data[1, B] = 5 * t
    second.W_V.data[1, T] = t
    second.W_O.data[1, :, O] = t.T
    model.W_U.data[O] = torch.eye(d_vocab)
    return model
