import type { Database } from '../database/sql.ts';
import { markQueued } from '../records/study-log.ts';
import type { StudyQueue, StudyRequest } from './queue.ts';

/**
 * Puts a study in the queue and says so in the study log, both or neither: every way in leads here.
 * @param request.fingerprint the counts that a look found, so that the next look knows they are dealt with
 * @returns false where the study waits in the queue already; that job will see what is there now
 */
export async function requestStudy(
  { database, queue }: { readonly database: Database; readonly queue: Pick<StudyQueue, 'add' | 'wake'> },
  request: StudyRequest & { readonly fingerprint?: string; readonly now: Date },
): Promise<boolean> {
  const added = await database.transaction(async (sql) => {
    const isNew = await queue.add(request, sql);
    await markQueued(sql, { ...request, isNew });
    return isNew;
  });
  queue.wake();
  return added;
}
