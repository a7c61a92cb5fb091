import type { AgreedContext, Association } from '../wire/association.ts';
import { COMMAND, RESPONSE } from '../wire/command.ts';
import { MalformedPdu } from '../wire/pdu.ts';
import { ConnectionLost } from '../wire/wire.ts';
import { type RetrievalEnd, retrievalEnd } from './get.ts';
import { type Identifier, writeIdentifier } from './identifier.ts';
import type { ReceivedInstance } from './incoming.ts';
import type { Receiver } from './receiver.ts';
import { isPending, STATUS } from './status.ts';

type Expected = ReturnType<Receiver['expect']>;

/**
 * One C-MOVE (PS3.4 section C.4.2) to this side's own receiver. Senders wait for the caller; where it stops
 * early, the association is of no use any more.
 * @param open asks for an association that counts what comes to the receiver as a sign of life
 * @throws ConnectionLost, MalformedPdu; TooMuchToRead
 */
export async function* move(
  association: Association,
  context: AgreedContext,
  { identifier, aeTitle, expected }: { identifier: Identifier; aeTitle: string; expected: Expected },
): AsyncGenerator<ReceivedInstance, RetrievalEnd> {
  const { id, sopClassUid, transferSyntaxUid } = context;
  const { messageId, instances } = expected;
  const request = {
    affectedSopClassUid: sopClassUid,
    commandField: COMMAND.move,
    messageId,
    moveDestination: aeTitle,
    priority: 0,
  };
  await association.messages.send(id, request, [writeIdentifier(identifier, transferSyntaxUid)]);
  const ending = endOf(association).then(
    (end) => {
      instances.end();
      return end;
    },
    (error: unknown) => {
      instances.end(error);
      throw error;
    },
  );
  ending.catch(() => undefined); // told by the channel first
  yield* instances.taken();
  return await ending;
}

async function endOf({ messages }: Association): Promise<RetrievalEnd> {
  for (;;) {
    const message = await messages.next();
    if (!message) throw new ConnectionLost('the association was released before the retrieval had ended');
    const { command } = message;
    if (command.commandField !== (COMMAND.move | RESPONSE)) {
      throw new MalformedPdu(`a message of kind ${command.commandField} within a C-MOVE`);
    }
    if (!isPending(command.status ?? STATUS.processingFailure)) return retrievalEnd(command);
  }
}
