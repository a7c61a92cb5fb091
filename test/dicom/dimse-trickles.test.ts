import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readDataSet } from '../../src/dicom/dimse/services/identifier.ts';
import { Receiver, type ReceiverOptions } from '../../src/dicom/dimse/services/receiver.ts';
import { COMMAND, writeCommand } from '../../src/dicom/dimse/wire/command.ts';
import { text } from '../../src/dicom/reading/dataset.ts';
import { IMPLEMENTATION } from '../../src/implementation.ts';
import { collect } from '../support/collect.ts';
import { dimseArchive } from '../support/dimse-archive.ts';
import { startPeer } from '../support/dimse-peer.ts';
import {
  associate,
  associationRequest,
  CT_IMAGE_STORAGE,
  FRAGMENT,
  fragment,
  storeCommand,
} from '../support/raw-dimse.ts';

const IDLE_MS = 200;
const VERIFICATION = '1.2.840.10008.1.1';
const NOTHING = new Uint8Array();

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe("this side's own port", () => {
  const listening = async (options: Partial<ReceiverOptions> = {}) => {
    const problems: string[] = [];
    const receiver = await Receiver.open({
      host: '127.0.0.1',
      port: 0,
      aeTitle: 'NODE',
      implementation: IMPLEMENTATION,
      idleMs: IDLE_MS,
      reported: async () => false,
      onProblem: (what) => void problems.push(what),
      ...options,
    });
    open.push(receiver);
    return { receiver, port: receiver.port, problems };
  };
  const associated = async (port: number, sopClassUid = CT_IMAGE_STORAGE): Promise<Socket> => {
    const socket = await associate(port, { sopClassUid });
    if (!socket) throw new Error('the association was rejected');
    return socket;
  };
  /** Writes the same again and again, as fast as it is taken or at this pace, until the other side closes. */
  const untilClosed = async (socket: Socket, bytes: Uint8Array, everyMs = 0): Promise<void> => {
    socket.on('error', () => undefined);
    socket.resume();
    while (!socket.destroyed && !socket.closed) {
      socket.write(bytes);
      await wait(everyMs);
    }
  };

  it('ends what comes in fragments of nothing, in a command and in a data set', async () => {
    const { port, problems } = await listening({ idleMs: 10_000 });
    const empty = (kind: number) => Buffer.concat(Array.from({ length: 100 }, () => fragment(kind, NOTHING)));
    await untilClosed(await associated(port), empty(FRAGMENT.command));
    const storing = await associated(port);
    storing.write(fragment(FRAGMENT.lastCommand, storeCommand()));
    await untilClosed(storing, empty(FRAGMENT.data));
    expect(problems.filter((what) => what.includes('fragments of next to nothing'))).toHaveLength(2);
  });

  it('ends what trickles, however short its silences are', async () => {
    const { port, problems } = await listening();
    const beginning = connect(port, '127.0.0.1');
    const [first, ...rest] = associationRequest();
    beginning.write(Buffer.from([first ?? 0]));
    let at = 0;
    beginning.on('error', () => undefined).resume();
    while (!beginning.destroyed && at < rest.length) {
      beginning.write(Buffer.from([rest[at++] ?? 0]));
      await wait(IDLE_MS / 10);
    }
    expect(at).toBeLessThan(60);
    const storing = await associated(port);
    storing.write(fragment(FRAGMENT.lastCommand, storeCommand()));
    await untilClosed(storing, fragment(FRAGMENT.data, Buffer.alloc(2)), IDLE_MS / 10);
    expect(problems.filter((what) => what.includes('trickles'))).toHaveLength(2);
  });

  it('ends a connection that is kept busy with what nobody asked for', async () => {
    const { port, problems } = await listening();
    const echo = { affectedSopClassUid: VERIFICATION, commandField: COMMAND.echo, messageId: 1 };
    const asking = fragment(FRAGMENT.lastCommand, writeCommand(echo, false));
    await untilClosed(await associated(port, VERIFICATION), asking, IDLE_MS / 4);
    const storing = Buffer.concat([
      fragment(FRAGMENT.lastCommand, storeCommand()),
      fragment(FRAGMENT.lastData, Buffer.alloc(1_000)),
    ]);
    await untilClosed(await associated(port), storing, IDLE_MS / 4);
    expect(problems.filter((what) => what.includes('nothing that was asked for'))).toHaveLength(2);
  });

  it('does not open with TLS where nobody is named who signs for whom may connect', async () => {
    await expect(listening({ tls: {} })).rejects.toThrow(/archive\.ca/);
  });
});

describe('a peer that answers', () => {
  const answering = async (what: Uint8Array, everyMs = 0) => {
    const peer = await startPeer({
      serve: async ({ messages, socket }) => {
        await messages.next();
        while (!socket.destroyed) {
          if (!socket.write(what)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
          await wait(everyMs);
        }
      },
    });
    open.push(peer);
    return peer.port;
  };

  it('in fragments of nothing is given up', async () => {
    for (const kind of [FRAGMENT.command, FRAGMENT.data]) {
      const nothing = Buffer.concat(Array.from({ length: 100 }, () => fragment(kind, NOTHING)));
      const begun = kind === FRAGMENT.data ? pendingCommand() : NOTHING;
      let isFirst = true;
      const peer = await startPeer({
        serve: async ({ messages, socket }) => {
          await messages.next();
          for (; !socket.destroyed; await wait(0)) {
            socket.write(isFirst ? Buffer.concat([begun, nothing]) : nothing);
            isFirst = false;
          }
        },
      });
      open.push(peer);
      await expect(dimseArchive(peer.port).searchSeries('2.25.1')).rejects.toMatchObject({
        code: 'DICOM_WEB_ANSWER',
        message: expect.stringContaining('fragments of next to nothing'),
      });
    }
  });

  it('in a byte now and then is given up', async () => {
    const port = await answering(Buffer.of(4), IDLE_MS / 10);
    await expect(dimseArchive(port, { idleMs: IDLE_MS }).searchSeries('2.25.1')).rejects.toMatchObject({
      message: expect.stringMatching(/trickles|PDU of/),
    });
    const within = await answering(fragment(FRAGMENT.command, Buffer.of(0)), IDLE_MS / 10);
    await expect(dimseArchive(within, { idleMs: IDLE_MS }).searchSeries('2.25.1')).rejects.toMatchObject({
      code: 'DICOM_WEB_UNREACHABLE',
      message: expect.stringContaining('trickles'),
    });
  });

  it('is read whatever the size of the pieces that its data set comes in', async () => {
    const element = Buffer.from('\x10\0\x20\0LO\x04\0ABCD', 'latin1');
    const bytes = async function* () {
      for (const byte of element) yield Buffer.of(byte);
      const filler = Buffer.from('\x10\0\0\x40UT\0\0\0\0\x01\0', 'latin1');
      for (const byte of filler) yield Buffer.of(byte);
      for (let i = 0; i < 2 ** 16; i++) yield Buffer.of(0x20);
    };
    expect(await collect(bytes())).toHaveLength(element.length + 12 + 2 ** 16);
    const dataset = await readDataSet(bytes(), '1.2.840.10008.1.2.1', 'a match');
    expect(text(dataset, 'PatientID')).toBe('ABCD');
  });
});

/** A C-FIND-RSP whose data set is to follow. */
function pendingCommand(): Buffer {
  const response = { commandField: COMMAND.find | 0x8000, messageIdBeingRespondedTo: 1, status: 0xff00 };
  return fragment(FRAGMENT.lastCommand, writeCommand(response, true));
}
