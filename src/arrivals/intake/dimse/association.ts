import dimse from 'dcmjs-dimse';
import { isUid } from '../../../dicom/uids.ts';

export type Association = InstanceType<typeof dimse.association.Association>;
export type PresentationContext = InstanceType<typeof dimse.association.PresentationContext>;

const { PresentationContextResult, RejectReason, RejectResult, RejectSource, SopClass } = dimse.constants;

export interface AssociationRules {
  /** The title that senders have to call. */
  readonly aeTitle: string;
  /** Who may send; empty: anybody. */
  readonly callingAeTitles: readonly string[];
}

/** Parameters of A-ASSOCIATE-RJ (PS3.8 section 9.3.4), and what it means. */
export interface Rejection {
  readonly result: number;
  readonly source: number;
  readonly reason: number;
  readonly words: string;
}

/** Why the titles do not allow this association; undefined where they do. */
export function rejectionOf(association: Association, rules: AssociationRules): Rejection | undefined {
  const permanent = { result: RejectResult.Permanent, source: RejectSource.ServiceUser };
  if (association.getCalledAeTitle().trim() !== rules.aeTitle) {
    return { ...permanent, reason: RejectReason.CalledAeNotRecognized, words: 'it calls another AE title' };
  }
  const calling = association.getCallingAeTitle().trim();
  if (rules.callingAeTitles.length > 0 && !rules.callingAeTitles.includes(calling)) {
    return {
      ...permanent,
      reason: RejectReason.CallingAeNotRecognized,
      words: 'its AE title is not configured',
    };
  }
  return undefined;
}

/** There are as many associations as may be: the sender may try again. */
export const TOO_MANY_ASSOCIATIONS: Rejection = {
  result: RejectResult.Transient,
  source: RejectSource.ServiceProviderPresentation,
  reason: RejectReason.LocalLimitExceeded,
  words: 'there are as many associations as may be',
};

/**
 * Answers each presentation context. Verification and every storage class are accepted, private ones too, in
 * the transfer syntax that the sender names first: most likely the stored one, and nothing is converted here.
 */
export function negotiate(association: Association): void {
  for (const { context } of association.getPresentationContexts()) {
    const [transferSyntaxUid] = context.getTransferSyntaxUids();
    const { Accept, RejectAbstractSyntaxNotSupported, RejectTransferSyntaxesNotSupported } =
      PresentationContextResult;
    if (!isTaken(context.getAbstractSyntaxUid())) context.setResult(RejectAbstractSyntaxNotSupported);
    else if (transferSyntaxUid === undefined || !isUid(transferSyntaxUid)) {
      context.setResult(RejectTransferSyntaxesNotSupported);
    } else context.setResult(Accept, transferSyntaxUid);
  }
}

/** PS3.4 table B.5-1; classes of manufacturers have UIDs of their own roots. */
const STORAGE_CLASSES = '1.2.840.10008.5.1.4.1.1.';
const STANDARD_CLASSES = '1.2.840.10008.';

function isTaken(abstractSyntaxUid: string): boolean {
  return (
    abstractSyntaxUid === SopClass.Verification ||
    abstractSyntaxUid.startsWith(STORAGE_CLASSES) ||
    !abstractSyntaxUid.startsWith(STANDARD_CLASSES)
  );
}

/** Of an accepted context; undefined where a sender uses one that was not. */
export function acceptedTransferSyntax(context: PresentationContext | undefined): string | undefined {
  if (context?.getResult() !== PresentationContextResult.Accept) return undefined;
  return context.getAcceptedTransferSyntaxUid();
}
