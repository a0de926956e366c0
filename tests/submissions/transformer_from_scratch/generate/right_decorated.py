import torch


@torch.no_grad()
def generate(model, tokens, n_new, sampler):
    cache = KVCache()
    while n_new > 0:
        unseen = tokens[:, cache.length :]
        chosen = sampler(forward_with_cache(model, unseen, cache)[:, -1])
        tokens = torch.hstack((tokens, chosen.reshape(-1, 1)))
        n_new -= 1
    return tokens.clone()
