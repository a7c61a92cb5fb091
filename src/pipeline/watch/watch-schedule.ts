import { schedule as scheduleTask } from 'node-cron';
import type { PollSummary } from './watch.ts';

/** The part of a pino logger that the watch uses. */
export interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Watch {
  /** Ends the schedule; a poll that is under way is aborted and awaited. */
  stop(): Promise<void>;
}

/**
 * Polls now and then on a schedule, one poll at a time: a turn that comes while a poll is under way is left out.
 * That the archive is down is logged once, and once that it is back; the next turn comes in any case.
 * @param expression node-cron's: five fields, or six with seconds in front
 */
export function startWatching(
  expression: string,
  poll: (signal: AbortSignal) => Promise<PollSummary>,
  log: WatchLog,
): Watch {
  const stopping = new AbortController();
  const trouble = new Trouble(log);
  let underWay: Promise<void> | undefined;

  const turn = async (): Promise<void> => {
    try {
      const summary = await poll(stopping.signal);
      trouble.report(summary);
      if (summary.queued.length > 0) log.info({ queued: summary.queued }, 'studies queued');
    } catch (error) {
      if (!stopping.signal.aborted) trouble.archiveDown(error);
    }
  };
  const onTime = (): void => {
    underWay ??= turn().finally(() => {
      underWay = undefined;
    });
  };
  const task = scheduleTask(expression, onTime, { suppressMissedWarning: true });
  onTime();
  return {
    stop: async () => {
      stopping.abort();
      await task.destroy();
      await underWay;
    },
  };
}

/** Remembers what was last said, so that the log tells changes only. */
class Trouble {
  readonly #log: WatchLog;
  #archiveIsDown = false;
  #studies = new Map<string, string>();

  constructor(log: WatchLog) {
    this.#log = log;
  }

  archiveDown(error: unknown): void {
    if (!this.#archiveIsDown) {
      this.#log.warn({ reason: messageOf(error) }, 'the archive cannot be polled; going on trying');
    }
    this.#archiveIsDown = true;
  }

  report({ studies, errors }: PollSummary): void {
    if (this.#archiveIsDown) this.#log.info({ studies }, 'the archive can be polled again');
    this.#archiveIsDown = false;
    const now = new Map(
      errors.map(({ studyInstanceUid = '?', error }) => [studyInstanceUid, messageOf(error)]),
    );
    for (const [studyInstanceUid, reason] of now) {
      if (this.#studies.get(studyInstanceUid) === reason) continue;
      this.#log.warn({ studyInstanceUid, reason }, 'a study cannot be looked at');
    }
    this.#studies = now;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
