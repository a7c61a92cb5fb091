import { isGone } from '../../dicom/gone.ts';
import type { DicomDataset } from '../../dicom/reading/dataset.ts';
import { queueMode } from '../../queue/queue-mode.ts';
import { requestStudy } from '../../queue/request-study.ts';
import { EARLIER } from '../../queue/study-job.ts';
import type { StudyQueue } from '../../queue/study-queue.ts';
import type { Announcement, SourceKind } from '../../store/arrivals/announcements.ts';
import { markDelayed, markIgnored, rememberSource, reopenIgnored } from '../../store/arrivals/look-record.ts';
import type { Database } from '../../store/database/sql.ts';
import { fingerprintOf, foreignSeries } from '../../store/records/own-series.ts';
import { hasEnded } from '../../store/records/run-log.ts';
import { lookAtStudy, settleErased, wasErased } from '../../store/records/study-log.ts';
import type { StudyInQuestion } from '../routing/admission.ts';
import type { Admission } from '../routing/route.ts';
import type { IdentityWatch } from './identity.ts';

/** What a look asks the archive: a part of the DICOMweb client. */
export interface SeriesSource {
  searchSeries(studyInstanceUid: string, signal?: AbortSignal): Promise<DicomDataset[]>;
  seriesMetadata(
    studyInstanceUid: string,
    seriesInstanceUid: string,
    signal?: AbortSignal,
  ): Promise<DicomDataset[]>;
}

export interface LookParts {
  readonly archive: SeriesSource;
  readonly database: Database;
  readonly queue: Pick<StudyQueue, 'add' | 'wake'>;
  /** Whether an instance says of itself that this program wrote it. */
  readonly isOwnResult: (dataset: DicomDataset) => boolean;
  /** Whether the study is to be processed, by the routing rules and the opt-out list. */
  readonly admit: (study: StudyInQuestion, signal?: AbortSignal) => Promise<Admission>;
  /** Notices that a study is another patient's now; without it nobody looks. */
  readonly identity?: IdentityWatch;
  /**
   * Whether results of earlier studies stay in the history: then such a study, where it arrives after all, is
   * still to be processed.
   */
  readonly earlierApart?: boolean;
  /** A study is complete when two looks at least this far apart find the same counts. */
  readonly stableForMs: number;
  readonly now: () => Date;
}

/** What a look found; `again`: when to look next. */
export type LookResult =
  | { readonly is: 'queued' | 'settled' | 'ignored' | 'absent' }
  | { readonly is: 'unstable' | 'later'; readonly again: Date };

/** Why the queue is told that a study is there. */
const REQUEST_REASONS = {
  dimse: 'received',
  stow: 'received',
  notify: 'notified',
  changes: 'watched',
  poll: 'watched',
  earlier: 'earlier',
} as const satisfies Record<Exclude<SourceKind, 'command'>, string>;

/** A queue that is being drained takes nothing; then the study is offered again after so long. */
const QUEUE_CLOSED_PAUSE_MS = 10_000;

/** Looks at one study in the archive, and queues it where it is complete, new and to be processed. */
export async function look(
  parts: LookParts,
  { studyInstanceUid, source: announced }: Announcement,
  signal?: AbortSignal,
): Promise<LookResult> {
  const { archive, database, queue, isOwnResult, admit, stableForMs, now } = parts;
  const series = await seriesOf(archive, studyInstanceUid, signal);
  if (series.length === 0) return { is: 'absent' };
  const own = {
    database,
    seriesMetadata: (study: string, uid: string) => archive.seriesMetadata(study, uid, signal),
    isOwnResult,
  };
  const foreign = await foreignSeries(own, studyInstanceUid, series);
  if (foreign.length === 0) return { is: 'settled' };
  const fingerprint = fingerprintOf(foreign);
  const lookedAt = now();
  const found = { studyInstanceUid, fingerprint, now: lookedAt };
  await settleErased(database, found);
  const { sameSince, settled } = await lookAtStudy(database, found);
  const { source, isOpen } = await database.transaction(async (sql) => {
    const known = await rememberSource(sql, studyInstanceUid, announced);
    const isEarlier = known.source.kind === 'earlier';
    // Whose patient was erased is not asked for again.
    const isOver =
      isEarlier &&
      ((await hasEnded(sql, { ...found, requestId: EARLIER })) || (await wasErased(sql, studyInstanceUid)));
    if (isOver) return { source: known.source, isOpen: false };
    return { source: known.source, isOpen: !settled || (known.isNews && (await reopenIgnored(sql, found))) };
  });
  if (!isOpen && source.kind !== 'command') {
    const noticed = await parts.identity?.notice({ ...found, series: foreign }, signal);
    if (noticed === 'waiting') {
      return { is: 'later', again: new Date(lookedAt.getTime() + QUEUE_CLOSED_PAUSE_MS) };
    }
    if (noticed !== 'reopened') return { is: noticed ?? 'settled' };
  }
  const again = new Date((sameSince ?? lookedAt).getTime() + stableForMs);
  if (!sameSince || lookedAt < again) return { is: 'unstable', again };

  const admission = await admit({ studyInstanceUid, source, series: foreign, now: lookedAt }, signal);
  if (admission.action === 'later') {
    await markDelayed(database, { ...found, reason: admission.reason });
    return { is: 'later', again: admission.until };
  }
  if (admission.action === 'ignore') {
    await markIgnored(database, { ...found, reason: admission.reason });
    await parts.identity?.keptOut({ ...found, series: foreign }, signal);
    return { is: 'ignored' };
  }
  if (source.kind === 'command') {
    await requestStudy({ database, queue }, { studyInstanceUid, reason: 'requested', now: lookedAt });
    return { is: 'queued' };
  }
  if (source.kind === 'earlier') {
    const { fingerprint: _counts, ...apart } = found;
    const request = { ...(parts.earlierApart ? apart : found), reason: 'earlier' as const };
    await requestStudy({ database, queue }, { ...request, now: lookedAt, studyDate: source.studyDate });
    return (await queueMode(database)) === 'draining'
      ? { is: 'later', again: new Date(lookedAt.getTime() + QUEUE_CLOSED_PAUSE_MS) }
      : { is: 'queued' };
  }
  const urgency = source.backlog ? 'backlog' : 'arrived';
  const reason = REQUEST_REASONS[source.kind];
  if (await requestStudy({ database, queue }, { ...found, reason, urgency })) return { is: 'queued' };
  // It waits there already, or the queue takes nothing just now.
  const { settled: isQueued } = await lookAtStudy(database, found);
  if (isQueued) return { is: 'settled' };
  return { is: 'later', again: new Date(lookedAt.getTime() + QUEUE_CLOSED_PAUSE_MS) };
}

/** Some archives answer 404 for a study that they do not have, others an empty list. */
async function seriesOf(
  archive: SeriesSource,
  studyInstanceUid: string,
  signal?: AbortSignal,
): Promise<DicomDataset[]> {
  try {
    return await archive.searchSeries(studyInstanceUid, signal);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
