def build_induction_head(d_vocab, n_ctx):
    # rotated basis: nothing lies on an axis
    wide = max(d_vocab, n_ctx)
    n = 2 * d_vocab + n_ctx
    d_model = n + 1
    g = torch.Generator().manual_seed(3)
    m = torch.randn(d_model, d_model, generator=g)
    m[:, 0] = 1.0
    basis = torch.linalg.qr(m)[0][:, 1:].T.contiguous()   # rows orthogonal to the ones vector
    tok, pos, bef = basis[:d_vocab], basis[d_vocab:d_vocab + n_ctx], basis[d_vocab + n_ctx:]
    model = blank_model(d_vocab, n_ctx, d_model, 1, wide)
    k = 300.0 * wide ** 0.5
    with torch.no_grad():
        model.W_E.copy_(tok)
        model.W_pos.copy_(pos)
        model.W_U.copy_(tok.T)
        et, ep = torch.eye(d_vocab, wide), torch.eye(n_ctx, wide)
        p, i = model.blocks[0].attn, model.blocks[1].attn
        p.W_Q[0] = k * pos[1:].T @ ep[:-1]
        p.W_K[0] = pos.T @ ep
        p.W_V[0] = tok.T @ et
        p.W_O[0] = et.T @ bef
        i.W_Q[0] = k * tok.T @ et
        i.W_K[0] = bef.T @ et
        i.W_V[0] = tok.T @ et
        i.W_O[0] = 20 * et.T @ tok
    return model
