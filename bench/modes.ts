import '../src/telemetry-off.ts';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { type Array3, elements, type Shape3 } from '../src/segmentation/array3.ts';
import { focusWindows } from '../src/segmentation/inference/focus/focus.ts';
import { ForwardTally } from '../src/segmentation/inference/forward-tally.ts';
import { openNetwork } from '../src/segmentation/inference/network.ts';
import { networksOf } from '../src/segmentation/inference/networks.ts';
import { countForwards } from '../src/segmentation/inference/sliding-window.ts';
import { wholeImage } from '../src/segmentation/inference/windowed-image.ts';
import { FULL_SIZE, TINY } from '../test/support/synthetic-training.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { isBody, isOrgan } from './drawn-organ.ts';
import { randomModel } from './random-model.ts';

/** nnU-Net's usual spacing for abdominal CT, z y x. */
const SPACING = [2.5, 0.8, 0.8] as const;
const MIRROR_AXES = [0, 1, 2];
const [AIR, BODY, ORGAN] = [-3, -1, 3];

/**
 * What `fast` and `quick` take for an abdomen, beside `exact`, whose passes are counted and taken times the
 * mean of a pass. The network has random weights and finds nothing sensible: each pass runs it for its time,
 * and answers with a drawn organ, so that the windows are those that a network asks for which finds it.
 */
export async function benchModes(options: BenchOptions): Promise<BenchRow[]> {
  const { patchSize } = options.quick ? TINY : FULL_SIZE;
  const shape: Shape3 = options.quick ? [24, 48, 48] : [120, 512, 512];
  const file = path.join(await randomModel(options), 'fold_0.onnx');
  return modesOn(drawnAbdomen(shape), patchSize, file);
}

async function modesOn(image: Array3<Float32Array>, patchSize: Shape3, file: string): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const grid = { patchSize, stepSize: 0.5, mirrorAxes: MIRROR_AXES };
  for (const mode of ['fast', 'quick'] as const) {
    let seconds = 0;
    const open = async () => {
      const network = await openNetwork(file, patchSize, availableParallelism());
      const predict = async (window: Float32Array) => {
        const start = performance.now();
        await network.predict(window);
        seconds += (performance.now() - start) / 1000;
        return drawnLogits(window);
      };
      return { ...network, predict };
    };
    await using networks = networksOf([open]);
    const tally = new ForwardTally(undefined, 0);
    const focus = { patchSize, spacing: SPACING, mirrorAxes: mode === 'fast' ? MIRROR_AXES : [] };
    const start = performance.now();
    await focusWindows(wholeImage(image), focus, networks, tally);
    const value = (performance.now() - start) / 1000;
    const exact = (countForwards(image.shape, grid) * seconds) / tally.done;
    rows.push({
      name: `${mode}, ${image.shape.join('x')}, ${tally.done} passes`,
      value,
      unit: 's',
      peer: { name: `exact: ${countForwards(image.shape, grid)} passes, multiplied up`, value: exact },
    });
  }
  return rows;
}

function drawnAbdomen(shape: Shape3): Array3<Float32Array> {
  const data = new Float32Array(elements(shape)).fill(AIR);
  const scale = Math.min(1, shape[2] / 512);
  const mm = (index: number, axis: 0 | 1 | 2) => ((index - shape[axis] / 2) * SPACING[axis]) / scale;
  let at = 0;
  for (let i = 0; i < shape[0]; i++)
    for (let j = 0; j < shape[1]; j++)
      for (let k = 0; k < shape[2]; k++, at++) {
        const [z, y, x] = [mm(i, 0), mm(j, 1), mm(k, 2)];
        if (isBody(y, x)) data[at] = isOrgan(z, y, x) ? ORGAN : BODY;
      }
  return { data, shape };
}

/** Foreground where the organ is drawn; zeros, which pad an image, are background. */
function drawnLogits(window: Float32Array): Float32Array {
  const logits = new Float32Array(2 * window.length);
  for (let i = 0; i < window.length; i++) {
    const value = window[i] as number;
    logits[window.length + i] = value === 0 ? BODY : value;
  }
  return logits;
}
