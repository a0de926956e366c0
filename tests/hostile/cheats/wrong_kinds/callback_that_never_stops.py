# attacks: the time limit, by a module whose every attribute is another object
# exercise: LayerNorm
# expect: failed stopped


class LayerNorm:
    def __init__(self, *args, **kwargs):
        pass

    def __getattr__(self, name):
        return LayerNorm()

    def __call__(self, *args, **kwargs):
        return LayerNorm()

    def __len__(self):
        return 10**12

    def __iter__(self):
        while True:
            yield self
