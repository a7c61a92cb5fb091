/** Transfer syntaxes that the reader treats by name (PS3.6 table A-1). */
export const TRANSFER_SYNTAX = {
  implicitLittleEndian: '1.2.840.10008.1.2',
  explicitLittleEndian: '1.2.840.10008.1.2.1',
  deflated: '1.2.840.10008.1.2.1.99',
  explicitBigEndian: '1.2.840.10008.1.2.2',
  jpegBaseline: '1.2.840.10008.1.2.4.50',
  jpegLossless: '1.2.840.10008.1.2.4.57',
  jpegLosslessSv1: '1.2.840.10008.1.2.4.70',
  jpegLsLossless: '1.2.840.10008.1.2.4.80',
  jpegLsNearLossless: '1.2.840.10008.1.2.4.81',
  jpeg2000Lossless: '1.2.840.10008.1.2.4.90',
  jpeg2000: '1.2.840.10008.1.2.4.91',
  rleLossless: '1.2.840.10008.1.2.5',
} as const;

const NAMES: Readonly<Record<string, string>> = {
  [TRANSFER_SYNTAX.implicitLittleEndian]: 'Implicit VR Little Endian',
  [TRANSFER_SYNTAX.explicitLittleEndian]: 'Explicit VR Little Endian',
  [TRANSFER_SYNTAX.deflated]: 'Deflated Explicit VR Little Endian',
  [TRANSFER_SYNTAX.explicitBigEndian]: 'Explicit VR Big Endian',
  [TRANSFER_SYNTAX.jpegBaseline]: 'JPEG Baseline (Process 1)',
  '1.2.840.10008.1.2.4.51': 'JPEG Extended (Process 2 & 4)',
  '1.2.840.10008.1.2.4.53': 'JPEG Spectral Selection (Process 6 & 8)',
  '1.2.840.10008.1.2.4.55': 'JPEG Full Progression (Process 10 & 12)',
  [TRANSFER_SYNTAX.jpegLossless]: 'JPEG Lossless (Process 14)',
  [TRANSFER_SYNTAX.jpegLosslessSv1]: 'JPEG Lossless SV1 (Process 14)',
  [TRANSFER_SYNTAX.jpegLsLossless]: 'JPEG-LS Lossless',
  [TRANSFER_SYNTAX.jpegLsNearLossless]: 'JPEG-LS Near-Lossless',
  [TRANSFER_SYNTAX.jpeg2000Lossless]: 'JPEG 2000 Lossless',
  [TRANSFER_SYNTAX.jpeg2000]: 'JPEG 2000',
  '1.2.840.10008.1.2.4.100': 'MPEG2 Main Profile',
  '1.2.840.10008.1.2.4.102': 'MPEG-4 AVC/H.264 High Profile',
  '1.2.840.10008.1.2.4.201': 'HTJ2K Lossless',
  '1.2.840.10008.1.2.4.202': 'HTJ2K Lossless RPCL',
  '1.2.840.10008.1.2.4.203': 'HTJ2K',
  [TRANSFER_SYNTAX.rleLossless]: 'RLE Lossless',
};

const NATIVE: ReadonlySet<string> = new Set([
  TRANSFER_SYNTAX.implicitLittleEndian,
  TRANSFER_SYNTAX.explicitLittleEndian,
  TRANSFER_SYNTAX.deflated,
  TRANSFER_SYNTAX.explicitBigEndian,
]);

/** Lossy whatever the header says; JPEG 2000 (91) may be either, there LossyImageCompression decides. */
const ALWAYS_LOSSY: ReadonlySet<string> = new Set([
  TRANSFER_SYNTAX.jpegBaseline,
  '1.2.840.10008.1.2.4.51',
  '1.2.840.10008.1.2.4.53',
  '1.2.840.10008.1.2.4.55',
  TRANSFER_SYNTAX.jpegLsNearLossless,
]);

/** Name and UID, for messages. */
export function transferSyntaxName(uid: string): string {
  const name = NAMES[uid];
  return name ? `${name} (${uid})` : uid;
}

/** Whether pixel data stands uncompressed in the data set, not in fragments. */
export function isNative(uid: string): boolean {
  return NATIVE.has(uid);
}

export function isAlwaysLossy(uid: string): boolean {
  return ALWAYS_LOSSY.has(uid);
}
