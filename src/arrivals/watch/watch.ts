import {
  type Announcement,
  dueAnnouncements,
  nextDue,
  postponeAnnouncement,
  settleAnnouncement,
} from '../../store/arrivals/announcements.ts';
import { markAbsent } from '../../store/arrivals/look-record.ts';
import { announceChanged, type ChangeSource } from './changes.ts';
import { announceListed, type ListingParts, type StudyList } from './listing.ts';
import type { LookParts, LookResult, SeriesSource } from './look.ts';
import {
  ArchiveHealth,
  isOfArchive,
  type LookLimits,
  lookWithin,
  sideBySide,
  wantedPauseMs,
} from './look-turn.ts';
import { failed, PAUSES, postpone, succeeded, type UnservedParts } from './unserved.ts';

/** What the watcher asks the archive: a part of the DICOMweb client. */
export interface StudySource extends StudyList, SeriesSource {}

/** The part of a pino logger that the watch uses. */
export interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface WatcherParts extends LookParts, ListingParts {
  readonly archive: StudySource;
  /** An Orthanc's list of changes: then studies are listed at the first start only. */
  readonly changes?: ChangeSource | undefined;
  readonly queue: LookParts['queue'] & UnservedParts['queue'];
  readonly givenUpMs?: UnservedParts['givenUpMs'];
  readonly lookLimits?: LookLimits | undefined;
  readonly log: WatchLog;
}

export interface LookSummary {
  /** Looked at without an error. */
  readonly looked: readonly string[];
  /** Put in the queue. */
  readonly queued: readonly string[];
  /** How many have counts that are new or have not been the same for long enough. */
  readonly unstable: number;
  /** Not to be processed, by a routing rule or the opt-out list; the study log says why. */
  readonly ignored: readonly string[];
  /** How many wait for a time that a routing rule names. */
  readonly later: number;
  /** Studies that could not be looked at; the others were. */
  readonly errors: readonly LookError[];
}

export interface PollSummary extends LookSummary {
  /** How many studies the archive listed or said to have changed. */
  readonly studies: number;
}

interface LookError {
  readonly studyInstanceUid: string;
  readonly error: unknown;
}

/** Announced studies per turn; how long a turn takes, `LOOK_LIMITS` says. */
const TURN_SIZE = 500;
/** An announced study that the archive does not have is looked for so often: for about an hour. */
const ABSENT_LIMIT = 12;

export interface Watcher {
  /**
   * Asks the archive what is new, then looks at every study that is due.
   * Rejects with the archive's error where the archive can't be asked at all.
   */
  poll(signal?: AbortSignal): Promise<PollSummary>;
  /** Looks at the announced studies that are due, and queues those that are complete and new. */
  lookAtDue(signal?: AbortSignal): Promise<LookSummary>;
  /** How long until the next announced study is due: 0 where one is, undefined where none is announced. */
  msUntilDue(): Promise<number | undefined>;
}

export function createWatcher(parts: WatcherParts): Watcher {
  const { database, changes, now, log } = parts;
  const list = (signal?: AbortSignal): Promise<number> => announceListed(parts, signal);
  // Two looks at one study at the same time might both queue it.
  let lastTurn: Promise<unknown> = Promise.resolve();
  const lookAtDue = (signal?: AbortSignal): Promise<LookSummary> => {
    const turn = lastTurn.then(() => lookInTurn(parts, signal));
    lastTurn = turn.catch(() => undefined);
    return turn;
  };
  return {
    poll: async (signal) => {
      const studies = changes
        ? await announceChanged({ changes, database, now, list, log }, signal)
        : await list(signal);
      return { studies, ...(await lookAtDue(signal)) };
    },
    lookAtDue,
    msUntilDue: async () => {
      const due = await nextDue(database);
      return due && Math.max(0, due.getTime() - now().getTime());
    },
  };
}

async function lookInTurn(parts: WatcherParts, signal?: AbortSignal): Promise<LookSummary> {
  const { database, now } = parts;
  const results: Record<LookResult['is'], string[]> = {
    queued: [],
    settled: [],
    ignored: [],
    absent: [],
    unstable: [],
    later: [],
  };
  const errors: LookError[] = [];
  const health = new ArchiveHealth(parts, signal);
  const lookAt = async (announcement: Announcement): Promise<void> => {
    const { studyInstanceUid } = announcement;
    try {
      const result = await lookWithin(parts, announcement, signal);
      await answer(parts, announcement, result);
      results[result.is].push(studyInstanceUid);
      health.answered();
    } catch (error) {
      signal?.throwIfAborted();
      const isDown = isOfArchive(error) && (await health.isDown(error));
      await (isDown ? waitForArchive(parts, announcement, error) : failed(parts, announcement, error));
      errors.push({ studyInstanceUid, error });
    }
  };
  await sideBySide(await dueAnnouncements(database, now(), TURN_SIZE), lookAt, signal, parts.lookLimits);
  const { queued, unstable, ignored, later } = results;
  const looked = Object.values(results).flat();
  return { looked, queued, unstable: unstable.length, ignored, later: later.length, errors };
}

/** The study keeps its place: when the archive comes back, the node goes on at once. */
async function waitForArchive(
  { database, now }: WatcherParts,
  announcement: Announcement,
  error: unknown,
): Promise<void> {
  const pauseMs = Math.max(wantedPauseMs(error), PAUSES.firstMs);
  const dueAt = new Date(now().getTime() + pauseMs);
  await postponeAnnouncement(database, announcement, { dueAt, failures: announcement.failures });
}

/** Only what the look answered is taken away: what was announced during the look is looked at again. */
async function answer(parts: WatcherParts, announcement: Announcement, result: LookResult): Promise<void> {
  const { database, now, log } = parts;
  if (result.is !== 'absent' && announcement.failures > 0) await succeeded(parts, announcement);
  if (result.is === 'unstable' || result.is === 'later') {
    await postponeAnnouncement(database, announcement, { dueAt: result.again, failures: 0 });
    return;
  }
  if (result.is === 'absent') {
    if (announcement.failures + 1 < ABSENT_LIMIT) {
      await postpone(parts, announcement);
      return;
    }
    const { studyInstanceUid } = announcement;
    const reason = 'it was announced, but is not in the archive';
    await markAbsent(database, { studyInstanceUid, reason, now: now() });
    log.warn({ studyInstanceUid }, 'a study was announced, but is not in the archive');
  }
  await settleAnnouncement(database, announcement);
}
