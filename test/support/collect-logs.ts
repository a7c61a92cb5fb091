import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findPatientData } from './patient-data.ts';
import { TEST_LOGS } from './test-log.ts';

let folder: string;

/** Before all slow tests: a folder where the nodes that they start log everything. */
export function setup(): void {
  folder = mkdtempSync(path.join(tmpdir(), 'test-logs-'));
  process.env[TEST_LOGS] = folder;
}

/** After them: no log of the run may hold a patient's name, ID or birth date. */
export function teardown(): void {
  const files = readdirSync(folder).map((name) => path.join(folder, name));
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  rmSync(folder, { recursive: true });
  const found = texts.flatMap((text) => findPatientData(text) ?? []);
  if (found.length > 0) throw new Error(`patient data in the logs of the run:\n${found.join('\n\n')}`);
  const lines = texts.join('').split('\n').length - 1;
  console.log(`${lines} lines in ${files.length} logs of the run: no patient name, ID or birth date`);
}
