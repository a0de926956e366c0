import torch


@torch.no_grad()
def decompose_scores(model, tokens, head):
    b = model.blocks[1]
    src = score_sources(model, tokens)
    _, cache = run_with_cache(model, tokens)
    src = src / cache["blocks.1.ln1.hook_scale"]
    d = src.shape[-1]
    centre = torch.eye(d) - 1 / d
    WQ = centre @ torch.diag(b.ln1.weight) @ b.attn.W_Q[head]
    WK = centre @ torch.diag(b.ln1.weight) @ b.attn.W_K[head]
    bq = b.ln1.bias @ b.attn.W_Q[head] + b.attn.b_Q[head]
    bk = b.ln1.bias @ b.attn.W_K[head] + b.attn.b_K[head]
    q, k = src @ WQ, src @ WK
    q = torch.cat([q[:-1], (q[-1] + bq)[None]])
    k = torch.cat([k[:-1], (k[-1] + bk)[None]])
    return torch.einsum("abqd,cbkd->acbqk", q, k).div(WQ.shape[1] ** 0.5)
