import { expect, it } from 'vitest';
import { isRefusal, LONGEST_MS, originals, treatMutant } from '../support/hostile-files.ts';

/** `npm run test:fuzz` tries ten thousand. */
const MUTANTS = 300;

it(`${MUTANTS} mutated files are read, or refused by a named error, and none takes long`, async () => {
  const files = await originals();
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (let number = 0; number < MUTANTS; number += 1) {
    const { mutant, ms, outcomes } = await treatMutant(files, number);
    for (const outcome of outcomes) seen.add(outcome);
    if (!outcomes.every(isRefusal) || ms > LONGEST_MS) {
      wrong.push(`${mutant}: ${ms.toFixed(0)} ms, ${outcomes.join(', ')}`);
    }
  }
  expect(wrong).toEqual([]);
  expect([...seen]).toEqual(
    expect.arrayContaining(['read', 'DICOM_UNREADABLE', 'DICOM_ATTRIBUTE', 'DICOM_GEOMETRY']),
  );
});
