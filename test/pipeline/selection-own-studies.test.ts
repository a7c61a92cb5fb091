import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { predictStudies } from '../../src/pipeline/selection/metadata-file.ts';
import { readSelectionRules } from '../../src/pipeline/selection/rules.ts';
import { labelled } from '../fixtures/selection-studies/build.ts';
import { HALF_A } from '../fixtures/selection-studies/half-a.ts';
import { HALF_B } from '../fixtures/selection-studies/half-b.ts';
import { labelledSet, score } from '../support/labelled-studies.ts';

/** What people write about a series, the part of the body, and what the scanner calls the images. */
const WRITTEN = ['0008103E', '00081030', '00081032', '00180015', '00181030', '00321060', '00400254'];
const IMAGE_TYPE = '00080008';

describe('our own labelled studies', () => {
  const rules = readSelectionRules(null, []);
  const folder = mkdtempSync(path.join(tmpdir(), 'own-studies-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function scoreWithout(half: typeof HALF_A, tags: readonly string[]) {
    const studies = labelledSet.parse(JSON.parse(JSON.stringify(labelled(half))));
    for (const { series } of studies)
      for (const { metadata } of series) for (const tag of tags) delete metadata[tag];
    const file = path.join(folder, 'half.json');
    writeFileSync(file, JSON.stringify(studies));
    return score(studies, predictStudies(file, rules));
  }

  it('are at least 25, of which each half has about as many', () => {
    const ids = [...HALF_A, ...HALF_B].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(25);
    expect(Math.abs(HALF_A.length - HALF_B.length)).toBeLessThanOrEqual(1);
  });

  it.each([
    ['as they are', 'written against', HALF_A, [], 19, 0],
    ['without text', 'written against', HALF_A, WRITTEN, 18, 0],
    ['without text and ImageType', 'written against', HALF_A, [...WRITTEN, IMAGE_TYPE], 17, 1],
    ['as they are', 'that measures', HALF_B, [], 23, 0],
    ['without text', 'that measures', HALF_B, WRITTEN, 20, 1],
    ['without text and ImageType', 'that measures', HALF_B, [...WRITTEN, IMAGE_TYPE], 20, 1],
  ])('are chosen %s, of the half %s', (_, __, half, tags, selections, harmful) => {
    const found = scoreWithout(half, tags);
    expect(found.selections).toBeGreaterThanOrEqual(selections);
    expect(found.harmful.length).toBeLessThanOrEqual(harmful);
  });
});
