const MARKER = 0xff;
const JPEG_START = 0xd8;
const J2K_START = 0x4f;
const END = 0xd9; // EOI of JPEG and JPEG-LS, EOC of JPEG 2000
const START_OF_SCAN = 0xda;
const JPEG_LS_FRAME = 0xf7;
const J2K_START_OF_TILE = 0x90;
const J2K_START_OF_DATA = 0x93;
/** SOT: marker, length, index of the tile; then the bytes of the whole tile-part (T.800 A.4.2). */
const TILE_PART_LENGTH = 6;

/**
 * Offset behind the end marker of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K codestream; what follows is padding,
 * whatever its bytes are: archives fill fragments up with zeros, with FF, or with what lay in memory. Found
 * by walking along the segments, as the marker's two bytes may stand in a segment, and in padding, too.
 * @returns undefined where the codestream ends before its end marker, or is no codestream
 */
export function codestreamEnd(frame: Uint8Array): number | undefined {
  const [first, second] = frame;
  if (first !== MARKER) return undefined;
  if (second === JPEG_START) return endOfJpeg(frame);
  return second === J2K_START ? endOfJpeg2000(frame) : undefined;
}

const word = (frame: Uint8Array, offset: number): number =>
  ((frame[offset] ?? 0) << 8) | (frame[offset + 1] ?? 0);

/** T.81 B.1.1: segments with a length, and entropy-coded data behind each start of scan. */
function endOfJpeg(frame: Uint8Array): number | undefined {
  let firstMarker = 0; // of data: what stands behind FF and is no marker is a stuffed byte
  let offset = 2;
  while (offset + 1 < frame.length) {
    const code = frame[offset + 1] ?? 0;
    if (frame[offset] !== MARKER) return undefined;
    if (code === MARKER) {
      offset += 1; // fill byte
      continue;
    }
    if (code === END) return offset + 2;
    // T.87 A.1: JPEG-LS stuffs a single bit, so that any byte below 80 may follow FF in its data.
    if (code === JPEG_LS_FRAME) firstMarker = 0x80;
    offset += 2 + word(frame, offset + 2);
    if (code === START_OF_SCAN) offset = endOfScan(frame, offset, firstMarker);
  }
  return undefined;
}

/** Where the next marker stands that does not belong to the entropy-coded data. */
function endOfScan(frame: Uint8Array, start: number, firstMarker: number): number {
  for (let at = frame.indexOf(MARKER, start); at !== -1; at = frame.indexOf(MARKER, at + 1)) {
    const code = frame[at + 1] ?? 0;
    const isRestart = code >= 0xd0 && code <= 0xd7;
    if (code !== 0 && code !== MARKER && code >= firstMarker && !isRestart) return at;
  }
  return frame.length;
}

/** T.800 A.4: a main header, tile-parts that say how long they are, the end marker. */
function endOfJpeg2000(frame: Uint8Array): number | undefined {
  let offset = 2;
  while (offset + 1 < frame.length) {
    if (frame[offset] !== MARKER) return undefined;
    const code = frame[offset + 1];
    if (code === END) return offset + 2;
    if (code !== J2K_START_OF_TILE) {
      offset += 2 + word(frame, offset + 2);
      continue;
    }
    const at = offset + TILE_PART_LENGTH;
    const length = word(frame, at) * 0x1_0000 + word(frame, at + 2);
    // Of the last one the length may be left out: then it goes on to the end marker.
    if (length === 0) return endOfTilePart(frame, offset);
    offset += length;
  }
  return undefined;
}

/** In tile data no byte above 8F follows FF (T.800 B.10.1, D.4.1; T.814 7.1): the next such is the end. */
function endOfTilePart(frame: Uint8Array, start: number): number | undefined {
  let offset = start;
  while (offset + 3 < frame.length && frame[offset + 1] !== J2K_START_OF_DATA) {
    if (frame[offset] !== MARKER) return undefined;
    offset += 2 + word(frame, offset + 2);
  }
  for (let at = frame.indexOf(MARKER, offset + 2); at !== -1; at = frame.indexOf(MARKER, at + 1)) {
    if (frame[at + 1] === END) return at + 2;
  }
  return undefined;
}
