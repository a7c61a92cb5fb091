import { randomUUID } from 'node:crypto';
import { DicomError } from '../dicom-error.ts';
import type { DicomDataset } from '../reading/dataset.ts';
import type { Detour } from '../web/archive-access.ts';
import { isBusy } from './busy.ts';
import type { CommitmentLedger } from './ledger.ts';
import {
  type CommitmentReport,
  type NamedInstance,
  readReport,
  reportsOn,
  requestCommitment,
} from './services/commitment.ts';
import { IDENTIFIER_SYNTAXES } from './services/identifier.ts';
import { SERVICE } from './services/sop-classes.ts';
import type { Sessions } from './sessions.ts';

export interface CommitmentsParts {
  readonly sessions: Sessions;
  readonly ledger: CommitmentLedger;
  /** Resolves when reports can come in. */
  readonly ready: () => Promise<unknown>;
  /** How long a report may take, in ms. */
  readonly timeoutMs: number;
  /** Whether the archive lists an instance (C-FIND at IMAGE level): what counts where it does not commit. */
  readonly isListed: (instance: NamedInstance, signal?: AbortSignal) => Promise<boolean>;
  readonly told: (detour: Detour) => void;
}

const NO_SUCH_INSTANCE = 0x0112;
/** How long the answer to the request itself may take. */
const ANSWER_MS = 30_000;
/** Instances in one request. */
const MOST_AT_ONCE = 500;

/** Storage commitment (PS3.4 annex J): an instance is safe once the archive has taken charge of it. */
export class Commitments {
  readonly #parts: CommitmentsParts;
  readonly #waiting = new Map<string, (report: CommitmentReport) => void>();

  constructor(parts: CommitmentsParts) {
    this.#parts = parts;
  }

  /**
   * Takes a report, on whichever association it comes; also for a request of an earlier process.
   * @returns whether somebody waited for it
   */
  async reported(dataSet: DicomDataset): Promise<boolean> {
    const report = readReport(dataSet);
    if (!report) return false;
    await this.#parts.ledger.settled(report.committed, report.transactionUid);
    const waiting = this.#waiting.get(report.transactionUid);
    waiting?.(report);
    return waiting !== undefined;
  }

  /**
   * Asks for commitment, and waits for the report. Where the archive does not offer it, or does not report
   * in time, whether it lists the instances counts.
   * @returns those that it did not commit to, with its reasons (FailureReason)
   * @throws what asking throws
   */
  async commit(instances: readonly NamedInstance[], signal?: AbortSignal): Promise<Map<string, number>> {
    const failed = new Map<string, number>();
    for (let at = 0; at < instances.length; at += MOST_AT_ONCE) {
      const some = instances.slice(at, at + MOST_AT_ONCE);
      for (const [uid, reason] of await this.#commit(some, signal)) failed.set(uid, reason);
    }
    return failed;
  }

  async #commit(instances: readonly NamedInstance[], signal?: AbortSignal): Promise<Map<string, number>> {
    const { ledger } = this.#parts;
    const uids = instances.map(({ sopInstanceUid }) => sopInstanceUid);
    await this.#parts.ready();
    const transactionUid = `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
    await ledger.asked(transactionUid, uids);
    const report = await this.#asked(transactionUid, instances, signal);
    if (!report) return this.#listed(instances, signal);
    const committed = new Set(report.committed);
    // What the report does not name at all is not committed to.
    return new Map(
      uids
        .filter((uid) => !committed.has(uid))
        .map((uid) => [uid, report.failed.get(uid) ?? NO_SUCH_INSTANCE] as const),
    );
  }

  /** @returns undefined where none came */
  async #asked(
    transactionUid: string,
    instances: readonly NamedInstance[],
    signal: AbortSignal | undefined,
  ): Promise<CommitmentReport | undefined> {
    const { sessions, timeoutMs, told } = this.#parts;
    const { promise: report, resolve } = Promise.withResolvers<CommitmentReport | undefined>();
    this.#waiting.set(transactionUid, resolve);
    const proposals = [{ sopClassUid: SERVICE.storageCommitment, transferSyntaxUids: IDENTIFIER_SYNTAXES }];
    let limit: NodeJS.Timeout | undefined;
    const aborted = (): void => resolve(undefined);
    signal?.addEventListener('abort', aborted);
    try {
      const idleMs = timeoutMs + ANSWER_MS;
      return await sessions.once({ kind: 'store', proposals, signal, idleMs }, async (association) => {
        await requestCommitment(association, transactionUid, instances);
        // Here or on an association of the archive's own, as it likes.
        const reading = reportsOn(association, (dataSet) => this.reported(dataSet)).catch(() => undefined);
        limit = setTimeout(() => resolve(undefined), timeoutMs);
        const given = await report;
        signal?.throwIfAborted();
        await association.release(reading);
        if (!given) {
          const because = new Error(`no report within ${timeoutMs / 1000} s`);
          told({ refused: 'a report on storage commitment', instead: LISTED, because });
        }
        return given;
      });
    } catch (error) {
      // Some abort what they do not know. One that is down does not answer the search either.
      if (!(error instanceof DicomError) || isBusy(error)) throw error;
      told({ refused: 'storage commitment', instead: LISTED, because: error });
      return undefined;
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener('abort', aborted);
      this.#waiting.delete(transactionUid);
    }
  }

  async #listed(instances: readonly NamedInstance[], signal?: AbortSignal): Promise<Map<string, number>> {
    const absent = new Map<string, number>();
    for (const instance of instances) {
      const { sopInstanceUid } = instance;
      if (await this.#parts.isListed(instance, signal)) await this.#parts.ledger.settled([sopInstanceUid]);
      else absent.set(sopInstanceUid, NO_SUCH_INSTANCE);
    }
    return absent;
  }
}

const LISTED = 'that it lists the instances (C-FIND)';
