import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    s = torch.randint(d_vocab - 1, (len(periods), n_pos - 1), generator=generator)
    s = s + (s >= bos)
    for b, p in enumerate(periods):
        p = int(p)
        s[b, p:] = s[b, :-p].clone() if p < n_pos - 1 else s[b, p:]
    return torch.cat([torch.full((len(s), 1), bos), s], 1)
