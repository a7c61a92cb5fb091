import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DimseServer, listenForDimse } from '../../src/arrivals/intake/dimse/dimse-server.ts';
import {
  associate,
  CT_IMAGE_STORAGE,
  commandElement,
  FRAGMENT,
  fragment,
  pduItem,
  storeCommand,
} from '../support/raw-dimse.ts';
import { openSpool } from '../support/receiving.ts';

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

const LONG_DATA = Buffer.alloc(1000);
const command = fragment(FRAGMENT.lastCommand, storeCommand());
const request = Buffer.concat([command, fragment(FRAGMENT.lastData, LONG_DATA)]);

/** C-FIND, whose data set the library would take into memory and inflate. */
function findCommand(): Buffer {
  const find = storeCommand();
  find.writeUInt16LE(0x0020, find.indexOf(Buffer.from([0, 0, 0, 1, 2, 0, 0, 0])) + 8);
  return find;
}

const manyElements = Buffer.concat(
  Array.from({ length: 500 }, (_, i) => commandElement(0x2000 + i, Buffer.from('AB'))),
);

/** Whether the port takes an association. */
async function serves(): Promise<boolean> {
  const other = await associate(server.port);
  other?.destroy();
  return other !== undefined;
}

// An error that nobody catches would end the node; here it fails the test run.
it.each([
  ['sends a second instance before the first is answered', Buffer.concat([request, request])],
  [
    'sends more of the first before it is answered',
    Buffer.concat([request, fragment(FRAGMENT.lastData, Buffer.alloc(100))]),
  ],
  ['sends a command of many elements', fragment(FRAGMENT.lastCommand, storeCommand('1.2.3.4', manyElements))],
  ['asks for another service', fragment(FRAGMENT.lastCommand, findCommand())],
  ['announces a PDU that is longer than agreed', Buffer.from([4, 0, 0xff, 0xff, 0xff, 0xff])],
])('a sender that %s costs its own association alone', async (_what, bytes) => {
  const socket = await associate(server.port);
  if (!socket) throw new Error('the node does not take the association');
  socket.resume().write(bytes);
  await once(socket, 'close');
  expect(await serves()).toBe(true);
});

it.each([
  ['more presentation contexts than there may be', 200],
  ['presentation contexts without end', 10_000],
])('a sender that asks for %s is sent away, alone', async (_what, count) => {
  const context = pduItem(
    0x20,
    Buffer.from([3, 0, 0, 0]),
    pduItem(0x30, Buffer.from(CT_IMAGE_STORAGE)),
    pduItem(0x40, Buffer.from('1.2.840.10008.1.2.1')),
  );
  const socket = await associate(server.port, { more: Array<Buffer>(count).fill(context) });
  expect(socket).toBeUndefined();
  expect(await serves()).toBe(true);
});
