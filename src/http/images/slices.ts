import {
  length,
  orientationLetters,
  scaled,
  VIEW_NAMES,
  type ViewName,
  viewAt,
} from '../../pictures/views.ts';
import type { LoadedImages } from './load-images.ts';

/** What a page needs to know of the images before it asks for slices. */
export interface ImageDescription {
  readonly slope: number;
  readonly intercept: number;
  readonly windows: readonly { readonly label: string; readonly low: number; readonly high: number }[];
  readonly views: readonly ViewDescription[];
}

export interface ViewDescription {
  readonly name: ViewName;
  readonly width: number;
  readonly height: number;
  /** How many planes there are, and the one to show first. */
  readonly count: number;
  readonly start: number;
  /** Size of a pixel. */
  readonly mmPerColumn: number;
  readonly mmPerRow: number;
  /** The patient's direction at each edge (PS3.3 C.7.6.1.1.1). */
  readonly letters: {
    readonly left: string;
    readonly right: string;
    readonly top: string;
    readonly bottom: string;
  };
  /**
   * Grid axes (0 is x): along the columns, along the rows, across the planes; reversed where indices fall.
   */
  readonly columnAxis: number;
  readonly columnReversed: boolean;
  readonly rowAxis: number;
  readonly rowReversed: boolean;
  readonly planeAxis: number;
  /** Planes in which the pancreas is: first and last; null where nothing was found. */
  readonly organ: { readonly first: number; readonly last: number } | null;
}

export function describeImages(images: LoadedImages): ImageDescription {
  const { slope, intercept, windows, size } = images;
  return {
    slope,
    intercept,
    windows: windows.map(({ label, low, high }) => ({ label, low, high })),
    views: VIEW_NAMES.map((name) => {
      const view = viewAt(name, images.planes, size, images.affine);
      const { right, down, width, height, normal } = view;
      return {
        name,
        width,
        height,
        count: size[normal],
        start: images.planes[normal],
        mmPerColumn: length(right),
        mmPerRow: length(down),
        letters: {
          left: orientationLetters(scaled(right, -1)),
          right: orientationLetters(right),
          top: orientationLetters(scaled(down, -1)),
          bottom: orientationLetters(down),
        },
        columnAxis: axisOf(view.rightStep, size),
        columnReversed: view.rightStep < 0,
        rowAxis: axisOf(view.downStep, size),
        rowReversed: view.downStep < 0,
        planeAxis: normal,
        organ: images.extents?.[normal] ?? null,
      };
    }),
  };
}

/** Which axis of the grid a step in the voxels runs along. */
function axisOf(step: number, [nx, ny]: LoadedImages['size']): number {
  const stride = Math.abs(step);
  // In a grid of one column the strides are the same, and so is what lies there.
  return stride === nx * ny ? 2 : stride === nx ? 1 : 0;
}

/**
 * One plane: the stored values of its pixels as 16-bit little endian, row by row from the upper left corner,
 * then the mask of the same pixels, one bit each, the least significant first. Undefined where there is no
 * such plane.
 */
export function sliceBytes(
  images: LoadedImages,
  name: ViewName,
  plane: number,
): Buffer<ArrayBuffer> | undefined {
  const { size, affine, stored, mask } = images;
  const [x, y, z] = images.planes;
  const { normal } = viewAt(name, [x, y, z], size, affine);
  if (plane < 0 || plane >= size[normal]) return undefined;
  const planes = [x, y, z].map((at, axis) => (axis === normal ? plane : at));
  const view = viewAt(name, [planes[0] ?? 0, planes[1] ?? 0, planes[2] ?? 0], size, affine);
  const { width, height, first, rightStep, downStep } = view;
  const pixels = width * height;
  const bytes = Buffer.alloc(2 * pixels + Math.ceil(pixels / 8));
  for (let row = 0, pixel = 0; row < height; row++) {
    for (let column = 0; column < width; column++, pixel++) {
      const voxel = first + column * rightStep + row * downStep;
      bytes.writeInt16LE(stored[voxel] ?? 0, 2 * pixel);
      if (mask[voxel]) {
        const at = 2 * pixels + (pixel >> 3);
        bytes[at] = (bytes[at] ?? 0) | (1 << (pixel & 7));
      }
    }
  }
  return bytes;
}
