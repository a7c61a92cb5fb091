import { extname } from 'node:path';
import { TooMuchToRead } from '../../dicom/dicom-error.ts';
import { type DicomDataset, sequence, text } from '../../dicom/reading/dataset.ts';
import { buffersOf, type PackedDataset, packedInTurns } from '../../dicom/reading/in-pieces.ts';
import { WorkerLost, WorkerPool } from '../../dicom/worker-pool.ts';
import { candidatesOf, LONGEST_DESCRIPTION } from './candidates.ts';
import { factsOf } from './facts.ts';
import type { CandidateSeries } from './select.ts';

export interface CandidatesJob {
  readonly seriesInstanceUid: string;
  readonly headers: readonly PackedDataset[];
}

/** So many images are told apart in some dozen milliseconds, however much they differ. */
const SMALL_SERIES = 150;
/** Ten thousand images take some seconds; where each differs from all others, it is quadratic time. */
const LIMIT_MS = 60_000;
/** Volumes of one series: phases, echoes, directions. What has more would hold up choosing among them. */
const MOST_CANDIDATES = 500;

const pool = new WorkerPool<CandidatesJob, CandidateSeries[]>({
  size: 1,
  worker: new URL(`candidates-worker${extname(import.meta.filename)}`, import.meta.url),
  what: 'telling its images apart',
  limitMs: LIMIT_MS,
  idleMs: 2_000,
  heapMb: 128,
});

/**
 * To be called before the headers of a series are asked for: what tells them apart starts while they are on
 * their way.
 */
export function expectHeaders(images: number): void {
  if (images > SMALL_SERIES) pool.warm();
}

/** More images than any series that is a volume, or some. */
const MOST_IMAGES = 20_000;

/**
 * As `candidatesOf`; of large series in a worker thread that has a limit of time and memory. A series that
 * goes beyond it, has too many images or falls into too many volumes is one candidate with that problem: the
 * others of its study are none the worse for it.
 */
export async function candidatesElsewhere(
  seriesInstanceUid: string,
  headers: readonly DicomDataset[],
): Promise<CandidateSeries[]> {
  const images = countImages(headers);
  const untold = (problem: string): CandidateSeries[] => {
    const [first = {}] = headers;
    const description = text(first, 'SeriesDescription')?.slice(0, LONGEST_DESCRIPTION) ?? '';
    return [{ seriesInstanceUid, description, images, problem, facts: factsOf(first, images) }];
  };
  if (images > MOST_IMAGES)
    return untold(`it has ${images} images; more than ${MOST_IMAGES} are not told apart`);
  if (images <= SMALL_SERIES) return candidatesOf(seriesInstanceUid, headers);
  let candidates: CandidateSeries[];
  try {
    candidates = await toldApart(
      seriesInstanceUid,
      await packedInTurns(headers, `series ${seriesInstanceUid}`),
    );
  } catch (error) {
    if (error instanceof WorkerLost || error instanceof TooMuchToRead) return untold(error.message);
    throw error;
  }
  const { length } = candidates;
  if (length <= MOST_CANDIDATES) return candidates;
  return untold(`it falls into ${length} volumes; more than ${MOST_CANDIDATES} are not told apart`);
}

async function toldApart(
  seriesInstanceUid: string,
  headers: readonly PackedDataset[],
): Promise<CandidateSeries[]> {
  return pool.run({ seriesInstanceUid, headers }, buffersOf(headers));
}

function countImages(headers: readonly DicomDataset[]): number {
  let images = 0;
  for (const header of headers) {
    images += Math.max(1, sequence(header, 'PerFrameFunctionalGroupsSequence').length);
  }
  return images;
}
