import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = []
    for p in periods:
        s = torch.randint(1, d_vocab, (int(p),), generator=generator)
        s[s == bos] = 0
        row = torch.cat([torch.tensor([bos]), s, s])
        rows.append(row[:n_pos])
    return torch.stack(rows)
