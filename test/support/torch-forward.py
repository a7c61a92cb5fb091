"""Logits of a checkpoint in PyTorch: torch-forward.py SPEC, with SPEC a JSON of checkpoint, features, pools, kernels, patchSize,
attention (dims and layers, or null), input and output (files of float32)."""
import json
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', 'tools'))
from pansegnet import PanSegNet  # noqa: E402

spec = json.loads(sys.argv[1])
attention = spec['attention'] or {'dims': 8, 'layers': 1}
net = PanSegNet(spec['features'], spec['pools'], spec['kernels'], spec['patchSize'], attention['dims'], attention['layers'])
if spec['attention'] is None:
    net.self_atten = torch.nn.Identity()
net.load_state_dict(torch.load(spec['checkpoint'], map_location='cpu')['state_dict'])
window = np.fromfile(spec['input'], np.float32).reshape(1, 1, *spec['patchSize'])
# Double precision: what the single-precision networks on either side are to be compared with.
with torch.no_grad():
    logits = net.double().eval()(torch.from_numpy(window).double())
logits.float().numpy().tofile(spec['output'])
