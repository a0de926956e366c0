# attacks: the wire, by sparse, meta, quantised and complex tensors
# expect: failed stopped
# says: graded|dtype|holds no numbers|raised
import torch


def attention_pattern(q, k):
    pattern = torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    kinds = [pattern.to_sparse(), pattern.to("meta"), pattern.to(torch.complex64), pattern.double(), pattern.bool()]
    return kinds[q.shape[1] % len(kinds)]
