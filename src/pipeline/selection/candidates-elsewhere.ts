import { extname } from 'node:path';
import { DicomError } from '../../dicom/dicom-error.ts';
import { type DicomDataset, sequence } from '../../dicom/reading/dataset.ts';
import { type PackedDataset, packedInTurns } from '../../dicom/reading/in-pieces.ts';
import { WorkerLost, WorkerPool } from '../../dicom/worker-pool.ts';
import { candidatesOf } from './candidates.ts';
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
  heapMb: 224,
});

/**
 * As `candidatesOf`; of large series in a worker thread that has a limit of time and memory.
 * @throws DicomError DICOM_GEOMETRY where that is reached, or the series holds too many volumes to choose
 * from
 */
export async function candidatesElsewhere(
  seriesInstanceUid: string,
  headers: readonly DicomDataset[],
): Promise<CandidateSeries[]> {
  const source = `series ${seriesInstanceUid}`;
  const candidates = isSmall(headers)
    ? candidatesOf(seriesInstanceUid, headers)
    : await pool
        .run({ seriesInstanceUid, headers: await packedInTurns(headers, source) })
        .catch((cause: unknown) => {
          if (!(cause instanceof WorkerLost)) throw cause;
          throw new DicomError('DICOM_GEOMETRY', `${source}: ${cause.message}`, { cause });
        });
  if (candidates.length <= MOST_CANDIDATES) return candidates;
  const what = `it falls into ${candidates.length} volumes; more than ${MOST_CANDIDATES} are not told apart`;
  throw new DicomError('DICOM_GEOMETRY', `${source}: ${what}`);
}

function isSmall(headers: readonly DicomDataset[]): boolean {
  let images = 0;
  for (const header of headers) {
    images += Math.max(1, sequence(header, 'PerFrameFunctionalGroupsSequence').length);
    if (images > SMALL_SERIES) return false;
  }
  return true;
}
