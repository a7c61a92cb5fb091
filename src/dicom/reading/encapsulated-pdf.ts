const PDF = Buffer.from('%PDF-');
/** (0042,0011) Encapsulated Document, little endian. */
const DOCUMENT_TAG = Buffer.of(0x42, 0x00, 0x11, 0x00);
/** From the tag to the value, with VR OB and without a VR. */
const HEADER_LENGTHS = [12, 8] as const;

/**
 * The value of Encapsulated Document (PS3.3 C.24.2) of a Part 10 file, which the reader of headers leaves out
 * as it is long; without the byte that makes its length even. Undefined where there is no PDF in it.
 */
export function encapsulatedPdf(file: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  for (let at = bytes.indexOf(PDF); at >= 0; at = bytes.indexOf(PDF, at + 1)) {
    const isValue = HEADER_LENGTHS.some((length) => {
      const tag = at - length;
      return tag >= 0 && bytes.subarray(tag, tag + DOCUMENT_TAG.length).equals(DOCUMENT_TAG);
    });
    if (!isValue) continue;
    const document = bytes.subarray(at, at + bytes.readUInt32LE(at - 4));
    return document.at(-1) === 0 ? document.subarray(0, -1) : document;
  }
  return undefined;
}
