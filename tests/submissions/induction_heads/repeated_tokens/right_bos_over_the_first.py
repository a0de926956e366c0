import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = []
    for p in periods:
        s = torch.randint(d_vocab - 1, (int(p),), generator=generator)
        s[s >= bos] += 1
        row = s.repeat(n_pos // int(p) + 1)[:n_pos].clone()
        row[0] = bos  # the period goes on from the second token: still random, still repeating
        rows.append(row)
    return torch.stack(rows)
