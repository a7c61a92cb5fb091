import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escaped } from '../../src/exchange/hl7/encoding.ts';
import { oruMessage } from '../../src/exchange/hl7/oru-message.ts';
import type { OutgoingResult } from '../../src/exchange/result/outgoing-result.ts';
import { RESULT_CHANGES } from '../../src/store/exchange/outgoing.ts';
import { BARE_RESULT, FULL_RESULT } from '../support/outgoing-results.ts';
import { type ReadMessage, readMessages, valueOf } from '../support/read-hl7.ts';
import { describeWith } from '../support/requires.ts';

const NAMES = {
  sendingApplication: 'PANSEGNET',
  sendingFacility: 'NODE1',
  receivingApplication: 'EHR',
  receivingFacility: 'HOSP',
  processingId: 'P',
  assigningAuthority: 'SITE&1.2.3&ISO',
};
/** Of the volume: its images, and the beginning of the result's number. */
const SUB = 'CT.5F0C1A52';
const HOSTILE = 'O|X^Y~Z\\E\\F&G\rMSH|^~\\&|EVIL\nOBX|1\u000b\u001c\r\u0000 山田';

const named = (name: string, id = 'P-17', description?: string): OutgoingResult => ({
  ...FULL_RESULT,
  patient: { ...FULL_RESULT.patient, name, id: { value: id, issuer: undefined } },
  study: { ...FULL_RESULT.study, description },
});

describeWith(['hl7'], 'a result as ORU^R01, read by python-hl7', () => {
  it('says who, which order, and what kind of message it is', () => {
    const [message] = readMessages([oruMessage(FULL_RESULT, NAMES)]);
    if (!message) throw new Error('nothing was read');
    expect(message.names.slice(0, 5)).toEqual(['MSH', 'PID', 'ORC', 'OBR', 'OBX']);
    const header = [3, 4, 5, 6, 7, 10, 11, 12, 18].map((field) => message.value('MSH', field));
    expect(header).toEqual([
      'PANSEGNET',
      'NODE1',
      'EHR',
      'HOSP',
      '20260304050608.000+0000',
      FULL_RESULT.messageId,
      'P',
      '2.5.1',
      'UNICODE UTF-8',
    ]);
    expect([1, 2, 3].map((part) => message.value('MSH', 9, part))).toEqual(['ORU', 'R01', 'ORU_R01']);
    const pid = message.segments('PID')[0];
    expect([1, 4, 5].map((part) => valueOf(pid, 3, part))).toEqual(['P-17', 'HOSP', 'MR']);
    expect([1, 2, 3].map((part) => valueOf(pid, 3, 4, 1, part))).toEqual(['HOSP', '1.2.3.4', 'ISO']);
    // DICOM's prefix Dr and suffix PhD change places.
    expect([1, 2, 3, 4, 5, 7, 8].map((part) => valueOf(pid, 5, part))).toEqual([
      'Doe',
      'Jane',
      'M',
      'PhD',
      'Dr',
      'L',
      'A',
    ]);
    expect([valueOf(pid, 7), valueOf(pid, 8)]).toEqual(['19600229', 'F']);
    expect(message.value('ORC', 1)).toBe('RE');
    for (const segment of ['ORC', 'OBR']) {
      expect([1, 2, 3, 4].map((part) => message.value(segment, 2, part))).toEqual([
        'PL-1',
        'EHR',
        '1.9.8',
        'ISO',
      ]);
      expect([1, 2].map((part) => message.value(segment, 3, part))).toEqual([
        '5F0C1A526D0E8A3B9C1D',
        'PANSEGNET',
      ]);
    }
    const [obr] = message.segments('OBR');
    expect([1, 2, 3, 4].map((part) => valueOf(obr, 29, 1, 1, part))).toEqual(['PL-1', 'EHR', '1.9.8', 'ISO']);
    expect(valueOf(obr, 29, 2)).toBe('FI-1');
    expect([4, 7, 18, 19, 22, 24, 25].map((field) => message.value('OBR', field))).toEqual([
      '25045-6',
      '20260301093000.5+0100',
      'ACC-1',
      'RP-1',
      '20260304050607.089+0000',
      'RAD',
      'P',
    ]);
  });

  it('holds volume, uncertainty, changes, flags, references, words and PDF', () => {
    const [message] = readMessages([oruMessage(FULL_RESULT, NAMES)]);
    const observations = message?.observations ?? [];
    expect(observations.slice(0, 12)).toEqual([
      ['NM', '118565006', SUB, '71.25', 'mL', 'P'],
      ['NM', '371886008', SUB, '4.25', 'mL', 'P'],
      ['NM', '371885007', SUB, '3.125', 'mL', 'P'],
      ['NM', '442714003', `${SUB}.PREV`, '-12.5', '%', 'P'],
      ['NM', '442714003', `${SUB}.FIRST`, '-20', '%', 'P'],
      ['CWE', '111052', `${SUB}.1`, '130576', '', 'P'],
      ['CWE', '111052', `${SUB}.2`, 'RID13', '', 'P'],
      ['HD', '113014', SUB, '2.25.100', '', 'P'],
      ['HD', '113015', `${SUB}.SR`, '2.25.103', '', 'P'],
      ['HD', '126000', SUB, '2.25.104', '', 'P'],
      ['HD', '113015', `${SUB}.SEG`, '2.25.105', '', 'P'],
      ['HD', '121191', SUB, '2.25.106', '', 'P'],
    ]);
    const words = observations.filter(([type]) => type === 'TX').map(([, , , value]) => value);
    expect(words[0]).toBe('Pancreas volume 71.3 ml on CT (pansegnet-ct 1.0.0, mode fast).');
    expect(words.at(-1)).toBe('For research use only.');
    const [volume] = message?.segments('OBX') ?? [];
    expect([14, 17, 18, 19, 20].map((field) => valueOf(volume, field))).toEqual([
      '20260301093000.5+0100',
      '126030',
      '2.25.108',
      '20260304050607.089+0000',
      '15776009',
    ]);
    const pdf = message?.segments('OBX').at(-1);
    expect([2, 3, 4].map((part) => valueOf(pdf, 5, part))).toEqual(['Application', 'PDF', 'Base64']);
    expect(Buffer.from(valueOf(pdf, 5, 5), 'base64')).toEqual(FULL_RESULT.pdf);
    const ids = message?.segments('OBX').map((fields) => valueOf(fields, 3) + valueOf(fields, 4));
    expect(new Set(ids).size).toBe(ids?.length);
  });

  it('has the status of what happened to it', () => {
    const messages = readMessages(
      RESULT_CHANGES.map((change) => oruMessage({ ...FULL_RESULT, change }, NAMES)),
    );
    const statuses = messages.map((message) => [
      message.value('OBR', 25),
      ...new Set(message.observations.map((one) => one.at(-1))),
    ]);
    // Of what was withdrawn all is wrong, but for the line that says so.
    expect(statuses).toEqual([
      ['P', 'P'],
      ['C', 'C'],
      ['C', 'C'],
      ['C', 'W', 'C'],
    ]);
    const withdrawn = messages[3]?.observations ?? [];
    expect(withdrawn[0]).toEqual(['NM', '118565006', SUB, '71.25', 'mL', 'W']);
    expect(withdrawn.filter((one) => one.at(-1) === 'C')).toEqual([
      ['TX', '121111', `${SUB}.1`, expect.stringMatching(/^WITHDRAWN/), '', 'C'],
    ]);
  });

  it('shares no key with another result of the study, and all of them with what takes its place', () => {
    const t1 = { ...FULL_RESULT, images: 'T1W', result: 'aaaaaaaa-0000-8000-8000-000000000001' };
    const t2 = { ...FULL_RESULT, images: 'T2W', result: 'bbbbbbbb-0000-8000-8000-000000000001' };
    // Two series of one class, too, and parts of one series.
    const other = { ...t2, result: 'cccccccc-0000-8000-8000-000000000001' };
    const changed = RESULT_CHANGES.map((change) => ({ ...t1, change }));
    const [first, second, third, ...changes] = readMessages(
      [t1, t2, other, ...changed].map((result) => oruMessage(result, NAMES)),
    );
    // As receivers file: by the filler's number, or by the order, the code and the sub-ID.
    const fillers = [first, second, third].map((message) => message?.value('OBR', 3));
    expect(new Set(fillers).size).toBe(3);
    const keys = (message: ReadMessage | undefined) =>
      (message?.segments('OBX') ?? []).map((fields) => `${valueOf(fields, 3)} ${valueOf(fields, 4)}`);
    const all = [first, second, third].flatMap(keys);
    expect(new Set(all).size).toBe(all.length);
    for (const message of changes) {
      expect(message.value('OBR', 3)).toBe(first?.value('OBR', 3));
      expect(keys(message)).toEqual(expect.arrayContaining(keys(first)));
    }
    for (const message of [first, second, third]) {
      const subIds = message?.segments('OBX').map((fields) => valueOf(fields, 4)) ?? [];
      expect(Math.max(...subIds.map(({ length }) => length))).toBeLessThanOrEqual(20);
    }
  });

  it('where nothing was found has no volume, and says that none could be obtained', () => {
    const [message] = readMessages([oruMessage(BARE_RESULT, NAMES)]);
    expect(message?.observations.slice(0, 2)).toEqual([
      ['NM', '118565006', SUB, '', 'mL', 'X'],
      ['CWE', '111052', `${SUB}.1`, '122288', '', 'P'],
    ]);
    expect(message?.value('PID', 3, 4)).toBe('SITE');
    expect(message?.value('OBR', 29)).toBe('');
    expect(message?.value('OBR', 4)).toBe('18748-4');
  });

  it('has a number of its own where the images name no order number, and the accession number in its field', () => {
    const [first] = FULL_RESULT.orders;
    if (!first) throw new Error('no order');
    const orders = [{ ...first, placer: undefined, filler: undefined, procedureCode: undefined }];
    const [message] = readMessages([oruMessage({ ...FULL_RESULT, orders }, NAMES)]);
    expect([2, 3, 18, 29].map((field) => message?.value('OBR', field))).toEqual([
      '',
      '5F0C1A526D0E8A3B9C1D',
      'ACC-1',
      '',
    ]);
    expect(message?.value('OBR', 4, 2)).toBe('CT of the abdomen');
  });

  it('keeps every character of a name in its field, whatever it is, Japanese names in three groups', () => {
    const japanese = 'Yamada^Tarou=山田^太郎=やまだ^たろう';
    const messages = readMessages([
      oruMessage(named(HOSTILE, `ID${HOSTILE}`, HOSTILE), NAMES),
      oruMessage(named(japanese), NAMES),
    ]);
    const plain = readMessages([oruMessage(named('A'), NAMES)])[0]?.names;
    expect(messages[0]?.names).toEqual(plain);
    expect(messages[0]?.value('PID', 3)).toBe(`ID${HOSTILE}`);
    expect(messages[0]?.value('PID', 5)).toBe('O|X');
    const pid = messages[1]?.segments('PID')[0];
    const groups = [1, 2, 3].map((group) => [1, 2, 8].map((part) => valueOf(pid, 5, part, group)));
    expect(groups).toEqual([
      ['Yamada', 'Tarou', 'A'],
      ['山田', '太郎', 'I'],
      ['やまだ', 'たろう', 'P'],
    ]);
  });
});

describe('the encoding', () => {
  it('leaves no text anything that ends a field, a segment or the frame', () => {
    assert(
      property(string({ unit: 'binary' }), (text) => {
        const plain = escaped(text).replaceAll(/\\(?:[EFSTR]|X[0-9A-F]+)\\/g, '');
        return !/[\\|^~&]|\p{Cc}/u.test(plain);
      }),
    );
    expect(escaped('a|b^c&d~e\\f\r\n')).toBe('a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\X0D\\\\X0A\\');
  });

  it('gives the same message for the same result, and only its own segments', () => {
    const message = oruMessage(FULL_RESULT, NAMES);
    expect(oruMessage(FULL_RESULT, NAMES)).toBe(message);
    expect(message.endsWith('\r')).toBe(true);
    expect(message).not.toContain('\n');
    for (const line of message.trimEnd().split('\r')) expect(line).toMatch(/^(MSH|PID|ORC|OBR|OBX)\|/);
  });
});
