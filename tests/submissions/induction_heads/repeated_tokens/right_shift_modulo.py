import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    # an offset of 1 .. d_vocab - 1 from bos, around the circle
    rows = []
    for p in periods:
        s = (bos + torch.randint(1, d_vocab, (int(p),), generator=generator)) % d_vocab
        while len(s) < n_pos - 1:
            s = torch.cat([s, s])
        rows.append(torch.cat([torch.tensor([bos]), s[: n_pos - 1]]))
    return torch.stack(rows)
