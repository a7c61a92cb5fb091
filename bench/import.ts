import path from 'node:path';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { runMeasured } from './child.ts';
import { randomTraining } from './random-model.ts';

const PROMISED_SECONDS = 60;
const PROMISED_GIGABYTES = 1.5;

/** The command `models import` of a checkpoint in the size of the authors'. */
export async function benchImport(options: BenchOptions): Promise<BenchRow[]> {
  const training = await randomTraining(options);
  const cli = path.join(import.meta.dirname, '../src/cli.ts');
  const command = ['models', 'import', training, '--name', 'imported', '--modality', 'CT'];
  const output = path.join(options.folder, 'imported');
  const { seconds, peakBytes } = await runMeasured(cli, [...command, '--output', output]);
  return [
    { name: 'models import', value: seconds, unit: 's', peer: { name: 'promised', value: PROMISED_SECONDS } },
    {
      name: 'models import: peak memory',
      value: peakBytes / 1e9,
      unit: 'GB',
      peer: { name: 'promised', value: PROMISED_GIGABYTES },
    },
  ];
}
