import { type ConnectionOptions, PgBoss, type QueueOptions, type QueuePolicy } from 'pg-boss';
import { z } from 'zod';
import { oneAfterAnother } from '../store/database/one-after-another.ts';
import type { Database, Sql } from '../store/database/sql.ts';
import { takeHandedOver } from '../store/queue/handed-over.ts';

/**
 * Waiting jobs are never thrown away: pg-boss would do so after two weeks, and what they are for may be down
 * for long.
 */
const RETENTION_SECONDS = 10 * 365 * 24 * 3_600;

/** Any number that nothing else in the database locks. */
const OPENING_LOCK = 7_263_482_911;

export interface QueueSettings extends Omit<QueueOptions, 'retentionSeconds' | 'heartbeatSeconds'> {
  /** Fixed when the queue is made. */
  readonly policy?: QueuePolicy;
  readonly deadLetter?: string;
}

/** pg-boss on the node's database: keeps the jobs of all queues. */
export class JobEngine {
  readonly boss: PgBoss;
  readonly database: Database;
  /** Told of trouble with the database underneath; the engine goes on trying. */
  readonly onError: (error: Error) => void;

  private constructor(boss: PgBoss, database: Database, onError: (error: Error) => void) {
    this.boss = boss;
    this.database = database;
    this.onError = onError;
  }

  /** Makes pg-boss's tables where there are none, and brings them up to date. */
  static async open(database: Database, onError: (error: Error) => void): Promise<JobEngine> {
    const boss = new PgBoss({
      ...database.boss,
      schedule: false,
      registerInstance: false,
      // PGlite has one connection and vacuums itself; rebuilding indexes concurrently is nothing for it.
      reindex: database.kind === 'server',
      monitorVacuum: database.kind === 'server',
    });
    boss.on('error', onError);
    // Processes that start together on a new database would make the tables at the same moment, and one would
    // fail.
    await oneAfterAnother(database, OPENING_LOCK, async () => void (await boss.start()));
    return new JobEngine(boss, database, onError);
  }

  /** Makes a queue, or brings its settings up to date, and puts into it what migrations left for it. */
  async openQueue(name: string, { policy, deadLetter, ...settings }: QueueSettings = {}): Promise<void> {
    const { boss, database } = this;
    const kept = {
      ...settings,
      retentionSeconds: RETENTION_SECONDS,
      // pg-boss would count a lost process as a failure of the job; who wants that sets a short expiry.
      heartbeatSeconds: null,
    };
    await oneAfterAnother(database, OPENING_LOCK, async () => {
      await boss.createQueue(name, { ...(policy ? { policy } : {}), ...(deadLetter ? { deadLetter } : {}) });
      await boss.updateQueue(name, kept);
    });
    await database.transaction((sql) => this.#adopt(name, sql));
  }

  async #adopt(name: string, sql: Sql): Promise<void> {
    const jobs = await takeHandedOver(sql, name);
    if (jobs.length === 0) return;
    const inserted = jobs.map(({ id, data, dueAt, retryLimit, retryDelay }) => ({
      id,
      data,
      startAfter: dueAt,
      ...(retryLimit === null ? {} : { retryLimit }),
      ...(retryDelay === null ? {} : { retryDelay }),
    }));
    await this.boss.insert(name, inserted, inTransaction(sql));
    const over = jobs.filter(({ retryLimit }) => retryLimit === null).map(({ id }) => id);
    if (over.length > 0)
      await this.boss.complete(name, over, null, { includeQueued: true, ...inTransaction(sql) });
  }

  /** The database stays open. */
  async stop(): Promise<void> {
    await this.boss.stop({ close: false, graceful: true });
  }
}

/** Lets pg-boss do its part in the caller's transaction. */
export function inTransaction(sql: Sql): Required<ConnectionOptions> {
  return { db: { executeSql: async (text, values) => ({ rows: await sql.query(text, values) }) } };
}

const commandAnswer = z.object({ affected: z.int() });

/** How many jobs a call of pg-boss found as they were described; its types do not say that it tells. */
export const affected = (answer: unknown): number => commandAnswer.parse(answer).affected;
