import { expect, it } from 'vitest';
import { createReport } from '../../src/sr/report.ts';
import { resultsOfEnhanced } from '../support/enhanced-image.ts';
import { describeWith } from '../support/requires.ts';
import { reportInput } from '../support/result-fixtures.ts';
import { validatorFindings } from '../support/validators.ts';

describeWith(['dciodvfy', 'dcentvfy', 'java'], 'SEG and report of an enhanced image', () => {
  it('draw neither error nor warning from the validators', async () => {
    const { given, segmentation } = await resultsOfEnhanced();
    const { found } = reportInput();
    if (!found) throw new Error('the fixture has no finding');
    const ours = { ...found, segmentation };
    const report = createReport(reportInput({ context: given, found: ours }));
    const files = { 'seg.dcm': segmentation.bytes, 'sr.dcm': report.bytes };
    expect(await validatorFindings(files)).toEqual([]);
  });
});
