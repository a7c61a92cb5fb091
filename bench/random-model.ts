import { existsSync } from 'node:fs';
import path from 'node:path';
import { importModel } from '../src/model-import/import-model.ts';
import { FULL_SIZE, TINY, writeSyntheticTraining } from '../test/support/synthetic-training.ts';
import type { BenchOptions } from './bench-row.ts';

/**
 * nnU-Net training output of a full-size PanSegNet with random weights and their momentum, 350 MB as the
 * authors' (a few kilobytes where it's to be quick).
 */
export async function randomTraining({ quick, folder }: BenchOptions): Promise<string> {
  const target = path.join(folder, 'training');
  if (!existsSync(target)) await writeSyntheticTraining(target, quick ? TINY : FULL_SIZE, { momentum: true });
  return target;
}

/** The same as a model folder. */
export async function randomModel(options: BenchOptions): Promise<string> {
  const output = path.join(options.folder, 'random');
  if (!existsSync(output)) {
    await importModel({
      source: await randomTraining(options),
      name: 'random',
      modality: 'CT',
      output,
    });
  }
  return output;
}
