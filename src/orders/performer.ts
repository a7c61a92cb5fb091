import { randomUUID } from 'node:crypto';
import { messageOf } from '../coded-error.ts';
import { type DicomDataset, sequence, text } from '../dicom/reading/dataset.ts';
import { deriveUid } from '../dicom/uids.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import type { Code } from '../results/codes.ts';
import {
  dropOrder,
  freeLeases,
  keepOrder,
  leaseOrder,
  openOrder,
  openOrders,
  type PerformedOrder,
} from '../store/orders/performed-orders.ts';
import { byUrgency, isClaimable } from './claimable.ts';
import type { KeptRequest } from './kept-request.ts';
import { isRefusal, readOrder } from './order.ts';
import { Performing, type PerformingParts } from './performing.ts';
import type { Worklist } from './worklist.ts';

export interface PerformerParts extends Omit<PerformingParts, 'queue'> {
  readonly queue: Pick<StudyQueue, 'add' | 'wake' | 'mode'>;
  /** Names (with ports) that the archive goes by: input that is to be had elsewhere is refused. */
  readonly archiveHosts: ReadonlySet<string>;
  /** So many orders of one worklist are in hand at a time; more are left to other performers. */
  readonly openOrders: number;
}

/** Longer than any step of an order takes, and short enough where a process dies. */
const LEASE_SECONDS = 60;

/** What is performed where the workitem does not say: CID 9231. */
const IMAGE_PROCESSING: Code = { value: '110001', scheme: 'DCM', meaning: 'Image Processing' };

/** Performs the orders of one worklist: claims what is for this node, and takes each to its end. */
export class Performer {
  readonly #parts: PerformerParts;
  readonly #worklist: Worklist;
  readonly #performing: Performing;
  readonly #lease = { owner: randomUUID(), seconds: LEASE_SECONDS };
  /** What was last said of an order, or of the worklist: the log tells changes alone. */
  readonly #said = new Map<string, string>();
  #isFirstTurn = true;

  constructor(worklist: Worklist, parts: PerformerParts) {
    this.#parts = parts;
    this.#worklist = worklist;
    this.#performing = new Performing(worklist, parts);
  }

  /** Each order in hand one step further; then new ones. What fails is tried again at the next turn. */
  async turn(signal?: AbortSignal): Promise<void> {
    const { database } = this.#parts;
    if (this.#isFirstTurn && database.kind === 'embedded') await freeLeases(database);
    this.#isFirstTurn = false;
    const open = await openOrders(database, this.#worklist.name);
    for (const order of open) {
      signal?.throwIfAborted();
      await this.#attempt(order.workitemUid, () => this.#step(order, signal), signal);
    }
    await this.#attempt('', () => this.#claimMore(signal), signal);
  }

  async #attempt(about: string, work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    try {
      await work();
      if (this.#said.delete(about))
        this.#parts.log.info({ workitemUid: about || undefined }, 'orders go on again');
    } catch (error) {
      signal?.throwIfAborted();
      const reason = messageOf(error);
      if (this.#said.get(about) === reason) return;
      this.#said.set(about, reason);
      const what = about === '' ? 'the worklist cannot be asked; going on trying' : 'an order has to wait';
      this.#parts.log.warn({ workitemUid: about || undefined, reason }, what);
    }
  }

  /** Where another process of this database is at it, it is left to that one. */
  async #step(listed: PerformedOrder, signal?: AbortSignal): Promise<void> {
    const { database } = this.#parts;
    if (!(await leaseOrder(database, listed, this.#lease))) return;
    // As it is now: another process may have had it since.
    const order = await openOrder(database, listed);
    if (!order) return;
    if (order.state !== 'claiming') return this.#performing.advance(order, signal);
    if (!(await this.#performing.claim(order, false, signal))) await dropOrder(database, order);
  }

  async #claimMore(signal?: AbortSignal): Promise<void> {
    const { database, queue, openOrders: most, now } = this.#parts;
    if ((await queue.mode()) !== 'running') return;
    let free = most - (await openOrders(database, this.#worklist.name)).length;
    if (free <= 0) return;
    const isOwn = this.#worklist.name === '';
    const isForUs = (one: DicomDataset) => isClaimable(one, this.#parts.settings, { isOwn, now: now() });
    const listed = (await this.#worklist.scheduled(signal)).filter(isForUs).toSorted(byUrgency);
    for (const { SOPInstanceUID: uid } of listed) {
      if (free === 0) return;
      signal?.throwIfAborted();
      // The whole of it, and as it is now: a search may give a part.
      const workitem = await this.#worklist.retrieve(String(uid), signal);
      if (!workitem || !isForUs({ SOPInstanceUID: uid, ...workitem })) continue;
      if (await this.#take(String(uid), workitem, signal)) free -= 1;
    }
  }

  /** The Transaction UID is in the database before the worklist hears of it: a restart goes on with it. */
  async #take(workitemUid: string, workitem: DicomDataset, signal?: AbortSignal): Promise<boolean> {
    const { database, archiveHosts, now } = this.#parts;
    const key = { worklist: this.#worklist.name, workitemUid };
    const { asked, ...identifiers } = readOrder(workitem, archiveHosts);
    const request: KeptRequest = { workitem: codeOf(workitem), asked };
    const isNew = await keepOrder(
      database,
      {
        ...key,
        ...identifiers,
        transactionUid: deriveUid('transaction', randomUUID()),
        studyInstanceUid: isRefusal(asked) ? undefined : asked.studyInstanceUid,
        request,
      },
      now(),
    );
    if (!isNew || !(await leaseOrder(database, key, this.#lease))) return false;
    const order = await openOrder(database, key);
    if (!order) return false;
    if (!(await this.#performing.claim(order, true, signal))) {
      await dropOrder(database, order);
      return false;
    }
    const claimed = await openOrder(database, key);
    if (claimed) await this.#attempt(workitemUid, () => this.#performing.advance(claimed, signal), signal);
    return true;
  }
}

function codeOf(workitem: DicomDataset): Code {
  const [code] = sequence(workitem, 'ScheduledWorkitemCodeSequence');
  const [value, scheme, meaning] = ['CodeValue', 'CodingSchemeDesignator', 'CodeMeaning'].map(
    (keyword) => code && text(code, keyword),
  );
  return value === undefined || scheme === undefined
    ? IMAGE_PROCESSING
    : { value, scheme, meaning: meaning ?? value };
}
