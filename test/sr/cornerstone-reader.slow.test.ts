import { beforeAll, describe, expect, test } from 'vitest';
import { findCornerstone, type Reading, readWithCornerstone } from '../support/cornerstone-reader.ts';
import { CT_PLAN, createViewerStudy } from '../viewer/viewer-studies.ts';

const cornerstone = await findCornerstone();
const isMissing = 'missing' in cornerstone;
if (isMissing && process.env['CI']) throw new Error(`needs ${cornerstone.missing}`);
const need = isMissing ? ` [needs ${cornerstone.missing}]` : '';

describe.skipIf(isMissing)(`cornerstone's adapter${need}`, () => {
  let read: Record<string, Reading> = {};
  beforeAll(async () => {
    if (isMissing) return;
    const first = await createViewerStudy(CT_PLAN);
    const today = await createViewerStudy(CT_PLAN, 'after the templates of today');
    const nothing = await createViewerStudy(CT_PLAN, 'nothing found');
    const [seg, usual] = first.results;
    const results = { seg, usual, today: today.results[1], nothing: nothing.results[0] };
    const written = Object.entries(results).flatMap(([name, bytes]) =>
      bytes ? [[name, bytes] as const] : [],
    );
    read = await readWithCornerstone(cornerstone.folder, first.images, Object.fromEntries(written));
  });

  test('reads the SEG as label maps, and warns of nothing', () => {
    expect(read['seg']?.found).toContain('labelMapImages');
    expect(read['seg']?.warnings).toEqual([]);
  });

  test('reads the volume as a probe from a report after the templates of today, and warns of nothing', () => {
    expect(read['today']).toMatchObject({ found: { Probe: 1 }, warnings: [] });
  });

  test('reads that nothing was found at its bracket, and warns of nothing', () => {
    expect(read['nothing']).toMatchObject({ found: { RectangleROI: 1 }, warnings: [] });
  });

  test('leaves out the group with the segment of a report of the default form, and goes on', () => {
    expect(read['usual']?.found).toEqual({});
    expect(read['usual']?.warnings).toEqual([
      expect.stringMatching(/TypeError: Cannot read properties of undefined \(reading 'ValueType'\)$/),
    ]);
  });
});
