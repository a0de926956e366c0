import torch


def repeated_tokens(periods, n_pos, d_vocab, bos=0, generator=None):
    draw = torch.randint(d_vocab - 1, (len(periods), int(periods.max())), generator=generator)
    draw = draw + (draw >= bos)
    rows = [draw[b, : periods[b]].repeat(n_pos)[: n_pos - 1] for b in range(len(periods))]
    return torch.nn.functional.pad(torch.stack(rows), (1, 0), value=bos)
