import {
  FAILURE_REASON,
  type PartOutcome,
  PartTooLarge,
  type StorePart,
} from '../dicom/web/store-request.ts';
import { IntakeError, type IntakeRefusal } from './intake-error.ts';
import type { Expectation, Spool } from './spool.ts';

/** PS3.18 table I.2-2. */
const REASONS: Readonly<Record<Exclude<IntakeRefusal, 'too-large'>, number>> = {
  full: FAILURE_REASON.outOfResources,
  unreadable: FAILURE_REASON.cannotUnderstand,
  'wrong-study': FAILURE_REASON.processingFailure,
};

/**
 * Takes instances of a STOW-RS request into the spool.
 * @param studyUid that every instance has to belong to
 */
export function storeInSpool(spool: Spool, studyUid: string | undefined): StorePart {
  const ofStudy: Expectation = ({ identity }) => {
    if (studyUid === undefined || identity.studyUid === studyUid) return;
    throw new IntakeError('wrong-study', 'the instance belongs to another study than the path', identity);
  };
  return async (content): Promise<PartOutcome> => {
    try {
      return { stored: await spool.receive(content, { kind: 'stow' }, ofStudy) };
    } catch (error) {
      if (!(error instanceof IntakeError)) throw error;
      if (error.refusal === 'too-large') throw new PartTooLarge(error.message.replace(/^an instance/, ''));
      const { sopUid, sopClassUid } = error;
      return { failure: { sopUid, sopClassUid, reason: REASONS[error.refusal] } };
    }
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
