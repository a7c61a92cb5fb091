import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { expect, it } from 'vitest';
import { sendEmail } from '../../src/exchange/notifications/email.ts';
import type { Message } from '../../src/exchange/notifications/message.ts';
import { postWebhook } from '../../src/exchange/notifications/webhook.ts';

const SECRET = 'a secret of some length';

const MESSAGE: Message = {
  event: 'volume.changed',
  at: '2026-03-02T08:00:00.000Z',
  studyInstanceUid: '1.2.3',
  class: 'CT',
  changePercent: -12.34,
};

it('a webhook gets JSON with a signature that the receiver can check', async () => {
  const got: { body: string; signature: string }[] = [];
  let status = 204;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const signature = String(request.headers['pansegnet-signature']);
      got.push({ body: Buffer.concat(chunks).toString(), signature });
      response.writeHead(status, { Location: '/elsewhere' }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const delivery = { id: 7, message: MESSAGE, now: new Date('2026-03-02T08:00:01Z') };
  await postWebhook({ url, secret: SECRET }, delivery);
  const [first] = got;
  expect(JSON.parse(first?.body ?? '')).toEqual({ id: 7, ...MESSAGE });
  const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(first?.signature ?? '') ?? [];
  expect(seconds).toBe('1772438401');
  expect(hex).toBe(createHmac('sha256', SECRET).update(`${seconds}.${first?.body}`).digest('hex'));
  for (const [answer, reason] of [
    [500, 'answered 500'],
    [302, 'answered 302 (a redirect, which is not followed)'],
  ] as const) {
    status = answer;
    await expect(postWebhook({ url, secret: SECRET }, delivery)).rejects.toThrow(reason);
  }
  expect(got).toHaveLength(3);
  server.close();
});

it('an e-mail is plain text that says what happened', async () => {
  const server = await mailServer();
  const email = { smtp: `smtp://127.0.0.1:${server.port}`, from: 'node@example.org', to: ['a@example.org'] };
  await sendEmail(email, MESSAGE);
  const text = await server.mail;
  expect(text).toContain('Subject: pansegnet-node: a pancreas volume (CT) changed by -12.3 %');
  expect(text).toContain('Study 1.2.3');
  expect(text).toContain('Content-Type: text/plain');
  server.close();
});

/** Takes one mail, as RFC 5321 has it. */
async function mailServer(): Promise<{ port: number; mail: Promise<string>; close(): void }> {
  const taken = Promise.withResolvers<string>();
  const server = createSocketServer((socket) => {
    let text = '';
    let inData = false;
    const say = (line: string) => void socket.write(`${line}\r\n`);
    say('220 test');
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (inData) {
        if (!text.endsWith('\r\n.\r\n')) return;
        taken.resolve(text);
        inData = false;
        text = '';
        say('250 taken');
        return;
      }
      for (const line of text.split('\r\n').slice(0, -1)) {
        if (/^DATA/i.test(line)) {
          inData = true;
          say('354 go on');
        } else say(/^QUIT/i.test(line) ? '221 bye' : '250 ok');
      }
      text = '';
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    mail: taken.promise,
    close: () => void server.close(),
  };
}
