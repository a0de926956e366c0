import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    s = torch.randint(d_vocab - 1, (len(periods), n_pos - 1), generator=generator)
    s = s + (s >= bos)
    for b, p in enumerate(periods):
        s[b, p:2*p] = s[b, :p][: max(0, len(s[b, p:2*p]))]
    return torch.cat([torch.full((len(s), 1), bos), s], 1)
