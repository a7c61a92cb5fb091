import { elements, type Shape3 } from '../src/segmentation/array3.ts';
import { exportSegmentation } from '../src/segmentation/exporting/segmentation-export.ts';
import { preprocess } from '../src/segmentation/preprocessing/preprocess.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { runPeer } from './peer.ts';
import { SAMPLE_CASES, SAMPLE_MODEL, sampleSize, sampleVolume, writeRaw } from './sample-case.ts';
import { fastest } from './stopwatch.ts';

const REPEATS = 2;

/** From the network's probabilities to the mask on the volume's grid, one thread each. */
export async function benchExport({ quick, folder }: BenchOptions): Promise<BenchRow[]> {
  const size = sampleSize(quick);
  const rows: BenchRow[] = [];
  for (const sample of SAMPLE_CASES) {
    const { image, properties } = preprocess(sampleVolume(size, sample.spacing), SAMPLE_MODEL);
    const probability = { data: sampleProbability(image.shape), shape: image.shape };
    await writeRaw(folder, `${sample.key}.probability`, probability.data);
    const { result, seconds } = fastest(REPEATS, () =>
      exportSegmentation(probability, properties, SAMPLE_MODEL, false),
    );
    const peer = await runPeer('export', folder, sample, size, REPEATS);
    const name = `export resampling, ${size.join('x')}, ${sample.name}`;
    rows.push({ name, value: seconds, unit: 's', peer: peer && { name: peer.name, value: peer.seconds } });
    if (!peer) continue;
    let different = 0;
    for (let i = 0; i < peer.result.length; i++) if (result.mask[i] !== peer.result[i]) different++;
    rows.push({ name: `${name}: different`, value: different, unit: `of ${peer.result.length} voxels` });
  }
  return rows;
}

/** A blurred, uneven blob in the middle. */
function sampleProbability(shape: Shape3): Float32Array {
  const probability = new Float32Array(elements(shape));
  const [n0, n1, n2] = shape;
  let at = 0;
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      for (let k = 0; k < n2; k++) {
        const distance = Math.hypot(i / n0 - 0.5, j / n1 - 0.5, k / n2 - 0.5);
        const logit = 60 * (0.2 - distance) + 3 * Math.sin(i) * Math.sin(j / 2) * Math.sin(k / 2);
        probability[at++] = 1 / (1 + Math.exp(-logit));
      }
    }
  }
  return probability;
}
