import {
  FAILURE_REASON,
  type PartOutcome,
  PartTooLarge,
  type StorePart,
} from '../../dicom/web/store-request.ts';
import { IntakeError, type IntakeRefusal } from './intake-error.ts';
import type { Expectation, HeldInstance, Spool } from './spool.ts';

/** PS3.18 table I.2-2. */
const REASONS: Readonly<Record<Exclude<IntakeRefusal, 'too-large'>, number>> = {
  full: FAILURE_REASON.outOfResources,
  unreadable: FAILURE_REASON.cannotUnderstand,
  'wrong-study': FAILURE_REASON.processingFailure,
};

/** The instances of one STOW-RS request: all are kept when the whole request has come in, or none. */
export class SpoolDelivery {
  readonly #spool: Spool;
  readonly #studyUid: string | undefined;
  readonly #held: HeldInstance[] = [];

  /** @param studyUid that every instance has to belong to */
  constructor(spool: Spool, studyUid: string | undefined) {
    this.#spool = spool;
    this.#studyUid = studyUid;
  }

  readonly store: StorePart = async (content): Promise<PartOutcome> => {
    try {
      const stored = await this.#spool.receive(content, { kind: 'stow' }, this.#ofStudy);
      this.#held.push(stored);
      return { stored };
    } catch (error) {
      if (!(error instanceof IntakeError)) throw error;
      if (error.refusal === 'too-large') {
        throw new PartTooLarge(`has an instance of ${error.message}`);
      }
      const { sopUid, sopClassUid } = error;
      return { failure: { sopUid, sopClassUid, reason: REASONS[error.refusal] } };
    }
  };

  keep(): Promise<void> {
    return this.#spool.keep(this.#held);
  }

  drop(): Promise<void> {
    return this.#spool.drop(this.#held);
  }

  readonly #ofStudy: Expectation = ({ identity }) => {
    if (this.#studyUid === undefined || identity.studyUid === this.#studyUid) return;
    throw new IntakeError('wrong-study', 'the instance belongs to another study than the path', identity);
  };
}

/** Why the spool takes nothing now; undefined where it does. */
export async function whyNoRoom(spool: Spool): Promise<string | undefined> {
  try {
    await spool.checkRoom();
    return undefined;
  } catch (error) {
    if (error instanceof IntakeError) return error.message;
    throw error;
  }
}
