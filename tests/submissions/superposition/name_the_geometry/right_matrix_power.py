import torch


def name_the_geometry(model):
    W = model.W.detach()
    keep = represented(W)[0]
    adj = (interference(W)[0].abs() > 0.12).float() + torch.eye(W.shape[-1])
    adj = adj * keep[:, None] * keep
    reach = torch.linalg.matrix_power(adj, W.shape[-1]) > 0
    groups, dims, seen = [], [], set()
    share = feature_dimensionality(W)[0]
    for i in torch.where(keep)[0]:
        if int(i) in seen:
            continue
        g = torch.where(reach[i])[0]
        seen |= set(g.tolist())
        groups.append(g)
        dims.append(share[g].sum().round().int())
    return {"dropped": torch.where(~keep)[0], "groups": groups, "dimensions": torch.stack(dims)}
