import charls from '@cornerstonejs/codec-charls/decodewasmjs';
import libjpegTurbo from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
import openjpeg from '@cornerstonejs/codec-openjpeg/decodewasmjs';
import openjph from '@cornerstonejs/codec-openjph/wasmjs';
import { Decoder as JpegLosslessDecoder } from 'jpeg-lossless-decoder-js';
import { TRANSFER_SYNTAX } from '../reading/transfer-syntaxes.ts';
import type { CodestreamHeader } from './codestream.ts';

/**
 * Decodes one frame to its samples: bytes where the codestream has up to 8 bits, little endian words above.
 * Throws an Error with the codec's reason.
 */
export type FrameDecoder = (frame: Uint8Array, header: CodestreamHeader) => Uint8Array | Promise<Uint8Array>;

// The WebAssembly builds are 10 to 50 times as fast as the plain JavaScript that @cornerstonejs/dicom-codec
// takes.
const decodeJpegLs = cornerstoneDecoder(charls, (codec) => codec.JpegLSDecoder);
const decodeJpeg2000 = cornerstoneDecoder(openjpeg, (codec) => codec.J2KDecoder);
const decodeHtj2k = cornerstoneDecoder(openjph, (codec) => codec.HTJ2KDecoder);
const decodeJpeg8 = cornerstoneDecoder(libjpegTurbo, (codec) => codec.JPEGDecoder);

/** The decoder of each compressed transfer syntax; RLE, which is no codestream, has its own. */
export const FRAME_DECODERS: ReadonlyMap<string, FrameDecoder> = new Map([
  [TRANSFER_SYNTAX.jpegBaseline, decodeLossyJpeg],
  [TRANSFER_SYNTAX.jpegExtended, decodeLossyJpeg],
  [TRANSFER_SYNTAX.jpegSpectralSelection, decodeLossyJpeg],
  [TRANSFER_SYNTAX.jpegFullProgression, decodeLossyJpeg],
  [TRANSFER_SYNTAX.jpegLossless, decodeJpegLossless],
  [TRANSFER_SYNTAX.jpegLosslessSv1, decodeJpegLossless],
  [TRANSFER_SYNTAX.jpegLsLossless, decodeJpegLs],
  [TRANSFER_SYNTAX.jpegLsNearLossless, decodeJpegLs],
  [TRANSFER_SYNTAX.jpeg2000Lossless, decodeJpeg2000],
  [TRANSFER_SYNTAX.jpeg2000, decodeJpeg2000],
  [TRANSFER_SYNTAX.htj2kLossless, decodeHtj2k],
  [TRANSFER_SYNTAX.htj2kLosslessRpcl, decodeHtj2k],
  [TRANSFER_SYNTAX.htj2k, decodeHtj2k],
]);

/** OpenJPEG prints its progress for every frame. */
function ignore(): void {}

function cornerstoneDecoder(
  factory: CornerstoneFactory,
  decoderOf: (codec: CornerstoneCodec) => (new () => CornerstoneDecoder) | undefined,
): FrameDecoder {
  let loaded: Promise<CornerstoneCodec> | undefined;
  return async (frame) => {
    loaded ??= factory({ print: ignore, printErr: ignore });
    const codec = await loaded;
    const Decoder = decoderOf(codec);
    if (!Decoder) throw new Error('the codec was not loaded');
    // From here to the copy nothing may wait: the codec's memory is shared by all frames.
    const decoder = new Decoder();
    try {
      decoder.getEncodedBuffer(frame.length).set(frame);
      decoder.decode();
      return Uint8Array.from(decoder.getDecodedBuffer());
    } catch (cause) {
      // C++ exceptions arrive as a pointer, or with a name of their own kind.
      const message = typeof cause === 'number' ? codec.getExceptionMessage?.(cause) : undefined;
      const reason = message ?? (cause instanceof Error ? cause.message : 'the codec gives no reason');
      throw new Error(reason, { cause });
    } finally {
      decoder.delete();
    }
  };
}

/** libjpeg-turbo's build knows 8 bits alone; the IJG library in dcmjs-codecs knows 12 as well. */
async function decodeLossyJpeg(frame: Uint8Array, header: CodestreamHeader): Promise<Uint8Array> {
  return header.precision <= 8 ? decodeJpeg8(frame, header) : decodeJpeg12(frame, header);
}

type NativeCodecs = typeof import('dcmjs-codecs');
let nativeCodecs: Promise<NativeCodecs> | undefined;

/** Loaded when first needed: few images want it, and it weighs four megabytes. */
async function loadNativeCodecs(): Promise<NativeCodecs> {
  const { default: codecs } = await import('dcmjs-codecs');
  await codecs.NativeCodecs.initializeAsync();
  return codecs;
}

/** Another frame may have failed, and released the library, while this one waited for it. */
async function initializedCodecs(): Promise<NativeCodecs> {
  for (;;) {
    nativeCodecs ??= loadNativeCodecs();
    const codecs = await nativeCodecs;
    if (codecs.NativeCodecs.isInitialized()) return codecs;
  }
}

async function decodeJpeg12(frame: Uint8Array, header: CodestreamHeader): Promise<Uint8Array> {
  if (header.precision !== 12) throw new Error(`lossy JPEG of ${header.precision} bits is not read`);
  const { Context, NativeCodecs } = await initializedCodecs();
  const context = new Context({
    width: header.columns,
    height: header.rows,
    bitsAllocated: 16,
    bitsStored: header.precision,
    samplesPerPixel: 1,
    pixelRepresentation: 0,
    planarConfiguration: 0,
    photometricInterpretation: 'MONOCHROME2',
    encodedBuffer: frame,
  });
  try {
    const decoded = NativeCodecs.decodeJpeg(context).getDecodedBuffer();
    return Uint8Array.from(decoded ?? []);
  } catch (cause) {
    // After an error the library's memory may be in any state: the next frame gets a new one.
    NativeCodecs.release();
    nativeCodecs = undefined;
    throw cause;
  }
}

/**
 * The package's predictor 7 keeps the half of odd sums, which comes out wrong where 16-bit values wrap
 * around.
 */
class ExactJpegLosslessDecoder extends JpegLosslessDecoder {
  override select7(component?: number): number {
    return (this.getPreviousX(component) + this.getPreviousY(component)) >> 1;
  }
}

/**
 * jpeg-lossless-decoder-js takes the end marker into its bit buffer and then loses the last pixels before it.
 * Zeros in between keep the marker away. What else it gets wrong (restart intervals, point transform) is
 * refused.
 */
function decodeJpegLossless(frame: Uint8Array, header: CodestreamHeader): Uint8Array {
  if (header.restartInterval !== 0) throw new Error('lossless JPEG with restart intervals is not read');
  if (header.pointTransform !== 0) throw new Error('lossless JPEG with a point transform is not read');
  const LOOK_AHEAD_BYTES = 16;
  const end = frame.lastIndexOf(0xd9) - 1;
  const padded = new Uint8Array(end + LOOK_AHEAD_BYTES + 2);
  padded.set(frame.subarray(0, end));
  padded.set([0xff, 0xd9], end + LOOK_AHEAD_BYTES);
  const bytesPerSample = header.precision <= 8 ? 1 : 2;
  const decoded = new ExactJpegLosslessDecoder().decode(padded.buffer, 0, padded.length, bytesPerSample);
  return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength);
}
