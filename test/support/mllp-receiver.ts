import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** An HL7 interface over MLLP, as far as tests need one. */
export interface MllpReceiver {
  readonly port: number;
  /** Messages in the order in which they came, without their frames. */
  readonly received: string[];
  /** What it answers to a message; undefined: nothing, ever. */
  answer: (message: string) => string | undefined;
  /** Resolves when the next message has come. */
  next(): Promise<string>;
  stop(): Promise<void>;
}

/** The acknowledgment of a message (HL7 2.5.1, 2.9.2). */
export function acknowledgment(message: string, code: string, text = ''): string {
  const id = message.split('\r')[0]?.split('|')[9] ?? '';
  return `MSH|^~\\&|EHR|HOSP|PANSEGNET||20260304050608||ACK^R01^ACK|A${id}|P|2.5.1\rMSA|${code}|${id}|${text}\r`;
}

/** @param port 0: any that is free */
export async function startMllpReceiver(tls?: TlsOptions, port = 0): Promise<MllpReceiver> {
  const sockets = new Set<Socket>();
  let waiting = Promise.withResolvers<string>();
  const receiver: Omit<MllpReceiver, 'port' | 'stop'> = {
    received: [],
    answer: (message) => acknowledgment(message, 'AA'),
    next: () => waiting.promise,
  };
  const take = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\x1c\r');
      if (bytes[0] !== 0x0b || end < 0) return;
      const message = bytes.toString('utf8', 1, end);
      bytes = bytes.subarray(end + 2);
      receiver.received.push(message);
      const answer = receiver.answer(message);
      if (answer !== undefined) socket.write(`\x0b${answer}\x1c\r`);
      const { resolve } = waiting;
      waiting = Promise.withResolvers();
      resolve(message);
    });
  };
  const server: Server = tls ? createTlsServer(tls, take) : createServer(take);
  server.on('tlsClientError', () => undefined).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(receiver, {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  });
}
