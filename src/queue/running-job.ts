import { setTimeout as delay } from 'node:timers/promises';
import { describeFailure, type Failure } from '../pipeline/failures.ts';
import { type ClaimedJob, failJob, holdJob, putBack } from './claimed-job.ts';
import { deadLettersOf, dropDead } from './dead-studies.ts';
import { inTransaction, type JobEngine } from './job-engine.ts';
import { QueueError } from './queue-error.ts';
import { EARLIER_QUEUE } from './queue-names.ts';
import type { QueueOptions } from './queue-options.ts';
import { keyOf, type StudyJob } from './study-job.ts';
import type { Hand } from './work-loop.ts';
import type { Worker } from './worker.ts';

/** How many beats fall into the time after which a process counts as dead. */
const BEATS_PER_SILENCE = 4;

/**
 * How long work may go on after it was told to stop; then it is left alone and the job is settled without it.
 */
const STOP_LIMIT_MS = 30_000;

/** The pause before the end of a job is written again, where the database could not take it. */
const SETTLE_AGAIN_MS = 2_000;

interface JobParts {
  readonly engine: JobEngine;
  readonly options: QueueOptions;
  /** Aborts when the node stops and the grace is over. */
  readonly stopping: AbortSignal;
  /** Aborts when the job is to make room for one that goes before it; left out: it makes room for nobody. */
  readonly giveWay?: AbortSignal | undefined;
  readonly hand: Hand;
}

/** For jobs that make room for nobody. */
const NEVER = new AbortController().signal;

type Outcome = 'done' | 'stopped' | { readonly failure: Failure };

/** One job in the hands of this process, from its being taken to its being settled. */
export class RunningJob {
  readonly #job: ClaimedJob;
  readonly #worker: Worker;
  readonly #parts: JobParts;
  /** Aborts when another process has taken the job over. */
  readonly #lost = new AbortController();

  constructor(job: ClaimedJob, worker: Worker, parts: JobParts) {
    this.#job = job;
    this.#worker = worker;
    this.#parts = parts;
  }

  /** Never rejects: whatever happens, the job is settled, or it belongs to another process by now. */
  async run(): Promise<void> {
    const beats = this.#startBeats();
    try {
      const outcome = await this.#outcome();
      const isOver = await this.#settle(outcome);
      if (isOver) this.#worker.ended?.(this.#job.data.studyInstanceUid);
    } finally {
      clearInterval(beats);
    }
  }

  async #outcome(): Promise<Outcome> {
    const { stopping, giveWay = NEVER, options, hand } = this.#parts;
    const { data } = this.#job;
    const limit = AbortSignal.timeout(options.jobTimeoutSeconds * 1000);
    try {
      if (data.takeovers > options.takeoverLimit) throw crashes(data);
      const signal = AbortSignal.any([stopping, giveWay, this.#lost.signal, limit]);
      const turn = { begin: () => hand.takeTurn(signal), nearlyOver: hand.nearlyOver };
      await endOf(this.#worker.work(data, signal, turn), signal);
      return 'done';
    } catch (error) {
      if (stopping.aborted || giveWay.aborted) return 'stopped';
      return { failure: describeFailure(limit.aborted ? this.#timeout(error) : error) };
    }
  }

  /**
   * Until it is written: the database may be away for a while.
   * @returns whether the study needs no more work
   */
  async #settle(outcome: Outcome): Promise<boolean> {
    const { stopping, engine } = this.#parts;
    while (!this.#lost.signal.aborted) {
      try {
        return await this.#write(outcome);
      } catch (error) {
        engine.onError(error instanceof Error ? error : new Error(String(error)));
        // A stopping node does not wait for its database: the job is taken over later.
        if (stopping.aborted) break;
        await delay(SETTLE_AGAIN_MS, undefined, { signal: stopping }).catch(() => undefined);
      }
    }
    return false;
  }

  async #write(outcome: Outcome): Promise<boolean> {
    const { engine, giveWay } = this.#parts;
    const job = this.#job;
    return engine.database.transaction(async (sql) => {
      if (!(await holdJob(engine, job, sql))) return false;
      if (outcome === 'done') {
        await engine.boss.complete(job.name, job, null, inTransaction(sql));
        // A study that is done is done, in whatever way it failed before.
        for (const queue of new Set([job.name, EARLIER_QUEUE]))
          await dropDead(engine, sql, keyOf(job.data), { from: deadLettersOf(queue) });
        return true;
      }
      if (outcome === 'stopped') {
        const why = giveWay?.aborted
          ? 'it made room for a new study; it is taken up again'
          : 'the node was stopped during the work; it is taken up again';
        await putBack(engine, sql, job, { keepsPlace: true, why, now: new Date() });
        return false;
      }
      const { failure } = outcome;
      const limit = Math.min(job.retryLimit, failure.retriesAtMost ?? job.retryLimit);
      const again = failure.passing && job.retryCount < limit;
      await failJob(engine, sql, job, failure, { again, minimumPauseMs: failure.retryAfterMs });
      await this.#worker.failed(job.data, failure, again, sql);
      return !again;
    });
  }

  /** An embedded database has one process, which nobody takes a job from. */
  #startBeats(): NodeJS.Timeout | undefined {
    const { engine, options } = this.#parts;
    if (engine.database.kind === 'embedded') return undefined;
    const intervalMs = (options.heartbeatSeconds / BEATS_PER_SILENCE) * 1000;
    return setInterval(() => {
      holdJob(engine, this.#job).then(
        (isMine) => {
          if (!isMine) this.#lost.abort(new Error('another process has taken the study over'));
        },
        // A beat that could not be sent says nothing of the job.
        (error: unknown) => engine.onError(error instanceof Error ? error : new Error(String(error))),
      );
    }, intervalMs);
  }

  #timeout(cause: unknown): QueueError {
    const limit = this.#parts.options.jobTimeoutSeconds;
    return new QueueError('STUDY_TIMEOUT', `the work was cut off; it may take ${limit} s`, { cause });
  }
}

/** The end of the work; the signal's reason where the work goes on long after the signal. */
async function endOf(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    timer = setTimeout(() => reject(signal.reason), STOP_LIMIT_MS);
  };
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    await Promise.race([work, givenUp]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

function crashes({ studyInstanceUid, takeovers }: StudyJob): QueueError {
  return new QueueError(
    'STUDY_CRASHES',
    `study ${studyInstanceUid}: ${takeovers} processes ended while they worked on it`,
  );
}
