import torch


def generate(model, tokens, n_new, sampler):
    def go(tokens, new, cache, left):
        if left == 0:
            return tokens
        chosen = sampler(forward_with_cache(model, new, cache)[:, -1]).to(tokens.dtype)[:, None]
        return go(torch.cat((tokens, chosen), -1), chosen, cache, left - 1)

    with torch.no_grad():
        return go(tokens, tokens, KVCache(), n_new)
