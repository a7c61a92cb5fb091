import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { labelled } from '../test/fixtures/selection-studies/build.ts';
import { HALF_A } from '../test/fixtures/selection-studies/half-a.ts';
import { HALF_B } from '../test/fixtures/selection-studies/half-b.ts';

/** Writes the project's own labelled studies for `select --metadata` and the scorer of the public ones. */
const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node tools/write-selection-studies.ts FOLDER');
mkdirSync(folder, { recursive: true });
for (const [name, studies] of [
  ['half-a.json', HALF_A],
  ['half-b.json', HALF_B],
] as const) {
  writeFileSync(path.join(folder, name), JSON.stringify(labelled(studies)));
}
