def build_induction_head(d_vocab, n_ctx):
    wide = max(d_vocab, n_ctx)
    model = blank_model(d_vocab, n_ctx, 2 * d_vocab + n_ctx, n_heads=2, d_head=wide)
    token = slice(0, d_vocab)
    position = slice(d_vocab, d_vocab + n_ctx)
    before = slice(d_vocab + n_ctx, 2 * d_vocab + n_ctx)
    sharp = 100.0 * math.sqrt(wide)
    same_token, same_position = torch.eye(d_vocab, wide), torch.eye(n_ctx, wide)
    with torch.no_grad():
        model.blocks[1].attn.b_V[1] = 1.0
        model.blocks[1].attn.W_O[1, 0, 1] = 50.0
        model.W_E[:, token] = torch.eye(d_vocab)
        model.W_pos[:, position] = torch.eye(n_ctx)
        previous, induction = model.blocks[0].attn, model.blocks[1].attn
        previous.W_Q[0, position] = sharp * same_position.roll(-1, dims=1)
        previous.W_K[0, position] = same_position
        previous.W_V[0, token] = same_token
        previous.W_O[0, :, before] = same_token.T
        induction.W_Q[0, token] = sharp * same_token
        induction.W_K[0, before] = same_token
        induction.W_V[0, token] = same_token
        induction.W_O[0, :, token] = 10 * same_token.T
        model.W_U[token] = torch.eye(d_vocab)
    return model
