def build_induction_head(d_vocab, n_ctx):
    # ordinary LayerNorm, with every vector of the same length so that it does no harm
    d_head = max(d_vocab, n_ctx)
    config = Config(d_vocab, 2 * d_vocab + n_ctx, n_ctx, 2, 1, d_head, 4, 1e-5)
    model = Transformer(config)
    for name, p in model.named_parameters():
        p.requires_grad_(False)
        if not name.endswith("weight"):
            p.zero_()
    T, P, B = torch.arange(d_vocab), d_vocab + torch.arange(n_ctx), d_vocab + n_ctx + torch.arange(d_vocab)
    model.W_E[T, T] = 1
    model.W_pos[torch.arange(n_ctx), P] = 1
    a, b = model.blocks[0].attn, model.blocks[1].attn
    a.W_Q[0, P[1:], torch.arange(n_ctx - 1)] = 100
    a.W_K[0, P, torch.arange(n_ctx)] = 1
    a.W_V[0, T, T] = 1
    a.W_O[0, T, B] = 1
    b.W_Q[0, T, T] = 200
    b.W_K[0, B, T] = 1
    b.W_V[0, T, T] = 1
    b.W_O[0, T, T] = 3
    model.W_U[T, T] = 1
    return model
