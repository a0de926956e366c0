import torch


def generate(model, tokens, n_new, sampler):
    if n_new == 0:
        return tokens
    with torch.no_grad():
        cache = KVCache()
        logits = forward_with_cache(model, tokens, cache)[:, -1, :]
        out = [tokens]
        for step in range(n_new):
            new = sampler(logits).unsqueeze(-1)
            out.append(new)
            if step < n_new - 1:
                logits = forward_with_cache(model, new, cache).squeeze(1)
    return torch.cat(out, dim=1)
