import torch


def detection_score(predicate, examples):
    said = torch.tensor([bool(predicate(words)) for words, _ in examples])
    is_active = torch.tensor([bool(active) for _, active in examples])
    if is_active.all() or not is_active.any():
        raise ValueError("one kind only")
    return (said[is_active].float().mean() + (~said[~is_active]).float().mean()) / 2
