import { z } from 'zod';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';

/** The only class beside the background. */
const PANCREAS = 1;

/** Classes by number; a list of classes is taken as one region. */
const schema = z.object({
  for_which_classes: z.array(z.union([z.int(), z.array(z.int())])).nullable(),
  // Python's text of a dict of sizes per class, or of None.
  min_valid_object_sizes: z.string().nullish(),
});

/**
 * Whether postprocessing.json keeps only the largest component. Without classes (null) nnU-Net takes all that
 * are there.
 *
 * @throws {SegmentationError} PLANS_INVALID: it can't be read, or asks for something else
 */
export function readPostprocessing(
  bytes: Uint8Array,
  file: string,
): { readonly keepLargestComponent: boolean } {
  const wrong = (message: string, cause?: unknown) =>
    new SegmentationError('PLANS_INVALID', `${file}: ${message}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw wrong('expected JSON', cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw wrong(`not what nnU-Net v1 writes:\n${z.prettifyError(parsed.error)}`);
  const { for_which_classes: classes, min_valid_object_sizes: sizes } = parsed.data;
  const other = classes?.flat().find((label) => label !== PANCREAS);
  if (other !== undefined)
    throw wrong(`for_which_classes names class ${other}; the network has only class ${PANCREAS}`);
  const keepLargestComponent = classes === null || classes.flat().length > 0;
  if (keepLargestComponent && sizes && !/^\s*(None|\{\s*\})\s*$/.test(sizes))
    throw wrong(
      `min_valid_object_sizes is ${sizes.slice(0, 80)}: keeping further components by their size is not ` +
        'supported; expected None, as nnU-Net writes it without advanced postprocessing',
    );
  return { keepLargestComponent };
}
