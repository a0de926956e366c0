import numpy as np
import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    rng = np.random.default_rng(generator.initial_seed() if generator is not None else None)
    rows = []
    for p in periods:
        s = torch.from_numpy(rng.integers(0, d_vocab - 1, int(p)))
        s = s + (s >= bos)
        rows.append(torch.cat([torch.tensor([bos]), s.repeat(n_pos)[: n_pos - 1]]))
    return torch.stack(rows)
