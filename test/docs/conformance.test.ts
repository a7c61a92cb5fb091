import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { data } from 'dcmjs';
import { describe, expect, it } from 'vitest';
import { INSTANCE_TAGS, SERIES_TAGS, STUDY_TAGS } from '../../src/archive/search-attributes.ts';
import { GROUPS, loadCommands } from '../../src/commands/all.ts';
import { modalityOf } from '../../src/dicom/geometry/image-checks.ts';
import { canDecode } from '../../src/dicom/pixels/pixels.ts';
import { textDecoding } from '../../src/dicom/reading/character-sets.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { FAILURE_REASON } from '../../src/dicom/web/store-request.ts';
import { IMPLEMENTATION } from '../../src/implementation.ts';
import { NodeMetrics } from '../../src/metrics/node-metrics.ts';
import { addNodeState } from '../../src/metrics/node-state.ts';
import { FAILURES } from '../../src/pipeline/failures.ts';

const COMMANDS = await loadCommands();

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Rows of the table below a heading, as cells. */
function tableBelow(text: string, heading: string): string[][] {
  const [, section = ''] = text.split(`\n${heading}\n`);
  const lines =
    section
      .split(/\n#/)[0]
      ?.split('\n')
      .filter((line) => line.startsWith('|')) ?? [];
  const rows = lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  if (rows.length === 0) throw new Error(`no table below ${heading}`);
  return rows;
}

const UID = /^[0-9.]+$/;
const uidsOf = (rows: readonly (readonly string[])[]): string[] =>
  rows.flatMap((row) => row.filter((cell) => UID.test(cell)));

describe('the conformance statement', () => {
  const statement = read('docs/conformance.md');
  const images = tableBelow(statement, '## 3 Images that are read');
  const written = uidsOf(tableBelow(statement, '## 4 Objects that are written'));

  it('names the SOP classes that are read, with their modality, and no other', () => {
    const known: string[] = Object.values(data.DicomMetaDictionary.sopClassUIDsByName).filter(
      (uid) => uid !== undefined,
    );
    expect(known.length).toBeGreaterThan(25);
    const readable = new Map<string, string>();
    for (const uid of [...known, ...uidsOf(images)]) {
      const modality = modalityOf({ SOPClassUID: uid });
      if (modality) readable.set(uid, modality);
    }
    expect(images.map(([, uid, modality]) => `${uid} ${modality}`).toSorted()).toEqual(
      [...readable].map((pair) => pair.join(' ')).toSorted(),
    );
  });

  it('names the SOP classes that are written, and no other', () => {
    const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => read(path.join('src', file)));
    const inCode = new Set(
      sources.flatMap((text) => text.match(/1\.2\.840\.10008\.5\.1\.4\.1\.1(\.\d+)+/g) ?? []),
    );
    const readOnly = new Set(uidsOf(images));
    expect([...inCode].filter((uid) => !readOnly.has(uid)).toSorted()).toEqual(written.toSorted());
  });

  it('names the transfer syntaxes that are read, and no other', () => {
    const listed = uidsOf(tableBelow(statement, '### 3.1 Transfer syntaxes that are read'));
    const decodable = Object.values(TRANSFER_SYNTAX).filter((uid) => canDecode(uid));
    expect(listed.toSorted()).toEqual(decodable.toSorted());
  });

  it('names the character sets that are read', () => {
    const section = statement.split('## 7 Character sets')[1]?.split('Written:')[0] ?? '';
    const terms = section.match(/ISO_IR \d+|ISO 2022 IR \d+|GB18030|GBK/g) ?? [];
    expect(terms.length).toBeGreaterThan(15);
    // A set that is not known reads every byte above ASCII as the replacement character.
    for (const term of terms) expect(textDecoding([term])('A'), term).toBe('A');
    expect(textDecoding(['ISO_IR 144'])('\xb0')).toBe('А');
  });

  it('states identity, reasons of failure and searchable attributes as the program has them', () => {
    expect(statement).toContain(IMPLEMENTATION.classUid);
    expect(statement).toContain(IMPLEMENTATION.versionName);
    const reasons = [...statement.matchAll(/^\| 0x([0-9A-F]{4}) \|/gm)].map(([, hex = '']) =>
      Number.parseInt(hex, 16),
    );
    expect(new Set(reasons)).toEqual(new Set(Object.values(FAILURE_REASON)));
    const tags = [...statement.matchAll(/^\| (study|series|instance) \| ([0-9A-F ]+) \|$/gm)].map(
      ([, , list = '']) => list.split(' '),
    );
    expect(tags).toEqual([STUDY_TAGS, SERIES_TAGS, INSTANCE_TAGS]);
  });
});

describe('the operating manual', () => {
  const manual = read('docs/operations.md');

  it('says of each failure code what to do', () => {
    const listed = new Set(
      tableBelow(manual, '### Failure codes').flatMap(([codes = '']) => codes.match(/[A-Z][A-Z_]+/g) ?? []),
    );
    const codes = [...Object.keys(FAILURES), 'UNEXPECTED'];
    expect(codes.filter((code) => !listed.has(code))).toEqual([]);
    expect([...listed].filter((code) => !codes.includes(code))).toEqual([]);
  });

  it('names the metrics that there are', () => {
    const nothing = async () => ({});
    const metrics = new NodeMetrics('0');
    addNodeState(metrics.registry, {
      queue: async () => ({ waiting: 0, retrying: 0, active: 0, dead: 0, oldestWaitingSeconds: 0 }),
      behind: async () => ({ waiting: 0, retrying: 0, active: 0, dead: 0, oldestWaitingSeconds: 0 }),
      disks: nothing,
      spoolBytes: async () => 0,
      readiness: nothing,
      exits: async () => [],
    });
    const own = metrics.registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .filter((name) => name.startsWith('pansegnet_'));
    const named = new Set(
      tableBelow(manual, '## Metrics').flatMap(([cell = '']) => cell.match(/pansegnet_\w+/g) ?? []),
    );
    expect([...named].toSorted()).toEqual(own.toSorted());
  });

  it('and the other pages name every command, and none that is not there', () => {
    const known = new Set([...COMMANDS.map(({ name }) => name), ...Object.keys(GROUPS)]);
    const pages = readdirSync(path.join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
    const text = [...pages.map((file) => `docs/${file}`), 'README.md'].map(read).join('\n');
    const lines = [...text.matchAll(/pansegnet-node ([a-z][a-z-]*)(?: ([a-z]+))?/g)];
    const calls = [...text.matchAll(/^ *(?:.*-- |npx )?pansegnet-node ([a-z][a-z-]*)(?: ([a-z]+)\b)?/gm)];
    const hasMore = (first: string) => COMMANDS.some(({ name }) => name.startsWith(`${first} `));
    const nameOf = ([, first = '', second = '']: RegExpMatchArray) =>
      hasMore(first) ? `${first} ${second}`.trim() : first;
    expect(calls.map(nameOf).filter((name) => !known.has(name))).toEqual([]);
    const named = new Set([
      ...lines.map(nameOf),
      ...[...text.matchAll(/npm run ([a-z]+)/g)].map(([, name]) => name),
    ]);
    expect(COMMANDS.map(({ name }) => name).filter((name) => !named.has(name))).toEqual([]);
  });

  it('and the other pages name tests that there are', () => {
    const tests = new Set(read('docs/ihe-ai-results.md').match(/test\/[\w/.-]+\.test\.ts/g) ?? []);
    expect(tests.size).toBeGreaterThan(8);
    for (const test of tests) expect(() => read(test), test).not.toThrow();
  });
});
