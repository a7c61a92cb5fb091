import { availableParallelism } from 'node:os';
import path from 'node:path';
import { elements, type Shape3 } from '../src/segmentation/array3.ts';
import type { ExecutionProvider } from '../src/segmentation/inference/execution-provider.ts';
import { type Network, openNetwork } from '../src/segmentation/inference/network.ts';
import { countForwards } from '../src/segmentation/inference/sliding-window.ts';
import type { Predict } from '../src/segmentation/inference/window.ts';
import { loadModel, type Model } from '../src/segmentation/model/model-folder.ts';
import { largestDifference } from '../test/support/synthetic-network.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { runMeasured } from './child.ts';
import { randomModel } from './random-model.ts';
import { FIELD_SPACING } from './sample-case.ts';

/** In order of preference. */
const GPUS: readonly ExecutionProvider[] = ['webgpu', 'cuda', 'dml', 'coreml'];
const ROUNDS = 5;
/** For the whole CT: with the import and the CPU's forwards all of it ends within ten minutes. */
const SECONDS_FOR_CT = 180;
/** Of a forward on a GPU: what is slower is not measured further. */
const MOST_SECONDS = 60;

/**
 * A full-size network with random weights on this machine's GPU, beside the CPU in the same run: load,
 * forward, agreement, a whole CT and the memory of its process. Where no GPU can be used it says so, and
 * measures nothing.
 */
export async function benchGpu(options: BenchOptions): Promise<BenchRow[]> {
  const model = await loadModel(await randomModel(options));
  const { patchSize } = model.info;
  const opened = await openOnGpu(model);
  if (!opened) {
    process.stderr.write('NO ADAPTER FOUND: nothing of a GPU was measured; see docs/gpu.md\n');
    return [{ name: 'GPUs found; nothing was measured', value: 0, unit: '' }];
  }
  const { network, seconds: secondsToLoad } = opened;
  const provider = network.executionProvider;
  const name = `${provider}, ${patchSize.join('x')}`;
  const window = noisyWindow(patchSize, 0, 1);
  const gpu = await timed(network.predict, window);
  process.stderr.write(`the first window on ${provider}: ${gpu.seconds.toFixed(1)} s\n`);
  const cpu = await openNetwork(fileOf(model), patchSize, availableParallelism());
  const onCpu = await timed(cpu.predict, window);
  const rows: BenchRow[] = [
    { name: `${name}: load`, value: secondsToLoad, unit: 's' },
    { name: `${name}: first forward`, value: gpu.seconds, unit: 's' },
    ...agreement(`${name}: noise`, gpu.logits, onCpu.logits),
  ];
  const flat = noisyWindow(patchSize, 100, 0.01);
  const flatLogits = await network.predict(flat);
  rows.push(...agreement(`${name}: nearly constant`, flatLogits, await cpu.predict(flat)));
  const forward = gpu.seconds < MOST_SECONDS ? await fastest(network.predict, window) : gpu.seconds;
  const cpuForward = Math.min(onCpu.seconds, (await timed(cpu.predict, window)).seconds);
  rows.push({
    name: `${name}: forward`,
    value: forward,
    unit: 's',
    peer: { name: 'CPU', value: cpuForward },
  });
  await Promise.all([network.release(), cpu.release()]);
  return [...rows, ...(await wholeCt(options, model, provider, { forward, cpuForward }))];
}

const fileOf = ({ folder }: Model) => path.join(folder, 'fold_0.onnx');

/** On the first provider that can be used. */
async function openOnGpu(model: Model): Promise<{ network: Network; seconds: number } | undefined> {
  for (const provider of GPUS) {
    const start = performance.now();
    try {
      const network = await openNetwork(fileOf(model), model.info.patchSize, availableParallelism(), {
        executionProviders: [provider],
      });
      return { network, seconds: (performance.now() - start) / 1000 };
    } catch (error) {
      process.stderr.write(`${provider}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  return undefined;
}

async function timed(predict: Predict, window: Float32Array) {
  const start = performance.now();
  const logits = await predict(window);
  return { logits, seconds: (performance.now() - start) / 1000 };
}

async function fastest(predict: Predict, window: Float32Array): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    least = Math.min(least, (await timed(predict, window)).seconds);
  }
  return least;
}

function agreement(name: string, logits: Float32Array, expected: Float32Array): BenchRow[] {
  return [
    { name: `${name}, logits off the CPU's at most`, value: largestDifference(logits, expected), unit: '' },
    { name: `${name}, labels other than the CPU's`, value: otherLabels(logits, expected), unit: 'voxels' },
  ];
}

function otherLabels(logits: Float32Array, expected: Float32Array): number {
  const voxels = logits.length / 2;
  const isInside = (values: Float32Array, i: number) =>
    (values[voxels + i] as number) > (values[i] as number);
  let others = 0;
  for (let i = 0; i < voxels; i++) if (isInside(logits, i) !== isInside(expected, i)) others++;
  return others;
}

/** As many forwards as there is time for; the rest is multiplied up, and said so. */
async function wholeCt(
  { quick }: BenchOptions,
  { folder, info }: Model,
  provider: ExecutionProvider,
  { forward, cpuForward }: { readonly forward: number; readonly cpuForward: number },
): Promise<BenchRow[]> {
  const size = quick ? ([24, 24, 8] as const) : ([512, 512, 120] as const);
  const length = (axis: 0 | 1 | 2) =>
    Math.round(((size[2 - axis] ?? 0) * FIELD_SPACING[axis]) / info.spacing[axis]);
  const shape: Shape3 = [length(0), length(1), length(2)];
  const all = countForwards(shape, { patchSize: info.patchSize, ...info.inference });
  const some = Math.min(all, Math.max(1, Math.floor(SECONDS_FOR_CT / forward)));
  const program = path.join(import.meta.dirname, 'segment-sample.ts');
  const usage = await runMeasured(program, [
    folder,
    String(some < all ? some : Number.POSITIVE_INFINITY),
    ...size.map(String),
    provider,
  ]);
  const value = usage.seconds + (all - some) * forward;
  const how = some < all ? `, ${some} measured and multiplied up` : '';
  return [
    {
      name: `${provider}: CT of ${size.join('x')}, exact, ${all} forwards${how}`,
      value,
      unit: 's',
      peer: { name: 'CPU, forwards multiplied up', value: all * cpuForward },
    },
    { name: `${provider}: peak memory of its process`, value: usage.peakBytes / 1e9, unit: 'GB' },
  ];
}

/** Without a pattern, always the same. */
function noisyWindow(patchSize: Shape3, mean: number, sd: number): Float32Array {
  return new Float32Array(elements(patchSize)).map((_, i) => mean + sd * 2 * Math.sin(i * i * 0.37 + i));
}
