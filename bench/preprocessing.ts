import { preprocess } from '../src/segmentation/preprocessing/preprocess.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { runPeer } from './peer.ts';
import { SAMPLE_CASES, SAMPLE_MODEL, sampleSize, sampleVolume, writeRaw } from './sample-case.ts';
import { fastest } from './stopwatch.ts';

const REPEATS = 2;

/** Crop, resampling and normalization of a CT, one thread each. */
export async function benchPreprocessing({ quick, folder }: BenchOptions): Promise<BenchRow[]> {
  const size = sampleSize(quick);
  const rows: BenchRow[] = [];
  for (const sample of SAMPLE_CASES) {
    const volume = sampleVolume(size, sample.spacing);
    await writeRaw(folder, `${sample.key}.int16`, volume.voxels);
    const { result, seconds } = fastest(REPEATS, () => preprocess(volume, SAMPLE_MODEL));
    const peer = await runPeer('preprocessing', folder, sample, size, REPEATS);
    const name = `preprocessing, ${size.join('x')}, ${sample.name}`;
    rows.push({ name, value: seconds, unit: 's', peer: peer && { name: peer.name, value: peer.seconds } });
    if (!peer) continue;
    const expected = new Float32Array(peer.result.buffer);
    rows.push({ name: `${name}: largest difference`, value: worst(result.image.data, expected), unit: 'sd' });
  }
  return rows;
}

function worst(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  for (let i = 0; i < found.length; i++) {
    difference = Math.max(difference, Math.abs((found[i] as number) - (expected[i] as number)));
  }
  return difference;
}
