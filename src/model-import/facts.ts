import type { ModelInfo } from '../segmentation/model/model-info.ts';
import type { Fact, FoundFold, TrainedModel } from './trained-model.ts';

export interface Understood {
  /** Of the data set or task. */
  readonly training: string | undefined;
  /** Of nnU-Net. */
  readonly version: 1 | 2;
  readonly trainer: string;
  readonly plans: string | undefined;
  readonly configuration: string;
  readonly checkpoint: string;
  readonly folds: readonly FoundFold[];
  readonly modality: string;
  /** Where it comes from; undefined: there is none. */
  readonly postprocessing: string | undefined;
  readonly settings: TrainedModel['settings'];
  /** What only one of the versions has. */
  readonly more?: readonly Fact[];
}

/** What was understood, in an order in which a person can compare it with the training's own words. */
export function factsOf({ settings, more = [], ...understood }: Understood): Fact[] {
  const { training, version, trainer, plans, configuration, checkpoint, folds, modality } = understood;
  return [
    ['training', `${training ?? 'without a name'}, by nnU-Net v${version}`],
    ['trainer', trainer],
    ['plans', `${plans ?? 'without a name'}, ${configuration}`],
    ['folds', `${folds.map(({ folder }) => folder).join(', ')} (${checkpoint})`],
    ['images', modality],
    ['axes', axesWords(settings)],
    ['spacing', `${settings.spacing.join(' x ')} mm`],
    ['patch', `${settings.patchSize.join(' x ')} voxels`],
    ['intensities', intensityWords(settings.normalization)],
    ...more,
    ['mirroring', mirrorWords(settings.inference.mirrorAxes)],
    [
      'postprocessing',
      (settings.postprocessing.keepLargestComponent ? 'keeps the largest component' : 'none') +
        (understood.postprocessing ? ` (${understood.postprocessing})` : ''),
    ],
  ];
}

function axesWords({ orientation, transposeForward }: TrainedModel['settings']): string {
  const turned = orientation === 'as-stored' ? 'as the file has them' : `turned to ${orientation} first`;
  const order = transposeForward.map((axis) => ['z', 'y', 'x'][axis]).join(', ');
  return `${order}, ${turned}`;
}

function intensityWords(normalization: ModelInfo['normalization']): string {
  if (normalization.scheme === 'zscore')
    return `z-score of ${normalization.useMaskForNorm ? "what isn't zero" : 'the image'}`;
  const { percentile_00_5: low, percentile_99_5: high, mean, sd } = normalization;
  return `CT, clipped to ${short(low)} and ${short(high)}, mean ${short(mean)}, sd ${short(sd)}`;
}

const short = (value: number): string => String(Number(value.toPrecision(7)));

const mirrorWords = (axes: readonly number[]): string =>
  axes.length === 0 ? 'none' : `along axes ${axes.join(', ')} of the network's`;
