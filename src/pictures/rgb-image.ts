import type { Canvas } from '@napi-rs/canvas';

/** Red, green, blue of each pixel, row by row; padded to an even number of bytes (PS3.5 8.1.1). */
export interface RgbImage {
  readonly rows: number;
  readonly columns: number;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** What is on a canvas; it must have been painted over completely. */
export function rgbImage(canvas: Canvas): RgbImage {
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const length = width * height * 3;
  const pixels = new Uint8Array(length + (length % 2));
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    pixels[to] = data[from] ?? 0;
    pixels[to + 1] = data[from + 1] ?? 0;
    pixels[to + 2] = data[from + 2] ?? 0;
  }
  return { rows: height, columns: width, pixels };
}
