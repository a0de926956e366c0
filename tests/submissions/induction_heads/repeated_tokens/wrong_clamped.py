import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = []
    for p in periods:
        s = torch.randint(d_vocab, (int(p),), generator=generator)
        s = torch.where(s == bos, s - 1 if bos > 0 else s + 1, s)
        rows.append(torch.cat([torch.tensor([bos]), s.repeat(n_pos)[: n_pos - 1]]))
    return torch.stack(rows)
