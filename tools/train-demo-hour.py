#!/usr/bin/python3
"""One piece of training for all three demo models: renders what is missing, trains each further, exports them.

    python3 tools/train-demo-hour.py FOLDER [--minutes 60] [--total 3000] [--export FOLDER/demo-src]

FOLDER/set holds the rendered scans (about 2 MB each, can be thrown away), FOLDER/CT.pt and so on the training's state. Call
it again to go on. Everything runs with the lowest priority, each contrast in a thread of its own. What is exported is a copy
of models/demo-src with the weights of now: measure it with `npm run demo:evaluate -- --trainings`, then put it there.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys

from demo_training_data import CONTRASTS

TOOLS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(TOOLS)
NODE = os.path.join(ROOT, 'node_modules', '.bin', 'node')
# First seed and count; the validation seeds first, as training ends with them.
RENDERED = ((2000, 6), (10000, 180))


def render(folder):
    """One renderer after the other, in the background."""
    calls = [f'"{NODE}" "{TOOLS}/render-training-set.ts" "{folder}" {first} {count}' for first, count in RENDERED]
    return subprocess.Popen(' && '.join(calls), shell=True, process_group=0)


def train(folder, contrast, options):
    call = [sys.executable, os.path.join(TOOLS, 'train-demo-models.py'), os.path.join(folder, 'set'),
            os.path.join(folder, f'{contrast}.pt'), '--contrast', contrast, '--threads', '1',
            '--minutes', str(options.minutes), '--total', str(options.total)]
    # Without it, glibc gives the memory of every large tensor back and asks for it anew: a third of the time.
    keep = {'MALLOC_MMAP_MAX_': '0', 'MALLOC_TRIM_THRESHOLD_': str(10 ** 11), 'MALLOC_TOP_PAD_': str(2 ** 28)}
    return subprocess.Popen(call, env={**os.environ, **keep})


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('folder')
    arguments.add_argument('--minutes', type=float, default=60)
    arguments.add_argument('--total', type=int, default=3000, help='step at which the learning rate reaches nothing')
    arguments.add_argument('--export', help='where the nnU-Net folders go; default: FOLDER/demo-src')
    options = arguments.parse_args()
    os.nice(19)
    os.makedirs(options.folder, exist_ok=True)
    output = options.export or os.path.join(options.folder, 'demo-src')
    renderer = render(os.path.join(options.folder, 'set'))
    runs = [train(options.folder, contrast, options) for contrast in CONTRASTS]
    failed = any([run.wait() != 0 for run in runs])
    if renderer.poll() is None:
        os.killpg(renderer.pid, signal.SIGTERM)
    if failed:
        sys.exit('training failed; what it saved last is kept')
    shutil.copytree(os.path.join(ROOT, 'models', 'demo-src'), output, dirs_exist_ok=True)
    subprocess.run([sys.executable, os.path.join(TOOLS, 'export-demo-models.py'), options.folder, output], check=True)


if __name__ == '__main__':
    main()
