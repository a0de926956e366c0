import einops


def represented(W, threshold=0.5):
    sq = einops.einsum(W, W, "inst hidden feature, inst hidden feature -> inst feature")
    return ~(sq.sqrt() <= threshold)
