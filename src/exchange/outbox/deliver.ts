import { messageOf } from '../../coded-error.ts';
import type { Database } from '../../store/database/sql.ts';
import {
  beginTry,
  markFailed,
  markSent,
  markTried,
  type Outgoing,
  unqueue,
  waitingOf,
} from '../../store/exchange/outgoing.ts';
import { DeliveryError } from './delivery-error.ts';
import { type ExitJob, type ExitJobs, JOB_MS } from './exit-jobs.ts';

/**
 * Delivers one message.
 * @returns what the other side said when it took it
 * @throws DeliveryError; any other error is taken for one that may pass
 */
export type Deliver = (message: Outgoing, signal: AbortSignal) => Promise<string>;

/** How a try went. `failed`: it is not tried again by itself. */
export interface Delivery {
  readonly exit: string;
  readonly outcome: 'sent' | 'failed' | 'later';
  readonly studyInstanceUid: string;
}

export interface ExitParts {
  readonly database: Database;
  readonly jobs: ExitJobs;
  readonly deliver: Deliver;
  readonly now: () => Date;
  readonly warn: (fields: object, message: string) => void;
  readonly told?: (delivery: Delivery) => void;
}

/** Longest text that is kept of what the other side says. */
const LONGEST_REASON = 500;

/**
 * Makes jobs of what was put down, and does those that are due.
 * @returns when nothing more is due
 */
export async function deliverDue(parts: ExitParts, signal: AbortSignal): Promise<void> {
  await parts.jobs.make();
  while (!signal.aborted) {
    const job = await parts.jobs.take();
    if (!job) return;
    await deliverStudy(job, parts, signal);
  }
}

/** What waits of one study, in order; nothing is passed over that may still be taken. */
async function deliverStudy(job: ExitJob, parts: ExitParts, signal: AbortSignal): Promise<void> {
  const { database, jobs } = parts;
  const { studyInstanceUid } = job.data;
  const until = performance.now() + JOB_MS;
  for (const message of await waitingOf(database, jobs.exit, studyInstanceUid)) {
    if (signal.aborted || performance.now() > until) {
      await unqueue(database, jobs.exit, studyInstanceUid);
      break;
    }
    const failure = await deliverOne(message, parts, signal);
    if (!failure) continue;
    if (signal.aborted) {
      await unqueue(database, jobs.exit, studyInstanceUid);
      break;
    }
    await jobs.again(job, failure.message, failure.pauseMs);
    return;
  }
  await jobs.done(job);
}

/** @returns why it has to be tried again; undefined where it is over */
async function deliverOne(
  message: Outgoing,
  { database, deliver, now, warn, told, jobs: { exit, mostRefusals } }: ExitParts,
  signal: AbortSignal,
): Promise<DeliveryError | undefined> {
  const { number, studyInstanceUid, change, refusals } = message;
  if (!(await beginTry(database, message, now()))) return undefined;
  let said: string;
  try {
    said = await deliver(message, signal);
  } catch (error) {
    if (signal.aborted) return new DeliveryError('later', 'the node stops');
    const failure =
      error instanceof DeliveryError ? error : new DeliveryError('later', messageOf(error), { cause: error });
    const reason = kept(failure.message);
    const isRefusal = failure.failure === 'unwilling';
    const isOver = failure.failure === 'refused' || (isRefusal && refusals + 1 >= mostRefusals);
    if (isOver) await markFailed(database, number, reason, now());
    else await markTried(database, number, { reason, isRefusal });
    told?.({ exit, outcome: isOver ? 'failed' : 'later', studyInstanceUid });
    warn({ exit, studyInstanceUid, change, reason, again: !isOver }, 'a result was not delivered');
    return isOver ? undefined : failure;
  }
  await markSent(database, number, kept(said), now());
  told?.({ exit, outcome: 'sent', studyInstanceUid });
  return undefined;
}

/** As much as a person reads; PostgreSQL takes no NUL. */
const kept = (text: string): string => text.replaceAll('\0', '').slice(0, LONGEST_REASON);
