import { type DicomDataset, number, numbers, text, texts } from '../reading/dataset.ts';
import { concatenationProblem } from './concatenation.ts';
import { modalityOf } from './image-checks.ts';
import type { ImageFrame } from './image-frame.ts';
import { firstDifference } from './one-kind.ts';
import { pieceProblem } from './part-of-whole.ts';
import { type StackPart, splitStack } from './split-stack.ts';

/** Images of a series that make one volume, if any do. */
export interface SeriesPart {
  /**
   * What tells it from the other parts, such as `axial, EchoTime 4.76`; left out where the series is one
   * part.
   */
  readonly name?: string;
  readonly frames: readonly ImageFrame[];
  /** Why these images are no volume, or only a piece of one, whatever they show. */
  readonly problem?: string;
  /**
   * What these images, with others of another kind, were called before kinds were told apart (empty: they
   * were the whole series): the name under which older results stand.
   */
  readonly formerName?: string;
}

/** Names one image within its series, the same from metadata and from the retrieved instance. */
export function imageKey({ attributes, index }: Pick<ImageFrame, 'attributes' | 'index'>): string {
  return `${text(attributes, 'SOPInstanceUID') ?? ''}#${index}`;
}

/**
 * The volumes that a series holds: orientations, matrices and localizers first, then phases, echoes, Dixon
 * parts, b-values or whatever tells images at one place apart; then images of another kind, wherever they
 * are, so that each part is of one kind. Needs headers alone. Every image is in one part; the parts and their
 * names do not depend on the order of the images. Names enter UIDs and the keys of the history: parts that an
 * older version made, and that are of one kind, keep theirs.
 * @param frames as `imageFrames` gives them, of all instances of the series
 */
export function splitSeries(frames: readonly ImageFrame[]): SeriesPart[] {
  const stacks = stacksOf(frames);
  const stackWords = stackNames(stacks);
  const byPlace = stacks.flatMap((stack, i) =>
    splitStack(stack).map(({ names: own, ...part }) => ({
      ...part,
      names: [...(stackWords[i] ?? []), ...own],
    })),
  );
  const parts = byPlace.flatMap((part) => {
    const pieces = byKind(part);
    const formerName = byPlace.length === 1 ? '' : part.names.join(', ');
    return pieces.length === 1 ? pieces : pieces.map((piece) => ({ ...piece, formerName }));
  });
  const headers = [...new Set(frames.map(({ instance }) => instance.dataset))];
  const incomplete = concatenationProblem(headers) ?? cutProblem(headers);
  const named = parts.map(({ names, ...part }) => ({ ...part, name: names.join(', ') }));
  return named.map(({ name, ...part }) => {
    const problem =
      part.problem ?? incomplete ?? (parts.length > 1 ? pieceOf({ ...part, name }, named) : undefined);
    return {
      ...(parts.length === 1 ? {} : { name }),
      ...part,
      ...(problem === undefined ? {} : { problem }),
    };
  });
}

/** Among images with rows and columns, one without them has lost the rest of its header, and its pixels. */
function cutProblem(headers: readonly DicomDataset[]): string | undefined {
  const images = headers.filter((header) => modalityOf(header) !== undefined);
  const cut = images.filter((header) => text(header, 'Rows') === undefined);
  if (cut.length === 0 || cut.length === images.length) return undefined;
  const named = text(cut[0] ?? {}, 'SOPInstanceUID') ?? 'without UID';
  return `${cut.length} of its images (such as ${named}) have no Rows: their headers are cut off`;
}

/** A part whose images are of several kinds, kind by kind. */
function byKind(part: StackPart): StackPart[] {
  const groups = firstDifference(part.frames);
  if (groups.length < 2) return [part];
  return groups.flatMap(({ name, images }) =>
    splitStack(images)
      .flatMap(byKind)
      .map((own) => ({ ...own, names: [...part.names, name, ...own.names] })),
  );
}

type NamedPart = SeriesPart & { readonly name: string };

/** As `pieceProblem`, among the parts that look in the same direction and are no localizers. */
function pieceOf(part: NamedPart, parts: readonly NamedPart[]): string | undefined {
  const [first] = part.frames;
  if (!first || isLocalizer(first.attributes)) return undefined;
  const beside = parts.filter(({ frames: [other] }) => {
    if (!other || other === first || isLocalizer(other.attributes)) return false;
    return sameDirection(other, first);
  });
  return pieceProblem(part, beside);
}

/**
 * Direction cosines that differ less are rounded differently: 0.001 is 0.25 mm at the edge of a 500 mm image.
 */
const DIRECTION_TOLERANCE = 1e-3;
/** Pixel spacings that differ less, relatively, are rounded differently. */
const SPACING_TOLERANCE = 1e-3;

/**
 * Images that could stand in one stack: same size, spacing, direction and coordinates; localizers by
 * themselves.
 */
function stacksOf(frames: readonly ImageFrame[]): ImageFrame[][] {
  const stacks: ImageFrame[][] = [];
  for (const frame of frames) {
    const stack = stacks.find(([first]) => first && couldStack(first, frame));
    if (stack) stack.push(frame);
    else stacks.push([frame]);
  }
  return stacks;
}

function couldStack(frameA: ImageFrame, frameB: ImageFrame): boolean {
  const [a, b] = [frameA.attributes, frameB.attributes];
  const equal = ['Rows', 'Columns', 'FrameOfReferenceUID', 'SOPClassUID'].every(
    (keyword) => text(a, keyword) === text(b, keyword),
  );
  return (
    equal &&
    isLocalizer(a) === isLocalizer(b) &&
    sameDirection(frameA, frameB) &&
    close(
      numbers(a, 'PixelSpacing'),
      numbers(b, 'PixelSpacing'),
      SPACING_TOLERANCE * (number(a, 'PixelSpacing') ?? 1),
    )
  );
}

const sameDirection = ({ attributes: a }: ImageFrame, { attributes: b }: ImageFrame): boolean =>
  close(numbers(a, 'ImageOrientationPatient'), numbers(b, 'ImageOrientationPatient'), DIRECTION_TOLERANCE);

const isLocalizer = (attributes: ImageFrame['attributes']): boolean =>
  texts(attributes, 'ImageType').some((value) => /LOCALIZER|SCOUT/i.test(value));

const close = (a: readonly number[], b: readonly number[], tolerance: number): boolean =>
  a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] ?? 0)) <= tolerance);

/** What each stack differs in from any other, in words. */
function stackNames(stacks: readonly ImageFrame[][]): string[][] {
  const described = stacks.map(([first]) => (first ? descriptions(first) : []));
  const differing = (described[0] ?? []).map((_, i) => new Set(described.map((words) => words[i])).size > 1);
  const short = described.map((words) => words.filter((_, i) => differing[i] && i < EXACT));
  const unique = new Set(short.map((words) => words.join())).size === short.length;
  return unique ? short : described.map((words) => words.filter((_, i) => differing[i]));
}

/** Index of the first long description: these are used only where the short ones do not tell parts apart. */
const EXACT = 3;

function descriptions({ attributes }: ImageFrame): string[] {
  const cosines = texts(attributes, 'ImageOrientationPatient');
  return [
    isLocalizer(attributes) ? 'localizer' : 'no localizer',
    directionName(numbers(attributes, 'ImageOrientationPatient')),
    `${text(attributes, 'Columns')} x ${text(attributes, 'Rows')}`,
    `PixelSpacing ${texts(attributes, 'PixelSpacing').join('\\') || 'none'}`,
    `ImageOrientationPatient ${cosines.join('\\') || 'none'}`,
    `FrameOfReferenceUID ${text(attributes, 'FrameOfReferenceUID') ?? 'none'}`,
    `SOPClassUID ${text(attributes, 'SOPClassUID') ?? 'none'}`,
  ];
}

/** The patient axis nearest to the normal of the plane (PS3.3 C.7.6.2.1.1). */
function directionName(cosines: readonly number[]): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = cosines;
  if (cosines.length !== 6) return 'without orientation';
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d].map(Math.abs);
  return ['sagittal', 'coronal', 'axial'][normal.indexOf(Math.max(...normal))] ?? '';
}
