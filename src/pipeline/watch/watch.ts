import { type DicomDataset, requiredText } from '../../dicom/dataset.ts';
import { DicomError } from '../../dicom/errors.ts';
import type { Database } from '../database/sql.ts';
import type { StudyQueue } from '../queue/queue.ts';
import { requestStudy } from '../queue/request-study.ts';
import { fingerprintOf, foreignSeries } from '../records/own-series.ts';
import { lookAtStudy } from '../records/study-log.ts';

/** What the watcher asks the archive: a part of the DICOMweb client. */
export interface StudySource {
  searchStudies(query: {
    lookBack: number | 'all';
    now: Date;
    pageSize: number;
    signal?: AbortSignal;
  }): AsyncIterable<DicomDataset>;
  searchSeries(studyInstanceUid: string, signal?: AbortSignal): Promise<DicomDataset[]>;
  seriesMetadata(
    studyInstanceUid: string,
    seriesInstanceUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset[]>;
}

export interface WatcherParts {
  readonly archive: StudySource;
  readonly database: Database;
  readonly queue: Pick<StudyQueue, 'add' | 'wake'>;
  /** Whether an instance says of itself that this program wrote it. */
  readonly isOwnResult: (dataset: DicomDataset) => boolean;
  /** Days of StudyDate back from `now`, or all studies. */
  readonly lookBack: number | 'all';
  /** A study is complete when two looks at least this far apart find the same counts. */
  readonly stableForMs: number;
  readonly pageSize: number;
  readonly now: () => Date;
}

export interface PollSummary {
  /** How many studies the archive listed. */
  readonly studies: number;
  /** Put in the queue by this poll. */
  readonly queued: readonly string[];
  /** Counts are new or have not been the same for long enough. */
  readonly unstable: number;
  /** Studies that could not be looked at; the others were. */
  readonly errors: readonly PollError[];
}

interface PollError {
  readonly studyInstanceUid: string | undefined;
  readonly error: unknown;
}

type Finding = 'queued' | 'unstable' | 'settled';

/** So many studies in a row without an answer mean that the archive is down, not that these studies are ill. */
const UNREACHABLE_LIMIT = 3;

export interface Watcher {
  /**
   * Looks once at every study within the look-back and queues those that are complete and new.
   * Rejects with the archive's error where the archive can't be asked at all.
   */
  poll(signal?: AbortSignal): Promise<PollSummary>;
}

export function createWatcher(parts: WatcherParts): Watcher {
  return { poll: (signal) => poll(parts, signal) };
}

async function poll(parts: WatcherParts, signal?: AbortSignal): Promise<PollSummary> {
  const { archive, lookBack, pageSize, now } = parts;
  const findings: Record<Finding, string[]> = { queued: [], unstable: [], settled: [] };
  const errors: PollError[] = [];
  let studies = 0;
  let unreachable = 0;
  const query = { lookBack, now: now(), pageSize, ...(signal ? { signal } : {}) };
  for await (const study of archive.searchStudies(query)) {
    signal?.throwIfAborted();
    studies += 1;
    let studyInstanceUid: string | undefined;
    try {
      studyInstanceUid = requiredText(study, 'StudyInstanceUID', 'a study that the archive lists');
      findings[await look(parts, studyInstanceUid, signal)].push(studyInstanceUid);
      unreachable = 0;
    } catch (error) {
      signal?.throwIfAborted();
      unreachable = isUnreachable(error) ? unreachable + 1 : 0;
      if (unreachable === UNREACHABLE_LIMIT) throw error;
      errors.push({ studyInstanceUid, error });
    }
  }
  return { studies, queued: findings.queued, unstable: findings.unstable.length, errors };
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof DicomError && error.code === 'DICOM_WEB_UNREACHABLE';

async function look(parts: WatcherParts, studyInstanceUid: string, signal?: AbortSignal): Promise<Finding> {
  const { archive, database, queue, isOwnResult, stableForMs, now } = parts;
  const series = await archive.searchSeries(studyInstanceUid, signal);
  const own = {
    sql: database,
    seriesMetadata: (study: string, uid: string) => archive.seriesMetadata(study, uid, signal),
    isOwnResult,
  };
  const foreign = await foreignSeries(own, studyInstanceUid, series);
  if (foreign.length === 0) return 'settled';
  const fingerprint = fingerprintOf(foreign);
  const lookedAt = now();
  const { sameSince, settled } = await lookAtStudy(database, {
    studyInstanceUid,
    fingerprint,
    now: lookedAt,
  });
  if (settled) return 'settled';
  if (!sameSince || lookedAt.getTime() - sameSince.getTime() < stableForMs) return 'unstable';
  const request = { studyInstanceUid, reason: 'watched', fingerprint, now: lookedAt } as const;
  await requestStudy({ database, queue }, request);
  return 'queued';
}
