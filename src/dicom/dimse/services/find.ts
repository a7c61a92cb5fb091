import type { DicomDataset } from '../../reading/dataset.ts';
import type { AgreedContext, Association } from '../wire/association.ts';
import { COMMAND } from '../wire/command.ts';
import { MalformedPdu } from '../wire/pdu.ts';
import { ConnectionLost } from '../wire/wire.ts';
import { type Identifier, readDataSet, writeIdentifier } from './identifier.ts';
import { DimseStatusError, isOutOfResources, isPending, STATUS } from './status.ts';

/** Whether a search brought everything: some archives end it at a limit of their own, and say so. */
export type FindEnd = 'complete' | 'cut short';

export interface FindOptions {
  /** How long the archive may take to heed a cancel, in ms; 0: it is not asked to. */
  readonly cancelMs: number;
  /** Told that it did not. */
  readonly notHeeded?: () => void;
}

/** Matches of one search: more than the largest series, or a day of the largest archive, has. */
const MOST_MATCHES = 200_000;
/** All matches of one search: some hundred bytes each. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * One C-FIND (PS3.4 section C.4.1), match by match. Where the caller stops early, the search is canceled
 * (C-CANCEL), and the association can be used again; where the archive does not heed that in time, the
 * association is broken off.
 * @throws DimseStatusError; ConnectionLost; MalformedPdu, also where matches come without end
 */
export async function* find(
  association: Association,
  context: AgreedContext,
  identifier: Identifier,
  options: FindOptions,
): AsyncGenerator<DicomDataset, FindEnd> {
  const { messages } = association;
  const messageId = association.nextMessageId();
  const { id, sopClassUid, transferSyntaxUid } = context;
  const request = { affectedSopClassUid: sopClassUid, commandField: COMMAND.find, messageId, priority: 0 };
  await messages.send(id, request, [writeIdentifier(identifier, transferSyntaxUid)]);
  let hasEnded = false;
  let [matches, bytes] = [0, 0];
  const measured = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw endless(`${MOST_BYTES} bytes of matches`);
      yield chunk;
    }
  };
  try {
    for (;;) {
      const message = await messages.next();
      if (!message) throw new ConnectionLost('the association was released before the search had ended');
      const { status = STATUS.processingFailure, errorComment } = message.command;
      if (isPending(status)) {
        matches += 1;
        if (matches > MOST_MATCHES) throw endless(`${MOST_MATCHES} matches`);
        yield await readDataSet(measured(message.data), transferSyntaxUid, 'a match of a search');
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
    if (!hasEnded) await cancel(association, id, messageId, options);
  }
}

const endless = (what: string): MalformedPdu => new MalformedPdu(`a search (C-FIND) gives more than ${what}`);

/** Ends a search that nobody listens to any more, or the association with it: archives may go on for long. */
async function cancel(
  association: Association,
  contextId: number,
  messageId: number,
  { cancelMs, notHeeded }: FindOptions,
): Promise<void> {
  if (cancelMs === 0) return association.abort();
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const limit = setTimeout(() => resolve(false), cancelMs);
  try {
    // Where it is late, this one ends with the association.
    const isOver = await Promise.race([late, endOfCanceled(association, contextId, messageId)]);
    if (isOver) return;
  } finally {
    clearTimeout(limit);
  }
  notHeeded?.();
  association.abort();
}

/** @returns whether it came to its end; false also where the connection did not live that long */
async function endOfCanceled(
  { messages }: Association,
  contextId: number,
  messageId: number,
): Promise<boolean> {
  try {
    const request = { commandField: COMMAND.cancel, messageIdBeingRespondedTo: messageId };
    await messages.send(contextId, request);
    for (;;) {
      const message = await messages.next();
      if (!message) return false;
      if (!isPending(message.command.status ?? STATUS.success)) return true;
    }
  } catch {
    return false;
  }
}
