import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    out = torch.full((len(periods), n_pos), bos)
    for b, p in enumerate(periods):
        p = int(p)
        s = torch.randint(d_vocab - 1, (n_pos,), generator=generator)
        out[b] = s + (s >= bos)
        for i in range(1 + p, n_pos):
            out[b, i] = out[b, i - p - 1]
    out[:, 0] = bos
    return out
