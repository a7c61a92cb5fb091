import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDER = path.resolve(import.meta.dirname, '../../docs/adr');
const INDEX = 'README.md';

type Files = ReadonlyMap<string, string>;

/** A record's number, title and `Status:` line, which stands right below the title. */
const HEAD = /^# (\d{4}) (.+)\n\nStatus: (.+)\n\n/;
const STATUS = /^(?:accepted|superseded by \d{4}|in part superseded by \d{4}: [^;]+(?:; \d{4}: [^;]+)*)$/;
const SUPERSEDING = /(?<=by |; )\d{4}/g;

function readFolder(): Files {
  const names = readdirSync(FOLDER).toSorted();
  return new Map(names.map((name) => [name, readFileSync(path.join(FOLDER, name), 'utf8')]));
}

/** What is wrong with the records and their index, one sentence each. */
function faults(files: Files): string[] {
  const records = [...files].filter(([name]) => name !== INDEX);
  const found: string[] = [];
  const rows: string[] = [];
  const superseding: string[] = [];
  const superseded: string[] = [];

  for (const [name, text] of records) {
    const [, number = '', title = '', status = ''] = HEAD.exec(text) ?? [];
    if (!name.startsWith(`${number}-`) || number === '') {
      found.push(`${name} does not begin with its number, a title and a status`);
      continue;
    }
    if (!STATUS.test(status)) found.push(`${name} has the status '${status}'`);
    rows.push(`| [${number}](${name}) | ${title} | ${status} |`);
    for (const [by] of status.matchAll(SUPERSEDING)) superseded.push(`${by} supersedes ${number}`);
    for (const [, other] of text.matchAll(/Supersedes (\d{4})/g)) {
      superseding.push(`${number} supersedes ${other}`);
    }
  }

  const numbers = records.map(([name]) => Number(name.slice(0, 4)));
  numbers.forEach((number, index) => {
    const wanted = (numbers[index - 1] ?? 0) + 1;
    if (number !== wanted) found.push(`${number} stands where ${wanted} is next`);
  });
  const listed = (files.get(INDEX) ?? '').split('\n').filter((line) => line.startsWith('| ['));
  for (const row of rows) if (!listed.includes(row)) found.push(`the index lacks ${row}`);
  for (const row of listed) if (!rows.includes(row)) found.push(`no record is as in the index: ${row}`);
  for (const one of superseded) if (!superseding.includes(one)) found.push(`no record says that ${one}`);
  for (const one of superseding) if (!superseded.includes(one)) found.push(`no status says that ${one}`);
  return found;
}

it('the decision records have a status, no gap in their numbers, and an index that is true', () => {
  expect(faults(readFolder())).toEqual([]);
});

describe('the check of the decision records goes red', () => {
  const record = (number: string, status: string, text = 'Text.') =>
    [`${number}-x.md`, `# ${number} X\n\nStatus: ${status}\n\n${text}\n`] as const;
  const row = (number: string, status: string) => `| [${number}](${number}-x.md) | X | ${status} |\n`;
  const two = (first: string, second: string, text?: string): Files =>
    new Map([
      record('0001', first),
      record('0002', second, text),
      [INDEX, row('0001', first) + row('0002', second)],
    ]);

  it('and is green for records that are in order', () => {
    expect(faults(two('accepted', 'accepted'))).toEqual([]);
    expect(faults(two('superseded by 0002', 'accepted', 'Supersedes 0001.'))).toEqual([]);
    expect(faults(two('in part superseded by 0002: a', 'accepted', 'Supersedes 0001 in part: a.'))).toEqual(
      [],
    );
  });

  it('for a gap, and for a number that is taken twice', () => {
    const gap: Files = new Map([record('0002', 'accepted'), [INDEX, row('0002', 'accepted')]]);
    expect(faults(gap)).toEqual(['2 stands where 1 is next']);
    const twice = new Map([
      ...two('accepted', 'accepted'),
      ['0002-y.md', '# 0002 X\n\nStatus: accepted\n\nText.\n'],
    ]);
    expect(faults(twice)).toContain('2 stands where 3 is next');
  });

  it('for a missing status, or one of another form', () => {
    const none = new Map([...two('accepted', 'accepted'), ['0002-x.md', '# 0002 X\n\nText.\n']]);
    expect(faults(none)).toContain('0002-x.md does not begin with its number, a title and a status');
    expect(faults(two('proposed', 'accepted'))).toEqual(["0001-x.md has the status 'proposed'"]);
    expect(faults(two('in part superseded by 0002', 'accepted', 'Supersedes 0001.'))).toEqual([
      "0001-x.md has the status 'in part superseded by 0002'",
    ]);
  });

  it('for a record that only one of two says is superseded', () => {
    expect(faults(two('superseded by 0002', 'accepted'))).toEqual([
      'no record says that 0002 supersedes 0001',
    ]);
    expect(faults(two('accepted', 'accepted', 'Supersedes 0001.'))).toEqual([
      'no status says that 0002 supersedes 0001',
    ]);
    expect(faults(two('superseded by 0009', 'accepted'))).toEqual([
      'no record says that 0009 supersedes 0001',
    ]);
  });

  it('for an index with another title or status, or without a row', () => {
    const stale = new Map([...two('accepted', 'accepted'), [INDEX, row('0001', 'accepted')]]);
    expect(faults(stale)).toEqual(['the index lacks | [0002](0002-x.md) | X | accepted |']);
    const other = new Map([
      ...two('accepted', 'accepted'),
      [INDEX, row('0001', 'accepted') + row('0002', 'old')],
    ]);
    expect(faults(other)).toHaveLength(2);
  });
});
