import { EvaluationError } from '../evaluation-error.ts';
import { dicomVolumes, imageFor, type SegFile, segFiles } from './dicom-folders.ts';
import { holdsNifti, niftiFiles } from './folders.ts';
import type { CaseSource, ImageSource, MaskSource } from './sources.ts';

export interface Folders {
  readonly images: string | undefined;
  readonly labels: string;
  readonly predictions: string | undefined;
  readonly against: string | undefined;
  readonly raters: readonly string[];
}

export interface FoundCases {
  /** Those that have a label, or are wanted, in the order of their names. */
  readonly cases: readonly CaseSource[];
  /** Names of images and predictions without a label: they are not evaluated. */
  readonly unlabelled: readonly string[];
  /** Why images are not there. */
  readonly problems: readonly string[];
}

/**
 * The cases of the folders: those of `labels`, and those that are `wanted` without a label, for their volume.
 * DICOM cases are called by the SeriesInstanceUID of their images.
 * @throws {EvaluationError} CASES_MISSING, CASES_AMBIGUOUS; DicomError for a damaged DICOM file
 */
export async function findCases(folders: Folders, wanted: ReadonlySet<string>): Promise<FoundCases> {
  const labels = await masksOf(folders.labels);
  const { images, problems } = await imagesOf(folders.images, labels.segs);
  const predictions = await masksOf(folders.predictions);
  const against = await masksOf(folders.against);
  const raters = await Promise.all(folders.raters.map(masksOf));
  const known = new Set([...labels.sources.keys(), ...images.keys(), ...predictions.sources.keys()]);
  const isCase = (name: string) => labels.sources.has(name) || wanted.has(name);
  const names = [...known].filter(isCase).sort();
  if (names.length === 0) {
    const problem = 'holds no label: neither NAME.nii.gz nor a DICOM SEG';
    throw new EvaluationError('CASES_MISSING', `${folders.labels} ${problem}`);
  }
  return {
    cases: names.map((name) => ({
      name,
      image: images.get(name),
      label: labels.sources.get(name),
      prediction: predictions.sources.get(name),
      against: against.sources.get(name),
      raters: raters.map(({ sources }) => sources.get(name)),
    })),
    unlabelled: [...known].filter((name) => !isCase(name)).sort(),
    problems,
  };
}

type Segs = ReadonlyMap<string, SegFile>;

async function imagesOf(
  folder: string | undefined,
  labels: Segs,
): Promise<{ images: Map<string, ImageSource | undefined>; problems: readonly string[] }> {
  if (folder === undefined) return { images: new Map(), problems: [] };
  if (await holdsNifti(folder)) {
    const files = await niftiFiles(folder, { isImages: true });
    return {
      images: new Map([...files].map(([name, file]) => [name, { kind: 'nifti', file }])),
      problems: [],
    };
  }
  const { volumes, problems } = await dicomVolumes(folder);
  return {
    images: new Map([...volumes].map(([uid, series]) => [uid, imageFor(series, labels.get(uid))])),
    problems,
  };
}

async function masksOf(
  folder: string | undefined,
): Promise<{ sources: ReadonlyMap<string, MaskSource>; segs: Segs }> {
  if (folder === undefined) return { sources: new Map(), segs: new Map() };
  if (await holdsNifti(folder)) {
    const files = await niftiFiles(folder, { isImages: false });
    return {
      sources: new Map([...files].map(([name, file]) => [name, { kind: 'nifti', file }])),
      segs: new Map(),
    };
  }
  const segs = await segFiles(folder);
  return { sources: new Map([...segs].map(([name, { file }]) => [name, { kind: 'seg', file }])), segs };
}
