import { EvaluationError } from '../evaluation-error.ts';
import { readTable } from './csv.ts';

const CASE = 'case';
const SUBJECT = 'subject';

/**
 * A table with a column `case` and others by which cases are grouped, such as `modality` and `centre`.
 * @returns of each case, the values of the other columns
 * @throws {EvaluationError} CASES_TABLE
 */
export async function readGroups(file: string): Promise<Map<string, ReadonlyMap<string, string>>> {
  const rows = await readTable(file, [CASE]);
  const groups = new Map<string, ReadonlyMap<string, string>>();
  for (const row of rows) {
    const name = nameOf(row.get(CASE));
    if (groups.has(name)) throw new EvaluationError('CASES_TABLE', `${file}: ${name} is there twice`);
    groups.set(name, new Map([...row].filter(([column]) => column !== CASE)));
  }
  return groups;
}

/**
 * A table with the columns `subject` and `case`: cases of one subject are repeated scans of it.
 * @returns the subject of each case
 * @throws {EvaluationError} CASES_TABLE
 */
export async function readRepeats(file: string): Promise<Map<string, string>> {
  const rows = await readTable(file, [SUBJECT, CASE]);
  const subjects = new Map<string, string>();
  for (const row of rows) {
    const name = nameOf(row.get(CASE));
    const subject = row.get(SUBJECT) ?? '';
    if (subject === '') throw new EvaluationError('CASES_TABLE', `${file}: ${name} has no subject`);
    if (subjects.has(name)) throw new EvaluationError('CASES_TABLE', `${file}: ${name} is there twice`);
    subjects.set(name, subject);
  }
  return subjects;
}

/** With or without what stands behind the name in a file's name. */
const nameOf = (text = ''): string => text.replace(/(?:_0000)?\.nii(?:\.gz)?$/i, '');
