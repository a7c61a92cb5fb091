import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { DICOM_ERROR_CODES, DicomError } from '../../src/dicom/dicom-error.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { decodeFrame } from '../../src/dicom/pixels/pixels.ts';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { ENHANCED_CT, SHARED_MACROS } from './enhanced-image.ts';
import { encodeHtj2k } from './htj2k-encoder.ts';
import { encodeJpegLossless } from './jpeg-lossless-encoder.ts';
import { mutate, seeded } from './mutations.ts';
import { type Attributes, ctAttributes, part10, words } from './part10.ts';
import { explicit, joined } from './raw-elements.ts';
import { shared } from './requires.ts';

/** "No hang over 2 s": with one core busy elsewhere, a measured second may be half a one. */
export const LONGEST_MS = 2000;

/** Well-formed files to begin with: two neighbours of each make a series with it. */
export async function originals(): Promise<Uint8Array[][]> {
  const values = Array.from({ length: 480 }, (_, i) => (i * 37) % 4096);
  const size = { Rows: 20, Columns: 24, BitsStored: 12, HighBit: 11, PixelRepresentation: 0 };
  const htj2k = await encodeHtj2k(values, { rows: 20, columns: 24, bits: 12, signed: false });
  const jpeg = encodeJpegLossless({ rows: 20, columns: 24, precision: 12, samples: values }, 1);
  const even = (frame: Uint8Array) => [
    (frame.length % 2 === 0 ? frame.slice() : Uint8Array.from([...frame, 0])).buffer,
  ];
  const sequences = { ProcedureCodeSequence: [{ CodeValue: '1', CodeMeaning: 'one' }] };
  return [
    series(sequences),
    series(sequences, TRANSFER_SYNTAX.implicitLittleEndian),
    series({}, TRANSFER_SYNTAX.explicitBigEndian),
    series({ ...size, PixelData: even(htj2k) }, TRANSFER_SYNTAX.htj2kLossless),
    series({ ...size, PixelData: even(jpeg) }, TRANSFER_SYNTAX.jpegLosslessSv1),
    series({ SpecificCharacterSet: ['', 'ISO 2022 IR 87'], PatientName: 'Yamada=\u5c71' }),
    series({}).map(deflated),
    [part10(enhancedAttributes())],
    ...realFiles(),
  ];
}

function series(over: Attributes, syntax?: string): Uint8Array[] {
  return [0, 1, 2].map((z) =>
    part10(
      ctAttributes({
        SOPInstanceUID: `2.25.10${z}`,
        ImagePositionPatient: ['0', '0', String(z)],
        ...over,
      }),
      syntax,
    ),
  );
}

function deflated(file: Uint8Array): Uint8Array {
  const explicitSyntax = '1.2.840.10008.1.2.1';
  const meta = Buffer.from(file).indexOf(explicitSyntax) + explicitSyntax.length + 1;
  const syntax = explicit(0x00020010, 'UI', TRANSFER_SYNTAX.deflated);
  return joined(new Uint8Array(128), 'DICM', syntax, deflateRawSync(file.subarray(meta)));
}

function enhancedAttributes(): Attributes {
  return ctAttributes({
    SOPClassUID: ENHANCED_CT,
    NumberOfFrames: '3',
    SharedFunctionalGroupsSequence: [SHARED_MACROS],
    PerFrameFunctionalGroupsSequence: [0, 1, 2].map((z) => ({
      PlanePositionSequence: [{ ImagePositionPatient: ['0', '0', String(z)] }],
    })),
    PixelData: words(Array.from({ length: 36 }, (_, i) => i)),
  });
}

/** One CT slice in many transfer syntaxes; they are there where the shared data is. */
function realFiles(): Uint8Array[][] {
  const folder = shared('data/transfer-syntaxes');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => [readFileSync(path.join(folder, name))]);
}

export interface Treatment {
  /** What it was and what was done to it, for finding it again. */
  readonly mutant: string;
  readonly ms: number;
  /**
   * Of its first frame, and of the volume: `read`, a DicomError's code, or the words of an error that should
   * not be.
   */
  readonly outcomes: readonly [frame: string, volume: string];
}

/**
 * Reads a mutant, and builds the volume of the series that it stands in. The same number gives the same
 * mutant.
 */
export async function treatMutant(files: readonly Uint8Array[][], number: number): Promise<Treatment> {
  const random = seeded(number);
  const kind = random(files.length);
  const [file = new Uint8Array(), ...neighbours] = files[kind] ?? [];
  const { bytes, how } = mutate(file, random);
  const begin = performance.now();
  const outcomes = await outcomesOf(bytes, neighbours);
  return { mutant: `${number}: file ${kind}, ${how}`, ms: performance.now() - begin, outcomes };
}

async function outcomesOf(
  bytes: Uint8Array,
  neighbours: readonly Uint8Array[],
): Promise<Treatment['outcomes']> {
  return [
    await outcomeOf(async () => decodeFrame(readInstance(bytes, 'mutant'), 0)),
    await outcomeOf(async () =>
      buildVolume([bytes, ...neighbours].map((file, i) => readInstance(file, `file ${i}`))),
    ),
  ];
}

/** `read`, or the code of the DicomError. */
export function isRefusal(outcome: string): boolean {
  return outcome === 'read' || DICOM_ERROR_CODES.some((code) => code === outcome);
}

async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'read';
  } catch (error) {
    if (error instanceof DicomError) return error.code;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
