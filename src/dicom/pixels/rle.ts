const HEADER_BYTES = 64;
const MAX_SEGMENTS = 15;

/**
 * Decodes one RLE frame (PS3.5 annex G) of one sample per pixel: byte planes, most significant first, each
 * packed by itself. Returns little endian samples. Throws an Error with the reason unless each plane is there
 * in full: codecs that fill up what is missing would give wrong voxels.
 */
export function decodeRle(
  frame: Uint8Array,
  pixels: number,
  bytesPerSample: number,
): Uint8Array<ArrayBuffer> {
  if (frame.length < HEADER_BYTES) throw new Error('the RLE header is not complete');
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const segments = view.getUint32(0, true);
  if (segments !== bytesPerSample || segments > MAX_SEGMENTS) {
    throw new Error(`the RLE header names ${segments} segments where ${bytesPerSample} are needed`);
  }
  const decoded = new Uint8Array(pixels * bytesPerSample);
  for (let segment = 0; segment < segments; segment += 1) {
    const start = view.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : frame.length;
    if (start < HEADER_BYTES || end > frame.length || end < start) {
      throw new Error(`RLE segment ${segment + 1} lies outside the frame`);
    }
    const plane = bytesPerSample - 1 - segment;
    const written = unpack(frame.subarray(start, end), decoded, plane, bytesPerSample);
    if (written < pixels) {
      throw new Error(`RLE segment ${segment + 1} ends after ${written} of ${pixels} pixels`);
    }
  }
  return decoded;
}

/** Unpacks one segment into every `stride`th byte from `first` on; returns how many it wrote. */
function unpack(packed: Uint8Array, target: Uint8Array, first: number, stride: number): number {
  const REPEATED = 129; // above 128: the next byte 257 - n times; 128 itself means nothing
  let input = 0;
  let output = first;
  while (input < packed.length && output < target.length) {
    const control = packed[input++] ?? 0;
    if (control < 128) {
      for (let i = 0; i <= control && input < packed.length && output < target.length; i += 1) {
        target[output] = packed[input++] ?? 0;
        output += stride;
      }
    } else if (control >= REPEATED && input < packed.length) {
      const value = packed[input++] ?? 0;
      for (let i = 0; i < 257 - control && output < target.length; i += 1) {
        target[output] = value;
        output += stride;
      }
    }
  }
  return (output - first) / stride;
}
