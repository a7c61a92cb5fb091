"""A checkpoint's network in PyTorch: export_plain.py SPEC writes it as torch.onnx.export does, runs it once and prints the seconds.

SPEC is a JSON of checkpoint, features, pools, kernels, patchSize, attention, graph (file to write), and input and logits (files
of float32)."""
import json
import os
import sys
import time
import warnings

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'tools'))
from pansegnet import PanSegNet  # noqa: E402

OPSET = 16  # the newest of PyTorch 1.13

warnings.simplefilter('ignore')
spec = json.loads(sys.argv[1])
net = PanSegNet(spec['features'], spec['pools'], spec['kernels'], spec['patchSize'], spec['attention']['dims'],
                spec['attention']['layers']).eval()
net.load_state_dict(torch.load(spec['checkpoint'], map_location='cpu')['state_dict'])
window = torch.from_numpy(np.fromfile(spec['input'], np.float32)).reshape(1, 1, *spec['patchSize'])
torch.onnx.export(net, window, spec['graph'], opset_version=OPSET, input_names=['input'], output_names=['logits'])
with torch.no_grad():
    start = time.perf_counter()
    logits = net(window)
    seconds = time.perf_counter() - start
logits.numpy().tofile(spec['logits'])
print(json.dumps({'seconds': seconds}))
