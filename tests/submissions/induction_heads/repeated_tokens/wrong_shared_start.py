import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    s = torch.randint(d_vocab - 1, (n_pos - 1,), generator=generator)
    s = s + (s >= bos)
    index = torch.arange(n_pos - 1)[None] % torch.as_tensor(periods)[:, None]
    return torch.nn.functional.pad(s[index], (1, 0), value=bos)
