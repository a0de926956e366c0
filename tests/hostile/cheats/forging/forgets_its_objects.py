# attacks: handles, by letting go of the objects that they stand for
# exercise: LayerNorm
# expect: failed stopped error
# says: does not exist|KeyError|could not be read
import gc

import torch
from torch import nn

from dojo.grading import rpc


class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))
        for endpoint in gc.get_objects():
            if isinstance(endpoint, rpc.Endpoint):
                exported = endpoint._export

                def forgetful(value, endpoint=endpoint, exported=exported):
                    handle = exported(value)
                    if isinstance(value, nn.Module):
                        del endpoint.objects[handle.id]
                    return handle

                endpoint._export = forgetful

    def forward(self, x):
        return x
