"""Logits of checkpoints in PyTorch: torch-forward.py CASES, with CASES a JSON list of checkpoint, features, pools, kernels,
patchSize, attention (dims and layers, or null), input and output (files of float32)."""
import json
import os
import sys

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', 'tools'))
from pansegnet import PanSegNet  # noqa: E402


def create_network(case):
    attention = case['attention'] or {'dims': 8, 'layers': 1}
    net = PanSegNet(case['features'], case['pools'], case['kernels'], case['patchSize'], attention['dims'], attention['layers'])
    if case['attention'] is None:
        net.self_atten = torch.nn.Identity()
    net.load_state_dict(torch.load(case['checkpoint'], map_location='cpu')['state_dict'])
    return net.eval()


for case in json.loads(sys.argv[1]):
    window = np.fromfile(case['input'], np.float32).reshape(1, 1, *case['patchSize'])
    # Double precision: what single precision is to be compared with.
    with torch.no_grad():
        logits = create_network(case).double()(torch.from_numpy(window).double())
    logits.float().numpy().tofile(case['output'])
