import torch.nn.functional as F


def token_log_probs(logits, tokens):
    batch, n, d_vocab = logits.shape
    flat = F.nll_loss(logits[:, :-1].reshape(-1, d_vocab).log_softmax(1), tokens[:, 1:].reshape(-1), reduction="none")
    return flat.neg().view(batch, n - 1)
