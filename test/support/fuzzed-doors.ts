import { connect } from 'node:net';
import * as fc from 'fast-check';
import { type DimseServer, listenForDimse } from '../../src/arrivals/intake/dimse/dimse-server.ts';
import {
  associationRequest,
  commandElement,
  FRAGMENT,
  fragment,
  pdu,
  pduItem,
  storeCommand,
  storeRaw,
} from './raw-dimse.ts';
import { sendRaw } from './raw-request.ts';
import { filesOf, type Receiving, startReceiving, stowBody } from './receiving.ts';
import { smallInstance } from './small-instance.ts';

/** Both doors of a node, onto one spool that nobody empties. */
export interface FuzzedDoors {
  /** Sends bytes to the C-STORE port, and resolves when that connection is over. */
  dimse(bytes: Uint8Array): Promise<void>;
  /** @returns the status, or `closed` */
  stow(message: HostileMessage): Promise<number | 'closed'>;
  /** Whether both doors still take an ordinary instance. */
  serve(): Promise<boolean>;
  /** Files that are neither kept nor gone. */
  leftOver(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface HostileMessage {
  readonly type: string;
  readonly length: number | undefined;
  readonly body: Uint8Array;
}

const UIDS = { study: '1.2.3', series: '1.2.3.1', sop: '1.2.3.1.1' };
const EXPLICIT = '1.2.840.10008.1.2.1';
const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function openFuzzedDoors(): Promise<FuzzedDoors> {
  const receiving: Receiving = await startReceiving({ limits: { maxInstanceBytes: 1e6 } });
  const server: DimseServer = await listenForDimse(
    { host: '127.0.0.1', port: 0, aeTitle: 'NODE', callingAeTitles: [], maxAssociations: 4, idleMs: 60_000 },
    { spool: receiving.spool, log: LOG },
  );
  const ordinary = smallInstance(UIDS);
  const dataSet = ordinary.subarray(Buffer.from(ordinary).indexOf(Buffer.from([8, 0, 5, 0])));
  return {
    dimse: (bytes) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const socket = connect(server.port, '127.0.0.1', () => socket.end(bytes));
      socket
        .on('error', () => undefined)
        .once('close', () => resolve())
        .resume();
      return promise;
    },
    stow: ({ type, length, body }) => {
      const headers: [string, string][] = [
        ['Host', 'node'],
        ['Content-Type', type],
        ...(length === undefined ? [] : ([['Content-Length', String(length)]] satisfies [string, string][])),
      ];
      const target = `${new URL(receiving.url).pathname}/studies`;
      return sendRaw(receiving.url, { method: 'POST', target, headers, body });
    },
    serve: async () => {
      const byStore = await storeRaw(server.port, { sopUid: UIDS.sop, transferSyntaxUid: EXPLICIT, dataSet });
      const { type, body } = stowBody([ordinary]);
      const headers = { 'Content-Type': type };
      const byStow = await fetch(`${receiving.url}/studies`, { method: 'POST', headers, body });
      await byStow.text();
      return byStore === 0 && byStow.status === 200;
    },
    leftOver: async () => (await filesOf(receiving.folder)).filter((name) => !name.startsWith('ready/')),
    stop: async () => {
      await server.close();
      await receiving.stop();
    },
  };
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const byte = fc.integer({ min: 0, max: 255 });

/** Bytes of which a few are others, or missing, or said again. */
const damaged = (whole: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(
      whole,
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), byte), { maxLength: 4 }),
      fc.constantFrom('whole', 'cut', 'doubled', 'whole', 'whole'),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([original, changes, how, where]) => {
      const copy = Uint8Array.from(original);
      for (const [at, value] of changes) copy[Math.floor(at * (copy.length - 1))] = value;
      const place = Math.floor(where * copy.length);
      if (how === 'cut') return copy.subarray(0, place);
      return how === 'doubled' ? Buffer.concat([copy, copy.subarray(place)]) : copy;
    });

const instance = damaged(fc.constant(smallInstance(UIDS)));

const contexts = fc.array(
  fc
    .tuple(byte, bytes(80), fc.array(bytes(70), { maxLength: 300 }))
    .map(([id, abstract, syntaxes]) =>
      pduItem(
        0x20,
        Buffer.from([id, 0, 0, 0]),
        pduItem(0x30, abstract),
        ...syntaxes.map((syntax) => pduItem(0x40, syntax)),
      ),
    ),
  { maxLength: 20 },
);

const manyContexts = (count: number) =>
  Array<Buffer>(count).fill(
    pduItem(
      0x20,
      Buffer.from([3, 0, 0, 0]),
      pduItem(0x30, Buffer.from('1.2.840.99')),
      pduItem(0x40, Buffer.from(EXPLICIT)),
    ),
  );

const request = fc.oneof(
  fc.constant(associationRequest({ transferSyntaxUid: EXPLICIT })),
  contexts.map((more) => associationRequest({ more })),
  fc.integer({ min: 1, max: 400 }).map((count) => associationRequest({ more: manyContexts(count) })),
  damaged(fc.constant(associationRequest())).map((whole) => Buffer.from(whole)),
);

/** A command of any service, with further elements. */
const command = fc
  .tuple(
    fc.constantFrom(0x0001, 0x0010, 0x0020, 0x0021, 0x0030, 0x0fff, 0x8001, 0x0100, 0x0140),
    fc.array(fc.tuple(fc.integer({ min: 0, max: 0xffff }), bytes(40)), { maxLength: 4 }),
  )
  .map(([field, more]) => {
    const whole = storeCommand(UIDS.sop, ...more.map(([number, value]) => commandElement(number, value)));
    whole.writeUInt16LE(field, whole.indexOf(Buffer.from([0, 0, 0, 1, 2, 0, 0, 0])) + 8);
    return whole;
  });

const message = fc.oneof(
  damaged(command).map((content) => fragment(FRAGMENT.lastCommand, content)),
  command.map((content) => fragment(FRAGMENT.lastCommand, content)),
  instance.map((content) => fragment(FRAGMENT.lastData, content)),
  fc.tuple(byte, bytes(300)).map(([kind, content]) => fragment(kind, content)),
  fc.tuple(byte, bytes(300)).map(([type, content]) => pdu(type, content)),
  damaged(fc.constant(fragment(FRAGMENT.data, new Uint8Array(500)))),
);

/** What a sender may say to the C-STORE port. */
export const dimseConversation: fc.Arbitrary<Uint8Array> = fc
  .tuple(request, fc.array(message, { maxLength: 6 }))
  .map(([first, others]) => Buffer.concat([first, ...others]));

const boundaries = fc.oneof(fc.constant('boundary-of-the-test'), fc.string({ maxLength: 80 }));
const types = fc.oneof(
  { weight: 4, arbitrary: fc.constant(stowBody([]).type) },
  {
    weight: 1,
    arbitrary: boundaries.map((one) => `multipart/related; type="application/dicom"; boundary="${one}"`),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 100 }).map((one) => one.replace(/[^\x20-\x7e]/g, '?')) },
);

/** What a sender may send as STOW-RS. */
export const stowMessage: fc.Arbitrary<HostileMessage> = fc
  .tuple(
    types.map((type) => type.replace(/[\r\n]/g, ' ')),
    fc.oneof(damaged(fc.array(instance, { maxLength: 4 }).map((parts) => stowBody(parts).body)), bytes(2000)),
    fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1),
  )
  .map(([type, body, more]) => ({ type, body, length: Math.max(0, body.length + more) }));
