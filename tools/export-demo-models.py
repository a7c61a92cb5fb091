#!/usr/bin/python3
"""Writes the trained demo networks as nnU-Net v1 training output, for `models import`, training.json about them, and what
training printed (CT.log becomes training-ct.txt).

    python3 tools/export-demo-models.py CHECKPOINTS models/demo-src

CHECKPOINTS is where train-demo-models.py left CT.pt, T1W.pt and T2W.pt; a contrast without its own file stays as it is.
"""
import argparse
import json
import os
import pickle
import shutil
from collections import OrderedDict

import numpy as np
import torch

from demo_training_data import CONTRASTS
from demo_weights import TASKS, TRAINER
from pansegnet import PanSegNet


def load(path):
    """The network with its weights rounded to half precision, as they were when its results were measured."""
    checkpoint = torch.load(path, map_location='cpu')
    net = PanSegNet(**checkpoint['architecture'])
    net.load_state_dict({k: v.half().float() for k, v in checkpoint['state_dict'].items()})
    return net.eval(), checkpoint


def seed_ranges(seeds):
    """[1000, 1001, 1002, 1010] as '1000-1002, 1010'."""
    runs = []
    for seed in seeds:
        if runs and runs[-1][1] == seed - 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ', '.join(str(a) if a == b else f'{a}-{b}' for a, b in runs)


def source_of(checkpoint):
    facts, before = checkpoint['facts'], checkpoint['before']
    return {
        'images': 'synthetic abdomens drawn by src/demo/phantom from seeds; no patient data',
        'scripts': 'tools/render-training-set.ts, tools/train-demo-models.py, tools/export-demo-models.py',
        'trainingSeeds': f"{before['trainingSeeds']}; varied: {seed_ranges(facts['trainingSeeds'])}",
        'validationSeeds': seed_ranges(facts['validationSeeds']),
        'stages': [*before['stages'], facts['stage']],
        'validation': facts['validation'],
        'validationMethod': 'mean over the validation seeds, one patch around the pancreas on the network grid, no mirroring',
    }


def plans_of(contrast, checkpoint):
    """What nnU-Net v1's planner would have left behind, as far as inference reads it."""
    architecture, ct = checkpoint['architecture'], contrast == 'CT'
    spacing, patch = np.array(checkpoint['spacing']), np.array(architecture['patch'])
    stage = {
        'batch_size': 1, 'conv_kernel_sizes': architecture['kernels'], 'current_spacing': spacing,
        'do_dummy_2D_data_aug': False, 'median_patient_size_in_voxels': patch, 'original_spacing': spacing,
        'num_pool_per_axis': [len(architecture['pools'])] * 3, 'patch_size': patch, 'pool_op_kernel_sizes': architecture['pools'],
    }
    properties = OrderedDict([(0, checkpoint['ct'])]) if ct else None
    return {
        'num_stages': 1, 'num_modalities': 1, 'modalities': {0: 'CT' if ct else 'MRI'},
        'normalization_schemes': OrderedDict([(0, 'CT' if ct else 'nonCT')]),
        'dataset_properties': {'all_classes': [1], 'modalities': {0: 'CT' if ct else 'MRI'}, 'intensityproperties': properties},
        'original_spacings': [spacing], 'original_sizes': [tuple(int(v) for v in patch)], 'num_classes': 1, 'all_classes': [1],
        'base_num_features': architecture['features'][0], 'use_mask_for_norm': OrderedDict([(0, False)]),
        'keep_only_largest_region': None, 'min_region_size_per_class': None, 'min_size_per_class': None,
        'transpose_forward': [0, 1, 2], 'transpose_backward': [0, 1, 2], 'data_identifier': 'nnUNetData_plans_v2.1',
        'plans_per_stage': {0: stage}, 'preprocessor_name': 'GenericPreprocessor', 'conv_per_stage': 2,
        'list_of_npz_files': [], 'preprocessed_data_folder': f'nnUNet/{TASKS[contrast]}',
    }


def write_nnunet(contrast, net, checkpoint, root):
    """The folder as nnU-Net v1 and the PanSegNet fork write it, without optimizer state."""
    task = TASKS[contrast]
    folder = os.path.join(root, task, TRAINER)
    os.makedirs(os.path.join(folder, 'fold_0'), exist_ok=True)
    plans = plans_of(contrast, checkpoint)
    with open(os.path.join(folder, 'plans.pkl'), 'wb') as f:
        pickle.dump(plans, f, protocol=4)
    with open(os.path.join(folder, 'postprocessing.json'), 'w') as f:
        json.dump({'for_which_classes': [1]}, f)
    state = OrderedDict((k, v.clone()) for k, v in net.state_dict().items())
    torch.save({'epoch': 0, 'state_dict': state,
                'optimizer_state_dict': {'state': {}, 'param_groups': []}, 'lr_scheduler_state_dict': None,
                'plot_stuff': ([], [], [], []), 'best_stuff': (None, None, None), 'amp_grad_scaler': None},
               os.path.join(folder, 'fold_0', 'model_final_checkpoint.model'))
    init = (f'nnUNet/{task}/nnUNetPlansv2.1_plans_3D.pkl', 0, f'nnUNet/{task}/{TRAINER}', f'nnUNet/{task}', True, 0, True, False, True)
    info = {'init': init, 'name': 'nnTransUNetTrainerV2', 'plans': plans,
            'class': "<class 'nnunet.training.network_training.nnTransUNetTrainerV2.nnTransUNetTrainerV2'>"}
    with open(os.path.join(folder, 'fold_0', 'model_final_checkpoint.model.pkl'), 'wb') as f:
        pickle.dump(info, f, protocol=4)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('checkpoints')
    arguments.add_argument('output')
    options = arguments.parse_args()
    torch.set_num_threads(1)
    sources_file = os.path.join(options.output, 'training.json')
    sources = {}
    if os.path.exists(sources_file):
        with open(sources_file) as f:
            sources = json.load(f)
    for contrast in CONTRASTS:
        path = os.path.join(options.checkpoints, f'{contrast}.pt')
        if not os.path.exists(path):
            print(f'{path} is not there: left as it is')
            continue
        net, checkpoint = load(path)
        write_nnunet(contrast, net, checkpoint, options.output)
        sources[f'demo-{contrast.lower()}'] = source_of(checkpoint)
        log = os.path.join(options.checkpoints, f'{contrast}.log')
        if os.path.exists(log):
            shutil.copyfile(log, os.path.join(options.output, f'training-{contrast.lower()}.txt'))
        print(contrast, json.dumps(checkpoint['facts']['validation']))
    with open(sources_file, 'w') as f:
        json.dump(sources, f, indent=2)
        f.write('\n')


if __name__ == '__main__':
    main()
