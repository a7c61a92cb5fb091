import { schedule as scheduleTask } from 'node-cron';
import { messageOf } from '../../coded-error.ts';
import { wantedPauseMs } from './look-turn.ts';
import type { LookSummary, Watcher, WatchLog } from './watch.ts';

export interface Watch {
  /** Ends the schedule; what is under way is aborted and awaited. */
  stop(): Promise<void>;
}

/**
 * How often is asked whether somebody, perhaps another process, announced a study: one short question to the
 * database.
 */
const RECHECK_MS = 2_000;
/** Pause after the archive or the database gave no answer. */
const TROUBLE_PAUSE_MS = 5_000;

/**
 * Polls on a schedule, one poll at a time (a turn that comes while a poll is under way is left out), and
 * looks at each announced study when it is due; an archive that asks to be left alone (Retry-After) is. That
 * the archive is down is logged once, and once that it is back; either goes on in any case.
 * @param expression node-cron's: five fields, or six with seconds in front
 */
export function startWatching(expression: string, watcher: Watcher, log: WatchLog): Watch {
  const stopping = new AbortController();
  const { signal } = stopping;
  const report = new Report(log);
  const nap = new Nap();
  const rest = new Nap();

  const poll = async (): Promise<void> => {
    try {
      const summary = await watcher.poll(signal);
      report.archiveAnswers();
      report.looks(summary);
      nap.end();
    } catch (error) {
      if (signal.aborted) return;
      report.archiveDown(error);
      await rest.sleep(wantedPauseMs(error));
    }
  };
  let polling: Promise<void> | undefined;
  const onTime = (): void => {
    polling ??= poll().finally(() => {
      polling = undefined;
    });
  };
  const lookWhenDue = async (): Promise<void> => {
    while (!signal.aborted) {
      await nap.sleep(await turn());
    }
  };
  /** @returns the pause before the next turn, in ms */
  const turn = async (): Promise<number> => {
    try {
      if ((await watcher.msUntilDue()) === 0) report.looks(await watcher.lookAtDue(signal));
      return Math.min((await watcher.msUntilDue()) ?? RECHECK_MS, RECHECK_MS);
    } catch (error) {
      if (!signal.aborted) report.archiveDown(error);
      return Math.max(TROUBLE_PAUSE_MS, wantedPauseMs(error));
    }
  };

  const task = scheduleTask(expression, onTime, { suppressMissedWarning: true });
  onTime();
  const looking = lookWhenDue();
  return {
    stop: async () => {
      stopping.abort();
      nap.end();
      rest.end();
      await task.destroy();
      await Promise.all([polling, looking]);
    },
  };
}

/** A pause that can be cut short; a call between two pauses cuts the next one. */
class Nap {
  #woken = false;
  #wake: (() => void) | undefined;

  async sleep(ms: number): Promise<void> {
    if (this.#woken || ms <= 0) {
      this.#woken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
    this.#woken = false;
  }

  end(): void {
    this.#woken = true;
    this.#wake?.();
  }
}

/** Remembers what was last said, so that the log tells changes only. */
class Report {
  readonly #log: WatchLog;
  #archiveIsDown = false;
  readonly #ill = new Map<string, string>();

  constructor(log: WatchLog) {
    this.#log = log;
  }

  archiveDown(error: unknown): void {
    if (!this.#archiveIsDown) {
      this.#log.warn({ reason: messageOf(error) }, 'the archive cannot be polled; going on trying');
    }
    this.#archiveIsDown = true;
  }

  archiveAnswers(): void {
    if (this.#archiveIsDown) this.#log.info({}, 'the archive can be polled again');
    this.#archiveIsDown = false;
  }

  looks({ looked, queued, ignored, errors }: LookSummary): void {
    if (looked.length > 0) this.archiveAnswers();
    for (const studyInstanceUid of looked) this.#ill.delete(studyInstanceUid);
    for (const { studyInstanceUid, error } of errors) {
      const reason = messageOf(error);
      if (this.#ill.get(studyInstanceUid) === reason) continue;
      this.#ill.set(studyInstanceUid, reason);
      this.#log.warn({ studyInstanceUid, reason }, 'a study cannot be looked at');
    }
    for (const studyInstanceUid of queued) this.#log.info({ studyInstanceUid }, 'study queued');
    for (const studyInstanceUid of ignored) this.#log.info({ studyInstanceUid }, 'study not to be processed');
  }
}
