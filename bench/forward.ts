import '../src/telemetry-off.ts';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import { elements } from '../src/segmentation/array3.ts';
import { openNetwork } from '../src/segmentation/inference/network.ts';
import { exampleWindow, largestDifference } from '../test/support/synthetic-network.ts';
import { FULL_SIZE, type SyntheticNetwork, TINY } from '../test/support/synthetic-training.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { runMeasured } from './child.ts';
import { randomModel, randomTraining } from './random-model.ts';

/** Debian's own Python comes first: another one on the PATH doesn't see Debian's packages. */
const PYTHON = '/usr/bin/python3';
const PLAIN_GRAPH = 'torch.onnx.export';
const ROUNDS = 3;

type Forward = (window: Float32Array) => Promise<Float32Array>;

/** Seconds of the fastest forward, and what came out. */
interface Timing {
  readonly seconds: number;
  readonly logits: Float32Array;
}

/** The same network in PyTorch, and as the graph that PyTorch makes of it. */
interface Torch extends Timing {
  readonly graph: string;
}

/**
 * A forward pass of a full-size network, beside PyTorch and the graph that PyTorch exports of the same
 * weights.
 */
export async function benchForward(options: BenchOptions): Promise<BenchRow[]> {
  const network = options.quick ? TINY : FULL_SIZE;
  const window = exampleWindow(network);
  const file = path.join(await randomModel(options), 'fold_0.onnx');
  const torch = await runTorch(options, network, window);
  const { own, plain } = await timeForwards(network, window, file, torch?.graph);
  const name = `forward of ${network.patchSize.join('x')}`;
  const peerOf = (label: string, value: number | undefined) =>
    value === undefined ? undefined : { name: label, value };
  const memory = await forwardMemory(network, file);
  const plainMemory = torch && (await forwardMemory(network, torch.graph));
  const rows: BenchRow[] = [
    { name, value: own.seconds, unit: 's', peer: peerOf(PLAIN_GRAPH, plain?.seconds) },
    { name: `${name}, peak memory`, value: memory, unit: 'GB', peer: peerOf(PLAIN_GRAPH, plainMemory) },
  ];
  if (!torch || !plain) return rows;
  const off = (logits: Float32Array) => largestDifference(logits, torch.logits);
  return [
    ...rows,
    { name: `${name} in PyTorch`, value: own.seconds, unit: 's', peer: peerOf('PyTorch', torch.seconds) },
    {
      name: `${name}, logits off PyTorch's`,
      value: off(own.logits),
      unit: '',
      peer: peerOf(PLAIN_GRAPH, off(plain.logits)),
    },
  ];
}

/** Turn by turn, so that both graphs meet the same machine. */
async function timeForwards(
  network: SyntheticNetwork,
  window: Float32Array,
  file: string,
  plainFile: string | undefined,
): Promise<{ own: Timing; plain: Timing | undefined }> {
  const net = await openNetwork(file, network.patchSize, availableParallelism());
  const predictPlain = plainFile === undefined ? undefined : await openPlain(plainFile, network);
  let own = await timed(net.predict, window);
  let plain = predictPlain && (await timed(predictPlain, window));
  for (let round = 1; round < ROUNDS; round++) {
    own = faster(own, await timed(net.predict, window));
    plain = predictPlain && plain && faster(plain, await timed(predictPlain, window));
  }
  await net.release();
  return { own, plain };
}

const faster = (a: Timing, b: Timing): Timing => (a.seconds <= b.seconds ? a : b);

async function timed(forward: Forward, window: Float32Array): Promise<Timing> {
  const start = performance.now();
  const logits = await forward(window);
  return { logits, seconds: (performance.now() - start) / 1000 };
}

/** With onnxruntime as it comes. */
async function openPlain(file: string, { patchSize }: SyntheticNetwork): Promise<Forward> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: availableParallelism() });
  return async (window) => {
    const results = await session.run({ input: new Tensor('float32', window, [1, 1, ...patchSize]) });
    const logits = results['logits']?.data;
    if (!(logits instanceof Float32Array) || logits.length !== 2 * elements(patchSize)) {
      throw new Error(`${file} gave no logits`);
    }
    return logits;
  };
}

/**
 * Gigabytes of a process that loads a graph, with the settings that networks are run with, and runs it once.
 */
async function forwardMemory({ patchSize }: SyntheticNetwork, file: string): Promise<number> {
  const program = path.join(import.meta.dirname, 'run-network.ts');
  const { peakBytes } = await runMeasured(program, [file, ...patchSize.map(String)]);
  return peakBytes / 2 ** 30;
}

/** Undefined, with a word on stderr, where there is no PyTorch. */
async function runTorch(
  options: BenchOptions,
  network: SyntheticNetwork,
  window: Float32Array<ArrayBuffer>,
): Promise<Torch | undefined> {
  const { features, pools, kernels, patchSize, attention } = network;
  const trained = path.join(network.task, 'nnTransUNetTrainerV2__nnUNetPlansv2.1', 'fold_0');
  const checkpoint = path.join(await randomTraining(options), trained, 'model_final_checkpoint.model');
  const [graph, input, logits] = ['plain.onnx', 'window.f32', 'torch.f32'].map((file) =>
    path.join(options.folder, file),
  ) as [string, string, string];
  await writeFile(input, new Uint8Array(window.buffer));
  const spec = { checkpoint, features, pools, kernels, patchSize, attention, graph, input, logits };
  const program = path.join(import.meta.dirname, 'export_plain.py');
  try {
    const { stdout } = await promisify(execFile)(PYTHON, [program, JSON.stringify(spec)]);
    const { seconds } = z.object({ seconds: z.number() }).parse(JSON.parse(stdout));
    return { seconds, graph, logits: new Float32Array(new Uint8Array(await readFile(logits)).buffer) };
  } catch (error) {
    process.stderr.write(`no peer (apt-get install python3-torch python3-onnx): ${String(error)}\n`);
    return undefined;
  }
}
