import { describe, expect, it } from 'vitest';
import { syntheticStudies } from '../../src/demo/studies.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { number, numbers, readInstance, text, texts } from '../../src/dicom/reading/dataset.ts';
import { isOwnResult } from '../../src/results/own-results.ts';

const studies = syntheticStudies();
const allSeries = studies.flatMap((study) => study.series.map((series) => ({ study, series })));

function seriesCalled(part: string) {
  const found = allSeries.find(({ series }) => series.description.includes(part));
  if (!found) throw new Error(`no series called ${part}`);
  return found;
}

function read(part: string) {
  const { series } = seriesCalled(part);
  return [...series.instances()].map((bytes) => readInstance(bytes, series.description));
}

describe('the synthetic studies', () => {
  it('are two CTs of one patient and an MR of another', () => {
    expect(studies.map(({ title }) => title)).toEqual([
      'Synthetic^Adam, CT of 2024-03-05',
      'Synthetic^Adam, CT of 2025-03-06',
      'Synthetic^Eva, MR of 2025-06-18',
    ]);
    const [first, second] = studies;
    expect((second?.pancreasVolumeMl ?? 0) / (first?.pancreasVolumeMl ?? 1)).toBeCloseTo(0.88, 6);
  });

  it('have a UID of their own for each study and series, the same each time', () => {
    const uids = (list: typeof studies) =>
      list.flatMap((study) => [study.studyInstanceUid, ...study.series.map((s) => s.seriesInstanceUid)]);
    const all = uids(studies);
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((uid) => /^2\.25\.[1-9]\d*$/.test(uid) && uid.length <= 64)).toBe(true);
    expect(uids(syntheticStudies())).toEqual(all);
  });

  it('have a true pancreas exactly where a series is to be segmented', () => {
    const kinds = studies.map(({ series }) => series.map(({ kind }) => kind));
    expect(kinds).toEqual([
      ['NONE', 'CT_ABDOMEN', 'NONE'],
      ['NONE', 'CT_ABDOMEN', 'NONE'],
      ['NONE', 'T2W', 'NONE', 'NONE', 'T1W'],
    ]);
    for (const { series } of allSeries) expect(series.truth !== undefined).toBe(series.kind !== 'NONE');
  });

  it('write the same bytes each time', () => {
    const { series } = seriesCalled('Scout');
    const [first, second] = [1, 2].map(() => [...series.instances()].map((bytes) => Buffer.from(bytes)));
    expect(first).toHaveLength(2);
    expect(first?.every((bytes, i) => bytes.equals(second?.[i] ?? Buffer.alloc(0)))).toBe(true);
  });

  it('say in every header what they are, and do not look like results of this node', () => {
    const { study, series } = seriesCalled('t1_vibe_fs');
    for (const { dataset } of read('t1_vibe_fs')) {
      expect(text(dataset, 'StudyInstanceUID')).toBe(study.studyInstanceUid);
      expect(text(dataset, 'SeriesInstanceUID')).toBe(series.seriesInstanceUid);
      expect(text(dataset, 'PatientName')).toBe('Synthetic^Eva');
      expect(text(dataset, 'PatientID')).toBe('SYN-0002');
      expect(text(dataset, 'ImageComments')).toMatch(/synthetic/i);
      expect(text(dataset, 'StudyDescription')).toMatch(/synthetic demo/);
      expect(texts(dataset, 'ScanOptions')).toContain('FS');
      expect(isOwnResult(dataset)).toBe(false);
    }
  });

  it('count the axial CT images from the head downwards, one frame of reference for all', () => {
    const { study } = seriesCalled('portal venous 3.0');
    const instances = read('portal venous 3.0');
    const heights = instances.map(({ dataset }) => numbers(dataset, 'ImagePositionPatient')[2] ?? 0);
    expect(instances.map(({ dataset }) => number(dataset, 'InstanceNumber'))).toEqual(
      heights.map((_, i) => i + 1),
    );
    const steps = heights.slice(1).map((height, i) => (heights[i] ?? 0) - height);
    expect(steps.map((step) => step.toFixed(3))).toEqual(steps.map(() => '3.000'));
    const frames = study.series.map((series) => {
      const first = [...series.instances()][0] ?? new Uint8Array();
      return text(readInstance(first, series.description).dataset, 'FrameOfReferenceUID');
    });
    expect(new Set(frames).size).toBe(1);
  });

  it.each(['portal venous 3.0', 't2_haste_tra', 't1_vibe'])(
    'have the truth of %s on the grid of its volume, where the pancreas is seen',
    async (part) => {
      const { study, series } = seriesCalled(part);
      const truth = series.truth?.();
      const { volume } = await buildVolume(read(part));
      expect(volume.size).toEqual(truth?.size);
      for (const [i, v] of volume.affine.entries()) expect(v).toBeCloseTo(truth?.affine[i] ?? Number.NaN, 2);
      const inside = [...volume.voxels].filter((_, i) => truth?.voxels[i] === 1);
      const [dx, dy, dz] = [volume.affine[0] ?? 0, volume.affine[5] ?? 0, volume.affine[10] ?? 0];
      expect((inside.length * dx * dy * dz) / 1000 / study.pancreasVolumeMl).toBeCloseTo(1, 1);
      const mean = inside.reduce((sum, v) => sum + v, 0) / inside.length;
      const variance = inside.reduce((sum, v) => sum + (v - mean) ** 2, 0) / inside.length;
      // One tissue: elsewhere in the body, fat, fluid and bone would spread far more.
      expect(Math.sqrt(variance) / Math.abs(mean)).toBeLessThan(0.45);
    },
  );
});
