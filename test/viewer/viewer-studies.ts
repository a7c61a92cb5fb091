import { createAbdomen } from '../../src/demo/phantom/abdomen.ts';
import type { Grid } from '../../src/demo/phantom/field.ts';
import { renderContrast, renderPancreas } from '../../src/demo/phantom/render.ts';
import { rotation } from '../../src/demo/phantom/shapes.ts';
import { slicePosition, stackGrid } from '../../src/demo/studies-grid.ts';
import {
  imageModules,
  MAX_STORED,
  pixelModule,
  seriesModules,
  syntheticUid,
  type Visit,
} from '../../src/demo/studies-header.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import type { Volume } from '../../src/dicom/volume.ts';
import { QUALITY_FLAGS } from '../../src/results/quality-flags.ts';
import type { ImageClass, ResultContext } from '../../src/results/result-context.ts';
import { writeObject } from '../../src/results/write-object.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { measure } from '../../src/segmentation/measure.ts';
import { createReport } from '../../src/sr/report.ts';
import type { ReportInput } from '../../src/sr/report-input.ts';
import { CT_MODEL, prior } from '../support/result-fixtures.ts';

/**
 * What a report says beside the volume: nothing, all that it can, a reader's volume, or that there is none.
 */
export type ReportKind =
  | 'first'
  | 'follow-up'
  | 'corrected'
  | 'after the templates of today'
  | 'nothing found'
  | 'nothing found, in words';

/** A study of one series, with the SEG and the report of the pancreas that was drawn into it. */
export interface ViewerStudy {
  readonly studyInstanceUid: string;
  /** SEG, where anything was found, and report. */
  readonly results: readonly Uint8Array[];
  readonly volumeMl: number;
  /**
   * The true mask, with the affine of the grid that the images were rendered on: nothing read back from
   * DICOM.
   */
  readonly truth: Volume<Uint8Array>;
  readonly images: readonly Uint8Array[];
}

interface Plan {
  readonly name: string;
  readonly imageClass: Exclude<ImageClass, 'T2W'>;
  /** About x, y and z, in radians. */
  readonly tilt: readonly [number, number, number];
  /** All slices as frames of one image. */
  readonly enhanced?: boolean;
}

export const CT_PLAN: Plan = { name: 'CT', imageClass: 'CT', tilt: [0, 0, 0] };
export const ENHANCED_CT_PLAN: Plan = {
  name: 'enhanced CT',
  imageClass: 'CT',
  tilt: [0, 0, 0],
  enhanced: true,
};
/** No direction cosine is near 0 or 1: rows, columns and slices all run askew. */
export const OBLIQUE_MR_PLAN: Plan = { name: 'oblique MR', imageClass: 'T1W', tilt: [0.38, -0.3, 0.25] };

/** Small, so that a browser without a graphics card draws it fast; the whole pancreas lies in it. */
const STACK = {
  orientation: 'axial',
  columns: 144,
  rows: 112,
  slices: 30,
  pixelSpacing: 2.5,
  sliceSpacing: 6,
  centre: [0, 6, -2],
} as const;

/** SCT codes and the like don't matter here: a stored value is the rendered one plus this. */
const STORED_OFFSET = { CT: 1024, T1W: 0 } as const;

const ATTRIBUTES = {
  CT: {
    ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    KVP: '120',
    RescaleIntercept: '-1024',
    RescaleSlope: '1',
    RescaleType: 'HU',
    SliceThickness: '6',
    WindowCenter: '50',
    WindowWidth: '400',
  },
  T1W: {
    ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'NORM', 'DIS2D'],
    ScanningSequence: 'GR',
    SequenceVariant: 'SP',
    ScanOptions: 'FS',
    MRAcquisitionType: '3D',
    RepetitionTime: '4.4',
    EchoTime: '2.1',
    EchoTrainLength: '1',
    SliceThickness: '6',
    SpacingBetweenSlices: '6',
    WindowCenter: '400',
    WindowWidth: '800',
  },
} as const;

function visitOf({ name, imageClass }: Plan): Visit {
  return {
    patient: {
      id: `SYN-VIEWER-${imageClass}`,
      name: 'Synthetic^Vera',
      birthDate: '19610214',
      sex: 'F',
      weightKg: 70,
      sizeM: 1.7,
      seed: 4711,
    },
    key: name,
    date: '20240305',
    time: '101500',
    description: `${name} abdomen (synthetic)`,
    accessionNumber: 'SYN-VIEWER',
    modality: imageClass === 'CT' ? 'CT' : 'MR',
    pose: { turn: 0, table: [0, 0, 0] },
    pancreasScale: 1,
    noiseSeed: 21,
  };
}

/**
 * Renders the images and writes the results of the true mask, as the node would write those of a network's.
 */
export async function createViewerStudy(plan: Plan, kind: ReportKind = 'first'): Promise<ViewerStudy> {
  const visit = visitOf(plan);
  const grid = tilted(stackGrid(STACK), plan.tilt);
  const abdomen = createAbdomen(visit.patient.seed);
  const truth = renderPancreas(abdomen, grid);
  const image = renderContrast(abdomen, grid, plan.imageClass, visit.noiseSeed);
  const images = plan.enhanced
    ? [writeEnhanced(plan, visit, grid, image.voxels)]
    : writeImages(plan, visit, grid, image.voxels);

  const series = await buildVolume(images.map((bytes, i) => readInstance(bytes, `image ${i + 1}`)));
  const context: ResultContext = {
    series,
    mask: truth.voxels,
    model: { ...CT_MODEL, modality: plan.imageClass },
    contentDateTime: new Date('2024-03-05T12:00:00Z'),
    utcOffsetMinutes: 60,
    softwareVersion: '0.1.0',
    contentQualification: 'RESEARCH',
  };
  const segmentation = createSegmentation(context);
  const measured = measure(series.volume, truth.voxels);
  const { meanIntensity, sdIntensity } = measured;
  if (!segmentation || meanIntensity === undefined || sdIntensity === undefined) {
    throw new Error(`${plan.name}: the phantom's pancreas lies outside of the grid`);
  }
  const found = { segmentation, measurement: { ...measured, meanIntensity, sdIntensity } };
  const report = createReport({ context, outlines: true, flags: [], priors: [], ...said(kind, found) });
  const isFound = !kind.startsWith('nothing found');
  return {
    studyInstanceUid: syntheticUid(visit),
    results: [...(isFound ? [segmentation.bytes] : []), report.bytes],
    volumeMl: measured.volumeMl,
    truth,
    images,
  };
}

type Found = NonNullable<ReportInput['found']>;

function said(kind: ReportKind, found: Found): Pick<ReportInput, 'found'> & Partial<ReportInput> {
  const priors = [prior('20210304', 88.125), prior('20230304', 75)];
  const supersedes = prior('20240305', 79).report;
  const flags = QUALITY_FLAGS.filter((flag) => flag !== 'nothing-found');
  const { seriesInstanceUid } = found.segmentation;
  const inputs: Record<ReportKind, Pick<ReportInput, 'found'> & Partial<ReportInput>> = {
    first: { found },
    'follow-up': { found, priors, flags, repeatabilityPercent: 9.5, supersedes },
    corrected: { found, supersedes, correction: { seriesInstanceUid, segmentNumber: 1 } },
    'after the templates of today': { found, priors, flags, form: { templates: 'current' } },
    'nothing found': { found: undefined, priors },
    'nothing found, in words': { found: undefined, priors, form: { nothingFound: 'words' } },
  };
  return inputs[kind];
}

const SERIES_KEY = 'viewer';

const headerOf = ({ name, imageClass }: Plan) => ({
  key: SERIES_KEY,
  number: 2,
  description: `${name} abdomen`,
  protocol: 'Abdomen',
  time: '100912',
  attributes: ATTRIBUTES[imageClass],
});

const storedValues = ({ imageClass }: Plan, voxels: Int16Array): Uint16Array =>
  Uint16Array.from(voxels, (value) => Math.min(MAX_STORED, Math.max(0, value + STORED_OFFSET[imageClass])));

// The demo's images lie along the axes, and write three decimals; here every digit counts.
const orientationOf = (grid: Grid): string[] =>
  [direction(grid, 0, STACK.pixelSpacing), direction(grid, 1, STACK.pixelSpacing)]
    .flat()
    .map((cosine) => cosine.toFixed(9));
const positionOf = (grid: Grid, k: number): string[] =>
  slicePosition(grid.affine, k).map((mm) => mm.toFixed(6));

function writeImages(plan: Plan, visit: Visit, grid: Grid, voxels: Int16Array): Uint8Array[] {
  const header = headerOf(plan);
  const pixels = STACK.columns * STACK.rows;
  const stored = storedValues(plan, voxels);
  return Array.from({ length: STACK.slices }, (_, k) => {
    const { orientation, pixelSpacing } = STACK;
    const position = slicePosition(grid.affine, k);
    const plane = { number: k + 1, acquisition: 1, orientation, pixelSpacing, position };
    return writeObject({
      ...seriesModules(visit, header),
      ...imageModules(visit, header, plane),
      ImageOrientationPatient: orientationOf(grid),
      ImagePositionPatient: positionOf(grid, k),
      ...pixelModule(STACK.columns, STACK.rows, stored.slice(k * pixels, (k + 1) * pixels)),
    });
  });
}

const ENHANCED_CT = '1.2.840.10008.5.1.4.1.1.2.1';

/** The same as an enhanced CT (PS3.3 A.38), as far as viewers and the node ask for. */
function writeEnhanced(plan: Plan, visit: Visit, grid: Grid, voxels: Int16Array): Uint8Array {
  const attributes = { ImageType: ['ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'] };
  const spacing = String(STACK.pixelSpacing);
  return writeObject({
    ...seriesModules(visit, { ...headerOf(plan), attributes }),
    SOPClassUID: ENHANCED_CT,
    SOPInstanceUID: syntheticUid(visit, SERIES_KEY, 'enhanced'),
    InstanceNumber: '1',
    ContentDate: visit.date,
    ContentTime: '100912',
    NumberOfFrames: String(STACK.slices),
    SharedFunctionalGroupsSequence: [
      {
        PixelMeasuresSequence: [
          { PixelSpacing: [spacing, spacing], SliceThickness: String(STACK.sliceSpacing) },
        ],
        PlaneOrientationSequence: [{ ImageOrientationPatient: orientationOf(grid) }],
        PixelValueTransformationSequence: [
          { RescaleIntercept: '-1024', RescaleSlope: '1', RescaleType: 'HU' },
        ],
        FrameVOILUTSequence: [{ WindowCenter: '50', WindowWidth: '400' }],
      },
    ],
    PerFrameFunctionalGroupsSequence: Array.from({ length: STACK.slices }, (_, k) => ({
      FrameContentSequence: [{ StackID: '1', InStackPositionNumber: k + 1 }],
      PlanePositionSequence: [{ ImagePositionPatient: positionOf(grid, k) }],
    })),
    ...pixelModule(STACK.columns, STACK.rows, storedValues(plan, voxels)),
  });
}

/** The grid turned about the origin of patient space, which lies in the middle of the phantom. */
function tilted({ size, affine }: Grid, [x, y, z]: Plan['tilt']): Grid {
  const turn = rotation(x, y, z);
  const rows = [0, 1, 2].map((row) =>
    [0, 1, 2, 3].map((column) =>
      [0, 1, 2].reduce((sum, k) => sum + (turn[row * 3 + k] ?? 0) * (affine[k * 4 + column] ?? 0), 0),
    ),
  );
  return { size, affine: [...rows.flat(), 0, 0, 0, 1] };
}

/** A column of the affine as a unit vector. */
function direction({ affine }: Grid, column: number, length: number): number[] {
  return [0, 1, 2].map((row) => (affine[row * 4 + column] ?? 0) / length);
}
