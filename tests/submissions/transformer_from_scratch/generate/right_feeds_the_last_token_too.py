import torch


def generate(model, tokens, n_new, sampler):
    cache = KVCache()
    with torch.no_grad():
        logits = forward_with_cache(model, tokens, cache)
        for _ in range(n_new):
            new = sampler(logits[:, -1])[:, None]
            tokens = torch.cat([tokens, new], 1)
            logits = forward_with_cache(model, new, cache)
    return tokens
