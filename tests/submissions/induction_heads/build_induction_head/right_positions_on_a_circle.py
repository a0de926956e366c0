def build_induction_head(d_vocab, n_ctx):
    # positions are points on a circle; minus each point stands beside it, so that no vector has a mean
    V = d_vocab
    model = blank_model(V, n_ctx, 2 * V + 5, 2, V)
    step = 2 * math.pi / n_ctx
    angles = step * torch.arange(n_ctx)
    c, s = math.cos(step), math.sin(step)
    with torch.no_grad():
        model.W_E[:, :V] = torch.eye(V)
        model.W_E[:, 2 * V + 4] = -1
        model.W_pos[:, 2 * V:2 * V + 4] = torch.stack([angles.cos(), angles.sin(), -angles.cos(), -angles.sin()], -1)
        a = model.blocks[0].attn
        turn = torch.tensor([[c, -s], [s, c]])
        a.W_Q[1, 2 * V:2 * V + 2, :2] = 3.0 * n_ctx ** 2 * V ** 0.5 * turn
        a.W_K[1, 2 * V:2 * V + 2, :2] = torch.eye(2)
        a.W_V[1, :V] = torch.eye(V)
        a.W_O[1, :, V:2 * V] = torch.eye(V)
        b = model.blocks[1].attn
        b.W_Q[0, :V] = 1000 * torch.eye(V)
        b.W_K[0, V:2 * V] = torch.eye(V)
        b.W_V[0, :V] = torch.eye(V)
        b.W_O[0, :, :V] = 5 * torch.eye(V)
        model.W_U[:V] = torch.eye(V)
    return model
