"""Prints name, shape and sha256 of every parameter of nnU-Net checkpoints, as torch reads them, in JSON lines."""
import hashlib
import json
import sys

import torch

for file in sys.argv[1:]:
    state = torch.load(file, map_location="cpu")["state_dict"]
    print(json.dumps([
        [name.removeprefix("module."), list(value.shape), hashlib.sha256(value.float().contiguous().numpy().tobytes()).hexdigest()]
        for name, value in state.items()
    ]))
