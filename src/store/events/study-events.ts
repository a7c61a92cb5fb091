import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '../database/sql.ts';
import { progressSince, type StudyProgress } from '../records/progress-log.ts';
import { STUDY_COLUMNS, type StudyRecord, studiesOf } from '../records/study-log.ts';

export type StudyEvent =
  | { readonly kind: 'study'; readonly study: StudyRecord }
  | { readonly kind: 'progress'; readonly progress: StudyProgress };
type Listener = (event: StudyEvent) => void;

/** How often the database is asked while somebody listens. Workers elsewhere write there, too. */
const POLL_MS = 1_000;
/** Clocks of workers differ by less; what is read twice is told once. */
const OVERLAP_MS = 5_000;

interface StudyEventsOptions {
  readonly now: () => Date;
  /** Told where the database cannot be asked; it is asked again. */
  readonly onError: (error: unknown) => void;
  readonly pollMs?: number;
}

/** Tells listeners of each change of a study's state, and of its progress, whichever process made it. */
export class StudyEvents {
  readonly #database: Sql;
  readonly #now: () => Date;
  readonly #onError: (error: unknown) => void;
  readonly #pollMs: number;
  /** Each with what is to be done when there will be no more events. */
  readonly #listeners = new Map<Listener, () => void>();
  readonly #stopping = new AbortController();
  #polling: Promise<void> | undefined;

  constructor(database: Sql, { now, onError, pollMs = POLL_MS }: StudyEventsOptions) {
    this.#database = database;
    this.#now = now;
    this.#onError = onError;
    this.#pollMs = pollMs;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /**
   * @param ended told when the node stops
   * @returns ends it
   */
  listen(listener: Listener, ended: () => void = () => {}): () => void {
    this.#listeners.set(listener, ended);
    this.#polling ??= this.#poll();
    return () => void this.#listeners.delete(listener);
  }

  /** Ends all listening; the database may be closed afterwards. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const ended of this.#listeners.values()) ended();
    this.#listeners.clear();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const seen = new Map<string, number>();
    let since = this.#now();
    while (this.#listeners.size > 0 && !this.#stopping.signal.aborted) {
      const asked = this.#now();
      try {
        for (const { key, at, event } of await this.#eventsSince(since)) {
          if (seen.get(key) === at) continue;
          seen.set(key, at);
          for (const listener of this.#listeners.keys()) listener(event);
        }
        since = new Date(asked.getTime() - OVERLAP_MS);
        for (const [key, at] of seen) if (at < since.getTime()) seen.delete(key);
      } catch (error) {
        this.#onError(error);
      }
      await delay(this.#pollMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
    this.#polling = undefined;
  }

  async #eventsSince(since: Date): Promise<{ key: string; at: number; event: StudyEvent }[]> {
    const rows = await this.#database.query(
      `SELECT ${STUDY_COLUMNS} FROM pansegnet.study WHERE changed_at >= $1 ORDER BY changed_at`,
      [since],
    );
    const progress = await progressSince(this.#database, since);
    return [
      ...studiesOf(rows).map((study) => ({
        key: `${study.state} ${study.studyInstanceUid}`,
        at: study.changedAt.getTime(),
        event: { kind: 'study', study } as const,
      })),
      ...progress.map((one) => ({
        key: `progress ${one.studyInstanceUid}`,
        at: one.updatedAt.getTime(),
        event: { kind: 'progress', progress: one } as const,
      })),
    ];
  }
}
