import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CodedError } from '../coded-error.ts';
import type { AuditAnswer, AuditBatch, AuditWorkerData } from './audit-worker.ts';
import { AuditChain } from './chain.ts';
import type { AuditEvent, AuditSource } from './message.ts';

export interface AuditTrailOptions {
  readonly folder: string;
  readonly source: AuditSource;
  /** Most bytes of the folder; beyond it messages wait as they do where the disk is full. */
  readonly maxBytes: number;
  /** Days after which a day's file is removed. null: never. */
  readonly keepDays: number | null;
  /**
   * Told when messages begin to fail to be written, and when one is lost; they are kept and tried again.
   */
  readonly onProblem: (error: unknown) => void;
  /** Told of files that `keepDays` removed. */
  readonly onRemoved: (files: readonly string[]) => void;
}

/** More wait only where the disk has failed for long; then the newest are dropped, and an error says so. */
const MAX_WAITING = 10_000;
const MAX_BATCH = 500;
const RETRY_MS = 5_000;
/** A page that refreshes itself counts in the audit log as one look in this time. */
const SAME_READING_MS = 60_000;
const MAX_READINGS = 10_000;

/**
 * What the node writes down about who saw or did what. Messages are written by a thread, in the order in
 * which they were recorded; `close` waits for the disk.
 */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  #waiting: AuditEvent[] = [];
  #worker: Worker | undefined;
  /** The attempt that is under way. */
  #writing: Promise<void> | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #problem: Error | undefined;
  #lost = 0;
  readonly #readings = new Map<string, number>();

  /** @throws where the folder cannot be used */
  constructor(options: AuditTrailOptions) {
    this.#options = options;
    new AuditChain(options.folder).close();
  }

  /** Why messages are not written now; undefined where they are. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** So much waits that the next message would be lost. */
  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  /** Events of one turn of the event loop are written together: one wait for the disk. */
  record(event: AuditEvent): void {
    if (this.#isKnownReading(event)) return;
    if (this.isFull) {
      this.#lost += 1;
      if (this.#lost === 1) {
        const reason = 'the audit log cannot be written and too much waits: messages are lost';
        this.#options.onProblem(new Error(reason, { cause: this.#problem }));
      }
      return;
    }
    this.#waiting.push(event);
    // While it fails, the next attempt has its time.
    if (!this.#problem) this.#scheduled ??= setImmediate(() => void this.flush());
  }

  /** Resolves when what was recorded has been written, or could not be. */
  async flush(): Promise<void> {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    // Those of an attempt that is under way were taken before the last of these came.
    await this.#writing;
    while (this.#waiting.length > 0) {
      this.#writing ??= this.#writeSome().finally(() => (this.#writing = undefined));
      await this.#writing;
      if (this.#problem) return;
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry);
    await this.flush();
    clearTimeout(this.#retry);
    const unwritten = this.#waiting.length + this.#lost;
    if (unwritten > 0) {
      this.#options.onProblem(new Error(`${unwritten} messages of the audit log were not written`));
    }
    const worker = this.#worker;
    this.#worker = undefined;
    if (!worker) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.ref();
    worker.postMessage('close', []);
    await ended;
  }

  async #writeSome(): Promise<void> {
    const events = this.#waiting.slice(0, MAX_BATCH);
    const last = events.at(-1);
    if (!last) return;
    const answer = await this.#send({ events, at: last.at });
    if (answer.type === 'written') {
      this.#problem = undefined;
      this.#waiting.splice(0, events.length);
      if (answer.removed.length > 0) this.#options.onRemoved(answer.removed);
      this.#tellLost(last.at);
      return;
    }
    const error = new CodedError(answer.code ?? 'AUDIT', answer.reason);
    if (!this.#problem) this.#options.onProblem(error);
    this.#problem = error;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.flush(), RETRY_MS).unref();
  }

  /** That there is a gap, and how large it is, belongs in the log itself. */
  #tellLost(at: Date): void {
    if (this.#lost === 0) return;
    this.#waiting.push({
      event: 'securityAlert',
      type: 'auditRecordingStarted',
      action: 'E',
      outcome: '8',
      outcomeDescription: `${this.#lost} messages were lost while the log could not be written`,
      at,
      participants: [{ userId: this.#options.source.sourceId, isRequestor: false, role: 'application' }],
    });
    this.#lost = 0;
  }

  /** A thread that ended is started anew; what it was to write may then stand in the log twice. */
  async #send(batch: AuditBatch): Promise<AuditAnswer> {
    const worker = (this.#worker ??= this.#start());
    const { promise, resolve } = Promise.withResolvers<AuditAnswer>();
    const lost = (error?: Error | number) => {
      const reason = error instanceof Error ? error.message : 'the thread ended';
      resolve({ type: 'failed', reason, code: undefined });
    };
    worker.ref(); // the process stays until the message is on the disk
    worker.once('message', resolve).once('error', lost).once('exit', lost);
    worker.postMessage(batch, []);
    const answer = await promise;
    worker.off('message', resolve).off('error', lost).off('exit', lost).unref();
    return answer;
  }

  #start(): Worker {
    const { folder, source, maxBytes, keepDays } = this.#options;
    const data: AuditWorkerData = { folder, source, maxBytes, keepDays };
    const file = new URL(`audit-worker${extname(import.meta.filename)}`, import.meta.url);
    const worker = new Worker(file, { workerData: data });
    const ended = () => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    return worker.on('error', ended).on('exit', ended);
  }

  #isKnownReading({ event, action, outcome, at, participants, objects }: AuditEvent): boolean {
    if ((action !== 'R' && event !== 'query') || outcome !== '0') return false;
    const key = JSON.stringify([event, participants, objects]);
    const last = this.#readings.get(key);
    if (last !== undefined && at.getTime() - last < SAME_READING_MS) return true;
    if (this.#readings.size >= MAX_READINGS) this.#readings.clear();
    this.#readings.set(key, at.getTime());
    return false;
  }
}
