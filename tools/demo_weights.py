"""The committed demo models (nnU-Net v1 folders in models/demo-src) as a start for further training."""
import json
import os
import pickle

import torch

TASKS = {'CT': 'Task901_DemoCT', 'T1W': 'Task902_DemoT1', 'T2W': 'Task903_DemoT2'}
TRAINER = 'nnTransUNetTrainerV2__nnUNetPlansv2.1'


def committed_weights(root, contrast):
    path = os.path.join(root, TASKS[contrast], TRAINER, 'fold_0', 'model_final_checkpoint.model')
    return {k: v.float() for k, v in torch.load(path, map_location='cpu')['state_dict'].items()}


def committed_facts(root, contrast):
    """What training.json says of the weights: their stages and seeds."""
    with open(os.path.join(root, 'training.json')) as f:
        return json.load(f)[f'demo-{contrast.lower()}']


def ct_statistics(root):
    """nnU-Net's intensity properties of the pancreas, from the CT model's plans; kept, as the weights are used to them."""
    with open(os.path.join(root, TASKS['CT'], TRAINER, 'plans.pkl'), 'rb') as f:
        return dict(pickle.load(f)['dataset_properties']['intensityproperties'][0])
