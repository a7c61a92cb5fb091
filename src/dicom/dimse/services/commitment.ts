import { type DicomDataset, number, sequence, text } from '../../reading/dataset.ts';
import type { Association } from '../wire/association.ts';
import { COMMAND } from '../wire/command.ts';
import { ConnectionLost } from '../wire/wire.ts';
import { readDataSet, writeIdentifier } from './identifier.ts';
import { eventResponse } from './receiver.ts';
import { SERVICE, STORAGE_COMMITMENT_INSTANCE } from './sop-classes.ts';
import { DimseStatusError, NotOffered, STATUS } from './status.ts';

/** An instance that is to be committed to, and where it belongs. */
export interface NamedInstance {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

/** What an archive reports of one request (PS3.4 table J.3-2). */
export interface CommitmentReport {
  readonly transactionUid: string;
  readonly committed: readonly string[];
  /** With FailureReason (0008,1197), PS3.3 section C.14.1.1. */
  readonly failed: ReadonlyMap<string, number>;
}

const PROCESSING_FAILURE = 0x0110;

/** @returns undefined where the data set names no transaction */
export function readReport(report: DicomDataset): CommitmentReport | undefined {
  const transactionUid = text(report, 'TransactionUID');
  if (transactionUid === undefined) return undefined;
  const named = (keyword: string) =>
    sequence(report, keyword).flatMap((one) => {
      const sopInstanceUid = text(one, 'ReferencedSOPInstanceUID');
      const reason = number(one, 'FailureReason') ?? PROCESSING_FAILURE;
      return sopInstanceUid === undefined ? [] : [[sopInstanceUid, reason] as const];
    });
  return {
    transactionUid,
    committed: named('ReferencedSOPSequence').map(([uid]) => uid),
    failed: new Map(named('FailedSOPSequence')),
  };
}

/**
 * Asks for storage commitment (N-ACTION, PS3.4 section J.3.2).
 * @throws NotOffered, DimseStatusError; ConnectionLost
 */
export async function requestCommitment(
  association: Association,
  transactionUid: string,
  instances: readonly NamedInstance[],
): Promise<void> {
  const context = association.contextOf(SERVICE.storageCommitment);
  if (!context) throw new NotOffered('the archive does not offer storage commitment');
  const { messages } = association;
  const request = {
    requestedSopClassUid: SERVICE.storageCommitment,
    commandField: COMMAND.action,
    messageId: association.nextMessageId(),
    requestedSopInstanceUid: STORAGE_COMMITMENT_INSTANCE,
    actionTypeId: 1,
  };
  const content = {
    TransactionUID: transactionUid,
    ReferencedSOPSequence: instances.map(({ sopClassUid, sopInstanceUid }) => ({
      ReferencedSOPClassUID: sopClassUid,
      ReferencedSOPInstanceUID: sopInstanceUid,
    })),
  };
  await messages.send(context.id, request, [writeIdentifier(content, context.transferSyntaxUid)]);
  const message = await messages.next();
  if (!message) throw new ConnectionLost('the association was released before the answer to N-ACTION');
  const { status = STATUS.processingFailure, errorComment } = message.command;
  if (status !== STATUS.success) {
    throw new DimseStatusError('storage commitment (N-ACTION) failed', status, errorComment);
  }
}

/**
 * Reports that come on the association of the request itself, until the other side ends it.
 * @param reported is answered once it resolves
 */
export async function reportsOn(
  { messages, contexts }: Association,
  reported: (report: DicomDataset) => Promise<unknown>,
): Promise<void> {
  for (let message = await messages.next(); message; message = await messages.next()) {
    const { command, contextId, data } = message;
    const context = contexts.find(({ id }) => id === contextId);
    if (command.commandField !== COMMAND.eventReport || !context) return;
    await reported(await readDataSet(data, context.transferSyntaxUid, 'a report on storage commitment'));
    await messages.send(contextId, eventResponse(command));
  }
}
