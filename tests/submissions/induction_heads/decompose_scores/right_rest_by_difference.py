import torch


def decompose_scores(model, tokens, head):
    names = ["blocks.1.ln1.hook_scale", "blocks.1.attn.hook_q", "blocks.1.attn.hook_k"]
    cache = run_with_cache(model, tokens, names)[1]
    block = model.blocks[1]
    src = score_sources(model, tokens)[:-1]
    read = (src - src.mean(-1, keepdim=True)) / cache[names[0]] * block.ln1.weight
    q, k = read @ block.attn.W_Q[head], read @ block.attn.W_K[head]
    q = torch.cat([q, (cache[names[1]][:, :, head] - q.sum(0)).unsqueeze(0)])
    k = torch.cat([k, (cache[names[2]][:, :, head] - k.sum(0)).unsqueeze(0)])
    return (q[:, None] @ k[None].transpose(-1, -2)) / q.size(-1) ** 0.5
