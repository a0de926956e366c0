import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    periods = torch.as_tensor(periods)
    allowed = torch.cat([torch.arange(bos), torch.arange(bos + 1, d_vocab)])
    draw = torch.randint(len(allowed), (len(periods), n_pos - 1), generator=generator)
    index = torch.arange(n_pos - 1)[None] % periods[:, None]
    tokens = allowed[draw].gather(1, index)
    return torch.nn.functional.pad(tokens, (1, 0), value=bos)
