import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { LedgerInMemory } from '../../src/dicom/dimse/ledger.ts';
import { writeIdentifier } from '../../src/dicom/dimse/services/identifier.ts';
import { SERVICE } from '../../src/dicom/dimse/services/sop-classes.ts';
import { COMMAND, RESPONSE } from '../../src/dicom/dimse/wire/command.ts';
import type { Message } from '../../src/dicom/dimse/wire/messages.ts';
import { PDU, shortPdu } from '../../src/dicom/dimse/wire/pdu.ts';
import { text } from '../../src/dicom/reading/dataset.ts';
import { readMeta, readValues } from '../../src/dicom/reading/part10.ts';
import { describeFailure } from '../../src/pipeline/failures.ts';
import { collect } from '../support/collect.ts';
import { dimseArchive } from '../support/dimse-archive.ts';
import { type PeerAssociation, type PeerScript, startPeer } from '../support/dimse-peer.ts';
import { smallInstance } from '../support/small-instance.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const CT = '1.2.840.10008.5.1.4.1.1.2';
const [STUDY, SERIES] = ['2.25.1', '2.25.1.1'];
const sopOf = (i: number): string => `${SERIES}.${i}`;
const fileOf = (i: number): Uint8Array => smallInstance({ study: STUDY, series: SERIES, sop: sopOf(i) });

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
const peer = async (script: PeerScript) => {
  const started = await startPeer(script);
  open.push(started);
  return started;
};

/** Answers a C-FIND with these matches, then a status. */
async function answerFind(
  { messages }: PeerAssociation,
  { contextId, command }: Message,
  matches: readonly Readonly<Record<string, string>>[],
  status = 0,
): Promise<void> {
  const response = {
    affectedSopClassUid: SERVICE.studyFind,
    commandField: COMMAND.find | RESPONSE,
    messageIdBeingRespondedTo: command.messageId ?? 0,
  };
  for (const match of matches) {
    await messages.send(contextId, { ...response, status: 0xff00 }, [writeIdentifier(match, EXPLICIT)]);
  }
  await messages.send(contextId, { ...response, status });
}

/** Sends instances within a C-GET, then the last response. */
async function answerGet(
  association: PeerAssociation,
  { contextId, command }: Message,
  instances: readonly number[],
  status = 0,
): Promise<void> {
  const { messages, contextOf } = association;
  for (const i of instances) {
    const file = new Uint8Array(fileOf(i));
    const request = {
      affectedSopClassUid: CT,
      commandField: COMMAND.store,
      messageId: i,
      priority: 0,
      affectedSopInstanceUid: sopOf(i),
    };
    await messages.send(contextOf(CT, EXPLICIT), request, [file.subarray(readMeta(file, '').end)]);
    await messages.next();
  }
  const responded = { messageIdBeingRespondedTo: command.messageId ?? 0, failed: status === 0 ? 0 : 1 };
  await messages.send(contextId, { ...responded, commandField: COMMAND.get | RESPONSE, status });
}

/** An archive of one series of three, whose C-GETs are answered one after the other as they are here. */
function seriesPeer(gets: readonly ((association: PeerAssociation, message: Message) => Promise<void>)[]) {
  let asked = 0;
  return peer({
    serve: async (association) => {
      const message = await association.messages.next();
      if (!message) return;
      if (message.command.commandField === COMMAND.find) {
        const matches = [1, 2, 3].map((i) => ({ SOPInstanceUID: sopOf(i), SOPClassUID: CT }));
        await answerFind(association, message, matches);
      } else await gets[Math.min(asked++, gets.length - 1)]?.(association, message);
    },
  });
}

const failureOf = async (work: Promise<unknown>) =>
  describeFailure(
    await work.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
const series = async (port: number) =>
  collect(dimseArchive(port, { idleMs: 300 }).retrieveSeries(STUDY, SERIES));

describe('a retrieval', () => {
  it('asks again, one by one, for what failed, and gives each instance once', async () => {
    const { port } = await seriesPeer([
      (association, message) => answerGet(association, message, [1, 3], 0xb000),
      (association, message) => answerGet(association, message, [2]),
    ]);
    const uids = (await series(port)).map((file) => text(readValues(file, '').dataset, 'SOPInstanceUID'));
    expect(uids).toEqual([1, 3, 2].map(sopOf));
  });

  it('asks again where the archive has no resources just now', async () => {
    const { port } = await seriesPeer([
      (association, message) => answerGet(association, message, [], 0xa702),
      (association, message) => answerGet(association, message, [1, 2, 3]),
    ]);
    expect(await series(port)).toHaveLength(3);
  });

  it('fails, for now, where an instance that is listed does not come, whatever the status says', async () => {
    for (const status of [0, 0xb000]) {
      const { port } = await seriesPeer([
        (association, message) => answerGet(association, message, [1, 3], status),
      ]);
      const failure = await failureOf(series(port));
      expect(failure).toMatchObject({ code: 'DICOM_WEB_ANSWER', passing: true });
      expect(failure.reason).toContain('sent 2 of 3 instances');
    }
  });

  it('fails for good where the archive says that the request is wrong', async () => {
    const { port } = await seriesPeer([
      (association, message) => answerGet(association, message, [], 0xa900),
    ]);
    expect(await failureOf(series(port))).toMatchObject({ code: 'DICOM_WEB_STATUS', passing: false });
  });

  const endings: Record<string, (association: PeerAssociation) => Promise<void>> = {
    aborts: async ({ socket }) => void socket.write(shortPdu(PDU.abort)),
    closes: async ({ socket }) => void socket.destroy(),
    'releases too early': async ({ socket }) => void socket.write(shortPdu(PDU.releaseRequest)),
    'says nothing more': () => wait(600),
  };
  it.each(Object.entries(endings))(
    'ends, for now, where the archive %s in its middle',
    async (_how, ending) => {
      const { port } = await seriesPeer([
        async (association, message) => {
          const file = new Uint8Array(fileOf(1));
          const request = {
            affectedSopClassUid: CT,
            commandField: COMMAND.store,
            messageId: 1,
            affectedSopInstanceUid: sopOf(1),
          };
          await association.messages.send(association.contextOf(CT, EXPLICIT), request, [
            file.subarray(readMeta(file, '').end),
          ]);
          expect(message.command.commandField).toBe(COMMAND.get);
          await ending(association);
        },
      ]);
      expect(await failureOf(series(port))).toMatchObject({ code: 'DICOM_WEB_UNREACHABLE', passing: true });
    },
  );

  it('proposes the classes of the series alone, each transfer syntax by itself, as their SCP', async () => {
    const proposed: PeerAssociation['request'][] = [];
    const { port } = await seriesPeer([
      async (association, message) => {
        proposed.push(association.request);
        await answerGet(association, message, [1, 2, 3]);
      },
    ]);
    await series(port);
    const { contexts, roles } = proposed[0] ?? { contexts: [], roles: [] };
    expect(new Set(contexts.map((one) => one.abstractSyntaxUid))).toEqual(new Set([SERVICE.studyGet, CT]));
    const ofCt = contexts.filter((one) => one.abstractSyntaxUid === CT);
    expect(ofCt.length).toBeGreaterThan(10);
    expect(ofCt.every((one) => one.transferSyntaxUids.length === 1)).toBe(true);
    expect(roles).toEqual([{ sopClassUid: CT, scu: false, scp: true }]);
  });

  it('of a service, or of classes, that the archive does not accept fails for good', async () => {
    for (const refused of [SERVICE.studyGet, CT]) {
      const { port } = await peer({
        accepts: (uid) => uid !== refused,
        serve: async (association) => {
          const message = await association.messages.next();
          if (message)
            await answerFind(association, message, [{ SOPInstanceUID: sopOf(1), SOPClassUID: CT }]);
        },
      });
      expect(await failureOf(series(port))).toMatchObject({ code: 'DICOM_WEB_STATUS', passing: false });
    }
  });
});

describe('a header that is looked for', () => {
  it('fails to who asked, and nowhere else, where the search is over and the retrieval is refused', async () => {
    const { promise: refused, resolve } = Promise.withResolvers<void>();
    const { port } = await peer({
      accepts: (uid) => uid !== SERVICE.studyGet,
      serve: async ({ messages }, n) => {
        if (n > 1) return resolve();
        const message = await messages.next();
        if (!message) return;
        const response = {
          affectedSopClassUid: SERVICE.studyFind,
          commandField: COMMAND.find | RESPONSE,
          messageIdBeingRespondedTo: message.command.messageId ?? 0,
        };
        const match = writeIdentifier({ SOPInstanceUID: sopOf(1), SOPClassUID: CT }, EXPLICIT);
        await messages.send(message.contextId, { ...response, status: 0xff00 }, [match]);
        // Canceled, it takes its time.
        await messages.next();
        await Promise.race([refused, wait(300)]);
        await messages.send(message.contextId, { ...response, status: 0xfe00 });
      },
    });
    const failure = await failureOf(dimseArchive(port).anyInstance(STUDY, SERIES));
    expect(failure).toMatchObject({ code: 'DICOM_WEB_STATUS', passing: false });
  });
});

describe('an association', () => {
  const find = (port: number) => dimseArchive(port, { idleMs: 2_000 }).searchInstances(STUDY, SERIES);

  it('is asked for again where it was rejected for the moment, and not where for good', async () => {
    const { port, associations } = await peer({
      reject: (n) => (n < 2 ? [2, 3, 2] : undefined),
      serve: async (association) => {
        const message = await association.messages.next();
        if (message) await answerFind(association, message, []);
      },
    });
    expect(await find(port)).toEqual([]);
    expect(associations()).toBe(2);
    const closed = await peer({ reject: () => [1, 1, 3], serve: async () => undefined });
    const failure = await failureOf(find(closed.port));
    expect(failure).toMatchObject({ code: 'DICOM_WEB_STATUS', passing: true });
    expect(failure.reason).toContain('register archive.dimse.aeTitle');
    expect(closed.associations()).toBe(1);
  });

  it('without a context for the search fails at once', async () => {
    const { port } = await peer({ accepts: () => false, serve: async () => undefined });
    expect(await failureOf(find(port))).toMatchObject({ code: 'DICOM_WEB_STATUS', passing: false });
  });

  it('with what is no DICOM fails, and so does none', async () => {
    const { port } = await peer({
      serve: async ({ socket }) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    });
    expect(await failureOf(find(port))).toMatchObject({ code: 'DICOM_WEB_ANSWER', passing: true });
    expect(await failureOf(find(1))).toMatchObject({ code: 'DICOM_WEB_UNREACHABLE', passing: true });
  });
});

describe('a search', () => {
  const studies = (port: number, lookBack: number | 'all', pageSize = 3) =>
    collect(dimseArchive(port).searchStudies({ lookBack, pageSize, now: new Date('2026-03-05T12:00:00') }));

  /** Studies of one day, at every hour; at most `cap` are given at once, and the end says that it was cut. */
  const cappedPeer = (cap: number, cutStatus: number) => {
    const asked: string[] = [];
    const started = peer({
      serve: async (association) => {
        for (
          let message = await association.messages.next();
          message;
          message = await association.messages.next()
        ) {
          if (message.command.commandField !== COMMAND.find) continue;
          const chunks = await collect(message.data);
          const query = readValues(withMeta(Buffer.concat(chunks)), 'query').dataset;
          const [date = '', time = ''] = [text(query, 'StudyDate'), text(query, 'StudyTime')];
          asked.push(`${date} ${time}`.trim());
          const matching = Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => {
            const at = `${String(hour).padStart(2, '0')}0000`;
            const [from = '', to = '999999'] = time.split('-');
            const [first = '', last = first] = date.split('-');
            const isDay = date === '' || ((first || '0') <= '20260305' && '20260305' <= (last || '9'));
            return isDay && (time === '' || (from <= at && at <= to));
          });
          const matches = matching.map((hour) => ({ StudyInstanceUID: `2.25.9.${hour}` }));
          const isCut = matches.length > cap;
          await answerFind(association, message, matches.slice(0, cap), isCut ? cutStatus : 0);
        }
      },
    });
    return { started, asked };
  };

  it.each([0xfe00, 0xa700])('that the archive cuts short (%i) goes on in windows of time', async (status) => {
    const { started, asked } = cappedPeer(5, status);
    const found = await studies((await started).port, 2);
    expect(new Set(found.map((one) => text(one, 'StudyInstanceUID')))).toHaveProperty('size', 24);
    expect(found).toHaveLength(24);
    expect(asked.slice(0, 2)).toEqual(['20260303', '20260304']);
  });

  it('of instances that is cut short fails: a part is not taken for the whole', async () => {
    const { port } = await peer({
      serve: async (association) => {
        const message = await association.messages.next();
        if (message) await answerFind(association, message, [{ SOPInstanceUID: sopOf(1) }], 0xfe00);
      },
    });
    const failure = await failureOf(dimseArchive(port).searchInstances(STUDY, SERIES));
    expect(failure).toMatchObject({ code: 'DICOM_WEB_ANSWER' });
  });

  it('over all days is canceled beyond a page, and halved down to days', async () => {
    const { started, asked } = cappedPeer(1_000, 0);
    const found = await studies((await started).port, 'all');
    expect(found).toHaveLength(24);
    expect(asked).toContain('20260305');
    expect(asked.length).toBeLessThan(50);
  });
});

describe('storing', () => {
  it('sends the bytes that were written, whatever fits into a PDU', async () => {
    const pixels = new Uint16Array(40_001);
    const file = smallInstance(
      { study: STUDY, series: SERIES, sop: sopOf(1) },
      { Rows: 1, Columns: 40_001, PixelData: pixels.fill(7).buffer, ReferencedStudySequence: [{}] },
    );
    let came: Buffer = Buffer.alloc(0);
    const { port } = await peer({
      serve: async (association) => {
        const message = await association.messages.next();
        if (message?.command.commandField === COMMAND.find) {
          return answerFind(association, message, came.length > 0 ? [{ SOPInstanceUID: sopOf(1) }] : []);
        }
        if (!message) return;
        came = Buffer.concat(await collect(message.data));
        const responded = { messageIdBeingRespondedTo: message.command.messageId ?? 0, status: 0 };
        await association.messages.send(message.contextId, {
          ...responded,
          commandField: COMMAND.store | RESPONSE,
        });
      },
    });
    await dimseArchive(port).storeVerified(STUDY, [file]);
    expect(came.equals(file.subarray(readMeta(new Uint8Array(file), '').end))).toBe(true);
  });

  it('counts an instance as failed that the archive refuses, or does not commit to, and gives its reason', async () => {
    const { port } = await peer({
      serve: async (association) => {
        for (
          let message = await association.messages.next();
          message;
          message = await association.messages.next()
        ) {
          const { command, contextId } = message;
          const responded = { messageIdBeingRespondedTo: command.messageId ?? 0 };
          if (command.commandField === COMMAND.store) {
            const status = command.affectedSopInstanceUid === sopOf(1) ? 0xa900 : 0;
            await association.messages.send(contextId, {
              ...responded,
              commandField: COMMAND.store | RESPONSE,
              status,
            });
          } else if (command.commandField === COMMAND.find) await answerFind(association, message, []);
          else if (command.commandField === COMMAND.action) {
            const query = readValues(withMeta(Buffer.concat(await collect(message.data))), '').dataset;
            const refused = {
              TransactionUID: text(query, 'TransactionUID') ?? '',
              FailedSOPSequence: [{ ReferencedSOPClassUID: CT, ReferencedSOPInstanceUID: sopOf(2) }],
            };
            await association.messages.send(contextId, {
              ...responded,
              commandField: COMMAND.action | RESPONSE,
              status: 0,
            });
            const report = {
              affectedSopClassUid: SERVICE.storageCommitment,
              commandField: COMMAND.eventReport,
              messageId: 9,
              eventTypeId: 2,
            };
            await association.messages.send(contextId, report, [writeIdentifier(refused, EXPLICIT)]);
          }
        }
      },
    });
    const ledger = new LedgerInMemory();
    const archive = dimseArchive(port, {}, { commitment: { timeoutMs: 5_000, ledger } });
    const failure = await failureOf(archive.storeVerified(STUDY, [fileOf(1), fileOf(2)]));
    expect(failure).toMatchObject({ code: 'DICOM_STORE_INCOMPLETE', passing: true });
    expect(failure.reason).toContain('0xA900');
    expect(failure.reason).toContain('0x0110');
    expect(await ledger.pending([sopOf(1), sopOf(2)])).toHaveLength(2);
  });
});

/** What a data set needs in front to be read as a file. */
function withMeta(dataSet: Uint8Array): Uint8Array {
  const file = new Uint8Array(fileOf(1));
  return Buffer.concat([file.subarray(0, readMeta(file, '').end), dataSet]);
}
