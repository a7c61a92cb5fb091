import { codeOf, messageOf } from '../../coded-error.ts';
import type { StudyQueue } from '../../queue/study-queue.ts';
import {
  type Announcement,
  postponeAnnouncement,
  settleAnnouncement,
} from '../../store/arrivals/announcements.ts';
import { markServed, markUnserved } from '../../store/arrivals/look-record.ts';
import type { Database, Sql } from '../../store/database/sql.ts';
import { growingPauseMs } from '../growing-pause.ts';
import { wantedPauseMs } from './look-turn.ts';

/** Pause before a study that gave an error, or was not there, is looked at again; it doubles each time. */
export const PAUSES = { firstMs: 5_000, longestMs: 600_000 };
/** So many looks in vain, in ten minutes or more, and the study is given up for now. */
const LOOKS_IN_VAIN = 8;
/** Nobody has to ask again: what is given up is looked at in this distance. */
const GIVEN_UP_PAUSE_MS = 6 * 3_600_000;

export interface UnservedParts {
  readonly database: Database;
  readonly queue: Pick<StudyQueue, 'giveUp' | 'takeBack'>;
  readonly now: () => Date;
  /** How long after it was announced a study is looked at again that was given up; left out: for good. */
  readonly givenUpMs?: number | undefined;
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * The archive answers, but not about this study. It is looked at again after a growing pause; after many
 * looks in vain it is shown as failed and among the studies that were given up, and looked at less often.
 * Whatever announces it, or a person who asks for it, has it looked at at once; when it is too old, nothing
 * else has.
 */
export async function failed(
  parts: UnservedParts,
  announcement: Announcement,
  error: unknown,
): Promise<void> {
  const { database, queue, now, log } = parts;
  const { studyInstanceUid } = announcement;
  const looks = announcement.failures + 1;
  if (looks < LOOKS_IN_VAIN) {
    await postpone(parts, announcement, error);
    return;
  }
  const failure = {
    code: codeOf(error) ?? 'UNEXPECTED',
    reason: `it cannot be looked at: ${messageOf(error)}`,
  };
  await database.transaction(async (sql) => {
    const { code: errorCode, reason } = failure;
    await markUnserved(sql, { studyInstanceUid, reason, errorCode, now: now() });
    await queue.giveUp({ studyInstanceUid, ...failure, tries: looks }, sql);
    const ageMs = now().getTime() - announcement.announcedAt.getTime();
    if (ageMs > (parts.givenUpMs ?? Number.POSITIVE_INFINITY)) await settleAnnouncement(sql, announcement);
    else await postponeFor(parts, sql, announcement, Math.max(wantedPauseMs(error), GIVEN_UP_PAUSE_MS));
  });
  if (looks === LOOKS_IN_VAIN) {
    log.warn({ studyInstanceUid, ...failure, looks }, 'a study is given up, as it cannot be looked at');
  }
}

/** A look has answered that comes after looks in vain. */
export async function succeeded(
  { database, queue, now }: UnservedParts,
  { studyInstanceUid, failures }: Announcement,
): Promise<void> {
  if (failures < LOOKS_IN_VAIN) return;
  await database.transaction(async (sql) => {
    await markServed(sql, { studyInstanceUid, now: now() });
    await queue.takeBack(studyInstanceUid, sql);
  });
}

/** @param error undefined: the study was not there */
export async function postpone(
  parts: UnservedParts,
  announcement: Announcement,
  error?: unknown,
): Promise<void> {
  const pauseMs = Math.max(wantedPauseMs(error), growingPauseMs(announcement.failures + 1, PAUSES));
  await postponeFor(parts, parts.database, announcement, pauseMs);
}

async function postponeFor(
  { now }: UnservedParts,
  sql: Sql,
  announcement: Announcement,
  pauseMs: number,
): Promise<void> {
  const dueAt = new Date(now().getTime() + pauseMs);
  await postponeAnnouncement(sql, announcement, { dueAt, failures: announcement.failures + 1 });
}
