import type { Database } from '../store/database/sql.ts';
import { isErased, isSettled, markQueued } from '../store/records/study-log.ts';
import { queueMode } from './queue-mode.ts';
import { isBehindOthers, type StudyRequest } from './study-job.ts';
import type { StudyQueue } from './study-queue.ts';

/**
 * Puts a study in the queue and says so in the study log, both or neither: every way in leads here.
 * @param request.fingerprint the counts that a look found, so that the next look knows they are dealt with
 * @returns false where the study waits in the queue already, and that job will see what is there now; where
 *   another process has dealt with these counts since the look; where the patient of an earlier study was
 *   erased meanwhile; and while the queue is draining: then nothing is marked, and the next look finds the
 *   study again
 */
export async function requestStudy(
  { database, queue }: { readonly database: Database; readonly queue: Pick<StudyQueue, 'add' | 'wake'> },
  request: StudyRequest & { readonly fingerprint?: string; readonly now: Date },
): Promise<boolean> {
  const added = await database.transaction(async (sql) => {
    if (request.reason !== 'requested' && (await queueMode(sql)) === 'draining') return false;
    if (
      request.fingerprint !== undefined &&
      (await isSettled(sql, request.studyInstanceUid, request.fingerprint))
    )
      return false;
    if (isBehindOthers(request.reason) && (await isErased(sql, request.studyInstanceUid))) return false;
    const isNew = await queue.add(request, sql);
    // What is measured again is done, whatever becomes of that.
    if (request.reason !== 'remeasured') await markQueued(sql, { ...request, isNew });
    return isNew;
  });
  queue.wake();
  return added;
}

/**
 * Puts a study that was given up back in the queue, and says so in the study log.
 * @returns false where it is not among those that were given up
 */
export async function requeueStudy(
  { database, queue }: { readonly database: Database; readonly queue: Pick<StudyQueue, 'requeue' | 'wake'> },
  { studyInstanceUid, now }: { readonly studyInstanceUid: string; readonly now: Date },
): Promise<boolean> {
  const requeued = await database.transaction(async (sql) => {
    if (!(await queue.requeue(studyInstanceUid, sql))) return false;
    await markQueued(sql, { studyInstanceUid, isNew: true, now });
    return true;
  });
  queue.wake();
  return requeued;
}
