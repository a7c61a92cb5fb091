import { AuditChain } from './chain.ts';
import { type AuditEvent, type AuditSource, auditMessage } from './message.ts';

export interface AuditTrailOptions {
  readonly folder: string;
  readonly source: AuditSource;
  /** Told when messages cannot be written; they are kept and tried again with the next one. */
  readonly onProblem: (error: unknown) => void;
}

/** More wait only where the disk has failed for long; then the newest are dropped, and an error says so. */
const MAX_WAITING = 10_000;
/** A page that refreshes itself counts in the audit log as one look in this time. */
const SAME_READING_MS = 60_000;
const MAX_READINGS = 10_000;

/** What the node writes down about who saw or did what. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #chain: AuditChain;
  #waiting: AuditEvent[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  readonly #readings = new Map<string, number>();

  /** @throws where the folder cannot be used */
  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#chain = new AuditChain(options.folder);
  }

  /** Events of one turn of the event loop are written together: one wait for the disk. */
  record(event: AuditEvent): void {
    if (this.#isKnownReading(event)) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#options.onProblem(
        new Error('the audit log cannot be written and too much waits: a message is lost'),
      );
      return;
    }
    this.#waiting.push(event);
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const last = this.#waiting.at(-1);
    if (!last) return;
    try {
      this.#chain.append(
        this.#waiting.map((event) => auditMessage(event, this.#options.source)),
        last.at,
      );
      this.#waiting = [];
    } catch (error) {
      this.#options.onProblem(error);
    }
  }

  close(): void {
    this.flush();
    this.#chain.close();
  }

  #isKnownReading({ event, action, outcome, at, participants, objects }: AuditEvent): boolean {
    if (action !== 'R' || outcome !== '0') return false;
    const key = JSON.stringify([event, participants, objects]);
    const last = this.#readings.get(key);
    if (last !== undefined && at.getTime() - last < SAME_READING_MS) return true;
    if (this.#readings.size >= MAX_READINGS) this.#readings.clear();
    this.#readings.set(key, at.getTime());
    return false;
  }
}
