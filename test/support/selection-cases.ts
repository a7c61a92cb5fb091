import { text } from '../../src/dicom/reading/dataset.ts';
import { factsOf } from '../../src/pipeline/selection/facts.ts';
import type { CandidateSeries } from '../../src/pipeline/selection/select.ts';
import { normalOf, type Point } from '../../src/pipeline/selection/stack.ts';

/** A series as a test writes it: attributes by keyword, and how its slices stand. */
export interface CaseSeries {
  readonly [keyword: string]: unknown;
  /** Number of slices, 40 unless given. */
  readonly slices?: number;
  /** mm from slice to slice; SliceThickness unless given. */
  readonly step?: number;
  /** mm, of the lowest slice. */
  readonly bottom?: number;
  /** How often each place was imaged. */
  readonly times?: number;
}

const AXIAL = ['1', '0', '0', '0', '1', '0'];
export const CORONAL = ['1', '0', '0', '0', '0', '-1'];
export const SAGITTAL = ['0', '1', '0', '0', '0', '-1'];

export const ct = (changes: CaseSeries = {}): CaseSeries => ({
  Modality: 'CT',
  StudyDescription: 'CT Abdomen',
  ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
  ImageOrientationPatient: AXIAL,
  Rows: 512,
  Columns: 512,
  PixelSpacing: ['0.75', '0.75'],
  SliceThickness: '2',
  ConvolutionKernel: 'Br40d',
  slices: 220,
  ...changes,
});

const mr = (changes: CaseSeries): CaseSeries => ({
  Modality: 'MR',
  StudyDescription: 'MR Abdomen',
  ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'ND'],
  ImageOrientationPatient: AXIAL,
  Rows: 320,
  Columns: 320,
  PixelSpacing: ['1.2', '1.2'],
  AcquisitionTime: '101500',
  ...changes,
});

/** A fat-suppressed 3D gradient echo. */
export const t1 = (changes: CaseSeries = {}): CaseSeries =>
  mr({
    ScanningSequence: 'GR',
    MRAcquisitionType: '3D',
    RepetitionTime: '4.2',
    EchoTime: '1.9',
    FlipAngle: '10',
    ScanOptions: 'FS',
    SliceThickness: '3',
    slices: 72,
    ...changes,
  });

/** A single-shot spin echo. */
export const t2 = (changes: CaseSeries = {}): CaseSeries =>
  mr({
    ScanningSequence: 'SE',
    MRAcquisitionType: '2D',
    RepetitionTime: '1200',
    EchoTime: '90',
    FlipAngle: '150',
    EchoTrainLength: '160',
    SliceThickness: '5',
    step: 6,
    slices: 36,
    ...changes,
  });

/** A candidate as the archive's metadata would give it. */
export function candidate(uid: string, series: CaseSeries): CandidateSeries {
  const {
    slices = 40,
    step = Number(series['SliceThickness'] ?? 3),
    bottom = -200,
    times = 1,
    ...header
  } = series;
  const normal = normalOf(header) ?? [0, 0, 1];
  const heights = Array.from({ length: slices * times }, (_, i) => bottom + (i % slices) * step);
  const positions = heights.map(
    (height): Point => [normal[0] * height, normal[1] * height, normal[2] * height],
  );
  return {
    seriesInstanceUid: uid,
    description: text(header, 'SeriesDescription') ?? '',
    facts: factsOf(header, slices * times, { positions }),
  };
}
