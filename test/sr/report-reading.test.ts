import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { pancreasTrackingUid } from '../../src/results/pancreas-segment.ts';
import { type FlaggedMeasurement, qualityFlags } from '../../src/results/quality-flags.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { readReport } from '../../src/sr/read-report.ts';
import { createReport } from '../../src/sr/report.ts';
import { CT_MODEL, context, prior, reportInput, smallSeries } from '../support/result-fixtures.ts';

const CHANGE = expect.closeTo((100 * (70.412345 - 80)) / 80, 6);

describe('reading a report back', () => {
  test('gives the current volume, not an earlier one, and what it was made from', () => {
    const written = createReport(reportInput({ priors: [prior('20230101', 80)], flags: ['thick-slices'] }));
    expect(readReport(written.bytes)).toEqual({
      studyInstanceUid: '1.2.840.99999.1',
      seriesInstanceUid: written.seriesInstanceUid,
      sopInstanceUid: written.sopInstanceUid,
      sopClassUid: '1.2.840.10008.5.1.4.1.1.88.33',
      patient: { patientId: 'P1', issuer: 'HOSPITAL' },
      studyDate: '20240110',
      studyTime: '101500',
      volumeMl: 70.412345,
      voxelCount: 39_118,
      volumeIntervalMl: { low: expect.closeTo(66.4, 9), high: expect.closeTo(75, 9) },
      changesPercent: [expect.closeTo((100 * (70.412345 - 80)) / 80, 6)],
      modality: 'CT',
      algorithm: {
        name: 'demo-ct',
        version: '1.0.0',
        sha256: CT_MODEL.sha256,
        mode: 'exact',
        images: 'CT',
        part: undefined,
      },
      sourceSeriesUid: '1.2.840.99999.1.3',
      segmentation: { sopInstanceUid: '2.25.11', seriesInstanceUid: '2.25.12' },
      trackingUid: pancreasTrackingUid(context()),
      flags: ['thick-slices'],
      supersedes: undefined,
      supersededClassUid: undefined,
      priorStudies: ['1.2.840.99999.2.20230101'],
      contentDateTime: new Date('2024-01-11T08:09:10Z'),
    });
  });

  test('gives the report that it supersedes, its part and time, to the millisecond', () => {
    const contentDateTime = new Date('2024-01-11T08:09:10.123Z');
    const given = context({ part: 'arterial, 35 s', contentDateTime });
    const { report } = prior('20240110', 71);
    const written = createReport(reportInput({ context: given, supersedes: report }));
    expect(readReport(written.bytes)).toMatchObject({
      supersedes: report.sopInstanceUid,
      algorithm: { part: 'arterial, 35 s' },
      contentDateTime,
    });
  });

  test('where nothing was found gives no volume, but model and source series', () => {
    const written = createReport(reportInput({ found: undefined }));
    expect(readReport(written.bytes)).toMatchObject({
      volumeMl: undefined,
      modality: 'CT',
      voxelCount: 0,
      algorithm: { name: 'demo-ct', version: '1.0.0', sha256: CT_MODEL.sha256 },
      sourceSeriesUid: '1.2.840.99999.1.3',
      segmentation: undefined,
      flags: ['nothing-found'],
    });
  });

  test.each([
    ['format-1-follow-up', { volumeMl: 70.412345, flags: ['thick-slices'], changesPercent: [CHANGE] }],
    ['format-1-nothing-found', { volumeMl: undefined, voxelCount: 0, flags: ['nothing-found'] }],
    [
      'format-2-follow-up',
      { volumeMl: 70.412345, voxelCount: 39_118, flags: ['thick-slices'], changesPercent: [CHANGE] },
    ],
    ['format-2-nothing-found', { volumeMl: undefined, voxelCount: 0, flags: ['nothing-found'] }],
    ['format-2-corrected', { volumeMl: 70.412345, voxelCount: 39_118, algorithm: undefined }],
  ])('reads one of an earlier format: %s', async (name, said) => {
    const file = path.resolve(import.meta.dirname, `../fixtures/reports/${name}.dcm`);
    const found = said.volumeMl !== undefined;
    expect(readReport(await readFile(file))).toMatchObject({
      patient: { patientId: 'P1', issuer: 'HOSPITAL' },
      modality: 'CT',
      algorithm: { name: 'demo-ct', version: '1.0.0', sha256: CT_MODEL.sha256, images: 'CT' },
      segmentation: found ? { sopInstanceUid: '2.25.11', seriesInstanceUid: '2.25.12' } : undefined,
      trackingUid: found ? pancreasTrackingUid(context()) : undefined,
      ...said,
    });
  });

  test('gives the same whether or not it outlines the pancreas on the images', () => {
    const [outlined, plain] = [true, false].map((outlines) => {
      const { bytes, sopInstanceUid, seriesInstanceUid } = createReport(reportInput({ outlines }));
      expect(readReport(bytes)).toMatchObject({ sopInstanceUid, seriesInstanceUid, volumeMl: 70.412345 });
      return { ...readReport(bytes), sopInstanceUid: '', seriesInstanceUid: '' };
    });
    expect(outlined).toEqual(plain);
  });

  test('gives nothing for an object that is no report of the node', () => {
    const seg = createSegmentation(context());
    if (!seg) throw new Error('no SEG');
    expect(readReport(seg.bytes)).toBeUndefined();
    expect(() => readReport(Uint8Array.of(1, 2, 3))).toThrow(
      expect.objectContaining({ code: 'DICOM_UNREADABLE' }),
    );
  });
});

describe('quality flags', () => {
  const good: FlaggedMeasurement = {
    volumeMl: 70,
    voxelCount: 1000,
    volumeIntervalMl: { low: 65, high: 75 },
    components: 1,
    touchesFirstSlice: false,
    touchesLastSlice: false,
  };

  test('are not raised for a plausible volume in thin, lossless slices', () => {
    expect(qualityFlags(good, smallSeries())).toEqual([]);
  });

  test.each([
    [{ ...good, touchesFirstSlice: true }, ['touches-first-slice']],
    [{ ...good, touchesLastSlice: true, components: 3 }, ['touches-last-slice', 'several-components']],
    [{ ...good, volumeIntervalMl: { low: 55, high: 75 } }, ['uncertain-boundary']],
    // A calibrated model says itself what is unusual for it.
    [{ ...good, volumeIntervalMl: { low: 55, high: 75, isWide: false } }, []],
    [{ ...good, volumeIntervalMl: { low: 69, high: 71, isWide: true } }, ['uncertain-boundary']],
    [{ ...good, volumeIntervalMl: undefined }, []],
    [{ ...good, volumeMl: 9, volumeIntervalMl: { low: 8.5, high: 9.5 } }, ['implausible-volume']],
    [{ ...good, volumeMl: 300 }, ['implausible-volume']],
    [{ ...good, volumeMl: 0, voxelCount: 0, components: 0 }, ['nothing-found']],
  ])('are raised by what was measured: %j', (measurement, flags) => {
    expect(qualityFlags(measurement, smallSeries())).toEqual(flags);
  });

  test('are raised by the source: lossy compression, thick slices', () => {
    const series = smallSeries();
    const affine = series.volume.affine.map((value, i) => (i === 10 ? 7.5 : value));
    const thick = { ...series, lossy: true, volume: { ...series.volume, affine } };
    expect(qualityFlags(good, thick)).toEqual(['lossy-source', 'thick-slices']);
  });
});
