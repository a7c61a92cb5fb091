import type { Association } from '../wire/association.ts';
import { COMMAND } from '../wire/command.ts';
import { ConnectionLost } from '../wire/wire.ts';
import { SERVICE } from './sop-classes.ts';
import { DimseStatusError, NotOffered, STATUS } from './status.ts';

/** C-ECHO (PS3.4 annex A). @throws NotOffered, DimseStatusError; ConnectionLost */
export async function echo(association: Association): Promise<void> {
  const context = association.contextOf(SERVICE.verification);
  if (!context) throw new NotOffered('the archive does not accept Verification (C-ECHO)');
  const request = {
    affectedSopClassUid: SERVICE.verification,
    commandField: COMMAND.echo,
    messageId: association.nextMessageId(),
  };
  await association.messages.send(context.id, request);
  const message = await association.messages.next();
  if (!message) throw new ConnectionLost('the association was released before the answer');
  const { status = STATUS.processingFailure, errorComment } = message.command;
  if (status !== STATUS.success) throw new DimseStatusError('C-ECHO failed', status, errorComment);
}
