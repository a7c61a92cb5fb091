import { type DicomDataset, texts } from '../reading/dataset.ts';

/** What parts of one series may differ in: stacks, phases, echoes, Dixon parts, b-values, reconstructions. */
const DISTINGUISHING = [
  'StackID',
  'TemporalPositionIndex',
  'TemporalPositionIdentifier',
  'AcquisitionNumber',
  'ImageType',
  'FrameType',
  'ComplexImageComponent',
  'EffectiveEchoTime',
  'EchoTime',
  'InversionTime',
  'FlipAngle',
  'DiffusionBValue',
  'TriggerTime',
  'NominalCardiacTriggerDelayTime',
  'ConvolutionKernel',
  'AcquisitionTime',
] as const;

/** How many attributes, and values of each, a message names. */
const MOST = 4;

/**
 * What tells parts of a series apart, in words; empty where nothing does. A value that a single image has
 * tells no part: numbers and times may well run on from slice to slice.
 */
export function describeDistinctions(frames: readonly { readonly attributes: DicomDataset }[]): string {
  return DISTINGUISHING.flatMap((keyword) => {
    const kinds = Map.groupBy(frames, ({ attributes }) => texts(attributes, keyword).join('\\') || 'none');
    const counts = [...kinds].map(([value, images]) => [value, images.length] as const);
    if (counts.length < 2 || counts.some(([, images]) => images < 2)) return [];
    const examples = counts.slice(0, MOST).map(([value, images]) => `${value}: ${images}`);
    return [`${keyword} (${examples.join(', ')}${counts.length > MOST ? ', ...' : ''})`];
  })
    .slice(0, MOST)
    .join(', ');
}
