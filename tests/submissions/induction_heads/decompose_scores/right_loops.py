def decompose_scores(model, tokens, head):
    parts = score_sources(model, tokens)
    block = model.blocks[1]
    resid = parts.sum(0)
    sigma = ((resid - resid.mean(-1, keepdim=True)).pow(2).mean(-1, keepdim=True) + block.ln1.eps) ** 0.5
    d_head = block.attn.W_Q.shape[2]
    qs, ks = [], []
    for i, part in enumerate(parts):
        x = (part - part.mean(-1, keepdim=True)) / sigma * block.ln1.weight
        last = i == len(parts) - 1
        if last:
            x = x + block.ln1.bias
        qs.append(x @ block.attn.W_Q[head] + (block.attn.b_Q[head] if last else 0))
        ks.append(x @ block.attn.W_K[head] + (block.attn.b_K[head] if last else 0))
    n = len(parts)
    rows = []
    for i in range(n):
        rows.append(torch.stack([qs[i] @ ks[j].transpose(-1, -2) for j in range(n)]))
    return torch.stack(rows) / d_head ** 0.5
