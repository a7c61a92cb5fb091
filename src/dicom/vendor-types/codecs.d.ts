/**
 * The decoders of the cornerstone family that the project uses; the packages bring no usable types.
 * Each module is an Emscripten factory around one C++ class.
 */
interface CornerstoneDecoder {
  /** Memory of the codec for the compressed frame. */
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  /** A view of the codec's memory: gone after `delete`. */
  getDecodedBuffer(): Uint8Array | Uint8ClampedArray;
  delete(): void;
}

/** Used by tests alone. */
interface CornerstoneEncoder {
  /** Memory of the codec for the samples: bytes, or little endian words. */
  getDecodedBuffer(frame: {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
    isUsingColorTransform: boolean;
  }): Uint8Array;
  setQuality(reversible: boolean, quantizationStep: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

interface CornerstoneCodec {
  JpegLSDecoder?: new () => CornerstoneDecoder;
  J2KDecoder?: new () => CornerstoneDecoder;
  JPEGDecoder?: new () => CornerstoneDecoder;
  HTJ2KDecoder?: new () => CornerstoneDecoder;
  HTJ2KEncoder?: new () => CornerstoneEncoder;
  getExceptionMessage?(pointer: number): string;
}

type CornerstoneFactory = (options: {
  print(line: string): void;
  printErr(line: string): void;
}) => Promise<CornerstoneCodec>;

declare module '@cornerstonejs/codec-charls/decodewasmjs' {
  const factory: CornerstoneFactory;
  export default factory;
}

declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  const factory: CornerstoneFactory;
  export default factory;
}

declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  const factory: CornerstoneFactory;
  export default factory;
}

declare module '@cornerstonejs/codec-openjph/wasmjs' {
  const factory: CornerstoneFactory;
  export default factory;
}

/** jpeg-lossless-decoder-js 2.1 names a file of types that it doesn't bring. */
declare module 'jpeg-lossless-decoder-js' {
  export class Decoder {
    /** The pixel to the left of the current one; `component` for colour. */
    getPreviousX(component?: number): number;
    /** The pixel above. */
    getPreviousY(component?: number): number;
    /** Predictor 7 of ITU-T T.81 table H.1. */
    select7(component?: number): number;
    decode(
      buffer: ArrayBufferLike,
      offset: number,
      length: number,
      bytesPerSample: number,
    ): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  }
}
