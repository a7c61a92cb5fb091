import type { SeriesVolume } from '../../src/dicom/geometry/series-volume.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';
import type { ModelIdentity, ResultContext } from '../../src/results/result-context.ts';
import type { PriorVolume, ReportInput } from '../../src/sr/report-input.ts';

/** Rows times columns is no multiple of 8, so that bits run on across frames. */
export const SMALL_SIZE = [7, 5, 6] as const;

export const CT_MODEL: ModelIdentity = {
  name: 'demo-ct',
  version: '1.0.0',
  title: 'PanSegNet CT',
  modality: 'CT',
  sha256: 'ab'.repeat(32),
  mode: 'exact',
};

/** Header of plane k of a synthetic series; `changes` go over it, undefined takes an attribute away. */
export function header(k: number, changes: Readonly<Record<string, unknown>> = {}): DicomDataset {
  const all: Record<string, unknown> = {
    PatientName: 'Doe^Jane',
    PatientID: 'P1',
    IssuerOfPatientID: 'HOSPITAL',
    PatientBirthDate: '19600102',
    PatientSex: 'F',
    PatientAge: '063Y',
    StudyInstanceUID: '1.2.840.99999.1',
    SeriesInstanceUID: '1.2.840.99999.1.3',
    StudyDate: '20240110',
    StudyTime: '101500',
    StudyID: 'S1',
    AccessionNumber: 'A1',
    ReferringPhysicianName: 'Roe^Richard',
    Modality: 'CT',
    SeriesNumber: '3',
    FrameOfReferenceUID: '1.2.840.99999.1.9',
    Rows: SMALL_SIZE[1],
    Columns: SMALL_SIZE[0],
    ImageOrientationPatient: ['1.0', '0.0', '0.0', '0.0', '1.0', '0.0'],
    ImagePositionPatient: ['-10.50', '-20.250', (k * 2.5).toFixed(3)],
    PixelSpacing: ['0.9000', '0.80'],
    SliceThickness: '2.50',
    ...changes,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A series of `SMALL_SIZE`, its planes 2.5 mm apart; pixel values don't matter to results. */
export function smallSeries(changes: Readonly<Record<string, unknown>> = {}): SeriesVolume {
  const [nx, ny, nz] = SMALL_SIZE;
  return {
    volume: {
      voxels: new Int16Array(nx * ny * nz),
      size: SMALL_SIZE,
      affine: [0.8, 0, 0, -10.5, 0, 0.9, 0, -20.25, 0, 0, 2.5, 0, 0, 0, 0, 1],
    },
    slices: Array.from({ length: nz }, (_, k) => ({
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
      sopInstanceUid: `1.2.840.99999.1.3.${k + 1}`,
      dataset: header(k, changes),
    })),
    lossy: false,
    warnings: [],
  };
}

/** A mask on `SMALL_SIZE` with one voxel in each of the given planes, at another place in each. */
export function smallMask(planes: readonly number[]): Uint8Array {
  const [nx, ny, nz] = SMALL_SIZE;
  const mask = new Uint8Array(nx * ny * nz);
  for (const plane of planes) mask[plane * nx * ny + plane + 9] = 1;
  return mask;
}

export function context(changes: Partial<ResultContext> = {}): ResultContext {
  return {
    series: smallSeries(),
    mask: smallMask([1, 2, 3]),
    model: CT_MODEL,
    contentDateTime: new Date('2024-01-11T08:09:10Z'),
    utcOffsetMinutes: 60,
    softwareVersion: '0.1.0',
    contentQualification: 'RESEARCH',
    ...changes,
  };
}

export function prior(date: string, volumeMl: number, comparable = true): PriorVolume {
  const report = {
    studyInstanceUid: `1.2.840.99999.2.${date}`,
    seriesInstanceUid: `1.2.840.99999.3.${date}`,
    sopInstanceUid: `1.2.840.99999.4.${date}`,
  };
  return { date, volumeMl, comparable, report };
}

/** Where the SEG of `reportInput` is. */
export const SEGMENTATION = {
  sopClassUid: '1.2.840.10008.5.1.4.1.1.66.4',
  sopInstanceUid: '2.25.11',
  seriesInstanceUid: '2.25.12',
};

export function reportInput(changes: Partial<ReportInput> = {}): ReportInput {
  return {
    context: context(),
    found: {
      segmentation: SEGMENTATION,
      measurement: {
        volumeMl: 70.412345,
        voxelCount: 39_118,
        volumeIntervalMl: { low: 66.4, high: 75 },
        meanIntensity: 81.26,
        sdIntensity: 20.14,
      },
    },
    outlines: true,
    flags: [],
    priors: [],
    ...changes,
  };
}
