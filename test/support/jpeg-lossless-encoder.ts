export interface GreyImage {
  readonly rows: number;
  readonly columns: number;
  /** Bits per sample, 2 to 16. */
  readonly precision: number;
  readonly samples: readonly number[];
}

/** All 17 categories of differences have codes of this many bits: short of optimal, but plain. */
const CODE_BITS = 5;

/**
 * Lossless JPEG (ITU-T T.81 annex H, process 14) with any of its seven predictors, written straight from the
 * standard, so that decoders are tested against something that shares no line with them.
 */
export function encodeJpegLossless(image: GreyImage, predictor: number): Uint8Array<ArrayBuffer> {
  const { rows, columns, precision } = image;
  const counts = Array.from({ length: 16 }, (_, i) => (i === CODE_BITS - 1 ? 17 : 0));
  const categories = Array.from({ length: 17 }, (_, i) => i);
  const huffmanTable = [0xff, 0xc4, ...word(2 + 1 + 16 + 17), 0, ...counts, ...categories];
  const frame = [0xff, 0xc3, ...word(11), precision, ...word(rows), ...word(columns), 1, 1, 0x11, 0];
  const scan = [0xff, 0xda, ...word(8), 1, 1, 0, predictor, 0, 0, ...entropyCoded(image, predictor)];
  return Uint8Array.from([0xff, 0xd8, ...huffmanTable, ...frame, ...scan, 0xff, 0xd9]);
}

function word(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}

function entropyCoded({ rows, columns, precision, samples }: GreyImage, predictor: number): number[] {
  let bits = '';
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const at = (dx: number, dy: number) => samples[(y - dy) * columns + x - dx] ?? 0;
      let predicted: number;
      if (x === 0 && y === 0) predicted = 2 ** (precision - 1);
      else if (y === 0) predicted = at(1, 0);
      else if (x === 0) predicted = at(0, 1);
      else predicted = predict(predictor, at(1, 0), at(0, 1), at(1, 1));
      // Differences are taken modulo 2^16 (H.1.2.1); -32768 cannot be told from 32768 and is coded as the
      // latter.
      const modulo = (((at(0, 0) - predicted) % 65_536) + 65_536) % 65_536;
      const difference = modulo > 32_768 ? modulo - 65_536 : modulo;
      bits += difference === 32_768 ? code(16) : coded(difference);
    }
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  const bytes = bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [];
  return bytes.flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte]));
}

/** Table H.1. */
function predict(predictor: number, left: number, above: number, aboveLeft: number): number {
  const predictions = [
    0,
    left,
    above,
    aboveLeft,
    left + above - aboveLeft,
    left + ((above - aboveLeft) >> 1),
    above + ((left - aboveLeft) >> 1),
    (left + above) >> 1,
  ];
  return predictions[predictor] ?? 0;
}

function coded(difference: number): string {
  const category = difference === 0 ? 0 : Math.abs(difference).toString(2).length;
  const extra = difference < 0 ? difference + 2 ** category - 1 : difference;
  return code(category) + (category === 0 ? '' : extra.toString(2).padStart(category, '0'));
}

function code(category: number): string {
  return category.toString(2).padStart(CODE_BITS, '0');
}
