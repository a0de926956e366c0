def decompose_scores(model, tokens, head):
    attn, ln1 = model.blocks[1].attn, model.blocks[1].ln1
    sources = score_sources(model, tokens)
    scale = run_with_cache(model, tokens, ["blocks.1.ln1.hook_scale"])[1]["blocks.1.ln1.hook_scale"]
    read = (sources - sources.mean(dim=-2, keepdim=True)) / scale * ln1.weight
    read[-1] += ln1.bias
    q, k = read @ attn.W_Q[head], read @ attn.W_K[head]
    q[-1] += attn.b_Q[head]
    k[-1] += attn.b_K[head]
    return torch.einsum("sbqd,tbkd->stbqk", q, k) / math.sqrt(q.shape[-1])
