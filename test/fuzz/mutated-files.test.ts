import { expect, it } from 'vitest';
import { isRefusal, LONGEST_MS, originals, treatMutant } from '../support/hostile-files.ts';

const MUTANTS = 10_000;
/** All of them together: the originals, and what one mutant may take. */
const MOST_MEMORY_KB = 2 * 1024 * 1024;

it(`${MUTANTS} mutated files are read or refused by a named error, none takes long, none fills the memory`, async () => {
  const files = await originals();
  const counts: Record<string, number> = {};
  const wrong: string[] = [];
  let longest = { ms: 0, mutant: '' };
  for (let number = 0; number < MUTANTS; number += 1) {
    const { mutant, ms, outcomes } = await treatMutant(files, number);
    counts[outcomes[0]] = (counts[outcomes[0]] ?? 0) + 1;
    wrong.push(
      ...outcomes.filter((outcome) => !isRefusal(outcome)).map((outcome) => `${mutant}: ${outcome}`),
    );
    if (ms > LONGEST_MS) wrong.push(`${mutant}: ${ms.toFixed(0)} ms`);
    if (ms > longest.ms) longest = { ms, mutant };
  }
  const { maxRSS } = process.resourceUsage();
  console.info({ counts, longest, maxRssMb: Math.round(maxRSS / 1024) });
  expect(wrong).toEqual([]);
  expect(maxRSS).toBeLessThan(MOST_MEMORY_KB);
  // A run in which nearly all were refused at the door would show nothing.
  expect(counts['read']).toBeGreaterThan(MUTANTS / 10);
});
