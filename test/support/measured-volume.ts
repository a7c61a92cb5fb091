import type { MeasuredVolume } from '../../src/store/records/volume-record.ts';

/** A volume of a study named by patient and date; everything can be told otherwise. */
export function measuredVolume(
  patientKey: string,
  studyDate: string,
  other: Partial<MeasuredVolume> = {},
): MeasuredVolume {
  const study = `2.25.${Buffer.from(patientKey).readUIntBE(0, Math.min(3, patientKey.length))}.${studyDate}`;
  return {
    patientKey,
    studyInstanceUid: study,
    studyDate,
    studyTime: '093000',
    seriesInstanceUid: `${study}.1`,
    part: '',
    class: 'CT',
    model: { name: 'demo-ct', version: '1.0.0', sha256: 'a'.repeat(64), mode: 'exact' },
    volumeMl: 71.25,
    voxelCount: 28_500,
    intervalMl: { low: 68.125, high: 75.5 },
    flags: [],
    seg: { seriesInstanceUid: `${study}.2`, sopInstanceUid: `${study}.2.1` },
    report: { seriesInstanceUid: `${study}.3`, sopInstanceUid: `${study}.3.1` },
    supersedes: null,
    contentDateTime: '2026-03-04T05:06:07.089Z',
    ...other,
  };
}
