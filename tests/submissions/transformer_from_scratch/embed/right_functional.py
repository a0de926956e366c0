import torch
import torch.nn.functional as F


def embed(tokens, W_E, W_pos):
    positions = torch.arange(tokens.size(1), device=tokens.device).unsqueeze(0).expand_as(tokens)
    return F.embedding(tokens, W_E) + F.embedding(positions, W_pos)
