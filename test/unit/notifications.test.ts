import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendEmail } from '../../src/notifications/email.ts';
import type { Message } from '../../src/notifications/message.ts';
import { type NotifierParts, notifyOnce } from '../../src/notifications/notifier.ts';
import { postWebhook } from '../../src/notifications/webhook.ts';
import { openDatabase } from '../../src/pipeline/database/database.ts';
import type { Database } from '../../src/pipeline/database/sql.ts';
import { recordVolume } from '../../src/pipeline/records/history.ts';
import { headerRecorder } from '../../src/pipeline/records/study-header.ts';
import { markEnded, markRunning } from '../../src/pipeline/records/study-log.ts';
import { measuredVolume } from '../support/measured-volume.ts';

const DATABASE_MS = 120_000;
const SECRET = 'a secret of some length';
const MINUTE = 60_000;

let database: Database;
let clock: number;
let delivered: Message[];
let refusing: boolean;

beforeAll(async () => {
  database = await openDatabase({ memory: true });
}, DATABASE_MS);
afterAll(() => database.close());
beforeEach(async () => {
  clock = Date.parse('2026-03-02T08:00:00Z');
  delivered = [];
  refusing = false;
  await database.query('DELETE FROM pansegnet.notification');
  await database.query(`DELETE FROM pansegnet.setting WHERE name = 'notified-until'`);
  await database.query('DELETE FROM pansegnet.study');
  await database.query('DELETE FROM pansegnet.volume');
  await notifyOnce(parts());
});

const now = () => new Date(clock);

function parts(settings: Partial<NotifierParts['settings']> = {}): NotifierParts {
  return {
    sql: database,
    settings: {
      events: ['failed', 'finished', 'change'],
      changePercent: 10,
      patientData: false,
      pagesUrl: 'https://node.example.org',
      trends: { correctedCounts: true, repeatabilityPercent: {} },
      ...settings,
    },
    channels: {
      test: async ({ message }) => {
        if (refusing) throw new Error('not now');
        delivered.push(message);
      },
    },
    now,
    warn: () => {},
  };
}

async function end(studyInstanceUid: string, state: 'done' | 'failed'): Promise<void> {
  clock += MINUTE;
  const image = { PatientID: 'P-1', PatientName: 'Doe^Jane', StudyDate: '20260301' };
  await (await headerRecorder(database, { names: true }))(studyInstanceUid, image);
  await markRunning(database, { studyInstanceUid, now: now() });
  const why = state === 'failed' ? { reason: 'of Doe^Jane nothing came', errorCode: 'DICOM_GEOMETRY' } : {};
  await markEnded(database, { studyInstanceUid, state, ...why, now: now() });
}

describe('notifications', () => {
  it('tell of a study that failed, once, and not of those before the first look', async () => {
    await end('1.1', 'failed');
    await notifyOnce(parts());
    await notifyOnce(parts());
    expect(delivered).toEqual([
      {
        event: 'study.failed',
        at: now().toISOString(),
        studyInstanceUid: '1.1',
        link: 'https://node.example.org/studies/1.1',
        errorCode: 'DICOM_GEOMETRY',
      },
    ]);
    await database.query(`DELETE FROM pansegnet.setting WHERE name = 'notified-until'`);
    await database.query('DELETE FROM pansegnet.notification');
    clock += MINUTE;
    await notifyOnce(parts());
    expect(delivered).toHaveLength(1);
  });

  it('name no patient unless the site wants it', async () => {
    await end('1.2', 'failed');
    await notifyOnce(parts());
    expect(JSON.stringify(delivered)).not.toMatch(/Doe|P-1|20260301/);
    await end('1.2', 'failed');
    await notifyOnce(parts({ patientData: true }));
    expect(delivered.at(-1)?.details).toMatchObject({ patientName: 'Doe^Jane', patientId: 'P-1' });
  });

  it('tell of a change above the threshold, once however often the study is processed', async () => {
    await recordVolume(database, measuredVolume('key', '20240301', { volumeMl: 80 }));
    await recordVolume(database, measuredVolume('key', '20250301', { volumeMl: 70 }));
    const later = measuredVolume('key', '20250301').studyInstanceUid;
    for (const _ of [1, 2]) {
      await end(later, 'done');
      await notifyOnce(parts({ events: ['change'] }));
    }
    expect(delivered).toHaveLength(1);
    expect(delivered[0]).toMatchObject({ event: 'volume.changed', class: 'CT', changePercent: -12.5 });
    delivered = [];
    await database.query('DELETE FROM pansegnet.notification');
    await end(later, 'done');
    await notifyOnce(parts({ events: ['change'], changePercent: 13 }));
    expect(delivered).toEqual([]);
  });

  it('are tried again, ever later, until they are delivered', async () => {
    refusing = true;
    await end('1.3', 'failed');
    await notifyOnce(parts());
    clock += 29_000;
    refusing = false;
    await notifyOnce(parts());
    expect(delivered).toEqual([]);
    clock += 2_000;
    await notifyOnce(parts());
    expect(delivered).toHaveLength(1);
  });

  it('are given up in the end', async () => {
    refusing = true;
    await end('1.4', 'failed');
    for (const _ of Array.from({ length: 20 })) {
      await notifyOnce(parts());
      clock += 61 * MINUTE;
    }
    const rows = await database.query('SELECT outcome, tries, last_error FROM pansegnet.notification');
    expect(rows).toEqual([{ outcome: 'given up', tries: 18, last_error: 'not now' }]);
  });
});

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
    [302, 'fetch failed'],
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
