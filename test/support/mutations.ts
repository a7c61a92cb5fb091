import { deflateRawSync } from 'node:zlib';
import { Random } from '../../src/demo/phantom/random.ts';
import { explicit, implicit, joined } from './raw-elements.ts';

/** Whole numbers from 0 up to, but not including, a bound: always the same ones for the same seed. */
export type WholeRandom = (bound: number) => number;

export function seeded(seed: number): WholeRandom {
  const random = new Random(seed);
  return (bound) => Math.floor(random.uniform(0, bound));
}

type Mutation = (file: Uint8Array<ArrayBuffer>, random: WholeRandom) => Uint8Array<ArrayBuffer>;

/** Behind the preamble and "DICM": what comes before is not read. */
const META = 132;
/** Headers lie in the first kilobytes, and there is most to break. */
const HEADER_BYTES = 4096;

const ABSURD_LENGTHS = [0xffff_ffff, 0xffff_fffe, 0x8000_0000, 0x7fff_ffff, 0x00ff_ffff, 0xffff, 1];
/** Rows, Columns, NumberOfFrames, bits, samples, and what moves geometry. */
const SIZES = [
  [0x00280010, 'US'],
  [0x00280011, 'US'],
  [0x00280100, 'US'],
  [0x00280101, 'US'],
  [0x00280102, 'US'],
  [0x00280103, 'US'],
  [0x00280002, 'US'],
  [0x00280008, 'IS'],
  [0x00280030, 'DS'],
  [0x00200032, 'DS'],
  [0x00200037, 'DS'],
  [0x00281053, 'DS'],
] as const;
const WORDS = [0, 1, 7, 8, 12, 16, 17, 32, 255, 4096, 0x7fff, 0xffff];
const TEXTS = ['', '0', '-1', '1e308', '2147483647', 'NaN', '1\\1', '0.000001\\1e9', '1\\2\\3\\4\\5\\6', 'x'];

const place = (file: Uint8Array, random: WholeRandom) => {
  const end = random(3) > 0 ? Math.min(file.length, META + HEADER_BYTES) : file.length;
  return META + random(Math.max(1, end - META));
};

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'bits flipped': (file, random) => {
    const mutant = file.slice();
    for (let i = 0; i <= random(12); i += 1) {
      const at = place(file, random);
      mutant[at] = (mutant[at] ?? 0) ^ (1 << random(8));
    }
    return mutant;
  },
  'bytes replaced': (file, random) => {
    const mutant = file.slice();
    const at = place(file, random);
    for (let i = 0; i <= random(64); i += 1) mutant[at + i] = random(256);
    return mutant.slice(0, file.length);
  },
  'cut off': (file, random) => file.slice(0, place(file, random)),
  'a piece taken out': (file, random) => {
    const at = place(file, random);
    return joined(file.subarray(0, at), file.subarray(at + 1 + random(200)));
  },
  'a piece repeated': (file, random) => {
    const at = place(file, random);
    const piece = file.subarray(at, at + 1 + random(2000));
    return joined(file.subarray(0, at), ...Array<Uint8Array>(1 + random(5)).fill(piece), file.subarray(at));
  },
  'an absurd length': (file, random) => {
    const mutant = file.slice();
    const value = ABSURD_LENGTHS[random(ABSURD_LENGTHS.length)] ?? 0;
    const at = Math.min(place(file, random) & ~1, file.length - 4);
    if (at >= META) new DataView(mutant.buffer).setUint32(at, value, true);
    return mutant;
  },
  'an absurd size': (file, random) => {
    const [tag, vr] = SIZES[random(SIZES.length)] ?? SIZES[0];
    const word = WORDS[random(WORDS.length)] ?? 0;
    const value = vr === 'US' ? [word & 255, word >> 8] : (TEXTS[random(TEXTS.length)] ?? '');
    const at = file.findLastIndex(
      (_, i) => file[i] === 0xe0 && file[i + 1] === 0x7f && file[i + 2] === 0x10 && file[i + 3] === 0,
    );
    // Directly in front of the pixel data: the last of two values is the one that counts.
    return at < META ? file : joined(file.subarray(0, at), explicit(tag, vr, value), file.subarray(at));
  },
  'deep nesting': (file, random) => {
    const depth = 1 + random(5000);
    const open = joined(explicit(0x00289110, 'SQ', '', 0xffff_ffff), implicit(0xfffee000, '', 0xffff_ffff));
    const close = joined(implicit(0xfffee00d), implicit(0xfffee0dd));
    const at = Math.min(file.length, META + random(400));
    const closed = random(2) === 0 ? [] : Array<Uint8Array>(depth).fill(close);
    return joined(file.subarray(0, at), ...Array<Uint8Array>(depth).fill(open), ...closed, file.subarray(at));
  },
  'a deflate bomb': (file, random) => {
    const meta = Math.min(file.length, META + 200);
    const bomb = deflateRawSync(Buffer.alloc((1 + random(200)) * 1024 * 1024, random(2) * 0x20));
    const deflated = explicit(0x00020010, 'UI', '1.2.840.10008.1.2.1.99');
    return joined(file.subarray(0, META), deflated, random(4) === 0 ? file.subarray(meta) : bomb);
  },
  'several at once': (file, random) => {
    const all = Object.values(MUTATIONS);
    let mutant = file;
    for (let i = 0; i < 3; i += 1) mutant = (all[random(6)] ?? all[0])?.(mutant, random) ?? mutant;
    return mutant;
  },
};

/** Bombs take a while to make: one in so many is enough. */
const BOMBS_IN = 8;

/** A mutant of a file, and what was done to it. */
export function mutate(file: Uint8Array, random: WholeRandom): { bytes: Uint8Array; how: string } {
  const kinds = Object.keys(MUTATIONS).filter((how) => how !== 'a deflate bomb' || random(BOMBS_IN) === 0);
  const how = kinds[random(kinds.length)] ?? 'cut off';
  return { bytes: MUTATIONS[how]?.(Uint8Array.from(file), random) ?? file, how };
}
