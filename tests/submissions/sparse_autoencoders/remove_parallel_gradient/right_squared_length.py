import torch


def remove_parallel_gradient(sae):
    W, g = sae.W_dec.data, sae.W_dec.grad
    if g is None:
        return
    dots = (W * g).sum(1, keepdim=True) / (W * W).sum(1, keepdim=True)
    sae.W_dec.grad = g - dots * W
