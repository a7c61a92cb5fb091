import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { DeliveryError } from '../outbox/delivery-error.ts';

/** Where HL7 messages go. */
export interface MllpReceiver {
  readonly host: string;
  readonly port: number;
  /** Certificates and key as PEM texts; undefined: without TLS. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'> | undefined;
  /** For the connection, and then for the answer. */
  readonly timeoutMs: number;
}

/** HL7 2.5.1, appendix C.4: <VT> message <FS><CR>. */
const START = 0x0b;
const END = 0x1c;
const CARRIAGE_RETURN = 0x0d;
/** An acknowledgment has a few hundred bytes. */
const ANSWER_BYTES = 2 ** 20;

/**
 * Sends one message over a connection of its own and waits for the answer to it.
 * @returns the answer, without its frame
 * @throws DeliveryError `later` where no answer comes; whether the receiver has the message is not known then
 */
export async function exchangeMllp(
  message: string,
  receiver: MllpReceiver,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const socket = open(receiver);
  const abort = (): void => void socket.destroy(new Error('the node stops'));
  signal.addEventListener('abort', abort, { once: true });
  socket.setTimeout(receiver.timeoutMs, () => socket.destroy(new Error('no answer in time')));
  // An answer that trickles for ever ends as well.
  const total = setTimeout(() => socket.destroy(new Error('no answer in time')), 2 * receiver.timeoutMs);
  try {
    // Over TLS nothing may leave before it is known who is there.
    await once(socket, receiver.tls ? 'secureConnect' : 'connect');
    socket.write(
      Buffer.concat([Buffer.of(START), Buffer.from(message, 'utf8'), Buffer.of(END, CARRIAGE_RETURN)]),
    );
    return await answerOn(socket);
  } catch (error) {
    if (error instanceof DeliveryError) throw error;
    const words = error instanceof Error && error.message ? error.message : 'no connection';
    throw new DeliveryError('later', `no acknowledgment: ${words}`, { cause: error });
  } finally {
    clearTimeout(total);
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

function open({ host, port, tls }: MllpReceiver): Socket {
  if (!tls) return connect({ host, port });
  const servername = isIP(host) ? {} : { servername: host };
  return connectTls({ host, port, ...servername, ...tls, minVersion: 'TLSv1.2' });
}

/** The first whole frame that comes; what stands before it is passed over. */
async function answerOn(socket: Socket): Promise<string> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk]);
    const start = bytes.indexOf(START);
    const end = start < 0 ? -1 : bytes.indexOf(END, start);
    if (end >= 0) return bytes.toString('utf8', start + 1, end);
    if (bytes.length > ANSWER_BYTES) throw new DeliveryError('unwilling', 'the answer is no acknowledgment');
  }
  throw new Error('the connection was closed');
}
