import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { writeIdentifier } from '../../src/dicom/dimse/services/identifier.ts';
import { SERVICE } from '../../src/dicom/dimse/services/sop-classes.ts';
import { COMMAND, RESPONSE } from '../../src/dicom/dimse/wire/command.ts';
import type { Message } from '../../src/dicom/dimse/wire/messages.ts';
import { isGone } from '../../src/dicom/gone.ts';
import { type DicomDataset, text } from '../../src/dicom/reading/dataset.ts';
import { readMeta, readValues } from '../../src/dicom/reading/part10.ts';
import { collect } from '../support/collect.ts';
import { dimseArchive } from '../support/dimse-archive.ts';
import { type PeerAssociation, startPeer } from '../support/dimse-peer.ts';
import { PATIENCE } from '../support/patience.ts';
import { smallInstance } from '../support/small-instance.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const TODAY = '20260305';
const NOW = new Date('2026-03-05T12:00:00');

type Match = Readonly<Record<string, string>>;
interface Query {
  readonly level: string;
  readonly date: string;
  readonly time: string;
}
/** What a search is answered with, and its last status; without one it goes on for ever. */
interface Answer {
  readonly matches: Iterable<Match>;
  readonly status?: number;
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** An archive that answers searches as `answer` says, and heeds no cancel. */
async function searchedPeer(answer: (query: Query) => Answer) {
  const asked: Query[] = [];
  const ended: string[] = [];
  const peer = await startPeer({
    serve: async (association) => {
      const { messages } = association;
      for (let message = await messages.next(); message; message = await messages.next()) {
        if (message.command.commandField !== COMMAND.find) continue;
        const query = await queryOf(message);
        asked.push(query);
        await give(association, message, answer(query)).catch(() => ended.push('broken off'));
      }
    },
  });
  open.push(peer);
  return { ...peer, asked, ended };
}

async function give({ messages }: PeerAssociation, { contextId, command }: Message, answer: Answer) {
  const response = {
    affectedSopClassUid: SERVICE.studyFind,
    commandField: COMMAND.find | RESPONSE,
    messageIdBeingRespondedTo: command.messageId ?? 0,
  };
  for (const match of answer.matches) {
    await messages.send(contextId, { ...response, status: 0xff00 }, [writeIdentifier(match, EXPLICIT)]);
    // Where the socket has room, no turn of the loop would ever come to the other side.
    await new Promise(setImmediate);
  }
  await messages.send(contextId, { ...response, status: answer.status ?? 0 });
}

async function queryOf({ data }: Message): Promise<Query> {
  const file = new Uint8Array(smallInstance({ study: '2.25.1', series: '2.25.1.1', sop: '2.25.1.1.1' }));
  const meta = file.subarray(0, readMeta(file, '').end);
  const { dataset } = readValues(Buffer.concat([meta, ...(await collect(data))]), 'query');
  const [level = '', date = '', time = ''] = [
    text(dataset, 'QueryRetrieveLevel'),
    text(dataset, 'StudyDate'),
    text(dataset, 'StudyTime'),
  ];
  return { level, date, time };
}

function* endlessly(match: (i: number) => Match): Generator<Match> {
  for (let i = 0; ; i++) yield match(i);
}
const numbered = (i: number): Match => ({ StudyInstanceUID: `2.25.9.${i}` });
const isWithin = (value: string, range: string): boolean => {
  if (range === '') return true;
  const [from = '', to = from] = range.split('-');
  return (from || '0') <= value && value <= (to || '9');
};
const uids = (found: readonly DicomDataset[]) =>
  found.map((one) => text(one, 'StudyInstanceUID') ?? '').sort((one, other) => (one < other ? -1 : 1));

/** Studies of one day, at these times. */
const studiesAt = (times: readonly string[]) =>
  times.map((StudyTime, i) => ({ ...numbered(i), StudyDate: TODAY, StudyTime }));
const matching = (studies: readonly Match[], { date, time }: Query) =>
  studies.filter((one) => isWithin(one['StudyDate'] ?? '', date) && isWithin(one['StudyTime'] ?? '', time));

it('an instance that the archive does not list is gone, and not a failure that may pass', async () => {
  const peer = await searchedPeer(() => ({ matches: [] }));
  const failure: unknown = await dimseArchive(peer.port)
    .retrieveInstance('2.25.1', '2.25.1.1', '2.25.1.1.1')
    .catch((error: unknown) => error);
  expect(isGone(failure)).toBe(true);
});

it('an archive that has no room now is not taken for one that does not search for images', async () => {
  let status = 0xa700;
  const peer = await searchedPeer(() => ({ matches: [], status }));
  const stored = () => dimseArchive(peer.port).storedInstances('2.25.1', '2.25.1.1');
  await expect(stored()).rejects.toMatchObject({ code: 'DICOM_WEB_STATUS' });
  status = 0x0213;
  await expect(stored()).rejects.toMatchObject({ code: 'DICOM_WEB_STATUS' });
  status = 0x0122;
  expect(await stored()).toEqual(new Set());
});

describe('a search in windows', () => {
  const hourly = studiesAt(Array.from({ length: 24 }, (_, i) => `${String(i).padStart(2, '0')}1500`));
  const search = (port: number, options: Readonly<Record<string, number>> = {}) => ({ port, options });
  const studies = ({ port, options }: ReturnType<typeof search>, lookBack: number | 'all' = 'all') =>
    collect(dimseArchive(port, {}, options).searchStudies({ lookBack, pageSize: 3, now: NOW }));

  it('goes on with halves where the archive does not stop when it is canceled', async () => {
    const peer = await searchedPeer((query) =>
      query.date === TODAY || matching(hourly, query).length === 0
        ? { matches: matching(hourly, query) }
        : { matches: endlessly((i) => hourly[i % hourly.length] ?? {}) },
    );
    for (const lookBack of ['all', 40] as const) {
      expect(new Set(uids(await studies(search(peer.port), lookBack))).size).toBe(24);
    }
    // The other side learns it a moment later.
    await vi.waitFor(() => expect(peer.ended.length).toBeGreaterThan(10), PATIENCE);
  });

  it('takes no more of one day than it has room for: parts of the day are searched', async () => {
    const peer = await searchedPeer((query) => ({ matches: matching(hourly, query) }));
    const found = await studies(search(peer.port, { mostOfDay: 5 }), 1);
    expect(uids(found)).toEqual(uids(hourly));
    expect(peer.asked.some(({ time }) => time !== '')).toBe(true);
  });

  it('of matches without end fails, soon, and says so', async () => {
    const ends: readonly ((i: number) => Match)[] = [
      numbered,
      (i) => ({ ...numbered(i), StudyDate: TODAY, StudyTime: '120000' }),
      () => ({}),
    ];
    for (const match of ends) {
      const peer = await searchedPeer(() => ({ matches: endlessly(match) }));
      await expect(studies(search(peer.port, { mostOfDay: 20 }))).rejects.toMatchObject({
        code: 'DICOM_WEB_ANSWER',
        message: expect.stringContaining('does its search (C-FIND) end?'),
      });
      expect(peer.asked.length).toBeLessThan(100);
    }
  });

  it('that keeps coming and does not end is given up', async () => {
    const peer = await startPeer({
      serve: async (association) => {
        const message = await association.messages.next();
        if (!message) return;
        for (;;) {
          const response = { commandField: COMMAND.find | RESPONSE, status: 0xff00 };
          await association.messages.send(message.contextId, response, [writeIdentifier({}, EXPLICIT)]);
          await wait(20);
        }
      },
    });
    open.push(peer);
    const archive = dimseArchive(peer.port, { idleMs: 2_000 }, { mostWaitedMs: 300 });
    await expect(archive.searchSeries('2.25.1')).rejects.toMatchObject({
      code: 'DICOM_WEB_UNREACHABLE',
      message: expect.stringContaining('did not come to an end within 0.3 s'),
    });
  });

  it('gives what can be had, then fails, where the archive cuts a second of a day short', async () => {
    const full = studiesAt(['080000', '080000', '080000', '093000', '235959']);
    const peer = await searchedPeer((query) => {
      const all = matching(full, query);
      return { matches: all.slice(0, 2), status: all.length > 2 ? 0xa700 : 0 };
    });
    const found: DicomDataset[] = [];
    const searching = dimseArchive(peer.port).searchStudies({ lookBack: 0, pageSize: 3, now: NOW });
    const whole = (async () => {
      for await (const study of searching) found.push(study);
    })();
    await expect(whole).rejects.toMatchObject({
      code: 'DICOM_WEB_ANSWER',
      message: expect.stringContaining(`not all studies of ${TODAY} at 080000`),
    });
    expect(uids(found)).toEqual([0, 1, 3, 4].map((i) => numbered(i)['StudyInstanceUID']));
  });

  it('does not ask on and on where an archive does not heed StudyTime', async () => {
    const peer = await searchedPeer(({ date }) => {
      const all = matching(hourly, { level: '', date, time: '' });
      return { matches: all.slice(0, 5), status: all.length > 5 ? 0xfe00 : 0 };
    });
    await expect(studies(search(peer.port), 0)).rejects.toMatchObject({ code: 'DICOM_WEB_ANSWER' });
    expect(peer.asked.length).toBeLessThan(5);
  });

  it('holds no association while its matches are worked on: one is enough for all', async () => {
    const series = { SeriesInstanceUID: '2.25.9.1.1', NumberOfSeriesRelatedInstances: '1' };
    const peer = await searchedPeer((query) => ({
      matches: query.level === 'SERIES' ? [series] : matching(hourly, query),
    }));
    const archive = dimseArchive(peer.port, { idleMs: 2_000 }, { associations: 1 });
    const days = { from: '20260301', until: TODAY, pageSize: 100 };
    const searches = [
      archive.searchStudies({ lookBack: 'all', pageSize: 100, now: NOW }),
      archive.searchStudiesMatching(days),
      archive.searchStudiesMatching({ ...days, patientId: 'P-1' }),
    ];
    for (const found of searches) {
      let count = 0;
      for await (const study of found) {
        const within = await archive.searchSeries(text(study, 'StudyInstanceUID') ?? '');
        expect(within).toHaveLength(1);
        count += 1;
      }
      expect(count).toBe(24);
    }
  });
});
