import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    weights = torch.ones(d_vocab)
    weights[bos] = 0
    rows = []
    for p in periods:
        p = int(p)
        sequence = torch.multinomial(weights, p, replacement=True, generator=generator)
        rows.append(torch.tensor([bos] + [sequence[i % p].item() for i in range(n_pos - 1)]))
    return torch.stack(rows)
