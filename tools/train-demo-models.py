#!/usr/bin/python3
"""Trains the synthetic demo models (not for patients) on phantoms rendered by tools/render-training-set.ts.

One call is one stage. A first network learns all three contrasts, copies of it are then tuned on each, and last on
the organ's edge, from which the volume follows. Debian's python3-torch on CPU is enough (two cores, about 1 s a step):

    node tools/render-training-set.ts SET 2000 6       # validation seeds
    node tools/render-training-set.ts SET 1000 150     # training seeds; training may start while this runs
    python3 tools/train-demo-models.py SET W/joint.pt --minutes 38 --rate 2e-3
    for c in CT T1W T2W; do
        python3 tools/train-demo-models.py SET W/$c.pt --contrasts $c --start W/joint.pt --minutes 8 --rate 6e-4
        python3 tools/train-demo-models.py SET W/$c.pt --contrasts $c --start W/$c.pt --loss edge --minutes 15 --rate 8e-4
    done
    python3 tools/export-demo-models.py W models

The learning rate follows the clock (a cosine over the given minutes), so that a slower machine makes fewer steps
instead of a longer run; each checkpoint records the stages that led to it. Validation here is one patch per seed,
without mirroring; tools/evaluate-demo-models.ts measures the exported models as the node runs them.

The committed weights grew in more steps than that: `source.stages` in each model.json lists them. Their first stages
saw phantoms without the layer of fat around the gland and targets rounded to whole voxels, and T1W has had no edge
stage. So running the recipe again gives models like them, not the same ones.
"""
import argparse
import copy
import json
import math
import os
import time

import numpy as np
import torch

from demo_training_data import CONTRASTS, PATCH, TARGET_SPACING, Case, crop, foreground_statistics, sample, stems
from pansegnet import PanSegNet

ARCHITECTURE = {'features': [8, 16, 32, 40], 'pools': [[2, 2, 2]] * 3, 'kernels': [[3, 3, 3]] * 4,
                'patch': list(PATCH), 'dims': 64, 'layers': 2}
TRAINING_SEEDS = range(1000, 2000)
VALIDATION_SEEDS = range(2000, 2006)
DEEP_WEIGHTS = (1.0, 0.5, 0.25)
EMA_DECAY = 0.995
STATISTICS_CASES = 12  # CT cases that must be there before the intensity statistics are fixed
VALIDATE_EVERY = 250
SAVE_SECONDS = 300


def cross_entropy(log_p, target):
    return -(target * log_p[:, 1:] + (1 - target) * log_p[:, :1])


def overlap_loss(log_p, target):
    """Cross-entropy plus soft Dice: finds the organ."""
    p = log_p[:, 1:].exp()
    dice = (2 * (p * target).sum() + 1e-5) / (p.sum() + target.sum() + 1e-5)
    return cross_entropy(log_p, target).mean() + 1 - dice


def edge_loss(log_p, target):
    """Cross-entropy per voxel of pancreas plus squared Dice. Both are least where p is the voxel's true share, so that
    the volume comes out right; plain soft Dice would push p to 0 or 1."""
    p = log_p[:, 1:].exp()
    dice = (2 * (p * target).sum() + 1e-5) / (p.square().sum() + target.square().sum() + 1e-5)
    return cross_entropy(log_p, target).sum() / (target.sum() + 200) + 0.3 * (1 - dice)


LOSSES = {'overlap': overlap_loss, 'edge': edge_loss}


def deep_loss(loss, logits, target):
    """The loss at every depth of the decoder."""
    total = 0
    for weight, output in zip(DEEP_WEIGHTS, logits):
        factor = target.shape[-1] // output.shape[-1]
        part = target if factor == 1 else torch.nn.functional.avg_pool3d(target, factor)
        total = total + weight * loss(torch.log_softmax(output, dim=1), part)
    return total / sum(DEEP_WEIGHTS)


class Pool:
    """Cases in memory; takes in one more at every second step while the renderer is still at work."""

    def __init__(self, folder, contrasts, ct):
        self.folder, self.contrasts, self.ct = folder, contrasts, ct
        self.cases = {c: {} for c in contrasts}
        if self.ct is None:
            while len(stems(folder, 'CT', TRAINING_SEEDS)) < STATISTICS_CASES:
                time.sleep(5)
            self.ct = foreground_statistics([Case(s) for s in stems(folder, 'CT', TRAINING_SEEDS)[:STATISTICS_CASES]])
        self.validation = {c: [self.load(s) for s in stems(folder, c, VALIDATION_SEEDS)] for c in contrasts}
        for contrast in contrasts:
            for stem in stems(folder, contrast, TRAINING_SEEDS):
                self.cases[contrast][stem] = self.load(stem)

    def load(self, stem):
        case = Case(stem)
        return case, case.normalized(self.ct).astype(np.float32)

    def refresh(self):
        for contrast in self.contrasts:
            for stem in stems(self.folder, contrast, TRAINING_SEEDS):
                if stem not in self.cases[contrast]:
                    self.cases[contrast][stem] = self.load(stem)
                    return

    def draw(self, contrast, rng):
        values = list(self.cases[contrast].values())
        case, image = values[rng.integers(len(values))]
        return sample(case, image, rng)

    def seeds(self):
        return sorted({case.seed for cases in self.cases.values() for case, _ in cases.values()})


def validate(net, pool):
    """Mean Dice, and mean absolute error of the volume in percent, for each contrast."""
    net.eval()
    result = {}
    for contrast in pool.contrasts:
        scores, errors = [], []
        for case, image in pool.validation[contrast]:
            middle = (case.voxels.min(0) + case.voxels.max(0)) // 2
            patch, share = crop(image, case.share, [int(m - p // 2) for m, p in zip(middle, PATCH)])
            with torch.no_grad():
                found = net(torch.from_numpy(patch)[None, None]).argmax(1).numpy()[0]
            target = share >= 0.5
            scores.append(2 * (found * target).sum() / max(1, found.sum() + target.sum()))
            errors.append(abs(100 * (found.sum() / target.sum() - 1)))
        result[contrast] = {'dice': round(float(np.mean(scores)), 4), 'volumeErrorPercent': round(float(np.mean(errors)), 1)}
    net.train()
    return result


def train(net, pool, options, earlier, earlier_seeds):
    """Trains until the minutes are over; saves the averaged weights and what they were trained with."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=1e-4)
    averaged = copy.deepcopy(net)
    rng = np.random.default_rng(options.seed)
    begin, step, losses, last_save = time.time(), 0, [], time.time()

    def save():
        stage = {'contrasts': pool.contrasts, 'loss': options.loss, 'steps': step, 'rate': options.rate}
        facts = {'stages': [*earlier, stage], 'validation': validate(averaged, pool),
                 'trainingSeeds': sorted({*earlier_seeds, *pool.seeds()}), 'validationSeeds': list(VALIDATION_SEEDS)}
        torch.save({'state_dict': averaged.state_dict(), 'architecture': ARCHITECTURE, 'spacing': TARGET_SPACING,
                    'ct': pool.ct, 'facts': facts}, options.output + '.partial')
        os.replace(options.output + '.partial', options.output)
        return facts

    while (progress := (time.time() - begin) / (60 * options.minutes)) < 1:
        for group in optimizer.param_groups:
            group['lr'] = options.rate * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * progress))
        if step % 2 == 0:
            pool.refresh()
        patch, target = pool.draw(pool.contrasts[step % len(pool.contrasts)], rng)
        logits = net.deep_logits(torch.from_numpy(patch)[None, None])
        loss = deep_loss(LOSSES[options.loss], logits, torch.from_numpy(target)[None, None])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        step += 1
        losses.append(float(loss.detach()))
        decay = min(EMA_DECAY, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, own in zip(averaged.parameters(), net.parameters()):
                mean.lerp_(own, 1 - decay)
        if step % 25 == 0:
            print(f'{pool.contrasts} step {step} {(time.time() - begin) / step:.2f} s/step loss {np.mean(losses[-50:]):.4f}'
                  f' cases {len(pool.cases[pool.contrasts[0]])}', flush=True)
        if step % VALIDATE_EVERY == 0:
            print('validation', json.dumps(validate(averaged, pool)), flush=True)
        if time.time() - last_save > SAVE_SECONDS:
            save()
            last_save = time.time()
    facts = save()
    print('done', json.dumps({k: v for k, v in facts.items() if k != 'trainingSeeds'}), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('set', help='folder of rendered cases')
    arguments.add_argument('output', help='file that the weights go to')
    arguments.add_argument('--contrasts', nargs='+', choices=CONTRASTS, default=list(CONTRASTS))
    arguments.add_argument('--start', help='weights of an earlier stage')
    arguments.add_argument('--loss', choices=LOSSES, default='overlap')
    arguments.add_argument('--minutes', type=float, required=True)
    arguments.add_argument('--rate', type=float, required=True, help='highest learning rate')
    arguments.add_argument('--threads', type=int, default=2)
    arguments.add_argument('--seed', type=int, default=1)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    os.makedirs(os.path.dirname(options.output) or '.', exist_ok=True)
    start = torch.load(options.start) if options.start else None
    net = PanSegNet(**ARCHITECTURE)
    if start:
        net.load_state_dict(start['state_dict'])
    pool = Pool(options.set, options.contrasts, start['ct'] if start else None)
    print('parameters', sum(p.numel() for p in net.parameters()), 'CT foreground', json.dumps(pool.ct), flush=True)
    earlier = start['facts'] if start else {'stages': [], 'trainingSeeds': []}
    train(net, pool, options, earlier['stages'], earlier['trainingSeeds'])


if __name__ == '__main__':
    main()
