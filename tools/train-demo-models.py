#!/usr/bin/python3
"""Trains a synthetic demo model (not for patients) further, on abdomens rendered by tools/render-training-set.ts.

    node tools/render-training-set.ts SET 10000 180       # training seeds; training may start while this runs
    node tools/render-training-set.ts SET 2000 6          # validation seeds
    python3 tools/train-demo-models.py SET W/CT.pt --contrast CT --minutes 60
    python3 tools/train-demo-models.py SET W/CT.pt --contrast CT --minutes 60      # goes on where the first call ended
    python3 tools/export-demo-models.py W models/demo-src

tools/train-demo-hour.py does all of that for the three contrasts. An interrupt ends it after the step, with all saved.

It starts from W/CT.pt where that is there, else from the weights in models/demo-src. W/CT.pt holds the optimizer's state
too: stopping and going on gives the same weights as one long run. W/CT.log keeps what was printed. What is exported is a
seventh as large, and enough to go on from as well, with an optimizer that starts afresh.

The learning rate and the seeds follow the count of steps alone: constant from --warm steps on, falling to nothing over the
last --fall steps before --total. Debian's python3-torch on a CPU is enough; a GPU is used where torch finds one.
"""
import argparse
import copy
import json
import math
import os
import signal
import time

import numpy as np
import torch

from demo_training_data import CONTRASTS, PATCH, TARGET_SPACING, TrainingSet, central_start, crop, sample
from demo_training_loss import deep_loss, mask_voxels, volume_loss
from demo_weights import committed_facts, committed_weights, ct_statistics
from pansegnet import PanSegNet

ARCHITECTURE = {'features': [8, 16, 32, 40], 'pools': [[2, 2, 2]] * 3, 'kernels': [[3, 3, 3]] * 4,
                'patch': list(PATCH), 'dims': 64, 'layers': 2}
VALIDATION_SEEDS = range(2000, 2006)
EMA_DECAY = 0.995
# Seeds in use at the start, and steps after which one more comes in: training needn't wait for all to be rendered.
FIRST_SEEDS, STEPS_PER_SEED = 24, 10
VALIDATE_EVERY = 250
SAVE_EVERY = 50


def rate_at(step, options):
    rise = min(1, (step + 1) / options.warm)
    fall = min(1, max(0, (options.total - step) / options.fall))
    return options.rate * rise * 0.5 * (1 - math.cos(math.pi * fall))


class Run:
    """Network, averaged network and optimizer at a step."""

    def __init__(self, options, device):
        self.options, self.device = options, device
        torch.manual_seed(options.seed)
        self.net = PanSegNet(**ARCHITECTURE).to(device)
        self.averaged = copy.deepcopy(self.net)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=options.rate, weight_decay=1e-4)
        self.step = 0
        if os.path.exists(options.checkpoint):
            state = torch.load(options.checkpoint, map_location=device)
            self.net.load_state_dict(state['running'])
            self.averaged.load_state_dict(state['state_dict'])
            self.optimizer.load_state_dict(state['optimizer'])
            self.step, self.before = state['step'], state['before']
        else:
            weights = committed_weights(options.start, options.contrast)
            self.net.load_state_dict(weights)
            self.averaged.load_state_dict(weights)
            self.before = committed_facts(options.start, options.contrast)
        self.ct = ct_statistics(options.start)
        self.set = TrainingSet(options.set, options.contrast, self.ct)

    def batch(self):
        rng = np.random.default_rng([self.options.seed, self.step])
        known = range(self.options.first_seed,
                      self.options.first_seed + min(self.options.seeds, FIRST_SEEDS + self.step // STEPS_PER_SEED))
        seeds = rng.choice(known, self.options.batch, p=self.set.shares_of(known, self.options.small_glands))
        pairs = [sample(self.set.case(seed), rng) for seed in seeds]
        images, shares = (torch.from_numpy(np.stack(part)).to(self.device) for part in zip(*pairs))
        return images[:, None], shares

    def train_step(self):
        options = self.options
        for group in self.optimizer.param_groups:
            group['lr'] = rate_at(self.step, options)
        images, shares = self.batch()
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=options.precision == 'bf16'):
            logits = self.net.deep_logits(images)
        volume = volume_loss(logits[0], shares)
        loss = deep_loss(logits, shares) + options.volume_weight * volume
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimizer.step()
        self.step += 1
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, own in zip(self.averaged.parameters(), self.net.parameters()):
                mean.lerp_(own, 1 - decay)
        return float(loss.detach()), float(volume.detach())

    def validate(self):
        """One patch around the gland for each validation seed: Dice on the network grid, error of the mask's volume, %."""
        scores, errors = [], []
        for seed in VALIDATION_SEEDS:
            case = self.set.case(seed)
            patch, share = crop(case, central_start(case))
            image, true = torch.from_numpy(patch)[None, None].to(self.device), torch.from_numpy(share)[None].to(self.device)
            with torch.no_grad():
                p = torch.softmax(self.averaged(image), dim=1)[:, 1]
            found, target = p > 0.5, true > 0.5
            scores.append(float(2 * (found & target).sum() / (found.sum() + target.sum())))
            errors.append(float(100 * (mask_voxels(p, None) / mask_voxels(true, None) - 1)))
        return {'dice': round(float(np.mean(scores)), 4), 'lowestDice': round(min(scores), 4),
                'volumeBiasPercent': round(float(np.mean(errors)), 2), 'volumeErrorPercent': round(float(np.mean(np.abs(errors))), 2)}

    def save(self, validation):
        options = self.options
        known = min(options.seeds, FIRST_SEEDS + max(0, self.step - 1) // STEPS_PER_SEED)
        stage = {'contrasts': [options.contrast], 'loss': 'share+volume', 'steps': self.step, 'batch': options.batch,
                 'rate': options.rate, 'volumeWeight': options.volume_weight, 'smallGlands': options.small_glands,
                 'precision': options.precision}
        facts = {'stage': stage, 'trainingSeeds': list(range(options.first_seed, options.first_seed + known)),
                 'validationSeeds': list(VALIDATION_SEEDS), 'validation': validation}
        torch.save({'state_dict': self.averaged.state_dict(), 'running': self.net.state_dict(), 'step': self.step,
                    'optimizer': self.optimizer.state_dict(), 'architecture': ARCHITECTURE, 'spacing': TARGET_SPACING,
                    'ct': self.ct, 'before': self.before, 'facts': facts}, options.checkpoint + '.partial')
        os.replace(options.checkpoint + '.partial', options.checkpoint)


def train(run, options, log):
    losses, begin, first, stopped = [], time.time(), run.step, []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.append(True))
    while run.step < min(options.until, options.total) and not stopped and time.time() - begin < 60 * options.minutes:
        losses.append(run.train_step())
        if run.step % 10 == 0:
            mean, volume = np.mean(losses[-100:], axis=0)
            log(f'step {run.step} loss {mean:.4f} volume {volume:.5f} rate {rate_at(run.step, options):.1e} '
                f'{(time.time() - begin) / (run.step - first):.2f} s/step')
        if run.step % VALIDATE_EVERY == 0:
            log(f'step {run.step} validation {json.dumps(run.validate())}')
        if run.step % SAVE_EVERY == 0:
            run.save(None)
    run.save(None)
    if not stopped:
        validation = run.validate()
        run.save(validation)
        log(f'step {run.step} end {json.dumps(validation)}')


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('set', help='folder of rendered cases')
    arguments.add_argument('checkpoint', help='file that the training state is in; made where it is not there')
    arguments.add_argument('--contrast', choices=CONTRASTS, required=True)
    arguments.add_argument('--start', default=os.path.join(os.path.dirname(__file__), '../models/demo-src'))
    arguments.add_argument('--until', type=int, default=10 ** 9, help='stop after this step; call again to go on')
    arguments.add_argument('--minutes', type=float, default=60, help='stop after this time; call again to go on')
    arguments.add_argument('--total', type=int, default=2000, help='step at which the learning rate reaches nothing')
    arguments.add_argument('--fall', type=int, default=600)
    arguments.add_argument('--warm', type=int, default=50)
    arguments.add_argument('--rate', type=float, default=1e-3)
    arguments.add_argument('--batch', type=int, default=2)
    arguments.add_argument('--volume-weight', type=float, default=3.0)
    arguments.add_argument('--small-glands', type=float, default=0,
                           help='how much oftener small glands are drawn: by this power of one over the volume')
    arguments.add_argument('--precision', choices=('fp32', 'bf16'), default='bf16')
    arguments.add_argument('--first-seed', type=int, default=10000)
    arguments.add_argument('--seeds', type=int, default=180)
    arguments.add_argument('--threads', type=int, default=2)
    arguments.add_argument('--seed', type=int, default=1)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    os.makedirs(os.path.dirname(options.checkpoint) or '.', exist_ok=True)
    run = Run(options, 'cuda' if torch.cuda.is_available() else 'cpu')
    with open(os.path.splitext(options.checkpoint)[0] + '.log', 'a') as file:
        def log(line):
            print(options.contrast, line, flush=True)
            file.write(line + '\n')
            file.flush()
        log(f'options {json.dumps({k: v for k, v in vars(options).items() if k not in ("set", "checkpoint", "start")})} from step {run.step}')
        train(run, options, log)


if __name__ == '__main__':
    main()
