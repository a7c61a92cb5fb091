import { expect, it } from 'vitest';
import { createReport } from '../../src/sr/report.ts';
import { resultsOfEnhanced } from '../support/enhanced-image.ts';
import { describeWith } from '../support/requires.ts';
import { reportInput } from '../support/result-fixtures.ts';
import { validatorFindings } from '../support/validators.ts';

describeWith(['dciodvfy', 'dcentvfy', 'java'], 'SEG and report of an enhanced image', () => {
  it('draw neither error nor warning from the validators', async () => {
    const { given, segmentation } = await resultsOfEnhanced();
    const { sopInstanceUid, seriesInstanceUid } = segmentation;
    const found = {
      segmentation: { sopInstanceUid, seriesInstanceUid },
      measurement: { volumeMl: 0.012, meanIntensity: 4, sdIntensity: 2 },
    };
    const report = createReport(reportInput({ context: given, found }));
    const files = { 'seg.dcm': segmentation.bytes, 'sr.dcm': report.bytes };
    expect(await validatorFindings(files)).toEqual([]);
  });
});
