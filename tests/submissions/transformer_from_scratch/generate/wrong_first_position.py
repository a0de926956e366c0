import torch


def generate(model, tokens, n_new, sampler):
    cache, new = KVCache(), tokens
    with torch.no_grad():
        for _ in range(n_new):
            logits = forward_with_cache(model, new, cache)[:, 0]
            new = sampler(logits)[:, None]
            tokens = torch.cat([tokens, new], dim=1)
    return tokens
