import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    s = torch.randint(d_vocab - 1, (len(periods), 1), generator=generator)
    s = s + (s >= bos)
    out = s.expand(len(periods), n_pos).clone()
    out[:, 0] = bos
    return out
