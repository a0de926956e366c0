from einops import rearrange


def feature_density(f):
    return rearrange(f > 0, "... latent -> (...) latent").float().mean(0)
