import type { DicomDataset } from '../dicom/reading/dataset.ts';
import { sequence, text } from '../dicom/reading/dataset.ts';
import { STAGES, type Stage } from '../pipeline/run/stage-names.ts';
import { requestStudy } from '../queue/request-study.ts';
import type { StudyQueue } from '../queue/study-queue.ts';
import type { Database } from '../store/database/sql.ts';
import {
  advanceOrder,
  endOrder,
  forgetIgnored,
  openOrder,
  type PerformedOrder,
  processedFingerprint,
  recordOrderProgress,
  recordRefusal,
  replaceEnding,
  requestOrderCancel,
} from '../store/orders/performed-orders.ts';
import { WORKITEM_STATES } from '../store/orders/workitems.ts';
import { progressOfStudies, type StudyProgress } from '../store/records/progress-log.ts';
import { findStudy, type StudyRecord } from '../store/records/study-log.ts';
import type { OrderSettings } from './claimable.ts';
import { type OrderArchive, presentInput } from './input.ts';
import { type Ending, endingSchema, type KeptRequest, keptRequest } from './kept-request.ts';
import { isRefusal, type OrderRefusal, type OrderRequest } from './order.ts';
import { outcomeOf } from './outcome.ts';
import { cancellationOf, completionOf, progressOf } from './performed.ts';
import { WorkitemRefused, type Worklist } from './worklist.ts';

/** What happened to an order, for metrics and the audit log. */
export interface OrderEvent {
  readonly order: PerformedOrder;
  readonly what: 'claimed' | 'COMPLETED' | 'CANCELED' | 'lost';
}

export interface PerformingParts {
  readonly archive: OrderArchive;
  readonly database: Database;
  readonly queue: Pick<StudyQueue, 'add' | 'wake'>;
  readonly settings: OrderSettings & {
    /** How long is waited for input that is not in the archive yet. */
    readonly inputMs: number;
    /** Whether others reach the archive by its address. */
    readonly archiveIsShared: boolean;
    /** AE title of an archive that speaks DIMSE: it has no address to retrieve from. */
    readonly archiveAeTitle?: string | undefined;
  };
  readonly now: () => Date;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
  readonly told: (event: OrderEvent) => void;
}

/** So often an end is refused before another is tried; and twice as often, before the order is left alone. */
const MOST_REFUSALS = 5;

/** How much of the work is done when a stage begins, in percent; most of the time goes into the network. */
const PERCENT: Readonly<Record<Stage, number>> = {
  'list series': 2,
  select: 3,
  retrieve: 5,
  volume: 15,
  segment: 20,
  measure: 85,
  results: 88,
  store: 90,
  verify: 94,
  record: 97,
  corrections: 98,
};

/** How much of the work on a study is done, going by its stage. */
function percentOf({ stage, fraction = 0 }: Pick<StudyProgress, 'stage' | 'fraction'>): number {
  const place = STAGES.findIndex((one) => one === stage);
  const [from, to = 'corrections'] = STAGES.slice(Math.max(0, place), place + 2);
  return from === undefined ? 1 : Math.round(PERCENT[from] + fraction * (PERCENT[to] - PERCENT[from]));
}

/** In words of the node's own: what a worklist writes there may be anything. */
function saidToBe(state: string | undefined): string {
  const isKnown = WORKITEM_STATES.some((one) => one === state);
  return `the worklist says that the workitem is ${isKnown ? state : 'in no state that there is'}`;
}

/** Takes one order a step further, each time that it is asked; every step may be done twice. */
export class Performing {
  readonly #parts: PerformingParts;
  readonly #worklist: Worklist;

  constructor(worklist: Worklist, parts: PerformingParts) {
    this.#parts = parts;
    this.#worklist = worklist;
  }

  /**
   * @param isFirst the claim was never sent before
   * @returns whether the order is ours
   */
  async claim(order: PerformedOrder, isFirst: boolean, signal?: AbortSignal): Promise<boolean> {
    const { database, told } = this.#parts;
    const { workitemUid, transactionUid } = order;
    try {
      await this.#worklist.changeState(workitemUid, { transactionUid, state: 'IN PROGRESS' }, signal);
    } catch (error) {
      if (!(error instanceof WorkitemRefused)) throw error;
      // An earlier claim may have been heard, and its answer lost: who has the key may change the workitem.
      if (isFirst || !(await this.#isOurs(order, signal))) return false;
    }
    await advanceOrder(database, order, { state: 'claimed' });
    told({ order, what: 'claimed' });
    return true;
  }

  async #isOurs({ workitemUid, transactionUid }: PerformedOrder, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.#worklist.update(workitemUid, transactionUid, progressOf(0, 'claimed'), signal);
      return true;
    } catch (error) {
      if (error instanceof WorkitemRefused) return false;
      throw error;
    }
  }

  /** One step of an order that is ours. */
  async advance(order: PerformedOrder, signal?: AbortSignal): Promise<void> {
    if (order.state === 'ending') return this.#finish(order, signal);
    const workitem = await this.#worklist.retrieve(order.workitemUid, signal);
    const state = workitem && text(workitem, 'ProcedureStepState');
    if (!workitem) return this.#lose(order, 'the worklist does not have the workitem any more');
    if (state === 'SCHEDULED') {
      // The worklist forgot the claim, as one that was restored from a copy does.
      if (await this.claim(order, false, signal)) return;
      return this.#lose(order, 'the worklist gave the workitem to somebody else');
    }
    if (state !== 'IN PROGRESS') return this.#lose(order, saidToBe(state));
    const isCanceled = order.cancelRequestedAt !== undefined || (await this.#isCancelHeard(order, workitem));
    if (isCanceled)
      return this.#cancel(order, { reason: 'unspecified', words: 'canceled on request' }, signal);
    const { asked } = keptRequest(order);
    if (isRefusal(asked)) return this.#cancel(order, asked, signal);
    if (order.state === 'requested') return this.#follow(order, asked, signal);
    return this.#begin(order, asked, signal);
  }

  /** Servers that tell of a request to cancel in the workitem itself do so in these. */
  async #isCancelHeard(order: PerformedOrder, workitem: DicomDataset): Promise<boolean> {
    const { database, now } = this.#parts;
    const isMarked = sequence(workitem, 'ProcedureStepProgressInformationSequence').some(
      (one) =>
        text(one, 'ReasonForCancellation') !== undefined ||
        text(one, 'ProcedureStepCancellationDateTime') !== undefined ||
        sequence(one, 'ProcedureStepDiscontinuationReasonCodeSequence').length > 0,
    );
    return isMarked && (await requestOrderCancel(database, order, now()));
  }

  /** Waits for the input; then the study goes to the queue, or its results are there already. */
  async #begin(order: PerformedOrder, asked: OrderRequest, signal?: AbortSignal): Promise<void> {
    const { database, queue, settings, now } = this.#parts;
    const { studyInstanceUid } = asked;
    const fingerprint = await presentInput(this.#parts, asked, signal);
    if (fingerprint === undefined) {
      const waited = now().getTime() - order.claimedAt.getTime();
      if (waited < settings.inputMs) return this.#tell(order, 0, 'waiting for the input', signal);
      const words = 'not all of the input is in the archive that this node asks';
      return this.#cancel(order, { reason: 'incomplete', words }, signal);
    }
    const before = await findStudy(database, studyInstanceUid);
    const isDealtWith = (await processedFingerprint(database, studyInstanceUid)) === fingerprint;
    if (before && isDealtWith && (before.state === 'done' || before.state === 'skipped')) {
      return this.#end(order, asked, before, fingerprint, signal);
    }
    await forgetIgnored(database, studyInstanceUid);
    await requestStudy({ database, queue }, { studyInstanceUid, reason: 'ordered', now: now() });
    const after = await findStudy(database, studyInstanceUid);
    // A queue that is drained takes nothing: the order waits as well.
    if (after?.state !== 'queued' && after?.state !== 'running') {
      return this.#tell(order, 0, 'waiting for the queue', signal);
    }
    await advanceOrder(database, order, { state: 'requested', requestedAt: now() });
    await this.#tell(order, 1, 'waiting for its turn', signal);
  }

  async #follow(order: PerformedOrder, asked: OrderRequest, signal?: AbortSignal): Promise<void> {
    const { database } = this.#parts;
    const study = await findStudy(database, asked.studyInstanceUid);
    if (study?.state === 'queued') return this.#tell(order, 1, 'waiting for its turn', signal);
    if (study?.state === 'running') {
      const all = await progressOfStudies(database, [asked.studyInstanceUid]);
      const progress = all.get(asked.studyInstanceUid) ?? { stage: STAGES[0], fraction: undefined };
      return this.#tell(order, percentOf(progress), progress.stage, signal);
    }
    const fingerprint = await presentInput(this.#parts, asked, signal);
    const isAnswered =
      study?.state === 'failed' ||
      (study !== undefined &&
        study.state !== 'seen' &&
        (await processedFingerprint(database, asked.studyInstanceUid)) === fingerprint);
    if (study && isAnswered) return this.#end(order, asked, study, fingerprint ?? '', signal);
    // More has come, or it was called off for another order: once more.
    await advanceOrder(database, order, { state: 'claimed' });
  }

  async #end(
    order: PerformedOrder,
    asked: OrderRequest,
    study: StudyRecord,
    fingerprint: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const outcome = await outcomeOf(study, asked, fingerprint, this.#parts, signal);
    if ('reason' in outcome) return this.#cancel(order, outcome, signal);
    const { studyInstanceUid } = asked;
    const { series } = outcome;
    await this.#fix(
      order,
      { state: 'COMPLETED', at: this.#at(), output: { studyInstanceUid, series } },
      signal,
    );
  }

  #cancel(order: PerformedOrder, { reason, words }: OrderRefusal, signal?: AbortSignal): Promise<void> {
    return this.#fix(order, { state: 'CANCELED', at: this.#at(), reason, words }, signal);
  }

  readonly #at = (): string => this.#parts.now().toISOString();

  /** From here on the end is what it is, however often it has to be told. */
  async #fix(order: PerformedOrder, ending: Ending, signal?: AbortSignal): Promise<void> {
    const { database } = this.#parts;
    await advanceOrder(database, order, { state: 'ending', ending });
    const fixed = (await openOrder(database, order)) ?? { ...order, ending };
    await this.#finish(fixed, signal);
  }

  async #finish(order: PerformedOrder, signal?: AbortSignal): Promise<void> {
    const ending = endingSchema.parse(order.ending);
    const { workitemUid, transactionUid } = order;
    try {
      const said = this.#saidOf(order, keptRequest(order), ending);
      await this.#worklist.update(workitemUid, transactionUid, said, signal);
      await this.#worklist.changeState(workitemUid, { transactionUid, state: ending.state }, signal);
    } catch (error) {
      if (!(error instanceof WorkitemRefused)) throw error;
      return this.#settle(order, ending, error, signal);
    }
    await this.#ended(order, ending);
  }

  #saidOf(order: PerformedOrder, { workitem }: KeptRequest, ending: Ending) {
    const { settings, archive } = this.#parts;
    const { station, archiveIsShared, archiveAeTitle: aeTitle } = settings;
    const place = aeTitle === undefined ? { url: archive.url } : { aeTitle };
    const performed = { station, workitem, startedAt: order.claimedAt, endedAt: new Date(ending.at) };
    return ending.state === 'COMPLETED'
      ? completionOf(performed, ending.output, archiveIsShared ? place : undefined)
      : cancellationOf(performed, ending);
  }

  /** The worklist refused the end: it may have heard it before, or somebody else ended the workitem. */
  async #settle(order: PerformedOrder, ending: Ending, refusal: WorkitemRefused, signal?: AbortSignal) {
    const { database, log, now } = this.#parts;
    const workitem = await this.#worklist.retrieve(order.workitemUid, signal);
    const state = workitem && text(workitem, 'ProcedureStepState');
    if (state === ending.state) return this.#ended(order, ending);
    if (state !== 'IN PROGRESS') return this.#lose(order, saidToBe(state));
    const refusals = await recordRefusal(database, order);
    const { workitemUid } = order;
    if (refusals === 1 || refusals === MOST_REFUSALS) {
      log.warn(
        { workitemUid, refusals, reason: refusal.message },
        'the worklist refuses the end of an order',
      );
    }
    if (refusals >= 2 * MOST_REFUSALS)
      return this.#lose(order, 'the worklist refuses every end of the order');
    if (refusals < MOST_REFUSALS || ending.state === 'CANCELED') return;
    const words = 'the worklist refuses the results, which are in the archive';
    const canceled: Ending = { state: 'CANCELED', at: now().toISOString(), reason: 'unspecified', words };
    await replaceEnding(database, order, canceled);
  }

  async #ended(order: PerformedOrder, ending: Ending): Promise<void> {
    const reason = ending.state === 'CANCELED' ? ending.words : undefined;
    await this.#over(order, ending.state, reason);
  }

  async #lose(order: PerformedOrder, reason: string): Promise<void> {
    this.#parts.log.warn({ workitemUid: order.workitemUid, reason }, 'an order was taken away');
    await this.#over(order, 'lost', reason);
  }

  async #over(order: PerformedOrder, state: 'COMPLETED' | 'CANCELED' | 'lost', reason?: string) {
    const { database, log, now, told } = this.#parts;
    if (!(await endOrder(database, order, { state, reason, now: now() }))) return;
    const { workitemUid, studyInstanceUid } = order;
    log.info(
      { workitemUid, studyInstanceUid, state, ...(reason === undefined ? {} : { reason }) },
      'order ended',
    );
    told({ order, what: state });
  }

  /** Progress is a courtesy: a worklist that refuses it loses nothing. It never goes back. */
  async #tell(order: PerformedOrder, percent: number, words: string, signal?: AbortSignal): Promise<void> {
    if (percent <= (order.percent ?? -1)) return;
    try {
      const { workitemUid, transactionUid } = order;
      await this.#worklist.update(workitemUid, transactionUid, progressOf(percent, words), signal);
    } catch (error) {
      if (!(error instanceof WorkitemRefused)) throw error;
    }
    await recordOrderProgress(this.#parts.database, order, percent);
  }
}
