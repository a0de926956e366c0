_right = build_induction_head


def build_induction_head(d_vocab, n_ctx):
    two = _right(d_vocab, n_ctx)
    c = two.config
    three = Transformer(Config(c.d_vocab, c.d_model, c.n_ctx, 3, c.n_heads, c.d_head, c.d_mlp, c.ln_eps))
    with torch.no_grad():
        for name, p in three.named_parameters():
            p.zero_() if "blocks.2" in name else p.copy_(two.get_parameter(name))
    return three
