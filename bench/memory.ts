import path from 'node:path';
import { signNetwork, writeModel } from '../test/support/tiny-onnx.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { runMeasured } from './child.ts';
import { randomModel } from './random-model.ts';
import { SAMPLE_MODEL } from './sample-case.ts';

const PROMISED_GIGABYTES = 6;

/** After these the runtime has all the memory that it takes. */
const FORWARDS = 2;

/**
 * Peak memory of the program that segments a big CT, and of its process for the network, added up: in a whole run with a network that does next to nothing,
 * probabilities kept, and in the first forward passes of a full-size network. The network is released before
 * the export, so that a whole run with it takes the larger of the two.
 */
export async function benchMemory(options: BenchOptions): Promise<BenchRow[]> {
  const size = options.quick ? [64, 64, 40] : [512, 512, 400];
  const { patchSize } = SAMPLE_MODEL;
  const inference = { stepSize: 1, mirrorAxes: [] };
  const network = { 'fold_0.onnx': signNetwork(patchSize) };
  const cheap = await writeModel(options.folder, { ...SAMPLE_MODEL, name: 'cheap', inference }, network);
  const runs = [
    ['whole run, trivial network', cheap, Number.POSITIVE_INFINITY],
    [
      `${FORWARDS} forwards of a ${options.quick ? 'tiny' : 'full-size'} network`,
      await randomModel(options),
      FORWARDS,
    ],
  ] as const;
  const rows: BenchRow[] = [];
  for (const [name, model, forwards] of runs) {
    const program = path.join(import.meta.dirname, 'segment-sample.ts');
    const { peakBytes } = await runMeasured(program, [model, String(forwards), ...size.map(String)]);
    rows.push({
      name: `peak memory, ${size.join('x')}, ${name}`,
      value: peakBytes / 1e9,
      unit: 'GB',
      peer: { name: 'promised', value: PROMISED_GIGABYTES },
    });
  }
  return rows;
}
