import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SyntheticStudy } from '../../src/demo/studies.ts';
import { programPath, shared } from './requires.ts';

const run = promisify(execFile);

/** The real CT of the shared data: JPEG-LS, with its scout. Its words say lung and not abdomen. */
export const REAL_CT_STUDY = '1.3.6.1.4.1.14519.5.2.1.7009.2403.334240657131972136850343327463';

export async function realCtStudy(): Promise<Uint8Array[]> {
  const folders = ['ct', 'scout'].map((part) => shared('data/ct-abdomen', part));
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => path.join(folder, name))),
  );
  return Promise.all(files.flat().map((file) => readFile(file)));
}

export function allInstances(study: SyntheticStudy): Uint8Array[] {
  return study.series.flatMap((series) => [...series.instances()]);
}

/** Sends instances by C-STORE, in their own transfer syntaxes, with DCMTK's storescu. */
export async function sendByCStore(
  instances: readonly Uint8Array[],
  port: number,
  options: readonly string[] = [],
  calledAeTitle = 'ORTHANC',
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'storescu-'));
  try {
    await Promise.all(instances.map((bytes, index) => writeFile(path.join(folder, `${index}.dcm`), bytes)));
    const proposals = ['--propose-jls-lossless'];
    await run(programPath('storescu'), [
      ...proposals,
      ...options,
      '-aec',
      calledAeTitle,
      '+sd',
      '127.0.0.1',
      String(port),
      folder,
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
