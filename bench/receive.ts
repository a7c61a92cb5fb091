import { measureReceive, STUDY_OF_500_MB } from '../test/support/receive-memory.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';

const PROMISED_MEGABYTES = 150;

/**
 * A study by STOW-RS into a node with an archive behind it: how much the node grows until the archive has all
 * of it.
 */
export async function benchReceive({ quick }: BenchOptions): Promise<BenchRow[]> {
  if (process.platform !== 'linux') return []; // only there can the memory of another process be measured
  const study = quick ? STUDY_OF_500_MB.slice(0, 20) : STUDY_OF_500_MB;
  const megabytes = study.reduce((sum, bytes) => sum + bytes, 0) / 1e6;
  const { growthBytes, seconds } = await measureReceive(study);
  const name = `receive by STOW-RS, ${megabytes} MB in ${study.length} instances`;
  return [
    {
      name: `${name}, growth of memory`,
      value: growthBytes / 1e6,
      unit: 'MB',
      peer: { name: 'promised', value: PROMISED_MEGABYTES },
    },
    { name: `${name}, until the answer`, value: seconds, unit: 's' },
  ];
}
