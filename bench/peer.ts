import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { SAMPLE_MODEL, type SampleCase, type Size } from './sample-case.ts';

const run = promisify(execFile);

/** Debian's own Python comes first: another one on the PATH doesn't see Debian's packages. */
const PYTHON = '/usr/bin/python3';

export interface PeerRun {
  readonly name: string;
  readonly seconds: number;
  /** What it computed. */
  readonly result: Uint8Array<ArrayBuffer>;
}

/**
 * nnU-Net's steps with the libraries that it uses, on one thread; undefined, with a word on stderr, where
 * they aren't there. The input lies in `folder`.
 */
export async function runPeer(
  part: 'preprocessing' | 'export',
  folder: string,
  { key, spacing }: SampleCase,
  [nx, ny, nz]: Size,
  repeats: number,
): Promise<PeerRun | undefined> {
  const { normalization } = SAMPLE_MODEL;
  if (normalization.scheme !== 'CT') throw new Error('the sample is a CT');
  const { mean, sd, percentile_00_5: low, percentile_99_5: high } = normalization;
  const spec = { folder, key, shape: [nz, ny, nx], spacing, target: SAMPLE_MODEL.spacing, repeats };
  const oneThread = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const program = path.join(import.meta.dirname, 'peer.py');
  try {
    const { stdout } = await run(PYTHON, [program, part, JSON.stringify({ ...spec, mean, sd, low, high })], {
      env: { ...process.env, ...oneThread },
    });
    const { seconds } = JSON.parse(stdout) as { seconds: number };
    const result = new Uint8Array(await readFile(path.join(folder, `${key}.peer`)));
    return { name: 'scikit-image, as nnU-Net', seconds, result };
  } catch (error) {
    process.stderr.write(`no peer (apt-get install python3-skimage): ${String(error)}\n`);
    return undefined;
  }
}
