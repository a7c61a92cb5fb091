import type { AgreedContext, Association, Peer } from '../wire/association.ts';
import { COMMAND, type Command, RESPONSE } from '../wire/command.ts';
import { MalformedPdu } from '../wire/pdu.ts';
import { ConnectionLost } from '../wire/wire.ts';
import { type Identifier, writeIdentifier } from './identifier.ts';
import { type ReceivedInstance, received, type Taken } from './incoming.ts';
import { isPending, STATUS } from './status.ts';

/** How a retrieval ended, in the archive's words (PS3.4 sections C.4.2 and C.4.3). */
export interface RetrievalEnd {
  readonly status: number;
  /** Sub-operations that failed, as far as it says. */
  readonly failed: number;
  readonly comment?: string | undefined;
}

/** What the last response of a C-GET or C-MOVE says. */
export const retrievalEnd = ({ status, failed, errorComment }: Command): RetrievalEnd => ({
  status: status ?? STATUS.processingFailure,
  failed: failed ?? 0,
  comment: errorComment,
});

/**
 * One C-GET (PS3.4 section C.4.3): the instances come on the same association, each answered once it is in
 * memory. Nothing is read ahead of the caller; where it stops early, the association is of no use any more.
 * @throws ConnectionLost, MalformedPdu; TooMuchToRead
 */
export async function* get(
  association: Association,
  context: AgreedContext,
  { identifier, peer, taken }: { identifier: Identifier; peer: Peer; taken: Taken },
): AsyncGenerator<ReceivedInstance, RetrievalEnd> {
  const { messages, contexts } = association;
  const { id, sopClassUid, transferSyntaxUid } = context;
  const messageId = association.nextMessageId();
  const request = { affectedSopClassUid: sopClassUid, commandField: COMMAND.get, messageId, priority: 0 };
  await messages.send(id, request, [writeIdentifier(identifier, transferSyntaxUid)]);
  for (;;) {
    const message = await messages.next();
    if (!message) throw new ConnectionLost('the association was released before the retrieval had ended');
    const { command, contextId } = message;
    if (command.commandField === COMMAND.store) {
      const agreed = contexts.find((one) => one.id === contextId);
      if (!agreed) throw new MalformedPdu('an instance in a context that was not accepted');
      const sender = { aeTitle: peer.calledAeTitle, implementation: peer.implementation };
      const instance = await received(message, agreed.transferSyntaxUid, sender, taken);
      await messages.send(contextId, storeResponse(command, STATUS.success));
      yield instance;
    } else if (command.commandField !== (COMMAND.get | RESPONSE)) {
      throw new MalformedPdu(`a message of kind ${command.commandField} within a C-GET`);
    } else if (!isPending(command.status ?? STATUS.processingFailure)) {
      return retrievalEnd(command);
    }
  }
}

/** C-STORE-RSP (PS3.7 section 9.3.1.2). */
export const storeResponse = (request: Command, status: number): Command => ({
  ...(request.affectedSopClassUid ? { affectedSopClassUid: request.affectedSopClassUid } : {}),
  commandField: COMMAND.store | RESPONSE,
  messageIdBeingRespondedTo: request.messageId ?? 0,
  status,
  ...(request.affectedSopInstanceUid ? { affectedSopInstanceUid: request.affectedSopInstanceUid } : {}),
});
