import { connect, type Socket } from 'node:net';

/** A sender of C-STORE in bytes (PS3.8 section 9.3, PS3.7 section 6.3): it sends what no library would. */

export const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';
/** Message control headers (PS3.8 annex E.2). */
export const FRAGMENT = { data: 0, command: 1, lastData: 2, lastCommand: 3 } as const;
const PDU = { associationRequest: 1, accept: 2, data: 4 } as const;
const DATA_BYTES = 64 * 1024;

export function pdu(type: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(6);
  head[0] = type;
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

export function pduItem(type: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.from([type, 0, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

const ascii = (text: string) => Buffer.from(text, 'latin1');

/** Asks for one presentation context, number 1. */
export function associationRequest({
  called = 'NODE',
  calling = 'SCANNER1',
  sopClassUid = CT_IMAGE_STORAGE,
  transferSyntaxUid = IMPLICIT_LITTLE_ENDIAN,
  more = [],
}: {
  readonly called?: string;
  readonly calling?: string;
  readonly sopClassUid?: string;
  readonly transferSyntaxUid?: string;
  /** Further items. */
  readonly more?: readonly Uint8Array[];
} = {}): Buffer {
  return pdu(
    PDU.associationRequest,
    Buffer.from([0, 1, 0, 0]),
    ascii(called.padEnd(16) + calling.padEnd(16)),
    Buffer.alloc(32),
    pduItem(0x10, ascii(APPLICATION_CONTEXT)),
    pduItem(
      0x20,
      Buffer.from([1, 0, 0, 0]),
      pduItem(0x30, ascii(sopClassUid)),
      pduItem(0x40, ascii(transferSyntaxUid)),
    ),
    ...more,
    pduItem(0x50, pduItem(0x51, Buffer.from([0, 0, 0x40, 0])), pduItem(0x52, ascii('1.2.3'))),
  );
}

/** A part of a message, in presentation context 1. */
export function fragment(kind: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(content.length + 2, 0);
  head.set([1, kind], 4);
  return pdu(PDU.data, head, content);
}

/** An element of a command set: group 0000, implicit VR. */
export function commandElement(number: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

const uid = (text: string) => ascii(text.length % 2 === 0 ? text : `${text}\0`);

/** C-STORE-RQ (PS3.7 table 9.3-1). */
export function storeCommand(sopUid = '1.2.3.4', ...more: readonly Uint8Array[]): Buffer {
  const elements = Buffer.concat([
    commandElement(0x0002, uid(CT_IMAGE_STORAGE)),
    commandElement(0x0100, Buffer.from([0x01, 0x00])),
    commandElement(0x0110, Buffer.from([0x01, 0x00])),
    commandElement(0x0700, Buffer.from([0x00, 0x00])),
    commandElement(0x0800, Buffer.from([0x01, 0x00])),
    commandElement(0x1000, uid(sopUid)),
    ...more,
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.length);
  return Buffer.concat([commandElement(0, length), elements]);
}

/** An open association, or none where the node rejects it. */
export async function associate(
  port: number,
  options?: Parameters<typeof associationRequest>[0],
): Promise<Socket | undefined> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(associationRequest(options));
  const answer = await firstByte(socket);
  if (answer === PDU.accept) return socket;
  socket.destroy();
  return undefined;
}

/**
 * Sends one instance by C-STORE.
 * @returns the status of the answer (PS3.4 table B.2-1), or `closed` where there is none
 */
export async function storeRaw(
  port: number,
  instance: { readonly sopUid: string; readonly transferSyntaxUid: string; readonly dataSet: Uint8Array },
): Promise<number | 'closed'> {
  const { sopUid, transferSyntaxUid, dataSet } = instance;
  const socket = await associate(port, { transferSyntaxUid });
  if (!socket) return 'closed';
  const answered = statusOf(socket);
  socket.write(fragment(FRAGMENT.lastCommand, storeCommand(sopUid)));
  for (let at = 0; at === 0 || at < dataSet.length; at += DATA_BYTES) {
    const kind = at + DATA_BYTES >= dataSet.length ? FRAGMENT.lastData : FRAGMENT.data;
    const { promise: sent, resolve } = Promise.withResolvers<unknown>();
    socket.write(fragment(kind, dataSet.subarray(at, at + DATA_BYTES)), resolve);
    await sent; // or it has failed: then there is no answer
  }
  const status = await answered;
  socket.destroy();
  return status;
}

async function firstByte(socket: Socket): Promise<number | undefined> {
  return (await nextData(socket))?.[0];
}

/** Status (0000,0900) of the C-STORE-RSP, which comes in one piece. */
async function statusOf(socket: Socket): Promise<number | 'closed'> {
  const bytes = await nextData(socket);
  const at = bytes?.indexOf(Buffer.from([0x00, 0x00, 0x00, 0x09, 0x02, 0x00, 0x00, 0x00])) ?? -1;
  return bytes && at >= 0 ? bytes.readUInt16LE(at + 8) : 'closed';
}

/** Undefined where the connection ends before. */
function nextData(socket: Socket): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  socket.once('data', resolve).once('close', () => resolve(undefined));
  return promise;
}
