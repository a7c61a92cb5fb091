import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../src/model-import/torch/open-checkpoint.ts';
import { describeWith, programPath, shared } from '../support/requires.ts';
import { TINY, writeSyntheticTraining } from '../support/synthetic-training.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../support/checkpoint-hashes.py');
const CHECKPOINT = 'fold_0/model_final_checkpoint.model';

/** Every parameter as torch reads it: [name, shape, sha256 of its values in C order, as single precision]. */
async function asTorchReads(files: readonly string[]): Promise<unknown[]> {
  const { stdout } = await promisify(execFile)(programPath('torch'), [SCRIPT, ...files], {
    maxBuffer: 2 ** 26,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

async function asRead(file: string): Promise<unknown> {
  const weights = await openCheckpoint(file);
  try {
    const parameters: unknown[] = [];
    for (const [name, shape] of weights.shapes) {
      const hash = createHash('sha256').update(new Uint8Array((await weights.read(name)).buffer));
      parameters.push([name, shape, hash.digest('hex')]);
    }
    return parameters;
  } finally {
    await weights.close();
  }
}

describeWith(['torch', 'shared'], 'the reference checkpoints', () => {
  test('give every parameter as torch itself reads it', async () => {
    const trainer = 'nnTransUNetTrainerV2__nnUNetPlansv2.1';
    const variants = ['archive_root', 'dataparallel_prefix', 'legacy_nonzip'].map(
      (name) => `variants/${name}`,
    );
    const files = ['Task109_Pancreas', 'Task111_PancreasT2', ...variants].map((name) =>
      shared('reference/models', name, trainer, CHECKPOINT),
    );
    expect(await Promise.all(files.map(asRead))).toEqual(await asTorchReads(files));
  });
});

describeWith(['torch'], 'a synthetic checkpoint', () => {
  test('is one that torch reads, with the same values', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'synthetic-'));
    try {
      const file = path.join(await writeSyntheticTraining(folder, TINY, { momentum: true }), CHECKPOINT);
      expect([await asRead(file)]).toEqual(await asTorchReads([file]));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
