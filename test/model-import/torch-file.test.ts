import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/model-import/torch/open-checkpoint.ts';
import { SegmentationError } from '../../src/segmentation/segmentation-error.ts';
import { dict, global, int, list, orderedDict, raw, reduce, text } from '../support/pickle-writer.ts';
import { describeWith, shared } from '../support/requires.ts';
import {
  storageOf,
  type TensorParts,
  tensor,
  writeTorchLegacy,
  writeTorchZip,
} from '../support/torch-writer.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'checkpoint-'));
  file = path.join(folder, 'model_final_checkpoint.model');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const VALUES = Float32Array.from({ length: 24 }, (_, index) => index - 2.5);
const SIX: TensorParts = { key: '0', length: 6, shape: [2, 3] };
const ALL: TensorParts = { key: '0', length: 24, shape: [2, 3, 4] };

const checkpoint = (...tensors: readonly TensorParts[]): Buffer =>
  dict({
    epoch: int(3),
    state_dict: orderedDict(Object.fromEntries(tensors.map((parts, index) => [`w${index}`, tensor(parts)]))),
  });

/** Values of w0. */
async function read(): Promise<number[]> {
  const weights = await openCheckpoint(file);
  try {
    return Array.from(await weights.read('w0'));
  } finally {
    await weights.close();
  }
}

/** Hash over names, shapes and values of all parameters. */
async function fingerprint(checkpointFile: string): Promise<string> {
  const weights = await openCheckpoint(checkpointFile);
  const hash = createHash('sha256');
  for (const [name, shape] of weights.shapes) {
    const values = await weights.read(name);
    hash.update(`${name} ${shape.join('x')}`).update(new Uint8Array(values.buffer));
  }
  await weights.close();
  return hash.digest('hex');
}

describeWith(['shared'], 'the reference checkpoints', () => {
  const model = (name: string) =>
    shared(
      'reference/models',
      name,
      'nnTransUNetTrainerV2__nnUNetPlansv2.1/fold_0/model_final_checkpoint.model',
    );

  test.each(['archive_root', 'dataparallel_prefix', 'legacy_nonzip'])(
    'have identical weights in another form: %s',
    async (variant) => {
      const expected = await fingerprint(model('Task111_PancreasT2'));
      expect(await fingerprint(model(`variants/${variant}`))).toBe(expected);
      expect(await fingerprint(model('Task109_Pancreas'))).not.toBe(expected);
    },
  );
});

describe('a checkpoint', () => {
  test.each([
    ['stored', {}],
    ['deflated', { compress: true }],
    ['in the zip64 form', { forceZip64Format: true }],
    ['below another folder', { root: 'model_final_checkpoint' }],
  ])('is read from a zip, %s', async (_, options) => {
    await writeTorchZip(file, checkpoint(ALL), { 0: storageOf(VALUES) }, options);
    expect(await read()).toEqual(Array.from(VALUES));
  });

  test('is read from the legacy form', async () => {
    await writeTorchLegacy(file, checkpoint(ALL, { key: '1', length: 2, shape: [2] }), {
      1: storageOf(Float32Array.of(7, 8)),
      0: storageOf(VALUES),
    });
    expect(await read()).toEqual(Array.from(VALUES));
  });

  test.each<[string, Partial<TensorParts>, number[]]>([
    ['transposed', { shape: [3, 2], strides: [1, 3] }, [0, 3, 1, 4, 2, 5]],
    ['with an offset', { shape: [2, 2], offset: 7 }, [7, 8, 9, 10]],
    ['every other value', { shape: [3], strides: [2], offset: 1 }, [1, 3, 5]],
    ['with overlapping rows', { shape: [2, 3], strides: [1, 1] }, [0, 1, 2, 1, 2, 3]],
    ['a single number', { shape: [] }, [0]],
    ['nothing', { shape: [0, 3] }, []],
    ['with any stride along an axis of length 1', { shape: [2, 1, 2], strides: [2, 999, 1] }, [0, 1, 2, 3]],
  ])('gives a view of a storage in C order: %s', async (_, parts, indices) => {
    await writeTorchZip(file, checkpoint({ ...ALL, ...parts }), { 0: storageOf(VALUES) });
    expect(await read()).toEqual(indices.map((index) => VALUES[index]));
  });

  test.each<[string, ArrayBufferView<ArrayBuffer>, number[]]>([
    ['DoubleStorage', Float64Array.of(1.5, -1e-300, 1e300), [1.5, -0, Number.POSITIVE_INFINITY]],
    [
      'HalfStorage',
      Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00),
      [1, -2, 2 ** -24, 65504, -Infinity],
    ],
    ['BFloat16Storage', Uint16Array.of(0x3f80, 0xc2f7, 0x0080), [1, -123.5, 2 ** -126]],
    ['LongStorage', BigInt64Array.of(-3n, 2n ** 40n), [-3, 2 ** 40]],
    ['IntStorage', Int32Array.of(-3, 70_000), [-3, 70_000]],
    ['ShortStorage', Int16Array.of(-3, 700), [-3, 700]],
    ['CharStorage', Int8Array.of(-3, 100), [-3, 100]],
    ['ByteStorage', Uint8Array.of(3, 200), [3, 200]],
    ['BoolStorage', Uint8Array.of(0, 1), [0, 1]],
  ])('gives single precision of a %s', async (type, values, expected) => {
    const length = expected.length;
    await writeTorchZip(file, checkpoint({ key: '0', length, shape: [length], type }), {
      0: storageOf(values),
    });
    expect(await read()).toEqual(expected);
  });

  test("gives shapes and the epoch without reading values, and names without DataParallel's prefix", async () => {
    const state = orderedDict({ 'module.a': tensor(SIX), 'module.b': tensor({ ...SIX, shape: [6] }) });
    await writeTorchZip(file, dict({ epoch: int(3), state_dict: state }), {
      0: storageOf(VALUES.slice(0, 6)),
    });
    const weights = await openCheckpoint(file);
    expect([...weights.shapes]).toEqual([
      ['a', [2, 3]],
      ['b', [6]],
    ]);
    expect(weights.epoch).toBe(3);
    await expect(weights.read('c')).rejects.toMatchObject({ code: 'CHECKPOINT_ARCHITECTURE' });
    await weights.close();
  });
});

describe('a hostile checkpoint is refused, and nothing of it is executed', () => {
  test.each([
    ['a zip', writeTorchZip],
    ['the legacy form', writeTorchLegacy],
  ])('os.system in %s', async (_, write) => {
    const trace = path.join(folder, 'executed');
    const attack = reduce(global('os', 'system'), text(`touch ${trace}`));
    await write(file, dict({ state_dict: attack }), {});
    await expect(openCheckpoint(file)).rejects.toMatchObject({
      code: 'CHECKPOINT_REFUSED',
      message: expect.stringContaining("'os.system'"),
    });
    expect(existsSync(trace)).toBe(false);
  });

  test.each<[string, Partial<TensorParts>, string]>([
    [
      'claims 8 GB that are not there',
      { length: 2 ** 31 },
      'claims 2147483648 values of torch.FloatStorage (8589934592 bytes)',
    ],
    ['claims more than any file can hold', { length: 2 ** 52 }, 'claims 4503599627370496 values'],
    ['claims fewer values than are there', { length: 5, shape: [5] }, 'has 24 bytes'],
    ['reaches beyond its storage', { shape: [2, 4] }, 'shape [2, 4] reaches to value 7'],
    ['reaches beyond its storage by its offset', { offset: 1 }, 'reaches to value 6'],
    ['reaches beyond its storage by its strides', { strides: [4, 1] }, 'reaches to value 6'],
    [
      'is expanded from one value to billions',
      { shape: [2 ** 20, 2 ** 20], strides: [0, 0] },
      'reaches to value',
    ],
    ['has a negative offset', { offset: -1 }, 'offset is the number -1'],
    ['has a negative stride', { strides: [-3, 1] }, 'strides'],
    ['has a negative length', { length: -6 }, 'the number -6 as its length'],
    ['has a negative shape', { shape: [-2, -3], strides: [3, 1] }, 'shape'],
    ['has fewer strides than axes', { strides: [1] }, 'strides'],
    ['has a hundred axes', { shape: Array.from({ length: 100 }, () => 1) }, 'shape'],
    [
      'lies in an entry that is not there',
      { key: '../../etc/passwd' },
      "no entry 'archive/data/../../etc/passwd'",
    ],
  ])('a tensor that %s', async (_, parts, words) => {
    await writeTorchZip(file, checkpoint({ ...SIX, ...parts }), { 0: storageOf(VALUES.slice(0, 6)) });
    const error = await openCheckpoint(file).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(SegmentationError);
    expect(String(error)).toContain(words);
    expect(String(error)).toContain(file);
  });

  test('a legacy storage of 8 GB that is not there, or of another length than announced', async () => {
    await writeTorchLegacy(file, checkpoint({ ...SIX, length: 2 ** 31 }), { 0: storageOf(VALUES) });
    await expect(openCheckpoint(file)).rejects.toMatchObject({
      code: 'CHECKPOINT_UNREADABLE',
      message: expect.stringContaining('(8589934592 bytes)'),
    });
    await writeTorchLegacy(file, checkpoint(SIX), { 0: storageOf(VALUES) });
    await expect(openCheckpoint(file)).rejects.toThrow('24 values are announced');
    await writeTorchLegacy(file, checkpoint(SIX), { 5: storageOf(VALUES) });
    await expect(openCheckpoint(file)).rejects.toThrow("'5', which no tensor uses");
    await writeTorchLegacy(file, checkpoint(SIX), {});
    await expect(openCheckpoint(file)).rejects.toThrow('not in the list of storages');
  });

  test('a storage that is described in two ways', async () => {
    await writeTorchZip(file, checkpoint(SIX, { ...SIX, type: 'IntStorage' }), {
      0: storageOf(VALUES.slice(0, 6)),
    });
    await expect(openCheckpoint(file)).rejects.toThrow('described in two ways');
  });

  test('a zip bomb', async () => {
    const zeros = new Float32Array(4 * 2 ** 20);
    await writeTorchZip(
      file,
      checkpoint({ key: '0', length: zeros.length, shape: [zeros.length] }),
      { 0: storageOf(zeros) },
      { compress: true },
    );
    await expect(openCheckpoint(file)).rejects.toMatchObject({
      code: 'CHECKPOINT_UNREADABLE',
      message: expect.stringContaining('a zip bomb'),
    });
  });

  test('an entry that claims more than the file has, or the object more than any object takes', async () => {
    await writeTorchZip(file, checkpoint(SIX), { 0: storageOf(VALUES.slice(0, 6)) });
    await expect(withSizes(24, 0xfffffff0)).rejects.toThrow(/claims 4294967280 bytes in a file of \d+/);
    const size = 17 * 2 ** 20;
    await writeTorchZip(file, list(text('x'.repeat(size))), {});
    await expect(openCheckpoint(file)).rejects.toThrow(
      /data\.pkl' claims \d+ bytes; expected at most 16777216/,
    );
  });

  test('an entry that is damaged', async () => {
    await writeTorchZip(file, checkpoint(ALL), { 0: storageOf(VALUES) });
    const bytes = await readFile(file);
    const at = bytes.indexOf(Buffer.from(VALUES.buffer));
    expect(at).toBeGreaterThan(0);
    bytes.writeUInt8(bytes.readUInt8(at + 3) ^ 1, at + 3);
    await writeFile(file, bytes);
    await expect(read()).rejects.toMatchObject({
      code: 'CHECKPOINT_UNREADABLE',
      message: expect.stringMatching(/entry 'archive\/data\/0' has CRC .* the file is damaged/),
    });
  });

  test('the same entry twice', async () => {
    await writeTorchZip(file, checkpoint(SIX), { 0: storageOf(VALUES.slice(0, 6)), 9: storageOf(VALUES) });
    await replaceText('archive/data/9', 'archive/data/0');
    await expect(openCheckpoint(file)).rejects.toThrow("entry 'archive/data/0' is there twice");
  });

  test.each(['../../data/9x', '/absolute/path'])('an entry of the name %s', async (name) => {
    await writeTorchZip(file, checkpoint(SIX), { 0: storageOf(VALUES.slice(0, 6)) });
    await replaceText('archive/data/0', name.padEnd(14, 'x'));
    await expect(openCheckpoint(file)).rejects.toMatchObject({ code: 'CHECKPOINT_UNREADABLE' });
  });

  async function replaceText(from: string, to: string): Promise<void> {
    const content = (await readFile(file)).toString('latin1');
    expect(content).toContain(from);
    await writeFile(file, content.replaceAll(from, to), 'latin1');
  }

  const DIRECTORY_ENTRY = 0x02014b50;

  /** Changes both sizes in the central directory of the entry that has `size`. */
  async function withSizes(size: number, claimed: number): Promise<unknown> {
    const bytes = await readFile(file);
    for (let at = 0; at < bytes.length - 46; at++) {
      if (bytes.readUInt32LE(at) !== DIRECTORY_ENTRY || bytes.readUInt32LE(at + 24) !== size) continue;
      bytes.writeUInt32LE(claimed, at + 20);
      bytes.writeUInt32LE(claimed, at + 24);
    }
    await writeFile(file, bytes);
    return openCheckpoint(file);
  }
});

describe('what is no checkpoint', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['an empty file', '', 'an empty file'],
    ['a web page', '<!DOCTYPE html><html>sign in</html>', 'a web page'],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', 'Git LFS'],
    [
      'a tar archive',
      Buffer.concat([Buffer.alloc(257), Buffer.from('ustar'), Buffer.alloc(300)]),
      'tar archive',
    ],
    ['anything else', 'hello', 'bytes 68656c6c6f'],
  ])('is said to be %s', async (_, content, words) => {
    await writeFile(file, content);
    await expect(openCheckpoint(file)).rejects.toMatchObject({
      code: 'CHECKPOINT_UNREADABLE',
      message: expect.stringContaining(words),
    });
  });

  test.each<[string, Buffer, string]>([
    ['a state dict alone', orderedDict({ w0: tensor(SIX) }), "a dict with 'w0'"],
    ['a checkpoint of nnU-Net v2', dict({ network_weights: dict({ w0: tensor(SIX) }) }), 'nnU-Net v2'],
    ['a list', list(), 'a list or tuple of 0'],
    ['a state dict with other things', dict({ state_dict: dict({ w0: int(1) }) }), "the number 1 as 'w0'"],
    ['a state dict by numbers', dict({ state_dict: raw('}', int(1), tensor(SIX), 's') }), 'by the number 1'],
    [
      'a parameter twice',
      dict({ state_dict: dict({ a: tensor(SIX), 'module.a': tensor(SIX) }) }),
      "'a' with and without",
    ],
  ])('says what was found: %s', async (_, object, words) => {
    await writeTorchZip(file, object, { 0: storageOf(VALUES.slice(0, 6)) });
    await expect(openCheckpoint(file)).rejects.toThrow(words);
  });

  test('a file that is cut anywhere', async () => {
    for (const write of [writeTorchZip, writeTorchLegacy]) {
      await write(file, checkpoint(ALL), { 0: storageOf(VALUES) });
      const { length } = await readFile(file);
      for (const share of [0.99, 0.7, 0.4, 0.1]) {
        await truncate(file, Math.floor(length * share));
        await expect(openCheckpoint(file)).rejects.toMatchObject({
          code: 'CHECKPOINT_UNREADABLE',
          message: expect.stringMatching(/truncated/),
        });
      }
    }
  });
});

describe('any change to a checkpoint', () => {
  test.each([
    ['zip', writeTorchZip],
    ['legacy file', writeTorchLegacy],
  ])('of a %s gives weights or a SegmentationError, never anything else', async (_, write) => {
    await write(file, checkpoint(ALL, { ...ALL, shape: [4, 6], strides: [1, 4] }), { 0: storageOf(VALUES) });
    const original = await readFile(file);
    const change = fc.record({
      at: fc.nat(original.length - 1),
      put: fc.uint8Array({ minLength: 1, maxLength: 9 }),
      cut: fc.nat(3),
    });
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const changed = changes.reduce(
          (bytes, { at, put, cut }) =>
            Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + put.length - cut)]),
          original,
        );
        await writeFile(file, changed);
        try {
          const weights = await openCheckpoint(file);
          try {
            for (const name of weights.shapes.keys()) await weights.read(name);
          } finally {
            await weights.close();
          }
        } catch (error) {
          refusals++;
          if (!(error instanceof SegmentationError)) throw error;
        }
      }),
      { numRuns: 400, seed: 1 },
    );
    expect(refusals).toBeGreaterThan(50);
  });
});
