import openjph from '@cornerstonejs/codec-openjph/wasmjs';

export interface Htj2kImage {
  readonly rows: number;
  readonly columns: number;
  readonly bits: number;
  readonly signed: boolean;
}

/**
 * One HTJ2K codestream (ITU-T T.814): lossless, or lossy with a quantization step as a share of the whole
 * range.
 */
export async function encodeHtj2k(
  values: readonly number[] | Int16Array,
  { rows, columns, bits, signed }: Htj2kImage,
  quantizationStep?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { HTJ2KEncoder } = await openjph({ print: ignore, printErr: ignore });
  if (!HTJ2KEncoder) throw new Error('the codec has no encoder');
  const encoder = new HTJ2KEncoder();
  try {
    const samples = bits <= 8 ? Uint8Array.from(values) : new Uint8Array(Int16Array.from(values).buffer);
    encoder
      .getDecodedBuffer({
        width: columns,
        height: rows,
        bitsPerSample: bits,
        componentCount: 1,
        isSigned: signed,
        isUsingColorTransform: false,
      })
      .set(samples);
    encoder.setQuality(quantizationStep === undefined, quantizationStep ?? 0);
    encoder.encode();
    return Uint8Array.from(encoder.getEncodedBuffer());
  } finally {
    encoder.delete();
  }
}

function ignore(): void {}
