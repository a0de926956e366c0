def feature_density(f):
    rows = f.reshape(-1, f.shape[-1])
    density = torch.zeros(f.shape[-1])
    for row in rows:
        density += (row > 0).float()
    return density / len(rows)
