import charls from '@cornerstonejs/codec-charls/decodewasmjs';
import libjpegTurbo from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
import openjpeg from '@cornerstonejs/codec-openjpeg/decodewasmjs';
import { Decoder as JpegLosslessDecoder } from 'jpeg-lossless-decoder-js';
import type { CodestreamHeader } from './codestream.ts';
import { TRANSFER_SYNTAX } from './transfer-syntaxes.ts';

/**
 * Decodes one frame to its samples: bytes where the codestream has up to 8 bits, little endian words above.
 * Throws an Error with the codec's reason.
 */
export type FrameDecoder = (frame: Uint8Array, header: CodestreamHeader) => Uint8Array | Promise<Uint8Array>;

// The WebAssembly builds are 10 to 50 times as fast as the plain JavaScript that @cornerstonejs/dicom-codec takes.
const decodeJpegLs = cornerstoneDecoder(charls, (codec) => codec.JpegLSDecoder);
const decodeJpeg2000 = cornerstoneDecoder(openjpeg, (codec) => codec.J2KDecoder);
const decodeJpegBaseline = cornerstoneDecoder(libjpegTurbo, (codec) => codec.JPEGDecoder);

/** The decoder of each compressed transfer syntax; RLE, which is no codestream, has its own. */
export const FRAME_DECODERS: ReadonlyMap<string, FrameDecoder> = new Map([
  [TRANSFER_SYNTAX.jpegBaseline, decodeJpegBaseline],
  [TRANSFER_SYNTAX.jpegLossless, decodeJpegLossless],
  [TRANSFER_SYNTAX.jpegLosslessSv1, decodeJpegLossless],
  [TRANSFER_SYNTAX.jpegLsLossless, decodeJpegLs],
  [TRANSFER_SYNTAX.jpegLsNearLossless, decodeJpegLs],
  [TRANSFER_SYNTAX.jpeg2000Lossless, decodeJpeg2000],
  [TRANSFER_SYNTAX.jpeg2000, decodeJpeg2000],
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

/** The package's predictor 7 keeps the half of odd sums, which comes out wrong where 16-bit values wrap around. */
class ExactJpegLosslessDecoder extends JpegLosslessDecoder {
  override select7(component?: number): number {
    return (this.getPreviousX(component) + this.getPreviousY(component)) >> 1;
  }
}

/**
 * jpeg-lossless-decoder-js takes the end marker into its bit buffer and then loses the last pixels before it.
 * Zeros in between keep the marker away. What else it gets wrong (restart intervals, point transform) is refused.
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
