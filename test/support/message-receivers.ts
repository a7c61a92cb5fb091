import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';

/** Somebody to whom messages are delivered. */
export interface MessageReceiver {
  readonly port: number;
  /** Bodies of what was delivered. */
  readonly received: readonly string[];
  stop(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<MessageReceiver> {
  const received: string[] = [];
  const server = createHttpServer((request, response) => {
    void text(request).then((body) => {
      received.push(body);
      response.writeHead(204).end();
    });
  });
  return listening(server, received);
}

/** A mail server that takes everything, without encryption (RFC 5321). */
export async function startMailServer(): Promise<MessageReceiver> {
  const received: string[] = [];
  const server = createServer((socket) => {
    let mail: string | undefined;
    let rest = '';
    socket.write('220 mail.example.org\r\n');
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (mail !== undefined && line !== '.') mail += `${line}\n`;
        else if (mail !== undefined) {
          received.push(mail);
          mail = undefined;
          socket.write('250 taken\r\n');
        } else if (line === 'DATA') {
          mail = '';
          socket.write('354 go on\r\n');
        } else if (line === 'QUIT') socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  });
  return listening(server, received);
}

async function listening(server: Server, received: readonly string[]): Promise<MessageReceiver> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received,
    stop: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
