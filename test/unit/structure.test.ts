import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = path.resolve(import.meta.dirname, '../../src');

/** Which rooms (folders or files below src) a room may import from, beside itself. `*` is everything. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'cli.ts': ['*'],
  cli: ['*'],
  'compose.ts': ['*'],
  'version.ts': [],
  'config.ts': ['config'],
  config: ['pipeline'], // the schemas of selection and routing rules
  dicom: [],
  segmentation: ['dicom/volume.ts'],
  nifti: ['dicom/volume.ts'],
  sr: ['dicom'],
  pictures: ['dicom'],
  pipeline: ['dicom', 'segmentation', 'sr', 'pictures', 'nifti'],
  archive: ['pipeline', 'dicom'],
  http: ['pipeline', 'dicom', 'sr', 'pictures', 'audit', 'logging'],
  notifications: ['pipeline', 'dicom'],
  intake: ['pipeline', 'dicom', 'logging'],
  audit: ['dicom'],
  logging: [],
  metrics: ['pipeline', 'dicom'],
  doctor: ['pipeline', 'dicom', 'segmentation'],
  compose: ['*'],
  demo: ['dicom', 'segmentation', 'sr', 'pipeline', 'archive'],
};

type Imports = ReadonlyMap<string, readonly string[]>;

/** Imports of every file below `root`, both as paths relative to `root`. */
function readImports(root: string): Imports {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && statSync(path.join(root, file)).isFile(),
  );
  return new Map(
    files.map((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
        (match) => match[1] ?? '',
      );
      return [file, specifiers.map((specifier) => path.join(path.dirname(file), specifier))];
    }),
  );
}

const roomOf = (file: string): string => file.split('/')[0] ?? file;

function forbiddenImports(imports: Imports): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => {
        const room = roomOf(file);
        const allowed = MAY_IMPORT[room] ?? [];
        return !(
          roomOf(target) === room ||
          allowed.includes('*') ||
          allowed.includes(roomOf(target)) ||
          allowed.includes(target)
        );
      })
      .map((target) => `${file} -> ${target}`),
  );
}

function firstCycle(imports: Imports): string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const target of imports.get(file) ?? []) {
      const cycle = visit(target, [...trail, file]);
      if (cycle) return cycle;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return undefined;
}

describe('the structure of src', () => {
  const imports = readImports(SRC);

  it('has only rooms whose import directions are stated', () => {
    expect([...new Set([...imports.keys()].map(roomOf))].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  it('follows the import directions', () => {
    expect(forbiddenImports(imports)).toEqual([]);
  });

  it('has no import cycle', () => {
    expect(firstCycle(imports)).toBeUndefined();
  });

  it('is checked by gates that go red', () => {
    expect(forbiddenImports(new Map([['dicom/a.ts', ['pipeline/b.ts']]]))).toEqual([
      'dicom/a.ts -> pipeline/b.ts',
    ]);
    expect(forbiddenImports(new Map([['segmentation/a.ts', ['dicom/dataset.ts']]]))).toHaveLength(1);
    const ring = new Map([
      ['sr/a.ts', ['sr/b.ts']],
      ['sr/b.ts', ['sr/c.ts']],
      ['sr/c.ts', ['sr/b.ts']],
    ]);
    expect(firstCycle(ring)).toEqual(['sr/b.ts', 'sr/c.ts', 'sr/b.ts']);
  });

  it('lets only config.ts read the environment', () => {
    const readers = [...imports.keys()].filter((file) =>
      readFileSync(path.join(SRC, file), 'utf8').includes('process.env'),
    );
    expect(readers).toEqual(['config.ts']);
  });
});
