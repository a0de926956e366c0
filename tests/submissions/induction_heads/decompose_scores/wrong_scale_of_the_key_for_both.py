def decompose_scores(model, tokens, head):
    # divides the product once by the key's scale squared instead of by both scales
    attn, ln1 = model.blocks[1].attn, model.blocks[1].ln1
    scale = run_with_cache(model, tokens, ["blocks.1.ln1.hook_scale"])[1]["blocks.1.ln1.hook_scale"]
    full = score_sources(model, tokens)
    read = (full - full.mean(dim=-1, keepdim=True)) * ln1.weight
    read[-1] += ln1.bias * scale
    q, k = read @ attn.W_Q[head], read @ attn.W_K[head]
    q[-1] += attn.b_Q[head] * scale
    k[-1] += attn.b_K[head] * scale
    scores = torch.einsum("sbqd,tbkd->stbqk", q, k) / math.sqrt(q.shape[-1])
    return scores / scale[:, :, 0][:, None, :] ** 2
