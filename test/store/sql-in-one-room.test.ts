import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const SRC = path.resolve(import.meta.dirname, '../../src');
/** A statement at the beginning of a string. */
const SQL =
  /['"`]\s*(SELECT\s|INSERT\s+INTO|UPDATE\s+\w+\.|DELETE\s+FROM|CREATE\s+TABLE|ALTER\s+TABLE|WITH\s+\w+\s+AS)/;

/** The audit log keeps its head in a SQLite file of its own. */
const OTHER_DATABASES = ['audit/chain.ts'];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const textOf = (file: string): string => readFileSync(path.join(SRC, file), 'utf8');

it('all SQL on the database stands in the store', () => {
  const outside = files.filter((file) => SQL.test(textOf(file)) && !file.startsWith('store/'));
  expect(outside).toEqual(OTHER_DATABASES);
  expect(files.filter((file) => SQL.test(textOf(file))).length).toBeGreaterThan(15);
});

it("one file names pg-boss's tables", () => {
  expect(files.filter((file) => /pgboss\./.test(textOf(file)))).toEqual(['store/queue/pgboss-tables.ts']);
});
