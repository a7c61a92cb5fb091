import { readFile } from 'node:fs/promises';
import { EvaluationError } from '../evaluation-error.ts';

/** A line of a table by the names of its columns. */
export type Row = ReadonlyMap<string, string>;

/**
 * Reads a table with a line of names (RFC 4180): commas, or semicolons as spreadsheets of some countries
 * write them; a byte order mark and empty lines are passed over. Names of columns are in small letters.
 * @throws {EvaluationError} CASES_TABLE
 */
export async function readTable(file: string, needed: readonly string[]): Promise<Row[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new EvaluationError('CASES_TABLE', `${file} cannot be read`, { cause });
  });
  const fail = (problem: string) => new EvaluationError('CASES_TABLE', `${file}: ${problem}`);
  const [names, ...lines] = linesOf(text.replace(/^\uFEFF/, ''));
  if (!names) throw fail('it is empty');
  const columns = names.map((name) => name.toLowerCase());
  if (new Set(columns).size !== columns.length) throw fail('two columns have one name');
  const missing = needed.filter((name) => !columns.includes(name));
  if (missing.length > 0) throw fail(`it has no column ${missing.join(', ')}, but ${columns.join(', ')}`);
  return lines.map((line, index) => {
    if (line.length !== columns.length)
      throw fail(`row ${index + 2} has ${line.length} values for ${columns.length} columns`);
    return new Map(columns.map((name, column) => [name, line[column] ?? '']));
  });
}

function linesOf(text: string): string[][] {
  const first = /^[^\r\n]*/.exec(text)?.[0] ?? '';
  const separator = first.includes(';') && !first.includes(',') ? ';' : ',';
  const lines: string[][] = [[]];
  const fields = new RegExp(`(?:"((?:[^"]|"")*)"|([^${separator}\\r\\n]*))(${separator}|\\r?\\n|$)`, 'y');
  while (fields.lastIndex < text.length || lines.at(-1)?.length !== 0) {
    const match = fields.exec(text);
    if (!match) break;
    const [, quoted, plain = '', end] = match;
    lines.at(-1)?.push((quoted?.replaceAll('""', '"') ?? plain).trim());
    if (end === separator) continue;
    lines.push([]);
    if (end === '') break;
  }
  return lines.filter((line) => line.some((field) => field !== ''));
}

/** A field of a table that is written. What a spreadsheet would take for a formula gets an apostrophe. */
export function csvField(value: string | number | null | undefined): string {
  const text = String(value ?? '');
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
