import type { SeriesVolume } from '../dicom/geometry/series-volume.ts';
import { text } from '../dicom/reading/dataset.ts';
import type { ViewPicture } from './draw-view.ts';
import { pixelPoint, type View, type ViewName } from './views.ts';

/** The patient's axis that a view looks along, and the letters of its two senses. */
const LOOKS_ALONG: Readonly<Record<ViewName, { axis: 0 | 1 | 2; letters: readonly [string, string] }>> = {
  axial: { axis: 2, letters: ['H', 'F'] },
  coronal: { axis: 1, letters: ['P', 'A'] },
  sagittal: { axis: 0, letters: ['L', 'R'] },
};

/** The grid axis on which the series' images follow each other. */
const ACROSS_IMAGES = 2;

/**
 * Which plane a view shows and where it lies: the source image where the view is one, and the patient
 * coordinate along the view's axis in the middle of the organ.
 */
export function sliceLabel({ view, border }: ViewPicture, series: SeriesVolume): string {
  const { axis, letters } = LOOKS_ALONG[view.name];
  const middle = (values: readonly number[]): number => (Math.min(...values) + Math.max(...values)) / 2;
  const i = middle(border.flatMap(({ from, to }) => [from[0], to[0]])) - 0.5;
  const j = middle(border.flatMap(({ from, to }) => [from[1], to[1]])) - 0.5;
  const position = pixelPoint(view, i, j)[axis] ?? 0;
  return (
    `${imageLabel(view, series)}, ${position >= 0 ? letters[0] : letters[1]} ` +
    `${Math.abs(position).toFixed(1)} mm`
  );
}

function imageLabel({ normal, plane }: View, { slices }: SeriesVolume): string {
  const slice = slices[plane];
  if (normal !== ACROSS_IMAGES || !slice) return 'Reformatted';
  const image = text(slice.dataset, 'InstanceNumber');
  const name = image === undefined ? 'Image' : `Image ${image}`;
  const frame = slice.frameNumber === undefined ? '' : ` frame ${slice.frameNumber}`;
  return `${name}${frame} (${plane + 1} of ${slices.length})`;
}
