import torch


@torch.inference_mode()
def generate(model, tokens, n_new, sampler):
    cache, result = KVCache(), torch.zeros(tokens.shape[0], tokens.shape[1] + n_new, dtype=torch.long)
    start, end = 0, tokens.shape[1]
    result[:, :end] = tokens
    for _ in range(n_new):
        logits = forward_with_cache(model, result[:, start:end], cache)
        result[:, end] = sampler(logits[:, -1])
        start, end = end, end + 1
    return result
