import type { DicomDataset } from '../../reading/dataset.ts';
import type { AgreedContext, Association } from '../wire/association.ts';
import { COMMAND } from '../wire/command.ts';
import { ConnectionLost } from '../wire/wire.ts';
import { type Identifier, readDataSet, writeIdentifier } from './identifier.ts';
import { DimseStatusError, isOutOfResources, isPending, STATUS } from './status.ts';

/** Whether a search brought everything: some archives end it at a limit of their own, and say so. */
export type FindEnd = 'complete' | 'cut short';

/** Matches that still come after a cancel, before the association is broken off. */
const MOST_AFTER_CANCEL = 1_000;

/**
 * One C-FIND (PS3.4 section C.4.1), match by match. Where the caller stops early, the search is canceled
 * (C-CANCEL), and the association can be used again.
 * @throws DimseStatusError; ConnectionLost, MalformedPdu
 */
export async function* find(
  association: Association,
  context: AgreedContext,
  identifier: Identifier,
): AsyncGenerator<DicomDataset, FindEnd> {
  const { messages } = association;
  const messageId = association.nextMessageId();
  const { id, sopClassUid, transferSyntaxUid } = context;
  const request = { affectedSopClassUid: sopClassUid, commandField: COMMAND.find, messageId, priority: 0 };
  await messages.send(id, request, [writeIdentifier(identifier, transferSyntaxUid)]);
  let hasEnded = false;
  let matches = 0;
  try {
    for (;;) {
      const message = await messages.next();
      if (!message) throw new ConnectionLost('the association was released before the search had ended');
      const { status = STATUS.processingFailure, errorComment } = message.command;
      if (isPending(status)) {
        matches += 1;
        yield await readDataSet(message.data, transferSyntaxUid, 'a match of a search');
        continue;
      }
      hasEnded = true;
      if (status === STATUS.success) return 'complete';
      // Beyond its limit an archive ends it as if it had been canceled, or is out of resources.
      if (status === STATUS.canceled || (isOutOfResources(status) && matches > 0)) return 'cut short';
      throw new DimseStatusError('a search (C-FIND) failed', status, errorComment);
    }
  } catch (error) {
    hasEnded = true;
    throw error;
  } finally {
    if (!hasEnded) await cancel(association, context, messageId);
  }
}

async function cancel({ messages }: Association, { id }: AgreedContext, messageId: number): Promise<void> {
  const request = { commandField: COMMAND.cancel, messageIdBeingRespondedTo: messageId };
  await messages.send(id, request);
  for (let i = 0; i < MOST_AFTER_CANCEL; i++) {
    const message = await messages.next();
    if (!message || !isPending(message.command.status ?? STATUS.success)) return;
  }
  throw new ConnectionLost('the search goes on after it was canceled');
}
