import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    out = torch.full((len(periods), n_pos), bos)
    for b, p in enumerate(periods):
        for i in range(1, n_pos):
            if i <= p:
                t = bos
                while t == bos:
                    t = torch.randint(0, d_vocab, (1,), generator=generator).item()
                out[b, i] = t
            else:
                out[b, i] = out[b, i - p]
    return out
