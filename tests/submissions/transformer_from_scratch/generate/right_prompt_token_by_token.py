import torch


def generate(model, tokens, n_new, sampler):
    torch.set_grad_enabled(False)
    try:
        cache = KVCache()
        columns = list(tokens.unbind(dim=1))
        for column in columns[:-1] if n_new else []:
            forward_with_cache(model, column[:, None], cache)
        for _ in range(n_new):
            columns.append(sampler(forward_with_cache(model, columns[-1][:, None], cache)[:, 0]))
        return torch.stack(columns, dim=1)
    finally:
        torch.set_grad_enabled(True)
