import torch
import torch.nn as nn
import torch.nn.functional as F


class ToyModel(nn.Module):
    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__()
        self.W = nn.Parameter(torch.randn(n_instances, n_hidden, n_features) / n_features**0.5)
        self.b = nn.Parameter(torch.zeros(n_instances, n_features))

    def forward(self, x):
        h = torch.bmm(self.W, x.permute(1, 2, 0))  # inst hidden batch
        out = torch.bmm(self.W.transpose(1, 2), h)
        return F.relu(out.permute(2, 0, 1) + self.b)
