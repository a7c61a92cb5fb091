import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DimseServer, listenForDimse } from '../../src/arrivals/intake/dimse/dimse-server.ts';
import { openSpool } from '../support/receiving.ts';

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';
const [LAST_COMMAND, LAST_DATA] = [3, 2] as const;

let folder: string;
let server: DimseServer;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pipelined-'));
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  server = await listenForDimse(
    { host: '127.0.0.1', port: 0, aeTitle: 'NODE', callingAeTitles: [], maxAssociations: 4, idleMs: 60_000 },
    { spool: await openSpool(folder), log },
  );
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** PS3.8 section 9.3: type, length, content. */
function pdu(type: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(6);
  head[0] = type;
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

function item(type: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.from([type, 0, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

const associationRequest = pdu(
  1,
  Buffer.from([0, 1, 0, 0]),
  Buffer.from('NODE'.padEnd(16) + 'SCANNER1'.padEnd(16)),
  Buffer.alloc(32),
  item(0x10, Buffer.from(APPLICATION_CONTEXT)),
  item(
    0x20,
    Buffer.from([1, 0, 0, 0]),
    item(0x30, Buffer.from(CT_IMAGE_STORAGE)),
    item(0x40, Buffer.from(IMPLICIT_LITTLE_ENDIAN)),
  ),
  item(0x50, item(0x51, Buffer.from([0, 0, 0x40, 0])), item(0x52, Buffer.from('1.2.3'))),
);

function fragment(kind: number, content: Buffer): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(content.length + 2, 0);
  head.set([1, kind], 4);
  return pdu(4, head, content);
}

function element(number: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

function storeCommand(): Buffer {
  const elements = Buffer.concat([
    element(0x0002, Buffer.from(`${CT_IMAGE_STORAGE}\0`)),
    element(0x0100, Buffer.from([0x01, 0x00])),
    element(0x0110, Buffer.from([0x01, 0x00])),
    element(0x0700, Buffer.from([0x00, 0x00])),
    element(0x0800, Buffer.from([0x01, 0x00])),
    element(0x1000, Buffer.from('1.2.3.4\0')),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.length);
  return Buffer.concat([element(0, length), elements]);
}

const request = Buffer.concat([
  fragment(LAST_COMMAND, storeCommand()),
  fragment(LAST_DATA, Buffer.alloc(1000)),
]);

// An error that nobody catches would end the node; here it fails the test run.
it.each([
  ['sends a second instance', Buffer.concat([request, request])],
  ['sends more of the first', Buffer.concat([request, fragment(LAST_DATA, Buffer.alloc(100))])],
])('a sender that %s before the first is answered costs its own association alone', async (_what, bytes) => {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(associationRequest);
  const [accepted] = await once(socket, 'data');
  expect(accepted[0]).toBe(2);
  socket.write(bytes);
  await once(socket, 'close');
  const other = connect(server.port, '127.0.0.1');
  other.write(associationRequest);
  const [answer] = await once(other, 'data');
  expect(answer[0]).toBe(2);
  other.destroy();
});
