/** Transfer syntaxes that the reader treats by name (PS3.6 table A-1). */
export const TRANSFER_SYNTAX = {
  implicitLittleEndian: '1.2.840.10008.1.2',
  explicitLittleEndian: '1.2.840.10008.1.2.1',
  deflated: '1.2.840.10008.1.2.1.99',
  explicitBigEndian: '1.2.840.10008.1.2.2',
  jpegBaseline: '1.2.840.10008.1.2.4.50',
  jpegExtended: '1.2.840.10008.1.2.4.51',
  jpegSpectralSelection: '1.2.840.10008.1.2.4.53', // retired, as is the next
  jpegFullProgression: '1.2.840.10008.1.2.4.55',
  jpegLossless: '1.2.840.10008.1.2.4.57',
  jpegLosslessSv1: '1.2.840.10008.1.2.4.70',
  jpegLsLossless: '1.2.840.10008.1.2.4.80',
  jpegLsNearLossless: '1.2.840.10008.1.2.4.81',
  jpeg2000Lossless: '1.2.840.10008.1.2.4.90',
  jpeg2000: '1.2.840.10008.1.2.4.91',
  htj2kLossless: '1.2.840.10008.1.2.4.201',
  htj2kLosslessRpcl: '1.2.840.10008.1.2.4.202',
  htj2k: '1.2.840.10008.1.2.4.203',
  rleLossless: '1.2.840.10008.1.2.5',
} as const;

const NAMES: Readonly<Record<string, string>> = {
  [TRANSFER_SYNTAX.implicitLittleEndian]: 'Implicit VR Little Endian',
  [TRANSFER_SYNTAX.explicitLittleEndian]: 'Explicit VR Little Endian',
  [TRANSFER_SYNTAX.deflated]: 'Deflated Explicit VR Little Endian',
  [TRANSFER_SYNTAX.explicitBigEndian]: 'Explicit VR Big Endian',
  [TRANSFER_SYNTAX.jpegBaseline]: 'JPEG Baseline (Process 1)',
  [TRANSFER_SYNTAX.jpegExtended]: 'JPEG Extended (Process 2 & 4)',
  [TRANSFER_SYNTAX.jpegSpectralSelection]: 'JPEG Spectral Selection (Process 6 & 8)',
  [TRANSFER_SYNTAX.jpegFullProgression]: 'JPEG Full Progression (Process 10 & 12)',
  [TRANSFER_SYNTAX.jpegLossless]: 'JPEG Lossless (Process 14)',
  [TRANSFER_SYNTAX.jpegLosslessSv1]: 'JPEG Lossless SV1 (Process 14)',
  [TRANSFER_SYNTAX.jpegLsLossless]: 'JPEG-LS Lossless',
  [TRANSFER_SYNTAX.jpegLsNearLossless]: 'JPEG-LS Near-Lossless',
  [TRANSFER_SYNTAX.jpeg2000Lossless]: 'JPEG 2000 Lossless',
  [TRANSFER_SYNTAX.jpeg2000]: 'JPEG 2000',
  '1.2.840.10008.1.2.1.98': 'Encapsulated Uncompressed Explicit VR Little Endian',
  '1.2.840.10008.1.2.4.52': 'JPEG Extended (Process 3 & 5)',
  '1.2.840.10008.1.2.4.54': 'JPEG Spectral Selection (Process 7 & 9)',
  '1.2.840.10008.1.2.4.56': 'JPEG Full Progression (Process 11 & 13)',
  '1.2.840.10008.1.2.4.58': 'JPEG Lossless (Process 15)',
  '1.2.840.10008.1.2.4.92': 'JPEG 2000 Part 2 Lossless',
  '1.2.840.10008.1.2.4.93': 'JPEG 2000 Part 2',
  '1.2.840.10008.1.2.4.94': 'JPIP Referenced',
  '1.2.840.10008.1.2.4.95': 'JPIP Referenced Deflate',
  '1.2.840.10008.1.2.4.100': 'MPEG2 Main Profile',
  '1.2.840.10008.1.2.4.102': 'MPEG-4 AVC/H.264 High Profile',
  '1.2.840.10008.1.2.4.110': 'JPEG XL Lossless',
  '1.2.840.10008.1.2.4.111': 'JPEG XL JPEG Recompression',
  '1.2.840.10008.1.2.4.112': 'JPEG XL',
  [TRANSFER_SYNTAX.htj2kLossless]: 'HTJ2K Lossless',
  [TRANSFER_SYNTAX.htj2kLosslessRpcl]: 'HTJ2K Lossless RPCL',
  [TRANSFER_SYNTAX.htj2k]: 'HTJ2K',
  [TRANSFER_SYNTAX.rleLossless]: 'RLE Lossless',
};

const NATIVE: ReadonlySet<string> = new Set([
  TRANSFER_SYNTAX.implicitLittleEndian,
  TRANSFER_SYNTAX.explicitLittleEndian,
  TRANSFER_SYNTAX.deflated,
  TRANSFER_SYNTAX.explicitBigEndian,
]);

/**
 * Lossy whatever the header says. JPEG 2000 (91) and HTJ2K (203) may be either: there LossyImageCompression
 * decides.
 */
const ALWAYS_LOSSY: ReadonlySet<string> = new Set([
  TRANSFER_SYNTAX.jpegBaseline,
  TRANSFER_SYNTAX.jpegExtended,
  TRANSFER_SYNTAX.jpegSpectralSelection,
  TRANSFER_SYNTAX.jpegFullProgression,
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
