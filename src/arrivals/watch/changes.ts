import type { ChangedStudy, OrthancChange, OrthancChangePage } from '../../dicom/web/orthanc-changes.ts';
import { announceStudies } from '../../store/arrivals/announcements.ts';
import {
  type ChangePosition,
  readChangePosition,
  writeChangePosition,
} from '../../store/arrivals/change-position.ts';
import type { Database } from '../../store/database/sql.ts';

/** An Orthanc's list of changes. */
export interface ChangeSource {
  /** Stands for the archive. */
  readonly url: string;
  newest(signal?: AbortSignal): Promise<OrthancChange | undefined>;
  since(sequence: number, limit: number, signal?: AbortSignal): Promise<OrthancChangePage>;
  studiesOf(ids: readonly string[], signal?: AbortSignal): Promise<ChangedStudy[]>;
}

export interface ChangesParts {
  readonly changes: ChangeSource;
  readonly database: Database;
  readonly now: () => Date;
  /** Announces what is within the look-back, for a start without knowledge of earlier changes. */
  readonly list: (signal?: AbortSignal) => Promise<number>;
  readonly log: { info(fields: object, message: string): void };
}

/**
 * Every instance that Orthanc stores makes NewInstance, in new and in known series. StableStudy comes a while
 * after the last of them; it is the second chance where instances that arrived at the same time got their
 * numbers in another order than they became visible (Orthancs that share a database server).
 */
const COUNTED_CHANGES: ReadonlySet<string> = new Set(['NewInstance', 'StableStudy']);

/** Changes per request: a large series is one or two requests. */
const PAGE_SIZE = 1_000;

/**
 * Announces the studies that Orthanc's list of changes names since the last time. Position and announcements
 * are kept in one transaction, so that a kill loses nothing. Where the list is not the one that was followed
 * (first start, a restored or another database, a cleared list) it begins with everything within the
 * look-back, and says so in the log.
 * @returns how many studies were announced or, at such a beginning, listed
 */
export async function announceChanged(parts: ChangesParts, signal?: AbortSignal): Promise<number> {
  const { changes, database, list, log } = parts;
  const known = await readChangePosition(database, changes.url);
  if (!known) return startOver(parts, 'the list of changes is followed from now on', signal);
  // Starts one before: where the list is still the same, the last known change comes first again. That costs
  // no further request.
  const page = await changes.since(Math.max(0, known.sequence - 1), PAGE_SIZE, signal);
  const first = page.changes[0];
  if (known.entry !== null && first?.entry !== known.entry) {
    const what = 'the list of changes is not the one that was followed: looking at everything';
    // Where there are later changes than the lost one, they are followed once everything within the look-back
    // is listed.
    if (!first || first.sequence <= known.sequence) return startOver(parts, what, signal);
    log.info({ archive: changes.url, sequence: known.sequence }, what);
    return (await list(signal)) + (await follow(parts, known, page, signal));
  }
  return follow(parts, known, page, signal);
}

async function follow(
  { changes, database, now }: ChangesParts,
  known: ChangePosition,
  firstPage: OrthancChangePage,
  signal?: AbortSignal,
): Promise<number> {
  let announced = 0;
  let position = known;
  for (let page = firstPage; ; ) {
    const fresh = page.changes.filter(({ sequence }) => sequence > position.sequence);
    const last = fresh.at(-1);
    if (!last) return announced;
    const ids = new Set(fresh.filter(({ type }) => COUNTED_CHANGES.has(type)).map(({ id }) => id));
    const studies = await changes.studiesOf([...ids], signal);
    const at = now();
    await database.transaction(async (sql) => {
      for (const [callingAeTitle, ofSender] of Map.groupBy(studies, (study) => study.callingAeTitle)) {
        const studyInstanceUids = ofSender.map(({ studyInstanceUid }) => studyInstanceUid);
        const source = { kind: 'changes', callingAeTitle } as const;
        await announceStudies(sql, { studyInstanceUids, source, now: at, dueAt: at });
      }
      await writeChangePosition(sql, changes.url, last);
    });
    announced += studies.length;
    position = last;
    if (page.done) return announced;
    page = await changes.since(position.sequence, PAGE_SIZE, signal);
  }
}

/** The position is read before the list is made: what arrives meanwhile is found by the next turn. */
async function startOver(
  { changes, database, list, log }: ChangesParts,
  message: string,
  signal?: AbortSignal,
): Promise<number> {
  const newest = (await changes.newest(signal)) ?? { sequence: 0, entry: null };
  log.info({ archive: changes.url, sequence: newest.sequence }, message);
  const listed = await list(signal);
  await writeChangePosition(database, changes.url, newest);
  return listed;
}
