import type { Association } from '../wire/association.ts';
import { COMMAND, RESPONSE } from '../wire/command.ts';
import { MalformedPdu } from '../wire/pdu.ts';
import { ConnectionLost } from '../wire/wire.ts';
import { STATUS } from './status.ts';

/** What one C-STORE was answered. */
export interface StoreAnswer {
  readonly status: number;
  readonly comment?: string | undefined;
}

/**
 * One C-STORE (PS3.4 section B): the bytes of the data set, taken as the other side takes them.
 * @throws ConnectionLost, MalformedPdu
 */
export async function store(
  association: Association,
  contextId: number,
  instance: { readonly sopClassUid: string; readonly sopInstanceUid: string },
  dataSet: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<StoreAnswer> {
  const { messages } = association;
  const messageId = association.nextMessageId();
  const request = {
    affectedSopClassUid: instance.sopClassUid,
    commandField: COMMAND.store,
    messageId,
    priority: 0,
    affectedSopInstanceUid: instance.sopInstanceUid,
  };
  await messages.send(contextId, request, dataSet);
  const message = await messages.next();
  if (!message) throw new ConnectionLost('the association was released before an instance was answered');
  const { command } = message;
  const isAnswer = command.commandField === (COMMAND.store | RESPONSE);
  if (!isAnswer || command.messageIdBeingRespondedTo !== messageId) {
    throw new MalformedPdu('something else than the answer to a C-STORE');
  }
  return { status: command.status ?? STATUS.processingFailure, comment: command.errorComment };
}
