import { expect, it } from 'vitest';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
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
    const fractional = createSegmentation(given, 'fractional');
    if (!fractional) throw new Error('nothing was written');
    const files = { seg: segmentation.bytes, fractional: fractional.bytes, sr: report.bytes };
    expect(await validatorFindings(files)).toEqual([]);
  });
});
