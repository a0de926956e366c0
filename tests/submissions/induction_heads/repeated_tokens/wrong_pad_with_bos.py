import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    out = torch.full((len(periods), n_pos), bos)
    for b, p in enumerate(periods):
        p = int(p)
        s = torch.randint(d_vocab - 1, (p,), generator=generator); s = s + (s >= bos)
        row = torch.cat([s, s])[: n_pos - 1]
        out[b, 1 : 1 + len(row)] = row
    return out
