/**
 * Writes nnU-Net v1 training output of a full-size PanSegNet with random weights and momentum, about 350 MB,
 * the form and size of the authors' models: for measuring and for trying things out. It finds nothing in any
 * image.
 *
 * node tools/write-synthetic-checkpoint.ts FOLDER [--seed N] [--tiny]
 */
import { parseArgs } from 'node:util';
import { FULL_SIZE, TINY, writeSyntheticTraining } from '../test/support/synthetic-training.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, tiny: { type: 'boolean', default: false } },
});
const [folder] = positionals;
if (folder === undefined)
  throw new Error('usage: node tools/write-synthetic-checkpoint.ts FOLDER [--seed N] [--tiny]');
const network = values.tiny ? TINY : FULL_SIZE;
const written = await writeSyntheticTraining(folder, network, { seed: Number(values.seed), momentum: true });
process.stdout.write(`${written}\n`);
