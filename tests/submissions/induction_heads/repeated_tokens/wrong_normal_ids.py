import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = []
    for p in periods:
        s = (torch.randn(int(p), generator=generator).abs() * d_vocab).long() % (d_vocab - 1)
        s = s + (s >= bos)
        rows.append(s.repeat(n_pos)[: n_pos - 1])
    return torch.cat([torch.full((len(rows), 1), bos), torch.stack(rows)], 1)
