import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  firstRing,
  forbiddenImports,
  productWords,
  readImports,
  roomOf,
  unusedRights,
} from '../tools/structure/imports.ts';
import { longLines } from '../tools/structure/line-width.ts';
import { ROOMS, ROOMS_WITHOUT_PRODUCT } from '../tools/structure/rooms.ts';
import { LONGEST } from './support/longest-first.ts';

const SRC = path.resolve(import.meta.dirname, '../src');
const TEST = import.meta.dirname;
const imports = readImports(SRC);
const textOf = (file: string) => readFileSync(path.join(SRC, file), 'utf8');

/** Written by protoc-gen-es. */
const GENERATED = ['segmentation/onnx/onnx_pb.ts'];

/** Folders of tests that stand for no room. */
const TEST_FOLDERS = [
  'bench',
  'deploy',
  'docs',
  'faults',
  'fixtures',
  'fuzz',
  'image',
  'install',
  'kills',
  'support',
  'viewer',
];

describe('the structure of src', () => {
  it('has only rooms that are described, and describes only rooms that it has', () => {
    expect([...new Set([...imports.keys()].map(roomOf))].toSorted()).toEqual(Object.keys(ROOMS).toSorted());
  });

  it('follows the import directions', () => {
    expect(forbiddenImports(imports, ROOMS)).toEqual([]);
  });

  it('has no right that nothing uses', () => {
    expect(unusedRights(imports, ROOMS)).toEqual([]);
  });

  it('has no ring among folders or files at any depth', () => {
    expect(firstRing(imports)).toBeUndefined();
  });

  it('keeps the product out of rooms that any program could use', () => {
    const found = [...imports.keys()]
      .filter((file) => ROOMS_WITHOUT_PRODUCT.includes(roomOf(file)))
      .flatMap((file) => productWords(textOf(file)).map((line) => `${file}: ${line.trim()}`));
    expect(found).toEqual([]);
  });

  it("has no line over the formatter's width, comments and texts included", () => {
    const written = [...imports.keys()].filter((file) => !GENERATED.includes(file));
    expect(written.flatMap((file) => longLines(file, textOf(file)))).toEqual([]);
  });

  it('lets one module open HTTP connections to archives', () => {
    const holding = (text: RegExp) =>
      [...imports.keys()].filter((file) => text.test(textOf(file))).toSorted();
    expect(holding(/^import (?!type).* from '(node:https?|undici)'/m)).toEqual([
      'http-client/connections.ts',
      'http/listen.ts', // the node's own doors
    ]);
    expect(holding(/(?<![\w.])fetch\(/).filter((file) => !file.startsWith('http/browser/'))).toEqual([
      'commands/running/in-running-node.ts', // the node on this machine
      'compose/doctor.ts', // the same
      'http/security/oidc.ts', // the identity provider
    ]);
  });

  it('lets only config.ts read the environment, and only telemetry-off.ts write to it', () => {
    const files = [...imports.keys()].filter((file) => textOf(file).includes('process.env'));
    expect(files.toSorted()).toEqual(['config.ts', 'telemetry-off.ts']);
  });

  it('loads onnxruntime, here or in a thread, only after its telemetry is off', () => {
    const roots = ['src', 'bench', 'tools'].map((folder) => path.resolve(SRC, '..', folder));
    const loaders = roots.flatMap((root) =>
      [...readImports(root).keys()]
        .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }))
        .filter(({ text }) =>
          /from 'onnxruntime-node'|import\('onnxruntime-node'\)|`\.\/(apart\/)?segment-(worker|process)/.test(
            text,
          ),
        ),
    );
    expect(loaders.length).toBeGreaterThan(3);
    const late = loaders.filter(({ text }) => !/^import '[./a-z]*telemetry-off\.ts';/.test(text));
    expect(late.map(({ file }) => file)).toEqual([]);
    expect(textOf('cli.ts')).toMatch(/^#!.*\nimport '\.\/telemetry-off\.ts';/);
  });

  it('begins with the longest tests, which are there', () => {
    const missing = LONGEST.filter((file) => !existsSync(path.join(SRC, '..', file)));
    expect(missing).toEqual([]);
  });

  it('keeps WebAssembly code from the start, and in the threads of the tests', () => {
    expect(textOf('cli.ts')).toMatch(/^#!.*\nimport '.*';\nimport '\.\/wasm-code-kept\.ts';/);
    expect(process.execArgv).toContain('--no-wasm-code-gc');
  });
});

describe('the gates of the structure go red', () => {
  const rooms = {
    dicom: { what: '', mayImport: [] },
    sr: { what: '', mayImport: ['dicom'] },
    nifti: { what: '', mayImport: ['dicom/volume.ts'] },
  };

  it('for a forbidden import, of a room or of one file of it', () => {
    expect(forbiddenImports(new Map([['dicom/a.ts', ['sr/b.ts']]]), rooms)).toEqual([
      'dicom/a.ts -> sr/b.ts',
    ]);
    const one = new Map([['nifti/a.ts', ['dicom/dataset.ts', 'dicom/volume.ts']]]);
    expect(forbiddenImports(one, rooms)).toEqual(['nifti/a.ts -> dicom/dataset.ts']);
  });

  it('for a right that nothing uses', () => {
    const files = new Map([['nifti/a.ts', ['dicom/volume.ts']]]);
    expect(unusedRights(files, rooms)).toEqual(['sr -> dicom']);
  });

  it('for a ring among rooms, among folders of a room, and between a file and a folder', () => {
    const ringOf = (files: Record<string, string[]>) => firstRing(new Map(Object.entries(files)));
    expect(ringOf({ 'sr/a.ts': ['seg/b.ts'], 'seg/c.ts': ['sr/d.ts'] })).toEqual(['sr', 'seg', 'sr']);
    expect(ringOf({ 'sr/x/a.ts': ['sr/y/b.ts'], 'sr/y/c.ts': ['sr/x/d.ts'] })).toEqual([
      'sr/x',
      'sr/y',
      'sr/x',
    ]);
    expect(ringOf({ 'sr/a.ts': ['sr/y/b.ts'], 'sr/y/c.ts': ['sr/a.ts'] })).toEqual([
      'sr/a.ts',
      'sr/y',
      'sr/a.ts',
    ]);
  });

  it("for the product's words, in code and in comments", () => {
    expect(productWords("const MAKER = 'pansegnet-node';")).toHaveLength(1);
    expect(productWords('/** Of T1W series. */\nconst pancreas = 1;\n// nothing')).toHaveLength(2);
    expect(productWords('const weighting = 1;')).toEqual([]);
  });
});

describe('the gate of the lines goes red', () => {
  const long = 'a'.repeat(111);

  it('for a comment or a text of more columns, and names its line', () => {
    expect(longLines('dicom/a.ts', `ok\n// ${long}`)).toEqual(['dicom/a.ts:2 has 114 columns']);
    expect(longLines('http/pages/a.ts', `const a = '${long}';`)).toHaveLength(1);
  });

  it('but not for markup of pages, where a break would change the page', () => {
    expect(longLines('http/pages/a.ts', `<td class="number">${long}</td>`)).toEqual([]);
    expect(longLines('http/api/a.ts', `<td class="number">${long}</td>`)).toHaveLength(1);
  });
});

describe('the tests', () => {
  const files = readdirSync(TEST, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  );

  it('stand in folders named after the rooms', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map(roomOf));
    expect([...folders].filter((folder) => !(folder in ROOMS) && !TEST_FOLDERS.includes(folder))).toEqual([]);
  });

  it('have no name twice', () => {
    const names = files.map((file) => path.basename(file).replace(/(?:\.slow)?\.test\.ts$/, ''));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});
