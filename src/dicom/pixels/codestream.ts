import { codestreamEnd } from './codestream-end.ts';

/** What the header of a JPEG, JPEG-LS or JPEG 2000 codestream says about the image. */
export interface CodestreamHeader {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** Bits per sample. */
  readonly precision: number;
  /** JPEG 2000 and HTJ2K: whether samples have a sign. */
  readonly signed: boolean;
  /** JPEG: samples between restart markers; 0 where there are none. */
  readonly restartInterval: number;
  /** JPEG: low bits that the encoder dropped (Al of the scan header). */
  readonly pointTransform: number;
  /** JPEG 2000 and HTJ2K: the wavelet is the lossy one, whatever the data set says. */
  readonly irreversible: boolean;
  /** Bytes up to and with the end marker; what follows is padding. */
  readonly end: number;
}

type WithoutEnd = Omit<CodestreamHeader, 'end'>;

const JPEG_START = 0xffd8;
const J2K_START = 0xff4f;
const J2K_SIZE = 0xff51;
const J2K_CODING_STYLE = 0xff52;
const J2K_START_OF_TILE = 0xff90;
const DEFINE_RESTART_INTERVAL = 0xffdd;
const START_OF_SCAN = 0xffda;
/** SOF0 to SOF15 without DHT, JPG and DAC, which share the range; SOF55 is JPEG-LS. */
const isStartOfFrame = (marker: number) =>
  (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) || marker === 0xfff7;

/**
 * Reads the header (ITU-T T.81 B.2, T.87 C.2, T.800 A.5.1). Decoders trust it, and some of them draw half an
 * image without a word: so the caller compares it with the data set, and a codestream without its end marker
 * is refused. Throws an Error with the reason.
 */
export function readCodestreamHeader(frame: Uint8Array): CodestreamHeader {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  try {
    const start = view.getUint16(0);
    if (start !== JPEG_START && start !== J2K_START) throw new Error('it begins with no JPEG marker');
    const header = start === J2K_START ? readJpeg2000(view) : readJpeg(view);
    const end = codestreamEnd(frame);
    if (end === undefined) throw new Error('its end marker is missing: it is cut off');
    return { ...header, end };
  } catch (cause) {
    if (cause instanceof RangeError) throw new Error('its header is not complete', { cause });
    throw cause;
  }
}

function readJpeg2000(view: DataView): WithoutEnd {
  if (view.getUint16(2) !== J2K_SIZE) throw new Error('the size segment of JPEG 2000 is missing');
  const TRANSFORMATION = 13; // byte of the coding style segment (T.800 A.6.1): 0 is the 9-7 wavelet
  let offset = 2;
  while (view.getUint16(offset) !== J2K_CODING_STYLE) {
    if (view.getUint16(offset) === J2K_START_OF_TILE) throw new Error('its coding style segment is missing');
    offset += 2 + view.getUint16(offset + 2);
  }
  return {
    columns: view.getUint32(8) - view.getUint32(16),
    rows: view.getUint32(12) - view.getUint32(20),
    components: view.getUint16(40),
    precision: (view.getUint8(42) & 0x7f) + 1, // the highest bit says signed
    signed: (view.getUint8(42) & 0x80) !== 0,
    restartInterval: 0,
    pointTransform: 0,
    irreversible: view.getUint8(offset + TRANSFORMATION) === 0,
  };
}

function readJpeg(view: DataView): WithoutEnd {
  let size: Pick<CodestreamHeader, 'rows' | 'columns' | 'components' | 'precision'> | undefined;
  let restartInterval = 0;
  let offset = 2;
  for (;;) {
    const marker = view.getUint16(offset);
    if (marker >> 8 !== 0xff) throw new Error('its header is corrupt');
    if (marker === 0xffff) {
      offset += 1; // fill byte
      continue;
    }
    const segment = offset + 4;
    if (isStartOfFrame(marker)) {
      size = {
        precision: view.getUint8(segment),
        rows: view.getUint16(segment + 1),
        columns: view.getUint16(segment + 3),
        components: view.getUint8(segment + 5),
      };
    }
    if (marker === DEFINE_RESTART_INTERVAL) restartInterval = view.getUint16(segment);
    if (marker === START_OF_SCAN) {
      if (!size) throw new Error('its frame header is missing');
      const approximation = segment + 1 + 2 * view.getUint8(segment) + 2;
      const pointTransform = view.getUint8(approximation) & 0x0f;
      return { ...size, restartInterval, pointTransform, signed: false, irreversible: false };
    }
    offset += 2 + view.getUint16(offset + 2);
  }
}

/** Whether a JPEG 2000 or HTJ2K codestream says that it is lossy. One that cannot be read says nothing. */
export function isLossyCodestream(frame: Uint8Array): boolean {
  try {
    return readCodestreamHeader(frame).irreversible;
  } catch {
    return false;
  }
}
