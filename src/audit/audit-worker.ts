import { parentPort, workerData } from 'node:worker_threads';
import { CodedError, codeOf, messageOf } from '../coded-error.ts';
import { AuditChain } from './chain.ts';
import { fileOfDay } from './days.ts';
import { folderBytes, tidy } from './keeping.ts';
import { type AuditEvent, type AuditSource, auditMessage } from './message.ts';

/** What the trail sends. */
export interface AuditBatch {
  readonly events: readonly AuditEvent[];
  readonly at: Date;
}

/** What it is answered. */
export type AuditAnswer =
  | { readonly type: 'written'; readonly removed: readonly string[] }
  | { readonly type: 'failed'; readonly reason: string; readonly code: string | undefined };

/** What the thread is started with. */
export interface AuditWorkerData {
  readonly folder: string;
  readonly source: AuditSource;
  readonly maxBytes: number;
  readonly keepDays: number | null;
}

/** Other processes write to the folder too, and people take days away from it. */
const MEASURED_FOR_MS = 30_000;

/**
 * Writes the audit log in a thread of its own: the disk is waited for here, and nobody's request waits
 * behind it.
 */
function writeBatches({ folder, source, maxBytes, keepDays }: AuditWorkerData): void {
  if (!parentPort) throw new Error('this file is started by the audit trail as a worker thread');
  const port = parentPort;
  let chain: AuditChain | undefined;
  let today = '';
  let removed: string[] = [];
  let measured = { bytes: 0, at: Number.NEGATIVE_INFINITY };

  const keepTidy = async (at: Date, bytes: number): Promise<void> => {
    const isNewDay = today !== fileOfDay(at);
    if (isNewDay || measured.bytes + bytes > maxBytes) {
      // What could not be made smaller today is tried again tomorrow, or when there is no room.
      removed.push(...(await tidy({ folder, keepDays }, at).catch(() => [])));
      measured = { bytes: await folderBytes(folder), at: performance.now() };
    } else if (performance.now() - measured.at > MEASURED_FOR_MS) {
      measured = { bytes: await folderBytes(folder), at: performance.now() };
    }
    today = fileOfDay(at);
    if (measured.bytes + bytes <= maxBytes) return;
    throw new CodedError(
      'AUDIT_FULL',
      `the audit log fills the ${maxBytes / 1_000_000} MB that audit.maxMegabytes gives it: ` +
        `move old days of ${folder} elsewhere, or raise the limit`,
    );
  };

  const write = async ({ events, at }: AuditBatch): Promise<AuditAnswer> => {
    const lines = events.map((event) => auditMessage(event, source));
    const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + LINE_OVERHEAD_BYTES, 0);
    await keepTidy(at, bytes);
    chain ??= new AuditChain(folder);
    chain.append(lines, at);
    measured.bytes += bytes;
    const answer = { type: 'written', removed } as const;
    removed = [];
    return answer;
  };

  // The trail sends the next batch after the answer.
  port.on('message', (batch: AuditBatch | 'close') => {
    if (batch === 'close') {
      chain?.close();
      port.close();
      return;
    }
    const failed = (error: unknown): AuditAnswer => ({
      type: 'failed',
      reason: messageOf(error),
      code: codeOf(error),
    });
    void write(batch)
      .catch(failed)
      .then((answer) => port.postMessage(answer));
  });
}

/** Number, hash and line end. */
const LINE_OVERHEAD_BYTES = 80;

writeBatches(workerData as AuditWorkerData);
