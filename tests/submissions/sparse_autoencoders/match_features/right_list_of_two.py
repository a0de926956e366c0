import torch
from scipy import optimize


def match_features(dictionary, truth):
    dictionary = dictionary.detach().clone()
    lengths = dictionary.norm(dim=1)
    dictionary[lengths > 0] /= lengths[lengths > 0, None]
    cos = torch.einsum("td,sd->ts", truth / truth.norm(dim=1, keepdim=True), dictionary)
    r, c = optimize.linear_sum_assignment(cos.numpy(), True)
    r, c = torch.from_numpy(r), torch.from_numpy(c)
    out = torch.zeros(len(truth)).index_put((r,), cos[r, c])
    return [out, torch.full([len(truth)], -1).index_put((r,), c).to(torch.int32)]
